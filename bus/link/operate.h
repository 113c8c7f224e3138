/* operate: what an operator asks of a node, and what the node answers, as structs and as bytes
 * (bus/PROTOCOL.md, "Operators").
 *
 * Both are messages as bus/link/wire.h has them: one frame, the same magic, types of their own. It
 * decides only whether bytes are one, never who may ask or what follows.
 *
 * Invariant: what is read is whole and within every limit, or it is refused as a whole; what is
 * written can be read. An argument that is not known makes a request unknown, because to leave out
 * one of several conditions would mean more clients than were meant; of a reply, elements and keys
 * after the known ones are skipped. */
#ifndef ZHERD_BUS_LINK_OPERATE_H
#define ZHERD_BUS_LINK_OPERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/operate_status.h"
#include "bus/link/wire.h"
#include "bus/table/selection.h"

/* Types beside those of enum wire_type, which peers never send. */
#define OPERATE_REQUEST 12
#define OPERATE_REPLY   13

/* An operator's routing id is this, a name, a NUL and PEER_DIRECTORY_NUMBER_BYTES drawn ones. No
 * name has a colon. */
#define OPERATE_PREFIX "operator:"

/* Clients that one request names. */
#define OPERATE_IDS_MAX 256
/* Clients that a reply shows, and bytes of the id of each. */
#define OPERATE_EXAMPLES_MAX      8
#define OPERATE_EXAMPLE_BYTES_MAX 64
/* A reply's text. A longer one is cut when read or written. */
#define OPERATE_TEXT_BYTES_MAX 200
/* The longest reply that is written. */
#define OPERATE_REPLY_BYTES_MAX (2048 + OPERATE_STATUS_BYTES_MAX)

enum operate_kind {
    OPERATE_PING = 1,   /* which node are you? */
    OPERATE_FORGET = 2, /* forget clients, or count them */
    OPERATE_STATUS = 3, /* how are you? */
};

struct operate_request {
    uint64_t from;   /* the operator's process, as an incarnation: never 0 */
    uint64_t number; /* of the request in it: one that comes again is the same request */
    uint64_t kind;   /* an enum operate_kind, or a newer version's */

    /* FORGET: the clients that are among `ids`, if there are any, and in `which`, whose `before_ns`
     * is not used. */
    uint32_t id_count;
    struct span ids[OPERATE_IDS_MAX];
    struct selection which;
    uint64_t older_ms; /* whose order time is that long ago; 0: any */
    bool acts;         /* else they are only counted */
};

enum operate_result {
    OPERATE_GOOD,
    OPERATE_MALFORMED, /* no request at all */
    OPERATE_UNKNOWN,   /* `from`, `number` and `kind` are there; the kind or an argument is not
                          known, or is beyond a limit: `why` says which */
};

/* Reads one frame. Spans borrow from it. `why` is set for OPERATE_UNKNOWN: a sentence for the
 * operator, which is a constant. */
enum operate_result operate_read_request(struct span bytes, struct operate_request *request,
                                         const char **why);

/* Writes one frame; its size, or 0 where it does not fit into `room` bytes. */
size_t operate_write_request(const struct operate_request *request, char *out, size_t room);

enum operate_state {
    OPERATE_DONE = 0,
    OPERATE_WORKING = 1, /* the numbers are those of what was looked at until now */
    OPERATE_REFUSED = 2, /* the text says why */
};

struct operate_example {
    struct span client; /* cut to OPERATE_EXAMPLE_BYTES_MAX bytes */
    uint64_t bytes;     /* of the whole id */
    struct span origin;
    int64_t order_ns;
};

struct operate_reply {
    uint64_t from, to;     /* incarnations, the node's and the operator's; never 0 */
    uint64_t number, kind; /* of the request */
    uint64_t state;        /* an enum operate_state, or a newer version's */
    struct span text;      /* a remark, mostly empty */
    struct span node;      /* who answers */
    uint64_t looked, of;   /* FORGET: slots or ids, and how many there are */
    uint64_t matches, forgotten;
    uint32_t example_count;
    struct operate_example examples[OPERATE_EXAMPLES_MAX]; /* of the matches, the first */
    struct span status; /* STATUS: for operate_read_status; empty: there is none */
};

/* False for what is no reply. Spans borrow. */
bool operate_read_reply(struct span bytes, struct operate_reply *reply);

/* Writes one frame, of at most OPERATE_REPLY_BYTES_MAX bytes, which `out` has; its size. */
size_t operate_write_reply(const struct operate_reply *reply, char out[OPERATE_REPLY_BYTES_MAX]);

#endif
