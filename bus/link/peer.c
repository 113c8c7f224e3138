#include "bus/link/peer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define NEVER   INT64_MAX
#define AT_ONCE INT64_MIN

static_assert(WIRE_TEXT_BYTES_MAX + 1 <= LINK_REASON_BYTES_MAX, "a refusal's text is a reason");

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void tell(const struct peer *peer, enum link_event_kind kind, uint64_t their_digest,
                 const char *reason)
{
    struct link_event event = {
        .kind = kind,
        .peer = peer->index,
        .digest = table_digest(peer->common->table),
        .their_digest = their_digest,
        .clients = table_count(peer->common->table),
    };
    snprintf(event.reason, sizeof event.reason, "%s", reason);
    events_push(peer->common->events, &event);
}

/* ---- What we send ----------------------------------------------------------------------- */

void peer_change(struct peer *peer, uint32_t slot)
{
    if (peer->theirs != 0)
        ring_push(&peer->window.ring, slot);
}

void peer_knows(struct peer *peer, uint32_t slot)
{
    peer->common->count->locations_known += ring_forget(&peer->window.ring, slot);
}

static void tell_again(struct peer *peer)
{
    peer->common->count->rewinds += window_rewind(&peer->window);
}

/* They have everything before `received`. */
static void take_ack(struct peer *peer, uint64_t received, int64_t now_ms)
{
    if (received > peer->window.ring.sent) {
        peer->common->count->messages_strange++;
    } else if (window_confirm(&peer->window, received, now_ms)) {
        peer->heartbeat_at = peer_rests_at(peer, now_ms);
        peer->stuck_at = peer->window.in_flight > 0 ? now_ms + LINK_ANSWER_MS : NEVER;
        peer->answers++;
    }
}

/* A message of theirs shows that they heard of us a short time ago. What is on the way now may be
 * lost nevertheless: of that only an acknowledgement says something. */
static void take_answer(struct peer *peer)
{
    peer->answers += peer->hello_awaited || peer->window.in_flight == 0;
    peer->hello_awaited = false;
}

bool peer_awaits(const struct peer *peer)
{
    return peer->hello_awaited || (peer_is_up(peer) && peer->window.in_flight > 0);
}

/* They acknowledged more than they say they have: the number was lost while another incarnation of
 * our name was in between. Our HELLO states it in `start`. */
static void remind(struct peer *peer, uint64_t received, int64_t now_ms)
{
    if (received < peer->window.acked)
        peer->hello_at = now_ms;
}

/* ---- States ----------------------------------------------------------------------------- */

/* What may end a state. */
enum peer_step {
    STEP_MEET,           /* a HELLO of an incarnation that we did not know */
    STEP_NAMED,          /* a message of the pair of incarnations: they know us */
    STEP_GREET_STRANGER, /* the transport gets our HELLO, for a process that we do not know */
    STEP_GREET_KNOWN,    /* the same, to the incarnation that we know */
    STEP_NOT_TAKEN,      /* the transport did not take what we gave it */
    STEP_LOSE,           /* silence, no acknowledgement, or they refuse us */
    STEP_GOODBYE_HEARD,
    STEP_GOODBYE_SAID,
    PEER_STEPS
};

#define NO PEER_STATES /* this step cannot happen in this state */

/* The table of bus/PROTOCOL.md: the state after each step. */
static const enum peer_state states_after[PEER_STEPS][PEER_STATES] = {
    /* STRANGER, MET, AWAY, UP, LEFT, GONE */
    [STEP_MEET] = {PEER_MET, PEER_MET, PEER_AWAY, PEER_MET, PEER_GONE, PEER_GONE},
    [STEP_NAMED] = {NO, PEER_UP, PEER_AWAY, PEER_UP, PEER_LEFT, PEER_GONE},
    [STEP_GREET_STRANGER] = {PEER_STRANGER, NO, PEER_STRANGER, NO, NO, NO},
    [STEP_GREET_KNOWN] = {NO, PEER_MET, PEER_MET, PEER_UP, NO, NO},
    [STEP_NOT_TAKEN] = {PEER_AWAY, PEER_AWAY, PEER_AWAY, PEER_AWAY, PEER_GONE, NO},
    [STEP_LOSE] = {PEER_STRANGER, PEER_MET, PEER_AWAY, PEER_MET, PEER_GONE, PEER_GONE},
    [STEP_GOODBYE_HEARD] = {NO, PEER_STRANGER, PEER_AWAY, PEER_STRANGER, PEER_GONE, PEER_GONE},
    [STEP_GOODBYE_SAID] = {NO, NO, NO, PEER_LEFT, NO, NO},
};

