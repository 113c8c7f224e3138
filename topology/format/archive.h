/* archive: what the files of a herd are called in a backup of it.
 *
 * The topology file is ARCHIVE_TOPOLOGY there, whatever it was called, and what nodes keep is in
 * ARCHIVE_DATA, where `zherd up` looks for it. What stood below the folder of the topology file
 * keeps its place beside it, so relative paths of that file still lead there; all else stands by
 * its whole path below ARCHIVE_OUTSIDE. It opens no file.
 *
 * Invariant: a name is relative, and without "..". */
#ifndef ZHERD_TOPOLOGY_FORMAT_ARCHIVE_H
#define ZHERD_TOPOLOGY_FORMAT_ARCHIVE_H

#include <stdbool.h>

#define ARCHIVE_TOPOLOGY "herd.zpl"
#define ARCHIVE_DATA     ARCHIVE_TOPOLOGY ".data"
#define ARCHIVE_OUTSIDE  "outside"
/* With its NUL: the longest path of Linux, and what is put in front of it. */
#define ARCHIVE_NAME_BYTES_MAX (4096 + sizeof ARCHIVE_OUTSIDE)

/* The name of the file or folder at `path`. Both paths are whole and without links, "." and ".."
 * (realpath(3)); `folder` is that of the topology file. False, with an empty name, for the folder
 * itself and for a path that is not whole or too long. */
bool archive_name(const char *folder, const char *path, char name[ARCHIVE_NAME_BYTES_MAX]);

#endif
