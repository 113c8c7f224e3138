#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/node/clients_state.h"
#include "gateway/node/clock.h"
#include "gateway/node/listener.h"
#include "gateway/node/status_log.h"

int64_t clients_present_ms(const struct clients *all)
{
    return clock_now_ms(uv_now(all->loop));
}

void clients_take_time(struct clients *all)
{
    struct session_node *node = all->node;
    node->realtime_ns = clock_realtime_ns();
    node->now_ms = clients_present_ms(all);
    node->accept_ns = flood_accept_ns(node->flood, node->realtime_ns, node->now_ms);
}

void clients_note(struct clients *all, const char *kind, uint64_t number, const char *text)
{
    clients_take_time(all);
    logline_put(all->node->log, all->node->realtime_ns, kind, number, span_of(text));
}

static void free_client(uv_handle_t *handle)
{
    free(handle);
}

/* Keeps it in the list of the epoch that its first held reply waits for. */
static void list_holder(struct client *client, uint64_t epoch)
{
    struct list_node *holders = client->all->holders;
    if (epoch == client->held_epoch)
        return;
    if (client->held_epoch != 0)
        list_remove(&client->holder);
    if (epoch != 0)
        list_append(&holders[epoch % PROMISES_EPOCHS_MAX], &client->holder);
    client->held_epoch = epoch;
}

void clients_drop(struct client *client, enum ending ending, const char *why)
{
    struct clients *all = client->all;
    size_t slot = client->session.address & SLOT_MASK;
    const struct logline_event event = {LOGLINE_INFO, "disconnect", client->session.number,
                                        reasons_ending(ending)};
    if (client->turn.place == TURNS_TAKEN)
        turns_batch_forget(&all->batch, client);
    turns_forget(&all->turns, &client->turn);
    list_holder(client, 0);
    clients_end_watches(client);
    clients_take_time(all);
    logline_note(all->node->log, all->node->realtime_ns, &event, span_of(why));
    all->node->reasons.endings[ending]++;
    client_limits_leave(all->limits, &client->session.limits);
    all->slots[slot] = NULL;
    all->free_slots[all->free_count++] = (uint32_t)slot;
    all->connections--;
    session_free(&client->session);
    clients_tls_leave(client);
    uv_close((uv_handle_t *)&client->poll, free_client);
    close(client->fd);
}

static void drop_done(struct client *client)
{
    if (client->all->stopping)
        clients_drop(client, ENDING_STOPS, "the node stops");
    else if (client->session.leaving)
        clients_drop(client, ENDING_QUIT, "told to go");
    else
        clients_drop(client, ENDING_CLOSED, "closed by the client");
}

static void on_event(uv_poll_t *poll, int status, int events);

/* Nothing is read while more waits to be written in TLS than a client may leave there. */
static bool wants_input(const struct client *client)
{
    return session_wants_input(&client->session) &&
           clients_tls_waiting(client) < TLS_WIRE_BYTES_MAX;
}

/* Something is there for the client to take. */
static bool has_output(const struct client *client)
{
    return session_output(&client->session).len > 0 || clients_tls_waiting(client) > 0;
}

static void poll_for(struct client *client, int events)
{
    if (events == client->events)
        return;
    client->events = events;
    if (events == 0)
        uv_poll_stop(&client->poll);
    else
        uv_poll_start(&client->poll, events, on_event);
}

void clients_unwatch(struct client *client)
{
    poll_for(client, 0);
}

/* One that waits for its turn needs nothing, and is left as it is: on_event knows. */
void clients_watch(struct client *client)
{
    int events = 0;
    if (client->turn.place == TURNS_QUEUED)
        return;
    if (client->is_lingering || wants_input(client))
        events |= UV_READABLE;
    if (has_output(client))
        events |= UV_WRITABLE;
    poll_for(client, events);
}

/* Whether it has something to do before the loop says anything more of it. */
static bool has_more(const struct client *client)
{
    if (client->is_lingering)
        return client->is_readable;
    return session_has_work(&client->session) || (client->is_readable && wants_input(client));
}

void clients_lose(struct client *client, const char *why)
{
    client->lost = why;
    client->is_readable = true;
}

/* One write of all there is; whether some was taken. */
static bool transmit(struct client *client)
{
    struct span output = session_output(&client->session);
    if (client->tls != NULL)
        return clients_tls_transmit(client);
    if (output.len == 0)
        return false;
    ssize_t count = clients_socket_send(client->fd, output.data, output.len);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        clients_lose(client, strerror(errno));
    if (count > 0)
        session_wrote(&client->session, (size_t)count);
    return count > 0;
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
    clients_tls_leave(client);
    client->is_lingering = true;
    return true;
}

