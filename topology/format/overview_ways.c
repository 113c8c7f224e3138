/* Which links carry which node's changes, as all nodes together say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/format/overview.h"

#define LINE_COLUMNS 100
#define TREE_INDENT  2
/* "A>B" */
#define PAIR_BYTES_MAX (2 * TOPOLOGY_NAME_BYTES_MAX + 2)

static const char *name_of(const struct overview *overview, uint32_t node)
{
    return overview_topology(overview)->nodes[node].name;
}

bool overview_carries(const struct overview_link *link, int side, uint32_t origin)
{
    const uint8_t *ways = link->ways[side];
    return ways != NULL && (ways[origin / 8] & 0x80 >> origin % 8) != 0;
}

size_t overview_count_origins(const struct overview *overview, const struct overview_link *link,
                              int side)
{
    size_t count = 0;
    for (uint32_t i = 0; i < overview_topology(overview)->node_count; i++)
        count += overview_carries(link, side, i);
    return count;
}

/* ---- a tree ---- */

struct tree {
    uint32_t *from;  /* whom each node has the changes from: the origin itself, and OVERVIEW_NOBODY
                        where no link that is known to carry them leads */
    uint32_t *order; /* those that they reach, the nearest first */
    size_t count;
};

/* The ends of a link's side. */
static uint32_t near_end(const struct overview_link *link, int side)
{
    return side == 0 ? link->link->a : link->link->b;
}

static uint32_t far_end(const struct overview_link *link, int side)
{
    return near_end(link, 1 - side);
}

/* Those that are reached from there by one link, and by no fewer. */
static void grow(const struct overview *overview, uint32_t origin, size_t first, size_t end,
                 struct tree *tree, const uint32_t *places)
{
    for (size_t i = 0; i < 2 * overview_topology(overview)->link_count; i++) {
        struct overview_link link = overview_link(overview, i / 2);
        uint32_t near = near_end(&link, i % 2), far = far_end(&link, i % 2);
        if (places[near] < first || places[near] >= end || tree->from[far] != OVERVIEW_NOBODY ||
            !overview_carries(&link, i % 2, origin))
            continue;
        tree->from[far] = near;
        tree->order[tree->count++] = far;
    }
}

static struct tree find_tree(const struct overview *overview, uint32_t origin)
{
    size_t nodes = overview_topology(overview)->node_count;
    struct tree tree = {.from = bytes_resize(NULL, nodes * sizeof *tree.from),
                        .order = bytes_resize(NULL, nodes * sizeof *tree.order)};
    uint32_t *places = bytes_resize(NULL, nodes * sizeof *places); /* in that order */
    for (size_t i = 0; i < nodes; i++)
        tree.from[i] = places[i] = OVERVIEW_NOBODY;
    tree.from[origin] = origin;
    tree.order[tree.count++] = origin;
    for (size_t first = 0, end; first < tree.count; first = end) {
        end = tree.count;
        for (size_t i = first; i < end; i++)
            places[tree.order[i]] = (uint32_t)i;
        grow(overview, origin, first, end, &tree, places);
    }
    free(places);
    return tree;
}

static void free_tree(struct tree *tree)
{
    free(tree->from);
    free(tree->order);
}

/* ---- lists that are broken where a line is full ---- */

struct list {
    struct buffer *out;
    const char *title; /* before the first item; NULL once it was written */
    size_t indent, column;
};

static void put_text(struct list *list, const char *text)
{
    buffer_append(list->out, span_of(text));
    list->column += strlen(text);
}

static void begin_line(struct list *list)
{
    list->column = 0;
    while (list->column < list->indent)
        put_text(list, " ");
}

static void put_item(struct list *list, const char *item)
{
    if (list->title != NULL) {
        begin_line(list);
        put_text(list, list->title);
        put_text(list, " ");
        list->title = NULL;
    } else if (list->column + strlen(", ") + strlen(item) + strlen(",") > LINE_COLUMNS) {
        put_text(list, ",\n");
        begin_line(list);
    } else {
        put_text(list, ", ");
    }
    put_text(list, item);
}

static void end_list(struct list *list)
{
    if (list->title == NULL)
        put_text(list, "\n");
}

static void put_pair(const struct overview *overview, struct list *list, uint32_t near,
                     uint32_t far)
{
    char pair[PAIR_BYTES_MAX];
    snprintf(pair, sizeof pair, "%s>%s", name_of(overview, near), name_of(overview, far));
    put_item(list, pair);
}

/* What is outside of the tree: copies that need not be, and who is in no tree. */
static void put_rest(const struct overview *overview, uint32_t origin, const struct tree *tree,
                     size_t indent, struct buffer *out)
{
    const struct topology *topology = overview_topology(overview);
    struct list again = {.out = out, .title = "once more by", .indent = indent};
    struct list missing = {.out = out, .title = "not known to reach", .indent = indent};
    for (size_t i = 0; i < 2 * topology->link_count; i++) {
        struct overview_link link = overview_link(overview, i / 2);
        uint32_t near = near_end(&link, i % 2), far = far_end(&link, i % 2);
        if (tree->from[far] != near && overview_carries(&link, i % 2, origin))
            put_pair(overview, &again, near, far);
    }
    end_list(&again);
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (tree->from[i] == OVERVIEW_NOBODY)
            put_item(&missing, name_of(overview, i));
    end_list(&missing);
}

/* ---- both forms ---- */

static void put_branch(const struct overview *overview, const struct tree *tree, uint32_t node,
                       size_t depth, struct buffer *out)
{
    struct list line = {.out = out, .indent = depth * TREE_INDENT};
    begin_line(&line);
    put_text(&line, name_of(overview, node));
    put_text(&line, "\n");
    for (size_t i = 1; i < tree->count; i++)
        if (tree->from[tree->order[i]] == node)
            put_branch(overview, tree, tree->order[i], depth + 1, out);
}

void overview_write_tree(const struct overview *overview, uint32_t origin, struct buffer *out)
{
    struct tree tree = find_tree(overview, origin);
    put_branch(overview, &tree, origin, 0, out);
    put_rest(overview, origin, &tree, 0, out);
    free_tree(&tree);
}

void overview_write_ways(const struct overview *overview, struct buffer *out)
{
    const struct topology *topology = overview_topology(overview);
    for (uint32_t origin = 0; origin < topology->node_count; origin++) {
        struct tree tree = find_tree(overview, origin);
        struct list ways = {.out = out, .title = "go by", .indent = 2 * TREE_INDENT};
        buffer_append(out, span_of(" changes of "));
        buffer_append(out, span_of(name_of(overview, origin)));
        buffer_append(out, span_of("\n"));
        for (size_t i = 1; i < tree.count; i++)
            put_pair(overview, &ways, tree.from[tree.order[i]], tree.order[i]);
        end_list(&ways);
        put_rest(overview, origin, &tree, 2 * TREE_INDENT, out);
        free_tree(&tree);
    }
}
