#include "gateway/tell.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/wall.h"
#include "topology/status.h"

#define note(lines, kind, ...) logline_say((lines), wall_now_ns(), (kind), 0, __VA_ARGS__)

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

void tell_ready(void)
{
    write_status(STATUS_READY, "");
}

void tell_event(struct logline *lines, const char *peer, bool is_neighbour,
                const struct flood_event *event)
{
    switch (event->kind) {
    case FLOOD_LINK_UP:
        note(lines, "link", "%s up", peer);
        if (is_neighbour)
            write_status(STATUS_LINK_UP, peer);
        break;
    case FLOOD_LINK_DOWN:
        note(lines, "link", "%s down: %s", peer, event->reason);
        if (is_neighbour)
            write_status(STATUS_LINK_DOWN, peer);
        break;
    case FLOOD_LINK_REFUSED:
        note(lines, "link", "%s refused: %s", peer, event->reason);
        break;
    case FLOOD_LINK_UNANSWERED:
        note(lines, "link", "%s silent: %s", peer, event->reason);
        break;
    case FLOOD_LINK_MISREAD:
        note(lines, "fault", "%s is misread: %s", peer, event->reason);
        break;
    case FLOOD_DIGESTS_EQUAL:
        note(lines, "digest", "%s equal %016" PRIx64 " clients %" PRIu32, peer, event->digest,
             event->clients);
        break;
    case FLOOD_DIGESTS_DIFFER:
        note(lines, "digest", "%s differs %016" PRIx64 " there %016" PRIx64 " clients %" PRIu32,
             peer, event->digest, event->their_digest, event->clients);
        break;
    }
}

void tell_strangers(struct logline *lines, struct bus *bus)
{
    struct span id;
    struct buffer text = {0};
    while (bus_next_stranger(bus, &id)) {
        text.bytes = 0;
        buffer_append(&text, span_of("messages under the routing id "));
        buffer_append(&text, id);
        buffer_append(&text, span_of(" are dropped: it names no peer of this node"));
        logline_put(lines, wall_now_ns(), "fault", 0, (struct span){text.at, text.bytes});
    }
    buffer_free(&text);
}
