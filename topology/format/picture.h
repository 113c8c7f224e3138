/* topology_picture: a herd drawn as text: nodes on a circle, links as lines of braille dots.
 *
 * A character cell holds 2 by 4 dots (Unicode block U+2800), so straight lines look straight. It
 * chooses an order around the circle in which linked nodes stand close together, and prints
 * nothing itself.
 *
 * Invariant: every name stands in the picture in full, outside of the circle. */
#ifndef ZHERD_TOPOLOGY_FORMAT_PICTURE_H
#define ZHERD_TOPOLOGY_FORMAT_PICTURE_H

#include <stdbool.h>

#include "topology/format/topology.h"

/* More nodes than this would need a circle larger than a terminal. */
#define TOPOLOGY_PICTURE_NODES_MAX 20
/* The size of a picture with that many nodes, all with the longest names. */
#define TOPOLOGY_PICTURE_ROWS_MAX    27
#define TOPOLOGY_PICTURE_COLUMNS_MAX 183
/* UTF-8: three bytes a cell, and LF; NUL at the end. */
#define TOPOLOGY_PICTURE_BYTES_MAX                                                                 \
    (TOPOLOGY_PICTURE_ROWS_MAX * (3 * TOPOLOGY_PICTURE_COLUMNS_MAX + 1) + 1)

/* Writes the rows, each with its LF and without trailing blanks. False for a herd of more than
 * TOPOLOGY_PICTURE_NODES_MAX nodes. */
bool topology_picture_draw(const struct topology *topology,
                           char picture[TOPOLOGY_PICTURE_BYTES_MAX]);

#endif
