/* A table, and those who watch it: what tests of watchers share. */
#ifndef ZHERD_TESTS_UNIT_WATCHERS_RIG_H
#define ZHERD_TESTS_UNIT_WATCHERS_RIG_H

#include "gateway/text/watchers.h"
#include "tests/check.h"

#define FOREVER INT64_MAX

static const uint8_t key[16] = {5, 7};

struct rig {
    struct table *table;
    struct watchers *watchers;
    int64_t now_ns;
    struct buffer out;
};

static inline void set_up(struct rig *rig)
{
    *rig = (struct rig){.table = table_new(key), .now_ns = 1000 * NANO};
    table_make_grid(rig->table);
    rig->watchers = watchers_new(rig->table, key, UINT64_MAX);
}

/* All watches were ended. */
static inline void tear_down(struct rig *rig)
{
    int64_t steps = FOREVER;
    CHECK(!watchers_clear(rig->watchers, &steps));
    CHECK(watchers_is_sound(rig->watchers));
    CHECK_INT(watchers_count(rig->watchers).bytes, 0);
    watchers_destroy(&rig->watchers);
    CHECK(table_is_sound(rig->table));
    table_destroy(&rig->table);
    buffer_free(&rig->out);
}

static inline void put(struct rig *rig, struct span client, const char *position)
{
    uint32_t slot;
    char stamp[24];
    rig->now_ns++;
    sprintf(stamp, "%lld.%09lld", (long long)(rig->now_ns / NANO), (long long)(rig->now_ns % NANO));
    struct location location = {.client = client,
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Ada"),
                                .order_ns = rig->now_ns};
    enum table_outcome outcome =
        table_put(rig->table, &location, table_ref(rig->table, client), &slot);
    CHECK(outcome == TABLE_NEW || outcome == TABLE_NEWER);
}

static inline void put_number(struct rig *rig, uint32_t number, const char *position)
{
    char id[16];
    sprintf(id, "c%u", number);
    put(rig, span_of(id), position);
}

static inline struct watchers_wanted around(const char *client, int64_t radius_mm)
{
    return (struct watchers_wanted){
        .kind = WATCHERS_CIRCLE, .client = span_of(client), .radius_mm = radius_mm};
}

static inline struct watchers_wanted around_zero(int64_t radius_mm)
{
    return (struct watchers_wanted){.kind = WATCHERS_POINT, .radius_mm = radius_mm};
}

static inline struct watchers_wanted of(const char *client)
{
    return (struct watchers_wanted){.kind = WATCHERS_CLIENT, .client = span_of(client)};
}

static const struct watchers_wanted everything = {.kind = WATCHERS_ALL};

/* With its reply, which stands in `out` alone. */
static inline enum watchers_outcome add(struct rig *rig, struct watchers_connection *connection,
                                        struct watchers_wanted wanted)
{
    int64_t steps = FOREVER;
    enum watchers_outcome outcome = watchers_add(rig->watchers, connection, &wanted);
    rig->out.len = 0;
    if (outcome == WATCHERS_ADDED)
        CHECK(watchers_reply(rig->watchers, connection, &steps, &rig->out));
    return outcome;
}

static inline bool is_due(struct rig *rig, const struct watchers_connection *connection)
{
    watchers_update(rig->watchers);
    return watchers_next_due(rig->watchers) == connection;
}

/* All lines there are; as many as there are. */
static inline uint32_t take(struct rig *rig, struct watchers_connection *connection)
{
    int64_t steps = FOREVER;
    uint32_t lines = 0;
    rig->out.len = 0;
    CHECK(!watchers_write(rig->watchers, connection, &steps, SIZE_MAX, &rig->out));
    for (size_t i = 0; i < rig->out.len; i++)
        lines += rig->out.data[i] == '\n';
    return lines;
}

static inline bool said(const struct rig *rig, const char *text)
{
    return rig->out.len == strlen(text) && memcmp(rig->out.data, text, rig->out.len) == 0;
}

#endif
