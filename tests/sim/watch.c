#include "tests/sim/world.h"

#include <inttypes.h>

/* A look at every slot costs the size of the table: done for one node in SOUND_EVERY_STEPS. The
 * digest and the clients in a message are checked after every step. */
#define SOUND_EVERY_STEPS 4096
/* A look at a link costs what waits there: where that is much, one in so many steps. */
#define LINK_SLOTS_MAX   256
#define SOUND_EVERY_LINK 64
#define CEILING_LAG_NS   INT64_C(1000000000)

/* Same and newer are written down here once more, without asking location_compare, so that a
 * fault there cannot excuse itself. */
bool record_same(const struct location *a, const struct location *b)
{
    return a->order_ns == b->order_ns && a->difference_ns == b->difference_ns &&
           span_equals(a->client, b->client) && span_equals(a->position, b->position) &&
           span_equals(a->stamp, b->stamp) && span_equals(a->origin, b->origin);
}

bool record_newer(const struct location *a, const struct location *b)
{
    if (a->order_ns != b->order_ns)
        return a->order_ns > b->order_ns;
    const struct span fields[3][2] = {
        {a->origin, b->origin}, {a->stamp, b->stamp}, {a->position, b->position}};
    for (int i = 0; i < 3; i++) {
        size_t a_bytes = fields[i][0].len, b_bytes = fields[i][1].len;
        int order =
            memcmp(fields[i][0].data, fields[i][1].data, a_bytes < b_bytes ? a_bytes : b_bytes);
        if (order != 0)
            return order > 0;
        if (a_bytes != b_bytes)
            return a_bytes > b_bytes;
    }
    return a->difference_ns > b->difference_ns;
}

/* Of its digits, which all stamps of this world have in the same form. */
static int64_t stamp_ns(const struct location *location)
{
    int64_t sum_ns = 0;
    for (size_t i = 0; i < location->stamp.len; i++)
        if (location->stamp.data[i] != '.')
            sum_ns = 10 * sum_ns + (location->stamp.data[i] - '0');
    return sum_ns;
}

int64_t record_known_ns(const struct location *location, int64_t ceiling_ns)
{
    if (location->order_ns <= ceiling_ns)
        return location->order_ns;
    int64_t covers_ns = location->position.len == 0 ? stamp_ns(location) + 5000000000 : INT64_MAX;
    return covers_ns <= ceiling_ns ? covers_ns : INT64_MIN;
}

bool record_beats(const struct location *a, const struct location *b, int64_t ceiling_ns)
{
    int64_t a_ns = record_known_ns(a, ceiling_ns), b_ns = record_known_ns(b, ceiling_ns);
    return a_ns != b_ns ? a_ns > b_ns : record_newer(a, b);
}

/* The ceiling moves: it is that of the last call that took a time, which this world does not know,
 * and which was a second ago at most. */
static bool may_beat(const struct sim *sim, const struct node *node, const struct location *a,
                     const struct location *b)
{
    int64_t ceiling_ns = flood_time(node->flood, node_clock_ms(sim, node)).ceiling_ns;
    return record_beats(a, b, ceiling_ns) || record_beats(a, b, ceiling_ns - CEILING_LAG_NS);
}

void watch_new_life(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        node->holds[i] = WORLD_NO_RECORD;
    node->digest = 0;
    node->seen_news = 0;
    for (uint32_t i = 0; i < node_links(node); i++)
        sim->channels[node_channel(sim, node, i)].seen = flood_link(node->flood, i);
}

/* What the node held is not in its table any more. */
static void leave(struct sim *sim, uint32_t index, uint32_t client)
{
    struct node *node = &sim->nodes[index];
    const struct record *held = &sim->records[node->holds[client]];
    int64_t horizon_ns = flood_time(node->flood, node_clock_ms(sim, node)).horizon_ns;
    if (held->location.order_ns >= horizon_ns)
        sim_fail(sim, "%s forgot client %" PRIu32, sim->names[index], client);
    node->digest ^= held->hash;
    node->holds[client] = WORLD_NO_RECORD;
    sim->counters->over++;
    journal_changed(sim, index, client);
}

