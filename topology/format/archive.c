#include "topology/format/archive.h"

#include <stdio.h>
#include <string.h>

/* What is left of the path below the folder, or NULL. */
static const char *find_below(const char *folder, const char *path)
{
    size_t bytes = strlen(folder);
    if (bytes > 0 && folder[bytes - 1] == '/')
        bytes--; /* of "/" */
    return strncmp(folder, path, bytes) == 0 && path[bytes] == '/' ? path + bytes + 1 : NULL;
}

bool archive_name(const char *folder, const char *path, char name[ARCHIVE_NAME_BYTES_MAX])
{
    const char *below = find_below(folder, path);
    int bytes = 0;
    name[0] = '\0';
    if (path[0] != '/' || strcmp(path, folder) == 0)
        return false;
    if (below)
        bytes = snprintf(name, ARCHIVE_NAME_BYTES_MAX, "%s", below);
    else
        bytes = snprintf(name, ARCHIVE_NAME_BYTES_MAX, ARCHIVE_OUTSIDE "%s", path);
    if (bytes > 0 && (size_t)bytes < ARCHIVE_NAME_BYTES_MAX)
        return true;
    name[0] = '\0';
    return false;
}
