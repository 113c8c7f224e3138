#include "gateway/node/clients.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/node/clock.h"
#include "gateway/node/listener.h"
#include "gateway/text/read_batch.h"

/* An address is a number that never returns and, in its low bits, a slot. */
#define SLOT_BITS 20
#define SLOT_MASK (CLIENTS_MAX - 1)
/* An idle connection costs this at most, besides what the kernel keeps. */
#define CLIENT_BYTES_MAX 600

static_assert(1 << SLOT_BITS == CLIENTS_MAX, "every slot fits in an address");

struct client {
    uv_poll_t poll; /* first: the handle's address is the client's */
    struct clients *all;
    struct session session;
    int64_t since_ms;  /* nothing was taken of what waits, or it lingers, since then; 0: neither */
    size_t held_bytes; /* its part of all->held_bytes */
    int fd;
    int events;     /* polled for */
    bool was_read;  /* all->batch has something of it */
    bool is_shut;   /* it closed its sending half: nothing more can arrive */
    bool lingering; /* all is said; what still arrives is thrown away */
};

static_assert(sizeof(struct client) <= CLIENT_BYTES_MAX, "idle connections are cheap");

struct clients {
    uv_loop_t *loop;
    struct session_node *node;
    struct log *log;
    struct listener listener;
    bool stopping; /* no new connections, no new commands */

    struct client **slots;
    uint32_t *free_slots; /* a stack */
    size_t limit, connected, free_count;
    size_t slots_used; /* behind these none was ever used: of a million, often few are */
    uint64_t last_number;

    size_t held_bytes;
    struct buffer output; /* lent to the session at work */
    struct clients_counters count;
    uint64_t refused_told, faults_told;
    struct read_batch batch; /* every read goes there, also one of which nothing is kept */
};

/* recv(2) and send(2) at the price of the system call. libzmq's threads make every node a process
 * with threads, and there the C library's own two first note that the thread may be cancelled, and
 * afterwards that it may not: two atomic operations more, for something that nobody here does. A
 * sanitizer does not see what these read and write; errors are those of the manual. */
static inline ssize_t socket_receive(int fd, void *to, size_t bytes)
{
    return syscall(SYS_recvfrom, fd, to, bytes, 0, NULL, NULL);
}

/* A connection that is closed over there is an error (EPIPE), not a signal. */
static inline ssize_t socket_send(int fd, const void *from, size_t bytes)
{
    return syscall(SYS_sendto, fd, from, bytes, MSG_NOSIGNAL, NULL, 0);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = bytes_resize(NULL, count * size);
    return memset(memory, 0, count * size);
}

static void note(struct clients *all, const char *kind, uint64_t number, const char *text)
{
    all->node->realtime_ns = clock_realtime_ns();
    logline_put(all->node->log, all->node->realtime_ns, kind, number, span_of(text));
}

/* The time of what follows: later than the bytes it is about, so that no honest client of this
 * machine is told that its stamp lies in the future. */
static void take_time(struct clients *all)
{
    all->node->realtime_ns = clock_realtime_ns();
    all->node->now_ms = (int64_t)uv_now(all->loop);
}

static void free_client(uv_handle_t *handle)
{
    free(handle);
}

/* The client is gone after this. */
static void drop(struct client *client, const char *reason)
{
    struct clients *all = client->all;
    size_t slot = client->session.address & SLOT_MASK;
    if (client->was_read)
        read_batch_forget(&all->batch, client);
    note(all, "disconnect", client->session.number, reason);
    all->held_bytes -= client->held_bytes;
    all->slots[slot] = NULL;
    all->free_slots[all->free_count++] = (uint32_t)slot;
    all->connected--;
    session_free(&client->session);
    uv_close((uv_handle_t *)&client->poll, free_client);
    close(client->fd);
}

/* Cuts whoever holds most, until all together hold little enough. */
static void keep_memory_bounded(struct clients *all)
{
    while (all->held_bytes > CLIENTS_HELD_BYTES_MAX) {
        struct client *most = NULL;
        for (size_t slot = 0; slot < all->slots_used; slot++) {
            struct client *client = all->slots[slot];
            if (client != NULL && (most == NULL || client->held_bytes > most->held_bytes))
                most = client;
        }
        assert(most != NULL);
        all->count.cut_memory++;
        drop(most, "cut: all clients together hold too much, and this one most");
    }
}

static void on_event(uv_poll_t *poll, int status, int events);

/* Polls for what the session needs, with a system call only when that changes. */
static void watch(struct client *client)
{
    int events = 0;
    if (client->lingering || session_wants_input(&client->session))
        events |= UV_READABLE;
    if (session_output(&client->session).len > 0)
        events |= UV_WRITABLE;
    if (events == client->events)
        return;
    client->events = events;
    if (events == 0)
        uv_poll_stop(&client->poll);
    else
        uv_poll_start(&client->poll, events, on_event);
}

