#include "topology/format/containers.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/format/endpoints.h"
#include "topology/format/sections.h"

/* Of the herd's name in names: Kubernetes puts up to 11 bytes behind a StatefulSet's in a label of
 * 63, and we a "-placesd-8". */
#define HERD_BYTES_MAX 30
/* "tcp://NAME-1023.NAME:12500" */
#define ENDPOINT_BYTES_MAX (2 * CONTAINERS_NAME_BYTES_MAX + 32)
#define EVERYWHERE(port)   "tcp://*:" TEXT_OF(port)
#define TEXT_OF(number)    TEXT(number)
#define TEXT(word)         #word

const char containers_start_node[] =
    "ln -sf /dev/stderr \"" CONTAINERS_LOGS
    "/$1.log\"; exec zherd-gateway --topology " CONTAINERS_FILE
    " --node \"$1\" --log-dir " CONTAINERS_LOGS " --data-dir " CONTAINERS_DATA " --log events";

const char containers_ask_node[] = "exec 3<>/dev/tcp/127.0.0.1/" TEXT_OF(
    CONTAINERS_CLIENTS_PORT) "; echo 'WHATSAT - 1 0' >&3; read -r -t 2 reply <&3";

/* ---- names ---- */

static char dns_letter(char byte)
{
    return isalnum((unsigned char)byte) ? (char)tolower((unsigned char)byte) : '-';
}

void containers_name_herd(const struct topology *topology, char name[CONTAINERS_NAME_BYTES_MAX])
{
    size_t bytes = (size_t)snprintf(name, CONTAINERS_NAME_BYTES_MAX, "zherd-%.*s", HERD_BYTES_MAX,
                                    topology->herd);
    for (size_t i = 0; i < bytes; i++)
        name[i] = dns_letter(name[i]);
    while (name[bytes - 1] == '-')
        name[--bytes] = '\0';
}

/* A point of a node's name stays: it makes a name of two labels. */
void containers_name_node(const struct topology_node *node, char name[CONTAINERS_NAME_BYTES_MAX])
{
    size_t bytes = strlen(node->name);
    for (size_t i = 0; i <= bytes; i++)
        name[i] = node->name[i] == '.' || node->name[i] == '\0' ? node->name[i]
                                                                : dns_letter(node->name[i]);
}

/* ---- what containers cannot have ---- */

static void refuse_places(const struct topology *topology, struct topology_faults *faults)
{
    for (size_t i = 0; i < topology->places_count; i++)
        if (topology->places[i].database[0] != '\0')
            topology_faults_add(faults, topology->places[i].line,
                                "`database` is a file of this machine, which no container has; "
                                "leave it out for the bundled places");
}

bool containers_is_watched(const struct topology_monitor *monitor)
{
    return monitor->token_file[0] != '\0';
}

/* A monitor that is bound on all addresses needs keys (topology/format/check_keys.c). */
static void refuse_token(enum containers_kind kind, const struct topology *topology,
                         const struct topology_monitor *monitor, struct topology_faults *faults)
{
    if (!containers_is_watched(monitor))
        return;
    if (kind == CONTAINERS_COMPOSE)
        topology_faults_add(faults, monitor->at.line,
                            "a monitor's token is for Kubernetes alone; write a `monitor` on "
                            "loopback, and leave `monitor_token_file` out");
    else if (topology->keys[0] == '\0')
        topology_faults_add(faults, monitor->at.line,
                            "a monitor with a token is reached over a network, and this herd has "
                            "no keys; run `zherd keygen` first, or leave `monitor_token_file` out");
}

static void refuse_tokens(enum containers_kind kind, const struct topology *topology,
                          struct topology_faults *faults)
{
    for (size_t i = 0; i < topology->node_count; i++)
        refuse_token(kind, topology, &topology->nodes[i].monitor, faults);
    for (size_t i = 0; i < topology->places_count; i++)
        refuse_token(kind, topology, &topology->places[i].monitor, faults);
}

static void refuse_tls(const struct topology *topology, struct topology_faults *faults)
{
    for (size_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].clients_tls.line > 0)
            topology_faults_add(faults, topology->nodes[i].clients_tls.line,
                                "certificates are files of this machine, which no container has; "
                                "leave `clients_tls` out");
}

/* Compose has the names of containers from the nodes'. */
static void refuse_name(const struct topology_node *node, struct topology_faults *faults)
{
    static const char places[] = "placesd";
    char name[CONTAINERS_NAME_BYTES_MAX], text[ENDPOINT_BYTES_MAX];
    struct topology_endpoint endpoint;
    containers_name_node(node, name);
    snprintf(text, sizeof text, "tcp://%s:%d", name, CONTAINERS_BUS_PORT);
    if (topology_endpoint_parse(text, &endpoint) != NULL ||
        !topology_host_is_reachable(endpoint.host))
        topology_faults_add(faults, node->line,
                            "nobody can connect to a container called %s; write another name",
                            name);
    /* No node begins so, but one may in capitals. */
    if (strncmp(name, places, strlen(places)) == 0)
        topology_faults_add(faults, node->line,
                            "a container would be called %s, and `placesd` is how those of places "
                            "begin; write another name",
                            name);
}

