#include <stdio.h>

#include "topology/format/containers.h"
#include "topology/format/endpoints.h"

/* "zherd/Alford.secret", or a number. */
#define ID_BYTES_MAX (TOPOLOGY_NAME_BYTES_MAX + 32)

struct page {
    const struct containers *containers;
    const struct topology *topology;
    struct buffer *yaml;
};

static void put_text(const struct page *page, const char *text)
{
    containers_put_quoted(page->yaml, CONTAINERS_COMPOSE, text);
}

/* What each container may do, and that it has the file. */
static void put_common(const struct page *page)
{
    containers_put(page->yaml,
                   "    image: \"${ZHERD_IMAGE:-zherd:%s}\"\n"
                   "    restart: unless-stopped\n"
                   "    read_only: true\n"
                   "    cap_drop: [ALL]\n"
                   "    security_opt: [\"no-new-privileges:true\"]\n"
                   "    tmpfs: [\"/tmp\", \"" CONTAINERS_LOGS ":uid=%d,gid=%d,mode=0750\"]\n"
                   "    configs: [{source: herd, target: " CONTAINERS_FILE "}]\n",
                   page->containers->version, CONTAINERS_USER, CONTAINERS_USER);
}

/* A secret and its file in the container. */
static void put_secret(const struct page *page, const char *id, const char *file)
{
    containers_put(page->yaml,
                   "      - source: \"%s\"\n        target: \"" CONTAINERS_SECRETS "/%s\"\n", id,
                   file);
}

static void put_data(const struct page *page, const char *volume)
{
    containers_put(page->yaml, "    volumes: [\"%s:" CONTAINERS_DATA "\"]\n", volume);
}

static void put_health(const struct page *page, const char *script)
{
    containers_put(page->yaml, "    healthcheck:\n      test: [\"CMD\", \"bash\", \"-c\", ");
    put_text(page, script);
    containers_put(page->yaml,
                   "]\n      interval: 5s\n      timeout: 3s\n      start_period: 30s\n");
}

/* Only this machine reaches what the file binds to loopback; the machines of all other addresses
 * are one machine here. */
static void put_published(const struct page *page, const struct topology_endpoint *clients)
{
    bool is_loopback = topology_host_binds_loopback(clients->host);
    bool is_v6 = strchr(clients->host, ':') != NULL;
    containers_put(page->yaml, "    ports: [\"%s%u:%d\"]\n",
                   !is_loopback ? ""
                   : is_v6      ? "[::1]:"
                                : "127.0.0.1:",
                   clients->port, CONTAINERS_CLIENTS_PORT);
}

static void put_node(const struct page *page, const struct topology_node *node)
{
    char name[CONTAINERS_NAME_BYTES_MAX], id[ID_BYTES_MAX], file[ID_BYTES_MAX];
    containers_name_node(node, name);
    containers_put(page->yaml, "  \"%s\":\n", name);
    put_common(page);
    containers_put(page->yaml, "    command:\n      - sh\n      - -c\n      - ");
    put_text(page, containers_start_node);
    containers_put(page->yaml, "\n      - node\n      - \"%s\"\n", node->name);
    put_published(page, &node->clients);
    put_data(page, name);
    if (page->topology->keys[0] != '\0') {
        snprintf(id, sizeof id, "key-%s", name);
        snprintf(file, sizeof file, "%s.secret", node->name);
        containers_put(page->yaml, "    secrets:\n");
        put_secret(page, id, file);
    }
    put_health(page, containers_ask_node);
}

