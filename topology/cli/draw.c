#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/cli/survey.h"
#include "topology/cli/zherd.h"
#include "topology/format/picture.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/signals.h"
#include "topology/usage.h"

#define PROGRAM "zherd draw"

/* Two endpoints and what stands between them. */
#define SHOWN_BYTES_MAX (2 * TOPOLOGY_ENDPOINT_BYTES_MAX + sizeof " at ")

static void print_picture(const struct topology *topology)
{
    char picture[TOPOLOGY_PICTURE_BYTES_MAX];
    if (topology_picture_draw(topology, picture))
        printf("%s\n", picture);
}

/* What is bound, and where others reach it, if that is elsewhere. */
static const char *show(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                        char text[SHOWN_BYTES_MAX])
{
    bool is_elsewhere = strcmp(bound->text, at->text) != 0;
    snprintf(text, SHOWN_BYTES_MAX, "%s%s%s", bound->text, is_elsewhere ? " at " : "",
             is_elsewhere ? at->text : "");
    return text;
}

static void print_nodes(const struct topology *topology)
{
    int widths[3] = {0};
    char shown[SHOWN_BYTES_MAX];
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        const char *texts[3] = {node->name, node->clients.text,
                                show(&node->bus, &node->bus_at, shown)};
        for (size_t j = 0; j < 3; j++)
            widths[j] = (int)strlen(texts[j]) > widths[j] ? (int)strlen(texts[j]) : widths[j];
    }
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        uint32_t neighbours[TOPOLOGY_NODES_MAX];
        size_t count = topology_neighbours(topology, i, neighbours);
        printf("  %-*s  clients %-*s  bus %-*s  links", widths[0], node->name, widths[1],
               node->clients.text, widths[2], show(&node->bus, &node->bus_at, shown));
        for (size_t j = 0; j < count; j++)
            printf(" %s", topology->nodes[neighbours[j]].name);
        puts(count == 0 ? " none" : "");
    }
    for (size_t i = 0; i < topology->observer_count; i++) {
        const struct topology_observer *observer = &topology->observers[i];
        const struct topology_node *self = &observer->self;
        printf("  %s listens to %s at %s\n", self->name, topology->nodes[observer->of].name,
               show(&self->bus, &self->bus_at, shown));
    }
    for (size_t i = 0; i < topology->web_count; i++) {
        const struct topology_web *web = &topology->webs[i];
        printf("  web %s of %s: %s at %s\n", web->name, topology->nodes[web->of].name,
               web->certificate[0] != '\0' ? "HTTPS" : "HTTP", web->listen.text);
    }
    for (size_t i = 0; i < topology->places_count; i++) {
        const struct topology_places *places = &topology->places[i];
        char workers[SHOWN_BYTES_MAX];
        printf("  places: gateways %s  workers %s\n          %s %s\n",
               show(&places->gateways, &places->gateways_at, shown),
               show(&places->workers, &places->workers_at, workers),
               topology_provider_name(places->provider), places->url);
        if (places->fallback != TOPOLOGY_NO_PROVIDER)
            printf("          else %s %s\n", topology_provider_name(places->fallback),
                   places->fallback_url);
    }
}

/* Names hold no byte that means anything within quotes of the DOT language. */
static void print_dot(const struct topology *topology)
{
    printf("graph \"%s\" {\n    layout=circo\n", topology->herd);
    for (size_t i = 0; i < topology->node_count; i++)
        printf("    \"%s\"\n", topology->nodes[i].name);
    for (size_t i = 0; i < topology->link_count; i++)
        printf("    \"%s\" -- \"%s\"\n", topology->nodes[topology->links[i].a].name,
               topology->nodes[topology->links[i].b].name);
    puts("}");
}

/* ---- the ways of one node's changes in the running herd ---- */

static bool is_way(const struct overview_link *link, uint32_t origin)
{
    return overview_carries(link, 0, origin) || overview_carries(link, 1, origin);
}