bool peer_is_up(const struct peer *peer)
{
    return peer->state == PEER_UP || peer->state == PEER_LEFT;
}

static void go_up(struct peer *peer, int64_t now_ms)
{
    window_calm(&peer->window);
    peer->hello_at = peer->unmet_at = peer->absent_at = NEVER;
    peer->silence_at = now_ms + PEER_SILENCE_MS;
    peer->calm_at = now_ms + PEER_CALM_AFTER_MS;
    peer->heartbeat_at = now_ms + PEER_REST_MS;
    peer->beat_at = peer_beats_at(peer, now_ms);
    if (peer->version >= WIRE_VERSION_CHECKS)
        range_check_open(&peer->checks, peer->common->incarnation > peer->theirs, peer->is_observer,
                         now_ms);
    if (peer->version >= WIRE_VERSION_LAZY && !peer->is_observer)
        lazy_open_link(peer->common->lazy, peer->index);
    peer_begin_pair(peer, now_ms);
    tell(peer, LINK_UP, 0, "");
}

static void go_down(struct peer *peer, const char *reason, int64_t now_ms)
{
    digest_check_forget(&peer->digest_check);
    range_check_close(&peer->checks);
    lazy_close_link(peer->common->lazy, peer->index);
    peer->silence_at = peer->heartbeat_at = peer->beat_at = peer->stuck_at = NEVER;
    peer->absent_at = now_ms + PEER_ABSENT_MS;
    tell_again(peer);
    tell(peer, LINK_DOWN, 0, reason);
}

/* The only place where a state ends. `reason` says why the link goes down, if it does. */
static void take_step(struct peer *peer, enum peer_step step, const char *reason, int64_t now_ms)
{
    bool was_up = peer_is_up(peer);
    peer->state = states_after[step][peer->state];
    assert(peer->state != NO);
    if (!was_up && peer_is_up(peer))
        go_up(peer, now_ms);
    else if (was_up && !peer_is_up(peer))
        go_down(peer, reason, now_ms);
}

/* A message of the pair of incarnations came: they live, and they know us. */
static void hear(struct peer *peer, int64_t now_ms)
{
    peer->heard_at = peer->pair_heard_at = now_ms;
    herd_time_spoke(peer->common->time, peer->index, now_ms);
    take_step(peer, STEP_NAMED, "", now_ms);
    if (peer_is_up(peer))
        peer->silence_at = now_ms + PEER_SILENCE_MS;
}

/* ---- What cannot be read ---------------------------------------------------------------- */

/* Which incarnation a message takes for ours; a refusal may be another's. */
static void judge_incarnation(struct peer *peer, const struct wire_message *message, int64_t now_ms)
{
    char line[LINK_REASON_BYTES_MAX];
    uint64_t ours = peer->common->incarnation, named = message->to_incarnation;
    if (message->type == WIRE_REFUSED)
        return;
    peer->common->count->messages_misnamed += named != 0 && named != ours;
    if (misread_incarnation(&peer->misread, ours, named, now_ms, line))
        tell(peer, LINK_MISREAD, 0, line);
}

/* ---- What arrives ----------------------------------------------------------------------- */

/* We refuse a process: counted each time, logged now and then. Another connection would not
 * help. */
