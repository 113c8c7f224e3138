/* events: what happens on a node's links: counted, and queued as events until the node takes them.
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

/* What was sent may go unanswered for this time. After that its connection counts as dead, whatever
 * the transport says. Much longer than the slowest round trip, shorter than the silence that takes
 * a link down. */
#define LINK_ANSWER_MS 5000

enum link_event_kind {
    LINK_UP,             /* both sides know each other's incarnation */
    LINK_DOWN,           /* `reason` says why: silence, goodbye, no connection, restarted */
    LINK_REFUSED,        /* one side refused the other: `reason` */
    LINK_UNANSWERED,     /* it takes our HELLOs and answers none */
    LINK_UNMET,          /* not up once in the first seconds: `reason`; at most once a peer */
    LINK_STUCK,          /* up, and nothing of what is due was acknowledged in LINK_ANSWER_MS */
    LINK_MISREAD,        /* their messages cannot be read: `reason`; now and then, for each kind */
    LINK_UNKEPT,         /* locations of theirs are not kept: `reason`; now and then, likewise */
    LINK_DIGESTS_EQUAL,  /* the link is at rest and both tables hold `digest`; once a change */
    LINK_DIGESTS_DIFFER, /* a fault: what was equal differs, though both ends speak of the same
                            state. Healed by telling the ranges that differ */
    LINK_CLOCK_OFF,      /* the peer's clock is more than 1 s off the herd's: `reason` says all */
    LINK_CLOCK_RIGHT,    /* and is no more */
    LINK_OWN_CLOCK_OFF,  /* the same of our own clock; of no peer */
    LINK_OWN_CLOCK_RIGHT,
};

struct link_event {
    enum link_event_kind kind;
    size_t peer; /* index into flood_options.peers */
    uint64_t digest;
    uint64_t their_digest;
    uint32_t clients;
    uint32_t ranges, range; /* LINK_DIGESTS_DIFFER: how many differ, and the first one; the digests
                               are that one's as in a CHECK. 0: of whole tables */
    uint64_t compared_age_ms; /* since when all ranges have been compared; UINT64_MAX: never */
    char reason[LINK_REASON_BYTES_MAX];
};

/* Counted since the start, never reset. */
struct link_counters {
    uint64_t updates_sent, updates_received;     /* UPDATE messages */
    uint64_t locations_sent, locations_received; /* locations in them */
    uint64_t locations_news;                     /* received ones that changed the table */
    uint64_t locations_known;                    /* due ones that the peer sent us itself */
    uint64_t locations_invalid;                  /* received ones that broke a rule: skipped */
    uint64_t origins_refused;                    /* of an origin that is no node, one too many */
    uint64_t observers_refused;                  /* that an observer said */
    uint64_t messages_malformed;                 /* bytes that are no message */
    uint64_t messages_strange;  /* of an incarnation that is not, or no longer, there */
    uint64_t acks_sent;         /* ACK messages */
    uint64_t messages_misnamed; /* that name an incarnation for ours that is not */
    uint64_t hellos_early;      /* of incarnations too soon one after the other: not heard */
    uint64_t gaps, rewinds, incarnation_changes, refusals, digest_faults;
    uint64_t clients_refused;   /* new ones of this node, at its limit of clients */
    uint64_t bytes_refused;     /* locations of its clients, at the limit of bytes */
    uint64_t memory_refused;    /* the same, because the system gives no memory */
    uint64_t locations_refused; /* received ones, for any of these reasons */
    uint64_t reports_expired;   /* of clients of this node, below the horizon: not stored */
    uint64_t locations_expired; /* received ones */
    uint64_t checks_sent, lists_sent, wants_sent; /* messages of range checks */
    uint64_t locations_late; /* differences of what a declined link did not say */
    uint64_t resyncs;        /* processes that were met and whose tables were compared with ours */
    uint64_t resyncs_given_up; /* of these, those that were told everything for all that differed */
    uint64_t checks_dropped;   /* what was asked by such messages beyond their pace */
    uint64_t clock_steps;      /* jumps of our wall clock */
    uint64_t clocks_off;       /* times that it was found more than 1 s off the herd's */
    uint64_t peer_clocks_off;  /* times that a peer's was */
    uint64_t clocks_late;      /* lists of clocks not read: an older one came late, */
    uint64_t clocks_strange;   /* or it does not begin with its sender's */
    uint64_t clocks_delayed;   /* those that waited on the way: of others they count nothing */
};

/* One for each link that can come up in the same moment. */
#define EVENTS_MAX LINK_PEERS_MAX

/* All zero is an empty queue that holds no memory. */
struct events {
    struct link_event *all;
    uint32_t first, count, room;
};

/* A copy of `event`, with a reason of printable bytes: it may hold a stranger's. Without memory for
 * one more the oldest is lost, or this one where there is none. */
void events_push(struct events *events, const struct link_event *event);

/* The oldest, or false. */
bool events_pop(struct events *events, struct link_event *event);

void events_free(struct events *events);

#endif
