/* What lazy.h promises holds after any events, in any order: links that come, go and move, sessions
 * that begin and end, origins that become known, changes, copies, and what neighbours say. */
#include "bus/link/lazy.h"

#include <stdio.h>

#include "tests/check.h"

enum { NAMES = 24, LINKS_MAX = LAZY_LINKS_MAX + 3, WORLDS = 80, EVENTS = 300 };

struct world {
    struct table *table;
    struct lazy lazy;
    struct window *windows[LINKS_MAX];
    size_t count;
    uint64_t versions[LINKS_MAX];
    uint64_t dice;
    int64_t now_ms, order_ns;
    uint32_t slots;
};

static struct wire_message in, out;

static uint32_t roll(struct world *world, uint32_t sides)
{
    world->dice ^= world->dice << 13;
    world->dice ^= world->dice >> 7;
    world->dice ^= world->dice << 17;
    return (uint32_t)(world->dice >> 32) % sides;
}

static struct span name_of(uint32_t number, char *room)
{
    return (struct span){room, (size_t)snprintf(room, 8, "n%u", number)};
}

/* More worlds have few links than many. */
static size_t roll_count(struct world *world)
{
    switch (roll(world, 4)) {
    case 0:
        return LAZY_LINKS_MAX - 1 + roll(world, LINKS_MAX - LAZY_LINKS_MAX + 2);
    default:
        return roll(world, 5);
    }
}

static struct window *new_window(void)
{
    struct window *window = calloc(1, sizeof *window);
    CHECK(window != NULL);
    return window;
}

/* Some stay, in another order; the rest are new. What is gone is gone from memory, too. */
static void change_links(struct world *world)
{
    struct window *windows[LINKS_MAX];
    uint64_t versions[LINKS_MAX] = {0};
    size_t was[LINKS_MAX], count = roll_count(world), turn = roll(world, LINKS_MAX);
    bool stays[LINKS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        size_t old = world->count == 0 ? SIZE_MAX : (i + turn) % (world->count + 1);
        bool is_new = old >= world->count || stays[old] || roll(world, 6) == 0;
        was[i] = is_new ? SIZE_MAX : old;
        windows[i] = is_new ? new_window() : world->windows[old];
        versions[i] = is_new ? 0 : world->versions[old];
        if (!is_new)
            stays[old] = true;
    }
    for (size_t i = 0; i < world->count; i++)
        if (!stays[i]) {
            window_free(world->windows[i]);
            free(world->windows[i]);
        }
    bool is_node = roll(world, 8) != 0;
    lazy_set_links(&world->lazy, windows, count, was, is_node, world->now_ms);
    memcpy(world->windows, windows, count * sizeof *windows);
    memcpy(world->versions, versions, sizeof versions);
    world->count = count;
}

static void know(struct world *world)
{
    char room[8];
    struct span name = name_of(roll(world, NAMES), room);
    lazy_know(&world->lazy, table_origin(world->table, name), name.len);
}

static uint32_t put(struct world *world, uint16_t *origin)
{
    char room[8], client[16];
    struct span name = name_of(roll(world, NAMES), room);
    snprintf(client, sizeof client, "c%u", roll(world, 40));
    struct location location = {.client = span_of(client),
                                .position = span_of("+1-1"),
                                .stamp = span_of("1"),
                                .origin = name,
                                .order_ns = ++world->order_ns};
    uint32_t slot;
    table_put(world->table, &location, table_ref(world->table, location.client), &slot);
    *origin = table_slot_origin(world->table, slot);
    return slot;
}

/* A change comes over one link, or is our own, and over others once more. */
static void change(struct world *world)
{
    uint16_t origin;
    uint32_t slot = put(world, &origin);
    size_t links = world->count;
    if (origin != world->lazy.own && links > 0) {
        size_t link = roll(world, (uint32_t)links);
        lazy_take_first(&world->lazy, link, origin, (uint8_t)roll(world, 256));
    }
    if (world->lazy.is_on)
        lazy_note(&world->lazy, slot);
    for (size_t copies = links == 0 ? 0 : roll(world, 4); copies > 0; copies--) {
        size_t link = roll(world, (uint32_t)links);
        lazy_take_copy(&world->lazy, link, origin, slot, (uint8_t)roll(world, 256));
    }
}

/* Names that are no node's, too. */
static void hear(struct world *world, size_t link)
{
    static char rooms[2 * NAMES][8];
    uint32_t used = 0;
    bool is_state = roll(world, 2) == 0;
    world->versions[link] += roll(world, 3);
    in.type = is_state ? WIRE_STATE : WIRE_HEARTBEAT;
    in.has_state = roll(world, 8) != 0;
    in.state_version = world->versions[link];
    in.declined_count = roll(world, NAMES);
    in.way_count = roll(world, NAMES);
    for (uint32_t i = 0; i < in.declined_count; i++, used++)
        in.declined[i] = name_of(roll(world, NAMES + 2), rooms[used]);
    for (uint32_t i = 0; i < in.way_count; i++, used++) {
        in.ways[i].node = name_of(roll(world, NAMES + 2), rooms[used]);
        in.ways[i].value = roll(world, 16) == 0 ? UINT64_MAX : roll(world, 300);
    }
    if (is_state)
        lazy_hear_state(&world->lazy, link, &in);
    else
        lazy_hear_heartbeat(&world->lazy, link, &in);
}

