/* range_end: the checks of one end of a link, without peer and flood, for tests.
 *
 * Two of them make a link: `pull` takes the next message of one and `give` hands it to the other.
 * Ids are made for the hash that a case wants, which their own hash, having no key, allows. Time
 * stands still unless a case lets it pass. */
#ifndef ZHERD_TESTS_UNIT_RANGE_END_H
#define ZHERD_TESTS_UNIT_RANGE_END_H

#include <endian.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bus/link/range_check.h"
#include "tests/check.h"

#define FACTOR UINT64_C(0x9FB21C651E98DF25)

struct end {
    struct table *table;
    struct range_list list;
    struct window window;
    struct link_counters count;
    struct range_check check;
    struct wire_cut cut; /* but for the position */
    uint64_t received;
    int64_t now_ms;
};

/* A message on its way, with its own bytes. */
struct letter {
    struct wire_message message;
    char bin[WIRE_RANGES_MAX * 4];
};

static inline uint64_t turn_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* Eight bytes whose XXH3 is `hash`; false where one of them is white space. Each step of
 * XXH3_64bits for eight bytes is undone, the last one first. */
static inline bool make_id(uint64_t hash, char id[8])
{
    uint64_t inverse = FACTOR, x = hash;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - FACTOR * inverse;
    x = (x ^ x >> 28 ^ x >> 56) * inverse;
    x = (x ^ ((x >> 35) + 8)) * inverse;
    for (int i = 0; i < 63; i++) /* 64 times is nothing */
        x = x ^ turn_left(x, 49) ^ turn_left(x, 24);
    x ^= XXH_readLE64(XXH3_kSecret + 8) ^ XXH_readLE64(XXH3_kSecret + 16);
    uint64_t bytes = htole64(turn_left(x, 32));
    memcpy(id, &bytes, sizeof bytes);
    for (int i = 0; i < 8; i++)
        if (id[i] == ' ' || (id[i] >= '\t' && id[i] <= '\r'))
            return false;
    CHECK(XXH3_64bits(id, 8) == hash);
    return true;
}

/* The `n`th hash from `first` on, in steps, whose id is a word. */
static inline uint64_t put_from(struct end *end, uint64_t first, uint64_t step, int64_t order_ns)
{
    char id[8];
    while (!make_id(first, id))
        first += step;
    struct span client = {id, 8};
    struct location location = {client, span_of("+1-1"), span_of("1"), span_of("Ada"),
                                0,      order_ns,        NULL};
    uint32_t slot;
    enum table_outcome outcome =
        table_put(end->table, &location, table_ref(end->table, client), &slot);
    CHECK(outcome == TABLE_NEW || outcome == TABLE_NEWER);
    range_list_forget_waiting(&end->list);
    return first;
}

/* A client of that range; the slot is the client's. */
static inline uint32_t put(struct end *end, uint32_t range, uint32_t number, int64_t order_ns)
{
    put_from(end, (uint64_t)range << 48 | (uint64_t)number << 32, 1, order_ns);
    return table_count(end->table) - 1;
}

/* It changes. */
static inline void change(struct end *end, uint32_t range, uint32_t number, int64_t order_ns)
{
    put_from(end, (uint64_t)range << 48 | (uint64_t)number << 32, 1, order_ns);
}

static inline void open_end(struct end *end)
{
    static const uint8_t key[16];
    memset(end, 0, sizeof *end);
    end->table = table_new(key);
    window_init(&end->window);
    range_list_init(&end->list, end->table);
    range_check_init(&end->check, &end->list, &end->window, &end->count, 0);
    end->now_ms = 1000000;
    end->cut = (struct wire_cut){.met = 1, .horizon_ns = INT64_MIN, .ceiling_ns = INT64_MAX};
    range_check_open(&end->check, false, false, end->now_ms);
}

static inline void close_end(struct end *end)
{
    range_check_close(&end->check);
    range_list_free(&end->list);
    CHECK_INT(end->list.held_bytes, 0);
    window_free(&end->window);
    table_destroy(&end->table);
}

/* All that waits is put into one UPDATE, which is on its way. */
static inline void announce(struct end *end)
{
    uint32_t slot;
    while (ring_peek(&end->window.ring, &slot))
        ring_take(&end->window.ring);
    window_announce(&end->window, end->now_ms);
    range_list_forget_waiting(&end->list);
}

/* It arrives, and so does the acknowledgement. */
static inline void arrive(struct end *from, struct end *to)
{
    to->received = from->window.announced;
    window_confirm(&from->window, to->received, from->now_ms);
    range_list_forget_waiting(&from->list);
}

static inline struct wire_cut cut_of(const struct end *end)
{
    struct wire_cut cut = end->cut;
    cut.position = end->window.announced;
    return cut;
}

static inline bool pull(struct end *end, struct letter *letter)
{
    static struct wire_message message;
    if (!range_check_is_due(&end->check, end->now_ms) ||
        !range_check_next(&end->check, &message, end->now_ms))
        return false;
    message.cut = cut_of(end);
    message.received = end->received;
    message.has_checks = true;
    letter->message = message;
    memcpy(letter->bin, message.bin.data, message.bin.len);
    letter->message.bin.data = letter->bin;
    return true;
}

/* Whoever says what it has has said before how much of it was refused: nothing. */
static inline void give(struct end *end, const struct letter *letter)
{
    struct wire_cut ours = cut_of(end);
    range_check_take_refused(&end->check, end->check.refused_there, letter->message.received);
    range_list_forget_waiting(&end->list);
    range_check_receive(&end->check, &letter->message, end->received, &ours, end->now_ms);
}

/* A CHECK of one range as the other end would write it; 0: "not now". */
static inline void give_check_of(struct end *end, unsigned level, uint32_t range, uint32_t digest)
{
    static struct letter letter;
    uint32_t big = htobe32(digest);
    memcpy(letter.bin, &big, sizeof big);
    letter.message = (struct wire_message){.type = WIRE_CHECK,
                                           .received = end->window.acked,
                                           .cut = end->cut,
                                           .level = level,
                                           .first = range,
                                           .bin = {letter.bin, 4}};
    letter.message.cut.position = end->received;
    give(end, &letter);
}

static inline void give_check(struct end *end, uint32_t range, uint32_t digest)
{
    give_check_of(end, 16, range, digest);
}

static inline uint32_t digest_at(const struct end *end, unsigned level, uint32_t range)
{
    return wire_fold(table_range_digest(end->table, level, range));
}

/* As of one who holds the same, so that all is settled. */
static inline void settle_all(struct end *end)
{
    static struct letter letter;
    letter.message = (struct wire_message){.type = WIRE_HEARTBEAT,
                                           .received = end->window.acked,
                                           .has_checks = true,
                                           .cut = end->cut,
                                           .digest = table_digest(end->table),
                                           .whole = digest_at(end, 0, 0)};
    letter.message.cut.position = end->received;
    give(end, &letter);
    CHECK_INT(end->check.settled_count, end->check.agrees ? RANGE_COUNT : 0);
}

/* The next message of that type, where any others are passed over. */
static inline bool pull_type(struct end *end, struct letter *letter, enum wire_type type)
{
    while (pull(end, letter))
        if (letter->message.type == type)
            return true;
    return false;
}

static inline uint32_t number_at(const struct letter *letter, uint32_t index)
{
    uint32_t big;
    memcpy(&big, letter->bin + 4 * (size_t)index, sizeof big);
    return be32toh(big);
}

#endif