/* Writes what it can; whether the connection goes on. */
static bool deliver(struct client *client, bool *has_taken)
{
    if (client->lost == NULL)
        *has_taken = transmit(client);
    if (client->lost != NULL) {
        session_wrote(&client->session, session_output(&client->session).len);
        return has_more(client);
    }
    bool is_over = session_is_over(&client->session) && clients_tls_has_closed(client);
    return !is_over || linger(client);
}

/* Says what has become of the connection; true where that exceeds a limit. */
static bool update_limits(struct client *client, const struct turns_budget *used, bool has_taken,
                          int64_t now_ms)
{
    struct client_limits *limits = client->all->limits;
    struct session_held held = session_holds(&client->session);
    struct client_limits_state state = {
        .line_bytes = held.line_bytes,
        .reply_bytes = held.reply_bytes,
        .has_unfinished = held.has_unfinished,
        .has_finished = used != NULL && used->commands > 0,
        .has_output = has_output(client),
        .has_taken = has_taken,
        .has_watches = watchers_has_any(&client->session.watches),
    };
    bool is_active = has_taken || (used != NULL && used->in_bytes > 0);
    if (client->tls != NULL)
        clients_tls_update(client, is_active, &state, now_ms);
    if (is_active)
        client_limits_active(limits, &client->session.limits, now_ms);
    return client_limits_update(limits, &client->session.limits, &state, now_ms);
}

/* Whether the system takes anything for a client of which it has not said for long that it can be
 * written to: it says that only when a third of the socket's buffer is free, and a slow reader may
 * take longer than the limit to free as much. What goes on from there is its next turn. */
static bool takes_some(struct client *client)
{
    struct clients *all = client->all;
    if (client->lost != NULL || !transmit(client))
        return false;
    turns_wait(&all->turns, &client->turn);
    update_limits(client, NULL, true, clients_present_ms(all));
    return true;
}

void clients_cut(struct client *client, enum client_limits_reason reason)
{
    if (reason == CLIENT_LIMITS_LINGERED)
        drop_done(client);
    else
        clients_drop(client, reasons_of_limit(reason), client_limits_say(reason));
}

void clients_keep_limits(struct clients *all)
{
    struct client_limits_connection *next;
    enum client_limits_reason reason;
    while ((next = client_limits_next(all->limits, clients_present_ms(all), &reason)) != NULL) {
        struct client *client = LIST_OWNER(next, struct client, session.limits);
        if (reason != CLIENT_LIMITS_STUCK || !takes_some(client))
            clients_cut(client, reason);
    }
    clients_tls_keep_limits(all);
}

/* Says what has become of the connection, which may cost this or another one its life. */
static void account(struct client *client, const struct turns_budget *used, bool has_taken)
{
    struct clients *all = client->all;
    if (client->is_lingering) {
        clients_end_watches(client);
        session_free(&client->session);
        client_limits_linger(all->limits, &client->session.limits, all->node->now_ms);
        return;
    }
    if (update_limits(client, used, has_taken, all->node->now_ms))
        clients_keep_limits(all);
}

static void drop_lost(struct client *client)
{
    if (watchers_is_lost(&client->session.watches))
        clients_drop(client, ENDING_WATCHES, "cut: its watches take too much memory");
    else
        clients_drop(client, ENDING_MEMORY, "cut: the system gives no memory");
}

void clients_flush(struct client *client, const struct turns_budget *used)
{
    struct clients *all = client->all;
    bool has_taken = false;
    assert((client->turn.place == TURNS_TAKEN) == (used != NULL));
    bool stays = deliver(client, &has_taken);
    bool is_whole = session_detach_output(&client->session, &all->output);
    if (all->node->log->lines.len > LOG_WAITING_BYTES_MAX)
        log_write(all->log, &all->node->log->lines);
    if (!stays && client->lost != NULL)
        clients_drop(client, ENDING_BROKEN, client->lost);
    else if (!stays)
        drop_done(client);
    else if (!is_whole)
        drop_lost(client);
    if (!stays || !is_whole)
        return;
    if (used != NULL)
        turns_done(&all->turns, &client->turn, used, has_more(client));
    else if (has_more(client))
        turns_wait(&all->turns, &client->turn);
    list_holder(client, session_held_epoch(&client->session));
    clients_owe(client);
    clients_pause(client);
    clients_watch(client);
    account(client, used, has_taken);
}

