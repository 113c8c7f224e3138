/* Two ends of one link, a channel that loses, repeats, delays and swaps, and values that change all
 * the time. Afterwards, with a good channel, both must hold the newest of everything. The slots
 * stand for values that only grow; their tables are never looked at. */
#include "bus/link/peer.h"

#include "tests/check.h"

#define SLOTS 64

static const char *const names[] = {"Ada", "Bob"};
static struct link_counters count;
static struct events events;

struct end {
    struct table *table;
    struct range_list lists;
    struct lazy lazy;
    struct herd_time *time;
    struct peer_common common;
    struct peer peer;
    int64_t now_ms;
};

/* A message on its way. */
struct letter {
    struct wire_message message;
    uint32_t slots[4], values[4], slot_count;
    int to;
};

#define WAY_MAX 64

struct pair {
    struct end ends[2];
    uint32_t value[2][SLOTS]; /* what each side holds for a slot; a greater one is newer */
    struct letter *way[WAY_MAX];
    int on_way;
    uint32_t random;
};

static void open_end(struct end *end, uint64_t incarnation, struct span name, struct span other)
{
    static const uint8_t key[16];
    *end = (struct end){.table = table_new(key), .now_ms = 1000000};
    range_list_init(&end->lists, end->table);
    end->time = herd_time_new(
        &(struct herd_time_options){
            .node = name, .incarnation = incarnation, .peers = &other, .peer_count = 1},
        &events, &count);
    end->common = (struct peer_common){.herd = span_of("test"),
                                       .lists = &end->lists,
                                       .lazy = &end->lazy,
                                       .node = name,
                                       .incarnation = incarnation,
                                       .table = end->table,
                                       .time = end->time,
                                       .events = &events,
                                       .count = &count};
    peer_init(&end->peer, &end->common, 0, other);
    struct window *window = &end->peer.window;
    lazy_init(&end->lazy, end->table, table_origin(end->table, name));
    lazy_set_links(&end->lazy, &window, 1, NULL, true, 0);
    for (int i = 0; i < SLOTS; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%d", i);
        struct location location = {
            span_of(client), span_of("+1-1"), span_of("1"), span_of("Ada"), 0, 1, NULL};
        uint32_t slot;
        table_put(end->table, &location, table_ref(end->table, location.client), &slot);
    }
}

static void close_end(struct end *end)
{
    peer_free(&end->peer);
    range_list_free(&end->lists);
    lazy_free(&end->lazy);
    herd_time_destroy(&end->time);
    table_destroy(&end->table);
}

/* A process that restarts and has forgotten everything. */
static void restart(struct pair *pair, int side, uint64_t incarnation)
{
    struct end *end = &pair->ends[side];
    close_end(end);
    int64_t now_ms = end->now_ms;
    open_end(end, incarnation, span_of(names[side]), span_of(names[1 - side]));
    end->now_ms = now_ms;
    memset(pair->value[side], 0, sizeof pair->value[side]);
}

static uint32_t draw(struct pair *pair, uint32_t below)
{
    pair->random = pair->random * 1664525u + 1013904223u;
    return (pair->random >> 8) % below;
}

static void send_all(struct pair *pair, int from, uint32_t loss_percent)
{
    struct end *end = &pair->ends[from];
    static struct letter letter;
    while (peer_next(&end->peer, &letter.message, end->now_ms)) {
        letter.message.has_clients = false; /* the tables here do not hold what is told */
        letter.to = 1 - from;
        letter.slot_count = 0;
        if (letter.message.type == WIRE_UPDATE) {
            uint32_t slot, most = 1 + draw(pair, 4);
            while (letter.slot_count < most && ring_peek(&end->peer.window.ring, &slot)) {
                ring_take(&end->peer.window.ring);
                letter.slots[letter.slot_count] = slot;
                letter.values[letter.slot_count++] = pair->value[from][slot];
            }
            peer_announce(&end->peer, &letter.message, end->now_ms);
        }
        CHECK(peer_is_sound(&end->peer));
        int copies = draw(pair, 100) < loss_percent ? 0 : draw(pair, 100) < loss_percent ? 2 : 1;
        for (; copies > 0 && pair->on_way < WAY_MAX; copies--) {
            pair->way[pair->on_way] = malloc(sizeof letter);
            memcpy(pair->way[pair->on_way++], &letter, sizeof letter);
        }
    }
}

static void deliver(struct pair *pair, int at)
{
    struct letter *letter = pair->way[at];
    struct end *end = &pair->ends[letter->to];
    uint32_t *value = pair->value[letter->to];
    if (peer_receive(&end->peer, &letter->message, end->now_ms))
        for (uint32_t i = 0; i < letter->slot_count; i++)
            if (value[letter->slots[i]] < letter->values[i])
                value[letter->slots[i]] = letter->values[i];
    CHECK(peer_is_sound(&end->peer));
    free(letter);
    pair->on_way--;
    memmove(&pair->way[at], &pair->way[at + 1], (size_t)(pair->on_way - at) * sizeof pair->way[0]);
}

static void run_pair(struct pair *pair, uint32_t seed)
{
    memset(pair, 0, sizeof *pair);
    pair->random = seed;
    memset(&count, 0, sizeof count);
    for (int i = 0; i < 2; i++)
        open_end(&pair->ends[i], (uint64_t)i + 1, span_of(names[i]), span_of(names[1 - i]));
    uint32_t newest = 1, incarnation = 10;
    for (int step = 0; step < 4000; step++) {
        bool bad = step < 2000;
        if (bad && draw(pair, 2) == 0) {
            int side = (int)draw(pair, 2);
            uint32_t slot = draw(pair, SLOTS);
            pair->value[side][slot] = ++newest;
            peer_change(&pair->ends[side].peer, slot);
        }
        if (bad && draw(pair, 400) == 0) {
            int side = (int)draw(pair, 2);
            restart(pair, side, incarnation++);
        }
        if (bad && draw(pair, 100) == 0)
            peer_refused(&pair->ends[0].peer, pair->ends[0].now_ms);
        for (int i = 0; i < 2; i++) {
            pair->ends[i].now_ms += 1 + (draw(pair, 50) == 0 ? 700 : 20);
            send_all(pair, i, bad ? 15 : 0);
        }
        while (pair->on_way > 0 && (!bad || draw(pair, 3) > 0))
            deliver(pair, bad && draw(pair, 10) == 0 ? (int)draw(pair, (uint32_t)pair->on_way) : 0);
    }
}

static void whatever_happens_on_the_way_both_ends_become_equal(void)
{
    static struct pair pair;
    uint64_t rewinds = 0, gaps = 0, changes = 0;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        int before = check_failures;
        run_pair(&pair, seed);
        CHECK(peer_is_up(&pair.ends[0].peer) && peer_is_up(&pair.ends[1].peer));
        CHECK(memcmp(pair.value[0], pair.value[1], sizeof pair.value[0]) == 0);
        for (int i = 0; i < 2; i++)
            CHECK_INT(pair.ends[i].peer.window.acked, pair.ends[i].peer.window.ring.head);
        rewinds += count.rewinds;
        gaps += count.gaps;
        changes += count.incarnation_changes;
        for (int i = 0; i < 2; i++)
            close_end(&pair.ends[i]);
        if (check_failures > before)
            printf("    seed %u\n", seed);
    }
    CHECK(rewinds > 0 && gaps > 0 && changes > 0);
}

static const struct check_case cases[] = {
    {"whatever happens on the way both ends become equal",
     whatever_happens_on_the_way_both_ends_become_equal},
};

CHECK_MAIN(cases)
