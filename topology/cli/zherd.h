/* zherd: the operator's command. One file per subcommand: check.c, draw.c, keygen.c, tap.c, up.c.
 *
 * Each takes its name and the words behind it, and returns the exit status: 0, or 1 after one clear
 * line (or a line per fault) on standard error, or that of topology/usage.h. */
#ifndef ZHERD_TOPOLOGY_CLI_ZHERD_H
#define ZHERD_TOPOLOGY_CLI_ZHERD_H

/* Whether a topology file is good, and what must not fail in its herd. */
int check_main(int count, char **words);

/* The herd as a picture of text, or for graphviz. */
int draw_main(int count, char **words);

/* Key pairs for whoever has none, or a new one for one node: secrets into a folder, public keys
 * into the topology file. */
int keygen_main(int count, char **words);

/* Listens to a node as an observer: its updates as they happen, or its links once. */
int tap_main(int count, char **words);

/* Starts the whole herd on this machine and keeps it running until a signal ends it. */
int up_main(int count, char **words);

#endif
