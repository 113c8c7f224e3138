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

#define BROKER_ERROR_BYTES_MAX 512

struct broker;

/* Binds both doors ("tcp://host:port"). NULL and one clear sentence in `error` when an endpoint
 * is taken or wrong. */
struct broker *broker_open(const char *front, const char *back, char error[BROKER_ERROR_BYTES_MAX]);

/* Serves until `stop_descriptor` is readable, then answers what is unfinished with a failure.
 * Takes nothing from the descriptor. */
void broker_run(struct broker *broker, int stop_descriptor);

/* Gives the last answers a moment to leave. Accepts NULL, sets the caller's pointer to NULL. */
void broker_close(struct broker **broker);

#endif
