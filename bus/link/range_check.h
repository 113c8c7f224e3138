/* range_check: whether both ends of a link hold the same, range by range and under any load.
 *
 * A client belongs to one of 65,536 ranges by the high bits of its id's hash, and a table has an
 * XOR digest of each (bus/table/table.h). The ends of a link tell each other digests as of a
 * position of the link, and compare only where both speak of the same state: then a difference is
 * one, whatever happens meanwhile. Rules C1 to C10 of bus/PROTOCOL.md, Range checks, with their
 * reasons.
 *
 * One of these for each link. It decides what CHECK to send, judges what comes, and which ranges
 * are listed; the messages of a repair, LIST and WANT, are made in range_repair.c. It stores
 * nothing in the table: what differs is pushed into the link's ring, and goes out as any change
 * does. It knows no incarnations and no HELLO: bus/link/peer.h opens it while the link is up and
 * both ends know these messages.
 *
 * Invariant: a range is settled only while it was once equal at a cut of this pair of incarnations,
 * and nothing that a rule explains has made it differ since: so one that differs then is a fault.
 */
#ifndef ZHERD_BUS_LINK_RANGE_CHECK_H
#define ZHERD_BUS_LINK_RANGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/events.h"
#include "bus/link/range_bits.h"
#include "bus/link/range_list.h"
#include "bus/link/range_pace.h"
#include "bus/link/window.h"
#include "bus/link/wire.h"

/* A quarter of the ranges goes out each time. */
#define RANGE_CHECK_MS    1000
#define RANGE_CHECK_TURNS 4u
/* On a link with declines sooner, while they are small: a change that comes no more on its way is
 * found by this alone. */
#define RANGE_CHECK_LAZY_MS 500
/* Unless both ends are at rest and settled, at least so fine: one range that differs for good, or a
 * client that never rests, must not cost a CHECK of all of them each time. */
#define RANGE_CHECK_LEVEL_MIN 8u
/* From here on a quarter takes 8 KiB or more, and goes out once all is acknowledged that went out
 * before the last one: more and more of them would fill a narrow link. Smaller ones do no harm, and
 * where acknowledgements get lost they carry the next. */
#define RANGE_CHECK_LEVEL_LARGE 13u
/* With more slots due or in flight at either end than this no time is promised. */
#define RANGE_CHECK_SLOTS_MAX 4096u
/* Ceilings that differ by more, or jump by more, settle nothing. */
#define RANGE_CHECK_CEILING_NS_MAX TABLE_CEILING_NEAR_NS
/* Runs of ranges that wait to be shown to the other end. */
#define RANGE_CHECK_RUNS_MAX 64u
/* A resynchronisation: so long the first HEARTBEAT is waited for, which may settle everything; so
 * long the end that does not begin waits for the one that does; and so long each piece waits for
 * the other end's of the same ranges, which takes 3.2 s over a link of 20 KB/s. */
#define RANGE_RESYNCS_MAX      3u /* at once, and one a minute */
#define RANGE_RESYNC_WHOLE_MS  200
#define RANGE_RESYNC_SECOND_MS 2000
#define RANGE_RESYNC_PIECE_MS  4000
/* The end that begins leaves LISTs to the other one, until none came for this time and that of two
 * passes over the table. */
#define RANGE_RESYNC_LISTS_MS 2000
/* Then, and after so many LISTs, what still differs is left to the rounds. */
#define RANGE_RESYNC_ENDS_MS   60000
#define RANGE_RESYNC_LISTS_MAX (TABLE_RANGES / 2)
/* Ranges of the whole CHECK for each client: most of those that are equal have none that differs.
 */
#define RANGE_RESYNC_PER_CLIENT 4u
/* Of the whole CHECK a message has a quarter, or so many ranges where that is more: the bytes of a
 * full UPDATE. */
#define RANGE_RESYNC_PIECE_MIN 4096u
/* Where more than one range of so many differs, everything is told. */
#define RANGE_RESYNC_PART 4u
/* Ranges that wait to be listed; more are found by the next check. */
#define RANGE_CHECK_DUE_MAX 512u
/* Ranges that were equal and differ on a link with declines, for each CHECK: what is late there is
 * told by whoever stops to be declined. */
#define RANGE_CHECK_LATE_LISTS 16u
/* One event at most for this time, however many ranges differ. */
#define RANGE_CHECK_EVENT_MS 1000

/* Ranges of level 16, one after the other. */
struct range_run {
    uint32_t first, count;
};

/* A range that is to be listed, or what of it is still to go out: at first all of it, in a large
 * one the next part. */
struct range_due {
    uint32_t pass; /* of range_list */
    uint32_t part; /* of `level` */
    uint8_t level;
    bool is_starved;
};

