#include "tests/sim/world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/packed.h"

#define SECOND_NS    INT64_C(1000000000)
#define STALE_NS_MAX (600 * SECOND_NS)
#define FUTURE_NS    (INT64_C(2500000000) * SECOND_NS)
#define SLOW_NS      (600 * SECOND_NS)
#define TEXT_BYTES   48
#define STAMP_DIGITS 10 /* of the seconds, until the year 2286 */
#define ID_START     "client-"
/* One client in this many has a very long id, where the options ask for long ones. */
#define LONG_IDS_ONE_IN 6

static struct span make_id(struct sim *sim, uint32_t client)
{
    char text[16];
    size_t bytes = (size_t)snprintf(text, sizeof text, ID_START "%" PRIu32, client);
    size_t total = bytes;
    if (sim->options.client_bytes_max > sizeof text && client % LONG_IDS_ONE_IN == 1)
        total = sizeof text +
                rng_below(&sim->rng, sim->options.client_bytes_max - (uint32_t)sizeof text + 1);
    char *id = world_memory(total, 1);
    memset(id, 'x', total);
    memcpy(id, text, bytes);
    return (struct span){id, total};
}

void records_open(struct sim *sim)
{
    sim->clients = world_memory(sim->options.client_count, sizeof *sim->clients);
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        sim->clients[i] = (struct client){
            .id = make_id(sim, i), .newest = WORLD_NO_RECORD, .last_word = WORLD_NO_RECORD};
}

void records_close(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        free((void *)(uintptr_t)sim->clients[i].id.data);
    for (uint32_t i = 0; i < sim->record_count; i++)
        free(sim->records[i].text);
    free(sim->draft.text);
    free(sim->clients);
    free(sim->records);
}

static void choose(struct sim *sim, struct client *client, enum sim_stamp stamp)
{
    int64_t now_ns = world_true_ns(sim) + rng_below(&sim->rng, 1000);
    bool first = client->stamp_ns == 0;
    bool is_wrong = stamp == SIM_STAMP_FUTURE || stamp == SIM_STAMP_SLOW;
    client->lied |= is_wrong;
    if (stamp == SIM_STAMP_STALE)
        client->stamp_ns = now_ns - rng_between(&sim->rng, 0, STALE_NS_MAX);
    else if (is_wrong)
        client->stamp_ns = now_ns + (stamp == SIM_STAMP_FUTURE ? FUTURE_NS : -SLOW_NS);
    else if (stamp == SIM_STAMP_NOW || first)
        client->stamp_ns = now_ns;
    if ((stamp != SIM_STAMP_EQUAL && stamp != SIM_STAMP_REPEAT) || first)
        client->true_ns = is_wrong ? now_ns : client->stamp_ns;
    if (stamp != SIM_STAMP_REPEAT || first)
        client->position = sim->positions++;
}

static char *put_text(char *at, const char *text)
{
    size_t bytes = strlen(text);
    memcpy(at, text, bytes);
    return at + bytes;
}

/* Written by hand: with snprintf it would be a tenth of all that a story costs. */
static void set_text(struct record *record, int64_t stamp_ns, uint32_t position)
{
    if (record->text == NULL)
        record->text = world_memory(TEXT_BYTES, 1);
    char *at = decimal_put(put_text(record->text, "+34."), position % 1000000, 6);
    at = decimal_put(put_text(at, "-118."), position / 1000000, 6);
    record->location.position = (struct span){record->text, (size_t)(at - record->text)};
    char *stamp = at;
    at = decimal_put(at, (uint64_t)(stamp_ns / SECOND_NS), STAMP_DIGITS);
    at = decimal_put(put_text(at, "."), (uint64_t)(stamp_ns % SECOND_NS), 9);
    record->location.stamp = (struct span){stamp, (size_t)(at - stamp)};
}

const struct location *records_draft(struct sim *sim, uint32_t node, uint32_t client,
                                     enum sim_stamp stamp)
{
    struct client *teller = &sim->clients[client];
    choose(sim, teller, stamp);
    const struct node *taker = &sim->nodes[node];
    int64_t wall_ns = node_wall_ns(sim, taker);
    int64_t accept_ns = flood_accept_ns(taker->flood, wall_ns, node_clock_ms(sim, taker));
    struct record *draft = &sim->draft;
    draft->node = node;
    draft->life = taker->lives;
    draft->strange = taker->strange;
    draft->stamp_ns = teller->stamp_ns;
    draft->true_ns = teller->true_ns;
    draft->counts = !teller->lied && truth_counts(sim, node);
    draft->location.client = teller->id;
    draft->location.origin = span_of(sim->names[node]);
    draft->location.difference_ns = wall_ns - teller->stamp_ns;
    draft->location.order_ns = location_order_ns(teller->stamp_ns, accept_ns);
    set_text(draft, teller->stamp_ns, teller->position);
    return &draft->location;
}

