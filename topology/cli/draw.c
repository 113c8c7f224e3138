#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "topology/cli/zherd.h"
#include "topology/format/picture.h"
#include "topology/load.h"
#include "topology/usage.h"

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

int draw_main(int count, char **words)
{
    static const struct option options[] = {{"dot", no_argument, NULL, 'd'}, {0}};
    struct topology topology;
    bool dot = false;
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option != 'd')
            return usage_refuse_option("zherd draw", option, words, options);
        dot = true;
    }
    if (count - optind != 1)
        return usage_refuse("zherd draw", "write one topology file");
    if (!topology_load(words[optind], &topology))
        return 1;
    if (dot) {
        print_dot(&topology);
    } else {
        print_picture(&topology);
        print_nodes(&topology);
    }
    topology_free(&topology);
    return 0;
}
