/* secrets: the key pair of a node, or of the places service, in a file that only its owner can
 * read.
 *
 * The file is NAME.secret in the herd's folder of keys, in the form that CZMQ's zcert(3) reads. It
 * says whose it is, so that one that was copied to the wrong name is found out at the start. Each
 * host needs only the files of what runs there. Secrets are never printed.
 *
 * Errors are one sentence in `error`. */
#ifndef ZHERD_TOPOLOGY_SECRETS_H
#define ZHERD_TOPOLOGY_SECRETS_H

#include <stdbool.h>

#include "bus/net/auth.h"
#include "topology/format/topology.h"

#define SECRETS_ERROR_BYTES_MAX 1536
/* Whose key pair broker and workers of the places service share; no node may be called so. */
#define SECRETS_PLACES "placesd"

/* Reads the key pair of that name. Refused are a file that others can read (mode other than 0600
 * or 0400), one of another name, and a pair whose halves do not belong together. From then on the
 * process leaves no core file and cannot be traced. */
bool secrets_read(const char *folder, const char *name, struct auth_certificate *certificate,
                  char error[SECRETS_ERROR_BYTES_MAX]);

/* Whether there is a file of that name, readable or not. */
bool secrets_exist(const char *folder, const char *name);

/* Draws a key pair and writes it, mode 0600, beside the file it is for... */
bool secrets_draw(const char *folder, const char *name, struct auth_certificate *certificate,
                  char error[SECRETS_ERROR_BYTES_MAX]);
/* ...and puts it there, in place of what was there before. */
bool secrets_keep(const char *folder, const char *name, char error[SECRETS_ERROR_BYTES_MAX]);

/* What a process of the herd does at its start: its own key pair, which must be among the public
 * keys that the topology lists for it. */
bool secrets_find(const struct topology *topology, const char *name,
                  const struct keyring_keys *listed, struct auth_certificate *certificate,
                  char error[SECRETS_ERROR_BYTES_MAX]);

#endif
