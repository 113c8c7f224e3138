/* selection: which locations are meant, by where they were taken, when, and whose they are.
 *
 * It looks at one location alone. It knows no table, and no ids one by one: whoever has a list of
 * them looks each up (flood_find).
 *
 * Invariant: an empty field excludes nothing; a location is meant where no field excludes it. */
#ifndef ZHERD_BUS_TABLE_SELECTION_H
#define ZHERD_BUS_TABLE_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/table/location.h"

/* Longer than ids that people write patterns for. */
#define SELECTION_PATTERN_BYTES_MAX 1024

/* Spans are borrowed. */
struct selection {
    struct span origin;  /* the node that took it; empty: any */
    struct span pattern; /* of the client's id, with one `*` for any bytes; empty: any */
    int64_t after_ns;    /* its order time is greater; INT64_MIN: any */
    int64_t before_ns;   /* and less; INT64_MAX: any */
};

/* The one that excludes nothing. */
static inline struct selection selection_of_all(void)
{
    return (struct selection){.after_ns = INT64_MIN, .before_ns = INT64_MAX};
}

/* Whether the text can be a pattern: one `*`, no white space, at most SELECTION_PATTERN_BYTES_MAX
 * bytes. */
bool selection_is_pattern(struct span text);

/* `pattern` is one (selection_is_pattern). */
bool selection_matches(struct span pattern, struct span client);

/* Whether the location, which has a position, is meant. */
bool selection_has(const struct selection *selection, const struct location *location);

#endif
