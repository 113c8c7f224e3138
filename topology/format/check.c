#include "topology/format/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/format/bindings.h"
#include "topology/format/checker.h"
#include "topology/format/endpoints.h"
#include "topology/format/graph.h"

/* How much of a list of pieces a sentence quotes. */
#define PIECES_BYTES_MAX 200

/* How the names begin that the logs of places services carry. */
static const char places_process[] = "placesd";

/* NULL after the last one, and, with a fault, for the first that is too many. */
const struct topology_section *checker_next_section(struct checker *checker,
                                                    struct checker_walk *walk)
{
    while (walk->at < checker->section_count && checker->sections[walk->at].kind != walk->kind)
        walk->at++;
    if (walk->at == checker->section_count)
        return NULL;
    const struct topology_section *section = &checker->sections[walk->at++];
    if (walk->room-- > 0)
        return section;
    topology_faults_add(checker->faults, section->line,
                        "this is one %s too many; write at most %d%s", walk->one, walk->max,
                        walk->of ? walk->of : "");
    walk->has_lost = true;
    return NULL;
}

static bool is_said(const struct topology_section *section, const char *key)
{
    return topology_sections_find(section, key) != NULL;
}

/* Where others reach what `key` binds: what `at_key` says, or else what is bound itself. */
static void check_at(struct checker *checker, const struct topology_section *section,
                     const char *key, const char *at_key, const struct topology_endpoint *at)
{
    const struct topology_entry *said = topology_sections_find(section, at_key);
    bool could_be_read = said ? at->line == said->line : at->line > 0;
    if (!could_be_read || (!said && !topology_host_is_reachable(at->host)))
        return;
    const char *name = said ? at_key : key;
    if (!topology_host_is_reachable(at->host))
        topology_faults_add(checker->faults, at->line,
                            "`%s` is %s, to which nobody can connect; write an address, or a host "
                            "name with its domain",
                            name, at->text);
    struct topology_claim claim = {.key = name, .line = at->line, .endpoint = *at};
    topology_claims_add(checker->reached, &claim);
}

/* On which machine an endpoint of a section is bound that others reach at `at`. */
void checker_name_machine(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                          bool at_is_said, char machine[TOPOLOGY_HOST_BYTES_MAX + 1])
{
    bool is_definite =
        topology_host_is_reachable(bound->host) && !topology_host_is_loopback(bound->host);
    const char *host = is_definite && !at_is_said ? bound->host : at->host;
    strcpy(machine, topology_host_is_reachable(host) ? host : "");
}

/* Claims what a key binds; `at_key` is that of the address at which others reach its process. */
static void claim_endpoint(struct checker *checker, const struct topology_section *section,
                           const char *key, const char *at_key,
                           const struct topology_endpoint *bound,
                           const struct topology_endpoint *at)
{
    struct topology_claim claim = {.key = key, .line = bound->line, .endpoint = *bound};
    if (bound->line == 0)
        return;
    checker_name_machine(bound, at, is_said(section, at_key), claim.machine);
    topology_claims_add(checker->claims, &claim);
}

/* What `key` binds and where `at_key` says that others reach it. */
void checker_check_bound(struct checker *checker, const struct topology_section *section,
                         const char *key, const char *at_key, const struct topology_endpoint *bound,
                         const struct topology_endpoint *at)
{
    check_at(checker, section, key, at_key, at);
    claim_endpoint(checker, section, key, at_key, bound, at);
}

/* For an endpoint that others must reach, and that was read to be `bound`. */
void checker_demand_at(struct checker *checker, const struct topology_section *section,
                       const char *at_key, const struct topology_endpoint *bound, const char *who)
{
    if (bound->line > 0 && !is_said(section, at_key) && !topology_host_is_reachable(bound->host))
        topology_faults_add(checker->faults, bound->line,
                            "%s cannot connect to %s interface (%s); write the address of this "
                            "host in `%s`",
                            who, topology_host_is_any(bound->host) ? "every" : "an", bound->host,
                            at_key);
}

static void check_herd(struct checker *checker)
{
    struct topology *topology = checker->topology;
    struct checker_walk walk = {.kind = SECTION_HERD, .room = SIZE_MAX};
    for (const struct topology_section *section;
         (section = checker_next_section(checker, &walk));) {
        if (topology->herd_line > 0)
            topology_faults_add(checker->faults, section->line,
                                "there is a `herd` in line %u already; write one",
                                topology->herd_line);
        else
            topology->herd_line = section->line;
        topology_sections_read(section, topology, checker->faults);
        const struct topology_entry *former = topology_sections_find(section, "former");
        if (former)
            checker->former_line = former->line;
        const struct topology_entry *answers = topology_sections_find(section, "answers_after");
        if (answers)
            checker->answers_line = answers->line;
        const struct topology_entry *insecure = topology_sections_find(section, "insecure");
        if (topology->insecure && insecure && is_said(section, "keys"))
            topology_faults_add(checker->faults, insecure->line,
                                "this herd has keys and shall be insecure; leave one of both out");
    }
    if (topology->herd_line == 0)
        topology_faults_add(checker->faults, 1,
                            "there is no herd; write `herd` and below it `    name = NAME`");
}

