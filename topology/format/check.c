#include "topology/format/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/format/claims.h"
#include "topology/format/endpoints.h"
#include "topology/format/graph.h"
#include "topology/format/keys.h"
#include "topology/format/places.h"
#include "topology/format/sections.h"

/* How much of a list of pieces a sentence quotes. */
#define PIECES_BYTES_MAX 200
struct checker {
    struct topology *topology;
    struct topology_faults *faults;
    struct topology_section *sections;
    size_t section_count;
    const struct topology_section **node_sections;     /* of topology->nodes */
    const struct topology_section **observer_sections; /* of topology->observers */
    struct topology_claims *claims, *reached;
    bool has_lost_nodes; /* some node had to be left out */
    bool has_lost_links; /* some link had to be left out, or perhaps some line */
};

static const char name_bytes[] =
    "0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* How the names begin that the logs of places services carry. */
static const char places_process[] = "placesd";

static bool check_name(struct checker *checker, const struct topology_entry *entry,
                       char name[TOPOLOGY_NAME_BYTES_MAX + 1])
{
    size_t bytes = strlen(entry->value);
    if (bytes > TOPOLOGY_NAME_BYTES_MAX || entry->value[strspn(entry->value, name_bytes)] != '\0' ||
        entry->value[0] == '.') {
        topology_faults_add(checker->faults, entry->line,
                            "`%.*s` is no name; write 1 to 63 letters, digits, - _ and ., not "
                            "beginning with a point",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->value);
        return false;
    }
    memcpy(name, entry->value, bytes + 1);
    return true;
}

/* A key whose value is an endpoint. False, and nothing in `endpoint`, where there is none. */
static bool read_endpoint(struct checker *checker, const struct topology_section *section,
                          size_t key, struct topology_endpoint *endpoint)
{
    const struct topology_entry *entry = section->keys[key];
    struct topology_endpoint read = {0};
    if (!entry)
        return false;
    const char *fault = topology_endpoint_parse(entry->value, &read);
    if (fault) {
        topology_faults_add(checker->faults, entry->line, "`%s` is `%.*s`; %s",
                            topology_sections_key(section->kind, key), TOPOLOGY_QUOTE_BYTES_MAX,
                            entry->value, fault);
        return false;
    }
    *endpoint = read;
    endpoint->line = entry->line;
    return true;
}

/* Where others reach what is bound: what `at_key` says, or else what is bound itself. */
static void read_at(struct checker *checker, const struct topology_section *section, size_t key,
                    size_t at_key, const struct topology_endpoint *bound,
                    struct topology_endpoint *at)
{
    *at = *bound;
    if (section->keys[at_key] && !read_endpoint(checker, section, at_key, at))
        return;
    const char *name = topology_sections_key(section->kind, section->keys[at_key] ? at_key : key);
    if (at->line == 0 || (!section->keys[at_key] && !topology_host_is_reachable(at->host)))
        return;
    if (!topology_host_is_reachable(at->host))
        topology_faults_add(checker->faults, at->line,
                            "`%s` is %s, to which nobody can connect; write an address, or a host "
                            "name with its domain",
                            name, at->text);
    struct topology_claim claim = {.key = name, .line = at->line, .endpoint = *at};
    topology_bindings_add(checker->reached, &claim);
}

/* On which machine an endpoint of a section is bound that others reach at `at`. */
static void name_machine(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                         bool at_is_said, char machine[TOPOLOGY_HOST_BYTES_MAX + 1])
{
    bool is_definite =
        topology_host_is_reachable(bound->host) && !topology_host_is_loopback(bound->host);
    const char *host = is_definite && !at_is_said ? bound->host : at->host;
    strcpy(machine, topology_host_is_reachable(host) ? host : "");
}

/* Claims what a key binds; `at_key` is that of the address at which others reach its process. */
static void claim_endpoint(struct checker *checker, const struct topology_section *section,
                           size_t key, size_t at_key, const struct topology_endpoint *bound,
                           const struct topology_endpoint *at)
{
    struct topology_claim claim = {
        .key = topology_sections_key(section->kind, key), .line = bound->line, .endpoint = *bound};
    if (bound->line == 0)
        return;
    name_machine(bound, at, section->keys[at_key] != NULL, claim.machine);
    topology_bindings_add(checker->claims, &claim);
}

