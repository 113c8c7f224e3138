/* What the log has of a session: of which commands, why they are refused, and of clocks that were
 * set back. */
#include "gateway/text/admission.h"
#include "tests/unit/access_rules.h"
#include "tests/unit/session_rig.h"

#define TIME "2021-05-19T22:53:48.000000Z "

static size_t count(const struct rig *rig, const char *what)
{
    size_t found = 0;
    const char *at = rig->log.lines.data, *end = at + rig->log.lines.len;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) {
        at += strlen(what);
        found++;
    }
    return found;
}

/* Of `one_in`, how many of ten commands have their line, and their reply's. */
static void one_in_so_many_is_noted(void)
{
    static const struct {
        uint32_t one_in;
        size_t noted;
    } rows[] = {{0, 10}, {1, 10}, {2, 5}, {3, 3}, {10, 1}, {11, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_of(false);
        rig.node.log = &rig.log;
        rig.node.log_commands = true;
        rig.node.log_one_in = rows[i].one_in;
        for (int command = 0; command < 10; command++)
            say(&rig, SPAN("x\n"));
        CHECK_INT(count(&rig, TIME "command 17 x\n"), rows[i].noted);
        CHECK_INT(count(&rig, TIME "invalid 17 "), rows[i].noted);
        CHECK_INT(count(&rig, TIME "reply 17 ? x\n"), rows[i].noted);
        CHECK_INT(rig.node.count.invalid, 10);
        CHECK_INT(rig.node.reasons.refusals[REFUSAL_MALFORMED], 10);
        release(&rig);
    }
}

/* The second of two look-ups is noted, whichever is answered first. */
static void what_became_of_a_look_up_goes_with_its_command(void)
{
    for (int first = 0; first < 2; first++) {
        struct rig rig = rig_of(true);
        uint64_t ids[2];
        rig.node.log = &rig.log;
        say(&rig, SPAN(IAMAT("kiwi")));
        rig.node.log_commands = true;
        rig.node.log_one_in = 2;
        say(&rig, SPAN("WHATSAT kiwi 1 1\nWHATSAT kiwi 2 2\n"));
        CHECK_INT(send_requests(&rig, ids, 2), 2);
        answer(&rig, ids[first], SPAN("{\"a\":1}"));
        CHECK_INT(count(&rig, " places 17 ok"), first == 1 ? 1 : 0);
        answer(&rig, ids[1 - first], SPAN("{\"a\":1}"));
        CHECK_INT(count(&rig, " places 17 ok"), 1);
        CHECK_INT(count(&rig, "WHATSAT kiwi 1 1"), 0);
        CHECK_INT(count(&rig, "WHATSAT kiwi 2 2"), 1);
        release(&rig);
    }
}

/* Each of these is refused; in a log of events as well, where that wants it, without what was said.
 */
static void a_refusal_has_its_reason(void)
{
    static const struct {
        const char *line;
        enum refusal refusal;
    } rows[] = {
        {"HELLO", REFUSAL_MALFORMED},
        {"IAMAT kiwi 1 2", REFUSAL_MALFORMED},
        {"Host: example.org", REFUSAL_BROWSER},
        {"WHATSAT nobody 1 1", REFUSAL_UNKNOWN_CLIENT},
        {"IAMAT kiwis +34.068930-118.445127 1621464827.5", REFUSAL_ID_TOO_LONG},
        {"IAMAT plum +34.068930-118.445127 1621464827.5", REFUSAL_TABLE_FULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = make_rig(1, false);
        char word[64], text[256];
        rig.node.log = &rig.log;
        rig.node.id_bytes_max = 4;
        rig.log.format = LOGLINE_LOGFMT;
        say(&rig, SPAN(IAMAT("kiwi")));
        snprintf(text, sizeof text, "%s\n", rows[i].line);
        say(&rig, span_of(text));
        CHECK_INT(rig.node.reasons.refusals[rows[i].refusal], 1);
        CHECK_INT(rig.log.lines.len, 0);
        rig.node.log_refusals = true;
        if (!rig.session.leaving)
            say(&rig, span_of(text));
        snprintf(word, sizeof word, " reason=%s\n", reasons_refusal(rows[i].refusal));
        CHECK_INT(count(&rig, word), rig.session.leaving ? 0 : 1);
        CHECK_INT(count(&rig, "level=debug kind=invalid"), count(&rig, word));
        CHECK_INT(count(&rig, rows[i].line), 0);
        release(&rig);
    }
}

/* A client that said `seconds` has said 1621464827.5 before. */
static void a_clock_that_was_set_back_has_its_line(void)
{
    static const struct {
        const char *stamp, *by;
        uint64_t backward;
    } rows[] = {
        {"1621464828.5", NULL, 0},
        {"1621464827.5", NULL, 0},
        {"1621461227.5", NULL, 0}, /* an hour */
        {"1621461227.499999999", "3600.0", 1},
        {"1002150427.5", "619314400.0", 1}, /* 1024 weeks */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_of(false);
        char text[256];
        rig.node.log = &rig.log;
        say(&rig, SPAN(IAMAT("kiwi")));
        snprintf(text, sizeof text, "IAMAT kiwi +1+1 %s\n", rows[i].stamp);
        say(&rig, span_of(text));
        say(&rig, span_of(text));
        CHECK_INT(rig.node.count.backward, 2 * rows[i].backward);
        CHECK_INT(count(&rig, "clock 17 a client's stamps went back by "), rows[i].backward);
        CHECK_INT(count(&rig, "kiwi"), 0);
        if (rows[i].by != NULL)
            CHECK_INT(count(&rig, rows[i].by), 1);
        rig.node.now_ms += HOURLY_MS;
        say(&rig, span_of(text));
        CHECK_INT(count(&rig, "clock 17 "), 2 * rows[i].backward);
        release(&rig);
    }
}

/* Among ids there may be one as long as a token. */
static void no_token_is_in_the_log(void)
{
    char token[ACCESS_TOKEN_TEXT_BYTES + 1], other[ACCESS_TOKEN_TEXT_BYTES + 1];
    char entry[ACCESS_ENTRY_TEXT_BYTES], text[512];
    struct rig rig = rig_of(false);
    access_write_token((const uint8_t[ACCESS_TOKEN_BYTES]){2}, other, entry);
    access_write_token((const uint8_t[ACCESS_TOKEN_BYTES]){1}, token, entry);
    snprintf(text, sizeof text,
             "person\n    name = ada\n    token = %s\n    be = ada\n"
             "anyone\n    be = *\n    see = *\n",
             entry);
    struct access rules = rules_of(text);
    rig.node.access = &rules;
    struct network_address from;
    CHECK(network_address_parse(SPAN("192.0.2.1"), &from) &&
          admission_judge(&rig.session, &rig.node, &from));
    rig.node.log = &rig.log;
    rig.node.log_commands = true;
    const char *const ids[] = {token, other};
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "IAMAT %s +34.068930-118.445127 1621464827.959498503\n",
                 ids[i]);
        say(&rig, span_of(text));
        snprintf(text, sizeof text, "WHATSAT %s 0 0\n", ids[i]);
        say(&rig, span_of(text));
        CHECK_INT(count(&rig, ids[i]), i == 0 ? 0 : 4);
    }
    CHECK_INT(count(&rig, "command 17 IAMAT * +34.068930-118.445127 "), 1);
    CHECK_INT(count(&rig, "command 17 WHATSAT * 0 0\n"), 1);
    release(&rig);
    access_free(&rules);
}

static const struct check_case cases[] = {
    {"one command in so many is noted, with its reply", one_in_so_many_is_noted},
    {"what became of a look-up is noted where its command is",
     what_became_of_a_look_up_goes_with_its_command},
    {"a refusal is counted by its reason, and noted where a log of events wants that",
     a_refusal_has_its_reason},
    {"no token is in the log", no_token_is_in_the_log},
    {"a clock that was set back by more than an hour has a line an hour",
     a_clock_that_was_set_back_has_its_line},
};

CHECK_MAIN(cases)