static void count_refusal(struct peer *peer, int64_t now_ms)
{
    peer->common->count->refusals++;
    peer->unmet_at = NEVER;
    take_answer(peer);
    if (handshake_is_news(&peer->handshake, now_ms))
        tell(peer, LINK_REFUSED, 0, peer->handshake.text);
}

void peer_receive_foreign(struct peer *peer, uint64_t version, int64_t now_ms)
{
    handshake_refuse_version(&peer->handshake, version);
    count_refusal(peer, now_ms);
}

/* Who says HELLO as another incarnation all the time would be sent a whole table each time. One
 * that means it says so again. */
static bool is_too_early(struct peer *peer, int64_t now_ms)
{
    char line[LINK_REASON_BYTES_MAX];
    if (now_ms + (PEER_MEET_MAX - 1) * PEER_MEET_MS >= peer->meet_at)
        return false;
    peer->common->count->hellos_early++;
    if (++peer->hellos_early > PEER_HELLOS_EARLY_MAX && misread_hurry(&peer->misread, now_ms, line))
        tell(peer, LINK_MISREAD, 0, line);
    return true;
}

/* A process we have not heard of: what we know of its predecessor is void. Nothing is put into the
 * ring before it has named us. */
static void meet(struct peer *peer, const struct wire_message *hello, int64_t now_ms)
{
    if (peer->theirs != 0)
        peer->common->count->incarnation_changes++;
    take_step(peer, STEP_MEET, "restarted", now_ms);
    peer->theirs = hello->from_incarnation;
    peer->version = hello->version < WIRE_VERSION ? hello->version : WIRE_VERSION;
    peer->met++;
    peer->met_at = now_ms;
    peer->meet_at = later(peer->meet_at, now_ms) + PEER_MEET_MS;
    peer->hellos_early = 0;
    peer->refused = 0;
    peer->received = 0;
    peer->said = 0;
    peer->unacked = 0;
    peer->gap_owed = false;
    peer->ack_at = NEVER;
    peer->status_owed = false;
    window_start_over(&peer->window);
    window_owe_all(&peer->window);
    peer->find_at = now_ms;
    peer->is_new = true;
    range_resync_forget(&peer->checks);
    lazy_meet(peer->common->lazy, peer->index);
    digest_check_forget(&peer->digest_check);
    handshake_forget_rival(&peer->handshake);
}

/* A HELLO of a process that does not know us, while the link is up with another of that name. Our
 * HELLO goes to the address that the topology has for that name. A restarted process answers it
 * there and names our incarnation; if the process we know is still there, that one answers, and the
 * stranger's name is in use. The stranger receives the refusal only if it listens there. */
static void doubt(struct peer *peer, uint64_t incarnation, int64_t now_ms)
{
    peer->hello_at = now_ms;
    if (handshake_refuses_rival(&peer->handshake, peer->name, incarnation, peer->pair_heard_at,
                                now_ms))
        count_refusal(peer, now_ms);
}

static void take_hello(struct peer *peer, const struct wire_message *hello, int64_t now_ms)
{
    const struct peer_common *common = peer->common;
    struct handshake_link link = {common->herd, peer->name, common->incarnation,
                                  (uint64_t)common->expire_ms, common->forget};
    if (handshake_refuses_hello(&peer->handshake, &link, hello)) {
        count_refusal(peer, now_ms);
        return;
    }
    bool knows_us = hello->to_incarnation == peer->common->incarnation;
    if (peer_is_up(peer) && hello->from_incarnation != peer->theirs && !knows_us) {
        doubt(peer, hello->from_incarnation, now_ms);
        return;
    }
    if (hello->from_incarnation != peer->theirs) {
        if (is_too_early(peer, now_ms))
            return;
        meet(peer, hello, now_ms);
    }
    handshake_accept(&peer->handshake, hello->from_incarnation);
    if (!hello->has_clients)
        peer->their_clients = PEER_CLIENTS_UNKNOWN;
    else
        peer->their_clients =
            hello->clients < TABLE_CLIENTS_MAX ? hello->clients : TABLE_CLIENTS_MAX;
    peer->heard_at = now_ms;
    herd_time_hear(peer->common->time, peer->index, hello, now_ms);
    if (!knows_us) {
        peer->hello_at = now_ms;
        return;
    }
    /* They know that we have everything before `start`; where our own memory of it is less, it
     * was lost while another incarnation of theirs was in between. */
    if (peer->received < hello->start)
        peer->received = hello->start;
    /* While the link is up here, a HELLO says that it is not up there. */
    peer->hello_awaited |= peer_is_up(peer);
    hear(peer, now_ms);
    remind(peer, hello->received, now_ms);
    take_ack(peer, hello->received, now_ms);
    peer->ack_at = now_ms;
}