bool watch_client(struct sim *sim, uint32_t index, uint32_t client)
{
    struct node *node = &sim->nodes[index];
    struct location found;
    uint32_t held = node->holds[client];
    if (!flood_look(node->flood, sim->clients[client].id, &found)) {
        if (held != WORLD_NO_RECORD)
            leave(sim, index, client);
        return false;
    }
    if (held != WORLD_NO_RECORD) {
        if (record_same(&found, &sim->records[held].location))
            return false;
        if (!may_beat(sim, node, &found, &sim->records[held].location))
            sim_fail(sim, "%s went back to an older location of client %" PRIu32, sim->names[index],
                     client);
        node->digest ^= sim->records[held].hash;
        sim->records[held].has_lost |=
            journal_rots(sim, index) && record_newer(&sim->records[held].location, &found);
    }
    uint32_t record = records_find(sim, client, &found);
    if (record == WORLD_NO_RECORD)
        sim_fail(sim, "%s holds a location of client %" PRIu32 " that nobody accepted",
                 sim->names[index], client);
    else if (sim->records[record].strange && !node->strange)
        sim_fail(sim, "%s holds a location of client %" PRIu32 " from another herd",
                 sim->names[index], client);
    else
        node->digest ^= sim->records[record].hash;
    node->holds[client] = record;
    if (node->journal != NULL)
        journal_changed(sim, index, client);
    if (sim->injection_count > 0)
        tamper_changed(sim, index, client);
    return true;
}

static bool is_same(const struct flood_link *a, const struct flood_link *b)
{
    return a->head == b->head && a->sent == b->sent && a->announced == b->announced &&
           a->acked == b->acked && a->received == b->received && a->in_flight == b->in_flight &&
           a->their_incarnation == b->their_incarnation && a->up == b->up;
}

/* Which rule the link breaks now that was another one before, or NULL. */
static const char *link_fault(const struct flood_link *before, const struct flood_link *now,
                              uint32_t clients)
{
    if (now->acked > now->announced || now->announced > now->sent || now->sent > now->head)
        return "breaks acked <= announced <= sent <= head";
    if (now->sent < before->sent)
        return "uses a position twice";
    if (now->their_incarnation == before->their_incarnation && now->acked < before->acked)
        return "forgets an ack";
    if (now->their_incarnation == before->their_incarnation && now->received < before->received)
        return "forgets what it was told";
    if (now->in_flight > 0 && now->acked == now->announced)
        return "waits for an ack of nothing";
    /* Half of what waits may be blanks, and memory that is to be filled with them first doubles. */
    if (now->head - now->sent > 4 * (uint64_t)clients + 4 * (now->sent - now->acked) + 64)
        return "owes more than there are clients";
    return NULL;
}

/* A link that looks as it did has not broken a rule since. */
static void watch_link(struct sim *sim, uint32_t index, uint32_t link)
{
    const struct node *node = &sim->nodes[index];
    struct channel *channel = &sim->channels[node_channel(sim, node, link)];
    struct flood_link now = flood_link(node->flood, link);
    if (is_same(&channel->seen, &now))
        return;
    /* Where clients become fewer, what waited for a peer may have been of others before. */
    uint32_t clients =
        sim->options.expire_ms > 0 ? sim->options.client_count : flood_clients(node->flood);
    const char *fault = link_fault(&channel->seen, &now, clients);
    bool is_long = now.head - now.acked > LINK_SLOTS_MAX && sim->steps % SOUND_EVERY_LINK != 0;
    if (fault == NULL && !is_long && !flood_link_is_sound(node->flood, link))
        fault = "is not sound";
    if (fault != NULL)
        sim_fail(sim,
                 "%s to %s %s: acked %" PRIu64 " announced %" PRIu64 " told %" PRIu64
                 " head %" PRIu64 " have %" PRIu64,
                 sim->names[index], sim->names[channel->to], fault, now.acked, now.announced,
                 now.sent, now.head, now.received);
    channel->seen = now;
}

static void watch_table(struct sim *sim, uint32_t index)
{
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        watch_client(sim, index, i);
}

static bool is_lied_to(const struct sim *sim)
{
    return sim->lied || sim->options.liar != SIM_NO_NODE;
}

void watch_node(struct sim *sim, uint32_t index, uint32_t changes)
{
    struct node *node = &sim->nodes[index];
    const struct link_counters *counters = flood_count(node->flood);
    /* A forged copy beside the true one in the same message is news twice, seen once. */
    if (counters->locations_news != node->seen_news + changes && !sim->forged && !is_lied_to(sim))
        sim_fail(sim, "%s calls %" PRIu64 " locations news, where %" PRIu32 " were",
                 sim->names[index], counters->locations_news - node->seen_news, changes);
    node->seen_news = counters->locations_news;
    if (sim->options.expire_ms > 0 && flood_digest(node->flood) != node->digest)
        watch_table(sim, index); /* some may be over */
    if (flood_digest(node->flood) != node->digest) {
        watch_table(sim, index); /* it may know better what is wrong */
        sim_fail(sim, "%s has a digest that is not its table's", sim->names[index]);
    }
    for (uint32_t i = 0; i < node_links(node); i++)
        watch_link(sim, index, i);
    if (counters->locations_refused > 0 && !sim->options.refusal_excused)
        sim_fail(sim, "%s refuses what a peer sends, and has room", sim->names[index]);
    if ((counters->locations_invalid > 0 && !is_lied_to(sim)) || counters->messages_malformed > 0)
        sim_fail(sim, "%s calls a peer's honest bytes invalid", sim->names[index]);
    if (sim->steps % SOUND_EVERY_STEPS == 0 && !flood_is_sound(node->flood))
        sim_fail(sim, "%s is not sound", sim->names[index]);
}