/* ---- turns ---- */

/* Carries out what waits, after what was read just now, if anything. */
static void work(struct client *client, const struct turns_batch_entry *reading,
                 const struct session_hint *hint)
{
    struct clients *all = client->all;
    session_attach_output(&client->session, &all->output);
    if (reading != NULL)
        session_read(&client->session, reading->at, reading->bytes);
    struct turns_budget used =
        session_work(&client->session, all->node, turns_budget(&client->turn), hint);
    used.in_bytes = (reading == NULL ? 0 : (uint32_t)reading->bytes) + clients_tls_cost(client);
    clients_flush(client, &used);
}

/* All that was read, side by side. */
static void work_off(struct clients *all)
{
    struct span inputs[TURNS_BATCH_READS_MAX];
    struct session_hint hints[TURNS_BATCH_READS_MAX];
    size_t count = all->batch.count;
    if (count == 0)
        return;
    clients_take_time(all);
    for (size_t i = 0; i < count; i++)
        inputs[i] = (struct span){all->batch.all[i].at, all->batch.all[i].bytes};
    if (count > 1)
        session_prefetch(all->node, inputs, hints, count);
    for (size_t i = 0; i < count; i++) {
        const struct turns_batch_entry *reading = &all->batch.all[i];
        if (reading->client != NULL)
            work(reading->client, reading, count > 1 ? &hints[i] : NULL);
    }
    turns_batch_clear(&all->batch);
}

/* One read of what its turn allows; -1 where nothing was there. */
static ssize_t receive(struct client *client)
{
    size_t room = turns_budget(&client->turn)->in_bytes;
    if (client->tls != NULL)
        return clients_tls_receive(client, turns_batch_room(&client->all->batch), room);
    ssize_t count = clients_socket_receive(client->fd, turns_batch_room(&client->all->batch), room);
    client->is_readable = count == (ssize_t)room;
    return count;
}

static bool is_over(ssize_t received)
{
    return received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR);
}

static void throw_away(struct client *client)
{
    ssize_t count = receive(client);
    if (is_over(count)) {
        drop_done(client);
        return;
    }
    struct turns_budget used = {.in_bytes = count > 0 ? (uint32_t)count : 0};
    turns_done(&client->all->turns, &client->turn, &used, has_more(client));
    clients_watch(client);
}

/* One read; what it brings is worked off together with what others sent. */
static void take_input(struct client *client)
{
    struct clients *all = client->all;
    ssize_t count = receive(client);
    if (count > 0) {
        if (turns_batch_add(&all->batch, client, (size_t)count))
            work_off(all);
        return;
    }
    if (client->lost == NULL && count < 0 && is_over(count)) {
        bool is_broken = client->tls != NULL && client->tls->tls.why != NULL;
        clients_lose(client, is_broken ? client->tls->tls.why : strerror(errno));
    } else if (count == 0 && client->lost == NULL) {
        /* close_notify of TLS ends what it says, and the connection stays open. */
        client->is_shut = client->tls == NULL || !client->tls->tls.is_ended;
        session_end_input(&client->session);
    }
    clients_take_time(all);
    work(client, NULL, NULL);
}

/* Its turn has come. */
static void serve(struct client *client)
{
    if (client->is_lingering && client->lost != NULL) {
        drop_done(client);
    } else if (client->is_lingering) {
        throw_away(client);
    } else if (client->is_readable && wants_input(client)) {
        take_input(client);
    } else {
        clients_take_time(client->all);
        work(client, NULL, NULL);
    }
}

/* The clock is looked at in turns that bring something, and only now and then in those. */
static void look(struct clients *all)
{
    if (!all->is_in_turn)
        turns_begin(&all->turns, (int64_t)uv_hrtime());
    else if (turns_wants_look(&all->turns))
        turns_look(&all->turns, (int64_t)uv_hrtime());
    all->is_in_turn = true;
}

static struct client *next(struct clients *all)
{
    look(all);
    struct turns_session *session = turns_next(&all->turns);
    return session == NULL ? NULL : LIST_OWNER(session, struct client, turn);
}

/* Each command of the turn was answered by its end at the latest: one look at the clock for all. */
static void count_replies(struct clients *all)
{
    uint64_t commands = all->node->count.commands - all->commands_seen;
    if (commands == 0)
        return;
    all->commands_seen += commands;
    histogram_observe_many(&all->replies, (int64_t)uv_hrtime() - all->turns.begun_ns, commands);
}

