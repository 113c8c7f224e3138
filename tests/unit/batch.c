/* What was written for one link serves another exactly when that is due the same. */
#include "bus/link/batch.h"

#include "tests/check.h"

static const uint8_t key[16] = {4, 5, 6};
static struct batch batch;
static const struct lazy no_ways;

static struct location place(const char *client, int64_t order_ns, struct span position)
{
    return (struct location){
        .client = span_of(client),
        .position = position,
        .stamp = span_of("12"),
        .origin = span_of("Ada"),
        .difference_ns = 7,
        .order_ns = order_ns,
    };
}

static uint32_t put(struct table *table, const char *client, int64_t order_ns)
{
    struct location location = place(client, order_ns, span_of("+1-1"));
    uint32_t slot;
    table_put(table, &location, table_ref(table, location.client), &slot);
    return slot;
}

/* A table of `count` clients, all due on both rings. */
static struct table *make(uint32_t count, struct ring *one, struct ring *two)
{
    struct table *table = table_new(key);
    *one = *two = (struct ring){0};
    batch = (struct batch){0};
    for (uint32_t i = 0; i < count; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%u", i);
        uint32_t slot = put(table, client, 1);
        ring_push(one, slot);
        ring_push(two, slot);
    }
    return table;
}

static void release(struct table *table, struct ring *one, struct ring *two)
{
    CHECK(ring_is_sound(one) && ring_is_sound(two));
    ring_free(one);
    ring_free(two);
    table_destroy(&table);
}

static void an_empty_batch_is_good_for_no_ring(void)
{
    struct ring one, two;
    struct table *table = make(0, &one, &two);
    CHECK(!batch_is_good(&batch, &one, table));
    release(table, &one, &two);
}

/* Goes on until all is sent; what goes out on the first ring's link goes out on the second's,
 * too. */
static void the_same_dues_are_written_once(void)
{
    struct ring one, two;
    struct table *table = make(1000, &one, &two);
    int written = 0;
    while (one.next < one.head) {
        CHECK(!batch_is_good(&batch, &one, table));
        batch_write(&batch, &one, table, &no_ways);
        written++;
        CHECK(batch_is_good(&batch, &two, table));
        struct ring before = two;
        batch_take(&batch, &two);
        CHECK_INT(two.next, one.next);
        CHECK_INT(two.next - before.next, batch.count);
    }
    CHECK(written > 1 && written < 1000);
    CHECK_INT(two.next, two.head);
    release(table, &one, &two);
}

static void a_change_in_between_spoils_it(void)
{
    struct ring one, two;
    struct table *table = make(3, &one, &two);
    batch_write(&batch, &one, table, &no_ways);
    put(table, "c1", 1);
    CHECK(batch_is_good(&batch, &two, table));
    put(table, "c1", 2);
    CHECK(!batch_is_good(&batch, &two, table));
    batch_write(&batch, &two, table, &no_ways);
    put(table, "new", 1);
    ring_rewind(&one);
    CHECK(!batch_is_good(&batch, &one, table));
    release(table, &one, &two);
}

static void other_dues_are_written_again(void)
{
    struct ring one, two;
    struct table *table = make(3, &one, &two);
    uint32_t more = put(table, "more", 1);
    ring_push(&two, more);
    batch_write(&batch, &one, table, &no_ways);
    CHECK(!batch_is_good(&batch, &two, table)); /* more is due there, and there is room */
    batch_write(&batch, &two, table, &no_ways);
    ring_push(&one, more);
    CHECK(!batch_is_good(&batch, &one, table)); /* less is due there */
    ring_rewind(&two);
    CHECK(!batch_is_good(&batch, &two, table)); /* sent again: some may have changed since */
    release(table, &one, &two);
}

static void another_order_is_written_again(void)
{
    struct ring one = {0}, two = {0};
    struct table *table = make(2, &one, &two);
    ring_clear(&two);
    ring_push(&two, 1);
    ring_push(&two, 0);
    batch_write(&batch, &one, table, &no_ways);
    CHECK(!batch_is_good(&batch, &two, table));
    release(table, &one, &two);
}

static void the_largest_location_goes_alone(void)
{
    static char text[LOCATION_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    struct ring one, two;
    struct table *table = make(1, &one, &two);
    struct location largest = place("k", 1, (struct span){text, sizeof text - 3});
    uint32_t slot;
    table_put(table, &largest, table_ref(table, largest.client), &slot);
    ring_push(&one, slot);
    batch_write(&batch, &one, table, &no_ways);
    CHECK_INT(batch.count, 1);
    CHECK(batch.is_full);
    batch_write(&batch, &one, table, &no_ways);
    CHECK_INT(batch.count, 1);
    CHECK(!batch.is_full);
    CHECK(batch.bytes > LOCATION_TEXT_BYTES_MAX && batch.bytes <= BATCH_BYTES_MAX);
    release(table, &one, &two);
}

/* The slots of the next UPDATE are these. */
static void check_slots(struct ring *ring, const struct table *table, const uint32_t *slots,
                        uint32_t count)
{
    batch_write(&batch, ring, table, &no_ways);
    CHECK_INT(batch.count, count);
    for (uint32_t i = 0; i < count && i < batch.count; i++)
        CHECK_INT(batch.slots[i], slots[i]);
    CHECK_INT(ring->next, ring->head);
}

static void what_was_forgotten_is_left_out(void)
{
    struct ring one, two;
    struct table *table = make(4, &one, &two);
    ring_forget(&one, 1);
    check_slots(&one, table, (uint32_t[]){0, 2, 3}, 3);
    ring_forget(&two, 1); /* and changes again: it stands there twice */
    ring_push(&two, 1);
    check_slots(&two, table, (uint32_t[]){0, 1, 2, 3}, 4);
    release(table, &one, &two);
}

static void what_is_sent_again_is_followed_by_the_rest(void)
{
    struct ring one, two;
    struct table *table = make(3, &one, &two);
    check_slots(&one, table, (uint32_t[]){0, 1, 2}, 3);
    ring_push(&one, 1);
    ring_push(&one, put(table, "new", 1));
    ring_rewind(&one);
    check_slots(&one, table, (uint32_t[]){0, 2, 1, 3}, 4);
    release(table, &one, &two);
}

static const struct check_case cases[] = {
    {"an empty batch is good for no ring", an_empty_batch_is_good_for_no_ring},
    {"what was forgotten is left out", what_was_forgotten_is_left_out},
    {"what is sent again is followed by the rest", what_is_sent_again_is_followed_by_the_rest},
    {"the same dues are written once", the_same_dues_are_written_once},
    {"a change in between spoils it", a_change_in_between_spoils_it},
    {"other dues are written again", other_dues_are_written_again},
    {"another order is written again", another_order_is_written_again},
    {"the largest location goes alone", the_largest_location_goes_alone},
};

CHECK_MAIN(cases)
