#include "placesd/dispatch/balance.h"

#include "tests/check.h"

#define SEED UINT64_C(77)

/* Asked first, it says the same and changes nothing. */
static bool done(struct balance *balance, struct span worker, uint64_t job, int64_t now_ms)
{
    bool expected = balance_expects(balance, worker, job);
    bool is_done = balance_done(balance, worker, job, now_ms);
    CHECK_INT(expected, is_done);
    return is_done;
}

/* The next action as a word: "give 1 to A in 900", "fail 1 late", "left A", "-". Jobs are named
 * by the order in which they were asked. */
static uint64_t asked[BALANCE_JOBS_MAX * 2];
static size_t asked_count;

static struct balance *start(void)
{
    asked_count = 0;
    return balance_new(SEED);
}

static bool ask_as(struct balance *balance, uint32_t asker, uint32_t deadline_ms, int64_t now_ms)
{
    uint32_t margin_ms = deadline_ms / 10 < 100 ? deadline_ms / 10 : 100;
    bool taken = balance_ask(balance, asker, deadline_ms - margin_ms, now_ms, &asked[asked_count]);
    asked_count += taken;
    return taken;
}

static bool ask(struct balance *balance, uint32_t deadline_ms, int64_t now_ms)
{
    return ask_as(balance, 3, deadline_ms, now_ms);
}

static size_t index_of(uint64_t job)
{
    for (size_t i = asked_count; i-- > 0;)
        if (asked[i] == job)
            return i;
    return SIZE_MAX;
}

static const char *next(struct balance *balance, int64_t now_ms)
{
    static char word[BALANCE_NAME_BYTES_MAX + 64];
    struct balance_action action;
    do {
        if (!balance_next(balance, now_ms, &action))
            return "-";
    } while (action.kind == BALANCE_PROBE); /* they have a case of their own */
    if (action.kind == BALANCE_GIVE)
        snprintf(word, sizeof word, "give %zu to %.*s in %u", index_of(action.job),
                 (int)action.worker.len, action.worker.data, action.left_ms);
    else if (action.kind == BALANCE_FAIL)
        snprintf(word, sizeof word, "fail %zu %s", index_of(action.job),
                 action.code == LOOKUP_TIMEOUT ? "late" : "unavailable");
    else
        snprintf(word, sizeof word, "left %.*s", (int)action.worker.len, action.worker.data);
    return word;
}

#define EXPECT(balance, now_ms, wanted)                                                            \
    do {                                                                                           \
        const char *expect_got = next((balance), (now_ms));                                        \
        CHECK_BYTES(expect_got, strlen(expect_got), (wanted), strlen(wanted));                     \
    } while (0)

static void gives_in_order(void)
{
    struct balance *balance = start();
    EXPECT(balance, 0, "-");
    CHECK(ask(balance, 1000, 0));
    CHECK(ask(balance, 1000, 1));
    EXPECT(balance, 2, "-");
    CHECK_INT(balance_ready(balance, span_of("A"), 1, 2), BALANCE_JOINED);
    EXPECT(balance, 2, "give 0 to A in 898");
    EXPECT(balance, 2, "-");
    CHECK(done(balance, span_of("A"), asked[0], 3));
    EXPECT(balance, 3, "give 1 to A in 898");
    EXPECT(balance, 3, "-");
    balance_destroy(&balance);
    CHECK(balance == NULL);
    balance_destroy(&balance);
}

static void gives_to_least_loaded(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 3, 0);
    balance_ready(balance, span_of("B"), 2, 0);
    balance_ready(balance, span_of("C"), 0, 0);
    for (int i = 0; i < 6; i++)
        ask(balance, 1000, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    EXPECT(balance, 0, "give 1 to B in 900");
    EXPECT(balance, 0, "give 2 to A in 900");
    EXPECT(balance, 0, "give 3 to B in 900");
    EXPECT(balance, 0, "give 4 to A in 900");
    EXPECT(balance, 0, "-");
    CHECK(done(balance, span_of("B"), asked[3], 0));
    CHECK(done(balance, span_of("B"), asked[1], 0));
    CHECK(done(balance, span_of("A"), asked[0], 0));
    EXPECT(balance, 0, "give 5 to B in 900");
    balance_destroy(&balance);
}

