#include "bus/table/names.h"

#include <stdlib.h>

#include "bus/base/siphash.h"
#include "bus/base/token.h"
#include "bus/table/location.h"

/* At most half full. Its pages are touched as names come, so its size costs a small herd nothing
 * and it never has to grow. */
#define INDEX_ENTRIES (NAMES_INDEX_BYTES / sizeof(uint16_t))
#define ROOM_MIN      16

void names_init(struct names *names, const uint8_t key[16])
{
    *names = (struct names){.index = bytes_zeroed(NAMES_INDEX_BYTES)};
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
    uint32_t at = (uint32_t)siphash(name, names->key) % INDEX_ENTRIES;
    while (names->index[at] != 0 &&
           !span_equals(names_get(names, (uint16_t)(names->index[at] - 1)), name))
        at = (at + 1) % INDEX_ENTRIES;
    return &names->index[at];
}

/* Room for one more; false where the memory is refused. */
static bool make_room(struct names *names, struct allowance *allowance)
{
    if (names->count < names->room)
        return true;
    uint32_t room = names->room == 0 ? ROOM_MIN : 2 * names->room;
    struct name *all =
        allowance_resize(allowance, names->all, names->room * sizeof *all, room * sizeof *all);
    if (all == NULL)
        return false;
    names->all = all;
    names->room = room;
    return true;
}

/* The lowest free number, of which there is one. */
static uint16_t lowest_free(const struct names *names)
{
    uint16_t number = 0;
    while (names->all[number].bytes != 0)
        number++;
    return number;
}

static uint16_t put(struct names *names, struct span name, struct allowance *allowance)
{
    uint16_t *place = find(names, name);
    if (*place != 0)
        return (uint16_t)(*place - 1);
    bool is_free = names->free_count > 0;
    if (!is_free && (names->count == NAMES_MAX || !make_room(names, allowance)))
        return NAMES_NONE;
    uint16_t number = is_free ? lowest_free(names) : (uint16_t)names->count;
    names->free_count -= is_free;
    names->count += !is_free;
    struct name *added = &names->all[number];
    added->hash = location_hash_origin(name);
    added->owner = NAMES_OWNER_NOBODY;
    added->bytes = (uint8_t)name.len;
    memcpy(added->text, name.data, name.len);
    *place = (uint16_t)(number + 1);
    return number;
}

void names_own(struct names *names, uint16_t number, uint16_t owner)
{
    assert(number < names->count);
    if (names->all[number].owner != NAMES_OWNER_KEPT)
        names->all[number].owner = owner;
}

void names_disown(struct names *names, uint16_t owner)
{
    assert(owner != NAMES_OWNER_KEPT);
    for (uint32_t number = 0; number < names->count; number++)
        if (names->all[number].owner == owner)
            names->all[number].owner = NAMES_OWNER_NOBODY;
}

uint32_t names_count_of(const struct names *names, uint16_t owner)
{
    uint32_t count = 0;
    for (uint32_t number = 0; number < names->count; number++)
        count += names->all[number].bytes != 0 && names->all[number].owner == owner;
    return count;
}

/* Its place in the index becomes empty; what follows moves up, as far as its own place allows. */
static void leave_index(struct names *names, struct span name)
{
    uint32_t hole = (uint32_t)(find(names, name) - names->index);
    for (uint32_t at = (hole + 1) % INDEX_ENTRIES; names->index[at] != 0;
         at = (at + 1) % INDEX_ENTRIES) {
        struct span moved = names_get(names, (uint16_t)(names->index[at] - 1));
        uint32_t home = (uint32_t)siphash(moved, names->key) % INDEX_ENTRIES;
        if ((at - home) % INDEX_ENTRIES < (at - hole) % INDEX_ENTRIES)
            continue;
        names->index[hole] = names->index[at];
        hole = at;
    }
    names->index[hole] = 0;
}

void names_keep(struct names *names, const uint64_t *used)
{
    for (uint32_t number = 0; number < names->count; number++) {
        struct name *name = &names->all[number];
        bool is_used = (used[number / 64] >> number % 64 & 1) != 0;
        if (is_used || name->bytes == 0 || name->owner == NAMES_OWNER_KEPT)
            continue;
        leave_index(names, names_get(names, (uint16_t)number));
        *name = (struct name){0};
        names->free_count++;
    }
}

/* Many in a row are the same. */
static bool is_last(const struct names *names, struct span name)
{
    assert(name.len > 0 && name.len <= NAMES_BYTES_MAX);
    return names->count > 0 && token_equals(names_get(names, names->last), name);
}

static uint16_t keep_last(struct names *names, uint16_t number)
{
    if (number != NAMES_NONE)
        names->last = number;
    return number;
}

uint16_t names_put(struct names *names, struct span name, struct allowance *allowance)
{
    return is_last(names, name) ? names->last : keep_last(names, put(names, name, allowance));
}

uint16_t names_find(struct names *names, struct span name)
{
    if (is_last(names, name))
        return names->last;
    uint16_t place = *find(names, name);
    return keep_last(names, place == 0 ? NAMES_NONE : (uint16_t)(place - 1));
}
