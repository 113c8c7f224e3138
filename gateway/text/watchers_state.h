/* watchers_state: what the files of watchers share: watchers.c adds, ends and takes changes in,
 * watchers_marks.c keeps who is told of whom, watchers_notes.c what changed of that, and
 * watchers_lines.c writes (gateway/text/watchers.h).
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: a mark that is not a watch's own is told or due, or both; one with a slot hangs on
 * that slot; a circle stands in `fences` while its centre has a place. */
#ifndef ZHERD_GATEWAY_TEXT_WATCHERS_STATE_H
#define ZHERD_GATEWAY_TEXT_WATCHERS_STATE_H

#include "bus/base/allowance.h"
#include "bus/table/changes.h"
#include "bus/table/grid.h"
#include "gateway/text/chains.h"
#include "gateway/text/fences.h"
#include "gateway/text/watchers.h"

/* The id of a client that was freed, for all who are to be told of that. */
struct watchers_gone {
    uint32_t readers;
    uint32_t client_bytes;
    char client[];
};

/* That a watch is told of a client, or is to be. */
struct watchers_mark {
    struct watch *watch;
    struct watchers_mark *due_after;
    struct watchers_gone *gone; /* the client was told in, and freed since; else NULL */
    uint32_t slot_ord;          /* slot + 1 of the client; 0: it has none */
    uint32_t slot_at;           /* its place among the marks of that slot */
    bool is_told, is_due;
    struct list_node of_watch; /* in none, where it is the watch's own */
};

/* Slots that changed, for a connection: on each of them marks of its watches hang which are to be
 * due, or did. A mark is noted once before its note is taken; where it is told or gone before that,
 * the note stays, so there may be more of them than marks: WATCHERS_NOTES_A_MARK for each that it
 * may have. It lives as long as one of its watches, of which those that have ended may have marks
 * left. */
struct watchers_notes {
    struct watchers_connection *connection; /* NULL: all its watches have ended */
    uint32_t *slots;                        /* from `first` on; those before it were taken */
    uint32_t first, count, room;
    uint32_t watches;
};

/* The marks of a slot, in any order, and beside each its watch and what notes it, so that a change
 * is noted, or a watch looked for, without a look at any of them. */
struct watchers_hung {
    struct watchers_mark *mark;
    struct watch *watch;
    struct watchers_notes *notes;
};

/* So many of a slot's marks can be noted, the first ones. Of these a *run* is noted at once: some
 * in turn that have the same notes, or one that is a watch's own. */
#define WATCHERS_NOTED_MAX 64u

struct watchers_marks {
    uint32_t count;
    uint16_t room_bits;      /* there is room for 2^room_bits - 1 */
    uint16_t centres;        /* circles in whose middle the client stands: WATCHERS_OF_CENTRE_MAX */
    uint64_t is_first;       /* of a run, by bits */
    uint64_t is_own;         /* a watch's own mark, which is not noted */
    uint64_t is_noted;       /* then the slot is among the notes of that mark's connection */
    struct fences_calm calm; /* where no other circles hold the client than those of its marks */
    struct watchers_hung hung[];
};

/* Clients that are gone, for watches of everything, each of which has a place in it: so one more
 * costs the same however many such watches there are. Positions count bytes from the first one on.
 */
struct watchers_gone_log {
    char *bytes;
    size_t len, room;
    uint64_t begin; /* the position of the first byte */
};

/* Circles apart from others, so that the circles around a client are found beside however many
 * watch it. */
static inline uint64_t watchers_awaited_as(enum watchers_kind kind, uint64_t client_hash)
{
    return kind == WATCHERS_CIRCLE ? ~client_hash : client_hash;
}

/* Since when a slot's client is there: a number that grows with the position of the change log by
 * which it came, or 0. It is kept while there is a watch of everything; what was kept for earlier
 * ones is below all that is kept now. */
static inline uint64_t born_at(uint64_t position)
{
    return 2 * position + 2;
}

