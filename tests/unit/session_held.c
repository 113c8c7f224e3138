/* session: replies that are held until what they say is promised, here by a disk. */
#include "bus/promises.h"
#include "gateway/text/command.h"
#include "tests/unit/session_rig.h"

static struct marks disk;

static struct rig held_rig(bool has_places)
{
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = PROMISES_HOLDS_MAX + 10,
                                    .promises = PROMISES_BY_DISK};
    struct rig rig = rig_of(has_places);
    flood_destroy(&rig.node.flood);
    rig.node.flood = flood_new(&options);
    rig.node.holds_replies = true;
    rig.node.options = COMMAND_OPTION(COMMAND_FORGET);
    disk = (struct marks){0};
    flood_mark(rig.node.flood, &disk);
    return rig;
}

static void release_held(struct rig *rig)
{
    release(rig);
    marks_free(&disk);
}

/* As the loop does after each turn: true where there was something for the client. */
static bool settle(struct rig *rig)
{
    uint64_t epoch;
    bool any = false;
    while (flood_next_settled(rig->node.flood, rig->node.now_ms, &epoch))
        any |= epoch == session_held_epoch(&rig->session);
    session_attach_output(&rig->session, &rig->shared);
    if (any)
        session_settle(&rig->session, &rig->node);
    work(rig, NULL);
    session_detach_output(&rig->session, &rig->shared);
    take(rig, SIZE_MAX);
    return any;
}

static void take_batch(void)
{
    uint32_t slot;
    marks_begin_batch(&disk);
    while (marks_next_due(&disk, &slot))
        marks_take(&disk, slot);
    marks_end_batch(&disk);
}

static bool sync_disk(struct rig *rig)
{
    take_batch();
    settle(rig);
    marks_synced(&disk);
    return settle(rig);
}

static bool let_time_pass(struct rig *rig)
{
    rig->node.now_ms += PROMISES_PATIENCE_MS - 1;
    CHECK(!settle(rig));
    rig->node.now_ms++;
    return settle(rig);
}

static void a_reply_waits_for_the_disk_and_is_what_it_ever_was(void)
{
    struct rig rig = held_rig(false);
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, "");
    CHECK(session_held_epoch(&rig.session) != 0);
    end_input(&rig);
    CHECK(!session_is_over(&rig.session));
    CHECK(sync_disk(&rig));
    expect(&rig, AT("kiwi"));
    CHECK(session_is_over(&rig.session));
    CHECK_INT(session_held_epoch(&rig.session), 0);
    CHECK_INT(rig.session.marks_room + rig.session.copies.capacity, 0);
    CHECK_INT(rig.node.reasons.refusals[REFUSAL_UNPROMISED], 0);
    release_held(&rig);
}

static void what_is_not_promised_in_time_is_said_to_be_invalid(void)
{
    struct rig rig = held_rig(false);
    struct location location;
    say(&rig, SPAN("  " IAMAT("kiwi")));
    CHECK(let_time_pass(&rig));
    expect(&rig, "? " IAMAT("kiwi"));
    CHECK_INT(rig.node.reasons.refusals[REFUSAL_UNPROMISED], 1);
    CHECK(flood_find(rig.node.flood, SPAN("kiwi"), &location));
    say(&rig, SPAN(IAMAT("kiwi"))); /* the same once more */
    expect(&rig, "");
    CHECK(sync_disk(&rig));
    expect(&rig, AT("kiwi"));
    release_held(&rig);
}

/* More than look-ups may be in flight, and others among them. */
static void a_pipeline_waits_once(void)
{
    struct rig rig = held_rig(false);
    struct buffer said = {0}, kept = {0};
    for (int i = 0; i < 2 * SESSION_LOOKUPS_MAX; i++) {
        buffer_append(&said, SPAN(IAMAT("kiwi") "nonsense\n" IAMAT("plum")));
        buffer_append(&kept, SPAN(AT("kiwi") "? nonsense\n" AT("plum")));
    }
    buffer_append(&kept, SPAN("? after\n\0"));
    say(&rig, SPAN("before\n"));
    say(&rig, (struct span){said.data, said.len});
    say(&rig, SPAN("after\n"));
    expect(&rig, "? before\n");
    CHECK_INT(rig.session.marks_count, 1);
    CHECK(sync_disk(&rig));
    expect(&rig, kept.data);
    buffer_free(&said);
    buffer_free(&kept);
    release_held(&rig);
}