static void takes_turns(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 9, 0);
    balance_ready(balance, span_of("B"), 9, 0);
    static const char *const wanted[] = {"give 0 to A in 900", "give 1 to B in 900",
                                         "give 2 to A in 900", "give 3 to B in 900"};
    for (size_t i = 0; i < 4; i++) {
        ask(balance, 1000, 0);
        EXPECT(balance, 0, wanted[i]);
        CHECK(done(balance, span_of(i % 2 == 0 ? "A" : "B"), asked[i], 0));
    }
    balance_destroy(&balance);
}

static void answers_once(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 4, 0);
    balance_ready(balance, span_of("B"), 4, 0);
    ask(balance, 1000, 0);
    CHECK(!done(balance, span_of("A"), asked[0], 0)); /* not given yet */
    EXPECT(balance, 0, "give 0 to A in 900");
    CHECK(!done(balance, span_of("B"), asked[0], 0)); /* not B's */
    CHECK(!done(balance, span_of("Z"), asked[0], 0)); /* no worker */
    CHECK(!done(balance, span_of("A"), asked[0] + BALANCE_JOBS_MAX, 0));
    CHECK(!done(balance, span_of("A"), asked[0] - BALANCE_JOBS_MAX, 0));
    CHECK(done(balance, span_of("A"), asked[0], 0));
    CHECK(!done(balance, span_of("A"), asked[0], 0)); /* said already */
    EXPECT(balance, 5000, "left A");
    EXPECT(balance, 5000, "left B");
    EXPECT(balance, 5000, "-");
    balance_destroy(&balance);
}

static void numbers_are_never_reused(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 1, 0);
    uint64_t first = 0;
    for (int i = 0; i < 2 * BALANCE_JOBS_MAX; i++) {
        uint64_t job;
        CHECK(balance_ask(balance, 0, 1000, 0, &job));
        CHECK(balance_slot(job) < BALANCE_JOBS_MAX);
        if (i == 0)
            first = job;
        else
            CHECK(job != first);
        struct balance_action action;
        CHECK(balance_next(balance, 0, &action) && action.kind == BALANCE_GIVE);
        CHECK_INT(action.job, job);
        CHECK(i == 0 || !done(balance, span_of("A"), first, 0));
        CHECK(done(balance, span_of("A"), job, 0));
    }
    balance_destroy(&balance);
    balance = balance_new(SEED + 1);
    uint64_t other;
    CHECK(balance_ask(balance, 0, 1000, 0, &other));
    CHECK(other != first);
    balance_destroy(&balance);
}

static void deadlines_hold(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 1, 0);
    ask(balance, 1000, 0);
    ask(balance, 2000, 0);
    ask(balance, 500, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    CHECK_INT(balance_deadline_ms(balance), 450);
    EXPECT(balance, 449, "-");
    EXPECT(balance, 450, "fail 2 late");
    CHECK_INT(balance_deadline_ms(balance), BALANCE_QUIET_MS);
    EXPECT(balance, 899, "-");
    EXPECT(balance, 900, "fail 0 late");
    EXPECT(balance, 900, "-"); /* A has not got its credit back */
    CHECK(!done(balance, span_of("A"), asked[0], 950));
    EXPECT(balance, 950, "give 1 to A in 950");
    CHECK(done(balance, span_of("A"), asked[1], 1000));
    EXPECT(balance, 1000, "-");
    CHECK_INT(balance_deadline_ms(balance), 1000 + BALANCE_QUIET_MS);
    EXPECT(balance, 1900, "-");
    CHECK_INT(balance_deadline_ms(balance), 1900 + BALANCE_QUIET_MS);
    balance_destroy(&balance);
}

static void shortest_deadlines_end(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 2, 0);
    ask(balance, 1, 10);
    EXPECT(balance, 10, "give 0 to A in 1");
    EXPECT(balance, 11, "fail 0 late");
    ask(balance, LOOKUP_DEADLINE_MS_MAX, 20);
    EXPECT(balance, 20, "give 1 to A in 59900");
    balance_destroy(&balance);
}