static void say(struct world *world, size_t link)
{
    if (lazy_has_state(&world->lazy, link)) {
        lazy_write_state(&world->lazy, link, &out);
        CHECK(out.declined_count == world->lazy.links[link].mine && out.way_count <= NAMES);
    }
    lazy_write_heartbeat(&world->lazy, link, &out);
    CHECK(!out.has_state || out.declined_count == world->lazy.links[link].mine);
}

static void happen(struct world *world)
{
    uint32_t event = roll(world, 24);
    size_t link = world->count == 0 ? 0 : roll(world, (uint32_t)world->count);
    static const int64_t waits_ms[] = {0, 1, 40, 120, 400, 2500, 70000};
    if (event == 0)
        change_links(world);
    else if (event == 1)
        know(world);
    else if (event <= 4)
        world->now_ms += waits_ms[roll(world, 7)];
    else if (event <= 12)
        change(world);
    else if (world->count == 0)
        return;
    else if (event == 13)
        lazy_close_link(&world->lazy, link);
    else if (event <= 16)
        lazy_open_link(&world->lazy, link);
    else if (event == 17)
        lazy_meet(&world->lazy, link);
    else if (event <= 20)
        hear(world, link);
    else
        say(world, link);
    lazy_move(&world->lazy, world->now_ms);
}

/* ---- What holds ---- */

static bool has(const uint64_t *bits, size_t link)
{
    return (bits[link / 64] >> link % 64 & 1) != 0;
}

static bool origin_is_sound(const struct lazy *lazy, uint16_t number)
{
    const struct lazy_origin *origin = &lazy->origins[number];
    uint16_t parent = origin->parent;
    if (parent != LAZY_NO_LINK && (!origin->is_known || number == lazy->own ||
                                   parent >= lazy->link_count || !lazy->links[parent].is_up))
        return false;
    for (size_t i = 0; i < LAZY_LINKS_MAX; i++) {
        bool mine = has(origin->mine, i), closed = has(origin->closed, i);
        if (!mine && !closed && !has(origin->lost, i))
            continue;
        if (!origin->is_known || i >= lazy->link_count || !lazy->links[i].is_up)
            return false;
        if (mine && (i == parent || (parent == LAZY_NO_LINK && number != lazy->own)))
            return false;
    }
    return true;
}

static bool link_is_sound(const struct lazy *lazy, size_t link)
{
    uint32_t mine = 0, closed = 0;
    for (uint16_t number = 0; number < lazy->origin_count; number++) {
        mine += lazy_is_declined(lazy, link, number);
        closed += lazy_is_closed(lazy, link, number);
    }
    const struct lazy_link *it = &lazy->links[link];
    return it->mine == mine && it->closed == closed && (link < LAZY_LINKS_MAX || !it->is_up) &&
           (it->is_up || !it->is_due);
}

/* Each is in the chain of its origin, and nothing else is. */
static bool asks_are_sound(const struct lazy *lazy)
{
    uint32_t chained = 0;
    for (uint32_t number = 0; number < lazy->origin_count; number++)
        for (uint16_t i = lazy->origins[number].ask; i != LAZY_NO_ASK; i = lazy->asks[i].next) {
            if (i >= lazy->ask_count || ++chained > lazy->ask_count)
                return false;
            const struct lazy_ask *ask = &lazy->asks[i];
            if (ask->origin != number || ask->link >= lazy->link_count ||
                !lazy->links[ask->link].is_up)
                return false;
        }
    return chained == lazy->ask_count;
}

static bool is_sound(const struct world *world)
{
    const struct lazy *lazy = &world->lazy;
    bool is_sound = lazy->link_count == world->count && asks_are_sound(lazy);
    for (uint16_t number = 0; number < lazy->origin_count; number++)
        is_sound = is_sound && origin_is_sound(lazy, number);
    for (size_t link = 0; link < lazy->link_count; link++)
        is_sound = is_sound && link_is_sound(lazy, link);
    return is_sound;
}

static bool live(uint64_t seed)
{
    static const uint8_t key[16];
    char room[8];
    static struct world world;
    world = (struct world){.dice = seed * UINT64_C(0x9e3779b97f4a7c15), .now_ms = 1000000};
    world.table = table_new(key);
    uint16_t own = table_origin(world.table, name_of(0, room));
    lazy_init(&world.lazy, world.table, own);
    lazy_know(&world.lazy, own, 2);
    change_links(&world);
    bool is_good = true;
    for (int event = 0; event < EVENTS && is_good; event++) {
        happen(&world);
        is_good = is_sound(&world);
        if (!is_good)
            printf("seed %llu, event %d\n", (unsigned long long)seed, event);
    }
    for (size_t i = 0; i < world.count; i++) {
        window_free(world.windows[i]);
        free(world.windows[i]);
    }
    lazy_free(&world.lazy);
    table_destroy(&world.table);
    return is_good;
}

static void whatever_happens_a_parent_is_never_declined_nor_anything_on_links_that_are_down(void)
{
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        CHECK(live(seed));
}

static const struct check_case cases[] = {
    {"whatever happens, a parent is never declined, nor anything on links that are down",
     whatever_happens_a_parent_is_never_declined_nor_anything_on_links_that_are_down},
};

CHECK_MAIN(cases)
