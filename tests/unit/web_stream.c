/* Events: whoever takes them all has what the table has, however slowly, however often the
 * connection broke, and whatever came and went.
 *
 *     test_unit_web_stream         some worlds
 *     test_unit_web_stream 1000    so many, in minutes */
#include "gateway/web/show/stream.h"

#include "bus/base/json_scan.h"
#include "bus/table/changes.h"
#include "tests/unit/input.h"
#include "tests/unit/show_rig.h"

#define RUN          UINT64_C(0x5f0c7a1d9b3e2468)
#define CLIENTS      24
#define LINE_BYTES   (128 * 1024)
#define VIEWERS      4
#define STEPS        400
#define EXPIRE_MS    64000
#define ID_BYTES_MAX 8

static uint64_t worlds_max = 8;

/* ---- a viewer's picture: what an EventSource and a page of a few lines would have ---- */

struct picture {
    bool is_there[CLIENTS];
    char latitude[CLIENTS][24];
    char event[16], id[64], last_id[64]; /* id: of the event that is being read */
    char data[LINE_BYTES];
    size_t data_bytes;
    char line[LINE_BYTES];
    size_t line_bytes;
    unsigned moves, gones, resets, herds;
    bool wants_all; /* `reset` came */
};

static int number_of(struct span client)
{
    char text[ID_BYTES_MAX];
    size_t bytes = json_text(client, text, sizeof text - 1);
    CHECK(bytes != SIZE_MAX && bytes > 1);
    text[bytes == SIZE_MAX ? 0 : bytes] = '\0';
    int number = atoi(text + 1);
    CHECK(number >= 0 && number < CLIENTS);
    return number % CLIENTS;
}

static void take_data(struct picture *picture, bool is_move)
{
    struct span rest = {picture->data, picture->data_bytes}, element;
    size_t at;
    CHECK(json_scan_array(rest, &at) == NULL);
    while (json_next_element(&rest, &element)) {
        struct json_member members[] = {{.name = "id"}, {.name = "lat"}};
        if (!is_move) {
            picture->is_there[number_of(element)] = false;
            picture->gones++;
            continue;
        }
        CHECK(json_scan_object(element, members, 2, &at) == NULL);
        int number = number_of(members[0].value);
        picture->is_there[number] = true;
        snprintf(picture->latitude[number], sizeof picture->latitude[number], "%.*s",
                 (int)members[1].value.len, members[1].value.data);
        picture->moves++;
    }
}

/* An empty line: WHATWG HTML, 9.2.6. */
static void dispatch(struct picture *picture)
{
    if (picture->id[0] != '\0')
        strcpy(picture->last_id, picture->id);
    if (strcmp(picture->event, "reset") == 0) {
        picture->wants_all = true;
        picture->resets++;
    } else if (strcmp(picture->event, "herd") == 0) {
        picture->herds++;
    } else if (picture->data_bytes > 0) {
        take_data(picture, strcmp(picture->event, "move") == 0);
    }
    picture->event[0] = picture->id[0] = '\0';
    picture->data_bytes = 0;
}

static void take_line(struct picture *picture)
{
    picture->line[picture->line_bytes] = '\0';
    picture->line_bytes = 0;
    const char *line = picture->line;
    if (line[0] == '\0')
        dispatch(picture);
    else if (strncmp(line, "event: ", 7) == 0)
        snprintf(picture->event, sizeof picture->event, "%s", line + 7);
    else if (strncmp(line, "id: ", 4) == 0)
        snprintf(picture->id, sizeof picture->id, "%s", line + 4);
    else if (strncmp(line, "data: ", 6) == 0)
        picture->data_bytes += (size_t)snprintf(picture->data + picture->data_bytes,
                                                LINE_BYTES - picture->data_bytes, "%s", line + 6);
}

static void take_bytes(struct picture *picture, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == '\n')
            take_line(picture);
        else if (picture->line_bytes < LINE_BYTES - 1)
            picture->line[picture->line_bytes++] = bytes.data[i];
    }
}

/* The connection is cut: of half an event nothing stays. */
static void cut(struct picture *picture)
{
    picture->line_bytes = picture->data_bytes = 0;
    picture->event[0] = picture->id[0] = '\0';
}

static void name(int number, char client[ID_BYTES_MAX])
{
    snprintf(client, ID_BYTES_MAX, "%c%d", number % 2 == 0 ? 'e' : 'o', number);
}

