/* The overview as JSON for programs (topology/format/status_json.h). */
#include "topology/format/overview.h"
#include "topology/format/status_json.h"

#define flag status_json_flag

static void text(struct status_json *json, const char *key, const char *value)
{
    status_json_text(json, key, span_of(value));
}

static const char *name_of(const struct overview *overview, uint32_t node)
{
    return overview_topology(overview)->nodes[node].name;
}

/* ---- nodes ---- */

static void put_node(struct status_json *json, const struct overview *overview, uint32_t index)
{
    const struct overview_node *it = overview_node(overview, index);
    struct overview_heard heard = overview_heard(overview, index);
    const char *fault = overview_fault(overview, index);
    const char *why = it->said == NULL ? it->why : fault;
    status_json_object(json, NULL);
    text(json, "name", name_of(overview, index));
    flag(json, "answers", it->said != NULL);
    flag(json, "well", fault == NULL);
    status_json_text_or_null(json, "why", span_of(why != NULL ? why : ""));
    status_json_count(json, "neighbours", heard.said);
    status_json_count(json, "neighbours_up", heard.up);
    if (it->said != NULL) {
        status_json_node(json, it->said);
        flag(json, "same_topology",
             it->said->topology == topology_fingerprint(overview_topology(overview)));
    }
    status_json_close(json);
}

/* ---- links ---- */

/* The object stays open. */
static void open_side(struct status_json *json, const char *node, const struct operate_link *it)
{
    status_json_object(json, NULL);
    text(json, "node", node);
    status_json_link(json, it);
}

/* null where that is not known. */
static void put_ways(struct status_json *json, const struct overview *overview,
                     const struct overview_link *link, int side, bool names)
{
    if (link->ways[side] == NULL)
        status_json_null(json, "carries");
    else
        status_json_count(json, "carries", overview_count_origins(overview, link, side));
    if (!names || link->ways[side] == NULL)
        return;
    status_json_array(json, "ways");
    for (uint32_t i = 0; i < overview_topology(overview)->node_count; i++)
        if (overview_carries(link, side, i))
            text(json, NULL, name_of(overview, i));
    status_json_close(json);
}

static void put_link(struct status_json *json, const struct overview *overview, size_t index,
                     bool ways)
{
    static const char *const states[] = {
        [OVERVIEW_UP] = "up", [OVERVIEW_DOWN] = "down", [OVERVIEW_UNKNOWN] = "unknown"};
    static const char *const tables[] = {[OVERVIEW_EQUAL] = "equal",
                                         [OVERVIEW_DIFFERENT] = "differ",
                                         [OVERVIEW_NOT_COMPARED] = "not compared"};
    struct overview_link it = overview_link(overview, index);
    const uint32_t ends[] = {it.link->a, it.link->b};
    status_json_object(json, NULL);
    status_json_array(json, "nodes");
    for (int i = 0; i < 2; i++)
        text(json, NULL, name_of(overview, ends[i]));
    status_json_close(json);
    text(json, "state", states[it.state]);
    text(json, "tables", tables[it.tables]);
    status_json_array(json, "sides");
    for (int i = 0; i < 2; i++) {
        if (it.sides[i] == NULL)
            continue;
        open_side(json, name_of(overview, ends[i]), it.sides[i]);
        put_ways(json, overview, &it, i, ways);
        status_json_close(json);
    }
    status_json_close(json);
    status_json_close(json);
}

static void put_observers(struct status_json *json, const struct overview *overview, uint32_t node)
{
    const struct operate_status *said = overview_node(overview, node)->said;
    for (uint32_t i = 0; said != NULL && i < said->link_count; i++) {
        if (!said->links[i].is_observer)
            continue;
        open_side(json, name_of(overview, node), &said->links[i]);
        status_json_text(json, "observer", said->links[i].name);
        status_json_close(json);
    }
}

/* ---- places ---- */

static void put_places(struct status_json *json, const struct overview *overview, size_t index)
{
    struct overview_places it = overview_places(overview, index);
    status_json_object(json, NULL);
    text(json, "endpoint", it.places->gateways_at.text);
    flag(json, "well", it.is_well);
    status_json_count(json, "nodes", it.said);
    status_json_count(json, "nodes_up", it.up);
    if (it.speaks != NULL)
        status_json_broker(json, it.speaks);
    status_json_close(json);
}

/* ---- all of it ---- */

static void put_sentence(void *with, const char *sentence)
{
    text(with, NULL, sentence);
}

void overview_write_json(const struct overview *overview, bool ways, struct buffer *out)
{
    const struct topology *topology = overview_topology(overview);
    struct overview_verdict verdict = overview_judge(overview);
    struct status_json all = status_json_begin(out), *json = &all;
    text(json, "herd", topology->herd);
    flag(json, "well", overview_status_of_all(&verdict) == 0);
    status_json_array(json, "remarks");
    overview_complain(overview, json, put_sentence);
    status_json_close(json);
    status_json_array(json, "nodes");
    for (uint32_t i = 0; i < topology->node_count; i++)
        put_node(json, overview, i);
    status_json_close(json);
    status_json_array(json, "links");
    for (size_t i = 0; i < topology->link_count; i++)
        put_link(json, overview, i, ways);
    status_json_close(json);
    status_json_array(json, "observers");
    for (uint32_t i = 0; i < topology->node_count; i++)
        put_observers(json, overview, i);
    status_json_close(json);
    status_json_array(json, "places");
    for (size_t i = 0; i < topology->places_count; i++)
        put_places(json, overview, i);
    status_json_close(json);
    status_json_end(json);
}
