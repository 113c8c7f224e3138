/* broker: the service's two doors, one for whoever asks and one for workers.
 *
 * The front answers any REQ socket, or a DEALER that speaks REQ's envelope; the back speaks with
 * workers (placesd/PROTOCOL.md). Between them stands a balance, which decides; the broker moves
 * bytes. It asks no provider.
 *
 * Invariant: a question that came in a REQ envelope gets exactly one answer, within its deadline.
 *
 * One thread owns a broker. */
#ifndef ZHERD_PLACESD_BROKER_H
#define ZHERD_PLACESD_BROKER_H

#include "bus/auth.h"

#define BROKER_ERROR_BYTES_MAX 512

/* Whose messages count: at the front those of nodes, at the back those of workers. */
struct broker_keys {
    struct auth_certificate own;
    struct keyring front, back;
};

struct broker;

/* Binds both doors ("tcp://host:port"). With `keys`, whose rings are taken over, for those only
 * who have one of them; NULL: in the clear, for everybody. One process has one broker with keys.
 * NULL and one clear sentence in `error` when an endpoint is taken or wrong, or when a stranger
 * sent to try the keys is let in. */
struct broker *broker_open(const char *front, const char *back, struct broker_keys *keys,
                           char error[BROKER_ERROR_BYTES_MAX]);

/* Who may ask from now on; takes the ring over. Only for a broker with keys; any thread. */
void broker_admit(struct broker *broker, struct keyring *front);

/* Serves until `stop_descriptor` is readable, then answers what is unfinished with a failure.
 * Takes nothing from the descriptor. */
void broker_run(struct broker *broker, int stop_descriptor);

/* Gives the last answers a moment to leave. Accepts NULL, sets the caller's pointer to NULL. */
void broker_close(struct broker **broker);

#endif
