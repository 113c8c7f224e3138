#include "tests/sim/world.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* More than any honest turn sends to one peer: the whole table in single locations. */
#define TURN_MESSAGES_MAX 20000
/* A herd that does more is chasing its own messages. */
#define STEPS_PER_NODE_MAX 200000
/* Steady clocks start anywhere, so that nobody can come to compare two of them. */
#define CLOCK_MS_MAX 1000000000
/* Longer than what was lost before may take to be told again. */
#define STUCK_US_MAX ((LINK_ANSWER_MS + 1000) * INT64_C(1000))
/* Far more than a world needs. */
#define HEAP_SPARE_BYTES (64 * 1024 * 1024)

void sim_keep_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, HEAP_SPARE_BYTES);
    mallopt(M_TRIM_THRESHOLD, HEAP_SPARE_BYTES);
    mallopt(M_TOP_PAD, HEAP_SPARE_BYTES);
}

void *world_memory(size_t count, size_t bytes)
{
    void *memory = calloc(count == 0 ? 1 : count, bytes);
    if (memory == NULL) {
        perror("sim");
        exit(2);
    }
    return memory;
}

static int compare_edges(const void *a, const void *b)
{
    const struct edge *one = a, *other = b;
    if (one->a != other->a)
        return one->a < other->a ? -1 : 1;
    return one->b < other->b ? -1 : one->b > other->b;
}

/* Both directions of every edge, and the same ways out for a node that mimics another. */
static size_t list_ways(const struct graph *graph, uint32_t mimicked, struct edge *ways)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->edge_count; i++) {
        struct edge there = graph->edges[i], back = {there.b, there.a};
        ways[count++] = there;
        ways[count++] = back;
        if (there.a == mimicked)
            ways[count++] = (struct edge){graph->node_count, there.b};
        if (there.b == mimicked)
            ways[count++] = (struct edge){graph->node_count, there.a};
    }
    return count;
}

/* Every way is a channel, sorted by the node it leaves. */
static void lay_channels(struct sim *sim, const struct graph *graph)
{
    uint32_t mimicked = sim->options.mimicked;
    struct edge *ways = world_memory(3 * graph->edge_count, sizeof *ways);
    size_t count = list_ways(graph, mimicked, ways);
    qsort(ways, count, sizeof *ways, compare_edges);
    sim->channels = world_memory(count, sizeof *sim->channels);
    sim->channel_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        struct node *node = &sim->nodes[ways[i].a];
        struct edge back = {ways[i].b, ways[i].a == sim->herd_count ? mimicked : ways[i].a};
        const struct edge *found = bsearch(&back, ways, count, sizeof *ways, compare_edges);
        if (node->channel_count++ == 0)
            node->first_channel = i;
        sim->channels[i] =
            (struct channel){.from = ways[i].a, .to = ways[i].b, .back = (uint32_t)(found - ways)};
    }
    free(ways);
}

static void name_node(struct sim *sim, const struct graph *graph, uint32_t index)
{
    uint32_t named = index < sim->herd_count ? index : sim->options.mimicked;
    if (graph->names == NULL)
        snprintf(sim->names[index], sizeof sim->names[index], "node-%" PRIu32, named);
    else
        memcpy(sim->names[index], graph->names[named], sizeof sim->names[index]);
}

static void make_node(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    int64_t skew_s = sim->options.skew_s_max;
    node->holds = world_memory(sim->options.client_count, sizeof *node->holds);
    node->hops = world_memory(sim->options.client_count, sizeof *node->hops);
    node->clock_ms = rng_between(&sim->rng, 0, CLOCK_MS_MAX);
    node->skew_ns = rng_between(&sim->rng, -skew_s, skew_s) * 1000000000;
}