/* What the table has of a client. */
static bool find(struct show_rig *rig, int number, char latitude[24])
{
    char client[ID_BYTES_MAX];
    struct location location;
    name(number, client);
    if (!flood_find(rig->flood, span_of(client), &location))
        return false;
    size_t bytes =
        (size_t)((const char *)memchr(location.position.data + 1, '+', location.position.len - 1) -
                 location.position.data);
    snprintf(latitude, 24, "%.*s", (int)bytes - 1, location.position.data + 1);
    return true;
}

/* As from /clients.geojson. */
static void take_all(struct picture *picture, struct show_rig *rig, const struct sight *sight)
{
    char client[ID_BYTES_MAX];
    for (int i = 0; i < CLIENTS; i++) {
        name(i, client);
        picture->is_there[i] =
            sight_has(sight, span_of(client)) && find(rig, i, picture->latitude[i]);
    }
    picture->wants_all = false;
}

static void check_picture(const struct picture *picture, struct show_rig *rig,
                          const struct sight *sight)
{
    char client[ID_BYTES_MAX], latitude[24];
    for (int i = 0; i < CLIENTS; i++) {
        name(i, client);
        bool is_there = find(rig, i, latitude) && sight_has(sight, span_of(client));
        CHECK_INT(picture->is_there[i], is_there);
        if (is_there && picture->is_there[i])
            CHECK_BYTES(picture->latitude[i], strlen(picture->latitude[i]), latitude,
                        strlen(latitude));
    }
}

/* ---- a stream over it ---- */

static struct picture picture;

static void begin(struct stream *stream, struct viewer *viewer, const char *after)
{
    static const struct sight everybody;
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &everybody, span_of(after), viewer));
}

/* All that there is, `room` bytes at a time. */
static void read_all(struct stream *stream, struct viewer *viewer, struct picture *to, size_t room)
{
    char *bytes = bytes_resize(NULL, room);
    for (size_t count; (count = stream_read(stream, viewer, bytes, room)) > 0;)
        take_bytes(to, (struct span){bytes, count});
    CHECK(!stream_has_more(viewer));
    free(bytes);
}

