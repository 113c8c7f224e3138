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

/* Each byte of an id may become six. */
static_assert(STREAM_TICK_BYTES_MAX + (size_t)6 * LOCATION_TEXT_BYTES_MAX + 4096 <=
                  STREAM_KEPT_BYTES,
              "a tick never is a reset by itself");

enum kind { KIND_NONE, KIND_GONE, KIND_MOVE };

/* Of an event, but for its data: how it begins and ends, and a comma. */
#define EVENT_BYTES 32

static const char *const begins[] = {
    [KIND_GONE] = "event: gone\ndata: [", [KIND_MOVE] = "event: move\ndata: ["};

struct audience {
    struct sight sight;
    size_t viewers;
    uint64_t run;    /* in its ids */
    char *log;       /* NULL: there is no such audience */
    uint64_t end;    /* bytes that were written to it since it began */
    uint64_t came;   /* in which order somebody joined last */
    uint64_t number; /* of the last tick that had something for it */
    uint64_t first;  /* what is known begins after this one */
    uint64_t *ends;  /* where each tick from `first` on ends in the log: a ring */
    enum kind open;  /* an event that has begun and not ended */
    size_t open_bytes;
    int64_t spoke_ms;
};

struct stream {
    struct flood *flood;
    struct table *table;
    struct changes changes;
    uint64_t at;       /* the changes before were looked at, */
    uint64_t seen;     /* and those before this for whom a reader may have found there again */
    uint64_t run;      /* of the next audience */
    uint32_t *marks;   /* of each slot: in which round it was looked at last, and ABSENT */
    uint32_t *changed; /* of each slot: in which tick it changed last */
    uint32_t mark_count, round, tick;
    uint32_t *moved; /* slots that moved, of which those from `moved_at` on are not told yet */
    uint32_t moved_count, moved_at;
    int64_t from_ns;   /* see stream_hide_before */
    uint32_t over_at;  /* the slot that is looked at next for who is over by that */
    size_t gone_at;    /* of the clients that were freed, those before were told */
    size_t told_bytes; /* in this tick, at most, to one audience */
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

/* Where what comes after that tick begins. */
static uint64_t *end_of(struct audience *audience, uint64_t number)
{
    return &audience->ends[number % (STREAM_KEPT_TICKS + 1)];
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

static void write_id(const struct audience *audience, char id[STREAM_ID_BYTES_MAX])
{
    snprintf(id, STREAM_ID_BYTES_MAX, "%016" PRIx64 "-%" PRIu64, audience->run, audience->number);
}

static void begin_tick(struct audience *audience)
{
    audience->number++;
    if (audience->number - audience->first > STREAM_KEPT_TICKS)
        audience->first++;
}

/* The tick's id stands in its last event, so that who was cut off before has it repeated. */
static void end_tick(struct stream *stream, struct audience *audience)
{
    char id[STREAM_ID_BYTES_MAX], text[STREAM_ID_BYTES_MAX + sizeof "]\nid: \n\n"];
    begin_tick(audience);
    write_id(audience, id);
    snprintf(text, sizeof text, "]\nid: %s\n\n", id);
    write_text(audience, text);
    audience->open = KIND_NONE;
    audience->spoke_ms = stream->now_ms;
    *end_of(audience, audience->number) = audience->end;
}

/* Whether what comes after that tick is kept, and where it begins. */
static bool find_tick(struct audience *audience, uint64_t number, uint64_t *at)
{
    if (number < audience->first || number > audience->number)
        return false;
    *at = *end_of(audience, number);
    return audience->end - *at <= STREAM_KEPT_BYTES;
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
    uint64_t *ends = audience->ends != NULL
                         ? audience->ends
                         : bytes_resize(NULL, (STREAM_KEPT_TICKS + 1) * sizeof *ends);
    stream->figures.audiences += audience->log == NULL;
    *audience = (struct audience){.sight = *sight,
                                  .run = stream->run++,
                                  .log = log,
                                  .ends = ends,
                                  .spoke_ms = stream->now_ms};
    *end_of(audience, 0) = 0;
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
    struct sight everybody = {.from_ns = stream->from_ns};
    return flood_read_slot(stream->flood, slot, &feature->location) &&
           sight_has_location(&everybody, &feature->location) && geojson_read(feature);
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
    stream->moved_at = stream->moved_count = 0;
    changes_free_gone(&stream->changes);
    stream->gone_at = 0;
}

static void tell(struct stream *stream, enum kind kind, struct span client)
{
    struct span item = {stream->item.data, stream->item.len};
    stream->told_bytes += item.len + EVENT_BYTES;
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

/* Who was gone and changed before that position may have been there again, and been read. */
static void see_before(struct stream *stream, uint64_t position)
{
    stream->seen = stream->seen > stream->at ? stream->seen : stream->at;
    for (; stream->seen < position; stream->seen++) {
        uint32_t slot = changes_at(&stream->changes, stream->seen);
        if (slot < stream->mark_count)
            stream->marks[slot] &= ~ABSENT;
    }
}

/* What was a tombstone is told already. The slot is another client's from now on. */
static void tell_freed(struct stream *stream, const struct changes_gone *gone)
{
    see_before(stream, gone->position);
    stream->seen = gone->position + 1;
    bool is_told = gone->slot < stream->mark_count && (stream->marks[gone->slot] & ABSENT) != 0;
    if (is_told)
        stream->marks[gone->slot] &= ~ABSENT;
    else
        tell_gone(stream, gone->client);
}

static void tell_moved(struct stream *stream, uint32_t slot)
{
    struct geojson_feature feature;
    if (!read_slot(stream, slot, &feature))
        return;
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
    if (slot == CHANGES_NONE || !table_slot_is_live(stream->table, slot) ||
        (stream->marks[slot] & ~ABSENT) == stream->round)
        return;
    stream->marks[slot] = stream->round;
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
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX && stream->audiences[i].log != NULL; i++) {
        struct audience *audience = &stream->audiences[i];
        begin_tick(audience);
        write_id(audience, id);
        write_text(audience, "event: reset\ndata: {}\nid: ");
        write_text(audience, id);
        write_text(audience, "\n\n");
        audience->first = audience->number;
        *end_of(audience, audience->number) = audience->end;
        stream->figures.resets += audience->viewers;
    }
    mark_all(stream);
}

static bool is_full(const struct stream *stream)
{
    return stream->told_bytes >= STREAM_TICK_BYTES_MAX;
}

/* Clients that were freed come first, all of them: one that is there again is told after that. */
static void tell_all_freed(struct stream *stream)
{
    struct changes_gone gone;
    while (!is_full(stream) && changes_next_gone(&stream->changes, &stream->gone_at, &gone))
        tell_freed(stream, &gone);
    if (is_full(stream))
        return;
    changes_free_gone(&stream->changes);
    stream->gone_at = 0;
}

static void look_at_changes(struct stream *stream)
{
    uint64_t left = stream->changes.end - stream->at;
    uint64_t count = left < STREAM_TICK_SLOTS_MAX ? left : STREAM_TICK_SLOTS_MAX;
    stream->round = stream->round + 1 == ABSENT ? 1 : stream->round + 1;
    stream->moved_at = stream->moved_count = 0;
    for (uint64_t i = 0; i < count && !is_full(stream); i++)
        look_at(stream, changes_at(&stream->changes, stream->at++));
}

/* Nothing changes in the table where somebody is over by time alone. */
static void look_for_over(struct stream *stream)
{
    struct location location;
    uint32_t slots = table_slots(stream->table);
    uint32_t count = slots < STREAM_TICK_SLOTS_MAX ? slots : STREAM_TICK_SLOTS_MAX;
    for (uint32_t i = 0; i < count && stream->from_ns != 0 && !is_full(stream); i++) {
        uint32_t slot = stream->over_at = (stream->over_at + 1) % slots;
        if ((stream->marks[slot] & ABSENT) != 0 ||
            !flood_read_slot(stream->flood, slot, &location) ||
            location.order_ns >= stream->from_ns)
            continue;
        stream->marks[slot] |= ABSENT;
        tell_gone(stream, table_slot_client(stream->table, slot));
    }
}

/* What was found to have moved and did not fit comes before anything else is looked at, so that
 * nobody who moves all the time keeps it out. */
static void tell_changes(struct stream *stream)
{
    stream->told_bytes = 0;
    make_marks(stream, table_slots(stream->table));
    tell_all_freed(stream);
    look_for_over(stream);
    if (stream->moved_at == stream->moved_count)
        look_at_changes(stream);
    while (stream->moved_at < stream->moved_count && !is_full(stream))
        tell_moved(stream, stream->moved[stream->moved_at++]);
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
    bool has_more = false;
    stream->now_ms = now_ms;
    stream->tick++;
    if (!changes_has(&stream->changes, stream->at)) {
        reset_all(stream);
        return true;
    }
    tell_changes(stream);
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX && stream->audiences[i].log != NULL; i++) {
        has_more |= stream->audiences[i].open != KIND_NONE;
        if (stream->audiences[i].open != KIND_NONE)
            end_tick(stream, &stream->audiences[i]);
        else
            has_more |= break_silence(stream, &stream->audiences[i]);
    }
    return has_more;
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
        free(stream->audiences[i].ends);
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

void stream_hide_before(struct stream *stream, int64_t from_ns)
{
    stream->from_ns = from_ns;
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

/* Its id is nobody's: a run is random. */
static const struct audience nobody;

void stream_write_id(struct stream *stream, const struct sight *sight, char id[STREAM_ID_BYTES_MAX])
{
    const struct audience *audience = find_audience(stream, sight);
    write_id(audience != NULL ? audience : &nobody, id);
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
    write_id(viewer->audience, id);
    put_head(viewer, "\nevent: reset\ndata: {}\nid: ");
    put_head(viewer, id);
    put_head(viewer, "\n\n");
    viewer->at = viewer->audience->end;
    stream->figures.resets++;
}

/* The number of a tick of this audience, that was. */
static bool read_id(const struct audience *audience, struct span id, uint64_t *number)
{
    char own[STREAM_ID_BYTES_MAX];
    write_id(audience, own);
    size_t before = (size_t)(strchr(own, '-') + 1 - own);
    return id.len > before && memcmp(id.data, own, before) == 0 &&
           decimal_read_whole((struct span){id.data + before, id.len - before}, audience->number,
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
        write_id(audience, id);
        put_head(viewer, "id: ");
        put_head(viewer, id);
        put_head(viewer, "\n\n");
    } else if (read_id(audience, after, &number) && find_tick(audience, number, &viewer->at)) {
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
