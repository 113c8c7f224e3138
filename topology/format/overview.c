#include "topology/format/overview.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/printable.h"

/* Exit statuses. */
#define WELL     0
#define NOT_WELL 1
#define NOBODY   2

#define SENTENCE_BYTES_MAX 1024

struct overview {
    const struct topology *topology;
    struct overview_node *nodes;
    struct overview_link *links;
    struct overview_heard *heard; /* of each node */
    struct operate_status *room;  /* for an answer that is read */
};

struct overview *overview_new(const struct topology *topology)
{
    struct overview *overview = bytes_zeroed(sizeof *overview);
    overview->topology = topology;
    overview->nodes = bytes_zeroed((topology->node_count + 1) * sizeof *overview->nodes);
    overview->links = bytes_zeroed((topology->link_count + 1) * sizeof *overview->links);
    overview->heard = bytes_zeroed((topology->node_count + 1) * sizeof *overview->heard);
    overview->room = bytes_zeroed(sizeof *overview->room);
    for (uint32_t i = 0; i < topology->node_count; i++)
        overview_miss(overview, i, "not asked yet");
    overview_join(overview);
    return overview;
}

void overview_destroy(struct overview **overview_at)
{
    struct overview *overview = *overview_at;
    *overview_at = NULL;
    if (overview == NULL)
        return;
    for (size_t i = 0; i < overview->topology->node_count; i++) {
        free(overview->nodes[i].said);
        buffer_free(&overview->nodes[i].bytes);
    }
    free(overview->nodes);
    free(overview->links);
    free(overview->heard);
    free(overview->room);
    free(overview);
}

/* ---- what comes in ---- */

bool overview_take(struct overview *overview, uint32_t index, struct span status)
{
    assert(index < overview->topology->node_count);
    struct overview_node *node = &overview->nodes[index];
    if (!operate_read_status(status, overview->room)) {
        overview_miss(overview, index, "what it answers cannot be read");
        return false;
    }
    node->bytes.len = 0;
    buffer_append(&node->bytes, status);
    if (node->said == NULL)
        node->said = bytes_zeroed(sizeof *node->said);
    return operate_read_status((struct span){node->bytes.data, node->bytes.len}, node->said);
}

void overview_miss(struct overview *overview, uint32_t index, const char *why)
{
    assert(index < overview->topology->node_count);
    struct overview_node *node = &overview->nodes[index];
    free(node->said);
    node->said = NULL;
    snprintf(node->why, sizeof node->why, "%s", why);
    printable_make(node->why);
}

/* ---- links ---- */

static const char *name_of(const struct overview *overview, uint32_t node)
{
    return overview->topology->nodes[node].name;
}

static const struct operate_link *find_side(const struct overview *overview, uint32_t node,
                                            uint32_t other, bool *lacks)
{
    const struct operate_status *said = overview->nodes[node].said;
    struct span name = span_of(name_of(overview, other));
    for (uint32_t i = 0; said != NULL && i < said->link_count; i++)
        if (span_equals(said->links[i].name, name))
            return &said->links[i];
    *lacks = said != NULL && said->links_all <= said->link_count;
    return NULL;
}

static void join_sides(struct overview_link *link)
{
    link->state = OVERVIEW_UNKNOWN;
    link->tables = OVERVIEW_NOT_COMPARED;
    link->compared_age_ms = WIRE_NEVER;
    for (int i = 0; i < 2; i++) {
        const struct operate_link *side = link->sides[i];
        if (side == NULL && !link->lacks[i])
            continue;
        if (side == NULL || !side->up) {
            link->state = OVERVIEW_DOWN;
            continue;
        }
        if (link->state == OVERVIEW_UNKNOWN)
            link->state = OVERVIEW_UP;
        if (side->compared_age_ms < link->compared_age_ms)
            link->compared_age_ms = side->compared_age_ms;
        if (side->differs)
            link->tables = OVERVIEW_DIFFERENT;
    }
    if (link->tables == OVERVIEW_NOT_COMPARED && link->compared_age_ms != WIRE_NEVER)
        link->tables = OVERVIEW_EQUAL;
}

/* The bits stand for the nodes of the file that the node runs by. */
static const uint8_t *find_ways(const struct overview *overview, uint32_t node,
                                const struct operate_link *side, uint64_t fingerprint)
{
    const struct operate_status *said = overview->nodes[node].said;
    bool is_known = side != NULL && side->up && said->topology == fingerprint &&
                    said->origins == overview->topology->node_count;
    return is_known ? operate_status_ways(said, (uint32_t)(side - said->links)) : NULL;
}

void overview_join(struct overview *overview)
{
    const struct topology *topology = overview->topology;
    uint64_t fingerprint = topology_fingerprint(topology);
    memset(overview->heard, 0, (topology->node_count + 1) * sizeof *overview->heard);
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct topology_link *ends = &topology->links[i];
        struct overview_link *link = &overview->links[i];
        *link = (struct overview_link){.link = ends};
        link->sides[0] = find_side(overview, ends->a, ends->b, &link->lacks[0]);
        link->sides[1] = find_side(overview, ends->b, ends->a, &link->lacks[1]);
        link->ways[0] = find_ways(overview, ends->a, link->sides[0], fingerprint);
        link->ways[1] = find_ways(overview, ends->b, link->sides[1], fingerprint);
        join_sides(link);
        for (int side = 0; side < 2; side++) {
            struct overview_heard *heard = &overview->heard[side == 0 ? ends->b : ends->a];
            heard->said += link->sides[side] != NULL;
            heard->up += link->sides[side] != NULL && link->sides[side]->up;
        }
    }
}

