/* foreign: the answer of a worker that anybody may have written.
 *
 * What a broker passes on is always a Nearby Search object that is safe to show to anybody. A
 * worker in the broker's own process (placesd/caller.h) has seen to that where it made the
 * body, and its answers do not come here. Nothing that another one says can prove that it did: a
 * routing id and a READY say what their sender likes, and in a herd with keys all workers have the
 * service's own key. So theirs are all read here, once for each request to a provider, and our own
 * `placesd worker` is no exception. It takes one pass without a tree: about ten microseconds of the
 * broker's time for twenty results, where parsing them as a provider's answer takes a hundred, and
 * one or two milliseconds for the worst that fits into a body.
 *
 * Invariant: what is taken keeps every promise of placesd/PROTOCOL.md about bodies. */
#ifndef ZHERD_PLACESD_DISPATCH_FOREIGN_H
#define ZHERD_PLACESD_DISPATCH_FOREIGN_H

#include <stdbool.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"

#define FOREIGN_WHY_BYTES_MAX 128

/* Reads a worker's answer, [code, body] with what is in front of it. The body of `taken` is
 * borrowed from the message or, where `html_attributions` had to be added, appended to `json`.
 * Surplus results stay: the dispatcher cuts for each waiter. False where the answer is none: `why`
 * says for the log what is wrong. */
bool foreign_take(struct span message, struct lookup_reply *taken, struct buffer *json,
                  char why[FOREIGN_WHY_BYTES_MAX]);

#endif
