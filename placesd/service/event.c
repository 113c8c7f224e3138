#include "placesd/service/event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void event_log(const char *format, ...)
{
    char line[EVENT_LINE_BYTES_MAX];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t bytes = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &parts);
    bytes += (size_t)snprintf(line + bytes, sizeof line - bytes, ".%03ldZ ", now.tv_nsec / 1000000);

    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + bytes, sizeof line - bytes, format, arguments);
    va_end(arguments);
    size_t room = sizeof line - bytes - 1;
    bytes += wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room;
    line[bytes++] = '\n';
    /* A log that cannot be written has nobody to be told to. */
    ssize_t written = write(STDERR_FILENO, line, bytes);
    (void)written;
}

void event_log_fault(struct event_fault *fault, int64_t now_ms, const char *text)
{
    if (now_ms < fault->quiet_until_ms) {
        fault->untold++;
        return;
    }
    if (fault->untold > 0)
        event_log("%s (and %" PRIu64 " times before)", text, fault->untold);
    else
        event_log("%s", text);
    fault->quiet_until_ms = now_ms + EVENT_PAUSE_MS;
    fault->untold = 0;
}
