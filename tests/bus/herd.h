/* herd: whole nodes without their telnet side, for tests of the bus: real sockets, real floods,
 * all in one thread.
 *
 * The loop does what a gateway does: it waits for the descriptors of all running nodes and for
 * the nearest deadline of their floods, and turns only the nodes that have a reason. */
#ifndef ZHERD_TESTS_BUS_HERD_H
#define ZHERD_TESTS_BUS_HERD_H

#include "bus/net/bus.h"
#include "tests/bus/loopback.h"
#include "tests/check.h"

#define HERD_NODES_MAX 8

struct herd_link {
    size_t a, b; /* node numbers */
};

struct herd_node {
    const char *name;
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    size_t peers[HERD_NODES_MAX]; /* node numbers, in the order its flood knows them */
    size_t peer_count;
    struct bus *bus;      /* NULL while the node is stopped */
    struct flood *flood;  /* NULL while the node is stopped */
    bool more, has_news;  /* turn again; something new to send */
    size_t downs;         /* LINK_DOWN events since the start of the test */
    uint32_t clients_max; /* 0: as ever */
};

struct herd {
    struct herd_node nodes[HERD_NODES_MAX];
    size_t count;
    /* For who sets them before the start: of enum promises_by, and how many of the nodes are in the
     * topology, the others observers; 0: all. */
    unsigned promises;
    size_t topology_count;
};

/* Nodes with endpoints of their own, none of them running. */
void herd_init(struct herd *herd, size_t count, const struct herd_link *links, size_t link_count);

/* A new life of the node: a new incarnation, an empty table, the same endpoint. */
void herd_start(struct herd *herd, size_t node);
/* At once, as if killed: no goodbye. */
void herd_kill(struct herd *herd, size_t node);
/* In order: sends what is due, announces the end to the peers, and waits until the goodbye has
 * left. */
void herd_stop(struct herd *herd, size_t node);
/* Kills all that run. */
void herd_end(struct herd *herd);

void herd_turn(struct herd *herd);

/* A client sends the node its location, with the number as its stamp in nanoseconds. */
void herd_say(struct herd *herd, size_t node, const char *client, int64_t stamp_ns);

/* Every link between two running nodes is up on both sides. */
bool herd_is_linked(const struct herd *herd);
/* All running nodes know exactly `clients` clients and have equal digests. */
bool herd_agrees(const struct herd *herd, uint32_t clients);
/* Every running flood keeps its invariants; costs the size of the tables. */
bool herd_is_sound(const struct herd *herd);

/* Turns the herd until the condition holds, which is asked once a turn; if it does not in time,
 * that is a failed check. */
#define HERD_WAIT(herd, condition)                                                                 \
    do {                                                                                           \
        int64_t herd_until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;                          \
        bool herd_held;                                                                            \
        while (!(herd_held = (condition)) && loopback_now_ms() < herd_until_ms)                    \
            herd_turn(herd);                                                                       \
        if (!herd_held)                                                                            \
            printf("    waited in vain for: %s\n", #condition);                                    \
        CHECK(herd_held);                                                                          \
    } while (0)

#endif
