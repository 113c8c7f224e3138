/* wire: the messages between two nodes, as structs and as bytes (bus/PROTOCOL.md is the grammar).
 *
 * One message is one frame: "zh", a byte for the protocol's major version, one MessagePack
 * array. It decides only whether bytes are a message, never what a message means.
 *
 * Invariant: what is read is whole and within every limit, or it is refused as a whole; what is
 * written can be read. Elements and keys after the known ones are a newer version's: skipped. */
#ifndef ZHERD_BUS_LINK_WIRE_H
#define ZHERD_BUS_LINK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/msgread.h"
#include "bus/table/location.h"

/* The third byte. A frame with another one is not looked into. */
#define WIRE_MAJOR 1
/* The versions of the messages that this code speaks; HELLO names them. */
#define WIRE_VERSION     3
#define WIRE_VERSION_MIN 1
/* The first version whose messages carry clocks and cuts, and that knows CHECK, LIST and WANT. */
#define WIRE_VERSION_CHECKS 2
/* The first one that knows STATE, and whose locations have hops. */
#define WIRE_VERSION_LAZY 3
/* The hops of who knows no way, or of a version that has none. */
#define WIRE_HOPS_FAR UINT8_MAX
/* Origins in a STATE or a HEARTBEAT: of all nodes that a topology may have. */
#define WIRE_ORIGINS_MAX 1024u

/* One message: one location of the largest size and the fields around it fit. */
#define WIRE_MESSAGE_BYTES_MAX (LOCATION_TEXT_BYTES_MAX + 8 * 1024)
/* A large UPDATE would keep a link busy for long, and a lost one costs it all again. */
#define WIRE_LOCATIONS_MAX 256
/* Links in a STATUS, the first ones of a node: more than people read, and few enough for one
 * message. */
#define WIRE_LINKS_MAX 256
/* A herd's or a node's name. */
#define WIRE_NAME_BYTES_MAX LOCATION_ORIGIN_BYTES_MAX
/* A refusal's text. A longer one is cut when read. */
#define WIRE_TEXT_BYTES_MAX 119
/* Clocks in a HELLO or a HEARTBEAT: more nodes than that take turns. */
#define WIRE_CLOCKS_MAX      64
#define WIRE_CLOCK_BYTES_MAX (1 + 2 + WIRE_NAME_BYTES_MAX + 4 * 9)
/* Ranges in a CHECK; entries in a LIST, of which a WANT names some by their ids. */
#define WIRE_RANGES_MAX  16384u
#define WIRE_ENTRIES_MAX 2048u
#define WIRE_RANGE_BYTES 4u
#define WIRE_ENTRY_BYTES 8u
#define WIRE_ID_BYTES    4u
/* There are 2^16 ranges at most; a large one is listed in parts, of up to 2^24. */
#define WIRE_LEVEL_MAX      16u
#define WIRE_PART_LEVEL_MAX 24u
/* What a message takes at most beside its locations, links, clocks and bin: magic, heads, names and
 * text. */
#define WIRE_HEAD_BYTES_MAX 512

/* The head in a HEARTBEAT of a node that is not at rest: what waits there may still change without
 * a new position, so its digest belongs to none. */
#define WIRE_HEAD_UNREST UINT64_MAX

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_UPDATE = 2,
    WIRE_ACK = 3,
    WIRE_HEARTBEAT = 4,
    WIRE_REFUSED = 5,
    WIRE_GOODBYE = 6,
    WIRE_STATUS_ASK = 7,
    WIRE_STATUS = 8,
    WIRE_CHECK = 9,
    WIRE_LIST = 10,
    WIRE_WANT = 11,
    /* 12 and 13 are those of operators (bus/link/operate.h): no peer sends them. */
    WIRE_STATE = 14,
};

enum wire_refusal {
    WIRE_REFUSED_HERD = 1,    /* of another herd */
    WIRE_REFUSED_NAME = 2,    /* not the node its connection claims */
    WIRE_REFUSED_VERSION = 3, /* no version in common */
    WIRE_REFUSED_SELF = 4,    /* a node that talks to itself */
    WIRE_REFUSED_IN_USE = 5,  /* another running process has that name */
    WIRE_REFUSED_EXPIRE = 6,  /* of another herd/expire or herd/forget */
};

