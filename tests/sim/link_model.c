#include "tests/sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/link/wire.h"

static struct parcel *pack(struct sim *sim, uint32_t channel, struct span message)
{
    struct parcel *parcel = malloc(sizeof *parcel + message.len);
    if (parcel == NULL) {
        perror("road");
        exit(2);
    }
    *parcel = (struct parcel){
        .channel = channel,
        .generation = sim->channels[channel].generation,
        .word = message_kind(message) != WIRE_HEARTBEAT,
        .bytes = message.len,
    };
    memcpy(parcel->message, message.data, message.len);
    sim->words += parcel->word;
    return parcel;
}

/* It arrives after everything else that is on this connection. */
static void send_in_order(struct sim *sim, struct parcel *parcel)
{
    struct channel *channel = &sim->channels[parcel->channel];
    if (channel->free_us < sim->now_us)
        channel->free_us = sim->now_us;
    if (sim->options.rate_bytes_per_s > 0)
        channel->free_us += (int64_t)parcel->bytes * 1000000 / sim->options.rate_bytes_per_s;
    int64_t arrival_us = channel->free_us + rng_between(&sim->rng, sim->options.latency_us_min,
                                                        sim->options.latency_us_max);
    if (arrival_us < channel->last_arrival_us)
        arrival_us = channel->last_arrival_us;
    channel->last_arrival_us = arrival_us;
    event_queue_push(&sim->agenda, arrival_us, parcel);
}

/* Beside the connection, at any time. */
static void send_late(struct sim *sim, struct parcel *parcel)
{
    parcel->late = true;
    sim->late_parcels++;
    event_queue_push(&sim->agenda,
                     sim->now_us + rng_between(&sim->rng, 0, sim->options.late_us_max), parcel);
}

/* Takes what it never delivers. */
static bool is_gap(enum sim_road road)
{
    return road == SIM_LOSING || road == SIM_DEAD;
}

static bool is_broken(enum sim_road road)
{
    return is_gap(road) || road == SIM_REFUSING;
}

/* Changes the last digit of one position in an UPDATE: a lie no decoder can see. */
static void forge(struct sim *sim, struct parcel *parcel)
{
    static struct wire_message read;
    if (wire_read((struct span){parcel->message, parcel->bytes}, &read) != WIRE_GOOD ||
        read.type != WIRE_UPDATE || read.location_count == 0)
        return;
    const struct location *location = &read.locations[rng_below(&sim->rng, read.location_count)];
    ptrdiff_t digit = location->position.data - parcel->message + (ptrdiff_t)location->position.len;
    parcel->message[digit - 1] = parcel->message[digit - 1] == '0' ? '1' : '0';
    records_forge(sim, location);
    sim->forged = true;
    sim->counters->forged++;
}

static void count_check(struct sim *sim, struct span message)
{
    static struct wire_message read;
    if (wire_read(message, &read) == WIRE_GOOD && read.level <= WIRE_LEVEL_MAX)
        sim->counters->checks[read.level]++;
}

bool road_send(struct sim *sim, uint32_t index, struct span message)
{
    struct channel *channel = &sim->channels[index];
    if (channel->road == SIM_REFUSING || channel->queued >= sim->options.queue_max ||
        (sim->nodes[channel->to].flood == NULL && !is_gap(channel->road))) {
        sim->counters->refused++;
        history_message(sim, "refused", channel, message);
        return false;
    }
    int kind = message_kind(message);
    sim->counters->sent[kind]++;
    sim->counters->sent_bytes += message.len;
    if (kind == WIRE_CHECK)
        count_check(sim, message);
    if (sim->quiet && kind != WIRE_HEARTBEAT)
        sim_fail(sim, "%s breaks the silence with a message of kind %d to %s",
                 sim->names[channel->from], kind, sim->names[channel->to]);
    if (is_gap(channel->road) || rng_chance(&sim->rng, sim->options.loss_permille)) {
        sim->counters->lost++;
        history_message(sim, "lost", channel, message);
        return true;
    }
    if (tamper_is_due(sim, channel)) {
        message = tamper(sim, index, message);
        if (message.len == 0)
            return true;
    }
    history_message(sim, "sent", channel, message);
    struct parcel *parcel = pack(sim, index, message);
    if (rng_chance(&sim->rng, sim->options.forge_permille))
        forge(sim, parcel);
    if (rng_chance(&sim->rng, sim->options.copy_permille)) {
        sim->counters->copies++;
        send_late(sim, pack(sim, index, (struct span){parcel->message, parcel->bytes}));
    }
    channel->queued++;
    send_in_order(sim, parcel);
    return true;
}

