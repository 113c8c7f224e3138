/* zherd: the operator's command. One file per subcommand: backup.c (and backup_journal.c), check.c
 * (and check_strict.c, check_web.c), draw.c, export.c, forget.c, journal.c (and journal_repair.c),
 * keygen.c, restore.c, schema.c, status.c, tap.c, token.c, top.c, up.c.
 *
 * Each takes its name and the words after it, and returns the exit status: 0, or 1 after one clear
 * line (or a line per fault) on standard error, or that of topology/usage.h; status.c has its own.
 */
#ifndef ZHERD_TOPOLOGY_CLI_ZHERD_H
#define ZHERD_TOPOLOGY_CLI_ZHERD_H

#include <stdbool.h>

#include "topology/format/topology.h"

/* A herd's files on this host as one archive, beside its running nodes; and a folder made of it. */
int backup_main(int count, char **words);
int restore_main(int count, char **words);

/* Whether a topology file is good, and what must not fail in its herd. */
int check_main(int count, char **words);
/* A line on standard error for each weak spot of the herd in that file; false where there is one.
 */
bool check_strict(const char *path, const struct topology *topology);
/* The same of what lies on this host for each `web` of the herd; `rules` is NULL without any. */
struct access;
bool check_webs(const struct topology *topology, const struct access *rules);

/* The herd as a picture of text, or for graphviz. */
int draw_main(int count, char **words);

/* The herd as a manifest of Compose or Kubernetes. */
int export_main(int count, char **words);

/* As an operator has the herd forget clients, or counts them. */
int forget_main(int count, char **words);
/* What a journal says (bus/JOURNAL.md): block by block, or as AT lines; and the repair of one. */
int journal_main(int count, char **words);
int journal_repair(const char *path);

/* Key pairs for all that have none, or a new one for one node: secrets into a folder, public keys
 * into the topology file. */
int keygen_main(int count, char **words);

/* Every key that a topology file may have. */
int schema_main(int count, char **words);

/* Listens to a node as an observer: its updates as they happen, or its links once. */
int tap_main(int count, char **words);

/* How all nodes are and their links: once as text or JSON, and as a view that goes on. */
int status_main(int count, char **words);
int top_main(int count, char **words);

/* A new token for a person of the access rules. */
int token_main(int count, char **words);

/* Starts the whole herd on this machine and keeps it running until a signal ends it. */
int up_main(int count, char **words);

#endif
