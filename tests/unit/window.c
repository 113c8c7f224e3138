/* What was sent, what has arrived, and what is sent again. */
#include "bus/link/window.h"

#include "tests/check.h"

#define NEVER INT64_MAX

static struct window window;

static void open_window(uint32_t waiting)
{
    window_free(&window);
    window = (struct window){0};
    window_init(&window);
    window_refill(&window, waiting);
    CHECK(window_is_sound(&window));
}

/* One UPDATE with at most `slots_max` slots. */
static void tell(int slots_max, int64_t now_ms)
{
    uint32_t slot;
    CHECK(window_is_open(&window));
    for (int i = 0; i < slots_max && ring_peek(&window.ring, &slot); i++)
        ring_take(&window.ring);
    window_announce(&window, now_ms);
    CHECK(window_is_sound(&window));
}

static void what_arrives_is_confirmed_only_once(void)
{
    open_window(3);
    CHECK(!window_is_told(&window) && !window_is_announced(&window));
    tell(2, 0);
    tell(2, 10);
    CHECK_INT(window.announced, 3);
    CHECK_INT(window.in_flight, 2);
    CHECK(window_is_announced(&window) && !window_is_told(&window));
    CHECK(window_confirm(&window, 1, 20)); /* half of the first: it is still on the way */
    CHECK_INT(window.in_flight, 2);
    CHECK(window_confirm(&window, 2, 20));
    CHECK_INT(window.in_flight, 1);
    CHECK(!window_is_told(&window));
    CHECK(window_confirm(&window, 3, 30));
    CHECK_INT(window.in_flight, 0);
    CHECK(window_is_told(&window) && !window_is_open(&window));
    CHECK(!window_confirm(&window, 3, 40) && !window_confirm(&window, 1, 40));
    CHECK_INT(window.acked, 3);
    CHECK(window_is_sound(&window));
}

static void it_closes_when_full(void)
{
    open_window(WINDOW_UPDATES_MAX + 2);
    for (int i = 0; i < WINDOW_UPDATES_MAX; i++)
        tell(1, 0);
    CHECK(!window_is_open(&window));
    window_confirm(&window, 1, 0);
    tell(1, 0);
    CHECK(!window_is_open(&window));
    CHECK_INT(window.in_flight, WINDOW_UPDATES_MAX);
}

static void what_is_lost_is_sent_again_one_by_one(void)
{
    open_window(4);
    CHECK(!window_rewind(&window)); /* nothing was on the way */
    open_window(4);
    tell(1, 0);
    tell(1, 0);
    window_confirm(&window, 1, 0);
    CHECK(window_rewind(&window));
    CHECK(window_is_sound(&window));
    CHECK_INT(window.announced, 1);
    CHECK_INT(window.in_flight, 0);
    tell(1, 0);
    CHECK_INT(window.announced, 2);
    CHECK(!window_is_open(&window));
    CHECK(window_confirm(&window, 2, 0));
    tell(1, 0);
    tell(1, 0);
}

static void a_slow_acknowledgement_still_counts(void)
{
    open_window(3);
    tell(3, 0);
    window_rewind(&window);
    CHECK(window_confirm(&window, 3, 0));
    CHECK(window_is_told(&window) && !window_is_open(&window));
    CHECK(window_is_sound(&window));
}

static void patience_doubles_up_to_its_limit(void)
{
    open_window(2);
    CHECK_INT(window.retransmit_at, NEVER);
    int64_t now_ms = 5000, patience_ms = WINDOW_RETRANSMIT_MS;
    for (int i = 0; i < 6; i++) {
        tell(1, now_ms);
        now_ms += patience_ms;
        CHECK(!window_expire(&window, now_ms - 1));
        CHECK_INT(window.in_flight, 1);
        CHECK(window_expire(&window, now_ms));
        CHECK_INT(window.in_flight, 0);
        CHECK_INT(window.retransmit_at, NEVER);
        patience_ms =
            2 * patience_ms < WINDOW_RETRANSMIT_MS_MAX ? 2 * patience_ms : WINDOW_RETRANSMIT_MS_MAX;
    }
    CHECK_INT(patience_ms, WINDOW_RETRANSMIT_MS_MAX);
    tell(1, now_ms);
    CHECK(window_confirm(&window, 1, now_ms));
    tell(1, now_ms);
    CHECK(!window_expire(&window, now_ms + WINDOW_RETRANSMIT_MS - 1));
    CHECK(window_expire(&window, now_ms + WINDOW_RETRANSMIT_MS));
}

