/* watchers: who is to be told what changes in the table, and the lines that tell it
 * (gateway/PROTOCOL.md, WATCH).
 *
 * One struct watchers for a node, over its table. A connection may have many watches: of a client,
 * also of one that is not known yet; of a circle around a client, or around a point; of everything.
 * It knows no socket and no command: whoever does adds watches and ends them, lends it a buffer for
 * the reply and for the lines, and ends the connection where watchers_is_lost says so.
 *
 * A turn of the node:
 *
 *     watchers_update(watchers);
 *     watchers_clear(watchers, &steps);
 *     while ((connection = watchers_next_due(watchers)) != NULL)
 *         remember_that_lines_wait(connection);
 *
 * and later, where the connection has room (the lines of up to 20 ms may be gathered first):
 *
 *     while (has_room && watchers_write(watchers, connection, &steps, bytes_max, out))
 *         ... again, this turn or a later one
 *
 * What changed is found by the table's change log (bus/table/changes.h), which runs while there is
 * a watch. For each watch and client it is known whether the watch was told that the client is in:
 * what is written depends on that and on the table at that moment, so a slow reader is told the
 * newest state of each client once. A watch of everything has no such marks: it is a place in the
 * change log, and one that falls too far back is told the whole table again; who is gone stands in
 * a log of ids for all of these, and whoever falls too far back there is lost.
 *
 * Fences are found by cells of the globe (gateway/text/fences.h), and whoever was told of
 * a client hangs on its slot, so a change costs nothing for watches that do not care. Where a
 * centre moves, its circle is gone over in steps, from the clients told in and from the grid.
 *
 * A connection that may not see everybody has no mark of whom it may not see, so nothing is ever
 * told of them, neither that they leave nor that they are gone; a watch of one of them, or of a
 * circle around one, never says anything.
 *
 * Memory: a watch that has no room when it comes is refused; a connection whose watches need more
 * later, beyond the limits below, is lost.
 *
 * Invariant: once a connection has taken all its lines, what they add up to is what the table says;
 * and on the way no line contradicts those before it: ENTER is of one that was out, MOVE (but of
 * everything, or of one client) and LEAVE of one that was in. */
#ifndef ZHERD_GATEWAY_TEXT_WATCHERS_H
#define ZHERD_GATEWAY_TEXT_WATCHERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/degrees.h"
#include "bus/table/table.h"
#include "gateway/text/list.h"
#include "topology/format/access.h"

/* Watches of one connection, and of all connections of a node. */
#define WATCHERS_OF_CONNECTION_MAX 256u
#define WATCHERS_OF_NODE_MAX       1000000u
/* Circles of a node around one and the same client: each of them is gone over when it moves. */
#define WATCHERS_OF_CENTRE_MAX 64u
#define WATCHERS_RADIUS_MM_MAX INT64_C(1000000000)
/* What watches of a connection take, in marks of who is told in, or is to be: 56 bytes each, up to
 * 136 with which it hangs on its client's slot, and up to 16 for notes that this has changed. */
#define WATCHERS_MARKS_MAX    4000000u
#define WATCHERS_NOTES_A_MARK 2u
/* The log of clients that are gone, for all watches of everything: whoever has most of that to read
 * when it is full is lost. A client takes 16 bytes and its id. */
#define WATCHERS_GONE_BYTES_MAX (64 * 1024 * 1024)
/* Lines of a reply, and the bytes from which on no further one is begun: who is inside besides
 * follows as ENTER. */
#define WATCHERS_REPLY_LINES_MAX 1000u
#define WATCHERS_REPLY_BYTES_MAX (256 * 1024)

enum watchers_kind {
    WATCHERS_CLIENT, /* `client` */
    WATCHERS_CIRCLE, /* `radius_mm` around `client` */
    WATCHERS_POINT,  /* `radius_mm` around `place` */
    WATCHERS_ALL,
};

struct watchers_wanted {
    enum watchers_kind kind;
    struct span client; /* copied */
    struct degrees place;
    int64_t radius_mm; /* 0 to WATCHERS_RADIUS_MM_MAX, inclusive */
};

enum watchers_outcome {
    WATCHERS_ADDED,
    /* Refused: nothing changed. */
    WATCHERS_FULL_CONNECTION,
    WATCHERS_FULL_NODE,
    WATCHERS_FULL_CENTRE,
    WATCHERS_FULL_MEMORY,
};

struct watchers_notes;
struct watchers_reply;

/* The watches of one connection. All zero has none and owns nothing. It must stay where it is while
 * it has any, and then be handed to watchers_end. */
struct watchers_connection {
    struct list_node of_node;     /* among those that have watches */
    struct list_node due;         /* among those that watchers_next_due has not given yet */
    struct list_node watches;     /* in the order of their numbers; a head once there was one */
    struct list_node due_watches; /* those of them that may have lines, next one first */
    uint32_t count;               /* of watches */
    uint32_t number;              /* of the last one that was added, from 1 on */
    uint32_t marks;               /* clients that are told in, or are to be, over all watches */
    bool is_given;                /* by watchers_next_due, and not written to its end since */
    bool is_lost;
    const struct access_person *seer; /* is told of no others than it may see; NULL: of all */
    struct watchers_notes *notes;     /* what changed of whom it is told; NULL without a watch */
    struct watchers_reply *reply;     /* that is due before anything else; or NULL */
};

