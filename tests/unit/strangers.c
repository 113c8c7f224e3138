/* Which routing ids of strangers are reported, and when. */
#include "bus/link/strangers.h"

#include "tests/check.h"
#include "tests/unit/input.h"

/* Hears the id at that time; says whether there is news, which then is this id. */
static bool is_reported(struct strangers *strangers, struct span id, int64_t now_ms)
{
    struct span reported;
    strangers_hear(strangers, id, now_ms);
    if (!strangers_next(strangers, &reported))
        return false;
    CHECK_BYTES(reported.data, reported.len, id.data, id.len);
    CHECK(!strangers_next(strangers, &reported));
    return true;
}

static void an_id_is_reported_once(void)
{
    struct strangers strangers = {0};
    CHECK(is_reported(&strangers, SPAN("Cid"), 0));
    for (int64_t now_ms = 0; now_ms < 10 * STRANGERS_PAUSE_MS; now_ms += 1000)
        CHECK(!is_reported(&strangers, SPAN("Cid"), now_ms));
    CHECK(is_reported(&strangers, SPAN("Ci"), 10 * STRANGERS_PAUSE_MS));
    CHECK_INT(strangers.count, 52);
}

static void one_is_reported_in_a_while(void)
{
    struct strangers strangers = {0};
    CHECK(is_reported(&strangers, SPAN("a"), -5));
    CHECK(!is_reported(&strangers, SPAN("b"), STRANGERS_PAUSE_MS - 6));
    CHECK(is_reported(&strangers, SPAN("b"), STRANGERS_PAUSE_MS - 5));
    CHECK(!is_reported(&strangers, SPAN("a"), 2 * STRANGERS_PAUSE_MS));
    CHECK(is_reported(&strangers, SPAN("c"), 2 * STRANGERS_PAUSE_MS));
}

static void any_bytes_may_be_an_id(void)
{
    char longest[STRANGERS_ID_BYTES_MAX];
    memset(longest, '\xff', sizeof longest);
    struct strangers strangers = {0};
    CHECK(is_reported(&strangers, (struct span){longest, sizeof longest}, 0));
    CHECK(is_reported(&strangers, SPAN("\0\0"), STRANGERS_PAUSE_MS));
    CHECK(is_reported(&strangers, SPAN("\0"), 2 * STRANGERS_PAUSE_MS));
    CHECK(!is_reported(&strangers, SPAN(""), 3 * STRANGERS_PAUSE_MS));
    CHECK_INT(strangers.count, 4);
}

static void the_last_ones_are_remembered(void)
{
    struct strangers strangers = {0};
    int64_t now_ms = 0;
    for (char id = 0; id < STRANGERS_REPORTED_MAX; id++, now_ms += STRANGERS_PAUSE_MS)
        CHECK(is_reported(&strangers, (struct span){&id, 1}, now_ms));
    char id = 0;
    CHECK(!is_reported(&strangers, (struct span){&id, 1}, now_ms));
    CHECK(is_reported(&strangers, SPAN("one more"), now_ms));
    now_ms += STRANGERS_PAUSE_MS;
    CHECK(is_reported(&strangers, (struct span){&id, 1}, now_ms));
}

static const struct check_case cases[] = {
    {"an id is reported once", an_id_is_reported_once},
    {"of many ids one is reported in a while", one_is_reported_in_a_while},
    {"any bytes may be an id, up to ZeroMQ's limit", any_bytes_may_be_an_id},
    {"the last sixteen are remembered", the_last_ones_are_remembered},
};

CHECK_MAIN(cases)
