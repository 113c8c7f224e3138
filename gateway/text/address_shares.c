#include "gateway/text/address_shares.h"

#include <assert.h>
#include <stdlib.h>

#define IPV6_GROUP_BYTES 8
#define MILLI            1000
/* The entries that are no address. */
enum { TRUSTED, REST, FIRST };

/* Entries are listed by about how much they hold: eight lists for each power of two. Whatever has
 * no bit above the lowest three is a size of its own. */
#define SIZE_BITS  3
#define SIZES      512
#define WORD_BITS  64
#define SIZE_WORDS (SIZES / WORD_BITS)

struct address_shares {
    struct address_share *all;
    size_t max, used; /* entries, with those that are no address */
    uint32_t *index;  /* first entry of each place, 0 for none */
    size_t index_mask;
    struct list_node unused; /* entries that nothing is counted of, last used longest ago first */
    struct list_node sizes[ADDRESS_HELD_KINDS][SIZES];
    uint64_t has_size[ADDRESS_HELD_KINDS][SIZE_WORDS];
    struct networks trusted;
    uint8_t hash_key[SIPHASH_KEY_BYTES];
    uint64_t per_s, burst_milli; /* tokens; n a second are n thousandths a ms */
    struct network_address warning;
    bool has_warning;
    int64_t refused_turn[ADDRESS_REFUSALS];
    uint64_t refused[ADDRESS_REFUSALS];
    const struct address_share *most_refused[ADDRESS_REFUSALS];
    struct address_shares_counters count;
};

static void begin_entry(const struct address_shares *shares, struct address_share *share,
                        const struct network_address *address, int64_t now_ms)
{
    *share = (struct address_share){
        .address = *address, .milli_tokens = shares->burst_milli, .filled_ms = now_ms};
    for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++)
        list_init(&share->holders[kind]);
}

/* Of a bucket that has become smaller no more is left than it holds. */
void address_shares_change(struct address_shares *shares,
                           const struct address_shares_options *options)
{
    assert(options->new_ids_per_s <= ADDRESS_SHARES_NEW_IDS_MAX &&
           options->new_ids_burst <= ADDRESS_SHARES_NEW_IDS_MAX);
    assert(options->new_ids_per_s == 0 || options->new_ids_burst >= 1);
    shares->trusted = options->trusted;
    shares->per_s = options->new_ids_per_s;
    shares->burst_milli = (uint64_t)options->new_ids_burst * MILLI;
    for (size_t i = 0; i < shares->used; i++)
        if (shares->all[i].milli_tokens > shares->burst_milli)
            shares->all[i].milli_tokens = shares->burst_milli;
}

struct address_shares *address_shares_new(const struct address_shares_options *options)
{
    assert(options->addresses_max >= 1 && options->addresses_max <= ADDRESS_SHARES_MAX);
    struct address_shares *shares = bytes_zeroed(sizeof *shares);
    size_t places = 1;
    while (places < options->addresses_max)
        places *= 2;
    shares->max = options->addresses_max + FIRST;
    shares->all = bytes_zeroed(shares->max * sizeof *shares->all);
    shares->index = bytes_zeroed(places * sizeof *shares->index);
    shares->index_mask = places - 1;
    memcpy(shares->hash_key, options->hash_key, sizeof shares->hash_key);
    address_shares_change(shares, options);
    list_init(&shares->unused);
    for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++)
        for (size_t size = 0; size < SIZES; size++)
            list_init(&shares->sizes[kind][size]);
    static const struct network_address none;
    while (shares->used < FIRST)
        begin_entry(shares, &shares->all[shares->used++], &none, 0);
    return shares;
}

void address_shares_destroy(struct address_shares **shares)
{
    if (*shares == NULL)
        return;
    free((*shares)->all);
    free((*shares)->index);
    free(*shares);
    *shares = NULL;
}

/* ---- whose share ---- */

static uint32_t *place_of(const struct address_shares *shares,
                          const struct network_address *address)
{
    struct span bytes = {(const char *)address->bytes, sizeof address->bytes};
    return &shares->index[siphash(bytes, shares->hash_key) & shares->index_mask];
}

/* Puts it into the index, or takes it out. */
static void enter(struct address_shares *shares, struct address_share *share)
{
    uint32_t *place = place_of(shares, &share->address);
    share->next = *place;
    *place = (uint32_t)(share - shares->all);
}

static void take_out(struct address_shares *shares, const struct address_share *share)
{
    uint32_t *link = place_of(shares, &share->address);
    while (&shares->all[*link] != share)
        link = &shares->all[*link].next;
    *link = share->next;
}

