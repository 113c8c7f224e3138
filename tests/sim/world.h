/* world: what the files of the simulator share and sim.h does not show.
 *
 * sim.c holds the nodes and the time, clocks.c what their clocks show, link_model.c carries
 * messages and tamper.c changes some, journal.c has the nodes' journals on their disks, promises.c
 * the answers that are held, watch.c
 * looks for broken rules, truth.c knows which position ought to win, history.c prints the history
 * of one client. No other file includes this.
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
    struct parcel *next; /* the one after it on a clogged road */
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
    struct dial dial;             /* of the node `from`, as bus/net/outlet.c has one */
    int64_t opened_us;            /* when the road or the connection was another one last */
    uint64_t answers;             /* as its flood counted them when it was last asked */
    struct flood_link seen;       /* as watch.c saw it last, at `from` */
    bool is_unlinked;             /* the file of `from` has no such link now */
    enum sim_injection injection; /* of its next UPDATE */
};

/* An answer that is held, or was and left. */
struct answer {
    uint32_t node, client, record;
    uint32_t place; /* of the record in the node's journal's log (journal_place) */
    uint32_t ends;  /* of processes, before the command */
    int64_t held_us;
    uint64_t epoch; /* of the node's flood */
};
struct answers {
    struct answer *all; /* owned */
    uint32_t count, room;
};

struct node {
    struct flood *flood; /* NULL while it is dead */
    bool strange;        /* this life belongs to another herd */
    uint64_t incarnation;
    uint32_t first_channel, channel_count;
    uint32_t unlinked_count; /* of its channels */
    uint32_t lives;          /* so far */
    int64_t clock_ms;        /* its steady clock at virtual time 0 */
    struct sim_clock clock;
    int64_t set_us;   /* when its wall clock was set last */
    int64_t told_us;  /* when its flood was told what that shows */
    int64_t leave_us; /* when its patience with goodbyes ends, or WORLD_NEVER */
    uint32_t *holds;  /* per client: the record watch.c saw in its table last */
    uint16_t *hops;   /* per client: links that record had to cross */
    uint64_t digest;  /* what `holds` amounts to */
    uint64_t seen_news;
    struct sim_journal *journal; /* NULL: it has no disk */
    unsigned promises;           /* of this life */
    struct answers waiting;
    int64_t ended_us; /* its last life; WORLD_NEVER: none has */
};

/* A location that some node accepted, in full. */
struct record {
    struct location location; /* client and origin borrow from the world, the rest from `text` */
    uint32_t older;           /* the one accepted before it for the same client */
    uint64_t hash;
    bool strange;              /* accepted by a node of another herd */
    bool counts;               /* by a node that knew most clocks, of a client with a right one */
    bool has_lost;             /* to an older one, by the ceiling, at the node whose disk rots */
    uint32_t node, life;       /* that accepted it; SIM_NO_NODE: forged */
    int64_t stamp_ns, true_ns; /* the client's stamp, and when it was there on true time */
    char *text;                /* owned */
};

struct client {
    struct span id;
    uint32_t newest;           /* record accepted last */
    int64_t stamp_ns, true_ns; /* the one it sent last, and true time then */
    bool lied;                 /* once its clock was wrong */
    uint32_t last_word;        /* record of what it said last, or WORLD_NO_RECORD: was not kept */
    uint32_t position;
};

/* V5, of the clocks of all nodes, off true time. */
struct medians {
    int64_t since_us, low_ns, high_ns;
};
#define WORLD_MEDIANS_MAX 128