static bool take_update(struct peer *peer, const struct wire_message *update, int64_t now_ms)
{
    take_ack(peer, update->received, now_ms);
    peer->heartbeat_at = peer_rests_at(peer, now_ms);
    if (update->after > peer->received) {
        peer->common->count->gaps++;
        peer->gap_owed = true;
        peer->ack_at = now_ms;
        return false;
    }
    if (peer->received < update->upto)
        peer->received = update->upto;
    peer_owe_ack(peer, update->ack_now, now_ms);
    return true;
}

static void take_plain_ack(struct peer *peer, const struct wire_message *ack, int64_t now_ms)
{
    take_ack(peer, ack->received, now_ms);
    if (!ack->gap)
        return;
    /* While probing, what is on the way follows the last acknowledgement and cannot be a gap:
     * the complaint is about an UPDATE from before. */
    remind(peer, ack->received, now_ms);
    if (ack->received >= peer->window.acked && !peer->window.probing)
        tell_again(peer);
}

/* A message that says how far they are, and what stands there. */
static void take_checks(struct peer *peer, const struct wire_message *message, int64_t now_ms)
{
    if (message->type == WIRE_HEARTBEAT) {
        herd_time_hear(peer->common->time, peer->index, message, now_ms);
        lazy_hear_heartbeat(peer->common->lazy, peer->index, message);
    }
    if (message->type != WIRE_WANT) {
        remind(peer, message->received, now_ms);
        take_ack(peer, message->received, now_ms);
    }
    peer_compare(peer, message, now_ms);
}

/* A process that ends on purpose: nothing of it is worth keeping. */
static void take_goodbye(struct peer *peer, int64_t now_ms)
{
    take_step(peer, STEP_GOODBYE_HEARD, "goodbye", now_ms);
    peer->theirs = 0;
    window_start_over(&peer->window);
    peer->hellos_quick = 0;
    peer->hello_at = now_ms + PEER_HELLO_SLOW_MS;
}

static void take_refused(struct peer *peer, const struct wire_message *refused, int64_t now_ms)
{
    bool is_us = refused->to_incarnation == peer->common->incarnation;
    bool is_in_use = refused->code == WIRE_REFUSED_IN_USE;
    if (!is_us && (!is_in_use || refused->from_incarnation != peer->theirs)) {
        peer->common->count->messages_strange++;
        return;
    }
    peer->common->count->refusals++;
    peer->unmet_at = NEVER;
    take_answer(peer);
    struct handshake *handshake = &peer->handshake;
    if (is_in_use
            ? !handshake_in_use_is_news(handshake, is_us, now_ms)
            : !handshake_refused_by(handshake, refused->from_incarnation, refused->code, now_ms))
        return;
    if (!is_in_use)
        take_step(peer, STEP_LOSE, "refused", now_ms);
    char reason[LINK_REASON_BYTES_MAX];
    snprintf(reason, sizeof reason, "it refuses %s: %.*s", is_us ? "us" : "another",
             (int)refused->text.len, refused->text.data);
    tell(peer, LINK_REFUSED, 0, reason);
    /* The other process of that name may end at any time: the one that remains goes on. */
    if (is_in_use)
        return;
    peer->hellos_quick = 0;
    peer->hello_at = now_ms; /* as soon as the pause ends, or is ended */
}