void clients_turn(struct clients *all)
{
    struct client *client;
    clients_end_pauses(all);
    while (turns_waiting(&all->turns) > 0 && (client = next(all)) != NULL)
        serve(client);
    work_off(all);
    if (all->is_in_turn)
        count_replies(all);
    clients_tls_turn(all);
    all->is_in_turn = false;
}

/* A client that waits for its turn is not polled for from the second time on that it is reported:
 * asked again, the loop would say the same again, and for 2,000 such clients that is most of what
 * it does. */
static void on_event(uv_poll_t *poll, int status, int events)
{
    struct client *client = (struct client *)poll;
    struct clients *all = client->all;
    if (clients_tls_is_shaking(client)) {
        clients_tls_event(client, status < 0 ? UV_READABLE : events);
        return;
    }
    if (status < 0) {
        client->events = 0; /* the loop has stopped polling */
        clients_lose(client, "reset by the client");
    } else if (client->turn.place == TURNS_QUEUED) {
        poll_for(client, 0);
    }
    if (client->turn.place == TURNS_TAKEN) /* and read: the loop will say it again */
        return;
    if ((events & UV_READABLE) != 0)
        client->is_readable = true;
    look(all);
    if (turns_take(&all->turns, &client->turn))
        serve(client);
    else
        turns_wait(&all->turns, &client->turn);
}

/* ---- from outside ---- */

static struct client_limits_options limits_of(const struct clients_options *options,
                                              size_t connections_max,
                                              const struct requests *requests)
{
    size_t lookups_max =
        requests == NULL ? REQUESTS_IN_FLIGHT_MAX : requests_in_flight_max(requests);
    struct client_limits_options all = {.connections_max = connections_max,
                                        .bytes_max = options->held_bytes_max,
                                        .lookups_max = lookups_max,
                                        .shares = options->shares};
    all.shares.addresses_max =
        connections_max < ADDRESS_SHARES_MAX ? connections_max : ADDRESS_SHARES_MAX;
    return all;
}

static bool say_no_room(struct fault *fault)
{
    return fault_set(fault,
                     "the limit of open files leaves no room for connections of clients: raise it "
                     "(ulimit -n)");
}

/* Again, of what there was at the start. */
static bool divide_descriptors(const struct clients *all, const struct clients_options *options,
                               struct client_limits_descriptors *descriptors)
{
    return client_limits_divide_descriptors(all->descriptors.limit, all->descriptors.open,
                                            options->neighbours, options->connections_max,
                                            descriptors);
}

void clients_change_limits(struct clients *all, const struct clients_options *options)
{
    bool has_room = divide_descriptors(all, options, &all->descriptors);
    assert(has_room); /* clients_have_room */
    all->connections_max = all->descriptors.clients;
    clients_make_slots(all);
    struct client_limits_options limits =
        limits_of(options, all->connections_max, all->node->requests);
    client_limits_change(all->limits, &limits);
    clients_tls_limit(all, options->tls_bytes_max);
}

bool clients_have_room(const struct clients *all, const struct clients_options *options,
                       struct fault *fault)
{
    struct client_limits_descriptors descriptors;
    return divide_descriptors(all, options, &descriptors) || say_no_room(fault);
}

void clients_hold_replies(struct clients *all)
{
    if (all->holders != NULL)
        return;
    all->holders = bytes_zeroed(PROMISES_EPOCHS_MAX * sizeof *all->holders);
    for (size_t i = 0; i < PROMISES_EPOCHS_MAX; i++)
        list_init(&all->holders[i]);
}

struct clients *clients_open(uv_loop_t *loop, const struct clients_options *options,
                             struct session_node *node, struct log *log, struct fault *fault)
{
    struct client_limits_descriptors descriptors;
    if (!listener_divide(options->neighbours, options->connections_max, &descriptors)) {
        say_no_room(fault);
        return NULL;
    }
    struct clients *all = bytes_zeroed(sizeof *all);
    struct activation adopted =
        listener_pick(options->adopted, options->self->clients_tls.port, true);
    all->listener = listener_open(loop, &options->self->clients, &adopted, clients_on_accept, all,
                                  &all->accept_faults, fault);
    if (all->listener == NULL) {
        free(all);
        return NULL;
    }
    all->loop = loop;
    all->node = node;
    all->log = log;
    all->descriptors = descriptors;
    all->connections_max = descriptors.clients;
    struct client_limits_options limits = limits_of(options, all->connections_max, node->requests);
    all->limits = node->limits = client_limits_new(&limits);
    turns_init(&all->turns);
    telling_init(&all->telling);
    list_init(&all->paused);
    list_init(&all->slowed);
    if (node->holds_replies)
        clients_hold_replies(all);
    clients_make_slots(all);
    return all;
}