/* A difference between the two ends of a link that this world made. */
struct injection {
    uint32_t channel, client;
    int64_t made_us;
    bool is_ahead;
    bool seen; /* called a fault */
    bool gone; /* both ends hold the same again */
};
#define WORLD_INJECTIONS_MAX 16

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
    uint32_t positions;    /* submitted so far: each is another one */
    uint32_t late_parcels; /* stragglers and copies still on their way */
    uint32_t words;        /* messages on their way that are no HEARTBEATs */
    bool quiet;
    int64_t healed_us;                         /* WORLD_NEVER before */
    bool forged;                               /* a message of this world was forged by chance */
    bool lied;                                 /* there was a liar, who is honest now */
    struct medians medians[WORLD_MEDIANS_MAX]; /* whenever a clock was set, the oldest first */
    uint32_t median_count;
    struct injection injections[WORLD_INJECTIONS_MAX];
    uint32_t injection_count;
    struct answers kept; /* what was promised and is somewhere */
    uint32_t ends;       /* of processes */
    int64_t answer_us_max;
    uint64_t steps;
    uint64_t copies_from, accepted_from; /* when copies were counted from */
    struct sim_counters *counters;       /* the caller's */
    char (*names)[LOCATION_ORIGIN_BYTES_MAX + 1];
    char violation[WORLD_TEXT_BYTES];
};

/* clocks.c */
int64_t world_true_ns(const struct sim *sim);
int64_t node_clock_ms(const struct sim *sim, const struct node *node);
/* When the node's steady clock shows this, or now if it does already. */
int64_t node_clock_reaches_us(const struct sim *sim, const struct node *node, int64_t clock_ms);
int64_t node_wall_ns(const struct sim *sim, const struct node *node);
/* Tells its flood what the wall shows, as the daemon does: at the start, each second, and when it
 * was set. */
void node_tell_clock(struct sim *sim, struct node *node);
/* Notes what the medians are now. */
void clocks_note(struct sim *sim);
void node_keep_clock(struct sim *sim, struct node *node);
bool node_is_old(const struct sim *sim, uint32_t node);

/* warm.c: what a node's disk would have kept, before and after its new life begins. NULL: nothing.
 * Simple copies; gives `kept` back. */
uint32_t *warm_keep(struct sim *sim, uint32_t node, bool strange);
void warm_load(struct sim *sim, uint32_t node, uint32_t *kept);

/* relink.c: links are numbered as the flood does, without those that the file lacks. */
#define WORLD_NO_LINK UINT32_MAX
uint32_t node_links(const struct node *node);
uint32_t node_channel(const struct sim *sim, const struct node *node, uint32_t link);
uint32_t channel_link(const struct sim *sim, uint32_t channel); /* or WORLD_NO_LINK */
void relink_all(struct sim *sim);

/* sim.c */
void node_pull_events(struct sim *sim, struct node *node);
/* The node begins to connect to who is at the other end. */
void node_dial(struct sim *sim, const struct node *node, struct channel *channel);
void node_wants_turn(struct sim *sim, uint32_t node, int64_t time_us);
void *world_memory(size_t count, size_t bytes); /* zeroed; ends the program when there is none */

/* records.c: the clients, and every location that was ever accepted */
void records_open(struct sim *sim);
void records_close(struct sim *sim);
/* What `client` would send to `node` now; borrowed until the next draft. */
const struct location *records_draft(struct sim *sim, uint32_t node, uint32_t client,
                                     enum sim_stamp stamp);
/* The draft was accepted, with the order that it has now: it becomes part of the history. True when
 * another location of the client has the same order time. */
bool records_keep(struct sim *sim, uint32_t client);
/* Whose id this is; a client that does not exist ends the program. */
uint32_t records_client(const struct sim *sim, struct span id);
/* The record with exactly this content, or WORLD_NO_RECORD. No two have the same. */
uint32_t records_find(const struct sim *sim, uint32_t client, const struct location *location);
/* A node has made this tombstone of the client. */
void records_forget(struct sim *sim, uint32_t node, uint32_t client,
                    const struct location *tombstone);
/* A forged message carries this location: part of the history, as if its origin had taken it. */
void records_forge(struct sim *sim, const struct location *location);

