/* The connections of a node's clients that speak TLS: what is between their sockets and their
 * sessions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/node/clients_state.h"
#include "gateway/node/clock.h"
#include "gateway/node/listener.h"
#include "gateway/node/status_log.h"
#include "gateway/node/tls.h"

/* In one turn of the loop so many clients in TLS are looked at after HUP, some 2 ms of work, or so
 * many slots. */
#define REVIEW_CLIENT_STEPS 64
#define REVIEW_STEPS        (16 * REVIEW_CLIENT_STEPS)

/* ---- all of them ---- */

static void note_door(struct clients *all, const char *kind, const char *what)
{
    bool is_over;
    char text[TOPOLOGY_PATH_BYTES_MAX + TLS_SHOWN_BYTES_MAX];
    const char *until = tls_door_until(all->tls->door, &is_over);
    snprintf(text, sizeof text, "%s: certificate %s %s %s", what, all->tls->self->tls.certificate,
             is_over ? "ended at" : "is good until", until);
    clients_note(all, is_over ? "fault" : kind, 0, text);
}

static size_t tls_connections_max(const struct clients *all, size_t bytes_max)
{
    size_t connections_max = bytes_max / HANDSHAKES_CONNECTION_BYTES;
    return connections_max < all->connections_max ? connections_max : all->connections_max;
}

bool clients_open_tls(struct clients *all, const struct clients_options *options,
                      struct fault *fault)
{
    if (options->self->clients_tls.line == 0)
        return true;
    struct tls_door *door = tls_door_open(&options->self->tls, fault);
    if (door == NULL)
        return false;
    all->tls = bytes_zeroed(sizeof *all->tls);
    all->tls->door = door;
    handshakes_init(&all->tls->handshakes, client_limits_shares(all->limits),
                    tls_connections_max(all, options->tls_bytes_max));
    struct activation adopted =
        listener_pick(options->adopted, options->self->clients_tls.port, false);
    all->tls->self = options->self;
    all->tls->listener = listener_open(all->loop, &options->self->clients_tls, &adopted,
                                       clients_on_accept_tls, all, &all->tls->accept_faults, fault);
    return all->tls->listener != NULL;
}

void clients_tls_limit(struct clients *all, size_t bytes_max)
{
    if (all->tls != NULL)
        handshakes_limit(&all->tls->handshakes, tls_connections_max(all, bytes_max));
}

void clients_tls_let_in(struct clients *all)
{
    if (all->tls != NULL)
        note_door(all, "tls", "listens");
}

void clients_tls_free(struct clients *all)
{
    if (all->tls == NULL)
        return;
    tls_door_close(&all->tls->door);
    free(all->tls);
    all->tls = NULL;
}

bool clients_read_tls(struct clients *all, const struct topology_node *self, struct fault *fault)
{
    fault->text[0] = '\0';
    return all->tls == NULL || tls_door_read(all->tls->door, &self->tls, fault);
}

void clients_take_tls(struct clients *all, const struct topology_node *self)
{
    if (all->tls == NULL)
        return;
    tls_door_take(all->tls->door);
    all->tls->self = self;
    all->tls->review.slot = 0;
    all->tls->review.is_under_way = true;
    note_door(all, "tls", "read again");
}

/* The door has changed, and would let in other clients: whom it would not does not stay. */
static void review(struct clients *all, struct client *client)
{
    if (client == NULL || client->tls == NULL || clients_tls_is_shaking(client))
        return;
    all->tls->review.steps_left -= REVIEW_CLIENT_STEPS;
    if (client->session.leaving || tls_is_vouched(&client->tls->tls, all->tls->door))
        return;
    all->tls->review.ended++;
    session_attach_output(&client->session, &all->output);
    session_dismiss(&client->session, all->node);
    clients_flush(client, NULL);
}

static void go_on_with_review(struct clients *all)
{
    struct clients_tls_review *at = &all->tls->review;
    char text[TLS_SHOWN_BYTES_MAX];
    clients_take_time(all);
    for (at->steps_left = REVIEW_STEPS; at->steps_left > 0 && at->slot < all->slots_used;
         at->steps_left--)
        review(all, all->slots[at->slot++]);
    at->is_under_way = at->slot < all->slots_used;
    if (at->is_under_way || at->ended == 0)
        return;
    snprintf(text, sizeof text, "%zu connections ended: client_ca would not let them in now",
             at->ended);
    at->ended = 0;
    clients_note(all, "tls", 0, text);
}

bool clients_tls_wait(const struct clients *all)
{
    return all->tls != NULL &&
           (all->tls->review.is_under_way || handshakes_are_waiting(&all->tls->handshakes));
}

const struct handshakes_counters *clients_count_tls(const struct clients *all)
{
    return all->tls == NULL ? NULL : &all->tls->handshakes.count;
}

/* ---- one of them ---- */

static void fail(struct client *client, enum handshakes_failure why)
{
    char text[TLS_SHOWN_BYTES_MAX];
    snprintf(text, sizeof text, "TLS: %s", handshakes_say(why));
    handshakes_end_failed(&client->all->tls->handshakes, &client->tls->handshake, why);
    clients_drop(client, ENDING_HANDSHAKE, text);
}