/* What a link that differs needs beside; allocated when it does. */
struct range_repair {
    uint64_t pending[RANGE_WORDS];  /* of a resynchronisation: to be listed */
    uint64_t listed[RANGE_WORDS];   /* in this pass of the budget, because it differed */
    uint64_t starved[RANGE_WORDS];  /* in this pass, because it never rests: as often as that is */
    uint64_t starving[RANGE_WORDS]; /* to be listed for that, in `due` */
    struct range_due due[RANGE_CHECK_DUE_MAX];
    uint32_t due_count;
    struct range_held *held, **held_end; /* LISTs and WANTs that wait for a pass */
    uint64_t held_bytes;
};

/* Two processes that have just met, both with tables: what of these differs is found and told. */
struct range_resync {
    bool is_active;         /* until all is settled, or told, or the time is up */
    bool is_showing;        /* the whole CHECK is not over */
    bool leads;             /* this end shows without having been asked */
    bool owes;              /* a piece of theirs waits for ours of the same ranges: */
    struct range_run owed;  /* of `level` */
    unsigned level;         /* of the whole CHECK */
    uint32_t next;          /* of its ranges: not shown yet */
    uint32_t clients;       /* in the larger table */
    uint32_t differ;        /* ranges of the whole CHECK that do */
    uint32_t pending_count; /* ranges that wait to be listed */
    uint32_t batch_pass, batch_next, batch_end; /* those that a pass of range_list collects; 0: no
                                                   pass */
    uint32_t listed;                            /* LISTs so far */
    int64_t show_at, lists_at, ends_at;
    int64_t again_at; /* a range that still differs then is listed once more */
};

/* Ranges that differ and should not. */
struct range_faults {
    uint32_t count, range;    /* the first of them */
    uint32_t ours, theirs;    /* its digests, as in a CHECK; 0: found by a LIST */
    uint64_t compared_age_ms; /* since when all ranges have been compared; UINT64_MAX: never */
};

/* Times are milliseconds; INT64_MAX is never. */
struct range_check {
    struct range_list *list;
    struct window *window;
    struct link_counters *count;
    size_t link;
    bool is_open;
    bool is_observer; /* nothing is wanted from there */

    /* By range, a bit each. `left_out` counts to three, in two of them. */
    uint64_t *settled, *seen, *left_out[2]; /* NULL while closed, or without memory */
    bool any_left_out;                      /* false: none is */
    uint32_t settled_count, seen_count;
    int64_t seen_since_ms, compared_ms; /* -1: never */

    bool agrees;            /* on the ceiling */
    uint64_t their_met;     /* see bus/PROTOCOL.md, C4 */
    uint64_t refused_there; /* of what we told them */
    uint64_t accounted;     /* up to that position of ours */
    uint64_t jumps;         /* as range_list counted them last */
    uint64_t settles_from;  /* they must have ours before it, or equal is not settled */

    uint64_t slots, slots_before, their_slots; /* due or in flight: the most of these seconds, of
                                                  those before, and at the other end */
    int64_t slots_at, check_at;
    unsigned turn, level;           /* of the round */
    uint64_t turn_position;         /* what was announced when the last turn began */
    uint32_t round_next, round_end; /* ranges of `level` that are still to go out */
    struct range_run runs[RANGE_CHECK_RUNS_MAX];
    uint32_t run_count;
    uint32_t late_lists; /* of the CHECK at work */

    uint32_t round_faults, round_settled; /* in this round; settled when it began */
    struct range_faults faults;           /* not reported yet */
    int64_t faults_at;                    /* when the next may be reported */

    struct range_budget budget;
    struct range_pace pace;
    uint64_t salt;
    struct range_repair *repair; /* NULL until something differs */

    struct range_resync resync;
    struct range_bucket resyncs; /* how many there may be now */
    bool was_resynced;           /* `resyncs` counts */
    bool was_checked;            /* a CHECK came while it is open */
    bool gives_up;               /* everything should be told */
    bool differs;                /* there was a fault, and not every range was settled since */
    bool is_synced; /* every range was settled at one moment, since this pair of incarnations met */
};

/* `check` is all zero before. Borrows all three. */
void range_check_init(struct range_check *check, struct range_list *list, struct window *window,
                      struct link_counters *count, size_t link);

/* It stands elsewhere from now on, of a link that has that window and number. */
void range_check_move(struct range_check *check, struct window *window, size_t link);

/* The link is up, or down. `is_second`: the other end begins its round; both ends must say the
 * opposite. Nothing is settled at the beginning. */
void range_check_open(struct range_check *check, bool is_second, bool is_observer, int64_t now_ms);
void range_check_close(struct range_check *check);

/* A HEARTBEAT, CHECK, LIST or WANT of the other end, whose `received` is taken already; `received`
 * is what we have of theirs, and `ours` what a message of ours would say of its cut. */
void range_check_receive(struct range_check *check, const struct wire_message *message,
                         uint64_t received, const struct wire_cut *ours, int64_t now_ms);

/* The next CHECK, LIST or WANT, or false. The caller adds incarnations, cut and `received`. */
bool range_check_next(struct range_check *check, struct wire_message *message, int64_t now_ms);
int64_t range_check_deadline_ms(const struct range_check *check);

