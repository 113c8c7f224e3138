/* backup: what puts the parts of a herd into a folder that becomes an archive.
 *
 * All that can fail, but for backup_write, says why and returns false. Invariant: a copy has the
 * mode of what was copied, and its owner, too, where we are root, so that whoever could read that
 * can read it when it is restored. */
#ifndef ZHERD_TOPOLOGY_CLI_BACKUP_H
#define ZHERD_TOPOLOGY_CLI_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Makes the folder at `to`, whose parents are there, like the one at `from`; but its owner may
 * write there in any case. */
bool backup_folder(const char *from, const char *to);

/* Gives the open copy mode and owner of the original. `path` is for the message. */
bool backup_resemble(int copy, const struct stat *original, const char *path);

/* Writes all of it, or returns false with errno. */
bool backup_write(int file, const char *bytes, size_t count);

/* Copies a node's journal, which it may be writing meanwhile: what the copy holds was in the
 * journal at one moment. Into a folder that is made; a line on standard output says what it was. */
bool backup_journal(const char *from, const char *to, const char *name);

#endif
