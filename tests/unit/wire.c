/* Every message there and back, as version 1 wrote it, every prefix of it, and every way to be no
 * message. What version 2 added is in tests/unit/wire_checks.c. */
#include "bus/link/wire.h"

#include "bus/flood.h"
#include "tests/check.h"
#include "tests/unit/floats.h"
#include "tests/unit/sample_location.h"

static struct wire_message in, out;
static char frame[WIRE_MESSAGE_BYTES_MAX];

static struct location widest_numbers(void)
{
    struct location location = sample_location();
    location.difference_ns = INT64_MIN;
    location.order_ns = INT64_MAX;
    return location;
}

static struct wire_link link_to(const char *name)
{
    return (struct wire_link){.name = span_of(name),
                              .up = true,
                              .incarnation_age_ms = 86400000,
                              .due = 300,
                              .in_flight = 8,
                              .acked = 70000,
                              .sent = UINT64_MAX - 1,
                              .head = UINT64_MAX,
                              .compared_age_ms = 1500};
}

static void make(enum wire_type type)
{
    memset(&out, 0, sizeof out);
    out.type = type;
    out.from_incarnation = UINT64_MAX;
    out.to_incarnation = 5;
    out.herd = span_of("fall2016");
    out.node = span_of("Alford");
    out.version = 1;
    out.version_min = 1;
    out.start = 70000;
    out.after = 300;
    out.upto = UINT64_C(1) << 40;
    out.received = 128;
    out.gap = true;
    out.head = 9;
    out.digest = UINT64_MAX - 1;
    out.clients = 1000000;
    out.code = WIRE_REFUSED_HERD;
    out.text = span_of("no");
    if (type == WIRE_STATUS) {
        out.link_count = 2;
        out.links[0] = out.links[1] = link_to("Ball");
        out.links[1].up = false;
        out.clients_max = 4000000;
        out.bytes = UINT64_C(1) << 33;
        out.bytes_max = UINT64_C(1) << 34;
        out.refused = 70001;
        out.offset_ns = -3600200000000;
        out.votes = 1024;
        out.journal = WIRE_JOURNAL_FAILED;
        out.journal_due = 4000000;
        out.journal_age_ms = 61000;
        out.above = 3;
        return;
    }
    out.location_count = 2;
    out.locations[0] = out.locations[1] = widest_numbers();
    out.locations[1].client = span_of("plum");
    out.locations[1].difference_ns = -1;
}

static const enum wire_type types[] = {WIRE_HELLO,   WIRE_UPDATE,  WIRE_ACK,        WIRE_HEARTBEAT,
                                       WIRE_REFUSED, WIRE_GOODBYE, WIRE_STATUS_ASK, WIRE_STATUS};
#define TYPES (sizeof types / sizeof *types)

static enum wire_result read_bytes(const char *bytes, size_t count)
{
    memset(&in, 0xee, sizeof in);
    return wire_read((struct span){bytes, count}, &in);
}

static void check_links(void)
{
    CHECK(in.digest == out.digest && in.clients == out.clients);
    CHECK_INT(in.link_count, out.link_count);
    for (uint32_t i = 0; i < out.link_count; i++) {
        const struct wire_link *a = &in.links[i], *b = &out.links[i];
        CHECK(span_equals(a->name, b->name) && a->up == b->up);
        CHECK(a->incarnation_age_ms == b->incarnation_age_ms && a->due == b->due);
        CHECK(a->in_flight == b->in_flight && a->acked == b->acked);
        CHECK(a->sent == b->sent && a->head == b->head);
        CHECK(a->compared_age_ms == b->compared_age_ms);
    }
    CHECK(in.has_load && in.clients_max == out.clients_max && in.bytes == out.bytes);
    CHECK(in.bytes_max == out.bytes_max && in.refused == out.refused);
    CHECK(in.has_time && in.offset_ns == out.offset_ns);
    CHECK(in.votes == out.votes && in.above == out.above);
    CHECK(in.has_journal && in.journal == out.journal);
    CHECK(in.journal_due == out.journal_due && in.journal_age_ms == out.journal_age_ms);
}

