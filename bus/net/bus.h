/* bus: the sockets between nodes, and nothing that decides.
 *
 * The Harmony pattern (zguide, chapter 8): one bound ROUTER on which peers are only received, one
 * DEALER per peer that only sends, so a blocked peer never touches another. bus_turn joins them to
 * a flood: what arrived goes in, what is due goes out.
 *
 * Operators come over the ROUTER, too, and are answered there, because nobody may be able to
 * connect to them: there may be NAT on the way. That is the one thing the ROUTER sends, a message
 * to one of them at a time, and it never waits for that: an operator who does not read loses
 * answers.
 *
 * One thread owns a bus. Its descriptor is edge-triggered (zmq_getsockopt(3), ZMQ_FD): before the
 * first wait, after it fired, and after bus_answer, bus_turn must be called until it says that
 * nothing waits. */
#ifndef ZHERD_BUS_NET_BUS_H
#define ZHERD_BUS_NET_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "bus/flood.h"
#include "bus/link/newcomers.h"
#include "bus/net/auth.h"

struct bus_peer {
    const char *name;     /* as in the topology; with it the routing ids of its messages begin */
    const char *endpoint; /* "tcp://host:port" to connect to; a host name is looked up again for
                             each connection */
};

struct bus_keys {
    struct auth_certificate own;
    const struct keyring_keys *peers; /* in the order of bus_options.peers */
};

struct bus_operator {
    const char *name;
    struct keyring_keys keys;
};

/* Who is heard as an operator: with keys these, each under his own key only; without keys everybody
 * who says so, by whatever name. */
struct bus_operators {
    const struct bus_operator *each;
    size_t count;
};

/* Requests of operators that wait to be taken; more are dropped and counted. */
#define BUS_REQUESTS_MAX 16
/* Answers that wait for one operator to read them; more are not taken. */
#define BUS_ANSWERS_MAX 8

struct bus_options {
    const char *name;             /* we are to every peer */
    const char *endpoint;         /* to bind (bus/net/binding.h); port * binds any free one */
    const struct bus_peer *peers; /* in the order of flood_options.peers */
    size_t peer_count;
    const struct bus_keys *keys; /* NULL: without CURVE, where a peer is known by its routing id */
    const struct bus_operators *operators; /* NULL: nobody is heard as one */
};

/* What keys have kept out since the start, and the last of each kind. */
struct bus_guard {
    struct auth_refusals refused; /* connections whose key is no peer's */
    uint64_t impostors;           /* messages whose key is not that of the name they came under */
    char impostor[LOCATION_ORIGIN_BYTES_MAX + 1]; /* whose key it was; "" for nobody's any more */
    char claimed[LOCATION_ORIGIN_BYTES_MAX + 1];  /* the name they came under */
};

struct bus;

/* Binds and begins to connect; peers may come and go at any time. NULL and one clear sentence in
 * `fault` when the endpoint is taken or wrong, or when a stranger sent to try the keys is let in.
 * Copies the options. */
struct bus *bus_open(const struct bus_options *options, struct fault *fault);

/* Gives what was sent last a moment to leave (`linger_ms`), then closes. Accepts NULL. */
void bus_close(struct bus **bus, int linger_ms);

/* Poll for reading. */
int bus_descriptor(const struct bus *bus);

/* The endpoint really bound ("tcp://127.0.0.1:12500"), owned by the bus. */
const char *bus_endpoint(const struct bus *bus);

/* One turn of the loop: takes a bounded number of messages to `flood`, then sends every peer
 * what `flood` has due, within a bound (bus/link/rounds.h). True when more waits, to be taken or to
 * be sent: turn again soon, without waiting for the descriptor. Messages of names that are no peers
 * of ours are counted and dropped. */
bool bus_turn(struct bus *bus, struct flood *flood, int64_t now_ms);

/* The two halves of a turn alone: for one in which the descriptor did not fire, because looking
 * whether a ROUTER has something costs more than answering a client; and for one after which
 * sending waits for more (flood_coalesces). */
bool bus_receive(struct bus *bus, struct flood *flood, int64_t now_ms);
void bus_send(struct bus *bus, struct flood *flood, int64_t now_ms);

/* Whether bus_send left something for the next turn, which must not sleep, because so much was due
 * (bus/link/rounds.h). */
bool bus_sends_on(const struct bus *bus);

/* A message that came from an operator. */
struct bus_request {
    struct span id;   /* its routing id, for bus_answer */
    struct span name; /* of the operator, whose key it came with where there are keys */
    struct span message;
};

/* The next message of an operator that waits, borrowed until the next call; or false. */
bool bus_next_request(struct bus *bus, struct bus_request *request);

/* Sends to the operator's connection of that routing id, without waiting: false where there is none
 * any more, or BUS_ANSWERS_MAX wait there already. What happens at the ROUTER meanwhile shows no
 * more at its descriptor: before that is waited for, bus_receive must be called. */
bool bus_answer(struct bus *bus, struct span id, struct span answer);

/* Looks after the connections that were accepted. It is part of each turn, but not more than ten
 * times a second, and in that time strangers can take all descriptors of the process: who has to
 * have some left polls this descriptor for reading, too, and calls bus_watch when it fired and for
 * as long as it says true. */
int bus_watch_descriptor(const struct bus *bus);
bool bus_watch(struct bus *bus);

/* When bus_send must be called again though nothing came and nothing is due. It may be late: then
 * connections that were lost and made again are noticed late. */
int64_t bus_deadline_ms(const struct bus *bus);

/* Other peers from now on, in the order of the flood's; `keys` in the same order, NULL without
 * keys. The connections of those who stay are left alone, but for a key that counts no more and
 * another endpoint. Copies. */
void bus_change_peers(struct bus *bus, const struct bus_peer *peers, size_t peer_count,
                      const struct keyring_keys *keys);

/* The peers' keys from now on, in the order of the options: messages under a key that is not
 * among them any more are dropped, also over a connection that is open. Only for a bus that was
 * opened with keys. */
void bus_admit(struct bus *bus, const struct keyring_keys *peers);

/* Who is heard as an operator from now on; on the same terms. Copies. */
void bus_admit_operators(struct bus *bus, const struct bus_operators *operators);

/* Without keys there are no refusals. */
struct bus_guard bus_guard(struct bus *bus);

/* Messages dropped because their sender's name is not one of our peers. */
uint64_t bus_strangers(const struct bus *bus);

/* The next name under which such messages came, for the operator: the routing id without the number
 * after a name (bus/link/strangers.h). Borrowed until the next turn. */
bool bus_next_stranger(struct bus *bus, struct span *name);

/* What became of connections over which no peer spoke, since this was asked last; false for nothing
 * worth logging. */
bool bus_next_newcomers(struct bus *bus, struct newcomers_news *news);

/* Why there is no new connection to the peer that this names: its host cannot be resolved, or the
 * system has no more sockets. Each reason once; NULL when there is none that was not given before.
 * Owned by the bus, until its next turn. */
const char *bus_next_trouble(struct bus *bus, size_t *peer);

/* Messages of peers and operators dropped because they had more than one frame. */
uint64_t bus_multiparts(const struct bus *bus);

/* Messages of operators dropped because BUS_REQUESTS_MAX waited. */
uint64_t bus_requests_dropped(const struct bus *bus);

#endif
