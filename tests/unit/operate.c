/* The messages of operators: what is written is read, and what is not one is refused. */
#include "bus/link/operate.h"

#include <msgpack.h>

#include "tests/check.h"

static struct operate_request sample_request(void)
{
    struct operate_request request = {.from = UINT64_C(0xfedcba9876543210),
                                      .number = 7,
                                      .kind = OPERATE_FORGET,
                                      .id_count = 2,
                                      .ids = {span_of("kiwi"), span_of("pl\xffum")},
                                      .which = selection_of_all(),
                                      .older_ms = 3600000,
                                      .acts = true};
    request.which.origin = span_of("Ada");
    request.which.pattern = span_of("k*");
    request.which.after_ns = -5;
    return request;
}

static struct operate_reply sample_reply(void)
{
    return (struct operate_reply){
        .from = 1,
        .to = UINT64_C(0xfedcba9876543210),
        .number = 7,
        .kind = OPERATE_FORGET,
        .state = OPERATE_WORKING,
        .text = span_of("some were not"),
        .node = span_of("Ada"),
        .looked = 512,
        .of = 100000,
        .matches = 3,
        .forgotten = 2,
        .example_count = 2,
        .examples = {{span_of("kiwi"), 4, span_of("Ada"), -1},
                     {span_of("plum"), 70000, span_of("Bob"), INT64_MAX}},
    };
}

static enum operate_result read_request(const char *bytes, size_t count,
                                        struct operate_request *request, const char **why)
{
    struct span frame = {check_at_page_end(bytes, count), count};
    return operate_read_request(frame, request, why);
}

static void a_request_is_read_as_it_was_written(void)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    struct operate_request before = sample_request(), after;
    const char *why;
    size_t count = operate_write_request(&before, bytes, sizeof bytes);
    CHECK_INT(read_request(bytes, count, &after, &why), OPERATE_GOOD);
    CHECK(why == NULL);
    CHECK(after.from == before.from && after.number == 7 && after.kind == OPERATE_FORGET);
    CHECK_INT(after.id_count, 2);
    CHECK(span_equals(after.ids[0], before.ids[0]) && span_equals(after.ids[1], before.ids[1]));
    CHECK(span_equals(after.which.origin, before.which.origin));
    CHECK(span_equals(after.which.pattern, before.which.pattern));
    CHECK_INT(after.which.after_ns, -5);
    CHECK(after.which.before_ns == INT64_MAX);
    CHECK_INT(after.older_ms, 3600000);
    CHECK(after.acts);
    CHECK_INT(operate_write_request(&before, bytes, count - 1), 0);
}

static void what_is_not_said_excludes_nothing(void)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    struct operate_request before = {.from = 1, .kind = OPERATE_PING, .which = selection_of_all()};
    struct operate_request after = sample_request();
    const char *why;
    size_t count = operate_write_request(&before, bytes, sizeof bytes);
    CHECK_INT(read_request(bytes, count, &after, &why), OPERATE_GOOD);
    CHECK_INT(after.kind, OPERATE_PING);
    CHECK(after.id_count == 0 && after.older_ms == 0 && !after.acts);
    CHECK(after.which.origin.len == 0 && after.which.pattern.len == 0);
    CHECK(after.which.after_ns == INT64_MIN && after.which.before_ns == INT64_MAX);
}

static void no_beginning_of_a_message_is_one(void)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX], reply[OPERATE_REPLY_BYTES_MAX];
    struct operate_request request = sample_request();
    struct operate_reply before = sample_reply(), after;
    const char *why;
    size_t count = operate_write_request(&request, bytes, sizeof bytes);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(read_request(bytes, i, &request, &why), OPERATE_MALFORMED);
    bytes[count] = 0;
    CHECK_INT(read_request(bytes, count + 1, &request, &why), OPERATE_MALFORMED);
    count = operate_write_reply(&before, reply);
    for (size_t i = 0; i < count; i++)
        CHECK(!operate_read_reply((struct span){check_at_page_end(reply, i), i}, &after));
    CHECK(operate_read_reply((struct span){reply, count}, &after));
}

static void a_reply_is_read_as_it_was_written(void)
{
    char bytes[OPERATE_REPLY_BYTES_MAX];
    struct operate_reply before = sample_reply(), after;
    size_t count = operate_write_reply(&before, bytes);
    CHECK(operate_read_reply((struct span){bytes, count}, &after));
    CHECK(after.from == 1 && after.to == before.to && after.number == 7);
    CHECK(after.kind == OPERATE_FORGET && after.state == OPERATE_WORKING);
    CHECK(span_equals(after.text, before.text) && span_equals(after.node, before.node));
    CHECK(after.looked == 512 && after.of == 100000 && after.matches == 3);
    CHECK_INT(after.forgotten, 2);
    CHECK_INT(after.example_count, 2);
    CHECK(span_equals(after.examples[1].client, span_of("plum")));
    CHECK_INT(after.examples[1].bytes, 70000);
    CHECK(span_equals(after.examples[1].origin, span_of("Bob")));
    CHECK(after.examples[0].order_ns == -1 && after.examples[1].order_ns == INT64_MAX);
}

