/* Events of those who do not see alike: how many kinds of them there may be, what an id says, and
 * what ids that become long cost the others. */
#include "tests/unit/web_picture.h"

#define EXPIRE_MS 64000

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

static const struct check_case cases[] = {
    {"audiences have a limit and keep what they had",
     audiences_have_a_limit_and_keep_what_they_had},
    {"what is hidden moves no id", what_is_hidden_moves_no_id},
    {"long ids are no reset", long_ids_are_no_reset},
};

int main(void)
{
    return check_run(cases, sizeof cases / sizeof *cases);
}
