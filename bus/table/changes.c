#include "bus/table/changes.h"

#include <assert.h>
#include <stdlib.h>

#define NUMBER_BYTES sizeof(uint32_t)

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
    if (gone->len >= CHANGES_GONE_BYTES_MAX ||
        !buffer_try_grow(gone, 2 * NUMBER_BYTES + client.len))
        return false;
    memcpy(gone->data + gone->len, &slot, NUMBER_BYTES);
    memcpy(gone->data + gone->len + NUMBER_BYTES, &bytes, NUMBER_BYTES);
    memcpy(gone->data + gone->len + 2 * NUMBER_BYTES, client.data, client.len);
    gone->len += 2 * NUMBER_BYTES + client.len;
    changes_note(changes, slot, false);
    return true;
}

bool changes_next_gone(const struct changes *changes, size_t *at, uint32_t *slot,
                       struct span *client)
{
    uint32_t bytes;
    if (*at == changes->gone.len)
        return false;
    const char *next = changes->gone.data + *at;
    memcpy(slot, next, NUMBER_BYTES);
    memcpy(&bytes, next + NUMBER_BYTES, NUMBER_BYTES);
    *client = (struct span){next + 2 * NUMBER_BYTES, bytes};
    *at += 2 * NUMBER_BYTES + bytes;
    return true;
}

void changes_free_gone(struct changes *changes)
{
    changes->gone.len = 0;
}