static void the_longest_reply_fits(void)
{
    char bytes[OPERATE_REPLY_BYTES_MAX], filling[1000];
    memset(filling, 'x', sizeof filling);
    struct operate_reply reply = sample_reply(), after;
    struct span name = {filling, WIRE_NAME_BYTES_MAX};
    reply.number = reply.looked = reply.of = reply.matches = reply.forgotten = UINT64_MAX;
    reply.text = (struct span){filling, sizeof filling};
    reply.node = name;
    reply.example_count = OPERATE_EXAMPLES_MAX;
    for (size_t i = 0; i < OPERATE_EXAMPLES_MAX; i++)
        reply.examples[i] = (struct operate_example){
            {filling, OPERATE_EXAMPLE_BYTES_MAX}, UINT64_MAX, name, INT64_MIN};
    size_t count = operate_write_reply(&reply, bytes);
    CHECK(count > 0);
    CHECK(operate_read_reply((struct span){bytes, count}, &after));
    CHECK_INT(after.text.len, OPERATE_TEXT_BYTES_MAX);
    CHECK_INT(after.example_count, OPERATE_EXAMPLES_MAX);
}

/* ---- requests by hand ---- */

static msgpack_sbuffer written;
static msgpack_packer out;

static void put_text(const char *text)
{
    msgpack_pack_str(&out, strlen(text));
    msgpack_pack_str_body(&out, text, strlen(text));
}

static void put_id(const char *text)
{
    msgpack_pack_bin(&out, strlen(text));
    msgpack_pack_bin_body(&out, text, strlen(text));
}

/* Up to and with the kind. */
static void put_head(size_t elements, uint64_t type, uint64_t from, uint64_t kind)
{
    msgpack_sbuffer_clear(&written);
    msgpack_packer_init(&out, &written, msgpack_sbuffer_write);
    msgpack_sbuffer_write(&written, "zh\x01", 3);
    msgpack_pack_array(&out, elements);
    msgpack_pack_uint64(&out, type);
    msgpack_pack_uint64(&out, from);
    msgpack_pack_uint64(&out, 0);
    msgpack_pack_uint64(&out, 9);
    msgpack_pack_uint64(&out, kind);
}

static enum operate_result take(const char **why)
{
    static struct operate_request request;
    return read_request(written.data, written.size, &request, why);
}

static void what_a_node_does_not_know_is_refused_as_a_whole(void)
{
    const char *why;
    put_head(6, OPERATE_REQUEST, 1, 99);
    put_text("anything");
    CHECK_INT(take(&why), OPERATE_UNKNOWN);
    CHECK(why != NULL && strstr(why, "is asked") != NULL);
    put_head(6, OPERATE_REQUEST, 1, OPERATE_FORGET);
    msgpack_pack_map(&out, 2);
    put_text("origin");
    put_text("Ada");
    put_text("only_on_sundays");
    msgpack_pack_true(&out);
    CHECK_INT(take(&why), OPERATE_UNKNOWN);
    CHECK(why != NULL && strstr(why, "a condition") != NULL);
    put_head(7, OPERATE_REQUEST, 1, OPERATE_PING);
    msgpack_pack_map(&out, 0);
    msgpack_pack_nil(&out);
    CHECK_INT(take(&why), OPERATE_UNKNOWN);
}

static void other_messages_are_none(void)
{
    const char *why;
    static const struct {
        size_t elements;
        uint64_t type, from;
        enum operate_result result;
    } rows[] = {
        {6, OPERATE_REQUEST, 1, OPERATE_GOOD},      {6, OPERATE_REPLY, 1, OPERATE_MALFORMED},
        {6, WIRE_HELLO, 1, OPERATE_MALFORMED},      {6, OPERATE_REQUEST, 0, OPERATE_MALFORMED},
        {5, OPERATE_REQUEST, 1, OPERATE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_head(rows[i].elements, rows[i].type, rows[i].from, OPERATE_PING);
        msgpack_pack_map(&out, 0);
        CHECK_INT(take(&why), rows[i].result);
    }
    put_head(6, OPERATE_REQUEST, 1, OPERATE_PING);
    msgpack_pack_map(&out, 0);
    written.data[2] = 2;
    CHECK_INT(take(&why), OPERATE_MALFORMED);
}

static enum operate_result take_ids(uint32_t count, const char *id)
{
    const char *why;
    put_head(6, OPERATE_REQUEST, 1, OPERATE_FORGET);
    msgpack_pack_map(&out, 1);
    put_text("ids");
    msgpack_pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++)
        put_id(id);
    return take(&why);
}

