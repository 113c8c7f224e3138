/* tape: a relay on loopback that keeps what one end said, and can say it again.
 *
 * It stands between two TCP endpoints with a thread of its own and understands nothing of what it
 * relays: what an eavesdropper on the network has. */
#ifndef ZHERD_TESTS_BUS_RECORDER_H
#define ZHERD_TESTS_BUS_RECORDER_H

#include <stddef.h>

struct recorder;

/* Listens at `from` and connects each caller to `to` ("tcp://127.0.0.1:port"). */
struct recorder *recorder_start(const char *from, const char *to);

/* How many bytes the first caller has said so far. */
size_t recorder_bytes(struct recorder *tape);

/* Says all of that again to `to`, over a connection of its own, waiting after each piece for as
 * much as was answered then (or for a moment where nothing comes). Returns how many bytes were
 * answered. */
size_t recorder_play(struct recorder *tape);

void recorder_stop(struct recorder **tape);

#endif
