/* access: what a file of access rules says, and what each rule allows. */
#include <time.h>

#include "tests/unit/input.h"
#include "tests/unit/topology_text.h"
#include "topology/format/access.h"

#define NS_PER_S INT64_C(1000000000)
/* Of the token TOKEN_A and TOKEN_B: 32 bytes from 0x00 on and from 0x20 on. The hashes are those of
 * Python's hashlib.blake2b(token, digest_size=32, key=salt). */
#define TOKEN_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define TOKEN_B "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"
#define ENTRY_A "AAECAwQFBgcICQoLDA0ODw:91exvHnBnY2TrEkMRmGMCNrb0dXB_UTAmUF_EL4miq8"
#define ENTRY_B "ICEiIyQlJicoKSorLC0uLw:BYY3IOWUuNYHNM533tXGm_spXrCzbVMCmFDsfQ-VEm0"

static struct access rules;

static bool read_rules(const char *text)
{
    uint32_t line = 1;
    entry_count = 0;
    for (const char *at = text; *at; line++) {
        size_t bytes = strcspn(at, "\n");
        if (bytes > 0)
            add_line(line, at, bytes);
        at += bytes + (at[bytes] == '\n');
    }
    faults = (struct topology_faults){0};
    bool good = access_read(entries, entry_count, &rules, &faults);
    for (size_t i = 0; i < entry_count; i++) {
        free(texts[i]);
        free(words[i]);
    }
    CHECK(good == (faults.count == 0) && good == (rules.persons != NULL));
    return good;
}

static void check_faults(const char *text, const char *wanted)
{
    char got[8192] = "";
    size_t used = 0;
    CHECK(!read_rules(text));
    for (size_t i = 0; i < faults.count; i++)
        used += (size_t)snprintf(got + used, sizeof got - used, "%u: %s\n", faults.list[i].line,
                                 faults.list[i].text);
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
}

static const char whole[] = "person\n"
                            "    name = ada\n"
                            "    token = " ENTRY_B " " ENTRY_A "\n"
                            "    be = ada ada-*\n"
                            "    be = *-of-ada\n"
                            "    see = team-*-1\n"
                            "    rate = 10/s\n"
                            "    from = 192.0.2.0/24, 2001:db8::/32\n"
                            "    from = 198.51.100.7\n"
                            "    until = 2027-01-31\n"
                            "anyone\n"
                            "    see = tram-*\n"
                            "person\n"
                            "    name = Bob\n"
                            "    be = *\n";

static struct network_address address(const char *text)
{
    struct network_address address;
    CHECK(network_address_parse(span_of(text), &address));
    return address;
}

static void a_whole_file(void)
{
    CHECK(read_rules(whole));
    CHECK_INT(rules.person_count, 3);
    const struct access_person *ada = access_find_person(&rules, SPAN("ada")),
                               *bob = access_find_person(&rules, SPAN("Bob"));
    CHECK(ada != NULL && bob != NULL && access_find_person(&rules, SPAN("")) == NULL &&
          access_find_person(&rules, SPAN("bob")) == NULL);
    CHECK_INT(ada->rate, 10);
    CHECK_INT(rules.token_count, 2);
    CHECK_INT(ada->until_ns / NS_PER_S, 1801440000); /* 2027-02-01 */
    CHECK(bob->until_ns == INT64_MAX && bob->from == NULL && bob->rate == 0);
    CHECK_INT(ada->from->count, 3);
    CHECK(access_is_everybody(bob) && !access_is_everybody(ada) &&
          !access_is_everybody(&rules.persons[0]));
    CHECK(access_find_token(&rules, SPAN(TOKEN_A)) != NULL);
    CHECK_INT(rules.persons[access_find_token(&rules, SPAN(TOKEN_B))->person].line, 1);
    access_free(&rules);
    CHECK(read_rules(""));
    CHECK(access_find_token(&rules, SPAN(TOKEN_A)) == NULL);
    access_free(&rules);
}

