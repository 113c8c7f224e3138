/* phases: what a node is between its start and its end, and when it becomes the next:
 *
 *     closed -> open -> ready -> drains -> stops -> over
 *
 * Closed, the bus speaks and nobody is let in; open, clients are let in, and questions about
 * clients that are not known yet wait; ready, the node knows what its neighbours know. After TERM a
 * ready node drains: it serves as before, so that a load balancer has time to send nobody more.
 * Then it stops: nobody is let in, replies on their way are finished, neighbours hear a goodbye.
 *
 * It tells nobody and opens nothing: the node's loop says what it sees, and does what each phase
 * means. A phase may be skipped, and none comes again: `ready` is not taken back before the node
 * ends.
 *
 * Invariant: phases only go forward. */
#ifndef ZHERD_GATEWAY_TEXT_PHASES_H
#define ZHERD_GATEWAY_TEXT_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the end of service to the end of the loop: time for clients to read and peers to
 * acknowledge. */
#define PHASES_STOP_MS 700
/* A reply whose look-up is under way is waited for, too, and each answer by its deadline
 * (gateway/text/requests.h); then clients have the time above. */
#define PHASES_STOP_MS_MAX 5200

enum phase {
    PHASE_CLOSED,
    PHASE_OPEN,
    PHASE_READY,
    PHASE_DRAINS,
    PHASE_STOPS,
    PHASE_OVER,
};

/* All times in milliseconds of a clock that never goes back. */
struct phases {
    enum phase phase;
    int64_t start_ms;       /* of the bus */
    int64_t drain_ms;       /* how long it drains; 0: it does not */
    int64_t until_ms;       /* while it drains, or stops: when that is over */
    int64_t stop_latest_ms; /* while it stops: look-ups hold it up no longer */
};

/* What the loop sees; each is looked at in one phase alone. */
struct phases_seen {
    size_t neighbours, heard; /* closed: in the file; and of them have said HELLO */
    int64_t ready_ms;         /* open: flood_ready_ms */
    size_t connections;       /* stops: of clients */
    size_t lookups;           /* stops: under way */
    bool is_told;             /* stops: neighbours have all, and the goodbye (flood_is_over) */
};

/* At the end of a turn. Moves on by one phase where it is time; true where it did, and then it may
 * be time for the next one, too. */
bool phases_turn(struct phases *phases, const struct phases_seen *seen, int64_t now_ms);

/* TERM or INT: drains, or stops where it has nothing to drain. A second one ends the draining, or
 * else the waiting for replies. True where the phase is another now. */
bool phases_end(struct phases *phases, int64_t now_ms);

/* When a turn is wanted although nothing comes; INT64_MAX: not by this. */
int64_t phases_deadline_ms(const struct phases *phases, const struct phases_seen *seen);

/* The phase as one word, "closed". */
const char *phases_name(enum phase phase);

/* Whether TERM or INT has come. */
bool phases_ends(const struct phases *phases);

#endif