static void ids_are_tokens_and_end_at_their_limit(void)
{
    CHECK_INT(take_ids(OPERATE_IDS_MAX, "kiwi"), OPERATE_GOOD);
    CHECK_INT(take_ids(OPERATE_IDS_MAX + 1, "kiwi"), OPERATE_UNKNOWN);
    CHECK_INT(take_ids(0, ""), OPERATE_UNKNOWN); /* nobody, and not everybody */
    CHECK_INT(take_ids(1, ""), OPERATE_UNKNOWN);
    CHECK_INT(take_ids(1, "ki wi"), OPERATE_UNKNOWN);
}

enum value { NUMBER, NEGATIVE, TEXT_OF_64, BIN };

static enum operate_result take_argument(const char *key, enum value value, const char *text)
{
    const char *why;
    put_head(6, OPERATE_REQUEST, 1, OPERATE_FORGET);
    msgpack_pack_map(&out, 1);
    put_text(key);
    if (value == NUMBER)
        msgpack_pack_uint64(&out, 0);
    else if (value == NEGATIVE)
        msgpack_pack_int64(&out, -1);
    else if (value == BIN)
        put_id(text);
    else
        put_text(text);
    return take(&why);
}

static void a_condition_that_cannot_be_is_refused(void)
{
    static const char longest[] = "a23456789b123456789c123456789d123456789e123456789f123456789g123";
    char too_long[WIRE_NAME_BYTES_MAX + 2];
    snprintf(too_long, sizeof too_long, "%sx", longest);
    CHECK_INT(take_argument("origin", TEXT_OF_64, longest), OPERATE_GOOD);
    CHECK_INT(take_argument("origin", TEXT_OF_64, too_long), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("origin", TEXT_OF_64, ""), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("origin", NUMBER, NULL), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("matching", BIN, "k*"), OPERATE_GOOD);
    CHECK_INT(take_argument("matching", BIN, "kiwi"), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("matching", TEXT_OF_64, "k*"), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("after_ns", NEGATIVE, NULL), OPERATE_GOOD);
    CHECK_INT(take_argument("after_ns", BIN, "1"), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("older_ms", NEGATIVE, NULL), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("older_ms", NUMBER, NULL), OPERATE_UNKNOWN);
    CHECK_INT(take_argument("act", NUMBER, NULL), OPERATE_UNKNOWN);
}

static void put_condition(const char *key, uint64_t number)
{
    put_text(key);
    if (strcmp(key, "ids") == 0)
        msgpack_pack_array(&out, 1);
    if (strcmp(key, "origin") == 0)
        put_text(number == 1 ? "Ada" : "Bob");
    else if (strcmp(key, "ids") == 0 || strcmp(key, "matching") == 0)
        put_id(number == 1 ? "a*" : "*");
    else
        msgpack_pack_uint64(&out, number);
}

/* The first one would not count. */
static void a_condition_that_is_there_twice_is_refused(void)
{
    static const char *const keys[] = {"ids", "origin", "matching", "after_ns", "older_ms"};
    const char *why;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (uint64_t count = 1; count <= 2; count++) {
            put_head(6, OPERATE_REQUEST, 1, OPERATE_FORGET);
            msgpack_pack_map(&out, count);
            for (uint64_t number = 1; number <= count; number++)
                put_condition(keys[i], number);
            CHECK_INT(take(&why), count == 1 ? OPERATE_GOOD : OPERATE_UNKNOWN);
        }
}

static void a_reply_of_a_newer_version_is_read(void)
{
    struct operate_reply reply;
    put_head(9, OPERATE_REPLY, 1, 99);
    written.data[3 + 3] = 5; /* to: after magic, array, type and from */
    msgpack_pack_uint64(&out, 17);
    put_text("");
    msgpack_pack_map(&out, 2);
    put_text("weather");
    msgpack_pack_nil(&out);
    put_text("node");
    put_text("Ada");
    msgpack_pack_nil(&out);
    CHECK(operate_read_reply((struct span){written.data, written.size}, &reply));
    CHECK(reply.state == 17 && reply.to == 5 && span_equals(reply.node, span_of("Ada")));
}

static const struct check_case cases[] = {
    {"a request is read as it was written", a_request_is_read_as_it_was_written},
    {"what is not said excludes nothing", what_is_not_said_excludes_nothing},
    {"no beginning of a message is one", no_beginning_of_a_message_is_one},
    {"a reply is read as it was written", a_reply_is_read_as_it_was_written},
    {"the longest reply fits", the_longest_reply_fits},
    {"what a node does not know is refused as a whole",
     what_a_node_does_not_know_is_refused_as_a_whole},
    {"other messages are none", other_messages_are_none},
    {"ids are tokens and end at their limit", ids_are_tokens_and_end_at_their_limit},
    {"a condition that cannot be is refused", a_condition_that_cannot_be_is_refused},
    {"a condition that is there twice is refused", a_condition_that_is_there_twice_is_refused},
    {"a reply of a newer version is read", a_reply_of_a_newer_version_is_read},
};

CHECK_MAIN(cases)
