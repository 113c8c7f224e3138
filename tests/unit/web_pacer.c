/* Positions go to the node no faster than their person's rate, and of those that wait the newest of
 * each client comes through. */
#include "gateway/web/parse/pacer.h"

#include "tests/check.h"
#include "tests/unit/access_rules.h"
#include "tests/unit/input.h"

#define NS_PER_S INT64_C(1000000000)

static const uint8_t hash_key[SIPHASH_KEY_BYTES];
static struct access rules;
static struct pacer pacer;
static struct relay *relay;
static int64_t now_ns, spent_ns;

static void set_up(const char *text)
{
    rules = rules_of(text);
    relay = relay_new(hash_key);
    relay_open(relay);
    pacer = (struct pacer){0};
    pacer_change(&pacer, &rules);
    now_ns = 1000 * NS_PER_S;
    spent_ns = 0;
}

static void tear_down(void)
{
    pacer_free(&pacer);
    relay_destroy(&relay);
    access_free(&rules);
}

static const struct access_person *person(const char *name)
{
    return name[0] == '\0' ? &rules.persons[0] : access_find_person(&rules, span_of(name));
}

static enum pacer_verdict put_as(const char *name, const char *lines, uint64_t *number)
{
    struct pacer_request request = {
        .person = person(name), .spent_ns = &spent_ns, .lines = span_of(lines)};
    return pacer_put(&pacer, relay, &request, now_ns, number);
}

/* What the node gets, of each IAMAT its client and time, with ';' between them. */
static void check_sent(const char *wanted)
{
    char got[512] = "";
    struct span pending = relay_pending(relay);
    size_t bytes = 0;
    for (size_t i = 0; i < pending.len;) {
        const char *line = pending.data + i;
        size_t length = (size_t)((const char *)memchr(line, '\n', pending.len - i) - line);
        char client[64], stamp[64];
        CHECK_INT(sscanf(line, "IAMAT %63s %*s %63s", client, stamp), 2);
        bytes += (size_t)snprintf(got + bytes, sizeof got - bytes, "%s %s;", client, stamp);
        i += length + 1;
    }
    relay_wrote(relay, pending.len);
    CHECK_BYTES(got, bytes, wanted, strlen(wanted));
}

#define LINE(client, stamp) "IAMAT " client " +1+2 " stamp "\n"

static void what_is_too_fast_waits(void)
{
    uint64_t number = 0;
    set_up("person\n    name = ada\n    be = *\n    rate = 2/s\n");
    CHECK_INT(put_as("ada", LINE("a", "1") LINE("a", "2"), &number), PACER_TAKEN);
    CHECK_INT(number, 2);
    CHECK_INT(put_as("ada", LINE("a", "5") LINE("a", "4") LINE("b", "3"), &number), PACER_TAKEN);
    CHECK(number == UINT64_MAX && pacer.waiting.count == 2 && pacer.held == 3);
    check_sent("a 1;a 2;");
    pacer_turn(&pacer, relay, now_ns);
    check_sent("");
    pacer_turn(&pacer, relay, now_ns + NS_PER_S / 2);
    CHECK_INT(pacer.waiting.count, 1);
    pacer_turn(&pacer, relay, now_ns + NS_PER_S);
    CHECK_INT(pacer.waiting.count, 0);
    struct span pending = relay_pending(relay);
    CHECK(pending.len == strlen(LINE("a", "5") LINE("b", "3")));
    CHECK(memmem(pending.data, pending.len, LINE("a", "5"), strlen(LINE("a", "5"))) != NULL);
    tear_down();
}

static void part_of_a_batch_goes_at_once(void)
{
    uint64_t number = 0;
    set_up("person\n    name = ada\n    be = *\n    rate = 2/s\n");
    CHECK_INT(put_as("ada", LINE("a", "1") LINE("a", "2") LINE("a", "3") LINE("a", "4"), &number),
              PACER_TAKEN);
    CHECK(number == UINT64_MAX);
    check_sent("a 1;a 2;");
    now_ns += NS_PER_S;
    pacer_turn(&pacer, relay, now_ns);
    check_sent("a 4;");
    tear_down();
}

