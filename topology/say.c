#include "topology/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "bus/base/printable.h"
#include "topology/journald.h"
#include "topology/writer.h"

static char prefix[256];
static bool is_journal;       /* standard error leads there: lines have a priority (sd-daemon(3)) */
static struct writer *writer; /* NULL: lines are written as they come */

void say_as(const char *program, const char *node)
{
    is_journal = journald_reads(STDERR_FILENO);
    snprintf(prefix, sizeof prefix, "%s%s%s%s: ", is_journal ? "<4>" : "", program,
             node != NULL ? " " : "", node != NULL ? node : "");
}

/* Returns its bytes, with the newline. */
static size_t form_line(char line[SAY_LINE_BYTES_MAX], const char *beginning, const char *text)
{
    int wanted = snprintf(line, SAY_LINE_BYTES_MAX, "%s%s", beginning, text);
    size_t bytes = wanted < SAY_LINE_BYTES_MAX ? (size_t)wanted : SAY_LINE_BYTES_MAX - 1;
    printable_make_line(line, bytes);
    line[bytes++] = '\n';
    return bytes;
}

static void write_all(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, count);
        if (written < 0 && errno != EINTR)
            return; /* there is no other place to report that */
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
}

static void work(void *unused, const struct writer_batch *batch)
{
    char text[64], line[SAY_LINE_BYTES_MAX];
    (void)unused;
    write_all(batch->bytes.data, batch->bytes.len);
    if (batch->dropped == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " bytes were lost here", batch->dropped);
    write_all(line, form_line(line, prefix, text));
}

void say_open(void)
{
    writer = writer_start(SAY_QUEUE_BYTES_MAX, work, NULL);
}

bool say_settle(int64_t wait_ms)
{
    return writer == NULL || writer_settle(writer, wait_ms);
}

bool say_has_priorities(void)
{
    return is_journal;
}

void say_lines(struct span lines)
{
    if (writer != NULL)
        writer_put(writer, lines, NULL);
    else
        write_all(lines.data, lines.len);
}

static void say_all(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void say_all(const char *format, va_list arguments)
{
    char text[SAY_LINE_BYTES_MAX], line[SAY_LINE_BYTES_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    say_lines((struct span){line, form_line(line, prefix, text)});
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_all(format, arguments);
    va_end(arguments);
}

bool say_failure(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_all(format, arguments);
    va_end(arguments);
    return false;
}

const char *say_where(const char *path, char text[SAY_WHERE_BYTES_MAX])
{
    char folder[PATH_MAX];
    text[0] = '\0';
    if (path[0] != '/' && getcwd(folder, sizeof folder) != NULL)
        snprintf(text, SAY_WHERE_BYTES_MAX, " (looked for in %s)", folder);
    return text;
}
