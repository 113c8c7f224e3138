/* nearby_json: a provider's Nearby Search answer, checked and cut to what was asked for.
 *
 * The text's own bytes are kept: where nothing is cut and the text is tidy (bus/base/json_text.h)
 * the answer leaves as it came, and a cut takes out surplus elements of the top-level `results` and
 * nothing else. It knows no HTTP and no URL; it is not a JSON printer.
 *
 * Invariant: for any text, what is appended is one JSON object that holds `html_attributions`,
 * `results` and `status`, has no blank line, is no longer than LOOKUP_BODY_BYTES_MAX and does not
 * hold the secret. */
#ifndef ZHERD_PLACESD_PROVIDERS_NEARBY_JSON_H
#define ZHERD_PLACESD_PROVIDERS_NEARBY_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"

/* Appends the answer for the provider's body `text` to `json` and returns its code:
 *
 * - LOOKUP_OK: status OK or ZERO_RESULTS; at most `bound` results.
 * - LOOKUP_BAD_REPLY: not strict JSON (RFC 8259, UTF-8, no member twice, no trailing data), nested
 *   beyond JSON_TEXT_DEPTH_MAX, a missing or misshaped member, an unknown status, too long, or a
 *   good answer that holds `secret` (empty without one).
 * - Any other code: as the status says (placesd/providers/outcome.h).
 *
 * A failure repeats none of the provider's own words. Statuses: Google, Places API, Nearby Search
 * (legacy). */
enum lookup_code nearby_json_read(struct span text, uint32_t bound, struct span secret,
                                  struct buffer *json);

/* The same in one pass without a tree, for a provider of our own whose answers hold no secret:
 * within results a member may stand twice, and `next_page_token` is left out, as nobody who asks
 * placesd could use it. */
enum lookup_code nearby_json_pass(struct span text, uint32_t bound, struct buffer *json);

/* Where the `results` of a text can be cut, as offsets into it. */
struct nearby_json_offsets {
    uint32_t count;                      /* of results */
    uint32_t ends[LOOKUP_BOUND_MAX + 1]; /* after each of the first ones; [0]: before them */
    uint32_t last;                       /* after the last one */
    uint32_t close;                      /* of the closing bracket */
};

/* Finds them in one pass. False where the text is too long or shows no object with an array
 * `results`; the text need not have been checked before, and is not checked further. */
bool nearby_json_find_offsets(struct span text, struct nearby_json_offsets *offsets);

/* Appends the text with at most `bound` results: the cut that nearby_json_read makes. */
void nearby_json_cut(struct span text, const struct nearby_json_offsets *offsets, uint32_t bound,
                     struct buffer *json);

#endif
