#include "topology/format/changes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "topology/format/schema.h"

/* ", and 18446744073709551615 more" */
#define MORE_BYTES_MAX 33
#define NOWHERE        UINT32_MAX

/* In which of the two topologies a link is. */
#define IS_BEFORE 1
#define IS_AFTER  2

/* Who asks, and what it is told. */
struct list {
    enum topology_asker asker;
    const char *self;
    const char *node; /* that a web passes positions on to; else `self` */
    struct topology_changes *changes;
};

static void add(struct list *list, enum topology_change_when when, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Where one more is written: what is refused is listed first, because it says why nothing is taken.
 * NULL: it is only counted. */
static struct topology_change *place_for(struct topology_changes *changes,
                                         enum topology_change_when when)
{
    if (changes->count < TOPOLOGY_CHANGES_MAX)
        return &changes->list[changes->count++];
    changes->more++;
    if (when != TOPOLOGY_CHANGE_REFUSED)
        return NULL;
    for (size_t i = changes->count; i-- > 0;)
        if (changes->list[i].when != TOPOLOGY_CHANGE_REFUSED)
            return &changes->list[i];
    return NULL;
}

static void add(struct list *list, enum topology_change_when when, const char *format, ...)
{
    struct topology_changes *changes = list->changes;
    changes->counts[when]++;
    struct topology_change *change = place_for(changes, when);
    if (change == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(change->text, sizeof change->text, format, arguments);
    va_end(arguments);
    change->when = when;
}

/* A part that is in both, and which of its keys are different. */
struct part {
    enum topology_section_kind kind;
    bool is_own; /* the asking process itself */
    char keys[TOPOLOGY_CHANGE_WHENS][TOPOLOGY_CHANGE_BYTES_MAX];
};

static void differs(struct part *part, enum topology_change_when when, const char *key)
{
    char *keys = part->keys[when];
    size_t bytes = strlen(keys);
    snprintf(keys + bytes, sizeof part->keys[when] - bytes, "%s%s", bytes > 0 ? ", " : "", key);
}

/* What a node cannot change, and others cannot take without a new start. */
static enum topology_change_when fixed_for(const struct list *list)
{
    return list->asker == TOPOLOGY_ASKER_NODE ? TOPOLOGY_CHANGE_REFUSED : TOPOLOGY_CHANGE_AT_START;
}

/* A part that is there, or is not any more, by who goes by it. */
static enum topology_change_when at_start_for(const struct list *list, enum topology_asker asker)
{
    return list->asker == asker ? TOPOLOGY_CHANGE_AT_START : TOPOLOGY_CHANGE_NOW;
}

/* Where a node is reached: an observer is connected to it as it was. */
static bool is_of_bus(const struct part *part, const struct topology_key *key)
{
    return part->kind == SECTION_NODE && strncmp(key->name, "bus", 3) == 0;
}

/* It goes by its section and by where its node takes clients, but for files that it reads again. */
static enum topology_change_when when_of_web(const struct part *part,
                                             const struct topology_key *key)
{
    bool waits = part->kind == SECTION_WEB
                     ? !key->at_once
                     : part->kind == SECTION_NODE && strcmp(key->name, "clients") == 0;
    return part->is_own && waits ? TOPOLOGY_CHANGE_AT_START : TOPOLOGY_CHANGE_NOW;
}

static enum topology_change_when when_of(const struct list *list, const struct part *part,
                                         const struct topology_key *key)
{
    if (list->asker == TOPOLOGY_ASKER_WEB)
        return when_of_web(part, key);
    if (part->kind == SECTION_PLACES)
        return part->is_own && !key->at_once ? TOPOLOGY_CHANGE_AT_START : TOPOLOGY_CHANGE_NOW;
    if (list->asker == TOPOLOGY_ASKER_OBSERVER && is_of_bus(part, key))
        return TOPOLOGY_CHANGE_AT_START;
    if (key->at_once || (!part->is_own && key->others_at_once))
        return TOPOLOGY_CHANGE_NOW;
    return key->fixed && part->is_own ? fixed_for(list) : TOPOLOGY_CHANGE_AT_START;
}

/* Both structs of the part's section. */
static void compare(const struct list *list, struct part *part, const void *before,
                    const void *after)
{
    const struct topology_schema *schema = &topology_schemas[part->kind];
    for (size_t i = 0; i < schema->count; i++)
        if (!topology_schema_same(part->kind, i, before, after))
            differs(part, when_of(list, part, &schema->keys[i]), schema->keys[i].name);
}

/* `name` is what the part is called, or "". */
static void add_part(struct list *list, const struct part *part, const char *name)
{
    for (int when = 0; when < TOPOLOGY_CHANGE_WHENS; when++)
        if (part->keys[when][0] != '\0')
            add(list, (enum topology_change_when)when, "%s%s%s (%s)",
                topology_schemas[part->kind].name, name[0] != '\0' ? " " : "", name,
                part->keys[when]);
}

static bool same(const char *before, const char *after)
{
    return strcmp(before, after) == 0;
}

static bool is_named(const char *who, const char *name)
{
    return who != NULL && same(who, name);
}

static bool is_self(const struct list *list, const char *name)
{
    return is_named(list->self, name);
}

/* A folder of keys in the place of another one is read at the next start; a herd that has keys
 * speaks otherwise than one without. */
static void list_herd(struct list *list, const struct topology *before,
                      const struct topology *after)
{
    struct part part = {.kind = SECTION_HERD, .is_own = true};
    compare(list, &part, before, after);
    bool takes_keys = list->asker == TOPOLOGY_ASKER_NODE || list->asker == TOPOLOGY_ASKER_BROKER ||
                      list->asker == TOPOLOGY_ASKER_WORKER;
    if ((before->keys[0] == '\0') != (after->keys[0] == '\0') && takes_keys)
        add(list, TOPOLOGY_CHANGE_REFUSED, "herd (keys, which it has%s)",
            before->keys[0] == '\0' ? " not" : "");
    add_part(list, &part, "");
}

static void list_node(struct list *list, const struct topology_node *before,
                      const struct topology_node *after)
{
    struct part part = {.kind = SECTION_NODE, .is_own = is_named(list->node, after->name)};
    compare(list, &part, before, after);
    add_part(list, &part, after->name);
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
                       const struct topology *after)
{
    uint32_t *was = find_nodes(after, before), *is = find_nodes(before, after);
    for (size_t i = 0; i < after->node_count; i++) {
        if (was[i] == NOWHERE)
            add(list, at_start_for(list, TOPOLOGY_ASKER_UP), "node %s", after->nodes[i].name);
        else
            list_node(list, &before->nodes[was[i]], &after->nodes[i]);
    }
    for (size_t i = 0; i < before->node_count; i++)
        if (is[i] == NOWHERE)
            add(list,
                is_self(list, before->nodes[i].name) ? fixed_for(list)
                                                     : at_start_for(list, TOPOLOGY_ASKER_UP),
                "node %s (removed)", before->nodes[i].name);
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
            add(list, TOPOLOGY_CHANGE_NOW, "link %s-%s", after->nodes[link->a].name,
                after->nodes[link->b].name);
    }
    for (size_t i = 0; i < before->link_count; i++) {
        const struct topology_link *link = &before->links[i];
        if (*cell_before(&square, link) == IS_BEFORE)
            add(list, TOPOLOGY_CHANGE_NOW, "link %s-%s (removed)", before->nodes[link->a].name,
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
                           const struct topology *after)
{
    for (size_t i = 0; i < after->observer_count; i++) {
        const struct topology_observer *now = &after->observers[i];
        const struct topology_observer *then = find_observer(before, now->self.name);
        struct part part = {.kind = SECTION_OBSERVER, .is_own = is_self(list, now->self.name)};
        if (then == NULL) {
            add(list, TOPOLOGY_CHANGE_NOW, "observer %s", now->self.name);
            continue;
        }
        if (!same(before->nodes[then->of].name, after->nodes[now->of].name))
            differs(&part, part.is_own ? TOPOLOGY_CHANGE_AT_START : TOPOLOGY_CHANGE_NOW, "of");
        compare(list, &part, then, now);
        add_part(list, &part, now->self.name);
    }
    for (size_t i = 0; i < before->observer_count; i++)
        if (find_observer(after, before->observers[i].self.name) == NULL)
            add(list,
                is_self(list, before->observers[i].self.name) ? TOPOLOGY_CHANGE_AT_START
                                                              : TOPOLOGY_CHANGE_NOW,
                "observer %s (removed)", before->observers[i].self.name);
}

static const struct topology_operator *find_operator(const struct topology *topology,
                                                     const char *name)
{
    for (size_t i = 0; i < topology->operator_count; i++)
        if (same(topology->operators[i].name, name))
            return &topology->operators[i];
    return NULL;
}

static void list_operators(struct list *list, const struct topology *before,
                           const struct topology *after)
{
    for (size_t i = 0; i < after->operator_count; i++) {
        const struct topology_operator *now = &after->operators[i];
        const struct topology_operator *then = find_operator(before, now->name);
        struct part part = {.kind = SECTION_OPERATOR};
        if (then == NULL) {
            add(list, TOPOLOGY_CHANGE_NOW, "operator %s", now->name);
            continue;
        }
        compare(list, &part, then, now);
        add_part(list, &part, now->name);
    }
    for (size_t i = 0; i < before->operator_count; i++)
        if (find_operator(after, before->operators[i].name) == NULL)
            add(list, TOPOLOGY_CHANGE_NOW, "operator %s (removed)", before->operators[i].name);
}

static const struct topology_web *find_web(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->web_count; i++)
        if (same(topology->webs[i].name, name))
            return &topology->webs[i];
    return NULL;
}

/* Whatever is new about one is its own matter, and that of who starts it. */
static void list_webs(struct list *list, const struct topology *before,
                      const struct topology *after)
{
    for (size_t i = 0; i < after->web_count; i++) {
        const struct topology_web *now = &after->webs[i], *then = find_web(before, now->name);
        struct part part = {.kind = SECTION_WEB,
                            .is_own =
                                list->asker == TOPOLOGY_ASKER_WEB && is_self(list, now->name)};
        enum topology_change_when when =
            part.is_own ? TOPOLOGY_CHANGE_AT_START : TOPOLOGY_CHANGE_NOW;
        if (then == NULL) {
            add(list, at_start_for(list, TOPOLOGY_ASKER_UP), "web %s", now->name);
            continue;
        }
        if (!same(before->nodes[then->of].name, after->nodes[now->of].name))
            differs(&part, when, "of");
        if (!same(before->observers[then->observer].self.name,
                  after->observers[now->observer].self.name))
            differs(&part, when, "observer");
        compare(list, &part, then, now);
        add_part(list, &part, now->name);
    }
    for (size_t i = 0; i < before->web_count; i++)
        if (find_web(after, before->webs[i].name) == NULL)
            add(list,
                list->asker == TOPOLOGY_ASKER_WEB && is_self(list, before->webs[i].name)
                    ? TOPOLOGY_CHANGE_AT_START
                    : at_start_for(list, TOPOLOGY_ASKER_UP),
                "web %s (removed)", before->webs[i].name);
}

/* NULL where the web is not there. */
static const char *node_of_web(const struct topology *topology, const char *name)
{
    const struct topology_web *web = find_web(topology, name);
    return web == NULL ? NULL : topology->nodes[web->of].name;
}

/* They have no names and are known by their order. */
static void list_places(struct list *list, const struct topology *before,
                        const struct topology *after)
{
    enum topology_change_when when = at_start_for(list, TOPOLOGY_ASKER_UP);
    for (size_t i = 0; i < after->places_count; i++) {
        struct part part = {.kind = SECTION_PLACES};
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        part.is_own = list->asker == TOPOLOGY_ASKER_BROKER && is_self(list, number);
        if (i >= before->places_count) {
            add(list, when, "places %s", number);
            continue;
        }
        compare(list, &part, &before->places[i], &after->places[i]);
        add_part(list, &part, number);
    }
    for (size_t i = after->places_count; i < before->places_count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        bool is_own = list->asker == TOPOLOGY_ASKER_BROKER && is_self(list, number);
        add(list, is_own ? TOPOLOGY_CHANGE_REFUSED : when, "places %s (removed)", number);
    }
}

void topology_changes_list(const struct topology *before, const struct topology *after,
                           enum topology_asker asker, const char *self,
                           struct topology_changes *changes)
{
    struct list list = {.asker = asker, .self = self, .node = self, .changes = changes};
    if (asker == TOPOLOGY_ASKER_WEB)
        list.node = node_of_web(before, self);
    *changes = (struct topology_changes){0};
    list_herd(&list, before, after);
    list_nodes(&list, before, after);
    list_links(&list, before, after);
    list_observers(&list, before, after);
    list_operators(&list, before, after);
    list_webs(&list, before, after);
    list_places(&list, before, after);
}

void topology_changes_at_start(const struct topology_changes *changes,
                               char text[TOPOLOGY_LATER_BYTES_MAX])
{
    size_t bytes = 0, count = 0, total = changes->counts[TOPOLOGY_CHANGE_AT_START];
    text[0] = '\0';
    for (size_t i = 0; i < changes->count; i++) {
        const struct topology_change *change = &changes->list[i];
        size_t wanted = strlen(change->text) + 2;
        if (change->when != TOPOLOGY_CHANGE_AT_START)
            continue;
        if (bytes + wanted > TOPOLOGY_LATER_BYTES_MAX - MORE_BYTES_MAX)
            break;
        bytes +=
            (size_t)snprintf(text + bytes, wanted + 1, "%s%s", bytes > 0 ? ", " : "", change->text);
        count++;
    }
    if (count < total)
        snprintf(text + bytes, MORE_BYTES_MAX, ", and %zu more", total - count);
}
