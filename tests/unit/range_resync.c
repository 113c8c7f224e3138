/* Two ends that have just met, both with tables: what they show, what they list, when that ends,
 * and when everything is told instead. */
#include "tests/unit/range_end.h"

#define CLIENTS 17000 /* more than a quarter of the ranges: the whole CHECK is of level 16 */

static struct end ada, bob;
static struct letter letter;
static uint64_t checks, lists, wants, told; /* messages of both, and locations */

/* Clients 0 up to `count`, each in a range of its own. */
static void fill(struct end *end, uint32_t count, uint32_t changed)
{
    for (uint32_t i = 0; i < count; i++)
        put(end, i * 3 % RANGE_COUNT, 1 + i, i < changed ? 2 : 1);
}

static void open_both(uint32_t count, uint32_t changed)
{
    open_end(&ada);
    open_end(&bob);
    fill(&ada, count, changed);
    fill(&bob, count, 0);
    ada.now_ms = bob.now_ms = 1000000;
    checks = lists = wants = told = 0;
    CHECK(range_resync_begin(&ada.check, count, true, ada.now_ms));
    CHECK(range_resync_begin(&bob.check, count, false, bob.now_ms));
}

static void close_both(void)
{
    close_end(&ada);
    close_end(&bob);
}

/* What is in `from`'s ring arrives at once, and counts there if it is newer. */
static void deliver_ring(struct end *from, struct end *to)
{
    uint32_t slot;
    char text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    if (from->window.ring.head == from->window.announced)
        return;
    while (ring_peek(&from->window.ring, &slot)) {
        uint32_t there;
        ring_take(&from->window.ring);
        table_read(from->table, slot, text, &location);
        table_put(to->table, &location, table_ref(to->table, location.client), &there);
        told++;
    }
    window_announce(&from->window, from->now_ms);
    arrive(from, to);
    range_list_forget_waiting(&to->list);
}

static bool talk(struct end *from, struct end *to)
{
    bool any = false;
    while (pull(from, &letter)) {
        checks += letter.message.type == WIRE_CHECK;
        lists += letter.message.type == WIRE_LIST;
        wants += letter.message.type == WIRE_WANT;
        give(to, &letter);
        any = true;
    }
    deliver_ring(from, to);
    return any;
}

static void pass(int64_t ms)
{
    for (int64_t until = ada.now_ms + ms; ada.now_ms < until; bob.now_ms = ++ada.now_ms) {
        talk(&ada, &bob);
        talk(&bob, &ada);
    }
}

static bool are_equal(void)
{
    return table_digest(ada.table) == table_digest(bob.table);
}

/* ---- Cases ------------------------------------------------------------------------------- */

static void all_ranges_are_shown_in_four_pieces_by_each_end(void)
{
    open_both(CLIENTS, 0);
    uint32_t first = 0;
    CHECK(!pull(&ada, &letter)); /* a HEARTBEAT may settle everything */
    ada.now_ms += RANGE_RESYNC_WHOLE_MS;
    for (int piece = 0; piece < 4; piece++, first += RANGE_COUNT / 4) {
        CHECK(pull(&ada, &letter));
        CHECK_INT(letter.message.type, WIRE_CHECK);
        CHECK_INT(letter.message.level, 16);
        CHECK_INT(letter.message.first, first);
        CHECK_INT(letter.message.bin.len, RANGE_COUNT / 4 * WIRE_RANGE_BYTES);
        CHECK(!pull(&ada, &letter)); /* before it is answered */
        give(&bob, &letter);
        CHECK(pull(&bob, &letter));
        CHECK_INT(letter.message.first, first);
        CHECK(!pull(&bob, &letter));
        CHECK_INT(ada.check.settled_count, first);
        give(&ada, &letter);
    }
    CHECK(ada.check.is_synced && bob.check.is_synced);
    pass(1500);
    CHECK(!ada.check.resync.is_active && !bob.check.resync.is_active);
    CHECK_INT(ada.window.ring.head + bob.window.ring.head, 0);
    close_both();
}

static void a_heartbeat_of_the_same_settles_all(void)
{
    open_both(CLIENTS, 0);
    settle_all(&ada);
    settle_all(&bob);
    CHECK(ada.check.is_synced && bob.check.is_synced);
    pass(RANGE_RESYNC_SECOND_MS / 2); /* no CHECK of all ranges */
    CHECK_INT(checks, 0);
    close_both();
}

static void what_differs_is_listed_by_the_other_end_and_told(void)
{
    open_both(CLIENTS, 100);
    pass(1000);
    CHECK(are_equal());
    CHECK_INT(lists, 100);
    CHECK_INT(wants, 100);
    CHECK_INT(told, 200); /* who holds the older one tells it, too */
    CHECK_INT(bob.count.lists_sent, 100);
    CHECK_INT(ada.count.digest_faults + bob.count.digest_faults, 0);
    pass(6000);
    settle_all(&ada); /* Bob is at rest: his HEARTBEAT says it */
    CHECK(ada.check.is_synced && bob.check.is_synced);
    CHECK_INT(lists, 100);
    close_both();
}

/* At a quarter, and one more. */
static void where_more_than_a_quarter_differs_everything_is_told(void)
{
    for (uint32_t more = 0; more < 2; more++) {
        open_both(CLIENTS, CLIENTS / 4 + more);
        pass(RANGE_RESYNC_WHOLE_MS + 100);
        CHECK(range_resync_gives_up(&ada.check) == (more == 1));
        CHECK(range_resync_gives_up(&bob.check) == (more == 1));
        CHECK(!range_resync_gives_up(&ada.check)); /* once */
        CHECK_INT(ada.count.resyncs_given_up, more);
        CHECK(bob.check.resync.is_active == (more == 0));
        pass(4000);
        CHECK(more == 1 || (are_equal() && lists == CLIENTS / 4));
        close_both();
    }
}