/* The table has changed: by what this message carried, and by nothing else. How many clients
 * changed.
 */
static uint32_t watch_told(struct sim *sim, const struct channel *channel, struct span message)
{
    static struct wire_message read;
    uint32_t changes = 0;
    if (wire_read(message, &read) != WIRE_GOOD || read.type != WIRE_UPDATE)
        return 0;
    for (uint32_t i = 0; i < read.location_count; i++) {
        uint32_t client = records_client(sim, read.locations[i].client);
        if (!watch_client(sim, channel->to, client))
            continue;
        changes++;
        sim->nodes[channel->to].hops[client] =
            (uint16_t)(sim->nodes[channel->from].hops[client] + 1);
    }
    return changes;
}

static void hand_over(struct sim *sim, const struct channel *channel, const struct parcel *parcel)
{
    struct node *node = &sim->nodes[channel->to];
    struct span message = {parcel->message, parcel->bytes};
    uint32_t link = channel_link(sim, channel->back);
    history_message(sim, parcel->late ? "came late" : "came", channel, message);
    if (link == WORLD_NO_LINK)
        return; /* of a stranger */
    flood_receive(node->flood, link, message, node_clock_ms(sim, node));
    uint32_t changes =
        flood_digest(node->flood) == node->digest ? 0 : watch_told(sim, channel, message);
    watch_node(sim, channel->to, changes);
    node_wants_turn(sim, channel->to,
                    sim->now_us + rng_between(&sim->rng, 0, sim->options.turn_us_max));
}

static void hold(struct channel *channel, struct parcel *parcel)
{
    if (channel->held_first == NULL)
        channel->held_first = parcel;
    else
        channel->held_last->next = parcel;
    channel->held_last = parcel;
}

void road_arrive(struct sim *sim, struct parcel *parcel)
{
    struct channel *channel = &sim->channels[parcel->channel];
    bool alive = sim->nodes[channel->to].flood != NULL && !is_broken(channel->road);
    if (parcel->late) {
        sim->late_parcels--;
        if (alive) {
            sim->counters->stragglers++;
            hand_over(sim, channel, parcel);
        }
    } else if (parcel->generation != channel->generation) {
        if (rng_chance(&sim->rng, sim->options.late_permille)) {
            send_late(sim, parcel);
            return;
        }
        sim->counters->lost_in_flight++;
    } else if (channel->road == SIM_CLOGGED) {
        hold(channel, parcel);
        return;
    } else {
        assert(alive);
        channel->queued--;
        hand_over(sim, channel, parcel);
    }
    sim->words -= parcel->word;
    free(parcel);
}

void road_reconnect(struct sim *sim, uint32_t index)
{
    struct channel *channel = &sim->channels[index];
    channel->generation++;
    channel->queued = 0;
    channel->last_arrival_us = channel->free_us = channel->opened_us = sim->now_us;
    for (struct parcel *parcel = channel->held_first; parcel != NULL;) {
        struct parcel *next = parcel->next;
        parcel->next = NULL;
        event_queue_push(&sim->agenda, sim->now_us, parcel);
        parcel = next;
    }
    channel->held_first = NULL;
}

uint32_t road_find(const struct sim *sim, uint32_t from, uint32_t to)
{
    const struct node *node = &sim->nodes[from];
    uint32_t channel = node->first_channel;
    while (sim->channels[channel].to != to) {
        channel++;
        assert(channel < node->first_channel + node->channel_count);
    }
    return channel;
}

void sim_set_road(struct sim *sim, uint32_t from, uint32_t to, enum sim_road road)
{
    uint32_t index = road_find(sim, from, to);
    struct channel *channel = &sim->channels[index];
    enum sim_road before = channel->road;
    channel->road = road;
    if (before != road)
        channel->opened_us = sim->now_us;
    sim->counters->roads[road] += road != before;
    if (is_broken(before) != is_broken(road)) {
        road_reconnect(sim, index);
    } else if (before == SIM_CLOGGED && road == SIM_OPEN) {
        struct parcel *parcel = channel->held_first;
        channel->held_first = NULL;
        while (parcel != NULL) {
            struct parcel *next = parcel->next;
            parcel->next = NULL;
            send_in_order(sim, parcel);
            parcel = next;
        }
    }
}