/* The line of the node, observer, operator or `web` of that name, or 0. */
static uint32_t find_name(const struct checker *checker, const char *name)
{
    const struct topology *topology = checker->topology;
    int node = topology_find(topology, name);
    if (node >= 0)
        return topology_sections_find(checker->node_sections[node], "name")->line;
    for (size_t i = 0; i < topology->observer_count; i++) {
        if (strcmp(topology->observers[i].self.name, name) == 0)
            return topology_sections_find(checker->observer_sections[i], "name")->line;
    }
    for (size_t i = 0; i < topology->operator_count; i++) {
        if (strcmp(topology->operators[i].name, name) == 0)
            return topology_sections_find(checker->operator_sections[i], "name")->line;
    }
    for (size_t i = 0; i < topology->web_count; i++) {
        if (strcmp(topology->webs[i].name, name) == 0)
            return topology->webs[i].line;
    }
    return 0;
}

/* The name of a node, an observer or an operator, which must be unique. */
static bool check_own_name(struct checker *checker, const struct topology_section *section,
                           const char *name)
{
    const struct topology_entry *entry = topology_sections_find(section, "name");
    if (name[0] == '\0')
        return false;
    if (strncmp(name, places_process, strlen(places_process)) == 0)
        topology_faults_add(checker->faults, entry->line,
                            "`placesd` is how the names of places services begin; write another");
    uint32_t other_line = find_name(checker, name);
    if (other_line == 0)
        return true;
    topology_faults_add(checker->faults, entry->line,
                        "the name `%s` is taken by line %u; write another", name, other_line);
    return false;
}

/* Who may reach it, topology_check_keys says. */
void checker_check_monitor(struct checker *checker, const struct topology_section *section,
                           const char *at_key, const struct topology_monitor *monitor,
                           const struct topology_endpoint *at)
{
    const struct topology_entry *token = topology_sections_find(section, "monitor_token_file");
    claim_endpoint(checker, section, "monitor", at_key, &monitor->at, at);
    if (token && !is_said(section, "monitor"))
        topology_faults_add(checker->faults, token->line,
                            "there is no monitor that this token is for; write a line `    "
                            "monitor = tcp://HOST:PORT`");
}

static void check_node(struct checker *checker, const struct topology_section *section)
{
    struct topology *topology = checker->topology;
    struct topology_node node = {.line = section->line};
    topology_sections_read(section, &node, checker->faults);
    claim_endpoint(checker, section, "clients", "bus_at", &node.clients, &node.bus_at);
    claim_endpoint(checker, section, "clients_tls", "bus_at", &node.clients_tls, &node.bus_at);
    checker_check_bound(checker, section, "bus", "bus_at", &node.bus, &node.bus_at);
    checker_check_monitor(checker, section, "bus_at", &node.monitor, &node.bus_at);
    if (!check_own_name(checker, section, node.name)) {
        checker->has_lost_nodes = true;
        return;
    }
    checker->node_sections[topology->node_count] = section;
    topology->nodes[topology->node_count++] = node;
}

static void check_nodes(struct checker *checker)
{
    struct checker_walk walk = {
        .kind = SECTION_NODE, .room = TOPOLOGY_NODES_MAX, .one = "node", .max = TOPOLOGY_NODES_MAX};
    for (const struct topology_section *section; (section = checker_next_section(checker, &walk));)
        check_node(checker, section);
    checker->has_lost_nodes |= walk.has_lost;
    if (checker->topology->node_count == 0 && !checker->has_lost_nodes)
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
    struct topology_nearest nearest = topology_find_near(checker->topology, name);
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
    const struct topology_entry *between = topology_sections_find(section, "between");
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
    struct checker_walk walk = {
        .kind = SECTION_LINK, .room = TOPOLOGY_LINKS_MAX, .one = "link", .max = TOPOLOGY_LINKS_MAX};
    for (const struct topology_section *section;
         (section = checker_next_section(checker, &walk));) {
        struct topology_link link;
        if (check_link(checker, section, &link))
            topology->links[topology->link_count++] = link;
        else
            checker->has_lost_links = true;
    }
    checker->has_lost_links |= walk.has_lost;
}