static void a_client_that_moves_often_is_told_once_a_tick(void)
{
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    char text[1024];
    begin(stream, &viewer, "");
    for (int i = 0; i < 100; i++)
        show_report(&rig, "e0", i % 2 == 0 ? "+1+2" : "+34.068930-118.445127");
    CHECK(stream_tick(stream, 0));
    CHECK(!stream_tick(stream, 200));
    size_t bytes = stream_read(stream, &viewer, text, sizeof text - 1);
    text[bytes] = '\0';
    const char *wanted = "retry: 3000\n\n"
                         "id: 5f0c7a1d9b3e2468-0\n\n"
                         "event: move\n"
                         "data: [{\"id\":\"e0\",\"lat\":34.06893,\"lon\":-118.445127,"
                         "\"origin\":\"Alford\",\"stamp\":1782864000.000000099}]\n"
                         "id: 5f0c7a1d9b3e2468-1\n\n";
    CHECK_BYTES(text, bytes, wanted, strlen(wanted));
    CHECK_INT(stream_count(stream)->moves, 1);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void who_goes_is_told_once(void)
{
    struct show_rig rig = show_open(EXPIRE_MS);
    show_report(&rig, "e0", "+1+2");
    show_report(&rig, "e4", "+1+2");
    show_forget(&rig, "e4");
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    begin(stream, &viewer, "");
    show_report(&rig, "o1", "+1+2");
    show_forget(&rig, "o1"); /* who has read the table in between knows it */
    show_report(&rig, "e2", "+1+2");
    stream_tick(stream, 0);
    show_forget(&rig, "e2");
    show_forget(&rig, "e0");
    stream_tick(stream, 200);
    show_report(&rig, "o3", "+1+2");
    stream_tick(stream, 400);
    read_all(stream, &viewer, &picture, 100);
    CHECK_INT(picture.gones, 3);
    CHECK_INT(picture.moves, 2);
    /* Expired, as the tombstones are at about the same time, which are nobody's end any more. */
    show_pass(&rig, 10 * EXPIRE_MS);
    stream_tick(stream, 600);
    read_all(stream, &viewer, &picture, 100);
    CHECK_INT(picture.gones, 4);
    CHECK_INT(stream_count(stream)->gones, 4);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void who_is_over_by_time_alone_is_gone(void)
{
    struct show_rig rig = show_open(0);
    show_report(&rig, "e0", "+1+2");
    show_pass(&rig, 10000);
    int64_t from_ns = show_now_ns(&rig) - 5 * SECOND;
    show_report(&rig, "e2", "+1+2");
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    begin(stream, &viewer, "");
    stream_tick(stream, 0);
    read_all(stream, &viewer, &picture, 100);
    CHECK_INT(picture.gones, 0);
    stream_hide_before(stream, from_ns);
    show_forget(&rig, "e2"); /* which is told once */
    for (int i = 0; i < 3; i++)
        stream_tick(stream, 0);
    read_all(stream, &viewer, &picture, 100);
    CHECK_INT(picture.gones, 2);
    CHECK_INT(picture.moves, 0);
    CHECK(!picture.is_there[0]);
    show_report(&rig, "e0", "+3+4"); /* and is back */
    stream_tick(stream, 0);
    read_all(stream, &viewer, &picture, 100);
    CHECK_INT(picture.gones, 2);
    CHECK_INT(picture.moves, 1);
    CHECK(picture.is_there[0]);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void a_viewer_goes_on_where_it_was(void)
{
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    begin(stream, &viewer, "");
    for (int i = 0; i < 5; i++) {
        show_report(&rig, "e0", "+1+2");
        stream_tick(stream, i);
    }
    static const struct {
        const char *after;
        unsigned moves, resets;
    } rows[] = {
        {"5f0c7a1d9b3e2468-0", 5, 0},
        {"5f0c7a1d9b3e2468-3", 2, 0},
        {"5f0c7a1d9b3e2468-5", 0, 0},
        {"5f0c7a1d9b3e2468-6", 0, 1},
        {"5f0c7a1d9b3e2468-", 0, 1},
        {"5f0c7a1d9b3e2468", 0, 1},
        {"5f0c7a1d9b3e2469-3", 0, 1},
        {"5f0c7a1d9b3e2468-3x", 0, 1},
        {"5f0c7a1d9b3e2468--1", 0, 1},
        {"?", 0, 1},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct viewer other = {0};
        begin(stream, &other, rows[i].after);
        read_all(stream, &other, &picture, 64);
        CHECK_INT(picture.moves, rows[i].moves);
        CHECK_INT(picture.resets, rows[i].resets);
        if (picture.resets > 0 || rows[i].after[0] == '\0')
            CHECK(strcmp(picture.last_id, "5f0c7a1d9b3e2468-5") == 0);
        stream_leave(stream, &other);
    }
    CHECK_INT(stream_count(stream)->resumed, 3);
    CHECK_INT(stream_count(stream)->viewers, 1);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

/* Ids this long fill a log quickly. */
static void report_long(struct show_rig *rig, struct span client)
{
    CHECK_INT(show_report_span(rig, client, "+1+2"), FLOOD_STORED);
}

static void who_is_too_slow_begins_again(void)
{
    static char id[60000];
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer slow = {0}, half = {0};
    struct span client = {memset(id, 'e', sizeof id), sizeof id};
    char bytes[40];
    begin(stream, &slow, "");
    begin(stream, &half, "");
    read_all(stream, &half, &picture, 100);
    show_report(&rig, "e0", "+1+2");
    stream_tick(stream, 0);
    size_t count = stream_read(stream, &half, bytes, sizeof bytes); /* and a part of the event */
    take_bytes(&picture, (struct span){bytes, count});
    size_t kept = 0; /* ticks that fit */
    for (uint64_t before = 0; stream_count(stream)->moves < 80; kept++) {
        report_long(&rig, client);
        stream_tick(stream, 0);
        CHECK(stream_count(stream)->moves > before);
        before = stream_count(stream)->moves;
    }
    read_all(stream, &half, &picture, 4096);
    CHECK_INT(picture.resets, 1);
    CHECK_INT(picture.moves, 0); /* half an event is none */
    CHECK(strcmp(picture.last_id, "5f0c7a1d9b3e2468-80") == 0);
    memset(&picture, 0, sizeof picture);
    read_all(stream, &slow, &picture, 4096);
    CHECK_INT(picture.resets, 1);
    /* What is kept can be resumed at, and nothing before. */
    unsigned resumed = 0;
    for (unsigned i = 1; i <= 80; i++) {
        struct viewer back = {0};
        char after[64];
        snprintf(after, sizeof after, "5f0c7a1d9b3e2468-%u", i);
        CHECK(stream_join(stream, &(struct sight){0}, span_of(after), &back));
        static char to[STREAM_KEPT_BYTES + 4096];
        count = stream_read(stream, &back, to, sizeof to);
        bool is_reset = memmem(to, count, "event: reset", 12) != NULL;
        CHECK(is_reset ? resumed == 0 : memmem(to, count, "event: ", 7) != NULL || i == 80);
        resumed += !is_reset;
        stream_leave(stream, &back);
    }
    CHECK(resumed >= STREAM_KEPT_BYTES / (sizeof id + 200) - 1 &&
          resumed <= STREAM_KEPT_BYTES / sizeof id + 1);
    stream_leave(stream, &slow);
    stream_leave(stream, &half);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void more_ticks_than_are_kept(void)
{
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0}, late = {0};
    begin(stream, &viewer, "");
    for (unsigned i = 0; i < STREAM_KEPT_TICKS + 10; i++) {
        show_report(&rig, "e0", "+1+2");
        stream_tick(stream, 0);
    }
    begin(stream, &late, "5f0c7a1d9b3e2468-10");
    read_all(stream, &late, &picture, 4096);
    CHECK_INT(picture.resets, 0);
    CHECK_INT(picture.moves, STREAM_KEPT_TICKS);
    stream_leave(stream, &late);
    begin(stream, &late, "5f0c7a1d9b3e2468-9");
    read_all(stream, &late, &picture, 4096);
    CHECK_INT(picture.resets, 1);
    CHECK_INT(picture.moves, 0);
    stream_leave(stream, &late);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void more_changes_than_are_noted_are_a_reset(void)
{
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    begin(stream, &viewer, "");
    show_report(&rig, "e0", "+1+2");
    stream_tick(stream, 0);
    for (uint32_t i = 0; i <= CHANGES_SLOTS; i++)
        show_report(&rig, "e0", "+1+2");
    CHECK(stream_tick(stream, 200));
    read_all(stream, &viewer, &picture, 4096);
    CHECK_INT(picture.moves, 1);
    CHECK_INT(picture.resets, 1);
    CHECK(strcmp(picture.last_id, "5f0c7a1d9b3e2468-2") == 0);
    stream_leave(stream, &viewer);
    CHECK(!stream_has_more(&viewer)); /* nobody */
    begin(stream, &viewer, "5f0c7a1d9b3e2468-1");
    read_all(stream, &viewer, &picture, 4096);
    CHECK_INT(picture.resets, 1);
    show_forget(&rig, "e0");
    stream_tick(stream, 400);
    read_all(stream, &viewer, &picture, 4096);
    CHECK_INT(picture.gones, 1);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void what_the_node_says_comes_first_and_when_it_changes(void)
{
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer first = {0}, second = {0};
    char text[256];
    begin(stream, &first, "");
    read_all(stream, &first, &picture, 4096);
    CHECK_INT(picture.herds, 0);
    stream_tell_herd(stream, span_of("{\"clients\":1}"), false);
    stream_tell_herd(stream, span_of("{\"clients\":2}"), true);
    read_all(stream, &first, &picture, 4096);
    CHECK_INT(picture.herds, 1);
    CHECK(stream_join(stream, &(struct sight){0}, span_of(""), &second));
    text[stream_read(stream, &second, text, sizeof text - 1)] = '\0';
    CHECK(strstr(text, "retry: 3000\n\nevent: herd\ndata: {\"clients\":2}\n\nid: ") == text);
    /* And what is silent for long is broken by a line that says nothing. */
    CHECK(!stream_tick(stream, STREAM_QUIET_MS - 1));
    CHECK(stream_tick(stream, STREAM_QUIET_MS));
    CHECK(!stream_tick(stream, STREAM_QUIET_MS + 1));
    CHECK_INT(stream_read(stream, &second, text, sizeof text), 3);
    CHECK(memcmp(text, ":\n\n", 3) == 0);
    stream_leave(stream, &first);
    stream_leave(stream, &second);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

/* ---- who sees whom ---- */

static bool begins_with(const void *whom, struct span client)
{
    return client.data[0] == *(const char *)whom;
}

static void audiences_have_a_limit_and_keep_what_they_had(void)
{
    static char letters[STREAM_AUDIENCES_MAX + 1];
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewers[STREAM_AUDIENCES_MAX] = {0}, more = {0};
    char id[STREAM_ID_BYTES_MAX];
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX; i++) {
        letters[i] = (char)('0' + i);
        CHECK(stream_join(stream, &(struct sight){.may_see = begins_with, .whom = &letters[i]},
                          span_of(""), &viewers[i]));
    }
    CHECK_INT(stream_count(stream)->audiences, STREAM_AUDIENCES_MAX);
    struct sight last = {.may_see = begins_with, .whom = &letters[STREAM_AUDIENCES_MAX]};
    CHECK(!stream_join(stream, &last, span_of(""), &more));
    /* No room: still an id, with which one begins again. */
    stream_write_id(stream, &last, id);
    stream_leave(stream, &viewers[7]);
    struct sight seventh = {.may_see = begins_with, .whom = &letters[7]};
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &seventh, span_of(id), &viewers[7]));
    read_all(stream, &viewers[7], &picture, 4096);
    CHECK_INT(picture.resets, 1);
    stream_write_id(stream, &seventh, id);
    stream_leave(stream, &viewers[7]);
    /* Who comes back finds what was kept; who is new takes its place. */
    show_report(&rig, "7up", "+1+2");
    stream_tick(stream, 0);
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &seventh, span_of(id), &viewers[7]));
    CHECK_INT(stream_count(stream)->resumed, 1);
    stream_leave(stream, &viewers[7]);
    CHECK(stream_join(stream, &last, span_of(""), &more));
    CHECK_INT(stream_count(stream)->audiences, STREAM_AUDIENCES_MAX);
    CHECK(!stream_join(stream, &seventh, span_of(id), &viewers[7]));
    stream_leave(stream, &more);
    for (size_t i = 0; i < STREAM_AUDIENCES_MAX; i++)
        stream_leave(stream, &viewers[i]);
    CHECK_INT(stream_count(stream)->viewers, 0);
    /* After all sights are others nobody goes on, also with the id of this moment. */
    stream_write_id(stream, &last, id);
    stream_forget(stream);
    CHECK_INT(stream_count(stream)->audiences, 0);
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &last, span_of(id), &more));
    read_all(stream, &more, &picture, 4096);
    CHECK_INT(picture.resets, 1);
    stream_leave(stream, &more);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

/* ---- whose ids say what ---- */

static void what_is_hidden_moves_no_id(void)
{
    static const struct sight evens = {.may_see = begins_with, .whom = "e"},
                              odds = {.may_see = begins_with, .whom = "o"};
    struct show_rig rig = show_open(0);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0}, other = {0}, back = {0};
    char before[STREAM_ID_BYTES_MAX], id[STREAM_ID_BYTES_MAX];
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &evens, span_of(""), &viewer));
    CHECK(stream_join(stream, &odds, span_of(""), &other));
    show_report(&rig, "e0", "+1+2");
    stream_tick(stream, 0);
    stream_write_id(stream, &evens, before);
    for (int i = 0; i < 5; i++) {
        show_report(&rig, "o1", "+1+2");
        stream_tick(stream, 0);
        stream_write_id(stream, &evens, id);
        CHECK(strcmp(id, before) == 0);
    }
    show_report(&rig, "e0", "+3+4");
    stream_tick(stream, 0);
    read_all(stream, &viewer, &picture, 100);
    CHECK(strcmp(picture.last_id, "5f0c7a1d9b3e2468-2") == 0);
    /* Who comes back goes on, and who comes with what another audience was sent begins again. */
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &evens, span_of(before), &back));
    read_all(stream, &back, &picture, 100);
    CHECK_INT(picture.moves, 1);
    CHECK_INT(picture.resets, 0);
    stream_leave(stream, &back);
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &odds, span_of(before), &back));
    read_all(stream, &back, &picture, 100);
    CHECK_INT(picture.resets, 1);
    CHECK_INT(picture.moves, 0);
    stream_leave(stream, &back);
    stream_leave(stream, &viewer);
    stream_leave(stream, &other);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

