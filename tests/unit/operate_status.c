/* What a node says of itself: what is written is read, and what is not whole is refused. */
#include "bus/link/operate_status.h"

#include <msgpack.h>

#include "tests/check.h"

static struct operate_status before, after;
static char bytes[OPERATE_STATUS_BYTES_MAX];

/* Every number is another one. */
static void fill(void)
{
    uint64_t number = 1;
    before = (struct operate_status){.version = span_of("1.2.3"), .offset_ns = -7};
    uint64_t *const numbers[] = {
        &before.uptime_ms,       &before.memory_bytes,    &before.topology,
        &before.digest,          &before.clients,         &before.clients_max,
        &before.table_bytes,     &before.table_bytes_max, &before.refused,
        &before.votes,           &before.above,           &before.journal,
        &before.journal_due,     &before.journal_age_ms,  &before.connections,
        &before.connections_max, &before.watchers,        &before.commands,
        &before.iamats,          &before.whatsats,        &before.nearbys,
        &before.invalid,         &before.commands_per_s,  &before.sent_per_s,
        &before.received_per_s,  &before.lookups,         &before.lookups_failed,
        &before.lookups_waiting, &before.lookups_p99_ms,  &before.links_all};
    before.origins = 9;
    before.ways = (struct span){"\x12\x34\x56\x78", 4};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = number++ * 1000;
    before.broker_count = 1;
    before.brokers[0] = (struct operate_broker){span_of("tcp://a:1"),
                                                true,
                                                false,
                                                1,
                                                2,
                                                3,
                                                4,
                                                5,
                                                6,
                                                7,
                                                8,
                                                9,
                                                10,
                                                11,
                                                2,
                                                {{span_of("192.0.2.1"), 12}, {span_of("::1"), 13}}};
    before.link_count = 2;
    before.links[0] = (struct operate_link){
        span_of("Ball"), true, false, true, 11, 12, 13, 14, 15, 16, span_of("")};
    before.links[1] = (struct operate_link){
        span_of("Ear"), false, true, false, 21, 22, 23, 24, 25, WIRE_NEVER, span_of("silence")};
}

static bool read_all(size_t count)
{
    return operate_read_status((struct span){check_at_page_end(bytes, count), count}, &after);
}

static void what_is_written_is_read(void)
{
    fill();
    size_t count = operate_write_status(&before, bytes);
    CHECK(read_all(count));
    CHECK(span_equals(after.version, before.version) && after.offset_ns == -7);
    CHECK(after.uptime_ms == 1000 && after.links_all == 30000);
    CHECK(span_equals(after.brokers[0].endpoint, before.brokers[0].endpoint));
    CHECK(after.brokers[0].up && !after.brokers[0].speaks && after.brokers[0].kept_bytes == 11);
    CHECK(after.brokers[0].host_count == 2 && after.brokers[0].hosts[1].workers == 13);
    CHECK(after.links[0].up && !after.links[0].is_observer && after.links[0].differs);
    CHECK(after.links[1].is_observer && span_equals(after.links[1].why, span_of("silence")));
    CHECK(after.links[0].compared_age_ms == 16 && after.links[1].compared_age_ms == WIRE_NEVER);
    CHECK(after.origins == 9 && after.ways.len == 4);
    CHECK_BYTES(operate_status_ways(&after, 1), 2, "\x56\x78", 2);
    CHECK(operate_status_ways(&after, 2) == NULL);
    /* Each number is another one, so none was read in another's place. */
    char again[OPERATE_STATUS_BYTES_MAX];
    CHECK_INT(operate_write_status(&after, again), count);
    CHECK_BYTES(again, count, bytes, count);
}

/* Long reasons, which take the room: what is left is for the ways of the first links. */
static void ways_have_what_room_is_left(void)
{
    static char ways[OPERATE_WAYS_BYTES_MAX], filling[OPERATE_WHY_BYTES_MAX];
    memset(filling, 'x', sizeof filling);
    for (int is_long = 0; is_long < 2; is_long++) {
        before = (struct operate_status){.origins = OPERATE_ORIGINS_MAX,
                                         .ways = {ways, sizeof ways},
                                         .link_count = OPERATE_LINKS_MAX};
        for (size_t i = 0; i < OPERATE_LINKS_MAX; i++)
            before.links[i] =
                (struct operate_link){.name = {filling, is_long ? WIRE_NAME_BYTES_MAX : 8},
                                      .why = {filling, is_long ? sizeof filling : 0}};
        CHECK(read_all(operate_write_status(&before, bytes)));
        CHECK_INT(after.ways.len % (OPERATE_ORIGINS_MAX / 8), 0);
        CHECK(operate_status_ways(&after, 0) != NULL);
        CHECK((operate_status_ways(&after, OPERATE_LINKS_MAX - 1) != NULL) == !is_long);
        CHECK(operate_status_ways(&after, OPERATE_LINKS_MAX) == NULL);
    }
}