struct overview_link overview_link(const struct overview *overview, size_t link)
{
    assert(link < overview->topology->link_count);
    return overview->links[link];
}

/* ---- nodes and places ---- */

const struct topology *overview_topology(const struct overview *overview)
{
    return overview->topology;
}

const struct overview_node *overview_node(const struct overview *overview, uint32_t node)
{
    return &overview->nodes[node];
}

struct overview_heard overview_heard(const struct overview *overview, uint32_t node)
{
    return overview->heard[node];
}

const char *overview_fault(const struct overview *overview, uint32_t node)
{
    const struct operate_status *said = overview->nodes[node].said;
    struct overview_heard heard = overview->heard[node];
    if (said == NULL)
        return heard.said > 0 && heard.up == heard.said ? NULL : "it does not answer";
    if (said->journal == WIRE_JOURNAL_FAILED)
        return "its journal cannot be written";
    if (said->votes > 0 &&
        (said->offset_ns > OVERVIEW_CLOCK_NS_MAX || said->offset_ns < -OVERVIEW_CLOCK_NS_MAX))
        return "its clock is off the herd's time";
    return NULL;
}

uint64_t overview_lag_ms(const struct operate_status *said)
{
    uint64_t lag_ms = 0;
    for (uint32_t i = 0; i < said->link_count; i++)
        if (said->links[i].up && !said->links[i].is_observer && said->links[i].lag_ms > lag_ms)
            lag_ms = said->links[i].lag_ms;
    return lag_ms;
}

/* The figures of the node that has heard them last are those with the most look-ups. */
static void add_broker(struct overview_places *places, const struct operate_broker *broker)
{
    places->said++;
    places->up += broker->up;
    if (broker->up && broker->speaks &&
        (places->speaks == NULL || broker->asked > places->speaks->asked))
        places->speaks = broker;
}

struct overview_places overview_places(const struct overview *overview, size_t index)
{
    assert(index < overview->topology->places_count);
    struct overview_places places = {.places = &overview->topology->places[index]};
    struct span endpoint = span_of(places.places->gateways_at.text);
    for (size_t i = 0; i < overview->topology->node_count; i++) {
        const struct operate_status *said = overview->nodes[i].said;
        for (uint32_t j = 0; said != NULL && j < said->broker_count; j++)
            if (span_equals(said->brokers[j].endpoint, endpoint))
                add_broker(&places, &said->brokers[j]);
    }
    places.is_well =
        places.up == places.said &&
        (places.speaks == NULL || (places.speaks->paused_ms == 0 && places.speaks->workers > 0));
    return places;
}

/* ---- the verdict ---- */

struct overview_verdict overview_judge(const struct overview *overview)
{
    const struct topology *topology = overview->topology;
    struct overview_verdict verdict = {0};
    for (uint32_t i = 0; i < topology->node_count; i++) {
        verdict.answered += overview->nodes[i].said != NULL;
        verdict.nodes_bad += overview_fault(overview, i) != NULL;
    }
    for (size_t i = 0; i < topology->link_count; i++) {
        verdict.links_bad += overview->links[i].state != OVERVIEW_UP;
        verdict.differ += overview->links[i].tables == OVERVIEW_DIFFERENT;
    }
    for (size_t i = 0; i < topology->places_count; i++)
        verdict.places_bad += !overview_places(overview, i).is_well;
    return verdict;
}

int overview_status_of_links(const struct overview_verdict *verdict)
{
    return verdict->answered > 0 && verdict->links_bad == 0 && verdict->differ == 0 ? WELL
                                                                                    : NOT_WELL;
}

int overview_status_of_all(const struct overview_verdict *verdict)
{
    if (verdict->answered == 0)
        return NOBODY;
    return overview_status_of_links(verdict) == WELL && verdict->nodes_bad == 0 &&
                   verdict->places_bad == 0
               ? WELL
               : NOT_WELL;
}

/* ---- order ---- */

struct ordering {
    const struct overview *overview;
    enum overview_sort sort;
};

/* What is greater stands first. */
static uint64_t weigh(const struct ordering *ordering, uint32_t node)
{
    const struct operate_status *said = ordering->overview->nodes[node].said;
    switch (ordering->sort) {
    case OVERVIEW_BY_STATE:
        return said == NULL ? 2 : overview_fault(ordering->overview, node) != NULL;
    case OVERVIEW_BY_CLIENTS:
        return said != NULL ? said->clients : 0;
    case OVERVIEW_BY_RATE:
        return said != NULL ? said->commands_per_s : 0;
    case OVERVIEW_BY_LAG:
        return said != NULL ? overview_lag_ms(said) : 0;
    default:
        return 0;
    }
}