static void check_fields(enum wire_type type)
{
    CHECK(in.from_incarnation == out.from_incarnation && in.to_incarnation == out.to_incarnation);
    if (type == WIRE_HELLO) {
        CHECK(span_equals(in.herd, out.herd) && span_equals(in.node, out.node));
        CHECK(in.version == out.version && in.version_min == out.version_min);
        CHECK(in.start == out.start);
    }
    if (type <= WIRE_HEARTBEAT)
        CHECK(in.received == out.received);
    if (type <= WIRE_HEARTBEAT)
        CHECK(!in.has_checks);
    if (type == WIRE_ACK)
        CHECK(in.gap == out.gap);
    if (type == WIRE_HEARTBEAT)
        CHECK(in.head == out.head && in.digest == out.digest && in.clients == out.clients);
    if (type == WIRE_REFUSED)
        CHECK(in.code == out.code && span_equals(in.text, out.text));
    if (type == WIRE_STATUS)
        check_links();
    if (type != WIRE_UPDATE)
        return;
    CHECK(in.after == out.after && in.upto == out.upto);
    CHECK_INT(in.location_count, out.location_count);
    for (uint32_t i = 0; i < out.location_count; i++) {
        CHECK(span_equals(in.locations[i].client, out.locations[i].client));
        CHECK_INT(location_compare(&in.locations[i], &out.locations[i]), 0);
    }
}

static void every_message_comes_back_as_it_was(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        CHECK(count > 0);
        CHECK_INT(read_bytes(check_at_page_end(frame, count), count), WIRE_GOOD);
        CHECK_INT(in.type, types[i]);
        check_fields(types[i]);
    }
}

/* Languages whose only number is a double write floats: all numbers of all messages may be ones. */
static void whole_floats_are_numbers(void)
{
    static char floats[WIRE_MESSAGE_BYTES_MAX];
    static const size_t numbers[] = {
        [WIRE_HELLO] = 7,   [WIRE_UPDATE] = 10, [WIRE_ACK] = 4,        [WIRE_HEARTBEAT] = 7,
        [WIRE_REFUSED] = 4, [WIRE_GOODBYE] = 3, [WIRE_STATUS_ASK] = 3, [WIRE_STATUS] = 29,
    };
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        /* What a double holds exactly, the last such numbers among them. */
        out.from_incarnation = out.digest = (UINT64_C(1) << 53) - 1;
        if (types[i] == WIRE_STATUS)
            out.links[0].sent = out.links[0].head = out.links[1].sent = out.links[1].head =
                UINT64_C(1) << 52;
        for (uint32_t l = 0; types[i] == WIRE_UPDATE && l < out.location_count; l++) {
            out.locations[l].difference_ns = -((INT64_C(1) << 53) - 1);
            out.locations[l].order_ns = 1621464827959498752 >> 10;
        }
        size_t count = wire_write(&out, frame, sizeof frame), converted;
        count = floats_of((struct span){frame, count}, 3, floats, &converted);
        CHECK_INT(converted, numbers[types[i]]);
        CHECK_INT(read_bytes(check_at_page_end(floats, count), count), WIRE_GOOD);
        check_fields(types[i]);
    }
}

#define EXPLAINED(bytes, words)                                                                    \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, words                                                            \
    }
/* A HELLO's keys but for the value of `start`. */
#define HELLO_START(value)                                                                         \
    "zh\1\x94\1\1\0\x86\xa4herd\xa1h\xa4node\xa1n\xa7version\1\xabversion_min\1\xa5start" value    \
    "\xa4have\0"
#define LOCATION(difference, order) "\x96\xc4\1c\xc4\1p\xc4\1s\xa1o" difference order

