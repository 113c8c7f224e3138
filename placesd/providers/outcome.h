/* outcome: what a provider's failure means to whoever asked.
 *
 * One table of what Google's services, Overpass and Photon say by an HTTP status or by a word in
 * their JSON. The asker gets a code, a status of Nearby Search and one of our own sentences; what
 * the provider says itself may hold addresses and project numbers, so it is for the operator alone
 * (placesd/providers/remark.h).
 *
 * Invariant: nothing a provider chooses freely reaches what is written. */
#ifndef ZHERD_PLACESD_PROVIDERS_OUTCOME_H
#define ZHERD_PLACESD_PROVIDERS_OUTCOME_H

#include <stdbool.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"

enum outcome {
    OUTCOME_DENIED,    /* refuses us whatever we ask: key, address, account, a wrong url */
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

#endif
