#include "bus/link/operate_status.h"

#include <assert.h>
#include <msgpack.h>

#include "bus/base/msgput.h"
#include "bus/base/msgread.h"

#define LINK_ELEMENTS   11
#define BROKER_ELEMENTS 15
#define HOST_ELEMENTS   2
#define NUMBER_BYTES    9 /* of the longest integer */
#define KEY_BYTES       17
/* Of a bin of less than 64 KiB, and more than any has. */
#define BIN_HEAD_BYTES_MAX 5

static_assert(OPERATE_STATUS_BYTES_MAX >=
                  64 * (KEY_BYTES + NUMBER_BYTES) + OPERATE_VERSION_BYTES_MAX +
                      OPERATE_BROKERS_MAX *
                          (OPERATE_BROKER_BYTES_MAX + (1 + BROKER_ELEMENTS) * NUMBER_BYTES +
                           OPERATE_HOSTS_MAX * (OPERATE_HOST_BYTES_MAX + 3 + NUMBER_BYTES)) +
                      OPERATE_LINKS_MAX * (WIRE_NAME_BYTES_MAX + 2 + 4 + 6 * NUMBER_BYTES + 2 +
                                           OPERATE_WHY_BYTES_MAX) +
                      KEY_BYTES + BIN_HEAD_BYTES_MAX,
              "every status fits");

/* The numbers that are written as they are. */
static const struct {
    const char *key;
    size_t at;
} numbers[] = {
    {"uptime_ms", offsetof(struct operate_status, uptime_ms)},
    {"memory", offsetof(struct operate_status, memory_bytes)},
    {"topology", offsetof(struct operate_status, topology)},
    {"digest", offsetof(struct operate_status, digest)},
    {"clients", offsetof(struct operate_status, clients)},
    {"clients_max", offsetof(struct operate_status, clients_max)},
    {"bytes", offsetof(struct operate_status, table_bytes)},
    {"bytes_max", offsetof(struct operate_status, table_bytes_max)},
    {"refused", offsetof(struct operate_status, refused)},
    {"votes", offsetof(struct operate_status, votes)},
    {"above", offsetof(struct operate_status, above)},
    {"journal", offsetof(struct operate_status, journal)},
    {"journal_due", offsetof(struct operate_status, journal_due)},
    {"journal_age_ms", offsetof(struct operate_status, journal_age_ms)},
    {"connections", offsetof(struct operate_status, connections)},
    {"connections_max", offsetof(struct operate_status, connections_max)},
    {"watchers", offsetof(struct operate_status, watchers)},
    {"commands", offsetof(struct operate_status, commands)},
    {"iamat", offsetof(struct operate_status, iamats)},
    {"whatsat", offsetof(struct operate_status, whatsats)},
    {"nearby", offsetof(struct operate_status, nearbys)},
    {"invalid", offsetof(struct operate_status, invalid)},
    {"commands_per_s", offsetof(struct operate_status, commands_per_s)},
    {"sent_per_s", offsetof(struct operate_status, sent_per_s)},
    {"received_per_s", offsetof(struct operate_status, received_per_s)},
    {"lookups", offsetof(struct operate_status, lookups)},
    {"lookups_failed", offsetof(struct operate_status, lookups_failed)},
    {"lookups_waiting", offsetof(struct operate_status, lookups_waiting)},
    {"lookups_p99_ms", offsetof(struct operate_status, lookups_p99_ms)},
    {"links_all", offsetof(struct operate_status, links_all)},
    {"origins", offsetof(struct operate_status, origins)},
};

#define NUMBERS (sizeof numbers / sizeof *numbers)
/* Beside them: version, offset_ns, brokers, links and ways. */
#define KEYS (NUMBERS + 5)

/* ---- reading ---- */

static bool take_text(struct msgread *in, size_t bytes_max, struct span *text)
{
    return msgread_take_str(in, text) && text->len <= bytes_max;
}

static bool skip(struct msgread *in, uint32_t count)
{
    while (count-- > 0)
        if (!msgread_skip(in))
            return false;
    return true;
}

static bool take_link(struct msgread *in, struct operate_link *link)
{
    uint32_t elements;
    return msgread_take_array(in, &elements) && elements >= LINK_ELEMENTS &&
           take_text(in, WIRE_NAME_BYTES_MAX, &link->name) && link->name.len > 0 &&
           msgread_take_bool(in, &link->up) && msgread_take_bool(in, &link->is_observer) &&
           msgread_take_bool(in, &link->differs) && msgread_take_uint(in, &link->met_age_ms) &&
           msgread_take_uint(in, &link->due) && msgread_take_uint(in, &link->in_flight) &&
           msgread_take_uint(in, &link->per_s) && msgread_take_uint(in, &link->lag_ms) &&
           msgread_take_uint(in, &link->compared_age_ms) &&
           take_text(in, OPERATE_WHY_BYTES_MAX, &link->why) && skip(in, elements - LINK_ELEMENTS);
}