static void what_is_no_message_is_explained(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *words;
    } rows[] = {
        EXPLAINED("", "the frame is empty"),
        EXPLAINED("z", "the frame begins with 7a: 7a 68 01 (zh, version 1) is needed"),
        EXPLAINED("\x93\1\1\1",
                  "the frame begins with 93 01 01: 7a 68 01 (zh, version 1) is needed"),
        EXPLAINED("zp\1\x95", "the frame begins with 7a 70 01: 7a 68 01 (zh, version 1) is needed"),
        EXPLAINED("zh\1", "the message is nothing: an array is needed"),
        EXPLAINED("zh\1\x81\1\1", "the message is a map of 1: an array is needed"),
        EXPLAINED("zh\1\x93\1\1", "the message is an object that is cut short: an array is needed"),
        EXPLAINED("zh\1\x92\6\1", "the message has less than 3 elements"),
        EXPLAINED("zh\1\x93\xa3"
                  "ACK\1\0",
                  "the type is the text \"ACK\": a whole number, 0 or more, is needed"),
        EXPLAINED("zh\1\x93\6\xcb\x43\xe0\0\0\0\0\0\0\0",
                  "from is the float 9.223372036854776e+18 (beyond 2^53): a whole number, 0 or "
                  "more, is needed"),
        EXPLAINED("zh\1\x93\6\0\0", "GOODBYE: from is 0"),
        EXPLAINED("zh\1\x93\6\1\xff", "to is -1: a whole number, 0 or more, is needed"),
        EXPLAINED("zh\1\x93\6\1\1\0", "GOODBYE: the message goes on behind its array"),
        EXPLAINED("zh\1\x94\3\1\1\0", "ACK: the message has too few elements"),
        EXPLAINED("zh\1\x95\3\1\1\xca\x3f\0\0\0\xc2",
                  "ACK: have is the float 0.5: a whole number, 0 or more, is needed"),
        EXPLAINED("zh\1\x95\3\1\1\0\0", "ACK: gap is 0: true or false is needed"),
        EXPLAINED(
            "zh\1\x97\4\1\1\0\0\xa8"
            "01234567\0",
            "HEARTBEAT: digest is the text \"01234567\": a whole number, 0 or more, is needed"),
        EXPLAINED("zh\1\x95\5\1\1\1\xc4\1x",
                  "REFUSED: text is binary data of 1 bytes: text is needed"),
        EXPLAINED("zh\1\x94\1\1\0\x90",
                  "HELLO: the fourth element is an array of 0: a map is needed"),
        EXPLAINED("zh\1\x94\1\1\0\x81\1\1", "HELLO: a key is 1: text is needed"),
        EXPLAINED("zh\1\x94\1\1\0\x80", "HELLO: herd is missing"),
        EXPLAINED("zh\1\x94\1\1\0\x81\xa4herd\xa0",
                  "HELLO: herd is the text \"\": text of 1 to 63 bytes is needed"),
        EXPLAINED(HELLO_START("\xc0"), "HELLO: start is nil: a whole number, 0 or more, is needed"),
        EXPLAINED("zh\1\x97\2\1\1\2\1\0\x90", "UPDATE: after is greater than upto"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\xc0", "UPDATE: locations is nil: an array is needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91\x80",
                  "UPDATE: location 1: it is a map of 0: an array is "
                  "needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91\x91\0",
                  "UPDATE: location 1: it has less than 6 elements"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x92" LOCATION("\1", "\1") "\x96\xa1"
                                                                  "c\0\0\0\0\0",
                  "UPDATE: location 2: client is the text \"c\": binary data is needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91" LOCATION("\xca\x3f\0\0\0", "\1"),
                  "UPDATE: location 1: difference_ns is the float 0.5: a whole number is needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91" LOCATION("\1", "\xcb\x43\xb6\x80\0\0\0\0\0"),
                  "UPDATE: location 1: order_ns is the float 1.6212958658533786e+18 (beyond 2^53): "
                  "a whole "
                  "number is needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91" LOCATION("\1", "\xcf\xff\0\0\0\0\0\0\0"),
                  "UPDATE: location 1: order_ns is 18374686479671623680: a whole number is needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91\x97\xc4\1c\xc4\1p\xc4\1s\xa1o\0\0\xc0",
                  "UPDATE: location 1: hops is nil: a whole number is needed"),
        EXPLAINED("zh\1\x97\2\1\1\0\1\0\x91\x98\xc4\1c\xc4\1p\xc4\1s\xa1o\0\0\0\xc1",
                  "UPDATE: an element of a newer version is an object that is cut short: an object "
                  "is needed"),
        EXPLAINED("zh\1\x96\x08\1\1\0\0\x91\x98\xa1n\1\0\0\0\0\0\0",
                  "STATUS: link 1: up is 1: true or false is needed"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[LINK_REASON_BYTES_MAX];
        struct span bytes = {check_at_page_end(rows[i].bytes, rows[i].count), rows[i].count};
        CHECK_INT(read_bytes(bytes.data, bytes.len), WIRE_MALFORMED);
        wire_explain(bytes, &in.fault, words, sizeof words);
        CHECK_BYTES(words, strlen(words), rows[i].words, strlen(rows[i].words));
    }
}