static void check_observer(struct checker *checker, const struct topology_section *section)
{
    struct topology *topology = checker->topology;
    struct topology_observer observer = {.self.line = section->line};
    const struct topology_entry *of = topology_sections_find(section, "of");
    struct topology_node *self = &observer.self;
    topology_sections_read(section, &observer, checker->faults);
    checker_check_bound(checker, section, "bus", "bus_at", &self->bus, &self->bus_at);
    checker_demand_at(checker, section, "bus_at", &self->bus, "its node");
    bool named = check_own_name(checker, section, self->name);
    if (!of || !check_end(checker, of->line, of->value, &observer.of) || !named)
        return;
    checker->observer_sections[topology->observer_count] = section;
    topology->observers[topology->observer_count++] = observer;
}

static void check_observers(struct checker *checker)
{
    /* With the nodes, so that a node's links and observers together are never too many. */
    struct checker_walk walk = {.kind = SECTION_OBSERVER,
                                .room = TOPOLOGY_NODES_MAX - checker->topology->node_count,
                                .one = "observer",
                                .max = TOPOLOGY_NODES_MAX,
                                .of = " nodes and observers"};
    for (const struct topology_section *section; (section = checker_next_section(checker, &walk));)
        check_observer(checker, section);
}

/* The observer that a section names, or -1 and a fault. */
static int find_own_observer(struct checker *checker, const struct topology_section *section)
{
    const struct topology *topology = checker->topology;
    const struct topology_entry *entry = topology_sections_find(section, "observer");
    if (!entry)
        return -1;
    struct topology_nearest nearest = {.word = entry->value};
    for (size_t i = 0; i < topology->observer_count; i++) {
        if (strcmp(topology->observers[i].self.name, entry->value) == 0)
            return (int)i;
        topology_nearest_offer(&nearest, topology->observers[i].self.name);
    }
    topology_faults_add(checker->faults, entry->line, "there is no observer `%.*s`; write %s",
                        TOPOLOGY_QUOTE_BYTES_MAX, entry->value,
                        nearest.best ? nearest.best : "the name of an observer of this file");
    return -1;
}

/* Whether it is named, and as nobody else but its observer. */
static bool check_web_name(struct checker *checker, const struct topology_section *section,
                           struct topology_web *web)
{
    const char *own = checker->topology->observers[web->observer].self.name;
    if (is_said(section, "name") && strcmp(web->name, own) != 0)
        return check_own_name(checker, section, web->name);
    strcpy(web->name, own);
    return true;
}

static void check_web(struct checker *checker, const struct topology_section *section)
{
    struct topology *topology = checker->topology;
    struct topology_web web = {.line = section->line};
    const struct topology_entry *of = topology_sections_find(section, "of");
    topology_sections_read(section, &web, checker->faults);
    claim_endpoint(checker, section, "listen", "listen", &web.listen, &web.listen);
    bool has_node = of && check_end(checker, of->line, of->value, &web.of);
    int observer = find_own_observer(checker, section);
    if (!has_node || observer < 0)
        return;
    web.observer = (uint32_t)observer;
    uint32_t line = topology_sections_find(section, "observer")->line;
    if (topology->observers[observer].of != web.of)
        topology_faults_add(checker->faults, line, "`%s` listens to %s; write `of = %s`",
                            topology->observers[observer].self.name,
                            topology->nodes[topology->observers[observer].of].name,
                            topology->nodes[topology->observers[observer].of].name);
    for (size_t i = 0; i < topology->web_count; i++)
        if (topology->webs[i].observer == web.observer)
            topology_faults_add(checker->faults, line,
                                "the `web` in line %u is that observer already; write another",
                                topology->webs[i].line);
    if (check_web_name(checker, section, &web))
        topology->webs[topology->web_count++] = web;
}

/* Without a token it is nobody to its node, and has told its trackers 200 before the node refuses.
 */
static void check_web_files(struct checker *checker, const struct topology_section *section)
{
    if (checker->topology->access[0] != '\0' && !is_said(section, "token_file"))
        topology_faults_add(
            checker->faults, section->line,
            "this herd has access rules, and this `web` no token to show; write "
            "`token_file = FILE`, whose token is that of a person with `be = *` and "
            "`see = *`");
    if (is_said(section, "certificate") != is_said(section, "certificate_key"))
        topology_faults_add(checker->faults, section->line,
                            "HTTPS needs `certificate = FILE` and `certificate_key = FILE`; write "
                            "both, or none for HTTP");
}

static void check_webs(struct checker *checker)
{
    struct checker_walk walk = {
        .kind = SECTION_WEB, .room = TOPOLOGY_WEBS_MAX, .one = "`web`", .max = TOPOLOGY_WEBS_MAX};
    for (const struct topology_section *section;
         (section = checker_next_section(checker, &walk));) {
        check_web_files(checker, section);
        check_web(checker, section);
    }
}

