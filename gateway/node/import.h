/* import: a file of AT lines into a node's table, at its start, as if a neighbour had told it: what
 * is newer than what is known counts, and the journal, where there is one, gets it too.
 *
 * Which lines are good says gateway/text/command.h. Invariant: no line ends the start. */
#ifndef ZHERD_GATEWAY_NODE_IMPORT_H
#define ZHERD_GATEWAY_NODE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "bus/flood.h"
#include "gateway/node/gateway.h"
#include "topology/format/logline.h"

struct import_count {
    uint64_t lines, taken;
    uint64_t known;    /* the same or a newer position of that client was there */
    uint64_t expired;  /* older than what still counts */
    uint64_t refused;  /* no room, or of no node of the file */
    uint64_t bad;      /* no AT lines */
    uint64_t bad_line; /* the number of the first of these, from 1 on, */
    const char *why;   /* and what is wrong there; a constant text */
};

/* Takes options->import_file, where one is named; the log says what became of its lines. False with
 * a sentence where it cannot be read to its end. */
bool import_file(const struct gateway_options *options, struct flood *flood, struct logline *lines,
                 struct fault *fault);

#endif
