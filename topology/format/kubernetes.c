#include <stdio.h>
#include <string.h>

#include "topology/format/containers.h"

/* "zherd-fall2016-placesd-8" */
#define ID_BYTES_MAX (CONTAINERS_NAME_BYTES_MAX + 16)

struct page {
    const struct containers *containers;
    const struct topology *topology;
    struct buffer *yaml;
    char herd[CONTAINERS_NAME_BYTES_MAX];
};

/* One StatefulSet with its Services and Pods: all nodes, or one places service. */
struct set {
    char name[ID_BYTES_MAX];
    char component[16];
    unsigned places; /* from 1, or 0 for the nodes */
    size_t replicas;
};

static void put_text(const struct page *page, const char *text)
{
    containers_put_quoted(page->yaml, CONTAINERS_KUBERNETES, text);
}

/* The same words select Pods and stand on them. */
static void put_labels(const struct page *page, const struct set *set, const char *blanks)
{
    containers_put(page->yaml,
                   "%sapp.kubernetes.io/name: zherd\n"
                   "%sapp.kubernetes.io/instance: %s\n"
                   "%sapp.kubernetes.io/component: %s\n",
                   blanks, blanks, page->herd, blanks, set->component);
}

static void put_head(const struct page *page, const char *version, const char *kind,
                     const char *name)
{
    containers_put(page->yaml, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", version,
                   kind, name);
}

static void put_file(const struct page *page)
{
    put_head(page, "v1", "ConfigMap", page->herd);
    containers_put(page->yaml, "data:\n  herd.zpl: |2\n");
    containers_put_file(page->yaml, page->containers, 4);
}

static void put_port(const struct page *page, const char *name, int port)
{
    containers_put(page->yaml, "    - {name: %s, port: %d, targetPort: %s}\n", name, port, name);
}

/* Gives each Pod a name before it is ready: nodes have to find each other to become so. */
static void put_headless(const struct page *page, const struct set *set)
{
    put_head(page, "v1", "Service", set->name);
    containers_put(page->yaml, "spec:\n  clusterIP: None\n  publishNotReadyAddresses: true\n"
                               "  selector:\n");
    put_labels(page, set, "    ");
    containers_put(page->yaml, "  ports:\n");
    if (set->places > 0) {
        put_port(page, "gateways", CONTAINERS_GATEWAYS_PORT);
        put_port(page, "workers", CONTAINERS_WORKERS_PORT);
    } else {
        put_port(page, "bus", CONTAINERS_BUS_PORT);
    }
}

/* Of those nodes that are ready. */
static void put_door(const struct page *page, const struct set *set)
{
    char name[ID_BYTES_MAX];
    snprintf(name, sizeof name, "%s-clients", page->herd);
    put_head(page, "v1", "Service", name);
    containers_put(page->yaml, "spec:\n  selector:\n");
    put_labels(page, set, "    ");
    containers_put(page->yaml, "  ports:\n");
    put_port(page, "clients", CONTAINERS_CLIENTS_PORT);
}

/* Pods of one set are alike: all of them are watched, or it is nobody's page that is asked for. */
static bool is_watched(const struct page *page, const struct set *set)
{
    const struct topology *topology = page->topology;
    if (set->places > 0)
        return containers_is_watched(&topology->places[set->places - 1].monitor);
    for (size_t i = 0; i < topology->node_count; i++)
        if (!containers_is_watched(&topology->nodes[i].monitor))
            return false;
    return true;
}

static void put_monitor_port(const struct page *page, const struct set *set)
{
    if (is_watched(page, set))
        containers_put(page->yaml, "            - {name: monitor, containerPort: %d}\n",
                       CONTAINERS_MONITOR_PORT);
}

/* /readyz wants no token. */
static bool put_ready_page(const struct page *page, const struct set *set)
{
    if (is_watched(page, set))
        containers_put(page->yaml, "            httpGet: {path: /readyz, port: monitor}\n");
    return is_watched(page, set);
}

/* The Pod's number says which node it is. */
static void put_node_command(const struct page *page, const struct set *set)
{
    static const char pick[] = "shift \"${POD_NAME##*-}\"; ";
    struct buffer script = {0};
    buffer_append(&script, span_of(pick));
    buffer_append(&script, (struct span){containers_start_node, strlen(containers_start_node) + 1});
    containers_put(page->yaml,
                   "          command:\n            - sh\n            - -c\n            - ");
    put_text(page, script.data);
    buffer_free(&script);
    containers_put(page->yaml, "\n            - node\n");
    for (size_t i = 0; i < page->topology->node_count; i++)
        containers_put(page->yaml, "            - \"%s\"\n", page->topology->nodes[i].name);
    containers_put(page->yaml, "          env:\n"
                               "            - name: POD_NAME\n"
                               "              valueFrom: {fieldRef: {fieldPath: metadata.name}}\n"
                               "          ports:\n");
    containers_put(page->yaml,
                   "            - {name: clients, containerPort: %d}\n"
                   "            - {name: bus, containerPort: %d}\n",
                   CONTAINERS_CLIENTS_PORT, CONTAINERS_BUS_PORT);
    put_monitor_port(page, set);
    containers_put(page->yaml, "          readinessProbe:\n");
    if (put_ready_page(page, set))
        return;
    containers_put(page->yaml, "            exec:\n"
                               "              command: [bash, -c, ");
    put_text(page, containers_ask_node);
    containers_put(page->yaml, "]\n");
}

