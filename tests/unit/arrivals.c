/* Which connections to us were replaced: by a newer one of their process, or by a successor. */
#include "bus/link/arrivals.h"

#include "tests/check.h"

#define PEERS 3

static struct arrivals arrivals;
static struct arrival gone;

static void open_all(void)
{
    CHECK(arrivals_make(&arrivals, PEERS));
}

/* The descriptor of the connection that is given back for it, or -1. */
static int come(size_t peer, uint32_t process, int descriptor, uint64_t socket, int64_t now_ms)
{
    struct arrival arrival = {process, descriptor, socket, now_ms, 0};
    return arrivals_come(&arrivals, peer, &arrival, &gone) ? gone.descriptor : -1;
}

static int next_silent(int64_t now_ms)
{
    return arrivals_next_silent(&arrivals, now_ms, &gone) ? gone.descriptor : -1;
}

static void the_first_connection_replaces_nothing(void)
{
    open_all();
    for (size_t peer = 0; peer < PEERS; peer++)
        CHECK_INT(come(peer, 7, 10 + (int)peer, 100 + peer, 0), -1);
    CHECK_INT(next_silent(1000000), -1);
    arrivals_free(&arrivals);
}

static void a_newer_one_of_its_process_replaces_it(void)
{
    open_all();
    CHECK_INT(come(0, 7, 10, 100, 0), -1);
    CHECK_INT(come(1, 7, 11, 101, 0), -1); /* another peer's process */
    CHECK_INT(come(0, 7, 12, 102, 0), 10);
    CHECK_INT(gone.socket, 100);
    CHECK_INT(come(0, 7, 13, 103, 0), 12);
    CHECK_INT(come(0, 7, 13, 103, 0), -1); /* the same once more */
    arrivals_free(&arrivals);
}

static void a_descriptor_stands_for_the_last_that_was_reported(void)
{
    open_all();
    CHECK_INT(come(0, 7, 10, 100, 0), -1);
    CHECK_INT(come(1, 8, 10, 200, 0), -1); /* so the first is closed */
    CHECK_INT(come(0, 7, 11, 101, 0), -1);
    CHECK_INT(come(1, 8, 12, 201, 0), 10);
    CHECK_INT(gone.socket, 200);
    CHECK_INT(come(1, 8, 12, 202, 0), -1);
    CHECK_INT(come(1, 9, 12, 203, 0), -1); /* of one peer's processes, too */
    CHECK_INT(come(1, 8, 13, 204, 0), -1);
    arrivals_free(&arrivals);
}

static void other_processes_of_its_name_are_left_alone(void)
{
    open_all();
    for (uint32_t i = 0; i < ARRIVALS_PROCESSES_MAX; i++)
        CHECK_INT(come(0, i, 10 + (int)i, 100 + i, i), -1);
    for (uint32_t i = 0; i < ARRIVALS_PROCESSES_MAX; i++)
        CHECK(arrivals_hear(&arrivals, 0, i, 10 + (int)i, 100 - i));
    /* Beyond the limit the one that was heard longest ago goes. */
    CHECK_INT(come(0, 77, 30, 300, 110), 10 + ARRIVALS_PROCESSES_MAX - 1);
    arrivals_free(&arrivals);
}

static bool is_to_be_looked_at(uint32_t process, int descriptor, int64_t now_ms)
{
    return arrivals_hear(&arrivals, 0, process, descriptor, now_ms);
}

static void hearing_says_whether_to_look_at_the_connection(void)
{
    open_all();
    CHECK(is_to_be_looked_at(0, 10, 5)); /* nothing is known of it */
    CHECK_INT(come(0, 0, 10, 100, 5), -1);
    CHECK(!is_to_be_looked_at(0, 10, 5));
    CHECK(is_to_be_looked_at(0, 11, 5));
    CHECK(is_to_be_looked_at(1, 10, 5));
    CHECK(!is_to_be_looked_at(0, 10, 5 + ARRIVALS_LOOK_MS - 1));
    CHECK(is_to_be_looked_at(0, 10, 5 + ARRIVALS_LOOK_MS)); /* another may have the number */
    CHECK_INT(come(0, 0, 10, 100, 5 + ARRIVALS_LOOK_MS), -1);
    CHECK(!is_to_be_looked_at(0, 10, 5 + ARRIVALS_LOOK_MS));
    CHECK(arrivals_hear(&arrivals, 1, 0, 10, 5));
    for (uint32_t i = 1; i < ARRIVALS_PROCESSES_MAX; i++)
        CHECK_INT(come(0, i, 10 + (int)i, 100 + i, 5), -1);
    CHECK(is_to_be_looked_at(99, 10, 5));
    arrivals_free(&arrivals);
}

static void who_is_silent_goes_where_another_speaks(void)
{
    static const struct {
        int64_t heard_ms[2];
        int descriptor; /* that goes at ARRIVALS_SILENT_MS, or -1 */
    } rows[] = {
        {{0, 1}, 10},
        {{1, 0}, 11},
        {{1, 1}, -1},
        {{0, 0}, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_all();
        CHECK_INT(come(2, 7, 10, 100, rows[i].heard_ms[0]), -1);
        CHECK_INT(come(2, 8, 11, 101, rows[i].heard_ms[1]), -1);
        CHECK_INT(next_silent(ARRIVALS_SILENT_MS), rows[i].descriptor);
        CHECK_INT(next_silent(ARRIVALS_SILENT_MS), -1);
        arrivals_free(&arrivals);
    }
}

static void each_look_goes_through_all_peers(void)
{
    open_all();
    for (size_t peer = 0; peer < PEERS; peer++)
        for (uint32_t process = 0; process < 3; process++)
            come(peer, process, (int)(10 * peer + process), 1000 + 10 * peer + process,
                 process == 2 ? 1 : 0);
    for (int again = 0; again < 2; again++) {
        int count = 0;
        while (next_silent(ARRIVALS_SILENT_MS) >= 0)
            count++;
        CHECK_INT(count, again == 0 ? 2 * PEERS : 0);
    }
    arrivals_free(&arrivals);
}

static const struct check_case cases[] = {
    {"the first connection replaces nothing", the_first_connection_replaces_nothing},
    {"a newer one of its process replaces it", a_newer_one_of_its_process_replaces_it},
    {"a descriptor stands for the connection that was reported last",
     a_descriptor_stands_for_the_last_that_was_reported},
    {"other processes of its name are left alone, up to a limit",
     other_processes_of_its_name_are_left_alone},
    {"hearing says whether to look at the connection, now and then",
     hearing_says_whether_to_look_at_the_connection},
    {"who is silent goes, where another of the name speaks",
     who_is_silent_goes_where_another_speaks},
    {"each look goes through all peers", each_look_goes_through_all_peers},
};

CHECK_MAIN(cases)