struct watchers_counters {
    uint64_t watches; /* that there are, */
    uint64_t marks;   /* and clients told in or to be, over all of them */
    uint64_t bytes;   /* that both take, with the change log */
    uint64_t lines;   /* written so far, without those of replies */
    uint64_t rounds;  /* of circles whose centre moved, and of tables told again */
    uint64_t lost;    /* connections */
};

struct watchers;

/* Nothing is allocated or logged before the first watch. All watches take up to `bytes_max`, as an
 * allowance counts them. The table must live longer; where it has no grid, no circle may be added.
 */
struct watchers *watchers_new(struct table *table, const uint8_t key[16], uint64_t bytes_max);
/* Accepts NULL, sets the caller's pointer to NULL. All watches must have been ended; what is left
 * to be cleared is. */
void watchers_destroy(struct watchers **watchers);

/* Limits, which are those above, `bytes_max`, CHANGES_SLOTS and WATCHERS_GONE_BYTES_MAX, while
 * there is no watch. For tests.
 */
struct watchers_limits {
    uint32_t watches; /* of the node */
    uint32_t marks;   /* of a connection */
    uint64_t bytes;
    uint32_t changes; /* that the log holds, a power of two */
    size_t gone_bytes;
};
void watchers_limit(struct watchers *watchers, const struct watchers_limits *limits);

/* All watches take up to so many bytes from now on; those that are there stay. */
void watchers_change_bytes(struct watchers *watchers, uint64_t bytes_max);

/* A watch more, under connection->number. Where it was added, watchers_reply is due next. */
enum watchers_outcome watchers_add(struct watchers *watchers,
                                   struct watchers_connection *connection,
                                   const struct watchers_wanted *wanted);

/* Whom the connection is told of from now on: what this changes about watches that it has is not
 * told. Another person who sees the same changes nothing. Borrowed. */
void watchers_show(struct watchers_connection *connection, const struct access_person *person);

/* Goes on with the reply to the watch that was added last, for about `*steps` looks at a client or
 * a fork of the grid, which it takes off. True once it is in `out` as a whole, "WATCH w n", n lines
 * "NEAR metres AT ..." or AT lines, and an empty line, as the table is in that moment; else it is
 * to be called again, and nothing was written. Where the connection is lost: true, and nothing was
 * written. */
bool watchers_reply(struct watchers *watchers, struct watchers_connection *connection,
                    int64_t *steps, struct buffer *out);

/* Ends the watch with that number, or all of them for 0; how many ended. Lines of theirs that were
 * not written are dropped, and so is a reply. After all ended the connection owns nothing; what was
 * known of clients is freed by watchers_clear. */
uint32_t watchers_end(struct watchers *watchers, struct watchers_connection *connection,
                      uint32_t number);

/* Frees what was known of clients for watches that have ended, for one step each, which it takes
 * off: up to WATCHERS_MARKS_MAX a connection, more than a turn has time for. True where something
 * is left: to be called once a turn while watchers_is_clearing, after watchers_update. */
bool watchers_clear(struct watchers *watchers, int64_t *steps);
bool watchers_is_clearing(const struct watchers *watchers);

/* Takes in what the table has changed since the last call: to be called once a turn. All calls
 * above and below but these two see to it themselves. Without a watch it costs one comparison. */
void watchers_update(struct watchers *watchers);
/* A connection that has lines to be written, or is lost: each once, then not before watchers_write
 * has said of it that nothing is left. NULL: no other. */
struct watchers_connection *watchers_next_due(struct watchers *watchers);

/* Appends lines while `out` has less than `out_bytes_max`, and for about `*steps` looks at a
 * client, which it takes off; a line may take as much as the longest AT line besides. True where
 * something is left, and it is to be called again. Does nothing while a reply is due, which must
 * come first, and where the connection is lost. */
bool watchers_write(struct watchers *watchers, struct watchers_connection *connection,
                    int64_t *steps, size_t out_bytes_max, struct buffer *out);

/* Memory was refused for what its watches were to be told, so that their lines would not add up any
 * more: the connection must be closed. */
static inline bool watchers_is_lost(const struct watchers_connection *connection)
{
    return connection->is_lost;
}

/* Whether it has watches: for limits of what is silent. */
static inline bool watchers_has_any(const struct watchers_connection *connection)
{
    return connection->count > 0;
}

struct watchers_counters watchers_count(const struct watchers *watchers);

/* Right after watchers_update: true while all links between watches, clients and cells are what
 * they should be. For tests; costs as much as all of them. */
bool watchers_is_sound(const struct watchers *watchers);

#endif
