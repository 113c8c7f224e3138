/* A monitor's token in its file (topology/monitor.h). */
#include <string.h>

#include "topology/format/monitor_request.h"
#include "topology/monitor.h"
#include "topology/secrets.h"

bool monitor_token_read(const char *path, char bytes[MONITOR_TOKEN_FILE_BYTES_MAX],
                        struct span *token, struct fault *fault)
{
    struct secrets_file file = {.path = path,
                                .file_bytes_max = MONITOR_TOKEN_FILE_BYTES_MAX,
                                .no_such = "is no file of a token",
                                .bytes = bytes,
                                .bytes_max = MONITOR_TOKEN_FILE_BYTES_MAX};
    size_t count;
    if (!secrets_read_file(&file, &count, fault))
        return false;
    if (monitor_token_find((struct span){bytes, count}, token, fault))
        return true;
    explicit_bzero(bytes, MONITOR_TOKEN_FILE_BYTES_MAX);
    return false;
}