/* Whatever is changed of a message: there are words for it, short and printable. */
static void explanations_are_safe(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        for (size_t at = 0; at < 8 * count; at++) {
            static const char values[] = {'\x00', '\x1b', '\x7f', '\xa1',
                                          '\xc0', '\xc1', '\xcb', '\xff'};
            char words[LINK_REASON_BYTES_MAX], was = frame[at / 8];
            frame[at / 8] = values[at % 8];
            if (read_bytes(frame, count) == WIRE_MALFORMED) {
                wire_explain((struct span){frame, count}, &in.fault, words, sizeof words);
                CHECK(strlen(words) > 8 && strlen(words) < sizeof words - 1);
                for (const char *byte = words; *byte != '\0'; byte++)
                    CHECK(*byte >= 0x20 && *byte <= 0x7e);
            }
            frame[at / 8] = was;
        }
    }
}

static void every_prefix_is_refused(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        for (size_t cut = 0; cut < count; cut++)
            CHECK_INT(read_bytes(check_at_page_end(frame, cut), cut), WIRE_MALFORMED);
    }
}

static void one_byte_too_many_is_refused(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        frame[count] = '\0';
        CHECK_INT(read_bytes(frame, count + 1), WIRE_MALFORMED);
    }
}

static void any_changed_byte_is_read_or_refused(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        char *bytes = check_at_page_end(frame, count);
        for (size_t at = 0; at < count; at++)
            for (int value = 0; value < 256; value++) {
                bytes[at] = (char)value;
                if (read_bytes(bytes, count) == WIRE_GOOD && in.type == WIRE_UPDATE)
                    for (uint32_t l = 0; l < in.location_count; l++)
                        CHECK(in.locations[l].client.data + in.locations[l].client.len <=
                              bytes + count);
                bytes[at] = frame[at];
            }
    }
}

static void writing_reports_what_does_not_fit(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        make(types[i]);
        size_t count = wire_write(&out, frame, sizeof frame);
        for (size_t room = 0; room < count; room++)
            CHECK_INT(wire_write(&out, check_at_page_end(frame, room), room), 0);
        CHECK_INT(wire_write(&out, check_at_page_end(frame, count), count), count);
        CHECK(count <= WIRE_HEAD_BYTES_MAX);
    }
}

static void a_location_takes_no_more_than_foretold(void)
{
    make(WIRE_UPDATE);
    out.location_count = 0;
    size_t empty = wire_write(&out, frame, sizeof frame);
    out.location_count = 1;
    static char text[LOCATION_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    static const size_t sizes[] = {1, 31, 32, 255, 256, LOCATION_TEXT_BYTES_MAX - 2};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        out.locations[0].client = (struct span){text, sizes[i]};
        out.locations[0].position = out.locations[0].stamp = (struct span){text, 1};
        out.locations[0].origin = (struct span){text, LOCATION_ORIGIN_BYTES_MAX};
        size_t count = wire_write(&out, frame, sizeof frame);
        CHECK(count > 0);
        CHECK(count - empty <= wire_location_bytes_max(&out.locations[0]));
        CHECK_INT(read_bytes(frame, count), WIRE_GOOD);
    }
}

static void an_update_holds_256_locations_and_no_more(void)
{
    make(WIRE_UPDATE);
    for (uint32_t i = 0; i < WIRE_LOCATIONS_MAX; i++)
        out.locations[i] = widest_numbers();
    out.location_count = WIRE_LOCATIONS_MAX;
    size_t count = wire_write(&out, frame, sizeof frame);
    CHECK_INT(read_bytes(frame, count), WIRE_GOOD);
    CHECK_INT(in.location_count, WIRE_LOCATIONS_MAX);
    /* The same with one more, by hand: the count is the 16-bit field of the array's head. */
    char *head = memmem(frame, count, "\xdc\x01\x00", 3);
    CHECK(head != NULL);
    size_t one = count - (size_t)(head + 3 - frame);
    one /= WIRE_LOCATIONS_MAX;
    memcpy(frame + count, frame + count - one, one);
    head[2] = 1;
    CHECK_INT(read_bytes(frame, count + one), WIRE_MALFORMED);
}

