/* Reads of several clients, side by side until they are worked off. */
#include "gateway/text/turns.h"

#include "tests/check.h"

static struct turns_batch batch;

/* The content of a client plays no part here. */
struct client {
    char unused;
};
static struct client clients[TURNS_BATCH_READS_MAX + 1];

static bool add(size_t client, char filling, size_t bytes)
{
    memset(turns_batch_room(&batch), filling, bytes);
    return turns_batch_add(&batch, &clients[client], bytes);
}

static void each_keeps_what_was_read_of_it(void)
{
    turns_batch_clear(&batch);
    CHECK(!add(0, 'a', 3) && !add(1, 'b', 1) && !add(2, 'c', 2));
    CHECK_INT(batch.count, 3);
    CHECK_BYTES(batch.all[0].at, batch.all[0].bytes, "aaa", 3);
    CHECK_BYTES(batch.all[1].at, batch.all[1].bytes, "b", 1);
    CHECK_BYTES(batch.all[2].at, batch.all[2].bytes, "cc", 2);
    for (size_t i = 0; i < batch.count; i++)
        CHECK(batch.all[i].client == &clients[i]);
}

static void who_is_gone_is_nobody(void)
{
    turns_batch_clear(&batch);
    add(0, 'a', 3);
    add(1, 'b', 3);
    turns_batch_forget(&batch, &clients[0]);
    turns_batch_forget(&batch, &clients[2]);
    CHECK(batch.all[0].client == NULL && batch.all[1].client == &clients[1]);
    CHECK_INT(batch.count, 2);
    CHECK_BYTES(batch.all[1].at, batch.all[1].bytes, "bbb", 3);
}

static void it_is_full_with_sixteen_clients(void)
{
    turns_batch_clear(&batch);
    for (size_t i = 0; i + 1 < TURNS_BATCH_READS_MAX; i++)
        CHECK(!add(i, 'a', 1));
    CHECK(add(TURNS_BATCH_READS_MAX - 1, 'a', 1));
}

static void it_is_full_with_so_many_bytes(void)
{
    turns_batch_clear(&batch);
    CHECK(!add(0, 'a', TURNS_BATCH_BYTES_AIM - 1));
    CHECK(add(1, 'b', 1));
    turns_batch_clear(&batch);
    CHECK(add(0, 'a', TURNS_BATCH_BYTES_AIM));
}

/* The last that is kept, and then one of a client that is about to be gone. */
static void there_is_room_for_one_more_even_then(void)
{
    turns_batch_clear(&batch);
    CHECK(!add(0, 'a', TURNS_BATCH_BYTES_AIM - 1));
    CHECK(add(1, 'b', TURNS_BATCH_READ_BYTES));
    char *room = turns_batch_room(&batch);
    CHECK(room >= batch.all[1].at + TURNS_BATCH_READ_BYTES);
    CHECK(room + TURNS_BATCH_READ_BYTES <= batch.memory + sizeof batch.memory);
    turns_batch_clear(&batch);
    CHECK(turns_batch_room(&batch) == batch.memory);
}

static const struct check_case cases[] = {
    {"each client keeps what was read of it", each_keeps_what_was_read_of_it},
    {"who is gone is nobody, and the others stay", who_is_gone_is_nobody},
    {"it is full with sixteen clients", it_is_full_with_sixteen_clients},
    {"it is full with four thousand bytes", it_is_full_with_so_many_bytes},
    {"there is room for one more read, even when it is full", there_is_room_for_one_more_even_then},
};

CHECK_MAIN(cases)
