/* friends: what OwnTracks is answered (owntracks.org/booklet, "HTTP"): where those are whom a
 * person may see, of each a `location` and a `card`, so that they appear in the app.
 *
 * The app knows a friend by its `tid` alone, and drops the whole answer where one element is not as
 * it should be. So the `tid` is the whole id, which no other client has. A device gets whoever
 * changed since its last answer; where those are many, the rest comes with its next uploads. What
 * is known of devices has a limit: one that was forgotten gets everybody again.
 *
 * Invariant: each answer is JSON, has FRIENDS_MAX friends at most, no two with one `tid`, each with
 * a `tst` that is a whole number and not 0; and whoever changed comes in one of the answers. */
#ifndef ZHERD_GATEWAY_WEB_SHOW_FRIENDS_H
#define ZHERD_GATEWAY_WEB_SHOW_FRIENDS_H

#include <stdint.h>

#include "gateway/web/show/stream.h"

/* In one answer. */
#define FRIENDS_MAX 100
/* Clients that one answer looks at: less than a millisecond. */
#define FRIENDS_LOOKS_MAX 4096
/* Slots of the table that one answer goes through: a quarter of a millisecond. */
#define FRIENDS_SLOTS_MAX 262144u
/* Devices of which is known what they got, and of those whose hashes begin alike. */
#define FRIENDS_DEVICES_MAX 16384
#define FRIENDS_ROW_MAX     4

struct friends_device {
    uint64_t name;         /* a hash; 0: nobody */
    uint32_t since, begun; /* ticks: it got what changed up to `since`; the pass under way */
    uint32_t at;           /* the slot where that goes on; 0: none is under way */
    uint32_t used;
};

/* All zero is empty. */
struct friends {
    struct friends_device rows[FRIENDS_DEVICES_MAX / FRIENDS_ROW_MAX][FRIENDS_ROW_MAX];
    uint32_t used;
};

/* Appends the answer to an upload of `client`, which is not in it, by the person of that name. */
void friends_write(struct friends *friends, struct flood *flood, const struct stream *stream,
                   const struct sight *sight, const char *person, struct span client,
                   struct buffer *out);

#endif
