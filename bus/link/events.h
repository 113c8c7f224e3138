/* events: what happens on a node's links: counted for good, and as events until somebody asks.
 *
 * The events stand in a queue of fixed size. It is no log: what is in it is gone once it is read.
 *
 * Invariant: nothing waits for a reader; a burst beyond the queue loses the oldest events, and no
 * count. */
#ifndef ZHERD_BUS_LINK_EVENTS_H
#define ZHERD_BUS_LINK_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Links of a node. */
#define LINK_PEERS_MAX        1024
#define LINK_REASON_BYTES_MAX 240

/* What is sent may be so long without a sign that it arrives. Beyond that its connection counts as
 * dead, whatever the transport says. Much longer than any road is slow, shorter than the silence
 * that takes a link down. */
#define LINK_ANSWER_MS 5000

enum link_event_kind {
    LINK_UP,             /* both sides know each other's incarnation */
    LINK_DOWN,           /* `reason` says why: silence, goodbye, no connection, restarted */
    LINK_REFUSED,        /* one side refused the other: `reason` */
    LINK_UNANSWERED,     /* it takes our HELLOs and answers none */
    LINK_UNMET,          /* not up once in the first seconds: `reason`; at most once a peer */
    LINK_STUCK,          /* up, and nothing of what is due was acknowledged in LINK_ANSWER_MS */
    LINK_MISREAD,        /* their messages cannot be read: `reason`; now and then, for each kind */
    LINK_DIGESTS_EQUAL,  /* the link is at rest and both tables hold `digest`; once a change */
    LINK_DIGESTS_DIFFER, /* at rest and unequal: a fault, healed by telling everything again */
};

struct link_event {
    enum link_event_kind kind;
    size_t peer; /* index into flood_options.peers */
    uint64_t digest;
    uint64_t their_digest;
    uint32_t clients;
    char reason[LINK_REASON_BYTES_MAX];
};

/* Counted since the start, never reset. */
struct link_counters {
    uint64_t updates_sent, updates_received;     /* UPDATE messages */
    uint64_t locations_sent, locations_received; /* locations in them */
    uint64_t locations_news;                     /* received ones that changed the table */
    uint64_t locations_known;                    /* due ones that the peer told us itself */
    uint64_t updates_empty;                      /* sent ones of which nothing was left to tell */
    uint64_t locations_invalid;                  /* received ones that broke a rule: skipped */
    uint64_t messages_malformed;                 /* bytes that are no message */
    uint64_t messages_strange;  /* of an incarnation that is not, or no longer, there */
    uint64_t acks_sent;         /* ACK messages */
    uint64_t messages_misnamed; /* that name an incarnation for ours that is not */
    uint64_t gaps, rewinds, incarnation_changes, refusals, digest_faults, clients_refused;
};

/* One for each link that can come up in the same moment. */
#define EVENTS_MAX LINK_PEERS_MAX

/* All zero is an empty queue that holds no memory. */
struct events {
    struct link_event *all;
    uint32_t first, count, room;
};

/* A copy of `event`, with a reason of printable bytes: it may hold a stranger's. */
void events_push(struct events *events, const struct link_event *event);

/* The oldest, or false. */
bool events_pop(struct events *events, struct link_event *event);

void events_free(struct events *events);

#endif
