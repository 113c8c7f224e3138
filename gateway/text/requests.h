/* requests: the table of the look-ups that a node has in flight.
 *
 * A question gets a ticket and exactly one answer: the service's own, or a failure when the service
 * cannot be reached, stays silent or sends a malformed reply. Questions go to the brokers of the
 * herd in turn; one that has no answer for a question, or is silent, is passed over, and the
 * question is asked once more elsewhere. It opens no socket: time and bytes are arguments, requests
 * and answers are pulled (gateway/node/places_client.h carries them).
 *
 * The asker is a number without meaning here; the caller drops an answer whose asker is gone.
 *
 * Invariant: every ticket given out is answered once, within REQUESTS_DEADLINE_MS. */
#ifndef ZHERD_GATEWAY_TEXT_REQUESTS_H
#define ZHERD_GATEWAY_TEXT_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/histogram.h"
#include "placesd/lookup.h"
#include "topology/format/topology.h"

/* Look-ups in flight at once, of all clients. A node with more in flight is asking a service that
 * is down or overloaded; refusing at once helps both. */
#define REQUESTS_IN_FLIGHT_MAX 4096
/* And for each broker: as many as may wait there, of which it leaves half to a node that asks alone
 * (BALANCE_WAITING_MAX in placesd/dispatch/balance.h), as a node does to an address. More would be
 * refused there, whoever asked. */
#define REQUESTS_PER_BROKER_MAX 1024
/* From question to answer. A client is promised five seconds for its whole WHATSAT; the rest is
 * for the way there and back. */
#define REQUESTS_DEADLINE_MS 4500
/* Silence after which the same question is asked once more: a restarted service has lost it. */
#define REQUESTS_RETRY_MS 2200
/* How long a request may wait for a connection to the service. */
#define REQUESTS_UNREACHABLE_MS 1000
/* Between two attempts while there is no connection. */
#define REQUESTS_PAUSE_MS 50
/* A broker that left a question unanswered gets no questions for this time while there are
 * others. */
#define REQUESTS_SILENT_MS 5000
/* Kept back from the time the service is given, for the reply to travel. */
#define REQUESTS_TRAVEL_MS 100

struct address_share;

/* Both reach their asker; `body` is a JSON object and borrowed until the next call. */
struct requests_answer {
    uint64_t asker;
    struct address_share *share; /* as it was handed in, not looked at */
    uint64_t ticket;
    enum lookup_code code;
    struct span body;
};

/* Counted since the start, never reset. */
struct requests_counters {
    uint64_t asked, answered;
    uint64_t sent, retried;
    uint64_t busy;         /* refused because REQUESTS_IN_FLIGHT_MAX were in flight */
    uint64_t unreachable;  /* answered so because no request could be sent */
    uint64_t late;         /* answered so because no reply came in time */
    uint64_t nonsense;     /* replies that could not be read */
    uint64_t failed;       /* answered with another code than LOOKUP_OK */
    uint64_t unknown;      /* replies to no question, or to one answered already: dropped */
    struct histogram time; /* of each that was answered, from question to answer */
};

struct requests;

/* `seed` is random: ids start there, so that replies to an earlier process mean nothing. There are
 * 1 to TOPOLOGY_PLACES_MAX brokers at first. */
struct requests *requests_new(uint64_t seed, uint32_t brokers);
/* Accepts NULL, sets the caller's pointer to NULL. */
void requests_destroy(struct requests **requests);

/* The brokers are others now: each is the one that was number `was` until now, or,
 * REQUESTS_NO_BROKER, a new one; 0 to TOPOLOGY_PLACES_MAX of them. What those that are gone were
 * asked and have not answered is asked once more at once, as by requests_lost; without any broker
 * it ends as unreachable. */
#define REQUESTS_NO_BROKER TOPOLOGY_PLACES_MAX
void requests_change_brokers(struct requests *requests, const uint32_t *was, uint32_t count,
                             int64_t now_ms);

/* Takes a question; its deadline_ms is not looked at. False when too many are in flight: then
 * there is no ticket and no answer. `share` is what the look-up is counted as, for whoever counts:
 * it comes back with the answer, also where its asker is gone by then. */
bool requests_ask(struct requests *requests, uint64_t asker, struct address_share *share,
                  const struct lookup *lookup, int64_t now_ms, uint64_t *ticket);

/* The next request to be sent: to which broker (counted from 0), its id, and its bytes in `out`
 * (LOOKUP_REQUEST_BYTES_MAX); their number, or 0 when there is nothing to send now. It stays the
 * next one until one of the two calls below says what became of it. */
size_t requests_next(struct requests *requests, int64_t now_ms, uint32_t *broker, uint64_t *id,
                     char *out);
void requests_sent(struct requests *requests, int64_t now_ms);
void requests_refused(struct requests *requests,
                      int64_t now_ms); /* the transport did not take it */

/* A message with this id arrived. True when it answers a question; one that says that its broker
 * has no answer now does not while there is time to ask another. */
bool requests_receive(struct requests *requests, uint64_t id, struct span message, int64_t now_ms,
                      struct requests_answer *answer);

/* The connection to this broker was replaced: what it was asked and has not answered is asked once
 * more at once, unless it was asked twice already. */
void requests_lost(struct requests *requests, uint32_t broker, int64_t now_ms);

/* The next question that has waited too long. Call until false. */
bool requests_expire(struct requests *requests, int64_t now_ms, struct requests_answer *answer);

/* When requests_next or requests_expire must be called again although nothing arrived; INT64_MAX
 * when nothing is in flight. */
int64_t requests_deadline_ms(const struct requests *requests);

/* As many as may be: the least of the two limits. */
size_t requests_in_flight_max(const struct requests *requests);
size_t requests_in_flight(const struct requests *requests);
/* 99 of 100 questions that were answered in this minute and the one before took no longer, as they
 * are counted by eighths of powers of two; UINT64_MAX: there was none. */
uint64_t requests_p99_ms(const struct requests *requests, int64_t now_ms);
const struct requests_counters *requests_count(const struct requests *requests);

#endif