/* It is silent, and its place is another's. */
static void give_way(struct handshakes_connection *handshake)
{
    struct client *client = LIST_OWNER(handshake, struct client_tls, handshake)->client;
    if (clients_tls_is_shaking(client)) {
        fail(client, HANDSHAKES_SILENT);
        return;
    }
    clients_drop(client, ENDING_SILENT,
                 "closed: nearly all places in TLS are taken, and this one was silent");
}

void clients_tls_keep_limits(struct clients *all)
{
    struct handshakes_connection *silent;
    while (all->tls != NULL && (silent = handshakes_next_silent(&all->tls->handshakes,
                                                                clients_present_ms(all))) != NULL)
        give_way(silent);
}

bool clients_tls_admit(struct client *client)
{
    struct clients *all = client->all;
    struct client_tls *tls = calloc(1, sizeof *tls);
    struct handshakes_connection *other = NULL;
    if (tls == NULL ||
        handshakes_admit(&all->tls->handshakes, &tls->handshake, client->session.limits.share,
                         clients_present_ms(all), &other) != HANDSHAKES_ADMITTED) {
        free(tls);
        return false;
    }
    if (other != NULL)
        give_way(other);
    tls->client = client;
    client->tls = tls;
    client->session.limits.is_secured = true;
    return true;
}

void clients_tls_leave(struct client *client)
{
    if (client->tls == NULL)
        return;
    handshakes_leave(&client->all->tls->handshakes, &client->tls->handshake);
    tls_free(&client->tls->tls);
    free(client->tls);
    client->tls = NULL;
    client->session.person = NULL;
}

/* One write of what is encrypted; whether some was taken. */
static bool send_wire(struct client *client)
{
    struct tls *tls = &client->tls->tls;
    if (tls->wire.len == 0)
        return false;
    ssize_t count = clients_socket_send(client->fd, tls->wire.data, tls->wire.len);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        clients_lose(client, strerror(errno));
    if (count > 0)
        tls_sent(tls, (size_t)count);
    return count > 0;
}

bool clients_tls_transmit(struct client *client)
{
    struct tls *tls = &client->tls->tls;
    struct span output = session_output(&client->session);
    if (tls->wire.len < TLS_WIRE_BYTES_MAX && output.len > 0) {
        size_t bytes = output.len < TLS_WIRE_BYTES_MAX ? output.len : TLS_WIRE_BYTES_MAX;
        if (tls_send(tls, (struct span){output.data, bytes}))
            session_wrote(&client->session, bytes);
        else
            clients_lose(client, tls->why);
    }
    return send_wire(client);
}

bool clients_tls_has_closed(struct client *client)
{
    if (client->tls == NULL)
        return true;
    tls_close(&client->tls->tls);
    send_wire(client);
    return client->tls->tls.wire.len == 0;
}

ssize_t clients_tls_receive(struct client *client, char *to, size_t room)
{
    struct tls *tls = &client->tls->tls;
    struct span wire = {client->all->tls->wire, 0};
    bool is_full = false;
    if (!tls_has_more(tls) && !tls->is_ended && tls->why == NULL) {
        ssize_t count = clients_socket_receive(client->fd, client->all->tls->wire, room);
        client->is_readable = false;
        if (count <= 0)
            return count;
        is_full = count == (ssize_t)room;
        wire.len = (size_t)count;
    }
    size_t got = tls_receive(tls, wire, to, room);
    client->is_readable =
        is_full || tls_has_more(tls) || tls->is_ended || (tls->why != NULL && client->lost == NULL);
    if (got > 0)
        return (ssize_t)got;
    if (tls->is_ended)
        return 0;
    errno = tls->why != NULL ? EPROTO : EAGAIN;
    if (tls->why != NULL)
        send_wire(client); /* says why, if it can */
    return -1;
}

void clients_tls_update(struct client *client, bool is_active, struct client_limits_state *state,
                        int64_t now_ms)
{
    const struct tls *tls = &client->tls->tls;
    bool has_part = tls_has_part(tls);
    state->line_bytes += tls->kept.capacity + (has_part ? TLS_RECORD_BYTES : 0);
    state->reply_bytes += tls->wire.capacity;
    state->has_unfinished |= has_part;
    handshakes_follow(&client->all->tls->handshakes, &client->tls->handshake, is_active,
                      state->has_finished, state->has_watches, now_ms);
}

/* ---- handshakes ---- */

/* With an authority of clients, whoever has no name that can be used is nobody. The door may have
 * changed since the handshake began. */
static bool take_person(struct client *client)
{
    struct client_tls *tls = client->tls;
    if (!tls_is_vouched(&tls->tls, client->all->tls->door))
        return false;
    if (!tls_wants_person(&tls->tls))
        return true;
    if (!tls_person(&tls->tls, tls->person))
        return false;
    client->session.person = tls->person;
    clients_take_time(client->all);
    clients_vouch(client);
    return true;
}

