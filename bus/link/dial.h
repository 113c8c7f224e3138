/* dial: when a connection that this process makes is replaced by a new one, and with which key the
 * other end is expected then.
 *
 * ZeroMQ connects again by itself, but not always: it gives a connection up for good that was
 * refused once, and across a box that ends TCP (a proxy, a load balancer, a port forwarding) a
 * connection can be dead while both ends of it look alive. So the module that connects reports here
 * what it sees of a connection, and replaces the socket when dial_is_due says so. It knows no
 * socket and no message; the owner closes the old socket and opens one under a new routing id,
 * because zmq_disconnect(3) does not end an established connection, and a DEALER deals its messages
 * to every connection it has.
 *
 * All times are milliseconds of one clock that does not run backwards.
 *
 * Invariant: a connection that answers is never replaced, unless the key that it was made with is
 * taken from the list. */
#ifndef ZHERD_BUS_LINK_DIAL_H
#define ZHERD_BUS_LINK_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/keyring.h"

struct dial_rules {
    /* For this time ZeroMQ took no message: the connection does not come about. */
    int64_t away_ms;
    /* The same where the other end lists two keys: only one can be expected at a time, and the
     * other one may be right. It doubles each time that both had their turn, up to away_ms, because
     * a long way may need more time than this. */
    int64_t away_two_keys_ms;
    /* For this time ZeroMQ took messages that want an answer, and none was answered. */
    int64_t unanswered_ms;
};

struct dial {
    const struct dial_rules *rules; /* outlive the dial; others may take their place */
    struct keyring_keys keys; /* what the other end may prove itself with; none in the clear */
    size_t key;               /* the place of the one expected there */
    uint32_t attempts;        /* connections replaced so far */
    uint32_t fruitless;       /* of them, those in a row that took no message */
    bool is_stale;            /* it is to be replaced at once: broken, or its key counts no more */
    bool was_silent;          /* the last one took messages and answered none; none came since */
    bool is_told;             /* that it is lost was reported */
    int64_t lost_since_ms;    /* INT64_MAX while it serves, as far as is known */
    int64_t away_since_ms;    /* INT64_MAX while messages are taken */
    int64_t unanswered_since_ms; /* INT64_MAX while nothing waits for an answer */
};

/* The other end is lost for this time before that is reported: a start or a new key takes less. */
#define DIAL_LOST_MS 5000

/* What dial_news reports, each once. */
enum dial_news {
    DIAL_NOTHING_NEW,
    DIAL_LOST, /* the other end was not reached for DIAL_LOST_MS, however often it was tried */
    DIAL_BACK, /* and now it is */
};

/* A connection is made now, with the first key. Copies `keys`, borrows `rules`. */
void dial_start(struct dial *dial, const struct dial_rules *rules, const struct keyring_keys *keys,
                int64_t now_ms);

/* It is made only now, because the other end's address had to be found first. */
void dial_restart(struct dial *dial, int64_t now_ms);

/* ZeroMQ took a message, so there is a connection. `wants_answer`: if it arrives, something comes
 * back that will be reported with dial_answered. */
void dial_taken(struct dial *dial, bool wants_answer, int64_t now_ms);

/* ZeroMQ did not take a message: there is no connection, or its queue is full. */
void dial_refused(struct dial *dial, int64_t now_ms);

/* The connection broke. A new one is to be made at once, and expects the same key. */
void dial_lost(struct dial *dial);

/* Something came that shows that what is sent over this connection arrives. */
void dial_answered(struct dial *dial);

/* The other end proved to have `key`. Where that is listed, it is the key to expect there. */
void dial_proved(struct dial *dial, const char *key);

/* The listed keys are these from now on. A connection whose key is still listed stays. */
void dial_expect(struct dial *dial, const struct keyring_keys *keys);

/* Whether the connection is to be replaced now. */
bool dial_is_due(const struct dial *dial, int64_t now_ms);

/* Whether there is no connection, as far as was reported. */
bool dial_is_away(const struct dial *dial);

/* The earliest time at which dial_is_due becomes true if nothing is reported; INT64_MAX is never,
 * INT64_MIN is at once. */
int64_t dial_deadline_ms(const struct dial *dial);

/* Which of several addresses of the other end the connection is made to: below `count`, which is
 * not 0. Each is tried with each key. */
size_t dial_choose(const struct dial *dial, size_t count);

/* The connection is replaced now: `key` and `attempts` say how. One that did not come about, or
 * whose key counts no more, is tried with another key of the list; one that broke or does not
 * answer was made with the right key and keeps it. */
void dial_renew(struct dial *dial, int64_t now_ms);

/* What is new since the last call; the owner calls it about once a second. */
enum dial_news dial_news(struct dial *dial, int64_t now_ms);

#endif