/* Brings the bucket up to now. */
static void fill(const struct address_shares *shares, struct address_share *share, int64_t now_ms)
{
    if (shares->per_s == 0 || now_ms <= share->filled_ms)
        return;
    uint64_t missing = shares->burst_milli - share->milli_tokens;
    uint64_t passed_ms = (uint64_t)(now_ms - share->filled_ms);
    share->filled_ms = now_ms;
    if (passed_ms > missing / shares->per_s)
        share->milli_tokens = shares->burst_milli;
    else
        share->milli_tokens += passed_ms * shares->per_s;
}

/* An entry for another address, or NULL. */
static struct address_share *free_entry(struct address_shares *shares, int64_t now_ms)
{
    if (shares->used < shares->max)
        return &shares->all[shares->used++];
    for (int look = 0; look < ADDRESS_SHARES_LOOKS && !list_is_empty(&shares->unused); look++) {
        struct list_node *node = list_first(&shares->unused);
        struct address_share *share = LIST_OWNER(node, struct address_share, unused);
        fill(shares, share, now_ms);
        list_remove(node);
        if (share->milli_tokens == shares->burst_milli && share->handshakes_paid_ms <= now_ms) {
            take_out(shares, share);
            for (int kind = 0; kind < ADDRESS_REFUSALS; kind++)
                if (shares->most_refused[kind] == share)
                    shares->most_refused[kind] = NULL;
            shares->count.reused++;
            return share;
        }
        list_append(&shares->unused, node);
    }
    return NULL;
}

struct address_share *address_shares_find(struct address_shares *shares,
                                          const struct network_address *address, int64_t now_ms)
{
    if (networks_hold(&shares->trusted, address))
        return &shares->all[TRUSTED];
    struct network_address group = *address;
    if (!network_address_is_ipv4(address))
        memset(group.bytes + IPV6_GROUP_BYTES, 0, sizeof group.bytes - IPV6_GROUP_BYTES);
    for (uint32_t i = *place_of(shares, &group); i != 0; i = shares->all[i].next) {
        struct address_share *share = &shares->all[i];
        if (memcmp(share->address.bytes, group.bytes, sizeof group.bytes) != 0)
            continue;
        if (list_holds(&share->unused)) {
            list_remove(&share->unused);
            list_append(&shares->unused, &share->unused);
        }
        return share;
    }
    struct address_share *share = free_entry(shares, now_ms);
    if (share == NULL) {
        shares->count.overflowed++;
        return &shares->all[REST];
    }
    begin_entry(shares, share, &group, now_ms);
    enter(shares, share);
    list_append(&shares->unused, &share->unused);
    return share;
}

struct address_share *address_shares_trusted(struct address_shares *shares)
{
    return &shares->all[TRUSTED];
}

bool address_shares_is_trusted(const struct address_shares *shares,
                               const struct address_share *share)
{
    return share == &shares->all[TRUSTED];
}

bool address_shares_is_rest(const struct address_shares *shares, const struct address_share *share)
{
    return share == &shares->all[REST];
}

/* ---- what is counted ---- */

static bool has_anything(const struct address_share *share)
{
    bool holds = false;
    for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++)
        holds = holds || share->held_bytes[kind] > 0;
    return holds || share->connections > 0 || share->lookups > 0;
}

/* After each change of what is counted. */
static void keep_or_leave(struct address_shares *shares, struct address_share *share)
{
    if (share < &shares->all[FIRST])
        return;
    bool is_used = has_anything(share);
    if (is_used && list_holds(&share->unused))
        list_remove(&share->unused);
    else if (!is_used && !list_holds(&share->unused))
        list_append(&shares->unused, &share->unused);
}

void address_shares_connect(struct address_shares *shares, struct address_share *share)
{
    share->connections++;
    keep_or_leave(shares, share);
}

void address_shares_disconnect(struct address_shares *shares, struct address_share *share)
{
    assert(share->connections > 0);
    share->connections--;
    keep_or_leave(shares, share);
}

void address_shares_look_up(struct address_shares *shares, struct address_share *share)
{
    share->lookups++;
    keep_or_leave(shares, share);
}

void address_shares_answer(struct address_shares *shares, struct address_share *share)
{
    assert(share->lookups > 0);
    share->lookups--;
    keep_or_leave(shares, share);
}

/* Which list: what the number is without all but its highest bit and the three after it. */
static size_t size_of(uint64_t bytes)
{
    unsigned shift = (unsigned)(63 - __builtin_clzll(bytes | 1 << SIZE_BITS)) - SIZE_BITS;
    return ((size_t)shift << SIZE_BITS) + (size_t)(bytes >> shift);
}

