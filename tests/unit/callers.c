/* Which connections to the places service's doors are to be ended. */
#include "placesd/dispatch/callers.h"

#include "tests/check.h"

static const struct caller one = {CALLER_WORKER, 0x0123456789abcdef, 0},
                           one_again = {CALLER_WORKER, 0x0123456789abcdef, 1},
                           gateway = {CALLER_GATEWAY, 0x0123456789abcdef, 0},
                           other = {CALLER_WORKER, 0xfedcba9876543210, 0};

static void names_are_written_and_read(void)
{
    static const struct {
        struct caller caller;
        const char *name;
    } rows[] = {
        {{CALLER_WORKER, 0x0123456789abcdef, 0}, "worker-0123456789abcdef.0"},
        {{CALLER_GATEWAY, 0xffffffffffffffff, UINT32_MAX}, "gateway-ffffffffffffffff.4294967295"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[CALLER_NAME_BYTES_MAX];
        struct caller read;
        CHECK_INT(caller_write(&rows[i].caller, name), strlen(rows[i].name));
        CHECK(strcmp(name, rows[i].name) == 0);
        CHECK(caller_read(span_of(name), &read));
        CHECK(read.kind == rows[i].caller.kind && read.life == rows[i].caller.life &&
              read.number == rows[i].caller.number);
    }
}

static void other_names_are_nobodys(void)
{
    static const char *const names[] = {
        "",
        "worker",
        "worker-",
        "worker-0123456789abcdef",
        "worker-0123456789abcdef.",
        "worker-0123456789abcdef.x",
        "worker-0123456789abcdef.-1",
        "worker-0123456789abcdef.1 ",
        "worker-0123456789abcdef.4294967296",
        "worker-0123456789abcdef.00000000001",
        "worker-0123456789abcdeF.1",
        "worker-0123456789abcde.11",
        "worker-0123456789abcdef01.1",
        "Worker-0123456789abcdef.1",
        "host.example.org.1",
        "worker-7.1",
    };
    struct caller caller;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(!caller_read(span_of(names[i]), &caller));
    CHECK(!caller_read((struct span){"\0\1\2\3\4", 5}, &caller)); /* as ZeroMQ draws them */
}

static void a_life_is_known_by_its_number(void)
{
    static const struct {
        const char *name;
        enum caller_kind kind;
        uint64_t life;
        bool is;
    } rows[] = {
        {"worker-00000000000000ff.0", CALLER_WORKER, 0xff, true},
        {"worker-00000000000000ff.17", CALLER_WORKER, 0xff, true},
        {"worker-00000000000000fe.0", CALLER_WORKER, 0xff, false},
        {"gateway-00000000000000ff.0", CALLER_WORKER, 0xff, false},
        {"worker-00000000000000ff", CALLER_WORKER, 0xff, false},
        {"worker-0000000000000000.0", CALLER_WORKER, 0, false}, /* no life is known */
        {"", CALLER_WORKER, 0xff, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(caller_is_of(span_of(rows[i].name), rows[i].kind, rows[i].life), rows[i].is);
}

static struct callers *callers;

/* A message over a connection; its mark is ten times its descriptor unless told otherwise. */
static void speak_as(const struct caller *caller, int descriptor, uint64_t mark, int64_t now_ms)
{
    if (callers_hear(callers, caller, descriptor, now_ms))
        callers_add(callers, caller, descriptor, mark, now_ms);
}

static void speak(const struct caller *caller, int descriptor, int64_t now_ms)
{
    speak_as(caller, descriptor, (uint64_t)descriptor * 10, now_ms);
}

static void check_ended(int64_t at_ms, int descriptor, uint64_t mark)
{
    int ended = -1;
    uint64_t its_mark = 0;
    CHECK(callers_deadline_ms(callers) <= at_ms);
    CHECK(!callers_next(callers, at_ms - 1, &ended, &its_mark));
    CHECK(callers_deadline_ms(callers) <= at_ms);
    CHECK(callers_next(callers, at_ms, &ended, &its_mark));
    CHECK_INT(ended, descriptor);
    CHECK_INT(its_mark, mark);
}

static void check_none_ended(int64_t now_ms)
{
    int descriptor;
    uint64_t mark;
    CHECK(!callers_next(callers, now_ms, &descriptor, &mark));
    CHECK(callers_deadline_ms(callers) > now_ms);
}

static void what_was_replaced_is_ended(void)
{
    static const struct caller *const newer[] = {&one, &one_again}; /* by ZeroMQ, or by its owner */
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        callers = callers_new();
        CHECK_INT(callers_deadline_ms(callers), INT64_MAX);
        speak(&one, 7, 0);
        speak(&gateway, 8, 0); /* others are not touched */
        speak(&other, 9, 0);
        check_none_ended(500);
        speak(newer[i], 70, 600);
        check_ended(600 + CALLERS_REPLACED_MS, 7, 70);
        check_none_ended(600 + CALLERS_REPLACED_MS);
        callers_destroy(&callers);
        CHECK(callers == NULL);
    }
}

static void what_comes_late_over_the_older_one_does_not_end_the_newer(void)
{
    callers = callers_new();
    speak(&one_again, 8, 0);
    speak(&one, 7, 100); /* the older one is heard of only now */
    check_ended(100 + CALLERS_REPLACED_MS, 7, 70);
    speak(&one_again, 8, 5000);
    check_none_ended(5000);
    callers_destroy(&callers);
}

static void what_is_replaced_again_and_again_is_ended_in_turn(void)
{
    callers = callers_new();
    for (int i = 0; i < 30; i++)
        speak(&one, 10 + i, i * 100);
    for (int i = 0; i < 29; i++)
        check_ended((i + 1) * 100 + CALLERS_REPLACED_MS, 10 + i, (uint64_t)(10 + i) * 10);
    check_none_ended(2900 + CALLERS_REPLACED_MS);
    callers_destroy(&callers);
}

static void who_falls_silent_is_ended(void)
{
    callers = callers_new();
    speak(&one, 7, 0);
    speak(&other, 8, 0);
    for (int64_t now_ms = 1000; now_ms < CALLERS_SILENCE_MS; now_ms += 1000)
        speak(&other, 8, now_ms);
    check_ended(CALLERS_SILENCE_MS, 7, 70);
    check_none_ended(CALLERS_SILENCE_MS);
    check_ended(2 * CALLERS_SILENCE_MS - 1000, 8, 80);
    CHECK_INT(callers_deadline_ms(callers), 2 * CALLERS_SILENCE_MS - 1000); /* there may be more */
    check_none_ended(2 * CALLERS_SILENCE_MS);
    CHECK_INT(callers_deadline_ms(callers), INT64_MAX);
    callers_destroy(&callers);
}

static void a_descriptor_that_is_used_again_is_another_connection(void)
{
    callers = callers_new();
    speak(&one, 7, 0);
    speak_as(&other, 7, 77, 100); /* the first was closed meanwhile */
    speak(&one, 8, 200);
    check_none_ended(5000);
    check_ended(100 + CALLERS_SILENCE_MS, 7, 77);
    callers_destroy(&callers);
}

static void descriptors_past_the_limit_are_not_looked_after(void)
{
    callers = callers_new();
    CHECK(callers_hear(callers, &one, CALLERS_DESCRIPTORS_MAX - 1, 0));
    CHECK(!callers_hear(callers, &one, CALLERS_DESCRIPTORS_MAX, 0));
    CHECK(!callers_hear(callers, &one, -1, 0));
    speak(&one, CALLERS_DESCRIPTORS_MAX - 1, 0);
    CHECK(!callers_hear(callers, &one, CALLERS_DESCRIPTORS_MAX - 1, 1));
    callers_destroy(&callers);
    callers_destroy(&callers);
}

static const struct check_case cases[] = {
    {"names are written and read", names_are_written_and_read},
    {"other names are nobody's", other_names_are_nobodys},
    {"a life is known by its number", a_life_is_known_by_its_number},
    {"a connection that was replaced is ended", what_was_replaced_is_ended},
    {"what comes late over the older one does not end the newer",
     what_comes_late_over_the_older_one_does_not_end_the_newer},
    {"what is replaced again and again is ended in turn",
     what_is_replaced_again_and_again_is_ended_in_turn},
    {"who falls silent is ended", who_falls_silent_is_ended},
    {"a descriptor that is used again is another connection",
     a_descriptor_that_is_used_again_is_another_connection},
    {"descriptors past the limit are not looked after",
     descriptors_past_the_limit_are_not_looked_after},
};

CHECK_MAIN(cases)
