#include "bus/table/names.h"

#include <sodium/crypto_shorthash.h>
#include <stdlib.h>

#include "bus/base/token.h"
#include "bus/table/location.h"

/* At most half full. Its pages are touched as names come, so its size costs a small herd nothing
 * and it never has to grow. */
#define INDEX_ENTRIES (2u * 65536u)
#define ROOM_MIN      16

static_assert(crypto_shorthash_KEYBYTES == 16, "a key is 16 bytes");

void names_init(struct names *names, const uint8_t key[16])
{
    *names = (struct names){.index = bytes_zeroed(INDEX_ENTRIES * sizeof *names->index)};
    memcpy(names->key, key, sizeof names->key);
}

void names_free(struct names *names)
{
    free(names->all);
    free(names->index);
    *names = (struct names){0};
}

/* Where the name stands in the index, or the empty place where it belongs. */
static uint16_t *find(const struct names *names, struct span name)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)name.data, name.len,
                     names->key);
    uint32_t at = (uint32_t)hash % INDEX_ENTRIES;
    while (names->index[at] != 0 &&
           !span_equals(names_get(names, (uint16_t)(names->index[at] - 1)), name))
        at = (at + 1) % INDEX_ENTRIES;
    return &names->index[at];
}

static uint16_t put(struct names *names, struct span name)
{
    uint16_t *place = find(names, name);
    if (*place != 0)
        return (uint16_t)(*place - 1);
    if (names->count == NAMES_MAX)
        return NAMES_NONE;
    if (names->count == names->room) {
        names->room = names->room == 0 ? ROOM_MIN : 2 * names->room;
        names->all = bytes_resize(names->all, names->room * sizeof *names->all);
    }
    struct name *added = &names->all[names->count++];
    added->hash = location_hash_origin(name);
    added->bytes = (uint8_t)name.len;
    memcpy(added->text, name.data, name.len);
    *place = (uint16_t)names->count;
    return (uint16_t)(names->count - 1);
}

/* Many in a row are the same. */
uint16_t names_put(struct names *names, struct span name)
{
    assert(name.len > 0 && name.len <= NAMES_BYTES_MAX);
    if (names->count > 0 && token_equals(names_get(names, names->last), name))
        return names->last;
    uint16_t number = put(names, name);
    if (number != NAMES_NONE)
        names->last = number;
    return number;
}
