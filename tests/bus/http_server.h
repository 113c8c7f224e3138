/* http_server: what a broker does at its back, for one worker, with libzmq and nothing else.
 *
 * It gives the jobs of a test case and takes every answer: it keeps no queue, no credits and no
 * deadlines. */
#ifndef ZHERD_TESTS_BUS_HTTP_SERVER_H
#define ZHERD_TESTS_BUS_HTTP_SERVER_H

#include <stdint.h>

#include "tests/bus/asker.h"

struct http_server {
    void *socket;
    char endpoint[64];
    char worker[64]; /* its ZeroMQ identity */
    size_t worker_bytes;
};

/* Binds to a free port of loopback; waits no longer than `patience_ms` for anything. */
void http_server_open(struct http_server *giver, void *context, int patience_ms);

/* Waits for the worker's first READY. */
void http_server_meet(struct http_server *giver);

/* Gives a job, for the worker's first source, or for the one of this name. */
void http_server_give(struct http_server *giver, uint64_t number, struct lookup lookup,
                      const char *source);

/* The next answer; READY is skipped. `rest_ms` is the pause for the provider that a worker may
 * add. */
struct asker_answer http_server_take(struct http_server *giver, uint64_t *number,
                                     uint32_t *rest_ms);

void http_server_close(struct http_server *giver);

#endif