static void done_before_its_failure_is_pulled(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 1, 0);
    ask(balance, 1000, 0);
    ask(balance, 1000, 0);
    ask(balance, 3000, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    EXPECT(balance, 900, "fail 0 late"); /* and job 1 has failed too, not pulled yet */
    CHECK(!done(balance, span_of("A"), asked[0], 900));
    CHECK(!done(balance, span_of("A"), asked[1], 900));
    EXPECT(balance, 900, "fail 1 late");
    EXPECT(balance, 900, "give 2 to A in 2000");
    balance_stop(balance);
    CHECK(!done(balance, span_of("A"), asked[2], 900)); /* failed, not pulled */
    EXPECT(balance, 900, "fail 2 unavailable");
    CHECK(ask(balance, 1000, 900));
    EXPECT(balance, 900, "give 3 to A in 900");
    EXPECT(balance, 900, "-");
    balance_destroy(&balance);
}

static void without_workers_unavailable(void)
{
    struct balance *balance = start();
    ask(balance, 1000, 0);
    EXPECT(balance, 899, "-");
    EXPECT(balance, 900, "fail 0 unavailable");
    EXPECT(balance, 900, "-");
    CHECK_INT(balance_deadline_ms(balance), INT64_MAX);
    balance_destroy(&balance);
}

static void silence_gives_jobs_to_another_once(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 2, 0);
    ask(balance, 20000, 0);
    ask(balance, 20000, 0);
    EXPECT(balance, 0, "give 0 to A in 19900");
    EXPECT(balance, 0, "give 1 to A in 19900");
    ask(balance, 20000, 0);
    balance_ready(balance, span_of("B"), 9, 2000);
    EXPECT(balance, 2000, "give 2 to B in 17900");
    CHECK_INT(balance_deadline_ms(balance), 2000 + BALANCE_QUIET_MS);
    EXPECT(balance, 2999, "-");
    EXPECT(balance, 3000, "left A");
    EXPECT(balance, 3000, "give 0 to B in 16900");
    EXPECT(balance, 3000, "give 1 to B in 16900");
    CHECK(!done(balance, span_of("A"), asked[0], 3001)); /* too late, A is dropped */
    CHECK(done(balance, span_of("B"), asked[0], 3002));
    EXPECT(balance, 6002, "left B");
    EXPECT(balance, 6002, "fail 1 unavailable"); /* its second worker */
    EXPECT(balance, 6002, "-");                  /* job 2 may wait for another */
    balance_ready(balance, span_of("A"), 9, 6003);
    EXPECT(balance, 6003, "give 2 to A in 13897");
    CHECK(done(balance, span_of("A"), asked[2], 6004));
    balance_destroy(&balance);
}

static void heartbeats_and_answers_keep_alive(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 1, 0);
    CHECK_INT(balance_ready(balance, span_of("A"), 1, 2999), BALANCE_KNOWN);
    ask(balance, 10000, 2999);
    EXPECT(balance, 5998, "give 0 to A in 6901");
    CHECK(done(balance, span_of("A"), asked[0], 5998));
    EXPECT(balance, 8997, "-");
    EXPECT(balance, 8998, "left A");
    CHECK_INT(balance_ready(balance, span_of("A"), 1, 8999), BALANCE_JOINED);
    balance_destroy(&balance);
}

static void quiet_workers_are_probed(void)
{
    struct balance *balance = start();
    struct balance_action action;
    balance_ready(balance, span_of("A"), 1, 0);
    balance_ready(balance, span_of("B"), 1, 1);
    CHECK_INT(balance_deadline_ms(balance), BALANCE_QUIET_MS);
    CHECK(!balance_next(balance, BALANCE_QUIET_MS - 1, &action));
    CHECK(balance_next(balance, BALANCE_QUIET_MS, &action));
    CHECK_INT(action.kind, BALANCE_PROBE);
    CHECK(span_equals(action.worker, span_of("A")));
    CHECK(!balance_next(balance, BALANCE_QUIET_MS, &action));
    CHECK_INT(balance_deadline_ms(balance), BALANCE_QUIET_MS + 1);
    balance_ready(balance, span_of("B"), 1, BALANCE_QUIET_MS + 9);
    CHECK(!balance_next(balance, 2 * BALANCE_QUIET_MS - 1, &action));
    CHECK(balance_next(balance, 2 * BALANCE_QUIET_MS, &action)); /* still quiet */
    CHECK(span_equals(action.worker, span_of("A")));
    balance_ready(balance, span_of("A"), 1, 2 * BALANCE_QUIET_MS + 9);
    CHECK(balance_next(balance, 2 * BALANCE_QUIET_MS + 9, &action));
    CHECK(span_equals(action.worker, span_of("B")));
    CHECK(!balance_next(balance, 3 * BALANCE_QUIET_MS + 8, &action));
    balance_destroy(&balance);
}

