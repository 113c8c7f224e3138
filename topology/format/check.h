/* topology_check: the lines of a topology file into a checked struct topology, or every fault.
 *
 * It decides all that a topology file may say: sections, keys, names, addresses, and that the
 * herd is in one piece. How a line is taken apart is ZPL's affair (https://rfc.zeromq.org/spec/4/)
 * and was done before, by topology/load.c.
 *
 *     herd
 *         name = fall2016
 *     node
 *         name = Alford
 *         clients = tcp://127.0.0.1:11500
 *         bus = tcp://127.0.0.1:12500
 *     link
 *         between = Alford Hamilton
 *     observer
 *         name = Ear
 *         of = Alford
 *         bus = tcp://127.0.0.1:12590
 *     places
 *         gateways = tcp://127.0.0.1:13500
 *         workers = tcp://127.0.0.1:13501
 *         provider = landmarks
 *         url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
 *
 * and, for keys (topology/format/keys.h): `keys` or `insecure` in herd, `public_key` in node and
 * places. What is bound may be "*" or the name of an interface; where somebody else has to reach
 * it, `bus_at`, `gateways_at` or `workers_at` then says how.
 *
 * Invariant: nothing that a line says is dropped without a fault. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CHECK_H
#define ZHERD_TOPOLOGY_FORMAT_CHECK_H

#include <stdbool.h>

#include "bus/base/bytes.h"
#include "topology/format/faults.h"
#include "topology/format/topology.h"

/* One line of the file that is not blank. */
struct topology_entry {
    uint32_t line;     /* counted from 1 */
    struct span text;  /* the whole line, without LF */
    const char *name;  /* "" for a comment; NULL where the ZPL reader refused the line */
    const char *value; /* "" without one; NULL with the name */
};

/* Borrows the entries. True and a filled `topology` (release with topology_free) when `faults`
 * stayed empty; else `topology` holds nothing. Running out of memory is a fault of line 0. */
bool topology_check(const struct topology_entry *entries, size_t count, struct topology *topology,
                    struct topology_faults *faults);

#endif