void clients_let_in(struct clients *all)
{
    all->is_open = true;
    clients_tls_let_in(all);
    clients_listen_on(all);
}

void clients_answer(struct clients *all, const struct requests_answer *answer)
{
    size_t slot = answer->asker & SLOT_MASK;
    struct client *client = slot < all->slots_max ? all->slots[slot] : NULL;
    bool is_gone = client == NULL || client->session.address != answer->asker;
    client_limits_answer(all->limits, answer->share, is_gone ? NULL : &client->session.limits);
    if (is_gone || client->is_lingering)
        return;
    clients_take_time(all);
    session_attach_output(&client->session, &all->output);
    session_answer(&client->session, all->node, answer);
    clients_flush(client, NULL);
}

void clients_settle(struct clients *all)
{
    uint64_t epoch;
    while (flood_next_settled(all->node->flood, clients_present_ms(all), &epoch)) {
        struct list_node *next, *holders = &all->holders[epoch % PROMISES_EPOCHS_MAX];
        clients_take_time(all);
        while ((next = list_first(holders)) != NULL) {
            struct client *client = LIST_OWNER(next, struct client, holder);
            session_attach_output(&client->session, &all->output);
            session_settle(&client->session, all->node);
            list_holder(client, 0);
            clients_flush(client, NULL);
        }
    }
}

void clients_go_on(struct clients *all)
{
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        struct client *client = all->slots[slot];
        if (client != NULL && session_go_on(&client->session))
            turns_wait(&all->turns, &client->turn);
    }
}

void clients_second(struct clients *all)
{
    clients_keep_limits(all);
    status_log_limits(all->node->log, &all->limits_logged, all->limits, all->node->reasons.endings);
    status_log_growth(all->node->log, &all->faults, all->accept_faults,
                      "times a connection could not be accepted");
    if (all->is_open)
        clients_listen_on(all);
    clients_tls_second(all);
}

void clients_stop(struct clients *all)
{
    all->stopping = true;
    work_off(all);
    clients_listen_no_more(all);
    clients_take_time(all);
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        struct client *client = all->slots[slot];
        if (client == NULL)
            continue;
        client->session.leaving = true;
        if (client->is_lingering || clients_tls_is_shaking(client))
            drop_done(client);
        else
            clients_flush(client, NULL);
    }
    clients_tls_stop(all);
}

void clients_close(struct clients *all)
{
    clients_listen_no_more(all);
    for (size_t slot = 0; slot < all->slots_used; slot++) {
        if (all->slots[slot] != NULL)
            clients_drop(all->slots[slot], ENDING_STOPS, "the node stops");
    }
}

void clients_free(struct clients **clients)
{
    struct clients *all = *clients;
    if (all == NULL)
        return;
    clients_tls_free(all);
    client_limits_destroy(&all->limits);
    buffer_free(&all->output);
    free(all->holders);
    free(all->slots);
    free(all->free_slots);
    free(all);
    *clients = NULL;
}

bool clients_wait(const struct clients *all)
{
    const struct watchers *watchers = all->node->watchers;
    return clients_tls_wait(all) || turns_waiting(&all->turns) > 0 ||
           (watchers != NULL && watchers_is_clearing(watchers)) ||
           clients_deadline_ms(all) <= clients_present_ms(all);
}

size_t clients_connections(const struct clients *all)
{
    return all->connections;
}

size_t clients_connections_max(const struct clients *all)
{
    return all->connections_max;
}

const struct client_limits_counters *clients_count(const struct clients *all)
{
    return client_limits_count(all->limits);
}

const struct histogram *clients_replies(const struct clients *all)
{
    return &all->replies;
}

uint64_t clients_faults(const struct clients *all)
{
    return all->accept_faults + (all->tls == NULL ? 0 : all->tls->accept_faults);
}

struct client_limits *clients_limits(const struct clients *all)
{
    return all->limits;
}

const struct client_limits_descriptors *clients_descriptors(const struct clients *all)
{
    return &all->descriptors;
}