bool peer_receive(struct peer *peer, const struct wire_message *message, int64_t now_ms)
{
    peer->hellos_unanswered = 0;
    judge_incarnation(peer, message, now_ms);
    if (message->type == WIRE_HELLO) {
        take_hello(peer, message, now_ms);
        return false;
    }
    if (message->type == WIRE_REFUSED) {
        take_refused(peer, message, now_ms);
        return false;
    }
    if (peer->theirs == 0 || message->from_incarnation != peer->theirs ||
        message->to_incarnation != peer->common->incarnation) {
        peer->common->count->messages_strange++;
        peer->heard_at = now_ms;
        peer->hello_at = now_ms;
        return false;
    }
    if (message->type == WIRE_GOODBYE) {
        take_goodbye(peer, now_ms);
        return false;
    }
    take_answer(peer);
    hear(peer, now_ms);
    bool has_refused = message->type <= WIRE_HEARTBEAT && message->has_checks;
    if (has_refused)
        range_check_take_refused(&peer->checks, message->refused_here, message->received);
    if (message->type == WIRE_UPDATE)
        return take_update(peer, message, now_ms);
    if (message->type == WIRE_ACK)
        take_plain_ack(peer, message, now_ms);
    else if (message->type == WIRE_HEARTBEAT || message->type == WIRE_CHECK ||
             message->type == WIRE_LIST || message->type == WIRE_WANT)
        take_checks(peer, message, now_ms);
    else if (message->type == WIRE_STATE)
        lazy_hear_state(peer->common->lazy, peer->index, message);
    else if (message->type == WIRE_STATUS_ASK)
        peer->status_owed = true;
    return message->type == WIRE_STATUS;
}

/* ---- What leaves ------------------------------------------------------------------------ */

uint64_t peer_due(const struct peer *peer)
{
    return peer_is_up(peer) && window_is_open(&peer->window) ? ring_due(&peer->window.ring) : 0;
}

/* The transport takes what is due, and they acknowledge nothing of it, though they may speak. */
static void give_up(struct peer *peer, int64_t now_ms)
{
    char reason[LINK_REASON_BYTES_MAX];
    snprintf(reason, sizeof reason,
             "%" PRIu64 " due, %" PRIu32 " messages on the way, nothing acknowledged for %d s",
             ring_due(&peer->window.ring), peer->window.in_flight, LINK_ANSWER_MS / 1000);
    tell(peer, LINK_STUCK, 0, reason);
    take_step(peer, STEP_LOSE, "no acknowledgement", now_ms);
    peer->hello_at = now_ms;
}

static const char *explain_unmet(const struct peer *peer)
{
    if (peer->heard_at != AT_ONCE)
        return "it speaks, but does not hear us";
    return peer->hellos_unanswered > 0 ? "it takes our messages"
                                       : "not running, or the keys differ";
}

static void miss(struct peer *peer, int64_t now_ms)
{
    if (peer->unmet_at == AT_ONCE)
        peer->unmet_at = now_ms + PEER_UNMET_MS;
    if (now_ms < peer->unmet_at)
        return;
    char reason[LINK_REASON_BYTES_MAX];
    snprintf(reason, sizeof reason, "no answer from %.*s since the start: %s", (int)peer->name.len,
             peer->name.data, explain_unmet(peer));
    tell(peer, LINK_UNMET, 0, reason);
    peer->unmet_at = NEVER;
}

/* What should wait and does not, because the other end is new or there was no memory for the ring:
 * everything is sent. */
static void find_lost(struct peer *peer, int64_t now_ms)
{
    if (range_resync_gives_up(&peer->checks)) {
        window_owe_all(&peer->window);
        peer->find_at = now_ms;
    }
    if (!peer->window.ring.lost || !peer_is_up(peer) || now_ms < peer->find_at)
        return;
    peer->find_at = now_ms + PEER_FIND_MS;
    window_refill(&peer->window, table_slots(peer->common->table));
}

