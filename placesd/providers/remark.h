/* remark: what a provider itself says about its failure, as the operator's log can show it.
 *
 * Providers say what is wrong in many shapes: `error_message` (Google, legacy), `error.message`
 * (Google, new), `remark` (Overpass), `message` (Photon), or a page of HTML. Their words may hold
 * addresses, project numbers and whatever was asked, so they go to the log and to no client.
 *
 * Invariant: what is appended is one line of printable ASCII, at most REMARK_BYTES_MAX long, and
 * holds neither the key nor the place that was asked about. */
#ifndef ZHERD_PLACESD_PROVIDERS_REMARK_H
#define ZHERD_PLACESD_PROVIDERS_REMARK_H

#include "bus/base/bytes.h"
#include "placesd/lookup.h"

/* A few sentences, escaped. */
#define REMARK_BYTES_MAX 500

/* Appends the provider's words from the body of an answer that failed; nothing where it says none.
 * As in a node's log a byte outside 0x20-0x7e reads \xNN, a backslash \\, and a text that is cut
 * short ends in \... . "***" stands where `key` (empty without one) stood, and where a coordinate
 * of `lookup` did as far as it has decimals. */
void remark_read(struct span body, const struct lookup *lookup, struct span key,
                 struct buffer *out);

#endif
