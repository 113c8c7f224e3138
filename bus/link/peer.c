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

void peer_init(struct peer *peer, const struct peer_common *common, size_t index, struct span name)
{
    peer->common = common;
    peer->index = index;
    peer->name = name;
    peer->hellos_quick = PEER_HELLO_QUICK_COUNT;
    window_init(&peer->window);
    digest_check_init(&peer->digest_check);
    misread_init(&peer->misread);
    handshake_init(&peer->handshake);
    peer->heard_at = peer->pair_heard_at = peer->hello_at = AT_ONCE;
    peer->silence_at = peer->ack_at = peer->heartbeat_at = peer->stuck_at = NEVER;
    peer->unmet_at = AT_ONCE; /* the first turn says what time it is */
}

void peer_free(struct peer *peer)
{
    window_free(&peer->window);
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

/* ---- What we tell ----------------------------------------------------------------------- */

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
        peer->heartbeat_at = now_ms + PEER_REST_MS;
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
    return peer->hello_awaited || (peer->up && peer->window.in_flight > 0);
}

/* They acknowledged more than they say they have: the number was lost while another incarnation of
 * our name was in between. HELLO tells it in `start`. */
static void remind(struct peer *peer, uint64_t received, int64_t now_ms)
{
    if (received < peer->window.acked)
        peer->hello_at = now_ms;
}

/* ---- Up and down ------------------------------------------------------------------------ */

static void go_up(struct peer *peer, int64_t now_ms)
{
    if (peer->up || peer->blocked)
        return;
    peer->up = true;
    window_calm(&peer->window);
    peer->hello_at = peer->unmet_at = NEVER;
    peer->silence_at = now_ms + PEER_SILENCE_MS;
    peer->heartbeat_at = now_ms + PEER_REST_MS;
    tell(peer, LINK_UP, 0, "");
}

static void go_down(struct peer *peer, const char *reason)
{
    if (!peer->up)
        return;
    peer->up = false;
    digest_check_forget(&peer->digest_check);
    peer->silence_at = peer->heartbeat_at = peer->stuck_at = NEVER;
    tell_again(peer);
    tell(peer, LINK_DOWN, 0, reason);
}

/* A message of the pair of incarnations came: they live, and they know us. */
static void hear(struct peer *peer, int64_t now_ms)
{
    peer->heard_at = peer->pair_heard_at = now_ms;
    peer->silence_at = now_ms + PEER_SILENCE_MS;
    go_up(peer, now_ms);
}

/* ---- What cannot be read ---------------------------------------------------------------- */

/* The rest of a reason is for how many were not told. */
#define WHAT_BYTES_MAX (LINK_REASON_BYTES_MAX - 40)

static void tell_misread(struct peer *peer, const char *what, uint64_t untold)
{
    char reason[LINK_REASON_BYTES_MAX];
    if (untold == 0)
        snprintf(reason, sizeof reason, "%s", what);
    else
        snprintf(reason, sizeof reason, "%s (and %" PRIu64 " more before)", what, untold);
    tell(peer, LINK_MISREAD, 0, reason);
}

/* Somebody speaks there, only not as we do. */
static void hear_misread(struct peer *peer, int64_t now_ms)
{
    peer->hellos_unanswered = 0;
    peer->heard_at = now_ms;
    peer->unmet_at = NEVER;
}

void peer_receive_malformed(struct peer *peer, struct span bytes, const struct wire_fault *fault,
                            int64_t now_ms)
{
    uint64_t untold;
    char what[WHAT_BYTES_MAX];
    hear_misread(peer, now_ms);
    if (!misread_is_news(&peer->misread, MISREAD_MALFORMED, now_ms, &untold))
        return;
    wire_explain(bytes, fault, what, sizeof what);
    tell_misread(peer, what, untold);
}

void peer_receive_parts(struct peer *peer, size_t frames, int64_t now_ms)
{
    uint64_t untold;
    char what[WHAT_BYTES_MAX];
    hear_misread(peer, now_ms);
    if (!misread_is_news(&peer->misread, MISREAD_PARTS, now_ms, &untold))
        return;
    snprintf(what, sizeof what, "a message of %zu frames behind the routing id: 1 is needed",
             frames);
    tell_misread(peer, what, untold);
}

