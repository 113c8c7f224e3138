#include "gateway/text/handshakes.h"

#include <assert.h>

#include "gateway/text/client_limits.h"

#define NS_PER_MS           INT64_C(1000000)
#define OWNER(node, member) LIST_OWNER(node, struct handshakes_connection, member)

void handshakes_init(struct handshakes *handshakes, const struct address_shares *shares,
                     size_t connections_max)
{
    *handshakes = (struct handshakes){.shares = shares};
    crowd_init(&handshakes->crowd, connections_max);
    list_init(&handshakes->under_way);
    list_init(&handshakes->waiting);
    list_init(&handshakes->silent);
}

void handshakes_limit(struct handshakes *handshakes, size_t connections_max)
{
    crowd_limit(&handshakes->crowd, connections_max);
}

/* ---- what an address may have done ---- */

/* In how many milliseconds an address may have so much work done. */
static int64_t price_ms(int64_t work_ns)
{
    return work_ns * 100 / HANDSHAKES_ADDRESS_PERCENT / NS_PER_MS;
}

/* Work moves the moment until which all is paid for. */
static void pay(struct address_share *share, struct handshakes_connection *handshake,
                int64_t work_ns, int64_t now_ms)
{
    int64_t paid_ms = share->handshakes_paid_ms > now_ms ? share->handshakes_paid_ms : now_ms;
    share->handshakes_paid_ms = paid_ms + price_ms(work_ns) - handshake->paid_ms;
    handshake->paid_ms = price_ms(work_ns);
}

/* That moment may lie so far ahead as a burst costs. */
static bool may_pay(const struct address_share *share, int64_t now_ms)
{
    return share->handshakes_paid_ms - now_ms <=
           (HANDSHAKES_ADDRESS_BURST - 1) * price_ms(HANDSHAKES_WORK_MIN_NS);
}

void handshakes_charge(const struct handshakes *handshakes, struct handshakes_connection *handshake,
                       int64_t work_ns, int64_t now_ms)
{
    handshake->work_ns += work_ns;
    if (!address_shares_is_trusted(handshakes->shares, handshake->share) &&
        price_ms(handshake->work_ns) > handshake->paid_ms)
        pay(handshake->share, handshake, handshake->work_ns, now_ms);
}

/* ---- who may begin ---- */

static enum handshakes_verdict judge_address(const struct handshakes *handshakes,
                                             const struct address_share *share, int64_t now_ms)
{
    size_t percent = network_address_is_loopback(&share->address) ? CLIENT_LIMITS_LOOPBACK_PERCENT
                                                                  : CLIENT_LIMITS_ADDRESS_PERCENT;
    if (share->handshakes >= HANDSHAKES_ADDRESS_MAX ||
        share->secured * 100 >= handshakes->crowd.places * percent)
        return HANDSHAKES_ADDRESS_FULL;
    return may_pay(share, now_ms) ? HANDSHAKES_ADMITTED : HANDSHAKES_TOO_FAST;
}

/* Where all places in TLS are taken: as client_limits_yield. */
static struct handshakes_connection *yield_place(const struct handshakes *handshakes,
                                                 const struct address_share *share)
{
    struct crowd_member *place = crowd_first_unheard(&handshakes->crowd);
    struct handshakes_connection *longest = place == NULL ? NULL : OWNER(place, place);
    return longest != NULL && longest->share->secured / 2 > share->secured ? longest : NULL;
}

/* One that ends its handshake leaves its place as well. */
static enum handshakes_verdict make_room(const struct handshakes *handshakes,
                                         const struct address_share *share,
                                         struct handshakes_connection **gives_way)
{
    if (handshakes->under_way_count >= HANDSHAKES_MAX) {
        struct list_node *silent = list_first(&handshakes->silent);
        *gives_way = silent == NULL ? NULL : OWNER(silent, turn);
    } else if (crowd_is_full(&handshakes->crowd)) {
        *gives_way = yield_place(handshakes, share);
    } else {
        return HANDSHAKES_ADMITTED;
    }
    return *gives_way != NULL ? HANDSHAKES_ADMITTED : HANDSHAKES_FULL;
}

enum handshakes_verdict handshakes_admit(struct handshakes *handshakes,
                                         struct handshakes_connection *handshake,
                                         struct address_share *share, int64_t now_ms,
                                         struct handshakes_connection **gives_way)
{
    bool is_trusted = address_shares_is_trusted(handshakes->shares, share);
    enum handshakes_verdict verdict =
        is_trusted ? HANDSHAKES_ADMITTED : judge_address(handshakes, share, now_ms);
    *gives_way = NULL;
    if (verdict == HANDSHAKES_ADMITTED)
        verdict = make_room(handshakes, share, gives_way);
    if (verdict != HANDSHAKES_ADMITTED) {
        handshakes->count.refused[verdict]++;
        return verdict;
    }
    *handshake =
        (struct handshakes_connection){.share = share, .begun_ms = now_ms, .is_under_way = true};
    if (!is_trusted)
        pay(share, handshake, HANDSHAKES_WORK_MIN_NS, now_ms);
    crowd_join(&handshakes->crowd, &handshake->place, now_ms);
    list_append(&handshakes->under_way, &handshake->age);
    list_append(&handshakes->silent, &handshake->turn);
    handshakes->under_way_count++;
    share->handshakes++;
    share->secured++;
    return HANDSHAKES_ADMITTED;
}

