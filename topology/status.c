#include "topology/status.h"

#include <stdio.h>
#include <string.h>

static const char link_prefix[] = "link ";
static const char up_suffix[] = " up";
static const char down_suffix[] = " down";

size_t status_write(const struct status *status, char line[STATUS_LINE_BYTES_MAX])
{
    int bytes = 0;
    if (status->kind == STATUS_READY)
        bytes = snprintf(line, STATUS_LINE_BYTES_MAX, "ready\n");
    else
        bytes = snprintf(line, STATUS_LINE_BYTES_MAX, "%s%s%s\n", link_prefix, status->peer,
                         status->kind == STATUS_LINK_UP ? up_suffix : down_suffix);
    return (size_t)bytes;
}

static bool ends_with(const char *text, size_t bytes, const char *suffix)
{
    size_t suffix_bytes = strlen(suffix);
    return bytes >= suffix_bytes && memcmp(text + bytes - suffix_bytes, suffix, suffix_bytes) == 0;
}

bool status_read(const char *line, struct status *status)
{
    size_t bytes = strlen(line);
    *status = (struct status){.kind = STATUS_READY};
    if (strcmp(line, "ready") == 0)
        return true;
    if (strncmp(line, link_prefix, strlen(link_prefix)) != 0)
        return false;
    const char *peer = line + strlen(link_prefix);
    size_t peer_bytes = bytes - strlen(link_prefix);
    if (ends_with(peer, peer_bytes, up_suffix)) {
        status->kind = STATUS_LINK_UP;
        peer_bytes -= strlen(up_suffix);
    } else if (ends_with(peer, peer_bytes, down_suffix)) {
        status->kind = STATUS_LINK_DOWN;
        peer_bytes -= strlen(down_suffix);
    } else {
        return false;
    }
    if (peer_bytes == 0 || peer_bytes > STATUS_NAME_BYTES_MAX || memchr(peer, ' ', peer_bytes))
        return false;
    memcpy(status->peer, peer, peer_bytes);
    return true;
}

/* Keeps room for a closing NUL. */
static void keep(struct status_stream *stream, struct span piece)
{
    if (stream->is_too_long || piece.len >= sizeof stream->line - stream->bytes) {
        stream->is_too_long = true;
        return;
    }
    memcpy(stream->line + stream->bytes, piece.data, piece.len);
    stream->bytes += piece.len;
}

bool status_next(struct status_stream *stream, struct span *input, struct status *status)
{
    while (input->len > 0) {
        const char *newline = memchr(input->data, '\n', input->len);
        size_t bytes = newline ? (size_t)(newline - input->data) : input->len;
        keep(stream, (struct span){input->data, bytes});
        bytes += newline ? 1 : 0;
        *input = (struct span){input->data + bytes, input->len - bytes};
        if (!newline)
            continue;
        stream->line[stream->bytes] = '\0';
        bool is_whole = !stream->is_too_long && strlen(stream->line) == stream->bytes;
        stream->bytes = 0;
        stream->is_too_long = false;
        if (is_whole && status_read(stream->line, status))
            return true;
    }
    return false;
}
