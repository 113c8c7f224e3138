/* The agenda against a list that is searched from end to end: whatever is put in and moved, the
 * same comes out of both. */
#include "tests/check.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/rng.h"

#define NODES_MAX   9
#define WAITING_MAX 400

/* One parcel or one turn. */
struct entry {
    bool waits;
    int64_t time_us;
    uint64_t order;
};

struct list {
    struct entry entries[NODES_MAX + WAITING_MAX]; /* the nodes' turns, then the parcels */
    uint64_t put;
};

/* The agenda only hands parcels through. */
static struct parcel *parcel_of(size_t entry)
{
    return (struct parcel *)(uintptr_t)(entry + 1);
}

static void put(struct list *list, size_t entry, int64_t time_us)
{
    list->entries[entry] = (struct entry){time_us != AGENDA_NEVER, time_us, list->put++};
}

static const struct entry *soonest(const struct list *list)
{
    const struct entry *first = NULL;
    for (size_t i = 0; i < NODES_MAX + WAITING_MAX; i++) {
        const struct entry *entry = &list->entries[i];
        if (entry->waits && (first == NULL || entry->time_us < first->time_us ||
                             (entry->time_us == first->time_us && entry->order < first->order)))
            first = entry;
    }
    return first;
}

static void push(struct event_queue *agenda, struct list *list, int64_t time_us)
{
    size_t entry = NODES_MAX;
    while (entry < NODES_MAX + WAITING_MAX && list->entries[entry].waits)
        entry++;
    if (entry == NODES_MAX + WAITING_MAX)
        return;
    event_queue_push(agenda, time_us, parcel_of(entry));
    put(list, entry, time_us);
}

static void set_turn(struct event_queue *agenda, struct list *list, uint32_t node, int64_t time_us)
{
    event_queue_set_turn(agenda, node, time_us);
    put(list, node, time_us);
    CHECK_INT(event_queue_turn_us(agenda, node), time_us);
}

/* Takes the soonest out of both. False when there is none. */
static bool pop(struct event_queue *agenda, struct list *list)
{
    const struct entry *wanted = soonest(list);
    CHECK_INT(event_queue_first_us(agenda), wanted == NULL ? AGENDA_NEVER : wanted->time_us);
    if (wanted == NULL)
        return false;
    size_t entry = (size_t)(wanted - list->entries);
    struct event event = event_queue_pop(agenda);
    CHECK_INT(event.time_us, wanted->time_us);
    CHECK(event.parcel == (entry < NODES_MAX ? NULL : parcel_of(entry)));
    list->entries[entry].waits = false;
    if (entry < NODES_MAX) {
        CHECK_INT(event.node, entry);
        set_turn(agenda, list, event.node, AGENDA_NEVER);
    }
    return true;
}

/* Few moments, so that many things happen in the same one. */
static void play(struct rng *rng, uint32_t nodes)
{
    struct list list = {0};
    struct event_queue agenda;
    event_queue_open(&agenda, nodes);
    for (int i = 0; i < 3000; i++) {
        uint32_t what = rng_below(rng, 10);
        int64_t time_us = rng_between(rng, 0, 20);
        if (what < 3)
            push(&agenda, &list, time_us);
        else if (what < 7)
            set_turn(&agenda, &list, rng_below(rng, nodes),
                     rng_chance(rng, 200) ? AGENDA_NEVER : time_us);
        else
            pop(&agenda, &list);
    }
    while (pop(&agenda, &list))
        ;
    event_queue_close(&agenda);
}

static void events_come_by_time_and_then_as_they_went_in(void)
{
    struct rng rng = {1};
    for (uint32_t nodes = 1; nodes <= NODES_MAX; nodes++)
        play(&rng, nodes);
}

static const struct check_case cases[] = {
    {"events come by time, and of the same moment in the order in which they went in",
     events_come_by_time_and_then_as_they_went_in},
};

CHECK_MAIN(cases)
