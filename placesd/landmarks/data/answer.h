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

/* What an answer says besides its places. */
struct answer_notes {
    const char *attribution;     /* what their owner wants shown with them, as HTML, or NULL */
    const char *info;            /* what a person should know of the answer, UTF-8, or NULL */
    struct span next_page_token; /* what the next page is asked for with; empty: there is none */
};

/* Appends the places in the order given; the status is OK, or ZERO_RESULTS for none. `info` comes
 * as Google's `info_messages`. False, and nothing appended, where a text is not UTF-8, as one from
 * a file may be that somebody else has written into. */
bool answer_places(const struct place *places, size_t count, const struct answer_notes *notes,
                   struct buffer *out);

/* Appends INVALID_REQUEST with the reason as `error_message`, UTF-8. */
void answer_invalid(const char *reason, struct buffer *out);

#endif
