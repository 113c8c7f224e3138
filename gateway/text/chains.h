/* chains: nodes by a number, several of which may have the same one; the nodes stand inside of what
 * is looked for.
 *
 * It is linear hashing (W. Litwin, "Linear Hashing: A New Tool for File and Table Addressing", VLDB
 * 1980): a node more splits one chain at most, so that none waits while all of them are moved. It
 * owns its buckets and no node.
 *
 * Invariant: a node is in the chain that its number leads to, and a chain has about one node
 * however many there are, where numbers differ and `seed` is not known. */
#ifndef ZHERD_GATEWAY_TEXT_CHAINS_H
#define ZHERD_GATEWAY_TEXT_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/allowance.h"

struct chains_node {
    uint64_t number;
    struct chains_node *after, *before; /* `before`: NULL of the first one */
};

/* All zero but the seed is an empty one. */
struct chains {
    uint64_t seed;
    struct chains_node **buckets;
    uint32_t count, room; /* buckets in use, and allocated */
    uint32_t nodes;
};

/* Where the node's number is set. False, and nothing changed, where the first buckets are refused;
 * those that would come later are done without. */
bool chains_add(struct chains *chains, struct chains_node *node, struct allowance *allowance);
/* With the last node the buckets go, too. */
void chains_remove(struct chains *chains, struct chains_node *node, struct allowance *allowance);

/* The first node of that number, and the next one: NULL after the last. */
struct chains_node *chains_find(const struct chains *chains, uint64_t number);
struct chains_node *chains_after(const struct chains_node *node);

/* Where the first node of that number's chain is named, to be fetched from memory before it is
 * looked for; until a node comes or goes. There must be a node. */
struct chains_node *const *chains_bucket(const struct chains *chains, uint64_t number);

/* For tests: every node is where its number leads, as often as there are nodes. */
bool chains_is_sound(const struct chains *chains);

#endif