static void a_job_given_again_says_so(void)
{
    struct balance *balance = start();
    struct balance_action action;
    balance_ready(balance, span_of("A"), 1, 0);
    ask(balance, 1000, 0);
    CHECK(balance_next(balance, 0, &action) && !action.again);
    balance_lose(balance, span_of("A"));
    balance_ready(balance, span_of("B"), 1, 0);
    EXPECT(balance, 0, "left A");
    CHECK(balance_next(balance, 0, &action) && action.kind == BALANCE_GIVE && action.again);
    balance_destroy(&balance);
}

static void lost_connections_give_back(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 4, 0);
    ask(balance, 1000, 0);
    ask(balance, 1000, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    EXPECT(balance, 0, "give 1 to A in 900");
    balance_lose(balance, span_of("Z"));
    balance_lose(balance, span_of("A"));
    balance_lose(balance, span_of("A"));
    CHECK_INT(balance_ready(balance, span_of("A"), 1, 1), BALANCE_JOINED);
    EXPECT(balance, 1, "left A");
    EXPECT(balance, 1, "give 0 to A in 899");
    balance_lose(balance, span_of("A"));
    EXPECT(balance, 1, "left A");
    EXPECT(balance, 1, "fail 0 unavailable");
    EXPECT(balance, 899, "-");
    EXPECT(balance, 900, "fail 1 unavailable");
    balance_destroy(&balance);
}

static void fewer_credits_count_at_once(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 2, 0);
    ask(balance, 1000, 0);
    ask(balance, 1000, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    CHECK_INT(balance_ready(balance, span_of("A"), 0, 1), BALANCE_KNOWN);
    EXPECT(balance, 1, "-");
    CHECK(done(balance, span_of("A"), asked[0], 2));
    EXPECT(balance, 2, "-");
    balance_ready(balance, span_of("A"), LOOKUP_CREDITS_MAX, 3);
    EXPECT(balance, 3, "give 1 to A in 897");
    balance_destroy(&balance);
}

/* Who asks alone has half of what there is, and as much is free for whoever comes. */
static void waiting_is_bounded(void)
{
    struct balance *balance = start();
    for (size_t i = 0; i < BALANCE_WAITING_MAX / 2; i++)
        CHECK(ask(balance, 1000, 0));
    CHECK(!ask(balance, 1000, 0));
    balance_ready(balance, span_of("A"), 1, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    CHECK(ask(balance, 1000, 0));
    CHECK(!ask(balance, 1000, 0));
    balance_destroy(&balance);
}

/* Whoever comes while the greedy hold all they may gets as much as they in the end. */
static void waiting_is_shared(void)
{
    struct balance *balance = start();
    uint32_t waits[3] = {0};
    while (ask_as(balance, 1, 1000, 0))
        waits[0]++;
    while (ask_as(balance, 2, 1000, 0))
        waits[1]++;
    CHECK_INT(waits[0], BALANCE_WAITING_MAX / 2);
    CHECK_INT(waits[1], BALANCE_WAITING_MAX / 4);
    balance_ready(balance, span_of("A"), 1, 0);
    for (int i = 0; i < BALANCE_WAITING_MAX; i++) { /* each tries again and again */
        struct balance_action action;
        CHECK(balance_next(balance, 0, &action) && action.kind == BALANCE_GIVE);
        CHECK(done(balance, span_of("A"), action.job, 0));
        ask_as(balance, 1, 1000, 0);
        ask_as(balance, 2, 1000, 0);
        CHECK(i > 0 || ask_as(balance, 3, 1000, 0)); /* and there is always room for another */
    }
    for (uint32_t i = 1; i <= 2; i++)
        CHECK(balance_held(balance, i) >= BALANCE_WAITING_MAX / 3 - 2 &&
              balance_held(balance, i) <= BALANCE_WAITING_MAX / 3 + 2);
    balance_destroy(&balance);
}

static void askers_take_turns(void)
{
    struct balance *balance = start();
    for (int i = 0; i < 4; i++)
        ask_as(balance, 1, 1000, 0); /* 0 to 3 */
    ask_as(balance, SHARE_ASKERS_MAX - 1, 1000, 0);
    ask_as(balance, SHARE_OTHERS, 1000, 0);
    ask_as(balance, SHARE_OTHERS, 1000, 0);
    balance_ready(balance, span_of("A"), 9, 0);
    static const int wanted[] = {0, 4, 5, 1, 6, 2, 3};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char word[32];
        snprintf(word, sizeof word, "give %d to A in 900", wanted[i]);
        EXPECT(balance, 0, word);
    }
    EXPECT(balance, 0, "-");
    balance_destroy(&balance);
}

