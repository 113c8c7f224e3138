#include "topology/program_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus/base/packed.h"
#include "bus/base/printable.h"
#include "bus/base/timestamp.h"
#include "topology/log.h"
#include "topology/say.h"

#define SECOND_NS NANO

/* Under the lock. */
static struct {
    bool is_open;
    struct log *log; /* NULL: standard error */
    struct logline lines;
    int64_t looked_ns; /* when the file was last looked for under its name */
} own;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t realtime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NANO + now.tv_nsec;
}

bool program_log_open(const struct settings *said, struct fault *fault)
{
    const struct log_options options = {
        .file = settings_log_file(said),
        .bytes_max = settings_value(said, SETTING_LOG_MAX_BYTES, LOG_BYTES_MAX_DEFAULT),
        .format = (enum logline_format)settings_value(said, SETTING_LOG_FORMAT, LOGLINE_TEXT)};
    own.lines.format = options.format;
    own.lines.level_min = (enum logline_level)settings_value(said, SETTING_LOG_LEVEL, LOGLINE_INFO);
    own.lines.has_priorities = say_has_priorities();
    if (options.file != NULL) {
        own.log = log_open(&options, fault);
        own.lines.has_priorities = own.log != NULL && log_has_priorities(own.log);
    }
    own.is_open = options.file == NULL || own.log != NULL;
    return own.is_open;
}

/* As text there is neither kind nor connection, as there never was. */
static void put_text(const struct logline_event *event, int64_t now_ns, const char *text)
{
    char time[TIMESTAMP_BYTES_MAX + 1];
    size_t bytes = timestamp_write(time, now_ns, 3);
    time[bytes++] = ' ';
    struct buffer *lines = &own.lines.lines;
    logline_priority(&own.lines, event->level);
    buffer_append(lines, (struct span){time, bytes});
    size_t begins_at = lines->len;
    buffer_append(lines, span_of(text));
    printable_make_line(lines->data + begins_at, lines->len - begins_at);
    buffer_append(lines, span_of("\n"));
}

/* Somebody may have moved the file since. */
static void write_out(int64_t now_ns)
{
    struct buffer *lines = &own.lines.lines;
    if (own.log == NULL) {
        say_lines((struct span){lines->data, lines->len});
        lines->len = 0;
        return;
    }
    if (now_ns - own.looked_ns >= SECOND_NS || now_ns < own.looked_ns) {
        log_look(own.log);
        own.looked_ns = now_ns;
    }
    log_write(own.log, lines);
}

void program_log_put(const char *kind, const char *text)
{
    int64_t now_ns = realtime_ns();
    const struct logline_event event = {logline_level_of(kind), kind, 0, NULL};
    if (!own.is_open) {
        say("%s", text);
        return;
    }
    pthread_mutex_lock(&lock);
    if (own.lines.format != LOGLINE_TEXT)
        logline_note(&own.lines, now_ns, &event, span_of(text));
    else if (event.level >= own.lines.level_min)
        put_text(&event, now_ns, text);
    if (own.lines.lines.len > 0)
        write_out(now_ns);
    pthread_mutex_unlock(&lock);
}

bool program_log_is_output(void)
{
    return own.log != NULL && log_is_output(own.log);
}

void program_log_reopen(void)
{
    pthread_mutex_lock(&lock);
    if (own.log != NULL)
        log_reopen(own.log);
    pthread_mutex_unlock(&lock);
}

void program_log_close(int64_t wait_ms)
{
    pthread_mutex_lock(&lock);
    own.is_open = false;
    log_close(&own.log, wait_ms);
    logline_free(&own.lines);
    pthread_mutex_unlock(&lock);
}
