#include "gateway/node/status_log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "gateway/node/clock.h"
#include "topology/status.h"

/* "2026-07-29T12:34:56Z" */
#define TIME_BYTES 32

#define note(lines, kind, ...) logline_say((lines), clock_realtime_ns(), (kind), 0, __VA_ARGS__)

static void write_status(enum status_kind kind, const char *peer)
{
    struct status status = {.kind = kind};
    char line[STATUS_LINE_BYTES_MAX];
    snprintf(status.peer, sizeof status.peer, "%s", peer);
    size_t bytes = status_write(&status, line);
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0)
        (void)!write(STDOUT_FILENO, line, bytes);
}

void status_log_ready(void)
{
    write_status(STATUS_READY, "");
}

void status_log_event(struct logline *lines, const char *peer, bool is_neighbour,
                      const struct link_event *event)
{
    switch (event->kind) {
    case LINK_UP:
        note(lines, "link", "%s up", peer);
        if (is_neighbour)
            write_status(STATUS_LINK_UP, peer);
        break;
    case LINK_DOWN:
        note(lines, "link", "%s down: %s", peer, event->reason);
        if (is_neighbour)
            write_status(STATUS_LINK_DOWN, peer);
        break;
    case LINK_REFUSED:
        note(lines, "link", "%s refused: %s", peer, event->reason);
        break;
    case LINK_UNANSWERED:
        note(lines, "link", "%s silent: %s", peer, event->reason);
        break;
    case LINK_UNMET: /* nobody waits for an observer */
        if (is_neighbour)
            note(lines, "link", "%s silent: %s", peer, event->reason);
        break;
    case LINK_STUCK:
        note(lines, "fault", "link %s stuck: %s", peer, event->reason);
        break;
    case LINK_MISREAD:
        note(lines, "fault", "%s is misread: %s", peer, event->reason);
        break;
    case LINK_DIGESTS_EQUAL:
        note(lines, "digest", "%s equal %016" PRIx64 " clients %" PRIu32, peer, event->digest,
             event->clients);
        break;
    case LINK_DIGESTS_DIFFER:
        note(lines, "digest", "%s differs %016" PRIx64 " there %016" PRIx64 " clients %" PRIu32,
             peer, event->digest, event->their_digest, event->clients);
        break;
    }
}

/* A name in the log, and no more of it than a node's may have. */
static void append_name(struct buffer *text, struct span name)
{
    bool is_long = name.len > LOCATION_ORIGIN_BYTES_MAX;
    buffer_append(text, (struct span){name.data, is_long ? LOCATION_ORIGIN_BYTES_MAX : name.len});
    if (is_long)
        buffer_append(text, span_of("..."));
}

void status_log_stranger(struct logline *lines, struct span name, int64_t read_ns)
{
    char when[TIME_BYTES];
    time_t second = (time_t)(read_ns / 1000000000);
    struct tm parts;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&second, &parts));

    struct buffer text = {0};
    append_name(&text, name);
    buffer_append(&text, span_of(" is no neighbour in the file read at "));
    buffer_append(&text, span_of(when));
    buffer_append(&text, span_of(": what it says is dropped"));
    logline_put(lines, clock_realtime_ns(), "fault", 0, (struct span){text.data, text.len});
    buffer_free(&text);
}

void status_log_strangers(struct logline *lines, struct bus *bus, int64_t read_ns)
{
    struct span name;
    while (bus_next_stranger(bus, &name))
        status_log_stranger(lines, name, read_ns);
}
