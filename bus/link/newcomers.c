#include "bus/link/newcomers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

#define NOWHERE         SIZE_MAX
#define IPV4_FROM_BYTES 12
/* Newcomers compared to find one whose address has many: one whose address has few is hardly ever
 * ended. */
#define DRAWS 4
/* Strangers get one descriptor in this many. */
#define OF_DESCRIPTORS 16

static const struct newcomers_address unknown;
static const uint8_t mapped[IPV4_FROM_BYTES] = {[10] = 0xff, [11] = 0xff};

size_t newcomers_strangers_max(size_t descriptors)
{
    size_t share = descriptors / OF_DESCRIPTORS;
    if (share > NEWCOMERS_STRANGERS_MAX)
        return NEWCOMERS_STRANGERS_MAX;
    return share > 0 ? share : 1;
}

void newcomers_make(struct newcomers *newcomers, size_t neighbours, size_t strangers, uint64_t seed)
{
    assert(strangers > 0 && strangers <= NEWCOMERS_STRANGERS_MAX);
    size_t share =
        strangers < NEWCOMERS_PER_ADDRESS_MAX ? strangers : (size_t)NEWCOMERS_PER_ADDRESS_MAX;
    *newcomers = (struct newcomers){.neighbours = neighbours,
                                    .places = neighbours + strangers,
                                    .per_address = neighbours + share,
                                    .drawn = seed | 1};
    newcomers->all = bytes_resize(NULL, newcomers->places * sizeof *newcomers->all);
}

void newcomers_free(struct newcomers *newcomers)
{
    free(newcomers->all);
    *newcomers = (struct newcomers){0};
}

void newcomers_expect(struct newcomers *newcomers, size_t neighbours)
{
    size_t more = neighbours > newcomers->neighbours ? neighbours - newcomers->neighbours : 0;
    newcomers->neighbours += more;
    newcomers->places += more;
    newcomers->per_address += more;
    newcomers->all = bytes_resize(newcomers->all, newcomers->places * sizeof *newcomers->all);
}