struct sim *sim_new(const struct graph *graph, const struct sim_options *options,
                    struct sim_counters *counters)
{
    assert(graph->node_count >= 1 && graph->node_count <= SIM_NODES_MAX);
    assert(options->client_count <= SIM_CLIENTS_MAX);
    assert(options->mimicked == SIM_NO_NODE || options->mimicked < graph->node_count);
    struct sim *sim = world_memory(1, sizeof *sim);
    sim->options = *options;
    sim->rng.state = options->seed;
    sim->counters = counters;
    sim->healed_us = WORLD_NEVER;
    sim->herd_count = graph->node_count;
    sim->node_count = sim->herd_count + (options->mimicked != SIM_NO_NODE);
    sim->nodes = world_memory(sim->node_count, sizeof *sim->nodes);
    sim->names = world_memory(sim->node_count, sizeof *sim->names);
    event_queue_open(&sim->agenda, sim->node_count);
    lay_channels(sim, graph);
    records_open(sim);
    for (uint32_t i = 0; i < sim->node_count; i++) {
        name_node(sim, graph, i);
        make_node(sim, i);
    }
    history_open(sim);
    for (uint32_t i = 0; i < sim->herd_count; i++)
        sim_start(sim, i);
    return sim;
}

static void add_counters(struct link_counters *sum, const struct link_counters *more)
{
    sum->updates_sent += more->updates_sent;
    sum->updates_received += more->updates_received;
    sum->locations_sent += more->locations_sent;
    sum->locations_received += more->locations_received;
    sum->locations_news += more->locations_news;
    sum->locations_invalid += more->locations_invalid;
    sum->messages_malformed += more->messages_malformed;
    sum->messages_strange += more->messages_strange;
    sum->gaps += more->gaps;
    sum->rewinds += more->rewinds;
    sum->locations_known += more->locations_known;
    sum->updates_empty += more->updates_empty;
    sum->incarnation_changes += more->incarnation_changes;
    sum->refusals += more->refusals;
    sum->digest_faults += more->digest_faults;
    sum->clients_refused += more->clients_refused;
}

struct link_counters sim_flood_count(const struct sim *sim)
{
    struct link_counters sum = {0};
    for (uint32_t i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].flood != NULL)
            add_counters(&sum, flood_count(sim->nodes[i].flood));
    return sum;
}

void sim_destroy(struct sim **owner)
{
    struct sim *sim = *owner;
    if (sim == NULL)
        return;
    struct link_counters living = sim_flood_count(sim);
    add_counters(&sim->counters->flood, &living);
    sim->counters->virtual_us += sim->now_us;
    for (uint32_t i = 0; i < sim->node_count; i++)
        event_queue_set_turn(&sim->agenda, i, AGENDA_NEVER);
    while (event_queue_first_us(&sim->agenda) != AGENDA_NEVER)
        free(event_queue_pop(&sim->agenda).parcel);
    event_queue_close(&sim->agenda);
    for (uint32_t i = 0; i < sim->channel_count; i++)
        for (struct parcel *held = sim->channels[i].held_first; held != NULL;) {
            struct parcel *next = held->next;
            free(held);
            held = next;
        }
    for (uint32_t i = 0; i < sim->node_count; i++) {
        flood_destroy(&sim->nodes[i].flood);
        free(sim->nodes[i].holds);
        free(sim->nodes[i].hops);
    }
    records_close(sim);
    free(sim->channels);
    free(sim->nodes);
    free(sim->names);
    free(sim);
    *owner = NULL;
}

int64_t sim_now_us(const struct sim *sim)
{
    return sim->now_us;
}

const char *sim_violation(const struct sim *sim)
{
    return sim->violation[0] == '\0' ? NULL : sim->violation;
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->violation[0] != '\0')
        return;
    int bytes =
        snprintf(sim->violation, sizeof sim->violation,
                 "at %" PRId64 ".%06" PRId64 " s: ", sim->now_us / 1000000, sim->now_us % 1000000);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->violation + bytes, sizeof sim->violation - (size_t)bytes, format, arguments);
    va_end(arguments);
}

void node_wants_turn(struct sim *sim, uint32_t node, int64_t time_us)
{
    if (time_us < event_queue_turn_us(&sim->agenda, node))
        event_queue_set_turn(&sim->agenda, node, time_us);
}

/* New connections to and from the node. One that mimics another takes that one's connections to
 * its neighbours; nobody connects to the mimic itself. */
static void reconnect_all(struct sim *sim, uint32_t index)
{
    bool mimic = index >= sim->herd_count;
    for (uint32_t i = 0; i < sim->nodes[index].channel_count; i++) {
        uint32_t channel = sim->nodes[index].first_channel + i;
        uint32_t back = sim->channels[channel].back;
        road_reconnect(sim, channel);
        road_reconnect(sim, mimic ? sim->channels[back].back : back);
    }
    for (uint32_t i = sim->nodes[sim->herd_count - 1].first_channel; i < sim->channel_count; i++)
        if (sim->channels[i].from >= sim->herd_count && sim->channels[i].to == index)
            road_reconnect(sim, i);
}

