/* session: what access rules let a connection say and see, and AUTH. */
#include "gateway/text/command.h"
#include "tests/unit/access_rules.h"
#include "tests/unit/session_rig.h"
#include "topology/format/access.h"

#define HERE             "+34.068930-118.445127"
#define FAR              "+35.068930-118.445127"
#define WHATSAT_OF(name) "WHATSAT " name " 1 0\n"
#define NO_PLACES                                                                                  \
    "{\n   \"html_attributions\": [],\n   \"results\": [],\n   \"status\": \"OK\"\n}\n\n"

static const uint8_t hash_key[16];
static char token_a[ACCESS_TOKEN_TEXT_BYTES + 1], token_b[ACCESS_TOKEN_TEXT_BYTES + 1];
static char entry_a[ACCESS_ENTRY_TEXT_BYTES], entry_b[ACCESS_ENTRY_TEXT_BYTES];

struct guarded {
    struct rig rig;
    struct access access;
};

static const char *text_of_rules(void)
{
    static char text[1024];
    uint8_t bytes[ACCESS_TOKEN_BYTES] = {1};
    access_write_token(bytes, token_a, entry_a);
    bytes[0] = 2;
    access_write_token(bytes, token_b, entry_b);
    snprintf(text, sizeof text,
             "person\n    name = ada\n    token = %s\n    be = ada ada-*\n    see = seen-*\n"
             "person\n    name = bob\n    token = %s\n    be = *\n    rate = 3/s\n"
             "    from = 192.0.2.0/24\n    until = 2027-01-31\n"
             "anyone\n    see = tram-*\n",
             entry_a, entry_b);
    return text;
}

/* Everybody stands in one place: seen and hidden ones, and a tram. */
static void place_all(struct rig *rig)
{
    static const char *const names[] = {"hidden-1", "hidden-2", "seen-1", "tram-1", "ada"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct location location = {.client = span_of(names[i]),
                                    .position = SPAN(HERE),
                                    .stamp = SPAN("1621464827.5"),
                                    .difference_ns = 500000000,
                                    .order_ns = WALL_NS};
        CHECK_INT(flood_local(rig->node.flood, &location), FLOOD_STORED);
    }
}

static void set_up(struct guarded *all)
{
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = 1000,
                                    .forget = true,
                                    .nearby = true};
    all->rig = rig_of(false);
    struct session_node *node = &all->rig.node;
    flood_destroy(&node->flood);
    node->flood = flood_new(&options);
    node->watchers = watchers_new(flood_table(node->flood), hash_key, UINT64_MAX);
    node->options = COMMAND_OPTIONS_WATCH | COMMAND_OPTION(COMMAND_NEARBY) |
                    COMMAND_OPTION(COMMAND_FORGET) | COMMAND_OPTION(COMMAND_AUTH);
    node->log = &all->rig.log;
    node->log_commands = true;
    all->access = rules_of(text_of_rules());
    node->access = &all->access;
    place_all(&all->rig);
    struct network_address from;
    CHECK(network_address_parse(SPAN("192.0.2.1"), &from));
    CHECK(admission_judge(&all->rig.session, node, &from));
}

static void tear_down(struct guarded *all)
{
    release(&all->rig);
    access_free(&all->access);
}

/* `word` stands for the %s in it. */
static void say_text(struct rig *rig, const char *form, const char *word)
{
    char text[1024];
    const char *at = strstr(form, "%s");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - form), form, word, at + 2);
    say(rig, span_of(text));
}

static void enter_as(struct rig *rig, const char *token, const char *name)
{
    char wanted[128];
    say_text(rig, "AUTH %s\n", token);
    snprintf(wanted, sizeof wanted, "AUTH %s\n", name);
    expect(rig, wanted);
}

