/* telling: which of the connections that watch something is written to next.
 *
 * Who is owed lines waits in one queue. While few watch, a line leaves at the end of the turn in
 * which its change came. Where many do, lines are gathered before each write, a millisecond for
 * each TELLING_PER_MS connections that watch and TELLING_GATHER_MS at most: 1,000 of them that are
 * told everything would otherwise cost a system call each for every change. A connection that was
 * told nothing for as long waits for nobody.
 *
 * It knows no socket, no clock and no line; a connection is only its place in the queue.
 *
 * Invariant: whoever waits is told after those before it, and at most TELLING_GATHER_MS after
 * it was told last, but for the time that telling the others takes. */
#ifndef ZHERD_GATEWAY_TEXT_TELLING_H
#define ZHERD_GATEWAY_TEXT_TELLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/text/list.h"

#define TELLING_GATHER_MS 20
#define TELLING_PER_MS    50
/* What telling may take of one turn of the loop; sessions have as much (TURNS_TURN_NS). The clock
 * is looked at after each connection, which takes up to some hundred microseconds. */
#define TELLING_TURN_NS 1500000
/* Looks at a client for one connection at a time (watchers_write). */
#define TELLING_STEPS 4096

/* A connection's place; stands in whatever is told. All zero is one without watches. */
struct telling_session {
    struct list_node node;
    int64_t told_ms; /* last */
    bool has_watches;
};

struct telling {
    struct list_node waiting;
    size_t watching; /* connections that have watches */
};

/* It must stay where it is from then on. */
void telling_init(struct telling *telling);

/* Whether the connection has watches now: after each of its turns, and before it goes. */
void telling_follow(struct telling *telling, struct telling_session *session, bool has_watches);

/* It is owed lines and may be told them; does nothing where it waits already. */
void telling_wait(struct telling *telling, struct telling_session *session);

/* The next one to be told, which waits no more and counts as told now; NULL: nobody is due. */
struct telling_session *telling_next(struct telling *telling, int64_t now_ms);

/* When telling_next is to be asked again; INT64_MAX: nobody waits. */
int64_t telling_deadline_ms(const struct telling *telling);

#endif
