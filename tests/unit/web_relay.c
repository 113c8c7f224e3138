/* Positions reach a node that comes and goes, and what waits for it has limits. */
#include "gateway/web/parse/relay.h"

#include "tests/check.h"
#include "tests/unit/input.h"

#define A1 "IAMAT a +1+2 1\n"
#define A2 "IAMAT a +1+2 2.5\n"
#define A3 "IAMAT a +1+2 10\n"
#define B1 "IAMAT b +1+2 1\n"
#define AT "AT Alford +1.000000000 a +1+2 1\n"

static const uint8_t hash_key[SIPHASH_KEY_BYTES];

static uint64_t put(struct relay *relay, const char *lines)
{
    uint64_t number = 0;
    CHECK(relay_put(relay, span_of(lines), &number));
    return number;
}

static bool hear(struct relay *relay, const char *text)
{
    size_t bytes = strlen(text);
    return relay_heard(relay, (struct span){check_at_page_end(text, bytes), bytes});
}

/* What is pending is this, and is written. */
static void check_written(struct relay *relay, const char *wanted)
{
    struct span pending = relay_pending(relay);
    CHECK_BYTES(pending.data, pending.len, wanted, strlen(wanted));
    relay_wrote(relay, pending.len);
}

static void check_figures(const struct relay *relay, struct relay_figures wanted)
{
    struct relay_figures got;
    relay_count(relay, &got);
    CHECK_INT(got.answered, wanted.answered);
    CHECK_INT(got.refused, wanted.refused);
    CHECK_INT(got.replaced, wanted.replaced);
    CHECK_INT(got.turned_down, wanted.turned_down);
    CHECK_INT(got.remembered, wanted.remembered);
}

static void goes_out_in_order_and_is_answered_by_number(void)
{
    struct relay *relay = relay_new(hash_key);
    relay_open(relay);
    CHECK_INT(put(relay, A1), 1);
    CHECK_INT(put(relay, A2 B1), 3);
    check_written(relay, A1 A2 B1);
    check_written(relay, "");
    CHECK_INT(relay_answered(relay), 0);
    CHECK(hear(relay, AT));
    CHECK_INT(relay_answered(relay), 1);
    CHECK(hear(relay, "AT x"));
    CHECK_INT(relay_answered(relay), 1);
    CHECK(hear(relay, "\n? IAMAT b +1+2 1\n"));
    CHECK_INT(relay_answered(relay), 3);
    check_figures(relay, (struct relay_figures){.answered = 2, .refused = 1});
    CHECK_INT(put(relay, A3), 4);
    check_written(relay, A3);
    relay_destroy(&relay);
    CHECK(relay == NULL);
    relay_destroy(&relay);
}

static void a_part_that_was_written_is_not_written_twice(void)
{
    struct relay *relay = relay_new(hash_key);
    relay_open(relay);
    put(relay, A1 B1);
    CHECK_INT(relay_pending(relay).len, strlen(A1 B1));
    relay_wrote(relay, strlen(A1) + 3);
    /* The node cannot answer what it has not seen. */
    CHECK(hear(relay, AT));
    CHECK(!hear(relay, AT));
    check_written(relay, "AT b +1+2 1\n");
    CHECK(hear(relay, AT));
    relay_destroy(&relay);
}

static void other_words_are_no_answers(void)
{
    static const char *const words[] = {"? too many connections\n", "! MOVE 1 AT x\n", "\n",
                                        "ATx\n", "? AUTH *\n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct relay *relay = relay_new(hash_key);
        relay_open(relay);
        put(relay, A1);
        check_written(relay, A1);
        CHECK(!hear(relay, words[i]));
        CHECK_INT(relay_answered(relay), 0);
        relay_destroy(&relay);
    }
    struct relay *relay = relay_new(hash_key);
    relay_open(relay);
    CHECK(!hear(relay, AT));
    relay_destroy(&relay);
}

static void an_answer_has_a_limit(void)
{
    static char text[RELAY_ANSWER_BYTES_MAX + 2] = "AT ";
    memset(text + 3, 'x', sizeof text - 3);
    for (size_t past = 0; past < 2; past++) {
        struct relay *relay = relay_new(hash_key);
        relay_open(relay);
        put(relay, A1);
        check_written(relay, A1);
        text[RELAY_ANSWER_BYTES_MAX + past] = '\n';
        struct span whole = {text, RELAY_ANSWER_BYTES_MAX + past + 1};
        CHECK_INT(relay_heard(relay, (struct span){whole.data, 10}) &&
                      relay_heard(relay, (struct span){whole.data + 10, whole.len - 10}),
                  past == 0);
        relay_destroy(&relay);
        text[RELAY_ANSWER_BYTES_MAX + past] = 'x';
    }
}