/* One client sends all the time, another one once. */
static void no_client_keeps_another_back(void)
{
    uint64_t number = 0;
    int turns = 0;
    set_up("person\n    name = ada\n    be = *\n    rate = 1/s\n");
    CHECK_INT(put_as("ada", LINE("a", "1") LINE("b", "1"), &number), PACER_TAKEN);
    for (bool is_through = false; !is_through && turns < 20; turns++) {
        char line[64];
        now_ns += NS_PER_S;
        snprintf(line, sizeof line, LINE("a", "%d"), turns + 2);
        CHECK_INT(put_as("ada", line, &number), PACER_TAKEN);
        pacer_turn(&pacer, relay, now_ns);
        struct span pending = relay_pending(relay);
        is_through = memmem(pending.data, pending.len, "IAMAT b", 7) != NULL;
    }
    CHECK(turns < 20);
    tear_down();
}

/* Hundreds wait for one a second each turn, and each comes through in a few rounds. */
static void none_is_always_the_last(void)
{
    uint64_t number = 0;
    set_up("person\n    name = ada\n    be = *\n    rate = 1/s\n");
    char one[] = "IAMAT c100 +1+2 1\n", line[64];
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "IAMAT c%d +1+2 1\n", i);
        put_as("ada", line, &number);
    }
    bool is_through = false;
    for (int turn = 0; turn < 2000 && !is_through; turn++) {
        now_ns += NS_PER_S;
        pacer_turn(&pacer, relay, now_ns);
        struct span pending = relay_pending(relay);
        is_through = memmem(pending.data, pending.len, one, strlen(one)) != NULL;
        for (int i = 0; i < 200; i++) {
            snprintf(line, sizeof line, "IAMAT c%d +1+2 %d\n", i, turn + 2);
            if (i != 100)
                put_as("ada", line, &number);
        }
    }
    CHECK(is_through);
    tear_down();
}

static void one_that_is_asked_may_be_refused(void)
{
    uint64_t number = 0;
    set_up("person\n    name = ada\n    be = *\n    rate = 1/s\n");
    struct pacer_request request = {.person = person("ada"),
                                    .spent_ns = &spent_ns,
                                    .lines = SPAN(LINE("a", "1") LINE("b", "2")),
                                    .is_asked = true};
    CHECK_INT(pacer_put(&pacer, relay, &request, now_ns, &number), PACER_TAKEN);
    pacer_turn(&pacer, relay, now_ns + NS_PER_S);
    CHECK_INT(pacer_put(&pacer, relay, &request, now_ns + NS_PER_S, &number), PACER_TOO_FAST);
    CHECK_INT(pacer.waiting.count, 0);
    CHECK_INT(pacer_put(&pacer, relay, &request, now_ns + 2 * NS_PER_S, &number), PACER_TAKEN);
    tear_down();
}

static void who_has_no_token_has_a_rate_each(void)
{
    uint64_t number = 0;
    set_up("anyone\n    be = *\n    rate = 1/s\n");
    CHECK_INT(put_as("", LINE("a", "1") LINE("a", "2"), &number), PACER_TAKEN);
    CHECK(number == UINT64_MAX);
    spent_ns = 0; /* another connection */
    CHECK_INT(put_as("", LINE("b", "1"), &number), PACER_TAKEN);
    CHECK_INT(number, 2);
    check_sent("a 1;b 1;");
    pacer_turn(&pacer, relay, now_ns);
    check_sent("a 2;");
    tear_down();
}