static void a_status_holds_256_links_and_no_more(void)
{
    static char name[WIRE_NAME_BYTES_MAX];
    memset(name, 'n', sizeof name);
    make(WIRE_STATUS);
    for (uint32_t i = 0; i < WIRE_LINKS_MAX; i++) {
        out.links[i] = link_to("");
        out.links[i].name = (struct span){name, sizeof name};
    }
    out.link_count = WIRE_LINKS_MAX;
    size_t count = wire_write(&out, frame, sizeof frame);
    CHECK_INT(read_bytes(frame, count), WIRE_GOOD);
    CHECK_INT(in.link_count, WIRE_LINKS_MAX);
    char *head = memmem(frame, count, "\xdc\x01\x00", 3);
    CHECK(head != NULL);
    size_t one = (count - (size_t)(head + 3 - frame)) / WIRE_LINKS_MAX;
    memcpy(frame + count, frame + count - one, one);
    head[2] = 1;
    CHECK_INT(read_bytes(frame, count + one), WIRE_MALFORMED);
}

/* Up to what we write, any number of elements is that of an older node. */
static void an_older_node_sends_less_in_a_status(void)
{
    static const char six[] = "zh\x01\x96\x08\x01\x02\x05\x06\x90\x01\x02\x03\x04\x05\x06\x07"
                              "\x02\x09\x0a";
    static const struct {
        char elements;
        size_t bytes;
        enum wire_result result;
        bool has_load, has_time, has_journal;
    } rows[] = {
        {'\x95', 9, WIRE_MALFORMED, false, false, false},
        {'\x9a', 13, WIRE_MALFORMED, true, false, false},
        {'\x9d', 16, WIRE_MALFORMED, true, true, false},
        {'\x96', 10, WIRE_GOOD, false, false, false},
        {'\x97', 11, WIRE_GOOD, false, false, false},
        {'\x99', 13, WIRE_GOOD, false, false, false},
        {'\x9a', 14, WIRE_GOOD, true, false, false},
        {'\x9b', 15, WIRE_GOOD, true, false, false},
        {'\x9c', 16, WIRE_GOOD, true, false, false},
        {'\x9d', 17, WIRE_GOOD, true, true, false},
        {'\x9e', 18, WIRE_GOOD, true, true, false},
        {'\x9f', 19, WIRE_GOOD, true, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(frame, six, sizeof six);
        frame[3] = rows[i].elements;
        CHECK_INT(read_bytes(check_at_page_end(frame, rows[i].bytes), rows[i].bytes),
                  rows[i].result);
        if (rows[i].result == WIRE_GOOD) {
            CHECK_INT(in.has_load, rows[i].has_load);
            CHECK_INT(in.has_time, rows[i].has_time);
            CHECK_INT(in.has_journal, rows[i].has_journal);
        }
    }
    CHECK(in.clients_max == 1 && in.bytes == 2 && in.bytes_max == 3);
    CHECK(in.offset_ns == 5 && in.votes == 6 && in.above == 7);
    static const char sixteen[] =
        "zh\x01\xdc\x00\x10\x08\x01\x02\x05\x06\x90\x01\x02\x03\x04\x05\x06\x07"
        "\x02\x09\x0a";
    CHECK_INT(read_bytes(sixteen, sizeof sixteen - 1), WIRE_GOOD);
    CHECK(in.has_journal && in.journal == WIRE_JOURNAL_FAILED);
    CHECK(in.journal_due == 9 && in.journal_age_ms == 10);
    CHECK_INT(read_bytes(sixteen, sizeof sixteen - 2), WIRE_MALFORMED);
}

static void an_empty_update_is_one(void)
{
    make(WIRE_UPDATE);
    out.location_count = 0;
    out.after = out.upto;
    CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), WIRE_GOOD);
    CHECK_INT(in.location_count, 0);
}

