/* session: a turn carries out no more than its budget, and nothing of the rest is lost. */
#include "tests/unit/session_rig.h"

#define PLENTY UINT32_C(1000000)

/* One turn with such a budget. */
static struct turns_budget turn(struct rig *rig, uint32_t commands, uint32_t out_bytes)
{
    struct turns_budget budget = {.commands = commands, .out_bytes = out_bytes};
    session_attach_output(&rig->session, &rig->shared);
    struct turns_budget used = session_work(&rig->session, &rig->node, &budget, NULL);
    session_detach_output(&rig->session, &rig->shared);
    return used;
}

/* One read, and the turn that it is for. */
static struct turns_budget read_in_turn(struct rig *rig, struct span text, uint32_t commands,
                                        uint32_t out_bytes)
{
    char *bytes = check_at_page_end(text.data, text.len);
    session_read(&rig->session, bytes, text.len);
    struct turns_budget used = turn(rig, commands, out_bytes);
    memset(bytes, '#', text.len);
    return used;
}

/* All that may be taken is taken, and nothing is carried out for that. */
static void take_only(struct rig *rig)
{
    struct span output = session_output(&rig->session);
    buffer_append(&rig->got, output);
    session_wrote(&rig->session, output.len);
}

static void commands_beyond_the_budget_wait(void)
{
    const struct {
        struct span lines;
        uint32_t used;
        bool waits;
        const char *replies, *rest;
    } rows[] = {
        {SPAN("a\nb\n"), 2, false, "? a\n? b\n", ""},
        {SPAN("a\nb\nc\n"), 3, false, "? a\n? b\n? c\n", ""},
        {SPAN("a\nb\nc\nd\n"), 3, true, "? a\n? b\n? c\n", "? d\n"},
        {SPAN("a\nb\nc\nd\ne\nf\ng\nha"), 3, true, "? a\n? b\n? c\n", "? d\n? e\n? f\n? g\n"},
        {SPAN("a\nb\nha"), 2, false, "? a\n? b\n", ""},
        {SPAN("a\nb\nc\nha"), 3, true /* for all that is known */, "? a\n? b\n? c\n", ""},
        {SPAN("a\n\xff\xf1"
              "b\r\nc\r\nd\r\n"),
         3, true, "? a\n? b\r\n? c\r\n", "? d\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_of(false);
        struct turns_budget used = read_in_turn(&rig, rows[i].lines, 3, PLENTY);
        CHECK_INT(used.commands, rows[i].used);
        CHECK_INT(used.out_bytes, strlen(rows[i].replies));
        CHECK(session_has_work(&rig.session) == rows[i].waits);
        CHECK(session_wants_input(&rig.session) == !rows[i].waits);
        take_only(&rig);
        expect(&rig, rows[i].replies);
        while (session_has_work(&rig.session))
            turn(&rig, 3, PLENTY);
        take_only(&rig);
        expect(&rig, rows[i].rest);
        CHECK(session_wants_input(&rig.session));
        release(&rig);
    }
}

static void output_beyond_the_budget_waits(void)
{
    const struct {
        uint32_t out_bytes;
        uint32_t commands; /* carried out, of three with replies of six bytes */
    } rows[] = {{1, 1}, {6, 1}, {7, 2}, {12, 2}, {13, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_of(false);
        struct turns_budget used =
            read_in_turn(&rig, SPAN("one\ntwo\nsix\n"), 9, rows[i].out_bytes);
        CHECK_INT(used.commands, rows[i].commands);
        CHECK_INT(used.out_bytes, 6 * rows[i].commands);
        while (session_has_work(&rig.session)) { /* unread output takes nothing of the budget */
            used = turn(&rig, 9, rows[i].out_bytes);
            CHECK(used.commands > 0 || !session_has_work(&rig.session));
            CHECK_INT(used.out_bytes, rig.session.out.len); /* but is copied */
        }
        take_only(&rig);
        expect(&rig, "? one\n? two\n? six\n");
        release(&rig);
    }
}

static void no_budget_carries_out_nothing(void)
{
    struct rig rig = rig_of(false);
    CHECK_INT(read_in_turn(&rig, SPAN("a\n"), 0, PLENTY).commands, 0);
    CHECK(session_has_work(&rig.session));
    CHECK_INT(turn(&rig, 1, 0).commands, 0);
    CHECK(session_has_work(&rig.session));
    CHECK_INT(turn(&rig, 1, 1).commands, 1);
    release(&rig);
}

static void an_answer_gives_work(void)
{
    struct rig rig = rig_of(true);
    uint64_t ids[SESSION_LOOKUPS_MAX];
    say(&rig, SPAN(IAMAT("kiwi")));
    for (int i = 0; i < SESSION_LOOKUPS_MAX - 1; i++)
        say(&rig, SPAN("WHATSAT kiwi 1 1\n"));
    CHECK_INT(read_in_turn(&rig, SPAN("WHATSAT kiwi 1 1\na\nb\n"), 9, PLENTY).commands, 1);
    CHECK(!session_has_work(&rig.session));
    CHECK(!session_wants_input(&rig.session));
    CHECK_INT(send_requests(&rig, ids, SESSION_LOOKUPS_MAX), SESSION_LOOKUPS_MAX);
    struct lookup_reply reply = {LOOKUP_OK, SPAN("{}")};
    struct requests_answer told;
    struct buffer message = {0};
    lookup_write_reply(&reply, &message);
    CHECK(requests_receive(rig.node.requests, ids[0], (struct span){message.data, message.len}, 0,
                           &told));
    session_answer(&rig.session, &rig.node, &told);
    buffer_free(&message);
    CHECK(session_has_work(&rig.session));
    CHECK_INT(turn(&rig, 1, PLENTY).commands, 1);
    CHECK(session_has_work(&rig.session));
    CHECK_INT(turn(&rig, 9, PLENTY).commands, 1);
    CHECK(!session_has_work(&rig.session));
    CHECK(session_wants_input(&rig.session));
    release(&rig);
}

static void what_was_read_gives_work(void)
{
    struct rig rig = rig_of(false);
    static char line[SESSION_OUTPUT_SOFT_BYTES / 8];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    while (session_wants_input(&rig.session))
        send_only(&rig, (struct span){line, sizeof line});
    CHECK(!session_has_work(&rig.session));
    session_wrote(&rig.session, 2 * sizeof line);
    CHECK(!session_has_work(&rig.session));
    CHECK(session_wants_input(&rig.session));
    read_in_turn(&rig, SPAN("a\nb\nc\n"), 1, PLENTY);
    CHECK(session_has_work(&rig.session));
    static char more[sizeof line];
    memset(more, 'y', sizeof more);
    while (rig.session.out.len < SESSION_OUTPUT_SOFT_BYTES) /* as a look-up's answer may */
        buffer_append(&rig.session.out, (struct span){more, sizeof more});
    CHECK(!session_has_work(&rig.session));
    session_wrote(&rig.session, 3 * sizeof line);
    CHECK(session_has_work(&rig.session));
    CHECK(!session_wants_input(&rig.session));
    release(&rig);
}

static void after_the_end_all_is_carried_out(void)
{
    struct rig rig = rig_of(false);
    read_in_turn(&rig, SPAN("a\nb\nthe end"), 1, PLENTY);
    session_end_input(&rig.session);
    take_only(&rig);
    for (int i = 0; i < 2; i++) {
        CHECK(!session_is_over(&rig.session));
        CHECK(session_has_work(&rig.session));
        CHECK(!session_wants_input(&rig.session));
        CHECK_INT(turn(&rig, 1, PLENTY).commands, 1);
        take_only(&rig);
    }
    turn(&rig, 1, PLENTY);
    CHECK(session_is_over(&rig.session));
    expect(&rig, "? a\n? b\n? the end\n");
    release(&rig);
}

static void whoever_leaves_has_no_work(void)
{
    struct rig rig = rig_of(false);
    CHECK_INT(read_in_turn(&rig, SPAN("a\nQUIT\nb\n"), 2, PLENTY).commands, 2);
    CHECK(!session_has_work(&rig.session));
    CHECK(!session_wants_input(&rig.session));
    take_only(&rig);
    CHECK(session_is_over(&rig.session));
    expect(&rig, "? a\n");
    release(&rig);
}

/* However a client's turns are cut, it gets the same bytes. */
static void any_budget_gives_the_same_bytes(void)
{
    static const char commands[] =
        IAMAT("a") "X\n\n" IAMAT("b") "WHATSAT a 2 0\n"
                                      "WHATSAT b 3 0\nIAMAT c +1-1 0\nWHATSAT c 4 0\nthe end";
    uint64_t state = 7;
    struct buffer wanted = {0};
    for (int round = 0; round < 2000; round++) {
        struct rig rig = rig_of(false);
        size_t sent = 0, left;
        while (!session_is_over(&rig.session)) {
            uint32_t budget = round == 0 ? 1000 : (uint32_t)(input_draw(&state) % 4);
            uint32_t out_bytes = round == 0 ? PLENTY : (uint32_t)(input_draw(&state) % 100);
            size_t amount = (size_t)(input_draw(&state) % 90 + 1);
            left = strlen(commands) - sent;
            amount = round == 0 || amount > left ? left : amount;
            if (session_wants_input(&rig.session) && left > 0) {
                read_in_turn(&rig, (struct span){commands + sent, amount}, budget, out_bytes);
                sent += amount;
            } else if (left == 0 && !rig.session.lines.ended) {
                session_end_input(&rig.session);
            } else {
                turn(&rig, budget, out_bytes);
                take_only(&rig);
            }
        }
        if (round == 0)
            buffer_append(&wanted, (struct span){rig.got.data, rig.got.len});
        CHECK_BYTES(rig.got.data, rig.got.len, wanted.data, wanted.len);
        release(&rig);
    }
    buffer_free(&wanted);
}

static const struct check_case cases[] = {
    {"commands beyond the budget of a turn wait for the next", commands_beyond_the_budget_wait},
    {"so does what would be said beyond its bytes", output_beyond_the_budget_waits},
    {"a budget of nothing carries out nothing", no_budget_carries_out_nothing},
    {"the answer to a look-up gives work to what had to wait", an_answer_gives_work},
    {"so does the client when it has read", what_was_read_gives_work},
    {"after the end of input all is carried out, turn by turn", after_the_end_all_is_carried_out},
    {"whoever leaves has no work", whoever_leaves_has_no_work},
    {"any budgets give the same bytes", any_budget_gives_the_same_bytes},
};

CHECK_MAIN(cases)
