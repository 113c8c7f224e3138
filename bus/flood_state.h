/* flood_state: what flood.c, flood_change.c, flood_forget.c and flood_promises.c share: the first
 * is the way of an update through the node, the second what of the node changes while it runs, the
 * third what is over and what is forgotten, the last what an answer waits for (bus/flood.h).
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: table and links outlive no call of each other: flood_destroy ends all of them. */
#ifndef ZHERD_BUS_FLOOD_STATE_H
#define ZHERD_BUS_FLOOD_STATE_H

#include "bus/flood.h"
#include "bus/link/batch.h"
#include "bus/link/peer.h"

struct flood {
    char *names; /* herd, node, peers: what the spans below borrow */
    struct table *table;
    struct events events;
    struct link_counters count;
    struct range_list lists;
    struct lazy lazy;
    struct herd_time *time;
    struct peer_common common;
    struct peer *peers;
    char (*why)[FLOOD_WHY_BYTES_MAX]; /* each of these is down; "": nothing is known */
    size_t peer_count;
    uint32_t clients_max;
    uint64_t bytes_max;     /* 0: any */
    struct flood_near near; /* as it was found last */
    uint16_t own_origin;    /* the table's number for this node */
    bool listening;
    bool notes;          /* listening, or marking */
    struct ring news;    /* slots that changed, while listening */
    struct marks *marks; /* where those are due that the disk is to hold; or NULL */
    struct flood_journal journal;
    const struct location *arrived; /* the last news of the UPDATE at work; NULL: it had none */
    struct flood_arrival arrivals[FLOOD_ARRIVALS_MAX];
    uint64_t arrivals_first, arrivals_end; /* counted since the start */
    struct flood_status *status; /* the last one received; NULL until the first is asked for */
    bool status_told;
    uint64_t positions_from;  /* no link that is gone had a position from here on, */
    uint64_t met_from;        /* or met more incarnations */
    struct promises promises; /* of answers; all zero where they promise memory alone */
    int64_t now_ms;           /* the last time that was passed in */
    int64_t swept_ms;         /* when a sweep did its last step */
    bool has_input;           /* something was put in since we were last asked what to send */
    bool coalesces;
    int64_t coalesces_since_ms;
    struct wire_message in, out;
    struct batch batch;
    char *found; /* texts of the location that flood_find gave last */
};

/* Makes the table's limits of the flood's, of which links have their share. */
void flood_limit_table(struct flood *flood);

/* Whether a peer is none of the nodes, where these are listed. */
bool flood_is_observer(const struct span *nodes, size_t node_count, struct span peer);

/* Copies to `names`, after `*used` bytes. */
struct span flood_copy_name(char *names, size_t *used, struct span name);

/* Which links there are, and how they were numbered before; NULL: they are the first. */
void flood_set_ways(struct flood *flood, const size_t *was, bool is_node);

/* Every link hears of the change in a slot, of that origin, but the one it came from, and those
 * whose other end has it from elsewhere. */
void flood_spread(struct flood *flood, uint32_t slot, uint16_t origin, const struct peer *source);

/* Moves the horizon, and does a step of what follows from that. */
void flood_sweep(struct flood *flood);
/* When it has something to do; INT64_MAX: never. */
int64_t flood_sweep_deadline_ms(const struct flood *flood);

/* The message of this peer that was received last: what it says of the answers that are held. */
void flood_hear(struct flood *flood, const struct peer *peer);

/* A STATUS: what the node says of itself, and what it keeps of `in`, another's. */
void flood_write_status(const struct flood *flood, struct wire_message *out, int64_t now_ms);
void flood_keep_status(struct flood *flood);
/* The UPDATE at work is stored: keeps what flood_next_arrival gives. */
void flood_note_arrival(struct flood *flood, const struct peer *source);
/* An event that leaves says why a link is down, or that it is not. */
void flood_note_why(struct flood *flood, const struct link_event *event);

/* What was written for the last UPDATE, and found last, is not in memory any more: it may be of a
 * client that was forgotten since. */
void flood_wipe(struct flood *flood);

/* What stands there of the caller's own clients is refused: counted. */
enum flood_outcome flood_refuse_local(struct flood *flood, enum table_outcome outcome);

#endif
