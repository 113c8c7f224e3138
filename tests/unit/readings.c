/* Reads of several clients, side by side until they are worked off. */
#include "gateway/text/readings.h"

#include "tests/check.h"

static struct readings readings;

/* Nobody looks into a client here. */
struct client {
    char unused;
};
static struct client clients[READINGS_MAX + 1];

static bool add(size_t client, char filling, size_t bytes)
{
    memset(readings_room(&readings), filling, bytes);
    return readings_add(&readings, &clients[client], bytes);
}

static void each_keeps_what_was_read_of_it(void)
{
    readings_clear(&readings);
    CHECK(!add(0, 'a', 3) && !add(1, 'b', 1) && !add(2, 'c', 2));
    CHECK_INT(readings.count, 3);
    CHECK_BYTES(readings.all[0].at, readings.all[0].bytes, "aaa", 3);
    CHECK_BYTES(readings.all[1].at, readings.all[1].bytes, "b", 1);
    CHECK_BYTES(readings.all[2].at, readings.all[2].bytes, "cc", 2);
    for (size_t i = 0; i < readings.count; i++)
        CHECK(readings.all[i].client == &clients[i]);
}

static void who_is_gone_is_nobody(void)
{
    readings_clear(&readings);
    add(0, 'a', 3);
    add(1, 'b', 3);
    readings_forget(&readings, &clients[0]);
    readings_forget(&readings, &clients[2]);
    CHECK(readings.all[0].client == NULL && readings.all[1].client == &clients[1]);
    CHECK_INT(readings.count, 2);
    CHECK_BYTES(readings.all[1].at, readings.all[1].bytes, "bbb", 3);
}

static void it_is_full_with_sixteen_clients(void)
{
    readings_clear(&readings);
    for (size_t i = 0; i + 1 < READINGS_MAX; i++)
        CHECK(!add(i, 'a', 1));
    CHECK(add(READINGS_MAX - 1, 'a', 1));
}

static void it_is_full_with_so_many_bytes(void)
{
    readings_clear(&readings);
    CHECK(!add(0, 'a', READINGS_BYTES_AIM - 1));
    CHECK(add(1, 'b', 1));
    readings_clear(&readings);
    CHECK(add(0, 'a', READINGS_BYTES_AIM));
}

/* The last that is kept, and then one of a client that is about to be gone. */
static void there_is_room_for_one_more_even_then(void)
{
    readings_clear(&readings);
    CHECK(!add(0, 'a', READINGS_BYTES_AIM - 1));
    CHECK(add(1, 'b', READINGS_READ_BYTES));
    char *room = readings_room(&readings);
    CHECK(room >= readings.all[1].at + READINGS_READ_BYTES);
    CHECK(room + READINGS_READ_BYTES <= readings.memory + sizeof readings.memory);
    readings_clear(&readings);
    CHECK(readings_room(&readings) == readings.memory);
}

static const struct check_case cases[] = {
    {"each client keeps what was read of it", each_keeps_what_was_read_of_it},
    {"who is gone is nobody, and the others stay", who_is_gone_is_nobody},
    {"it is full with sixteen clients", it_is_full_with_sixteen_clients},
    {"it is full with four thousand bytes", it_is_full_with_so_many_bytes},
    {"there is room for one more read, even when it is full", there_is_room_for_one_more_even_then},
};

CHECK_MAIN(cases)