static void the_newest_is_remembered_without_a_node(void)
{
    struct relay *relay = relay_new(hash_key);
    CHECK(put(relay, A2 B1) == UINT64_MAX);
    CHECK(put(relay, A1) == UINT64_MAX);
    CHECK(put(relay, A3 A2) == UINT64_MAX);
    check_written(relay, "");
    check_figures(relay, (struct relay_figures){.replaced = 3, .remembered = 2});
    relay_open(relay);
    check_written(relay, B1 A3);
    check_figures(relay, (struct relay_figures){.replaced = 3});
    CHECK(hear(relay, AT AT));
    CHECK_INT(relay_answered(relay), 2);
    relay_destroy(&relay);
}

static void stamps_are_compared_as_numbers(void)
{
    static const struct {
        const char *first, *second;
        bool second_stays;
    } rows[] = {
        {"9", "10", true},      {"10", "9", false},
        {"007", "6", false},    {"7", "0007", true},
        {"7", "7.5", true},     {"7.5", "7", false},
        {"7.5", "7.25", false}, {"0.5", "00.75", true},
        {"0", "0.0", true},     {"0", "0", true},
        {"9.9", "10.1", true},  {"99999999999999999999", "100000000000000000000", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct relay *relay = relay_new(hash_key);
        char first[64], second[64];
        snprintf(first, sizeof first, "IAMAT a +1+2 %s\n", rows[i].first);
        snprintf(second, sizeof second, "IAMAT a +3+4 %s\n", rows[i].second);
        put(relay, first);
        put(relay, second);
        relay_open(relay);
        check_written(relay, rows[i].second_stays ? second : first);
        relay_destroy(&relay);
    }
}

static void what_was_not_answered_goes_out_again(void)
{
    struct relay *relay = relay_new(hash_key);
    relay_open(relay);
    CHECK_INT(put(relay, A1 B1), 2);
    CHECK_INT(put(relay, A2), 3);
    struct span pending = relay_pending(relay);
    relay_wrote(relay, pending.len - 1);
    CHECK(hear(relay, AT "AT half an ans"));
    relay_close(relay);
    CHECK_INT(relay_answered(relay), 1);
    check_figures(relay, (struct relay_figures){.answered = 1, .remembered = 2});
    CHECK(put(relay, A3) == UINT64_MAX);
    relay_open(relay);
    check_written(relay, A3 B1);
    CHECK(hear(relay, AT AT));
    check_figures(relay, (struct relay_figures){.answered = 3, .replaced = 1});
    relay_destroy(&relay);
}

/* All of many clients, once each, whichever were replaced before. */
static void many_clients_are_told_apart(void)
{
    enum { CLIENTS = 5000 };
    static bool seen[CLIENTS];
    struct relay *relay = relay_new(hash_key);
    uint64_t state = 7;
    memset(seen, 0, sizeof seen);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < CLIENTS; i++) {
            char line[64];
            snprintf(line, sizeof line, "IAMAT c%d +1+2 %d\n",
                     (int)(round == 0 ? (uint64_t)i : input_draw(&state) % CLIENTS), round);
            put(relay, line);
        }
    relay_open(relay);
    struct span pending = relay_pending(relay);
    size_t count = 0;
    for (size_t at = 0; at < pending.len; count++) {
        int client = atoi(pending.data + at + strlen("IAMAT c"));
        CHECK(client >= 0 && client < CLIENTS && !seen[client]);
        seen[client] = true;
        at += (size_t)((const char *)memchr(pending.data + at, '\n', pending.len - at) -
                       (pending.data + at)) +
              1;
    }
    CHECK_INT(count, CLIENTS);
    relay_destroy(&relay);
}