static int compare_nodes(const void *left, const void *right, void *with)
{
    const struct ordering *ordering = with;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t weight_a = weigh(ordering, a), weight_b = weigh(ordering, b);
    if (weight_a != weight_b)
        return weight_a > weight_b ? -1 : 1;
    int by_name = ordering->sort == OVERVIEW_BY_NAME
                      ? strcmp(name_of(ordering->overview, a), name_of(ordering->overview, b))
                      : 0;
    if (by_name != 0)
        return by_name;
    return a < b ? -1 : a > b;
}

void overview_order(const struct overview *overview, enum overview_sort sort, uint32_t *order)
{
    struct ordering ordering = {overview, sort};
    size_t count = overview->topology->node_count;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare_nodes, &ordering);
}

/* ---- sentences ---- */

struct complaint {
    void *with;
    void (*take)(void *with, const char *sentence);
    char text[SENTENCE_BYTES_MAX];
};

__attribute__((format(printf, 2, 3))) static void complain(struct complaint *complaint,
                                                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
    va_end(arguments);
    printable_make(complaint->text);
    complaint->take(complaint->with, complaint->text);
}

static void complain_of_node(const struct overview *overview, uint32_t index,
                             struct complaint *complaint)
{
    const struct overview_node *node = &overview->nodes[index];
    struct overview_heard heard = overview->heard[index];
    const char *name = name_of(overview, index), *fault = overview_fault(overview, index);
    if (node->said != NULL && fault != NULL)
        complain(complaint, "node %s: %s", name, fault);
    else if (node->said == NULL && heard.said == 0)
        complain(complaint, "node %s does not answer (%s), and no neighbour says anything of it",
                 name, node->why);
    else if (node->said == NULL)
        complain(complaint, "node %s does not answer (%s); it is up for %zu of %zu neighbours%s",
                 name, node->why, heard.up, heard.said,
                 fault == NULL ? ", so this does not count" : "");
}

/* "silence for 6 s", as that end says it. */
static void say_side(const struct overview *overview, const struct overview_link *link, int side,
                     char out[SENTENCE_BYTES_MAX / 4])
{
    const char *name = name_of(overview, side == 0 ? link->link->a : link->link->b);
    const struct operate_link *it = link->sides[side];
    size_t room = SENTENCE_BYTES_MAX / 4;
    if (link->lacks[side])
        snprintf(out, room, "%s has no such link in its file", name);
    else if (it == NULL)
        snprintf(out, room, "%s says nothing", name);
    else if (it->up)
        snprintf(out, room, "%s says it is up", name);
    else
        snprintf(out, room, "%s says: %.*s", name,
                 it->why.len > 0 ? (int)it->why.len : (int)strlen("not up yet"),
                 it->why.len > 0 ? it->why.data : "not up yet");
}

static void complain_of_link(const struct overview *overview, const struct overview_link *link,
                             struct complaint *complaint)
{
    const char *a = name_of(overview, link->link->a), *b = name_of(overview, link->link->b);
    char sides[2][SENTENCE_BYTES_MAX / 4];
    if (link->state == OVERVIEW_UNKNOWN)
        complain(complaint, "link %s-%s: neither end says anything of it", a, b);
    if (link->state == OVERVIEW_DOWN) {
        say_side(overview, link, 0, sides[0]);
        say_side(overview, link, 1, sides[1]);
        complain(complaint, "link %s-%s is down: %s; %s", a, b, sides[0], sides[1]);
    }
    if (link->tables == OVERVIEW_DIFFERENT)
        complain(complaint, "the tables of %s and %s differ", a, b);
}

static void complain_of_places(const struct overview_places *places, struct complaint *complaint)
{
    const char *endpoint = places->places->gateways_at.text;
    if (places->up < places->said)
        complain(complaint, "places service %s: %zu of %zu nodes reach it", endpoint, places->up,
                 places->said);
    if (places->speaks == NULL)
        return;
    if (places->speaks->paused_ms > 0)
        complain(complaint,
                 "places service %s: its provider fails and is not asked for %" PRIu64 " ms",
                 endpoint, places->speaks->paused_ms);
    if (places->speaks->workers == 0)
        complain(complaint, "places service %s has no worker", endpoint);
}

void overview_complain(const struct overview *overview, void *with,
                       void (*take)(void *with, const char *sentence))
{
    const struct topology *topology = overview->topology;
    struct complaint complaint = {.with = with, .take = take};
    for (uint32_t i = 0; i < topology->node_count; i++)
        complain_of_node(overview, i, &complaint);
    for (size_t i = 0; i < topology->link_count; i++)
        complain_of_link(overview, &overview->links[i], &complaint);
    for (size_t i = 0; i < topology->places_count; i++) {
        struct overview_places places = overview_places(overview, i);
        complain_of_places(&places, &complaint);
    }
    uint64_t fingerprint = topology_fingerprint(topology);
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (overview->nodes[i].said != NULL && overview->nodes[i].said->topology != fingerprint)
            complain(&complaint, "note: the file that %s runs by says something else than this one",
                     name_of(overview, i));
}
