/* `zherd check --strict`: each weak spot of a herd is a line. */
#include <stdio.h>
#include <string.h>

#include "topology/cli/zherd.h"
#include "topology/format/weak.h"
#include "topology/say.h"
#include "topology/secrets.h"

#define PATH_BYTES_MAX (TOPOLOGY_PATH_BYTES_MAX + TOPOLOGY_NAME_BYTES_MAX + sizeof "/.secret")

/* Hosts have the secrets of what runs there; those that are not here are not looked at. */
static size_t look_at_file(const char *path)
{
    struct fault fault;
    if (secrets_are_private(path, &fault))
        return 0;
    say("%s %s", path, fault.text);
    return 1;
}

static size_t look_at_secret(const struct topology *topology, const char *name)
{
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s.secret", topology->keys, name);
    return look_at_file(path);
}

static size_t look_at_secrets(const struct topology *topology)
{
    size_t count = 0;
    for (size_t i = 0; i < topology->node_count; i++)
        count += look_at_secret(topology, topology->nodes[i].name);
    for (size_t i = 0; i < topology->observer_count; i++)
        count += look_at_secret(topology, topology->observers[i].self.name);
    for (size_t i = 0; i < topology->operator_count; i++)
        count += look_at_secret(topology, topology->operators[i].name);
    return count + look_at_secret(topology, SECRETS_PLACES);
}

static bool has_key_of_tls(const struct topology_node *node, const char *path)
{
    return node->clients_tls.line > 0 && strcmp(node->tls.certificate_key, path) == 0;
}

/* Nodes may share one. */
static size_t look_at_keys_of_tls(const struct topology *topology)
{
    size_t count = 0;
    for (size_t i = 0; i < topology->node_count; i++) {
        const char *path = topology->nodes[i].tls.certificate_key;
        size_t first = 0;
        while (first < i && !has_key_of_tls(&topology->nodes[first], path))
            first++;
        if (first == i && has_key_of_tls(&topology->nodes[i], path))
            count += look_at_file(path);
    }
    return count;
}

bool check_strict(const char *path, const struct topology *topology)
{
    struct topology_faults weak = {0};
    size_t files = topology->keys[0] != '\0' ? look_at_secrets(topology) : 0;
    for (size_t i = 0; i < topology->places_count; i++)
        if (topology->places[i].key_file[0] != '\0')
            files += look_at_file(topology->places[i].key_file);
    files += look_at_keys_of_tls(topology);
    topology_weak(topology, &weak);
    for (size_t i = 0; i < weak.count; i++)
        say("%s:%u: %s", path, weak.list[i].line, weak.list[i].text);
    if (weak.more > 0)
        say("%s: and %zu more weak spot%s", path, weak.more, weak.more == 1 ? "" : "s");
    return files + weak.count == 0;
}