static void every_fault_has_its_line(void)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {TOKEN_A "\n", "1: there is no section `*`; write person or anyone\n"},
        {"    " TOKEN_A " = ada\n",
         "1: `*` belongs to no section; begin one before it: person or anyone, without "
         "indentation\n"},
        {"anyone\n    " TOKEN_A "\n        be-" TOKEN_A " = ada\n",
         "2: `anyone` has no key `*`; write only be, see, rate, from, until\n"
         "3: `*` is indented too far; write keys with 4 blanks before them\n"
         "3: `anyone` has no key `*`; write only be, see, rate, from, until\n"},
        {"anyone\n    be = a*b* " TOKEN_A "\n    see = *" TOKEN_A "*\n    from = " TOKEN_A "\n",
         "2: `be` has `a*b*`; write ids of at most 1024 bytes, each with at most one *\n"
         "3: `see` has `***`; write ids of at most 1024 bytes, each with at most one *\n"
         "4: `from`: \"*\" is no address; write 192.0.2.0/24, 2001:db8::/32 or an address alone\n"},
        {"anyone\n    rate = 1" TOKEN_A "\n    until = " TOKEN_A "\n",
         "2: `rate` is `*`; write commands a second as in 10/s (1 to 1000000)\n"
         "3: `until` is `*`; write the last day, from 1970 to 2261, as in 2027-01-31\n"},
        {"persn\n    name = ada\n", "1: there is no section `persn`; write person\n"},
        {"herd\n    name = ada\n", "1: there is no section `herd`; write person or anyone\n"},
        {"    name = ada\n",
         "1: `name` belongs to no section; begin one before it: person or anyone, "
         "without indentation\n"},
        {"person\n    be = ada\n",
         "1: this `person` has no `name`; write a line `    name = ada`\n"},
        {"person\n    name = ada\n    nme = bob\n", "3: `person` has no key `nme`; write name\n"
                                                    "3: `name` is there already; write it once\n"},
        {"anyone\n    token = a\n",
         "2: `anyone` has no key `token`; write only be, see, rate, from, "
         "until\n"},
        {"person\n    name = ada\n    color = blue\n",
         "3: `person` has no key `color`; write only name, token, be, see, rate, from, until\n"},
        {"person\n    name = a b\n",
         "2: `a b` is no name; write 1 to 63 letters, digits, - _ and ., "
         "not beginning with a point\n"},
        {"person\n    name = ada\nperson\n    name = ada\n",
         "3: a person `ada` stands in line 1 already; write each once\n"},
        {"anyone\nanyone\n", "2: `anyone` stands in line 1 already; write it once\n"},
        {"person\n    name = ada\n    token = " TOKEN_A "\n    token = " ENTRY_A "x\n",
         "3: `token` is not what the file keeps of one; let `zherd token new NAME` write it\n"
         "4: `token` is not what the file keeps of one; let `zherd token new NAME` write it\n"},
        {"person\n    name = a\n    token = " ENTRY_A "\nperson\n    name = b\n    token = " ENTRY_A
         "\n",
         "6: this token stands in line 3 already; write each once\n"},
        {"anyone\n    be = a*b*\n    see = " ENTRY_A " **\n",
         "2: `be` has `a*b*`; write ids of at most 1024 bytes, each with at most one *\n"
         "3: `see` has `**`; write ids of at most 1024 bytes, each with at most one *\n"},
        {"anyone\n    rate = 10\n", "2: `rate` is `10`; write commands a second as in 10/s (1 to "
                                    "1000000)\n"},
        {"anyone\n    rate = 0/s\n", "2: `rate` is `0/s`; write commands a second as in 10/s (1 to "
                                     "1000000)\n"},
        {"anyone\n    rate = 1000001/s\n    until = 2027-02-29\n",
         "2: `rate` is `1000001/s`; write commands a second as in 10/s (1 to 1000000)\n"
         "3: `until` is `2027-02-29`; write the last day, from 1970 to 2261, as in 2027-01-31\n"},
        {"anyone = yes\n    be\n", "1: the section `anyone` takes no value; write its keys on the "
                                   "lines below, indented by 4 blanks\n"
                                   "2: `be` has no value; write `be = ada ada-*`\n"},
        {"anyone\n        be = a\n   see = a\n",
         "2: `be` is indented too far; write keys with 4 blanks before them\n"
         "3: the indentation is not a multiple of 4; indent sections by 0 and keys by 4 blanks\n"},
        {"person\n!    name = = ada\n",
         "2: the name of a key is letters, digits and _; write `name = "
         "value`\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_faults(rows[i].text, rows[i].wanted);
    CHECK(!read_rules("anyone\n    from = 192.0.2.1/24\n"));
    CHECK(faults.list[0].line == 2 && strncmp(faults.list[0].text, "`from`: ", 8) == 0);
}

