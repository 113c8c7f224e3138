#include "tests/sim/world.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* More than any honest turn sends to one peer: the whole table in single locations. */
/* What a table takes at once beside a text: a chunk of records, a new index. */
#define TABLE_STEP_BYTES  20000
#define TURN_MESSAGES_MAX 20000
/* A herd that does more is chasing its own messages. */
#define STEPS_PER_NODE_MAX 200000
#define STEP_US_MIN        20000 /* on the average of a long world */
/* Steady clocks start anywhere, so that no code can depend on comparing two of them. */
#define CLOCK_MS_MAX 1000000000
/* Longer than it may take until what was lost before is sent again. */
#define STUCK_US_MAX ((LINK_ANSWER_MS + 1000) * INT64_C(1000))
/* A ceiling may be this old. */
#define CEILING_LAG_S 1
/* Far more than a world of so many nodes needs. */
#define HEAP_SPARE_BYTES (64 * 1024 * 1024)
#define HEAP_NODES_MAX   100
#define PAGES_BYTES_MIN  (128 * 1024)

void sim_choose_heap(uint32_t nodes)
{
    if (nodes > HEAP_NODES_MAX) {
        mallopt(M_MMAP_THRESHOLD, PAGES_BYTES_MIN);
        return;
    }
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
    node->clock.off_ns = rng_between(&sim->rng, -skew_s, skew_s) * 1000000000;
    if (sim->options.clocks != NULL && index < sim->herd_count)
        node->clock = sim->options.clocks[index];
    node->ended_us = INT64_MIN;
    journal_new(sim, index);
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
    sim->options.clocks = NULL; /* the caller's, and read */
    clocks_note(sim);
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
    sum->hellos_early += more->hellos_early;
    sum->incarnation_changes += more->incarnation_changes;
    sum->refusals += more->refusals;
    sum->digest_faults += more->digest_faults;
    sum->clients_refused += more->clients_refused;
    sum->locations_refused += more->locations_refused;
    sum->locations_expired += more->locations_expired;
    sum->bytes_refused += more->bytes_refused;
    sum->resyncs += more->resyncs;
    sum->resyncs_given_up += more->resyncs_given_up;
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
        journal_delete(&sim->nodes[i]);
        free(sim->nodes[i].holds);
        free(sim->nodes[i].hops);
    }
    records_close(sim);
    promises_delete(sim);
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

/* New connections to and from the node. One that mimics another takes that one's connections to its
 * neighbours; no node connects to the mimic itself. */
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

void node_dial(struct sim *sim, const struct node *node, struct channel *channel)
{
    static const struct dial_rules rules = {
        .away_ms = 10000, .away_two_keys_ms = 5000, .unanswered_ms = LINK_ANSWER_MS};
    static const struct keyring_keys no_keys;
    dial_start(&channel->dial, &rules, &no_keys, node_clock_ms(sim, node));
    channel->answers = 0;
    if (channel->road == SIM_DEAD)
        sim_set_road(sim, channel->from, channel->to, SIM_OPEN);
}