static void who_has_no_token_is_anyone(void)
{
    struct guarded all;
    set_up(&all);
    say(&all.rig,
        SPAN(WHATSAT_OF("tram-1") WHATSAT_OF("seen-1") IAMAT("tram-1") "FORGET tram-1\n"));
    expect(&all.rig,
           AT("tram-1") NO_PLACES "? WHATSAT seen-1 1 0\n? " IAMAT("tram-1") "? FORGET tram-1\n");
    say(&all.rig, SPAN("NEARBY AT " HERE " 1 9\nNEARBY ada 1 9\nNEARBY tram-1 1 9\n"));
    expect(&all.rig, "NEAR 0.0 " AT("tram-1") "\n? NEARBY ada 1 9\n" AT("tram-1") "\n");
    tear_down(&all);
}

static void a_token_counts_from_the_next_command_on(void)
{
    struct guarded all;
    set_up(&all);
    say_text(&all.rig,
             IAMAT("ada-1") "AUTH %s\n" IAMAT("ada-1")
                 IAMAT("hidden-1") "FORGET hidden-1\n" WHATSAT_OF("hidden-1") WHATSAT_OF("seen-1"),
             token_a);
    expect(&all.rig,
           "? " IAMAT("ada-1") "AUTH ada\n" AT("ada-1") "? " IAMAT(
               "hidden-1") "? FORGET hidden-1\n? " WHATSAT_OF("hidden-1") AT("seen-1") NO_PLACES);
    tear_down(&all);
}

/* For each command about a client: one that is known, and one that is not. */
static void who_is_hidden_is_as_one_who_is_not_there(void)
{
    static const char *const commands[] = {
        IAMAT("%s"),       "FORGET %s\n",  "WHATSAT %s 1 0\n", "WHATSAT %s 1 20\n",
        "NEARBY %s 5 9\n", "WATCH %s 5\n", "WATCH %s\n",       "%s\n",
        "NEARBY %s 5\n",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct guarded all;
        struct buffer first;
        set_up(&all);
        enter_as(&all.rig, token_a, "ada");
        say_text(&all.rig, commands[i], "hidden-1");
        first = all.rig.got;
        all.rig.got = (struct buffer){0};
        say(&all.rig, SPAN("UNWATCH\n"));
        all.rig.got.len = 0;
        say_text(&all.rig, commands[i], "hidden-9");
        CHECK_INT(first.len, all.rig.got.len);
        for (size_t at = 0; at < first.len && at < all.rig.got.len; at++) {
            bool is_name = first.data[at] == '1' && all.rig.got.data[at] == '9';
            bool is_number = first.data[at] == '1' && all.rig.got.data[at] == '2'; /* of a watch */
            CHECK(first.data[at] == all.rig.got.data[at] || is_name || is_number);
        }
        CHECK_INT(all.rig.node.count.whatsats, 0);
        buffer_free(&first);
        tear_down(&all);
    }
}

static void the_bound_of_nearby_counts_those_who_are_seen(void)
{
    struct guarded all;
    set_up(&all);
    enter_as(&all.rig, token_a, "ada");
    say(&all.rig, SPAN("NEARBY AT " HERE " 1 2\nNEARBY AT " HERE " 1 1\nNEARBY ada 1 1\n"));
    expect(&all.rig, "NEAR 0.0 " AT("ada") "NEAR 0.0 " AT("seen-1") "\nNEAR 0.0 " AT("ada") "\n" AT(
                         "ada") "NEAR 0.0 " AT("seen-1") "\n");
    tear_down(&all);
}

static void move(struct rig *rig, const char *name, const char *place, int64_t order)
{
    struct location location = {.client = span_of(name),
                                .position = span_of(place),
                                .stamp = SPAN("1621464827.5"),
                                .difference_ns = 500000000,
                                .order_ns = WALL_NS + order};
    CHECK_INT(flood_local(rig->node.flood, &location), FLOOD_STORED);
}

static void tell(struct rig *rig)
{
    struct watchers *watchers = rig->node.watchers;
    watchers_update(watchers);
    while (watchers_next_due(watchers) != NULL)
        ;
    CHECK(watchers_is_sound(watchers));
    session_attach_output(&rig->session, &rig->shared);
    for (int i = 0; i < 100 && rig->session.watches.is_given; i++) {
        int64_t steps = 1000;
        session_tell(&rig->session, &rig->node, &steps);
    }
    session_detach_output(&rig->session, &rig->shared);
    take(rig, SIZE_MAX);
}