static void check_operators(struct checker *checker)
{
    struct topology *topology = checker->topology;
    struct checker_walk walk = {.kind = SECTION_OPERATOR,
                                .room = TOPOLOGY_OPERATORS_MAX,
                                .one = "operator",
                                .max = TOPOLOGY_OPERATORS_MAX};
    for (const struct topology_section *section;
         (section = checker_next_section(checker, &walk));) {
        struct topology_operator self = {.line = section->line};
        topology_sections_read(section, &self, checker->faults);
        if (!check_own_name(checker, section, self.name))
            continue;
        checker->operator_sections[topology->operator_count] = section;
        topology->operators[topology->operator_count++] = self;
    }
}

/* A name has one meaning. */
static void check_former(struct checker *checker)
{
    const struct topology_former *former = &checker->topology->former;
    for (size_t i = 0; i < former->count; i++) {
        uint32_t line = find_name(checker, former->names[i]);
        if (line > 0)
            topology_faults_add(checker->faults, checker->former_line,
                                "`former` has `%s`, which is in the herd by line %u; leave one of "
                                "both out",
                                former->names[i], line);
    }
}

/* Neighbours, observers and operators connect to the bus endpoint: it must say where. */
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
            checker_demand_at(checker, checker->node_sections[i], "bus_at", &topology->nodes[i].bus,
                              "neighbours");
        else if (topology->operator_count > 0)
            checker_demand_at(checker, checker->node_sections[i], "bus_at", &topology->nodes[i].bus,
                              "operators");
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

/* What no node of this file could ever promise. Without links there is one node alone. */
static void check_answers(struct checker *checker)
{
    const struct topology *topology = checker->topology;
    enum topology_answers after = topology->answers_after;
    bool wants_disk = after == TOPOLOGY_ANSWERS_DISK || after == TOPOLOGY_ANSWERS_BOTH;
    bool wants_neighbour = after == TOPOLOGY_ANSWERS_NEIGHBOUR || after == TOPOLOGY_ANSWERS_BOTH;
    if (wants_disk && topology->journal == TOPOLOGY_JOURNAL_OFF)
        topology_faults_add(checker->faults, checker->answers_line,
                            "answers wait for a disk on which nothing is written; write `journal = "
                            "everysec` or `journal = always`");
    if (wants_neighbour && topology->node_count == 1 && !checker->has_lost_nodes)
        topology_faults_add(checker->faults, checker->answers_line,
                            "answers wait for a neighbour, and there is one node alone; write "
                            "`answers_after = disk`, or another node and a link");
}

static void take_from_herd(char own[TOPOLOGY_PATH_BYTES_MAX + 1], const char *of_herd)
{
    if (own[0] == '\0')
        strcpy(own, of_herd);
}

/* A node's files of TLS, each its own or the herd's. */
static void check_tls(struct checker *checker, const struct topology_section *section,
                      struct topology_node *node)
{
    static const char *const files[] = {"certificate", "certificate_key", "client_ca"};
    const struct topology_tls *herd = &checker->topology->tls;
    struct topology_tls *own = &node->tls;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const struct topology_entry *entry = topology_sections_find(section, files[i]);
        if (entry != NULL && !is_said(section, "clients_tls"))
            topology_faults_add(checker->faults, entry->line,
                                "`%s` is for TLS, which this node does not take; write "
                                "`clients_tls = tls://HOST:PORT`, too",
                                files[i]);
    }
    if (node->clients_tls.line == 0)
        return;
    take_from_herd(own->certificate, herd->certificate);
    take_from_herd(own->certificate_key, herd->certificate_key);
    take_from_herd(own->client_ca, herd->client_ca);
    if (own->certificate[0] == '\0' || own->certificate_key[0] == '\0')
        topology_faults_add(checker->faults, node->clients_tls.line,
                            "TLS needs `certificate = FILE` and `certificate_key = FILE`; write "
                            "both, here or in `herd`");
}

static void check_all(struct checker *checker, const struct topology_link **sorted)
{
    check_herd(checker);
    check_nodes(checker);
    check_links(checker);
    check_links_twice(checker, sorted);
    check_observers(checker);
    check_operators(checker);
    check_webs(checker);
    check_former(checker);
    check_linked_buses(checker);
    checker_check_places(checker);
    topology_claims_check(checker->claims, checker->faults);
    topology_claims_check_reached(checker->reached, checker->faults);
    if (!checker->has_lost_nodes && !checker->has_lost_links)
        check_pieces(checker);
    check_answers(checker);
    for (size_t i = 0; i < checker->topology->node_count; i++)
        check_tls(checker, checker->node_sections[i], &checker->topology->nodes[i]);
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