static void start(struct sim *sim, uint32_t index, bool strange)
{
    struct node *node = &sim->nodes[index];
    if (node->flood != NULL)
        return;
    struct span *peers = world_memory(node->channel_count, sizeof *peers);
    static const struct dial_rules rules = {
        .away_ms = 10000, .away_two_keys_ms = 5000, .unanswered_ms = LINK_ANSWER_MS};
    static const struct keyring_keys no_keys;
    for (uint32_t i = 0; i < node->channel_count; i++) {
        struct channel *channel = &sim->channels[node->first_channel + i];
        peers[i] = span_of(sim->names[channel->to]);
        dial_start(&channel->dial, &rules, &no_keys, node_clock_ms(sim, node));
        channel->answers = 0;
        if (channel->road == SIM_DEAD)
            sim_set_road(sim, channel->from, channel->to, SIM_OPEN);
    }
    node->incarnation = rng_next(&sim->rng) | 1;
    struct flood_options options = {
        .herd = span_of(strange ? "strange" : "simulated"),
        .node = span_of(sim->names[index]),
        .peers = peers,
        .peer_count = node->channel_count,
        .incarnation = node->incarnation,
        .clients_max = sim->options.clients_max,
    };
    for (size_t i = 0; i < sizeof options.hash_key; i++)
        options.hash_key[i] = (uint8_t)rng_next(&sim->rng);
    node->flood = flood_new(&options);
    node->strange = strange;
    free(peers);
    node->leave_us = WORLD_NEVER;
    watch_new_life(sim, index);
    reconnect_all(sim, index);
    node_wants_turn(sim, index, sim->now_us);
    sim->counters->starts++;
    sim->counters->starts_strange += strange;
    sim->counters->starts_mimic += index >= sim->herd_count;
}

void sim_start(struct sim *sim, uint32_t index)
{
    start(sim, index, false);
}

void sim_start_strange(struct sim *sim, uint32_t index)
{
    start(sim, index, true);
}

void sim_kill(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    if (node->flood == NULL)
        return;
    sim->counters->kills += node->leave_us == WORLD_NEVER;
    add_counters(&sim->counters->flood, flood_count(node->flood));
    flood_destroy(&node->flood);
    event_queue_set_turn(&sim->agenda, index, AGENDA_NEVER);
    reconnect_all(sim, index);
}

void sim_leave(struct sim *sim, uint32_t index, int64_t patience_us)
{
    struct node *node = &sim->nodes[index];
    if (node->flood == NULL || node->leave_us != WORLD_NEVER)
        return;
    sim->counters->leaves++;
    flood_say_goodbye(node->flood);
    node->leave_us = sim->now_us + patience_us;
    node_wants_turn(sim, index, sim->now_us);
}

/* Where nothing was in the way for long enough, acknowledgements come. */
static void judge_stuck(struct sim *sim, const struct node *node, size_t link)
{
    const struct channel *there = &sim->channels[node->first_channel + link];
    const struct channel *back = &sim->channels[there->back];
    bool is_lossy = sim->options.loss_permille > 0 || sim->options.rate_bytes_per_s > 0;
    int64_t since_us = there->opened_us > back->opened_us ? there->opened_us : back->opened_us;
    if (since_us < sim->healed_us && sim->healed_us != WORLD_NEVER)
        since_us = sim->healed_us;
    sim->counters->links_stuck++;
    if (!is_lossy && there->road == SIM_OPEN && back->road == SIM_OPEN &&
        since_us < sim->now_us - STUCK_US_MAX)
        sim_fail(sim, "%s gives up its link to %s, though nothing is in the way",
                 sim->names[there->from], sim->names[there->to]);
}