static void run_timers(struct peer *peer, int64_t now_ms)
{
    find_lost(peer, now_ms);
    peer_leave_absent(peer, now_ms);
    if (peer->state == PEER_UP && now_ms >= peer->silence_at) {
        take_step(peer, STEP_LOSE, "silence", now_ms);
        peer->hello_at = now_ms;
    }
    if (peer->state == PEER_UP && now_ms >= peer->stuck_at)
        give_up(peer, now_ms);
    miss(peer, now_ms);
    range_check_report(&peer->checks, peer->common->events, now_ms);
    peer->common->count->rewinds += window_expire(&peer->window, now_ms);
}

/* A pause after a refusal is for whom they do not hear; while the link is up a HELLO asks them
 * something, and must not come half a minute later. */
static int64_t hello_due_ms(const struct peer *peer)
{
    return peer->state == PEER_UP ? peer->hello_at
                                  : later(peer->hello_at, peer->handshake.refused_until);
}

static int64_t hello_pause_ms(const struct peer *peer)
{
    return peer->hellos_quick > 0 ? PEER_HELLO_QUICK_MS : PEER_HELLO_SLOW_MS;
}

static void write_hello(struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    message->type = WIRE_HELLO;
    message->herd = peer->common->herd;
    message->node = peer->common->node;
    message->version = WIRE_VERSION;
    message->version_min = WIRE_VERSION_MIN;
    message->start = peer->window.acked;
    message->expire_ms = (uint64_t)peer->common->expire_ms;
    message->forget = peer->common->forget;
    message->has_clients = true;
    message->clients = table_count(peer->common->table);
    herd_time_tell(peer->common->time, peer->index, message, now_ms);
    message->received = peer->received;
    take_step(peer, peer->theirs == 0 ? STEP_GREET_STRANGER : STEP_GREET_KNOWN, "", now_ms);
    peer->hello_awaited = true;
    if (++peer->hellos_unanswered == PEER_HELLOS_UNANSWERED_MAX)
        tell(peer, LINK_UNANSWERED, 0,
             "it takes our messages but answers none: its file has no link to us, or another "
             "address for us");
    peer->hello_at = peer->state == PEER_UP ? NEVER : now_ms + hello_pause_ms(peer);
    if (peer->hellos_quick > 0)
        peer->hellos_quick--;
}

/* What each message that names `received` settles. Only an ACK states a gap. */
static void say_have(struct peer *peer, struct wire_message *message)
{
    message->received = peer->received;
    message->refused_here = peer->refused;
    message->gap = peer->gap_owed && message->type == WIRE_ACK;
    if (peer->gap_owed && !message->gap)
        return;
    peer->gap_owed = false;
    peer->said = peer->received;
    peer->unacked = 0;
    peer->ack_at = NEVER;
}

static bool take_flag(bool *flag)
{
    bool was = *flag;
    *flag = false;
    return was;
}

static bool write_when_up(struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    if (take_flag(&peer->status_owed)) {
        message->type = WIRE_STATUS;
        return true;
    }
    if (take_flag(&peer->status_wanted)) {
        message->type = WIRE_STATUS_ASK;
        return true;
    }
    if (lazy_has_state(peer->common->lazy, peer->index)) {
        lazy_write_state(peer->common->lazy, peer->index, message);
        return true;
    }
    if (window_is_open(&peer->window)) {
        message->type = WIRE_UPDATE;
        return true;
    }
    /* Before a CHECK, which says `have`, but not what of it was refused. */
    bool checks = !peer->common->leaving && range_check_is_due(&peer->checks, now_ms);
    if (now_ms >= peer->ack_at || (checks && peer->ack_at != NEVER)) {
        message->type = WIRE_ACK;
        say_have(peer, message);
        peer->alone_at = now_ms + WINDOW_CALM_MS;
        return true;
    }
    if (now_ms >= earlier(peer->heartbeat_at, peer->beat_at)) {
        peer_write_heartbeat(peer, message, now_ms);
        say_have(peer, message);
        peer->heartbeat_at = peer->beat_at = peer_beats_at(peer, now_ms);
        return true;
    }
    if (checks && range_check_next(&peer->checks, message, now_ms)) {
        message->cut = peer_cut(peer, now_ms);
        say_have(peer, message);
        return true;
    }
    if (window_is_open(&peer->window)) { /* a repair has put something there */
        message->type = WIRE_UPDATE;
        return true;
    }
    if (peer->common->leaving && window_is_told(&peer->window)) {
        message->type = WIRE_GOODBYE;
        take_step(peer, STEP_GOODBYE_SAID, "", now_ms);
        return true;
    }
    return false;
}

