/* handshakes: which connections in TLS may begin, whose handshake is worked on next, and which one
 * has taken too long, so that a flood of them costs its own address and no other.
 *
 * A handshake costs a node about a millisecond, which is what 3,000 commands cost, and five where
 * the certificate's key is RSA's with 4,096 bits. So the loop works on one step of one handshake in
 * each of its turns, in the order in which their bytes came, and each address has a part of a
 * processor and a number of them that may be under way at once. What is beyond is closed without a
 * byte of TLS. All connections in TLS together, and those of one address, have a limit of their own
 * besides: each holds what tens of others do (HANDSHAKES_CONNECTION_BYTES).
 *
 * Who is silent shuts nobody out. Where too many are under way, the one of which nothing came for
 * longest gives way to one that begins. Connections in TLS give way as all do
 * (gateway/text/crowd.h), by their own number.
 *
 * It knows no socket and nothing of TLS (gateway/node/tls.h does): a handshake is a place in a
 * queue. It asks no clock. Each operation takes the same few steps, however many there are.
 *
 * Invariant: an address that is not trusted has at most HANDSHAKES_ADDRESS_MAX under way, and all
 * together at most HANDSHAKES_MAX. */
#ifndef ZHERD_GATEWAY_TEXT_HANDSHAKES_H
#define ZHERD_GATEWAY_TEXT_HANDSHAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/text/address_shares.h"
#include "gateway/text/crowd.h"
#include "gateway/text/list.h"

/* From its connection on, a client has so long for all of its handshake: three lost packets. */
#define HANDSHAKES_LATE_MS 10000
/* Under way at once, each with 64 KiB at most (gateway/node/tls.h). */
#define HANDSHAKES_MAX 1024
/* The same of one address: what others wait for it is at most 128 ms. */
#define HANDSHAKES_ADDRESS_MAX 128
/* Work for one address, in percent of a processor, after a burst of them. Each handshake counts as
 * its work, and as HANDSHAKES_WORK_MIN_NS at least. */
#define HANDSHAKES_ADDRESS_PERCENT 10
#define HANDSHAKES_ADDRESS_BURST   512
#define HANDSHAKES_WORK_MIN_NS     1000000
/* What an idle connection in TLS holds, with what OpenSSL 3.5 keeps of a key exchange that quantum
 * computers do not break. Measured, 16 to 34 KiB; an upper bound. */
#define HANDSHAKES_CONNECTION_BYTES (40 * 1024)

enum handshakes_verdict {
    HANDSHAKES_ADMITTED,
    HANDSHAKES_FULL,         /* connections in TLS, or handshakes under way */
    HANDSHAKES_ADDRESS_FULL, /* the same of its address */
    HANDSHAKES_TOO_FAST,     /* its address has had more work done than it may */
    HANDSHAKES_VERDICTS
};

/* Why a handshake that was admitted came to nothing. */
enum handshakes_failure {
    HANDSHAKES_LATE,
    HANDSHAKES_SILENT,         /* it gave way to others */
    HANDSHAKES_LEFT,           /* the client closed its connection */
    HANDSHAKES_NOT_TLS,        /* what came is something else */
    HANDSHAKES_NOTHING_SHARED, /* no version, cipher or group that both have */
    HANDSHAKES_NO_CERTIFICATE, /* of the client: none, or none that is good */
    HANDSHAKES_OTHER,
    HANDSHAKES_FAILURES
};

/* Counted since the start, never reset. */
struct handshakes_counters {
    uint64_t done;
    uint64_t resumed; /* those of them that went by a ticket of an earlier connection */
    uint64_t failed[HANDSHAKES_FAILURES];
    uint64_t refused[HANDSHAKES_VERDICTS];
};

/* The part of a connection in TLS, from handshakes_admit to handshakes_leave; stays where it is. */
struct handshakes_connection {
    struct address_share *share;
    struct crowd_member place;
    struct list_node age;  /* among those under way, oldest first */
    struct list_node turn; /* among those whose bytes wait, or among those that are waited for */
    int64_t begun_ms;
    int64_t work_ns; /* that was done for it */
    int64_t paid_ms; /* that its address was charged */
    bool is_under_way, has_bytes;
    bool is_heard; /* it has finished a command */
};

/* Stays where it is from handshakes_init on. It owns no memory. */
struct handshakes {
    struct list_node under_way, waiting, silent; /* the last two in the order of their bytes */
    size_t under_way_count;
    struct crowd crowd;
    const struct address_shares *shares;
    struct handshakes_counters count;
};

/* `shares` outlives it. At least one connection. */
void handshakes_init(struct handshakes *handshakes, const struct address_shares *shares,
                     size_t connections_max);

/* At most so many from now on, at least one; those that are there stay. */
void handshakes_limit(struct handshakes *handshakes, size_t connections_max);

/* Whether a connection of that share, which is counted there already, may begin; then all of
 * `handshake` is set. Counts a refusal. `*gives_way` is who has to be closed for it before the next
 * call, or NULL. */
enum handshakes_verdict handshakes_admit(struct handshakes *handshakes,
                                         struct handshakes_connection *handshake,
                                         struct address_share *share, int64_t now_ms,
                                         struct handshakes_connection **gives_way);

/* Bytes wait to be worked on; does nothing where it waits already. */
void handshakes_wait(struct handshakes *handshakes, struct handshakes_connection *handshake);
bool handshakes_are_waiting(const struct handshakes *handshakes);
/* The one whose turn has come, which waits no more; NULL for none. */
struct handshakes_connection *handshakes_next(struct handshakes *handshakes);

/* So much work was done for it. */
void handshakes_charge(const struct handshakes *handshakes, struct handshakes_connection *handshake,
                       int64_t work_ns, int64_t now_ms);

/* It is over, well or not; the connection stays counted. Each once, and none after `done`. */
void handshakes_end_done(struct handshakes *handshakes, struct handshakes_connection *handshake,
                         bool is_resumed);
void handshakes_end_failed(struct handshakes *handshakes, struct handshakes_connection *handshake,
                           enum handshakes_failure why);

/* The next one that has taken too long; NULL for none. It is to be ended before the next call. */
struct handshakes_connection *handshakes_next_late(const struct handshakes *handshakes,
                                                   int64_t now_ms);

/* After each turn of the connection: something was read from it or written to it, it finished a
 * command, it has watches. */
void handshakes_follow(struct handshakes *handshakes, struct handshakes_connection *handshake,
                       bool is_active, bool has_finished, bool has_watches, int64_t now_ms);
/* The next one to be closed because nearly all places in TLS are taken and it is silent; NULL for
 * none. It is to be closed before the next call. */
struct handshakes_connection *handshakes_next_silent(const struct handshakes *handshakes,
                                                     int64_t now_ms);

/* The connection is gone. One that is under way counts as HANDSHAKES_LEFT. */
void handshakes_leave(struct handshakes *handshakes, struct handshakes_connection *handshake);

/* For people, as the end of "TLS: ". */
const char *handshakes_say(enum handshakes_failure why);
const char *handshakes_say_refused(enum handshakes_verdict verdict);

#endif