struct watchers_slot {
    struct watchers_marks *marks; /* NULL: none */
    uint64_t born;
    uint32_t latest; /* the low bits of the position of its last change, kept as `born` is */
};

/* Bits of 64 slots beside each other, so that a change of one that nobody watches reads no more of
 * them than a part of one line of a cache. */
struct watchers_word {
    uint64_t is_watched; /* it has marks */
    uint64_t is_far;     /* fences_are_far from where it is, */
    uint32_t came;       /* as far as fences.came was this */
    uint32_t askings;    /* `askings` below when all that follows was 0: */
    uint64_t was_asked;  /* whether somebody is awaited there */
};

#define WATCHERS_CHUNK_SLOTS 1024u
#define WATCHERS_CHUNK_WORDS (WATCHERS_CHUNK_SLOTS / 64)

struct watchers_chunk {
    struct watchers_word words[WATCHERS_CHUNK_WORDS];
    struct watchers_slot *slots; /* NULL: nothing is kept of them */
};

/* A circle is gone over where its centre has moved: first who was told in, then who stands there.
 * Where the centre is gone, so are all marks, before anything else is said. */
enum watch_round { ROUND_NONE, ROUND_MARKS, ROUND_GRID, ROUND_END };

/* Of a watch of everything: what it was told of. Slots below `next`, as of the changes before `at`;
 * and, since it once fell too far back, others as of an older time. */
struct watch_cursor {
    uint64_t at, before_at;
    uint32_t next, before_next;
    uint64_t gone_at; /* of those that are gone; what it was told of is looked up here before that
                         changes */
};

struct watch {
    /* What a change of a client in it reads and writes. */
    struct watchers_connection *connection; /* NULL: it has ended, and has marks left */
    struct watchers_notes *notes;
    uint64_t seen; /* the last change that looked at it, where it hangs past those that are noted */
    struct list_node due;
    struct watchers_mark *due_first, *due_last; /* of `marks` */
    enum watchers_kind kind;
    uint32_t number;
    struct list_node of_connection; /* or among those that have ended */
    struct list_node of_all;        /* those of everything */
    struct watchers_mark self; /* of its client, or of its centre, which is_told that it is there */
    struct chains_node awaited; /* by watchers_awaited_as of its client, */
    bool is_awaiting;           /* while that has no slot */
    struct list_node marks;
    uint32_t mark_count;
    struct fence fence;
    int64_t radius_mm;
    enum watch_round round;
    bool is_round_late; /* the centre has moved since it began */
    struct list_node *round_at;
    uint64_t round_key;
    struct watch_cursor cursor;
    uint32_t client_bytes;
    char client[];
};

struct watchers_reply {
    struct watch *watch;
    bool is_searching; /* around `centre`, where it stood when the search began */
    bool has_begun;
    bool is_complete; /* the search was through in its first turn */
    struct degrees centre;
    struct grid_search search;
};

struct watchers {
    struct table *table;
    struct allowance allowance;
    struct watchers_limits limits; /* bytes only for watches and marks, not for what follows from
                                      their number */
    struct changes changes;        /* while there is a watch */
    uint64_t taken;                /* changes that were taken in */
    struct watchers_chunk **chunks;
    uint32_t chunk_count;
    uint32_t askings;   /* slots that were asked less often are to be asked once more */
    uint64_t all_since; /* the end of the log when there began to be a watch of everything */
    struct watchers_gone_log gone; /* for those */
    uint64_t looks;                /* changes that were looked at, for `seen` */
    struct chains awaited;
    struct fences fences;
    struct list_node connections, due, all;
    bool has_changed;       /* something, since watches of everything became due */
    struct list_node ended; /* watches, of which only marks are left */
    struct buffer lines;    /* of a reply */
    struct watchers_counters count;
};

/* For what makes watches and marks more, and for what follows from their number, or from that of
 * the table's slots. */
static inline struct allowance *watchers_limited(struct watchers *watchers)
{
    watchers->allowance.max = watchers->limits.bytes;
    return &watchers->allowance;
}