static void pull_events(struct sim *sim, struct node *node)
{
    struct link_event event;
    while (flood_next_event(node->flood, &event)) {
        switch (event.kind) {
        case LINK_UP:
            sim->counters->links_up++;
            break;
        case LINK_DOWN:
            sim->counters->links_down++;
            break;
        case LINK_REFUSED:
            sim->counters->links_refused++;
            break;
        case LINK_DIGESTS_EQUAL:
            sim->counters->digests_equal++;
            break;
        case LINK_STUCK:
            judge_stuck(sim, node, event.peer);
            break;
        case LINK_UNANSWERED:
        case LINK_UNMET:
        case LINK_MISREAD:
        case LINK_DIGESTS_DIFFER:
            break; /* link_counters has it */
        }
    }
}

/* Replaces the connection to one peer if that is due, as bus/net/bus.c does. */
static void tend(struct sim *sim, const struct node *node, uint32_t link)
{
    struct channel *channel = &sim->channels[node->first_channel + link];
    uint64_t answers = flood_answers(node->flood, link).count;
    if (answers != channel->answers)
        dial_answered(&channel->dial);
    channel->answers = answers;
    if (!dial_is_due(&channel->dial, node_clock_ms(sim, node)))
        return;
    dial_renew(&channel->dial, node_clock_ms(sim, node));
    sim->counters->renewals++;
    road_reconnect(sim, node->first_channel + link);
    if (channel->road == SIM_DEAD)
        sim_set_road(sim, channel->from, channel->to, SIM_OPEN);
}

/* Sends what is due to one peer, until nothing is or the road refuses. */
static void send_due(struct sim *sim, struct node *node, uint32_t link)
{
    static char message[WIRE_MESSAGE_BYTES_MAX];
    uint32_t channel = node->first_channel + link;
    int64_t now_ms = node_clock_ms(sim, node);
    for (int sent = 0; sent < TURN_MESSAGES_MAX; sent++) {
        size_t bytes = flood_next(node->flood, link, now_ms, message);
        if (bytes == 0)
            return;
        if (bytes > sizeof message)
            sim_fail(sim, "a message of %zu bytes", bytes);
        struct dial *dial = &sim->channels[channel].dial;
        if (!road_send(sim, channel, (struct span){message, bytes})) {
            dial_refused(dial, now_ms);
            flood_refused(node->flood, link, now_ms);
            return;
        }
        dial_taken(dial, flood_answers(node->flood, link).awaited, now_ms);
    }
    sim_fail(sim, "%s never stops sending to %s", sim->names[sim->channels[channel].from],
             sim->names[sim->channels[channel].to]);
}

static uint32_t count_closed_windows(const struct sim *sim, const struct node *node)
{
    uint32_t closed = 0;
    for (uint32_t i = 0; i < node->channel_count; i++) {
        const struct flood_link *link = &sim->channels[node->first_channel + i].seen;
        closed += link->in_flight > 0 && link->sent < link->head;
    }
    return closed;
}

static int64_t next_turn_us(struct sim *sim, uint32_t index)
{
    const struct node *node = &sim->nodes[index];
    int64_t now_ms = node_clock_ms(sim, node);
    int64_t deadline_ms = flood_deadline_ms(node->flood);
    if (node->channel_count == 0)
        return node->leave_us; /* nobody to talk to, nothing else to wait for */
    if (deadline_ms <= now_ms)
        sim_fail(sim, "%s spins: its deadline is %" PRId64 " ms ago after a whole turn",
                 sim->names[index], now_ms - deadline_ms);
    else if (deadline_ms > now_ms + 1000)
        sim_fail(sim, "%s sleeps for %" PRId64 " ms", sim->names[index], deadline_ms - now_ms);
    int64_t deadline_us = (deadline_ms - node->clock_ms) * 1000;
    return deadline_us < node->leave_us ? deadline_us : node->leave_us;
}

static void take_turn(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    for (uint32_t i = 0; i < node->channel_count; i++)
        tend(sim, node, i);
    for (uint32_t i = 0; i < node->channel_count; i++)
        send_due(sim, node, i);
    pull_events(sim, node);
    watch_node(sim, index, 0);
    sim->counters->windows_closed += count_closed_windows(sim, node);
    if (node->leave_us != WORLD_NEVER &&
        (flood_is_over(node->flood) || sim->now_us >= node->leave_us))
        sim_kill(sim, index);
    else
        event_queue_set_turn(&sim->agenda, index, next_turn_us(sim, index));
}

