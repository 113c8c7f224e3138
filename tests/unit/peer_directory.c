/* Peers by name, and routing ids of friends and of strangers. */
#include "bus/link/peer_directory.h"

#include "tests/check.h"

#define NAMES_MAX 1024

static const uint8_t number[PEER_DIRECTORY_NUMBER_BYTES] = {0, 1, 2, 3, 4, 5, 6, 7};

static struct peer_directory make_roster(const char *const *names, size_t count)
{
    struct peer_directory directory;
    peer_directory_make(&directory, count);
    for (size_t i = 0; i < count; i++)
        peer_directory_add(&directory, names[i]);
    peer_directory_sort(&directory);
    return directory;
}

/* Which peer the routing id is, or -1. */
static int find(const struct peer_directory *directory, const char *id, size_t bytes)
{
    struct span there = {check_at_page_end(id, bytes), bytes};
    const struct peer_directory_member *member = peer_directory_find(directory, there);
    return member ? (int)member->peer : -1;
}

static void a_routing_id_is_a_name_with_or_without_a_number(void)
{
    static const char *const names[] = {"Bob", "Ada", "Al", "Adam", "Christopher"};
    static const struct {
        const char *id;
        size_t bytes;
        int peer;
    } rows[] = {
        {"Bob", 3, 0},
        {"Ada", 3, 1},
        {"Al", 2, 2},
        {"Adam", 4, 3},
        {"Christopher", 11, 4}, /* longer than a number, and without one */
        {"Bob\0abcdefgh", 12, 0},
        {"Al\0\0\0\0\0\0\0\0\0", 11, 2},
        {"Bob\0abcdefg", 11, -1}, /* a number of seven bytes */
        {"Bob\0abcdefghi", 13, -1},
        {"Bob\0", 4, -1},
        {"Ad", 2, -1},
        {"Adams", 5, -1},
        {"bob", 3, -1},
        {"\0abcdefgh", 9, -1}, /* no name */
        {"", 0, -1},
    };
    struct peer_directory directory = make_roster(names, 5);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(find(&directory, rows[i].id, rows[i].bytes), rows[i].peer);
    peer_directory_free(&directory);
}

static void a_node_without_peers_knows_no_name(void)
{
    struct peer_directory directory = make_roster(NULL, 0);
    CHECK_INT(find(&directory, "Bob", 3), -1);
    peer_directory_free(&directory);
}

static void each_of_many_is_found_by_the_id_it_writes(void)
{
    static char texts[NAMES_MAX][LOCATION_ORIGIN_BYTES_MAX + 1];
    static const char *names[NAMES_MAX];
    for (int i = 0; i < NAMES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "n%0*d", 3 + i % 7, (i * 389) % NAMES_MAX);
        names[i] = texts[i];
    }
    struct peer_directory directory = make_roster(names, NAMES_MAX);
    for (int i = 0; i < NAMES_MAX; i++) {
        char id[PEER_DIRECTORY_ID_BYTES_MAX];
        CHECK_INT(find(&directory, id, peer_directory_write_id(names[i], number, id)), i);
    }
    peer_directory_free(&directory);
}

static void the_longest_name_fits(void)
{
    char name[LOCATION_ORIGIN_BYTES_MAX + 1];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const char *const names[] = {name};
    struct peer_directory directory = make_roster(names, 1);
    char id[PEER_DIRECTORY_ID_BYTES_MAX];
    CHECK_INT(peer_directory_write_id(name, number, id), PEER_DIRECTORY_ID_BYTES_MAX);
    CHECK_INT(find(&directory, id, sizeof id), 0);
    CHECK_INT(find(&directory, name, LOCATION_ORIGIN_BYTES_MAX - 1), -1);
    peer_directory_free(&directory);
}

static void the_process_is_the_second_half_of_the_number(void)
{
    static const char one[] = "Bob\0abcd1234", same[] = "Bob\0efgh1234", other[] = "Bob\0abcd1235";
    struct span ids[] = {{one, 12}, {same, 12}, {other, 12}, {"Bob", 3}, {"Bob\0abc", 7}};
    CHECK(peer_directory_process(ids[0]) == peer_directory_process(ids[1]));
    CHECK(peer_directory_process(ids[0]) != peer_directory_process(ids[2]));
    CHECK_INT(peer_directory_process(ids[3]), 0);
    CHECK_INT(peer_directory_process(ids[4]), 0);
    CHECK_INT(peer_directory_name(ids[0]).len, 3);
    CHECK_INT(peer_directory_name(ids[3]).len, 3);
    CHECK_INT(peer_directory_name(ids[4]).len, 7);
}

static const struct check_case cases[] = {
    {"a routing id is a name with or without a number",
     a_routing_id_is_a_name_with_or_without_a_number},
    {"a node without peers knows no name", a_node_without_peers_knows_no_name},
    {"each of many is found by the id it writes", each_of_many_is_found_by_the_id_it_writes},
    {"the longest name fits", the_longest_name_fits},
    {"the second half of the number is the process", the_process_is_the_second_half_of_the_number},
};

CHECK_MAIN(cases)
