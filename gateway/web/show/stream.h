/* stream: what changes in a table, as server-sent events (WHATWG HTML, 9.2) for any number of
 * viewers: a log of bytes, and where each viewer is in it.
 *
 * Five times a second stream_tick looks at the slots that changed since, and appends of each client
 * its newest position alone; so nobody is told of one client more often. Those who may see the same
 * are an *audience*, and share one log, which keeps the last STREAM_KEPT_BYTES; whoever is further
 * back, or comes back with an id from before, is sent `reset`. Each audience counts its own ticks,
 * so that no id says anything of clients that it may not see. It knows no connection and no clock,
 * and what the node says of its links is handed in.
 *
 * Invariant: whoever has the table's clients as of an id, and then takes all events after it, has
 * those that the table had at the last tick that left nothing to the next one; or was sent `reset`.
 */
#ifndef ZHERD_GATEWAY_WEB_SHOW_STREAM_H
#define ZHERD_GATEWAY_WEB_SHOW_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/flood.h"
#include "gateway/web/show/geojson.h"

/* Between two ticks. */
#define STREAM_TICK_MS 200
/* Of each audience: 40 s of 1,000 moves a second. */
#define STREAM_KEPT_BYTES ((size_t)4 * 1024 * 1024)
/* Ticks whose ids can be resumed at: 13 min in which each has something. */
#define STREAM_KEPT_TICKS 4096u
/* Audiences at the same time. One more takes the log of one that has no viewer; where each has some
 * it is refused. */
#define STREAM_AUDIENCES_MAX 64
/* Of one event, but for a client whose id alone is longer. */
#define STREAM_EVENT_BYTES_MAX ((size_t)64 * 1024)
/* Slots that one tick looks at, and bytes that it appends, give or take one client: what is left
 * waits for the next one. A viewer that has taken all before a tick is not late after it, however
 * long ids are. */
#define STREAM_TICK_SLOTS_MAX 50000u
#define STREAM_TICK_BYTES_MAX ((size_t)3 * 1024 * 1024)
/* A line that says nothing, for proxies that end what is silent. */
#define STREAM_QUIET_MS 15000
/* "5f0c7a1d9b3e2468-18446744073709551615" and a NUL. */
#define STREAM_ID_BYTES_MAX 40

struct stream;
struct audience;

/* Where one viewer is. All zero, and after stream_leave, is nobody. */
struct viewer {
    struct audience *audience;
    uint64_t at;        /* in the log */
    struct buffer head; /* what it is sent before that */
};

struct stream_figures {
    uint64_t moves, gones;     /* told to one audience or more */
    uint64_t resumed, resets;  /* viewers that came back with an id; `reset`s that were sent */
    uint64_t bytes;            /* that viewers have taken */
    size_t viewers, audiences; /* at this moment */
};

/* Follows the table of the flood from now on: what is in it is what viewers are taken to have.
 * `run` is random, and names this process's life in ids. Borrows the flood, whose table nobody else
 * follows. */
struct stream *stream_new(struct flood *flood, uint64_t run);
/* Before the flood. Accepts NULL, sets the caller's pointer to NULL. */
void stream_destroy(struct stream **stream);

/* Appends what changed since; `now_ms` is of any clock that does not run backwards. To be called
 * every STREAM_TICK_MS. Whether there is more in some log. */
bool stream_tick(struct stream *stream, int64_t now_ms);

/* Whoever has an order before that is over, although the table shows it; 0: nobody is. */
void stream_hide_before(struct stream *stream, int64_t from_ns);

/* What the node says, the data of the event `herd`, one line of JSON, is told first of all to
 * viewers to come, and to those that are there, too, unless `quietly`. */
void stream_tell_herd(struct stream *stream, struct span data, bool quietly);

/* The id of the last tick of those who see that: who reads the table from now on goes on after it.
 * Where there is no room for one more audience, an id that nobody goes on at. */
void stream_write_id(struct stream *stream, const struct sight *sight,
                     char id[STREAM_ID_BYTES_MAX]);

/* A viewer that is nobody becomes one of those who see that, behind the event `after`, or at this
 * moment where that is empty. False where there is no room for one more audience. */
bool stream_join(struct stream *stream, const struct sight *sight, struct span after,
                 struct viewer *viewer);
/* The number of the last tick, from 1 on, and that of the one that found the slot's client where it
 * is; 0: none did yet. All that changed before this call and is not found yet has a greater one. */
uint32_t stream_now(const struct stream *stream);
uint32_t stream_changed(const struct stream *stream, uint32_t slot);

void stream_leave(struct stream *stream, struct viewer *viewer);

/* No sight counts any more: forgets all audiences, which have no viewers, and whoever comes back
 * begins again. */
void stream_forget(struct stream *stream);

/* Takes up to `room` bytes (1 or more), and says how many: 0 where there is nothing now. */
size_t stream_read(struct stream *stream, struct viewer *viewer, char *to, size_t room);
/* Whether there is something; not for nobody. */
bool stream_has_more(const struct viewer *viewer);

const struct stream_figures *stream_count(const struct stream *stream);

#endif
