/* Which connections to a door are to be ended: those that a newer one of their process replaced,
 * and those that are silent. */
#include "bus/link/arrivals.h"

#include <stddef.h>

#include "tests/check.h"

#define REPLACED_MS 1000

enum { NODE = 3, OTHER_NODE = 4 };

static const struct arrival one = {NODE, 7, 0}, one_again = {NODE, 7, 1}, successor = {NODE, 8, 0},
                            namesake = {OTHER_NODE, 7, 0}, other = {OTHER_NODE, 9, 0};

static struct arrivals *arrivals;

static void open_door(bool spares_the_last)
{
    arrivals = arrivals_new((struct arrivals_rules){REPLACED_MS, spares_the_last});
    CHECK_INT(arrivals_deadline_ms(arrivals), INT64_MAX);
}

static void close_door(void)
{
    arrivals_destroy(&arrivals);
    CHECK(arrivals == NULL);
}

/* A message over a connection. */
static void speak_over(const struct arrival *arrival, int descriptor, uint64_t socket,
                       int64_t now_ms)
{
    if (arrivals_hear(arrivals, arrival, descriptor, now_ms))
        arrivals_add(arrivals, arrival, descriptor, socket, now_ms);
}

static void speak(const struct arrival *arrival, int descriptor, int64_t now_ms)
{
    speak_over(arrival, descriptor, (uint64_t)descriptor * 10, now_ms);
}

static void check_ended(int64_t at_ms, int descriptor, uint64_t socket)
{
    int ended = -1;
    uint64_t its_socket = 0;
    CHECK(arrivals_deadline_ms(arrivals) <= at_ms);
    CHECK(!arrivals_next(arrivals, at_ms - 1, &ended, &its_socket));
    CHECK(arrivals_deadline_ms(arrivals) <= at_ms);
    CHECK(arrivals_next(arrivals, at_ms, &ended, &its_socket));
    CHECK_INT(ended, descriptor);
    CHECK_INT(its_socket, socket);
}

static void check_none_ended(int64_t now_ms)
{
    int descriptor;
    uint64_t socket;
    CHECK(!arrivals_next(arrivals, now_ms, &descriptor, &socket));
    CHECK(arrivals_deadline_ms(arrivals) > now_ms);
}

static void what_was_replaced_is_ended(void)
{
    static const struct arrival *const newer[] = {&one, &one_again}; /* by ZeroMQ, or its owner */
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        open_door(false);
        speak(&one, 7, 0);
        speak(&namesake, 8, 0); /* others are not touched */
        speak(&other, 9, 0);
        speak(&successor, 10, 0);
        check_none_ended(500);
        speak(newer[i], 70, 600);
        check_ended(600 + REPLACED_MS, 7, 70);
        check_none_ended(600 + REPLACED_MS);
        close_door();
    }
}

static void a_door_may_end_at_once(void)
{
    arrivals = arrivals_new((struct arrivals_rules){.replaced_ms = 0});
    speak(&one, 7, 0);
    check_none_ended(600);
    speak(&one, 70, 600);
    check_ended(600, 7, 70);
    check_none_ended(600);
    close_door();
}

static void what_comes_late_over_the_older_one_does_not_end_the_newer(void)
{
    open_door(false);
    speak(&one_again, 8, 0);
    speak(&one, 7, 100); /* the older one is heard of only now */
    check_ended(100 + REPLACED_MS, 7, 70);
    speak(&one, 7, 2000); /* what was read from it before it ended */
    speak(&one_again, 8, 5000);
    check_none_ended(5000);
    close_door();
}

static void what_was_ended_does_not_come_back(void)
{
    open_door(false);
    speak(&one, 7, 0);
    speak(&one, 8, 600);
    check_ended(600 + REPLACED_MS, 7, 70);
    for (int64_t now_ms = 2000; now_ms < 3 * ARRIVALS_SILENT_MS; now_ms += 1000) {
        speak(&one, 7, now_ms);
        speak(&one, 8, now_ms);
        check_none_ended(now_ms);
    }
    speak_over(&one, 7, 71, 3 * ARRIVALS_SILENT_MS); /* another socket with its number */
    check_ended(3 * ARRIVALS_SILENT_MS + REPLACED_MS, 8, 80);
    close_door();
}

static void the_number_of_what_was_ended_may_be_the_next_ones(void)
{
    arrivals = arrivals_new((struct arrivals_rules){.replaced_ms = 0});
    speak_over(&one, 7, 70, 0);
    speak_over(&one, 8, 80, 1);
    check_ended(1, 7, 70);
    speak_over(&one, 7, 71, 2);
    check_ended(2, 8, 80);
    speak_over(&one, 8, 81, 3);
    check_ended(3, 7, 71);
    close_door();
}

static void what_is_replaced_again_and_again_is_ended_in_turn(void)
{
    open_door(false);
    for (int i = 0; i < 30; i++)
        speak(&one, 10 + i, i * 100);
    for (int i = 0; i < 29; i++)
        check_ended((i + 1) * 100 + REPLACED_MS, 10 + i, (uint64_t)(10 + i) * 10);
    check_none_ended(2900 + REPLACED_MS);
    close_door();
}

