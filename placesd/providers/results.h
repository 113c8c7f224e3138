/* results: what a provider found, as Nearby Search (legacy) JSON.
 *
 * For providers that answer in a shape of their own: it reads their JSON strictly and prints ours.
 * placesd/providers/nearby_json.h handles an answer that is in the legacy shape already. It knows
 * no provider and puts nothing in order.
 *
 * Invariant: for any input, what is appended is one JSON object that holds `html_attributions`,
 * `results` and `status`, is tidy (bus/base/json_text.h), is no longer than LOOKUP_BODY_BYTES_MAX
 * and does not hold the secret. */
#ifndef ZHERD_PLACESD_PROVIDERS_RESULTS_H
#define ZHERD_PLACESD_PROVIDERS_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"
#include "placesd/lookup.h"

/* One place. Texts are borrowed and valid UTF-8. */
struct result {
    const char *id;
    const char *name;
    struct sphere_point position;
    json_t *types;               /* an array of strings, taken over */
    const char *vicinity;        /* NULL where the provider says nothing, as below */
    const char *business_status; /* OPERATIONAL, CLOSED_TEMPORARILY or CLOSED_PERMANENTLY */
};

/* What a provider says: strict JSON (RFC 8259, UTF-8, no member twice, no trailing data) of at most
 * LOOKUP_BODY_BYTES_MAX, nested no deeper than JSON_TEXT_DEPTH_MAX, whose outermost value is an
 * object; the caller releases it. NULL for anything else. */
json_t *results_load(struct span body);

/* Has `read_root` understand a provider's answer, which appends to `json` and says what became of
 * it as provider's read_answer does (placesd/providers/provider.h). What results_load refuses, it
 * need not see: that is LOOKUP_BAD_REPLY. */
enum lookup_code
results_read(struct span body, const struct lookup *lookup, struct span secret, struct buffer *json,
             enum lookup_code (*read_root)(const json_t *root, const struct lookup *lookup,
                                           struct span secret, struct buffer *json));

/* Appends the failure for an answer in which something else is wrong; LOOKUP_BAD_REPLY. */
enum lookup_code results_fail(const char *reason, struct buffer *json);

/* Both numbers, and both on the Earth. */
bool results_read_position(const json_t *latitude, const json_t *longitude,
                           struct sphere_point *position);

/* A new element of `results`. */
json_t *results_make(const struct result *result);

/* Appends the answer with the first `bound` of the results (an array of results_make) and says
 * LOOKUP_OK, or why there is none. Takes over both arrays; `attributions` holds HTML texts. */
enum lookup_code results_write(json_t *attributions, json_t *results, uint32_t bound,
                               struct span secret, struct buffer *json);

#endif
