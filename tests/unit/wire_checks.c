/* What version 2 added to the messages: clocks, cuts, ranges, entries, ids; each limit and one past
 * it, and what an older node leaves out. */
#include "bus/link/wire.h"

#include "bus/flood.h"
#include "tests/check.h"
#include "tests/unit/floats.h"
#include "tests/unit/sample_location.h"

static struct wire_message in, out;
static char frame[WIRE_MESSAGE_BYTES_MAX];

static struct wire_clock clock_of(const char *node)
{
    return (struct wire_clock){.node = span_of(node),
                               .incarnation = UINT64_MAX,
                               .step = 3,
                               .wall_ns = -1,
                               .age_ms = 86400000};
}

static void make(enum wire_type type)
{
    memset(&out, 0, sizeof out);
    out.type = type;
    out.from_incarnation = UINT64_MAX;
    out.to_incarnation = 5;
    out.herd = span_of("fall2016");
    out.node = span_of("Alford");
    out.version = WIRE_VERSION;
    out.version_min = WIRE_VERSION_MIN;
    out.received = 128;
    out.after = out.upto = 7;
    out.has_checks = true;
    out.refused_here = UINT64_C(1) << 40;
    out.cut = (struct wire_cut){
        .position = 300, .met = 2, .horizon_ns = INT64_MIN, .ceiling_ns = INT64_MAX};
    out.slots = 4096;
    out.whole = wire_fold(UINT64_MAX - 1);
    out.level = 16;
    out.first = 65534;
    out.salt = 7;
    out.bin = (struct span){"\1\2\3\4\5\6\7\x08", 8};
    out.clock_count = type == WIRE_HELLO || type == WIRE_HEARTBEAT ? 2 : 0;
    out.clocks[0] = clock_of("Alford");
    out.clocks[1] = clock_of("Ball");
    out.ack_now = type == WIRE_UPDATE;
    if (type == WIRE_UPDATE) {
        out.location_count = 1;
        out.locations[0] = sample_location();
    }
}

static const enum wire_type types[] = {WIRE_HELLO, WIRE_UPDATE, WIRE_ACK, WIRE_HEARTBEAT,
                                       WIRE_CHECK, WIRE_LIST,   WIRE_WANT};
#define TYPES (sizeof types / sizeof *types)

static enum wire_result read_bytes(const char *bytes, size_t count)
{
    memset(&in, 0xee, sizeof in);
    return wire_read((struct span){bytes, count}, &in);
}

/* What becomes of the message that `out` is. */
static enum wire_result there_and_back(void)
{
    size_t count = wire_write(&out, frame, sizeof frame);
    CHECK(count > 0);
    return read_bytes(check_at_page_end(frame, count), count);
}

static void check_clocks(void)
{
    CHECK_INT(in.clock_count, out.clock_count);
    for (uint32_t i = 0; i < out.clock_count; i++) {
        const struct wire_clock *a = &in.clocks[i], *b = &out.clocks[i];
        CHECK(span_equals(a->node, b->node) && a->incarnation == b->incarnation);
        CHECK(a->step == b->step && a->wall_ns == b->wall_ns && a->age_ms == b->age_ms);
    }
}

static void check_range(void)
{
    CHECK(in.level == out.level && in.first == out.first);
    CHECK(span_equals(in.bin, out.bin));
}

static void check_fields(void)
{
    bool has_cut = in.type == WIRE_HEARTBEAT || in.type == WIRE_CHECK || in.type == WIRE_LIST;
    CHECK_INT(in.type, out.type);
    if (in.type <= WIRE_HEARTBEAT)
        CHECK(in.has_checks);
    if (in.type == WIRE_UPDATE || in.type == WIRE_ACK || in.type == WIRE_HEARTBEAT)
        CHECK(in.refused_here == out.refused_here);
    if (in.type == WIRE_UPDATE)
        CHECK(in.ack_now == out.ack_now);
    if (in.type == WIRE_HELLO || in.type == WIRE_HEARTBEAT)
        check_clocks();
    if (has_cut)
        CHECK(in.cut.position == out.cut.position && in.cut.met == out.cut.met &&
              in.cut.horizon_ns == out.cut.horizon_ns);
    if (has_cut || in.type == WIRE_HELLO)
        CHECK(in.type == WIRE_LIST || in.cut.ceiling_ns == out.cut.ceiling_ns);
    if (in.type != WIRE_WANT)
        CHECK(in.received == out.received);
    if (in.type == WIRE_HEARTBEAT)
        CHECK(in.slots == out.slots && in.whole == out.whole);
    if (in.type >= WIRE_CHECK)
        check_range();
    if (in.type == WIRE_LIST)
        CHECK(in.salt == out.salt);
}

