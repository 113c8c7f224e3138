/* agenda: what is going to happen in a simulated world, soonest first: parcels arrive and nodes
 * take their turns.
 *
 * Parcels wait in a binary heap. A node waits for one turn at most, which is moved far more often
 * than it is taken: the turns are the leaves of a tree of matches, each won by the sooner one, so
 * that moving a turn plays the few matches above it again and leaves nothing stale. It knows no
 * clock; time is what its user says.
 *
 * Invariant: events of the same moment come out in the order in which they went in, so that a
 * run depends on nothing but its seed. */
#ifndef ZHERD_TESTS_SIM_EVENT_QUEUE_H
#define ZHERD_TESTS_SIM_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENDA_NEVER INT64_MAX

struct parcel;

/* When something happens. */
struct moment {
    int64_t time_us;
    uint64_t order; /* among those of the same time */
};

struct arrival {
    struct moment moment;
    struct parcel *parcel;
};

/* What event_queue_pop gives. */
struct event {
    int64_t time_us;
    uint32_t node;         /* whose turn it is, when there is no parcel */
    struct parcel *parcel; /* what arrives; owned by the holder of the event */
};

struct event_queue {
    struct arrival *heap;
    size_t count, capacity;
    struct moment *turns; /* by node; as many as there are leaves */
    uint32_t *winners;    /* of the matches: those of match i are 2 i and 2 i + 1, the last is 1 */
    uint32_t leaves;      /* a power of two */
    uint64_t pushed;
};

/* Nothing will happen to any of `nodes` nodes yet. */
void event_queue_open(struct event_queue *agenda, uint32_t nodes);
/* Gives the memory back; parcels must be taken out before. */
void event_queue_close(struct event_queue *agenda);

void event_queue_push(struct event_queue *agenda, int64_t time_us, struct parcel *parcel);

/* The node's turn is then, or AGENDA_NEVER, and not when it was before. */
void event_queue_set_turn(struct event_queue *agenda, uint32_t node, int64_t time_us);
int64_t event_queue_turn_us(const struct event_queue *agenda, uint32_t node);

/* When the soonest event is, or AGENDA_NEVER. */
int64_t event_queue_first_us(const struct event_queue *agenda);

/* Takes the soonest event out; there must be one. The node whose turn it was is then given its next
 * one, or AGENDA_NEVER, before the agenda is asked anything else. */
struct event event_queue_pop(struct event_queue *agenda);

#endif