static void finish(struct client *client)
{
    struct clients *all = client->all;
    struct client_tls *tls = client->tls;
    bool is_resumed = tls_is_resumed(&tls->tls);
    char shown[TLS_SHOWN_BYTES_MAX], text[2 * TLS_SHOWN_BYTES_MAX];
    if (!take_person(client)) {
        fail(client, HANDSHAKES_NO_CERTIFICATE);
        return;
    }
    handshakes_end_done(&all->tls->handshakes, &tls->handshake, is_resumed);
    tls_show(&tls->tls, shown);
    snprintf(text, sizeof text, "%s%s%s%s", shown, is_resumed ? " resumed" : "",
             tls->person[0] != '\0' ? " person " : "", tls->person);
    clients_note(all, "tls", client->session.number, text);
    client->is_readable |= tls_has_more(&tls->tls);
    if (client->is_readable)
        turns_wait(&all->turns, &client->turn);
    clients_watch(client);
}

static void step(struct client *client)
{
    struct clients *all = client->all;
    struct tls *tls = &client->tls->tls;
    struct span bytes = {all->tls->wire, 0};
    enum handshakes_failure why;
    if (tls->kept.len == 0) {
        ssize_t count =
            clients_socket_receive(client->fd, all->tls->wire, TLS_HANDSHAKE_READ_BYTES);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            fail(client, HANDSHAKES_LEFT);
            return;
        }
        client->is_readable = count == TLS_HANDSHAKE_READ_BYTES;
        bytes.len = count > 0 ? (size_t)count : 0;
    }
    int64_t begun_ns = clock_thread_ns();
    enum tls_shaken shaken = tls_shake(tls, all->tls->door, bytes, &why);
    handshakes_charge(&all->tls->handshakes, &client->tls->handshake, clock_thread_ns() - begun_ns,
                      clients_present_ms(all));
    send_wire(client);
    if (client->lost != NULL)
        fail(client, HANDSHAKES_LEFT);
    else if (shaken == TLS_BROKEN)
        fail(client, why);
    else if (shaken == TLS_SHAKEN)
        finish(client);
    else if (client->is_readable || tls->kept.len > 0)
        handshakes_wait(&all->tls->handshakes, &client->tls->handshake);
    else
        clients_watch(client);
}

void clients_tls_event(struct client *client, int events)
{
    if ((events & UV_WRITABLE) != 0)
        send_wire(client);
    if ((events & UV_READABLE) == 0 && client->lost == NULL) {
        clients_watch(client);
        return;
    }
    /* It waits for its turn, and the loop would say the same again until then. */
    clients_unwatch(client);
    handshakes_wait(&client->all->tls->handshakes, &client->tls->handshake);
}

void clients_tls_turn(struct clients *all)
{
    if (all->tls == NULL)
        return;
    if (all->tls->review.is_under_way)
        go_on_with_review(all);
    struct handshakes_connection *next = handshakes_next(&all->tls->handshakes);
    if (next != NULL)
        step(LIST_OWNER(next, struct client_tls, handshake)->client);
}

static void say_all(struct clients *all)
{
    struct clients_tls *tls = all->tls;
    const struct handshakes_counters *count = &tls->handshakes.count;
    char text[TLS_SHOWN_BYTES_MAX];
    for (int why = 0; why < HANDSHAKES_FAILURES; why++) {
        snprintf(text, sizeof text, "connections in TLS failed: %s",
                 handshakes_say((enum handshakes_failure)why));
        status_log_growth(all->node->log, &tls->failed[why], count->failed[why], text);
    }
    for (int verdict = 0; verdict < HANDSHAKES_VERDICTS; verdict++)
        status_log_growth(all->node->log, &tls->refused[verdict], count->refused[verdict],
                          handshakes_say_refused((enum handshakes_verdict)verdict));
}

void clients_tls_second(struct clients *all)
{
    struct handshakes_connection *late;
    if (all->tls == NULL)
        return;
    while ((late = handshakes_next_late(&all->tls->handshakes, clients_present_ms(all))) != NULL)
        fail(LIST_OWNER(late, struct client_tls, handshake)->client, HANDSHAKES_LATE);
    status_log_growth(all->node->log, &all->tls->faults, all->tls->accept_faults,
                      "times a connection in TLS could not be accepted");
    say_all(all);
}

void clients_tls_stop(struct clients *all)
{
    uint64_t failed = 0, refused = 0;
    char text[TLS_SHOWN_BYTES_MAX];
    if (all->tls == NULL)
        return;
    const struct handshakes_counters *count = &all->tls->handshakes.count;
    for (int why = 0; why < HANDSHAKES_FAILURES; why++)
        failed += count->failed[why];
    for (int verdict = 0; verdict < HANDSHAKES_VERDICTS; verdict++)
        refused += count->refused[verdict];
    snprintf(text, sizeof text,
             "handshakes done %" PRIu64 " resumed %" PRIu64 " failed %" PRIu64 " refused %" PRIu64,
             count->done, count->resumed, failed, refused);
    clients_note(all, "tls", 0, text);
}