static bool is_same(const struct newcomers_address *a, const struct newcomers_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- who is there ---- */

static size_t find(const struct newcomers *newcomers, int descriptor)
{
    for (size_t i = 0; i < newcomers->count; i++)
        if (newcomers->all[i].descriptor == descriptor)
            return i;
    return NOWHERE;
}

static struct newcomer take_out(struct newcomers *newcomers, size_t at)
{
    struct newcomer taken = newcomers->all[at];
    newcomers->count--;
    memmove(&newcomers->all[at], &newcomers->all[at + 1],
            (newcomers->count - at) * sizeof *newcomers->all);
    return taken;
}

/* The algorithm of Misra and Gries: where no counter is free, all lose one. */
static void count_trouble(struct newcomers *newcomers, const struct newcomers_address *address)
{
    size_t at = 0, unused = NOWHERE;
    for (; at < NEWCOMERS_BUSIEST_MAX; at++) {
        if (newcomers->busiest[at].count == 0)
            unused = at;
        else if (is_same(&newcomers->busiest[at].address, address))
            break;
    }
    if (at == NEWCOMERS_BUSIEST_MAX && unused != NOWHERE) {
        at = unused;
        newcomers->busiest[at].address = *address;
    }
    if (at < NEWCOMERS_BUSIEST_MAX) {
        newcomers->busiest[at].count++;
        return;
    }
    for (size_t i = 0; i < NEWCOMERS_BUSIEST_MAX; i++)
        newcomers->busiest[i].count--;
}

static size_t count_address(const struct newcomers *newcomers,
                            const struct newcomers_address *address)
{
    size_t count = 0;
    for (size_t i = 0; i < newcomers->count; i++)
        count += is_same(&newcomers->all[i].address, address);
    return count;
}

/* A number below `bound`, by xorshift (Marsaglia 2003). */
static size_t draw(struct newcomers *newcomers, size_t bound)
{
    newcomers->drawn ^= newcomers->drawn << 13;
    newcomers->drawn ^= newcomers->drawn >> 7;
    newcomers->drawn ^= newcomers->drawn << 17;
    return (size_t)(newcomers->drawn % bound);
}

static size_t draw_of_address(struct newcomers *newcomers, const struct newcomers_address *address,
                              size_t of_address)
{
    size_t at = 0, left = draw(newcomers, of_address);
    while (!is_same(&newcomers->all[at].address, address) || left-- > 0)
        at++;
    return at;
}

static size_t draw_of_the_crowd(struct newcomers *newcomers)
{
    size_t chosen = NOWHERE, most = 0;
    for (int drawn = 0; drawn < DRAWS; drawn++) {
        size_t at = draw(newcomers, newcomers->count);
        size_t of_address = count_address(newcomers, &newcomers->all[at].address);
        if (of_address > most) {
            chosen = at;
            most = of_address;
        }
    }
    return chosen;
}

/* Who makes way for another of this address, or NOWHERE. */
static size_t choose_surplus(struct newcomers *newcomers, const struct newcomers_address *address)
{
    size_t of_address = count_address(newcomers, address);
    if (of_address == newcomers->per_address)
        return draw_of_address(newcomers, address, of_address);
    return newcomers->count == newcomers->places ? draw_of_the_crowd(newcomers) : NOWHERE;
}

void newcomers_leave(struct newcomers *newcomers, int descriptor)
{
    size_t at = find(newcomers, descriptor);
    if (at == NOWHERE)
        return;
    struct newcomer left = take_out(newcomers, at);
    newcomers->unfinished++;
    count_trouble(newcomers, &left.address);
}

bool newcomers_accept(struct newcomers *newcomers, const struct newcomer *accepted,
                      struct newcomer *surplus)
{
    /* ZeroMQ closes a connection without a word where another takes its routing id. */
    newcomers_leave(newcomers, accepted->descriptor);
    size_t at = choose_surplus(newcomers, &accepted->address);
    if (at != NOWHERE) {
        *surplus = take_out(newcomers, at);
        newcomers->refused++;
        count_trouble(newcomers, &surplus->address);
    }
    newcomers->all[newcomers->count++] = *accepted;
    if (newcomers->count > newcomers->most_at_once)
        newcomers->most_at_once = newcomers->count;
    return at != NOWHERE;
}

bool newcomers_has(const struct newcomers *newcomers, int descriptor)
{
    return find(newcomers, descriptor) != NOWHERE;
}

void newcomers_prove(struct newcomers *newcomers, int descriptor,
                     const struct newcomers_address *address)
{
    size_t at = find(newcomers, descriptor);
    if (at != NOWHERE && is_same(&newcomers->all[at].address, address))
        take_out(newcomers, at);
}

void newcomers_refuse_key(struct newcomers *newcomers)
{
    newcomers->keys_refused++;
}

/* ---- news ---- */

/* Who was the busiest since this was asked last. */
static struct newcomers_address take_busiest(struct newcomers *newcomers)
{
    size_t most = 0;
    for (size_t i = 1; i < NEWCOMERS_BUSIEST_MAX; i++)
        if (newcomers->busiest[i].count > newcomers->busiest[most].count)
            most = i;
    bool stands_out = newcomers->busiest[most].count > 0;
    struct newcomers_address address = stands_out ? newcomers->busiest[most].address : unknown;
    memset(newcomers->busiest, 0, sizeof newcomers->busiest);
    return address;
}

bool newcomers_next_news(struct newcomers *newcomers, struct newcomers_news *news)
{
    /* A connection whose key was refused ends a moment later, and counts as unfinished then. */
    uint64_t unfinished = newcomers->unfinished_growth.logged;
    if (newcomers->unfinished > unfinished + newcomers->keys_refused)
        unfinished = newcomers->unfinished - newcomers->keys_refused;
    *news = (struct newcomers_news){
        .refused = growth_take(&newcomers->refused_growth, newcomers->refused),
        .unfinished = growth_take(&newcomers->unfinished_growth, unfinished),
        .most_at_once = newcomers->most_at_once,
        .places = newcomers->places,
        .busiest = take_busiest(newcomers)};
    newcomers->most_at_once = newcomers->count;
    return news->refused > 0 || news->unfinished > 0 ||
           100 * news->most_at_once >= NEWCOMERS_WARNING_PERCENT * news->places;
}

/* ---- addresses ---- */

struct newcomers_address newcomers_read_address(const char *text)
{
    struct newcomers_address address = unknown;
    char alone[INET6_ADDRSTRLEN];
    size_t bytes = strcspn(text, "%");
    if (bytes >= sizeof alone)
        return unknown;
    memcpy(alone, text, bytes);
    alone[bytes] = '\0';
    if (inet_pton(AF_INET, alone, address.bytes + IPV4_FROM_BYTES) == 1)
        memcpy(address.bytes, mapped, sizeof mapped);
    else if (inet_pton(AF_INET6, alone, address.bytes) != 1)
        return unknown;
    address.bits = memcmp(address.bytes, mapped, sizeof mapped) == 0 ? 128 : 64;
    memset(address.bytes + address.bits / 8, 0, sizeof address.bytes - address.bits / 8);
    return address;
}

void newcomers_show_address(const struct newcomers_address *address,
                            char text[NEWCOMERS_ADDRESS_BYTES_MAX])
{
    char alone[INET6_ADDRSTRLEN];
    if (address->bits == 0) {
        snprintf(text, NEWCOMERS_ADDRESS_BYTES_MAX, "an unknown address");
    } else if (address->bits == 128) {
        inet_ntop(AF_INET, address->bytes + IPV4_FROM_BYTES, text, NEWCOMERS_ADDRESS_BYTES_MAX);
    } else {
        inet_ntop(AF_INET6, address->bytes, alone, sizeof alone);
        snprintf(text, NEWCOMERS_ADDRESS_BYTES_MAX, "%s/64", alone);
    }
}