static void clients_have_a_limit(void)
{
    struct relay *relay = relay_new(hash_key);
    uint64_t number;
    char line[64];
    for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++) {
        snprintf(line, sizeof line, "IAMAT c%zu +1+2 3\n", i);
        if (!relay_put(relay, span_of(line), &number))
            CHECK(false);
    }
    CHECK(!relay_put(relay, span_of("IAMAT more +1+2 3\n"), &number));
    /* Those that are known go on. */
    CHECK(relay_put(relay, span_of("IAMAT c7 +1+2 4\n"), &number));
    CHECK(!relay_put(relay, span_of("IAMAT c7 +1+2 4\nIAMAT more +1+2 3\n"), &number));
    check_figures(relay, (struct relay_figures){
                             .replaced = 1, .turned_down = 2, .remembered = RELAY_CLIENTS_MAX});
    /* What goes out counts until it is answered. */
    relay_open(relay);
    struct span pending = relay_pending(relay);
    relay_wrote(relay, pending.len);
    CHECK(!relay_put(relay, span_of("IAMAT more +1+2 3\n"), &number));
    CHECK(hear(relay, AT));
    CHECK(relay_put(relay, span_of("IAMAT more +1+2 3\n"), &number));
    relay_close(relay);
    check_figures(relay, (struct relay_figures){.answered = 1,
                                                .replaced = 1,
                                                .turned_down = 3,
                                                .remembered = RELAY_CLIENTS_MAX});
    relay_destroy(&relay);
}

static bool hear_fast(struct relay *relay)
{
    return relay_heard(relay, span_of(AT));
}

/* IAMATs with ids as long as they may be, until there is no room for one more: how many there was
 * room for, and how long each is. */
static size_t put_long_ids(struct relay *relay, size_t *bytes)
{
    enum { ID = 1024 };
    static char line[ID + 64];
    for (size_t taken = 0;; taken++) {
        uint64_t number;
        int head = snprintf(line, sizeof line, "IAMAT %05zu", taken);
        memset(line + head, 'x', ID);
        strcpy(line + head + ID, " +1+2 3\n");
        *bytes = strlen(line);
        if (!relay_put(relay, span_of(line), &number))
            return taken;
    }
}

/* With ids as long as they may be: a piece goes out, the next when that is answered. */
static void the_stream_and_memory_have_a_limit(void)
{
    struct relay *relay = relay_new(hash_key);
    size_t bytes, streamed, taken;
    taken = put_long_ids(relay, &bytes);
    CHECK_INT(taken, RELAY_BYTES_MAX / bytes);
    relay_open(relay);
    struct span pending = relay_pending(relay);
    streamed = pending.len / bytes;
    CHECK_INT(streamed, RELAY_STREAM_BYTES_MAX / bytes);
    relay_wrote(relay, pending.len);
    CHECK_INT(relay_pending(relay).len, 0);
    CHECK(hear(relay, AT AT));
    pending = relay_pending(relay);
    CHECK_INT(pending.len, 2 * bytes);
    /* Once all is answered there is as much room as before. */
    while (pending.len > 0) {
        relay_wrote(relay, pending.len);
        for (size_t i = 0; i < pending.len / bytes; i++)
            CHECK(hear_fast(relay));
        pending = relay_pending(relay);
    }
    for (size_t i = 2; i < streamed; i++)
        CHECK(hear_fast(relay));
    relay_close(relay);
    taken = put_long_ids(relay, &bytes);
    CHECK_INT(taken, RELAY_BYTES_MAX / bytes);
    relay_destroy(&relay);
}

/* Whoever knows no key cannot choose ids that collide. */
static void where_a_client_is_goes_by_the_key(void)
{
    struct newest one = {.key = {1}}, other = {.key = {2}};
    CHECK(!newest_put(&one, span_of(A1), 0) && !newest_put(&other, span_of(A1), 0));
    CHECK(one.entries[0].hash != other.entries[0].hash);
    newest_free(&one);
    newest_free(&other);
}

static const struct check_case cases[] = {
    {"IAMATs go out in order, and each answer counts for the first that waits",
     goes_out_in_order_and_is_answered_by_number},
    {"what was written in part is written once, and answered when it is whole",
     a_part_that_was_written_is_not_written_twice},
    {"whatever else a node says ends the connection", other_words_are_no_answers},
    {"an answer may be so long and no longer", an_answer_has_a_limit},
    {"without a node the newest of each client is remembered",
     the_newest_is_remembered_without_a_node},
    {"stamps are compared as numbers of any length", stamps_are_compared_as_numbers},
    {"what was not answered goes out again over the next connection",
     what_was_not_answered_goes_out_again},
    {"many clients are told apart", many_clients_are_told_apart},
    {"no ids can be chosen that are found slowly", where_a_client_is_goes_by_the_key},
    {"a hundred thousand clients are remembered, one more is turned down", clients_have_a_limit},
    {"bytes in the stream and in memory have limits", the_stream_and_memory_have_a_limit},
};
CHECK_MAIN(cases)
