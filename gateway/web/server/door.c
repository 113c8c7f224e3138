#include "gateway/web/server/door.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/net/address.h"
#include "topology/format/endpoints.h"
#include "topology/say.h"

#define READ_BYTES_MAX (64 * 1024)

enum door_state {
    DOOR_WAITING, /* for the next try, or for a name server */
    DOOR_CONNECTING,
    DOOR_AUTHENTICATES, /* AUTH is said and not answered */
    DOOR_OPEN,
    DOOR_ENDING, /* the handle of a connection is being closed */
};

struct door {
    uv_loop_t *loop;
    const struct topology_node *node;
    struct relay *relay;
    door_on_change *on_change;
    void *user;
    char endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    struct address address;
    size_t tries; /* which of several addresses is next */
    enum door_state state;
    int fd;
    uv_poll_t poll;
    int events;                           /* that it is watched for */
    char token[DOOR_TOKEN_BYTES_MAX + 1]; /* empty: none */
    struct buffer answer;                 /* to AUTH, as far as it came */
    bool is_told, is_told_of_token, is_closed;
    uv_timer_t timer; /* the next try, or the end of patience */
    uv_timer_t good;  /* from when on the connection is */
    int64_t pause_ms;
    uint64_t answers_before; /* this connection */
    char read[READ_BYTES_MAX];
};