/* For an endpoint that others must reach, and that was read to be `bound`. */
static void demand_at(struct checker *checker, const struct topology_section *section,
                      size_t at_key, const struct topology_endpoint *bound, const char *who)
{
    if (bound->line > 0 && !section->keys[at_key] && !topology_host_is_reachable(bound->host))
        topology_faults_add(checker->faults, bound->line,
                            "%s cannot connect to %s interface (%s); write the address of this "
                            "host in `%s`",
                            who, topology_host_is_any(bound->host) ? "every" : "an", bound->host,
                            topology_sections_key(section->kind, at_key));
}

static void check_herd(struct checker *checker)
{
    uint32_t first_line = 0;
    for (size_t i = 0; i < checker->section_count; i++) {
        const struct topology_section *section = &checker->sections[i];
        if (section->kind != SECTION_HERD)
            continue;
        if (first_line > 0)
            topology_faults_add(checker->faults, section->line,
                                "there is a `herd` in line %u already; write one", first_line);
        else
            first_line = section->line;
        if (section->keys[HERD_NAME])
            check_name(checker, section->keys[HERD_NAME], checker->topology->herd);
        checker->topology->herd_line = first_line;
        topology_keys_read_herd(section, checker->topology, checker->faults);
    }
    if (first_line == 0)
        topology_faults_add(checker->faults, 1,
                            "there is no herd; write `herd` and below it `    name = NAME`");
}

/* The line of the node or observer of that name, or 0. */
static uint32_t find_name(const struct checker *checker, const char *name)
{
    const struct topology *topology = checker->topology;
    int node = topology_find(topology, name);
    if (node >= 0)
        return checker->node_sections[node]->keys[NODE_NAME]->line;
    for (size_t i = 0; i < topology->observer_count; i++) {
        if (strcmp(topology->observers[i].self.name, name) == 0)
            return checker->observer_sections[i]->keys[OBSERVER_NAME]->line;
    }
    return 0;
}

/* The name of a node or an observer, which nobody else may have. */
static bool check_own_name(struct checker *checker, const struct topology_entry *entry,
                           struct topology_node *self)
{
    if (!entry || !check_name(checker, entry, self->name))
        return false;
    if (strncmp(self->name, places_process, strlen(places_process)) == 0)
        topology_faults_add(checker->faults, entry->line,
                            "`placesd` is how the names of places services begin; write another");
    uint32_t other_line = find_name(checker, self->name);
    if (other_line == 0)
        return true;
    topology_faults_add(checker->faults, entry->line,
                        "the name `%s` is taken by line %u; write another", self->name, other_line);
    return false;
}

static void check_node(struct checker *checker, const struct topology_section *section)
{
    struct topology *topology = checker->topology;
    struct topology_node node = {.line = section->line};
    read_endpoint(checker, section, NODE_CLIENTS, &node.clients);
    read_endpoint(checker, section, NODE_BUS, &node.bus);
    read_at(checker, section, NODE_BUS, NODE_BUS_AT, &node.bus, &node.bus_at);
    claim_endpoint(checker, section, NODE_CLIENTS, NODE_BUS_AT, &node.clients, &node.bus_at);
    claim_endpoint(checker, section, NODE_BUS, NODE_BUS_AT, &node.bus, &node.bus_at);
    topology_keys_read(section->keys[NODE_PUBLIC_KEY], &node.public_keys, checker->faults);
    if (!check_own_name(checker, section->keys[NODE_NAME], &node)) {
        checker->has_lost_nodes = true;
        return;
    }
    checker->node_sections[topology->node_count] = section;
    topology->nodes[topology->node_count++] = node;
}

static void check_nodes(struct checker *checker)
{
    size_t count = 0;
    for (size_t i = 0; i < checker->section_count; i++) {
        const struct topology_section *section = &checker->sections[i];
        if (section->kind != SECTION_NODE)
            continue;
        if (count == TOPOLOGY_NODES_MAX) {
            topology_faults_add(checker->faults, section->line,
                                "this is one node too many; write at most %d", TOPOLOGY_NODES_MAX);
            checker->has_lost_nodes = true;
            return;
        }
        check_node(checker, section);
        count++;
    }
    if (count == 0)
        topology_faults_add(checker->faults, 1,
                            "there is no node; write `node` and below it `    name = NAME`, "
                            "`    clients = tcp://HOST:PORT` and `    bus = tcp://HOST:PORT`");
}

/* The next word of `text`, cut to what a name may hold and one byte more. */
static const char *take_word(const char *text, char word[TOPOLOGY_NAME_BYTES_MAX + 2])
{
    static const char blanks[] = " \t";
    text += strspn(text, blanks);
    size_t bytes = strcspn(text, blanks);
    snprintf(word, TOPOLOGY_NAME_BYTES_MAX + 2, "%.*s", (int)bytes, text);
    return text + bytes;
}

