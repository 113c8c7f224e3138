#include "gateway/web/show/stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/packed.h"
#include "bus/table/changes.h"
#include "bus/table/grid.h"
#include "bus/table/table.h"

/* Of a mark: viewers were told that this slot's client is gone, or never knew it. */
#define ABSENT (UINT32_C(1) << 31)

enum kind { KIND_NONE, KIND_GONE, KIND_MOVE };

static const char *const begins[] = {
    [KIND_GONE] = "event: gone\ndata: [", [KIND_MOVE] = "event: move\ndata: ["};

struct tick {
    uint64_t number, end; /* where it ends in the log */
};

struct audience {
    struct sight sight;
    size_t viewers;
    char *log;              /* NULL: there is no such audience */
    uint64_t end;           /* bytes that were written to it since it began */
    uint64_t came;          /* in which order somebody joined last */
    struct tick since;      /* what is known begins after this tick */
    struct tick *ticks;     /* a ring: those after it that had something for this audience */
    uint64_t first, behind; /* of the ring */
    enum kind open;         /* an event that has begun and not ended */
    size_t open_bytes;
    int64_t spoke_ms;
};

struct stream {
    struct flood *flood;
    struct table *table;
    struct changes changes;
    uint64_t at; /* the changes before were looked at */
    uint64_t run, number;
    uint32_t *marks;   /* of each slot: in which round it was looked at last, and ABSENT */
    uint32_t *changed; /* of each slot: in which tick it changed last */
    uint32_t mark_count, round, tick;
    uint32_t *moved; /* slots of this tick */
    uint32_t moved_count;
    int64_t now_ms;
    uint64_t came;
    struct buffer item, herd;
    struct audience audiences[STREAM_AUDIENCES_MAX];
    struct stream_figures figures;
};

/* ---- one audience's log ---- */

static void write_log(struct audience *audience, struct span bytes)
{
    size_t at = audience->end % STREAM_KEPT_BYTES, left = STREAM_KEPT_BYTES - at;
    size_t first = bytes.len < left ? bytes.len : left;
    assert(bytes.len <= STREAM_KEPT_BYTES);
    memcpy(audience->log + at, bytes.data, first);
    memcpy(audience->log, bytes.data + first, bytes.len - first);
    audience->end += bytes.len;
}

static void write_text(struct audience *audience, const char *text)
{
    write_log(audience, span_of(text));
}

/* What no viewer can be given any more is known no more. */
static void forget_old(struct audience *audience)
{
    while (audience->first < audience->behind &&
           audience->end - audience->since.end > STREAM_KEPT_BYTES)
        audience->since = audience->ticks[audience->first++ % STREAM_KEPT_TICKS];
}

static void put(struct audience *audience, enum kind kind, struct span item)
{
    if (audience->open == kind && audience->open_bytes + item.len <= STREAM_EVENT_BYTES_MAX) {
        write_text(audience, ",");
    } else {
        if (audience->open != KIND_NONE)
            write_text(audience, "]\n\n");
        write_text(audience, begins[kind]);
        audience->open = kind;
        audience->open_bytes = 0;
    }
    write_log(audience, item);
    audience->open_bytes += item.len + 1;
}

static void write_id(const struct stream *stream, char id[STREAM_ID_BYTES_MAX])
{
    snprintf(id, STREAM_ID_BYTES_MAX, "%016" PRIx64 "-%" PRIu64, stream->run, stream->number);
}

/* The tick's id stands in its last event, so that who was cut off before has it repeated. */
static void end_tick(struct stream *stream, struct audience *audience)
{
    char id[STREAM_ID_BYTES_MAX], text[STREAM_ID_BYTES_MAX + sizeof "]\nid: \n\n"];
    write_id(stream, id);
    snprintf(text, sizeof text, "]\nid: %s\n\n", id);
    write_text(audience, text);
    audience->open = KIND_NONE;
    audience->spoke_ms = stream->now_ms;
    if (audience->behind - audience->first == STREAM_KEPT_TICKS)
        audience->since = audience->ticks[audience->first++ % STREAM_KEPT_TICKS];
    audience->ticks[audience->behind++ % STREAM_KEPT_TICKS] =
        (struct tick){stream->number, audience->end};
}

/* Where what comes after that tick begins; false where that is not known. */
static bool find_tick(struct audience *audience, uint64_t number, uint64_t *at)
{
    forget_old(audience);
    if (number < audience->since.number || audience->end - audience->since.end > STREAM_KEPT_BYTES)
        return false;
    uint64_t low = audience->first, high = audience->behind; /* those below low are up to number */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (audience->ticks[middle % STREAM_KEPT_TICKS].number <= number)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low == audience->first ? audience->since.end
                                 : audience->ticks[(low - 1) % STREAM_KEPT_TICKS].end;
    return true;
}

