/* phases: when a node is what. */
#include "gateway/text/phases.h"
#include "gateway/text/wall.h"
#include "tests/check.h"

#define START_MS 5000

static const struct phases_seen nothing_yet = {.neighbours = 2, .ready_ms = INT64_MAX};

static struct phases a_start(int64_t drain_ms)
{
    return (struct phases){.start_ms = START_MS, .drain_ms = drain_ms};
}

static struct phases a_ready_one(int64_t drain_ms)
{
    struct phases phases = a_start(drain_ms);
    const struct phases_seen seen = {.ready_ms = START_MS};
    CHECK(phases_turn(&phases, &seen, START_MS));
    CHECK(phases_turn(&phases, &seen, START_MS));
    CHECK_INT(phases.phase, PHASE_READY);
    return phases;
}

static void who_has_nobody_to_wait_for_is_ready_at_once(void)
{
    struct phases phases = a_ready_one(0);
    CHECK(!phases_turn(&phases, &nothing_yet, INT64_MAX));
    CHECK_INT(phases_deadline_ms(&phases, &nothing_yet), INT64_MAX);
    CHECK(!phases_ends(&phases));
}

static void the_door_opens_first(void)
{
    struct phases phases = a_start(0);
    const struct phases_seen heard = {.neighbours = 2, .heard = 2, .ready_ms = INT64_MAX};
    CHECK_INT(phases_deadline_ms(&phases, &nothing_yet), START_MS + WALL_DOOR_MS);
    CHECK(!phases_turn(&phases, &nothing_yet, START_MS + WALL_DOOR_MS - 1));
    CHECK(phases_turn(&phases, &heard, START_MS + 1));
    CHECK_INT(phases.phase, PHASE_OPEN);
    phases = a_start(0);
    CHECK(phases_turn(&phases, &nothing_yet, START_MS + WALL_DOOR_MS));
    CHECK_INT(phases.phase, PHASE_OPEN);
}

static void ready_is_said_in_time_and_once(void)
{
    struct phases phases = a_start(0);
    const struct phases_seen seen = {.ready_ms = START_MS + 900};
    CHECK(phases_turn(&phases, &seen, START_MS));
    CHECK_INT(phases_deadline_ms(&phases, &seen), START_MS + 900);
    CHECK(!phases_turn(&phases, &seen, START_MS + 899));
    CHECK(phases_turn(&phases, &seen, START_MS + 900));
    CHECK_INT(phases.phase, PHASE_READY);
    CHECK(!phases_turn(&phases, &nothing_yet, START_MS + 901));
    CHECK_INT(phases.phase, PHASE_READY);
}

static void it_drains_for_as_long_as_it_was_told_to(void)
{
    struct phases phases = a_ready_one(3000);
    const struct phases_seen idle = {.is_told = true};
    CHECK(phases_end(&phases, 10000));
    CHECK_INT(phases.phase, PHASE_DRAINS);
    CHECK(phases_ends(&phases));
    CHECK_INT(phases_deadline_ms(&phases, &idle), 13000);
    CHECK(!phases_turn(&phases, &idle, 12999));
    CHECK(phases_turn(&phases, &idle, 13000));
    CHECK_INT(phases.phase, PHASE_STOPS);
    CHECK(phases_turn(&phases, &idle, 13000));
    CHECK_INT(phases.phase, PHASE_OVER);
    CHECK(!phases_turn(&phases, &idle, 13000));
    CHECK_INT(phases_deadline_ms(&phases, &idle), INT64_MAX);
}

static void a_second_signal_ends_the_draining_and_a_third_the_waiting(void)
{
    struct phases phases = a_ready_one(3000);
    const struct phases_seen busy = {.connections = 1, .lookups = 1};
    CHECK(phases_end(&phases, 10000));
    CHECK(!phases_end(&phases, 10100));
    CHECK(phases_turn(&phases, &busy, 10100));
    CHECK_INT(phases.phase, PHASE_STOPS);
    CHECK(!phases_turn(&phases, &busy, 10200));
    CHECK(!phases_end(&phases, 10300));
    CHECK_INT(phases_deadline_ms(&phases, &busy), 10300);
    CHECK(phases_turn(&phases, &busy, 10300));
    CHECK_INT(phases.phase, PHASE_OVER);
}

/* Nobody sends clients there yet. */
static void who_is_not_ready_does_not_drain(void)
{
    struct phases closed = a_start(3000), open = a_start(3000), ready = a_ready_one(0);
    CHECK(phases_turn(&open, &nothing_yet, START_MS + WALL_DOOR_MS));
    CHECK_INT(open.phase, PHASE_OPEN);
    struct phases *all[] = {&closed, &open, &ready};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(phases_end(all[i], 9000));
        CHECK_INT(all[i]->phase, PHASE_STOPS);
    }
}

static void clients_and_neighbours_have_their_time(void)
{
    static const struct phases_seen late[] = {{.connections = 1, .is_told = true},
                                              {.connections = 0, .is_told = false}};
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        struct phases phases = a_ready_one(0);
        CHECK(phases_end(&phases, 10000));
        CHECK_INT(phases_deadline_ms(&phases, &late[i]), 10000 + PHASES_STOP_MS);
        CHECK(!phases_turn(&phases, &late[i], 10000 + PHASES_STOP_MS - 1));
        CHECK(phases_turn(&phases, &late[i], 10000 + PHASES_STOP_MS));
        CHECK_INT(phases.phase, PHASE_OVER);
    }
}

static void a_look_up_is_waited_for_to_a_limit(void)
{
    const struct phases_seen asks = {.connections = 1, .lookups = 1, .is_told = true};
    const struct phases_seen reads = {.connections = 1, .is_told = true};
    struct phases phases = a_ready_one(0);
    CHECK(phases_end(&phases, 10000));
    CHECK(!phases_turn(&phases, &asks, 12000));
    CHECK(!phases_turn(&phases, &reads, 12000 + PHASES_STOP_MS - 1));
    CHECK(phases_turn(&phases, &reads, 12000 + PHASES_STOP_MS));
    phases = a_ready_one(0);
    CHECK(phases_end(&phases, 10000));
    for (int64_t now_ms = 10000; now_ms < 10000 + PHASES_STOP_MS_MAX; now_ms += 100)
        CHECK(!phases_turn(&phases, &asks, now_ms));
    CHECK_INT(phases_deadline_ms(&phases, &asks), 10000 + PHASES_STOP_MS_MAX);
    CHECK(phases_turn(&phases, &asks, 10000 + PHASES_STOP_MS_MAX));
}

static const struct check_case cases[] = {
    {"who has nobody to wait for is ready at once", who_has_nobody_to_wait_for_is_ready_at_once},
    {"the door opens first", the_door_opens_first},
    {"ready is said in time, and once", ready_is_said_in_time_and_once},
    {"it drains for as long as it was told to", it_drains_for_as_long_as_it_was_told_to},
    {"a second signal ends the draining, and a third the waiting",
     a_second_signal_ends_the_draining_and_a_third_the_waiting},
    {"who is not ready does not drain", who_is_not_ready_does_not_drain},
    {"clients and neighbours have their time", clients_and_neighbours_have_their_time},
    {"a look-up is waited for, to a limit", a_look_up_is_waited_for_to_a_limit},
};
CHECK_MAIN(cases)
