/* session: FORGET, and positions that are over when they come. */
#include "gateway/text/command.h"
#include "tests/unit/session_rig.h"

/* 2027: a clock that votes. */
#define NOW_S  "1800000000"
#define NOW_NS INT64_C(1800000000000000000)

#define PLACE         "+34.068930-118.445127"
#define SAID(name, s) "IAMAT " name " " PLACE " " s "\n"
#define NEAR(name)    "WHATSAT " name " 1 0\n"
#define NO_PLACES                                                                                  \
    "{\n   \"html_attributions\": [],\n   \"results\": [],\n   \"status\": \"OK\"\n}\n\n"
#define TOMB(name) "AT Clark +0.000000000 " name " - " NOW_S ".000000000\n"

static struct rig make_forgetting_rig(int64_t expire_ms, uint64_t table_bytes_max)
{
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = 1000,
                                    .table_bytes_max = table_bytes_max,
                                    .expire_ms = expire_ms,
                                    .forget = true};
    struct rig rig = rig_of(false);
    flood_destroy(&rig.node.flood);
    rig.node.flood = flood_new(&options);
    rig.node.options = COMMAND_OPTION(COMMAND_FORGET);
    rig.node.realtime_ns = rig.node.accept_ns = NOW_NS;
    flood_set_clock(rig.node.flood, 0, NOW_NS);
    while (flood_time(rig.node.flood, 0).horizon_ns == INT64_MIN && expire_ms > 0)
        flood_coalesces(rig.node.flood, rig.node.now_ms++);
    return rig;
}

static struct rig forgetting_rig(int64_t expire_ms)
{
    return make_forgetting_rig(expire_ms, 0);
}

struct exchange {
    struct span said;
    const char *replies;
};

static void converse(const struct exchange *exchanges, size_t count)
{
    struct rig rig = forgetting_rig(0);
    for (size_t i = 0; i < count; i++) {
        int before = check_failures;
        say(&rig, exchanges[i].said);
        expect(&rig, exchanges[i].replies);
        if (check_failures > before)
            printf("    exchange %zu\n", i);
    }
    release(&rig);
}

static void who_is_forgotten_is_as_if_never_heard_of(void)
{
    const struct exchange exchanges[] = {
        {SPAN("FORGET kiwi\n"), "? FORGET kiwi\n"},
        {SPAN(SAID("kiwi", "1799999999.5")), "AT Clark +0.500000000 kiwi " PLACE " 1799999999.5\n"},
        {SPAN("  FORGET\t kiwi \r\n"), TOMB("kiwi")},
        {SPAN(NEAR("kiwi")), "? WHATSAT kiwi 1 0\n"},
        {SPAN("FORGET  kiwi \n"), "? FORGET  kiwi\n"},
        {SPAN("FORGET kiw\n"), "? FORGET kiw\n"},
    };
    converse(exchanges, sizeof exchanges / sizeof *exchanges);
}

static void a_later_position_brings_the_client_back_and_an_older_one_does_not(void)
{
    const struct exchange exchanges[] = {
        {SPAN(SAID("kiwi", "1799999990")), "AT Clark +10.000000000 kiwi " PLACE " 1799999990\n"},
        {SPAN("FORGET kiwi\n"), TOMB("kiwi")},
        {SPAN(SAID("kiwi", "1799999991") SAID("kiwi", NOW_S)),
         "AT Clark +9.000000000 kiwi " PLACE " 1799999991\n"
         "AT Clark +0.000000000 kiwi " PLACE " " NOW_S "\n"},
        {SPAN(NEAR("kiwi")), "? WHATSAT kiwi 1 0\n"},
        {SPAN(SAID("kiwi", NOW_S ".000000001")),
         "AT Clark -0.000000001 kiwi " PLACE " " NOW_S ".000000001\n"},
        {SPAN(NEAR("kiwi")),
         "AT Clark -0.000000001 kiwi " PLACE " " NOW_S ".000000001\n" NO_PLACES},
        {SPAN("FORGET kiwi\n"), TOMB("kiwi")},
    };
    converse(exchanges, sizeof exchanges / sizeof *exchanges);
}

/* What was fetched ahead of a line is as it was before the line above it. */
static void all_in_one_read(void)
{
    const struct exchange exchanges[] = {
        {SPAN("FORGET kiwi\n" SAID("kiwi", "1") "FORGET kiwi\n" NEAR("kiwi") "FORGET kiwi\n" SAID(
             "kiwi", "2") SAID("plum", "3") NEAR("plum") "\xff\xf1"
                                                         "FORGET plum\n"),
         "? FORGET kiwi\nAT Clark +1799999999.000000000 kiwi " PLACE
         " 1\n" TOMB("kiwi") "? WHATSAT kiwi 1 0\n? FORGET kiwi\n"
                             "AT Clark +1799999998.000000000 kiwi " PLACE " 2\n"
                             "AT Clark +1799999997.000000000 plum " PLACE " 3\n"
                             "AT Clark +1799999997.000000000 plum " PLACE " 3\n" NO_PLACES
                             "AT Clark +0.000000000 plum - " NOW_S ".000000000\r\n"},
    };
    converse(exchanges, 1);
}

