/* range_list: which slots of the table are in a range, and which of a link wait.
 *
 * The table has no index by range, because a range is listed only where two nodes differ. So the
 * slots of ranges that somebody asks for are collected by a pass over the whole table, in pieces of
 * RANGE_LIST_SLOTS_PER_MS, one pass for all links and ranges that were asked for before it began.
 * What was collected stays for RANGE_LIST_READY_MS; who comes later asks again. What stands in the
 * slots is read only then, so a piece that changed meanwhile does no harm, and a client that came
 * meanwhile is seen by the range's digest (C6 of bus/PROTOCOL.md).
 *
 * All that looks at slots for checks is paid from one bucket here: at 50 ns a slot, the 1,000 a
 * millisecond are 5 % of the loop, for all links together (C9).
 *
 * Invariant: what it holds is bounded: RANGE_LIST_RANGES_MAX ranges, RANGE_LIST_SLOTS_MAX slots and
 * RANGE_LIST_HELD_BYTES_MAX bytes of messages that wait for a pass. What is beyond is refused. */
#ifndef ZHERD_BUS_LINK_RANGE_LIST_H
#define ZHERD_BUS_LINK_RANGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/lazy.h"
#include "bus/link/range_bits.h"
#include "bus/link/range_pace.h"
#include "bus/link/ring.h"
#include "bus/link/wire.h"
#include "bus/table/table.h"

/* Slots looked at for checks, by all links together. */
#define RANGE_LIST_SLOTS_PER_MS 1000u
#define RANGE_LIST_BURST_MS     160u /* so that all ranges can be shown and judged at once */
/* Ranges in one pass, and slots collected in it: at 8 million clients a range has 122. */
#define RANGE_LIST_RANGES_MAX 8192u
#define RANGE_LIST_SLOTS_MAX  131072u
/* Slots of one range, or part of it. More than that can only be a client that chooses ids for it:
 * then a part is asked for, and a pass collects a part of one range at most. */
#define RANGE_LIST_RANGE_SLOTS_MAX 32768u
/* How long what was collected stays. */
#define RANGE_LIST_READY_MS 200
/* Messages that wait for a pass, of all links and of one. */
#define RANGE_LIST_HELD_BYTES_MAX      (4u * 1024 * 1024)
#define RANGE_LIST_LINK_HELD_BYTES_MAX (2u * 1024 * 1024)
/* Places of a ring that are looked at for one check: 32 UPDATEs of 256. With more, nothing is
 * compared. */
#define RANGE_LIST_WAITING_MAX 8192u

/* The slots of a link that its other end may not know yet, and their ranges. */
struct range_waiting {
    bool is_known; /* all that follows is of now */
    size_t link;
    uint64_t from, head, changes; /* what it was taken of, */
    int64_t now_ms;               /* and when */
    uint32_t count;
    uint32_t slots[RANGE_LIST_WAITING_MAX + LAZY_YOUNG_MAX];
    uint16_t ranges[RANGE_LIST_WAITING_MAX + LAZY_YOUNG_MAX];
    uint64_t bits[RANGE_WORDS]; /* by range: something waits there */
};

enum range_list_state { RANGE_LIST_IDLE, RANGE_LIST_RUNS, RANGE_LIST_READY };

/* A slot that was collected, and where the one before it of the same range stands, plus 1. */
struct range_place {
    uint32_t slot, before_ord;
};

/* What a pass has collected of a range. */
struct range_collected {
    uint32_t last_ord;    /* of its places, plus 1 */
    uint32_t count;       /* above RANGE_LIST_RANGE_SLOTS_MAX: too many, or there was no room */
    uint32_t level, part; /* what of it: all, at WIRE_LEVEL_MAX, or a part */
};

/* What all links of a node share. */
struct range_list {
    const struct table *table;
    const struct lazy *lazy; /* NULL: no link is lazy */
    uint64_t process;        /* whose moments (bus/link/beat.h) its links have */
    int64_t now_ms;
    struct range_bucket work; /* slots that may be looked at */
    int64_t stepped_ms;

    enum range_list_state state;
    uint32_t pass; /* the number of the one that runs or is ready */
    uint32_t slot; /* the next to be looked at */
    int64_t ready_until_ms;
    uint16_t *ords;       /* by range: which one of the pass, plus 1 */
    uint32_t range_count; /* in this pass */
    struct range_collected ranges[RANGE_LIST_RANGES_MAX];
    struct range_place *places;
    uint32_t place_count, place_room;

