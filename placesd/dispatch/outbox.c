#include "placesd/dispatch/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "placesd/dispatch/share.h"

/* The place of everybody else. */
#define OTHERS 0

/* Nobody's where nothing waits. */
struct place {
    size_t bytes;
    uint8_t name_bytes;
    char name[OUTBOX_NAME_BYTES_MAX];
};

struct outbox {
    size_t bytes_max, bytes;
    uint32_t used; /* places that were ever somebody's */
    struct place places[OUTBOX_PLACES_MAX];
};

struct outbox *outbox_new(size_t bytes_max)
{
    struct outbox *outbox = bytes_zeroed(sizeof *outbox);
    outbox->bytes_max = bytes_max;
    outbox->used = OTHERS + 1;
    return outbox;
}

void outbox_destroy(struct outbox **outbox)
{
    free(*outbox);
    *outbox = NULL;
}

static bool is_of(const struct place *place, struct span name)
{
    return place->bytes > 0 && span_equals((struct span){place->name, place->name_bytes}, name);
}

/* Its place, or the first that is nobody's, or that of everybody else. */
static uint32_t find(struct outbox *outbox, struct span name)
{
    uint32_t first = OTHERS;
    for (uint32_t i = OTHERS + 1; i < outbox->used; i++) {
        if (is_of(&outbox->places[i], name))
            return i;
        if (first == OTHERS && outbox->places[i].bytes == 0)
            first = i;
    }
    if (first == OTHERS && outbox->used < OUTBOX_PLACES_MAX)
        first = outbox->used++;
    return first;
}

enum outbox_verdict outbox_take(struct outbox *outbox, struct span name, size_t bytes,
                                uint32_t *place)
{
    assert(name.len <= OUTBOX_NAME_BYTES_MAX && bytes > 0);
    *place = find(outbox, name);
    struct place *its = &outbox->places[*place];
    if (!share_has_room(its->bytes, outbox->bytes, bytes, outbox->bytes_max))
        return OUTBOX_FULL;
    if (its->bytes == 0 && *place != OTHERS) {
        its->name_bytes = (uint8_t)name.len;
        if (name.len > 0)
            memcpy(its->name, name.data, name.len);
    }
    its->bytes += bytes;
    outbox->bytes += bytes;
    size_t may = (outbox->bytes_max - (outbox->bytes - its->bytes)) / 2;
    return its->bytes >= may / 100 * OUTBOX_NEARLY_PERCENT ? OUTBOX_NEARLY : OUTBOX_TAKEN;
}

void outbox_leave(struct outbox *outbox, uint32_t place, size_t bytes)
{
    assert(place < OUTBOX_PLACES_MAX && bytes <= outbox->places[place].bytes);
    outbox->places[place].bytes -= bytes;
    outbox->bytes -= bytes;
}

size_t outbox_bytes(const struct outbox *outbox)
{
    return outbox->bytes;
}
