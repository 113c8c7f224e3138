/* nearby: a NEARBY at work: the search for who is near, and the reply's lines
 * (gateway/PROTOCOL.md).
 *
 * It does not know who asks: a session lends it the output, and as much time as its turn has. The
 * line that says where the client in the middle is, and what stands in the log, are its caller's.
 *
 * Invariant: each line was true of the table in the moment when it was written, nearest first, no
 * client twice. */
#ifndef ZHERD_GATEWAY_TEXT_NEARBY_H
#define ZHERD_GATEWAY_TEXT_NEARBY_H

#include "bus/base/bytes.h"
#include "bus/table/grid.h"
#include "topology/format/access.h"

/* Owns no memory. */
struct nearby {
    struct grid_search search;
    bool is_found;    /* the search is at its end, */
    bool is_complete; /* and the reply, too */
    uint64_t changes; /* of the table, when it was */
    uint32_t lines;   /* so many were found and written, or left out as they moved since */
};

/* As grid_search_begin. */
void nearby_begin(struct nearby *nearby, const struct table *table, const struct degrees *centre,
                  int64_t radius_mm, uint32_t bound, const uint32_t *except);

/* The reply of a search around a place that is not on the globe: nobody is near. */
void nearby_begin_nowhere(struct nearby *nearby);

/* From now on only those are found whom the person may see; NULL: all. Borrowed until the end, or
 * another one. */
void nearby_show(struct nearby *nearby, const struct access_person *person);
/* The same of any search. */
void nearby_show_search(struct grid_search *search, const struct access_person *person);

/* Goes on for about `*steps` looks, which it takes off, and while `out` has less than
 * `out_bytes_max`. Not to be called again when the reply is complete. */
void nearby_go_on(struct nearby *nearby, const struct table *table, int64_t *steps,
                  size_t out_bytes_max, struct buffer *out);

/* "12.3 ": metres to one decimal, rounded half up, and a blank. */
void nearby_write_metres(struct buffer *out, int64_t mm);

#endif
