/* session: WATCH and UNWATCH, and where their lines stand among replies. */
#include "gateway/text/command.h"
#include "tests/unit/session_rig.h"

#define AT_KIWI "+34.068930-118.445127"
#define NOP     "\xff\xf1"
/* More than one turn looks at. */
#define CROWD 5000u

static const uint8_t hash_key[16];

static struct rig watch_rig(bool has_places, bool has_grid, unsigned promises)
{
    const struct span peers[] = {SPAN("Ball")};
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .peers = peers,
                                    .peer_count = promises == 0 ? 0 : 1,
                                    .incarnation = 1,
                                    .clients_max = 2 * CROWD,
                                    .forget = true,
                                    .promises = promises,
                                    .nearby = has_grid};
    struct rig rig = rig_of(has_places);
    flood_destroy(&rig.node.flood);
    rig.node.flood = flood_new(&options);
    rig.node.holds_replies = promises != 0;
    rig.node.watchers = watchers_new(flood_table(rig.node.flood), hash_key, UINT64_MAX);
    rig.node.options = COMMAND_OPTIONS_WATCH | COMMAND_OPTION(COMMAND_NEARBY);
    return rig;
}

/* Somebody else says where a client is. */
static void move(struct rig *rig, const char *name, const char *place, int64_t order)
{
    struct location location = {.client = span_of(name),
                                .position = span_of(place),
                                .stamp = SPAN("1621464827.5"),
                                .difference_ns = 500000000,
                                .order_ns = WALL_NS + order};
    CHECK_INT(flood_local(rig->node.flood, &location), FLOOD_STORED);
}

/* The end of a turn of the loop: lines are made, and nothing is written yet. */
static void tell(struct rig *rig)
{
    struct watchers_connection *connection = &rig->session.watches;
    watchers_update(rig->node.watchers);
    while (watchers_next_due(rig->node.watchers) != NULL)
        CHECK(connection->is_given);
    session_attach_output(&rig->session, &rig->shared);
    while (connection->is_given && session_may_be_told(&rig->session)) {
        int64_t steps = 1000;
        session_tell(&rig->session, &rig->node, &steps);
    }
    session_detach_output(&rig->session, &rig->shared);
}

static void tell_all(struct rig *rig)
{
    tell(rig);
    take(rig, SIZE_MAX);
}

static void the_reply_comes_first(void)
{
    struct rig rig = watch_rig(false, true, 0);
    say(&rig, SPAN("WATCH kiwi\n" IAMAT("kiwi")));
    expect(&rig, "WATCH 1 0\n\n" AT("kiwi"));
    tell_all(&rig);
    expect(&rig, "! MOVE 1 " AT("kiwi"));
    say(&rig, SPAN("WATCH kiwi\nWATCH *\nWATCH AT " AT_KIWI " 1\nWATCH kiwi 1000.000\n"));
    expect(&rig, "WATCH 2 1\n" AT("kiwi") "\nWATCH 3 0\n\nWATCH 4 1\nNEAR 0.0 " AT(
                     "kiwi") "\nWATCH 5 0\n\n");
    tell_all(&rig);
    expect(&rig, "! MOVE 3 " AT("kiwi"));
    CHECK_INT(rig.node.count.watches, 5);
    say(&rig, SPAN("UNWATCH 3\nUNWATCH 3\nUNWATCH 0\nUNWATCH\nUNWATCH\n"));
    expect(&rig, "UNWATCH 1\nUNWATCH 0\nUNWATCH 0\nUNWATCH 4\nUNWATCH 0\n");
    move(&rig, "kiwi", "+1-1", 1);
    tell_all(&rig);
    expect(&rig, "");
    say(&rig, SPAN("WATCH kiwi\n"));
    expect(&rig, "WATCH 6 1\nAT Clark +0.500000000 kiwi +1-1 1621464827.5\n\n");
    release(&rig);
}

static void a_line_comes_before_a_reply_that_is_awaited(void)
{
    struct rig rig = watch_rig(true, false, 0);
    uint64_t ids[2];
    say(&rig, SPAN(IAMAT("tui") "WATCH kiwi\nX\nWHATSAT tui 1 1\nY\nWHATSAT tui 2 1\nZ\n"));
    expect(&rig, AT("tui") "WATCH 1 0\n\n? X\n");
    CHECK_INT(send_requests(&rig, ids, 2), 2);
    move(&rig, "kiwi", AT_KIWI, 1);
    tell_all(&rig);
    expect(&rig, "! MOVE 1 " AT("kiwi"));
    move(&rig, "kiwi", AT_KIWI, 2);
    tell(&rig);
    take(&rig, 5); /* and the rest when more waits */
    move(&rig, "kiwi", AT_KIWI, 3);
    tell(&rig);
    answer(&rig, ids[0], SPAN(JSON("one")));
    take(&rig, SIZE_MAX);
    expect(&rig, "! MOVE 1 " AT("kiwi") "! MOVE 1 " AT("kiwi") AT("tui") JSON("one") "\n\n? Y\n");
    answer(&rig, ids[1], SPAN(JSON("two")));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("tui") JSON("two") "\n\n? Z\n");
    release(&rig);
}