/* What a STATUS says of the sender's journal. */
enum wire_journal {
    WIRE_JOURNAL_NONE = 0,
    WIRE_JOURNAL_GOOD = 1,   /* the last write and sync went well, or there was none yet */
    WIRE_JOURNAL_FAILED = 2, /* it did not, or no segment was to be had */
};

/* One link of a STATUS. */
struct wire_link {
    struct span name;
    bool up;
    uint64_t incarnation_age_ms, due, in_flight, acked, sent, head;
    uint64_t compared_age_ms; /* since the last comparison of both whole tables, or WIRE_NEVER */
};

/* What a node says of a node's clock (bus/link/herd_time.h). */
struct wire_clock {
    struct span node;
    uint64_t incarnation; /* never 0 */
    uint64_t step;        /* jumps of that clock in that incarnation, as far as is known */
    int64_t wall_ns;      /* what it shows at this moment */
    uint64_t age_ms;      /* how long ago that node itself said so; 0: the sender's own clock */
};

/* An origin: in a HEARTBEAT the links on the sender's way to it, in a STATE for how many
 * milliseconds it has missed its changes. */
struct wire_way {
    struct span node;
    uint64_t value;
};

/* Since what never was, as far as the sender's version tells. */
#define WIRE_NEVER UINT64_MAX

/* To which state of the link a digest belongs. */
struct wire_cut {
    uint64_t position; /* `after` of the sender's next UPDATE */
    uint64_t met;      /* incarnations that the sender has met over this link in its life */
    int64_t horizon_ns, ceiling_ns; /* least and greatest order that count there; INT64_MIN,
                                       INT64_MAX: none */
};

/* A digest as one of a CHECK's ranges or a HEARTBEAT's `whole`: never 0, which says "not now". */
static inline uint32_t wire_fold(uint64_t digest)
{
    uint32_t folded = (uint32_t)(digest >> 32) ^ (uint32_t)digest;
    return folded == 0 ? 1 : folded;
}

#define WIRE_NO_ELEMENT UINT32_MAX

/* Where a frame ceased to be a message. Borrows from its bytes. */
struct wire_fault {
    const char *field; /* as bus/PROTOCOL.md calls it; NULL: the frame as a whole */
    const char *rule;  /* what is needed there, or, where `at` is nothing, what is wrong with it */
    struct msgread at; /* what stands there */
    enum wire_type type; /* 0: not read yet */
    uint32_t element;    /* which location, link or clock, or WIRE_NO_ELEMENT */
};

/* Which fields count follows from the type; the rest is left as it was. Spans borrow. */
struct wire_message {
    enum wire_type type;
    uint64_t from_incarnation; /* never 0 */
    uint64_t to_incarnation;   /* 0: not known yet */

    struct span herd, node;        /* HELLO */
    uint64_t version, version_min; /* HELLO */
    uint64_t start;                /* HELLO: before it nothing is missing over there */
    uint64_t expire_ms;            /* HELLO: how long a location counts; 0: for ever */
    bool forget;                   /* HELLO: clients may be forgotten */
    uint64_t after, upto;          /* UPDATE */
    bool ack_now;                  /* UPDATE: the sender asks for its acknowledgement at once */
    uint64_t received;             /* HELLO, UPDATE, ACK, HEARTBEAT */
    bool gap;                      /* ACK */
    uint64_t head;                 /* HEARTBEAT */
    uint64_t digest, clients;      /* HEARTBEAT, STATUS; `clients` in HELLO, too */
    bool has_clients;              /* HELLO: it is there: tables can be compared from the start */
    bool has_load;                 /* STATUS: the four that follow were there; older nodes */
    uint64_t clients_max;          /* do not tell them. `bytes_max` is 0 without a limit */
    uint64_t bytes, bytes_max, refused;
    bool has_time;                        /* STATUS: so were the three that follow */
    int64_t offset_ns;                    /* the sender's wall clock minus the herd's time */
    uint64_t votes, above;                /* clocks that make it, and locations above the ceiling */
    bool has_journal;                     /* STATUS: so were the three that follow */
    uint64_t journal;                     /* an enum wire_journal, or a newer version's */
    uint64_t journal_due, journal_age_ms; /* slots that are not on the disk, and since when */
    uint64_t code;                        /* REFUSED: an enum wire_refusal, or a newer version's */
    struct span text;                     /* REFUSED */

