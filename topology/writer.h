/* writer: a thread that writes what others hand over, so that no disk, pipe or terminal that blocks
 * stops them. It knows bytes and an order; what writing means is its owner's function.
 *
 * Two buffers: callers append to one while the thread works off the other, and no lock is held
 * meanwhile. What finds no room is dropped as a whole and counted, until the thread takes the
 * buffer: so the gap lies at the end of a batch. The thread gathers for WRITER_GATHER_MS before it
 * takes one: while work comes all the time, nobody pays to wake it.
 *
 * Invariant: what was handed over is either given to the work, in its order, or part of `dropped`
 * of the batch after which it is missing. */
#ifndef ZHERD_TOPOLOGY_WRITER_H
#define ZHERD_TOPOLOGY_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define WRITER_GATHER_MS 1

struct writer;

struct writer_batch {
    struct span bytes;
    unsigned asked;   /* bits of writer_ask; 0: nothing */
    size_t asked_at;  /* the bytes before this one were handed over before that */
    uint64_t dropped; /* bytes that are missing after `bytes` */
};

/* Works off a batch, on the writer's thread; may block. The bytes are the writer's. */
typedef void writer_work(void *owner, const struct writer_batch *batch);

/* Starts the thread, with all signals blocked. `bytes_max` is the limit of each of the two buffers;
 * their room is taken now, their memory when it is used. NULL, with errno, where there is no thread
 * to be had. */
struct writer *writer_start(size_t bytes_max, writer_work *work, void *owner);

/* Copies the bytes for the thread; never waits for the work. False: there was no room, and they are
 * dropped. Where `waiting` is not NULL it becomes how many bytes wait in the buffer now. Any thread
 * may call this and the next. */
bool writer_put(struct writer *writer, struct span bytes, size_t *waiting);

/* Asks for something else that takes time, between the bytes that came before and those after.
 * Bits that were not worked off yet join the new ones, after the bytes that came before these. */
void writer_ask(struct writer *writer, unsigned bits);

/* Waits until everything is worked off, `wait_ms` at most; false where that did not suffice. */
bool writer_settle(struct writer *writer, int64_t wait_ms);

/* Lets the thread work off what is there, `wait_ms` at most, ends it, and sets the caller's pointer
 * to NULL. False where the work blocks: then the thread goes on with it, the writer's memory stays
 * its own until the process ends, and the owner's must, too. Accepts NULL. */
bool writer_stop(struct writer **writer, int64_t wait_ms);

#endif
