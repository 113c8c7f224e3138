/* lone: buses without a herd, for tests of the sockets alone.
 *
 * A lone has a bus and, in place of the real flood, a script: it sends a given number of messages
 * to a peer and counts what arrives and what was refused. A message is a number (8 bytes, host
 * order, counting up per peer) and filling.
 *
 * lone_turn is an honest loop: it turns a bus only if its descriptor fired, if the last turn said
 * that more waits, if there is something to send, or at the bus's own deadline. It makes up for
 * nothing that bus_turn omits. */
#ifndef ZHERD_TESTS_BUS_LONE_H
#define ZHERD_TESTS_BUS_LONE_H

#include "bus/net/bus.h"
#include "tests/bus/loopback.h"
#include "tests/check.h"

#define LONE_MESSAGE_BYTES_MIN sizeof(uint64_t)

struct lone_peer {
    uint64_t due;     /* messages still to be sent */
    uint64_t sent;    /* taken by the bus; also the number in the next message */
    uint64_t refused; /* times the bus said no */
    uint64_t received;
    bool awaits;          /* what is sent wants an answer */
    bool has_much;        /* the bus is to take what is due for much, */
    bool finds_much;      /* or from the next message on */
    uint64_t answers;     /* that came besides messages, as a case says */
    uint64_t connections; /* new ones over which nothing was sent yet */
    uint64_t parts;       /* frames of messages that had several */
    uint64_t misordered;  /* received numbers that did not count up */
    uint64_t last_number;
    size_t last_bytes;
};

struct flood {
    struct lone_peer peers[LINK_PEERS_MAX];
    size_t message_bytes;
    const char *out; /* where the last message was written */
    uint64_t received_in_turn, refused_in_turn;
};

struct lone {
    struct bus *bus;
    struct flood flood;
    size_t peer_count;
    int64_t ahead_ms; /* its clock is ahead of the real one by this */
    bool more;        /* what bus_turn said last */
};

/* A lone whose bus is open; on failure the test program ends. Release with lone_close. */
struct lone *lone_open(const char *name, const char *endpoint, const struct bus_peer *peers,
                       size_t peer_count);
/* The same with all options of a bus. */
struct lone *lone_open_bus(const struct bus_options *options);
void lone_close(struct lone **lone, int linger_ms);

/* One turn of the loop of them all; waits a few milliseconds when there is nothing to do. */
void lone_turn(struct lone *const *lones, size_t count);

/* Turns the lones (an array) until the condition holds, which is asked once a turn and may do
 * things; if it does not in time, that is a failed check. */
#define LONE_WAIT(lones, condition)                                                                \
    do {                                                                                           \
        int64_t lone_until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;                          \
        bool lone_held;                                                                            \
        while (!(lone_held = (condition)) && loopback_now_ms() < lone_until_ms)                    \
            lone_turn((lones), sizeof(lones) / sizeof *(lones));                                   \
        if (!lone_held)                                                                            \
            printf("    waited in vain for: %s\n", #condition);                                    \
        CHECK(lone_held);                                                                          \
    } while (0)

/* Two lones: the first peer of `hub` is `good`, whose only peer is the hub. Whether each hears the
 * next message of the other, in time, and has heard none out of order. */
bool lone_hear_each_other(struct lone *hub, struct lone *good);

/* A socket that is no bus, closed without delay. */
void *lone_raw(void *context, int type);

#endif