static bool check_end(struct checker *checker, uint32_t line, const char *name, uint32_t *end)
{
    int node = topology_find(checker->topology, name);
    *end = (uint32_t)node;
    if (node >= 0)
        return true;
    struct topology_nearest nearest = {.word = name};
    for (size_t i = 0; i < checker->topology->node_count; i++)
        topology_nearest_offer(&nearest, checker->topology->nodes[i].name);
    /* It may well be the node whose own name was in fault. */
    if (nearest.best || !checker->has_lost_nodes)
        topology_faults_add(checker->faults, line, "there is no node `%s`; write %s", name,
                            nearest.best ? nearest.best : "the name of a node of this file");
    return false;
}

/* Whether the link can be added to the topology. */
static bool check_link(struct checker *checker, const struct topology_section *section,
                       struct topology_link *link)
{
    const struct topology_entry *between = section->keys[LINK_BETWEEN];
    if (!between)
        return false;
    char a[TOPOLOGY_NAME_BYTES_MAX + 2], b[TOPOLOGY_NAME_BYTES_MAX + 2];
    char more[TOPOLOGY_NAME_BYTES_MAX + 2];
    const char *rest = take_word(between->value, a);
    rest = take_word(rest, b);
    take_word(rest, more);
    if (b[0] == '\0' || more[0] != '\0') {
        topology_faults_add(checker->faults, between->line,
                            "a link joins two nodes; write `between = Alford Hamilton`");
        return false;
    }
    link->line = between->line;
    bool both = check_end(checker, between->line, a, &link->a);
    both = check_end(checker, between->line, b, &link->b) && both;
    if (both && link->a == link->b)
        topology_faults_add(checker->faults, between->line,
                            "`%s` is linked with itself; write the names of two nodes", a);
    return both && link->a != link->b;
}

static uint32_t lower_end(const struct topology_link *link)
{
    return link->a < link->b ? link->a : link->b;
}

static uint32_t upper_end(const struct topology_link *link)
{
    return link->a < link->b ? link->b : link->a;
}

