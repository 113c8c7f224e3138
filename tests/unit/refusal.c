/* Who is refused on a link, and for how long who was refused keeps quiet. */
#include "bus/link/refusal.h"

#include "tests/check.h"

static struct wire_message in;
static struct refusal refusal;

static struct greet_link our_link(void)
{
    return (struct greet_link){span_of("test"), span_of("Bob"), 1};
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
    } rows[] = {{1, 1, false}, {1, 9, false}, {0, 1, false}, {0, 0, true}, {2, 9, true}};
    struct greet_link link = our_link();
    char text[WIRE_TEXT_BYTES_MAX + 1];
    enum wire_refusal code;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hello("test", "Bob", 2);
        in.version_min = rows[i].low;
        in.version = rows[i].high;
        CHECK(greet_refuses(&link, &in, &code, text) == rows[i].refused);
        if (rows[i].refused)
            CHECK_INT(code, WIRE_REFUSED_VERSION);
    }
}

static void who_does_not_belong_here_is_told_why(void)
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
        struct greet_link link = our_link();
        refusal_init(&refusal);
        hello(rows[i].herd, rows[i].node, rows[i].incarnation);
        CHECK(refusal_of_hello(&refusal, &link, &in) == (rows[i].code != 0));
        CHECK(refusal.owed == (rows[i].code != 0));
        if (!refusal.owed)
            continue;
        struct wire_message out = {0};
        refusal_write(&refusal, &out);
        CHECK(!refusal.owed);
        CHECK_INT(out.type, WIRE_REFUSED);
        CHECK_INT(out.code, rows[i].code);
        CHECK_INT(out.to_incarnation, rows[i].incarnation);
        CHECK_BYTES(out.text.data, out.text.len, rows[i].text, strlen(rows[i].text));
    }
}

static void who_cannot_be_read_is_told_nothing(void)
{
    refusal_init(&refusal);
    refusal_of_version(&refusal, 7);
    CHECK(!refusal.owed);
    CHECK(strcmp(refusal.text, "major version 7 meets major version 1") == 0);
    CHECK(refusal_is_news(&refusal, 0));
}

static void the_log_hears_of_it_once_in_a_while(void)
{
    refusal_init(&refusal);
    CHECK(refusal_is_news(&refusal, 5));
    CHECK(!refusal_is_news(&refusal, 5));
    CHECK(!refusal_is_news(&refusal, 5 + REFUSAL_PAUSE_MS - 1));
    CHECK(refusal_is_news(&refusal, 5 + REFUSAL_PAUSE_MS));
    CHECK(!refusal_is_news(&refusal, 5 + REFUSAL_PAUSE_MS));
}

static bool rival(uint64_t incarnation, int64_t heard_at, int64_t now_ms)
{
    return refusal_of_rival(&refusal, span_of("Bob"), incarnation, heard_at, now_ms);
}

static void a_rival_is_refused_once_the_first_spoke_after_it(void)
{
    refusal_init(&refusal);
    CHECK(!rival(22, 1000, 1000));
    CHECK(!rival(22, 1000 + REFUSAL_RIVAL_MS - 1, 9000)); /* its words may have been late */
    CHECK(!refusal.owed);
    CHECK(rival(22, 1000 + REFUSAL_RIVAL_MS, 9000));
    CHECK_INT(refusal.code, WIRE_REFUSED_IN_USE);
    CHECK_INT(refusal.incarnation, 22);
    CHECK(strcmp(refusal.text, "two running processes have the name Bob") == 0);
}

static void each_rival_gets_its_own_time(void)
{
    refusal_init(&refusal);
    CHECK(!rival(22, 0, 0));
    CHECK(!rival(23, REFUSAL_RIVAL_MS, REFUSAL_RIVAL_MS)); /* another one, from now on */
    CHECK(rival(23, 2 * REFUSAL_RIVAL_MS, 2 * REFUSAL_RIVAL_MS));
    refusal_forget_rival(&refusal);
    CHECK(!rival(23, 2 * REFUSAL_RIVAL_MS, 2 * REFUSAL_RIVAL_MS));
}

static void a_rival_is_refused_once_in_a_while(void)
{
    refusal_init(&refusal);
    CHECK(!rival(22, 0, 0));
    CHECK(rival(22, 5000, 5000));
    CHECK(refusal_is_news(&refusal, 5000));
    CHECK(!rival(22, 6000, 5000 + REFUSAL_PAUSE_MS - 1));
    CHECK(rival(22, 6000, 5000 + REFUSAL_PAUSE_MS));
}

static void who_refused_us_is_left_in_peace(void)
{
    refusal_init(&refusal);
    CHECK(refusal.until == INT64_MIN);
    refusal_heed(&refusal, 77, 5);
    CHECK_INT(refusal.until, 5 + REFUSAL_PAUSE_MS);
    refusal_accept(&refusal, 77);
    CHECK_INT(refusal.until, 5 + REFUSAL_PAUSE_MS);
    refusal_accept(&refusal, 2); /* a successor */
    CHECK(refusal.until == INT64_MIN);
}

static const struct check_case cases[] = {
    {"versions meet where their ranges touch", versions_meet_where_their_ranges_touch},
    {"who does not belong here is told why", who_does_not_belong_here_is_told_why},
    {"who cannot be read is told nothing", who_cannot_be_read_is_told_nothing},
    {"the log hears of it once in a while", the_log_hears_of_it_once_in_a_while},
    {"a rival is refused once the first spoke after it",
     a_rival_is_refused_once_the_first_spoke_after_it},
    {"each rival gets its own time", each_rival_gets_its_own_time},
    {"a rival is refused once in a while", a_rival_is_refused_once_in_a_while},
    {"who refused us is left in peace", who_refused_us_is_left_in_peace},
};

CHECK_MAIN(cases)