static void start(struct sim *sim, uint32_t index, bool strange)
{
    struct node *node = &sim->nodes[index];
    if (node->flood != NULL)
        return;
    struct span *peers = world_memory(node->channel_count, sizeof *peers);
    struct span *nodes = world_memory(sim->herd_count, sizeof *nodes);
    for (uint32_t i = 0; i < sim->herd_count; i++)
        nodes[i] = span_of(sim->names[i]);
    for (uint32_t i = 0; i < node_links(node); i++) {
        struct channel *channel = &sim->channels[node_channel(sim, node, i)];
        peers[i] = span_of(sim->names[channel->to]);
        node_dial(sim, node, channel);
    }
    uint32_t *kept = warm_keep(sim, index, strange);
    node->incarnation = rng_next(&sim->rng) | 1;
    node->promises = strange || index >= sim->herd_count ? 0 : sim->options.promises;
    struct flood_options options = {
        .herd = span_of(strange ? "strange" : "simulated"),
        .node = span_of(sim->names[index]),
        .peers = peers,
        .peer_count = node_links(node),
        .nodes = nodes,
        .node_count = sim->herd_count,
        .incarnation = node->incarnation,
        .clients_max = sim->options.clients_max,
        .table_bytes_max = sim->options.table_bytes_max,
        .expire_ms = sim->options.expire_ms,
        .forget = sim->options.expire_ms > 0,
        .nearby = true,
        .promises = node->promises,
    };
    for (size_t i = 0; i < sizeof options.hash_key; i++)
        options.hash_key[i] = (uint8_t)rng_next(&sim->rng);
    node->flood = flood_new(&options);
    node->strange = strange;
    free(peers);
    free(nodes);
    node->lives++;
    node_tell_clock(sim, node);
    node->leave_us = WORLD_NEVER;
    watch_new_life(sim, index);
    warm_load(sim, index, kept);
    journal_start(sim, index);
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
    journal_end(sim, index, node->leave_us != WORLD_NEVER);
    add_counters(&sim->counters->flood, flood_count(node->flood));
    flood_destroy(&node->flood);
    promises_end(sim, index);
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
    const struct channel *there = &sim->channels[node_channel(sim, node, (uint32_t)link)];
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

void node_pull_events(struct sim *sim, struct node *node)
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
        case LINK_DIGESTS_DIFFER:
            tamper_fault(sim, node_channel(sim, node, (uint32_t)event.peer));
            break;
        default:
            break; /* link_counters has it */
        }
    }
}

/* Replaces the connection to one peer if that is due, as bus/net/bus.c does. */
static void tend(struct sim *sim, const struct node *node, uint32_t link)
{
    struct channel *channel = &sim->channels[node_channel(sim, node, (uint32_t)link)];
    uint64_t answers = flood_answers(node->flood, link).count;
    if (answers != channel->answers)
        dial_answered(&channel->dial);
    channel->answers = answers;
    if (!dial_is_due(&channel->dial, node_clock_ms(sim, node)))
        return;
    dial_renew(&channel->dial, node_clock_ms(sim, node));
    sim->counters->renewals++;
    road_reconnect(sim, node_channel(sim, node, link));
    if (channel->road == SIM_DEAD)
        sim_set_road(sim, channel->from, channel->to, SIM_OPEN);
}

/* Sends what is due to one peer, until nothing is or the road refuses. */
static void send_due(struct sim *sim, struct node *node, uint32_t link)
{
    static char message[WIRE_MESSAGE_BYTES_MAX];
    uint32_t channel = node_channel(sim, node, link);
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
    for (uint32_t i = 0; i < node_links(node); i++) {
        const struct flood_link *link = &sim->channels[node_channel(sim, node, i)].seen;
        closed += link->in_flight > 0 && link->sent < link->head;
    }
    return closed;
}

static int64_t next_turn_us(struct sim *sim, uint32_t index)
{
    const struct node *node = &sim->nodes[index];
    int64_t now_ms = node_clock_ms(sim, node);
    int64_t deadline_ms = flood_deadline_ms(node->flood);
    int64_t wake_us = journal_next_us(sim, index);
    if (node->leave_us < wake_us)
        wake_us = node->leave_us;
    if (node_links(node) == 0 && node->waiting.count == 0 && sim->options.expire_ms == 0)
        return wake_us; /* no neighbour, nothing else to wait for */
    if (deadline_ms <= now_ms)
        sim_fail(sim, "%s spins: its deadline is %" PRId64 " ms ago after a whole turn",
                 sim->names[index], now_ms - deadline_ms);
    else if (deadline_ms > now_ms + 1000 && node_links(node) > 0)
        sim_fail(sim, "%s sleeps for %" PRId64 " ms", sim->names[index], deadline_ms - now_ms);
    int64_t deadline_us = node_clock_reaches_us(sim, node, deadline_ms);
    return deadline_us < wake_us ? deadline_us : wake_us;
}

