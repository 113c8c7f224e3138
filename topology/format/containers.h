/* topology_containers: a herd as containers: what a topology file says inside of them, and the
 * manifests of Compose (https://compose-spec.io) and of Kubernetes (apps/v1, core v1) that run it.
 *
 * One container is one process of the herd, with addresses of its own, so all nodes have the same
 * ports. It knows neither images nor secrets: it names an image, and the files and the Secret that
 * whoever runs the manifest has to bring. It reads and writes no file: topology/cli/export.c does.
 *
 * Invariant: no manifest holds a secret. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CONTAINERS_H
#define ZHERD_TOPOLOGY_FORMAT_CONTAINERS_H

#include <stdbool.h>

#include "bus/base/bytes.h"
#include "topology/format/faults.h"
#include "topology/format/topology.h"

/* Of each container; the file's own ports are where Compose publishes the clients'. */
#define CONTAINERS_CLIENTS_PORT  11500
#define CONTAINERS_BUS_PORT      12500
#define CONTAINERS_GATEWAYS_PORT 13500
#define CONTAINERS_WORKERS_PORT  13501
#define CONTAINERS_MONITOR_PORT  9550
/* User and group of the image (topology/system/Containerfile). */
#define CONTAINERS_USER 10001

#define CONTAINERS_FILE    "/etc/zherd/herd.zpl"
#define CONTAINERS_SECRETS "/run/secrets/zherd"
#define CONTAINERS_DATA    "/var/lib/zherd"
#define CONTAINERS_LOGS    "/var/log/zherd"

/* A name of DNS (RFC 1123) and its NUL: a node's, or the herd's with room for what Kubernetes puts
 * behind that of a StatefulSet. */
#define CONTAINERS_NAME_BYTES_MAX (TOPOLOGY_NAME_BYTES_MAX + 1)

enum containers_kind { CONTAINERS_COMPOSE, CONTAINERS_KUBERNETES };

/* A herd and the words around it. */
struct containers {
    enum containers_kind kind;
    const struct topology *topology; /* of the operator's own file */
    struct span text;                /* what the file says in the containers */
    const char *file;                /* as the operator named it, for comments */
    const char *version;             /* of the image */
};

/* Turns the text of the topology's file into the one for the containers: everything is bound on
 * all addresses of its container and reached at that one's name, secrets are in CONTAINERS_SECRETS,
 * and observers are left out. Or adds a fault for everything that containers cannot have. The lines
 * of `topology` are those of `text`. */
void containers_adapt(enum containers_kind kind, const struct topology *topology,
                      struct buffer *text, struct topology_faults *faults);

/* Appends the manifest as YAML 1.2 that is YAML 1.1, too. Everything that is not a constant stands
 * in double quotes, but for the text of the file. */
void containers_write(const struct containers *containers, struct buffer *yaml);

/* ---- for the two kinds alone ---- */

void containers_write_compose(const struct containers *containers, struct buffer *yaml);
void containers_write_kubernetes(const struct containers *containers, struct buffer *yaml);

/* "zherd-fall2016": of what belongs to the whole herd. */
void containers_name_herd(const struct topology *topology, char name[CONTAINERS_NAME_BYTES_MAX]);
/* "alford": of a node's container under Compose. Two nodes may have the same. */
void containers_name_node(const struct topology_node *node, char name[CONTAINERS_NAME_BYTES_MAX]);

/* Appends as printf(3) does, and at most CONTAINERS_LINE_BYTES_MAX bytes: for all but paths. */
#define CONTAINERS_LINE_BYTES_MAX 1024
void containers_put(struct buffer *yaml, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends the text in double quotes, with what means something to YAML escaped, and each $ twice
 * for Compose, which replaces what looks like a variable. Bytes outside of printable ASCII become
 * '?'. */
void containers_put_quoted(struct buffer *yaml, enum containers_kind kind, const char *text);

/* Appends the lines of the file, each after that many blanks. */
void containers_put_file(struct buffer *yaml, const struct containers *containers, size_t blanks);

/* Appends a comment with the text, as far as it is printable. */
void containers_put_comment(struct buffer *yaml, const char *text);

/* How a node is started by sh(1): its name is $1. It logs to standard error, which the container's
 * keeper has. */
extern const char containers_start_node[];

/* Whether whoever keeps the container reaches the monitor: one with a token is bound on all
 * addresses, any other on the container's own loopback. */
bool containers_is_watched(const struct topology_monitor *monitor);

/* What bash(1) asks a node to learn whether it is ready: something about a client that nobody has.
 * The door of the clients opens before a node knows what its neighbours know, so that a connection
 * says nothing; until then such a question waits. */
extern const char containers_ask_node[];

#endif