static void every_message_comes_back_as_it_was(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        CHECK_INT(there_and_back(), WIRE_GOOD);
        check_fields();
        out.ack_now = false;
        CHECK_INT(there_and_back(), WIRE_GOOD);
        check_fields();
    }
}

static void every_prefix_and_one_byte_more_is_refused(void)
{
    for (size_t i = 0; i < TYPES; i++) {
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

static void any_changed_byte_is_read_or_explained(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        char *bytes = check_at_page_end(frame, count);
        for (size_t at = 0; at < count; at++)
            for (int value = 0; value < 256; value++) {
                char words[LINK_REASON_BYTES_MAX];
                bytes[at] = (char)value;
                if (read_bytes(bytes, count) == WIRE_MALFORMED) {
                    wire_explain((struct span){bytes, count}, &in.fault, words, sizeof words);
                    CHECK(strlen(words) > 8 && strlen(words) < sizeof words - 1);
                }
                bytes[at] = frame[at];
            }
    }
}

/* Languages whose only number is a double write floats. */
static void whole_floats_are_numbers(void)
{
    static char floats[WIRE_MESSAGE_BYTES_MAX];
    static const size_t numbers[] = {
        [WIRE_HELLO] = 8 + 2 * 4, [WIRE_UPDATE] = 10,
        [WIRE_ACK] = 5,           [WIRE_HEARTBEAT] = 14 + 2 * 4,
        [WIRE_CHECK] = 10,        [WIRE_LIST] = 10,
        [WIRE_WANT] = 5,
    };
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        out.from_incarnation = out.clocks[0].incarnation = out.clocks[1].incarnation =
            (UINT64_C(1) << 53) - 1;
        out.cut.horizon_ns = -((INT64_C(1) << 53) - 1);
        out.cut.ceiling_ns = -out.cut.horizon_ns;
        for (uint32_t l = 0; l < out.location_count; l++)
            out.locations[l].difference_ns = out.locations[l].order_ns = 1;
        size_t count = wire_write(&out, frame, sizeof frame), converted;
        count = floats_of((struct span){frame, count}, 3, floats, &converted);
        CHECK_INT(converted, numbers[types[i]]);
        CHECK_INT(read_bytes(check_at_page_end(floats, count), count), WIRE_GOOD);
        check_fields();
    }
}

/* ---- Limits -------------------------------------------------------------------------------- */

static void there_are_64_clocks_and_no_more(void)
{
    static char name[WIRE_NAME_BYTES_MAX];
    static char more[sizeof frame];
    static const enum wire_type both[] = {WIRE_HELLO, WIRE_HEARTBEAT};
    memset(name, 'n', sizeof name);
    for (size_t i = 0; i < 2; i++) {
        make(both[i]);
        out.herd = out.node = (struct span){name, sizeof name};
        out.clock_count = WIRE_CLOCKS_MAX;
        for (uint32_t c = 0; c < WIRE_CLOCKS_MAX; c++)
            out.clocks[c] = (struct wire_clock){
                {name, sizeof name}, UINT64_MAX, UINT64_MAX, INT64_MIN, UINT64_MAX};
        CHECK_INT(there_and_back(), WIRE_GOOD);
        check_fields();
        size_t count = wire_write(&out, frame, sizeof frame);
        CHECK(count <= WIRE_HEAD_BYTES_MAX + WIRE_CLOCKS_MAX * WIRE_CLOCK_BYTES_MAX);
        /* One more, by hand: each takes as many bytes as was said. */
        char *head = memmem(frame, count, "\xdc\x00\x40", 3);
        CHECK(head != NULL);
        size_t front = (size_t)(head + 3 - frame) + WIRE_CLOCK_BYTES_MAX;
        memcpy(more, frame, front);
        more[head + 2 - frame] = WIRE_CLOCKS_MAX + 1;
        memcpy(more + front, head + 3, count - (front - WIRE_CLOCK_BYTES_MAX));
        CHECK_INT(read_bytes(more, count + WIRE_CLOCK_BYTES_MAX), WIRE_MALFORMED);
        CHECK_BYTES(in.fault.rule, strlen(in.fault.rule), "are more than 64", 16);
    }
}

