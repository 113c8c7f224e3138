/* places: the look-ups a node has in flight.
 *
 * A question gets a ticket and exactly one answer, whatever happens: the service's own, or a
 * failure when it cannot be reached, stays silent or sends nonsense. Questions go to the brokers
 * of the herd in turn; one that has no answer for a question, or is silent, is passed over, and
 * the question is asked once more elsewhere. It opens no socket: time and bytes are arguments,
 * requests and answers are pulled (gateway/node/lookups.h carries them).
 *
 * Who asked is a number that means nothing here; an answer to somebody who is gone is simply
 * not wanted any more.
 *
 * Invariant: every ticket given out is answered once, within PLACES_DEADLINE_MS. */
#ifndef ZHERD_GATEWAY_TEXT_PLACES_H
#define ZHERD_GATEWAY_TEXT_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "placesd/lookup.h"
#include "topology/format/topology.h"

/* Look-ups in flight at once, of all clients. A node that waits for more than this is talking to
 * a service that is down or drowning; a quick refusal helps both. */
#define PLACES_IN_FLIGHT_MAX 4096
/* From question to answer. A client is promised five seconds for its whole WHATSAT; the rest is
 * for the way there and back. */
#define PLACES_DEADLINE_MS 4500
/* Silence after which the same question is asked once more: a restarted service has lost it. */
#define PLACES_RETRY_MS 2200
/* How long a request may wait for a connection to the service. */
#define PLACES_UNREACHABLE_MS 1000
/* Between two attempts while there is no connection. */
#define PLACES_PAUSE_MS 50
/* A broker that was silent gets no questions for so long while there are others. */
#define PLACES_SILENT_MS 5000
/* Kept back from the time the service is given, for the reply to travel. */
#define PLACES_TRAVEL_MS 100

/* Both reach their asker; `body` is a JSON object and borrowed until the next call. */
struct places_answer {
    uint64_t asker;
    uint64_t ticket;
    enum lookup_code code;
    struct span body;
};

/* Counted since the start, never reset. */
struct places_counters {
    uint64_t asked, answered;
    uint64_t sent, retried;
    uint64_t busy;        /* refused because PLACES_IN_FLIGHT_MAX were in flight */
    uint64_t unreachable; /* answered so because no request could be sent */
    uint64_t late;        /* answered so because no reply came in time */
    uint64_t nonsense;    /* replies that could not be read */
    uint64_t unknown;     /* replies to no question, or to one answered already: dropped */
};

struct places;

/* `seed` is random: ids start there, so that replies to an earlier process mean nothing. There are
 * 1 to TOPOLOGY_PLACES_MAX brokers. */
struct places *places_new(uint64_t seed, uint32_t brokers);
/* Accepts NULL, sets the caller's pointer to NULL. */
void places_destroy(struct places **places);

/* Takes a question; its deadline_ms is not looked at. False when too many are in flight: then
 * there is no ticket and no answer. */
bool places_ask(struct places *places, uint64_t asker, const struct lookup *lookup, int64_t now_ms,
                uint64_t *ticket);

/* The next request to be sent: to which broker (counted from 0), its id, and its bytes in `out`
 * (LOOKUP_REQUEST_BYTES_MAX); their number, or 0 when there is nothing to send now. It stays the
 * next one until one of the two calls below says what became of it. */
size_t places_next(struct places *places, int64_t now_ms, uint32_t *broker, uint64_t *id,
                   char *out);
void places_sent(struct places *places, int64_t now_ms);
void places_refused(struct places *places, int64_t now_ms); /* the transport did not take it */

/* A message with this id arrived. True when it answers a question; one that says that its broker
 * has no answer now does not while there is time to ask another. */
bool places_receive(struct places *places, uint64_t id, struct span message, int64_t now_ms,
                    struct places_answer *answer);

/* The connection to this broker was replaced: what it was asked and has not answered is asked once
 * more at once, unless it was asked twice already. */
void places_lost(struct places *places, uint32_t broker, int64_t now_ms);

/* The next question that has waited too long. Call until false. */
bool places_expire(struct places *places, int64_t now_ms, struct places_answer *answer);

/* When places_next or places_expire must be called again although nothing arrived; INT64_MAX
 * when nothing is in flight. */
int64_t places_deadline_ms(const struct places *places);

size_t places_in_flight(const struct places *places);
const struct places_counters *places_count(const struct places *places);

#endif
