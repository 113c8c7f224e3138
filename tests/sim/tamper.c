#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bus/link/wire.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS    (86400 * SECOND_NS)
/* After a fault the other end may see the same one before it is repaired. */
#define ECHO_US 10000000

/* One message at a time is looked into. */
static struct wire_message read;
static char written[WIRE_MESSAGE_BYTES_MAX];

static struct span write_again(void)
{
    read.written = (struct span){NULL, 0};
    return (struct span){written, wire_write(&read, written, sizeof written)};
}

bool tamper_is_due(const struct sim *sim, const struct channel *channel)
{
    return channel->injection != SIM_INJECT_NOTHING || channel->from == sim->options.liar ||
           (sim->options.old_nodes != 0 &&
            (node_is_old(sim, channel->from) || node_is_old(sim, channel->to)));
}

/* ---- A neighbour of the version before -------------------------------------------------- */

/* As the older one writes it, and as it reads a newer one's. */
static struct span strip(struct sim *sim, struct span message)
{
    sim->counters->stripped++;
    if (read.type == WIRE_CHECK || read.type == WIRE_LIST || read.type == WIRE_WANT)
        return (struct span){message.data, 0};
    if (read.type == WIRE_HELLO)
        read.version = 1;
    else if (read.type != WIRE_UPDATE && read.type != WIRE_ACK && read.type != WIRE_HEARTBEAT)
        return message;
    read.has_checks = false;
    return write_again();
}

/* ---- A liar ----------------------------------------------------------------------------- */

static void forge_order(struct sim *sim, struct location *location)
{
    static const int64_t aheads_ns[] = {8 * SECOND_NS, 30 * SECOND_NS, DAY_NS, 30000 * DAY_NS,
                                        -DAY_NS};
    location->order_ns = world_true_ns(sim) + aheads_ns[rng_below(&sim->rng, 5)];
    location->origin = span_of(sim->names[rng_below(&sim->rng, sim->herd_count)]);
    sim->counters->above += location->order_ns > world_true_ns(sim) + 10 * SECOND_NS;
    records_forge(sim, location);
}

/* Numbers, digests and ids are invented. */
static struct span lie_of_table(struct sim *sim, struct span message)
{
    static char bin[WIRE_RANGES_MAX * 4];
    bool has_bin = read.type == WIRE_CHECK || read.type == WIRE_LIST || read.type == WIRE_WANT;
    if (read.type == WIRE_HELLO)
        read.clients = rng_below(&sim->rng, 2 * sim->options.client_count);
    else if (read.type == WIRE_HEARTBEAT)
        read.whole = 1 + rng_below(&sim->rng, 1000);
    else if (!has_bin)
        return message;
    if (has_bin) {
        memcpy(bin, read.bin.data, read.bin.len);
        for (size_t i = 0; i < read.bin.len; i += 4)
            bin[i] = (char)(bin[i] + (rng_chance(&sim->rng, 300) ? 1 : 0));
        read.bin.data = bin;
    }
    return write_again();
}

static struct span lie(struct sim *sim, struct span message)
{
    sim->counters->lies++;
    if (sim->options.lies_of_tables)
        return lie_of_table(sim, message);
    for (uint32_t i = 0;
         i < read.clock_count && (read.type == WIRE_HELLO || read.type == WIRE_HEARTBEAT); i++) {
        read.clocks[i].step += i > 0;
        read.clocks[i].wall_ns += 3 * DAY_NS;
        read.clocks[i].age_ms = 0;
    }
    if (read.type == WIRE_HEARTBEAT)
        read.whole = 1 + rng_below(&sim->rng, 1000);
    else if (read.type == WIRE_UPDATE && read.location_count > 0)
        forge_order(sim, &read.locations[rng_below(&sim->rng, read.location_count)]);
    else if (read.type != WIRE_HELLO)
        return message;
    return write_again();
}

/* ---- Differences ------------------------------------------------------------------------ */

static bool is_open(const struct injection *injection)
{
    return !injection->seen && !injection->gone;
}

/* One a client: a range whose repair is spoilt as well waits a minute for the next (C8). */
static bool is_injected(const struct sim *sim, uint32_t client)
{
    for (uint32_t i = 0; i < sim->injection_count; i++)
        if (sim->injections[i].client == client)
            return true;
    return false;
}

static void change_digit(struct location *location, char *position)
{
    memcpy(position, location->position.data, location->position.len);
    char *last = position + location->position.len - 1;
    *last = *last == '0' ? '1' : '0';
    location->position.data = position;
}

/* Any location of the message, or where there is none to choose the last. */
static uint32_t choose_location(struct sim *sim)
{
    uint32_t count = read.location_count, chosen = rng_below(&sim->rng, count), left = count - 1;
    while (left-- > 0 &&
           records_client(sim, read.locations[chosen].client) < sim->options.injected_from)
        chosen = (chosen + 1) % count;
    return chosen;
}

/* After a rewind a client may stand twice in a message; the second copy would heal what the first
 * one brings at once. */
static bool is_there_twice(uint32_t chosen)
{
    for (uint32_t i = 0; i < read.location_count; i++)
        if (i != chosen && span_equals(read.locations[i].client, read.locations[chosen].client))
            return true;
    return false;
}

