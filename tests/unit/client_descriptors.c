/* How the descriptors of a process are divided. */
#include "gateway/text/client_limits.h"

#include "tests/check.h"

#define CLIENTS_MAX 1000000

static void each_gets_its_part(void)
{
    static const struct {
        size_t limit, open, neighbours;
        struct client_limits_descriptors wanted;
    } rows[] = {
        /* Plenty: 256 are kept from clients. */
        {2000, 18, 4, {.clients = 1726, .neighbours = 96, .strangers = 64, .files = 96}},
        {1024, 18, 24, {.clients = 750, .neighbours = 96, .strangers = 64, .files = 96}},
        {1024, 18, 25, {.clients = 746, .neighbours = 100, .strangers = 64, .files = 96}},
        /* Few: a quarter of them. */
        {1023, 18, 4, {.clients = 752, .neighbours = 95, .strangers = 63, .files = 95}},
        {256, 18, 4, {.clients = 174, .neighbours = 24, .strangers = 16, .files = 24}},
        /* No more than asked for. */
        {2000000, 18, 0, {.clients = CLIENTS_MAX, .neighbours = 96, .strangers = 64, .files = 96}},
        /* The last one. */
        {64, 48, 0, {.clients = 0}},
        {64, 47, 0, {.clients = 1, .neighbours = 6, .strangers = 4, .files = 6}},
        {64, 80, 0, {.clients = 0}},
        {0, 0, 0, {.clients = 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client_limits_descriptors got;
        const struct client_limits_descriptors *wanted = &rows[i].wanted;
        bool divided = client_limits_divide_descriptors(rows[i].limit, rows[i].open,
                                                        rows[i].neighbours, CLIENTS_MAX, &got);
        CHECK_INT(divided, wanted->clients > 0);
        if (!divided)
            continue;
        CHECK_INT(got.clients, wanted->clients);
        CHECK_INT(got.neighbours, wanted->neighbours);
        CHECK_INT(got.strangers, wanted->strangers);
        CHECK_INT(got.files, wanted->files);
        CHECK(got.open + got.clients + got.neighbours + got.strangers + got.files <= got.limit);
    }
}

static void the_log_has_a_sentence(void)
{
    static const char wanted[] =
        "descriptors: 2000, of them 1726 for clients, 96 for neighbours, 64 for strangers at the "
        "bus, 96 for files and name servers, 18 open";
    struct client_limits_descriptors shares;
    char text[CLIENT_LIMITS_DESCRIPTORS_BYTES_MAX];
    CHECK(client_limits_divide_descriptors(2000, 18, 4, CLIENTS_MAX, &shares));
    client_limits_say_descriptors(&shares, text);
    CHECK_BYTES(text, strlen(text), wanted, sizeof wanted - 1);
    shares = (struct client_limits_descriptors){SIZE_MAX, SIZE_MAX, SIZE_MAX,
                                                SIZE_MAX, SIZE_MAX, SIZE_MAX};
    client_limits_say_descriptors(&shares, text);
    CHECK(strstr(text, " open") != NULL);
}

static const struct check_case cases[] = {
    {"each gets its part, also where descriptors are few", each_gets_its_part},
    {"the log says it in a sentence", the_log_has_a_sentence},
};

CHECK_MAIN(cases)