/* The reply waits until a neighbour has the position; what is watched is true before that. */
static void a_line_comes_before_a_reply_that_is_held(void)
{
    struct rig rig = watch_rig(false, false, PROMISES_BY_NEIGHBOUR);
    say(&rig, SPAN("WATCH kiwi\n" IAMAT("kiwi") "X\n"));
    expect(&rig, "WATCH 1 0\n\n");
    CHECK(session_held_epoch(&rig.session) != 0);
    tell_all(&rig);
    expect(&rig, "! MOVE 1 " AT("kiwi"));
    release(&rig);
}

static void the_end_of_input_ends_the_watches(void)
{
    struct rig rig = watch_rig(false, true, 0);
    say(&rig, SPAN(IAMAT("kiwi") "WATCH *\nWATCH kiwi\nUNWATCH"));
    expect(&rig, AT("kiwi") "WATCH 1 0\n\nWATCH 2 1\n" AT("kiwi") "\n");
    end_input(&rig);
    CHECK(!watchers_has_any(&rig.session.watches));
    tell_all(&rig);
    expect(&rig, "UNWATCH 2\n");
    CHECK(session_is_over(&rig.session));
    CHECK_INT(watchers_count(rig.node.watchers).watches, 0);
    release(&rig);
}

static void a_watch_begun_at_the_end_has_its_reply(void)
{
    struct rig rig = watch_rig(false, true, 0);
    say(&rig, SPAN(IAMAT("kiwi") "WATCH AT " AT_KIWI " 1\xff\xec"));
    expect(&rig, AT("kiwi") "WATCH 1 1\r\nNEAR 0.0 AT Clark +0.500000000 kiwi " AT_KIWI
                            " 1621464827.5\r\n\r\n");
    CHECK(session_is_over(&rig.session) && !watchers_has_any(&rig.session.watches));
    release(&rig);
}

static void quit_ends_the_watches(void)
{
    struct rig rig = watch_rig(false, false, 0);
    say(&rig, SPAN("WATCH kiwi\nQUIT\n"));
    expect(&rig, "WATCH 1 0\n\n");
    CHECK(session_is_over(&rig.session) && !watchers_has_any(&rig.session.watches));
    release(&rig);
}

static void telnet_ends_lines_in_crlf(void)
{
    struct rig rig = watch_rig(true, false, 0);
    say(&rig, SPAN("WATCH kiwi\n" IAMAT("kiwi") "WHATSAT kiwi 1 1\n" NOP));
    expect(&rig, "WATCH 1 0\n\n" AT("kiwi"));
    tell_all(&rig);
    expect(&rig, "! MOVE 1 AT Clark +0.500000000 kiwi " AT_KIWI " 1621464827.5\r\n");
    say(&rig, SPAN("UNWATCH\r\n"));
    expect(&rig, "");
    uint64_t id;
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN(JSON("one")));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("kiwi") JSON("one") "\n\nUNWATCH 1\r\n");
    release(&rig);
}

/* Ids of 60,000 bytes: what waits to be read stays below the limit and a line. */
static void a_slow_reader_is_told_no_more_than_it_takes(void)
{
    enum { LONG = 60000, COUNT = 20 };
    static char name[LONG + 1];
    struct rig rig = watch_rig(false, false, 0);
    say(&rig, SPAN("WATCH *\n"));
    expect(&rig, "WATCH 1 0\n\n");
    for (int i = 0; i < COUNT; i++) {
        sprintf(name, "%c%0*d", 'a' + i, LONG - 1, i);
        move(&rig, name, "+1-1", i);
    }
    int turns = 0;
    size_t told = 0;
    for (; told < COUNT && turns < 2 * COUNT; turns++) {
        tell(&rig);
        CHECK(session_output(&rig.session).len < SESSION_TOLD_BYTES + LONG + 100);
        CHECK(!session_may_be_told(&rig.session) || !rig.session.watches.is_given);
        take(&rig, SIZE_MAX);
        for (size_t i = 0; i < rig.got.len; i++)
            told += rig.got.data[i] == '\n';
        rig.got.len = 0;
    }
    CHECK_INT(told, COUNT);
    CHECK(turns >= COUNT / 2);
    release(&rig);
}

static void fill(struct rig *rig)
{
    char name[16];
    for (uint32_t i = 0; i < CROWD; i++) {
        sprintf(name, "c%u", i);
        move(rig, name, AT_KIWI, i);
    }
}

static void turn(struct rig *rig)
{
    static const struct turns_budget budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                               TURNS_BACK_OUT_BYTES_MAX};
    session_attach_output(&rig->session, &rig->shared);
    session_work(&rig->session, &rig->node, &budget, NULL);
    session_detach_output(&rig->session, &rig->shared);
}

