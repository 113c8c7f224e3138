#include "gateway/text/handshakes.h"

#include <assert.h>

#include "gateway/text/client_limits.h"

#define SECOND_MS 1000
#define COST_MS   (SECOND_MS / HANDSHAKES_ADDRESS_PER_S)

void handshakes_init(struct handshakes *handshakes, const struct address_shares *shares,
                     size_t connections_max)
{
    assert(connections_max >= 1);
    *handshakes = (struct handshakes){.shares = shares, .connections_max = connections_max};
    list_init(&handshakes->under_way);
    list_init(&handshakes->waiting);
}

void handshakes_limit(struct handshakes *handshakes, size_t connections_max)
{
    assert(connections_max >= 1);
    handshakes->connections_max = connections_max;
}

/* Each begun one moves the moment until which all are paid for; that may lie so far ahead as a
 * burst costs. */
static bool pay(struct address_share *share, int64_t now_ms)
{
    int64_t paid_ms = share->handshakes_paid_ms > now_ms ? share->handshakes_paid_ms : now_ms;
    if (paid_ms - now_ms > (HANDSHAKES_ADDRESS_BURST - 1) * COST_MS)
        return false;
    share->handshakes_paid_ms = paid_ms + COST_MS;
    return true;
}

static enum handshakes_verdict judge(const struct handshakes *handshakes,
                                     struct address_share *share, int64_t now_ms)
{
    size_t percent = network_address_is_loopback(&share->address) ? CLIENT_LIMITS_LOOPBACK_PERCENT
                                                                  : CLIENT_LIMITS_ADDRESS_PERCENT;
    if (!address_shares_is_trusted(handshakes->shares, share)) {
        if (share->handshakes >= HANDSHAKES_ADDRESS_MAX ||
            share->secured * 100 >= handshakes->connections_max * percent)
            return HANDSHAKES_ADDRESS_FULL;
        if (!pay(share, now_ms))
            return HANDSHAKES_TOO_FAST;
    }
    if (handshakes->under_way_count >= HANDSHAKES_MAX ||
        handshakes->connections >= handshakes->connections_max)
        return HANDSHAKES_FULL;
    return HANDSHAKES_ADMITTED;
}

enum handshakes_verdict handshakes_admit(struct handshakes *handshakes,
                                         struct handshakes_connection *handshake,
                                         struct address_share *share, int64_t now_ms)
{
    enum handshakes_verdict verdict = judge(handshakes, share, now_ms);
    if (verdict != HANDSHAKES_ADMITTED) {
        handshakes->count.refused[verdict]++;
        return verdict;
    }
    *handshake =
        (struct handshakes_connection){.share = share, .begun_ms = now_ms, .is_under_way = true};
    list_append(&handshakes->under_way, &handshake->age);
    handshakes->under_way_count++;
    handshakes->connections++;
    share->handshakes++;
    share->secured++;
    return HANDSHAKES_ADMITTED;
}

void handshakes_wait(struct handshakes *handshakes, struct handshakes_connection *handshake)
{
    assert(handshake->is_under_way);
    if (!list_holds(&handshake->waits))
        list_append(&handshakes->waiting, &handshake->waits);
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
    list_remove(first);
    return LIST_OWNER(first, struct handshakes_connection, waits);
}

static void end(struct handshakes *handshakes, struct handshakes_connection *handshake)
{
    assert(handshake->is_under_way);
    handshake->is_under_way = false;
    list_remove(&handshake->age);
    if (list_holds(&handshake->waits))
        list_remove(&handshake->waits);
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
    struct handshakes_connection *oldest =
        first == NULL ? NULL : LIST_OWNER(first, struct handshakes_connection, age);
    return oldest != NULL && now_ms - oldest->begun_ms >= HANDSHAKES_LATE_MS ? oldest : NULL;
}

void handshakes_leave(struct handshakes *handshakes, struct handshakes_connection *handshake)
{
    if (handshake->is_under_way)
        handshakes_end_failed(handshakes, handshake, HANDSHAKES_LEFT);
    handshakes->connections--;
    handshake->share->secured--;
}

const char *handshakes_say(enum handshakes_failure why)
{
    static const char *const words[] = {
        [HANDSHAKES_LATE] = "the handshake took too long",
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