/* Links that carry nothing of it are dotted. */
static void print_ways_dot(const struct overview *overview, uint32_t origin)
{
    const struct topology *topology = overview_topology(overview);
    printf("digraph \"%s\" {\n    layout=circo\n", topology->herd);
    for (size_t i = 0; i < topology->node_count; i++)
        printf("    \"%s\"%s\n", topology->nodes[i].name, i == origin ? " [style=bold]" : "");
    for (size_t i = 0; i < topology->link_count; i++) {
        struct overview_link link = overview_link(overview, i);
        const char *a = topology->nodes[link.link->a].name, *b = topology->nodes[link.link->b].name;
        if (overview_carries(&link, 0, origin))
            printf("    \"%s\" -> \"%s\"\n", a, b);
        if (overview_carries(&link, 1, origin))
            printf("    \"%s\" -> \"%s\"\n", b, a);
        if (!is_way(&link, origin))
            printf("    \"%s\" -> \"%s\" [dir=none style=dotted]\n", a, b);
    }
    puts("}");
}

static void print_ways(const struct overview *overview, uint32_t origin)
{
    struct topology shown = *overview_topology(overview);
    struct topology_link *links = bytes_resize(NULL, (shown.link_count + 1) * sizeof *links);
    struct buffer lines = {0};
    size_t count = 0;
    for (size_t i = 0; i < shown.link_count; i++) {
        struct overview_link link = overview_link(overview, i);
        if (is_way(&link, origin))
            links[count++] = *link.link;
    }
    shown.links = links;
    shown.link_count = count;
    print_picture(&shown);
    overview_write_tree(overview, origin, &lines);
    fwrite(lines.data, 1, lines.len, stdout);
    buffer_free(&lines);
    free(links);
}

/* The exit status: 1 where nobody answers. */
static int ask(struct operator_session *session, uint32_t origin, bool dot)
{
    struct overview *overview = overview_new(session->options.topology);
    struct survey survey = survey_new(session, overview);
    survey_once(&survey);
    bool is_answered = overview_judge(overview).answered > 0;
    if (!is_answered)
        say("no node answers");
    else if (dot)
        print_ways_dot(overview, origin);
    else
        print_ways(overview, origin);
    survey_free(&survey);
    overview_destroy(&overview);
    return is_answered ? 0 : 1;
}

static int draw_ways(const struct operator_options *who, const char *name, bool dot)
{
    struct operator_session session = {0};
    int origin = topology_find(who->topology, name);
    say_as(PROGRAM, NULL);
    if (origin < 0) {
        say("%s has no node %s", who->path, name);
        return 1;
    }
    int status = operator_open(&session, who) ? ask(&session, (uint32_t)origin, dot) : 1;
    operator_end(&session);
    return status;
}

int draw_main(int count, char **words)
{
    static const struct option options[] = {{"dot", no_argument, NULL, 'd'},
                                            {"operator", required_argument, NULL, 'o'},
                                            {"ways-of", required_argument, NULL, 'w'},
                                            {0}};
    struct topology topology;
    struct operator_options who = {.topology = &topology};
    const char *ways_of = NULL;
    bool dot = false;
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option == 'd')
            dot = true;
        else if (option == 'o')
            who.name = optarg;
        else if (option == 'w')
            ways_of = optarg;
        else
            return usage_refuse_option(PROGRAM, option, words, options);
    }
    if (count - optind != 1)
        return usage_refuse(PROGRAM, "write one topology file");
    if (who.name != NULL && ways_of == NULL)
        return usage_refuse(PROGRAM, "--operator is for --ways-of");
    who.path = words[optind];
    signals_release();
    if (!topology_load(who.path, &topology))
        return 1;
    int status = 0;
    if (ways_of != NULL) {
        status = draw_ways(&who, ways_of, dot);
    } else if (dot) {
        print_dot(&topology);
    } else {
        print_picture(&topology);
        print_nodes(&topology);
    }
    topology_free(&topology);
    return status;
}
