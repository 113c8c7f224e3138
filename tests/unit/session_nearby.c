/* session: NEARBY, and what waits for it. */
#include "gateway/text/command.h"
#include "tests/unit/session_rig.h"

#define AT_KIWI               "+34.068930-118.445127"
#define IAMAT_OF(name, place) "IAMAT " name " " place " 1621464827.5\n"
#define AT_OF(name, place)    "AT Clark +0.500000000 " name " " place " 1621464827.5\n"

/* More than one turn looks at. */
#define CROWD 5000u

static struct rig nearby_rig(void)
{
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = 2 * CROWD,
                                    .nearby = true};
    struct rig rig = rig_of(false);
    flood_destroy(&rig.node.flood);
    rig.node.flood = flood_new(&options);
    rig.node.options = COMMAND_OPTION(COMMAND_NEARBY);
    return rig;
}

static void nearest_first(void)
{
    struct rig rig = nearby_rig();
    say(&rig, SPAN(IAMAT_OF("kiwi", AT_KIWI) IAMAT_OF("b", "+34.068930-118.445128")
                       IAMAT_OF("a", "+34.068930-118.445126") IAMAT_OF("far", "+35-118")));
    expect(&rig, AT_OF("kiwi", AT_KIWI) AT_OF("b", "+34.068930-118.445128")
                     AT_OF("a", "+34.068930-118.445126") AT_OF("far", "+35-118"));
    /* Both are 92 mm away: in the order of their ids. The client itself is not listed. */
    say(&rig, SPAN("NEARBY kiwi 1 1000\n"));
    expect(&rig,
           AT_OF("kiwi", AT_KIWI) "NEAR 0.1 " AT_OF("a", "+34.068930-118.445126") "NEAR 0.1 " AT_OF(
               "b", "+34.068930-118.445128") "\n");
    say(&rig, SPAN("NEARBY kiwi 1 1\n"));
    expect(&rig, AT_OF("kiwi", AT_KIWI) "NEAR 0.1 " AT_OF("a", "+34.068930-118.445126") "\n");
    say(&rig, SPAN("NEARBY kiwi 0 1\n"));
    expect(&rig, AT_OF("kiwi", AT_KIWI) "\n");
    say(&rig, SPAN("NEARBY AT " AT_KIWI " 0 9\n"));
    expect(&rig, "NEAR 0.0 " AT_OF("kiwi", AT_KIWI) "\n");
    say(&rig, SPAN("NEARBY AT -34.068930+61.554873 20038 1\n"));
    expect(&rig, "NEAR 19903844.6 " AT_OF("far", "+35-118") "\n");
    say(&rig, SPAN("NEARBY AT +0+0 1 1\n"));
    expect(&rig, "\n");
    release(&rig);
}

static void the_radius_is_within(void)
{
    struct rig rig = nearby_rig();
    /* Eight metres and 896 mm along a meridian. */
    say(&rig, SPAN(IAMAT_OF("a", "+0.00008-1")));
    expect(&rig, AT_OF("a", "+0.00008-1"));
    say(&rig, SPAN("NEARBY AT +0-1 0.009 1\nNEARBY AT +0-1 0.008 1\n"));
    expect(&rig, "NEAR 8.9 " AT_OF("a", "+0.00008-1") "\n\n");
    release(&rig);
}

static void nobody_has_heard_of_it(void)
{
    struct rig rig = nearby_rig();
    say(&rig, SPAN("NEARBY kiwi 1 1\nNEARBY kiwi 1 0\n"));
    expect(&rig, "? NEARBY kiwi 1 1\n? NEARBY kiwi 1 0\n");
    CHECK_INT(rig.node.count.nearbys, 1);
    rig.node.options = 0;
    say(&rig, SPAN(IAMAT("kiwi") "NEARBY kiwi 1 1\n"));
    expect(&rig, AT("kiwi") "? NEARBY kiwi 1 1\n");
    release(&rig);
}

static void fill(struct rig *rig, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char line[96];
        int bytes = snprintf(line, sizeof line, "IAMAT c%u " AT_KIWI " 1621464827.5\n", i);
        say(rig, (struct span){line, (size_t)bytes});
        rig->got.len = 0;
    }
}

/* One turn of a session that is served at the back. */
static void turn(struct rig *rig)
{
    static const struct turns_budget budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                               TURNS_BACK_OUT_BYTES_MAX};
    struct turns_budget used = session_work(&rig->session, &rig->node, &budget, NULL);
    CHECK(used.commands <= budget.commands);
}

static void read_lines(struct rig *rig, const char *text)
{
    static char bytes[256];
    size_t count = strlen(text);
    memcpy(bytes, text, count);
    session_attach_output(&rig->session, &rig->shared);
    session_read(&rig->session, bytes, count);
}

