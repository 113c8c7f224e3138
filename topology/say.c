#include "topology/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

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

/* Also those of ISO 6429 that UTF-8 writes as C2 80 to C2 9F, or that stand alone. */
static bool is_control(unsigned char before, unsigned char byte)
{
    bool is_upper = byte >= 0x80 && byte <= 0x9f && (before < 0x80 || before == 0xc2);
    return byte < 0x20 || byte == 0x7f || is_upper;
}

/* Returns its bytes, with the newline. */
static size_t form_line(char line[SAY_LINE_BYTES_MAX], const char *beginning, const char *text)
{
    int wanted = snprintf(line, SAY_LINE_BYTES_MAX, "%s%s", beginning, text);
    size_t bytes = wanted < SAY_LINE_BYTES_MAX ? (size_t)wanted : SAY_LINE_BYTES_MAX - 1;
    for (size_t i = 0; i < bytes; i++)
        if (is_control(i > 0 ? (unsigned char)line[i - 1] : 0, (unsigned char)line[i]))
            line[i] = '?';
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

static void put_line(const char *beginning, const char *text)
{
    char line[SAY_LINE_BYTES_MAX];
    size_t bytes = form_line(line, beginning, text);
    if (writer != NULL)
        writer_put(writer, (struct span){line, bytes}, NULL);
    else
        write_all(line, bytes);
}

void say_line(const char *beginning, const char *text)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s%s", is_journal ? "<6>" : "", beginning);
    put_line(whole, text);
}

static void say_all(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void say_all(const char *format, va_list arguments)
{
    char text[SAY_LINE_BYTES_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    put_line(prefix, text);
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