static void each_reply_of_a_pipeline_takes_its_promise_back(void)
{
    struct rig rig = held_rig(false);
    say(&rig, SPAN("one\n" IAMAT("kiwi") "two\nthree\n" IAMAT("plum") IAMAT("fig") "four\n"));
    expect(&rig, "? one\n");
    CHECK(let_time_pass(&rig));
    expect(&rig,
           "? " IAMAT("kiwi") "? two\n? three\n? " IAMAT("plum") "? " IAMAT("fig") "? four\n");
    CHECK_INT(rig.node.reasons.refusals[REFUSAL_UNPROMISED], 3);
    release_held(&rig);
}

static void each_turn_waits_for_its_own(void)
{
    struct rig rig = held_rig(false);
    say(&rig, SPAN(IAMAT("kiwi")));
    take_batch();
    CHECK(!settle(&rig));
    say(&rig, SPAN(IAMAT("plum")));
    marks_synced(&disk);
    CHECK(settle(&rig));
    expect(&rig, AT("kiwi"));
    CHECK(let_time_pass(&rig));
    expect(&rig, "? " IAMAT("plum"));
    release_held(&rig);
}

/* The second is kept before the first is broken: it leaves after it. */
static void replies_stay_in_order_whatever_is_settled_first(void)
{
    struct rig rig = held_rig(false);
    say(&rig, SPAN(IAMAT("kiwi")));
    rig.node.now_ms++;
    say(&rig, SPAN("IAMAT plum +1+1 1621464828\n"));
    uint32_t slot;
    CHECK(marks_next_due(&disk, &slot) && slot == 0);
    disk.due.from = 1;
    CHECK(marks_next_due(&disk, &slot) && slot == 1);
    marks_begin_batch(&disk);
    marks_take(&disk, slot);
    marks_end_batch(&disk);
    CHECK(!settle(&rig));
    marks_synced(&disk);
    CHECK(!settle(&rig));
    expect(&rig, "");
    rig.node.now_ms += PROMISES_PATIENCE_MS - 1;
    CHECK(settle(&rig));
    expect(&rig, "? " IAMAT("kiwi") "AT Clark +0.000000000 plum +1+1 1621464828\n");
    release_held(&rig);
}

static void look_ups_before_and_after_keep_their_places(void)
{
    for (int kept = 0; kept < 2; kept++) {
        struct rig rig = held_rig(true);
        uint64_t ids[2];
        say(&rig, SPAN(IAMAT("kiwi")));
        CHECK(sync_disk(&rig));
        expect(&rig, AT("kiwi"));
        say(&rig, SPAN("WHATSAT kiwi 1 1\nIAMAT plum +1+1 1621464828\nWHATSAT plum 2 1\nend\n"));
        CHECK_INT(send_requests(&rig, ids, 2), 2);
        CHECK(kept ? sync_disk(&rig) : let_time_pass(&rig));
        expect(&rig, "");
        answer(&rig, ids[1], SPAN(JSON("b")));
        take(&rig, SIZE_MAX);
        expect(&rig, "");
        answer(&rig, ids[0], SPAN(JSON("a")));
        take(&rig, SIZE_MAX);
        expect(&rig, kept
                         ? AT("kiwi") JSON("a") "\n\nAT Clark +0.000000000 plum +1+1 1621464828\n"
                                                "AT Clark +0.000000000 plum +1+1 1621464828\n" JSON(
                                                    "b") "\n\n? end\n"
                         : AT("kiwi") JSON("a") "\n\n? IAMAT plum +1+1 1621464828\n"
                                                "AT Clark +0.000000000 plum +1+1 1621464828\n" JSON(
                                                    "b") "\n\n? end\n");
        release_held(&rig);
    }
}

static void the_line_ends_of_telnet_stay(void)
{
    struct rig rig = held_rig(false);
    say(&rig, SPAN("\xff\xfb\x01" IAMAT("kiwi") IAMAT("plum")));
    rig.got.len = 0; /* the answer to its option */
    CHECK(let_time_pass(&rig));
    expect(&rig, "? IAMAT kiwi +34.068930-118.445127 1621464827.5\r\n"
                 "? IAMAT plum +34.068930-118.445127 1621464827.5\r\n");
    say(&rig, SPAN(IAMAT("kiwi")));
    CHECK(sync_disk(&rig));
    expect(&rig, "AT Clark +0.500000000 kiwi +34.068930-118.445127 1621464827.5\r\n");
    release_held(&rig);
}

