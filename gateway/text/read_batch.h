/* read_batch: what was read of several clients and is not worked off yet.
 *
 * Clients are read one after the other and answered together, so that what the table knows of all
 * of them is fetched from memory side by side. All bytes stand in one piece of memory, each read
 * behind the last, which stays in the cache until they are worked off. It reads nothing itself and
 * knows of a client only that it is not another one.
 *
 * Invariant: where read_batch_add did not say that it is full, there is room for one more read; and
 * behind that, even when it is, for one of which nothing is kept. */
#ifndef ZHERD_GATEWAY_TEXT_READ_BATCH_H
#define ZHERD_GATEWAY_TEXT_READ_BATCH_H

#include <stdbool.h>
#include <stddef.h>

/* One read. */
#define READ_BATCH_READ_BYTES (64 * 1024)
/* Of so many clients at most: what is known of them is fetched from memory side by side, and a
 * processor fetches hardly more at a time. No more of them, either, when so many bytes are there:
 * they are to be in the cache still, and so many lines are enough by themselves. */
#define READ_BATCH_READS_MAX 16
#define READ_BATCH_BYTES_AIM 4096

struct client;

/* What was read of one client. */
struct read_batch_entry {
    struct client *client; /* NULL: it is gone */
    char *at;              /* in `memory`: whoever works it off may change it */
    size_t bytes;
};

/* All zero is empty. */
struct read_batch {
    struct read_batch_entry all[READ_BATCH_READS_MAX];
    size_t count, bytes;
    char memory[READ_BATCH_BYTES_AIM + 2 * READ_BATCH_READ_BYTES];
};

/* Where the next READ_BATCH_READ_BYTES go. */
char *read_batch_room(struct read_batch *batch);

/* So many bytes of the client stand there now. True when it is full: work it off first. A client is
 * added once. */
bool read_batch_add(struct read_batch *batch, struct client *client, size_t bytes);

/* The client is gone. */
void read_batch_forget(struct read_batch *batch, const struct client *client);

/* All is worked off. */
void read_batch_clear(struct read_batch *batch);

#endif