/* Whether there may be one now. To be asked at the end of each turn: it counts the slots in
 * flight. */
bool range_check_is_due(struct range_check *check, int64_t now_ms);

/* Whether all was compared since the link is up, every range is settled, and nothing is to be shown
 * or listed but in its turn. */
bool range_check_rests(const struct range_check *check);

/* The other end has said how many locations of ours before `received` it did not keep: a range may
 * differ then. */
void range_check_take_refused(struct range_check *check, uint64_t refused_there, uint64_t received);

/* A location of theirs was not kept, for lack of room or because ours counts and theirs is above
 * the ceiling. */
void range_check_unsettle(struct range_check *check, uint32_t range);

/* A location of theirs was taken, which by a ceiling a little other than ours would have lost, or
 * would not have won: the other end may do so with what was told. */
void range_check_unsettle_until_told(struct range_check *check, uint32_t range);

/* The most slots due or in flight at this end in the last seconds: what a HEARTBEAT says. */
uint64_t range_check_slots(const struct range_check *check);

/* Faults that were not reported yet become an event, at most one each RANGE_CHECK_EVENT_MS. */
void range_check_report(struct range_check *check, struct events *events, int64_t now_ms);

/* How long ago the oldest of the last comparisons of each range was, UINT64_MAX before all were;
 * and how many slots are due or in flight where those are too many for a promise, else 0. */
uint64_t range_check_age_ms(const struct range_check *check, int64_t now_ms);
uint64_t range_check_not_comparable(const struct range_check *check);

/* ---- range_resync.c ---------------------------------------------------------------------- */

/* Another process is met over this link: nothing of it is settled. */
void range_resync_forget(struct range_check *check);

/* To be called where the link has just come up and one of its ends, or both, has not put into its
 * ring what the other one may lack: nothing need be put there, because what differs will be found.
 * `leads`: this end shows its digests first; both ends should say the opposite. False where there
 * were too many of these, or there is no memory: then everything must be told. */
bool range_resync_begin(struct range_check *check, uint32_t clients, bool leads, int64_t now_ms);
void range_resync_end(struct range_check *check);

/* Once true where so much differs that everything should be told. */
bool range_resync_gives_up(struct range_check *check);

/* The next CHECK or LIST of it, or false. */
bool range_resync_next(struct range_check *check, struct wire_message *message, int64_t now_ms);
int64_t range_resync_deadline_ms(const struct range_check *check);

/* A CHECK of theirs is about to be judged, and has been; and their first HEARTBEAT has. */
void range_resync_see_check(struct range_check *check, const struct wire_message *message,
                            int64_t now_ms);
void range_resync_take_check(struct range_check *check, const struct wire_message *message,
                             int64_t now_ms);
void range_resync_take_whole(struct range_check *check, int64_t now_ms);

/* A range of `level`, which has the `count` of level 16 from `first` on, differs and is not
 * settled. True where a resynchronisation sees to that. */
bool range_resync_takes(struct range_check *check, unsigned level, uint32_t first, uint32_t count,
                        int64_t now_ms);
/* These ranges are settled, or the other end lists this one. */
void range_resync_drop(struct range_check *check, uint32_t first, uint32_t count);
void range_resync_leave(struct range_check *check, uint32_t range, int64_t now_ms);

/* ---- range_repair.c ---------------------------------------------------------------------- */

/* The range is listed, if the budget allows it and it was not listed in this pass; one that starves
 * as often as it does. */
void range_repair_ask(struct range_check *check, uint32_t range, enum range_reason reason,
                      int64_t now_ms);

/* A LIST of a range that a pass has collected, `count` slots from `ord` on: all of it, which may be
 * more than a message has room for only where it is not asked this way. False where it has changed
 * since. */
bool range_repair_write(struct range_check *check, uint32_t range, uint32_t ord, uint32_t count,
                        struct wire_message *message);
bool range_repair_prepare(struct range_check *check);

/* A LIST or a WANT is kept until the range's slots are collected. `is_exact`: it is of the very
 * state that we have, and nothing of ours waits in that range. */
void range_repair_hold(struct range_check *check, const struct wire_message *message, bool is_exact,
                       int64_t now_ms);

/* The next LIST or WANT, or false. */
bool range_repair_next(struct range_check *check, struct wire_message *message, int64_t now_ms);
int64_t range_repair_deadline_ms(const struct range_check *check);
void range_repair_free(struct range_check *check);

/* The range is not settled any more, and that was a fault. */
void range_check_fault(struct range_check *check, uint32_t range, uint32_t ours, uint32_t theirs,
                       int64_t now_ms);
/* The range never rests, and was listed: after two more looks in vain it will be again. */
void range_check_see_starved(struct range_check *check, uint32_t range, int64_t now_ms);
bool range_check_is_settled(const struct range_check *check, uint32_t range);
/* A CHECK of these ranges of `level`. False where too much waits for anything to be compared. */
bool range_check_write(struct range_check *check, struct wire_message *message, unsigned level,
                       struct range_run run, int64_t now_ms);

#endif