/* The patience is with the oldest that is on the way, and starts over with each that arrives. */
static void each_arrival_renews_the_patience(void)
{
    open_window(3);
    tell(1, 0);
    tell(1, 700);
    CHECK_INT(window.retransmit_at, WINDOW_RETRANSMIT_MS);
    window_confirm(&window, 1, 900);
    CHECK_INT(window.retransmit_at, 900 + WINDOW_RETRANSMIT_MS);
    window_confirm(&window, 2, 950);
    CHECK_INT(window.retransmit_at, NEVER);
}

static void positions_only_grow(void)
{
    open_window(2);
    tell(2, 0);
    window_confirm(&window, 2, 0);
    window_refill(&window, 2); /* they lack something: everything, at new positions */
    CHECK(window_is_sound(&window));
    tell(2, 0);
    CHECK_INT(window.announced, 4);
    window_confirm(&window, 4, 0);
    window_start_over(&window); /* another process, which has nothing */
    CHECK(window_is_sound(&window));
    CHECK(!window.ring.lost && ring_due(&window.ring) == 0);
    window_owe_all(&window); /* and should have it, once it is there */
    CHECK(window_is_sound(&window));
    CHECK(!window_is_told(&window) && !window_is_announced(&window));
    window_refill(&window, 2);
    CHECK(window_is_sound(&window) && !window.probing);
    CHECK_INT(window.acked, 0);
    CHECK_INT(window.announced, 0);
    tell(2, 0);
    CHECK_INT(window.announced, 6);
    window_start_over(&window); /* no slot waits */
    CHECK(window_is_sound(&window));
    CHECK_INT(ring_due(&window.ring), 0);
}

/* What is on the way when everything is sent again may be lost. */
static void everything_again_is_a_loss_only_for_what_is_on_the_way(void)
{
    open_window(2);
    tell(1, 0);
    window_refill(&window, 2);
    CHECK(window_is_sound(&window) && window.probing);
    window_refill(&window, 2);
    CHECK(window_is_sound(&window) && window.probing);
    tell(2, 0);
    CHECK(!window_is_open(&window) && window_asks(&window));
    window_confirm(&window, window.announced, 0);
    window_refill(&window, 2);
    CHECK(window_is_sound(&window) && !window.probing && !window_asks(&window));
}

/* Then an UPDATE without a location moves the position alone. */
static void it_is_open_where_all_that_waited_was_forgotten(void)
{
    open_window(2);
    tell(2, 0);
    window_start_over(&window);
    window_refill(&window, 1);
    CHECK(ring_forget(&window.ring, 0));
    CHECK_INT(ring_due(&window.ring), 0);
    tell(1, 0);
    CHECK_INT(window.announced, 2);
    CHECK(window_confirm(&window, 2, 0));
    CHECK(window_is_told(&window));
    window_free(&window);
}

static void a_lag_is_the_time_until_all_arrived_that_waited(void)
{
    open_window(4);
    CHECK_INT(window_lag_ms(&window, 0), 0); /* nothing was sent yet */
    tell(1, 100);
    CHECK_INT(window_lag_ms(&window, 130), 30);
    window_confirm(&window, 1, 150); /* three waited, too */
    CHECK_INT(window_lag_ms(&window, 160), 60);
    tell(2, 160);
    tell(1, 170);
    window_confirm(&window, 4, 200);
    CHECK_INT(window_lag_ms(&window, 900), 100);
    ring_push(&window.ring, 7);
    tell(1, 1000);
    CHECK_INT(window_lag_ms(&window, 1010), 100); /* as it was last, or more */
    CHECK_INT(window_lag_ms(&window, 1150), 150);
    window_rewind(&window);
    CHECK_INT(window_lag_ms(&window, 1200), 200);
    tell(1, 1200); /* again: it waits since the first time */
    window_confirm(&window, 5, 1205);
    CHECK_INT(window_lag_ms(&window, 9000), 205);
    ring_push(&window.ring, 7);
    tell(1, 9000);
    window_start_over(&window);
    CHECK_INT(window_lag_ms(&window, 9900), 0); /* another process: nothing is awaited */
}

