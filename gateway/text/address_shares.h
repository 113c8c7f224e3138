/* address_shares: what the clients of each address have taken of a node: connections, look-ups,
 * memory, new ids.
 *
 * It counts and finds; how much an address may have is decided in gateway/text/client_limits.h, but
 * for new ids, which have a bucket of tokens per address. An address of IPv6 stands for its /64,
 * which is what one subscriber is given; one of IPv4 for itself, however it is written.
 *
 * Two entries are no address. All addresses that the operator trusts (carriers' NAT, proxies: one
 * address for thousands) share the node's own: no limit but the node's applies to it. When as many
 * addresses as fit are in use, all others share the entry of the rest, with what one address may
 * have together. So a network full of addresses takes nothing from those that are there, and memory
 * has a bound. An address that has nothing any more leaves its entry to others, the one that was
 * last used longest ago first; but not before its bucket is full again and its handshakes are paid
 * for, or a new entry would give it new tokens.
 *
 * Each operation takes the same few steps, however many addresses there are.
 *
 * Invariant: an entry that has a connection, a look-up or a held byte is not given to another
 * address, and stays where it is in memory. */
#ifndef ZHERD_GATEWAY_TEXT_ADDRESS_SHARES_H
#define ZHERD_GATEWAY_TEXT_ADDRESS_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/siphash.h"
#include "gateway/text/list.h"
#include "topology/format/networks.h"

/* Addresses at most, whatever is asked for: about 20 MiB. */
#define ADDRESS_SHARES_MAX 65536
/* Entries looked at for one that nobody needs. Past these, the rest is cheaper than a search. */
#define ADDRESS_SHARES_LOOKS 4
/* A bucket's tokens and rate: as many ids as a table may hold. */
#define ADDRESS_SHARES_NEW_IDS_MAX 1000000000
/* Where an operator is warned before a limit acts: of any of them, 80 % used. */
#define ADDRESS_SHARES_WARNING_PERCENT 80

/* What memory is held for. */
enum address_held {
    ADDRESS_HELD_LINES,   /* unfinished lines, and lines that wait */
    ADDRESS_HELD_REPLIES, /* output that was not read yet */
    ADDRESS_HELD_KINDS
};

/* What of an address is refused. */
enum address_refusal { ADDRESS_REFUSED_CONNECTIONS, ADDRESS_REFUSED_NEW_IDS, ADDRESS_REFUSALS };

/* One address. The first part is for readers; all of it is changed here alone, but for `holders`
 * and `askers`, and what is of TLS. */
struct address_share {
    struct network_address address; /* of IPv6: the first of its /64 */
    uint32_t connections, lookups;
    /* Of connections in TLS (gateway/text/handshakes.h, which alone changes these): how many there
     * are, how many of them have not finished their handshake, and until when those that were begun
     * are paid for. */
    uint32_t secured, handshakes;
    int64_t handshakes_paid_ms;
    uint64_t held_bytes[ADDRESS_HELD_KINDS];
    /* Connections that hold something, of whoever counts them: lists that are empty while
     * nothing is held. */
    struct list_node holders[ADDRESS_HELD_KINDS];
    uint32_t askers; /* connections that have look-ups in flight, of whoever counts them, too */

    struct list_node by_size[ADDRESS_HELD_KINDS]; /* among the entries that hold about as much */
    struct list_node unused;
    uint64_t milli_tokens;
    int64_t filled_ms;                      /* when that was true */
    int64_t refused_turn[ADDRESS_REFUSALS]; /* when `refused` is from */
    uint32_t refused[ADDRESS_REFUSALS];
    uint32_t next; /* entry of the same place in the index, 0 for none */
    bool warned;   /* since its bucket was fuller than at a warning */
};

struct address_shares_options {
    size_t addresses_max; /* 1 to ADDRESS_SHARES_MAX */
    /* Up to ADDRESS_SHARES_NEW_IDS_MAX; a rate of 0 is no limit, else a burst is at least 1. */
    uint32_t new_ids_per_s, new_ids_burst;
    struct networks trusted;
    uint8_t hash_key[SIPHASH_KEY_BYTES]; /* random */
};

/* Counted since the start, never reset. */
struct address_shares_counters {
    uint64_t reused;          /* entries that were another address's before */
    uint64_t overflowed;      /* times an address had to go to the rest */
    uint64_t new_ids_refused; /* for want of a token */
};

struct address_shares;

struct address_shares *address_shares_new(const struct address_shares_options *options);
/* Accepts NULL, sets the caller's pointer to NULL. */
void address_shares_destroy(struct address_shares **shares);

/* Other numbers of new ids, and other networks that are trusted, from now on: connections that are
 * there keep their share. */
void address_shares_change(struct address_shares *shares,
                           const struct address_shares_options *options);

/* Whose share the connections from this address have; never NULL. Until something of it is counted
 * the entry may go to another address at the next call. */
struct address_share *address_shares_find(struct address_shares *shares,
                                          const struct network_address *address, int64_t now_ms);

/* The share of all whom the operator trusts. */
struct address_share *address_shares_trusted(struct address_shares *shares);
bool address_shares_is_trusted(const struct address_shares *shares,
                               const struct address_share *share);
bool address_shares_is_rest(const struct address_shares *shares, const struct address_share *share);

/* One more, one less. */
void address_shares_connect(struct address_shares *shares, struct address_share *share);
void address_shares_disconnect(struct address_shares *shares, struct address_share *share);
void address_shares_look_up(struct address_shares *shares, struct address_share *share);
void address_shares_answer(struct address_shares *shares, struct address_share *share);

/* Something that held `before` bytes of the kind holds `after` now. */
void address_shares_hold(struct address_shares *shares, struct address_share *share,
                         enum address_held kind, size_t before, size_t after);

/* Who holds most of the kind, of which all together may hold `bytes_max`: no other address holds
 * more than an eighth more. The trusted, since they are many, only where they alone hold more than
 * that, or a connection of theirs holds more on average than whoever else holds most. NULL where
 * nobody holds any. */
struct address_share *address_shares_most(struct address_shares *shares, enum address_held kind,
                                          uint64_t bytes_max);

/* Takes a token for an id that the herd has never heard of, or for one that it is to forget; false
 * where none is left, which counts as ADDRESS_REFUSED_NEW_IDS, and always true for the trusted. */
bool address_shares_take_new_id(struct address_shares *shares, struct address_share *share,
                                int64_t now_ms);

/* An address that has used so much of its bucket since this was asked last that an operator should
 * know; NULL for none. Each once until its bucket is fuller again. Borrowed until the next call. */
const struct network_address *address_shares_warning(struct address_shares *shares);

/* Something of this address was refused. */
void address_shares_refuse(struct address_shares *shares, struct address_share *share,
                           enum address_refusal kind);
/* How many of the kind were refused since this was asked last, and whose most: borrowed until the
 * next call, NULL for none. */
uint64_t address_shares_refused(struct address_shares *shares, enum address_refusal kind,
                                const struct address_share **most);

size_t address_shares_used(const struct address_shares *shares); /* entries, also of who is gone */
const struct address_shares_counters *address_shares_count(const struct address_shares *shares);

#endif
