#include "bus/link/events.h"

#include <stdlib.h>

#include "bus/base/bytes.h"

#define ROOM_MIN 16u

static struct link_event *at(const struct events *events, uint32_t place)
{
    return &events->all[(events->first + place) % events->room];
}

static void make_room(struct events *events)
{
    if (events->count < events->room)
        return;
    if (events->room == EVENTS_MAX) {
        events->first = (events->first + 1) % events->room;
        events->count--;
        return;
    }
    uint32_t room = events->room == 0 ? ROOM_MIN : 2 * events->room;
    struct link_event *all = bytes_resize(NULL, room * sizeof *all);
    for (uint32_t i = 0; i < events->count; i++)
        all[i] = *at(events, i);
    free(events->all);
    *events = (struct events){.all = all, .count = events->count, .room = room};
}

void events_push(struct events *events, const struct link_event *event)
{
    make_room(events);
    struct link_event *added = at(events, events->count++);
    *added = *event;
    for (char *byte = added->reason; *byte != '\0'; byte++)
        if (*byte < 0x20 || *byte > 0x7e)
            *byte = '?';
}

bool events_pop(struct events *events, struct link_event *event)
{
    if (events->count == 0)
        return false;
    *event = *at(events, 0);
    events->first = (events->first + 1) % events->room;
    events->count--;
    return true;
}

void events_free(struct events *events)
{
    free(events->all);
    *events = (struct events){0};
}
