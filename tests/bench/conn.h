/* conn: one connection of the bench: a batch of requests out, their replies back.
 *
 * A batch is written with one call and ends when each of its requests is answered. What a reply
 * must be, tests/bench/speech.h decides. */
#ifndef ZHERD_TESTS_BENCH_CONN_H
#define ZHERD_TESTS_BENCH_CONN_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bus/base/bytes.h"
#include "tests/bench/speech.h"

/* One read: as much as a socket's buffer holds in most cases. */
#define CONN_READ_BYTES (256 * 1024)
/* A server that has not greeted us by then will not. */
#define CONN_GREETING_SECONDS 10

struct address {
    struct sockaddr_storage at;
    socklen_t bytes;
};

/* All zero but the descriptor, which is -1, is a closed one. */
struct conn {
    int fd;
    SSL *tls;                 /* or NULL, and then it speaks in the clear */
    uint32_t number;          /* among the connections of the run */
    uint32_t capacity;        /* of `asked` */
    uint32_t count, answered; /* of the batch on its way */
    struct asked *asked;
    struct buffer out; /* the batch, of which `written` bytes are sent */
    size_t written;
    struct buffer kept; /* a reply that is not complete */
};

enum conn_state {
    CONN_FINE,
    CONN_BLOCKED, /* not all is written: go on when the socket can be written to */
    CONN_BROKEN,  /* failed, or closed by the server; said on standard error */
    CONN_WRONG,   /* closed by us because of a reply that was wrong; shown there too */
};

/* "host:port", "[v6]:port" or "port" on this machine. False, with a line on standard error. */
bool address_find(const char *text, struct address *address);

/* From now on conn_open makes connections in TLS. Any certificate is good enough: what is measured
 * is what records cost. False, with a line on standard error. */
bool conn_speak_tls(void);

/* Connects, waits for the server's greeting where there is one, and stops blocking. `depth`:
 * requests in a batch at most. False, with a line on standard error. */
bool conn_open(struct conn *conn, const struct address *address, const struct speech *speech,
               uint32_t depth);

/* Only begins to connect, in the clear: the socket can be written to when that is done. */
bool conn_begin(struct conn *conn, const struct address *address, uint32_t depth);

/* Adds a request to the batch, whose replies are all there or which is new. */
struct asked *conn_add(struct conn *conn);
/* Appends its bytes to those of the batch. Call it once its members are set. */
void conn_put(struct conn *conn, const struct talk *talk, struct asked *asked);

/* Writes what is not written yet. */
enum conn_state conn_send(struct conn *conn);

/* Reads once, into `room` (CONN_READ_BYTES), and checks what came: `answered` has moved on. */
enum conn_state conn_receive(struct conn *conn, struct talk *talk, char *room);

/* What was not answered stays counted. `abruptly`: without the minute in which the port may not be
 * used again. */
void conn_close(struct conn *conn, bool abruptly);
/* Closes it and gives its memory back. */
void conn_free(struct conn *conn);

#endif