static void try_again(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

/* To start a poll is two system calls also where it is started already. */
static void watch(struct door *door, int events)
{
    if (door->events != events)
        uv_poll_start(&door->poll, events, on_poll);
    door->events = events;
}

static void wait_for_try(struct door *door)
{
    door->state = DOOR_WAITING;
    if (door->is_closed)
        return;
    uv_timer_start(&door->timer, try_again, (uint64_t)door->pause_ms, 0);
    door->pause_ms =
        door->pause_ms * 2 < DOOR_PAUSE_MS_MAX ? door->pause_ms * 2 : DOOR_PAUSE_MS_MAX;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct door *door = handle->data;
    close(door->fd);
    wait_for_try(door);
    door->on_change(door->user);
}

/* Once, until there is a good connection again. */
static void tell(struct door *door, const char *why)
{
    if (!door->is_told && !door->is_closed)
        say("%s at %s takes no positions: %s; they are kept", door->node->name, door->endpoint,
            why);
    door->is_told = true;
}

/* Ends the connection, or the try; what has no answer is kept for the next one. */
static void renew(struct door *door)
{
    if (door->state == DOOR_ENDING || door->state == DOOR_WAITING)
        return;
    if (door->state == DOOR_OPEN)
        relay_close(door->relay);
    door->state = DOOR_ENDING;
    uv_timer_stop(&door->timer);
    uv_timer_stop(&door->good);
    uv_close((uv_handle_t *)&door->poll, on_poll_closed);
}

/* The same, for a reason. */
static void end_connection(struct door *door, const char *why)
{
    if (door->state != DOOR_ENDING && door->state != DOOR_WAITING)
        tell(door, why);
    renew(door);
}

static void lose_patience(uv_timer_t *timer)
{
    end_connection(timer->data, "it does not answer");
}

/* The node owes an answer or nothing: its time runs, or stands still. */
static void watch_silence(struct door *door, bool is_heard)
{
    struct relay_figures figures;
    relay_count(door->relay, &figures);
    if (figures.waiting == 0)
        uv_timer_stop(&door->timer);
    else if (is_heard || !uv_is_active((uv_handle_t *)&door->timer))
        uv_timer_start(&door->timer, lose_patience, DOOR_SILENCE_MS_MAX, 0);
}

static void become_good(uv_timer_t *timer)
{
    struct door *door = timer->data;
    uv_timer_stop(timer);
    door->pause_ms = DOOR_PAUSE_MS_MIN;
    if (door->is_told)
        say("%s at %s takes positions again", door->node->name, door->endpoint);
    door->is_told = false;
}

static uint64_t count_answers(const struct door *door)
{
    struct relay_figures figures;
    relay_count(door->relay, &figures);
    return figures.answered + figures.refused;
}

static void read_answers(struct door *door)
{
    ssize_t bytes = read(door->fd, door->read, sizeof door->read);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (bytes <= 0) {
        end_connection(door, bytes == 0 ? "it has closed the connection" : strerror(errno));
    } else if (!relay_heard(door->relay, (struct span){door->read, (size_t)bytes})) {
        end_connection(door, "it says what is no answer to an IAMAT");
    } else {
        watch_silence(door, true);
        if (uv_is_active((uv_handle_t *)&door->good) && count_answers(door) > door->answers_before)
            become_good(&door->good);
        door->on_change(door->user);
    }
}

static int socket_error(const struct door *door)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(door->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    return error;
}

static void open_door(struct door *door)
{
    uv_timer_stop(&door->timer);
    door->state = DOOR_OPEN;
    door->answers_before = count_answers(door);
    uv_timer_start(&door->good, become_good, DOOR_GOOD_MS, 0);
    relay_open(door->relay);
    door_flush(door);
    door->on_change(door->user);
}

/* A line this short goes into the buffer of a new connection as a whole. */
static void authenticate(struct door *door)
{
    char line[DOOR_TOKEN_BYTES_MAX + sizeof "AUTH \n"];
    int bytes = snprintf(line, sizeof line, "AUTH %s\n", door->token);
    bool is_sent = send(door->fd, line, (size_t)bytes, MSG_NOSIGNAL) == bytes;
    explicit_bzero(line, sizeof line);
    door->state = DOOR_AUTHENTICATES;
    door->answer.len = 0;
    if (is_sent)
        watch(door, UV_READABLE);
    else
        end_connection(door, "it does not take the token");
}

static void take_connection(struct door *door)
{
    int error = socket_error(door);
    if (error != 0)
        end_connection(door, strerror(error));
    else if (door->token[0] != '\0')
        authenticate(door);
    else
        open_door(door);
}

/* "AUTH name", or "? AUTH *" where that is nobody's token; all that a node says before it is asked
 * more. */
static void take_answer(struct door *door)
{
    static const char known[] = "AUTH ", unknown[] = "? AUTH *";
    struct span line = {door->answer.data, door->answer.len - 1};
    if (line.len > strlen(known) && memcmp(line.data, known, strlen(known)) == 0) {
        door->is_told_of_token = false;
        open_door(door);
    } else if (line.len >= strlen(unknown) && memcmp(line.data, unknown, strlen(unknown)) == 0) {
        door->is_told = door->is_told && door->is_told_of_token;
        door->is_told_of_token = true;
        end_connection(door, "it does not know the token of `token_file`");
    } else {
        end_connection(door, "it says what is no answer to AUTH");
    }
}

static void read_answer(struct door *door)
{
    char bytes[DOOR_ANSWER_BYTES_MAX];
    ssize_t count = read(door->fd, bytes, sizeof bytes);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        end_connection(door, count == 0 ? "it has closed the connection" : strerror(errno));
        return;
    }
    buffer_append(&door->answer, (struct span){bytes, (size_t)count});
    const char *end = memchr(door->answer.data, '\n', door->answer.len);
    bool is_last = end != NULL && end == door->answer.data + door->answer.len - 1;
    if (is_last)
        take_answer(door);
    else if (end != NULL || door->answer.len >= DOOR_ANSWER_BYTES_MAX)
        end_connection(door, "it says what is no answer to AUTH");
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct door *door = poll->data;
    if (status != 0) {
        /* libuv has one number for all that is wrong with a socket. */
        int error = socket_error(door);
        end_connection(door, error != 0 ? strerror(error) : uv_strerror(status));
    } else if (door->state == DOOR_CONNECTING) {
        take_connection(door);
    }
    if (door->state == DOOR_AUTHENTICATES && (events & UV_READABLE) != 0)
        read_answer(door);
    else if (door->state == DOOR_OPEN && (events & UV_READABLE) != 0)
        read_answers(door);
    if (door->state == DOOR_OPEN && (events & UV_WRITABLE) != 0)
        door_flush(door);
}

/* "tcp://192.0.2.10:11500", numbers only. */
static bool read_numbers(const char *endpoint, struct sockaddr_storage *at)
{
    struct topology_endpoint numbers;
    if (topology_endpoint_parse(endpoint, &numbers) != NULL)
        return false;
    return uv_ip4_addr(numbers.host, numbers.port, (struct sockaddr_in *)at) == 0 ||
           uv_ip6_addr(numbers.host, numbers.port, (struct sockaddr_in6 *)at) == 0;
}

