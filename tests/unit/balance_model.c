/* Long stories of askers and workers, drawn at random, against a model of the asker's side. */
#include "placesd/dispatch/balance.h"

#include "tests/check.h"

#define SEED UINT64_C(77)

/* Small numbers that are the same in every run. */
static uint32_t draw(uint32_t below)
{
    static uint64_t state = 42;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

static void each_job_ends_once(void)
{
    static const char *const names[] = {"A", "B", "C"};
    enum { STEPS = 20000 };
    static uint64_t jobs[STEPS];
    static int64_t deadlines[STEPS];
    static bool ended[STEPS];
    size_t count = 0, ends = 0;
    struct balance *balance = balance_new(SEED);
    int64_t now_ms = 0;
    for (int step = 0; step < STEPS || ends < count; step++) {
        now_ms += draw(20);
        uint32_t what = step < STEPS ? draw(8) : 7;
        if (what < 2) {
            uint32_t deadline_ms = 1 + draw(8000);
            deadlines[count] = now_ms + deadline_ms;
            count += balance_ask(balance, draw(3), deadline_ms, now_ms, &jobs[count]);
            if (count > 0 && draw(4) == 0)
                balance_hasten(balance, jobs[count - 1], draw(3));
        } else if (what < 4) {
            balance_ready(balance, span_of(names[draw(3)]), draw(5), now_ms);
        } else if (what < 6 && count > 0) {
            size_t guess = count - 1 - draw((uint32_t)(count < 20 ? count : 20));
            if (balance_done(balance, span_of(names[draw(3)]), jobs[guess], now_ms)) {
                CHECK(!ended[guess]);
                ended[guess] = true;
                ends++;
            }
        } else if (what == 6 && draw(20) == 0) {
            balance_lose(balance, span_of(names[draw(3)]));
        }
        struct balance_action action;
        while (balance_next(balance, now_ms, &action)) {
            size_t i = count;
            while (action.kind != BALANCE_LEFT && i-- > 0 && jobs[i] != action.job)
                continue;
            if (action.kind == BALANCE_FAIL) {
                CHECK(!ended[i]);
                ended[i] = true;
                ends++;
            }
            if (action.kind == BALANCE_GIVE)
                CHECK(!ended[i] && action.left_ms >= 1 && now_ms + action.left_ms <= deadlines[i]);
        }
        CHECK(balance_deadline_ms(balance) > now_ms);
    }
    CHECK(count > STEPS / 8);
    CHECK_INT(ends, count);
    balance_destroy(&balance);
}

static const struct check_case cases[] = {
    {"whatever happens, each job ends exactly once and in time", each_job_ends_once},
};

CHECK_MAIN(cases)