static void nothing_is_told_of_anybody_hidden(void)
{
    struct guarded all;
    struct location tombstone;
    set_up(&all);
    struct rig *rig = &all.rig;
    flood_set_clock(rig->node.flood, 0, WALL_NS);
    enter_as(rig, token_a, "ada");
    say(rig, SPAN("WATCH *\nWATCH AT " HERE " 5\nWATCH ada 5\nWATCH hidden-1\nWATCH hidden-1 5\n"));
    expect(rig, "WATCH 1 0\n\nWATCH 2 2\nNEAR 0.0 " AT("ada") "NEAR 0.0 " AT(
                    "seen-1") "\nWATCH 3 1\nNEAR 0.0 " AT("seen-1") "\nWATCH 4 0\n\nWATCH 5 0\n\n");
    tell(rig);
    expect(rig, "! MOVE 1 " AT("seen-1") "! MOVE 1 " AT("ada"));
    move(rig, "hidden-1", FAR, 1);
    tell(rig);
    move(rig, "hidden-1", HERE, 2);
    move(rig, "hidden-3", HERE, 2);
    tell(rig);
    /* The circle moves away from them, and back over them. */
    move(rig, "ada", FAR, 3);
    tell(rig);
    move(rig, "ada", HERE, 4);
    tell(rig);
    CHECK(rig->got.len > 0);
    CHECK(memmem(rig->got.data, rig->got.len, "hidden", 6) == NULL);
    CHECK(memmem(rig->got.data, rig->got.len, "! LEAVE 2 ", 10) != NULL);
    CHECK(memmem(rig->got.data, rig->got.len, "! ENTER 3 ", 10) != NULL);
    rig->got.len = 0;
    if (flood_forget(rig->node.flood, SPAN("hidden-1"), WALL_NS + 9, 0, &tombstone) == FLOOD_STORED)
        tell(rig);
    expect(rig, "");
    /* Circles around whom one does not see are no more than around nobody. */
    for (unsigned i = 0; i < WATCHERS_OF_CENTRE_MAX + 1; i++)
        say(rig, SPAN("WATCH hidden-2 5\n"));
    CHECK(memmem(rig->got.data, rig->got.len, "? ", 2) == NULL);
    tear_down(&all);
}

static void three_wrong_tokens_close_and_each_costs_a_second(void)
{
    struct guarded all;
    set_up(&all);
    struct rig *rig = &all.rig;
    say_text(rig, "AUTH x\nAUTH \nauth %s y\n" WHATSAT_OF("tram-1"), token_a);
    for (int i = 0; i < 2; i++) {
        expect(rig, "? AUTH *\n");
        CHECK((rig->session.waits & SESSION_WAITS_PAUSED) != 0);
        CHECK_INT(rig->session.admission->paused_until_ms, rig->node.now_ms + ADMISSION_WRONG_MS);
        CHECK(!session_wants_input(&rig->session) && !session_has_work(&rig->session));
        rig->node.now_ms += ADMISSION_WRONG_MS;
        session_resume(&rig->session);
        CHECK(session_has_work(&rig->session));
        take(rig, 0);
        take(rig, SIZE_MAX);
    }
    expect(rig, "? AUTH *\n");
    CHECK(session_is_over(&rig->session));
    CHECK_INT(rig->node.reasons.refusals[REFUSAL_TOKEN], 3);
    CHECK(memmem(rig->log.lines.data, rig->log.lines.len, token_a, strlen(token_a)) == NULL);
    CHECK(memmem(rig->log.lines.data, rig->log.lines.len, " AUTH *\n", 8) != NULL);
    tear_down(&all);
}

static void without_rules_every_token_is_wrong(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN("AUTH kiwi\n"));
    expect(&rig, "? AUTH *\n");
    rig.node.now_ms += ADMISSION_WRONG_MS;
    session_resume(&rig.session);
    work(&rig, NULL);
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, AT("kiwi"));
    release(&rig);
}

