/* What a client costs when the system gives no memory: its own connection, and nothing else. */
#include "tests/unit/no_memory.h"
#include "tests/unit/session_rig.h"

static bool is_lost(const struct rig *rig)
{
    return rig->session.lost || rig->session.lines.lost;
}

/* A rig whose shared buffer is there. */
static struct rig open_rig(bool has_places)
{
    struct rig rig = rig_of(has_places);
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, AT("kiwi"));
    return rig;
}

static void what_needs_no_memory_goes_on_without(void)
{
    struct rig rig = open_rig(false);
    no_memory_after(0);
    send_only(&rig, SPAN(""));
    no_memory_end();
    CHECK(!is_lost(&rig));
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, AT("kiwi"));
    release(&rig);
}

static void an_unfinished_line_without_memory_is_lost(void)
{
    struct rig rig = open_rig(false);
    no_memory_after(0);
    send_only(&rig, SPAN("IAMAT ki"));
    no_memory_end();
    CHECK(is_lost(&rig));
    CHECK(!lines_waiting(&rig.session.lines));
    CHECK_INT(rig.node.count.commands, 1);
    release(&rig);
}

/* The rest of a line is never taken for a command. */
static void a_line_that_may_not_grow_is_lost_with_its_end(void)
{
    static char half[1000];
    struct rig rig = open_rig(false);
    memset(half, 'x', sizeof half);
    send_only(&rig, (struct span){half, sizeof half});
    CHECK(!is_lost(&rig));
    no_memory_after(0);
    send_only(&rig, SPAN("some more of the same line: it has no end in this read\n" IAMAT("kiwi")));
    no_memory_end();
    CHECK(is_lost(&rig));
    CHECK_INT(rig.node.count.commands, 1);
    CHECK_INT(session_output(&rig.session).len, 0);
    release(&rig);
}

static void an_unread_reply_without_memory_is_lost(void)
{
    struct rig rig = open_rig(false);
    no_memory_after(0);
    send_only(&rig, SPAN(IAMAT("kiwi")));
    no_memory_end();
    CHECK(is_lost(&rig));
    CHECK_INT(rig.shared.len, 0);
    release(&rig);
}

static void a_look_up_without_memory_is_lost(void)
{
    for (uint64_t good = 0; good < 3; good++) {
        struct rig rig = open_rig(true);
        no_memory_after(good);
        send_only(&rig, SPAN("WHATSAT kiwi 1 1\n"));
        no_memory_end();
        CHECK_INT(is_lost(&rig), good < 2); /* its mark, and its AT line */
        uint64_t id;
        CHECK_INT(send_requests(&rig, &id, 1), 1);
        answer(&rig, id, SPAN("{}"));
        take(&rig, SIZE_MAX);
        if (good == 2)
            expect(&rig, AT("kiwi") "{}\n\n");
        release(&rig);
    }
}

static const struct check_case cases[] = {
    {"what needs no memory goes on without", what_needs_no_memory_goes_on_without},
    {"an unfinished line without memory is lost", an_unfinished_line_without_memory_is_lost},
    {"a line that may not grow is lost with its end",
     a_line_that_may_not_grow_is_lost_with_its_end},
    {"an unread reply without memory is lost", an_unread_reply_without_memory_is_lost},
    {"a look-up without memory is lost", a_look_up_without_memory_is_lost},
};

CHECK_MAIN(cases)