static void a_pattern_has_one_star_that_stands_for_any_bytes(void)
{
    static const struct {
        const char *pattern, *id;
        bool matches;
    } rows[] = {
        {"kiwi", "kiwi", true},   {"kiwi", "kiwi2", false},  {"kiwi", "kiw", false},
        {"kiwi", "Kiwi", false},  {"*", "x", true},          {"*", "any*thing", true},
        {"a-*", "a-", true},      {"a-*", "a-1", true},      {"a-*", "a", false},
        {"a-*", "b-1", false},    {"*-z", "-z", true},       {"*-z", "a-z", true},
        {"*-z", "a-y", false},    {"ab*ba", "abba", true},   {"ab*ba", "aba", false},
        {"ab*ba", "ab1ba", true}, {"ab*ba", "abbab", false}, {"\xff*", "\xff\xfe", true},
        {"*a", "a", true},        {"a*a", "a", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        int before = check_failures;
        snprintf(text, sizeof text, "anyone\n    be = %s\n    see = other\n", rows[i].pattern);
        CHECK(read_rules(text));
        CHECK(access_may_be(&rules.persons[0], span_of(rows[i].id)) == rows[i].matches);
        CHECK(access_may_see(&rules.persons[0], span_of(rows[i].id)) == rows[i].matches);
        CHECK(access_may_see(&rules.persons[0], SPAN("other")));
        CHECK(!access_may_see(&access_nobody, span_of(rows[i].id)));
        if (check_failures > before)
            printf("    %s and %s\n", rows[i].pattern, rows[i].id);
        access_free(&rules);
    }
}

static void a_person_comes_from_networks_and_until_a_day(void)
{
    CHECK(read_rules(whole));
    const struct access_person *ada = access_find_person(&rules, SPAN("ada"));
    struct network_address inside = address("192.0.2.255"), other = address("192.0.3.0"),
                           single = address("198.51.100.7"), six = address("2001:db8:1::1");
    int64_t end = ada->until_ns;
    CHECK(access_is_open(ada, &inside, end - 1) && access_is_open(ada, &single, 0) &&
          access_is_open(ada, &six, 0));
    CHECK(!access_is_open(ada, &other, 0) && !access_is_open(ada, &inside, end));
    CHECK(access_is_open(&rules.persons[0], &other, INT64_MAX - 1));
    CHECK(access_next_end_ns(&rules, 0) == end && access_next_end_ns(&rules, end) == INT64_MAX);
    access_free(&rules);
    /* Each day, as the C library reckons. */
    for (int64_t day = 0; day < 106000; day += 13) {
        char text[64];
        struct tm fields;
        time_t seconds = (time_t)(day * 86400);
        gmtime_r(&seconds, &fields);
        strftime(text, sizeof text, "anyone\n    until = %Y-%m-%d\n", &fields);
        CHECK(read_rules(text));
        CHECK_INT(rules.persons[0].until_ns / NS_PER_S, (day + 1) * 86400);
        access_free(&rules);
    }
    CHECK(!read_rules("anyone\n    until = 2262-04-11\n"));
    CHECK(!read_rules("anyone\n    until = 1969-12-31\n"));
    CHECK(!read_rules("anyone\n    until = 2027-1-31\n"));
    CHECK(!read_rules("anyone\n    until = 2027-13-01\n"));
}

static void a_rate_is_a_second_s_worth_at_once(void)
{
    int64_t spent = 0, now = 5 * NS_PER_S;
    for (int i = 0; i < 10; i++)
        CHECK(access_take(10, &spent, now));
    CHECK(!access_take(10, &spent, now) && !access_take(10, &spent, now + NS_PER_S / 10 - 1));
    CHECK(access_take(10, &spent, now + NS_PER_S / 10));
    CHECK(!access_take(10, &spent, now + NS_PER_S / 10));
    spent = 0;
    CHECK(access_take(1, &spent, now) && !access_take(1, &spent, now + NS_PER_S - 1) &&
          access_take(1, &spent, now + NS_PER_S));
}

static void a_token_is_found_and_nothing_like_it(void)
{
    uint8_t bytes[ACCESS_TOKEN_BYTES];
    char token[ACCESS_TOKEN_TEXT_BYTES + 1], entry[ACCESS_ENTRY_TEXT_BYTES];
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    access_write_token(bytes, token, entry);
    CHECK_BYTES(token, strlen(token), TOKEN_A, strlen(TOKEN_A));
    CHECK_BYTES(entry, strlen(entry), ENTRY_A, strlen(ENTRY_A));
    CHECK(read_rules(whole));
    char changed[] = TOKEN_A "=";
    CHECK(access_find_token(&rules, span_of(changed)) == NULL);
    for (size_t i = 0; i < ACCESS_TOKEN_TEXT_BYTES; i++) {
        memcpy(changed, TOKEN_A, ACCESS_TOKEN_TEXT_BYTES);
        CHECK(access_find_token(&rules, (struct span){TOKEN_A, i}) == NULL);
        for (int byte = 0; byte < 256; byte++) {
            changed[i] = (char)byte;
            CHECK((access_find_token(&rules, (struct span){changed, ACCESS_TOKEN_TEXT_BYTES}) !=
                   NULL) == (changed[i] == TOKEN_A[i]));
        }
    }
    /* The same in other rules, and of the same name. */
    struct access before = rules;
    const struct access_token *found = access_find_token(&before, SPAN(TOKEN_A));
    CHECK(read_rules("person\n    name = eve\n    token = " ENTRY_A "\n"));
    CHECK(access_find_again(&rules, found, "ada") == NULL &&
          access_find_again(&rules, found, "eve") != NULL);
    access_free(&rules);
    access_free(&before);
}

/* One line more of that, with a number at its end, up to the limit and one past it. */
static void check_limit(const char *begin, const char *line, unsigned limit, const char *wanted)
{
    struct buffer text = {0};
    buffer_append(&text, span_of(begin));
    for (unsigned i = 0; i <= limit; i++) {
        char one[256];
        snprintf(one, sizeof one, "%s%u\n", line, i);
        if (i == limit) {
            buffer_append(&text, (struct span){"", 1});
            CHECK(read_rules(text.data));
            access_free(&rules);
            text.len--;
        }
        buffer_append(&text, span_of(one));
    }
    buffer_append(&text, (struct span){"", 1});
    CHECK(!read_rules(text.data));
    CHECK(faults.count == 1 && strstr(faults.list[0].text, wanted) != NULL);
    buffer_free(&text);
}

static void limits(void)
{
    check_limit("anyone\n", "    see = a", ACCESS_PATTERNS_MAX, "too many ids");
    check_limit("anyone\n", "    from = 192.0.2.", NETWORKS_MAX, "too many networks");
    check_limit("", "person\n    name = p", ACCESS_PERSONS_MAX, "too many persons");
    struct buffer text = {0};
    buffer_append(&text, SPAN("anyone\n    be = "));
    for (int i = 0; i < ACCESS_PATTERN_BYTES_MAX; i++)
        buffer_append(&text, SPAN("x"));
    buffer_append(&text, SPAN("\0"));
    CHECK(read_rules(text.data));
    access_free(&rules);
    text.data[text.len - 1] = 'x';
    buffer_append(&text, SPAN("\0"));
    CHECK(!read_rules(text.data));
    text.len = 0;
    buffer_append(&text, SPAN("person\n    name = ada\n"));
    for (uint8_t i = 0; i <= ACCESS_TOKENS_OF_PERSON_MAX; i++) {
        uint8_t bytes[ACCESS_TOKEN_BYTES] = {i};
        char token[ACCESS_TOKEN_TEXT_BYTES + 1], entry[ACCESS_ENTRY_TEXT_BYTES];
        access_write_token(bytes, token, entry);
        buffer_append(&text, SPAN("    token = "));
        buffer_append(&text, span_of(entry));
        buffer_append(&text, SPAN("\n\0"));
        CHECK(read_rules(text.data) == (i < ACCESS_TOKENS_OF_PERSON_MAX));
        access_free(&rules);
        text.len--;
    }
    buffer_free(&text);
}

static void every_prefix_is_rules_or_a_fault(void)
{
    for (size_t i = 0; i < sizeof whole; i++) {
        char *text = strndup(whole, i);
        if (read_rules(text)) {
            CHECK(rules.person_count <= 3);
            access_free(&rules);
        }
        free(text);
    }
}

static void who_sees_the_same(void)
{
    static const char *const others[] = {"a b", "a* b", "b a*", "a*", "a* b c", "a* *b"};
    CHECK(read_rules("anyone\n    see = a* b\n"));
    struct access first = rules;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[64];
        snprintf(text, sizeof text, "anyone\n    see = %s\n    rate = 1/s\n", others[i]);
        CHECK(read_rules(text));
        CHECK(access_see_alike(&first.persons[0], &rules.persons[0]) == (i == 1));
        access_free(&rules);
    }
    access_free(&first);
}