static inline struct allowance *watchers_unlimited(struct watchers *watchers)
{
    watchers->allowance.max = UINT64_MAX;
    return &watchers->allowance;
}

/* ---- watchers_marks.c ---- */

/* What is kept of a slot; NULL where memory is refused, and then all connections are lost. */
struct watchers_slot *watchers_slot(struct watchers *watchers, uint32_t slot);
/* The same where nothing is to be changed: NULL for one of which nothing is kept. */
struct watchers_slot *watchers_slot_kept(const struct watchers *watchers, uint32_t slot);
/* The bits of a slot, on the same terms. */
struct watchers_word *watchers_word(struct watchers *watchers, uint32_t slot);

static inline struct watchers_chunk *watchers_chunk_kept(const struct watchers *watchers,
                                                         uint32_t slot)
{
    uint32_t chunk = slot / WATCHERS_CHUNK_SLOTS;
    return chunk < watchers->chunk_count ? watchers->chunks[chunk] : NULL;
}

static inline struct watchers_word *watchers_word_kept(const struct watchers *watchers,
                                                       uint32_t slot)
{
    struct watchers_chunk *chunk = watchers_chunk_kept(watchers, slot);
    return chunk == NULL ? NULL : &chunk->words[slot % WATCHERS_CHUNK_SLOTS / 64];
}

static inline uint64_t watchers_bit(uint32_t slot)
{
    return UINT64_C(1) << slot % 64;
}

void watchers_free_slots(struct watchers *watchers);

void watchers_lose(struct watchers *watchers, struct watchers_connection *connection);

/* The watch may have lines. */
void watchers_due(struct watchers *watchers, struct watch *watch);
/* Those of everything may, where something has changed: once a turn, not for each change, as there
 * may be very many. */
void watchers_due_all(struct watchers *watchers);

/* The connection may have lines. */
void watchers_give(struct watchers *watchers, struct watchers_connection *connection);

/* It is a circle's own, of the client in its middle. */
bool watchers_is_centre(const struct watchers_mark *mark);
/* On that slot. False where the system refuses memory: then the connection is lost. */
bool watchers_hang(struct watchers *watchers, uint32_t slot, struct watchers_mark *mark);
void watchers_unhang(struct watchers *watchers, struct watchers_mark *mark);
/* It is told as it is now: what is noted of it is not due any more. */
void watchers_unnote(const struct watchers *watchers, const struct watchers_mark *mark);
/* The marks of a slot; NULL: none. */
struct watchers_marks *watchers_hung(const struct watchers *watchers, uint32_t slot);

/* A mark more of the watch on the slot, neither told nor due. NULL: the connection is lost. */
struct watchers_mark *watchers_mark(struct watchers *watchers, struct watch *watch, uint32_t slot);
/* The mark is in nobody's due ones. */
void watchers_unmark(struct watchers *watchers, struct watchers_mark *mark);
/* All but the watch's own, for one step each. False where steps did not suffice. */
bool watchers_unmark_some(struct watchers *watchers, struct watch *watch, int64_t *steps);
void watchers_unmark_all(struct watchers *watchers, struct watch *watch);
void watchers_mark_due(struct watchers *watchers, struct watchers_mark *mark);
/* The next one that is due, which then is not any more; NULL: none. */
struct watchers_mark *watchers_take_due(struct watch *watch);
/* The client was freed, or has become a tombstone; `*gone` is made for the first who is to be told.
 */
void watchers_mark_gone(struct watchers *watchers, struct watchers_mark *mark, struct span client,
                        struct watchers_gone **gone);

/* The marks that can be noted, as bits, and those of the run that begins with the first of `first`,
 * some firsts of runs. */
static inline uint64_t watchers_notable(const struct watchers_marks *marks)
{
    return marks->count >= WATCHERS_NOTED_MAX ? UINT64_MAX : (UINT64_C(1) << marks->count) - 1;
}

static inline uint64_t watchers_run(const struct watchers_marks *marks, uint64_t first)
{
    uint64_t lowest = first & -first, next = first & (first - 1);
    return (next == 0 ? watchers_notable(marks) : (next & -next) - 1) & -lowest;
}

