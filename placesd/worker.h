/* worker: asks a provider over HTTP, many look-ups at once, on a thread of its own.
 *
 * It connects to a broker's back, says READY each second, takes jobs up to its credits and
 * answers each of them, whatever the provider does. All HTTP of the places service goes through
 * its one curl_multi handle (libcurl-multi(3)). It keeps nothing and decides nothing about other
 * workers.
 *
 * Invariant: the key reaches the provider and nobody else: no reply, no line of the log. */
#ifndef ZHERD_PLACESD_WORKER_H
#define ZHERD_PLACESD_WORKER_H

#include "bus/auth.h"
#include "bus/bytes.h"
#include "placesd/provider.h"

#define WORKER_ERROR_BYTES_MAX 512
/* Look-ups at a time: beyond some hundred, curl_multi_poll itself becomes the work. */
#define WORKER_CREDITS 128

struct worker_options {
    const char *broker; /* "tcp://host:port" of its back */
    const struct provider *provider;
    struct span url;              /* of the provider, http:// or https://, without a query */
    struct span key;              /* empty without one */
    const struct auth_ends *keys; /* ours and the broker's; NULL: in the clear */
};

struct worker;

/* Starts the thread. What the options point to must stay until worker_stop. NULL and one clear
 * sentence in `error` where the endpoint is no endpoint or libcurl cannot do what is needed. */
struct worker *worker_start(const struct worker_options *options,
                            char error[WORKER_ERROR_BYTES_MAX]);

/* Drops what is in flight and joins the thread. Accepts NULL, sets the caller's pointer to
 * NULL. */
void worker_stop(struct worker **worker);

#endif