static void where_it_is_off_the_word_is_none(void)
{
    struct rig rig = forgetting_rig(0);
    rig.node.options = 0;
    rig.node.log = &rig.log;
    rig.node.log_commands = true;
    say(&rig, SPAN(SAID("kiwi", NOW_S)));
    rig.got.len = 0;
    say(&rig, SPAN("FORGET kiwi\nFORGET\n"));
    expect(&rig, "? FORGET kiwi\n? FORGET\n");
    CHECK_INT(rig.node.count.forgets, 0);
    CHECK(memmem(rig.log.lines.data, rig.log.lines.len, "no such command", 15) != NULL);
    CHECK(memmem(rig.log.lines.data, rig.log.lines.len, "FORGET takes", 12) == NULL);
    say(&rig, SPAN(NEAR("kiwi")));
    expect(&rig, "AT Clark +0.000000000 kiwi " PLACE " " NOW_S "\n" NO_PLACES);
    release(&rig);
}

static const char *after(const struct buffer *text, const char *mark)
{
    const char *at = memmem(text->data, text->len, mark, strlen(mark));
    CHECK(at != NULL);
    return at;
}

/* The position stands in no line from the FORGET on. */
static void the_log_says_what_was_asked_and_answered(void)
{
    struct rig rig = forgetting_rig(0);
    rig.node.log = &rig.log;
    rig.node.log_commands = true;
    say(&rig, SPAN(SAID("kiwi", NOW_S) "FORGET kiwi\nFORGET kiwi\nFORGET\n" NEAR("kiwi")));
#define TIME "2027-01-15T08:00:00.000000Z "
    const char *wanted =
        TIME "command 17 FORGET kiwi\n" TIME "reply 17 AT Clark +0.000000000 kiwi - " NOW_S
             ".000000000\n" TIME "command 17 FORGET kiwi\n" TIME
             "invalid 17 nobody has heard of this client\n" TIME "reply 17 ? FORGET kiwi\n" TIME
             "command 17 FORGET\n" TIME
             "invalid 17 too few or too many fields: FORGET takes (client)\n" TIME
             "reply 17 ? FORGET\n" TIME "command 17 WHATSAT kiwi 1 0\n" TIME
             "invalid 17 nobody has heard of this client\n" TIME "reply 17 ? WHATSAT kiwi 1 0\n";
    const char *from = after(&rig.log.lines, TIME "command 17 FORGET");
    CHECK_BYTES(from, (size_t)(rig.log.lines.data + rig.log.lines.len - from), wanted,
                strlen(wanted));
    CHECK_INT(rig.node.count.forgets, 2);
    CHECK_INT(rig.node.count.invalid, 3);
    release(&rig);
}

/* As a new client does: of one that nobody has heard of it costs none. */
static void a_forget_costs_a_token(void)
{
    struct rig rig = forgetting_rig(0);
    static const struct network_address address = {{1}};
    struct client_limits_options options = {
        .connections_max = 1,
        .shares = {.addresses_max = 1, .new_ids_per_s = 1, .new_ids_burst = 3}};
    rig.node.limits = client_limits_new(&options);
    client_limits_accept(rig.node.limits, &address, &rig.session.limits, 0);
    say(&rig, SPAN(SAID("a", NOW_S) SAID("b", NOW_S)));
    rig.got.len = 0;
    say(&rig, SPAN("FORGET c\nFORGET a\nFORGET a\nFORGET b\n"));
    expect(&rig, "? FORGET c\n" TOMB("a") "? FORGET a\n? FORGET b\n");
    CHECK_INT(address_shares_count(client_limits_shares(rig.node.limits))->new_ids_refused, 1);
    say(&rig, SPAN(NEAR("b")));
    expect(&rig, "AT Clark +0.000000000 b " PLACE " " NOW_S "\n" NO_PLACES);
    rig.node.now_ms = 1000;
    say(&rig, SPAN("FORGET b\n"));
    expect(&rig, TOMB("b"));
    client_limits_leave(rig.node.limits, &rig.session.limits);
    client_limits_destroy(&rig.node.limits);
    release(&rig);
}

