/* How often a provider may be asked: by the day, by the hour, by a node, and over a restart. */
#include "placesd/dispatch/limiter.h"

#include "tests/check.h"

/* How many of `count` requests pass. */
static uint32_t take(struct quota *quota, uint64_t asker, uint32_t count, int64_t now_ms)
{
    uint32_t passed = 0;
    for (uint32_t i = 0; i < count; i++)
        passed += quota_take(quota, asker, now_ms) == QUOTA_PASSES;
    return passed;
}

static void without_a_budget_all_pass(void)
{
    struct quota quota = quota_new(0, 1);
    struct quota_news news;
    CHECK_INT(take(&quota, 1, 100000, 1), 100000);
    quota_give_back(&quota, 1, 0);
    CHECK(!quota_has_news(&quota, &news));
}

/* What an hour gives, by the budget. */
static void an_hour_takes_an_eighth_of_what_is_left(void)
{
    static const struct {
        uint32_t budget, first, second;
    } rows[] = {{1, 1, 0},
                {2, 1, 1},
                {7, 1, 1},
                {8, 1, 1},
                {9, 2, 1},
                {800, 100, 88},
                {1000000000, 125000000, 109375000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quota quota = quota_new(rows[i].budget, 1);
        CHECK_INT(quota_take(&quota, 1, 5000), QUOTA_PASSES);
        CHECK_INT(quota.hour_max, rows[i].first);
        if (rows[i].budget > 1000)
            continue;
        CHECK_INT(take(&quota, 1, 1000, 5001), rows[i].first - 1);
        CHECK_INT(take(&quota, 1, 1000, 5000 + QUOTA_HOUR_MS - 1), 0);
        CHECK_INT(take(&quota, 1, 1000, 5000 + QUOTA_HOUR_MS), rows[i].second);
    }
}

static void no_day_exceeds_its_budget(void)
{
    for (uint32_t budget = 1; budget < 1200; budget = budget * 3 / 2 + 1) {
        struct quota quota = quota_new(budget, 3);
        uint32_t passed = 0;
        for (int64_t now_ms = 0; now_ms < QUOTA_DAY_MS; now_ms += QUOTA_HOUR_MS / 4)
            passed += take(&quota, 1, budget, now_ms) + take(&quota, 2, budget, now_ms) +
                      take(&quota, 3, budget, now_ms) + take(&quota, 0, budget, now_ms);
        CHECK(passed <= budget && passed >= budget * 9 / 10);
        CHECK_INT(quota_take(&quota, 1, QUOTA_DAY_MS), QUOTA_PASSES);
    }
}

static void a_day_begins_with_its_first_request(void)
{
    struct quota quota = quota_new(1, 1);
    CHECK_INT(quota_take(&quota, 1, 5000), QUOTA_PASSES);
    CHECK_INT(quota_take(&quota, 1, 5000), QUOTA_DAY_SPENT);
    CHECK_INT(quota_take(&quota, 1, 5000 + QUOTA_DAY_MS - 1), QUOTA_DAY_SPENT);
    CHECK_INT(quota_take(&quota, 1, 5000 + QUOTA_DAY_MS), QUOTA_PASSES);
    CHECK_INT(quota_take(&quota, 1, 5000 + 2 * QUOTA_DAY_MS - 1), QUOTA_DAY_SPENT);
}

/* 80 an hour, two nodes: 20 for each, 40 for whoever comes. */
static void half_of_an_hour_is_kept_for_the_nodes(void)
{
    static const struct {
        uint64_t greedy;
        uint32_t gets, next_gets, last_gets;
    } rows[] = {
        {1, 60, 20, 0},  /* a node, then another, then somebody */
        {0, 40, 20, 20}, /* somebody first: both nodes have theirs */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quota quota = quota_new(640, 2);
        CHECK_INT(take(&quota, rows[i].greedy, 1000, 0), rows[i].gets);
        CHECK_INT(take(&quota, 2, 1000, 0), rows[i].next_gets);
        CHECK_INT(take(&quota, rows[i].greedy == 0 ? 3 : 0, 1000, 0), rows[i].last_gets);
        CHECK_INT(quota.used, 80);
    }
    /* As many have a part as there are nodes, whoever they are. */
    struct quota quota = quota_new(640, 2);
    CHECK_INT(take(&quota, 1, 1, 0) + take(&quota, 2, 1, 0), 2);
    CHECK_INT(take(&quota, 3, 1000, 0), 40);
    CHECK_INT(take(&quota, 1, 1000, 0) + take(&quota, 2, 1000, 0), 38);
    /* The next hour knows nobody. */
    CHECK_INT(take(&quota, 3, 1000, QUOTA_HOUR_MS), 17 + 36);
}

static void what_was_not_made_is_given_back(void)
{
    struct quota quota = quota_new(640, 2);
    quota_give_back(&quota, 1, 0); /* nothing was taken */
    CHECK_INT(take(&quota, 1, 60, 0), 60);
    quota_give_back(&quota, 1, 0); /* of what is kept for nobody */
    CHECK_INT(take(&quota, 0, 2, 0), 1);
    for (int i = 0; i < 40; i++)
        quota_give_back(&quota, 1, 0);
    CHECK_INT(take(&quota, 0, 1000, 0), 39);
    CHECK_INT(take(&quota, 1, 1000, 0), 1); /* its own part: 19 of 20 were used */
    CHECK_INT(take(&quota, 2, 1000, 0), 20);
    CHECK_INT(quota.used, 80);
    quota = quota_new(640, 2);
    take(&quota, 1, 10, 0);
    take(&quota, 1, 1, QUOTA_HOUR_MS);
    for (int i = 0; i < 4; i++)
        quota_give_back(&quota, 1, QUOTA_HOUR_MS - 1); /* of the hour before: the day's alone */
    CHECK_INT(quota.used, 7);
    CHECK_INT(quota.hour_used, 1);
    quota_give_back(&quota, 1, QUOTA_HOUR_MS);
    CHECK_INT(quota.used, 6);
    CHECK_INT(quota.hour_used, 0);
    take(&quota, 1, 3, QUOTA_DAY_MS);
    quota_give_back(&quota, 1, QUOTA_DAY_MS - 1); /* of the day before: nobody's */
    CHECK_INT(quota.used, 3);
    CHECK_INT(quota.hour_used, 3);
    quota_give_back(&quota, 1, QUOTA_DAY_MS);
    CHECK_INT(quota.used, 2);
    CHECK_INT(quota.hour_used, 2);
}

static void retries_are_a_tenth(void)
{
    struct quota quota = quota_new(0, 1);
    for (int i = 0; i < QUOTA_RETRIES_MAX; i++)
        CHECK(quota_take_retry(&quota));
    CHECK(!quota_take_retry(&quota));
    int retries = 0;
    for (int i = 0; i < 1000; i++) {
        quota_take(&quota, 1, 1);
        retries += quota_take_retry(&quota);
    }
    CHECK_INT(retries, 1000 / QUOTA_REQUESTS_PER_RETRY);
    for (int i = 0; i < 1000; i++)
        quota_take(&quota, 1, 1);
    for (int i = 0; i < QUOTA_RETRIES_MAX; i++)
        CHECK(quota_take_retry(&quota));
    CHECK(!quota_take_retry(&quota));
}

/* ---- news ---- */

static void expect_news(struct quota *quota, bool of_hour, uint32_t percent, uint32_t used)
{
    struct quota_news news = {0};
    CHECK(quota_has_news(quota, &news));
    CHECK_INT(news.of_hour, of_hour);
    CHECK_INT(news.percent, percent);
    CHECK_INT(news.used, used);
    CHECK(!quota_has_news(quota, &news));
}

static void four_fifths_and_all_are_told_once(void)
{
    struct quota quota = quota_new(800, 1);
    struct quota_news news;
    CHECK(!quota_has_news(&quota, &news));
    take(&quota, 1, 79, 0);
    CHECK(!quota_has_news(&quota, &news));
    take(&quota, 1, 1, 0);
    expect_news(&quota, true, 80, 80);
    take(&quota, 1, 19, 0);
    CHECK(!quota_has_news(&quota, &news));
    take(&quota, 1, 1, 0);
    expect_news(&quota, true, 100, 100);
    take(&quota, 1, 1, 0);
    CHECK(!quota_has_news(&quota, &news));
    /* A node that is refused is all of an hour as well. */
    quota = quota_new(800, 2);
    CHECK_INT(take(&quota, 1, 75, 0), 75);
    CHECK(!quota_has_news(&quota, &news));
    CHECK_INT(take(&quota, 1, 1, 0), 0);
    expect_news(&quota, true, 100, 75);
    /* The day's, and the next day's. */
    quota = quota_new(10, 1);
    for (int64_t day_ms = 0; day_ms <= QUOTA_DAY_MS; day_ms += QUOTA_DAY_MS) {
        uint32_t heard[101] = {0};
        for (int64_t hour = 0; hour < 24; hour++) {
            take(&quota, 1, 10, day_ms + hour * QUOTA_HOUR_MS);
            while (quota_has_news(&quota, &news)) {
                CHECK(news.percent == 80 || news.percent == 100);
                heard[news.percent] += !news.of_hour;
                CHECK(news.of_hour || news.used == (news.percent == 80 ? 8 : 10));
            }
        }
        CHECK_INT(heard[80], 1);
        CHECK_INT(heard[100], 1);
    }
}

/* ---- over a restart ---- */

#define WALL_MS INT64_C(1790000000000)

static void goes_on_where_it_ended(void)
{
    static const struct {
        int64_t pause_ms; /* between the last request and the start */
        uint32_t used, passes;
    } rows[] = {
        {0, 60, 40},
        {QUOTA_HOUR_MS - 1001, 60, 40},
        {QUOTA_HOUR_MS - 1000, 60, 93}, /* the next hour: an eighth of 740, rounded up */
        {QUOTA_DAY_MS - 1001, 60, 93},
        {QUOTA_DAY_MS - 1000, 0, 100}, /* the next day */
        {-QUOTA_HOUR_MS, 60, 40},      /* a clock that was set back */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[QUOTA_TEXT_BYTES_MAX];
        struct quota before = quota_new(800, 1), after = quota_new(800, 1);
        CHECK(!quota_write(&before, "google", 0, WALL_MS, text));
        CHECK_INT(take(&before, 1, 60, 5000), 60);
        CHECK(quota_write(&before, "google", 6000, WALL_MS, text));
        /* Another process has another clock. */
        CHECK(quota_read(&after, "google", span_of(text), 77, WALL_MS + rows[i].pause_ms));
        CHECK_INT(after.used, rows[i].used);
        CHECK_INT(take(&after, 1, 1000, 77), rows[i].passes);
    }
}

static void another_provider_begins_anew(void)
{
    char text[QUOTA_TEXT_BYTES_MAX];
    struct quota before = quota_new(800, 1), after = quota_new(800, 1);
    take(&before, 1, 60, 0);
    CHECK(quota_write(&before, "google", 0, WALL_MS, text));
    CHECK(quota_read(&after, "photon", span_of(text), 0, WALL_MS));
    CHECK_INT(after.used, 0);
    /* A budget that is less now is spent, and nothing underflows. */
    after = quota_new(10, 1);
    CHECK(quota_read(&after, "google", span_of(text), 0, WALL_MS));
    CHECK_INT(quota_take(&after, 1, 0), QUOTA_DAY_SPENT);
    CHECK_INT(quota_take(&after, 1, QUOTA_HOUR_MS), QUOTA_DAY_SPENT);
}

static void refuses_what_it_has_not_written(void)
{
    static const char good[] = "1 google since_ms 1790000000000 used 60 hour 0 of 100 used 60\n";
    static const char *const rows[] = {
        "",
        "\n",
        "1 google since_ms 1790000000000 used 60 hour 0 of 100 used 60",
        "1 google since_ms 1790000000000 used 60 hour 0 of 100 used 60\n\n",
        "1 google since_ms 1790000000000 used 060 hour 0 of 100 used 60\n",
        "1 google since_ms 1790000000000 used 60 hour -1 of 100 used 60\n",
        "1 google since_ms 1790000000000 used -60 hour 0 of 100 used 60\n",
        "1 google since_ms 1790000000000 used 4294967297 hour 0 of 100 used 60\n",
        "1 google since_ms 99999999999999999999 used 60 hour 0 of 100 used 60\n",
        "1 google since_ms -9223372036854775808 used 60 hour 0 of 100 used 60\n",
        "2 google since_ms 1790000000000 used 60 hour 0 of 100 used 60\n",
        "1 google since_ms 1790000000000 used 60 hour 0 of 100\n",
        "1  google since_ms 1790000000000 used 60 hour 0 of 100 used 60\n",
    };
    struct quota quota = quota_new(800, 1);
    CHECK(quota_read(&quota, "google", span_of(good), 0, WALL_MS));
    CHECK_INT(quota.used, 60);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        quota = quota_new(800, 1);
        CHECK(!quota_read(&quota, "google", span_of(rows[i]), 0, WALL_MS));
        CHECK_INT(quota.used, 0);
    }
    char longer[2 * QUOTA_TEXT_BYTES_MAX];
    memset(longer, ' ', sizeof longer);
    CHECK(!quota_read(&quota, "google", (struct span){longer, sizeof longer}, 0, WALL_MS));
}

static const struct check_case cases[] = {
    {"without a budget all pass", without_a_budget_all_pass},
    {"an hour takes an eighth of what is left", an_hour_takes_an_eighth_of_what_is_left},
    {"no day exceeds its budget, and a greedy one has nine tenths", no_day_exceeds_its_budget},
    {"a day begins with its first request", a_day_begins_with_its_first_request},
    {"half of an hour is kept for the nodes", half_of_an_hour_is_kept_for_the_nodes},
    {"what was not made is given back", what_was_not_made_is_given_back},
    {"one request in ten may be a second attempt", retries_are_a_tenth},
    {"four fifths and all are news once", four_fifths_and_all_are_told_once},
    {"over a restart it goes on where it ended", goes_on_where_it_ended},
    {"another provider begins at 0", another_provider_begins_anew},
    {"what it has not written is refused", refuses_what_it_has_not_written},
};

CHECK_MAIN(cases)
