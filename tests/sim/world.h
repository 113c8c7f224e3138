/* world: what the files of the simulator share behind sim.h.
 *
 * sim.c holds the nodes and the time, road.c carries messages, watch.c looks for broken rules,
 * history.c tells the story of one client. Nobody else includes this.
 *
 * Invariant: the channels out of a node are contiguous, in the order of its flood's peers. */
#ifndef ZHERD_TESTS_SIM_WORLD_H
#define ZHERD_TESTS_SIM_WORLD_H

#include "bus/link/dial.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/sim.h"

#define WORLD_NO_RECORD  UINT32_MAX
#define WORLD_NEVER      AGENDA_NEVER
#define WORLD_TEXT_BYTES 300

/* A message on its way. */
struct parcel {
    struct parcel *next; /* behind it on a clogged road */
    uint32_t channel;
    uint32_t generation; /* of the connection it was given to */
    bool word;           /* no HEARTBEAT: counted in sim->words */
    bool late;           /* comes beside the connection: a straggler or a copy */
    size_t bytes;
    char message[];
};

/* One direction of a link. */
struct channel {
    uint32_t from, to;
    uint32_t back; /* the channel the other way, or the one a second node of `from`'s name mimics */
    enum sim_road road;
    uint32_t generation;
    uint32_t queued; /* parcels of this generation not delivered yet */
    int64_t last_arrival_us;
    int64_t free_us; /* when the wire has taken all that was sent */
    struct parcel *held_first, *held_last;
    struct dial dial;       /* of the node `from`, as bus/net/outlet.c has one */
    int64_t opened_us;      /* when the road or the connection was another one last */
    uint64_t answers;       /* as its flood counted them when it was last asked */
    struct flood_link seen; /* as watch.c saw it last, at `from` */
};

struct node {
    struct flood *flood; /* NULL while it is dead */
    bool strange;        /* this life belongs to another herd */
    uint64_t incarnation;
    uint32_t first_channel, channel_count;
    int64_t clock_ms; /* its steady clock at virtual time 0 */
    int64_t skew_ns;  /* of its wall clock */
    int64_t leave_us; /* when its patience with goodbyes ends, or WORLD_NEVER */
    uint32_t *holds;  /* per client: the record watch.c saw in its table last */
    uint16_t *hops;   /* per client: links that record had to cross */
    uint64_t digest;  /* what `holds` amounts to */
    uint64_t seen_news;
};

/* A location that some node accepted, in full. */
struct record {
    struct location location; /* client and origin borrow from the world, the rest from `text` */
    uint32_t older;           /* the one accepted before it for the same client */
    uint64_t hash;
    bool strange; /* accepted by a node of another herd */
    char *text;   /* owned */
};

struct client {
    struct span id;
    uint32_t newest;  /* record accepted last */
    int64_t stamp_ns; /* as it told somebody last */
    uint32_t position;
};

struct sim {
    struct sim_options options;
    struct rng rng;
    int64_t now_us;
    struct event_queue agenda;
    struct node *nodes;
    uint32_t node_count; /* with the one that bears another's name */
    uint32_t herd_count; /* without */
    struct channel *channels;
    uint32_t channel_count;
    struct client *clients;
    struct record *records;
    uint32_t record_count, record_capacity;
    struct record draft;
    uint32_t positions;    /* told so far: each is another one */
    uint32_t late_parcels; /* stragglers and copies still on their way */
    uint32_t words;        /* messages on their way that are no HEARTBEATs */
    bool quiet;
    int64_t healed_us; /* WORLD_NEVER before */
    bool forged;       /* a message of this world was forged */
    uint64_t steps;
    struct sim_counters *counters; /* the caller's */
    char (*names)[LOCATION_ORIGIN_BYTES_MAX + 1];
    char violation[WORLD_TEXT_BYTES];
};

static inline int64_t node_clock_ms(const struct sim *sim, const struct node *node)
{
    return node->clock_ms + sim->now_us / 1000;
}

/* sim.c */
void node_wants_turn(struct sim *sim, uint32_t node, int64_t time_us);
void *world_memory(size_t count, size_t bytes); /* zeroed; ends the program when there is none */

/* records.c: the clients, and every location that was ever accepted */
void records_open(struct sim *sim);
void records_close(struct sim *sim);
/* What `client` would tell `node` now; borrowed until the next draft. */
const struct location *records_draft(struct sim *sim, uint32_t node, uint32_t client,
                                     enum sim_stamp stamp);
/* The draft was accepted by `node`: it becomes part of the history. True when another location of
 * the client has the same order time. */
bool records_keep(struct sim *sim, uint32_t node, uint32_t client);
/* Whose id this is; a client that does not exist ends the program. */
uint32_t records_client(const struct sim *sim, struct span id);
/* The record with exactly this content, or WORLD_NO_RECORD. No two have the same. */
uint32_t records_find(const struct sim *sim, uint32_t client, const struct location *location);
/* A forged message carries this location: part of the history, as if its origin had taken it. */
void records_forge(struct sim *sim, const struct location *location);

/* road.c: false when the road refuses */
bool road_send(struct sim *sim, uint32_t channel, struct span message);
void road_arrive(struct sim *sim, struct parcel *parcel);
/* A new connection: what was in flight is of the old one. */
void road_reconnect(struct sim *sim, uint32_t channel);

/* watch.c */
bool record_same(const struct location *a, const struct location *b);
bool record_newer(const struct location *a, const struct location *b); /* a newer than b */
/* Somebody told the node about this client: true when it holds another location now. */
bool watch_client(struct sim *sim, uint32_t node, uint32_t client);
/* The rest of the rules, after every step. `changes` clients changed by a peer's message. */
void watch_node(struct sim *sim, uint32_t node, uint32_t changes);
void watch_new_life(struct sim *sim, uint32_t node);

/* history.c */
int message_kind(struct span message); /* 0 when it is none */
void history_open(const struct sim *sim);
void history_message(const struct sim *sim, const char *what, const struct channel *channel,
                     struct span message);
void history_accept(const struct sim *sim, uint32_t node, uint32_t client,
                    const struct location *location, enum flood_outcome outcome);

#endif
