/* answer: Nearby Search (legacy) JSON about places, as text.
 *
 * Members that we know nothing about (rating, opening hours, photos) are left out, as Google
 * leaves them out where it knows nothing. There is never a second page.
 *
 * Invariant: the text is one JSON object with `html_attributions`, `results` and `status`,
 * indented by three, without an empty line and without a line end behind it. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_ANSWER_H
#define ZHERD_PLACESD_LANDMARKS_DATA_ANSWER_H

#include <stddef.h>

#include "placesd/landmarks/data/place.h"

/* Google gives at most this many results on a page. */
#define ANSWER_RESULTS_MAX 20

/* The places in the order given; the status is OK, or ZERO_RESULTS for none. `attribution` is what
 * their owner wants shown with them, as HTML, or NULL. The caller frees the text. NULL only when
 * memory is gone. */
char *answer_places(const struct place *places, size_t count, const char *attribution);

/* INVALID_REQUEST with the reason as `error_message`, UTF-8. Ownership as above. */
char *answer_invalid(const char *reason);

#endif