/* No pass of a minute ends before they are all listed, and none of them is a fault. */
static void lists_have_no_budget(void)
{
    open_both(CLIENTS, CLIENTS / 4);
    pass(3000);
    CHECK(are_equal());
    CHECK_INT(lists, CLIENTS / 4);
    CHECK_INT(ada.count.checks_dropped + bob.count.checks_dropped, 0);
    close_both();
}

static void the_other_end_begins_where_the_first_says_nothing(void)
{
    open_both(100, 10);
    bob.now_ms += RANGE_RESYNC_SECOND_MS - 1;
    CHECK(!pull_type(&bob, &letter, WIRE_CHECK));
    bob.now_ms++;
    CHECK(pull(&bob, &letter));
    CHECK_INT(letter.message.level, 9); /* at least four ranges for each client */
    CHECK_INT(letter.message.bin.len, 512 * WIRE_RANGE_BYTES);
    close_both();
}

static void an_answer_that_is_lost_is_not_waited_for(void)
{
    open_both(CLIENTS, 0);
    ada.now_ms += RANGE_RESYNC_WHOLE_MS;
    CHECK(pull(&ada, &letter));
    ada.now_ms += RANGE_RESYNC_PIECE_MS - 1;
    CHECK(!pull(&ada, &letter));
    ada.now_ms++;
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.first, RANGE_COUNT / 4);
    close_both();
}

static void talk_without_lists(struct end *from, struct end *to)
{
    while (pull(from, &letter))
        if (letter.message.type != WIRE_LIST)
            give(to, &letter);
}

static void lists_that_are_lost_are_made_up_for(void)
{
    open_both(1000, 50);
    for (int ms = 0; ms < 8000; ms++, bob.now_ms = ++ada.now_ms) {
        talk_without_lists(&ada, &bob);
        talk_without_lists(&bob, &ada);
    }
    CHECK(bob.count.lists_sent >= 50 && ada.count.lists_sent >= 50); /* each end has tried */
    CHECK(!are_equal());
    pass(2 * RANGE_RESYNC_LISTS_MS + 6000);
    CHECK(are_equal());
    close_both();
}

static void only_so_many_are_begun(void)
{
    open_end(&ada);
    fill(&ada, 100, 0);
    for (unsigned i = 0; i < RANGE_RESYNCS_MAX; i++)
        CHECK(range_resync_begin(&ada.check, 100, true, ada.now_ms));
    CHECK(!range_resync_begin(&ada.check, 100, true, ada.now_ms));
    ada.now_ms += 59999;
    CHECK(!range_resync_begin(&ada.check, 100, true, ada.now_ms));
    ada.now_ms++;
    CHECK(range_resync_begin(&ada.check, 100, true, ada.now_ms));
    CHECK(!range_resync_begin(&ada.check, 100, true, ada.now_ms));
    CHECK_INT(ada.count.resyncs, RANGE_RESYNCS_MAX + 1);
    close_end(&ada);
}

/* He shows other digests each time: what that buys is bounded. */
static void who_lies_gets_so_many_lists(void)
{
    open_both(CLIENTS, 100);
    pass(RANGE_RESYNC_WHOLE_MS + 20);
    for (int ms = 0; ms < 55000; ms++, bob.now_ms++) {
        if (ms % 2100 == 0) {
            memset(letter.bin, ms / 2100 + 1, 4 * 4000);
            letter.message = (struct wire_message){.type = WIRE_CHECK,
                                                   .cut = bob.cut,
                                                   .level = 16,
                                                   .first = 0,
                                                   .bin = {letter.bin, 4 * 4000}};
            give(&bob, &letter);
        }
        while (pull(&bob, &letter))
            continue;
    }
    CHECK(bob.count.lists_sent > RANGE_RESYNC_LISTS_MAX / 2);
    CHECK(bob.count.lists_sent <= RANGE_RESYNC_LISTS_MAX + 4000);
    close_both();
}

static void it_ends_after_a_minute(void)
{
    open_both(CLIENTS, 100);
    CHECK(ada.check.resync.is_active);
    ada.now_ms += RANGE_RESYNC_ENDS_MS;
    pull(&ada, &letter);
    CHECK(!ada.check.resync.is_active);
    CHECK_INT(ada.check.resync.pending_count, 0);
    close_both();
}

static const struct check_case cases[] = {
    {"all ranges are shown in four pieces by each end",
     all_ranges_are_shown_in_four_pieces_by_each_end},
    {"a HEARTBEAT of the same settles all", a_heartbeat_of_the_same_settles_all},
    {"what differs is listed by the other end, and told",
     what_differs_is_listed_by_the_other_end_and_told},
    {"where more than a quarter differs everything is told",
     where_more_than_a_quarter_differs_everything_is_told},
    {"LISTs have no budget", lists_have_no_budget},
    {"the other end begins where the first says nothing",
     the_other_end_begins_where_the_first_says_nothing},
    {"an answer that is lost is not waited for", an_answer_that_is_lost_is_not_waited_for},
    {"LISTs that are lost are made up for", lists_that_are_lost_are_made_up_for},
    {"only so many are begun", only_so_many_are_begun},
    {"who lies gets so many LISTs", who_lies_gets_so_many_lists},
    {"it ends after a minute", it_ends_after_a_minute},
};

CHECK_MAIN(cases)
