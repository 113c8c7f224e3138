/* gate: the access rules as zherd-web goes by them: who asks, what may go to the node and when, and
 * what the log says of those who may not.
 *
 * It joins gateway/web/parse/admit.h and pacer.h with the clock and standard error, and decides
 * nothing itself. Each token, and who has none each address, has one line in an hour.
 *
 * Invariant: a person that gate_find named is good until gate_take. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_GATE_H
#define ZHERD_GATEWAY_WEB_SERVER_GATE_H

#include "bus/base/hourly.h"
#include "gateway/web/parse/pacer.h"
#include "gateway/web/parse/upload.h"

/* All zero is none. */
struct gate {
    struct access *rules; /* owned; NULL: anybody may anything */
    struct pacer pacer;
    struct hourly noted;
    uint64_t denied; /* requests, by 401 or 403 */
};

/* Without rules. */
void gate_init(struct gate *gate);

/* Other rules from now on, which are the gate's to free, or none. */
void gate_take(struct gate *gate, struct access *rules);
void gate_free(struct gate *gate);

/* A request as the gate sees it. */
struct gate_request {
    struct span authorization; /* its header; empty: none */
    const char *path;
    const struct network_address *from;
    int64_t *spent_ns; /* its connection's, for gateway/web/parse/admit.h */
    int64_t now_ms;    /* of a clock that never runs backwards */
};

/* Who asks. False: 401, which the log knows. */
bool gate_find(struct gate *gate, const struct gate_request *request,
               const struct access_person **person);

/* The status for whoever may not do what it asks: 401 or 403, which the log knows. */
unsigned gate_deny(struct gate *gate, const struct gate_request *request,
                   const struct access_person *person);

/* Whether whoever asks may send positions at all, before they are read: 200; else 401 or 403, which
 * the log knows, and a constant sentence. */
unsigned gate_ask_sender(struct gate *gate, const struct gate_request *request, const char **why);

/* Whether the person may ask once more by now; false: 429. */
bool gate_keeps_rate(const struct gate_request *request, const struct access_person *person);

/* Reads an upload, and hands its positions on: 200, and `number` as relay_put says it, 0 where
 * there is none; or the status of a refusal, and the upload says why. */
unsigned gate_upload(struct gate *gate, const struct gate_request *request,
                     const struct upload_request *body, struct relay *relay, struct upload *upload,
                     uint64_t *number);

/* What was too fast goes now, because nothing of it will be there later. */
void gate_release(struct gate *gate, struct relay *relay, int64_t now_ms);

/* Once every PACER_TURN_MS: what was too fast goes on. */
void gate_turn(struct gate *gate, struct relay *relay, int64_t now_ms);

#endif
