/* session: what waits until the node is ready. */
#include "gateway/text/command.h"
#include "tests/unit/session_rig.h"

#define NO_PLACES                                                                                  \
    "{\n   \"html_attributions\": [],\n   \"results\": [],\n   \"status\": \"OK\"\n}\n\n"

static struct rig rig_before_ready(void)
{
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = 1000,
                                    .forget = true,
                                    .nearby = true};
    struct rig rig = rig_of(false);
    flood_destroy(&rig.node.flood);
    rig.node.flood = flood_new(&options);
    rig.node.options = COMMAND_OPTION(COMMAND_FORGET) | COMMAND_OPTION(COMMAND_NEARBY);
    rig.node.awaits_ready = true;
    return rig;
}

/* What another client has said, or a neighbour. */
static void learn(struct rig *rig, struct span text)
{
    struct session other = {.number = 18, .address = 1800};
    struct session mine = rig->session;
    rig->session = other;
    say(rig, text);
    session_free(&rig->session);
    rig->session = mine;
    rig->got.len = 0;
}

static void become_ready(struct rig *rig)
{
    rig->node.awaits_ready = false;
    bool waited = session_go_on(&rig->session);
    CHECK(waited == session_has_work(&rig->session));
    session_attach_output(&rig->session, &rig->shared);
    work(rig, NULL);
    take(rig, SIZE_MAX);
    session_detach_output(&rig->session, &rig->shared);
}

static void questions_wait_and_are_answered(void)
{
    const struct {
        struct span said;
        const char *reply; /* once kiwi is known */
    } rows[] = {
        {SPAN("WHATSAT kiwi 10 0\n"), AT("kiwi") NO_PLACES},
        {SPAN("NEARBY kiwi 1 1\n"), AT("kiwi") "\n"},
        {SPAN("WHATSAT kiwi 10 0\nHELLO\n"), AT("kiwi") NO_PLACES "? HELLO\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_before_ready();
        say(&rig, rows[i].said);
        CHECK(!session_has_work(&rig.session) && !session_wants_input(&rig.session) &&
              !session_is_over(&rig.session));
        learn(&rig, SPAN(IAMAT("kiwi")));
        become_ready(&rig);
        expect(&rig, rows[i].reply);
        CHECK(session_wants_input(&rig.session));
        release(&rig);
    }
}

static void a_forget_waits_too(void)
{
    struct rig rig = rig_before_ready();
    say(&rig, SPAN("FORGET kiwi\n"));
    expect(&rig, "");
    learn(&rig, SPAN(IAMAT("kiwi")));
    become_ready(&rig);
    CHECK(rig.got.len > 0 && rig.got.data[0] == 'A');
    CHECK_INT(rig.node.count.forgets, 1);
    release(&rig);
}

static void who_is_unknown_then_is_refused(void)
{
    struct rig rig = rig_before_ready();
    say(&rig, SPAN("WHATSAT kiwi 10 0\nFORGET fig\nNEARBY pear 1 1\n"));
    expect(&rig, "");
    CHECK_INT(rig.node.count.commands, 0);
    become_ready(&rig);
    expect(&rig, "? WHATSAT kiwi 10 0\n? FORGET fig\n? NEARBY pear 1 1\n");
    CHECK_INT(rig.node.count.commands, 3);
    release(&rig);
}

static void nothing_else_waits(void)
{
    struct rig rig = rig_before_ready();
    say(&rig,
        SPAN(IAMAT("kiwi") "WHATSAT kiwi 10 0\nHELLO\nWHATSAT kiwi 99 0\nNEARBY AT +0+0 1 1\n"));
    expect(&rig, AT("kiwi") AT("kiwi") NO_PLACES "? HELLO\n? WHATSAT kiwi 99 0\n\n");
    become_ready(&rig);
    expect(&rig, "");
    release(&rig);
}

/* What its client said after it is kept, and in order. */
static void the_end_of_input_waits(void)
{
    struct rig rig = rig_before_ready();
    say(&rig, SPAN("WHATSAT kiwi 10 0\n" IAMAT("kiwi") "WHATSAT kiwi 10 0\n"));
    end_input(&rig);
    CHECK(!session_is_over(&rig.session));
    become_ready(&rig);
    expect(&rig, "? WHATSAT kiwi 10 0\n" AT("kiwi") AT("kiwi") NO_PLACES);
    CHECK(session_is_over(&rig.session));
    release(&rig);
}

static const struct check_case cases[] = {
    {"questions about unknown clients wait, and are answered", questions_wait_and_are_answered},
    {"a FORGET waits, too", a_forget_waits_too},
    {"who is unknown when the node is ready is refused", who_is_unknown_then_is_refused},
    {"nothing else waits", nothing_else_waits},
    {"the end of input waits", the_end_of_input_waits},
};
CHECK_MAIN(cases)