/* ---- ids that become long ---- */

#define LONG_COUNT 900
#define LONG_BYTES 1000

/* Each byte is escaped by six. */
static struct span long_client(int number)
{
    static char id[LONG_BYTES];
    memset(id, '\x01', sizeof id);
    for (int i = 0; i < 12; i++)
        id[i] = (char)(1 + (number >> i & 1));
    return (struct span){id, sizeof id};
}

static unsigned count_of(const char *text, size_t bytes, const char *what)
{
    unsigned count = 0;
    for (const char *at = text;
         (at = memmem(at, bytes - (size_t)(at - text), what, strlen(what))) != NULL;
         at += strlen(what))
        count++;
    return count;
}

/* What one tick has for the viewer. */
struct taken {
    unsigned moves, gones, resets;
    size_t bytes;
};

static struct taken take_tick(struct stream *stream, struct viewer *viewer)
{
    static char text[2 * STREAM_KEPT_BYTES];
    stream_tick(stream, 0);
    struct taken taken = {.bytes = stream_read(stream, viewer, text, sizeof text)};
    CHECK(!stream_has_more(viewer));
    taken.moves = count_of(text, taken.bytes, "\"lat\":");
    taken.resets = count_of(text, taken.bytes, "event: reset");
    /* An element begins like a move of its id, without the name of a member. */
    taken.gones = count_of(text, taken.bytes, "[\"\\u") + count_of(text, taken.bytes, ",\"\\u");
    return taken;
}

