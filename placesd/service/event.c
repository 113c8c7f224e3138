#include "placesd/service/event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/base/packed.h"
#include "bus/base/timestamp.h"
#include "topology/say.h"

void event_log(const char *format, ...)
{
    char time[TIMESTAMP_BYTES_MAX + 1], text[EVENT_LINE_BYTES_MAX];
    struct timespec now;
    va_list arguments;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t bytes = timestamp_write(time, (int64_t)now.tv_sec * NANO + now.tv_nsec, 3);
    strcpy(time + bytes, " ");
    va_start(arguments, format);
    vsnprintf(text, sizeof text - bytes - 1, format, arguments);
    va_end(arguments);
    say_line(time, text);
}

void event_log_growth(struct growth *logged, uint64_t count, int64_t now_ms, const char *text)
{
    uint64_t more = growth_take_after(logged, count, EVENT_PAUSE_MS, now_ms);
    if (more > 1)
        event_log("%s (and %" PRIu64 " times before)", text, more - 1);
    else if (more > 0)
        event_log("%s", text);
}

void event_log_fault(struct event_fault *fault, int64_t now_ms, const char *text)
{
    event_log_growth(&fault->logged, ++fault->count, now_ms, text);
}
