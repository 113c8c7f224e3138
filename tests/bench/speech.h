/* speech: what the bench says to a server, and whether the reply is the right one.
 *
 * One protocol is one small file: it writes a request, and it reads the reply to that request
 * byte for byte. An update says where a client is; a question asks for it. Nothing here knows
 * sockets or clocks.
 *
 * Invariant: a reply is good only if it can be nothing but the answer to this very request. */
#ifndef ZHERD_TESTS_BENCH_SPEECH_H
#define ZHERD_TESTS_BENCH_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "tests/bench/sample.h"

/* The longest request of any protocol here. */
#define SPEECH_REQUEST_BYTES_MAX 256
/* Places that are remembered, to be recognized by one comparison. */
#define SPEECH_PLACES_BYTES_MAX 512
/* A node's name, as in a topology. */
#define SPEECH_NODE_BYTES_MAX 63

enum speech_kind {
    SPEECH_UPDATE,
    SPEECH_QUESTION,
    SPEECH_NEARBY, /* who is near a place */
};

/* One request on its way, with what its reply will be judged by. */
struct asked {
    enum speech_kind kind;
    uint32_t client;   /* from 0; the client's number on the wire is talk.first_client higher */
    uint32_t place;    /* in its batch, from 0 */
    uint32_t bytes;    /* of the request, */
    size_t at;         /* which begin here in its connection's output */
    uint64_t stamp_ns; /* an update's own; a question's: of the client's newest update; NEARBY: what
                        * draws the place (sample_write_place) */
    uint64_t seen_ns;  /* a question's reply: the stamp in it, 0 for an unknown client */
    int64_t due_ns;    /* when it had to leave */
};

/* What is known of one client, where questions are asked. */
struct known {
    uint64_t stamp_ns; /* of its newest update that was sent */
    /* Of the newest update that was answered: */
    uint64_t at_stamp_ns;
    uint64_t at_hash;   /* the AT line's */
    uint64_t json_hash; /* of the places shown at that stamp; 0: none yet */
};

/* One run against one herd or server. */
struct talk {
    const struct speech *speech;
    struct known *known;                  /* by client; NULL where no questions are asked */
    uint32_t first_client;                /* lets two runs have clients of their own */
    uint32_t radius, bound;               /* of a question, and of who is near */
    uint32_t expire_s;                    /* so long after its stamp an update is over; 0: never */
    char node[SPEECH_NODE_BYTES_MAX + 1]; /* the node that answers updates, once it has */
    size_t node_bytes;
    char places[SPEECH_PLACES_BYTES_MAX]; /* the JSON of the last reply that was shown to be right,
                                           */
    size_t places_bytes;  /* and the empty line after it; 0: none, or a longer one */
    uint64_t places_hash; /* of the JSON */
};

enum speech_verdict {
    SPEECH_GOOD,
    SPEECH_PART, /* the reply is not complete */
    SPEECH_WRONG,
};

struct speech {
    const char *name;
    bool has_questions;
    bool has_nearby; /* tells who is near */

    /* Writes at most SPEECH_REQUEST_BYTES_MAX; how many. */
    size_t (*write)(const struct talk *talk, const struct asked *asked, char *out);
    /* The reply begins at `reply`; `*taken` is its size if good. Sets asked->seen_ns of a question;
     * the caller decides whether that is new enough. */
    enum speech_verdict (*read)(struct talk *talk, struct asked *asked, struct span request,
                                struct span reply, size_t *taken);

    /* What opens a connection and how the server takes it; or empty and NULL. */
    struct span greeting;
    enum speech_verdict (*welcome)(struct span reply, size_t *taken);

    /* Good when `bytes` begin with something that answers no request: `*answer` goes back, if it
     * is not empty. NULL where a server only ever answers. */
    enum speech_verdict (*aside)(struct span bytes, size_t *taken, struct span *answer);

    /* The request to subscribe to every update, the server's reply to it, and a reader of one
     * pushed update; or empty and NULL. */
    struct span listen, listening;
    enum speech_verdict (*heard)(struct span bytes, size_t *taken, uint32_t *client,
                                 uint64_t *stamp_ns);
};

extern const struct speech speech_zherd, speech_zherd_auth, speech_zherd_watch, speech_echo,
    speech_redis, speech_redis_geoadd, speech_redis_wait, speech_nats, speech_mqtt, speech_osmand;

/* By its name, or NULL. */
const struct speech *speech_find(const char *name);

/* Copies and returns where the next bytes go. */
static inline char *speech_put(char *to, const char *bytes, size_t count)
{
    memcpy(to, bytes, count);
    return to + count;
}

/* `text` at the beginning of `bytes`, as far as there are bytes: good, part or wrong. */
enum speech_verdict speech_match(struct span bytes, struct span text);

#endif
