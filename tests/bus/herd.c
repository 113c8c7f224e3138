#include "tests/bus/herd.h"

#include <assert.h>
#include <poll.h>

#include "bus/net/entropy.h"

/* How long a node waits for its last words to be taken, and then for them to leave. */
#define GOODBYE_MS 2000
#define LINGER_MS  200

static const char *const names[HERD_NODES_MAX] = {"Alford", "Ball",     "Hamilton", "Holiday",
                                                  "Welsh",  "Campbell", "Jaquez",   "Juzang"};

void herd_init(struct herd *herd, size_t count, const struct herd_link *links, size_t link_count)
{
    assert(count <= HERD_NODES_MAX);
    *herd = (struct herd){.count = count};
    for (size_t i = 0; i < count; i++) {
        herd->nodes[i].name = names[i];
        loopback_endpoint(herd->nodes[i].endpoint);
    }
    for (size_t i = 0; i < link_count; i++) {
        struct herd_node *a = &herd->nodes[links[i].a], *b = &herd->nodes[links[i].b];
        a->peers[a->peer_count++] = links[i].b;
        b->peers[b->peer_count++] = links[i].a;
    }
}

static struct flood *make_flood(const struct herd *herd, const struct herd_node *node)
{
    struct span peers[HERD_NODES_MAX];
    for (size_t i = 0; i < node->peer_count; i++)
        peers[i] = span_of(herd->nodes[node->peers[i]].name);
    struct span nodes[HERD_NODES_MAX];
    for (size_t i = 0; i < herd->topology_count; i++)
        nodes[i] = span_of(herd->nodes[i].name);
    struct flood_options options = {.herd = span_of("test"),
                                    .node = span_of(node->name),
                                    .peers = peers,
                                    .peer_count = node->peer_count,
                                    .incarnation = entropy_number(),
                                    .nodes = nodes,
                                    .node_count = herd->topology_count,
                                    .promises = herd->promises,
                                    .clients_max = node->clients_max > 0 ? node->clients_max
                                                                         : FLOOD_CLIENTS_DEFAULT};
    return flood_new(&options);
}

void herd_start(struct herd *herd, size_t number)
{
    struct herd_node *node = &herd->nodes[number];
    assert(!node->bus);
    struct bus_peer peers[HERD_NODES_MAX];
    for (size_t i = 0; i < node->peer_count; i++) {
        const struct herd_node *peer = &herd->nodes[node->peers[i]];
        peers[i] = (struct bus_peer){peer->name, peer->endpoint};
    }
    struct bus_options options = {.name = node->name,
                                  .endpoint = node->endpoint,
                                  .peers = peers,
                                  .peer_count = node->peer_count};
    struct fault fault;
    node->bus = bus_open(&options, &fault);
    if (!node->bus) {
        fprintf(stderr, "%s: %s\n", node->name, fault.text);
        exit(2);
    }
    node->flood = make_flood(herd, node);
    node->more = true;
}

static void close_node(struct herd_node *node, int linger_ms)
{
    bus_close(&node->bus, linger_ms);
    flood_destroy(&node->flood);
}

void herd_kill(struct herd *herd, size_t node)
{
    close_node(&herd->nodes[node], 0);
}

void herd_stop(struct herd *herd, size_t number)
{
    struct herd_node *node = &herd->nodes[number];
    flood_say_goodbye(node->flood);
    node->has_news = true;
    int64_t until_ms = loopback_now_ms() + GOODBYE_MS;
    while (!flood_is_over(node->flood) && loopback_now_ms() < until_ms)
        herd_turn(herd);
    close_node(node, LINGER_MS);
}

void herd_end(struct herd *herd)
{
    for (size_t i = 0; i < herd->count; i++)
        close_node(&herd->nodes[i], 0);
}

static void pull_events(struct herd_node *node)
{
    struct link_event event;
    while (flood_next_event(node->flood, &event))
        node->downs += event.kind == LINK_DOWN;
}

void herd_turn(struct herd *herd)
{
    struct pollfd polled[HERD_NODES_MAX];
    int64_t now_ms = loopback_now_ms(), wake_ms = now_ms + 1000;
    for (size_t i = 0; i < herd->count; i++) {
        const struct herd_node *node = &herd->nodes[i];
        polled[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (!node->bus)
            continue;
        polled[i].fd = bus_descriptor(node->bus);
        int64_t due_ms = node->more || node->has_news ? now_ms : flood_deadline_ms(node->flood);
        wake_ms = due_ms < wake_ms ? due_ms : wake_ms;
    }
    poll(polled, herd->count, wake_ms > now_ms ? (int)(wake_ms - now_ms) : 0);

    now_ms = loopback_now_ms();
    for (size_t i = 0; i < herd->count; i++) {
        struct herd_node *node = &herd->nodes[i];
        if (!node->bus || (polled[i].revents == 0 && !node->more && !node->has_news &&
                           flood_deadline_ms(node->flood) > now_ms))
            continue;
        node->has_news = false;
        node->more = bus_turn(node->bus, node->flood, now_ms);
        pull_events(node);
    }
}

void herd_say(struct herd *herd, size_t number, const char *client, int64_t stamp_ns)
{
    struct herd_node *node = &herd->nodes[number];
    char stamp[32], position[32];
    snprintf(stamp, sizeof stamp, "%" PRId64 ".%09" PRId64, stamp_ns / 1000000000,
             stamp_ns % 1000000000);
    snprintf(position, sizeof position, "+34.%06" PRId64 "-118.445127", stamp_ns % 1000000);
    struct location location = {.client = span_of(client),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .difference_ns = 263873386 + (int64_t)number,
                                .order_ns = stamp_ns};
    CHECK_INT(flood_local(node->flood, &location), FLOOD_STORED);
    node->has_news = true;
}

bool herd_is_linked(const struct herd *herd)
{
    for (size_t i = 0; i < herd->count; i++) {
        const struct herd_node *node = &herd->nodes[i];
        for (size_t peer = 0; node->bus && peer < node->peer_count; peer++)
            if (herd->nodes[node->peers[peer]].bus && !flood_link(node->flood, peer).up)
                return false;
    }
    return true;
}

bool herd_agrees(const struct herd *herd, uint32_t clients)
{
    const struct flood *first = NULL;
    for (size_t i = 0; i < herd->count; i++) {
        const struct flood *flood = herd->nodes[i].flood;
        if (!flood)
            continue;
        if (!first)
            first = flood;
        if (flood_clients(flood) != clients || flood_digest(flood) != flood_digest(first))
            return false;
    }
    return first != NULL;
}

bool herd_is_sound(const struct herd *herd)
{
    for (size_t i = 0; i < herd->count; i++)
        if (herd->nodes[i].flood && !flood_is_sound(herd->nodes[i].flood))
            return false;
    return true;
}
