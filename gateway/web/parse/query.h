/* query: what a request for positions asks: which page, and its parameters.
 *
 * It takes a path and a query as they were sent, looks at no table, and answers nothing; what is
 * asked of a node it writes as a command, and reads what the node makes of it. Paths by which
 * trackers send positions are gateway/web/parse/upload.h's.
 *
 * Invariant: what query_read takes is within the limits of gateway/web/PROTOCOL.md, and a client is
 * one word of the text protocol. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_QUERY_H
#define ZHERD_GATEWAY_WEB_PARSE_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/degrees.h"

#define QUERY_CLIENT_BYTES_MAX 1024
/* Of `q`, which is looked for in each id. */
#define QUERY_TEXT_BYTES_MAX 256
/* Of `after` and Last-Event-ID: two numbers of 64 bits. */
#define QUERY_AFTER_BYTES_MAX 64
#define QUERY_LIMIT_MAX       100000u
#define QUERY_LIMIT_DEFAULT   10000u
/* As NEARBY's and WHATSAT's (gateway/PROTOCOL.md). */
#define QUERY_NEARBY_KM_MAX        20038u
#define QUERY_NEARBY_BOUND_MAX     1000u
#define QUERY_NEARBY_BOUND_DEFAULT 20u
#define QUERY_WHATSAT_KM_MAX       50u
#define QUERY_WHATSAT_BOUND_MAX    20u

enum query_kind {
    QUERY_NONE, /* no path for positions */
    QUERY_CLIENTS,
    QUERY_CLIENT,
    QUERY_NEARBY,
    QUERY_WHATSAT,
    QUERY_EVENTS,
    QUERY_METRICS,
    QUERY_PLACES,
    QUERY_HERD,
};

/* What is not asked for is zero. Owns no memory. */
struct query {
    enum query_kind kind;
    const char *why; /* NULL, or why the request was refused: a sentence in ASCII, constant */
    size_t client_bytes, text_bytes, after_bytes;
    char client[QUERY_CLIENT_BYTES_MAX];
    char text[QUERY_TEXT_BYTES_MAX];   /* that an id is to have in it */
    char after[QUERY_AFTER_BYTES_MAX]; /* the id of an event */
    bool has_box;
    struct degrees south_west, north_east; /* of the box; over the antimeridian where the first one
                                              lies east of the second */
    struct degrees centre; /* of QUERY_PLACES, and of QUERY_NEARBY without a client */
    uint32_t limit;        /* how many clients or places at most */
    int64_t radius_mm;     /* of QUERY_WHATSAT a whole number of km */
};

/* By a path without its query; one that is no client may end in a slash. */
enum query_kind query_kind_of(struct span path);

/* The path, or how it begins: a constant text. */
const char *query_path(enum query_kind kind);

/* Reads a request of that path and query, both as sent. False where it is refused: then `why` says
 * what is wrong, and nothing else counts. */
bool query_read(enum query_kind kind, struct span path, struct span text, struct query *query);

/* Appends the WHATSAT that asks a node for it, with its line end. */
void query_write_whatsat(const struct query *query, struct buffer *out);

enum query_answer {
    QUERY_FOUND,   /* and the JSON is there */
    QUERY_UNKNOWN, /* the node has not heard of that client */
    QUERY_BUSY,    /* the node takes no more connections now */
    QUERY_NOTHING, /* it has said nothing that is an answer */
};

/* What all that a node has said to that means, perhaps after the answer to an AUTH; `json` borrows
 * from it. */
enum query_answer query_read_whatsat(struct span said, struct span *json);

/* Whether a place is in the box, its limits included; any is where there is none. */
bool query_has_place(const struct query *query, struct degrees place);

/* Whether an id has the text in it; ASCII letters of either case are the same. */
bool query_has_client(const struct query *query, struct span client);

#endif
