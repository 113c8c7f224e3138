/* client_limits: who may connect, whose connection is closed and when, and who may look something
 * up, so that a slow or hostile client costs itself and its own address.
 *
 * All that connections hold is a share of one number, `bytes_max`. Unfinished lines, unread replies
 * and look-ups have a part of it each, so that no amount of unfinished lines costs anybody a reply.
 * Where a part is used up, the address that holds most of it gives way: of its unfinished lines the
 * youngest, of its readers the one that has read nothing for longest. Whoever reads, slowly or not,
 * is the last of its address.
 *
 * It also divides the descriptors of the process, so that clients cannot take those of the links,
 * nor strangers at the bus those of clients.
 *
 * It knows no socket and no session, opens nothing and asks nobody: whoever owns the connections
 * says what they hold, asks whom to close, closes it and says that it has left. Each operation
 * takes the same few steps, however many connections there are.
 *
 * Invariant: after client_limits_next said that there is nobody, no limit is exceeded; the parts of
 * the descriptors and what is open are together at most their limit. */
#ifndef ZHERD_GATEWAY_TEXT_CLIENT_LIMITS_H
#define ZHERD_GATEWAY_TEXT_CLIENT_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/text/address_shares.h"
#include "gateway/text/crowd.h"
#include "gateway/text/list.h"
#include "topology/format/networks.h"

/* Connections of one address, in percent of all; the trusted may have all. One address must not
 * shut a node; on loopback there are few others, and tests and proxies are many. */
#define CLIENT_LIMITS_ADDRESS_PERCENT  50
#define CLIENT_LIMITS_LOOPBACK_PERCENT 90
/* From the first byte of a line that is not finished, however often some of it comes. */
#define CLIENT_LIMITS_LINE_MS 60000
/* Replies wait and the client has taken none of them in that time. */
#define CLIENT_LIMITS_STUCK_MS 10000
/* After QUIT, how long a client may go on sending; closing at once could cost it the last reply
 * (RFC 1122, 4.2.2.13). */
#define CLIENT_LIMITS_LINGER_MS 1000
/* A look-up in flight: its question, and its mark in the session with those beside it. */
#define CLIENT_LIMITS_LOOKUP_BYTES 512

/* A link has a connection each way, and while one is replaced two. */
#define CLIENT_LIMITS_NEIGHBOUR_DESCRIPTORS 4
/* What is kept from clients where descriptors are plenty; a quarter of them where they are few. */
#define CLIENT_LIMITS_NEIGHBOURS_DESCRIPTORS_MIN 96
/* Name servers (RESOLVE_THREADS_MAX in bus/net/resolve.h at once), logs and topology files. */
#define CLIENT_LIMITS_FILES_DESCRIPTORS     96
#define CLIENT_LIMITS_DESCRIPTORS_BYTES_MAX 256

/* How the memory of all connections is divided. */
struct client_limits_bytes {
    size_t lines, replies, lookups; /* each at most; together `bytes_max` */
};

/* How the descriptors of the process are divided. */
struct client_limits_descriptors {
    size_t limit, open; /* what there may be, and is */
    size_t clients, neighbours, files;
    size_t strangers; /* at the bus, bus/link/newcomers.h */
};

struct client_limits_options {
    size_t connections_max; /* at least 1 */
    size_t bytes_max;       /* all that connections may hold: a node's memory for them */
    size_t lookups_max;     /* in flight, whatever the bytes allow */
    struct address_shares_options shares;
};

/* A connection's part in the limits; stands in whatever has it, and stays where it is from
 * client_limits_accept to client_limits_leave. Changed here alone. */
struct client_limits_connection {
    struct address_share *share;
    struct crowd_member place;
    struct list_node waits; /* among those that do not read, or among those that linger */
    struct list_node line;  /* among those with an unfinished line, oldest first */
    struct list_node holds[ADDRESS_HELD_KINDS]; /* among those of the address that hold some */
    size_t held_bytes[ADDRESS_HELD_KINDS];
    int64_t waits_since_ms, line_since_ms;
    uint32_t lookups;
    bool is_lingering;
    bool is_heard; /* it has finished a command */
    bool
        is_secured; /* its address has a handshake of it (gateway/text/handshakes.h); its owner's */
};

/* What has become of a connection in one turn. */
struct client_limits_state {
    size_t line_bytes, reply_bytes; /* memory held for each now */
    bool has_unfinished;            /* part of a line came, and only its client can end it */
    bool has_finished;              /* a line was finished since the last call */
    bool has_output;                /* there is something for the client to take */
    bool has_taken;                 /* it took some since the last call */
    bool has_watches;               /* it waits for what changes, so it is not silent */
};

enum client_limits_verdict {
    CLIENT_LIMITS_ACCEPTED,
    CLIENT_LIMITS_FULL,        /* no connection is free */
    CLIENT_LIMITS_ADDRESS_FULL /* its address has its share */
};

/* Why a connection is to be closed. */
enum client_limits_reason {
    CLIENT_LIMITS_LINGERED,
    CLIENT_LIMITS_STUCK,
    CLIENT_LIMITS_LINE_LATE,
    CLIENT_LIMITS_LINES_FULL,
    CLIENT_LIMITS_REPLIES_FULL,
    CLIENT_LIMITS_SILENT,
    CLIENT_LIMITS_REASONS
};

