/* secrets: files that only their owner can read, and the key pairs of the herd in them: a node's,
 * or the places service's.
 *
 * A secret file of any kind is read by secrets_read_file, and nowhere else. A key pair's file is
 * NAME.secret in the herd's folder of keys, in the form that CZMQ's zcert(3) reads. It
 * says whose it is, so that one that was copied to the wrong name is found out at the start. Each
 * host needs only the files of what runs there. Secrets are never printed: errors name the file
 * only.
 *
 * Errors are one sentence in `error`. Invariant: no secret is taken from a file that others can
 * read. */
#ifndef ZHERD_TOPOLOGY_SECRETS_H
#define ZHERD_TOPOLOGY_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/net/auth.h"
#include "topology/format/topology.h"
#include "topology/say.h"

/* Whose key pair broker and workers of the places service share; no node may be called so. */
#define SECRETS_PLACES "placesd"

/* The end of a sentence that begins with the file's name. */
#define SECRETS_WHY_BYTES_MAX (128 + SAY_WHERE_BYTES_MAX)
/* A path, and why. */
#define SECRETS_ERROR_BYTES_MAX                                                                    \
    (TOPOLOGY_PATH_BYTES_MAX + TOPOLOGY_NAME_BYTES_MAX + 64 + SECRETS_WHY_BYTES_MAX)

/* A file to be read, and where to. */
struct secrets_file {
    const char *path;
    size_t file_bytes_max; /* a longer file is no such file */
    const char *no_such;   /* what is said then, and of what is no regular file */
    char *bytes;           /* locked in memory from then on; wiping it is the caller's */
    size_t bytes_max;      /* of a longer file the first ones are read */
};

/* Reads the file; `*count` bytes. A name without a slash is looked for among the credentials that a
 * service manager hands over ($CREDENTIALS_DIRECTORY, systemd.exec(5)) before it is a path. False,
 * with wiped bytes, where it cannot be read, is no such file, or can be read by others (mode other
 * than 0600 or 0400); `why` says so. From then on the process leaves no core file and cannot be
 * traced. */
bool secrets_read_file(const struct secrets_file *file, size_t *count,
                       char why[SECRETS_WHY_BYTES_MAX]);

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
