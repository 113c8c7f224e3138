#include "placesd/service/event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "topology/program_log.h"

void event_log(const char *kind, const char *format, ...)
{
    char text[EVENT_LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    program_log_put(kind, text);
}

void event_log_growth(struct growth *logged, uint64_t count, int64_t now_ms, const char *text)
{
    uint64_t more = growth_take_after(logged, count, EVENT_PAUSE_MS, now_ms);
    if (more > 1)
        event_log("fault", "%s (and %" PRIu64 " times before)", text, more - 1);
    else if (more > 0)
        event_log("fault", "%s", text);
}

void event_log_fault(struct event_fault *fault, int64_t now_ms, const char *text)
{
    event_log_growth(&fault->logged, ++fault->count, now_ms, text);
}
