/* Who is served next, how much of it, and when the others' turn is. */
#include "gateway/text/turns.h"

#include "tests/check.h"

#define SESSIONS 40

static struct turns turns;
static struct turns_session sessions[SESSIONS];

static const struct turns_budget nothing = {0};
static const struct turns_budget little = {.commands = TURNS_FRONT_COMMANDS_MAX - 1,
                                           .in_bytes = TURNS_FRONT_IN_BYTES_MAX - 1,
                                           .out_bytes = TURNS_FRONT_OUT_BYTES_MAX - 1};
static const struct turns_budget much = {.commands = TURNS_FRONT_COMMANDS_MAX};

static void fresh(void)
{
    turns_init(&turns);
    memset(sessions, 0, sizeof sessions);
    turns_begin(&turns, 0);
}

/* Its number, or -1 for none. */
static int next(void)
{
    if (turns_wants_look(&turns))
        turns_look(&turns, 0);
    struct turns_session *session = turns_next(&turns);
    return session == NULL ? -1 : (int)(session - sessions);
}

static void done(int session, const struct turns_budget *used, bool waits)
{
    turns_done(&turns, &sessions[session], used, waits);
}

/* Waits, is served, and used so much. */
static void serve(int session, const struct turns_budget *used)
{
    turns_wait(&turns, &sessions[session]);
    CHECK_INT(next(), session);
    done(session, used, false);
}

static void nobody_waits_at_first(void)
{
    fresh();
    CHECK_INT(next(), -1);
    CHECK_INT(turns_waiting(&turns), 0);
}

static void they_are_served_in_turn(void)
{
    fresh();
    for (int i = 0; i < 3; i++)
        turns_wait(&turns, &sessions[i]);
    CHECK_INT(turns_waiting(&turns), 3);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next(), i);
    CHECK_INT(next(), -1);
    for (int i = 0; i < 3; i++)
        done(i, &nothing, true);
    CHECK_INT(next(), 0);
}

static void who_waits_waits_once(void)
{
    fresh();
    turns_wait(&turns, &sessions[0]);
    turns_wait(&turns, &sessions[0]);
    CHECK_INT(next(), 0);
    turns_wait(&turns, &sessions[0]); /* taken: turns_done says whether it waits */
    CHECK_INT(next(), -1);
    done(0, &nothing, false);
    CHECK_INT(next(), -1);
}

static void who_used_little_goes_in_front(void)
{
    fresh();
    serve(0, &much);
    serve(1, &little);
    turns_wait(&turns, &sessions[0]);
    turns_wait(&turns, &sessions[1]);
    turns_wait(&turns, &sessions[2]);
    CHECK_INT(next(), 1);
    CHECK_INT(next(), 2);
    CHECK_INT(next(), 0);
}

