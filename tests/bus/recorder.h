/* recorder: a relay on loopback that records what one end sent, and can send it again.
 *
 * It stands between two TCP endpoints with a thread of its own and does not parse what it relays,
 * like an eavesdropper on the network. */
#ifndef ZHERD_TESTS_BUS_RECORDER_H
#define ZHERD_TESTS_BUS_RECORDER_H

#include <stddef.h>

struct recorder;

/* Listens at `from` and connects each caller to `to` ("tcp://127.0.0.1:port"). */
struct recorder *recorder_start(const char *from, const char *to);

/* How many bytes the first caller has sent so far. */
size_t recorder_bytes(struct recorder *tape);

/* Sends all of that again to `to`, over a connection of its own; after each piece waits for as many
 * bytes as were answered then (or for a moment where nothing comes). Returns how many bytes were
 * answered. */
size_t recorder_play(struct recorder *tape);

void recorder_stop(struct recorder **tape);

#endif
