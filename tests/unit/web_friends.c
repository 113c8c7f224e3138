/* What OwnTracks is answered: whom the person may see and who changed, each once, and in the end
 * everybody. */
#include "gateway/web/show/friends.h"

#include <jansson.h>

#include "tests/unit/input.h"
#include "tests/unit/show_rig.h"

#define HERE "+34.068930-118.445127"

static struct show_rig rig;
static struct stream *stream;
static struct friends friends;

static bool is_seen(const void *whom, struct span client)
{
    (void)whom;
    return client.len == 0 || client.data[0] != 'h';
}

static void set_up(void)
{
    rig = show_open(0);
    stream = stream_new(rig.flood, 5);
    friends = (struct friends){0};
}

static void tear_down(void)
{
    stream_destroy(&stream);
    flood_destroy(&rig.flood);
}

static void report(const char *client, const char *position)
{
    CHECK_INT(show_report(&rig, client, position), FLOOD_STORED);
}

/* The answer as JSON, after all that happened was looked at. */
static json_t *ask(const char *person, const char *client)
{
    static const struct sight sight = {.may_see = is_seen, .whom = NULL};
    struct buffer out = {0};
    stream_tick(stream, rig.now_ms += 200);
    friends_write(&friends, rig.flood, stream, &sight, person, span_of(client), &out);
    json_t *answer = json_loadb(out.data, out.len, 0, NULL);
    CHECK(answer != NULL && json_is_array(answer));
    buffer_free(&out);
    return answer;
}

/* The names, each with ';' after it, once each element was found to be what an app takes. */
static void check_told(json_t *answer, const char *wanted)
{
    char got[4096] = "";
    size_t i;
    json_t *element;
    json_array_foreach(answer, i, element)
    {
        const char *type = json_string_value(json_object_get(element, "_type"));
        const char *tid = json_string_value(json_object_get(element, "tid"));
        CHECK(type != NULL && tid != NULL && strcmp(type, i % 2 == 0 ? "location" : "card") == 0);
        if (i % 2 == 0) {
            CHECK(json_is_integer(json_object_get(element, "tst")) &&
                  json_integer_value(json_object_get(element, "tst")) > 0);
            CHECK(json_is_number(json_object_get(element, "lat")) &&
                  json_is_number(json_object_get(element, "lon")));
            CHECK_INT(json_object_size(element), 5);
            strcat(strcat(got, tid), ";");
        } else {
            CHECK(strcmp(tid, json_string_value(json_object_get(element, "name"))) == 0);
            CHECK_INT(json_object_size(element), 3);
        }
    }
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
    json_decref(answer);
}

static void who_changed_is_told(void)
{
    set_up();
    report("ada", HERE);
    report("bo", HERE);
    report("hidden", HERE);
    check_told(ask("ada", "ada"), "bo;");
    check_told(ask("ada", "ada"), "");
    report("ada", "+35.0-118.0");
    report("cy", HERE);
    check_told(ask("ada", "ada"), "cy;");
    check_told(ask("ada", "ada/2"), "ada;bo;cy;"); /* another device of hers */
    check_told(ask("eve", "ada"), "bo;cy;");       /* and another person */
    show_forget(&rig, "cy");
    report("bo", "+36.0-118.0");
    report("hidden", "+36.0-118.0");
    check_told(ask("ada", "ada"), "bo;");
    check_told(ask("ada", "ada"), "");
    tear_down();
}

static void numbers_are_whole_and_exact(void)
{
    static const struct sight sight = {0};
    static const char wanted[] =
        "[{\"_type\":\"location\",\"tid\":\"a\\\"b\",\"lat\":-1.5,\"lon\":0.000000001,\"tst\":"
        "1621464827},{\"_type\":\"card\",\"tid\":\"a\\\"b\",\"name\":\"a\\\"b\"}]";
    struct buffer out = {0};
    set_up();
    struct location location = {.client = SPAN("a\"b"),
                                .position = SPAN("-01.50+000.000000001"),
                                .stamp = SPAN("1621464827.959498503"),
                                .order_ns = TRUE_NS};
    CHECK_INT(flood_local(rig.flood, &location), FLOOD_STORED);
    location.client = SPAN("early");
    location.stamp = SPAN("0.9"); /* a `tst` of 0 spoils the answer */
    CHECK_INT(flood_local(rig.flood, &location), FLOOD_STORED);
    stream_tick(stream, 200);
    friends_write(&friends, rig.flood, stream, &sight, "ada", SPAN("ada"), &out);
    CHECK_BYTES(out.data, out.len, wanted, strlen(wanted));
    buffer_free(&out);
    tear_down();
}

static void no_two_are_one(void)
{
    set_up();
    report("a%ff", HERE);
    report("a\xff", HERE);
    report("\xc3\xa9", HERE);
    report("\xc3\xa9\xff%", HERE);
    check_told(ask("ada", "ada"), "a%25ff;a%ff;\xc3\xa9;%c3%a9%ff%25;");
    tear_down();
}

/* A hundred and one: the last comes with the next upload. So does who comes after many hidden ones.
 */
static void many_come_in_parts(void)
{
    char name[16];
    set_up();
    for (int i = 0; i <= FRIENDS_MAX; i++) {
        snprintf(name, sizeof name, "c%d", i);
        report(name, HERE);
    }
    json_t *first = ask("ada", "ada");
    CHECK_INT(json_array_size(first), 2 * FRIENDS_MAX);
    json_decref(first);
    report("c0", "+35.0-118.0"); /* before where it goes on */
    check_told(ask("ada", "ada"), "c100;");
    check_told(ask("ada", "ada"), "c0;");
    check_told(ask("ada", "ada"), "");
    for (int i = 0; i < FRIENDS_LOOKS_MAX; i++) {
        snprintf(name, sizeof name, "h%d", i);
        report(name, HERE);
    }
    report("last", HERE);
    check_told(ask("ada", "ada"), "");
    check_told(ask("ada", "ada"), "last;");
    tear_down();
}

/* One more device than there is room for of a row costs one of them its memory, no more. */
static void devices_have_a_limit(void)
{
    char name[16];
    set_up();
    report("bo", HERE);
    for (int i = 0; i < 3 * FRIENDS_DEVICES_MAX; i++) {
        snprintf(name, sizeof name, "d%d", i);
        check_told(ask("ada", name), "bo;");
    }
    check_told(ask("ada", name), "");
    check_told(ask("ada", "d0"), "bo;");
    tear_down();
}

static const struct check_case cases[] = {
    {"who changed since is told, and nobody hidden", who_changed_is_told},
    {"numbers are whole where they must be, and exact", numbers_are_whole_and_exact},
    {"no two ids are one friend", no_two_are_one},
    {"many come in parts, and all of them come", many_come_in_parts},
    {"devices have a limit", devices_have_a_limit},
};
CHECK_MAIN(cases)
