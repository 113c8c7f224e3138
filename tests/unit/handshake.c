/* Who is refused on a link, and for how long a node that was refused sends no HELLO. */
#include "bus/link/handshake.h"

#include "tests/check.h"

static struct wire_message in;
static struct handshake handshake;

static struct handshake_link our_link(void)
{
    return (struct handshake_link){
        .herd = span_of("test"), .peer = span_of("Bob"), .incarnation = 1};
}

static void hello(const char *herd, const char *node, uint64_t incarnation)
{
    in = (struct wire_message){.type = WIRE_HELLO,
                               .from_incarnation = incarnation,
                               .herd = span_of(herd),
                               .node = span_of(node),
                               .version = WIRE_VERSION,
                               .version_min = WIRE_VERSION_MIN};
}

static void versions_meet_where_their_ranges_touch(void)
{
    static const struct {
        uint64_t low, high;
        bool refused;
    } rows[] = {{1, 1, false}, {1, 9, false}, {0, 1, false}, {2, 2, false},
                {2, 9, false}, {0, 0, true},  {3, 3, false}, {4, 9, true}};
    struct handshake_link link = our_link();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hello("test", "Bob", 2);
        in.version_min = rows[i].low;
        in.version = rows[i].high;
        handshake_init(&handshake);
        CHECK(handshake_refuses_hello(&handshake, &link, &in) == rows[i].refused);
        if (rows[i].refused)
            CHECK_INT(handshake.code, WIRE_REFUSED_VERSION);
    }
}