/* It takes less than what it ends, so where nothing more fits it does, and makes room. */
static void a_full_table_forgets_all_the_same(void)
{
    static char text[LINES_BYTES_MAX];
    struct rig rig = make_forgetting_rig(0, 1 << 20);
    const struct link_counters *count = flood_count(rig.node.flood);
    say(&rig, SPAN(SAID("kiwi", NOW_S)));
    for (unsigned i = 0; count->bytes_refused == 0; i++) {
        char *at = text + sprintf(text, "IAMAT long%02u +34.", i);
        CHECK(i < 100);
        memset(at, '1', 60000);
        strcpy(at + 60000, "-118.445127 " NOW_S "\n");
        say(&rig, span_of(text));
    }
    rig.got.len = 0;
    say(&rig, SPAN("FORGET kiwi\nFORGET long00\n"));
    expect(&rig, TOMB("kiwi") TOMB("long00"));
    say(&rig, span_of(text));
    CHECK(rig.got.len > 2 && memcmp(rig.got.data, "AT", 2) == 0);
    CHECK_INT(count->bytes_refused, 1);
    release(&rig);
}

static size_t count_lines(const struct buffer *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len; i++)
        count += text->data[i] == '\n';
    return count;
}

/* A minute ago, and a minute is all that counts: its horizon is in whole seconds. */
static void a_position_that_is_over_is_answered_and_not_stored(void)
{
    struct rig rig = forgetting_rig(60000);
    rig.node.log = &rig.log;
    say(&rig, SPAN(SAID("kiwi", "1799999938.5") NEAR("kiwi")));
    expect(&rig, "AT Clark +61.500000000 kiwi " PLACE " 1799999938.5\n? WHATSAT kiwi 1 0\n");
    CHECK_INT(flood_clients(rig.node.flood), 0);
#define BEHIND(s)                                                                                  \
    TIME "clock 17 a position is older than expire, and not stored: its client's clock is " s      \
         " s behind\n"
    CHECK_BYTES(rig.log.lines.data, rig.log.lines.len, BEHIND("61.5"), strlen(BEHIND("61.5")));
    /* Once an hour and client, whatever its clock is. */
    say(&rig, SPAN(SAID("kiwi", "1") SAID("plum", "1799999941")));
    CHECK_INT(count_lines(&rig.log.lines), 1);
    say(&rig, SPAN(SAID("plum", "1799999939")));
    CHECK_INT(count_lines(&rig.log.lines), 2);
    rig.got.len = 0;
    say(&rig, SPAN(NEAR("plum")));
    expect(&rig, "AT Clark +59.000000000 plum " PLACE " 1799999941\n" NO_PLACES);
    rig.node.now_ms += HOURLY_MS - 1;
    say(&rig, SPAN(SAID("kiwi", "1799999900")));
    CHECK_INT(count_lines(&rig.log.lines), 2);
    rig.node.now_ms++;
    say(&rig, SPAN(SAID("kiwi", "1799999900") SAID("kiwi", "1799999900")));
    CHECK_INT(count_lines(&rig.log.lines), 3);
    CHECK_INT(flood_count(rig.node.flood)->reports_expired, 6);
    release(&rig);
}

/* Nor does it cost the address a new client. */
static void a_position_that_is_over_costs_no_token(void)
{
    struct rig rig = forgetting_rig(60000);
    static const struct network_address address = {{1}};
    struct client_limits_options options = {
        .connections_max = 1,
        .shares = {.addresses_max = 1, .new_ids_per_s = 1, .new_ids_burst = 1}};
    rig.node.log = &rig.log;
    rig.node.limits = client_limits_new(&options);
    client_limits_accept(rig.node.limits, &address, &rig.session.limits, 0);
    say(&rig, SPAN(SAID("a", "5") SAID("b", "5") SAID("c", NOW_S) NEAR("c")));
    expect(&rig, "AT Clark +1799999995.000000000 a " PLACE " 5\n"
                 "AT Clark +1799999995.000000000 b " PLACE " 5\n"
                 "AT Clark +0.000000000 c " PLACE " " NOW_S "\n"
                 "AT Clark +0.000000000 c " PLACE " " NOW_S "\n" NO_PLACES);
    client_limits_leave(rig.node.limits, &rig.session.limits);
    client_limits_destroy(&rig.node.limits);
    release(&rig);
}

static const struct check_case cases[] = {
    {"who is forgotten is as if never heard of", who_is_forgotten_is_as_if_never_heard_of},
    {"a later position brings the client back, and an older one does not",
     a_later_position_brings_the_client_back_and_an_older_one_does_not},
    {"all in one read", all_in_one_read},
    {"where it is off the word is none", where_it_is_off_the_word_is_none},
    {"the log says what was asked and answered", the_log_says_what_was_asked_and_answered},
    {"a FORGET costs a token", a_forget_costs_a_token},
    {"a full table forgets all the same", a_full_table_forgets_all_the_same},
    {"a position that is over is answered and not stored",
     a_position_that_is_over_is_answered_and_not_stored},
    {"a position that is over costs no token", a_position_that_is_over_costs_no_token},
};

CHECK_MAIN(cases)
