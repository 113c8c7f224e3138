/* secrets: files that only those can read for whom they are, and the key pairs of the herd in them:
 * a node's, or the places service's.
 *
 * A secret file of any kind is read by secrets_read_file, and nowhere else. A key pair's file is
 * NAME.secret in the herd's folder of keys, in the form that CZMQ's zcert(3) reads. It
 * says whose it is, so that one that was copied to the wrong name is found out at the start. Each
 * host needs only the files of what runs there. Secrets are never printed: errors name the file
 * only.
 *
 * Faults are one sentence. Invariant: no secret is taken from a file that others can
 * read or change. */
#ifndef ZHERD_TOPOLOGY_SECRETS_H
#define ZHERD_TOPOLOGY_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/fault.h"
#include "bus/net/auth.h"
#include "topology/format/topology.h"
#include "topology/say.h"

/* Whose key pair broker and workers of the places service share; no node may be called so. */
#define SECRETS_PLACES "placesd"

/* A file to be read, and where to. */
struct secrets_file {
    const char *path;
    size_t file_bytes_max; /* a longer file is no such file */
    const char *no_such;   /* what is said then, and of what is no regular file */
    char *bytes;           /* locked in memory from then on; wiping it is the caller's */
    size_t bytes_max;      /* of a longer file the first ones are read */
};

/* Reads the file; `*count` bytes. Its name, without folders, is looked for among the credentials
 * that a service manager hands over ($CREDENTIALS_DIRECTORY, systemd.exec(5)) before the path is.
 * False, with wiped bytes, where it cannot be read, is no such file, or can be read by others (mode
 * other than 0600 or 0400, or 0640 where it is root's and of the reader's group, which is not
 * root's), or belongs to neither root nor the user who reads it; `fault` says so, to stand after
 * the file's name. Of a credential the owner does not matter: only the service manager writes
 * there. From then on the process leaves no core file and cannot be traced. */
bool secrets_read_file(const struct secrets_file *file, size_t *count, struct fault *fault);

/* False where others than those who are meant can read the file or change it, which is not read;
 * `fault` says so, to stand after its name. True where there is none. */
bool secrets_are_private(const char *path, struct fault *fault);

/* Whether a credential takes the file's place: it stays as it was at the start of the process. */
bool secrets_is_credential(const char *path);
/* The same for the key pair of that name. */
bool secrets_pair_is_credential(const char *name);

/* Reads the key pair of that name. Refused are a file that secrets_read_file refuses, one of
 * another name, and a pair whose halves do not belong together. From then on the
 * process leaves no core file and cannot be traced. */
bool secrets_read(const char *folder, const char *name, struct auth_certificate *certificate,
                  struct fault *fault);

/* Whether there is a file of that name, readable or not. */
bool secrets_exist(const char *folder, const char *name);

/* Draws a key pair and writes it, mode 0600, beside the file it is for... */
bool secrets_draw(const char *folder, const char *name, struct auth_certificate *certificate,
                  struct fault *fault);
/* ...and puts it there, in place of what was there before. */
bool secrets_keep(const char *folder, const char *name, struct fault *fault);

/* What a process of the herd does at its start: its own key pair, which must be among the public
 * keys that the topology lists for it. */
bool secrets_find(const struct topology *topology, const char *name,
                  const struct keyring_keys *listed, struct auth_certificate *certificate,
                  struct fault *fault);

#endif