static void put_places_command(const struct page *page, const struct set *set)
{
    containers_put(page->yaml,
                   "          command: [placesd, --topology, " CONTAINERS_FILE
                   ", --places, \"%u\", --data-dir, " CONTAINERS_DATA "]\n"
                   "          ports:\n"
                   "            - {name: gateways, containerPort: %d}\n"
                   "            - {name: workers, containerPort: %d}\n",
                   set->places, CONTAINERS_GATEWAYS_PORT, CONTAINERS_WORKERS_PORT);
    put_monitor_port(page, set);
    containers_put(page->yaml, "          readinessProbe:\n");
    if (!put_ready_page(page, set))
        containers_put(page->yaml, "            tcpSocket: {port: gateways}\n");
}

static bool has_provider_key(const struct page *page, const struct set *set)
{
    return set->places > 0 && page->topology->places[set->places - 1].key_file[0] != '\0';
}

static bool has_secrets(const struct page *page, const struct set *set)
{
    return page->topology->keys[0] != '\0' || has_provider_key(page, set);
}

static void put_mounts(const struct page *page, const struct set *set)
{
    containers_put(page->yaml, "          volumeMounts:\n"
                               "            - {name: file, mountPath: /etc/zherd, readOnly: true}\n"
                               "            - {name: data, mountPath: " CONTAINERS_DATA "}\n"
                               "            - {name: tmp, mountPath: /tmp}\n");
    if (set->places == 0)
        containers_put(page->yaml, "            - {name: log, mountPath: " CONTAINERS_LOGS "}\n");
    if (!has_secrets(page, set))
        return;
    containers_put(page->yaml, "            - name: secrets\n"
                               "              mountPath: " CONTAINERS_SECRETS "\n"
                               "              readOnly: true\n");
    /* No node sees another one's key. */
    if (set->places == 0)
        containers_put(page->yaml, "              subPathExpr: $(POD_NAME)\n");
}

static void put_secret_items(const struct page *page, const struct set *set)
{
    const struct topology *topology = page->topology;
    for (size_t i = 0; i < topology->node_count && set->places == 0; i++) {
        const struct topology_node *node = &topology->nodes[i];
        containers_put(page->yaml,
                       "              - {key: \"%s.secret\", path: \"%s-%zu/%s.secret\"}\n",
                       node->name, set->name, i, node->name);
        if (containers_is_watched(&node->monitor))
            containers_put(page->yaml,
                           "              - {key: \"%s.token\", path: \"%s-%zu/monitor.token\"}\n",
                           node->name, set->name, i);
    }
    if (set->places > 0 && is_watched(page, set))
        containers_put(page->yaml, "              - {key: placesd-%u.token, path: monitor.token}\n",
                       set->places);
    if (set->places > 0 && topology->keys[0] != '\0')
        containers_put(page->yaml, "              - {key: placesd.secret, path: placesd.secret}\n");
    if (has_provider_key(page, set))
        containers_put(page->yaml,
                       "              - {key: provider-%u.key, path: provider-%u.key}\n",
                       set->places, set->places);
}

static void put_volumes(const struct page *page, const struct set *set)
{
    containers_put(page->yaml,
                   "      volumes:\n"
                   "        - {name: file, configMap: {name: %s}}\n"
                   "        - {name: tmp, emptyDir: {}}\n"
                   "%s",
                   page->herd, set->places == 0 ? "        - {name: log, emptyDir: {}}\n" : "");
    if (has_secrets(page, set)) {
        containers_put(page->yaml,
                       "        - name: secrets\n"
                       "          secret:\n"
                       "            secretName: %s\n"
                       "            defaultMode: 288 # 0440\n"
                       "            items:\n",
                       page->herd);
        put_secret_items(page, set);
    }
    containers_put(page->yaml, "  volumeClaimTemplates:\n"
                               "    - metadata: {name: data}\n"
                               "      spec:\n"
                               "        accessModes: [ReadWriteOnce]\n"
                               "        resources: {requests: {storage: 1Gi}}\n");
}