/* Which incarnation a message takes for ours; a refusal may be another's. */
static void judge_incarnation(struct peer *peer, const struct wire_message *message, int64_t now_ms)
{
    uint64_t untold, ours = peer->common->incarnation, named = message->to_incarnation;
    char what[WHAT_BYTES_MAX];
    if (message->type == WIRE_REFUSED)
        return;
    peer->common->count->messages_misnamed += named != 0 && named != ours;
    const char *why = misread_incarnation(&peer->misread, ours, named, now_ms);
    if (why == NULL || !misread_is_news(&peer->misread, MISREAD_SESSION, now_ms, &untold))
        return;
    snprintf(what, sizeof what, "to is %" PRIu64 " where our incarnation is %" PRIu64 ": %s", named,
             ours, why);
    tell_misread(peer, what, untold);
}

/* ---- What arrives ----------------------------------------------------------------------- */

/* We refuse somebody: counted always, told now and then. Another connection would not help. */
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

/* A process we have not heard of: what we know of its predecessor is void. */
static void meet(struct peer *peer, const struct wire_message *hello, int64_t now_ms)
{
    if (peer->theirs != 0)
        peer->common->count->incarnation_changes++;
    go_down(peer, "restarted");
    peer->theirs = hello->from_incarnation;
    peer->met_at = now_ms;
    peer->received = 0;
    peer->unacked = 0;
    peer->gap_owed = false;
    peer->ack_at = NEVER;
    peer->status_owed = false;
    window_start_over(&peer->window, table_count(peer->common->table));
    digest_check_forget(&peer->digest_check);
    handshake_forget_rival(&peer->handshake);
}

/* A HELLO of a process that does not know us, while the link is up with another of that name.
 * Our HELLO goes to wherever the topology says that name is, and tells them apart: a process that
 * was restarted will answer and name our incarnation; where the one we know is still there, that
 * one will, and the stranger has a name that is in use. It hears of it only if it listens there. */
static void doubt(struct peer *peer, uint64_t incarnation, int64_t now_ms)
{
    peer->hello_at = now_ms;
    if (handshake_refuses_rival(&peer->handshake, peer->name, incarnation, peer->pair_heard_at,
                                now_ms))
        count_refusal(peer, now_ms);
}

static void take_hello(struct peer *peer, const struct wire_message *hello, int64_t now_ms)
{
    struct handshake_link link = {peer->common->herd, peer->name, peer->common->incarnation};
    if (handshake_refuses_hello(&peer->handshake, &link, hello)) {
        count_refusal(peer, now_ms);
        return;
    }
    bool knows_us = hello->to_incarnation == peer->common->incarnation;
    if (peer->up && hello->from_incarnation != peer->theirs && !knows_us) {
        doubt(peer, hello->from_incarnation, now_ms);
        return;
    }
    if (hello->from_incarnation != peer->theirs)
        meet(peer, hello, now_ms);
    handshake_accept(&peer->handshake, hello->from_incarnation);
    peer->heard_at = now_ms;
    if (!knows_us) {
        peer->hello_at = now_ms;
        return;
    }
    /* They know that we have everything before `start`; where our own memory of it is less, it
     * was lost while another incarnation of theirs was in between. */
    if (peer->received < hello->start)
        peer->received = hello->start;
    /* While the link is up here, a HELLO says that it is not up there. */
    peer->hello_awaited |= peer->up;
    hear(peer, now_ms);
    remind(peer, hello->received, now_ms);
    take_ack(peer, hello->received, now_ms);
    peer->ack_at = now_ms;
}

