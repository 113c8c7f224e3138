/* promises: what does not wait on a link, whose other end declined it (L12), is not kept by what
 * that one acknowledges. */
#include "bus/promises.h"
#include "tests/check.h"

enum { HELD, SKIPPED, SLOTS };

/* Two links, of which the second one acknowledges nothing. */
struct end {
    struct peer peers[2];
    struct promises promises;
    int64_t now_ms;
};

static void open_end(struct end *end)
{
    memset(end, 0, sizeof *end);
    end->now_ms = 1000;
    end->peers[0].theirs = end->peers[1].theirs = 7;
    promises_init(&end->promises, PROMISES_BY_NEIGHBOUR, end->peers, 2);
}

static void close_end(struct end *end)
{
    promises_free(&end->promises);
    for (int i = 0; i < 2; i++)
        window_free(&end->peers[i].window);
}

/* All that waits on the first link is sent there, and acknowledged. */
static void acknowledge(struct end *end)
{
    struct ring *ring = &end->peers[0].window.ring;
    uint32_t slot;
    promises_send(&end->promises, 0, end->now_ms);
    while (ring_peek(ring, &slot))
        ring_take(ring);
    promises_hear(&end->promises, 0, ring->sent, 0);
}

static bool is_kept(struct end *end, uint64_t epoch)
{
    return promises_state(&end->promises, epoch) == PROMISES_KEPT;
}

static uint64_t hold(struct end *end, uint32_t slot)
{
    for (int i = 0; i < 2; i++)
        if (i == 1 || slot != SKIPPED)
            peer_change(&end->peers[i], slot);
    uint64_t epoch = promises_hold(&end->promises, slot, NULL, end->now_ms);
    if (slot == SKIPPED)
        promises_skip(&end->promises, 0);
    return epoch;
}

static void an_ack_keeps_what_waited_there(void)
{
    struct end end;
    open_end(&end);
    uint64_t epoch = hold(&end, HELD);
    acknowledge(&end);
    CHECK(is_kept(&end, epoch));
    close_end(&end);
}

static void an_ack_keeps_nothing_that_did_not(void)
{
    struct end end;
    open_end(&end);
    uint64_t epoch = hold(&end, HELD);
    CHECK_INT(hold(&end, SKIPPED), epoch);
    acknowledge(&end);
    CHECK(!is_kept(&end, epoch));
    close_end(&end);
}

/* Then the epoch that is open has an end there already, that of what was held before. */
static void nor_where_the_link_met_its_process_meanwhile(void)
{
    struct end end;
    open_end(&end);
    uint64_t epoch = hold(&end, HELD);
    ring_fill(&end.peers[0].window.ring, HELD + 1);
    promises_hear(&end.promises, 0, 0, 0);
    CHECK_INT(hold(&end, SKIPPED), epoch);
    acknowledge(&end);
    CHECK(!is_kept(&end, epoch));
    end.now_ms += PROMISES_APART_MS;
    promises_send(&end.promises, 0, end.now_ms); /* it joins what waits there */
    CHECK_INT(ring_due(&end.peers[0].window.ring), SLOTS);
    acknowledge(&end);
    CHECK(is_kept(&end, epoch));
    close_end(&end);
}

static const struct check_case cases[] = {
    {"an ack keeps what waited there", an_ack_keeps_what_waited_there},
    {"an ack keeps nothing that did not", an_ack_keeps_nothing_that_did_not},
    {"nor where the link met its process meanwhile", nor_where_the_link_met_its_process_meanwhile},
};

CHECK_MAIN(cases)
