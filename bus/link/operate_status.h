/* operate_status: what a node says of itself to an operator who asks for it, as a struct and as
 * bytes (bus/PROTOCOL.md, "Operators").
 *
 * It is the value of "status" in a reply (bus/link/operate.h): a map, so that later versions add
 * keys, and nobody has to know them. It decides only whether bytes are one; what is well and what
 * is not, the asker judges (topology/format/overview.h).
 *
 * Invariant: what is read is whole and within every limit, or it is refused as a whole; what is
 * written can be read. A key that is not there leaves its zero, and one that is not known is
 * skipped; so are elements of a link or a broker after the known ones. */
#ifndef ZHERD_BUS_LINK_OPERATE_STATUS_H
#define ZHERD_BUS_LINK_OPERATE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/wire.h"

/* Links that a node names, as many as in a STATUS: more are only counted. */
#define OPERATE_LINKS_MAX WIRE_LINKS_MAX
/* Why a link is down. A longer reason is cut when written, and refused when read. */
#define OPERATE_WHY_BYTES_MAX 95
/* Places services of a herd, and the endpoint of one. */
#define OPERATE_BROKERS_MAX       8
#define OPERATE_BROKER_BYTES_MAX  300
#define OPERATE_VERSION_BYTES_MAX 31
/* Addresses of a service's workers, and bytes of one. */
#define OPERATE_HOSTS_MAX      16
#define OPERATE_HOST_BYTES_MAX 45
/* Nodes of a herd, as many as a topology may have, and the bytes of a bit for each on each link. */
#define OPERATE_ORIGINS_MAX    WIRE_ORIGINS_MAX
#define OPERATE_WAYS_BYTES_MAX (OPERATE_LINKS_MAX * OPERATE_ORIGINS_MAX / 8)
/* The most that all of it takes. What operators of older versions read ends here, too. */
#define OPERATE_STATUS_BYTES_MAX (70 * 1024)

/* One link, as the node at its near end has it. */
struct operate_link {
    struct span name; /* of the far end: 1 to WIRE_NAME_BYTES_MAX bytes */
    bool up;
    bool is_observer;         /* nobody waits for it */
    bool differs;             /* a range that was equal differed, and is not healed yet */
    uint64_t met_age_ms;      /* since its process was first heard of; 0: there is none */
    uint64_t due, in_flight;  /* changes that wait; UPDATEs on the way */
    uint64_t per_s;           /* changes that were to be sent, in the last second */
    uint64_t lag_ms;          /* until what waits is acknowledged, as it was last */
    uint64_t compared_age_ms; /* since both whole tables were compared, or WIRE_NEVER */
    struct span why;          /* while it is down: why, as far as is known */
};

/* Workers of a places service at one address. */
struct operate_host {
    struct span address;
    uint64_t workers;
};

/* One places service, as the node has it: its own view, and what the service says of itself. */
struct operate_broker {
    struct span endpoint;
    bool up;
    bool speaks;            /* of what follows: a service of today's version has said it */
    uint64_t asked, hits;   /* look-ups since its start; of these by its cache, */
    uint64_t joined, stale; /* by another one under way, by what was kept too long, */
    uint64_t failures;      /* and by no good answer */
    uint64_t workers;       /* that are there now */
    uint64_t paused_ms;     /* breaker: for how long the provider is left alone; 0: it is asked */
    uint64_t spent, budget; /* requests of the day; 0: no limit */
    uint64_t kept, kept_bytes; /* answers in its cache */
    uint32_t host_count;
    struct operate_host hosts[OPERATE_HOSTS_MAX]; /* where its workers are: the first ones */
};

struct operate_status {
    struct span version; /* of the program */
    uint64_t uptime_ms, memory_bytes;
    uint64_t topology; /* the fingerprint of the file that it runs by */

    uint64_t digest, clients, clients_max;
    uint64_t table_bytes, table_bytes_max; /* 0: no limit */
    uint64_t refused;                      /* locations for which there was no room */
    int64_t offset_ns;                     /* its wall clock minus the herd's time */
    uint64_t votes, above;   /* clocks that make that, and locations above the ceiling */
    uint64_t journal;        /* an enum wire_journal, or a newer version's */
    uint64_t journal_due;    /* clients whose newest position is not on the disk, */
    uint64_t journal_age_ms; /* and since when */

    uint64_t connections, connections_max, watchers;
    uint64_t commands, iamats, whatsats, nearbys, invalid; /* since the start */
    uint64_t commands_per_s;                               /* in the last second */
    uint64_t sent_per_s, received_per_s;                   /* locations, of all links */

    uint64_t lookups, lookups_failed, lookups_waiting;
    uint64_t lookups_p99_ms; /* of the last minutes; WIRE_NEVER: there was none */
    uint32_t broker_count;
    struct operate_broker brokers[OPERATE_BROKERS_MAX];

    uint64_t links_all; /* observers' among them */
    uint32_t link_count;
    struct operate_link links[OPERATE_LINKS_MAX]; /* the first ones */

    /* Of each link in its place (origins + 7) / 8 bytes: whether changes of the first, second ...
     * node of the file leave over it, the highest bit first (bus/link/lazy.h). Links for which
     * there was no room are missing. */
    uint64_t origins; /* nodes of the topology; 0: nothing is said of ways */
    struct span ways;
};

/* The bits of that link, or NULL. */
const uint8_t *operate_status_ways(const struct operate_status *status, uint32_t link);

/* False for bytes that are none. Spans borrow. */
bool operate_read_status(struct span bytes, struct operate_status *status);

/* Writes it, of at most OPERATE_STATUS_BYTES_MAX bytes, which `out` has; its size. */
size_t operate_write_status(const struct operate_status *status,
                            char out[OPERATE_STATUS_BYTES_MAX]);

#endif