    bool has_checks;       /* UPDATE, ACK, HEARTBEAT, HELLO: the fields of version 2 are there. When
                              read without them, no clocks and none refused */
    uint64_t refused_here; /* UPDATE, ACK, HEARTBEAT: locations of this pair of incarnations that
                              the sender acknowledged and did not keep */
    uint32_t clock_count;  /* HELLO, HEARTBEAT; the sender's own first */
    struct wire_clock clocks[WIRE_CLOCKS_MAX];
    struct wire_cut cut;   /* HEARTBEAT, CHECK, LIST; of a HELLO only the ceiling */
    uint64_t slots;        /* HEARTBEAT: slots due or in flight at the sender's end */
    uint64_t whole;        /* HEARTBEAT: the check of level 0, as one of a CHECK's ranges */
    uint64_t level, first; /* CHECK: 2^level ranges there are, and the first one here. LIST, WANT:
                              bits of the client's hash that are fixed, and their value */
    uint64_t salt;         /* LIST: odd: the high half of a location's hash, even: the low one */
    struct span bin;       /* CHECK: 4 bytes a range, 0: not now; LIST: 4 of the client's hash, 4 of
                              the location's, 0: not now; WANT: 4 of the client's hash. All
                              big-endian */

    bool has_recent;    /* LIST: the two that follow are there */
    bool is_settled;    /* LIST: the range was equal once, and compared at rest now */
    struct span recent; /* LIST: a bit for each entry, the first one in the highest bit of the first
                           byte: it changed lately at the sender's */

    bool has_state;          /* HEARTBEAT: the fields of version 3 are there */
    uint64_t state_version;  /* STATE, HEARTBEAT: of what is declined */
    uint32_t declined_count; /* STATE, HEARTBEAT: origins that the sender wants nothing of */
    struct span declined[WIRE_ORIGINS_MAX];
    uint32_t way_count; /* STATE, HEARTBEAT */
    struct wire_way ways[WIRE_ORIGINS_MAX];

    uint32_t location_count;          /* UPDATE */
    uint8_t hops[WIRE_LOCATIONS_MAX]; /* of each location: links on its origin's way to the sender;
                                         0: its own */
    uint32_t link_count;              /* STATUS */
    union {
        struct location locations[WIRE_LOCATIONS_MAX];
        struct wire_link links[WIRE_LINKS_MAX];
    };
    struct span written;     /* all of them as wire_write_location wrote them, and then written as
                              * they are; without bytes, `locations` is */
    struct wire_fault fault; /* of bytes that are WIRE_MALFORMED */
};

enum wire_result {
    WIRE_GOOD,
    WIRE_MALFORMED, /* no message at all */
    WIRE_FOREIGN,   /* of another major version, which stands in `version` */
    WIRE_UNKNOWN,   /* well-formed, but of a type that only a newer version knows */
};

/* Reads one frame. Locations are checked for their shape, not for location_is_valid. */
enum wire_result wire_read(struct span bytes, struct wire_message *message);

/* For the author of the program at the other end: what is wrong with bytes that wire_read, just
 * before, found WIRE_MALFORMED ("ACK: have is the float 0.5: a whole number, 0 or more, is
 * needed"). Printable ASCII, cut to `room` bytes with a NUL. */
void wire_explain(struct span bytes, const struct wire_fault *fault, char *out, size_t room);

/* Writes one frame; its size, or 0 where it does not fit into `room` bytes. */
size_t wire_write(const struct wire_message *message, char *out, size_t room);

/* The most bytes one location takes in an UPDATE. */
size_t wire_location_bytes_max(const struct location *location);

/* Writes one location of an UPDATE; returns the byte after it. It is what msgpack-c would write, at
 * a tenth of the cost: locations are nearly all that nodes send each other. `out` has room for
 * wire_location_bytes_max, all of which may be written to. */
char *wire_write_location(const struct location *location, char *out);

/* Adds the hops to a location that stands at `start` and ends before `end`, where two more bytes
 * may be written to; returns the byte after them. */
static inline char *wire_write_hops(char *start, char *end, uint8_t hops)
{
    ++*start; /* the head has the number of elements */
    if (__builtin_expect(hops > INT8_MAX, false))
        *end++ = (char)0xcc;
    *end = (char)hops;
    return end + 1;
}

/* Reads one location of that form; its spans borrow. False where none stands there, and then the
 * cursor has not moved. Checks the shape, not location_is_valid. */
bool wire_read_location(struct msgread *in, struct location *location);

#endif
