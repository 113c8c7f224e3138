#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>

#include "bus/link/wire.h"

/* After the magic bytes and the head of the array, which has two bytes more where there are more
 * than 15 elements. */
#define HEAD_AT   3
#define KIND_AT   4
#define LONG_HEAD ((char)0xdc)

int message_kind(struct span message)
{
    size_t at = message.len > HEAD_AT && message.data[HEAD_AT] == LONG_HEAD ? KIND_AT + 2 : KIND_AT;
    int kind = message.len > at ? message.data[at] : 0;
    return kind > 0 && kind < SIM_KINDS ? kind : 0;
}

void history_open(const struct sim *sim)
{
    if (sim->options.history_client != SIM_NO_CLIENT)
        printf("%10s    %-9s %-8s %-8s  %s\n", "time", "what", "from", "to",
               "order time, stamp, origin and position");
}

static void print_location(const struct sim *sim, const char *what, const char *from,
                           const char *to, const struct location *location)
{
    printf("%10.6f s  %-9s %-8s %-8s  %" PRId64 "  %.*s  %.*s  %.*s\n", (double)sim->now_us / 1e6,
           what, from, to, location->order_ns, (int)location->stamp.len, location->stamp.data,
           (int)location->origin.len, location->origin.data, (int)location->position.len,
           location->position.data);
}

void history_message(const struct sim *sim, const char *what, const struct channel *channel,
                     struct span message)
{
    static struct wire_message read;
    if (sim->options.history_client >= sim->options.client_count ||
        wire_read(message, &read) != WIRE_GOOD || read.type != WIRE_UPDATE)
        return;
    struct span id = sim->clients[sim->options.history_client].id;
    for (uint32_t i = 0; i < read.location_count; i++)
        if (span_equals(read.locations[i].client, id))
            print_location(sim, what, sim->names[channel->from], sim->names[channel->to],
                           &read.locations[i]);
}

void history_accept(const struct sim *sim, uint32_t node, uint32_t client,
                    const struct location *location, enum flood_outcome outcome)
{
    static const char *const outcomes[] = {[FLOOD_STORED] = "stored",
                                           [FLOOD_STALE] = "stale",
                                           [FLOOD_FULL] = "full",
                                           [FLOOD_EXPIRED] = "expired"};
    if (sim->options.history_client == client)
        print_location(sim, outcomes[outcome], "client", sim->names[node], location);
}