    uint64_t wanted[RANGE_WORDS]; /* for the next pass */
    uint32_t wanted_count;
    uint32_t wanted_level, wanted_part; /* of one of them no more than that; 0: of none */

    uint64_t held_bytes;
    struct range_waiting waiting;
    char bin[WIRE_RANGES_MAX * 4]; /* of the message that is being written, */
    char recent[(WIRE_ENTRIES_MAX + 7) / 8];

    bool has_times;
    int64_t ceiling_offset_ns, floor_offset_ns; /* to the monotonic clock */
    uint64_t jumps;                             /* of either by more than 2 s */
    uint64_t backs;                             /* times the own horizon moved back */
};

/* `list` is all zero before. Borrows the table. */
void range_list_init(struct range_list *list, const struct table *table);
void range_list_free(struct range_list *list);

/* The slots of a range are needed, at WIRE_LEVEL_MAX, or of a part of one that was too large. The
 * number of the pass that collects them; 0 where that one has no room for another range. Where
 * it collects a part for somebody else, these are gone then. */
uint32_t range_list_want(struct range_list *list, uint32_t level, uint32_t part);

/* The pass goes on, or a new one begins, as far as the bucket allows. Costs nothing where nothing
 * is wanted. */
void range_list_step(struct range_list *list, int64_t now_ms);

/* When range_list_step has something to do. */
int64_t range_list_deadline_ms(const struct range_list *list);

enum range_list_answer {
    RANGE_LIST_LATER, /* the pass is not over */
    RANGE_LIST_HERE,  /* `places` begins with the first of `count` slots, and all are among them */
    RANGE_LIST_LARGE, /* they were too many: want a part */
    RANGE_LIST_GONE   /* too late, not collected, or there was no room: ask again, or not */
};

/* What `pass`, the answer to range_list_want, has found of that part. `*ord` is where the first
 * slot stands, plus 1, and 0 for none. */
enum range_list_answer range_list_find(const struct range_list *list, uint32_t pass, uint32_t level,
                                       uint32_t part, uint32_t *ord, uint32_t *count);

/* Some of it is still needed. */
void range_list_keep(struct range_list *list, int64_t now_ms);

/* Whether there is something left to pay work from; it is charged when it is done. */
bool range_list_may_work(struct range_list *list, int64_t now_ms);
/* When that is true, as it was counted last. */
int64_t range_list_paid_ms(const struct range_list *list);
void range_list_charge(struct range_list *list, uint64_t slots);

/* What waits for the other end of `link`: the slots at the ring's positions from `from` on, and on
 * one with declines those that changed so lately that they may be on their way elsewhere (L9).
 * NULL where those are more than RANGE_LIST_WAITING_MAX, or LAZY_YOUNG_MAX. Valid until something
 * is put into a ring. */
const struct range_waiting *range_list_waiting(struct range_list *list, size_t link,
                                               const struct ring *ring, uint64_t from);

/* Whether anything is declined on the link, or was lately; whether something changed so lately
 * there, and how many slots; and whether a slot changed in the last LAZY_RECENT_MS. */
bool range_list_is_lazy(const struct range_list *list, size_t link);
bool range_list_is_young(const struct range_list *list, size_t link);
uint32_t range_list_count_young(const struct range_list *list, size_t link);
bool range_list_is_recent(const struct range_list *list, uint32_t slot);

/* Whether something waits in one of `count` ranges, a power of two, from a multiple of it on. */
bool range_waiting_any(const struct range_waiting *waiting, uint32_t first, uint32_t count);

/* A message came, or something else that may change a ring; a CHECK, LIST or WANT changes none. So
 * those that come together, of which the first has paid for its look at the ring, cost no other. */
void range_list_forget_waiting(struct range_list *list);

/* The own horizon moved back, which counts as such a jump: nothing is settled. */
void range_list_jump_back(struct range_list *list);

/* The ceiling and the floor of orders at this moment, INT64_MAX and INT64_MIN for none. Called
 * whenever they are reckoned. */
void range_list_set_times(struct range_list *list, int64_t ceiling_ns, int64_t floor_ns,
                          int64_t now_ms);

#endif
