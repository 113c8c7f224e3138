/* What a sentence of a fault holds. */
#include "bus/base/fault.h"

#include <string.h>

#include "tests/check.h"

static void a_sentence_takes_the_place_of_the_one_before(void)
{
    struct fault fault = {0};
    CHECK(!fault_set(&fault, "cannot open %s: %d", "a file", 7));
    CHECK_BYTES(fault.text, strlen(fault.text), "cannot open a file: 7", 21);
    CHECK(!fault_set(&fault, "short"));
    CHECK_BYTES(fault.text, strlen(fault.text), "short", 5);
}

static void a_sentence_may_hold_itself(void)
{
    struct fault fault;
    fault_set(&fault, "in use");
    fault_set(&fault, "cannot bind %s: %s", "tcp://*:1", fault.text);
    fault_set(&fault, "%s, twice: %s", fault.text, fault.text + strlen("cannot bind tcp://*:1: "));
    const char *wanted = "cannot bind tcp://*:1: in use, twice: in use";
    CHECK_BYTES(fault.text, strlen(fault.text), wanted, strlen(wanted));
}

static void what_is_too_long_is_cut_off(void)
{
    static char letters[FAULT_BYTES_MAX + 1];
    struct {
        struct fault fault;
        char after;
    } held = {.after = '!'};
    memset(letters, 'a', FAULT_BYTES_MAX - 1);
    fault_set(&held.fault, "%s", letters);
    CHECK_INT(strlen(held.fault.text), FAULT_BYTES_MAX - 1);
    letters[FAULT_BYTES_MAX - 1] = 'b';
    fault_set(&held.fault, "%s", letters);
    CHECK_INT(strlen(held.fault.text), FAULT_BYTES_MAX - 1);
    CHECK(strchr(held.fault.text, 'b') == NULL);
    fault_set(&held.fault, "more: %s", held.fault.text);
    CHECK_INT(strlen(held.fault.text), FAULT_BYTES_MAX - 1);
    CHECK_INT(held.after, '!');
}

static const struct check_case cases[] = {
    {"a sentence takes the place of the one before", a_sentence_takes_the_place_of_the_one_before},
    {"a sentence may hold the one before", a_sentence_may_hold_itself},
    {"what is too long is cut off", what_is_too_long_is_cut_off},
};

CHECK_MAIN(cases)
