#include "tests/bench/conn.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define HOST_BYTES_MAX 256
/* As much of a wrong reply as is shown. */
#define SHOWN_BYTES_MAX 200
/* Wrong replies shown in a run: one is a finding, a thousand are noise. */
#define SHOWN_MAX 5

static SSL_CTX *tls_of_all; /* NULL: connections are in the clear */

/* ---- addresses ---- */

static bool complain(const char *what, const char *which, const char *why)
{
    fprintf(stderr, "zherd-bench: %s %s: %s\n", what, which, why);
    return false;
}

bool address_find(const char *text, struct address *address)
{
    char host[HOST_BYTES_MAX] = "127.0.0.1";
    const char *colon = strrchr(text, ':'), *port = colon == NULL ? text : colon + 1;
    if (colon != NULL) {
        bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
        snprintf(host, sizeof host, "%.*s", (int)(colon - text - 2 * brackets), text + brackets);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    int fault = getaddrinfo(host, port, &hints, &found);
    if (fault != 0)
        return complain("no such server", text, gai_strerror(fault));
    memcpy(&address->at, found->ai_addr, found->ai_addrlen);
    address->bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* ---- opening and closing ---- */

bool conn_speak_tls(void)
{
    tls_of_all = SSL_CTX_new(TLS_client_method());
    if (tls_of_all == NULL)
        return complain("no", "TLS", "OpenSSL gives none");
    SSL_CTX_set_mode(tls_of_all,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return true;
}

/* recv(2) and send(2), or their like: at the end 0, and -1 with EAGAIN where it would block. */
static ssize_t receive_some(const struct conn *conn, char *room, size_t bytes)
{
    if (conn->tls == NULL)
        return recv(conn->fd, room, bytes, 0);
    int got = SSL_read(conn->tls, room, (int)bytes);
    if (got <= 0)
        errno = SSL_get_error(conn->tls, got) == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
    return got > 0 ? got : -1;
}

static ssize_t send_some(const struct conn *conn, const char *from, size_t bytes)
{
    if (conn->tls == NULL)
        return send(conn->fd, from, bytes, MSG_NOSIGNAL);
    int sent = SSL_write(conn->tls, from, (int)bytes);
    if (sent <= 0)
        errno = SSL_get_error(conn->tls, sent) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return sent > 0 ? sent : -1;
}

static bool fail(struct conn *conn, const char *what)
{
    fprintf(stderr, "zherd-bench: connection %u: %s: %s\n", conn->number, what, strerror(errno));
    conn_close(conn, true);
    return false;
}

static bool open_socket(struct conn *conn, const struct address *address, int flags, uint32_t depth)
{
    if (conn->asked == NULL)
        conn->asked = bytes_resize(NULL, depth * sizeof *conn->asked);
    conn->capacity = depth;
    conn->count = conn->answered = 0;
    conn->written = conn->out.len = conn->kept.len = 0;
    conn->fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (conn->fd < 0)
        return fail(conn, "socket");
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return true;
}

/* The socket still blocks. */
static bool shake_hands(struct conn *conn)
{
    conn->tls = SSL_new(tls_of_all);
    if (conn->tls != NULL && SSL_set_fd(conn->tls, conn->fd) == 1 && SSL_connect(conn->tls) == 1)
        return true;
    errno = EPROTO;
    return fail(conn, "the handshake of TLS");
}

/* The same, with a time limit. */
static bool greet(struct conn *conn, const struct speech *speech)
{
    char bytes[8192];
    size_t got = 0, taken;
    struct timeval patience = {.tv_sec = CONN_GREETING_SECONDS};
    setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send_some(conn, speech->greeting.data, speech->greeting.len) !=
        (ssize_t)speech->greeting.len)
        return fail(conn, "sending the greeting");
    while (got < sizeof bytes) {
        ssize_t more = receive_some(conn, bytes + got, sizeof bytes - got);
        if (more <= 0)
            return fail(conn, "waiting for the server's greeting");
        got += (size_t)more;
        enum speech_verdict verdict = speech->welcome((struct span){bytes, got}, &taken);
        if (verdict == SPEECH_GOOD) {
            buffer_append(&conn->kept, (struct span){bytes + taken, got - taken});
            return true;
        }
        if (verdict == SPEECH_WRONG)
            break;
    }
    errno = EPROTO;
    return fail(conn, "the server's greeting");
}

static bool stop_blocking(struct conn *conn)
{
    return fcntl(conn->fd, F_SETFL, O_NONBLOCK) == 0 || fail(conn, "fcntl");
}

bool conn_open(struct conn *conn, const struct address *address, const struct speech *speech,
               uint32_t depth)
{
    if (!open_socket(conn, address, 0, depth))
        return false;
    if (connect(conn->fd, (const struct sockaddr *)&address->at, address->bytes) != 0)
        return fail(conn, "connect");
    if (tls_of_all != NULL && !shake_hands(conn))
        return false;
    if (speech->welcome != NULL && !greet(conn, speech))
        return false;
    return stop_blocking(conn);
}

bool conn_begin(struct conn *conn, const struct address *address, uint32_t depth)
{
    if (!open_socket(conn, address, SOCK_NONBLOCK, depth))
        return false;
    if (connect(conn->fd, (const struct sockaddr *)&address->at, address->bytes) != 0 &&
        errno != EINPROGRESS)
        return fail(conn, "connect");
    return true;
}

void conn_close(struct conn *conn, bool abruptly)
{
    if (conn->fd < 0)
        return;
    if (abruptly)
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    SSL_free(conn->tls);
    conn->tls = NULL;
    close(conn->fd);
    conn->fd = -1;
}

void conn_free(struct conn *conn)
{
    conn_close(conn, false);
    buffer_free(&conn->out);
    buffer_free(&conn->kept);
    free(conn->asked);
    conn->asked = NULL;
}

/* ---- requests out ---- */

struct asked *conn_add(struct conn *conn)
{
    if (conn->answered == conn->count) {
        conn->answered = conn->count = 0;
        buffer_consume(&conn->out, conn->written);
        conn->written = 0;
    }
    assert(conn->count < conn->capacity);
    struct asked *asked = &conn->asked[conn->count];
    asked->place = conn->count++;
    return asked;
}

void conn_put(struct conn *conn, const struct talk *talk, struct asked *asked)
{
    char *room = buffer_reserve(&conn->out, SPEECH_REQUEST_BYTES_MAX);
    asked->at = conn->out.len;
    asked->bytes = (uint32_t)talk->speech->write(talk, asked, room);
    conn->out.len += asked->bytes;
}

enum conn_state conn_send(struct conn *conn)
{
    while (conn->written < conn->out.len) {
        ssize_t sent =
            send_some(conn, conn->out.data + conn->written, conn->out.len - conn->written);
        if (sent < 0 && errno == EAGAIN)
            return CONN_BLOCKED;
        if (sent < 0) {
            fail(conn, "send");
            return CONN_BROKEN;
        }
        conn->written += (size_t)sent;
    }
    return CONN_FINE;
}

/* ---- replies back ---- */

static void show(const char *label, struct span bytes)
{
    size_t shown = bytes.len < SHOWN_BYTES_MAX ? bytes.len : SHOWN_BYTES_MAX;
    fprintf(stderr, "    %s: ", label);
    for (size_t i = 0; i < shown; i++)
        fprintf(stderr, isprint((unsigned char)bytes.data[i]) ? "%c" : "\\x%02x",
                (unsigned char)bytes.data[i]);
    fputs(shown < bytes.len ? "...\n" : "\n", stderr);
}

static void show_wrong(const struct conn *conn, struct span request, struct span reply)
{
    static unsigned shown;
    if (shown++ >= SHOWN_MAX)
        return;
    fprintf(stderr, "zherd-bench: connection %u: wrong reply\n", conn->number);
    show("to", request);
    show("is", reply);
}

/* Reads the next reply, or an aside that answers no request, at the front of `in`. */
static enum speech_verdict take(struct conn *conn, struct talk *talk, struct span in, size_t *taken)
{
    const struct speech *speech = talk->speech;
    struct span answer;
    if (speech->aside != NULL) {
        enum speech_verdict verdict = speech->aside(in, taken, &answer);
        if (verdict == SPEECH_GOOD)
            buffer_append(&conn->out, answer);
        if (verdict != SPEECH_WRONG)
            return verdict;
    }
    if (conn->answered == conn->count) {
        show_wrong(conn, span_of("(nothing was asked)"), in);
        return SPEECH_WRONG;
    }
    struct asked *asked = &conn->asked[conn->answered];
    struct span request = {conn->out.data + asked->at, asked->bytes};
    enum speech_verdict verdict = speech->read(talk, asked, request, in, taken);
    if (verdict == SPEECH_GOOD)
        conn->answered++;
    if (verdict == SPEECH_WRONG)
        show_wrong(conn, request, in);
    return verdict;
}

enum conn_state conn_receive(struct conn *conn, struct talk *talk, char *room)
{
    ssize_t got = receive_some(conn, room, CONN_READ_BYTES);
    if (got < 0 && errno == EAGAIN)
        return CONN_FINE;
    if (got <= 0) {
        errno = got == 0 ? ECONNRESET : errno;
        fail(conn, "the server closed it");
        return CONN_BROKEN;
    }
    struct span in = {room, (size_t)got};
    bool was_kept = conn->kept.len > 0;
    if (was_kept) {
        buffer_append(&conn->kept, in);
        in = (struct span){conn->kept.data, conn->kept.len};
    }
    size_t taken;
    enum speech_verdict verdict = SPEECH_GOOD;
    while (in.len > 0 && (verdict = take(conn, talk, in, &taken)) == SPEECH_GOOD)
        in = (struct span){in.data + taken, in.len - taken};
    if (verdict == SPEECH_WRONG) {
        conn_close(conn, true);
        return CONN_WRONG;
    }
    if (was_kept)
        buffer_consume(&conn->kept, conn->kept.len - in.len);
    else if (in.len > 0)
        buffer_append(&conn->kept, in);
    return conn_send(conn);
}
