/* Whom a turn of the loop sends to, in which order, and when it ends. */
#include "bus/link/rounds.h"

#include "tests/check.h"

#define PEERS  4
#define NOBODY PEERS

static struct rounds rounds;

/* A new turn: 'm' for a peer for whom much waits, 'l' for one with little. */
static void begin(const char *waits)
{
    rounds_begin(&rounds);
    for (size_t peer = 0; peer < PEERS; peer++)
        rounds_expect(&rounds, peer, waits[peer] == 'm');
}

static size_t next(void)
{
    size_t peer;
    return rounds_next(&rounds, &peer) ? peer : NOBODY;
}

static size_t next_after(size_t bytes)
{
    rounds_sent(&rounds, bytes, rounds.is_much);
    return next();
}

static size_t next_after_much_was_found(void)
{
    rounds_sent(&rounds, ROUNDS_BYTES_MAX, true);
    return next();
}

static size_t next_without(void)
{
    rounds_over(&rounds);
    return next();
}

static void a_turn_without_peers_ends_at_once(void)
{
    rounds_resize(&rounds, 0);
    rounds_begin(&rounds);
    CHECK_INT(next(), NOBODY);
    CHECK(!rounds.is_cut);
    rounds_free(&rounds);
}

static void those_with_little_come_first_one_message_each_until_nothing_waits(void)
{
    rounds_resize(&rounds, PEERS);
    begin("lmlm");
    CHECK_INT(next(), 0);
    CHECK_INT(next_after(ROUNDS_LARGE_BYTES - 1), 2); /* their bytes do not count */
    CHECK_INT(next_after(ROUNDS_LARGE_BYTES - 1), 0);
    CHECK_INT(next_without(), 2);
    CHECK_INT(next_after(1), 2);
    CHECK_INT(next_without(), 1);
    CHECK_INT(next_after(1), 3);
    CHECK_INT(next_after(1), 1);
    CHECK_INT(next_without(), 3);
    CHECK_INT(next_without(), NOBODY);
    CHECK(!rounds.is_cut);
    rounds_free(&rounds);
}

static void a_turn_ends_with_the_message_that_reaches_the_most(void)
{
    rounds_resize(&rounds, PEERS);
    begin("mmll");
    CHECK_INT(next(), 2);
    CHECK_INT(next_without(), 3);
    CHECK_INT(next_without(), 0);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX - 1), 1); /* one below */
    CHECK_INT(next_after(1), NOBODY);
    CHECK(rounds.is_cut);
    rounds_free(&rounds);
}

static void the_next_turn_goes_on_with_whose_turn_it_would_have_been(void)
{
    rounds_resize(&rounds, PEERS);
    begin("mmmm");
    CHECK_INT(next(), 0);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX), NOBODY);
    begin("mmmm");
    CHECK_INT(next(), 1);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX), NOBODY);
    begin("mmlm"); /* it has little now, and is first for that */
    CHECK_INT(next(), 2);
    CHECK_INT(next_without(), 3);
    CHECK_INT(next_after(1), 0);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX), NOBODY);
    CHECK(rounds.is_cut);
    rounds_free(&rounds);
}

static void a_turn_that_had_enough_is_not_cut_where_nothing_is_left(void)
{
    rounds_resize(&rounds, PEERS);
    begin("llml");
    CHECK_INT(next(), 0);
    CHECK_INT(next_without(), 1);
    CHECK_INT(next_without(), 3);
    CHECK_INT(next_without(), 2);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX - 1), 2);
    CHECK_INT(next_without(), NOBODY);
    CHECK(!rounds.is_cut);
    rounds_free(&rounds);
}

/* A new neighbour is to be told everything, or a repair has found what differs. */
static void who_is_found_to_lack_much_waits_for_those_with_little(void)
{
    rounds_resize(&rounds, PEERS);
    begin("llml");
    CHECK_INT(next(), 0);
    CHECK_INT(next_after_much_was_found(), 1);
    CHECK_INT(next_after(1), 3);
    CHECK_INT(next_without(), 1);
    CHECK_INT(next_without(), NOBODY); /* what it was sent counts */
    CHECK(rounds.is_cut);
    rounds_free(&rounds);
}

/* Whatever waits: ids may be long, and a list of what is compared is no change. */
static void who_is_sent_a_large_message_has_much(void)
{
    rounds_resize(&rounds, PEERS);
    begin("llll");
    CHECK_INT(next(), 0);
    CHECK_INT(next_after(ROUNDS_LARGE_BYTES - 1), 1);
    CHECK_INT(next_after(ROUNDS_LARGE_BYTES), 2);
    CHECK_INT(next_without(), 3);
    CHECK_INT(next_without(), 0);
    CHECK_INT(next_without(), 1);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX - ROUNDS_LARGE_BYTES - 1), 1);
    CHECK_INT(next_after(1), NOBODY);
    CHECK(rounds.is_cut);
    rounds_free(&rounds);
}

static void other_peers_begin_at_the_first(void)
{
    rounds_resize(&rounds, PEERS);
    begin("mmmm");
    CHECK_INT(next(), 0);
    CHECK_INT(next_after(ROUNDS_BYTES_MAX), NOBODY);
    rounds_resize(&rounds, PEERS);
    begin("mmmm");
    CHECK_INT(next(), 0);
    rounds_free(&rounds);
}

static const struct check_case cases[] = {
    {"a turn without peers ends at once", a_turn_without_peers_ends_at_once},
    {"those with little come first one message each until nothing waits",
     those_with_little_come_first_one_message_each_until_nothing_waits},
    {"a turn ends with the message that reaches the most",
     a_turn_ends_with_the_message_that_reaches_the_most},
    {"the next turn goes on with whose turn it would have been",
     the_next_turn_goes_on_with_whose_turn_it_would_have_been},
    {"a turn that had enough is not cut where nothing is left",
     a_turn_that_had_enough_is_not_cut_where_nothing_is_left},
    {"who is found to lack much waits for those with little",
     who_is_found_to_lack_much_waits_for_those_with_little},
    {"who is sent a large message has much", who_is_sent_a_large_message_has_much},
    {"other peers begin at the first", other_peers_begin_at_the_first},
};

CHECK_MAIN(cases)
