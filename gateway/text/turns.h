/* turns: which session is served next, how much of it, and what was read of those that were served
 * and is not processed yet, so that one that sends much delays only itself.
 *
 * The queues are those of fq_codel (RFC 8290) with sessions for flows. A session whose last turn
 * took little waits in front, all others at the back; each queue is served round robin. A
 * session gets a budget for each turn, and what is beyond it waits until the session is served
 * again. A turn of the loop has a budget of time, after which the bus, the timers and the places
 * are served before the next session.
 *
 * Clients are read one after the other and answered together, so that the processor fetches their
 * table records from memory in parallel. All bytes of such a batch stand in one piece of memory,
 * each read after the one before, and stay in the cache until they are processed.
 *
 * It knows no socket, no clock and nothing of a session but its place in a queue; a client is only
 * a pointer to compare. Each operation takes the same few steps, however many sessions wait.
 *
 * Invariant: whoever waits is served after those before it in its own queue, and at most one from
 * the back for each TURNS_FRONT_RUN_MAX from the front, or TURNS_FRONT_RUN_MAX from the front for
 * each from the back. */
#ifndef ZHERD_GATEWAY_TEXT_TURNS_H
#define ZHERD_GATEWAY_TEXT_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/text/list.h"

/* What a session in front may use in one turn, and what it must stay below to be served in front
 * next time. Small, because whoever always sends a little less is always served in front: one turn
 * of 2,000 such sessions is to take no more than about 20 ms. An interactive client stays far
 * below. */
#define TURNS_FRONT_COMMANDS_MAX  8
#define TURNS_FRONT_IN_BYTES_MAX  (2 * 1024)
#define TURNS_FRONT_OUT_BYTES_MAX (8 * 1024)
/* What one of the others may. Enough that system calls are a small part of its cost. */
#define TURNS_BACK_COMMANDS_MAX  256
#define TURNS_BACK_IN_BYTES_MAX  (16 * 1024)
#define TURNS_BACK_OUT_BYTES_MAX (32 * 1024)
/* Sessions served in front before one from the back is, where both wait: those that send little,
 * however many, must not keep the others from being served. */
#define TURNS_FRONT_RUN_MAX 16
/* The sessions' time in one turn of the loop: a small part of the 20 ms that an answer may take
 * beside hostile clients, and long enough that the rest of a turn costs little in comparison. */
#define TURNS_TURN_NS 1500000
/* How much is served between two looks at the clock, in commands. A session counts as 16
 * for its two system calls, a KiB in or out as one. About 50 us. */
#define TURNS_LOOK_COST    256
#define TURNS_SESSION_COST 16

/* A budget, or what was used of one. */
struct turns_budget {
    uint32_t commands;
    uint32_t in_bytes, out_bytes;
};

enum turns_place {
    TURNS_IDLE,   /* has nothing to do */
    TURNS_QUEUED, /* waits in one of the queues */
    TURNS_TAKEN   /* was given by turns_next or turns_take: turns_done is due */
};

/* A session's place in the queues; stands in whatever is served. All zero is one that is idle, and
 * has used nothing: a new connection is served in front. */
struct turns_session {
    struct list_node node;
    uint8_t place;     /* enum turns_place */
    bool is_greedy;    /* its last turn took a whole budget of those in front */
    bool has_big_turn; /* taken from the back: gets the budget of those */
};

struct turns {
    struct list_node front, back;
    size_t count;     /* queued, in both */
    uint32_t run;     /* served in front since one from the back was */
    uint32_t cost;    /* since the last look at the clock */
    int64_t begun_ns; /* this turn */
    bool is_over;     /* this turn's time is used up */
};

/* Both queues empty. It must stay where it is from then on. */
void turns_init(struct turns *turns);

/* A turn of the loop begins. Any clock will do: where it is set back, the turn is over. */
void turns_begin(struct turns *turns, int64_t now_ns);

/* The session has something to do: its socket can be read, or lines wait in it. Does nothing where
 * it waits already, or is taken. */
void turns_wait(struct turns *turns, struct turns_session *session);

/* The next session to be served, which is taken by that; NULL where none waits or the turn is over.
 * Several may be taken before the first is done. */
struct turns_session *turns_next(struct turns *turns);

/* The same for a session that has something to do while nobody waits, without a queue, which halves
 * the cost of the usual turn. False where it must wait: turns_wait. */
bool turns_take(struct turns *turns, struct turns_session *session);

/* What a session that was taken may use now. A read of at most `in_bytes` keeps to it. */
const struct turns_budget *turns_budget(const struct turns_session *session);

/* It was served and used so much; `waits`: it has more to do, now. */
void turns_done(struct turns *turns, struct turns_session *session, const struct turns_budget *used,
                bool waits);

/* The connection is gone, wherever it was. */
void turns_forget(struct turns *turns, struct turns_session *session);

/* So much was served that turns_look must be given the time before the next turns_next; in a turn
 * of few commands it never is, which saves looking at the clock. */
bool turns_wants_look(const struct turns *turns);
void turns_look(struct turns *turns, int64_t now_ns);

/* Sessions that wait: while there are, the loop must not sleep. */
size_t turns_waiting(const struct turns *turns);

/* ---- what was read ---- */

/* The most that one read takes: what a session may take in one turn. */
#define TURNS_BATCH_READ_BYTES TURNS_BACK_IN_BYTES_MAX
/* The batch is full at either limit. Reads: a processor hardly fetches more records from memory in
 * parallel. Bytes: more would leave the cache before they are processed, and they hold enough lines
 * to fill the time of the fetches. */
#define TURNS_BATCH_READS_MAX 16
#define TURNS_BATCH_BYTES_AIM 4096

struct client;

/* What was read from one client. */
struct turns_batch_entry {
    struct client *client; /* NULL: it is gone */
    char *at;              /* in `memory`; the caller may change the bytes */
    size_t bytes;
};

/* All zero is empty. There is always room for one read. While the batch is not full the read can be
 * added; once it is full, the room is scratch space for bytes that are dropped. */
struct turns_batch {
    struct turns_batch_entry all[TURNS_BATCH_READS_MAX];
    size_t count, bytes;
    char memory[TURNS_BATCH_BYTES_AIM + 2 * TURNS_BATCH_READ_BYTES];
};

/* Where the next TURNS_BATCH_READ_BYTES go. */
char *turns_batch_room(struct turns_batch *batch);

/* Adds the `bytes` that the client's read put there. True when the batch is full: process it first.
 * A client is added once. */
bool turns_batch_add(struct turns_batch *batch, struct client *client, size_t bytes);

/* The client is gone: its entry's `client` becomes NULL. */
void turns_batch_forget(struct turns_batch *batch, const struct client *client);

/* All is processed: the batch is empty again. */
void turns_batch_clear(struct turns_batch *batch);

#endif
