#include "topology/format/graph.h"
#include "tests/check.h"

#define NODES_MAX 1024

static struct topology_link links[TOPOLOGY_LINKS_MAX];
static struct topology_node nodes[NODES_MAX];
static struct topology topology = {.nodes = nodes, .links = links};

/* "0-1 1-2": links between nodes that are single digits. */
static struct graph *draw(size_t node_count, const char *text)
{
    topology.node_count = node_count;
    topology.link_count = 0;
    for (; *text; text += text[3] == ' ' ? 4 : 3)
        links[topology.link_count++] =
            (struct topology_link){(uint32_t)(text[0] - '0'), (uint32_t)(text[2] - '0'), 0};
    return graph_new(&topology);
}

static void counts_pieces(void)
{
    static const struct {
        size_t nodes;
        const char *links;
        uint32_t count;
        const char *pieces;
    } rows[] = {
        {1, "", 1, "0"},
        {3, "", 3, "012"},
        {3, "0-2", 2, "010"},
        {5, "3-1 2-4 4-0", 2, "01010"},
        {5, "0-1 1-2 2-3 3-4 4-0", 1, "00000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t pieces[5];
        struct graph *graph = draw(rows[i].nodes, rows[i].links);
        CHECK_INT(graph_pieces(graph, pieces), rows[i].count);
        for (size_t j = 0; j < rows[i].nodes; j++)
            CHECK_INT(pieces[j], rows[i].pieces[j] - '0');
        graph_destroy(&graph);
        CHECK(graph == NULL);
    }
}

static void measures_diameters(void)
{
    static const struct {
        size_t nodes;
        const char *links;
        uint32_t diameter;
    } rows[] = {
        {1, "", 0},
        {2, "0-1", 1},
        {4, "0-1 1-2 2-3", 3},
        {5, "0-1 1-2 2-3 3-4 4-0", 2},
        {6, "0-1 1-2 2-3 3-4 4-5 5-0", 3},
        {5, "0-1 0-2 0-3 0-4", 2},
        {4, "0-1 0-2 0-3 1-2 1-3 2-3", 1},
        {5, "0-3 0-4 1-3 1-4 2-3", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct graph *graph = draw(rows[i].nodes, rows[i].links);
        CHECK_INT(graph_diameter(graph), rows[i].diameter);
        graph_destroy(&graph);
    }
}

static void finds_what_must_not_fail(void)
{
    static const struct {
        size_t nodes;
        const char *links;
        const char *node_splits, *link_splits;
    } rows[] = {
        {1, "", "0", ""},
        {2, "0-1", "00", "1"},
        {3, "0-1 1-2", "010", "11"},
        {3, "1-0 0-2", "100", "11"},
        {5, "0-1 1-2 2-3 3-4 4-0", "00000", "00000"},
        {5, "0-1 0-2 0-3 0-4", "10000", "1111"},
        /* Two triangles that share a node, then ones that share a link's end each. */
        {5, "0-1 1-2 2-0 2-3 3-4 4-2", "00100", "000000"},
        {6, "0-1 1-2 2-0 2-3 3-4 4-5 5-3", "001100", "0001000"},
        /* The walk begins at a node that splits: only its branches show it. */
        {5, "0-1 1-2 2-0 0-3 3-4 4-0", "10000", "000000"},
        {4, "0-1 2-3", "0000", "11"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool node_splits[6], link_splits[8];
        struct graph *graph = draw(rows[i].nodes, rows[i].links);
        graph_find_splits(graph, node_splits, link_splits);
        for (size_t j = 0; j < rows[i].nodes; j++)
            CHECK_INT(node_splits[j], rows[i].node_splits[j] == '1');
        for (size_t j = 0; j < topology.link_count; j++)
            CHECK_INT(link_splits[j], rows[i].link_splits[j] == '1');
        graph_destroy(&graph);
    }
}

/* Pieces of what is left when one link (or NODES_MAX for none) and one node are gone. */
static uint32_t pieces_without(const struct topology *whole, size_t lost_link, uint32_t lost_node)
{
    struct topology_link left[20];
    struct topology rest = {.nodes = nodes, .node_count = whole->node_count, .links = left};
    uint32_t pieces[NODES_MAX];
    for (size_t i = 0; i < whole->link_count; i++) {
        const struct topology_link *link = &whole->links[i];
        if (i != lost_link && link->a != lost_node && link->b != lost_node)
            left[rest.link_count++] = *link;
    }
    struct graph *graph = graph_new(&rest);
    uint32_t count = graph_pieces(graph, pieces);
    graph_destroy(&graph);
    return lost_node < whole->node_count ? count - 1 : count;
}

/* Every graph of five nodes: what the walk says must be what leaving out shows. */
static void agrees_with_leaving_out(void)
{
    struct topology_link pairs[10];
    size_t pair_count = 0;
    for (uint32_t a = 0; a < 5; a++) {
        for (uint32_t b = a + 1; b < 5; b++)
            pairs[pair_count++] = (struct topology_link){a, b, 0};
    }
    topology.node_count = 5;
    for (uint32_t chosen = 0; chosen < 1 << 10; chosen++) {
        bool node_splits[5], link_splits[10];
        topology.link_count = 0;
        for (size_t i = 0; i < pair_count; i++) {
            if (chosen >> i & 1)
                links[topology.link_count++] = pairs[i];
        }
        struct graph *graph = graph_new(&topology);
        graph_find_splits(graph, node_splits, link_splits);
        graph_destroy(&graph);
        uint32_t whole = pieces_without(&topology, NODES_MAX, NODES_MAX);
        for (uint32_t i = 0; i < 5; i++)
            CHECK_INT(node_splits[i], pieces_without(&topology, NODES_MAX, i) > whole);
        for (size_t i = 0; i < topology.link_count; i++)
            CHECK_INT(link_splits[i], pieces_without(&topology, i, NODES_MAX) > whole);
    }
}

static void walks_the_longest_chain(void)
{
    static bool node_splits[NODES_MAX], link_splits[NODES_MAX];
    topology.node_count = NODES_MAX;
    topology.link_count = NODES_MAX - 1;
    for (uint32_t i = 0; i + 1 < NODES_MAX; i++)
        links[i] = (struct topology_link){i, i + 1, 0};
    struct graph *graph = graph_new(&topology);
    CHECK_INT(graph_diameter(graph), NODES_MAX - 1);
    graph_find_splits(graph, node_splits, link_splits);
    CHECK(!node_splits[0] && node_splits[1] && node_splits[NODES_MAX - 2]);
    CHECK(!node_splits[NODES_MAX - 1] && link_splits[0] && link_splits[NODES_MAX - 2]);
    graph_destroy(&graph);
    graph_destroy(&graph);
}

static const struct check_case cases[] = {
    {"pieces are counted and numbered by their first nodes", counts_pieces},
    {"the diameter is the longest shortest way", measures_diameters},
    {"nodes and links that must not fail are found", finds_what_must_not_fail},
    {"all graphs of five nodes agree with leaving each part out", agrees_with_leaving_out},
    {"the longest chain is walked to its end", walks_the_longest_chain},
};

CHECK_MAIN(cases)
