/* promises: which answers may leave. An answer is held until what it is about is known to be at one
 * neighbour, on the disk, or both; or until its time is over, and then it is promised no more.
 *
 * All that one turn of the loop holds is an *epoch*, which is kept or broken as a whole. It is kept
 * by a neighbour when that acknowledged all of the link's positions up to where the epoch's last
 * slot waits, or sent us of each of its slots the same or something newer. An acknowledgement after
 * which the neighbour counts more locations that it refused says nothing of what it covers, and
 * neither does one of an observer. A process that we have not met before knows nothing of an epoch:
 * its slots wait on that link once more. It is kept by the disk when each of its slots was in a
 * batch, or needed none, and the last of these batches is synced.
 *
 * It sends and writes nothing: who does is flood (bus/flood.h) and whoever writes the journal.
 *
 * Invariant: of an epoch that was kept, each slot's value at the time it was held, or a newer one,
 * was at the neighbour or on the disk. Nothing of it is remembered longer than
 * PROMISES_PATIENCE_MS. */
#ifndef ZHERD_BUS_PROMISES_H
#define ZHERD_BUS_PROMISES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/journal/marks.h"
#include "bus/link/peer.h"

/* From the command to the answer, at most. */
#define PROMISES_PATIENCE_MS 2000
/* What no neighbour has acknowledged by then waits on the links that declined it, too (L13). */
#define PROMISES_APART_MS 300
/* Slots that are held for answers; further answers are not promised. 16 MiB. */
#define PROMISES_HOLDS_MAX (UINT32_C(1) << 20)
/* From so many epochs on a new one begins once a millisecond, not with each sending: so there are
 * never more than PROMISES_EPOCHS_MAX, whatever the neighbours do. */
#define PROMISES_EPOCHS_SOON 1024u
#define PROMISES_EPOCHS_MAX  4096u /* a power of two */
static_assert(PROMISES_EPOCHS_SOON + PROMISES_PATIENCE_MS + 2 <= PROMISES_EPOCHS_MAX,
              "one a millisecond fits");

/* What an answer waits for. */
enum promises_by { PROMISES_BY_NEIGHBOUR = 1, PROMISES_BY_DISK = 2 };

enum promises_state { PROMISES_WAITS, PROMISES_KEPT, PROMISES_BROKEN };

/* A slot that is held, and who has what it held: a bit for each link, the last one for the disk. */
struct promises_hold {
    uint32_t slot;
    uint32_t before; /* number of the slot's hold before this one, in its lowest bits */
    uint64_t has;
};

/* An epoch, as one link sees it. */
struct promises_wait {
    uint64_t low, target; /* its slots wait at positions from `low` to below `target` */
    uint32_t told;        /* its slots that the neighbour told us of */
    bool refused;         /* no acknowledgement counts for it any more */
    bool is_apart;        /* some of its slots do not wait on this link, which declined them */
};

struct promises_epoch {
    uint64_t first; /* number of its first hold */
    uint64_t batch; /* of those that took its slots, the last */
    uint64_t next_settled;
    int64_t opened_ms;
    uint32_t unwritten; /* its slots that no batch took yet */
    bool has_neighbour, has_disk;
    bool is_given; /* by promises_next */
    uint8_t state; /* enum promises_state */
};

struct promises_link {
    uint64_t fills, rewinds; /* of the ring, as they were seen last */
    bool is_resending;       /* the ring still sends again what was lost */
    uint64_t refused;        /* locations that the neighbour said last it had refused */
    uint64_t heard;          /* before this position they have everything, by messages that count */
    uint64_t next;           /* the first epoch that an acknowledgement may keep */
};

/* All zero holds nothing and costs nothing. Epochs and holds have numbers from 1 on, which are
 * their places in rings. */
struct promises {
    struct peer *peers; /* of the flood */
    size_t peer_count;
    unsigned by; /* of enum promises_by */

    struct promises_epoch *epochs;
    struct promises_wait *waits; /* peer_count of them for each epoch */
    uint64_t epoch_room, first, end;
    uint64_t waiting;                     /* the first that may not be settled */
    bool is_open;                         /* the last one takes more holds */
    uint64_t settled_first, settled_last; /* not given yet: a chain; 0: none */

    struct promises_hold *holds;
    uint64_t hold_room, hold_first, hold_end;
    uint32_t *latest; /* of each slot the lowest bits of the number of its last hold */
    uint32_t latest_room;

    struct promises_link *links;
    uint64_t complete, failed, synced; /* of the marks, as they were seen last */
};

/* `promises` is all zero before; `by` is not 0. Borrows the peers. */
void promises_init(struct promises *promises, unsigned by, struct peer *peers, size_t peer_count);
void promises_free(struct promises *promises);

/* Other links from now on: number i was number `was[i]`, or PROMISES_NEW_LINK. What the others had
 * is had; what an answer still waits for, it may have from a new link as well, once that has met
 * its process. Borrows the peers, and nothing more of those before. */
#define PROMISES_NEW_LINK SIZE_MAX
void promises_change(struct promises *promises, struct peer *peers, size_t peer_count,
                     const size_t *was);

/* All that waits is settled at once: kept, or promised no more. */
void promises_settle_all(struct promises *promises, enum promises_state state);

/* An answer about what stands in the slot now is held; the slot waits on the links already.
 * `marks`: where it is due on its way to the disk, or NULL. Its epoch, or 0 where as much is held
 * as may be: then nothing is promised. */
uint64_t promises_hold(struct promises *promises, uint32_t slot, const struct marks *marks,
                       int64_t now_ms);

/* The slot that was held last does not wait on that link, whose other end declined it. */
void promises_skip(struct promises *promises, size_t peer);

/* Before anything is taken from this link's ring: what is held later is another epoch. And all
 * slots wait there once more where it has met another process. */
void promises_send(struct promises *promises, size_t peer, int64_t now_ms);

/* Whether an UPDATE that follows `after` carries something that an answer waits for. */
bool promises_want_ack(const struct promises *promises, size_t peer, uint64_t after);

/* A message that counted says that they have everything before `received`, and, but for one of
 * version 1, how many locations they refused. */
void promises_hear(struct promises *promises, size_t peer, uint64_t received, uint64_t refused);
/* They told us what stands in the slot now, or the same. */
void promises_told(struct promises *promises, size_t peer, uint32_t slot);

/* Looks at the disk and the time, and gives the next epoch that was settled since; false where none
 * was. */
bool promises_next(struct promises *promises, const struct marks *marks, int64_t now_ms,
                   uint64_t *epoch);
/* What has become of an epoch that promises_next did not give yet, or gave since the last
 * promises_hold. */
enum promises_state promises_state(const struct promises *promises, uint64_t epoch);

/* Whether an answer waits for a batch that is not put together yet. */
bool promises_want_batch(const struct promises *promises);

/* When promises_next must be asked although nothing happened; INT64_MAX: not by this. */
int64_t promises_deadline_ms(const struct promises *promises);

/* Whether an answer waits. */
bool promises_waiting(const struct promises *promises);

#endif
