/* Reads of several clients, side by side until they are worked off. */
#include "gateway/text/read_batch.h"

#include "tests/check.h"

static struct read_batch batch;

/* Nobody looks into a client here. */
struct client {
    char unused;
};
static struct client clients[READ_BATCH_READS_MAX + 1];

static bool add(size_t client, char filling, size_t bytes)
{
    memset(read_batch_room(&batch), filling, bytes);
    return read_batch_add(&batch, &clients[client], bytes);
}

static void each_keeps_what_was_read_of_it(void)
{
    read_batch_clear(&batch);
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
    read_batch_clear(&batch);
    add(0, 'a', 3);
    add(1, 'b', 3);
    read_batch_forget(&batch, &clients[0]);
    read_batch_forget(&batch, &clients[2]);
    CHECK(batch.all[0].client == NULL && batch.all[1].client == &clients[1]);
    CHECK_INT(batch.count, 2);
    CHECK_BYTES(batch.all[1].at, batch.all[1].bytes, "bbb", 3);
}

static void it_is_full_with_sixteen_clients(void)
{
    read_batch_clear(&batch);
    for (size_t i = 0; i + 1 < READ_BATCH_READS_MAX; i++)
        CHECK(!add(i, 'a', 1));
    CHECK(add(READ_BATCH_READS_MAX - 1, 'a', 1));
}

static void it_is_full_with_so_many_bytes(void)
{
    read_batch_clear(&batch);
    CHECK(!add(0, 'a', READ_BATCH_BYTES_AIM - 1));
    CHECK(add(1, 'b', 1));
    read_batch_clear(&batch);
    CHECK(add(0, 'a', READ_BATCH_BYTES_AIM));
}

/* The last that is kept, and then one of a client that is about to be gone. */
static void there_is_room_for_one_more_even_then(void)
{
    read_batch_clear(&batch);
    CHECK(!add(0, 'a', READ_BATCH_BYTES_AIM - 1));
    CHECK(add(1, 'b', READ_BATCH_READ_BYTES));
    char *room = read_batch_room(&batch);
    CHECK(room >= batch.all[1].at + READ_BATCH_READ_BYTES);
    CHECK(room + READ_BATCH_READ_BYTES <= batch.memory + sizeof batch.memory);
    read_batch_clear(&batch);
    CHECK(read_batch_room(&batch) == batch.memory);
}

static const struct check_case cases[] = {
    {"each client keeps what was read of it", each_keeps_what_was_read_of_it},
    {"who is gone is nobody, and the others stay", who_is_gone_is_nobody},
    {"it is full with sixteen clients", it_is_full_with_sixteen_clients},
    {"it is full with four thousand bytes", it_is_full_with_so_many_bytes},
    {"there is room for one more read, even when it is full", there_is_room_for_one_more_even_then},
};

CHECK_MAIN(cases)
