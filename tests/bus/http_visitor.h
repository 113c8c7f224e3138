/* http_visitor: a client of an HTTP server without a library, so that it can misbehave.
 *
 * It sends the bytes it is given unchanged, and parses an answer only as far as its end. A server
 * that closes is a result, which functions return, not a failure. */
#ifndef ZHERD_TESTS_BUS_HTTP_VISITOR_H
#define ZHERD_TESTS_BUS_HTTP_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISITOR_REPLY_BYTES_MAX ((size_t)256 * 1024)
/* No send or receive takes longer, even on a slow machine. */
#define VISITOR_DEADLINE_S 20

/* A connection, or -1 where no server listens. */
int http_visitor_dial(const char *host, uint16_t port);

/* False once the server has closed. */
bool http_visitor_say(int client, const char *bytes, size_t count);

/* Reads one answer with its body (or without, for HEAD) into `reply`, closed by a NUL. False if
 * none came: connection closed, or nothing within the deadline. */
bool http_visitor_hear(int client, bool with_body, char reply[VISITOR_REPLY_BYTES_MAX]);

/* One GET from 127.0.0.1, on a connection of its own: its body, within `reply`, or NULL if the
 * status is not `status`. */
const char *http_visitor_get(uint16_t port, const char *target, int status,
                             char reply[VISITOR_REPLY_BYTES_MAX]);

#endif