static void begin(struct rig *rig, const char *text)
{
    static char bytes[256];
    size_t count = strlen(text);
    memcpy(bytes, text, count);
    session_attach_output(&rig->session, &rig->shared);
    session_read(&rig->session, bytes, count);
    turn(rig);
}

/* A NEARBY and the reply to a WATCH take several turns, and are one piece. */
static void nothing_is_told_within_a_reply(void)
{
    static const char *const questions[] = {"NEARBY AT " AT_KIWI " 1 3\nX\n",
                                            "WATCH AT " AT_KIWI " 1\nX\n"};
    for (int i = 0; i < 2; i++) {
        struct rig rig = watch_rig(false, true, 0);
        fill(&rig);
        say(&rig, SPAN("WATCH kiwi\n"));
        expect(&rig, "WATCH 1 0\n\n");
        begin(&rig, questions[i]);
        CHECK(session_has_work(&rig.session) && !session_wants_input(&rig.session));
        move(&rig, "kiwi", "+1-1", 1);
        tell(&rig);
        CHECK(!session_may_be_told(&rig.session));
        CHECK_INT(session_output(&rig.session).len, 0);
        while (session_has_work(&rig.session))
            turn(&rig);
        take(&rig, SIZE_MAX);
        CHECK(session_may_be_told(&rig.session));
        tell_all(&rig);
        const char *at = memmem(rig.got.data, rig.got.len, "\n\n? X\n", 6);
        CHECK(at != NULL);
        const char *told = memmem(rig.got.data, rig.got.len, "! MOVE 1 ", 9);
        CHECK(told != NULL && told > at);
        rig.got.len = 0;
        release(&rig);
    }
}

/* What was asked before the end is carried out as ever, however many turns that takes. */
static void the_end_of_input_waits_for_the_last_command(void)
{
    struct rig rig = watch_rig(false, true, 0);
    fill(&rig);
    begin(&rig, "WATCH kiwi\nWATCH AT " AT_KIWI " 1\nUNWATCH");
    session_end_input(&rig.session);
    CHECK(session_has_work(&rig.session));
    for (int turns = 0; session_has_work(&rig.session) && turns < 100; turns++) {
        move(&rig, "kiwi", "+1-1", turns);
        tell_all(&rig);
        turn(&rig);
    }
    take(&rig, SIZE_MAX);
    const char end[] = "\n\nUNWATCH 2\n";
    CHECK(rig.got.len > sizeof end);
    CHECK_BYTES(rig.got.data + rig.got.len - strlen(end), strlen(end), end, strlen(end));
    CHECK(memmem(rig.got.data, rig.got.len, "! ", 2) == NULL);
    CHECK(session_is_over(&rig.session));
    rig.got.len = 0;
    release(&rig);
}

static void what_cannot_be_watched(void)
{
    struct rig rig = watch_rig(false, false, 0);
    say(&rig, SPAN("WATCH kiwi 1\nWATCH AT +1-1 1\n"));
    expect(&rig, "? WATCH kiwi 1\n? WATCH AT +1-1 1\n");
    for (unsigned i = 1; i <= WATCHERS_OF_CONNECTION_MAX; i++) {
        char wanted[32];
        sprintf(wanted, "WATCH %u 0\n\n", i);
        say(&rig, SPAN("WATCH kiwi\n"));
        expect(&rig, wanted);
    }
    say(&rig, SPAN("WATCH kiwi\nUNWATCH 7\nWATCH kiwi\n"));
    expect(&rig, "? WATCH kiwi\nUNWATCH 1\nWATCH 257 0\n\n");
    rig.node.options = 0;
    say(&rig, SPAN("WATCH kiwi\nUNWATCH\n"));
    expect(&rig, "? WATCH kiwi\n? UNWATCH\n");
    release(&rig);
}

static const struct check_case cases[] = {
    {"the reply to a WATCH comes first, then lines", the_reply_comes_first},
    {"a line comes before a reply that is awaited", a_line_comes_before_a_reply_that_is_awaited},
    {"a line comes before a reply that is held", a_line_comes_before_a_reply_that_is_held},
    {"the end of input ends the watches, after all commands", the_end_of_input_ends_the_watches},
    {"a WATCH begun at the end of input has its reply", a_watch_begun_at_the_end_has_its_reply},
    {"QUIT ends the watches", quit_ends_the_watches},
    {"to a TELNET client lines end in CR LF", telnet_ends_lines_in_crlf},
    {"a slow reader is told no more than it takes", a_slow_reader_is_told_no_more_than_it_takes},
    {"nothing is told within a reply", nothing_is_told_within_a_reply},
    {"the end of input waits for the last command", the_end_of_input_waits_for_the_last_command},
    {"what cannot be watched is refused", what_cannot_be_watched},
};

CHECK_MAIN(cases)
