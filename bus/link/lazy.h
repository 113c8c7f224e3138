/* lazy: which links need not carry which origins' changes, because others bring them sooner.
 *
 * A node that gets a change it has already *declines* the change's origin on that link: from then
 * on the other end sends it no changes of that origin, and the changes of each origin travel along
 * a tree. Nothing is kept for what is not sent, and nothing rests on counts: range checks
 * (bus/link/range_check.h) show what a declined link did not say and heal it, and the healed copy
 * opens the way again. Rules L1 to L13 of bus/PROTOCOL.md, Lazy links.
 *
 * It knows when each slot changed here last, for each origin the *parent*, the link that brings its
 * changes, and how many links that way has, and for each link who declined what. It reads no table
 * but for origins of slots, and sends nothing: what is to be told goes into rings, what is to be
 * said into a STATE or a HEARTBEAT.
 *
 * Origins are the table's numbers of the topology's nodes; any other is never declined, nor is
 * anything on a link that speaks an older version, or to or from an observer.
 *
 * Invariant: a parent is never declined, for its origin; and what is declined on a link ends with
 * the link's session, at both ends. */
#ifndef ZHERD_BUS_LINK_LAZY_H
#define ZHERD_BUS_LINK_LAZY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/window.h"
#include "bus/link/wire.h"
#include "bus/table/table.h"

/* Links beyond these carry everything. */
#define LAZY_WORDS     2u
#define LAZY_LINKS_MAX (64u * LAZY_WORDS)
static_assert(LAZY_WORDS == 2, "lazy_is_any_closed looks at both");
#define LAZY_NO_LINK UINT16_MAX
/* No way is known, or none that can be relied on. */
#define LAZY_FAR WIRE_HOPS_FAR
/* The names of all origins of which anything is declined: a HEARTBEAT has room for them twice. */
#define LAZY_NAMES_BYTES_MAX 24576u

/* A copy of what was stored so long ago says nothing of ways. */
#define LAZY_RACE_MS 5000
/* A shorter way that is slower than this is not taken. */
#define LAZY_NEARER_MS 30
/* So long after an origin was declined, or the session began, its changes may still be on the way.
 */
#define LAZY_CROSSING_MS 1000
/* After that a change that comes over a declined link was repaired: the parent is late. */
#define LAZY_LATE_MS     100
#define LAZY_LATE_AGE_MS 3000
/* A parent that is late again is only slow: it is left alone, twice as long each time. */
#define LAZY_PAUSE_MS     1000
#define LAZY_PAUSE_MS_MAX 60000
/* What is told again where a way was lost begins so much earlier. */
#define LAZY_LOST_SLACK_MS 300
#define LAZY_LOST_PAUSE_MS 300
/* What is told again must not close the way on which it comes. */
#define LAZY_LOST_HOLD_MS 100
#define LAZY_LATE_HOLD_MS 500
/* Of an origin that is silent for this time the hops are looked at. */
#define LAZY_IDLE_MS 2000
/* Where a STATE was lost. */
#define LAZY_SKIPPED_MS 2000
/* A link counts as one with declines so long after the last one. */
#define LAZY_LINGER_MS 10000
/* A difference of what changed in this time is late, and no fault. */
#define LAZY_RECENT_MS 30000
/* A change may be on its way over other links for this time, and three times what the link takes to
 * acknowledge beyond the time for which an acknowledgement may wait. */
#define LAZY_YOUNG_MS_MIN 25
#define LAZY_YOUNG_MS_MAX 1000
#define LAZY_YOUNG_TRIPS  3
#define LAZY_ACK_MS       20
#define LAZY_YOUNG_MAX    8192u
/* Slots whose age is looked at in a step, of which there is one in a millisecond; those young
 * enough to be told, and the asks of their origins; and ways that are asked for at once. */
#define LAZY_STEP_SLOTS 65536u
#define LAZY_STEP_LOOKS 8192u
#define LAZY_ASKS_MAX   4096u
#define LAZY_NO_ASK     UINT16_MAX
static_assert(LAZY_ASKS_MAX <= LAZY_NO_ASK, "asks have numbers of 16 bits");