/* ---- watchers_notes.c ---- */

/* The notes of the connection are the watch's, too, until it leaves them. False where memory for
 * them is refused. */
bool watchers_join_notes(struct watchers *watchers, struct watchers_connection *connection,
                         struct watch *watch);
void watchers_leave_notes(struct watchers *watchers, struct watch *watch);
/* All its watches have ended. */
void watchers_end_notes(struct watchers *watchers, struct watchers_connection *connection);
/* Marks of the slot, some of a run from its first one on, which is not a watch's own, are to be
 * due.
 */
void watchers_note(struct watchers *watchers, uint32_t slot, struct watchers_marks *marks,
                   uint64_t run);
/* Marks that are noted are due now, the ones noted first before others, for one step each. False
 * where steps did not suffice. */
bool watchers_take_notes(struct watchers *watchers, const struct watchers_connection *connection,
                         int64_t *steps);

/* ---- watchers_gone.c ---- */

/* Since when the client in a slot is there is known. */
static inline bool watchers_knows_birth(const struct watchers *watchers, uint64_t born)
{
    return born > 2 * watchers->all_since;
}

/* The same of one that was there when that began to be kept. */
static inline uint64_t watchers_born_before(const struct watchers *watchers)
{
    return 2 * watchers->all_since + 1;
}

/* Watches of everything that were told of the client in the slot, which is there since `born`, are
 * to be told that it is gone. Where there is no room, those that are furthest from that are lost.
 */
void watchers_note_gone(struct watchers *watchers, uint32_t slot, uint64_t born,
                        struct span client);
/* The next one for that watch, which then is past it; false at the end, or where steps did not
 * suffice. The id is borrowed until something else is called. */
bool watchers_next_gone(const struct watchers *watchers, struct watch *watch, int64_t *steps,
                        struct span *client);
static inline bool watchers_has_gone(const struct watchers *watchers, const struct watch *watch)
{
    return watch->cursor.gone_at < watchers->gone.begin + watchers->gone.len;
}
/* Frees what all watches of everything are past: for a step each, so once a turn. */
void watchers_trim_gone(struct watchers *watchers);

/* ---- watchers_update.c ---- */

/* The centre of a circle has come, gone, or moved: the fence moves, and a round is due. */
void watchers_look_at_centre(struct watchers *watchers, struct watch *watch);
/* Waits for a client of this name to come to have a slot; false where memory is refused. */
bool watchers_await(struct watchers *watchers, struct watch *watch);

/* ---- watchers.c ---- */

/* A client stands there that counts, and was not forgotten. */
bool watchers_is_there(const struct watchers *watchers, uint32_t slot);
/* A circle holds the client in the slot, which is not its centre; `*mm`: so far from that. */
bool watchers_is_inside(const struct watchers *watchers, const struct watch *watch, uint32_t slot,
                        int64_t *mm);
/* The circle is to be gone over, from those told in, or from those in the grid on. */
void watchers_begin_round(struct watchers *watchers, struct watch *watch, enum watch_round from);

/* The connection is told of that client, and of the one in that slot, which is live. */
static inline bool watchers_tells(const struct watchers_connection *connection, struct span client)
{
    return connection->seer == NULL || access_may_see(connection->seer, client);
}

static inline bool watchers_tells_slot(const struct watchers *watchers, const struct watch *watch,
                                       uint32_t slot)
{
    const struct access_person *seer = watch->connection->seer;
    return seer == NULL || access_may_see(seer, table_slot_client(watchers->table, slot));
}

void watchers_end_reply(struct watchers *watchers, struct watchers_connection *connection);

static inline struct watch *watch_of_due(struct list_node *node)
{
    return LIST_OWNER(node, struct watch, due);
}

static inline struct watchers_mark *mark_of_watch(struct list_node *node)
{
    return LIST_OWNER(node, struct watchers_mark, of_watch);
}

#endif