static void who_falls_silent_is_ended(void)
{
    open_door(false);
    speak(&one, 7, 0);
    speak(&other, 8, 0);
    for (int64_t now_ms = 1000; now_ms < ARRIVALS_SILENT_MS; now_ms += 1000)
        speak(&other, 8, now_ms);
    check_ended(ARRIVALS_SILENT_MS, 7, 70);
    check_none_ended(ARRIVALS_SILENT_MS);
    check_ended(2 * ARRIVALS_SILENT_MS - 1000, 8, 80);
    CHECK_INT(arrivals_deadline_ms(arrivals), 2 * ARRIVALS_SILENT_MS - 1000); /* more? */
    check_none_ended(2 * ARRIVALS_SILENT_MS);
    CHECK_INT(arrivals_deadline_ms(arrivals), INT64_MAX);
    close_door();
}

static void the_last_of_a_name_may_be_silent_where_the_door_spares_it(void)
{
    static const struct {
        struct arrival other;
        int64_t heard_ms[2];
        int descriptor; /* that goes at ARRIVALS_SILENT_MS, or -1 */
    } rows[] = {
        {{NODE, 8, 0}, {0, 1}, 10}, {{NODE, 8, 0}, {1, 0}, 11},       {{NODE, 8, 0}, {1, 1}, -1},
        {{NODE, 8, 0}, {0, 0}, -1}, {{OTHER_NODE, 8, 0}, {0, 1}, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_door(true);
        speak(&one, 10, rows[i].heard_ms[0]);
        speak(&rows[i].other, 11, rows[i].heard_ms[1]);
        if (rows[i].descriptor >= 0)
            check_ended(ARRIVALS_SILENT_MS, rows[i].descriptor, (uint64_t)rows[i].descriptor * 10);
        check_none_ended(ARRIVALS_SILENT_MS);
        close_door();
    }
}

static void who_was_spared_goes_when_another_speaks(void)
{
    open_door(true);
    speak(&one, 10, 0);
    check_none_ended(ARRIVALS_SILENT_MS);
    speak(&successor, 11, ARRIVALS_SILENT_MS + 100);
    check_ended(ARRIVALS_SILENT_MS + ARRIVALS_SPARED_MS, 10, 100);
    close_door();
}

static void only_what_is_open_counts_as_speaking(void)
{
    open_door(true);
    speak(&one, 10, 0);
    speak(&one, 11, 100);
    check_ended(100 + REPLACED_MS, 10, 100);
    speak(&one, 10, 9000); /* what was read from it before it ended */
    check_none_ended(100 + ARRIVALS_SILENT_MS);
    close_door();
}

static void what_was_replaced_is_never_spared(void)
{
    open_door(true);
    speak(&one, 10, 0);
    speak(&one, 11, 100);
    int descriptor;
    uint64_t socket;
    CHECK(arrivals_next(arrivals, 2 * ARRIVALS_SILENT_MS, &descriptor, &socket));
    CHECK_INT(descriptor, 10);
    check_none_ended(2 * ARRIVALS_SILENT_MS);
    close_door();
}

static void what_is_gone_replaces_nothing(void)
{
    open_door(false);
    speak(&one_again, 7, 0);
    check_ended(ARRIVALS_SILENT_MS, 7, 70);
    speak(&one, 8, ARRIVALS_SILENT_MS);
    check_none_ended(ARRIVALS_SILENT_MS + REPLACED_MS);
    speak(&successor, 9, ARRIVALS_SILENT_MS);
    speak_over(&one, 9, 91, ARRIVALS_SILENT_MS); /* the successor's was closed before */
    speak_over(&one_again, 9, 92, ARRIVALS_SILENT_MS);
    speak_over(&one, 9, 93, ARRIVALS_SILENT_MS);
    check_ended(ARRIVALS_SILENT_MS + REPLACED_MS, 8, 80);
    check_none_ended(ARRIVALS_SILENT_MS + REPLACED_MS);
    close_door();
}

static void a_descriptor_that_is_used_again_is_another_connection(void)
{
    open_door(false);
    speak(&one, 7, 0);
    speak_over(&other, 7, 77, 100); /* the first was closed before */
    speak(&one, 8, 200);
    check_none_ended(5000);
    check_ended(100 + ARRIVALS_SILENT_MS, 7, 77);
    close_door();
}

static void a_descriptor_is_looked_at_now_and_then(void)
{
    open_door(false);
    CHECK(arrivals_hear(arrivals, &one, 7, 5)); /* nothing is known of it */
    arrivals_add(arrivals, &one, 7, 70, 5);
    CHECK(!arrivals_hear(arrivals, &one, 7, 5));
    CHECK(arrivals_has(arrivals, &one, 7, 70));
    CHECK(!arrivals_has(arrivals, &one, 7, 71));
    CHECK(!arrivals_has(arrivals, &one, 8, 70));
    CHECK(!arrivals_has(arrivals, &one_again, 7, 70));
    CHECK(arrivals_hear(arrivals, &one, 8, 5));
    CHECK(arrivals_hear(arrivals, &one_again, 7, 5));
    CHECK(arrivals_hear(arrivals, &successor, 7, 5));
    CHECK(arrivals_hear(arrivals, &namesake, 7, 5));
    CHECK(!arrivals_hear(arrivals, &one, 7, 5 + ARRIVALS_LOOK_MS - 1));
    CHECK(arrivals_hear(arrivals, &one, 7, 5 + ARRIVALS_LOOK_MS));
    arrivals_add(arrivals, &one, 7, 70, 5 + ARRIVALS_LOOK_MS); /* it is the same */
    CHECK(!arrivals_hear(arrivals, &one, 7, 5 + ARRIVALS_LOOK_MS));
    CHECK(arrivals_hear(arrivals, &one, 7, 5 + 2 * ARRIVALS_LOOK_MS));
    arrivals_add(arrivals, &one, 7, 71, 5 + 2 * ARRIVALS_LOOK_MS); /* it came again at once */
    speak(&one, 8, 1000);
    check_ended(1000 + REPLACED_MS, 7, 71);
    close_door();
}

static void descriptors_past_the_limit_are_not_looked_after(void)
{
    open_door(false);
    CHECK(arrivals_hear(arrivals, &one, ARRIVALS_DESCRIPTORS_MAX - 1, 0));
    CHECK(!arrivals_hear(arrivals, &one, ARRIVALS_DESCRIPTORS_MAX, 0));
    CHECK(!arrivals_hear(arrivals, &one, -1, 0));
    speak(&one, ARRIVALS_DESCRIPTORS_MAX - 1, 0);
    CHECK(!arrivals_hear(arrivals, &one, ARRIVALS_DESCRIPTORS_MAX - 1, 1));
    close_door();
    arrivals_destroy(&arrivals);
}

static void connections_of_a_name_are_counted(void)
{
    open_door(true);
    CHECK_INT(arrivals_count(arrivals, NODE), 0);
    speak(&one, 1, 0);
    speak(&successor, 2, 0);
    speak(&namesake, 3, 0);
    speak(&one, 1, 10);
    CHECK_INT(arrivals_count(arrivals, NODE), 2);
    CHECK_INT(arrivals_count(arrivals, OTHER_NODE), 1);
    speak(&one_again, 4, 100);
    CHECK_INT(arrivals_count(arrivals, NODE), 3);
    check_ended(100 + REPLACED_MS, 1, 10);
    CHECK_INT(arrivals_count(arrivals, NODE), 2);
    close_door();
}

static void what_cannot_be_ended_is_tried_again(void)
{
    open_door(false);
    speak(&one, 1, 0);
    speak(&one_again, 2, 100);
    int64_t at_ms = 100 + REPLACED_MS;
    check_ended(at_ms, 1, 10);
    arrivals_retry(arrivals, 1, at_ms);
    check_none_ended(at_ms);
    CHECK_INT(arrivals_deadline_ms(arrivals), at_ms + ARRIVALS_RETRY_MS);
    CHECK_INT(arrivals_count(arrivals, NODE), 2);
    check_ended(at_ms + ARRIVALS_RETRY_MS, 1, 10);
    check_none_ended(at_ms + ARRIVALS_RETRY_MS);
    close_door();
}

static const struct check_case cases[] = {
    {"a connection that was replaced is ended", what_was_replaced_is_ended},
    {"a door may end it at once", a_door_may_end_at_once},
    {"what comes late over the older one does not end the newer",
     what_comes_late_over_the_older_one_does_not_end_the_newer},
    {"what was ended does not come back", what_was_ended_does_not_come_back},
    {"the number of what was ended may be the next one's",
     the_number_of_what_was_ended_may_be_the_next_ones},
    {"what is replaced again and again is ended in turn",
     what_is_replaced_again_and_again_is_ended_in_turn},
    {"who falls silent is ended", who_falls_silent_is_ended},
    {"the last of a name may be silent, where the door spares it",
     the_last_of_a_name_may_be_silent_where_the_door_spares_it},
    {"who was spared goes when another of the name speaks",
     who_was_spared_goes_when_another_speaks},
    {"only what is open counts as speaking", only_what_is_open_counts_as_speaking},
    {"what was replaced is never spared", what_was_replaced_is_never_spared},
    {"what is gone replaces nothing", what_is_gone_replaces_nothing},
    {"a descriptor that is used again is another connection",
     a_descriptor_that_is_used_again_is_another_connection},
    {"a descriptor is looked at now and then", a_descriptor_is_looked_at_now_and_then},
    {"what cannot be ended is tried again", what_cannot_be_ended_is_tried_again},
    {"connections of a name are counted", connections_of_a_name_are_counted},
    {"descriptors past the limit are not looked after",
     descriptors_past_the_limit_are_not_looked_after},
};

CHECK_MAIN(cases)
