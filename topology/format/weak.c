#include "topology/format/weak.h"

#include "topology/format/endpoints.h"

static void look_at_endpoint(const struct topology_endpoint *at, const char *owner, const char *key,
                             struct topology_faults *weak)
{
    if (!topology_host_is_loopback(at->host))
        topology_faults_add(weak, at->line,
                            "%s is reached at %s (`%s`) without keys, and trusts whoever reaches "
                            "it; let `zherd keygen` write keys",
                            owner, at->text, key);
}

static void look_at_keys(const struct keyring_keys *keys, uint32_t line, const char *owner,
                         struct topology_faults *weak)
{
    if (keys->text[1][0] != '\0')
        topology_faults_add(weak, line,
                            "%s has two keys, and who has the secret of either is taken for it; "
                            "leave out the one that is not used any more",
                            owner);
}

static void look_at_node(const struct topology *topology, const struct topology_node *node,
                         struct topology_faults *weak)
{
    if (topology->keys[0] == '\0')
        look_at_endpoint(&node->bus_at, node->name, "bus", weak);
    look_at_keys(&node->public_keys, node->line, node->name, weak);
}

/* One line for all of the herd. */
static void look_at_doors(const struct topology *topology, struct topology_faults *weak)
{
    const struct topology_endpoint *door = NULL;
    size_t i = 0;
    while (i < topology->node_count &&
           (door = topology_open_door(topology, &topology->nodes[i])) == NULL)
        i++;
    if (door != NULL)
        topology_faults_add(weak, topology->herd_line,
                            "there are no access rules, and whoever reaches %s of %s may move any "
                            "client and see all; write `access = FILE`",
                            door->text, topology->nodes[i].name);
}

/* Tokens come to it. */
static void look_at_web(const struct topology *topology, const struct topology_web *web,
                        struct topology_faults *weak)
{
    if (topology->access[0] != '\0' && web->certificate[0] == '\0' &&
        !topology_host_is_loopback(web->listen.host))
        topology_faults_add(weak, web->listen.line,
                            "tokens of access rules go to %s at %s in the clear; give it "
                            "`certificate` and `certificate_key`",
                            web->name, web->listen.text);
}

void topology_weak(const struct topology *topology, struct topology_faults *weak)
{
    look_at_doors(topology, weak);
    if (topology->insecure)
        topology_faults_add(weak, topology->herd_line,
                            "`insecure = yes` lets a herd without keys leave this machine; give it "
                            "keys, and leave this out");
    for (size_t i = 0; i < topology->node_count; i++)
        look_at_node(topology, &topology->nodes[i], weak);
    for (size_t i = 0; i < topology->observer_count; i++)
        look_at_node(topology, &topology->observers[i].self, weak);
    for (size_t i = 0; i < topology->operator_count; i++)
        look_at_keys(&topology->operators[i].public_keys, topology->operators[i].line,
                     topology->operators[i].name, weak);
    for (size_t i = 0; i < topology->web_count; i++)
        look_at_web(topology, &topology->webs[i], weak);
    for (size_t i = 0; i < topology->places_count; i++) {
        const struct topology_places *places = &topology->places[i];
        if (topology->keys[0] == '\0') {
            look_at_endpoint(&places->gateways_at, "places", "gateways", weak);
            look_at_endpoint(&places->workers_at, "places", "workers", weak);
        }
        look_at_keys(&places->public_keys, places->line, "places", weak);
    }
}