/* ---- audiences ---- */

static bool is_same(const struct sight *a, const struct sight *b)
{
    return a->may_see == b->may_see && a->whom == b->whom;
}

static void begin_audience(struct stream *stream, struct audience *audience,
                           const struct sight *sight)
{
    char *log = audience->log != NULL ? audience->log : bytes_zeroed(STREAM_KEPT_BYTES);
    struct tick *ticks =
        audience->ticks != NULL ? audience->ticks : bytes_zeroed(STREAM_KEPT_TICKS * sizeof *ticks);
    stream->figures.audiences += audience->log == NULL;
    *audience = (struct audience){.sight = *sight,
                                  .log = log,
                                  .ticks = ticks,
                                  .since = {.number = stream->number},
                                  .spoke_ms = stream->now_ms};
}

/* That of this sight, perhaps a new one; NULL where there is no room. */
static struct audience *find_audience(struct stream *stream, const struct sight *sight)
{
    struct audience *room = NULL;
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX; i++) {
        struct audience *audience = &stream->audiences[i];
        if (audience->log == NULL) {
            room = audience;
            break; /* there are none after it */
        }
        if (is_same(&audience->sight, sight))
            return audience;
        if (audience->viewers == 0 && (room == NULL || audience->came < room->came))
            room = audience;
    }
    if (room != NULL)
        begin_audience(stream, room, sight);
    return room;
}

/* ---- from the table ---- */

static void make_marks(struct stream *stream, uint32_t count)
{
    if (count <= stream->mark_count)
        return;
    uint32_t more = count < 1024 ? 1024 : count + count / 2;
    stream->marks = bytes_resize(stream->marks, more * sizeof *stream->marks);
    memset(stream->marks + stream->mark_count, 0,
           (more - stream->mark_count) * sizeof *stream->marks);
    stream->changed = bytes_resize(stream->changed, more * sizeof *stream->changed);
    memset(stream->changed + stream->mark_count, 0,
           (more - stream->mark_count) * sizeof *stream->changed);
    stream->mark_count = more;
}

static bool read_slot(const struct stream *stream, uint32_t slot, struct geojson_feature *feature)
{
    return flood_read_slot(stream->flood, slot, &feature->location) && geojson_read(feature);
}

/* Viewers have what is in the table, all of it. */
static void mark_all(struct stream *stream)
{
    struct degrees place;
    uint32_t slots = table_slots(stream->table);
    make_marks(stream, slots + 1); /* there is an array also for no slot */
    memset(stream->marks, 0, stream->mark_count * sizeof *stream->marks);
    for (uint32_t slot = 0; slot < slots; slot++)
        stream->changed[slot] = stream->tick;
    for (uint32_t slot = 0; slot < slots; slot++)
        if (table_slot_is_live(stream->table, slot) &&
            !grid_slot_place(stream->table, slot, &place))
            stream->marks[slot] = ABSENT;
    stream->at = stream->changes.end;
    changes_free_gone(&stream->changes);
}

static void tell(struct stream *stream, enum kind kind, struct span client)
{
    struct span item = {stream->item.data, stream->item.len};
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX && stream->audiences[i].log != NULL; i++)
        if (sight_has(&stream->audiences[i].sight, client))
            put(&stream->audiences[i], kind, item);
}

/* Also where no event said that it came: who read the table since may have it. */
static void tell_gone(struct stream *stream, struct span client)
{
    if (stream->figures.audiences == 0)
        return;
    stream->item.len = 0;
    geojson_put_text(&stream->item, client);
    tell(stream, KIND_GONE, client);
    stream->figures.gones++;
}

/* What was a tombstone is told already. The slot is another client's from now on. */
static void tell_freed(struct stream *stream, uint32_t slot, struct span client)
{
    bool is_told = slot < stream->mark_count && (stream->marks[slot] & ABSENT) != 0;
    if (is_told)
        stream->marks[slot] &= ~ABSENT;
    else
        tell_gone(stream, client);
}

static void tell_moved(struct stream *stream, uint32_t slot)
{
    struct geojson_feature feature;
    if (!read_slot(stream, slot, &feature))
        return;
    stream->marks[slot] &= ~ABSENT;
    stream->changed[slot] = stream->tick;
    if (stream->figures.audiences == 0)
        return;
    stream->item.len = 0;
    geojson_put_move(&stream->item, &feature);
    tell(stream, KIND_MOVE, feature.location.client);
    stream->figures.moves++;
}

