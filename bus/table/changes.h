/* changes: which slots of a table changed, in their order, for whoever follows it.
 *
 * Positions count all changes from the start of the log on. The last ones of them can be
 * read; who comes later than that looks at all slots of the table instead. A slot that is freed is
 * a change, too, and the id of the client that stood there is kept until changes_free_gone, for
 * nobody can read it in the table any more.
 *
 * It does not know what changed: a reader looks at the table. It knows no readers either: each has
 * a position of its own.
 *
 * Invariant: the slot of each change from `end` - `slots_max` on is in the ring, and each client
 * that was freed since changes_free_gone is in `gone`, in the order of the frees. */
#ifndef ZHERD_BUS_TABLE_CHANGES_H
#define ZHERD_BUS_TABLE_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* How many by default: 4 MiB. */
#define CHANGES_SLOTS (UINT32_C(1) << 20)
/* Ids of clients that were freed: a table frees no more of them while as much waits. */
#define CHANGES_GONE_BYTES_MAX (1024 * 1024)

/* A client that was freed: where it stood, and the position of that change. */
struct changes_gone {
    uint64_t position;
    uint32_t slot;
    struct span client; /* borrowed until the log's next change */
};

struct changes {
    uint32_t *slots;    /* the one of position p at p % slots_max, perhaps with CHANGES_STAYS */
    uint32_t slots_max; /* a power of two */
    uint64_t end;
    struct buffer gone; /* for each one freed: the position, the slot, the size of its id, in the
                           machine's order, and the id */
};

/* `slots_max` is a power of two. False where there is no memory for it. */
bool changes_init(struct changes *changes, uint32_t slots_max);
void changes_free(struct changes *changes);

/* The table is changed there. `stays`: the client is in the hundredths of a degree where it was
 * before, as far as its digits say (degrees_share_hundredths). */
#define CHANGES_STAYS (UINT32_C(1) << 31)
static inline void changes_note(struct changes *changes, uint32_t slot, bool stays)
{
    changes->slots[changes->end++ & (changes->slots_max - 1)] = slot | (stays ? CHANGES_STAYS : 0);
}

/* Whether the position can still be read, which is below `end`. */
static inline bool changes_has(const struct changes *changes, uint64_t position)
{
    return changes->end - position <= changes->slots_max;
}

static inline uint32_t changes_at(const struct changes *changes, uint64_t position)
{
    return changes->slots[position & (changes->slots_max - 1)] & ~CHANGES_STAYS;
}

static inline bool changes_stays(const struct changes *changes, uint64_t position)
{
    return (changes->slots[position & (changes->slots_max - 1)] & CHANGES_STAYS) != 0;
}

/* In the place of a slot: it has changed again since, and nobody need look at this change. */
#define CHANGES_NONE (CHANGES_STAYS - 1)
static inline void changes_drop(struct changes *changes, uint64_t position)
{
    changes->slots[position & (changes->slots_max - 1)] = CHANGES_NONE;
}

/* The slot is about to be freed, in which that client stands. False where there is no room: then it
 * is not to be freed now. */
bool changes_note_gone(struct changes *changes, uint32_t slot, struct span client);

/* The one that was freed and stands at `*at`, 0 at first, which then is where the next one is;
 * false at the end. */
bool changes_next_gone(const struct changes *changes, size_t *at, struct changes_gone *gone);

void changes_free_gone(struct changes *changes);

#endif
