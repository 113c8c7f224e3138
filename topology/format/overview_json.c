/* The overview as JSON for programs (topology/format/status_json.h). */
#include <jansson.h>

#include "topology/format/overview.h"
#include "topology/format/status_json.h"

static const char *name_of(const struct overview *overview, uint32_t node)
{
    return overview_topology(overview)->nodes[node].name;
}

/* ---- nodes ---- */

static json_t *node_of(const struct overview *overview, uint32_t index)
{
    const struct overview_node *it = overview_node(overview, index);
    struct overview_heard heard = overview_heard(overview, index);
    const char *fault = overview_fault(overview, index);
    json_t *node = json_object();
    status_json_put(node, "name", json_string(name_of(overview, index)));
    status_json_put(node, "answers", json_boolean(it->said != NULL));
    status_json_put(node, "well", json_boolean(fault == NULL));
    status_json_put(node, "why",
                    it->said == NULL ? json_string(it->why)
                    : fault != NULL  ? json_string(fault)
                                     : json_null());
    status_json_put(node, "neighbours", status_json_count(heard.said));
    status_json_put(node, "neighbours_up", status_json_count(heard.up));
    if (it->said == NULL)
        return node;
    status_json_node(node, it->said);
    status_json_put(
        node, "same_topology",
        json_boolean(it->said->topology == topology_fingerprint(overview_topology(overview))));
    return node;
}

/* ---- links ---- */

static json_t *side_of(const char *node, const struct operate_link *it)
{
    json_t *side = json_object();
    status_json_put(side, "node", json_string(node));
    status_json_link(side, it);
    return side;
}

static json_t *link_of(const struct overview *overview, size_t index)
{
    static const char *const states[] = {
        [OVERVIEW_UP] = "up", [OVERVIEW_DOWN] = "down", [OVERVIEW_UNKNOWN] = "unknown"};
    static const char *const tables[] = {[OVERVIEW_EQUAL] = "equal",
                                         [OVERVIEW_DIFFERENT] = "differ",
                                         [OVERVIEW_NOT_COMPARED] = "not compared"};
    struct overview_link it = overview_link(overview, index);
    const uint32_t ends[] = {it.link->a, it.link->b};
    json_t *link = json_object(), *nodes = json_array(), *sides = json_array();
    for (int i = 0; i < 2; i++) {
        status_json_push(nodes, json_string(name_of(overview, ends[i])));
        if (it.sides[i] != NULL)
            status_json_push(sides, side_of(name_of(overview, ends[i]), it.sides[i]));
    }
    status_json_put(link, "nodes", nodes);
    status_json_put(link, "state", json_string(states[it.state]));
    status_json_put(link, "tables", json_string(tables[it.tables]));
    status_json_put(link, "sides", sides);
    return link;
}

static void push_observers(json_t *observers, const struct overview *overview, uint32_t node)
{
    const struct operate_status *said = overview_node(overview, node)->said;
    for (uint32_t i = 0; said != NULL && i < said->link_count; i++) {
        if (!said->links[i].is_observer)
            continue;
        json_t *observer = side_of(name_of(overview, node), &said->links[i]);
        status_json_put(observer, "observer", status_json_text(said->links[i].name));
        status_json_push(observers, observer);
    }
}

/* ---- places ---- */

static json_t *places_of(const struct overview *overview, size_t index)
{
    struct overview_places it = overview_places(overview, index);
    const struct operate_broker *speaks = it.speaks;
    json_t *places = json_object();
    status_json_put(places, "endpoint", json_string(it.places->gateways_at.text));
    status_json_put(places, "well", json_boolean(it.is_well));
    status_json_put(places, "nodes", status_json_count(it.said));
    status_json_put(places, "nodes_up", status_json_count(it.up));
    if (speaks == NULL)
        return places;
    status_json_broker(places, speaks);
    return places;
}

/* ---- all of it ---- */

static void push_sentence(void *with, const char *sentence)
{
    status_json_push(with, json_string(sentence));
}

static json_t *herd_of(const struct overview *overview)
{
    const struct topology *topology = overview_topology(overview);
    struct overview_verdict verdict = overview_judge(overview);
    json_t *herd = json_object(), *remarks = json_array(), *nodes = json_array();
    json_t *links = json_array(), *observers = json_array(), *places = json_array();
    overview_complain(overview, remarks, push_sentence);
    for (uint32_t i = 0; i < topology->node_count; i++) {
        status_json_push(nodes, node_of(overview, i));
        push_observers(observers, overview, i);
    }
    for (size_t i = 0; i < topology->link_count; i++)
        status_json_push(links, link_of(overview, i));
    for (size_t i = 0; i < topology->places_count; i++)
        status_json_push(places, places_of(overview, i));
    status_json_put(herd, "herd", json_string(topology->herd));
    status_json_put(herd, "well", json_boolean(overview_status_of_all(&verdict) == 0));
    status_json_put(herd, "remarks", remarks);
    status_json_put(herd, "nodes", nodes);
    status_json_put(herd, "links", links);
    status_json_put(herd, "observers", observers);
    status_json_put(herd, "places", places);
    return herd;
}

void overview_write_json(const struct overview *overview, struct buffer *out)
{
    status_json_write(herd_of(overview), out);
}
