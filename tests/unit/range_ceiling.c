/* What is settled where ceilings move: C4. */
#include "tests/unit/range_end.h"

static struct end ada;
static struct letter letter;

static bool is_settled(const struct end *end, uint32_t range)
{
    return range_check_is_settled(&end->check, range);
}

static void ceilings_that_differ_settle_nothing(void)
{
    open_end(&ada);
    ada.cut.ceiling_ns = INT64_C(1700000000000000000);
    settle_all(&ada);
    const struct wire_cut ours = cut_of(&ada);
    static const int64_t rows[] = {RANGE_CHECK_CEILING_NS_MAX, RANGE_CHECK_CEILING_NS_MAX + 1};
    for (size_t i = 0; i < 2; i++) {
        uint32_t big = htobe32(1);
        memcpy(letter.bin, &big, sizeof big);
        letter.message = (struct wire_message){
            .type = WIRE_CHECK, .cut = ada.cut, .level = 16, .first = 7, .bin = {letter.bin, 4}};
        letter.message.cut.ceiling_ns -= rows[i];
        range_check_receive(&ada.check, &letter.message, 0, &ours, ada.now_ms);
        CHECK_INT(ada.check.settled_count, i == 0 ? RANGE_COUNT : 0);
    }
    letter.message.cut.ceiling_ns = INT64_MIN; /* nor does what cannot be reckoned with */
    range_check_receive(&ada.check, &letter.message, 0, &ours, ada.now_ms);
    CHECK_INT(ada.check.settled_count, 0);
    close_end(&ada);
}

static void a_clock_that_jumps_clears_all(void)
{
    static const struct {
        int64_t ceiling_ns, floor_ns;
        bool clears;
    } rows[] = {
        {2000000000, 0, false}, {4000000001, 0, true}, {4000000001, -2000000000, false},
        {4000000001, 1, true},  {INT64_MAX, 1, true},  {INT64_MAX, INT64_MIN, true},
    };
    open_end(&ada);
    range_list_set_times(&ada.list, ada.now_ms * 1000000, ada.now_ms * 1000000, ada.now_ms);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        settle_all(&ada);
        ada.now_ms += 100; /* time itself is no jump */
        int64_t now_ns = ada.now_ms * 1000000;
        bool no_ceiling = rows[i].ceiling_ns == INT64_MAX, no_floor = rows[i].floor_ns == INT64_MIN;
        range_list_set_times(&ada.list, no_ceiling ? INT64_MAX : now_ns + rows[i].ceiling_ns,
                             no_floor ? INT64_MIN : now_ns + rows[i].floor_ns, ada.now_ms);
        ada.count.digest_faults = 0;
        give_check(&ada, 7, 99);
        CHECK_INT(ada.count.digest_faults, !rows[i].clears);
        CHECK_INT(ada.check.settled_count, rows[i].clears ? 0 : RANGE_COUNT - 1);
        give_check(&ada, 7, 1);
    }
    close_end(&ada);
}

/* The own ceiling is so far from where the tests begin. */
static void move_ceiling(struct end *end, int64_t by_ns)
{
    int64_t now_ns = end->now_ms * 1000000;
    range_list_set_times(&end->list, now_ns + by_ns, now_ns, end->now_ms);
}

/* Theirs is too far from ours. */
static void disagree(struct end *end)
{
    int64_t ceiling_ns = end->cut.ceiling_ns;
    const struct wire_cut ours = cut_of(end);
    letter.message = (struct wire_message){.type = WIRE_HEARTBEAT, .cut = end->cut};
    letter.message.cut.ceiling_ns = ceiling_ns - RANGE_CHECK_CEILING_NS_MAX - 1;
    range_check_receive(&end->check, &letter.message, end->received, &ours, end->now_ms);
}

/* Of two locations of a client the own ceiling made us take theirs, and the one of ours is on its
 * way: by another ceiling they will take that, after they have said that they hold what we do. */
static void what_a_former_ceiling_decided_settles_when_all_that_was_told_is_there(void)
{
    enum way { JUMPS, JUMPS_WHILE_DOWN, DIFFERS };
    for (enum way way = JUMPS; way <= DIFFERS; way++) {
        open_end(&ada);
        move_ceiling(&ada, 0);
        settle_all(&ada);
        ring_push(&ada.window.ring, put(&ada, 7, 1, 1));
        announce(&ada);
        ring_forget(&ada.window.ring, 0);
        if (way == JUMPS_WHILE_DOWN)
            range_check_close(&ada.check);
        if (way == DIFFERS)
            disagree(&ada);
        else
            move_ceiling(&ada, RANGE_CHECK_CEILING_NS_MAX + 1);
        if (way == JUMPS_WHILE_DOWN)
            range_check_open(&ada.check, false, false, ada.now_ms);
        give_check(&ada, 7, digest_at(&ada, 16, 7));
        CHECK(!is_settled(&ada, 7));
        give_check(&ada, 7, 99);
        CHECK_INT(ada.count.digest_faults, 0);
        window_confirm(&ada.window, 1, ada.now_ms);
        ring_push(&ada.window.ring, 0); /* what is told by the new one is no such thing */
        announce(&ada);
        give_check(&ada, 7, digest_at(&ada, 16, 7));
        CHECK(is_settled(&ada, 7));
        close_end(&ada);
    }
}

static const struct check_case cases[] = {
    {"ceilings that differ settle nothing", ceilings_that_differ_settle_nothing},
    {"a clock that jumps clears all", a_clock_that_jumps_clears_all},
    {"what a former ceiling decided settles when all that was told is there",
     what_a_former_ceiling_decided_settles_when_all_that_was_told_is_there},
};

CHECK_MAIN(cases)
