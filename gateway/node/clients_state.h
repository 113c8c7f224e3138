/* clients_state: what clients.c, clients_accept.c, clients_access.c, clients_tell.c and
 * clients_tls.c know of a connection and of all of them.
 *
 * For these alone: the loop knows clients.h. A client belongs to clients.c, which drops it.
 *
 * Invariant: a connection stands in its slot from its welcome until it is dropped. */
#ifndef ZHERD_GATEWAY_NODE_CLIENTS_STATE_H
#define ZHERD_GATEWAY_NODE_CLIENTS_STATE_H

#include <assert.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/node/clients.h"
#include "gateway/node/status_log.h"
#include "gateway/node/tls.h"
#include "gateway/text/handshakes.h"
#include "gateway/text/list.h"
#include "gateway/text/reasons.h"
#include "gateway/text/telling.h"
#include "gateway/text/turns.h"

/* An address is a number that never returns and, in its low bits, a slot. */
#define SLOT_BITS 20
#define SLOT_MASK (CLIENTS_CONNECTIONS_MAX - 1)
/* An idle connection costs this at most, besides what the kernel keeps. */
#define CLIENT_BYTES_MAX 728

static_assert(1 << SLOT_BITS == CLIENTS_CONNECTIONS_MAX, "every slot fits in an address");

/* What a record of TLS that brings nothing counts as, of what a session may send in a turn. */
#define CLIENTS_EMPTY_RECORD_BYTES (8 * 1024)

/* What a connection in TLS has besides. */
struct client_tls {
    struct tls tls;
    struct handshakes_connection handshake;
    struct client *client;
    char person[TOPOLOGY_NAME_BYTES_MAX + 1];
};

struct client {
    uv_poll_t poll; /* first: the handle's address is the client's */
    struct clients *all;
    struct client_tls *tls; /* NULL: it speaks in the clear, or all is said */
    struct session session;
    struct turns_session turn;
    struct telling_session telling;
    struct list_node holder; /* in `holders`, by the next one */
    uint64_t held_epoch;     /* of its first reply that is held; 0: none */
    int fd;
    int events;        /* polled for */
    const char *lost;  /* why the connection is over, while it is worked off; else NULL */
    bool is_readable;  /* there may be more to read, whether the loop says so or not */
    bool is_shut;      /* it closed its sending half: nothing more can arrive */
    bool is_lingering; /* all is said; what still arrives is thrown away */
};

static_assert(sizeof(struct client) <= CLIENT_BYTES_MAX, "idle connections are cheap");

/* After HUP: who may stay. */
struct clients_tls_review {
    size_t slot;  /* the next one */
    size_t ended; /* connections that the log has not heard of */
    int steps_left;
    bool is_under_way;
};

/* What is there for TLS, where the node has it. */
struct clients_tls {
    struct tls_door *door;
    const struct topology_node *self;
    struct listener *listener, *next_listener; /* as in struct clients */
    uint64_t accept_faults;
    struct handshakes handshakes;
    struct clients_tls_review review;
    struct growth faults, failed[HANDSHAKES_FAILURES],
        refused[HANDSHAKES_VERDICTS];  /* in the log */
    char wire[TURNS_BATCH_READ_BYTES]; /* what was read and is not decrypted yet */
};

struct clients {
    uv_loop_t *loop;
    struct session_node *node;
    struct log *log;
    struct listener *listener;      /* NULL once it is closed */
    struct listener *next_listener; /* from clients_listen_beside until it is taken; else NULL */
    uint64_t accept_faults;         /* times the system had no connection to give */
    struct clients_tls *tls;        /* or NULL */
    bool is_open;                   /* connections are taken */
    bool stopping;                  /* no new connections, no new commands */

    struct client **slots;
    uint32_t *free_slots; /* a stack */
    size_t connections, connections_max, free_count;
    size_t slots_max;  /* that there are: as many as `connections_max` ever was */
    size_t slots_used; /* no slot from here on was ever used: of a million, often few are */
    uint64_t last_number;

    struct client_limits *limits;
    struct status_log_limits limits_logged;
    struct client_limits_descriptors descriptors;
    struct list_node
        *holders; /* PROMISES_EPOCHS_MAX lists of who holds replies; NULL: nobody may */
    struct turns turns;
    struct histogram replies; /* how long commands took */
    uint64_t commands_seen;   /* that count there already */
    struct telling telling;
    struct list_node paused;  /* struct admission: who waits after a wrong token */
    struct list_node slowed;  /* the same, after a command beyond its rate */
    bool is_in_turn;          /* it has begun in this turn of the loop */
    struct buffer output;     /* lent to the session at work */
    struct growth faults;     /* in the log */
    struct turns_batch batch; /* every read goes there, also one of which nothing is kept */
};

/* ---- what is read and written --------------------------------------------------------------- */

/* recv(2) and send(2) at the price of the system call. libzmq's threads make every node a process
 * with threads, and there the C library's own two first note that the thread may be cancelled, and
 * afterwards that it may not: two atomic operations more, for something that nobody here does. A
 * sanitizer does not see what these read and write; errors are those of the manual. */
static inline ssize_t clients_socket_receive(int fd, void *to, size_t bytes)
{
    return syscall(SYS_recvfrom, fd, to, bytes, 0, NULL, NULL);
}