/* Somebody else asks what waits in a long line: it goes to his, where that is shorter. */
static void who_joins_is_not_held_up(void)
{
    struct balance *balance = start();
    for (int i = 0; i < 4; i++)
        ask_as(balance, 1, 1000, 0);
    ask_as(balance, 2, 1000, 0);
    balance_hasten(balance, asked[3], 2);
    balance_hasten(balance, asked[2], 2); /* both lines would be as long: it stays */
    balance_hasten(balance, asked[4], 1); /* a greedy one takes nothing over */
    balance_hasten(balance, asked[0] + BALANCE_JOBS_MAX, 2); /* which is none */
    CHECK_INT(balance_held(balance, 1), 3);
    CHECK_INT(balance_held(balance, 2), 2);
    balance_ready(balance, span_of("A"), 9, 0);
    static const int wanted[] = {0, 4, 1, 3, 2};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char word[32];
        snprintf(word, sizeof word, "give %d to A in 900", wanted[i]);
        EXPECT(balance, 0, word);
    }
    balance_hasten(balance, asked[0], 2); /* a worker has it */
    CHECK(done(balance, span_of("A"), asked[0], 0));
    CHECK(done(balance, span_of("A"), asked[3], 0));
    CHECK_INT(balance_held(balance, 1), 2);
    CHECK_INT(balance_held(balance, 2), 1);
    balance_destroy(&balance);
}

static void jobs_are_bounded(void)
{
    struct balance *balance = start();
    static const char *const names[] = {"A", "B", "C", "D", "E"};
    for (size_t i = 0; i < 5; i++)
        balance_ready(balance, span_of(names[i]), LOOKUP_CREDITS_MAX, 0);
    struct balance_action action;
    for (size_t i = 0; i < BALANCE_JOBS_MAX / 2; i++) {
        CHECK(ask(balance, 1000, 0));
        CHECK(balance_next(balance, 0, &action) && action.kind == BALANCE_GIVE);
    }
    CHECK(!ask(balance, 1000, 0));
    CHECK(done(balance, span_of("A"), asked[0], 0));
    CHECK(ask(balance, 1000, 0));
    CHECK(!ask(balance, 1000, 0));
    CHECK(ask_as(balance, 4, 1000, 0));
    balance_destroy(&balance);
}

static void workers_are_bounded(void)
{
    struct balance *balance = start();
    char name[8];
    for (int i = 0; i < BALANCE_WORKERS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        CHECK_INT(balance_ready(balance, span_of(name), 1, 0), BALANCE_JOINED);
    }
    CHECK_INT(balance_ready(balance, span_of("more"), 1, 0), BALANCE_CROWDED);
    CHECK_INT(balance_ready(balance, span_of("7"), 1, 0), BALANCE_KNOWN);
    balance_lose(balance, span_of("7"));
    EXPECT(balance, 0, "left 7");
    CHECK_INT(balance_ready(balance, span_of("more"), 1, 0), BALANCE_JOINED);
    balance_destroy(&balance);
}

static void names_are_bytes(void)
{
    struct balance *balance = start();
    char long_name[BALANCE_NAME_BYTES_MAX];
    memset(long_name, 'n', sizeof long_name);
    struct span whole = {long_name, sizeof long_name};
    struct span part = {long_name, sizeof long_name - 1};
    CHECK_INT(balance_ready(balance, whole, 1, 0), BALANCE_JOINED);
    CHECK_INT(balance_ready(balance, part, 1, 0), BALANCE_JOINED);
    CHECK_INT(balance_ready(balance, (struct span){"\0a", 2}, 1, 0), BALANCE_JOINED);
    CHECK_INT(balance_ready(balance, (struct span){"\0b", 2}, 1, 0), BALANCE_JOINED);
    CHECK_INT(balance_ready(balance, (struct span){NULL, 0}, 1, 0), BALANCE_JOINED);
    CHECK_INT(balance_ready(balance, whole, 1, 0), BALANCE_KNOWN);
    balance_destroy(&balance);
}

