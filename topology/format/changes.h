/* topology_changes: how the herd of a file that is read again differs from the one that a process
 * goes by, and what the process can do about it: a line each in its log.
 *
 * It changes nothing and prints nothing. Invariant: where nothing is refused or left for the next
 * start, a process that takes all of it does the same as one that is started with the file. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CHANGES_H
#define ZHERD_TOPOLOGY_FORMAT_CHANGES_H

#include <stdbool.h>

#include "topology/format/topology.h"

/* More are counted. */
#define TOPOLOGY_CHANGES_MAX 64
/* A part, its name, and all its keys, with a NUL; what does not fit is cut. */
#define TOPOLOGY_CHANGE_BYTES_MAX 512

/* With its NUL. */
#define TOPOLOGY_LATER_BYTES_MAX 640

/* Who asks what it can take. */
enum topology_asker {
    TOPOLOGY_ASKER_NODE,     /* it takes all or nothing, so some things are refused */
    TOPOLOGY_ASKER_BROKER,   /* of one places section, by number: it takes keys of others alone */
    TOPOLOGY_ASKER_WORKER,   /* a worker without a broker beside it serves all places sections */
    TOPOLOGY_ASKER_OBSERVER, /* an observer takes keys of others, and whose locations count */
    TOPOLOGY_ASKER_WEB,      /* a zherd-web goes by its section and by where its node is */
    TOPOLOGY_ASKER_UP,       /* who starts nodes, webs and places services, and hands HUP on */
};

enum topology_change_when {
    TOPOLOGY_CHANGE_NOW,
    TOPOLOGY_CHANGE_AT_START, /* the next one */
    TOPOLOGY_CHANGE_REFUSED,  /* a running node cannot: then it takes nothing of the file */
    TOPOLOGY_CHANGE_WHENS
};

struct topology_change {
    enum topology_change_when when;
    char text[TOPOLOGY_CHANGE_BYTES_MAX];
};

struct topology_changes {
    struct topology_change list[TOPOLOGY_CHANGES_MAX];
    size_t count, more;
    size_t counts[TOPOLOGY_CHANGE_WHENS]; /* of all, also of those that are not in the list */
};

/* Writes what is different:
 *
 *     node Gus                  it is new, or has another name; so `link Gus-Ann`, `observer Ear`,
 *     node Gus (removed)        `operator Ada`, `web Ear`, `places 2`
 *     node Gus (clients, bus)   these of its keys have other values; so `herd (name)`, `places 1
 * (url)`
 *
 * `self` is the name of a node, observer or web that asks, the number of a broker's section ("2"),
 * or NULL. */
void topology_changes_list(const struct topology *before, const struct topology *after,
                           enum topology_asker asker, const char *self,
                           struct topology_changes *changes);

/* Those that wait for the next start in one line, separated by commas; what does not fit is
 * counted:
 * "..., and 7 more". */
void topology_changes_at_start(const struct topology_changes *changes,
                               char text[TOPOLOGY_LATER_BYTES_MAX]);

#endif
