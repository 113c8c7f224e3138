#include "tests/check.h"
#include "topology/format/faults.h"

static struct topology_faults faults;

static void sorts_by_line(void)
{
    static const uint32_t lines[] = {5, 1, 9, 5, 1};
    static const char *const wanted[] = {"1b", "1e", "5a", "5d", "9c"};
    faults = (struct topology_faults){0};
    for (size_t i = 0; i < 5; i++)
        topology_faults_add(&faults, lines[i], "%u%c", lines[i], 'a' + (int)i);
    CHECK_INT(faults.count, 5);
    for (size_t i = 0; i < 5; i++)
        CHECK(strcmp(faults.list[i].text, wanted[i]) == 0);
}

static void keeps_the_first_lines_when_full(void)
{
    faults = (struct topology_faults){0};
    for (uint32_t i = 0; i < TOPOLOGY_FAULTS_MAX; i++)
        topology_faults_add(&faults, 2 * i + 2, "x");
    CHECK_INT(faults.count, TOPOLOGY_FAULTS_MAX);
    CHECK_INT(faults.more, 0);
    topology_faults_add(&faults, 1000, "late");
    topology_faults_add(&faults, 1, "early");
    CHECK_INT(faults.count, TOPOLOGY_FAULTS_MAX);
    CHECK_INT(faults.more, 2);
    CHECK(strcmp(faults.list[0].text, "early") == 0);
    CHECK_INT(faults.list[TOPOLOGY_FAULTS_MAX - 1].line, 2 * TOPOLOGY_FAULTS_MAX - 2);
}

static void no_byte_forges_a_line(void)
{
    char all[256], long_text[TOPOLOGY_FAULT_BYTES_MAX + 2];
    for (int i = 1; i < 256; i++)
        all[i - 1] = (char)i;
    all[255] = '\0';
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    faults = (struct topology_faults){0};
    topology_faults_add(&faults, 1, "%s", all);
    topology_faults_add(&faults, 2, "%s", long_text);
    for (const char *at = faults.list[0].text; *at; at++)
        CHECK(*at >= 0x20 && *at <= 0x7e);
    CHECK_INT(strlen(faults.list[0].text), 255);
    CHECK_INT(strlen(faults.list[1].text), TOPOLOGY_FAULT_BYTES_MAX);
}

static const char *nearest(const char *word)
{
    static const char *const names[] = {"Alford", "Ball", "Hamilton", "Hall", "B"};
    struct topology_nearest search = {.word = word};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        topology_nearest_offer(&search, names[i]);
    return search.best ? search.best : "none";
}

static void finds_the_word_that_was_meant(void)
{
    static const char *const rows[][2] = {
        {"Alford", "Alford"},
        {"alford", "Alford"},
        {"Alfrod", "Alford"},
        {"Aford", "Alford"},
        {"Alfordd", "Alford"},
        {"Axxord", "Alford"},
        {"Axxxrd", "none"},
        {"Bal", "Ball"},
        {"Balll", "Ball"},
        {"xall", "Ball"},
        {"Hal", "Hall"},
        {"Baxx", "none"},
        {"Hmailtno", "Hamilton"},
        {"C", "B"},
        {"", "B"},
        {"CC", "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = nearest(rows[i][0]);
        CHECK_BYTES(got, strlen(got), rows[i][1], strlen(rows[i][1]));
    }
}

static void compares_words_of_names_only(void)
{
    char word[66], candidate[66];
    memset(word, 'x', 65);
    memset(candidate, 'x', 65);
    for (size_t bytes = 62; bytes <= 65; bytes++) {
        struct topology_nearest search = {.word = word};
        word[bytes] = candidate[bytes] = '\0';
        topology_nearest_offer(&search, candidate);
        CHECK_INT(search.best != NULL, bytes <= 63);
        word[bytes] = candidate[bytes] = 'x';
    }
}

static const struct check_case cases[] = {
    {"faults are sorted by line, then as they came", sorts_by_line},
    {"a full list keeps the first lines and counts the rest", keeps_the_first_lines_when_full},
    {"no byte of the file forges a line", no_byte_forges_a_line},
    {"a misspelt word finds the one that was meant", finds_the_word_that_was_meant},
    {"only words as long as a name are compared", compares_words_of_names_only},
};

CHECK_MAIN(cases)