uint32_t records_find(const struct sim *sim, uint32_t client, const struct location *location)
{
    uint32_t record = sim->clients[client].newest;
    while (record != WORLD_NO_RECORD && !record_same(location, &sim->records[record].location))
        record = sim->records[record].older;
    return record;
}

static void append(struct sim *sim, struct client *client, const struct record *record)
{
    if (sim->record_count == sim->record_capacity) {
        uint32_t capacity = sim->record_capacity == 0 ? 64 : 2 * sim->record_capacity;
        struct record *grown = world_memory(capacity, sizeof *grown);
        if (sim->record_count > 0)
            memcpy(grown, sim->records, sim->record_count * sizeof *grown);
        free(sim->records);
        sim->records = grown;
        sim->record_capacity = capacity;
    }
    struct record *added = &sim->records[sim->record_count];
    *added = *record;
    added->older = client->newest;
    added->hash = location_hash(&record->location);
    client->newest = sim->record_count++;
}

static bool is_tie(const struct sim *sim, const struct client *client, int64_t order_ns)
{
    for (uint32_t i = client->newest; i != WORLD_NO_RECORD; i = sim->records[i].older)
        if (sim->records[i].location.order_ns == order_ns)
            return true;
    return false;
}

/* Takes the record's text. True when another one has its order time: nothing else can be the same.
 */
static bool keep(struct sim *sim, uint32_t client, const struct record *record)
{
    bool tie = is_tie(sim, &sim->clients[client], record->location.order_ns);
    if (tie && records_find(sim, client, &record->location) != WORLD_NO_RECORD)
        free(record->text);
    else
        append(sim, &sim->clients[client], record);
    return tie;
}

bool records_keep(struct sim *sim, uint32_t client)
{
    bool tie = keep(sim, client, &sim->draft);
    sim->draft.text = NULL;
    return tie;
}

uint32_t records_client(const struct sim *sim, struct span id)
{
    uint32_t client = 0;
    for (size_t i = sizeof ID_START - 1; i < id.len && id.data[i] >= '0' && id.data[i] <= '9'; i++)
        client = 10 * client + (uint32_t)(id.data[i] - '0');
    assert(client < sim->options.client_count && span_equals(sim->clients[client].id, id));
    return client;
}

static struct span find_origin(const struct sim *sim, struct span name)
{
    for (uint32_t i = 0; i < sim->node_count; i++)
        if (span_equals(span_of(sim->names[i]), name))
            return span_of(sim->names[i]);
    assert(false && "a location of a node that this world does not have");
    return name;
}

/* The stamp as records_draft wrote it. */
static int64_t stamp_of(const struct location *location)
{
    int64_t stamp_ns = 0;
    for (size_t i = 0; i < location->stamp.len; i++)
        if (location->stamp.data[i] != '.')
            stamp_ns = 10 * stamp_ns + (location->stamp.data[i] - '0');
    return stamp_ns;
}

void records_forget(struct sim *sim, uint32_t node, uint32_t client,
                    const struct location *tombstone)
{
    struct record record = {.location = *tombstone,
                            .node = node,
                            .life = sim->nodes[node].lives,
                            .strange = sim->nodes[node].strange,
                            .counts = truth_counts(sim, node),
                            .stamp_ns = stamp_of(tombstone),
                            .true_ns = world_true_ns(sim),
                            .text = world_memory(tombstone->stamp.len, 1)};
    memcpy(record.text, tombstone->stamp.data, tombstone->stamp.len);
    record.location.client = sim->clients[client].id;
    record.location.origin = span_of(sim->names[node]);
    record.location.position = (struct span){record.text, 0};
    record.location.stamp.data = record.text;
    sim->clients[client].last_word = WORLD_NO_RECORD;
    keep(sim, client, &record);
}

void records_forge(struct sim *sim, const struct location *location)
{
    uint32_t client = records_client(sim, location->client);
    size_t first = location->position.len;
    size_t second = location->stamp.len;
    int64_t stamp_ns = stamp_of(location);
    struct record record = {.location = *location,
                            .node = SIM_NO_NODE,
                            .stamp_ns = stamp_ns,
                            .true_ns = stamp_ns,
                            .text = world_memory(first + second, 1)};
    memcpy(record.text, location->position.data, first);
    memcpy(record.text + first, location->stamp.data, second);
    record.location.client = sim->clients[client].id;
    record.location.origin = find_origin(sim, location->origin);
    record.location.position.data = record.text;
    record.location.stamp.data = record.text + first;
    keep(sim, client, &record);
}