/* Times are milliseconds. */
struct lazy_origin {
    uint64_t closed[LAZY_WORDS]; /* links whose other end declined it */
    uint64_t mine[LAZY_WORDS];   /* links on which we did */
    int64_t heard_ms;            /* the last first copy */
    uint16_t parent;             /* the link that brought it, or LAZY_NO_LINK */
    uint8_t hops;                /* links on its way to us; LAZY_FAR: none is known */
    bool is_known;               /* its way may be chosen */
    bool is_said;                /* scratch: a list that is read has it */
    uint8_t said_hops;
    uint16_t ask;              /* the first one for it, or LAZY_NO_ASK */
    uint64_t lost[LAZY_WORDS]; /* links that are to be asked for it */
    int64_t lost_ms, hold_ms;
};

struct lazy_way {
    int64_t declined_ms; /* on that link, of that origin */
    int64_t lost_ms;     /* from when on its changes are missing */
};

struct lazy_link {
    struct window *window;
    struct lazy_way *ways;  /* by origin; NULL for a link beyond LAZY_LINKS_MAX */
    bool is_up;             /* both ends are up, are nodes, and know STATE */
    bool was_up;            /* is, or was once */
    bool is_due;            /* a STATE */
    uint64_t version, seen; /* of our declines, and of theirs */
    uint32_t mine, closed;  /* origins */
    uint32_t firsts, dupes; /* since the parent was late last */
    int64_t due_ms, up_ms, linger_ms, late_next_ms, pause_ms;
};

/* A neighbour has lost its way to an origin: what changed since then is told. */
struct lazy_ask {
    uint16_t origin, link;
    uint16_t next; /* for the same origin, or LAZY_NO_ASK */
    uint32_t left; /* slots that are not looked at yet */
    int64_t since_ms;
};

struct lazy_change {
    uint32_t slot;
    uint32_t stamp;
};

struct lazy {
    struct table *table; /* of which only names and origins are read */
    bool is_on;          /* there are two links, or were */
    bool is_node;        /* we are no observer */
    uint16_t own;
    struct lazy_origin *origins; /* by the table's number */
    uint32_t origin_count;
    uint32_t known_count, names_bytes; /* of those whose ways may be chosen, which no change of the
                                          topology takes back */
    struct lazy_link *links;
    uint32_t link_count;
    uint64_t every[LAZY_WORDS]; /* links there are */
    uint64_t versions;          /* the greatest of a link that is gone */

    int64_t now_ms, start_ms;
    uint32_t **stamps; /* in chunks */
    uint32_t stamp_chunks;
    struct lazy_change *young; /* the last changes, circular */
    uint64_t young_first, young_end;

    struct lazy_ask *asks;
    uint32_t ask_count;
    uint32_t slot, slots; /* the next to be looked at; how many there were then */
    int64_t looked_ms;    /* the last step */
    bool beat_due;        /* a HEARTBEAT on all links */
};

void lazy_init(struct lazy *lazy, struct table *table, uint16_t own);
void lazy_free(struct lazy *lazy);

/* The topology has that node: the table's number of its name stays. */
void lazy_know(struct lazy *lazy, uint16_t origin, size_t name_bytes);

/* The links there are from now on, with their windows. `was` says which number each had, or
 * SIZE_MAX; NULL: all are new. `is_node`: the topology has us. */
void lazy_set_links(struct lazy *lazy, struct window **windows, size_t count, const size_t *was,
                    bool is_node, int64_t now_ms);

/* Time goes on, and what others asked for is looked for. */
void lazy_move(struct lazy *lazy, int64_t now_ms);
/* Whether there is something left to look for. */
bool lazy_is_busy(const struct lazy *lazy);

/* ---- Changes ----------------------------------------------------------------------------- */

#define LAZY_STAMPS 4096u

/* Kept out of what is done for every change. */
void lazy_make_stamps(struct lazy *lazy, uint32_t slot);

/* The slot has changed. */
static inline void lazy_note(struct lazy *lazy, uint32_t slot)
{
    uint32_t chunk = slot / LAZY_STAMPS, stamp = (uint32_t)lazy->now_ms;
    if (__builtin_expect(chunk >= lazy->stamp_chunks || lazy->stamps[chunk] == NULL, 0))
        lazy_make_stamps(lazy, slot);
    else
        lazy->stamps[chunk][slot % LAZY_STAMPS] = stamp;
    lazy->young[lazy->young_end++ % LAZY_YOUNG_MAX] = (struct lazy_change){slot, stamp};
}

