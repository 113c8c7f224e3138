/* wire: the messages between two nodes, as structs and as bytes (bus/PROTOCOL.md is the grammar).
 *
 * One message is one frame: "zh", a byte for the protocol's major version, one MessagePack
 * array. It decides only whether bytes are a message, never what a message means.
 *
 * Invariant: what is read is whole and within every limit, or it is refused as a whole; what is
 * written can be read. Elements and keys behind the known ones are a newer version's: skipped. */
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
#define WIRE_VERSION     1
#define WIRE_VERSION_MIN 1

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
/* What a message takes at most beside its locations: magic, heads, names and text. */
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
};

enum wire_refusal {
    WIRE_REFUSED_HERD = 1,    /* of another herd */
    WIRE_REFUSED_NAME = 2,    /* not the node its connection claims */
    WIRE_REFUSED_VERSION = 3, /* no version in common */
    WIRE_REFUSED_SELF = 4,    /* a node that talks to itself */
    WIRE_REFUSED_IN_USE = 5,  /* another running process has that name */
};

/* One link of a STATUS. */
struct wire_link {
    struct span name;
    bool up;
    uint64_t incarnation_age_ms, due, in_flight, acked, sent, head;
};

#define WIRE_NO_ELEMENT UINT32_MAX

/* Where a frame ceased to be a message. Borrows from its bytes. */
struct wire_fault {
    const char *field; /* as bus/PROTOCOL.md calls it; NULL: the frame as a whole */
    const char *rule;  /* what is needed there, or, where `at` is nothing, what is wrong with it */
    struct msgread at; /* what stands there */
    enum wire_type type; /* 0: not read yet */
    uint32_t element;    /* which location or link, or WIRE_NO_ELEMENT */
};

/* Which fields count follows from the type; the rest is left as it was. Spans borrow. */
struct wire_message {
    enum wire_type type;
    uint64_t from_incarnation; /* never 0 */
    uint64_t to_incarnation;   /* 0: not known yet */

    struct span herd, node;        /* HELLO */
    uint64_t version, version_min; /* HELLO */
    uint64_t start;                /* HELLO: before it nothing is missing over there */
    uint64_t after, upto;          /* UPDATE */
    uint64_t received;             /* HELLO, UPDATE, ACK, HEARTBEAT */
    bool gap;                      /* ACK */
    uint64_t head;                 /* HEARTBEAT */
    uint64_t digest, clients;      /* HEARTBEAT, STATUS */
    uint64_t code;                 /* REFUSED: an enum wire_refusal, or a newer version's */
    struct span text;              /* REFUSED */

    uint32_t location_count; /* UPDATE */
    uint32_t link_count;     /* STATUS */
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

/* For whoever writes the other end: what is wrong with bytes that wire_read, just before, found
 * WIRE_MALFORMED ("ACK: have is the float 0.5: a whole number, 0 or more, is needed"). Printable
 * ASCII, cut to `room` bytes with a NUL. */
void wire_explain(struct span bytes, const struct wire_fault *fault, char *out, size_t room);

/* Writes one frame; its size, or 0 where it does not fit into `room` bytes. */
size_t wire_write(const struct wire_message *message, char *out, size_t room);

/* The most bytes one location takes in an UPDATE. */
size_t wire_location_bytes_max(const struct location *location);

/* Writes one location of an UPDATE; returns the byte behind it. It is what msgpack-c would write,
 * at a tenth of the cost: locations are nearly all that nodes tell each other. `out` has room for
 * wire_location_bytes_max, all of which may be written to. */
char *wire_write_location(const struct location *location, char *out);

#endif