/* Secrets belong to root and to the group that the Pod runs as. */
static void put_pods(const struct page *page, const struct set *set)
{
    containers_put(page->yaml,
                   "    spec:\n"
                   "      automountServiceAccountToken: false\n"
                   "      securityContext:\n"
                   "        runAsNonRoot: true\n"
                   "        runAsUser: %d\n"
                   "        runAsGroup: %d\n"
                   "        fsGroup: %d\n"
                   "        seccompProfile: {type: RuntimeDefault}\n",
                   CONTAINERS_USER, CONTAINERS_USER, CONTAINERS_USER);
    containers_put(page->yaml,
                   "      containers:\n"
                   "        - name: %s\n"
                   "          image: \"zherd:%s\"\n"
                   "          securityContext:\n"
                   "            allowPrivilegeEscalation: false\n"
                   "            readOnlyRootFilesystem: true\n"
                   "            capabilities: {drop: [ALL]}\n",
                   set->places > 0 ? "placesd" : "node", page->containers->version);
    if (set->places > 0)
        put_places_command(page, set);
    else
        put_node_command(page, set);
    containers_put(page->yaml, "            periodSeconds: 5\n            timeoutSeconds: 3\n");
    put_mounts(page, set);
    put_volumes(page, set);
}

static void put_set(const struct page *page, const struct set *set)
{
    put_headless(page, set);
    if (set->places == 0)
        put_door(page, set);
    put_head(page, "apps/v1", "StatefulSet", set->name);
    containers_put(page->yaml,
                   "spec:\n"
                   "  serviceName: %s\n"
                   "  replicas: %zu\n"
                   "  podManagementPolicy: Parallel\n"
                   "  selector:\n"
                   "    matchLabels:\n",
                   set->name, set->replicas);
    put_labels(page, set, "      ");
    containers_put(page->yaml, "  template:\n    metadata:\n      labels:\n");
    put_labels(page, set, "        ");
    put_pods(page, set);
}

/* A path as one word of a shell. */
static void put_word(struct buffer *line, const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    bool is_plain = path[strspn(path, plain)] == '\0';
    buffer_append(line, span_of(is_plain ? "" : "'"));
    for (; *path; path++)
        buffer_append(line, *path == '\'' ? span_of("'\\''") : (struct span){path, 1});
    buffer_append(line, span_of(is_plain ? "" : "'"));
}

/* What makes the Secret, to be pasted without the number signs. */
static void put_secret_command(const struct page *page)
{
    const struct topology *topology = page->topology;
    struct buffer line = {0};
    bool any = topology->keys[0] != '\0';
    containers_put(&line, "kubectl create secret generic %s", page->herd);
    for (size_t i = 0; i < topology->node_count && any; i++)
        containers_put(&line, " --from-file=%s.secret", topology->nodes[i].name);
    if (topology->places_count > 0 && any)
        containers_put(&line, " --from-file=placesd.secret");
    for (size_t i = 0; i < topology->node_count; i++) {
        if (!containers_is_watched(&topology->nodes[i].monitor))
            continue;
        containers_put(&line, " --from-file=%s.token=", topology->nodes[i].name);
        put_word(&line, topology->nodes[i].monitor.token_file);
    }
    for (size_t i = 0; i < topology->places_count; i++) {
        const struct topology_places *places = &topology->places[i];
        any |= places->key_file[0] != '\0';
        if (places->key_file[0] != '\0') {
            containers_put(&line, " --from-file=provider-%zu.key=", i + 1);
            put_word(&line, places->key_file);
        }
        if (containers_is_watched(&places->monitor)) {
            containers_put(&line, " --from-file=placesd-%zu.token=", i + 1);
            put_word(&line, places->monitor.token_file);
        }
    }
    buffer_append(&line, (struct span){"", 1});
    if (any) {
        containers_put_comment(page->yaml, "It needs a Secret, made in the folder of the keys by:");
        containers_put_comment(page->yaml, line.data);
    }
    buffer_free(&line);
}

void containers_write_kubernetes(const struct containers *containers, struct buffer *yaml)
{
    const struct topology *topology = containers->topology;
    struct page page = {.containers = containers, .topology = topology, .yaml = yaml};
    struct set nodes = {.component = "node", .replicas = topology->node_count};
    containers_name_herd(topology, page.herd);
    snprintf(nodes.name, sizeof nodes.name, "%s", page.herd);
    containers_put_comment(yaml, "Written by `zherd export k8s`; the herd's own file is:");
    containers_put_comment(yaml, containers->file);
    put_secret_command(&page);
    put_file(&page);
    put_set(&page, &nodes);
    for (unsigned i = 1; i <= topology->places_count; i++) {
        struct set places = {.places = i, .replicas = 1};
        snprintf(places.name, sizeof places.name, "%s-placesd-%u", page.herd, i);
        snprintf(places.component, sizeof places.component, "placesd-%u", i);
        put_set(&page, &places);
    }
}