/* One write of all there is. NULL, or why the connection is over. */
static const char *transmit(struct client *client)
{
    struct clients *all = client->all;
    struct span output = session_output(&client->session);
    ssize_t count = 0;
    if (output.len > 0) {
        count = socket_send(client->fd, output.data, output.len);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return strerror(errno);
        if (count > 0)
            session_wrote(&client->session, all->node, (size_t)count);
    }
    if (session_output(&client->session).len == 0)
        client->since_ms = 0;
    else if (count > 0 || client->since_ms == 0)
        client->since_ms = all->node->now_ms;
    return NULL;
}

/* The other end is gone, but what it sent before that counts: takes it, and throws the replies
 * away. */
static void take_the_rest(struct client *client)
{
    struct clients *all = client->all;
    struct session *session = &client->session;
    for (;;) {
        struct span output;
        while ((output = session_output(session)).len > 0)
            session_wrote(session, all->node, output.len);
        if (!session_wants_input(session))
            return;
        char *input = read_batch_room(&all->batch);
        ssize_t count = socket_receive(client->fd, input, READ_BATCH_READ_BYTES);
        if (count <= 0)
            return;
        take_time(all);
        session_read(session, all->node, input, (size_t)count);
    }
}

/* Everything is said. A client that may still be sending is given the chance to read that first:
 * closing with unread bytes in the socket would reset the connection. Returns false when there
 * is nothing to wait for. */
static bool linger(struct client *client)
{
    char unread;
    if (client->is_shut)
        return false;
    if (client->all->stopping && recv(client->fd, &unread, sizeof unread, MSG_PEEK) <= 0)
        return false;
    if (shutdown(client->fd, SHUT_WR) != 0)
        return false;
    client->lingering = true;
    client->since_ms = client->all->node->now_ms;
    return true;
}

static const char *close_reason(const struct client *client)
{
    if (client->all->stopping)
        return "the node stops";
    return client->session.leaving ? "told to go" : "closed by the client";
}

/* Writes what it can, gives the lent buffer back and decides how to go on. May drop the client. */
static void flush(struct client *client, const char *reason)
{
    struct clients *all = client->all;
    if (reason == NULL)
        reason = transmit(client);
    if (reason != NULL)
        take_the_rest(client);
    else if (session_is_over(&client->session) && !client->lingering && !linger(client))
        reason = close_reason(client);
    session_detach_output(&client->session, &all->output);
    if (all->node->log->lines.len > LOG_WAITING_BYTES_MAX)
        log_write(all->log, &all->node->log->lines);
    if (reason != NULL) {
        drop(client, reason);
        return;
    }
    watch(client);
    size_t held_bytes = session_holds(&client->session);
    all->held_bytes += held_bytes - client->held_bytes;
    client->held_bytes = held_bytes;
    keep_memory_bounded(all);
}

static void throw_away(struct client *client)
{
    char *unwanted = read_batch_room(&client->all->batch);
    ssize_t count = socket_receive(client->fd, unwanted, READ_BATCH_READ_BYTES);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        drop(client, close_reason(client));
}

/* ---- input ---- */

void clients_turn(struct clients *all)
{
    struct span inputs[READ_BATCH_READS_MAX];
    size_t count = all->batch.count;
    if (count == 0)
        return;
    take_time(all);
    for (size_t i = 0; i < count; i++)
        inputs[i] = (struct span){all->batch.all[i].at, all->batch.all[i].bytes};
    if (count > 1)
        session_prefetch(all->node, inputs, count);
    for (size_t i = 0; i < count; i++) {
        const struct read_batch_entry *reading = &all->batch.all[i];
        struct client *client = reading->client;
        if (client == NULL)
            continue;
        client->was_read = false;
        session_attach_output(&client->session, &all->output);
        session_read(&client->session, all->node, reading->at, reading->bytes);
        flush(client, NULL);
    }
    read_batch_clear(&all->batch);
}

/* Neither input nor its end: what can be written, or why the connection is over. */
static void go_on(struct client *client, const char *reason)
{
    take_time(client->all);
    session_attach_output(&client->session, &client->all->output);
    flush(client, reason);
}

static void end_input(struct client *client)
{
    client->is_shut = true;
    take_time(client->all);
    session_attach_output(&client->session, &client->all->output);
    session_end_input(&client->session, client->all->node);
    flush(client, NULL);
}

/* One read; what it brings is worked off together with what others sent. */
static void receive(struct client *client)
{
    struct clients *all = client->all;
    char *input = read_batch_room(&all->batch);
    ssize_t count = socket_receive(client->fd, input, READ_BATCH_READ_BYTES);
    if (count == 0)
        end_input(client);
    else if (count < 0)
        go_on(client, errno == EAGAIN || errno == EINTR ? NULL : strerror(errno));
    if (count <= 0)
        return;
    client->was_read = true;
    if (read_batch_add(&all->batch, client, (size_t)count))
        clients_turn(all);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct client *client = (struct client *)poll;
    if (status < 0)
        client->events = 0; /* the loop has stopped polling */
    if (client->was_read)   /* asked again, the loop says the same again */
        clients_turn(client->all);
    else if (client->lingering && status < 0)
        drop(client, close_reason(client));
    else if (client->lingering)
        throw_away(client);
    else if (status < 0)
        go_on(client, "reset by the client");
    else if ((events & UV_READABLE) != 0)
        receive(client);
    else
        go_on(client, NULL);
}