static void stale_ones_and_tombstones_are_held_and_others_are_not(void)
{
    struct rig rig = held_rig(false);
    rig.node.log = &rig.log; /* the stamp of 1970 has a line */
    say(&rig, SPAN(IAMAT("kiwi")));
    CHECK(sync_disk(&rig));
    expect(&rig, AT("kiwi"));
    say(&rig, SPAN("IAMAT kiwi +1+1 1\nWHATSAT kiwi 1 0\nFORGET nobody\nIAMAT kiwi 1 1\n"));
    expect(&rig, "");
    rig.node.now_ms++; /* its slot is on the disk, and was in no batch since */
    say(&rig, SPAN("FORGET kiwi\n"));
    settle(&rig);
    CHECK(rig.got.len > 0);
    rig.got.len = 0;
    CHECK(sync_disk(&rig));
    CHECK(rig.got.len > 3 && memcmp(rig.got.data, "AT ", 3) == 0);
    release_held(&rig);
}

/* Nothing is read of a client that takes no replies, also of one whose replies are held. */
static void held_replies_count_as_output_that_waits(void)
{
    struct rig rig = held_rig(false);
    size_t said = 0;
    while (session_wants_input(&rig.session)) {
        say(&rig, SPAN(IAMAT("kiwi")));
        said++;
    }
    CHECK_INT(said, SESSION_OUTPUT_SOFT_BYTES / strlen(AT("kiwi")) + 1);
    CHECK(session_holds(&rig.session).reply_bytes >
          said * (strlen(AT("kiwi")) + strlen(IAMAT("kiwi")) - 1));
    CHECK(let_time_pass(&rig));
    CHECK_INT(rig.got.len, said * strlen("? " IAMAT("kiwi")));
    CHECK(session_wants_input(&rig.session));
    release_held(&rig);
}

static void where_as_much_is_held_as_may_be_nothing_is_promised(void)
{
    struct rig rig = held_rig(false);
    char client[16];
    say(&rig, SPAN(IAMAT("kiwi")));
    for (uint32_t i = 1; i < PROMISES_HOLDS_MAX; i++) {
        int bytes = snprintf(client, sizeof client, "c%u", i);
        struct location location = {.client = {client, (size_t)bytes},
                                    .position = SPAN("+1+1"),
                                    .stamp = SPAN("1"),
                                    .order_ns = 10};
        CHECK_INT(flood_local(rig.node.flood, &location), FLOOD_STORED);
        CHECK(flood_hold(rig.node.flood, location.client, rig.node.now_ms) != 0);
    }
    say(&rig, SPAN("IAMAT plum +1+1 1621464828\n"));
    expect(&rig, "");
    CHECK(sync_disk(&rig));
    expect(&rig, AT("kiwi") "? IAMAT plum +1+1 1621464828\n");
    say(&rig, SPAN("IAMAT plum +1+1 1621464828\n"));
    CHECK(rig.got.len == 0);
    release_held(&rig);
}

static const struct check_case cases[] = {
    {"a reply waits for the disk, and is what it ever was",
     a_reply_waits_for_the_disk_and_is_what_it_ever_was},
    {"what is not promised in time is said to be invalid",
     what_is_not_promised_in_time_is_said_to_be_invalid},
    {"a pipeline waits once", a_pipeline_waits_once},
    {"each reply of a pipeline takes its promise back",
     each_reply_of_a_pipeline_takes_its_promise_back},
    {"each turn waits for its own", each_turn_waits_for_its_own},
    {"replies stay in order, whatever is settled first",
     replies_stay_in_order_whatever_is_settled_first},
    {"look-ups before and after keep their places", look_ups_before_and_after_keep_their_places},
    {"the line ends of TELNET stay", the_line_ends_of_telnet_stay},
    {"stale ones and tombstones are held, and others are not",
     stale_ones_and_tombstones_are_held_and_others_are_not},
    {"held replies count as output that waits", held_replies_count_as_output_that_waits},
    {"where as much is held as may be, nothing is promised",
     where_as_much_is_held_as_may_be_nothing_is_promised},
};

CHECK_MAIN(cases)
