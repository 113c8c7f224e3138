#include "tests/check.h"
#include "topology/format/picture.h"

static char picture[TOPOLOGY_PICTURE_BYTES_MAX];
static struct topology_node nodes[TOPOLOGY_PICTURE_NODES_MAX + 1];
static struct topology_link links[1000];
static struct topology topology = {.nodes = nodes, .links = links};

/* A herd of `count` nodes whose names are `name_bytes` long, each linked with all others that
 * `step` divides the way to. */
static void make_herd(uint32_t count, size_t name_bytes, uint32_t step)
{
    topology.node_count = count;
    topology.link_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        memset(nodes[i].name, 'A' + (int)i, name_bytes);
        nodes[i].name[name_bytes] = '\0';
    }
    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = a + 1; b < count; b++) {
            if ((b - a) % step == 0)
                links[topology.link_count++] = (struct topology_link){a, b, 0};
        }
    }
}

static size_t count_text(const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(picture, text); at; at = strstr(at + strlen(text), text))
        count++;
    return count;
}

static size_t count_braille(void)
{
    size_t count = 0;
    for (const unsigned char *at = (const unsigned char *)picture; at[0] && at[1]; at++)
        count += at[0] == 0xe2 && at[1] >= 0xa0 && at[1] <= 0xa3;
    return count;
}

/* Columns of the widest row: bytes that do not continue a UTF-8 sequence. */
static size_t columns(void)
{
    size_t widest = 0, row = 0;
    for (const char *at = picture; *at; at++) {
        if (*at == '\n')
            row = 0;
        else if (((unsigned char)*at & 0xc0) != 0x80)
            row++;
        widest = row > widest ? row : widest;
    }
    return widest;
}

static void one_node_is_its_name(void)
{
    make_herd(1, 6, 1);
    CHECK(topology_picture_draw(&topology, picture));
    CHECK_INT(count_text("AAAAAA"), 1);
    CHECK_INT(count_text("\xe2\x97\x8f"), 1);
    CHECK_INT(count_braille(), 0);
}

static void every_name_stands_in_full(void)
{
    for (uint32_t count = 1; count <= TOPOLOGY_PICTURE_NODES_MAX; count++) {
        for (size_t name_bytes = 1; name_bytes <= TOPOLOGY_NAME_BYTES_MAX; name_bytes += 31) {
            make_herd(count, name_bytes, 1);
            CHECK(topology_picture_draw(&topology, picture));
            for (uint32_t i = 0; i < count; i++)
                CHECK_INT(count_text(nodes[i].name), 1);
            CHECK_INT(count_text("\xe2\x97\x8f"), count);
            CHECK(count < 2 || count_braille() > 0);
            CHECK(count_text(" \n") == 0 && count_text("\n\n") == 0);
            CHECK(strlen(picture) < sizeof picture);
        }
    }
}

static void usual_herds_fit_a_terminal(void)
{
    make_herd(5, 9, 1);
    CHECK(topology_picture_draw(&topology, picture));
    CHECK(columns() <= 80 && count_text("\n") <= 24);
    make_herd(TOPOLOGY_PICTURE_NODES_MAX, 8, 1);
    CHECK(topology_picture_draw(&topology, picture));
    CHECK(columns() <= 80);
    CHECK_INT(count_text("\n"), TOPOLOGY_PICTURE_ROWS_MAX);
}

static void too_large_a_herd_is_not_drawn(void)
{
    make_herd(TOPOLOGY_PICTURE_NODES_MAX + 1, 1, 1);
    CHECK(!topology_picture_draw(&topology, picture));
}

static void a_ring_is_drawn_as_one(void)
{
    /* A ring in an order of the file that is not that of the ring. */
    static const struct topology_link ring[] = {
        {0, 2, 0}, {2, 3, 0}, {3, 1, 0}, {1, 4, 0}, {4, 0, 0}};
    static const char wanted[] = "                  ABC\n"
                                 "                  ⣀●⡀\n"
                                 "               ⡠⠔⠉  ⠈⠑⠤⡀\n"
                                 "           ⢀⡠⠒⠉        ⠈⠑⠢⣀\n"
                                 "        ⢀⠤⠊⠁               ⠉⠢⢄\n"
                                 "  EEE ●⠊⠁                     ⠉⠒● CCC\n"
                                 "      ⠸⡀                       ⡸\n"
                                 "       ⢱                      ⢠⠃\n"
                                 "        ⢇                    ⢀⠇\n"
                                 "        ⠘⡄                   ⡜\n"
                                 "         ⠱⡀                 ⢰⠁\n"
                                 "          ⢣                ⢠⠃\n"
                                 "       BBB ●⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤● DDD\n";
    make_herd(5, 3, 1);
    strcpy(nodes[0].name, "ABC");
    memcpy(links, ring, sizeof ring);
    topology.link_count = 5;
    CHECK(topology_picture_draw(&topology, picture));
    CHECK_BYTES(picture, strlen(picture), wanted, sizeof wanted - 1);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* Linked in steps that share no divisor with the number of nodes, all nodes are one ring. */
static void any_order_of_a_ring_looks_the_same(void)
{
    static char wanted[TOPOLOGY_PICTURE_BYTES_MAX];
    for (uint32_t count = 3; count <= TOPOLOGY_PICTURE_NODES_MAX; count++) {
        for (uint32_t step = 1; step < count; step++) {
            if (common_divisor(count, step) != 1)
                continue;
            make_herd(count, 1, 1);
            topology.link_count = count;
            for (uint32_t i = 0; i < count; i++) {
                links[i] = (struct topology_link){i * step % count, (i + 1) * step % count, 0};
                strcpy(nodes[i].name, "x");
            }
            CHECK(topology_picture_draw(&topology, picture));
            if (step == 1)
                strcpy(wanted, picture);
            CHECK_BYTES(picture, strlen(picture), wanted, strlen(wanted));
        }
    }
}

/* Farmar-Meeks Farmar-Young Gasol-Meeks Gasol-Young Hill-Meeks, which no walk along the links seats
 * well, and the same herd in the order around the circle that lets no lines cross. */
static void those_linked_sit_together(void)
{
    static const struct topology_link herds[2][5] = {
        {{0, 3, 0}, {0, 4, 0}, {1, 3, 0}, {1, 4, 0}, {2, 3, 0}},
        {{0, 1, 0}, {1, 2, 0}, {2, 3, 0}, {3, 4, 0}, {3, 0, 0}},
    };
    static char first[TOPOLOGY_PICTURE_BYTES_MAX];
    for (size_t i = 0; i < 2; i++) {
        make_herd(5, 1, 1);
        for (size_t j = 0; j < 5; j++)
            strcpy(nodes[j].name, "x");
        memcpy(links, herds[i], sizeof herds[i]);
        topology.link_count = 5;
        CHECK(topology_picture_draw(&topology, picture));
        if (i == 0)
            strcpy(first, picture);
    }
    CHECK_BYTES(picture, strlen(picture), first, strlen(first));
}

static const struct check_case cases[] = {
    {"one node is its name", one_node_is_its_name},
    {"every name stands in full, for all sizes", every_name_stands_in_full},
    {"usual herds fit a terminal", usual_herds_fit_a_terminal},
    {"too large a herd is not drawn", too_large_a_herd_is_not_drawn},
    {"a ring is drawn as a ring", a_ring_is_drawn_as_one},
    {"a ring is a ring in any order of the file", any_order_of_a_ring_looks_the_same},
    {"those who are linked sit together", those_linked_sit_together},
};

CHECK_MAIN(cases)
