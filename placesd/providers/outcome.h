/* outcome: what a provider's failure means to the asker, and what the operator's log shows of it.
 *
 * One table of what Google's services, Overpass and Photon say by an HTTP status or by a word in
 * their JSON. The asker gets a code, a status of Nearby Search and one of our own sentences; the
 * provider's own text may hold addresses, project numbers and the question, so it goes to the log
 * and to no client.
 *
 * Invariant: nothing a provider chooses freely reaches the asker; what the log gets is one line of
 * printable ASCII, at most OUTCOME_REMARK_BYTES_MAX long, and holds neither the key nor the place
 * that was asked about. */
#ifndef ZHERD_PLACESD_PROVIDERS_OUTCOME_H
#define ZHERD_PLACESD_PROVIDERS_OUTCOME_H

#include <stdbool.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"

enum outcome {
    OUTCOME_DENIED,    /* refuses every question of ours: key, address, account, a wrong url */
    OUTCOME_LIMIT,     /* has had enough of our questions for now: rate or quota */
    OUTCOME_INVALID,   /* takes this question for none; another one may be good */
    OUTCOME_DOWN,      /* is out of order, or has too much to do */
    OUTCOME_ELSEWHERE, /* names another place to ask, where we do not go */
    OUTCOME_STRANGE,   /* says what no such service says */
};

/* What a word means: a status of Nearby Search (legacy), a name of google.rpc.Code, or a reason of
 * google.rpc.ErrorInfo and its forerunners. False for any other word, and for NULL. */
bool outcome_of_word(const char *word, enum outcome *outcome);

/* Appends the failure and returns its code. `how` is one of our own words about it ("HTTP 403"). */
enum lookup_code outcome_write(enum outcome outcome, const char *how, struct buffer *json);

/* The same for an HTTP status other than 200 (RFC 9110, section 15) and the body that came with it:
 * a word in it that outcome_of_word knows is more exact than the status. */
enum lookup_code outcome_write_http(long http_status, struct span body, struct buffer *json);

/* ---- for the log ---- */

/* A few sentences, escaped. */
#define OUTCOME_REMARK_BYTES_MAX 500

/* Appends the provider's words from the body of an answer that failed: `error_message` (Google,
 * legacy), `error.message` (Google, new), `remark` (Overpass), `message` (Photon), or a page of
 * HTML; nothing where it says none. As in a node's log a byte outside 0x20-0x7e reads \xNN, a
 * backslash \\, and a text that is cut short ends in \... . "***" stands where `key` (empty without
 * one) stood, and where a coordinate of `lookup` did as far as it has decimals. */
void outcome_remark(struct span body, const struct lookup *lookup, struct span key,
                    struct buffer *out);

#endif