/* What is over and not freed yet is looked at when it is. */
static void look_at(struct stream *stream, uint32_t slot)
{
    struct geojson_feature feature;
    if (slot == CHANGES_NONE || (stream->marks[slot] & ~ABSENT) == stream->round ||
        !table_slot_is_live(stream->table, slot))
        return;
    stream->marks[slot] = (stream->marks[slot] & ABSENT) | stream->round;
    if (read_slot(stream, slot, &feature)) {
        stream->moved[stream->moved_count++] = slot;
    } else {
        stream->marks[slot] |= ABSENT;
        tell_gone(stream, table_slot_client(stream->table, slot));
    }
}

/* More changed than is noted: nobody knows what viewers have. */
static void reset_all(struct stream *stream)
{
    char id[STREAM_ID_BYTES_MAX];
    stream->number++;
    write_id(stream, id);
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX && stream->audiences[i].log != NULL; i++) {
        struct audience *audience = &stream->audiences[i];
        write_text(audience, "event: reset\ndata: {}\nid: ");
        write_text(audience, id);
        write_text(audience, "\n\n");
        audience->first = audience->behind;
        audience->since = (struct tick){stream->number, audience->end};
        stream->figures.resets += audience->viewers;
    }
    mark_all(stream);
}

static void tell_changes(struct stream *stream)
{
    size_t at = 0;
    uint32_t slot;
    struct span client;
    make_marks(stream, table_slots(stream->table));
    stream->round = stream->round + 1 == ABSENT ? 1 : stream->round + 1;
    stream->moved_count = 0;
    while (changes_next_gone(&stream->changes, &at, &slot, &client))
        tell_freed(stream, slot, client);
    changes_free_gone(&stream->changes);
    uint64_t left = stream->changes.end - stream->at;
    uint64_t count = left < STREAM_TICK_SLOTS_MAX ? left : STREAM_TICK_SLOTS_MAX;
    for (uint64_t i = 0; i < count; i++)
        look_at(stream, changes_at(&stream->changes, stream->at++));
    for (uint32_t i = 0; i < stream->moved_count; i++)
        tell_moved(stream, stream->moved[i]);
}

/* Proxies end what is silent. */
static bool break_silence(struct stream *stream, struct audience *audience)
{
    if (audience->viewers == 0 || stream->now_ms - audience->spoke_ms < STREAM_QUIET_MS)
        return false;
    audience->spoke_ms = stream->now_ms;
    write_text(audience, ":\n\n");
    return true;
}

bool stream_tick(struct stream *stream, int64_t now_ms)
{
    bool is_news = false, has_more = false;
    stream->now_ms = now_ms;
    stream->tick++;
    if (!changes_has(&stream->changes, stream->at)) {
        reset_all(stream);
        return true;
    }
    tell_changes(stream);
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX; i++)
        is_news |= stream->audiences[i].open != KIND_NONE;
    stream->number += is_news;
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX && stream->audiences[i].log != NULL; i++) {
        if (stream->audiences[i].open != KIND_NONE)
            end_tick(stream, &stream->audiences[i]);
        else
            has_more |= break_silence(stream, &stream->audiences[i]);
    }
    return is_news || has_more;
}

struct stream *stream_new(struct flood *flood, uint64_t run)
{
    struct stream *stream = bytes_zeroed(sizeof *stream);
    stream->flood = flood;
    stream->table = flood_table(flood);
    stream->run = run;
    stream->tick = 1;
    stream->moved = bytes_resize(NULL, STREAM_TICK_SLOTS_MAX * sizeof *stream->moved);
    if (!changes_init(&stream->changes, CHANGES_SLOTS))
        bytes_refused(CHANGES_SLOTS * sizeof *stream->changes.slots);
    table_follow(stream->table, &stream->changes);
    mark_all(stream);
    return stream;
}

static void free_audiences(struct stream *stream)
{
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX; i++) {
        free(stream->audiences[i].log);
        free(stream->audiences[i].ticks);
        stream->audiences[i] = (struct audience){0};
    }
    stream->figures.audiences = 0;
}

void stream_destroy(struct stream **stream)
{
    if (*stream == NULL)
        return;
    table_follow((*stream)->table, NULL);
    changes_free(&(*stream)->changes);
    free_audiences(*stream);
    free((*stream)->marks);
    free((*stream)->changed);
    free((*stream)->moved);
    buffer_free(&(*stream)->item);
    buffer_free(&(*stream)->herd);
    free(*stream);
    *stream = NULL;
}

void stream_tell_herd(struct stream *stream, struct span data, bool quietly)
{
    stream->herd.len = 0;
    buffer_append(&stream->herd, data);
    for (size_t i = 0; !quietly && i < STREAM_AUDIENCES_MAX && stream->audiences[i].log != NULL;
         i++) {
        write_text(&stream->audiences[i], "event: herd\ndata: ");
        write_log(&stream->audiences[i], data);
        write_text(&stream->audiences[i], "\n\n");
    }
}

