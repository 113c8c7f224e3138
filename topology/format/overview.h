/* overview: what all nodes of a herd say of themselves and of each other, put together: who is
 * there, which links hold, whose tables differ, which places services serve.
 *
 * It asks nobody (topology/cli/survey.h does) and prints nothing: what was answered goes in, lines
 * of text or JSON and a verdict come out. A node that does not answer is shown by what its
 * neighbours say of it. Names and reasons that came over the network are shown in printable ASCII.
 *
 * Invariant: links to observers, and what was not compared yet, never count against a herd. */
#ifndef ZHERD_TOPOLOGY_FORMAT_OVERVIEW_H
#define ZHERD_TOPOLOGY_FORMAT_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/link/operate_status.h"
#include "topology/format/topology.h"

/* Why a node is not shown by itself, with its NUL. */
#define OVERVIEW_WHY_BYTES_MAX 128
/* A node's wall clock may be this far off the herd's time. */
#define OVERVIEW_CLOCK_NS_MAX INT64_C(1000000000)

struct overview;

/* Nobody has answered yet. The topology is borrowed. */
struct overview *overview_new(const struct topology *topology);
/* Accepts NULL, sets the caller's pointer to NULL. */
void overview_destroy(struct overview **overview);

/* The node has said this (operate_read_status), which is copied. False for bytes that are no
 * status: then it counts as one that does not answer. */
bool overview_take(struct overview *overview, uint32_t node, struct span status);
/* The node says nothing, or nothing more: why. */
void overview_miss(struct overview *overview, uint32_t node, const char *why);

/* To be called after the answers, before anything below is asked. */
void overview_join(struct overview *overview);

struct overview_verdict {
    size_t answered;   /* nodes */
    size_t links_bad;  /* links that an end says are down, or of which nobody says anything */
    size_t differ;     /* links whose ends differ */
    size_t nodes_bad;  /* neither answer nor are linked, as all neighbours say; or have lost their
                          journal's disk, or the time */
    size_t places_bad; /* services that a node does not reach, or that leave their provider alone */
};
struct overview_verdict overview_judge(const struct overview *overview);

/* Exit statuses of `zherd top --once`, where places and nodes do not count, and of `zherd status`.
 */
int overview_status_of_links(const struct overview_verdict *verdict);
int overview_status_of_all(const struct overview_verdict *verdict);

enum overview_sort {
    OVERVIEW_BY_FILE,
    OVERVIEW_BY_NAME,
    OVERVIEW_BY_STATE, /* those that do not answer first */
    OVERVIEW_BY_CLIENTS,
    OVERVIEW_BY_RATE,
    OVERVIEW_BY_LAG,
    OVERVIEW_SORTS
};

/* Writes the nodes to `order`, which has room for all of the topology's; those that are equal by
 * `sort` stay in the order of the file. */
void overview_order(const struct overview *overview, enum overview_sort sort, uint32_t *order);

#define OVERVIEW_NOBODY UINT32_MAX

struct overview_view {
    enum overview_sort sort;
    uint32_t picked; /* whose details are shown, or OVERVIEW_NOBODY */
    bool all;        /* everybody's details, and what is wrong in sentences */
    bool ways;       /* by which links each node's changes go */
};

/* Appends lines, each with its LF, in printable ASCII. The number of the line of the node that is
 * picked, counted from 0; 0 where none is. */
size_t overview_write(const struct overview *overview, const struct overview_view *view,
                      struct buffer *out);

/* Appends the same as one JSON object and an LF (zherd(1) has its keys); with names of the nodes
 * whose changes go by each link where `ways` is true. */
void overview_write_json(const struct overview *overview, bool ways, struct buffer *out);

/* Appends lines about the ways of a node's changes: the tree that they follow from it, each node
 * below that which sends them to it; and, if there are any, links that carry them once more, and
 * nodes that they are not known to reach. In a herd in which nothing of that node was told yet, all
 * links would carry it. */
void overview_write_tree(const struct overview *overview, uint32_t origin, struct buffer *out);
/* The same of all nodes, as lists. */
void overview_write_ways(const struct overview *overview, struct buffer *out);

/* ---- For overview_text.c, overview_json.c and overview_ways.c ----------------------------- */

struct overview_node {
    struct operate_status *said;      /* NULL: it does not answer, */
    char why[OVERVIEW_WHY_BYTES_MAX]; /* for this reason */
    struct buffer bytes;              /* what `said` borrows from */
};

enum overview_state { OVERVIEW_UP, OVERVIEW_DOWN, OVERVIEW_UNKNOWN };
enum overview_tables { OVERVIEW_EQUAL, OVERVIEW_DIFFERENT, OVERVIEW_NOT_COMPARED };

/* A link of the file as both ends together have it. */
struct overview_link {
    const struct topology_link *link;
    const struct operate_link *sides[2]; /* what a and b say of it; NULL: nothing, */
    bool lacks[2];                       /* and they answer: their files have no such link */
    enum overview_state state;           /* down where either says so */
    enum overview_tables tables;
    uint64_t compared_age_ms; /* the less old of both; WIRE_NEVER */
    const uint8_t *ways[2];   /* a bit for each node, whose changes leave from a and from b; NULL:
                                 it is down, or its end does not say, or runs by another file */
};
struct overview_link overview_link(const struct overview *overview, size_t link);
/* Whether changes of that node leave from a (side 0) or b; and of how many nodes they do. */
bool overview_carries(const struct overview_link *link, int side, uint32_t origin);
size_t overview_count_origins(const struct overview *overview, const struct overview_link *link,
                              int side);

/* What a node's neighbours say of it: how many say something, and how many that it is up. */
struct overview_heard {
    size_t said, up;
};
struct overview_heard overview_heard(const struct overview *overview, uint32_t node);
/* Whether it counts as well, and, in a few words, why not: NULL where it is. */
const char *overview_fault(const struct overview *overview, uint32_t node);

/* A places service of the file as all nodes together have it. */
struct overview_places {
    const struct topology_places *places;
    size_t said, up;                     /* nodes that say something of it, and that reach it */
    const struct operate_broker *speaks; /* what it has said last of itself; NULL: nothing */
    bool is_well;
};
struct overview_places overview_places(const struct overview *overview, size_t places);

const struct topology *overview_topology(const struct overview *overview);
const struct overview_node *overview_node(const struct overview *overview, uint32_t node);
/* The most that any of its links lags. */
uint64_t overview_lag_ms(const struct operate_status *said);

/* Appends the sentences about what is wrong, or worth a look, for both forms: for each, `take` is
 * called with one; those that are not counted come last. */
void overview_complain(const struct overview *overview, void *with,
                       void (*take)(void *with, const char *sentence));

#endif
