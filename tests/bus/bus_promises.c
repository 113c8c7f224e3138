/* Answers that are held until a neighbour has what they say, over real sockets. */
#include "bus/promises.h"
#include "tests/bus/herd.h"

/* An acknowledgement that nobody asks for waits so long. */
#define ACK_MS PEER_ACK_MS
#define TRIES  50

static const struct herd_link one_link[] = {{0, 1}};

enum { ALFORD, BALL };

static void init_two(struct herd *herd)
{
    herd_init(herd, 2, one_link, 1);
    herd->promises = PROMISES_BY_NEIGHBOUR;
}

static void start_two(struct herd *herd)
{
    herd_start(herd, ALFORD);
    herd_start(herd, BALL);
    HERD_WAIT(herd, herd_is_linked(herd));
}

/* Alford's client says where it is: the epoch for which its answer is held. */
static uint64_t hold(struct herd *herd, const char *client, int64_t stamp_ns)
{
    herd_say(herd, ALFORD, client, stamp_ns);
    return flood_hold(herd->nodes[ALFORD].flood, span_of(client), loopback_now_ms());
}

static bool is_settled(struct herd *herd, uint64_t epoch)
{
    uint64_t settled;
    return flood_next_settled(herd->nodes[ALFORD].flood, loopback_now_ms(), &settled) &&
           settled == epoch;
}

static enum promises_state promise(const struct herd *herd, uint64_t epoch)
{
    return flood_promise(herd->nodes[ALFORD].flood, epoch);
}

/* The quickest of some, as this machine may be busy with others. */
static void an_answer_does_not_wait_for_an_ack_that_goes_alone(void)
{
    struct herd herd;
    int64_t least_ms = INT64_MAX;
    init_two(&herd);
    start_two(&herd);
    for (int64_t i = 0; i < TRIES; i++) {
        int64_t start_ms = loopback_now_ms();
        uint64_t epoch = hold(&herd, "kiwi", 1000 + i);
        HERD_WAIT(&herd, is_settled(&herd, epoch));
        CHECK(promise(&herd, epoch) == PROMISES_KEPT);
        int64_t took_ms = loopback_now_ms() - start_ms;
        least_ms = took_ms < least_ms ? took_ms : least_ms;
    }
    CHECK(least_ms < ACK_MS / 2);
    CHECK(herd_is_sound(&herd));
    herd_end(&herd);
}

static void check_broken(struct herd *herd, uint64_t epoch, int64_t start_ms)
{
    HERD_WAIT(herd, is_settled(herd, epoch));
    CHECK(promise(herd, epoch) == PROMISES_BROKEN);
    CHECK(loopback_now_ms() - start_ms >= PROMISES_PATIENCE_MS);
}

static void a_neighbour_that_refuses_is_none(void)
{
    struct herd herd;
    init_two(&herd);
    herd.nodes[BALL].clients_max = 1;
    start_two(&herd);
    herd_say(&herd, ALFORD, "a", 1);
    herd_say(&herd, ALFORD, "b", 1);
    HERD_WAIT(&herd, flood_clients(herd.nodes[BALL].flood) == 2);
    int64_t start_ms = loopback_now_ms();
    uint64_t epoch = hold(&herd, "c", 1);
    check_broken(&herd, epoch, start_ms);
    CHECK_INT(flood_count(herd.nodes[BALL].flood)->locations_refused, 1);
    herd_end(&herd);
}

static void an_observer_is_none(void)
{
    struct herd herd;
    init_two(&herd);
    herd.topology_count = 1;
    start_two(&herd);
    int64_t start_ms = loopback_now_ms();
    uint64_t epoch = hold(&herd, "kiwi", 1);
    check_broken(&herd, epoch, start_ms);
    CHECK_INT(flood_clients(herd.nodes[BALL].flood), 1);
    herd_end(&herd);
}

static void a_neighbour_that_dies_keeps_nothing_and_its_next_life_does(void)
{
    struct herd herd;
    init_two(&herd);
    start_two(&herd);
    herd_kill(&herd, BALL);
    int64_t start_ms = loopback_now_ms();
    uint64_t epoch = hold(&herd, "kiwi", 1);
    check_broken(&herd, epoch, start_ms);
    epoch = hold(&herd, "kiwi", 2);
    herd_start(&herd, BALL);
    HERD_WAIT(&herd, is_settled(&herd, epoch));
    CHECK(promise(&herd, epoch) == PROMISES_KEPT);
    HERD_WAIT(&herd, herd_agrees(&herd, 1));
    herd_end(&herd);
}

static const struct check_case cases[] = {
    {"an answer does not wait for an ack that goes alone",
     an_answer_does_not_wait_for_an_ack_that_goes_alone},
    {"a neighbour that refuses is none", a_neighbour_that_refuses_is_none},
    {"an observer is none", an_observer_is_none},
    {"a neighbour that dies keeps nothing, and its next life does",
     a_neighbour_that_dies_keeps_nothing_and_its_next_life_does},
};

CHECK_MAIN(cases)
