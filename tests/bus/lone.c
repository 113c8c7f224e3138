#include "tests/bus/lone.h"

#include <assert.h>
#include <poll.h>
#include <zmq.h>

#define LONES_MAX    8
#define TURN_WAIT_MS 5

void flood_receive(struct flood *flood, size_t peer, struct span message, int64_t now_ms)
{
    (void)now_ms;
    struct lone_peer *from = &flood->peers[peer];
    uint64_t number = 0;
    if (message.len >= sizeof number)
        memcpy(&number, message.data, sizeof number);
    if (from->received > 0 && number != from->last_number + 1)
        from->misordered++;
    from->last_number = number;
    from->last_bytes = message.len;
    from->received++;
    flood->received_in_turn++;
}

void flood_receive_parts(struct flood *flood, size_t peer, size_t frames, int64_t now_ms)
{
    (void)now_ms;
    flood->peers[peer].parts += frames;
}

size_t flood_next(struct flood *flood, size_t peer, int64_t now_ms, char *out)
{
    (void)now_ms;
    struct lone_peer *to = &flood->peers[peer];
    if (to->due == 0)
        return 0;
    flood->out = memset(out, 'z', flood->message_bytes);
    memcpy(out, &to->sent, sizeof to->sent);
    to->due--;
    to->sent++;
    to->has_much |= to->finds_much;
    return flood->message_bytes;
}

bool flood_has_much(const struct flood *flood, size_t peer)
{
    return flood->peers[peer].has_much;
}

void flood_refused(struct flood *flood, size_t peer, int64_t now_ms)
{
    (void)now_ms;
    struct lone_peer *to = &flood->peers[peer];
    to->due++;
    to->sent--;
    to->refused++;
    flood->refused_in_turn++;
}

void flood_connected(struct flood *flood, size_t peer, int64_t now_ms)
{
    (void)now_ms;
    flood->peers[peer].connections++;
}

struct flood_answers flood_answers(const struct flood *flood, size_t peer)
{
    const struct lone_peer *of = &flood->peers[peer];
    return (struct flood_answers){of->awaits, of->answers + of->received};
}

struct lone *lone_open_bus(const struct bus_options *options)
{
    struct lone *lone = calloc(1, sizeof *lone);
    assert(lone);
    struct fault fault;
    lone->bus = bus_open(options, &fault);
    if (!lone->bus) {
        fprintf(stderr, "%s: %s\n", options->name, fault.text);
        exit(2);
    }
    lone->flood.message_bytes = LONE_MESSAGE_BYTES_MIN;
    lone->peer_count = options->peer_count;
    lone->more = true;
    return lone;
}

struct lone *lone_open(const char *name, const char *endpoint, const struct bus_peer *peers,
                       size_t peer_count)
{
    return lone_open_bus(&(struct bus_options){
        .name = name, .endpoint = endpoint, .peers = peers, .peer_count = peer_count});
}

void lone_close(struct lone **lone, int linger_ms)
{
    bus_close(&(*lone)->bus, linger_ms);
    free(*lone);
    *lone = NULL;
}

static bool wants_to_send(const struct lone *lone)
{
    for (size_t i = 0; i < lone->peer_count; i++)
        if (lone->flood.peers[i].due > 0)
            return true;
    return false;
}

void lone_turn(struct lone *const *lones, size_t count)
{
    assert(count <= LONES_MAX);
    struct pollfd polled[LONES_MAX];
    int wait_ms = TURN_WAIT_MS;
    for (size_t i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = bus_descriptor(lones[i]->bus), .events = POLLIN};
        if (lones[i]->more || (wants_to_send(lones[i]) && lones[i]->flood.refused_in_turn == 0))
            wait_ms = 0;
    }
    poll(polled, count, wait_ms);
    for (size_t i = 0; i < count; i++) {
        struct lone *lone = lones[i];
        bool is_time = loopback_now_ms() + lone->ahead_ms >= bus_deadline_ms(lone->bus);
        if (polled[i].revents == 0 && !lone->more && !wants_to_send(lone) && !is_time)
            continue;
        lone->flood.received_in_turn = lone->flood.refused_in_turn = 0;
        lone->more = bus_turn(lone->bus, &lone->flood, loopback_now_ms() + lone->ahead_ms);
    }
}

bool lone_hear_each_other(struct lone *hub, struct lone *good)
{
    struct lone *both[] = {hub, good};
    struct lone_peer *out = &hub->flood.peers[0], *in = &good->flood.peers[0];
    uint64_t out_wanted = out->received + 1, in_wanted = in->received + 1;
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    out->due++;
    in->due++;
    while ((out->received < out_wanted || in->received < in_wanted) && loopback_now_ms() < until_ms)
        lone_turn(both, 2);
    return out->received == out_wanted && in->received == in_wanted && out->misordered == 0 &&
           in->misordered == 0;
}

void *lone_raw(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    int linger_ms = 0;
    int rc = zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert(rc == 0);
    return socket;
}
