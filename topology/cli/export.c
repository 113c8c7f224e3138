#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/cli/zherd.h"
#include "topology/format/containers.h"
#include "topology/load.h"
#include "topology/say.h"
#include "topology/usage.h"

/* Of the checked text, whose lines are not those of the operator's file. */
#define EXPORTED " as exported"

/* A manifest names files of this machine from its root, so that it may lie anywhere. */
static void make_absolute(char path[TOPOLOGY_PATH_BYTES_MAX + 1])
{
    char full[PATH_MAX];
    if (path[0] != '\0' && realpath(path, full) && strlen(full) <= TOPOLOGY_PATH_BYTES_MAX)
        strcpy(path, full);
}

static bool adapt(enum containers_kind kind, const char *file, const struct topology *topology,
                  struct buffer *text)
{
    struct topology_faults faults = {0};
    struct topology adapted;
    containers_adapt(kind, topology, text, &faults);
    for (size_t i = 0; i < faults.count; i++)
        say("%s:%u: %s", file, faults.list[i].line, faults.list[i].text);
    if (faults.count > 0)
        return false;
    char name[PATH_MAX + sizeof EXPORTED];
    snprintf(name, sizeof name, "%s" EXPORTED, file);
    bool good = topology_load_text(name, (struct span){text->data, text->len}, &adapted);
    if (good)
        topology_free(&adapted);
    return good;
}

static bool print(const struct buffer *yaml)
{
    bool good = fwrite(yaml->data, 1, yaml->len, stdout) == yaml->len && fflush(stdout) == 0;
    if (!good)
        fprintf(stderr, "zherd export: standard output: %s\n", strerror(errno));
    return good;
}

static bool export(enum containers_kind kind, const char *file, struct topology *topology)
{
    struct buffer text = {0}, yaml = {0};
    make_absolute(topology->keys);
    for (size_t i = 0; i < topology->node_count; i++)
        make_absolute(topology->nodes[i].monitor.token_file);
    for (size_t i = 0; i < topology->places_count; i++) {
        make_absolute(topology->places[i].key_file);
        make_absolute(topology->places[i].monitor.token_file);
    }
    bool good = topology_read_file(file, &text) && adapt(kind, file, topology, &text);
    if (good) {
        struct containers containers = {kind, topology, {text.data, text.len}, file, ZHERD_VERSION};
        containers_write(&containers, &yaml);
        good = print(&yaml);
    }
    buffer_free(&text);
    buffer_free(&yaml);
    return good;
}

int export_main(int count, char **words)
{
    static const struct option options[] = {{0}};
    static const char *const kinds[] = {
        [CONTAINERS_COMPOSE] = "compose", [CONTAINERS_KUBERNETES] = "k8s"};
    enum containers_kind kind = CONTAINERS_COMPOSE;
    struct topology topology;
    int option = getopt_long(count, words, ":", options, NULL);
    if (option != -1)
        return usage_refuse_option("zherd export", option, words, options);
    if (count - optind != 2)
        return usage_refuse("zherd export", "write `compose` or `k8s`, and one topology file");
    while (kind <= CONTAINERS_KUBERNETES && strcmp(words[optind], kinds[kind]) != 0)
        kind++;
    if (kind > CONTAINERS_KUBERNETES)
        return usage_refuse("zherd export", "write `compose` or `k8s`, not `%s`", words[optind]);
    if (!topology_load(words[optind + 1], &topology))
        return 1;
    bool good = export(kind, words[optind + 1], &topology);
    topology_free(&topology);
    return good ? 0 : 1;
}