static struct span inject(struct sim *sim, uint32_t index, struct span message)
{
    static const int64_t aheads_ns[] = {30 * SECOND_NS, 60 * SECOND_NS, 3600 * SECOND_NS, DAY_NS,
                                        30000 * DAY_NS};
    static char position[LOCATION_TEXT_BYTES_MAX];
    struct channel *channel = &sim->channels[index];
    if (read.type != WIRE_UPDATE || read.location_count == 0)
        return message;
    uint32_t chosen = choose_location(sim);
    uint32_t client = records_client(sim, read.locations[chosen].client);
    if (client < sim->options.injected_from || is_injected(sim, client) || is_there_twice(chosen) ||
        sim->injection_count == WORLD_INJECTIONS_MAX)
        return message;
    if (channel->injection == SIM_INJECT_LOSS) {
        read.locations[chosen] = read.locations[--read.location_count];
    } else {
        if (channel->injection == SIM_INJECT_DIGIT)
            change_digit(&read.locations[chosen], position);
        else
            read.locations[chosen].order_ns += aheads_ns[rng_below(&sim->rng, 5)];
        records_forge(sim, &read.locations[chosen]);
    }
    /* What lies above the ceiling now is below it one day. */
    sim->clients[client].lied |= channel->injection == SIM_INJECT_AHEAD;
    sim->counters->above += channel->injection == SIM_INJECT_AHEAD;
    sim->injections[sim->injection_count++] =
        (struct injection){.channel = index,
                           .client = client,
                           .made_us = sim->now_us,
                           .is_ahead = channel->injection == SIM_INJECT_AHEAD};
    sim->counters->injected += channel->injection != SIM_INJECT_AHEAD;
    channel->injection = SIM_INJECT_NOTHING;
    return write_again();
}

void sim_inject(struct sim *sim, uint32_t from, uint32_t to, enum sim_injection kind)
{
    for (uint32_t i = 0; i < sim->channel_count; i++)
        if (sim->channels[i].from == from && sim->channels[i].to == to)
            sim->channels[i].injection = kind;
}

static bool is_there(const struct sim *sim, const struct injection *injection)
{
    const struct channel *channel = &sim->channels[injection->channel];
    return sim->nodes[channel->from].holds[injection->client] !=
           sim->nodes[channel->to].holds[injection->client];
}

static bool is_on(const struct sim *sim, const struct injection *injection, uint32_t channel)
{
    return injection->channel == channel || injection->channel == sim->channels[channel].back;
}

static int64_t seen_us_max(const struct sim *sim)
{
    return sim->options.full_links ? SIM_SEEN_FULL_US_MAX : SIM_SEEN_US_MAX;
}

static void see(struct sim *sim, struct injection *injection)
{
    int64_t after_us = sim->now_us - injection->made_us;
    injection->seen = true;
    if (injection->is_ahead)
        return; /* the ceilings of both may explain it for a while */
    sim->counters->injected_seen++;
    sim->counters->injected_seen_late += after_us > SIM_SEEN_US && !sim->options.full_links;
    if (after_us > sim->counters->seen_us_max)
        sim->counters->seen_us_max = after_us;
    if (after_us > seen_us_max(sim))
        sim_fail(sim, "a difference was found after %.1f s", (double)after_us / 1e6);
}

void tamper_fault(struct sim *sim, uint32_t channel)
{
    bool injected = false;
    for (uint32_t i = 0; i < sim->injection_count; i++) {
        struct injection *injection = &sim->injections[i];
        if (!is_on(sim, injection, channel))
            continue;
        injected |= sim->now_us - injection->made_us < seen_us_max(sim) + ECHO_US;
        if (is_open(injection) && is_there(sim, injection))
            see(sim, injection);
    }
    if (!injected && !sim->forged && !sim->options.faults_excused)
        sim_fail(sim, "%s and %s call a difference a fault that nobody made",
                 sim->names[sim->channels[channel].from], sim->names[sim->channels[channel].to]);
}

void tamper_changed(struct sim *sim, uint32_t node, uint32_t client)
{
    for (uint32_t i = 0; i < sim->injection_count; i++) {
        struct injection *injection = &sim->injections[i];
        const struct channel *channel = &sim->channels[injection->channel];
        if (injection->client != client || !is_open(injection) ||
            (channel->from != node && channel->to != node) || is_there(sim, injection))
            continue;
        injection->gone = true;
        sim->counters->healed_unseen++;
    }
}

bool sim_has_unseen(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->injection_count; i++)
        if (is_open(&sim->injections[i]) && is_there(sim, &sim->injections[i]))
            return true;
    return false;
}

struct span tamper(struct sim *sim, uint32_t index, struct span message)
{
    const struct channel *channel = &sim->channels[index];
    if (wire_read(message, &read) != WIRE_GOOD)
        return message;
    if (channel->injection != SIM_INJECT_NOTHING)
        return inject(sim, index, message);
    if (channel->from == sim->options.liar)
        return lie(sim, message);
    return strip(sim, message);
}