static bool take_links(struct msgread *in, struct operate_status *status)
{
    if (!msgread_take_array(in, &status->link_count) || status->link_count > OPERATE_LINKS_MAX)
        return false;
    for (uint32_t i = 0; i < status->link_count; i++)
        if (!take_link(in, &status->links[i]))
            return false;
    return true;
}

static bool take_host(struct msgread *in, struct operate_host *host)
{
    uint32_t elements;
    return msgread_take_array(in, &elements) && elements == HOST_ELEMENTS &&
           take_text(in, OPERATE_HOST_BYTES_MAX, &host->address) &&
           msgread_take_uint(in, &host->workers);
}

static bool take_hosts(struct msgread *in, struct operate_broker *broker)
{
    if (!msgread_take_array(in, &broker->host_count) || broker->host_count > OPERATE_HOSTS_MAX)
        return false;
    for (uint32_t i = 0; i < broker->host_count; i++)
        if (!take_host(in, &broker->hosts[i]))
            return false;
    return true;
}

static bool take_broker(struct msgread *in, struct operate_broker *broker)
{
    uint32_t elements;
    return msgread_take_array(in, &elements) && elements >= BROKER_ELEMENTS &&
           take_text(in, OPERATE_BROKER_BYTES_MAX, &broker->endpoint) &&
           msgread_take_bool(in, &broker->up) && msgread_take_bool(in, &broker->speaks) &&
           msgread_take_uint(in, &broker->asked) && msgread_take_uint(in, &broker->hits) &&
           msgread_take_uint(in, &broker->joined) && msgread_take_uint(in, &broker->stale) &&
           msgread_take_uint(in, &broker->failures) && msgread_take_uint(in, &broker->workers) &&
           msgread_take_uint(in, &broker->paused_ms) && msgread_take_uint(in, &broker->spent) &&
           msgread_take_uint(in, &broker->budget) && msgread_take_uint(in, &broker->kept) &&
           msgread_take_uint(in, &broker->kept_bytes) && take_hosts(in, broker) &&
           skip(in, elements - BROKER_ELEMENTS);
}

static bool take_brokers(struct msgread *in, struct operate_status *status)
{
    if (!msgread_take_array(in, &status->broker_count) ||
        status->broker_count > OPERATE_BROKERS_MAX)
        return false;
    for (uint32_t i = 0; i < status->broker_count; i++)
        if (!take_broker(in, &status->brokers[i]))
            return false;
    return true;
}

static bool take_value(struct msgread *in, struct span key, struct operate_status *status)
{
    for (size_t i = 0; i < NUMBERS; i++)
        if (span_equals(key, span_of(numbers[i].key)))
            return msgread_take_uint(in, (uint64_t *)(void *)((char *)status + numbers[i].at));
    if (span_equals(key, span_of("version")))
        return take_text(in, OPERATE_VERSION_BYTES_MAX, &status->version);
    if (span_equals(key, span_of("offset_ns")))
        return msgread_take_int(in, &status->offset_ns);
    if (span_equals(key, span_of("brokers")))
        return take_brokers(in, status);
    if (span_equals(key, span_of("links")))
        return take_links(in, status);
    if (span_equals(key, span_of("ways")))
        return msgread_take_bin(in, &status->ways);
    return msgread_skip(in);
}

bool operate_read_status(struct span bytes, struct operate_status *status)
{
    struct msgread in = msgread_of(bytes);
    struct span key;
    uint32_t count;
    *status = (struct operate_status){.lookups_p99_ms = WIRE_NEVER};
    if (!msgread_take_map(&in, &count))
        return false;
    while (count-- > 0)
        if (!msgread_take_str(&in, &key) || !take_value(&in, key, status))
            return false;
    return msgread_at_end(&in);
}

/* Of more origins than there may be nothing is said. */
static size_t way_bytes(const struct operate_status *status)
{
    return status->origins <= OPERATE_ORIGINS_MAX ? (size_t)(status->origins + 7) / 8 : 0;
}

const uint8_t *operate_status_ways(const struct operate_status *status, uint32_t link)
{
    size_t bytes = way_bytes(status);
    bool is_there = bytes > 0 && link < status->ways.len / bytes;
    return is_there ? (const uint8_t *)status->ways.data + link * bytes : NULL;
}