static void leave_size(struct address_shares *shares, struct address_share *share,
                       enum address_held kind, size_t size)
{
    list_remove(&share->by_size[kind]);
    if (list_is_empty(&shares->sizes[kind][size]))
        shares->has_size[kind][size / WORD_BITS] &= ~(UINT64_C(1) << size % WORD_BITS);
}

static void enter_size(struct address_shares *shares, struct address_share *share,
                       enum address_held kind, size_t size)
{
    list_append(&shares->sizes[kind][size], &share->by_size[kind]);
    shares->has_size[kind][size / WORD_BITS] |= UINT64_C(1) << size % WORD_BITS;
}

void address_shares_hold(struct address_shares *shares, struct address_share *share,
                         enum address_held kind, size_t before, size_t after)
{
    uint64_t held_before = share->held_bytes[kind], held = held_before - before + after;
    assert(held_before >= before);
    share->held_bytes[kind] = held;
    size_t size_before = size_of(held_before), size = size_of(held);
    bool was_listed = list_holds(&share->by_size[kind]), is_listed = held > 0;
    if (address_shares_is_trusted(shares, share))
        return;
    if (was_listed && (!is_listed || size != size_before)) {
        leave_size(shares, share, kind, size_before);
        was_listed = false;
    }
    if (is_listed && !was_listed)
        enter_size(shares, share, kind, size);
    keep_or_leave(shares, share);
}

/* Of those that are not trusted; NULL where none holds any. */
static struct address_share *most_of_one(const struct address_shares *shares,
                                         enum address_held kind)
{
    for (size_t word = SIZE_WORDS; word-- > 0;) {
        uint64_t sizes = shares->has_size[kind][word];
        if (sizes == 0)
            continue;
        size_t size = word * WORD_BITS + (size_t)(WORD_BITS - 1 - __builtin_clzll(sizes));
        return LIST_OWNER(list_first(&shares->sizes[kind][size]), struct address_share,
                          by_size[kind]);
    }
    return NULL;
}

struct address_share *address_shares_most(struct address_shares *shares, enum address_held kind,
                                          uint64_t bytes_max)
{
    struct address_share *trusted = &shares->all[TRUSTED], *most = most_of_one(shares, kind);
    uint64_t held = trusted->held_bytes[kind];
    if (held == 0)
        return most;
    if (most == NULL || held > bytes_max)
        return trusted;
    return held / trusted->connections > most->held_bytes[kind] ? trusted : most;
}

/* ---- new ids ---- */

static void warn_of(struct address_shares *shares, struct address_share *share)
{
    uint64_t used_milli = shares->burst_milli - share->milli_tokens;
    bool is_near = used_milli * 100 >= shares->burst_milli * ADDRESS_SHARES_WARNING_PERCENT;
    if (is_near && !share->warned) {
        shares->warning = share->address;
        shares->has_warning = true;
    }
    share->warned = is_near;
}

bool address_shares_take_new_id(struct address_shares *shares, struct address_share *share,
                                int64_t now_ms)
{
    if (shares->per_s == 0 || address_shares_is_trusted(shares, share))
        return true;
    fill(shares, share, now_ms);
    bool has_one = share->milli_tokens >= MILLI;
    if (has_one)
        share->milli_tokens -= MILLI;
    else
        address_shares_refuse(shares, share, ADDRESS_REFUSED_NEW_IDS);
    shares->count.new_ids_refused += !has_one;
    warn_of(shares, share);
    return has_one;
}

const struct network_address *address_shares_warning(struct address_shares *shares)
{
    bool has_warning = shares->has_warning;
    shares->has_warning = false;
    return has_warning ? &shares->warning : NULL;
}

/* ---- refused ---- */

void address_shares_refuse(struct address_shares *shares, struct address_share *share,
                           enum address_refusal kind)
{
    const struct address_share *most = shares->most_refused[kind];
    if (share->refused_turn[kind] != shares->refused_turn[kind])
        share->refused[kind] = 0;
    share->refused_turn[kind] = shares->refused_turn[kind];
    share->refused[kind]++;
    shares->refused[kind]++;
    if (most == NULL || share->refused[kind] > most->refused[kind])
        shares->most_refused[kind] = share;
}

uint64_t address_shares_refused(struct address_shares *shares, enum address_refusal kind,
                                const struct address_share **most)
{
    uint64_t refused = shares->refused[kind];
    *most = shares->most_refused[kind];
    shares->refused[kind] = 0;
    shares->most_refused[kind] = NULL;
    shares->refused_turn[kind]++;
    return refused;
}

size_t address_shares_used(const struct address_shares *shares)
{
    return shares->used - FIRST;
}

const struct address_shares_counters *address_shares_count(const struct address_shares *shares)
{
    return &shares->count;
}