static bool take_update(struct peer *peer, const struct wire_message *update, int64_t now_ms)
{
    take_ack(peer, update->received, now_ms);
    peer->heartbeat_at = now_ms + PEER_REST_MS;
    if (update->after > peer->received) {
        peer->common->count->gaps++;
        peer->gap_owed = true;
        peer->ack_at = now_ms;
        return false;
    }
    if (peer->received < update->upto)
        peer->received = update->upto;
    bool many = ++peer->unacked >= PEER_ACK_UPDATES;
    peer->ack_at = earlier(peer->ack_at, many ? now_ms : now_ms + PEER_ACK_MS);
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

static void take_heartbeat(struct peer *peer, const struct wire_message *heartbeat, int64_t now_ms)
{
    remind(peer, heartbeat->received, now_ms);
    take_ack(peer, heartbeat->received, now_ms);
    uint64_t head = peer->window.ring.head, ours = table_digest(peer->common->table);
    if (peer->window.acked != head || heartbeat->received != head ||
        heartbeat->head != peer->received) {
        digest_check_forget(&peer->digest_check);
        return;
    }
    switch (digest_check_judge(&peer->digest_check, ours, heartbeat->digest, now_ms)) {
    case DIGEST_CHECK_NOTHING:
        break;
    case DIGEST_CHECK_EQUAL:
        tell(peer, LINK_DIGESTS_EQUAL, heartbeat->digest, "");
        break;
    case DIGEST_CHECK_FAULT:
        peer->common->count->digest_faults++;
        tell(peer, LINK_DIGESTS_DIFFER, heartbeat->digest, "");
        window_refill(&peer->window, table_count(peer->common->table));
        break;
    }
}

/* A process that ends on purpose: nothing of it is worth keeping. */
static void take_goodbye(struct peer *peer, int64_t now_ms)
{
    go_down(peer, "goodbye");
    peer->theirs = 0;
    window_start_over(&peer->window, 0);
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
    if (!is_in_use)
        go_down(peer, "refused");
    char reason[LINK_REASON_BYTES_MAX];
    snprintf(reason, sizeof reason, "it refuses %s: %.*s", is_us ? "us" : "another",
             (int)refused->text.len, refused->text.data);
    tell(peer, LINK_REFUSED, 0, reason);
    /* The other process of that name may end at any time: whoever remains goes on. */
    if (is_in_use)
        return;
    peer->hellos_quick = 0;
    handshake_refused_by(&peer->handshake, refused->from_incarnation, now_ms);
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
    if (message->type == WIRE_UPDATE)
        return take_update(peer, message, now_ms);
    if (message->type == WIRE_ACK)
        take_plain_ack(peer, message, now_ms);
    else if (message->type == WIRE_HEARTBEAT)
        take_heartbeat(peer, message, now_ms);
    else if (message->type == WIRE_STATUS_ASK)
        peer->status_owed = true;
    return message->type == WIRE_STATUS;
}

/* ---- What leaves ------------------------------------------------------------------------ */

uint64_t peer_due(const struct peer *peer)
{
    return peer->up && window_is_open(&peer->window) ? ring_due(&peer->window.ring) : 0;
}

/* The transport takes what is due, and they acknowledge nothing of it, though they may speak. */
static void give_up(struct peer *peer, int64_t now_ms)
{
    char reason[LINK_REASON_BYTES_MAX];
    snprintf(reason, sizeof reason,
             "%" PRIu64 " due, %" PRIu32 " messages on the way, nothing acknowledged for %d s",
             ring_due(&peer->window.ring), peer->window.in_flight, LINK_ANSWER_MS / 1000);
    tell(peer, LINK_STUCK, 0, reason);
    go_down(peer, "no acknowledgement");
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

static void run_timers(struct peer *peer, int64_t now_ms)
{
    if (peer->up && now_ms >= peer->silence_at) {
        go_down(peer, "silence");
        peer->hello_at = now_ms;
    }
    if (peer->up && now_ms >= peer->stuck_at)
        give_up(peer, now_ms);
    miss(peer, now_ms);
    peer->common->count->rewinds += window_expire(&peer->window, now_ms);
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
    message->received = peer->received;
    peer->blocked = false;
    peer->hello_awaited = true;
    if (++peer->hellos_unanswered == PEER_HELLOS_UNANSWERED_MAX)
        tell(peer, LINK_UNANSWERED, 0,
             "it takes our messages but answers none: its file has no link to us, or another "
             "address for us");
    peer->hello_at = peer->up ? NEVER : now_ms + hello_pause_ms(peer);
    if (peer->hellos_quick > 0)
        peer->hellos_quick--;
}

/* What each message that names `received` settles. A gap is only told by an ACK. */
static void say_have(struct peer *peer, struct wire_message *message)
{
    message->received = peer->received;
    message->gap = peer->gap_owed && message->type == WIRE_ACK;
    if (peer->gap_owed && !message->gap)
        return;
    peer->gap_owed = false;
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
    if (window_is_open(&peer->window)) {
        message->type = WIRE_UPDATE;
        return true;
    }
    if (now_ms >= peer->ack_at) {
        message->type = WIRE_ACK;
        say_have(peer, message);
        return true;
    }
    if (now_ms >= peer->heartbeat_at) {
        message->type = WIRE_HEARTBEAT;
        message->head = window_is_told(&peer->window) ? peer->window.ring.head : WIRE_HEAD_UNREST;
        message->digest = table_digest(peer->common->table);
        message->clients = table_count(peer->common->table);
        say_have(peer, message);
        peer->heartbeat_at = now_ms + PEER_HEARTBEAT_MS;
        return true;
    }
    if (peer->leaving && window_is_told(&peer->window)) {
        message->type = WIRE_GOODBYE;
        peer->goodbye_said = true;
        return true;
    }
    return false;
}

bool peer_next(struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    if (peer->goodbye_said)
        return false;
    run_timers(peer, now_ms);
    message->from_incarnation = peer->common->incarnation;
    message->to_incarnation = peer->theirs;
    if (peer->handshake.refusal_owed) {
        handshake_write_refused(&peer->handshake, message);
        return true;
    }
    if (peer->leaving && !peer->up)
        return false;
    if (now_ms >= later(peer->hello_at, peer->handshake.refused_until)) {
        write_hello(peer, message, now_ms);
        return true;
    }
    return peer->up && write_when_up(peer, message, now_ms);
}

void peer_announce(struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    message->after = peer->window.announced;
    message->upto = peer->window.ring.next;
    window_announce(&peer->window, now_ms);
    if (peer->stuck_at == NEVER)
        peer->stuck_at = now_ms + LINK_ANSWER_MS;
    say_have(peer, message);
    peer->heartbeat_at = now_ms + PEER_REST_MS;
}

void peer_refused(struct peer *peer, int64_t now_ms)
{
    go_down(peer, "no connection");
    peer->blocked = true;
    if (peer->hellos_unanswered > 0)
        peer->hellos_unanswered--;
    /* Somebody who spoke a moment ago will be reachable in a moment, too. */
    bool close = peer->hellos_quick > 0 || now_ms < peer->heard_at + PEER_SILENCE_MS;
    peer->hello_at = now_ms + (close ? PEER_HELLO_QUICK_MS : PEER_HELLO_SLOW_MS);
}

void peer_connected(struct peer *peer, int64_t now_ms)
{
    if (!peer->up) {
        peer->hello_at = earlier(peer->hello_at, now_ms);
        return;
    }
    tell_again(peer);
    peer->heartbeat_at = now_ms;
}

int64_t peer_deadline_ms(const struct peer *peer)
{
    if (peer->goodbye_said)
        return NEVER;
    if (peer->handshake.refusal_owed)
        return AT_ONCE;
    if (peer->leaving && !peer->up)
        return NEVER;
    int64_t hello = later(peer->hello_at, peer->handshake.refused_until);
    if (!peer->up)
        return hello;
    if (peer->status_owed || peer->status_wanted || window_is_open(&peer->window) ||
        (peer->leaving && window_is_told(&peer->window)))
        return AT_ONCE;
    int64_t deadline = earlier(hello, earlier(peer->silence_at, peer->stuck_at));
    deadline = earlier(deadline, peer->window.retransmit_at);
    return earlier(deadline, earlier(peer->ack_at, peer->heartbeat_at));
}

void peer_leave(struct peer *peer)
{
    peer->leaving = true;
}

bool peer_is_over(const struct peer *peer)
{
    return peer->leaving && (peer->goodbye_said || !peer->up);
}

bool peer_is_sound(const struct peer *peer)
{
    const struct window *window = &peer->window;
    if (!window_is_sound(window))
        return false;
    if (peer->stuck_at != NEVER && (!peer->up || window_is_told(window)))
        return false;
    return peer->theirs != 0 ||
           (!peer->up && window->ring.kept == window->ring.head && window->in_flight == 0);
}
