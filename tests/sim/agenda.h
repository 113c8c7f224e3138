/* agenda: what is going to happen in a simulated world, soonest first.
 *
 * A binary heap over (time, order of arrival). It knows no clock; time is what its user says.
 *
 * Invariant: events of the same moment come out in the order in which they went in, so that a
 * run depends on nothing but its seed. */
#ifndef ZHERD_TESTS_SIM_AGENDA_H
#define ZHERD_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parcel;

struct event {
    int64_t time_us;
    uint64_t order;        /* set by agenda_push */
    uint32_t node;         /* whose turn it is, when there is no parcel */
    struct parcel *parcel; /* what arrives; owned by whoever holds the event */
};

/* All zero is an empty queue that holds no memory. */
struct agenda {
    struct event *heap;
    size_t count;
    size_t capacity;
    uint64_t pushed;
};

void agenda_push(struct agenda *agenda, int64_t time_us, uint32_t node, struct parcel *parcel);

/* The soonest event, left where it is, or NULL. */
const struct event *agenda_first(const struct agenda *agenda);

/* Takes the soonest event out; there must be one. */
struct event agenda_pop(struct agenda *agenda);

/* Gives the memory back; parcels must be taken out before. */
void agenda_free(struct agenda *agenda);

#endif