/* ---- those under way ---- */

void handshakes_wait(struct handshakes *handshakes, struct handshakes_connection *handshake)
{
    assert(handshake->is_under_way);
    if (handshake->has_bytes)
        return;
    handshake->has_bytes = true;
    list_remove(&handshake->turn);
    list_append(&handshakes->waiting, &handshake->turn);
}

bool handshakes_are_waiting(const struct handshakes *handshakes)
{
    return !list_is_empty(&handshakes->waiting);
}

struct handshakes_connection *handshakes_next(struct handshakes *handshakes)
{
    struct list_node *first = list_first(&handshakes->waiting);
    if (first == NULL)
        return NULL;
    struct handshakes_connection *next = OWNER(first, turn);
    next->has_bytes = false;
    list_remove(first);
    list_append(&handshakes->silent, first);
    return next;
}

static void end(struct handshakes *handshakes, struct handshakes_connection *handshake)
{
    assert(handshake->is_under_way);
    handshake->is_under_way = false;
    list_remove(&handshake->age);
    list_remove(&handshake->turn);
    handshakes->under_way_count--;
    handshake->share->handshakes--;
}

void handshakes_end_done(struct handshakes *handshakes, struct handshakes_connection *handshake,
                         bool is_resumed)
{
    end(handshakes, handshake);
    handshakes->count.done++;
    handshakes->count.resumed += is_resumed;
}

void handshakes_end_failed(struct handshakes *handshakes, struct handshakes_connection *handshake,
                           enum handshakes_failure why)
{
    end(handshakes, handshake);
    handshakes->count.failed[why]++;
}

struct handshakes_connection *handshakes_next_late(const struct handshakes *handshakes,
                                                   int64_t now_ms)
{
    struct list_node *first = list_first(&handshakes->under_way);
    struct handshakes_connection *oldest = first == NULL ? NULL : OWNER(first, age);
    return oldest != NULL && now_ms - oldest->begun_ms >= HANDSHAKES_LATE_MS ? oldest : NULL;
}

void handshakes_leave(struct handshakes *handshakes, struct handshakes_connection *handshake)
{
    if (handshake->is_under_way)
        handshakes_end_failed(handshakes, handshake, HANDSHAKES_LEFT);
    crowd_leave(&handshakes->crowd, &handshake->place);
    handshake->share->secured--;
}

/* ---- those that are silent ---- */

void handshakes_follow(struct handshakes *handshakes, struct handshakes_connection *handshake,
                       bool is_active, bool has_finished, bool has_watches, int64_t now_ms)
{
    struct crowd_member *place = &handshake->place;
    if (is_active && crowd_wants_touch(place, now_ms))
        crowd_touch(&handshakes->crowd, place, handshake->is_heard, now_ms);
    crowd_follow(&handshakes->crowd, place, &handshake->is_heard, has_finished, has_watches,
                 now_ms);
}

struct handshakes_connection *handshakes_next_silent(const struct handshakes *handshakes,
                                                     int64_t now_ms)
{
    struct crowd_member *place = crowd_next_silent(&handshakes->crowd, now_ms);
    return place == NULL ? NULL : OWNER(place, place);
}

/* ---- for people ---- */

const char *handshakes_say(enum handshakes_failure why)
{
    static const char *const words[] = {
        [HANDSHAKES_LATE] = "the handshake took too long",
        [HANDSHAKES_SILENT] = "it was silent, and too many begin or are open",
        [HANDSHAKES_LEFT] = "closed by the client during the handshake",
        [HANDSHAKES_NOT_TLS] = "what came is no TLS",
        [HANDSHAKES_NOTHING_SHARED] = "no version, cipher or group in common",
        [HANDSHAKES_NO_CERTIFICATE] = "no good certificate of the client",
        [HANDSHAKES_OTHER] = "the handshake failed",
    };
    return words[why];
}

const char *handshakes_say_refused(enum handshakes_verdict verdict)
{
    static const char *const words[] = {
        [HANDSHAKES_ADMITTED] = "",
        [HANDSHAKES_FULL] = "connections in TLS refused: too many are open or begin",
        [HANDSHAKES_ADDRESS_FULL] = "connections in TLS refused: too many of their address",
        [HANDSHAKES_TOO_FAST] =
            "connections in TLS refused: their address begins too many a second",
    };
    return words[verdict];
}