/* What is limited, for whoever shows it. */
enum client_limits_resource {
    CLIENT_LIMITS_CONNECTIONS,
    CLIENT_LIMITS_LINES,   /* bytes */
    CLIENT_LIMITS_REPLIES, /* bytes */
    CLIENT_LIMITS_LOOKUPS,
    CLIENT_LIMITS_RESOURCES
};

struct client_limits_usage {
    const char *what; /* "connections", "bytes of unfinished lines" */
    size_t used, max;
    bool is_near; /* ADDRESS_SHARES_WARNING_PERCENT or more are used: an operator should know */
};

/* Counted since the start, never reset. Those that were closed, whoever closes them counts. */
struct client_limits_counters {
    uint64_t accepted, full, address_full, lookups_refused;
};

struct client_limits;

/* The parts of `bytes_max`: three eighths, four, and one. */
struct client_limits_bytes client_limits_divide_bytes(size_t bytes_max);

/* Divides `limit` descriptors, `open` of which are in use; `clients_max` go to clients at most.
 * False where none is left for clients. */
bool client_limits_divide_descriptors(size_t limit, size_t open, size_t neighbours,
                                      size_t clients_max, struct client_limits_descriptors *shares);

/* The parts as a sentence for the log. */
void client_limits_say_descriptors(const struct client_limits_descriptors *shares,
                                   char text[CLIENT_LIMITS_DESCRIPTORS_BYTES_MAX]);

struct client_limits *client_limits_new(const struct client_limits_options *options);
/* Other limits of all, and other shares of addresses, from now on; who has connected stays. */
void client_limits_change(struct client_limits *limits,
                          const struct client_limits_options *options);
/* Accepts NULL, sets the caller's pointer to NULL; no connection is there any more. */
void client_limits_destroy(struct client_limits **limits);

/* Where no connection is free: the one that has to leave so that a new one from this address may
 * stay; NULL where none has to, or nobody gives way. It is the one that was silent for longest of
 * those that have not finished a command, if its address has more than twice as many connections:
 * silent ones shut nobody out, and never cost each other anything. Closed as CLIENT_LIMITS_SILENT.
 */
struct client_limits_connection *client_limits_yield(struct client_limits *limits,
                                                     const struct network_address *address,
                                                     int64_t now_ms);

/* Whether a new connection from this address may stay. If so, `connection` is counted, and all of
 * it is set. Ask client_limits_next before, and client_limits_yield: they make room. */
enum client_limits_verdict client_limits_accept(struct client_limits *limits,
                                                const struct network_address *address,
                                                struct client_limits_connection *connection,
                                                int64_t now_ms);

/* It is closed. Its look-ups stay counted for its address until client_limits_answer. */
void client_limits_leave(struct client_limits *limits, struct client_limits_connection *connection);

/* It has shown that the operator trusts it, wherever it comes from: from now on it has the share of
 * the trusted. Not one with look-ups in flight or in TLS: these are counted where they began. */
void client_limits_trust(struct client_limits *limits, struct client_limits_connection *connection);

/* Something was read from it or written to it: for client_limits_active alone. */
void client_limits_touch(struct client_limits *limits, struct client_limits_connection *connection,
                         int64_t now_ms);
static inline void client_limits_active(struct client_limits *limits,
                                        struct client_limits_connection *connection, int64_t now_ms)
{
    if (crowd_wants_touch(&connection->place, now_ms))
        client_limits_touch(limits, connection, now_ms);
}

/* After each read, write or answer. True where client_limits_next has to be asked at once. Costs
 * next to nothing for a connection that holds nothing and did not before. */
bool client_limits_update(struct client_limits *limits, struct client_limits_connection *connection,
                          const struct client_limits_state *state, int64_t now_ms);

/* All is said to it and it has CLIENT_LIMITS_LINGER_MS to close its side; it holds nothing. */
void client_limits_linger(struct client_limits *limits, struct client_limits_connection *connection,
                          int64_t now_ms);

/* The next connection to be closed, and why; NULL for none. Before the next call it must leave, or,
 * where it is CLIENT_LIMITS_STUCK, be updated as one that has taken some after all. To be asked
 * before client_limits_accept, when client_limits_update says so, and once a second. */
struct client_limits_connection *client_limits_next(struct client_limits *limits, int64_t now_ms,
                                                    enum client_limits_reason *reason);

/* The reason for the log, as a sentence. */
const char *client_limits_say(enum client_limits_reason reason);

/* A look-up begins, or is refused: an address may have as many as nobody has (the trusted all), a
 * connection as many as its address may have besides, and one is kept for each connection of the
 * address that has none, for as many as a quarter of all. So something is left for an address that
 * has none, however many connections of another are greedy, and for a connection that has none
 * beside greedy ones of its address. To be answered under the connection's `share`, which stays
 * until then; `connection` is NULL where it has left. */
bool client_limits_look_up(struct client_limits *limits,
                           struct client_limits_connection *connection);
void client_limits_answer(struct client_limits *limits, struct address_share *share,
                          struct client_limits_connection *connection);

/* For new ids, warnings, and who was refused. */
struct address_shares *client_limits_shares(struct client_limits *limits);

struct client_limits_usage client_limits_usage(const struct client_limits *limits,
                                               enum client_limits_resource resource);
const struct client_limits_counters *client_limits_count(const struct client_limits *limits);

#endif
