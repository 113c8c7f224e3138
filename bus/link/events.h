/* events: what happened on the links, until somebody asks.
 *
 * A queue of fixed size; a burst beyond it loses the oldest, so it needs no reader. */
#ifndef ZHERD_BUS_LINK_EVENTS_H
#define ZHERD_BUS_LINK_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/flood.h"

/* One for each link that can come up in the same moment. */
#define EVENTS_MAX FLOOD_PEERS_MAX

/* All zero is an empty queue that holds no memory. */
struct events {
    struct flood_event *all;
    uint32_t first, count, room;
};

/* A copy of `event`, with a reason of printable bytes: it may hold a stranger's. */
void events_push(struct events *events, const struct flood_event *event);

/* The oldest, or false. */
bool events_pop(struct events *events, struct flood_event *event);

void events_free(struct events *events);

#endif