/* Wherever the line was split, nothing of it stays in memory that the session still has. */
static void a_token_is_overwritten(void)
{
    char line[128];
    struct guarded all;
    set_up(&all);
    int bytes = snprintf(line, sizeof line, "AUTH %s\nIAM", token_a);
    for (int split = 1; split < bytes; split++) {
        struct session *session = &all.rig.session;
        char *second = strndup(line + split, (size_t)(bytes - split));
        say(&all.rig, (struct span){line, (size_t)split});
        session_attach_output(session, &all.rig.shared);
        session_read(session, second, (size_t)(bytes - split));
        static const struct turns_budget budget = {9, 1000, 1000};
        session_work(session, &all.rig.node, &budget, NULL);
        CHECK(memmem(second, (size_t)(bytes - split), token_a + 22, 21) == NULL);
        const struct buffer *kept = &session->lines.kept;
        for (size_t i = 5; kept->data != NULL && i + 8 < strlen(token_a); i++)
            CHECK(memmem(kept->data, kept->capacity, token_a + i, 8) == NULL);
        session_detach_output(session, &all.rig.shared);
        say(&all.rig, SPAN("AT\n"));
        free(second);
        all.rig.got.len = 0;
    }
    tear_down(&all);
}

/* A line as long as lines may be has a right token, and a longer one a wrong one. */
static void a_token_stands_in_a_line_that_is_not_too_long(void)
{
    static char line[LINES_BYTES_MAX + 8];
    struct guarded all;
    set_up(&all);
    for (size_t more = 0; more <= 1; more++) {
        size_t bytes = (size_t)snprintf(line, sizeof line, "AUTH %s", token_a);
        memset(line + bytes, ' ', LINES_BYTES_MAX + more - bytes);
        line[LINES_BYTES_MAX + more] = '\n';
        say(&all.rig, (struct span){line, LINES_BYTES_MAX + more + 1});
        expect(&all.rig, more == 0 ? "AUTH ada\n" : "? AUTH *\n");
    }
    const struct buffer *log = &all.rig.log.lines;
    CHECK(memmem(log->data, log->len, SPAN("invalid 17 the line is too long").data, 31) != NULL);
    CHECK(memmem(log->data, log->len, token_a, 30) == NULL);
    tear_down(&all);
}

static void check_log_has(const struct rig *rig, const char *text, bool wanted)
{
    CHECK(wanted == (memmem(rig->log.lines.data, rig->log.lines.len, text, strlen(text)) != NULL));
}

/* Whoever sent it reads it again in the copy; in the log it is not. */
static void a_token_in_a_line_of_something_else_is_not_in_the_log(void)
{
    static const char *const forms[] = {"%s\n", "Auth: %s\n", "Bearer=%s,1\n", "WHATSAT %s 1 0\n",
                                        IAMAT("%s")};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct guarded all;
        set_up(&all);
        say_text(&all.rig, forms[i], token_a);
        CHECK(memmem(all.rig.got.data, all.rig.got.len, token_a, strlen(token_a)) != NULL);
        CHECK_INT(all.rig.node.count.invalid, 1);
        check_log_has(&all.rig, token_a, false);
        check_log_has(&all.rig, token_a + 30, false);
        check_log_has(&all.rig, i == 0 ? " command 17 *\n" : "*", true);
        check_log_has(&all.rig, i == 0 ? " reply 17 ? *\n" : "*", true);
        say_text(&all.rig, "Auth: %s\n", token_a + 3);
        check_log_has(&all.rig, token_a + 30, false);
        /* A UUID may be a client. */
        say(&all.rig, SPAN("WHATSAT 123e4567-e89b-12d3-a456-426614174000 1 0\n"));
        check_log_has(&all.rig, "? WHATSAT 123e4567-e89b-12d3-a456-426614174000 1 0\n", true);
        tear_down(&all);
    }
}