/* The links that are to be sent a change of that origin, 64 in each word. */
static inline uint64_t lazy_open(const struct lazy *lazy, uint16_t origin, uint32_t word)
{
    return origin < lazy->origin_count ? lazy->every[word] & ~lazy->origins[origin].closed[word]
                                       : lazy->every[word];
}

static inline bool lazy_is_any_closed(const struct lazy *lazy, uint16_t number)
{
    const struct lazy_origin *origin = &lazy->origins[number];
    return number < lazy->origin_count && (origin->closed[0] | origin->closed[1]) != 0;
}

/* How long ago the slot changed. */
int64_t lazy_age_ms(const struct lazy *lazy, uint32_t slot);

static inline uint8_t lazy_hops(const struct lazy *lazy, uint16_t origin)
{
    return origin < lazy->origin_count ? lazy->origins[origin].hops : LAZY_FAR;
}

/* A change came over the link with so many hops, and was stored. */
void lazy_take_news(struct lazy *lazy, size_t link, uint16_t origin, uint8_t hops);
static inline void lazy_take_first(struct lazy *lazy, size_t link, uint16_t number, uint8_t hops)
{
    struct lazy_origin *origin = &lazy->origins[number];
    if (number < lazy->origin_count && origin->parent == link) {
        origin->heard_ms = lazy->now_ms;
        origin->hops = (uint8_t)(hops + (hops < LAZY_FAR));
        lazy->links[link].firsts++;
    } else {
        lazy_take_news(lazy, link, number, hops);
    }
}

/* It was known, every byte: it stands in `slot`. */
void lazy_take_copy(struct lazy *lazy, size_t link, uint16_t origin, uint32_t slot, uint8_t hops);

/* ---- Links ------------------------------------------------------------------------------- */

/* The session of a link begins, with a node that knows STATE; it ends; its other end is another
 * process. */
void lazy_open_link(struct lazy *lazy, size_t link);
void lazy_close_link(struct lazy *lazy, size_t link);
void lazy_meet(struct lazy *lazy, size_t link);

/* Whether there is something to say; and when at the latest: what one link's end makes another
 * say is said in the next turn. INT64_MAX: nothing is. */
bool lazy_has_state(const struct lazy *lazy, size_t link);
int64_t lazy_state_ms(const struct lazy *lazy, size_t link);
void lazy_write_state(struct lazy *lazy, size_t link, struct wire_message *message);
void lazy_hear_state(struct lazy *lazy, size_t link, const struct wire_message *message);
void lazy_write_heartbeat(struct lazy *lazy, size_t link, struct wire_message *message);
void lazy_hear_heartbeat(struct lazy *lazy, size_t link, const struct wire_message *message);

/* Whether anything is declined there, by either end, or was a short time ago. */
bool lazy_is_lazy(const struct lazy *lazy, size_t link);

/* Changes that may be on their way over other links: so many of the last ones. More than
 * LAZY_YOUNG_MAX where that is not known. */
uint32_t lazy_count_young(const struct lazy *lazy, size_t link);
static inline uint32_t lazy_young(const struct lazy *lazy, uint32_t index)
{
    return lazy->young[(lazy->young_end - 1 - index) % LAZY_YOUNG_MAX].slot;
}

/* Whether the other end is to be sent the origin's changes; and whether we declined it there. */
bool lazy_is_closed(const struct lazy *lazy, size_t link, uint16_t origin);
bool lazy_is_declined(const struct lazy *lazy, size_t link, uint16_t origin);

/* The link that brings the origin's changes, or LAZY_NO_LINK. */
uint16_t lazy_parent(const struct lazy *lazy, uint16_t origin);

/* ---- Asks, for lazy.c -------------------------------------------------------------------- */

/* The other end of the link, which is up, has missed the origin's changes for that time. Beyond
 * LAZY_ASKS_MAX, or without memory, nothing is told: a range check finds what is missing. */
void lazy_ask(struct lazy *lazy, size_t link, uint16_t origin, int64_t age_ms);
/* The link goes down. */
void lazy_asks_drop(struct lazy *lazy, size_t link);
/* A step: the asks go round the table together, each once. */
void lazy_asks_look(struct lazy *lazy);

#endif