static void stopping_fails_all(void)
{
    struct balance *balance = start();
    balance_ready(balance, span_of("A"), 1, 0);
    ask(balance, 1000, 0);
    ask(balance, 1000, 0);
    EXPECT(balance, 0, "give 0 to A in 900");
    balance_stop(balance);
    EXPECT(balance, 0, "fail 0 unavailable");
    EXPECT(balance, 0, "fail 1 unavailable");
    EXPECT(balance, 0, "-");
    balance_destroy(&balance);
}

static void workers_are_counted_by_address(void)
{
    struct balance *balance = start();
    struct lookup_host hosts[LOOKUP_HOSTS_MAX];
    char name[8], address[64];
    CHECK_INT(balance_hosts(balance, hosts), 0);
    for (int i = 0; i < LOOKUP_HOSTS_MAX + 3; i++) {
        snprintf(name, sizeof name, "w%d", i);
        snprintf(address, sizeof address, "192.0.2.%d", i < 2 ? 1 : i);
        balance_ready(balance, span_of(name), 1, 0);
        if (i < LOOKUP_HOSTS_MAX + 2)
            balance_locate(balance, span_of(name), span_of(address));
        uint32_t wanted = i < 2 ? 1 : (uint32_t)i;
        if (wanted > LOOKUP_HOSTS_MAX)
            wanted = LOOKUP_HOSTS_MAX;
        CHECK_INT(balance_hosts(balance, hosts), wanted);
    }
    CHECK_INT(balance_workers(balance), LOOKUP_HOSTS_MAX + 3);
    CHECK(strcmp(hosts[0].address, "192.0.2.1") == 0 && hosts[0].workers == 2);
    CHECK(strcmp(hosts[1].address, "192.0.2.2") == 0 && hosts[1].workers == 1);
    balance_lose(balance, span_of("w0"));
    balance_lose(balance, span_of("w2"));
    balance_hosts(balance, hosts);
    CHECK(hosts[0].workers == 1 && strcmp(hosts[1].address, "192.0.2.3") == 0);
    memset(address, 'x', sizeof address);
    address[0] = '\n';
    balance_locate(balance, span_of("w1"), (struct span){address, sizeof address});
    balance_locate(balance, span_of("nobody"), span_of("192.0.2.99"));
    balance_hosts(balance, hosts);
    CHECK_INT(strlen(hosts[0].address), LOOKUP_HOST_BYTES_MAX - 1);
    CHECK(hosts[0].address[0] == '?' && hosts[0].address[1] == 'x');
    balance_destroy(&balance);
}

static const struct check_case cases[] = {
    {"workers are counted by address", workers_are_counted_by_address},
    {"jobs are given in the order in which they were asked", gives_in_order},
    {"the least loaded worker with a credit gets the job", gives_to_least_loaded},
    {"equally loaded workers take turns", takes_turns},
    {"one answer of the worker that has the job counts, no other", answers_once},
    {"a number is never used again", numbers_are_never_reused},
    {"a job fails before its deadline, waiting or given", deadlines_hold},
    {"the shortest deadline ends too, and the longest is taken", shortest_deadlines_end},
    {"an answer after the failure changes nothing but the credit",
     done_before_its_failure_is_pulled},
    {"without workers a job fails as unavailable", without_workers_unavailable},
    {"a silent worker's jobs go to another, once", silence_gives_jobs_to_another_once},
    {"heartbeats and answers keep a worker", heartbeats_and_answers_keep_alive},
    {"a quiet worker is spoken to, again and again", quiet_workers_are_probed},
    {"a job given to its second worker is marked", a_job_given_again_says_so},
    {"a lost connection gives its jobs back at once", lost_connections_give_back},
    {"fewer credits count at once", fewer_credits_count_at_once},
    {"512 jobs of one asker wait and one more is busy", waiting_is_bounded},
    {"greedy askers get a third each of 1024, and a third stays free", waiting_is_shared},
    {"askers take turns", askers_take_turns},
    {"who joins a job that waits in a long line is not held up", who_joins_is_not_held_up},
    {"2048 jobs of one asker are kept and one more is busy", jobs_are_bounded},
    {"256 workers are taken and one more is not", workers_are_bounded},
    {"a worker's name is bytes, up to 255", names_are_bytes},
    {"stopping fails every job", stopping_fails_all},
};

CHECK_MAIN(cases)