static bool is_at_rest(const struct sim *sim, const struct channel *channel)
{
    if (channel->from >= sim->herd_count)
        return true; /* of the node that only mimics one of the herd's */
    const struct node *to = &sim->nodes[channel->to];
    const struct flood_link *here = &channel->seen;
    const struct flood_link *there = &sim->channels[channel->back].seen;
    return channel->road != SIM_DEAD && here->up && there->up &&
           here->their_incarnation == to->incarnation && here->acked == here->head &&
           there->received == here->head;
}

bool sim_is_equal(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (sim->nodes[i].flood == NULL ||
            flood_digest(sim->nodes[i].flood) != flood_digest(sim->nodes[0].flood))
            return false;
    return true;
}

/* A client of which the two ends of the channel hold different locations, or SIM_NO_CLIENT. */
static uint32_t find_different(const struct sim *sim, const struct channel *channel)
{
    const uint32_t *here = sim->nodes[channel->from].holds, *there = sim->nodes[channel->to].holds;
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        if (here[i] != there[i] && here[i] != WORLD_NO_RECORD && there[i] != WORLD_NO_RECORD)
            return i;
    return SIM_NO_CLIENT;
}

/* Where limits refuse, neighbours agree on what both of them hold. */
static const struct channel *find_differing(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->channel_count; i++)
        if (find_different(sim, &sim->channels[i]) != SIM_NO_CLIENT)
            return &sim->channels[i];
    return NULL;
}

static bool is_alike(const struct sim *sim)
{
    return sim->options.refusal_excused ? find_differing(sim) == NULL : sim_is_equal(sim);
}

bool sim_is_settled(const struct sim *sim)
{
    if (sim->late_parcels > 0 || sim->words > 0 || !is_alike(sim))
        return false;
    for (uint32_t i = 0; i < sim->channel_count; i++)
        if (!is_at_rest(sim, &sim->channels[i]))
            return false;
    return true;
}

void sim_fail_unsettled(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->channel_count; i++) {
        const struct channel *channel = &sim->channels[i];
        const struct flood_link *here = &channel->seen;
        if (!is_at_rest(sim, channel))
            sim_fail(sim,
                     "%s to %s finds no rest: %s, acked %" PRIu64 " announced %" PRIu64
                     " told %" PRIu64 " head %" PRIu64 ", there have %" PRIu64,
                     sim->names[channel->from], sim->names[channel->to], here->up ? "up" : "down",
                     here->acked, here->announced, here->sent, here->head,
                     sim->channels[channel->back].seen.received);
    }
    sim_fail(sim, is_alike(sim) ? "messages without end" : "at rest with unequal tables");
}

void sim_compare_tables(struct sim *sim)
{
    const struct channel *differing = sim->options.refusal_excused ? find_differing(sim) : NULL;
    if (differing != NULL)
        sim_fail(sim, "%s and its neighbour %s differ in client %" PRIu32,
                 sim->names[differing->from], sim->names[differing->to],
                 find_different(sim, differing));
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        const struct node *node = &sim->nodes[i];
        watch_table(sim, i);
        uint64_t digest = 0;
        uint32_t clients = 0;
        for (uint32_t c = 0; c < sim->options.client_count; c++) {
            if (node->holds[c] != sim->nodes[0].holds[c] && !sim->options.refusal_excused)
                sim_fail(sim, "%s and %s differ in client %" PRIu32, sim->names[0], sim->names[i],
                         c);
            if (node->holds[c] == WORLD_NO_RECORD)
                continue;
            clients++;
            digest ^= sim->records[node->holds[c]].hash;
        }
        if (clients != flood_clients(node->flood))
            sim_fail(sim, "%s counts %" PRIu32 " clients, not %" PRIu32, sim->names[i],
                     flood_clients(node->flood), clients);
        if (digest != flood_digest(node->flood))
            sim_fail(sim, "%s has a digest that is not its table's", sim->names[i]);
        if (!flood_is_sound(node->flood))
            sim_fail(sim, "%s is not sound at the end", sim->names[i]);
    }
}
