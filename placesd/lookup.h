/* lookup: the question a gateway asks about a place, and its answer, as bytes.
 *
 * Both sides of the places service share this file; any REQ socket in any language may speak it
 * (placesd/PROTOCOL.md). It knows no socket and no provider.
 *
 * Invariant: an answer's body is always a JSON object in the format of Google's Nearby Search
 * (legacy), also for a failure. */
#ifndef ZHERD_PLACESD_LOOKUP_H
#define ZHERD_PLACESD_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/packed.h"

#define LOOKUP_RADIUS_KM_MAX     50
#define LOOKUP_BOUND_MAX         20
#define LOOKUP_DEADLINE_MS_MAX   60000
#define LOOKUP_REQUEST_BYTES_MAX 128
#define LOOKUP_BODY_BYTES_MAX    (1024 * 1024)
#define LOOKUP_REPLY_BYTES_MAX   (LOOKUP_BODY_BYTES_MAX + 1024)
#define LOOKUP_READY_BYTES_MAX   16
/* Addresses of workers that a broker names, and the bytes of one with its NUL (inet_ntop(3)); and
 * all that it says of itself. */
#define LOOKUP_HOSTS_MAX         16
#define LOOKUP_HOST_BYTES_MAX    46
#define LOOKUP_FIGURES_BYTES_MAX 1024
/* Two sentences about a wrong question. */
#define LOOKUP_REASON_BYTES_MAX 256
/* Look-ups one worker may be given at a time. */
#define LOOKUP_CREDITS_MAX            1024
#define LOOKUP_NANODEGREES_PER_DEGREE NANO

/* Numbers only: nothing a client typed reaches a URL. */
struct lookup {
    int64_t latitude_nanodeg;  /* -90e9 to 90e9 */
    int64_t longitude_nanodeg; /* -180e9 to 180e9 */
    uint32_t radius_m;         /* 0 to 50,000 */
    uint32_t bound;            /* results wanted, 0 to LOOKUP_BOUND_MAX */
    uint32_t deadline_ms;      /* milliseconds left to answer, 1 to LOOKUP_DEADLINE_MS_MAX */
};

enum lookup_code {
    LOOKUP_OK,          /* the provider answered */
    LOOKUP_UNAVAILABLE, /* no service, no worker or no provider could be reached */
    LOOKUP_TIMEOUT,     /* the deadline passed */
    LOOKUP_BUSY,        /* too many questions wait already */
    LOOKUP_REFUSED,     /* the provider refused us: key, quota, configuration */
    LOOKUP_BAD_REPLY,   /* the provider's answer is not Nearby Search JSON, or too large */
    LOOKUP_INVALID,     /* the request is not a look-up */
};
#define LOOKUP_CODES (LOOKUP_INVALID + 1)

struct lookup_reply {
    enum lookup_code code;
    struct span body; /* the JSON text; borrowed */
};

/* Writes the request; its size. `out` holds LOOKUP_REQUEST_BYTES_MAX. */
size_t lookup_write_request(const struct lookup *lookup, char *out);
/* False for anything that is not exactly a request within the limits above. */
bool lookup_read_request(struct span bytes, struct lookup *lookup);
/* Explains to the sender why lookup_read_request has refused the bytes: the first field that is
 * wrong, what came and what is allowed, in printable ASCII. */
void lookup_explain_request(struct span bytes, char reason[LOOKUP_REASON_BYTES_MAX]);

/* Appends the reply to `out`. */
void lookup_write_reply(const struct lookup_reply *reply, struct buffer *out);
/* `reply->body` borrows from `bytes`. */
bool lookup_read_reply(struct span bytes, struct lookup_reply *reply);

/* What a worker sends a broker each second: it is alive and takes up to `credits` look-ups at a
 * time, 0 to LOOKUP_CREDITS_MAX. The size; `out` holds LOOKUP_READY_BYTES_MAX. */
size_t lookup_write_ready(uint32_t credits, char *out);
/* False for anything that is not exactly that. */
bool lookup_read_ready(struct span bytes, uint32_t *credits);

/* What a worker may add to an answer: for how many milliseconds the provider wants no requests.
 * Sizes as above. */
size_t lookup_write_rest(uint32_t rest_ms, char *out);
bool lookup_read_rest(struct span bytes, uint32_t *rest_ms);

/* What a broker says of itself to whoever asks with this instead of a question: counted since its
 * start, but for those from `workers` on. */
#define LOOKUP_FIGURES_QUESTION ((struct span){"zp\x01\x90", 4})
struct lookup_host {
    char address[LOOKUP_HOST_BYTES_MAX];
    uint64_t workers;
};
struct lookup_figures {
    uint64_t asked, hits;      /* questions; of these answered by the cache, */
    uint64_t joined, stale;    /* by another's answer, by what was kept too long, */
    uint64_t failures;         /* and by no good answer */
    uint64_t workers;          /* that are there */
    uint64_t paused_ms;        /* for how long the provider is left alone; 0: it is asked */
    uint64_t spent, budget;    /* requests of the day; 0: no limit */
    uint64_t kept, kept_bytes; /* answers in the cache */
    uint32_t host_count;
    struct lookup_host hosts[LOOKUP_HOSTS_MAX]; /* where the workers are: the first ones */
};
/* The size; `out` holds LOOKUP_FIGURES_BYTES_MAX. */
size_t lookup_write_figures(const struct lookup_figures *figures, char *out);
/* False for anything that is not that; more numbers after these are a later version's. */
bool lookup_read_figures(struct span bytes, struct lookup_figures *figures);

/* Appends the JSON object that stands for a failure: empty `html_attributions` and `results`, a
 * `status` (UNKNOWN_ERROR, OVER_QUERY_LIMIT, REQUEST_DENIED, INVALID_REQUEST) and an
 * `error_message` with `reason`, which must hold no secret. */
void lookup_write_failure(enum lookup_code code, const char *reason, struct buffer *out);
/* The same with a status that says more than the code does. */
void lookup_write_status(const char *status, const char *reason, struct buffer *out);

#endif