static void refuse_names(const struct topology *topology, struct topology_faults *faults)
{
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        char name[CONTAINERS_NAME_BYTES_MAX], other[CONTAINERS_NAME_BYTES_MAX];
        refuse_name(node, faults);
        containers_name_node(node, name);
        for (size_t j = 0; j < i; j++) {
            const struct topology_node *earlier = &topology->nodes[j];
            containers_name_node(earlier, other);
            if (strcmp(name, other) == 0)
                topology_faults_add(faults, node->line,
                                    "the containers of %s and %s would both be called %s; write "
                                    "another name",
                                    earlier->name, node->name, name);
            if (node->clients.port == earlier->clients.port)
                topology_faults_add(faults, node->clients.line,
                                    "port %u is published for %s already, and Compose has one "
                                    "machine for both; write another port",
                                    node->clients.port, earlier->name);
        }
    }
}

static void refuse(enum containers_kind kind, const struct topology *topology,
                   struct topology_faults *faults)
{
    if (topology->keys[0] == '\0' && !topology->insecure)
        topology_faults_add(faults, topology->herd_line,
                            "containers reach each other over a network, and this herd has no "
                            "keys; run `zherd keygen` first, or write `insecure = yes` in `herd`");
    refuse_places(topology, faults);
    refuse_tokens(kind, topology, faults);
    refuse_tls(topology, faults);
    if (kind == CONTAINERS_COMPOSE)
        refuse_names(topology, faults);
}

/* ---- the text of the file ---- */

/* A section of the file. */
struct part {
    uint32_t line;
    enum { PART_HERD, PART_NODE, PART_REMOVED, PART_PLACES } what;
    uint32_t number;
};

/* What is changed moves the lines below: the last section comes first. */
static int compare_parts(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    return a->line < b->line ? 1 : -(a->line > b->line);
}

static void adapt_monitor(const struct topology_monitor *monitor, uint32_t line,
                          struct buffer *text)
{
    if (!containers_is_watched(monitor))
        return;
    topology_sections_set(text, line, "monitor", EVERYWHERE(CONTAINERS_MONITOR_PORT));
    topology_sections_set(text, line, "monitor_token_file", CONTAINERS_SECRETS "/monitor.token");
}

static void adapt_node(enum containers_kind kind, const struct topology *topology,
                       const struct part *part, struct buffer *text)
{
    const struct topology_node *node = &topology->nodes[part->number];
    char name[CONTAINERS_NAME_BYTES_MAX], at[ENDPOINT_BYTES_MAX];
    if (kind == CONTAINERS_COMPOSE) {
        containers_name_node(node, name);
        snprintf(at, sizeof at, "tcp://%s:%d", name, CONTAINERS_BUS_PORT);
    } else {
        containers_name_herd(topology, name);
        snprintf(at, sizeof at, "tcp://%s-%u.%s:%d", name, part->number, name, CONTAINERS_BUS_PORT);
    }
    topology_sections_set(text, part->line, "clients", EVERYWHERE(CONTAINERS_CLIENTS_PORT));
    topology_sections_set(text, part->line, "bus", EVERYWHERE(CONTAINERS_BUS_PORT));
    topology_sections_set(text, part->line, "bus_at", at);
    adapt_monitor(&node->monitor, part->line, text);
}

static void adapt_places(enum containers_kind kind, const struct topology *topology,
                         const struct part *part, struct buffer *text)
{
    char herd[CONTAINERS_NAME_BYTES_MAX] = "", name[2 * CONTAINERS_NAME_BYTES_MAX];
    char value[ENDPOINT_BYTES_MAX];
    if (kind == CONTAINERS_KUBERNETES)
        containers_name_herd(topology, herd);
    snprintf(name, sizeof name, "%s%splacesd-%u", herd, herd[0] != '\0' ? "-" : "",
             part->number + 1);
    topology_sections_set(text, part->line, "gateways", EVERYWHERE(CONTAINERS_GATEWAYS_PORT));
    topology_sections_set(text, part->line, "workers", EVERYWHERE(CONTAINERS_WORKERS_PORT));
    snprintf(value, sizeof value, "tcp://%s:%d", name, CONTAINERS_GATEWAYS_PORT);
    topology_sections_set(text, part->line, "gateways_at", value);
    snprintf(value, sizeof value, "tcp://%s:%d", name, CONTAINERS_WORKERS_PORT);
    topology_sections_set(text, part->line, "workers_at", value);
    snprintf(value, sizeof value, CONTAINERS_SECRETS "/provider-%u.key", part->number + 1);
    if (topology->places[part->number].key_file[0] != '\0')
        topology_sections_set(text, part->line, "key_file", value);
    adapt_monitor(&topology->places[part->number].monitor, part->line, text);
}