static void names_have_limits(void)
{
    static char name[WIRE_NAME_BYTES_MAX + 1];
    memset(name, 'n', sizeof name);
    for (int field = 0; field < 2; field++) {
        static const struct {
            size_t bytes;
            enum wire_result result;
        } rows[] = {{0, WIRE_MALFORMED},
                    {1, WIRE_GOOD},
                    {WIRE_NAME_BYTES_MAX, WIRE_GOOD},
                    {WIRE_NAME_BYTES_MAX + 1, WIRE_MALFORMED}};
        for (size_t i = 0; i < 4; i++) {
            make(WIRE_HELLO);
            *(field == 0 ? &out.herd : &out.node) = (struct span){name, rows[i].bytes};
            CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), rows[i].result);
        }
    }
}

static void a_long_refusal_is_cut(void)
{
    static char text[1000];
    memset(text, 't', sizeof text);
    make(WIRE_REFUSED);
    out.text = (struct span){text, WIRE_TEXT_BYTES_MAX};
    CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), WIRE_GOOD);
    CHECK_INT(in.text.len, WIRE_TEXT_BYTES_MAX);
    out.text.len = sizeof text;
    CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), WIRE_GOOD);
    CHECK_INT(in.text.len, WIRE_TEXT_BYTES_MAX);
}

static void fields_that_contradict_each_other_are_refused(void)
{
    make(WIRE_UPDATE);
    out.after = 6;
    out.upto = 5;
    CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), WIRE_MALFORMED);
    make(WIRE_HELLO);
    out.version_min = 2;
    CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), WIRE_MALFORMED);
    make(WIRE_ACK);
    out.from_incarnation = 0;
    CHECK_INT(read_bytes(frame, wire_write(&out, frame, sizeof frame)), WIRE_MALFORMED);
}

static void a_frame_too_long_is_not_looked_into(void)
{
    static char large[WIRE_MESSAGE_BYTES_MAX + 1] = "zh\x01\x95\x05\x01\x01\x01\xdb\x00\x01";
    size_t body = WIRE_MESSAGE_BYTES_MAX - 13;
    memcpy(large, "zh\x01\x95\x05\x01\x01\x01\xdb", 9);
    for (size_t more = 0; more < 2; more++) {
        size_t text = body + more;
        for (int i = 0; i < 4; i++)
            large[9 + i] = (char)(text >> (24 - 8 * i));
        CHECK_INT(read_bytes(large, WIRE_MESSAGE_BYTES_MAX + more),
                  more == 0 ? WIRE_GOOD : WIRE_MALFORMED);
    }
}

static void another_major_version_is_recognised_before_anything_else(void)
{
    CHECK_INT(read_bytes("zh\x02", 3), WIRE_FOREIGN);
    CHECK_INT(in.version, 2);
    CHECK_INT(read_bytes("zh\xff\xc1\xc1", 5), WIRE_FOREIGN);
    CHECK_INT(in.version, 255);
    CHECK_INT(read_bytes("zH\x02", 3), WIRE_MALFORMED);
    CHECK_INT(read_bytes("xh\x02", 3), WIRE_MALFORMED);
}

/* A writer of some later version: what it appends is skipped, what it invents is recognized as
 * unknown. */