/* `slots` change, and go out in one UPDATE. */
static void change(uint32_t slots, int64_t now_ms)
{
    for (uint32_t i = 0; i < slots; i++)
        ring_push(&window.ring, i);
    tell((int)slots, now_ms);
}

static void confirm_all(int64_t now_ms)
{
    CHECK(window_confirm(&window, window.announced, now_ms));
}

/* On a calm link they may say it late: the way takes what it took, unless that cannot be. */
static void a_late_acknowledgement_is_no_long_way(void)
{
    static const struct {
        int64_t first_ms, last_ms, said_ms, took_ms;
    } rows[] = {
        {1000, 1000, 1030, 30},                       /* nothing was said lately: it is exact */
        {1050, 1060, 1230, 30},                       /* it waited */
        {1250, 1260, 1250 + WINDOW_CALM_MS + 40, 40}, /* longer than it may */
        {1500, 1600, 1610, 10},                       /* the last one took less */
        {1610 + WINDOW_CALM_MS - 1, 1809, 1840, 10},  /* it may have waited */
        {1840 + WINDOW_CALM_MS, 2040, 2100, 60},      /* now it cannot have */
    };
    open_window(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        change(1, rows[i].first_ms);
        CHECK(window_lag_ms(&window, rows[i].first_ms + 1) <= (i == 0 ? 1 : rows[i - 1].took_ms));
        change(1, rows[i].last_ms);
        confirm_all(rows[i].said_ms);
        CHECK_INT(window.took_ms, rows[i].took_ms);
        CHECK_INT(window_lag_ms(&window, rows[i].said_ms), rows[i].took_ms);
    }
}

static void much_at_once_is_never_acknowledged_late(void)
{
    open_window(0);
    change(1, 1000);
    confirm_all(1010);
    change(WINDOW_CALM_POSITIONS + 1, 1020);
    confirm_all(1130);
    CHECK_INT(window.took_ms, 110);
    change(WINDOW_CALM_POSITIONS, 1140);
    confirm_all(1300);
    CHECK_INT(window.took_ms, 110);
}

static void one_of_four_asks_where_the_way_is_long(void)
{
    static const int64_t ways_ms[] = {WINDOW_FAR_MS - 1, WINDOW_FAR_MS};
    for (size_t far = 0; far < 2; far++) {
        open_window(0);
        change(1, 1000);
        confirm_all(1000 + ways_ms[far]);
        for (uint32_t i = 1; i <= 2 * WINDOW_FAR_ASKS; i++) {
            change(1, 2000);
            CHECK(window_asks(&window) == (far == 1 && i % WINDOW_FAR_ASKS == 0));
        }
    }
}

static const struct check_case cases[] = {
    {"a late acknowledgement is no long way", a_late_acknowledgement_is_no_long_way},
    {"much at once is never acknowledged late", much_at_once_is_never_acknowledged_late},
    {"one of four asks where the way is long", one_of_four_asks_where_the_way_is_long},
    {"a lag is the time until all arrived that waited",
     a_lag_is_the_time_until_all_arrived_that_waited},
    {"what arrives is confirmed, and only once", what_arrives_is_confirmed_only_once},
    {"32 UPDATEs are on the way and not one more", it_closes_when_full},
    {"what is lost is sent again, one UPDATE alone until one arrives",
     what_is_lost_is_sent_again_one_by_one},
    {"an acknowledgement that was only slow still counts", a_slow_acknowledgement_still_counts},
    {"patience doubles up to its limit, and an arrival sets it back",
     patience_doubles_up_to_its_limit},
    {"each arrival renews the patience", each_arrival_renews_the_patience},
    {"positions only grow, whatever the other end does", positions_only_grow},
    {"everything again is a loss only for what is on the way",
     everything_again_is_a_loss_only_for_what_is_on_the_way},
    {"it is open where all that waited was forgotten",
     it_is_open_where_all_that_waited_was_forgotten},
};

CHECK_MAIN(cases)