static void a_run_as_long_as_a_token_is_hidden(void)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"abcd", "abcd"},
        {"abcde", "*"},
        {"abcdef", "*"},
        {"a abcde b", "a * b"},
        {"-_09Z", "*"},
        {"abcd.e", "abcd.e"},
        {"abcde/abcd+abcdef=", "*/abcd+*="},
        {"ab\xff", "ab\xff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        strcpy(text, rows[i].text);
        size_t bytes = access_hide_tokens(text, strlen(text), 5);
        CHECK_BYTES(text, bytes, rows[i].wanted, strlen(rows[i].wanted));
    }
}

static const struct check_case cases[] = {
    {"a whole file is read", a_whole_file},
    {"every fault has its line and says what to write", every_fault_has_its_line},
    {"a pattern has one star that stands for any bytes",
     a_pattern_has_one_star_that_stands_for_any_bytes},
    {"a person comes from networks, and until the end of a day",
     a_person_comes_from_networks_and_until_a_day},
    {"a rate is a second's worth at once", a_rate_is_a_second_s_worth_at_once},
    {"a token is found, and nothing like it", a_token_is_found_and_nothing_like_it},
    {"a run as long as a token is hidden", a_run_as_long_as_a_token_is_hidden},
    {"each limit holds what it says and no more", limits},
    {"every prefix of a file is rules or has a fault", every_prefix_is_rules_or_a_fault},
    {"who sees the same is told from who does not", who_sees_the_same},
};

CHECK_MAIN(cases)