/* ---- connections come ---- */

static void welcome(struct clients *all, int fd, const char *address)
{
    struct client *client = allocate(1, sizeof *client);
    client->all = all;
    client->fd = fd;
    if (uv_poll_init(all->loop, &client->poll, fd) != 0) {
        all->listener.faults++;
        free(client);
        close(fd);
        return;
    }
    uint32_t slot = all->free_slots[--all->free_count];
    client->session.number = ++all->last_number;
    client->session.address = client->session.number << SLOT_BITS | slot;
    all->slots[slot] = client;
    if (all->slots_used <= slot)
        all->slots_used = slot + 1;
    all->connected++;
    all->count.accepted++;
    note(all, "connect", client->session.number, address);
    watch(client);
}

static void on_accept(void *host, int fd, const char *address)
{
    struct clients *all = host;
    if (all->free_count > 0) {
        welcome(all, fd, address);
    } else {
        all->count.refused++;
        listener_refuse(fd);
    }
}

/* ---- from outside ---- */

struct clients *clients_open(uv_loop_t *loop, const struct topology_endpoint *endpoint,
                             struct session_node *node, struct log *log,
                             char error[LISTENER_ERROR_BYTES_MAX])
{
    size_t limit = listener_room(CLIENTS_MAX);
    if (limit == 0) {
        snprintf(error, LISTENER_ERROR_BYTES_MAX,
                 "the limit of open files leaves none for clients: raise it (ulimit -n)");
        return NULL;
    }
    struct clients *all = allocate(1, sizeof *all);
    if (!listener_open(&all->listener, loop, endpoint, on_accept, all, error)) {
        free(all);
        return NULL;
    }
    all->loop = loop;
    all->node = node;
    all->log = log;
    all->limit = limit;
    all->slots = allocate(all->limit, sizeof *all->slots);
    all->free_slots = allocate(all->limit, sizeof *all->free_slots);
    while (all->free_count < all->limit) {
        all->free_slots[all->free_count] = (uint32_t)(all->limit - 1 - all->free_count);
        all->free_count++;
    }
    listener_resume(&all->listener);
    return all;
}

void clients_answer(struct clients *all, const struct requests_answer *answer)
{
    size_t slot = answer->asker & SLOT_MASK;
    struct client *client = slot < all->limit ? all->slots[slot] : NULL;
    if (client == NULL || client->session.address != answer->asker || client->lingering)
        return;
    take_time(all);
    session_attach_output(&client->session, &all->output);
    session_answer(&client->session, all->node, answer);
    flush(client, NULL);
}

static void cut_if_stuck(struct client *client)
{
    if (client->since_ms == 0)
        return;
    int64_t waited_ms = (int64_t)uv_now(client->all->loop) - client->since_ms;
    if (client->lingering && waited_ms >= CLIENTS_LINGER_MS) {
        drop(client, close_reason(client));
    } else if (waited_ms >= CLIENTS_STUCK_MS) {
        client->all->count.cut_stuck++;
        drop(client, "cut: did not read its replies for 10 s");
    }
}

/* Notes how much a counter grew since this was asked last: one line, however often it happened. */
static void tell_growth(struct clients *all, uint64_t count, uint64_t *told, const char *what)
{
    if (count == *told)
        return;
    all->node->realtime_ns = clock_realtime_ns();
    logline_say(all->node->log, all->node->realtime_ns, "fault", 0, "%llu %s",
                (unsigned long long)(count - *told), what);
    *told = count;
}

void clients_second(struct clients *all)
{
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        if (all->slots[slot] != NULL)
            cut_if_stuck(all->slots[slot]);
    }
    tell_growth(all, all->count.refused, &all->refused_told,
                "connections refused: too many are open");
    tell_growth(all, all->listener.faults, &all->faults_told,
                "times a connection could not be accepted");
    listener_resume(&all->listener);
}

void clients_stop(struct clients *all)
{
    all->stopping = true;
    clients_turn(all);
    listener_close(&all->listener);
    take_time(all);
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        struct client *client = all->slots[slot];
        if (client == NULL)
            continue;
        client->session.leaving = true;
        flush(client, client->lingering ? close_reason(client) : NULL);
    }
}

void clients_close(struct clients *all)
{
    listener_close(&all->listener);
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        if (all->slots[slot] != NULL)
            drop(all->slots[slot], "the node stops");
    }
}

void clients_free(struct clients **clients)
{
    struct clients *all = *clients;
    if (all == NULL)
        return;
    buffer_free(&all->output);
    free(all->slots);
    free(all->free_slots);
    free(all);
    *clients = NULL;
}

size_t clients_connected(const struct clients *all)
{
    return all->connected;
}

size_t clients_limit(const struct clients *all)
{
    return all->limit;
}

const struct clients_counters *clients_count(const struct clients *all)
{
    return &all->count;
}