static void a_process_that_does_not_belong_here_is_sent_the_reason(void)
{
    static const struct {
        const char *herd, *node;
        uint64_t incarnation;
        int code;
        const char *text;
    } rows[] = {
        {"test", "Bob", 2, 0, ""},
        {"rest", "Bob", 3, WIRE_REFUSED_HERD, "herd rest meets herd test"},
        {"test", "Cy", 4, WIRE_REFUSED_NAME, "Cy speaks over the link of Bob"},
        {"test", "Bob", 1, WIRE_REFUSED_SELF, "both ends of the link are the same process"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct handshake_link link = our_link();
        handshake_init(&handshake);
        hello(rows[i].herd, rows[i].node, rows[i].incarnation);
        CHECK(handshake_refuses_hello(&handshake, &link, &in) == (rows[i].code != 0));
        CHECK(handshake.refusal_owed == (rows[i].code != 0));
        if (!handshake.refusal_owed)
            continue;
        struct wire_message out = {0};
        handshake_write_refused(&handshake, &out);
        CHECK(!handshake.refusal_owed);
        CHECK_INT(out.type, WIRE_REFUSED);
        CHECK_INT(out.code, rows[i].code);
        CHECK_INT(out.to_incarnation, rows[i].incarnation);
        CHECK_BYTES(out.text.data, out.text.len, rows[i].text, strlen(rows[i].text));
    }
}

static void who_cannot_be_read_is_sent_nothing(void)
{
    handshake_init(&handshake);
    handshake_refuse_version(&handshake, 7);
    CHECK(!handshake.refusal_owed);
    CHECK(strcmp(handshake.text, "major version 7 meets major version 1") == 0);
    CHECK(handshake_is_news(&handshake, 0));
}

static void the_log_hears_of_it_once_in_a_while(void)
{
    handshake_init(&handshake);
    CHECK(handshake_is_news(&handshake, 5));
    CHECK(!handshake_is_news(&handshake, 5));
    CHECK(!handshake_is_news(&handshake, 5 + HANDSHAKE_PAUSE_MS - 1));
    CHECK(handshake_is_news(&handshake, 5 + HANDSHAKE_PAUSE_MS));
    CHECK(!handshake_is_news(&handshake, 5 + HANDSHAKE_PAUSE_MS));
}

static bool rival(uint64_t incarnation, int64_t heard_at, int64_t now_ms)
{
    return handshake_refuses_rival(&handshake, span_of("Bob"), incarnation, heard_at, now_ms);
}

static void a_rival_is_refused_once_the_first_spoke_after_it(void)
{
    handshake_init(&handshake);
    CHECK(!rival(22, 1000, 1000));
    CHECK(!rival(22, 1000 + HANDSHAKE_RIVAL_MS - 1, 9000)); /* its words may have been late */
    CHECK(!handshake.refusal_owed);
    CHECK(rival(22, 1000 + HANDSHAKE_RIVAL_MS, 9000));
    CHECK_INT(handshake.code, WIRE_REFUSED_IN_USE);
    CHECK_INT(handshake.incarnation, 22);
    CHECK(strcmp(handshake.text, "two running processes have the name Bob") == 0);
}

static void each_rival_gets_its_own_time(void)
{
    handshake_init(&handshake);
    CHECK(!rival(22, 0, 0));
    CHECK(!rival(23, HANDSHAKE_RIVAL_MS, HANDSHAKE_RIVAL_MS)); /* another one, from now on */
    CHECK(rival(23, 2 * HANDSHAKE_RIVAL_MS, 2 * HANDSHAKE_RIVAL_MS));
    handshake_forget_rival(&handshake);
    CHECK(!rival(23, 2 * HANDSHAKE_RIVAL_MS, 2 * HANDSHAKE_RIVAL_MS));
}

static void a_rival_is_refused_once_in_a_while(void)
{
    handshake_init(&handshake);
    CHECK(!rival(22, 0, 0));
    CHECK(rival(22, 5000, 5000));
    CHECK(handshake_is_news(&handshake, 5000));
    CHECK(!rival(22, 6000, 5000 + HANDSHAKE_PAUSE_MS - 1));
    CHECK(rival(22, 6000, 5000 + HANDSHAKE_PAUSE_MS));
}

static void who_refused_us_is_left_in_peace(void)
{
    handshake_init(&handshake);
    CHECK(handshake.refused_until == INT64_MIN);
    CHECK(handshake_refused_by(&handshake, 77, WIRE_REFUSED_HERD, 5));
    CHECK(!handshake_refused_by(&handshake, 78, WIRE_REFUSED_HERD, 5 + HANDSHAKE_PAUSE_MS - 1));
    CHECK_INT(handshake.refused_until, 5 + HANDSHAKE_PAUSE_MS);
    handshake_accept(&handshake, 77);
    CHECK_INT(handshake.refused_until, 5 + HANDSHAKE_PAUSE_MS);
    handshake_accept(&handshake, 2); /* a successor */
    CHECK(handshake.refused_until == INT64_MIN);
}

static void another_idea_of_what_is_over_is_refused_with_both_values(void)
{
    static const struct {
        uint64_t theirs_ms, ours_ms;
        bool theirs, ours;
        const char *text; /* NULL: taken */
    } rows[] = {
        {0, 0, false, false, NULL},
        {86400000, 86400000, true, true, NULL},
        {0, 86400000, false, false, "herd/expire off meets herd/expire 86400s"},
        {1000, 0, true, true, "herd/expire 1s meets herd/expire off"},
        {1001, 20000, false, true, "herd/expire 1001ms meets herd/expire 20s"},
        {20000, 20000, false, true, "herd/forget no meets herd/forget yes"},
        {0, 0, true, false, "herd/forget yes meets herd/forget no"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct handshake_link link = our_link();
        link.expire_ms = rows[i].ours_ms;
        link.forget = rows[i].ours;
        handshake_init(&handshake);
        hello("test", "Bob", 2);
        in.expire_ms = rows[i].theirs_ms;
        in.forget = rows[i].theirs;
        CHECK_INT(handshake_refuses_hello(&handshake, &link, &in), rows[i].text != NULL);
        if (rows[i].text == NULL)
            continue;
        CHECK_INT(handshake.code, WIRE_REFUSED_EXPIRE);
        CHECK(strcmp(handshake.text, rows[i].text) == 0);
    }
}

static void a_pause_for_what_files_say_ends_when_one_was_read_again(void)
{
    handshake_init(&handshake);
    CHECK(handshake_refused_by(&handshake, 77, WIRE_REFUSED_HERD, 5));
    handshake_end_pause(&handshake);
    CHECK_INT(handshake.refused_until, 5 + HANDSHAKE_PAUSE_MS);
    handshake_init(&handshake);
    CHECK(handshake_refused_by(&handshake, 77, WIRE_REFUSED_EXPIRE, 5));
    handshake_end_pause(&handshake); /* ours */
    CHECK(handshake.refused_until == INT64_MIN);
    CHECK(handshake_refused_by(&handshake, 77, WIRE_REFUSED_EXPIRE, 6));
    handshake_accept(&handshake, 77); /* theirs */
    CHECK(handshake.refused_until == INT64_MIN);
}

static const struct check_case cases[] = {
    {"versions meet where their ranges touch", versions_meet_where_their_ranges_touch},
    {"a process that does not belong here is sent the reason",
     a_process_that_does_not_belong_here_is_sent_the_reason},
    {"who cannot be read is sent nothing", who_cannot_be_read_is_sent_nothing},
    {"the log hears of it once in a while", the_log_hears_of_it_once_in_a_while},
    {"a rival is refused once the first spoke after it",
     a_rival_is_refused_once_the_first_spoke_after_it},
    {"each rival gets its own time", each_rival_gets_its_own_time},
    {"a rival is refused once in a while", a_rival_is_refused_once_in_a_while},
    {"who refused us is left in peace", who_refused_us_is_left_in_peace},
    {"another idea of what is over is refused with both values",
     another_idea_of_what_is_over_is_refused_with_both_values},
    {"a pause for what files say ends when one was read again",
     a_pause_for_what_files_say_ends_when_one_was_read_again},
};

CHECK_MAIN(cases)