static void no_beginning_of_one_is_one(void)
{
    fill();
    size_t count = operate_write_status(&before, bytes);
    for (size_t i = 0; i < count; i++)
        CHECK(!read_all(i));
    bytes[count] = 0;
    CHECK(!read_all(count + 1));
}

static void the_longest_fits(void)
{
    char filling[OPERATE_BROKER_BYTES_MAX + 1];
    memset(filling, 'x', sizeof filling);
    fill();
    memset(&before.uptime_ms, 0xff,
           offsetof(struct operate_status, offset_ns) - offsetof(struct operate_status, uptime_ms));
    before.version = (struct span){filling, OPERATE_VERSION_BYTES_MAX};
    before.broker_count = OPERATE_BROKERS_MAX;
    before.link_count = OPERATE_LINKS_MAX;
    for (size_t i = 0; i < OPERATE_BROKERS_MAX; i++) {
        memset(&before.brokers[i], 0xff, sizeof before.brokers[i]);
        before.brokers[i].endpoint = (struct span){filling, OPERATE_BROKER_BYTES_MAX};
        before.brokers[i].up = before.brokers[i].speaks = true;
        before.brokers[i].host_count = OPERATE_HOSTS_MAX;
        for (size_t j = 0; j < OPERATE_HOSTS_MAX; j++)
            before.brokers[i].hosts[j].address = (struct span){filling, OPERATE_HOST_BYTES_MAX};
    }
    for (size_t i = 0; i < OPERATE_LINKS_MAX; i++)
        before.links[i] = (struct operate_link){{filling, WIRE_NAME_BYTES_MAX},
                                                true,
                                                true,
                                                true,
                                                UINT64_MAX,
                                                UINT64_MAX,
                                                UINT64_MAX,
                                                UINT64_MAX,
                                                UINT64_MAX,
                                                UINT64_MAX,
                                                {filling, OPERATE_WHY_BYTES_MAX + 1}};
    size_t count = operate_write_status(&before, bytes);
    CHECK(read_all(count));
    CHECK_INT(after.link_count, OPERATE_LINKS_MAX);
    CHECK_INT(after.links[OPERATE_LINKS_MAX - 1].why.len, OPERATE_WHY_BYTES_MAX); /* cut */
    CHECK(after.brokers[OPERATE_BROKERS_MAX - 1].budget == UINT64_MAX);
}

/* ---- by hand ---- */

static msgpack_sbuffer written;
static msgpack_packer out;

static void put_text(const char *text, size_t count)
{
    msgpack_pack_str(&out, count);
    msgpack_pack_str_body(&out, text, count);
}

static void begin(const char *key)
{
    msgpack_sbuffer_clear(&written);
    msgpack_packer_init(&out, &written, msgpack_sbuffer_write);
    msgpack_pack_map(&out, 1);
    put_text(key, strlen(key));
}

static bool take(void)
{
    return operate_read_status((struct span){written.data, written.size}, &after);
}

static void put_link(size_t elements, size_t name_bytes, size_t why_bytes)
{
    static const char filling[400] = "x";
    msgpack_pack_array(&out, elements);
    put_text(filling, name_bytes);
    for (int i = 0; i < 3; i++)
        msgpack_pack_true(&out);
    for (int i = 0; i < 6; i++)
        msgpack_pack_uint64(&out, 1);
    put_text(filling, why_bytes);
    for (size_t i = 11; i < elements; i++)
        msgpack_pack_nil(&out);
}

static bool take_link(size_t count, size_t elements, size_t name_bytes, size_t why_bytes)
{
    begin("links");
    msgpack_pack_array(&out, count);
    for (size_t i = 0; i < count; i++)
        put_link(elements, name_bytes, why_bytes);
    return take();
}

