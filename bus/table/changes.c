#include "bus/table/changes.h"

#include <assert.h>
#include <stdlib.h>

#define POSITION_BYTES sizeof(uint64_t)
#define NUMBER_BYTES   sizeof(uint32_t)
#define HEAD_BYTES     (POSITION_BYTES + 2 * NUMBER_BYTES)

bool changes_init(struct changes *changes, uint32_t slots_max)
{
    assert(slots_max > 0 && (slots_max & (slots_max - 1)) == 0);
    *changes = (struct changes){.slots = calloc(slots_max, sizeof *changes->slots),
                                .slots_max = slots_max};
    return changes->slots != NULL;
}

void changes_free(struct changes *changes)
{
    free(changes->slots);
    buffer_free(&changes->gone);
    *changes = (struct changes){0};
}

bool changes_note_gone(struct changes *changes, uint32_t slot, struct span client)
{
    struct buffer *gone = &changes->gone;
    uint32_t bytes = (uint32_t)client.len;
    if (gone->len >= CHANGES_GONE_BYTES_MAX || !buffer_try_grow(gone, HEAD_BYTES + client.len))
        return false;
    char *to = gone->data + gone->len;
    memcpy(to, &changes->end, POSITION_BYTES);
    memcpy(to + POSITION_BYTES, &slot, NUMBER_BYTES);
    memcpy(to + POSITION_BYTES + NUMBER_BYTES, &bytes, NUMBER_BYTES);
    memcpy(to + HEAD_BYTES, client.data, client.len);
    gone->len += HEAD_BYTES + client.len;
    changes_note(changes, slot, false);
    return true;
}

bool changes_next_gone(const struct changes *changes, size_t *at, struct changes_gone *gone)
{
    uint32_t bytes;
    if (*at == changes->gone.len)
        return false;
    const char *next = changes->gone.data + *at;
    memcpy(&gone->position, next, POSITION_BYTES);
    memcpy(&gone->slot, next + POSITION_BYTES, NUMBER_BYTES);
    memcpy(&bytes, next + POSITION_BYTES + NUMBER_BYTES, NUMBER_BYTES);
    gone->client = (struct span){next + HEAD_BYTES, bytes};
    *at += HEAD_BYTES + bytes;
    return true;
}

void changes_free_gone(struct changes *changes)
{
    changes->gone.len = 0;
}