static void long_ids_are_no_reset(void)
{
    struct show_rig rig = show_open(EXPIRE_MS);
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    struct taken taken;
    begin(stream, &viewer, "");
    read_all(stream, &viewer, &picture, 100);
    unsigned moves = 0, gones = 0, ticks = 0;
    for (int round = 0; round < 3; round++)
        for (int tick = 0; tick < 2; tick++) { /* who moves all the time is told every other one */
            for (int i = 0; i < LONG_COUNT; i++)
                CHECK_INT(show_report_span(&rig, long_client(i), "+1+2"), FLOOD_STORED);
            taken = take_tick(stream, &viewer);
            CHECK(taken.bytes > STREAM_TICK_BYTES_MAX / 2 &&
                  taken.bytes < STREAM_TICK_BYTES_MAX + (size_t)7 * LONG_BYTES);
            CHECK_INT(taken.resets, 0);
            moves += taken.moves;
        }
    CHECK_INT(moves, 3 * LONG_COUNT);
    show_report(&rig, "e0", "+1+2");
    for (moves = 0; (taken = take_tick(stream, &viewer)).bytes > 0; ticks++)
        moves += taken.moves;
    CHECK_INT(ticks, 2);
    CHECK_INT(moves, LONG_COUNT + 1);
    /* Over, all of them at once. */
    show_pass(&rig, 10 * EXPIRE_MS);
    for (ticks = 0; (taken = take_tick(stream, &viewer)).bytes > 0; ticks++) {
        CHECK(taken.bytes < STREAM_TICK_BYTES_MAX + (size_t)7 * LONG_BYTES);
        CHECK_INT(taken.resets, 0);
        gones += taken.gones;
        if (ticks == 0) /* one that is back is told after it is gone */
            show_report_span(&rig, long_client(LONG_COUNT - 1), "+1+2");
        CHECK_INT(taken.moves, ticks == 1);
    }
    CHECK_INT(gones, LONG_COUNT);
    CHECK_INT(ticks, 2);
    CHECK_INT(stream_count(stream)->resets, 0);
    stream_leave(stream, &viewer);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

/* ---- worlds ---- */

struct watcher {
    struct viewer viewer;
    struct picture *picture;
    struct sight sight;
};

static void connect_viewer(struct stream *stream, struct watcher *watcher)
{
    CHECK(
        stream_join(stream, &watcher->sight, span_of(watcher->picture->last_id), &watcher->viewer));
}

/* As a page does at its start, and after `reset`. */
static void load(struct stream *stream, struct watcher *watcher, struct show_rig *rig)
{
    char id[STREAM_ID_BYTES_MAX];
    stream_leave(stream, &watcher->viewer);
    cut(watcher->picture);
    stream_write_id(stream, &watcher->sight, id);
    strcpy(watcher->picture->last_id, id);
    take_all(watcher->picture, rig, &watcher->sight);
    connect_viewer(stream, watcher);
}

static void change(struct show_rig *rig, uint64_t *state)
{
    char client[ID_BYTES_MAX], position[32];
    name((int)(input_draw(state) % CLIENTS), client);
    uint64_t what = input_draw(state) % 100;
    snprintf(position, sizeof position, "+%d.5+%d", (int)(input_draw(state) % 89), 7);
    if (what < 80)
        show_report(rig, client, position);
    else if (what < 95)
        show_forget(rig, client);
    else
        show_pass(rig, (int64_t)(input_draw(state) % (EXPIRE_MS / 2)));
}

static void watch(struct stream *stream, struct watcher *watcher, struct show_rig *rig,
                  uint64_t *state)
{
    char bytes[512];
    uint64_t what = input_draw(state) % 20;
    size_t room = 1 + input_draw(state) % (sizeof bytes - 1);
    if (what < 12) {
        size_t count = stream_read(stream, &watcher->viewer, bytes, room);
        take_bytes(watcher->picture, (struct span){bytes, count});
    } else if (what == 12) {
        stream_leave(stream, &watcher->viewer);
        cut(watcher->picture);
        connect_viewer(stream, watcher);
    }
    if (watcher->picture->wants_all || what == 13)
        load(stream, watcher, rig);
}

static void run_world(uint64_t seed)
{
    uint64_t state = seed;
    struct show_rig rig = show_open(EXPIRE_MS);
    struct watcher watchers[VIEWERS] = {0};
    for (int i = 0; i < 40; i++)
        change(&rig, &state);
    struct stream *stream = stream_new(rig.flood, RUN + seed);
    for (int i = 0; i < VIEWERS; i++) {
        watchers[i].picture = bytes_zeroed(sizeof *watchers[i].picture);
        if (i > 0) /* the first sees all, two the same half, one the other */
            watchers[i].sight = (struct sight){.may_see = begins_with, .whom = i == 1 ? "o" : "e"};
    }
    watchers[3].sight.whom = watchers[2].sight.whom;
    for (int i = 0; i < VIEWERS; i++)
        load(stream, &watchers[i], &rig);
    for (int step = 0; step < STEPS; step++) {
        change(&rig, &state);
        if (input_draw(&state) % 4 == 0)
            stream_tick(stream, step * 200);
        watch(stream, &watchers[input_draw(&state) % VIEWERS], &rig, &state);
    }
    stream_tick(stream, STEPS * 200);
    unsigned moves = 0;
    for (int i = 0; i < VIEWERS; i++) {
        read_all(stream, &watchers[i].viewer, watchers[i].picture, 333);
        CHECK(!watchers[i].picture->wants_all);
        check_picture(watchers[i].picture, &rig, &watchers[i].sight);
        moves += watchers[i].picture->moves;
        stream_leave(stream, &watchers[i].viewer);
        free(watchers[i].picture);
    }
    CHECK(moves > 100);
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void pictures_become_what_the_table_is(void)
{
    for (uint64_t seed = 1; seed <= worlds_max; seed++) {
        int before = check_failures;
        run_world(seed);
        if (check_failures != before) {
            printf("    in world %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

static const struct check_case cases[] = {
    {"a client that moves often is told once a tick",
     a_client_that_moves_often_is_told_once_a_tick},
    {"who goes is told once", who_goes_is_told_once},
    {"who is over by time alone is gone", who_is_over_by_time_alone_is_gone},
    {"a viewer goes on where it was", a_viewer_goes_on_where_it_was},
    {"who is too slow begins again", who_is_too_slow_begins_again},
    {"more ticks than are kept", more_ticks_than_are_kept},
    {"more changes than are noted are a reset", more_changes_than_are_noted_are_a_reset},
    {"what the node says comes first and when it changes",
     what_the_node_says_comes_first_and_when_it_changes},
    {"audiences have a limit and keep what they had",
     audiences_have_a_limit_and_keep_what_they_had},
    {"what is hidden moves no id", what_is_hidden_moves_no_id},
    {"long ids are no reset", long_ids_are_no_reset},
    {"pictures become what the table is", pictures_become_what_the_table_is},
};

int main(int count, char **words)
{
    if (count > 1)
        worlds_max = strtoull(words[1], NULL, 10);
    return check_run(cases, sizeof cases / sizeof *cases);
}
