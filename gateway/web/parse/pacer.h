/* pacer: lets each person's positions go to the node no faster than its `rate` in the access rules.
 *
 * What is too fast is not lost: of each client the newest waits here, and goes once the rate has
 * room. While a person has some that wait, what comes of it waits, too, so that one of its clients
 * cannot keep the others back. Of who has no token each connection has the rate for itself, and
 * what waits goes with the next pacer_turn.
 *
 * Invariant: what pacer_put took is with the relay, or waits here, or there is a newer position of
 * the same client that is; memory stays within the limits of gateway/web/parse/newest.h. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_PACER_H
#define ZHERD_GATEWAY_WEB_PARSE_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "gateway/web/parse/newest.h"
#include "gateway/web/parse/relay.h"
#include "topology/format/access.h"

/* How often pacer_turn is wanted while anything waits. */
#define PACER_TURN_MS 1000

/* All zero but for the key of `waiting` is without rules. */
struct pacer {
    const struct access *access; /* borrowed; NULL: nothing is too fast */
    struct newest waiting;       /* an owner is a person's number */
    uint32_t *waiting_of;        /* of each person, how many */
    uint64_t turns;
    uint64_t held; /* positions that had to wait, since the start */
};

enum pacer_verdict {
    PACER_TAKEN,
    PACER_FULL,    /* there is no room for all, and nothing that is lost was taken */
    PACER_TOO_FAST /* nothing was taken */
};

/* The rules from now on. What waits by those of before goes with the next pacer_turn. */
void pacer_change(struct pacer *pacer, const struct access *access);

struct pacer_request {
    const struct access_person *person; /* of the rules, access_nobody or NULL */
    int64_t *spent_ns;                  /* of its connection, 0 at first, for who has no token */
    struct span lines;                  /* IAMATs that it may say, at least one */
    bool is_asked; /* PACER_TOO_FAST is an answer: where not even the first may go at once */
};

/* Hands the positions to the relay, or keeps them. `number` becomes what relay_put says of them,
 * and UINT64_MAX where one has to wait. `now_ns` is of a clock that never runs backwards. */
enum pacer_verdict pacer_put(struct pacer *pacer, struct relay *relay,
                             const struct pacer_request *request, int64_t now_ns, uint64_t *number);

/* Hands the relay what may go by now. */
void pacer_turn(struct pacer *pacer, struct relay *relay, int64_t now_ns);

void pacer_free(struct pacer *pacer);

#endif
