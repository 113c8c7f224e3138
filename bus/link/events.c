#include "bus/link/events.h"

#include <stdlib.h>

#include "bus/base/printable.h"

#define ROOM_MIN 16u

static struct link_event *at(const struct events *events, uint32_t place)
{
    return &events->all[(events->first + place) % events->room];
}

static bool grow(struct events *events)
{
    uint32_t room = events->room == 0 ? ROOM_MIN : 2 * events->room;
    struct link_event *all = room > EVENTS_MAX ? NULL : malloc(room * sizeof *all);
    if (all == NULL)
        return false;
    for (uint32_t i = 0; i < events->count; i++)
        all[i] = *at(events, i);
    free(events->all);
    *events = (struct events){.all = all, .count = events->count, .room = room};
    return true;
}

static void drop_oldest(struct events *events)
{
    events->first = (events->first + 1) % events->room;
    events->count--;
}

/* False where there is no memory for a single one. */
static bool make_room(struct events *events)
{
    if (events->count < events->room || grow(events))
        return true;
    if (events->room == 0)
        return false;
    drop_oldest(events);
    return true;
}

void events_push(struct events *events, const struct link_event *event)
{
    if (!make_room(events))
        return;
    struct link_event *added = at(events, events->count++);
    *added = *event;
    printable_make(added->reason);
}

bool events_pop(struct events *events, struct link_event *event)
{
    if (events->count == 0)
        return false;
    *event = *at(events, 0);
    drop_oldest(events);
    return true;
}

void events_free(struct events *events)
{
    free(events->all);
    *events = (struct events){0};
}