/* However many are there, a turn looks at some, and what follows waits. */
static void a_crowd_takes_several_turns(void)
{
    struct rig rig = nearby_rig();
    fill(&rig, CROWD);
    read_lines(&rig, "NEARBY AT " AT_KIWI " 1 2\nWHATSAT c1 1 0\nNEARBY c0 1 1\nQUIT\n");
    unsigned turns = 0;
    for (; session_has_work(&rig.session); turns++) {
        turn(&rig);
        if (turns == 0) {
            CHECK_INT(session_output(&rig.session).len, 0);
            CHECK(!session_wants_input(&rig.session) && !session_is_over(&rig.session));
            CHECK(session_holds(&rig.session).reply_bytes >= sizeof(struct nearby));
        }
    }
    CHECK(turns >= 2 * (CROWD / SESSION_SEARCH_STEPS));
    take(&rig, SIZE_MAX);
    expect(&rig,
           "NEAR 0.0 " AT_OF("c0", AT_KIWI) "NEAR 0.0 " AT_OF("c1", AT_KIWI) "\n" AT_OF(
               "c1",
               AT_KIWI) "{\n   \"html_attributions\": [],\n   \"results\": [],\n   \"status\": "
                        "\"OK\"\n}\n\n" AT_OF("c0", AT_KIWI) "NEAR 0.0 " AT_OF("c1", AT_KIWI) "\n");
    CHECK(session_is_over(&rig.session));
    release(&rig);
}

/* The reply to what was asked last before a half-close comes all the same. */
static void the_end_of_input_ends_no_search(void)
{
    struct rig rig = nearby_rig();
    fill(&rig, CROWD);
    read_lines(&rig, "NEARBY AT " AT_KIWI " 1 1\n");
    session_end_input(&rig.session);
    turn(&rig);
    CHECK(session_has_work(&rig.session) && !session_is_over(&rig.session));
    while (session_has_work(&rig.session))
        turn(&rig);
    take(&rig, SIZE_MAX);
    expect(&rig, "NEAR 0.0 " AT_OF("c0", AT_KIWI) "\n");
    CHECK(session_is_over(&rig.session));
    release(&rig);
}

/* A connection that ends amid a search. */
static void a_search_may_be_given_up(void)
{
    struct rig rig = nearby_rig();
    fill(&rig, CROWD);
    read_lines(&rig, "NEARBY AT " AT_KIWI " 1 1\n");
    turn(&rig);
    CHECK(session_has_work(&rig.session));
    release(&rig);
}

/* Ids of 60,000 bytes: a reply larger than what may wait is written as it is read. */
static void a_large_reply_waits_to_be_read(void)
{
    enum { LONG = 60000, COUNT = 20 };
    static char line[LONG + 64], wanted[LONG + 96];
    struct rig rig = nearby_rig();
    for (int i = 0; i < COUNT; i++) {
        size_t bytes = (size_t)sprintf(line, "IAMAT %c%0*d +1-1 1621464827.5\n", 'a' + i, LONG, i);
        say(&rig, (struct span){line, bytes});
        rig.got.len = 0;
    }
    read_lines(&rig, "NEARBY AT +1-1 1 1000\nHELP me\n");
    int seen = 0;
    while (!session_wants_input(&rig.session)) {
        while (session_has_work(&rig.session))
            turn(&rig);
        CHECK(session_output(&rig.session).len <= SESSION_OUTPUT_SOFT_BYTES + LONG + 96);
        take(&rig, SIZE_MAX);
    }
    take(&rig, SIZE_MAX);
    const char *at = rig.got.data;
    for (; seen < COUNT; seen++) {
        size_t bytes =
            (size_t)sprintf(wanted, "NEAR 0.0 AT Clark +0.500000000 %c%0*d +1-1 1621464827.5\n",
                            'a' + seen, LONG, seen);
        CHECK(memcmp(at, wanted, bytes) == 0);
        at += bytes;
    }
    CHECK_BYTES(at, (size_t)(rig.got.data + rig.got.len - at), "\n? HELP me\n", 11);
    rig.got.len = 0;
    release(&rig);
}

static void telnet_ends_lines_in_crlf(void)
{
    struct rig rig = nearby_rig();
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, AT("kiwi"));
    say(&rig, SPAN("\xff\xf1NEARBY AT " AT_KIWI " 1 1\r\n"));
    expect(&rig, "NEAR 0.0 AT Clark +0.500000000 kiwi " AT_KIWI " 1621464827.5\r\n\r\n");
    release(&rig);
}

static const struct check_case cases[] = {
    {"the nearest come first, ties in the order of ids", nearest_first},
    {"the radius is within", the_radius_is_within},
    {"a client that nobody has heard of, and a herd without NEARBY", nobody_has_heard_of_it},
    {"a crowd takes several turns, and what follows waits", a_crowd_takes_several_turns},
    {"the end of input ends no search", the_end_of_input_ends_no_search},
    {"a search may be given up", a_search_may_be_given_up},
    {"a large reply waits to be read", a_large_reply_waits_to_be_read},
    {"to a TELNET client all lines end in CR LF", telnet_ends_lines_in_crlf},
};

CHECK_MAIN(cases)