static void take_turn(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    node_keep_clock(sim, node);
    for (uint32_t i = 0; i < node_links(node); i++)
        tend(sim, node, i);
    for (uint32_t i = 0; i < node_links(node); i++)
        send_due(sim, node, i);
    if (node_links(node) == 0)
        (void)flood_coalesces(node->flood, node_clock_ms(sim, node)); /* tells it the time */
    node_pull_events(sim, node);
    journal_take_turn(sim, index);
    promises_settle(sim, index);
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
    if (sim->steps > (STEPS_PER_NODE_MAX + (uint64_t)sim->now_us / STEP_US_MIN) * sim->node_count)
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

/* What the node said for want of bytes, or although it lacked them. */
static void watch_bytes(struct sim *sim, uint32_t index, const struct location *draft,
                        const struct flood_load *before, bool is_refused)
{
    struct flood_load after = flood_load(sim->nodes[index].flood);
    uint64_t max = sim->options.table_bytes_max, own = max - max / FLOOD_PEERS_PART;
    uint64_t wanted = draft->client.len + draft->position.len + draft->stamp.len;
    if (max == 0)
        return;
    if (is_refused && before->bytes + wanted + TABLE_STEP_BYTES <= own)
        sim_fail(sim, "%s refuses %" PRIu64 " bytes at %" PRIu64, sim->names[index], wanted,
                 before->bytes);
    if (after.bytes > own && after.bytes > before->bytes)
        sim_fail(sim, "%s has taken %" PRIu64 " bytes for a client", sim->names[index],
                 after.bytes);
}

/* On how many links the client's last change still waited and now took this one along. */
static uint32_t count_conflated(const struct node *node, const struct sim *sim)
{
    uint32_t conflated = 0;
    for (uint32_t i = 0; i < node_links(node); i++) {
        struct flood_link link = flood_link(node->flood, i);
        conflated += link.up && link.head == sim->channels[node_channel(sim, node, i)].seen.head;
    }
    return conflated;
}

/* Whether the node may say this to the draft: its ceiling was set by the last call that took a
 * time, a second ago at most. Gives the draft the order with which it was stored. */
static bool is_expected(struct sim *sim, uint32_t index, uint32_t client, uint64_t clients,
                        enum flood_outcome outcome, bool is_refused)
{
    const struct node *node = &sim->nodes[index];
    int64_t ceiling_ns = flood_time(node->flood, node_clock_ms(sim, node)).ceiling_ns;
    struct location found = {.order_ns = INT64_MIN};
    if (outcome == FLOOD_STORED)
        flood_look(node->flood, sim->clients[client].id, &found);
    for (int lag_s = 0; lag_s <= CEILING_LAG_S; lag_s += CEILING_LAG_S) {
        struct verdict due =
            truth_expect(sim, index, client, clients, ceiling_ns - lag_s * INT64_C(1000000000));
        if (outcome == FLOOD_FULL && due.outcome == FLOOD_STORED && is_refused)
            return true;
        if (due.outcome != outcome || (outcome == FLOOD_STORED && due.order_ns != found.order_ns))
            continue;
        sim->counters->bumps +=
            outcome == FLOOD_STORED && due.order_ns != sim->draft.location.order_ns;
        sim->counters->above += outcome == FLOOD_STORED && due.order_ns > ceiling_ns;
        sim->draft.location.order_ns = due.order_ns;
        return true;
    }
    return false;
}

/* What it answered is counted and judged; what it stored is part of the history. */
static void take_outcome(struct sim *sim, uint32_t index, uint32_t client,
                         enum flood_outcome outcome)
{
    struct node *node = &sim->nodes[index];
    sim->counters->stale += outcome == FLOOD_STALE;
    sim->counters->full += outcome == FLOOD_FULL;
    sim->counters->expired += outcome == FLOOD_EXPIRED;
    sim->counters->judged += sim->draft.counts;
    sim->clients[client].last_word = WORLD_NO_RECORD;
    if (outcome == FLOOD_STALE)
        truth_judge_stale(sim, index, client);
    if (outcome != FLOOD_STORED)
        return;
    sim->counters->accepted++;
    sim->counters->conflated += count_conflated(node, sim);
    sim->counters->ties += records_keep(sim, client);
    sim->clients[client].last_word = sim->clients[client].newest;
    node->hops[client] = 0;
}

void sim_submit(struct sim *sim, uint32_t index, uint32_t client, enum sim_stamp stamp)
{
    struct node *node = &sim->nodes[index];
    if (node->flood == NULL || node->leave_us != WORLD_NEVER || sim->violation[0] != '\0')
        return;
    node_keep_clock(sim, node);
    watch_client(sim, index, client); /* it may be over since */
    const struct location *draft = records_draft(sim, index, client, stamp);
    struct location submitted = *draft;
    struct flood_load before = flood_load(node->flood);
    uint64_t refused = flood_count(node->flood)->bytes_refused;
    enum flood_outcome outcome = flood_local(node->flood, &submitted);
    bool is_refused = flood_count(node->flood)->bytes_refused != refused;
    watch_bytes(sim, index, draft, &before, is_refused);
    history_accept(sim, index, client, draft, outcome);
    if (!is_expected(sim, index, client, before.clients, outcome, is_refused))
        sim_fail(sim, "%s answered %d to client %" PRIu32, sim->names[index], outcome, client);
    take_outcome(sim, index, client, outcome);
    watch_client(sim, index, client);
    if (outcome == FLOOD_STORED || outcome == FLOOD_STALE)
        promises_note(sim, index, client);
    watch_node(sim, index, 0);
    node_wants_turn(sim, index, sim->now_us + rng_between(&sim->rng, 0, sim->options.turn_us_max));
}

void sim_forget(struct sim *sim, uint32_t index, uint32_t client)
{
    struct node *node = &sim->nodes[index];
    struct location made, shown;
    if (node->flood == NULL || node->leave_us != WORLD_NEVER || sim->violation[0] != '\0')
        return;
    node_keep_clock(sim, node);
    watch_client(sim, index, client);
    struct span id = sim->clients[client].id;
    int64_t now_ms = node_clock_ms(sim, node);
    bool is_shown = flood_find(node->flood, id, &shown);
    bool is_met = flood_time(node->flood, now_ms).votes > 1;
    enum flood_outcome outcome =
        flood_forget(node->flood, id, node_wall_ns(sim, node), now_ms, &made);
    if (outcome == FLOOD_STORED ? !is_shown : is_shown && is_met)
        sim_fail(sim, "%s answered %d to who asked to forget client %" PRIu32, sim->names[index],
                 outcome, client);
    if (outcome == FLOOD_STORED) {
        sim->counters->forgotten++;
        records_forget(sim, index, client, &made);
        node->hops[client] = 0;
    }
    watch_client(sim, index, client);
    if (outcome == FLOOD_STORED)
        promises_note(sim, index, client);
    watch_node(sim, index, 0);
    node_wants_turn(sim, index, sim->now_us + rng_between(&sim->rng, 0, sim->options.turn_us_max));
}

void sim_heal(struct sim *sim)
{
    sim->options.loss_permille = 0;
    sim->options.copy_permille = 0;
    sim->options.late_permille = 0;
    sim->options.forge_permille = 0;
    sim->options.disks.fail_permille = 0;
    sim->options.disks.flip_permille = 0;
    sim->options.disks.lose_permille = 0;
    sim->healed_us = sim->now_us;
    if (sim->options.liar != SIM_NO_NODE)
        sim_kill(sim, sim->options.liar);
    sim->lied |= sim->options.liar != SIM_NO_NODE;
    sim->options.liar = SIM_NO_NODE;
    if (sim->options.queue_max < SIM_QUEUE_MIN)
        sim->options.queue_max = SIM_QUEUE_MIN;
    for (uint32_t i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].leave_us != WORLD_NEVER || sim->nodes[i].strange || i >= sim->herd_count)
            sim_kill(sim, i);
    for (uint32_t i = 0; i < sim->herd_count; i++)
        sim_start(sim, i);
    for (uint32_t i = 0; i < sim->herd_count; i++)
        sim_set_disk(sim, i, SIM_DISK_WELL);
    for (uint32_t i = 0; i < sim->channel_count; i++)
        sim->channels[i].injection = SIM_INJECT_NOTHING;
    relink_all(sim);
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
