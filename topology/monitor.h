/* monitor: a program's own HTTP server, by which it is watched and by which nothing can be changed.
 *
 *     /metrics   what its owner counts: Prometheus text 0.0.4, or OpenMetrics 1.0 where that is
 *                wanted
 *     /status    the same for people and scripts: JSON
 *     /healthz   200: the loop turns
 *     /readyz    200 while the owner is ready, else 503 and why not
 *
 * It is for any loop: one descriptor to poll, one function to call, one deadline, no thread. What
 * is answered to whom, topology/format/monitor_request.h decides; pages are the owner's. Each
 * connection is one request, and closed after its answer.
 *
 * Whoever asks costs the owner little: at most MONITOR_CONNECTIONS_MAX are open, each for at most
 * MONITOR_PATIENCE_MS, however slow it is, and where all are taken the oldest one makes room; a
 * request takes at most MONITOR_REQUEST_BYTES_MAX; and a page of metrics or status is made once in
 * MONITOR_PAGE_MS for all who ask for it then.
 *
 * Invariant: no call waits for anybody, and none changes anything of its owner's. */
#ifndef ZHERD_TOPOLOGY_MONITOR_H
#define ZHERD_TOPOLOGY_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "topology/format/monitor_request.h"

/* Two Prometheus, a probe and people, four times over. */
#define MONITOR_CONNECTIONS_MAX 16
/* What a monitor may have open: those, where it listens, and what it polls. */
#define MONITOR_DESCRIPTORS_MAX (MONITOR_CONNECTIONS_MAX + 2)
/* From the first byte of a connection to the last: as long as Prometheus waits. */
#define MONITOR_PATIENCE_MS 10000
/* A request with its headers, and the headers of its answer; more is answered by 414 or 431. */
#define MONITOR_REQUEST_BYTES_MAX ((size_t)16 * 1024)
/* How old a page may be. */
#define MONITOR_PAGE_MS 100

/* The owner's part. Each is called from monitor_run alone, with `user`. */
struct monitor_pages {
    void *user;
    /* Appends all of the page, in that form. */
    void (*metrics)(void *user, enum metrics_form form, struct buffer *page);
    /* Appends one JSON object and an LF. */
    void (*status)(void *user, struct buffer *page);
    /* NULL where it is ready; else why it is not: a constant sentence without LF. */
    const char *(*why_not_ready)(void *user);
};

struct monitor;

/* Listens at the endpoint, "tcp://HOST:PORT" as bus/net/binding.h takes it. `token` is as from
 * monitor_token_find, copied, and empty where none is wanted. NULL and a fault to stand after
 * "cannot bind ENDPOINT: ". */
struct monitor *monitor_open(const char *endpoint, struct span token,
                             const struct monitor_pages *pages, struct fault *fault);
/* Accepts NULL, sets the caller's pointer to NULL. Cuts whoever is there. */
void monitor_close(struct monitor **monitor);

/* The token from now on. */
void monitor_set_token(struct monitor *monitor, struct span token);

/* Poll it for reading, level-triggered. It stays the same. */
int monitor_descriptor(const struct monitor *monitor);

/* Serves whoever is there, for a bounded time: to be called when the descriptor is readable and
 * when the deadline has come. `now_ms` is of any clock that does not run backwards. */
void monitor_run(struct monitor *monitor, int64_t now_ms);

/* When monitor_run is wanted although the descriptor is not readable; INT64_MAX: not by this. */
int64_t monitor_deadline_ms(const struct monitor *monitor, int64_t now_ms);

/* Answers since the start, by what they were. */
struct monitor_counters {
    uint64_t answers[MONITOR_ANSWERS];
    uint64_t cut; /* connections whose time was over, or that made room */
};
const struct monitor_counters *monitor_count(const struct monitor *monitor);

/* ---- monitor_token.c ---------------------------------------------------------------------- */

/* Reads a file by topology/secrets.h into `bytes`, of which `token` borrows and which is the
 * caller's to wipe. False and a fault to stand after the file's name. */
#define MONITOR_TOKEN_FILE_BYTES_MAX 1024
bool monitor_token_read(const char *path, char bytes[MONITOR_TOKEN_FILE_BYTES_MAX],
                        struct span *token, struct fault *fault);

#endif