static bool step(struct sim *sim)
{
    struct event event = event_queue_pop(&sim->agenda);
    sim->now_us = event.time_us;
    sim->steps++;
    sim->counters->steps++;
    if (event.parcel != NULL)
        road_arrive(sim, event.parcel);
    else
        take_turn(sim, event.node);
    if (sim->steps > (uint64_t)STEPS_PER_NODE_MAX * sim->node_count)
        sim_fail(sim, "messages without end");
    return sim->violation[0] == '\0';
}

bool sim_step(struct sim *sim)
{
    bool over = sim->violation[0] != '\0' || event_queue_first_us(&sim->agenda) == AGENDA_NEVER;
    return !over && step(sim);
}

bool sim_run(struct sim *sim, int64_t until_us)
{
    if (sim->violation[0] != '\0')
        return false;
    while (event_queue_first_us(&sim->agenda) <= until_us)
        if (!step(sim))
            return false;
    sim->now_us = until_us;
    return true;
}

static enum flood_outcome expect(const struct sim *sim, const struct node *node, uint32_t client,
                                 const struct location *draft)
{
    uint32_t held = node->holds[client];
    if (held == WORLD_NO_RECORD)
        return flood_clients(node->flood) >= sim->options.clients_max ? FLOOD_FULL : FLOOD_STORED;
    return draft->order_ns > sim->records[held].location.order_ns ? FLOOD_STORED : FLOOD_STALE;
}

/* On how many links the client's last change still waited and now took this one along. */
static uint32_t count_conflated(const struct node *node, const struct sim *sim)
{
    uint32_t conflated = 0;
    for (uint32_t i = 0; i < node->channel_count; i++) {
        struct flood_link link = flood_link(node->flood, i);
        conflated += link.up && link.head == sim->channels[node->first_channel + i].seen.head;
    }
    return conflated;
}

void sim_submit(struct sim *sim, uint32_t index, uint32_t client, enum sim_stamp stamp)
{
    struct node *node = &sim->nodes[index];
    if (node->flood == NULL || node->leave_us != WORLD_NEVER || sim->violation[0] != '\0')
        return;
    const struct location *draft = records_draft(sim, index, client, stamp);
    enum flood_outcome expected = expect(sim, node, client, draft);
    struct location told = *draft;
    enum flood_outcome outcome = flood_local(node->flood, &told);
    history_accept(sim, index, client, draft, outcome);
    if (outcome != expected)
        sim_fail(sim, "%s answered %d, not %d, to client %" PRIu32, sim->names[index], outcome,
                 expected, client);
    sim->counters->stale += outcome == FLOOD_STALE;
    sim->counters->full += outcome == FLOOD_FULL;
    if (outcome == FLOOD_STORED) {
        sim->counters->accepted++;
        sim->counters->conflated += count_conflated(node, sim);
        sim->counters->ties += records_keep(sim, index, client);
        node->hops[client] = 0;
    }
    watch_client(sim, index, client);
    watch_node(sim, index, 0);
    node_wants_turn(sim, index, sim->now_us + rng_between(&sim->rng, 0, sim->options.turn_us_max));
}

void sim_heal(struct sim *sim)
{
    sim->options.loss_permille = 0;
    sim->options.copy_permille = 0;
    sim->options.late_permille = 0;
    sim->options.forge_permille = 0;
    sim->healed_us = sim->now_us;
    if (sim->options.queue_max < SIM_QUEUE_MIN)
        sim->options.queue_max = SIM_QUEUE_MIN;
    for (uint32_t i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].leave_us != WORLD_NEVER || sim->nodes[i].strange || i >= sim->herd_count)
            sim_kill(sim, i);
    for (uint32_t i = 0; i < sim->herd_count; i++)
        sim_start(sim, i);
    for (uint32_t i = 0; i < sim->channel_count; i++)
        if (sim->channels[i].road != SIM_DEAD)
            sim_set_road(sim, sim->channels[i].from, sim->channels[i].to, SIM_OPEN);
}

uint32_t sim_hops_max(const struct sim *sim, uint32_t client)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (sim->nodes[i].hops[client] > most)
            most = sim->nodes[i].hops[client];
    return most;
}

void sim_expect_quiet(struct sim *sim, bool quiet)
{
    sim->quiet = quiet;
}
