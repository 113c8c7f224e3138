#include "gateway/text/chains.h"

#define BUCKETS_MIN 16u
#define BUCKETS_MAX (UINT32_C(1) << 30)

/* The finalizer of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* The greatest power of two that is at most `count`. */
static uint32_t floor_of(uint32_t count)
{
    return UINT32_C(1) << (31 - __builtin_clz(count));
}

/* Buckets from `floor` on have taken over a half of those as far below. */
static uint32_t place_of(const struct chains *chains, uint64_t number)
{
    uint64_t hash = mix(number ^ chains->seed);
    uint32_t floor = floor_of(chains->count), place = (uint32_t)hash & (2 * floor - 1);
    return place < chains->count ? place : place - floor;
}

static void put(struct chains_node **first, struct chains_node *node)
{
    node->before = NULL;
    node->after = *first;
    if (*first != NULL)
        (*first)->before = node;
    *first = node;
}

static bool make_room(struct chains *chains, struct allowance *allowance)
{
    uint32_t room = chains->room == 0 ? BUCKETS_MIN : 2 * chains->room;
    struct chains_node **buckets =
        room > BUCKETS_MAX
            ? NULL
            : allowance_resize(allowance, chains->buckets, chains->room * sizeof *chains->buckets,
                               room * sizeof *chains->buckets);
    if (buckets == NULL)
        return false;
    chains->buckets = buckets;
    chains->room = room;
    return true;
}

/* One bucket more, and the nodes for it out of the one that had them. */
static void split(struct chains *chains, struct allowance *allowance)
{
    if (chains->count == chains->room && !make_room(chains, allowance))
        return;
    uint32_t made = chains->count, from = made - floor_of(made);
    chains->buckets[made] = NULL;
    chains->count++;
    struct chains_node *node = chains->buckets[from];
    chains->buckets[from] = NULL;
    while (node != NULL) {
        struct chains_node *after = node->after;
        put(&chains->buckets[place_of(chains, node->number)], node);
        node = after;
    }
}

bool chains_add(struct chains *chains, struct chains_node *node, struct allowance *allowance)
{
    if (chains->count == 0) {
        if (!make_room(chains, allowance))
            return false;
        chains->buckets[0] = NULL;
        chains->count = 1;
    } else if (chains->nodes >= chains->count) {
        split(chains, allowance);
    }
    put(&chains->buckets[place_of(chains, node->number)], node);
    chains->nodes++;
    return true;
}

void chains_remove(struct chains *chains, struct chains_node *node, struct allowance *allowance)
{
    if (node->after != NULL)
        node->after->before = node->before;
    if (node->before != NULL)
        node->before->after = node->after;
    else
        chains->buckets[place_of(chains, node->number)] = node->after;
    if (--chains->nodes > 0)
        return;
    allowance_free(allowance, chains->buckets, chains->room * sizeof(struct chains_node *));
    *chains = (struct chains){.seed = chains->seed};
}

static struct chains_node *of_number(struct chains_node *node, uint64_t number)
{
    while (node != NULL && node->number != number)
        node = node->after;
    return node;
}

struct chains_node *chains_find(const struct chains *chains, uint64_t number)
{
    if (chains->nodes == 0)
        return NULL;
    return of_number(chains->buckets[place_of(chains, number)], number);
}

struct chains_node *chains_after(const struct chains_node *node)
{
    return of_number(node->after, node->number);
}

struct chains_node *const *chains_bucket(const struct chains *chains, uint64_t number)
{
    return &chains->buckets[place_of(chains, number)];
}

bool chains_is_sound(const struct chains *chains)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < chains->count; i++) {
        const struct chains_node *before = NULL;
        for (const struct chains_node *node = chains->buckets[i]; node != NULL;
             before = node, node = node->after, nodes++)
            if (node->before != before || place_of(chains, node->number) != i)
                return false;
    }
    return nodes == chains->nodes;
}