static void who_is_too_fast_is_refused(void)
{
    struct guarded all;
    set_up(&all);
    enter_as(&all.rig, token_b, "bob");
    say(&all.rig, SPAN(IAMAT("kiwi") IAMAT("kiwi") "HELP me\n" IAMAT("kiwi") IAMAT("kiwi")));
    expect(&all.rig, AT("kiwi") AT("kiwi") "? HELP me\n" AT("kiwi") "? " IAMAT("kiwi"));
    CHECK_INT(all.rig.node.reasons.refusals[REFUSAL_TOO_FAST], 1);
    all.rig.node.now_ms += 334;
    session_resume(&all.rig.session);
    say(&all.rig, SPAN(IAMAT("kiwi") IAMAT("kiwi")));
    expect(&all.rig, AT("kiwi") "? " IAMAT("kiwi"));
    tear_down(&all);
}

/* One refusal in each of them, whatever waits; then what follows is looked at. */
static void a_command_beyond_the_rate_costs_a_millisecond(void)
{
    struct guarded all;
    set_up(&all);
    struct rig *rig = &all.rig;
    enter_as(rig, token_b, "bob");
    say(rig,
        SPAN(IAMAT("kiwi") IAMAT("kiwi") IAMAT("kiwi") IAMAT("lime") IAMAT("plum") "HELP me\n"));
    expect(rig, AT("kiwi") AT("kiwi") AT("kiwi") "? " IAMAT("lime"));
    for (int i = 0; i < 2; i++) {
        CHECK((rig->session.waits & SESSION_WAITS_PAUSED) != 0 &&
              rig->session.admission->is_too_fast);
        CHECK_INT(rig->session.admission->paused_until_ms, rig->node.now_ms + ADMISSION_FAST_MS);
        CHECK(!session_wants_input(&rig->session) && !session_has_work(&rig->session));
        rig->node.now_ms += ADMISSION_FAST_MS;
        session_resume(&rig->session);
        take(rig, 0);
        take(rig, SIZE_MAX);
        expect(rig, i == 0 ? "? " IAMAT("plum") : "? HELP me\n");
        if (i == 0)
            continue;
        CHECK_INT(rig->session.waits, 0);
        say(rig, SPAN("AUTH x\n"));
        expect(rig, "? AUTH *\n");
        CHECK(!rig->session.admission->is_too_fast);
    }
    tear_down(&all);
}

static bool judge(struct guarded *all, const char *text, const char *address)
{
    struct access before = all->access;
    struct network_address from;
    CHECK(network_address_parse(span_of(address), &from));
    all->access = rules_of(text);
    all->rig.node.access = &all->access;
    bool stays = admission_judge(&all->rig.session, &all->rig.node, &from);
    access_free(&before);
    work(&all->rig, NULL);
    return stays;
}

static void new_rules_end_what_old_ones_allowed(void)
{
    char others[1024], gone[] = "anyone\n    see = tram-*\n";
    struct guarded all;
    set_up(&all);
    enter_as(&all.rig, token_a, "ada");
    CHECK(judge(&all, text_of_rules(), "192.0.2.1"));
    say(&all.rig, SPAN(IAMAT("ada") "WATCH ada\n"));
    CHECK(judge(&all, text_of_rules(), "192.0.2.1"));
    snprintf(others, sizeof others, "person\n    name = ada\n    token = %s\n    be = *\n",
             entry_a);
    CHECK(watchers_has_any(&all.rig.session.watches));
    CHECK(!judge(&all, others, "192.0.2.1")); /* it would see more, and was not told of them */
    CHECK(all.rig.session.leaving && !watchers_has_any(&all.rig.session.watches));
    tear_down(&all);

    set_up(&all);
    enter_as(&all.rig, token_a, "ada");
    CHECK(judge(&all, others, "192.0.2.1")); /* it watches nothing */
    all.rig.got.len = 0;
    say(&all.rig, SPAN(IAMAT("kiwi")));
    expect(&all.rig, AT("kiwi"));
    CHECK(!judge(&all, gone, "192.0.2.1"));
    CHECK(all.rig.session.leaving);
    tear_down(&all);

    set_up(&all); /* Bob's day, and his network */
    all.rig.node.accept_ns = INT64_C(1801439999999999999);
    enter_as(&all.rig, token_b, "bob");
    CHECK(judge(&all, text_of_rules(), "192.0.2.1"));
    all.rig.node.accept_ns++;
    CHECK(!judge(&all, text_of_rules(), "192.0.2.1"));
    tear_down(&all);

    set_up(&all);
    struct network_address elsewhere;
    CHECK(network_address_parse(SPAN("192.0.3.1"), &elsewhere));
    CHECK(admission_judge(&all.rig.session, &all.rig.node, &elsewhere));
    say_text(&all.rig, "AUTH %s\n", token_b);
    expect(&all.rig, "? AUTH *\n");
    tear_down(&all);
}

