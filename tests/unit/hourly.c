/* hourly: a line an hour and client, and for how many clients. */
#include "bus/base/hourly.h"

#include "bus/table/location.h"
#include "tests/check.h"

static void a_client_has_one_line_an_hour(void)
{
    static const struct {
        int64_t now_ms;
        const char *client;
        bool is_due;
    } rows[] = {
        {0, "kiwi", true},
        {0, "kiwi", false},
        {HOURLY_MS - 1, "kiwi", false},
        {HOURLY_MS - 1, "plum", true},
        {HOURLY_MS, "kiwi", true},
        {HOURLY_MS, "plum", false},
        {2 * HOURLY_MS - 2, "plum", false},
        {2 * HOURLY_MS - 1, "plum", true},
        {2 * HOURLY_MS - 1, "kiwi", false},
        {2 * HOURLY_MS - 1, "kiwis", true},
    };
    struct hourly hourly = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_due = hourly_is_due(&hourly, span_of(rows[i].client), rows[i].now_ms);
        if (is_due != rows[i].is_due)
            printf("    row %zu\n", i);
        CHECK_INT(is_due, rows[i].is_due);
    }
}

/* Ids whose hashes begin alike, one more than there is room for. */
static void find_a_row_full(char clients[HOURLY_ROW_MAX + 1][16])
{
    const uint64_t rows = HOURLY_NAMES_MAX / HOURLY_ROW_MAX;
    size_t found = 0;
    for (unsigned i = 0; found <= HOURLY_ROW_MAX; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%u", i);
        if (location_hash_client(span_of(client)) % rows == 0)
            strcpy(clients[found++], client);
    }
}

static void who_has_no_room_has_no_line(void)
{
    struct hourly hourly = {0};
    char clients[HOURLY_ROW_MAX + 1][16];
    find_a_row_full(clients);
    for (int64_t i = 0; i < HOURLY_ROW_MAX; i++)
        CHECK(hourly_is_due(&hourly, span_of(clients[i]), 10 * i));
    struct span late = span_of(clients[HOURLY_ROW_MAX]);
    CHECK(!hourly_is_due(&hourly, late, 10));
    CHECK(!hourly_is_due(&hourly, late, HOURLY_MS - 1));
    CHECK(hourly_is_due(&hourly, late, HOURLY_MS));
    /* In place of the first, and of nobody else. */
    CHECK(!hourly_is_due(&hourly, span_of(clients[1]), HOURLY_MS));
    CHECK(!hourly_is_due(&hourly, span_of(clients[0]), HOURLY_MS));
}

static void however_many_clients_there_are_the_lines_have_a_limit(void)
{
    struct hourly hourly = {0};
    unsigned due = 0;
    for (unsigned i = 0; i < 100 * HOURLY_NAMES_MAX; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%u", i);
        due += hourly_is_due(&hourly, span_of(client), (int64_t)i);
    }
    CHECK_INT(due, HOURLY_NAMES_MAX);
}

static const struct check_case cases[] = {
    {"a client has one line an hour", a_client_has_one_line_an_hour},
    {"who has no room has no line", who_has_no_room_has_no_line},
    {"however many clients there are, the lines have a limit",
     however_many_clients_there_are_the_lines_have_a_limit},
};

CHECK_MAIN(cases)
