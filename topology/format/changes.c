#include "topology/format/changes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "topology/format/sections.h"

/* ", and 18446744073709551615 more" */
#define MORE_BYTES_MAX 33
/* The longest item: a part, its name, and all its keys. */
#define ITEM_BYTES_MAX 256
#define NOWHERE        UINT32_MAX
#define PLACES_SELF    "placesd"

/* In which of the two topologies a link is. */
#define IS_BEFORE 1
#define IS_AFTER  2

struct list {
    char *text;
    size_t bytes;
    size_t more;
};

static void add(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* After the first item that does not fit, none is written: their order stays. */
static void add(struct list *list, const char *format, ...)
{
    char item[ITEM_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item, sizeof item, format, arguments);
    va_end(arguments);
    size_t wanted = strlen(item) + 2;
    if (list->more > 0 || list->bytes + wanted > TOPOLOGY_CHANGES_BYTES_MAX - MORE_BYTES_MAX) {
        list->more++;
        return;
    }
    list->bytes += (size_t)snprintf(list->text + list->bytes, wanted + 1, "%s%s",
                                    list->bytes > 0 ? ", " : "", item);
}

/* A part that is in both, and which of its keys are different. */
struct part {
    enum topology_section_kind kind;
    char keys[ITEM_BYTES_MAX];
};

static void compare(struct part *part, size_t key, bool is_same)
{
    size_t bytes = strlen(part->keys);
    if (!is_same)
        snprintf(part->keys + bytes, sizeof part->keys - bytes, "%s%s", bytes > 0 ? ", " : "",
                 topology_sections_key(part->kind, key));
}

static bool same(const char *before, const char *after)
{
    return strcmp(before, after) == 0;
}

static bool same_keys(const struct keyring_keys *before, const struct keyring_keys *after)
{
    for (size_t i = 0; i < KEYRING_KEYS_MAX; i++)
        if (!same(before->text[i], after->text[i]))
            return false;
    return true;
}

/* Where others reach an endpoint; without a word about that in either file, its own change is told
 * once. */
static bool same_reach(const struct topology_endpoint *before,
                       const struct topology_endpoint *before_at,
                       const struct topology_endpoint *after,
                       const struct topology_endpoint *after_at)
{
    bool unsaid = same(before->text, before_at->text) && same(after->text, after_at->text);
    return unsaid || same(before_at->text, after_at->text);
}

static bool is_self(const char *self, const char *name)
{
    return self != NULL && same(self, name);
}

static void list_herd(struct list *list, const struct topology *before,
                      const struct topology *after)
{
    struct part part = {.kind = SECTION_HERD};
    compare(&part, HERD_NAME, same(before->herd, after->herd));
    compare(&part, HERD_KEYS, same(before->keys, after->keys));
    compare(&part, HERD_INSECURE, before->insecure == after->insecure);
    if (part.keys[0] != '\0')
        add(list, "herd (%s)", part.keys);
}

static void list_node(struct list *list, const struct topology_node *before,
                      const struct topology_node *after, const char *self)
{
    struct part part = {.kind = SECTION_NODE};
    compare(&part, NODE_CLIENTS, same(before->clients.text, after->clients.text));
    compare(&part, NODE_BUS, same(before->bus.text, after->bus.text));
    compare(&part, NODE_BUS_AT,
            same_reach(&before->bus, &before->bus_at, &after->bus, &after->bus_at));
    compare(&part, NODE_PUBLIC_KEY,
            !is_self(self, after->name) || same_keys(&before->public_keys, &after->public_keys));
    if (part.keys[0] != '\0')
        add(list, "node %s (%s)", after->name, part.keys);
}

/* Where each node of the one is in the other. */
static uint32_t *find_nodes(const struct topology *of, const struct topology *in)
{
    uint32_t *found = bytes_resize(NULL, (of->node_count + 1) * sizeof *found);
    for (size_t i = 0; i < of->node_count; i++) {
        int at = topology_find(in, of->nodes[i].name);
        found[i] = at >= 0 ? (uint32_t)at : NOWHERE;
    }
    return found;
}

static void list_nodes(struct list *list, const struct topology *before,
                       const struct topology *after, const char *self)
{
    uint32_t *was = find_nodes(after, before), *is = find_nodes(before, after);
    for (size_t i = 0; i < after->node_count; i++) {
        if (was[i] == NOWHERE)
            add(list, "node %s", after->nodes[i].name);
        else
            list_node(list, &before->nodes[was[i]], &after->nodes[i], self);
    }
    for (size_t i = 0; i < before->node_count; i++)
        if (is[i] == NOWHERE)
            add(list, "node %s (removed)", before->nodes[i].name);
    free(was);
    free(is);
}

/* Which links there are, in a square of all nodes of both: those of `after`, then those that only
 * `before` has. 8,192 links of one compared with as many of the other would hold a node up. */
struct square {
    char *cells;
    size_t width;
    uint32_t *numbers; /* of the nodes of `before` */
};

static struct square new_square(const struct topology *before, const struct topology *after)
{
    struct square square = {.width = before->node_count + after->node_count,
                            .numbers = find_nodes(before, after)};
    for (size_t i = 0; i < before->node_count; i++)
        if (square.numbers[i] == NOWHERE)
            square.numbers[i] = (uint32_t)(after->node_count + i);
    square.cells = bytes_zeroed(square.width * square.width + 1);
    return square;
}

static char *cell(const struct square *square, uint32_t a, uint32_t b)
{
    return &square->cells[(a < b ? a : b) * square->width + (a < b ? b : a)];
}

static char *cell_before(const struct square *square, const struct topology_link *link)
{
    return cell(square, square->numbers[link->a], square->numbers[link->b]);
}

static void list_links(struct list *list, const struct topology *before,
                       const struct topology *after)
{
    struct square square = new_square(before, after);
    for (size_t i = 0; i < before->link_count; i++)
        *cell_before(&square, &before->links[i]) |= IS_BEFORE;
    for (size_t i = 0; i < after->link_count; i++) {
        const struct topology_link *link = &after->links[i];
        char *where = cell(&square, link->a, link->b);
        *where |= IS_AFTER;
        if ((*where & IS_BEFORE) == 0)
            add(list, "link %s-%s", after->nodes[link->a].name, after->nodes[link->b].name);
    }
    for (size_t i = 0; i < before->link_count; i++) {
        const struct topology_link *link = &before->links[i];
        if (*cell_before(&square, link) == IS_BEFORE)
            add(list, "link %s-%s (removed)", before->nodes[link->a].name,
                before->nodes[link->b].name);
    }
    free(square.cells);
    free(square.numbers);
}

static const struct topology_observer *find_observer(const struct topology *topology,
                                                     const char *name)
{
    for (size_t i = 0; i < topology->observer_count; i++)
        if (same(topology->observers[i].self.name, name))
            return &topology->observers[i];
    return NULL;
}

static void list_observers(struct list *list, const struct topology *before,
                           const struct topology *after, const char *self)
{
    for (size_t i = 0; i < after->observer_count; i++) {
        const struct topology_observer *now = &after->observers[i];
        const struct topology_observer *then = find_observer(before, now->self.name);
        struct part part = {.kind = SECTION_OBSERVER};
        if (then == NULL) {
            add(list, "observer %s", now->self.name);
            continue;
        }
        compare(&part, OBSERVER_OF, same(before->nodes[then->of].name, after->nodes[now->of].name));
        compare(&part, OBSERVER_BUS, same(then->self.bus.text, now->self.bus.text));
        compare(&part, OBSERVER_BUS_AT,
                same_reach(&then->self.bus, &then->self.bus_at, &now->self.bus, &now->self.bus_at));
        compare(&part, OBSERVER_PUBLIC_KEY,
                !is_self(self, now->self.name) ||
                    same_keys(&then->self.public_keys, &now->self.public_keys));
        if (part.keys[0] != '\0')
            add(list, "observer %s (%s)", now->self.name, part.keys);
    }
    for (size_t i = 0; i < before->observer_count; i++)
        if (find_observer(after, before->observers[i].self.name) == NULL)
            add(list, "observer %s (removed)", before->observers[i].self.name);
}

static void compare_places(struct part *part, const struct topology_places *before,
                           const struct topology_places *after, const char *self)
{
    bool same_fallback = before->has_fallback == after->has_fallback &&
                         (!after->has_fallback || before->fallback == after->fallback);
    compare(part, PLACES_GATEWAYS, same(before->gateways.text, after->gateways.text));
    compare(part, PLACES_WORKERS, same(before->workers.text, after->workers.text));
    compare(
        part, PLACES_GATEWAYS_AT,
        same_reach(&before->gateways, &before->gateways_at, &after->gateways, &after->gateways_at));
    compare(part, PLACES_WORKERS_AT,
            same_reach(&before->workers, &before->workers_at, &after->workers, &after->workers_at));
    compare(part, PLACES_PROVIDER, before->provider == after->provider);
    compare(part, PLACES_URL, same(before->url, after->url));
    compare(part, PLACES_KEY_FILE, same(before->key_file, after->key_file));
    compare(part, PLACES_FALLBACK, same_fallback);
    compare(part, PLACES_FALLBACK_URL, same(before->fallback_url, after->fallback_url));
    compare(part, PLACES_GRID_M, before->grid_m == after->grid_m);
    compare(part, PLACES_CACHE_S, before->cache_s == after->cache_s);
    compare(part, PLACES_BUDGET, before->budget == after->budget);
    compare(part, PLACES_DATABASE, same(before->database, after->database));
    compare(part, PLACES_PUBLIC_KEY,
            !is_self(self, PLACES_SELF) || same_keys(&before->public_keys, &after->public_keys));
}

/* They have no names and are known by their order. */
static void list_places(struct list *list, const struct topology *before,
                        const struct topology *after, const char *self)
{
    for (size_t i = 0; i < after->places_count; i++) {
        struct part part = {.kind = SECTION_PLACES};
        if (i < before->places_count)
            compare_places(&part, &before->places[i], &after->places[i], self);
        if (i >= before->places_count)
            add(list, "places %zu", i + 1);
        else if (part.keys[0] != '\0')
            add(list, "places %zu (%s)", i + 1, part.keys);
    }
    for (size_t i = after->places_count; i < before->places_count; i++)
        add(list, "places %zu (removed)", i + 1);
}

void topology_changes_list(const struct topology *before, const struct topology *after,
                           const char *self, char text[TOPOLOGY_CHANGES_BYTES_MAX])
{
    struct list list = {.text = text};
    text[0] = '\0';
    list_herd(&list, before, after);
    list_nodes(&list, before, after, self);
    list_links(&list, before, after);
    list_observers(&list, before, after, self);
    list_places(&list, before, after, self);
    if (list.more > 0)
        snprintf(text + list.bytes, MORE_BYTES_MAX, ", and %zu more", list.more);
}