static void without_a_rate_nothing_waits(void)
{
    uint64_t number = 0;
    set_up("person\n    name = ada\n    be = *\n");
    struct pacer_request request = {.spent_ns = &spent_ns, .lines = SPAN(LINE("n", "1"))};
    for (int i = 0; i < 100; i++)
        CHECK_INT(put_as("ada", LINE("a", "1") LINE("a", "1"), &number), PACER_TAKEN);
    CHECK_INT(number, 200);
    CHECK_INT(pacer_put(&pacer, relay, &request, now_ns, &number), PACER_TAKEN);
    request.person = &access_nobody;
    CHECK_INT(pacer_put(&pacer, relay, &request, now_ns, &number), PACER_TAKEN);
    CHECK_INT(pacer.waiting.count, 0);
    tear_down();
}

/* A position that waits by rules that are none any more was answered by 200. */
static void other_rules_let_all_go(void)
{
    static const char text[] = "person\n    name = ada\n    be = *\n    rate = 1/s\n"
                               "person\n    name = bob\n    be = *\n    rate = 1/s\n";
    uint64_t number = 0;
    set_up(text);
    put_as("ada", LINE("a", "1") LINE("b", "2") LINE("c", "3"), &number);
    put_as("bob", LINE("d", "1") LINE("b", "4"), &number);
    CHECK_INT(pacer.waiting.count, 2);
    struct access before = rules;
    rules = rules_of("person\n    name = ada\n    be = *\n    rate = 1/s\n");
    pacer_change(&pacer, &rules);
    access_free(&before);
    check_sent("a 1;d 1;");
    pacer_turn(&pacer, relay, now_ns);
    CHECK_INT(pacer.waiting.count, 0);
    CHECK_INT(relay_pending(relay).len, strlen(LINE("b", "4") LINE("c", "3")));
    CHECK(memmem(relay_pending(relay).data, relay_pending(relay).len, LINE("b", "4"),
                 strlen(LINE("b", "4"))) != NULL);
    pacer_change(&pacer, NULL);
    tear_down();
}

/* More would have to wait than there is room for; what is kept is not touched. */
static void what_waits_has_a_limit(void)
{
    struct buffer lines = {0};
    uint64_t number = 0;
    set_up("person\n    name = ada\n    be = *\n    rate = 1/s\n");
    put_as("ada", LINE("first", "1"), &number);
    for (size_t i = 0; i < NEWEST_CLIENTS_MAX; i++) {
        char line[64];
        int bytes = snprintf(line, sizeof line, "IAMAT c%zu +1+2 1\n", i);
        buffer_append(&lines, (struct span){line, (size_t)bytes});
    }
    struct pacer_request request = {
        .person = person("ada"), .spent_ns = &spent_ns, .lines = {lines.data, lines.len}};
    CHECK_INT(pacer_put(&pacer, relay, &request, now_ns, &number), PACER_TAKEN);
    CHECK_INT(pacer.waiting.count, NEWEST_CLIENTS_MAX);
    CHECK_INT(put_as("ada", LINE("more", "1"), &number), PACER_FULL);
    CHECK_INT(put_as("ada", LINE("c0", "2"), &number), PACER_TAKEN);
    CHECK_INT(pacer.waiting.count, NEWEST_CLIENTS_MAX);
    buffer_free(&lines);
    tear_down();
}

static const struct check_case cases[] = {
    {"what is too fast waits, of each client the newest", what_is_too_fast_waits},
    {"a batch goes as far as the rate allows", part_of_a_batch_goes_at_once},
    {"a client that sends all the time keeps no other back", no_client_keeps_another_back},
    {"none of many is always the last", none_is_always_the_last},
    {"one that is asked may be refused", one_that_is_asked_may_be_refused},
    {"who has no token has a rate for each connection", who_has_no_token_has_a_rate_each},
    {"without a rate nothing waits", without_a_rate_nothing_waits},
    {"other rules let all go that waits", other_rules_let_all_go},
    {"what waits has a limit", what_waits_has_a_limit},
};
CHECK_MAIN(cases)
