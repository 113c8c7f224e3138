/* Any header Authorization is somebody's, whose token is in it, or nobody's; nothing is read beyond
 * it, and it is the same each time. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/web/parse/admit.h"
#include "tests/fuzz/fuzz.h"

/* Of the 32 bytes 1, 0, 0 and so on. */
static struct access *make_rules(char token[ACCESS_TOKEN_TEXT_BYTES + 1])
{
    static struct access rules;
    const uint8_t bytes[ACCESS_TOKEN_BYTES] = {1};
    char entry[ACCESS_ENTRY_TEXT_BYTES];
    struct topology_faults faults = {0};
    access_write_token(bytes, token, entry);
    const struct topology_entry lines[] = {
        {.line = 1, .text = span_of("person"), .name = "person", .value = ""},
        {.line = 2, .text = span_of("    name"), .name = "name", .value = "ada"},
        {.line = 3, .text = span_of("    token"), .name = "token", .value = entry},
        {.line = 4, .text = span_of("    be"), .name = "be", .value = "ada"},
    };
    bool good = access_read(lines, sizeof lines / sizeof *lines, &rules, &faults);
    assert(good);
    return &rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const struct network_address from;
    static char token[ACCESS_TOKEN_TEXT_BYTES + 1];
    static struct access *rules;
    char room[ADMIT_PAIR_BYTES_MAX];
    if (rules == NULL)
        rules = make_rules(token);
    char *copy = memcpy(bytes_resize(NULL, count + 1), bytes, count);
    struct span header = {copy, count}, shown = admit_token(header, room);
    const struct access_person *person, *again;
    bool is_somebody = admit_find(rules, header, &from, 0, &person);
    bool is_in_header = shown.data >= copy && shown.data + shown.len <= copy + count;
    bool is_in_room = shown.data >= room && shown.data + shown.len <= room + sizeof room;
    assert(shown.len == 0 || is_in_header || is_in_room);
    if (count == 0)
        assert(is_somebody && person == rules->persons);
    else
        assert(is_somebody == span_equals(shown, span_of(token)));
    assert(admit_find(rules, header, &from, 0, &again) == is_somebody && again == person);
    free(copy);
    return 0;
}