/* A connection that is closed over there is an error (EPIPE), not a signal. */
static inline ssize_t clients_socket_send(int fd, const void *from, size_t bytes)
{
    return syscall(SYS_sendto, fd, from, bytes, MSG_NOSIGNAL, NULL, 0);
}

/* ---- clients.c ---------------------------------------------------------------------------- */

/* The loop's time. */
int64_t clients_present_ms(const struct clients *all);

/* The time of what follows: later than the bytes it is about, so that the stamp of an honest
 * client of this machine never lies in the future. */
void clients_take_time(struct clients *all);

/* A line of the log about a connection. */
void clients_note(struct clients *all, const char *kind, uint64_t number, const char *text);

/* Polls for what the client needs, with a system call only when that changes. */
void clients_watch(struct client *client);
/* No event of it is wanted until then. */
void clients_unwatch(struct client *client);

/* The client is gone after this. */
void clients_drop(struct client *client, enum ending ending, const char *why);

/* Closes it for a limit's sake. */
void clients_cut(struct client *client, enum client_limits_reason reason);

/* Closes whoever must give way to a limit. */
void clients_keep_limits(struct clients *all);

/* The other end is gone, but what it sent before that counts: takes it, and throws the replies
 * away. */
void clients_lose(struct client *client, const char *why);

/* Writes what it can, gives the lent buffer back and decides how to go on. `used`: of its turn,
 * which is over then; NULL where it has none. May drop the client. */
void clients_flush(struct client *client, const struct turns_budget *used);

/* ---- clients_accept.c --------------------------------------------------------------------- */

/* For both listeners, whose host is `all`. */
listener_on_accept clients_on_accept, clients_on_accept_tls;

/* There are slots for `connections_max` from now on. */
void clients_make_slots(struct clients *all);

/* Accepts on all listeners, or closes them. */
void clients_listen_on(struct clients *all);
void clients_listen_no_more(struct clients *all);

/* ---- clients_access.c --------------------------------------------------------------------- */

/* It is new, and comes from there. */
void clients_admit(struct client *client, const struct network_address *from);

/* It is whom its certificate names (session.person), where the rules have such a person and it is
 * nobody else by a token. One that watches stays who it is. */
void clients_vouch(struct client *client);

/* After each turn of the connection: it may have shown a wrong token, or be too fast. */
void clients_pause(struct client *client);
void clients_forget_pause(struct client *client);
/* When the first pause is over; INT64_MAX: none is. */
int64_t clients_pause_ends_ms(const struct clients *all);
/* Those whose pause is over wait for their turn. */
void clients_end_pauses(struct clients *all);

/* ---- clients_tell.c ----------------------------------------------------------------------- */

/* After each turn of the connection: it is told later what it is owed, if it takes anything. */
void clients_owe(struct client *client);

/* It is told nothing more, and waits for nothing. */
void clients_end_watches(struct client *client);

/* ---- clients_tls.c ------------------------------------------------------------------------ */

/* Connections are taken from now on: says so in the log. */
void clients_tls_let_in(struct clients *all);
/* Another memory than at the start. */
void clients_tls_limit(struct clients *all, size_t bytes_max);
void clients_tls_free(struct clients *all);

/* A connection that may stay speaks TLS: false where TLS has no place for it. */
bool clients_tls_admit(struct client *client);
/* It speaks no more: all is said, or it is dropped. */
void clients_tls_leave(struct client *client);

/* It has finished no handshake yet, and is no session before that. */
static inline bool clients_tls_is_shaking(const struct client *client)
{
    return client->tls != NULL && !client->tls->tls.is_done;
}

/* Bytes that are encrypted, and the client has not taken. */
static inline size_t clients_tls_waiting(const struct client *client)
{
    return client->tls == NULL ? 0 : client->tls->tls.wire.len;
}

/* The loop says something of a connection that is shaking hands. */
void clients_tls_event(struct client *client, int events);

/* The same as a read of one in the clear, into `room` bytes at `to`. */
ssize_t clients_tls_receive(struct client *client, char *to, size_t room);
/* One write of what there is; whether some was taken. */
bool clients_tls_transmit(struct client *client);
/* All is said, and the client's TLS has to be told that: true once that is sent. */
bool clients_tls_has_closed(struct client *client);
/* What its last read has cost beyond what it brought, in bytes that cost a turn as much: some 10 us
 * for each record that brought nothing. */
static inline uint32_t clients_tls_cost(struct client *client)
{
    return client->tls == NULL ? 0 : tls_take_empty(&client->tls->tls) * CLIENTS_EMPTY_RECORD_BYTES;
}
/* After each of its turns: adds what it holds besides its session. */
void clients_tls_update(struct client *client, bool is_active, struct client_limits_state *state,
                        int64_t now_ms);
/* Closes whoever is silent, where nearly all places in TLS are taken. */
void clients_tls_keep_limits(struct clients *all);

/* One step of one handshake, in each turn of the loop; after HUP also a part of the review of who
 * may stay. */
void clients_tls_turn(struct clients *all);
/* The next turn has something to do for it. */
bool clients_tls_wait(const struct clients *all);
/* The node stops: what became of all handshakes, for the log. */
void clients_tls_stop(struct clients *all);
/* Once a second: who is late, and what the log has to say. */
void clients_tls_second(struct clients *all);

#endif