static void elements_and_keys_of_newer_versions_are_skipped(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        enum wire_result result;
    } rows[] = {
        /* ACK with two more elements, one of them nested */
        {"zh\x01\x98\x03\x01\x02\x07\xc3\x05\x92\x01\x02\xc0", 14, WIRE_GOOD},
        /* GOODBYE with one more */
        {"zh\x01\x94\x06\x01\x02\xa1x", 9, WIRE_GOOD},
        /* HEARTBEAT with one too few */
        {"zh\x01\x96\x04\x01\x02\x07\x07\x07", 10, WIRE_MALFORMED},
        /* UPDATE with a location of eight elements */
        {"zh\x01\x97\x02\x01\x02\x00\x01\x00\x91\x98\xc4\x01"
         "c\xc4\x01p\xc4\x01s\xa1o\x05\x06\x07\xc0",
         27, WIRE_GOOD},
        /* of seven, the last of which is no number */
        {"zh\x01\x97\x02\x01\x02\x00\x01\x00\x91\x97\xc4\x01"
         "c\xc4\x01p\xc4\x01s\xa1o\x05\x06\xc0",
         26, WIRE_MALFORMED},
        /* and of five */
        {"zh\x01\x97\x02\x01\x02\x00\x01\x00\x91\x95\xc4\x01"
         "c\xc4\x01p\xc4\x01s\xa1o\x05",
         24, WIRE_MALFORMED},
        /* STATUS with a link of ten elements */
        {"zh\x01\x96\x08\x01\x02\x05\x06\x91\x9a\xa1n\xc3\x01\x02\x03\x04\x05\x06\x07\xc0", 22,
         WIRE_GOOD},
        /* of eight, as older nodes write it */
        {"zh\x01\x96\x08\x01\x02\x05\x06\x91\x98\xa1n\xc3\x01\x02\x03\x04\x05\x06", 20, WIRE_GOOD},
        /* of nine, the last of which is no number */
        {"zh\x01\x96\x08\x01\x02\x05\x06\x91\x99\xa1n\xc3\x01\x02\x03\x04\x05\x06\xc0", 21,
         WIRE_MALFORMED},
        /* and of seven */
        {"zh\x01\x96\x08\x01\x02\x05\x06\x91\x97\xa1n\xc3\x01\x02\x03\x04\x05", 19, WIRE_MALFORMED},
        /* type 12 */
        {"zh\x01\x94\x0c\x01\x02\x91\x05", 9, WIRE_UNKNOWN},
        {"zh\x01\x93\x00\x01\x02", 7, WIRE_UNKNOWN},
        {"zh\x01\x94\x0c\x01\x02\xc1", 8, WIRE_MALFORMED},
        /* two elements are no message */
        {"zh\x01\x92\x06\x01", 6, WIRE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(read_bytes(check_at_page_end(rows[i].bytes, rows[i].count), rows[i].count),
                  rows[i].result);
}

static void written_locations_are_sent_as_they_are(void)
{
    static char both[2 * 512], other[sizeof frame];
    make(WIRE_UPDATE);
    size_t bytes = wire_write(&out, frame, sizeof frame);
    char *end = wire_write_location(&out.locations[0], both);
    end = wire_write_location(&out.locations[1], end);
    out.written = (struct span){both, (size_t)(end - both)};
    memset(out.locations, 0, sizeof out.locations);
    CHECK_BYTES(other, wire_write(&out, other, sizeof other), frame, bytes);
    CHECK_INT(wire_write(&out, other, bytes), bytes);
    CHECK_INT(wire_write(&out, other, bytes - 1), 0);
}

static const struct check_case cases[] = {
    {"every message comes back as it was", every_message_comes_back_as_it_was},
    {"whole floats are numbers in every message", whole_floats_are_numbers},
    {"what is no message is explained, with the field", what_is_no_message_is_explained},
    {"the explanation of any bytes is short and printable", explanations_are_safe},
    {"every prefix is refused", every_prefix_is_refused},
    {"one byte too many is refused", one_byte_too_many_is_refused},
    {"any changed byte is read or refused", any_changed_byte_is_read_or_refused},
    {"writing reports what does not fit", writing_reports_what_does_not_fit},
    {"a location takes no more than foretold", a_location_takes_no_more_than_foretold},
    {"an update holds 256 locations and no more", an_update_holds_256_locations_and_no_more},
    {"a status holds 256 links and no more", a_status_holds_256_links_and_no_more},
    {"an older node sends less in a status", an_older_node_sends_less_in_a_status},
    {"an empty update is one", an_empty_update_is_one},
    {"names have limits", names_have_limits},
    {"a long refusal is cut", a_long_refusal_is_cut},
    {"fields that contradict each other are refused",
     fields_that_contradict_each_other_are_refused},
    {"a frame too long is not looked into", a_frame_too_long_is_not_looked_into},
    {"another major version is recognised before anything else",
     another_major_version_is_recognised_before_anything_else},
    {"elements and keys of newer versions are skipped",
     elements_and_keys_of_newer_versions_are_skipped},
    {"written locations are sent as they are", written_locations_are_sent_as_they_are},
};

CHECK_MAIN(cases)