void stream_write_id(struct stream *stream, const struct sight *sight, char id[STREAM_ID_BYTES_MAX])
{
    find_audience(stream, sight);
    write_id(stream, id);
}

/* ---- viewers ---- */

static void put_head(struct viewer *viewer, const char *text)
{
    buffer_append(&viewer->head, span_of(text));
}

/* What was being written may be half an event, which the line end makes a part of this one: its
 * type and id are those that come last. */
static void reset(struct stream *stream, struct viewer *viewer)
{
    char id[STREAM_ID_BYTES_MAX];
    write_id(stream, id);
    put_head(viewer, "\nevent: reset\ndata: {}\nid: ");
    put_head(viewer, id);
    put_head(viewer, "\n\n");
    viewer->at = viewer->audience->end;
    stream->figures.resets++;
}

/* The number of a tick of this run, that was. */
static bool read_id(const struct stream *stream, struct span id, uint64_t *number)
{
    char own[STREAM_ID_BYTES_MAX];
    write_id(stream, own);
    size_t before = (size_t)(strchr(own, '-') + 1 - own);
    return id.len > before && memcmp(id.data, own, before) == 0 &&
           decimal_read_whole((struct span){id.data + before, id.len - before}, stream->number,
                              number);
}

bool stream_join(struct stream *stream, const struct sight *sight, struct span after,
                 struct viewer *viewer)
{
    uint64_t number;
    struct audience *audience = find_audience(stream, sight);
    if (audience == NULL)
        return false;
    *viewer = (struct viewer){.audience = audience, .at = audience->end};
    audience->viewers++;
    audience->came = ++stream->came;
    stream->figures.viewers++;
    put_head(viewer, "retry: 3000\n\n");
    if (stream->herd.len > 0) {
        put_head(viewer, "event: herd\ndata: ");
        buffer_append(&viewer->head, (struct span){stream->herd.data, stream->herd.len});
        put_head(viewer, "\n\n");
    }
    if (after.len == 0) {
        char id[STREAM_ID_BYTES_MAX];
        write_id(stream, id);
        put_head(viewer, "id: ");
        put_head(viewer, id);
        put_head(viewer, "\n\n");
    } else if (read_id(stream, after, &number) && find_tick(audience, number, &viewer->at)) {
        stream->figures.resumed++;
    } else {
        reset(stream, viewer);
    }
    return true;
}

uint32_t stream_now(const struct stream *stream)
{
    return stream->tick;
}

uint32_t stream_changed(const struct stream *stream, uint32_t slot)
{
    return slot < stream->mark_count ? stream->changed[slot] : 0;
}

void stream_leave(struct stream *stream, struct viewer *viewer)
{
    if (viewer->audience == NULL)
        return;
    viewer->audience->viewers--;
    stream->figures.viewers--;
    buffer_free(&viewer->head);
    *viewer = (struct viewer){0};
}

void stream_forget(struct stream *stream)
{
    assert(stream->figures.viewers == 0);
    free_audiences(stream);
    stream->number++; /* nobody goes on at an id of before */
}

static size_t read_log(struct viewer *viewer, char *to, size_t room)
{
    const struct audience *audience = viewer->audience;
    size_t at = viewer->at % STREAM_KEPT_BYTES, left = STREAM_KEPT_BYTES - at;
    uint64_t there = audience->end - viewer->at;
    size_t count = there < room ? (size_t)there : room;
    size_t first = count < left ? count : left;
    memcpy(to, audience->log + at, first);
    memcpy(to + first, audience->log, count - first);
    viewer->at += count;
    return count;
}

size_t stream_read(struct stream *stream, struct viewer *viewer, char *to, size_t room)
{
    size_t count = 0;
    if (viewer->audience->end - viewer->at > STREAM_KEPT_BYTES)
        reset(stream, viewer);
    if (viewer->head.len > 0) {
        count = viewer->head.len < room ? viewer->head.len : room;
        memcpy(to, viewer->head.data, count);
        buffer_consume(&viewer->head, count);
        if (viewer->head.len == 0)
            buffer_free(&viewer->head);
    }
    count += read_log(viewer, to + count, room - count);
    stream->figures.bytes += count;
    return count;
}

bool stream_has_more(const struct viewer *viewer)
{
    return viewer->audience != NULL && (viewer->head.len > 0 || viewer->at < viewer->audience->end);
}

const struct stream_figures *stream_count(const struct stream *stream)
{
    return &stream->figures;
}
