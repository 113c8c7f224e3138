/* crowd: connections that share a number of places, and which of them give way because they are
 * silent, so that nobody shuts a door by holding places.
 *
 * Where nearly all places are taken, who has been silent for longest is to be closed; where all
 * are, one that never finished a command may have to go for one that comes. Connections that wait
 * for what changes (watches) are not silent. It counts places and keeps the order of silence; how
 * many of them an address may have is decided where they are given (gateway/text/client_limits.h,
 * gateway/text/handshakes.h).
 *
 * It asks no clock. Each operation takes the same few steps, however many connections there are.
 *
 * Invariant: each list is in the order of the last activity, the longest ago first. */
#ifndef ZHERD_GATEWAY_TEXT_CROWD_H
#define ZHERD_GATEWAY_TEXT_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/text/list.h"

/* When more places are taken, in percent of all, who has been silent for longest is closed: of
 * those that have not finished a single command yet after less time, which is longer than a packet
 * that is lost twice takes, and then of the others, but nobody who sent or was sent anything in a
 * time that is longer than any reply takes. */
#define CROWD_PERCENT    80
#define CROWD_UNHEARD_MS 3000
#define CROWD_SILENT_MS  10000
/* Activity is noted no finer than that, which saves touching three connections for each read. */
#define CROWD_ACTIVITY_MS 1000

/* Stays where it is from crowd_init on. It owns no memory. */
struct crowd {
    struct list_node unheard, heard; /* all without watches, silent for longest first */
    size_t count, places;
};

/* A connection's place; stands in whatever has it, and stays where it is from crowd_join to
 * crowd_leave. Whether it has finished a command (`is_heard`) its owner keeps, who has room. */
struct crowd_member {
    struct list_node activity; /* in no list while it has watches */
    int64_t active_ms;
};

/* At least one place. */
void crowd_init(struct crowd *crowd, size_t places);
/* There are so many places from now on, also where more are taken: those leave in their time. */
void crowd_limit(struct crowd *crowd, size_t places);

static inline bool crowd_is_full(const struct crowd *crowd)
{
    return crowd->count >= crowd->places;
}

/* Takes a place, and has finished no command. Sets all of `member`. */
void crowd_join(struct crowd *crowd, struct crowd_member *member, int64_t now_ms);
void crowd_leave(struct crowd *crowd, struct crowd_member *member);

/* Whether activity is to be noted again, by crowd_touch. */
static inline bool crowd_wants_touch(const struct crowd_member *member, int64_t now_ms)
{
    return now_ms - member->active_ms >= CROWD_ACTIVITY_MS;
}
/* Something was read from it or written to it. */
void crowd_touch(struct crowd *crowd, struct crowd_member *member, bool is_heard, int64_t now_ms);

/* After each of its turns: whether it finished a command, which may set `*is_heard`, and whether it
 * has watches now. */
static inline void crowd_follow(struct crowd *crowd, struct crowd_member *member, bool *is_heard,
                                bool has_finished, bool has_watches, int64_t now_ms)
{
    if (has_finished && !*is_heard) {
        *is_heard = true;
        crowd_touch(crowd, member, true, now_ms);
    }
    if (has_watches && list_holds(&member->activity))
        list_remove(&member->activity);
    else if (!has_watches && !list_holds(&member->activity))
        crowd_touch(crowd, member, *is_heard, now_ms);
}

/* The next one to be closed because nearly all places are taken; NULL for none. */
struct crowd_member *crowd_next_silent(const struct crowd *crowd, int64_t now_ms);

/* Of those that have finished no command the one that was silent for longest; NULL for none. */
struct crowd_member *crowd_first_unheard(const struct crowd *crowd);

#endif