static void put_places(const struct page *page, unsigned number)
{
    const struct topology_places *places = &page->topology->places[number - 1];
    bool has_keys = page->topology->keys[0] != '\0';
    char name[ID_BYTES_MAX], script[ID_BYTES_MAX];
    snprintf(name, sizeof name, "placesd-%u", number);
    containers_put(page->yaml, "  %s:\n", name);
    put_common(page);
    containers_put(page->yaml,
                   "    command: [placesd, --topology, " CONTAINERS_FILE
                   ", --places, \"%u\", --data-dir, " CONTAINERS_DATA "]\n",
                   number);
    put_data(page, name);
    if (has_keys || places->key_file[0] != '\0')
        containers_put(page->yaml, "    secrets:\n");
    if (has_keys)
        put_secret(page, "key-placesd", "placesd.secret");
    if (places->key_file[0] != '\0') {
        snprintf(name, sizeof name, "provider-%u", number);
        snprintf(script, sizeof script, "provider-%u.key", number);
        put_secret(page, name, script);
    }
    snprintf(script, sizeof script, "exec 3<>/dev/tcp/127.0.0.1/%d", CONTAINERS_GATEWAYS_PORT);
    put_health(page, script);
}

static void put_secret_file(const struct page *page, const char *id, const char *folder,
                            const char *name)
{
    char path[TOPOLOGY_PATH_BYTES_MAX + ID_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s.secret", folder, name);
    containers_put(page->yaml, "  \"%s\":\n    file: ", id);
    put_text(page, path);
    containers_put(page->yaml, "\n");
}

static void put_secret_files(const struct page *page)
{
    const struct topology *topology = page->topology;
    char name[CONTAINERS_NAME_BYTES_MAX], id[ID_BYTES_MAX];
    for (size_t i = 0; i < topology->node_count && topology->keys[0] != '\0'; i++) {
        containers_name_node(&topology->nodes[i], name);
        snprintf(id, sizeof id, "key-%s", name);
        put_secret_file(page, id, topology->keys, topology->nodes[i].name);
    }
    if (topology->keys[0] != '\0' && topology->places_count > 0)
        put_secret_file(page, "key-placesd", topology->keys, "placesd");
    for (size_t i = 0; i < topology->places_count; i++) {
        if (topology->places[i].key_file[0] == '\0')
            continue;
        containers_put(page->yaml, "  provider-%zu:\n    file: ", i + 1);
        put_text(page, topology->places[i].key_file);
        containers_put(page->yaml, "\n");
    }
}

static bool has_secrets(const struct topology *topology)
{
    bool any = topology->keys[0] != '\0';
    for (size_t i = 0; i < topology->places_count; i++)
        any = any || topology->places[i].key_file[0] != '\0';
    return any;
}

static void put_volumes(const struct page *page)
{
    containers_put(page->yaml, "\nvolumes:\n");
    for (size_t i = 0; i < page->topology->node_count; i++) {
        char name[CONTAINERS_NAME_BYTES_MAX];
        containers_name_node(&page->topology->nodes[i], name);
        containers_put(page->yaml, "  \"%s\": {}\n", name);
    }
    for (size_t i = 0; i < page->topology->places_count; i++)
        containers_put(page->yaml, "  placesd-%zu: {}\n", i + 1);
}

void containers_write_compose(const struct containers *containers, struct buffer *yaml)
{
    const struct topology *topology = containers->topology;
    struct page page = {containers, topology, yaml};
    char name[CONTAINERS_NAME_BYTES_MAX];
    containers_name_herd(topology, name);
    containers_put_comment(yaml, "Written by `zherd export compose`, for Docker Compose 2.23.1 and "
                                 "newer; the herd's own file is:");
    containers_put_comment(yaml, containers->file);
    if (has_secrets(topology))
        containers_put(
            yaml, "# The files under `secrets` have to be root's and group %d's, with mode 0640.\n",
            CONTAINERS_USER);
    containers_put(yaml, "name: %s\n\nservices:\n", name);
    for (size_t i = 0; i < topology->node_count; i++)
        put_node(&page, &topology->nodes[i]);
    for (unsigned i = 0; i < topology->places_count; i++)
        put_places(&page, i + 1);
    containers_put(yaml, "\nconfigs:\n  herd:\n    content: |2\n");
    containers_put_file(yaml, containers, 6);
    if (has_secrets(topology)) {
        containers_put(yaml, "\nsecrets:\n");
        put_secret_files(&page);
    }
    put_volumes(&page);
}