static void a_bin_has_whole_entries_and_not_too_many(void)
{
    static char bin[WIRE_MESSAGE_BYTES_MAX];
    static const struct {
        enum wire_type type;
        size_t bytes, count_max;
    } rows[] = {{WIRE_CHECK, WIRE_RANGE_BYTES, WIRE_RANGES_MAX},
                {WIRE_LIST, WIRE_ENTRY_BYTES, WIRE_ENTRIES_MAX},
                {WIRE_WANT, WIRE_ID_BYTES, WIRE_ENTRIES_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t full = rows[i].bytes * rows[i].count_max;
        make(rows[i].type);
        out.first = 0;
        for (size_t bytes = 0; bytes <= 2 * rows[i].bytes; bytes++) {
            out.bin = (struct span){bin, bytes};
            CHECK_INT(there_and_back(), bytes % rows[i].bytes == 0 ? WIRE_GOOD : WIRE_MALFORMED);
        }
        out.bin = (struct span){bin, full};
        CHECK_INT(there_and_back(), WIRE_GOOD);
        CHECK_INT(in.bin.len, full);
        CHECK(wire_write(&out, frame, sizeof frame) <= WIRE_HEAD_BYTES_MAX + full);
        out.bin.len = full + rows[i].bytes;
        CHECK_INT(there_and_back(), WIRE_MALFORMED);
    }
}

static void ranges_lie_within_their_level(void)
{
    static char bin[8 * WIRE_RANGE_BYTES];
    static const struct {
        uint64_t level, first;
        size_t count;
        enum wire_result result;
    } rows[] = {
        {0, 0, 1, WIRE_GOOD},
        {0, 0, 2, WIRE_MALFORMED},
        {0, 1, 0, WIRE_MALFORMED},
        {3, 0, 8, WIRE_GOOD},
        {3, 7, 1, WIRE_GOOD},
        {3, 7, 2, WIRE_MALFORMED},
        {3, 8, 1, WIRE_MALFORMED},
        {16, 65535, 1, WIRE_GOOD},
        {16, 65536, 1, WIRE_MALFORMED},
        {16, 65535, 2, WIRE_MALFORMED},
        {16, UINT64_MAX, 2, WIRE_MALFORMED},
        {17, 0, 1, WIRE_MALFORMED},
        {64, 0, 1, WIRE_MALFORMED},
        {UINT64_MAX, 0, 1, WIRE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(WIRE_CHECK);
        out.level = rows[i].level;
        out.first = rows[i].first;
        out.bin = (struct span){bin, rows[i].count * WIRE_RANGE_BYTES};
        CHECK_INT(there_and_back(), rows[i].result);
    }
}

static void lists_and_wants_are_of_a_range_or_a_part_of_one(void)
{
    static const struct {
        uint64_t level, range;
        enum wire_result result;
    } rows[] = {
        {15, 0, WIRE_MALFORMED},       {16, 0, WIRE_GOOD},
        {16, 65535, WIRE_GOOD},        {16, 65536, WIRE_MALFORMED},
        {17, 131071, WIRE_GOOD},       {24, (1 << 24) - 1, WIRE_GOOD},
        {24, 1 << 24, WIRE_MALFORMED}, {24, UINT64_MAX, WIRE_MALFORMED},
        {25, 0, WIRE_MALFORMED},       {UINT64_MAX, 0, WIRE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int type = WIRE_LIST; type <= WIRE_WANT; type++) {
            make((enum wire_type)type);
            out.level = rows[i].level;
            out.first = rows[i].range;
            CHECK_INT(there_and_back(), rows[i].result);
        }
}

static void a_clock_has_a_name_and_an_incarnation(void)
{
    static char name[WIRE_NAME_BYTES_MAX + 1];
    static const struct {
        size_t bytes;
        uint64_t incarnation;
        enum wire_result result;
    } rows[] = {
        {0, 1, WIRE_MALFORMED},
        {1, 1, WIRE_GOOD},
        {1, 0, WIRE_MALFORMED},
        {WIRE_NAME_BYTES_MAX, 1, WIRE_GOOD},
        {WIRE_NAME_BYTES_MAX + 1, 1, WIRE_MALFORMED},
    };
    memset(name, 'n', sizeof name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(WIRE_HEARTBEAT);
        out.clocks[1].node = (struct span){name, rows[i].bytes};
        out.clocks[1].incarnation = rows[i].incarnation;
        CHECK_INT(there_and_back(), rows[i].result);
    }
}

/* ---- Other versions ------------------------------------------------------------------------ */

#define ROW(bytes, result, has_checks)                                                             \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, result, has_checks                                               \
    }
#define HELLO_KEYS_OF_1                                                                            \
    "\xa4herd\xa1h\xa4node\xa1n\xa7version\1\xabversion_min\1\xa5start\0\xa4have\0"
#define CEILING                                                                                    \
    "\xa7"                                                                                         \
    "ceiling\x05"
#define CLOCKS                                                                                     \
    "\xa6"                                                                                         \
    "clocks\x91\x95\xa1n\1\0\5\0"
#define HEARTBEAT_OF_1 "\x04\1\2\7\7\7\7"

static void elements_are_left_out_by_older_nodes_and_added_by_newer_ones(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        enum wire_result result;
        bool has_checks;
    } rows[] = {
        ROW("zh\1\x94\1\1\2\x86" HELLO_KEYS_OF_1, WIRE_GOOD, false),
        ROW("zh\1\x94\1\1\2\x87" HELLO_KEYS_OF_1 CEILING, WIRE_GOOD, false),
        ROW("zh\1\x94\1\1\2\x87" HELLO_KEYS_OF_1 CLOCKS, WIRE_GOOD, false),
        ROW("zh\1\x94\1\1\2\x88" HELLO_KEYS_OF_1 CEILING CLOCKS, WIRE_GOOD, true),
        ROW("zh\1\x94\1\1\2\x88" CLOCKS CEILING HELLO_KEYS_OF_1, WIRE_GOOD, true),
        ROW("zh\1\x97\2\1\2\0\1\0\x90", WIRE_GOOD, false),
        ROW("zh\1\x98\2\1\2\0\1\0\x90\5", WIRE_GOOD, true),
        ROW("zh\1\x99\2\1\2\0\1\0\x90\5\xc3", WIRE_GOOD, true),
        ROW("zh\1\x99\2\1\2\0\1\0\x90\5\xc0", WIRE_MALFORMED, true),
        ROW("zh\1\x9a\2\1\2\0\1\0\x90\5\xc3\xc0", WIRE_GOOD, true),
        ROW("zh\1\x98\2\1\2\0\1\0\x90\xc0", WIRE_MALFORMED, true),
        ROW("zh\1\x95\3\1\2\7\xc3", WIRE_GOOD, false),
        ROW("zh\1\x96\3\1\2\7\xc3\5", WIRE_GOOD, true),
        ROW("zh\1\x97" HEARTBEAT_OF_1, WIRE_GOOD, false),
        /* As many elements as no version wrote. */
        ROW("zh\1\x9e" HEARTBEAT_OF_1 "\5\x90\0\0\0\0\0", WIRE_GOOD, false),
        ROW("zh\1\x9f" HEARTBEAT_OF_1 "\5\x90\0\0\0\0\0\0", WIRE_GOOD, true),
        ROW("zh\1\xdc\0\x10" HEARTBEAT_OF_1 "\5\x91\x95\xa1n\1\0\5\0\0\0\0\0\0\0\xc0", WIRE_GOOD,
            true),
        /* A clock of six elements, and of four. */
        ROW("zh\1\x9f" HEARTBEAT_OF_1 "\5\x91\x96\xa1n\1\0\5\0\x91\xc0\0\0\0\0\0\0", WIRE_GOOD,
            true),
        ROW("zh\1\x9f" HEARTBEAT_OF_1 "\5\x91\x94\xa1n\1\0\5\0\0\0\0\0\0", WIRE_MALFORMED, true),
        ROW("zh\1\x9b\x09\1\2\0\0\0\0\0\x10\0\xc4\0", WIRE_GOOD, false),
        ROW("zh\1\x9c\x09\1\2\0\0\0\0\0\x10\0\xc4\0\xc0", WIRE_GOOD, false),
        ROW("zh\1\x9a\x09\1\2\0\0\0\0\0\x10\0", WIRE_MALFORMED, false),
        ROW("zh\1\x9b\x0a\1\2\0\0\0\0\x10\0\0\xc4\0", WIRE_GOOD, false),
        ROW("zh\1\x9c\x0a\1\2\0\0\0\0\x10\0\0\xc4\0\x90", WIRE_GOOD, false),
        ROW("zh\1\x9a\x0a\1\2\0\0\0\0\x10\0\0", WIRE_MALFORMED, false),
        ROW("zh\1\x96\x0b\1\2\x10\0\xc4\0", WIRE_GOOD, false),
        ROW("zh\1\x97\x0b\1\2\x10\0\xc4\0\x90", WIRE_GOOD, false),
        ROW("zh\1\x95\x0b\1\2\x10\0", WIRE_MALFORMED, false),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(read_bytes(check_at_page_end(rows[i].bytes, rows[i].count), rows[i].count),
                  rows[i].result);
        if (rows[i].result != WIRE_GOOD || in.type > WIRE_HEARTBEAT)
            continue;
        CHECK_INT(in.has_checks, rows[i].has_checks);
        if (in.type != WIRE_HELLO)
            CHECK_INT(in.refused_here, rows[i].has_checks ? 5 : 0);
        if (!rows[i].has_checks && (in.type == WIRE_HELLO || in.type == WIRE_HEARTBEAT))
            CHECK_INT(in.clock_count, 0);
    }
}

/* What a node of version 1 writes is what we write without the fields of version 2. */
static void messages_of_version_1_can_be_written(void)
{
    static const char wanted[] = "zh\1\x97\4\1\5\7\x08\x09\x0a";
    make(WIRE_HEARTBEAT);
    out.has_checks = false;
    out.from_incarnation = 1;
    out.head = 7;
    out.received = 8;
    out.digest = 9;
    out.clients = 10;
    CHECK_BYTES(frame, wire_write(&out, frame, sizeof frame), wanted, sizeof wanted - 1);
    for (size_t i = 0; i < 4; i++) {
        make(types[i]);
        out.has_checks = false;
        CHECK_INT(there_and_back(), WIRE_GOOD);
        CHECK(!in.has_checks);
    }
}

static void faults_name_field_and_clock(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *words;
    } rows[] = {
#define EXPLAINED(bytes, words) {bytes, sizeof(bytes) - 1, words}
        EXPLAINED("zh\1\x9f" HEARTBEAT_OF_1 "\5\x91\x95\xa1n\0\0\5\0\0\0\0\0\0\0",
                  "HEARTBEAT: clock 1: incarnation is 0"),
        EXPLAINED("zh\1\x9f" HEARTBEAT_OF_1 "\5\x91\x95\xa0\0\0\5\0\0\0\0\0\0\0",
                  "HEARTBEAT: clock 1: node is the text \"\": text of 1 to 63 bytes is needed"),
        EXPLAINED("zh\1\x9f" HEARTBEAT_OF_1 "\5\x91\x94\xa1n\1\0\5\0\0\0\0\0\0\0",
                  "HEARTBEAT: clock 1: it has less than 5 elements"),
        EXPLAINED("zh\1\x9f" HEARTBEAT_OF_1 "\5\x90\0\0\xc0\0\0\0",
                  "HEARTBEAT: horizon is nil: a whole number is needed"),
        EXPLAINED("zh\1\x94\1\1\2\x88" HELLO_KEYS_OF_1 CEILING "\xa6"
                  "clocks\xc0",
                  "HELLO: clocks is nil: an array is needed"),
        EXPLAINED("zh\1\x98\2\1\2\0\1\0\x90\xc0",
                  "UPDATE: refused is nil: a whole number, 0 or more, is needed"),
        EXPLAINED("zh\1\x9b\x09\1\2\0\0\0\0\0\x11\0\xc4\0", "CHECK: level is greater than 16"),
        EXPLAINED("zh\1\x9b\x09\1\2\0\0\0\0\0\0\0\xc4\x08\0\0\0\0\0\0\0\0",
                  "CHECK: first and the ranges go beyond 2^level"),
        EXPLAINED("zh\1\x9b\x09\1\2\0\0\0\0\0\0\0\xa0",
                  "CHECK: bin is the text \"\": binary data is needed"),
        EXPLAINED("zh\1\x9b\x09\1\2\0\0\0\0\0\0\0\xc4\1\0", "CHECK: bin is no multiple of 4 bytes"),
        EXPLAINED("zh\1\x9b\x0a\1\2\0\0\0\0\x0f\0\0\xc4\0", "LIST: level is not from 16 to 24"),
        EXPLAINED("zh\1\x96\x0b\1\2\x10\xce\0\1\0\0\xc4\0", "WANT: range is beyond 2^level"),
        EXPLAINED("zh\1\x95\x0b\1\2\x10\0", "WANT: the message has too few elements"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[LINK_REASON_BYTES_MAX];
        struct span bytes = {check_at_page_end(rows[i].bytes, rows[i].count), rows[i].count};
        CHECK_INT(read_bytes(bytes.data, bytes.len), WIRE_MALFORMED);
        wire_explain(bytes, &in.fault, words, sizeof words);
        CHECK_BYTES(words, strlen(words), rows[i].words, strlen(rows[i].words));
    }
}

static void a_folded_digest_is_never_0(void)
{
    CHECK_INT(wire_fold(0), 1);
    CHECK_INT(wire_fold(UINT64_C(0x1234567812345678)), 1);
    CHECK_INT(wire_fold(UINT64_C(0x0000000100000002)), 3);
    CHECK_INT(wire_fold(UINT64_MAX), 1);
    CHECK_INT(wire_fold(UINT64_MAX - 1), 1);
}

static void a_hello_says_what_is_over_only_where_something_is(void)
{
    static const struct {
        uint64_t expire_ms;
        bool forget;
        unsigned keys;
    } rows[] = {{0, false, 8}, {1000, false, 9}, {0, true, 9}, {UINT64_MAX, true, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(WIRE_HELLO);
        out.expire_ms = rows[i].expire_ms;
        out.forget = rows[i].forget;
        CHECK_INT(there_and_back(), WIRE_GOOD);
        CHECK(in.expire_ms == rows[i].expire_ms && in.forget == rows[i].forget);
        CHECK_INT(frame[15] & 15, rows[i].keys); /* after zh, version, array, type and from, to */
        out.has_checks = false;
        CHECK_INT(there_and_back(), WIRE_GOOD);
        CHECK(in.expire_ms == rows[i].expire_ms && in.forget == rows[i].forget && !in.has_checks);
    }
}

static const struct check_case cases[] = {
    {"every message comes back as it was", every_message_comes_back_as_it_was},
    {"every prefix and one byte more is refused", every_prefix_and_one_byte_more_is_refused},
    {"any changed byte is read or explained", any_changed_byte_is_read_or_explained},
    {"whole floats are numbers", whole_floats_are_numbers},
    {"there are 64 clocks and no more", there_are_64_clocks_and_no_more},
    {"a bin has whole entries and not too many", a_bin_has_whole_entries_and_not_too_many},
    {"ranges lie within their level", ranges_lie_within_their_level},
    {"lists and wants are of a range or a part of one",
     lists_and_wants_are_of_a_range_or_a_part_of_one},
    {"a clock has a name and an incarnation", a_clock_has_a_name_and_an_incarnation},
    {"elements are left out by older nodes and added by newer ones",
     elements_are_left_out_by_older_nodes_and_added_by_newer_ones},
    {"messages of version 1 can be written", messages_of_version_1_can_be_written},
    {"faults name field and clock", faults_name_field_and_clock},
    {"a folded digest is never 0", a_folded_digest_is_never_0},
    {"a HELLO says what is over only where something is",
     a_hello_says_what_is_over_only_where_something_is},
};

CHECK_MAIN(cases)