/* Our GOODBYE was the last that is sent. */
static bool is_silent(const struct peer *peer)
{
    return peer->state == PEER_LEFT || peer->state == PEER_GONE;
}

bool peer_next(struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    if (is_silent(peer))
        return false;
    run_timers(peer, now_ms);
    message->from_incarnation = peer->common->incarnation;
    message->to_incarnation = peer->theirs;
    message->has_checks = true;
    if (peer->handshake.refusal_owed) {
        handshake_write_refused(&peer->handshake, message);
        return true;
    }
    if (peer_is_over(peer))
        return false;
    if (now_ms >= hello_due_ms(peer)) {
        write_hello(peer, message, now_ms);
        return true;
    }
    return peer->state == PEER_UP && write_when_up(peer, message, now_ms);
}

void peer_announce(struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    message->after = peer->window.announced;
    message->upto = peer->window.ring.next;
    window_announce(&peer->window, now_ms);
    message->ack_now |= window_asks(&peer->window);
    if (peer->stuck_at == NEVER)
        peer->stuck_at = now_ms + LINK_ANSWER_MS;
    say_have(peer, message);
    peer->heartbeat_at = peer_rests_at(peer, now_ms);
}

void peer_refused(struct peer *peer, int64_t now_ms)
{
    take_step(peer, STEP_NOT_TAKEN, "no connection", now_ms);
    if (peer->hellos_unanswered > 0)
        peer->hellos_unanswered--;
    /* Somebody who spoke a moment ago will be reachable in a moment, too. */
    bool close = peer->hellos_quick > 0 || now_ms < peer->heard_at + PEER_SILENCE_MS;
    peer->hello_at = now_ms + (close ? PEER_HELLO_QUICK_MS : PEER_HELLO_SLOW_MS);
}

void peer_connected(struct peer *peer, int64_t now_ms)
{
    if (!peer_is_up(peer)) {
        peer->hello_at = earlier(peer->hello_at, now_ms);
        return;
    }
    tell_again(peer);
    peer->heartbeat_at = now_ms;
}

void peer_say_time(struct peer *peer, int64_t now_ms)
{
    if (peer_is_up(peer))
        peer->beat_at = now_ms;
}

int64_t peer_deadline_ms(const struct peer *peer)
{
    if (is_silent(peer))
        return NEVER;
    if (peer->handshake.refusal_owed)
        return AT_ONCE;
    if (peer_is_over(peer))
        return NEVER;
    int64_t hello = hello_due_ms(peer);
    if (peer->state != PEER_UP)
        return hello;
    if (peer->status_owed || peer->status_wanted || window_is_open(&peer->window) ||
        (peer->common->leaving && window_is_told(&peer->window)))
        return AT_ONCE;
    int64_t deadline = earlier(hello, earlier(peer->silence_at, peer->stuck_at));
    deadline = earlier(deadline, earlier(peer->window.retransmit_at,
                                         lazy_state_ms(peer->common->lazy, peer->index)));
    deadline = earlier(deadline, earlier(peer->heartbeat_at, peer->beat_at));
    if (!peer->common->leaving)
        deadline = earlier(deadline, range_check_deadline_ms(&peer->checks));
    return earlier(deadline, peer->ack_at);
}

bool peer_is_over(const struct peer *peer)
{
    return peer->common->leaving && peer->state != PEER_UP;
}