static void a_name_that_somebody_vouches_for(void)
{
    struct guarded all;
    set_up(&all);
    CHECK(!admission_vouch(&all.rig.session, &all.rig.node, SPAN("eve")));
    CHECK(!admission_vouch(&all.rig.session, &all.rig.node, SPAN("")));
    CHECK(admission_vouch(&all.rig.session, &all.rig.node, SPAN("ada")));
    say(&all.rig, SPAN(IAMAT("ada")));
    expect(&all.rig, AT("ada"));
    CHECK(judge(&all, text_of_rules(), "192.0.2.1"));
    say(&all.rig, SPAN(IAMAT("ada")));
    expect(&all.rig, AT("ada"));
    CHECK(!judge(&all, "anyone\n    be = *\n", "192.0.2.1"));
    tear_down(&all);
}

static void as_somebody_else_it_watches_nothing(void)
{
    struct guarded all;
    set_up(&all);
    say(&all.rig, SPAN("WATCH AT " HERE " 5\n"));
    expect(&all.rig, "WATCH 1 1\nNEAR 0.0 " AT("tram-1") "\n");
    enter_as(&all.rig, token_a, "ada");
    CHECK(!watchers_has_any(&all.rig.session.watches));
    say(&all.rig, SPAN("WATCH AT " HERE " 5\n"));
    all.rig.got.len = 0;
    enter_as(&all.rig, token_a, "ada");
    CHECK(watchers_has_any(&all.rig.session.watches));
    tear_down(&all);
}

static void what_is_forbidden_counts_as_well(void)
{
    struct guarded all;
    set_up(&all);
    CHECK(judge(&all, "anyone\n    see = tram-*\n    rate = 2/s\n", "192.0.2.1"));
    say(&all.rig, SPAN(IAMAT("ada") IAMAT("ada") IAMAT("ada")));
    expect(&all.rig, "? " IAMAT("ada") "? " IAMAT("ada") "? " IAMAT("ada"));
    CHECK_INT(all.rig.node.reasons.refusals[REFUSAL_TOO_FAST], 1);
    tear_down(&all);
}

static const struct check_case cases[] = {
    {"who has no token is anyone", who_has_no_token_is_anyone},
    {"a token counts from the next command on", a_token_counts_from_the_next_command_on},
    {"who is hidden is as one who is not there, for every command",
     who_is_hidden_is_as_one_who_is_not_there},
    {"the bound of NEARBY counts those who are seen",
     the_bound_of_nearby_counts_those_who_are_seen},
    {"WATCH tells nothing of anybody hidden", nothing_is_told_of_anybody_hidden},
    {"three wrong tokens close, and each costs a second",
     three_wrong_tokens_close_and_each_costs_a_second},
    {"without rules every token is wrong", without_rules_every_token_is_wrong},
    {"a token is overwritten, wherever its line was split", a_token_is_overwritten},
    {"a token stands in a line that is not too long",
     a_token_stands_in_a_line_that_is_not_too_long},
    {"a token in a line of something else is not in the log",
     a_token_in_a_line_of_something_else_is_not_in_the_log},
    {"who is too fast is refused", who_is_too_fast_is_refused},
    {"a command beyond the rate costs a millisecond",
     a_command_beyond_the_rate_costs_a_millisecond},
    {"what is forbidden counts as well", what_is_forbidden_counts_as_well},
    {"new rules end what old ones allowed", new_rules_end_what_old_ones_allowed},
    {"a name that somebody vouches for counts as a token", a_name_that_somebody_vouches_for},
    {"as somebody else it watches nothing", as_somebody_else_it_watches_nothing},
};

CHECK_MAIN(cases)
