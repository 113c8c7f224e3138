/* shape: the herds on which stories run, where the caller wants other ones than those that belong
 * to the stories: topology files, or a number of nodes.
 *
 * It reads files and ends the program with one clear line where one cannot be had.
 *
 * Invariant: which herd a seed gets depends on the seed and the arguments alone. */
#ifndef ZHERD_TESTS_SIM_SHAPE_H
#define ZHERD_TESTS_SIM_SHAPE_H

#include <stdbool.h>

#include "tests/sim/graphs.h"

#define SHAPE_FILES_MAX           16
#define SHAPE_ARGUMENTS_BYTES_MAX 2048

/* All zero is no wish. */
struct shape {
    struct graph graphs[SHAPE_FILES_MAX];
    size_t graph_count;
    uint32_t nodes;                            /* of a random herd, another one for each seed */
    struct graph drawn;                        /* the last one */
    char arguments[SHAPE_ARGUMENTS_BYTES_MAX]; /* to say it again on a command line */
};

void shape_add_topology(struct shape *shape, const char *file);
void shape_set_nodes(struct shape *shape, uint64_t nodes);
/* For what else it takes to say a story again. */
void shape_note(struct shape *shape, const char *option, const char *value);
bool shape_is_given(const struct shape *shape);

/* The herd for this seed, or NULL for the story's own; valid until asked again. */
const struct graph *shape_graph(struct shape *shape, uint64_t seed);

void shape_free(struct shape *shape);

#endif
