/* answer: what this server says, in the form of Google's Nearby Search (legacy).
 *
 * Members that we know nothing about (rating, opening hours, photos) are left out, as Google leaves
 * them out where it knows nothing. It writes and reads no question; the store decides which places
 * are near.
 *
 * Invariant: an answer is one JSON object (RFC 8259) with `html_attributions`, `results` and
 * `status`, indented by three, its members in the order of their names, without an empty line and
 * without a line end after it. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_ANSWER_H
#define ZHERD_PLACESD_LANDMARKS_DATA_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"
#include "placesd/landmarks/data/place.h"

/* Google gives at most this many results on a page. */
#define ANSWER_RESULTS_MAX 20

/* Appends the places in the order given; the status is OK, or ZERO_RESULTS for none. `attribution`
 * is what their owner wants shown with them, as HTML, or NULL; `next_page_token` is what the next
 * page is asked for with, empty where there is none. False, and nothing appended, where a text is
 * not UTF-8, as one from a file may be that somebody else has written into. */
bool answer_places(const struct place *places, size_t count, const char *attribution,
                   struct span next_page_token, struct buffer *out);

/* Appends INVALID_REQUEST with the reason as `error_message`, UTF-8. */
void answer_invalid(const char *reason, struct buffer *out);

#endif
