/* What a peer's messages have wrong: judged, and reported once in a while for each kind. */
#include "bus/link/misread.h"

#include "tests/unit/peer_end.h"

#define OURS UINT64_C(12345678901234567890)

static char line[LINK_REASON_BYTES_MAX];

static void one_line_of_a_kind_in_a_while(void)
{
    struct misread misread;
    misread_init(&misread);
    CHECK(misread_parts(&misread, 2, -3, line));
    CHECK(strcmp(line, "a message of 2 frames behind the routing id: 1 is needed") == 0);
    for (size_t i = 0; i < 5; i++)
        CHECK(!misread_parts(&misread, 3 + i, MISREAD_PAUSE_MS - 4, line));
    CHECK(misread_incarnation(&misread, OURS, OURS - 1, 0, line)); /* another kind */
    CHECK(strstr(line, "more before") == NULL);
    CHECK(misread_parts(&misread, 9, MISREAD_PAUSE_MS - 3, line));
    CHECK(strcmp(line, "a message of 9 frames behind the routing id: 1 is needed"
                       " (and 5 more before)") == 0);
    CHECK(!misread_parts(&misread, 2, 2 * MISREAD_PAUSE_MS - 4, line));
    CHECK(misread_parts(&misread, 2, 2 * MISREAD_PAUSE_MS - 3, line));
    CHECK(strstr(line, "(and 1 more before)") != NULL);
}

static void a_location_is_shown_in_part(void)
{
    static char text[1000];
    struct misread misread;
    struct location location = {.client = {text, sizeof text}, .origin = {text, 63}};
    memset(text, 'c', sizeof text);
    misread_init(&misread);
    CHECK(misread_location(&misread, MISREAD_OBSERVER, &location, 0, line));
    CHECK_INT(strlen(line), strlen("an observer has nothing to say of client ") + 48);
    CHECK(misread_location(&misread, MISREAD_ORIGIN, &location, 0, line));
    CHECK(strlen(line) < sizeof line - 40);
    CHECK(!misread_location(&misread, MISREAD_ORIGIN, &location, MISREAD_PAUSE_MS - 1, line));
    CHECK(misread_location(&misread, MISREAD_RULE, &location, 0, line));
    CHECK(misread_hurry(&misread, 0, line) && !misread_hurry(&misread, 1, line));
}

/* Which of the two things it says, or "" for none. */
static const char *judge(struct misread *misread, uint64_t ours, uint64_t named, int64_t now_ms)
{
    if (!misread_incarnation(misread, ours, named, now_ms, line))
        return "";
    return strstr(line, ": rounded") != NULL ? "rounded" : "misread";
}

