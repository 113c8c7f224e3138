#include "gateway/text/read_batch.h"

#include <assert.h>

char *read_batch_room(struct read_batch *batch)
{
    assert(batch->bytes + READ_BATCH_READ_BYTES <= sizeof batch->memory);
    return batch->memory + batch->bytes;
}

bool read_batch_add(struct read_batch *batch, struct client *client, size_t bytes)
{
    assert(batch->count < READ_BATCH_READS_MAX && bytes <= READ_BATCH_READ_BYTES);
    batch->all[batch->count++] = (struct read_batch_entry){client, read_batch_room(batch), bytes};
    batch->bytes += bytes;
    return batch->count == READ_BATCH_READS_MAX || batch->bytes >= READ_BATCH_BYTES_AIM;
}

void read_batch_forget(struct read_batch *batch, const struct client *client)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->all[i].client == client)
            batch->all[i].client = NULL;
}

void read_batch_clear(struct read_batch *batch)
{
    batch->count = batch->bytes = 0;
}
