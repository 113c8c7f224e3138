/* What version 3 added to the messages: hops, what is declined, ways, and which entries of a LIST
 * changed lately; each limit and one past it, and what an older node leaves out. */
#include "bus/link/wire.h"

#include "tests/check.h"
#include "tests/unit/sample_location.h"

static struct wire_message in, out;
static char frame[WIRE_MESSAGE_BYTES_MAX];

static void make(enum wire_type type)
{
    memset(&out, 0, sizeof out);
    out.type = type;
    out.from_incarnation = UINT64_MAX;
    out.to_incarnation = 5;
    out.has_checks = out.has_state = out.has_recent = out.is_settled = true;
    out.level = 16;
    out.bin = (struct span){"\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7\x08", 16};
    out.recent = (struct span){"\x40", 1};
    out.state_version = UINT64_MAX;
    out.declined_count = out.way_count = 2;
    out.declined[0] = span_of("Ada");
    out.declined[1] = span_of("Bob");
    out.ways[0] = (struct wire_way){span_of("Cat"), 0};
    out.ways[1] = (struct wire_way){span_of("Dee"), UINT64_MAX};
    if (type == WIRE_UPDATE) {
        out.location_count = 1;
        out.locations[0] = sample_location();
    }
}

static enum wire_result read_bytes(const char *bytes, size_t count)
{
    memset(&in, 0xee, sizeof in);
    return wire_read((struct span){bytes, count}, &in);
}

static enum wire_result there_and_back(void)
{
    size_t count = wire_write(&out, frame, sizeof frame);
    CHECK(count > 0);
    return read_bytes(check_at_page_end(frame, count), count);
}

static void what_is_declined_and_the_ways_come_back_as_they_were(void)
{
    static const enum wire_type types[] = {WIRE_STATE, WIRE_HEARTBEAT};
    for (size_t i = 0; i < 2; i++) {
        make(types[i]);
        CHECK_INT(there_and_back(), WIRE_GOOD);
        CHECK(in.type == types[i] && in.state_version == UINT64_MAX);
        CHECK(in.declined_count == 2 && in.way_count == 2);
        for (int j = 0; j < 2; j++)
            CHECK(span_equals(in.declined[j], out.declined[j]) &&
                  span_equals(in.ways[j].node, out.ways[j].node) &&
                  in.ways[j].value == out.ways[j].value);
    }
}

static void hops_come_back_and_none_is_far(void)
{
    static const uint8_t hops[] = {0, 1, 127, 128, 254, WIRE_HOPS_FAR};
    for (size_t i = 0; i < sizeof hops; i++) {
        make(WIRE_UPDATE);
        out.hops[0] = hops[i];
        CHECK_INT(there_and_back(), WIRE_GOOD);
        CHECK_INT(in.hops[0], hops[i]);
    }
    out.hops[0] = 3;
    out.has_checks = false;
    CHECK_INT(there_and_back(), WIRE_GOOD);
    CHECK_INT(in.hops[0], WIRE_HOPS_FAR);
}

static void a_list_says_which_entries_changed_lately(void)
{
    make(WIRE_LIST);
    CHECK_INT(there_and_back(), WIRE_GOOD);
    CHECK(in.has_recent && in.is_settled && span_equals(in.recent, out.recent));
    out.recent.len = 0;
    CHECK_INT(there_and_back(), WIRE_MALFORMED);
    out.recent = (struct span){"\x40\0", 2};
    CHECK_INT(there_and_back(), WIRE_MALFORMED);
}

static void an_older_node_says_less(void)
{
    make(WIRE_HEARTBEAT);
    out.has_state = false;
    CHECK_INT(there_and_back(), WIRE_GOOD);
    CHECK(in.has_checks && !in.has_state);
    make(WIRE_LIST);
    out.has_recent = false;
    CHECK_INT(there_and_back(), WIRE_GOOD);
    CHECK(!in.has_recent);
}

static void as_many_origins_as_a_topology_has_nodes_and_no_more(void)
{
    make(WIRE_STATE);
    for (uint32_t i = 0; i < WIRE_ORIGINS_MAX; i++) {
        out.declined[i] = span_of("Ada");
        out.ways[i] = (struct wire_way){span_of("Bob"), 1};
    }
    out.declined_count = out.way_count = WIRE_ORIGINS_MAX;
    size_t count = wire_write(&out, frame, sizeof frame);
    CHECK_INT(read_bytes(frame, count), WIRE_GOOD);
    CHECK(in.declined_count == WIRE_ORIGINS_MAX && in.way_count == WIRE_ORIGINS_MAX);
    const char head[] = "zh\1\x96\x0e\1\1\1\xdc\4\1", ways[] = "zh\1\x96\x0e\1\1\1\x90\xdc\4\1";
    CHECK_INT(read_bytes(head, sizeof head - 1), WIRE_MALFORMED);
    CHECK_INT(read_bytes(ways, sizeof ways - 1), WIRE_MALFORMED);
}

static void every_prefix_and_one_byte_more_is_refused(void)
{
    static const enum wire_type types[] = {WIRE_STATE, WIRE_HEARTBEAT, WIRE_LIST, WIRE_UPDATE};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        for (size_t cut = 0; cut < count; cut++) {
            CHECK_INT(read_bytes(check_at_page_end(frame, cut), cut), WIRE_MALFORMED);
            CHECK_INT(wire_write(&out, check_at_page_end(frame, cut), cut), 0);
        }
        wire_write(&out, frame, sizeof frame);
        frame[count] = '\0';
        CHECK_INT(read_bytes(frame, count + 1), WIRE_MALFORMED);
    }
}

static void what_is_no_state_is_explained(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *words;
    } rows[] = {
        {"zh\1\x96\x0e\1\1\xc0\x90\x90", 10,
         "STATE: version is nil: a whole number, 0 or more, is needed"},
        {"zh\1\x96\x0e\1\1\1\x91\1\x90", 11,
         "STATE: declined is 1: text of 1 to 63 bytes is needed"},
        {"zh\1\x96\x0e\1\1\1\x90\x91\x91\xa1o", 13, "STATE: a way has less than 2 elements"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[200];
        CHECK_INT(read_bytes(rows[i].bytes, rows[i].count), WIRE_MALFORMED);
        wire_explain((struct span){rows[i].bytes, rows[i].count}, &in.fault, words, sizeof words);
        CHECK_BYTES(words, strlen(words), rows[i].words, strlen(rows[i].words));
    }
}

static const struct check_case cases[] = {
    {"what is declined, and the ways, come back as they were",
     what_is_declined_and_the_ways_come_back_as_they_were},
    {"hops come back, and none is far", hops_come_back_and_none_is_far},
    {"a LIST says which entries changed lately", a_list_says_which_entries_changed_lately},
    {"an older node says less", an_older_node_says_less},
    {"as many origins as a topology has nodes, and no more",
     as_many_origins_as_a_topology_has_nodes_and_no_more},
    {"every prefix and one byte more is refused", every_prefix_and_one_byte_more_is_refused},
    {"what is no STATE is explained", what_is_no_state_is_explained},
};

CHECK_MAIN(cases)
