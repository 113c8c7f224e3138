/* Events: whoever takes them all has what the table has, however slowly, however often the
 * connection broke, and whatever came and went.
 *
 *     test_unit_web_stream         some worlds
 *     test_unit_web_stream 1000    so many, in minutes */
#include "bus/table/changes.h"
#include "tests/unit/input.h"
#include "tests/unit/web_picture.h"

#define VIEWERS   4
#define STEPS     400
#define EXPIRE_MS 64000

static uint64_t worlds_max = 8;

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

static void reads_none(struct stream *stream, struct viewer *viewer)
{
    read_all(stream, viewer, &picture, 100);
    CHECK(!picture.is_there[0]);
}

/* Whoever has read the table while it was there has it, although all others were told before. */
static void who_comes_back_between_two_ticks_is_gone_again(void)
{
    struct show_rig rig = show_open(EXPIRE_MS);
    show_report(&rig, "e0", "+1+2");
    struct stream *stream = stream_new(rig.flood, RUN);
    struct viewer viewer = {0};
    begin(stream, &viewer, "");
    show_forget(&rig, "e0");
    stream_tick(stream, 0);
    reads_none(stream, &viewer);
    uint64_t gones = picture.gones;
    show_pass(&rig, 1000);
    show_report(&rig, "e0", "+1+2");
    picture.is_there[0] = true;
    show_pass(&rig, 10 * EXPIRE_MS); /* and is freed before anybody looked */
    stream_tick(stream, 200);
    reads_none(stream, &viewer);
    CHECK_INT(picture.gones, gones + 1);
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
    {"who comes back between two ticks is gone again",
     who_comes_back_between_two_ticks_is_gone_again},
    {"a viewer goes on where it was", a_viewer_goes_on_where_it_was},
    {"who is too slow begins again", who_is_too_slow_begins_again},
    {"more ticks than are kept", more_ticks_than_are_kept},
    {"more changes than are noted are a reset", more_changes_than_are_noted_are_a_reset},
    {"what the node says comes first and when it changes",
     what_the_node_says_comes_first_and_when_it_changes},
    {"pictures become what the table is", pictures_become_what_the_table_is},
};

int main(int count, char **words)
{
    if (count > 1)
        worlds_max = strtoull(words[1], NULL, 10);
    return check_run(cases, sizeof cases / sizeof *cases);
}