/* ---- writing ---- */

static void put_bool(msgpack_packer *out, bool value)
{
    if (value)
        msgpack_pack_true(out);
    else
        msgpack_pack_false(out);
}

static void put_numbers(msgpack_packer *out, const uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        msgpack_pack_uint64(out, values[i]);
}

static void put_link(msgpack_packer *out, const struct operate_link *link)
{
    const uint64_t values[] = {link->met_age_ms, link->due,    link->in_flight,
                               link->per_s,      link->lag_ms, link->compared_age_ms};
    struct span why = link->why;
    if (why.len > OPERATE_WHY_BYTES_MAX)
        why.len = OPERATE_WHY_BYTES_MAX;
    assert(link->name.len > 0 && link->name.len <= WIRE_NAME_BYTES_MAX);
    msgpack_pack_array(out, LINK_ELEMENTS);
    msgput_str(out, link->name);
    put_bool(out, link->up);
    put_bool(out, link->is_observer);
    put_bool(out, link->differs);
    put_numbers(out, values, sizeof values / sizeof *values);
    msgput_str(out, why);
}

static void put_broker(msgpack_packer *out, const struct operate_broker *broker)
{
    const uint64_t values[] = {broker->asked,    broker->hits,    broker->joined,    broker->stale,
                               broker->failures, broker->workers, broker->paused_ms, broker->spent,
                               broker->budget,   broker->kept,    broker->kept_bytes};
    assert(broker->endpoint.len <= OPERATE_BROKER_BYTES_MAX);
    msgpack_pack_array(out, BROKER_ELEMENTS);
    msgput_str(out, broker->endpoint);
    put_bool(out, broker->up);
    put_bool(out, broker->speaks);
    put_numbers(out, values, sizeof values / sizeof *values);
    msgpack_pack_array(out, broker->host_count);
    for (uint32_t i = 0; i < broker->host_count; i++) {
        assert(broker->hosts[i].address.len <= OPERATE_HOST_BYTES_MAX);
        msgpack_pack_array(out, HOST_ELEMENTS);
        msgput_str(out, broker->hosts[i].address);
        msgpack_pack_uint64(out, broker->hosts[i].workers);
    }
}

static void put_all(msgpack_packer *out, const struct operate_status *status)
{
    assert(status->version.len <= OPERATE_VERSION_BYTES_MAX);
    assert(status->broker_count <= OPERATE_BROKERS_MAX && status->link_count <= OPERATE_LINKS_MAX);
    msgpack_pack_map(out, KEYS);
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t value;
        memcpy(&value, (const char *)status + numbers[i].at, sizeof value);
        msgput_str(out, span_of(numbers[i].key));
        msgpack_pack_uint64(out, value);
    }
    msgput_str(out, span_of("version"));
    msgput_str(out, status->version);
    msgput_str(out, span_of("offset_ns"));
    msgpack_pack_int64(out, status->offset_ns);
    msgput_str(out, span_of("brokers"));
    msgpack_pack_array(out, status->broker_count);
    for (uint32_t i = 0; i < status->broker_count; i++)
        put_broker(out, &status->brokers[i]);
    msgput_str(out, span_of("links"));
    msgpack_pack_array(out, status->link_count);
    for (uint32_t i = 0; i < status->link_count; i++)
        put_link(out, &status->links[i]);
}

/* As many links as there is room for. */
static void put_ways(msgpack_packer *out, const struct operate_status *status, size_t room)
{
    size_t each = way_bytes(status), bytes = status->ways.len;
    room -= KEY_BYTES + BIN_HEAD_BYTES_MAX;
    if (bytes > room)
        bytes = room;
    bytes = each > 0 ? bytes - bytes % each : 0;
    msgput_str(out, span_of("ways"));
    msgput_bin(out, (struct span){status->ways.data, bytes});
}

size_t operate_write_status(const struct operate_status *status, char out[OPERATE_STATUS_BYTES_MAX])
{
    msgpack_sbuffer written;
    msgpack_packer packer;
    msgpack_sbuffer_init(&written);
    msgpack_packer_init(&packer, &written, msgpack_sbuffer_write);
    put_all(&packer, status);
    put_ways(&packer, status, OPERATE_STATUS_BYTES_MAX - written.size);
    size_t bytes = written.size;
    assert(bytes <= OPERATE_STATUS_BYTES_MAX);
    memcpy(out, written.data, bytes);
    msgpack_sbuffer_destroy(&written);
    return bytes;
}