static size_t list_parts(const struct topology *topology, struct part *parts)
{
    size_t count = 0;
    parts[count++] = (struct part){topology->herd_line, PART_HERD, 0};
    for (uint32_t i = 0; i < topology->node_count; i++)
        parts[count++] = (struct part){topology->nodes[i].line, PART_NODE, i};
    for (uint32_t i = 0; i < topology->observer_count; i++)
        parts[count++] = (struct part){topology->observers[i].self.line, PART_REMOVED, i};
    for (uint32_t i = 0; i < topology->web_count; i++)
        parts[count++] = (struct part){topology->webs[i].line, PART_REMOVED, i};
    for (uint32_t i = 0; i < topology->places_count; i++)
        parts[count++] = (struct part){topology->places[i].line, PART_PLACES, i};
    qsort(parts, count, sizeof *parts, compare_parts);
    return count;
}

void containers_adapt(enum containers_kind kind, const struct topology *topology,
                      struct buffer *text, struct topology_faults *faults)
{
    struct part parts[TOPOLOGY_NODES_MAX + TOPOLOGY_WEBS_MAX + TOPOLOGY_PLACES_MAX + 1];
    refuse(kind, topology, faults);
    if (faults->count > 0)
        return;
    size_t count = list_parts(topology, parts);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].what == PART_NODE)
            adapt_node(kind, topology, &parts[i], text);
        else if (parts[i].what == PART_PLACES)
            adapt_places(kind, topology, &parts[i], text);
        else if (parts[i].what == PART_REMOVED)
            topology_sections_remove(text, parts[i].line);
        else if (topology->keys[0] != '\0')
            topology_sections_set(text, parts[i].line, "keys", CONTAINERS_SECRETS);
    }
}

/* ---- YAML ---- */

void containers_put(struct buffer *yaml, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(buffer_reserve(yaml, CONTAINERS_LINE_BYTES_MAX),
                          CONTAINERS_LINE_BYTES_MAX, format, arguments);
    va_end(arguments);
    yaml->len += bytes < CONTAINERS_LINE_BYTES_MAX ? (size_t)bytes : CONTAINERS_LINE_BYTES_MAX - 1;
}

static char printable(char byte)
{
    if (byte == '\t')
        return ' ';
    return byte >= 0x20 && byte <= 0x7e ? byte : '?';
}

/* Compose replaces what follows a $, and takes two for one. */
static void put_byte(struct buffer *yaml, enum containers_kind kind, char byte)
{
    buffer_append(yaml, (struct span){&byte, 1});
    if (byte == '$' && kind == CONTAINERS_COMPOSE)
        buffer_append(yaml, (struct span){&byte, 1});
}

void containers_put_quoted(struct buffer *yaml, enum containers_kind kind, const char *text)
{
    buffer_append(yaml, span_of("\""));
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buffer_append(yaml, span_of("\\"));
        put_byte(yaml, kind, printable(*text));
    }
    buffer_append(yaml, span_of("\""));
}

void containers_put_comment(struct buffer *yaml, const char *text)
{
    buffer_append(yaml, span_of("# "));
    for (; *text; text++)
        put_byte(yaml, CONTAINERS_KUBERNETES, printable(*text));
    buffer_append(yaml, span_of("\n"));
}

/* Only comments have bytes that are not printable ASCII, and a line of blanks says nothing. */
void containers_put_file(struct buffer *yaml, const struct containers *containers, size_t blanks)
{
    struct span text = containers->text;
    while (text.len > 0) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t whole = newline ? (size_t)(newline - text.data) + 1 : text.len, bytes = whole;
        while (bytes > 0 && isspace((unsigned char)text.data[bytes - 1]))
            bytes--;
        if (bytes > 0)
            containers_put(yaml, "%*s", (int)blanks, "");
        for (size_t i = 0; i < bytes; i++)
            put_byte(yaml, containers->kind, printable(text.data[i]));
        buffer_append(yaml, span_of("\n"));
        text = (struct span){text.data + whole, text.len - whole};
    }
}

void containers_write(const struct containers *containers, struct buffer *yaml)
{
    if (containers->kind == CONTAINERS_COMPOSE)
        containers_write_compose(containers, yaml);
    else
        containers_write_kubernetes(containers, yaml);
}