/* The limit of each part, and one less. */
static void each_part_of_the_budget_counts(void)
{
    static const struct {
        struct turns_budget used;
        bool is_greedy;
    } rows[] = {
        {{0, 0, 0}, false},
        {{TURNS_FRONT_COMMANDS_MAX - 1, 0, 0}, false},
        {{TURNS_FRONT_COMMANDS_MAX, 0, 0}, true},
        {{TURNS_FRONT_COMMANDS_MAX + 1, 0, 0}, true},
        {{0, TURNS_FRONT_IN_BYTES_MAX - 1, 0}, false},
        {{0, TURNS_FRONT_IN_BYTES_MAX, 0}, true},
        {{0, 0, TURNS_FRONT_OUT_BYTES_MAX - 1}, false},
        {{0, 0, TURNS_FRONT_OUT_BYTES_MAX}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fresh();
        serve(0, &rows[i].used);
        turns_wait(&turns, &sessions[0]);
        turns_wait(&turns, &sessions[1]);
        CHECK_INT(next(), rows[i].is_greedy ? 1 : 0);
    }
}

static void one_from_the_back_comes_back_to_the_front(void)
{
    fresh();
    serve(0, &much);
    CHECK(sessions[0].is_greedy);
    serve(0, &little);
    CHECK(!sessions[0].is_greedy);
}

static void those_at_the_back_get_more_at_once(void)
{
    fresh();
    turns_wait(&turns, &sessions[0]);
    CHECK_INT(next(), 0);
    CHECK_INT(turns_budget(&sessions[0])->commands, TURNS_FRONT_COMMANDS_MAX);
    CHECK_INT(turns_budget(&sessions[0])->in_bytes, TURNS_FRONT_IN_BYTES_MAX);
    CHECK_INT(turns_budget(&sessions[0])->out_bytes, TURNS_FRONT_OUT_BYTES_MAX);
    done(0, &much, true);
    CHECK_INT(next(), 0);
    CHECK_INT(turns_budget(&sessions[0])->commands, TURNS_BACK_COMMANDS_MAX);
    CHECK_INT(turns_budget(&sessions[0])->in_bytes, TURNS_BACK_IN_BYTES_MAX);
    CHECK_INT(turns_budget(&sessions[0])->out_bytes, TURNS_BACK_OUT_BYTES_MAX);
}

static void the_front_leaves_the_back_its_turn(void)
{
    fresh();
    for (int i = 0; i < 2; i++)
        serve(i, &much);
    serve(2, &much);
    serve(2, &little);
    for (int i = 0; i < SESSIONS; i++)
        turns_wait(&turns, &sessions[i]);
    /* The one that was in front just now counts, too. */
    for (int run = 0; run < TURNS_FRONT_RUN_MAX; run++)
        CHECK(next() >= 2);
    CHECK_INT(next(), 0);
    for (int run = 0; run < TURNS_FRONT_RUN_MAX; run++)
        CHECK(next() >= 2);
    CHECK_INT(next(), 1);
}

static void the_clock_is_asked_for_when_much_was_done(void)
{
    fresh();
    turns_wait(&turns, &sessions[0]);
    CHECK_INT(next(), 0);
    done(0, &(struct turns_budget){TURNS_LOOK_COST - TURNS_SESSION_COST - 1, 1023, 1023}, true);
    CHECK(!turns_wants_look(&turns));
    fresh();
    turns_wait(&turns, &sessions[0]);
    CHECK_INT(next(), 0);
    done(0, &(struct turns_budget){TURNS_LOOK_COST - TURNS_SESSION_COST, 0, 0}, true);
    CHECK(turns_wants_look(&turns));
    turns_look(&turns, 1);
    CHECK(!turns_wants_look(&turns));
    fresh();
    turns_wait(&turns, &sessions[0]);
    CHECK_INT(next(), 0);
    done(0, &(struct turns_budget){TURNS_LOOK_COST - TURNS_SESSION_COST - 2, 1024, 1024}, true);
    CHECK(turns_wants_look(&turns));
}

static void a_turn_ends_when_its_time_is_up(void)
{
    fresh();
    turns_wait(&turns, &sessions[0]);
    turns_wait(&turns, &sessions[1]);
    turns_begin(&turns, 1000);
    turns_look(&turns, 1000 + TURNS_TURN_NS - 1);
    CHECK_INT(next(), 0);
    turns_look(&turns, 1000 + TURNS_TURN_NS);
    CHECK(turns_next(&turns) == NULL);
    CHECK_INT(turns_waiting(&turns), 1);
    turns_begin(&turns, 1000 + TURNS_TURN_NS);
    CHECK_INT(next(), 1);
    turns_look(&turns, 999); /* the clock was set back */
    turns_wait(&turns, &sessions[2]);
    CHECK(turns_next(&turns) == NULL);
}

static void one_alone_is_served_without_waiting(void)
{
    fresh();
    CHECK(turns_take(&turns, &sessions[0]));
    CHECK(!turns_take(&turns, &sessions[0])); /* taken */
    CHECK(turns_take(&turns, &sessions[1]));
    turns_wait(&turns, &sessions[2]);
    CHECK(!turns_take(&turns, &sessions[2]) && !turns_take(&turns, &sessions[3]));
    CHECK_INT(next(), 2);
    CHECK(turns_take(&turns, &sessions[3]));
    turns_look(&turns, TURNS_TURN_NS);
    CHECK(!turns_take(&turns, &sessions[4]));
    turns_begin(&turns, TURNS_TURN_NS);
    done(3, &(struct turns_budget){.commands = TURNS_LOOK_COST}, false);
    CHECK(!turns_take(&turns, &sessions[4]));
    turns_look(&turns, TURNS_TURN_NS);
    CHECK(turns_take(&turns, &sessions[3]));
    CHECK(sessions[3].has_big_turn && turns_budget(&sessions[3])->commands == 256);
}

static void who_is_gone_is_not_served(void)
{
    fresh();
    for (int i = 0; i < 3; i++)
        turns_wait(&turns, &sessions[i]);
    turns_forget(&turns, &sessions[1]);
    CHECK_INT(turns_waiting(&turns), 2);
    CHECK_INT(next(), 0);
    turns_forget(&turns, &sessions[0]); /* taken */
    turns_forget(&turns, &sessions[5]); /* idle */
    CHECK_INT(next(), 2);
    CHECK_INT(next(), -1);
    CHECK_INT(turns_waiting(&turns), 0);
}

/* ---- against a model that searches ---- */

static uint32_t draw(uint32_t below)
{
    static uint64_t state = 7;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

struct model {
    uint64_t since[SESSIONS]; /* when it came to its queue; 0: it does not wait */
    bool is_taken[SESSIONS], is_greedy[SESSIONS];
    uint64_t steps;
    uint32_t run;
};

static int longest(const struct model *model, bool greedy)
{
    int found = -1;
    for (int i = 0; i < SESSIONS; i++)
        if (model->since[i] != 0 && model->is_greedy[i] == greedy &&
            (found < 0 || model->since[i] < model->since[found]))
            found = i;
    return found;
}

static int model_next(struct model *model)
{
    int front = longest(model, false), back = longest(model, true);
    bool is_back = front < 0 || (back >= 0 && model->run >= TURNS_FRONT_RUN_MAX);
    int taken = is_back ? back : front;
    if (taken < 0)
        return -1;
    model->run = is_back ? 0 : model->run + 1;
    model->since[taken] = 0;
    model->is_taken[taken] = true;
    return taken;
}

static void model_wait(struct model *model, int i)
{
    if (model->since[i] == 0 && !model->is_taken[i])
        model->since[i] = ++model->steps;
}

static void any_order_is_that_of_the_model(void)
{
    struct model model = {0};
    size_t served = 0, taken = 0;
    fresh();
    for (int step = 0; step < 200000; step++) {
        int i = (int)draw(SESSIONS);
        switch (draw(step / 1000 % 2 == 0 ? 6 : 8)) {
        case 0:
            turns_forget(&turns, &sessions[i]);
            model.since[i] = 0;
            model.is_taken[i] = model.is_greedy[i] = false;
            break;
        case 1:
        case 2: {
            int got = next();
            CHECK_INT(got, model_next(&model));
            served += got >= 0;
            break;
        }
        case 3:
        case 4:
            if (model.is_taken[i]) {
                bool greedy = i < SESSIONS / 2 || draw(10) == 0, waits = draw(2) == 0;
                done(i, greedy ? &much : &little, waits);
                model.is_taken[i] = false;
                model.is_greedy[i] = greedy;
                if (waits)
                    model_wait(&model, i);
            }
            break;
        case 5:
            if (turns_waiting(&turns) == 0 && !model.is_taken[i] && !turns_wants_look(&turns)) {
                model_wait(&model, i);
                CHECK(turns_take(&turns, &sessions[i]));
                CHECK_INT(model_next(&model), i);
                CHECK_INT(sessions[i].has_big_turn, model.is_greedy[i]);
                taken++;
                break;
            }
            CHECK(!turns_take(&turns, &sessions[i]));
            break;
        default:
            turns_wait(&turns, &sessions[i]);
            model_wait(&model, i);
            break;
        }
    }
    CHECK(served > 10000 && taken > 100);
}

/* Serves the next one, which takes much unless it is the honest one. True for that. */
static bool serve_next(struct turns_session *honest)
{
    struct turns_session *session = turns_next(&turns);
    turns_done(&turns, session, session == honest ? &little : &much, session != honest);
    turns_look(&turns, 0);
    return session == honest;
}

static void an_honest_one_waits_for_few(void)
{
    enum { GREEDY = 2000 };
    static struct turns_session greedy[GREEDY];
    struct turns_session honest = {0};
    fresh();
    for (int i = 0; i < GREEDY; i++)
        turns_wait(&turns, &greedy[i]);
    for (int i = 0; i < 2 * GREEDY; i++)
        serve_next(&honest);
    int served = 0;
    for (int round = 0; round < 1000; round++) {
        turns_wait(&turns, &honest);
        served += serve_next(&honest) || serve_next(&honest);
        serve_next(&honest);
    }
    CHECK_INT(served, 1000);
}

static const struct check_case cases[] = {
    {"nobody waits at first", nobody_waits_at_first},
    {"those that wait are served in turn, also with several taken at once",
     they_are_served_in_turn},
    {"who waits already, or is taken, does not wait twice", who_waits_waits_once},
    {"who used little is served before who used much, and so is a new connection",
     who_used_little_goes_in_front},
    {"commands, bytes in and bytes out each make greedy at the limit, and not below it",
     each_part_of_the_budget_counts},
    {"one that was greedy is served in front after a turn that took little",
     one_from_the_back_comes_back_to_the_front},
    {"a turn of those at the back is longer", those_at_the_back_get_more_at_once},
    {"sixteen in front leave one from the back its turn", the_front_leaves_the_back_its_turn},
    {"the clock is asked for after much was done, not before",
     the_clock_is_asked_for_when_much_was_done},
    {"a turn is over when its time is up, or the clock was set back, and the rest waits for the "
     "next",
     a_turn_ends_when_its_time_is_up},
    {"one alone is served without waiting, unless the turn is over",
     one_alone_is_served_without_waiting},
    {"who is gone is not served", who_is_gone_is_not_served},
    {"in any story the order is that of a model that searches", any_order_is_that_of_the_model},
    {"beside 2,000 that are greedy an honest one is served at once", an_honest_one_waits_for_few},
};

CHECK_MAIN(cases)