/* road.c: false when the road refuses */
bool road_send(struct sim *sim, uint32_t channel, struct span message);
void road_arrive(struct sim *sim, struct parcel *parcel);
/* A new connection: what was in flight is of the old one. */
void road_reconnect(struct sim *sim, uint32_t channel);
/* The channel from the one node to the other, which are neighbours. */
uint32_t road_find(const struct sim *sim, uint32_t from, uint32_t to);

/* tamper.c: what is sent instead of a message; of no bytes: nothing. Borrows, until the next call.
 */
bool tamper_is_due(const struct sim *sim, const struct channel *channel);
struct span tamper(struct sim *sim, uint32_t channel, struct span message);
/* The node called a difference with a peer a fault. */
void tamper_fault(struct sim *sim, uint32_t channel);
/* The node holds another location of the client. */
void tamper_changed(struct sim *sim, uint32_t node, uint32_t client);

/* truth.c */
/* What flood_local must say to the draft, where there are so many clients, and with which order it
 * is stored. */
struct verdict {
    enum flood_outcome outcome;
    int64_t order_ns;
};
struct verdict truth_expect(const struct sim *sim, uint32_t node, uint32_t client, uint64_t clients,
                            int64_t ceiling_ns);
/* Whether a client's position, taken now by this node, must win if it is the latest. */
bool truth_counts(const struct sim *sim, uint32_t node);
/* The node did not store the draft, because it holds something newer: no such thing may be true. */
void truth_judge_stale(struct sim *sim, uint32_t node, uint32_t client);

/* watch.c */
bool record_same(const struct location *a, const struct location *b);
bool record_newer(const struct location *a, const struct location *b); /* a newer than b */
/* The order that counts at a node with this ceiling, INT64_MIN for none; and newer there. */
int64_t record_known_ns(const struct location *location, int64_t ceiling_ns);
bool record_beats(const struct location *a, const struct location *b, int64_t ceiling_ns);
/* The node received a location of this client: true when it holds another one now. */
bool watch_client(struct sim *sim, uint32_t node, uint32_t client);
/* The rest of the rules, after every step. `changes` clients changed by a peer's message. */
void watch_node(struct sim *sim, uint32_t node, uint32_t changes);
void watch_new_life(struct sim *sim, uint32_t node);

/* journal.c */
void journal_new(struct sim *sim, uint32_t node);
void journal_delete(struct node *node);
/* The node has an empty flood, which it fills. */
void journal_start(struct sim *sim, uint32_t node);
/* The node's process ends; in order: what is due is written before. */
void journal_end(struct sim *sim, uint32_t node, bool in_order);
void journal_take_turn(struct sim *sim, uint32_t node);
/* When it wants a turn; WORLD_NEVER: it does not. */
int64_t journal_next_us(const struct sim *sim, uint32_t node);
/* The node holds something else of the client. */
void journal_changed(struct sim *sim, uint32_t node, uint32_t client);
/* A number for what the node holds of the client now, greater with each change; 0 without a
 * journal. And whether its disk has that of the answer, or what it held later. */
uint32_t journal_place(const struct node *node, uint32_t client);
bool journal_has(const struct node *node, const struct answer *answer);
/* Whether a bit flips on its disk when all nodes are restarted. */
bool journal_rots(const struct sim *sim, uint32_t node);

/* promises.c */
/* The node is about to answer the client. */
void promises_note(struct sim *sim, uint32_t node, uint32_t client);
/* At the end of its turn. */
void promises_settle(struct sim *sim, uint32_t node);
/* Its process has ended. */
void promises_end(struct sim *sim, uint32_t node);
/* It has started, and holds what its disk gave. */
void promises_restart(struct sim *sim, uint32_t node);
void promises_delete(struct sim *sim);

/* history.c */
int message_kind(struct span message); /* 0 when it is none */
void history_open(const struct sim *sim);
void history_message(const struct sim *sim, const char *what, const struct channel *channel,
                     struct span message);
void history_accept(const struct sim *sim, uint32_t node, uint32_t client,
                    const struct location *location, enum flood_outcome outcome);

#endif
