/* topology_keys: what a topology file says about keys, and what it must say.
 *
 *     herd
 *         keys = fall2016.keys        # the folder of the secret keys, written by `zherd keygen`
 *     node
 *         public_key = "KEY"          # or "KEY KEY" while a new one replaces an old one
 *     places
 *         public_key = "KEY"          # the same in each: brokers and workers share one pair
 *
 * Either the whole herd has keys or nobody has. Without them nodes and the places service trust
 * whoever reaches them, so they may be reached from this machine only; `insecure = yes` in herd
 * says that somebody wants it otherwise.
 *
 * Keys stand in quotes, because some of them hold a #. Secrets never stand in a topology. */
#ifndef ZHERD_TOPOLOGY_FORMAT_KEYS_H
#define ZHERD_TOPOLOGY_FORMAT_KEYS_H

#include "topology/format/faults.h"
#include "topology/format/sections.h"
#include "topology/format/topology.h"

/* `keys` and `insecure` of a herd. Each function tells every fault. */
void topology_keys_read_herd(const struct topology_section *herd, struct topology *topology,
                             struct topology_faults *faults);

/* The value of a `public_key`; the entry may be NULL: no keys. */
void topology_keys_read(const struct topology_entry *entry, struct keyring_keys *keys,
                        struct topology_faults *faults);

/* The demands on the whole of a checked herd: keys everywhere and all different, or nowhere and
 * then on loopback only. `zherd keygen` alone works on a herd that does not meet them. */
void topology_keys_demand(const struct topology *topology, struct topology_faults *faults);

#endif