static void a_link_ends_at_its_limits(void)
{
    CHECK(take_link(1, 11, 1, 0));
    CHECK(take_link(1, 12, 1, 0)); /* a later version says more */
    CHECK(take_link(OPERATE_LINKS_MAX, 11, WIRE_NAME_BYTES_MAX, OPERATE_WHY_BYTES_MAX));
    CHECK(!take_link(OPERATE_LINKS_MAX + 1, 11, 1, 0));
    CHECK(!take_link(1, 11, 0, 0));
    CHECK(!take_link(1, 11, WIRE_NAME_BYTES_MAX + 1, 0));
    CHECK(!take_link(1, 11, 1, OPERATE_WHY_BYTES_MAX + 1));
}

static bool take_broker(size_t count, size_t elements, size_t endpoint_bytes, size_t hosts,
                        size_t address_bytes)
{
    static const char filling[400] = "x";
    begin("brokers");
    msgpack_pack_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        msgpack_pack_array(&out, elements);
        put_text(filling, endpoint_bytes);
        for (int j = 0; j < 2; j++)
            msgpack_pack_false(&out);
        for (size_t j = 3; j < elements && j < 14; j++)
            msgpack_pack_uint64(&out, 1);
        msgpack_pack_array(&out, hosts);
        for (size_t j = 0; j < hosts; j++) {
            msgpack_pack_array(&out, 2);
            put_text(filling, address_bytes);
            msgpack_pack_uint64(&out, 1);
        }
        for (size_t j = 15; j < elements; j++)
            msgpack_pack_nil(&out);
    }
    return take();
}

static void a_broker_ends_at_its_limits(void)
{
    CHECK(take_broker(OPERATE_BROKERS_MAX, 15, OPERATE_BROKER_BYTES_MAX, OPERATE_HOSTS_MAX,
                      OPERATE_HOST_BYTES_MAX));
    CHECK(take_broker(1, 16, 1, 0, 0));
    CHECK(!take_broker(1, 14, 1, 0, 0));
    CHECK(!take_broker(OPERATE_BROKERS_MAX + 1, 15, 1, 0, 0));
    CHECK(!take_broker(1, 15, OPERATE_BROKER_BYTES_MAX + 1, 0, 0));
    CHECK(!take_broker(1, 15, 1, OPERATE_HOSTS_MAX + 1, 1));
    CHECK(!take_broker(1, 15, 1, 1, OPERATE_HOST_BYTES_MAX + 1));
}

static void ways_of_more_origins_than_there_may_be_are_none(void)
{
    begin("ways");
    msgpack_pack_bin(&out, 200);
    msgpack_pack_bin_body(&out, bytes, 200);
    CHECK(take());
    CHECK(operate_status_ways(&after, 0) == NULL); /* of none */
    after.origins = OPERATE_ORIGINS_MAX;
    CHECK(operate_status_ways(&after, 0) != NULL && operate_status_ways(&after, 1) == NULL);
    after.origins++;
    CHECK(operate_status_ways(&after, 0) == NULL);
    after.origins = UINT64_MAX;
    CHECK(operate_status_ways(&after, 0) == NULL);
}

static void a_key_that_is_not_known_is_skipped(void)
{
    begin("weather");
    msgpack_pack_array(&out, 1);
    msgpack_pack_nil(&out);
    CHECK(take());
    CHECK(after.lookups_p99_ms == WIRE_NEVER && after.link_count == 0);
}

static void a_value_of_another_kind_is_refused(void)
{
    static const char *const keys[] = {"clients", "version", "offset_ns",
                                       "brokers", "links",   "ways"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        begin(keys[i]);
        msgpack_pack_nil(&out);
        CHECK(!take());
    }
    begin("clients");
    msgpack_pack_int(&out, -1);
    CHECK(!take());
    begin("offset_ns");
    msgpack_pack_int(&out, -1);
    CHECK(take() && after.offset_ns == -1);
    begin("version");
    put_text("a23456789b123456789c123456789d12", OPERATE_VERSION_BYTES_MAX + 1);
    CHECK(!take());
}

static const struct check_case cases[] = {
    {"what is written is read", what_is_written_is_read},
    {"ways have what room is left", ways_have_what_room_is_left},
    {"ways of more origins than there may be are none",
     ways_of_more_origins_than_there_may_be_are_none},
    {"no beginning of one is one", no_beginning_of_one_is_one},
    {"the longest fits", the_longest_fits},
    {"a link ends at its limits", a_link_ends_at_its_limits},
    {"a broker ends at its limits", a_broker_ends_at_its_limits},
    {"a key that is not known is skipped", a_key_that_is_not_known_is_skipped},
    {"a value of another kind is refused", a_value_of_another_kind_is_refused},
};

CHECK_MAIN(cases)
