#include "topology/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static char prefix[256];

void say_as(const char *program, const char *node)
{
    snprintf(prefix, sizeof prefix, "%s%s%s: ", program, node != NULL ? " " : "",
             node != NULL ? node : "");
}

void say(const char *format, ...)
{
    char line[SAY_LINE_BYTES_MAX];
    size_t bytes = (size_t)snprintf(line, sizeof line, "%s", prefix);
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + bytes, sizeof line - bytes, format, arguments);
    va_end(arguments);
    size_t room = sizeof line - bytes - 1;
    bytes += wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room;
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[bytes++] = '\n';
    /* If it cannot be written, there is nobody to be told. */
    (void)!write(STDERR_FILENO, line, bytes);
}

const char *say_where(const char *path, char text[SAY_WHERE_BYTES_MAX])
{
    char folder[PATH_MAX];
    text[0] = '\0';
    if (path[0] != '/' && getcwd(folder, sizeof folder) != NULL)
        snprintf(text, SAY_WHERE_BYTES_MAX, " (looked for in %s)", folder);
    return text;
}