static int compare_links(const void *left, const void *right)
{
    const struct topology_link *a = *(const struct topology_link *const *)left;
    const struct topology_link *b = *(const struct topology_link *const *)right;
    if (lower_end(a) != lower_end(b))
        return lower_end(a) < lower_end(b) ? -1 : 1;
    if (upper_end(a) != upper_end(b))
        return upper_end(a) < upper_end(b) ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void check_links_twice(struct checker *checker, const struct topology_link **sorted)
{
    const struct topology *topology = checker->topology;
    for (size_t i = 0; i < topology->link_count; i++)
        sorted[i] = &topology->links[i];
    qsort(sorted, topology->link_count, sizeof *sorted, compare_links);
    for (size_t i = 1; i < topology->link_count; i++) {
        const struct topology_link *a = sorted[i - 1], *b = sorted[i];
        if (lower_end(a) == lower_end(b) && upper_end(a) == upper_end(b))
            topology_faults_add(checker->faults, b->line,
                                "%s and %s are linked in line %u already; leave this link out",
                                topology->nodes[b->a].name, topology->nodes[b->b].name, a->line);
    }
}

static void check_links(struct checker *checker)
{
    struct topology *topology = checker->topology;
    size_t count = 0;
    for (size_t i = 0; i < checker->section_count; i++) {
        const struct topology_section *section = &checker->sections[i];
        if (section->kind != SECTION_LINK)
            continue;
        if (count == TOPOLOGY_LINKS_MAX) {
            topology_faults_add(checker->faults, section->line,
                                "this is one link too many; write at most %d", TOPOLOGY_LINKS_MAX);
            checker->has_lost_links = true;
            return;
        }
        struct topology_link link;
        if (check_link(checker, section, &link))
            topology->links[topology->link_count++] = link;
        else
            checker->has_lost_links = true;
        count++;
    }
}

static void check_observer(struct checker *checker, const struct topology_section *section)
{
    struct topology *topology = checker->topology;
    struct topology_observer observer = {.self.line = section->line};
    const struct topology_entry *of = section->keys[OBSERVER_OF];
    struct topology_node *self = &observer.self;
    read_endpoint(checker, section, OBSERVER_BUS, &self->bus);
    read_at(checker, section, OBSERVER_BUS, OBSERVER_BUS_AT, &self->bus, &self->bus_at);
    claim_endpoint(checker, section, OBSERVER_BUS, OBSERVER_BUS_AT, &self->bus, &self->bus_at);
    demand_at(checker, section, OBSERVER_BUS_AT, &self->bus, "its node");
    topology_keys_read(section->keys[OBSERVER_PUBLIC_KEY], &self->public_keys, checker->faults);
    bool named = check_own_name(checker, section->keys[OBSERVER_NAME], self);
    if (!of || !check_end(checker, of->line, of->value, &observer.of) || !named)
        return;
    checker->observer_sections[topology->observer_count] = section;
    topology->observers[topology->observer_count++] = observer;
}

static void check_observers(struct checker *checker)
{
    /* With the nodes, so that a node's links and observers together are never too many. */
    size_t count = checker->topology->node_count;
    for (size_t i = 0; i < checker->section_count; i++) {
        const struct topology_section *section = &checker->sections[i];
        if (section->kind != SECTION_OBSERVER)
            continue;
        if (count == TOPOLOGY_NODES_MAX) {
            topology_faults_add(checker->faults, section->line,
                                "this is one observer too many; write at most %d nodes and "
                                "observers",
                                TOPOLOGY_NODES_MAX);
            return;
        }
        check_observer(checker, section);
        count++;
    }
}

/* Neighbours and observers connect to the bus endpoint: it must say where. */
static void check_linked_buses(struct checker *checker)
{
    const struct topology *topology = checker->topology;
    bool linked[TOPOLOGY_NODES_MAX] = {false};
    for (size_t i = 0; i < topology->link_count; i++)
        linked[topology->links[i].a] = linked[topology->links[i].b] = true;
    for (size_t i = 0; i < topology->observer_count; i++)
        linked[topology->observers[i].of] = true;
    for (size_t i = 0; i < topology->node_count; i++) {
        if (linked[i])
            demand_at(checker, checker->node_sections[i], NODE_BUS_AT, &topology->nodes[i].bus,
                      "neighbours");
    }
}

/* "Alford Ball | Hamilton", cut where the text ends. */
static void name_pieces(const struct topology *topology, const uint32_t *pieces, uint32_t count,
                        char *text, size_t text_size)
{
    size_t used = 0;
    for (uint32_t piece = 0; piece < count; piece++) {
        const char *before = piece > 0 ? " | " : "";
        for (size_t i = 0; i < topology->node_count && used < text_size; i++) {
            if (pieces[i] != piece)
                continue;
            used += (size_t)snprintf(text + used, text_size - used, "%s%s", before,
                                     topology->nodes[i].name);
            before = " ";
        }
    }
    if (used >= text_size)
        strcpy(text + text_size - sizeof "...", "...");
}

static void check_pieces(struct checker *checker)
{
    const struct topology *topology = checker->topology;
    uint32_t pieces[TOPOLOGY_NODES_MAX];
    struct graph *graph = graph_new(topology);
    uint32_t count = graph_pieces(graph, pieces);
    graph_destroy(&graph);
    if (count < 2)
        return;
    size_t second = 0;
    while (pieces[second] != 1)
        second++;
    char text[PIECES_BYTES_MAX];
    name_pieces(topology, pieces, count, text, sizeof text);
    topology_faults_add(checker->faults, topology->nodes[second].line,
                        "the herd is in %u pieces: %s; link them", count, text);
}

static void check_provider(struct checker *checker, const struct topology_section *section,
                           struct topology_places *places)
{
    const struct topology_entry *entry = section->keys[PLACES_PROVIDER];
    if (entry)
        topology_places_check_provider(entry, &places->provider, checker->faults);
}

/* Copies a URL that is one, and claims its port where it is on loopback. */
static void check_url(struct checker *checker, const struct topology_section *section, size_t key,
                      const struct topology_places *places, char *copy, uint32_t *line)
{
    const struct topology_entry *entry = section->keys[key];
    struct topology_url url;
    if (!entry)
        return;
    const char *name = topology_sections_key(SECTION_PLACES, key);
    const char *fault = topology_url_parse(entry->value, &url);
    if (fault) {
        topology_faults_add(checker->faults, entry->line, "`%s` is `%.*s`; %s", name,
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->value, fault);
        return;
    }
    strcpy(copy, entry->value);
    *line = entry->line;
    bool loopback = topology_host_is_loopback(url.host);
    if (!url.secure && !loopback)
        topology_faults_add(checker->faults, entry->line,
                            "questions would travel unencrypted to `%s`; write https://", url.host);
    if (loopback) {
        struct topology_claim claim = {.key = name, .line = entry->line};
        strcpy(claim.endpoint.host, url.host);
        claim.endpoint.port = url.port;
        name_machine(&claim.endpoint, &places->gateways_at, true, claim.machine);
        topology_bindings_add(checker->claims, &claim);
    }
}

static void check_broker(struct checker *checker, const struct topology_section *section,
                         struct topology_places *places)
{
    struct topology_endpoint *front = &places->gateways, *back = &places->workers;
    read_endpoint(checker, section, PLACES_GATEWAYS, front);
    read_endpoint(checker, section, PLACES_WORKERS, back);
    read_at(checker, section, PLACES_GATEWAYS, PLACES_GATEWAYS_AT, front, &places->gateways_at);
    read_at(checker, section, PLACES_WORKERS, PLACES_WORKERS_AT, back, &places->workers_at);
    claim_endpoint(checker, section, PLACES_GATEWAYS, PLACES_GATEWAYS_AT, front,
                   &places->gateways_at);
    claim_endpoint(checker, section, PLACES_WORKERS, PLACES_WORKERS_AT, back, &places->workers_at);
    demand_at(checker, section, PLACES_GATEWAYS_AT, front, "gateways");
    demand_at(checker, section, PLACES_WORKERS_AT, back, "workers");
}

static void check_service(struct checker *checker, const struct topology_section *section)
{
    struct topology *topology = checker->topology;
    if (topology->places_count == TOPOLOGY_PLACES_MAX) {
        topology_faults_add(checker->faults, section->line,
                            "this is one `places` too many; write at most %d", TOPOLOGY_PLACES_MAX);
        return;
    }
    struct topology_places *places = &topology->places[topology->places_count++];
    places->line = section->line;
    check_broker(checker, section, places);
    check_provider(checker, section, places);
    check_url(checker, section, PLACES_URL, places, places->url, &places->url_line);
    check_url(checker, section, PLACES_FALLBACK_URL, places, places->fallback_url,
              &places->fallback_url_line);
    topology_places_check_options(section, places, checker->faults);
    topology_keys_read(section->keys[PLACES_PUBLIC_KEY], &places->public_keys, checker->faults);
}

static void check_places(struct checker *checker)
{
    for (size_t i = 0; i < checker->section_count; i++)
        if (checker->sections[i].kind == SECTION_PLACES)
            check_service(checker, &checker->sections[i]);
}

static void check_all(struct checker *checker, const struct topology_link **sorted)
{
    check_herd(checker);
    check_nodes(checker);
    check_links(checker);
    check_links_twice(checker, sorted);
    check_observers(checker);
    check_linked_buses(checker);
    check_places(checker);
    topology_bindings_check(checker->claims, checker->faults);
    topology_bindings_check_reached(checker->reached, checker->faults);
    if (!checker->has_lost_nodes && !checker->has_lost_links)
        check_pieces(checker);
}

bool topology_check(const struct topology_entry *entries, size_t count, struct topology *topology,
                    struct topology_faults *faults)
{
    /* At least one of each: calloc may answer NULL to nothing. */
    size_t sections_max = count + 1;
    *topology = (struct topology){
        .nodes = calloc(TOPOLOGY_NODES_MAX, sizeof *topology->nodes),
        .links = calloc(TOPOLOGY_LINKS_MAX, sizeof *topology->links),
        .observers = calloc(TOPOLOGY_NODES_MAX, sizeof *topology->observers),
    };
    struct checker checker = {
        .topology = topology,
        .faults = faults,
        .sections = calloc(sections_max, sizeof *checker.sections),
        .node_sections = calloc(TOPOLOGY_NODES_MAX, sizeof *checker.node_sections),
        .observer_sections = calloc(TOPOLOGY_NODES_MAX, sizeof *checker.observer_sections),
        .claims = calloc(1, sizeof *checker.claims),
        .reached = calloc(1, sizeof *checker.reached),
    };
    const struct topology_link **sorted = calloc(TOPOLOGY_LINKS_MAX, sizeof *sorted);
    if (topology->nodes && topology->links && topology->observers && checker.sections &&
        checker.node_sections && checker.observer_sections && checker.claims && checker.reached &&
        sorted) {
        checker.section_count = topology_sections_sort(entries, count, checker.sections, faults);
        checker.has_lost_links = faults->count > 0;
        check_all(&checker, sorted);
    } else {
        topology_faults_add(faults, 0, "there is not enough memory to read this file");
    }
    free(sorted);
    free(checker.reached);
    free(checker.claims);
    free(checker.observer_sections);
    free(checker.node_sections);
    free(checker.sections);
    if (faults->count == 0)
        return true;
    topology_free(topology);
    return false;
}