/* A socket that connects, or -1. */
static int connect_to(const char *endpoint)
{
    static const int on = 1;
    struct sockaddr_storage at = {0};
    if (!read_numbers(endpoint, &at))
        return -1;
    socklen_t bytes =
        at.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&at, bytes) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void begin(struct door *door)
{
    const struct resolve_addresses *known = &door->address.known;
    if (known->count == 0) {
        tell(door, door->address.trouble);
        wait_for_try(door);
        return;
    }
    door->fd = connect_to(known->endpoints[door->tries++ % known->count]);
    if (door->fd < 0) {
        tell(door, strerror(errno));
        wait_for_try(door);
        return;
    }
    uv_poll_init(door->loop, &door->poll, door->fd);
    door->poll.data = door;
    door->state = DOOR_CONNECTING;
    door->events = 0;
    watch(door, UV_WRITABLE);
    uv_timer_start(&door->timer, lose_patience, DOOR_CONNECT_MS_MAX, 0);
}

/* A name is looked up again for each try. */
static void try_again(uv_timer_t *timer)
{
    struct door *door = timer->data;
    if (address_find(&door->address, (int64_t)uv_now(door->loop)))
        begin(door);
    else
        uv_timer_start(&door->timer, try_again, ADDRESS_PAUSE_MS, 0);
}

/* What it binds may be nothing to connect to; its neighbours reach it at its bus. */
static void name_endpoint(struct door *door)
{
    const struct topology_node *node = door->node;
    const char *host =
        topology_host_is_reachable(node->clients.host) ? node->clients.host : node->bus_at.host;
    snprintf(door->endpoint, sizeof door->endpoint,
             strchr(host, ':') ? "tcp://[%s]:%u" : "tcp://%s:%u", host,
             (unsigned)node->clients.port);
}

struct door *door_new(uv_loop_t *loop, const struct topology_node *node, struct relay *relay,
                      door_on_change *on_change, void *user)
{
    struct door *door = bytes_zeroed(sizeof *door);
    door->loop = loop;
    door->node = node;
    door->relay = relay;
    door->on_change = on_change;
    door->user = user;
    door->pause_ms = DOOR_PAUSE_MS_MIN;
    name_endpoint(door);
    door->address.endpoint = door->endpoint;
    uv_timer_init(loop, &door->timer);
    uv_timer_init(loop, &door->good);
    door->timer.data = door->good.data = door;
    uv_timer_start(&door->timer, try_again, 0, 0);
    return door;
}

void door_set_token(struct door *door, struct span token)
{
    assert(token.len <= DOOR_TOKEN_BYTES_MAX);
    bool is_same = span_equals(token, span_of(door->token));
    explicit_bzero(door->token, sizeof door->token);
    if (token.len > 0)
        memcpy(door->token, token.data, token.len);
    if (is_same)
        return;
    door->pause_ms = DOOR_PAUSE_MS_MIN;
    if (door->state == DOOR_WAITING)
        uv_timer_start(&door->timer, try_again, 0, 0);
    else if (token.len > 0)
        renew(door);
}

bool door_is_open(const struct door *door)
{
    return door->state == DOOR_OPEN;
}

int door_dial(const struct door *door, struct buffer *first)
{
    const struct resolve_addresses *known = &door->address.known;
    if (door->state != DOOR_OPEN || known->count == 0)
        return -1;
    if (door->token[0] != '\0') {
        buffer_append(first, span_of("AUTH "));
        buffer_append(first, span_of(door->token));
        buffer_append(first, span_of("\n"));
    }
    return connect_to(known->endpoints[(door->tries - 1) % known->count]);
}

void door_flush(struct door *door)
{
    struct span pending = {0};
    while (door->state == DOOR_OPEN && (pending = relay_pending(door->relay)).len > 0) {
        ssize_t written = send(door->fd, pending.data, pending.len, MSG_NOSIGNAL);
        if (written < 0 && errno == EAGAIN)
            break;
        if (written < 0)
            end_connection(door, strerror(errno));
        else
            relay_wrote(door->relay, (size_t)written);
    }
    if (door->state != DOOR_OPEN)
        return;
    watch(door, UV_READABLE | (pending.len > 0 ? UV_WRITABLE : 0));
    watch_silence(door, false);
}

void door_close(struct door *door)
{
    door->is_closed = true;
    end_connection(door, "");
    if (!uv_is_closing((uv_handle_t *)&door->timer))
        uv_close((uv_handle_t *)&door->timer, NULL);
    if (!uv_is_closing((uv_handle_t *)&door->good))
        uv_close((uv_handle_t *)&door->good, NULL);
    address_drop(&door->address);
}

void door_free(struct door **door)
{
    if (*door == NULL)
        return;
    buffer_free(&(*door)->answer);
    explicit_bzero((*door)->token, sizeof(*door)->token);
    free(*door);
    *door = NULL;
}