static void a_rounded_incarnation_is_seen_at_once(void)
{
    static const struct {
        uint64_t ours, named;
        const char *what;
    } rows[] = {
        {OURS, OURS, ""},
        {OURS, 0, ""},
        {OURS, (uint64_t)(double)OURS, "rounded"},
        {OURS, OURS + MISREAD_ROUNDED_MAX, "rounded"},
        {OURS, OURS - MISREAD_ROUNDED_MAX, "rounded"},
        {OURS, OURS + MISREAD_ROUNDED_MAX + 1, ""},
        {OURS, OURS - MISREAD_ROUNDED_MAX - 1, ""},
        {OURS, (uint32_t)OURS, ""},
        {UINT64_MAX, UINT64_MAX - 1, "rounded"},
        {MISREAD_EXACT_MAX + 1, MISREAD_EXACT_MAX, "rounded"},
        {MISREAD_EXACT_MAX + 1, MISREAD_EXACT_MAX - 1, ""}, /* a double would have kept it */
        {3, 2, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct misread misread;
        misread_init(&misread);
        CHECK(strcmp(judge(&misread, rows[i].ours, rows[i].named, 0), rows[i].what) == 0);
    }
}

static void a_wrong_incarnation_is_seen_after_a_while(void)
{
    struct misread misread;
    misread_init(&misread);
    CHECK(strcmp(judge(&misread, OURS, 9, 100), "") == 0);
    CHECK(strcmp(judge(&misread, OURS, 9, 100 + MISREAD_INCARNATION_MS - 1), "") == 0);
    CHECK(strcmp(judge(&misread, OURS, 0, 100 + MISREAD_INCARNATION_MS - 1), "") == 0);
    CHECK(strcmp(judge(&misread, OURS, 9, 100 + MISREAD_INCARNATION_MS), "misread") == 0);
    /* Another one, and after ours the first one again, begin from the start. */
    int64_t later_ms = 2 * MISREAD_PAUSE_MS;
    CHECK(strcmp(judge(&misread, OURS, 8, later_ms), "") == 0);
    CHECK(strcmp(judge(&misread, OURS, OURS, later_ms + MISREAD_INCARNATION_MS), "") == 0);
    CHECK(strcmp(judge(&misread, OURS, 8, later_ms + MISREAD_INCARNATION_MS), "") == 0);
    CHECK(strcmp(judge(&misread, OURS, 8, later_ms + 2 * MISREAD_INCARNATION_MS), "misread") == 0);
}

/* ---- with a link around it ---- */

static void check_reported(const char *words)
{
    struct link_event event;
    bool came = events_pop(&events, &event);
    CHECK(came);
    if (!came)
        return;
    CHECK_INT(event.kind, LINK_MISREAD);
    CHECK_BYTES(event.reason, strlen(event.reason), words, strlen(words));
}

static bool is_silent(void)
{
    struct link_event event;
    return !events_pop(&events, &event);
}

static void send_malformed(struct end *end, struct span bytes)
{
    CHECK_INT(wire_read(bytes, &in), WIRE_MALFORMED);
    peer_receive_malformed(&end->peer, bytes, &in.fault, end->now_ms);
}

static void a_link_reports_what_it_cannot_read(void)
{
    static const char half[] = "zh\1\x95\3\2\1\xca\x3f\0\0\0\xc2", other[] = "zh\1\x93\6\0\0";
    struct end end;
    open_end(&end, 0);
    send_malformed(&end, (struct span){half, sizeof half - 1});
    check_reported("ACK: have is the float 0.5: a whole number, 0 or more, is needed");
    send_malformed(&end, (struct span){other, sizeof other - 1});
    CHECK(is_silent());
    peer_receive_parts(&end.peer, 3, end.now_ms);
    check_reported("a message of 3 frames behind the routing id: 1 is needed");
    end.now_ms += MISREAD_PAUSE_MS;
    send_malformed(&end, (struct span){other, sizeof other - 1});
    check_reported("GOODBYE: from is 0 (and 1 more before)");
    CHECK(is_silent());
    close_end(&end);
}

/* It sends floats, so its name is no matter. */
static void a_misread_peer_is_no_silent_one(void)
{
    static const char half[] = "zh\1\x95\3\2\1\xca\x3f\0\0\0\xc2";
    struct end end;
    open_end(&end, 0);
    for (int i = 0; i < 5 * PEER_HELLOS_UNANSWERED_MAX; i++, end.now_ms += PEER_HELLO_SLOW_MS) {
        CHECK_INT(next(&end), WIRE_HELLO);
        send_malformed(&end, (struct span){half, sizeof half - 1});
    }
    struct link_event event;
    while (events_pop(&events, &event))
        CHECK_INT(event.kind, LINK_MISREAD);
    close_end(&end);
}

static void a_link_reports_an_incarnation_that_is_not_ours(void)
{
    struct end end;
    open_end(&end, 0);
    end.common.incarnation = OURS;
    hello(&end, 2, (uint64_t)(double)OURS, 0, 0);
    check_reported(
        "to is 12345678901234567168 where our incarnation is 12345678901234567890: rounded, as "
        "languages of doubles do");
    CHECK(!peer_is_up(&end.peer));
    hello(&end, 2, (uint64_t)(double)OURS, 0, 0);
    CHECK(is_silent());
    CHECK_INT(count.messages_misnamed, 2);
    /* A refusal of the process before this one is no fault. */
    in = (struct wire_message){
        .type = WIRE_REFUSED, .from_incarnation = 2, .to_incarnation = OURS - 1};
    receive(&end);
    CHECK_INT(count.messages_misnamed, 2);
    close_end(&end);

    open_end(&end, 0);
    hello(&end, 2, 77, 0, 0);
    end.now_ms += MISREAD_INCARNATION_MS;
    CHECK(is_silent());
    hello(&end, 2, 77, 0, 0);
    check_reported(
        "to is 77 where our incarnation is 1: it misreads our HELLO, or does not hear it");
    close_end(&end);
}

static const struct check_case cases[] = {
    {"one line of a kind in a while, with how many there were", one_line_of_a_kind_in_a_while},
    {"a location is shown in part", a_location_is_shown_in_part},
    {"a rounded incarnation is seen at once", a_rounded_incarnation_is_seen_at_once},
    {"a wrong incarnation is seen after a while", a_wrong_incarnation_is_seen_after_a_while},
    {"a link reports once what it cannot read", a_link_reports_what_it_cannot_read},
    {"whose messages cannot be read is not called silent", a_misread_peer_is_no_silent_one},
    {"a link reports an incarnation that is not ours",
     a_link_reports_an_incarnation_that_is_not_ours},
};

CHECK_MAIN(cases)
