#include "gateway/web/parse/relay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/web/parse/iamat_line.h"

struct relay {
    struct buffer stream; /* IAMATs without an answer, from `first` on */
    size_t first, sent;   /* sent: up to here they are written */
    uint64_t last;        /* the number of the last IAMAT in the stream */
    size_t unanswered;    /* how many are in the stream */
    uint64_t answered;    /* a number */
    bool is_open;
    struct buffer said; /* of an answer that is not whole yet */
    struct newest remembered;
    struct relay_figures figures;
};

/* ---- what is remembered ---- */

static void remember(struct relay *relay, struct span line)
{
    relay->figures.replaced += newest_put(&relay->remembered, line, 0);
}

static size_t stream_bytes(const struct relay *relay)
{
    return relay->stream.len - relay->first;
}

/* How many more clients and bytes there is room for: what is in the stream may have to be
 * remembered, too. */
static bool has_room(const struct relay *relay, size_t clients, size_t bytes)
{
    return clients <= RELAY_CLIENTS_MAX - relay->remembered.count - relay->unanswered &&
           bytes <= RELAY_BYTES_MAX - relay->remembered.bytes - stream_bytes(relay);
}

/* ---- the stream ---- */

/* What is answered is dropped once it is more than what is left, so that a byte moves once. */
static void compact(struct relay *relay)
{
    if (relay->first <= stream_bytes(relay))
        return;
    buffer_consume(&relay->stream, relay->first);
    relay->sent -= relay->first;
    relay->first = 0;
}

static bool fits_stream(const struct relay *relay, size_t bytes)
{
    return relay->is_open && bytes <= RELAY_STREAM_BYTES_MAX - stream_bytes(relay);
}

/* The newest remembered first: it waits least, and costs nothing to take. */
static void send_remembered(struct relay *relay)
{
    struct newest *remembered = &relay->remembered;
    while (remembered->count > 0) {
        struct span line = newest_line(remembered, remembered->count - 1);
        if (!fits_stream(relay, line.len))
            return;
        buffer_append(&relay->stream, line);
        relay->last++;
        relay->unanswered++;
        newest_forget(remembered, remembered->count - 1);
    }
}

bool relay_put(struct relay *relay, struct span lines, uint64_t *number)
{
    size_t count = iamat_line_count(lines);
    if (fits_stream(relay, lines.len) && has_room(relay, count, lines.len)) {
        buffer_append(&relay->stream, lines);
        relay->last += count;
        relay->unanswered += count;
        *number = relay->last;
        return true;
    }
    if (!has_room(relay, newest_count_unknown(&relay->remembered, lines), lines.len)) {
        relay->figures.turned_down++;
        return false;
    }
    while (lines.len > 0)
        remember(relay, iamat_line_take(&lines));
    *number = UINT64_MAX;
    return true;
}

uint64_t relay_answered(const struct relay *relay)
{
    return relay->answered;
}

void relay_open(struct relay *relay)
{
    relay->is_open = true;
}

void relay_close(struct relay *relay)
{
    struct span rest = {relay->stream.data + relay->first, stream_bytes(relay)};
    relay->is_open = false;
    while (rest.len > 0)
        remember(relay, iamat_line_take(&rest));
    buffer_free(&relay->stream);
    relay->first = relay->sent = relay->unanswered = 0;
    relay->said.len = 0;
}

struct span relay_pending(struct relay *relay)
{
    if (!relay->is_open)
        return (struct span){0};
    compact(relay);
    send_remembered(relay);
    return (struct span){relay->stream.data + relay->sent, relay->stream.len - relay->sent};
}

void relay_wrote(struct relay *relay, size_t bytes)
{
    assert(bytes <= relay->stream.len - relay->sent);
    relay->sent += bytes;
}

/* ---- answers ---- */

/* "AT ..." or "? IAMAT ...", whose IAMAT was written as a whole. */
static bool take_answer(struct relay *relay, struct span answer)
{
    static const char accepted[] = "AT ", refused[] = "? IAMAT ";
    bool is_accepted =
        answer.len >= strlen(accepted) && memcmp(answer.data, accepted, strlen(accepted)) == 0;
    bool is_refused =
        answer.len >= strlen(refused) && memcmp(answer.data, refused, strlen(refused)) == 0;
    struct span rest = {relay->stream.data + relay->first, relay->sent - relay->first};
    if ((!is_accepted && !is_refused) || rest.len == 0 || memchr(rest.data, '\n', rest.len) == NULL)
        return false;
    relay->first += iamat_line_take(&rest).len;
    relay->answered = relay->last - --relay->unanswered;
    relay->figures.answered += is_accepted;
    relay->figures.refused += is_refused;
    return true;
}

bool relay_heard(struct relay *relay, struct span bytes)
{
    while (bytes.len > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        size_t count = end == NULL ? bytes.len : (size_t)(end - bytes.data);
        struct span piece = {bytes.data, count};
        bytes = iamat_line_skip(bytes, count + (end != NULL));
        if (relay->said.len + count > RELAY_ANSWER_BYTES_MAX)
            return false;
        if (relay->said.len > 0 || end == NULL) {
            buffer_append(&relay->said, piece);
            piece = (struct span){relay->said.data, relay->said.len};
        }
        if (end == NULL)
            return true;
        relay->said.len = 0;
        if (!take_answer(relay, piece))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

struct relay *relay_new(const uint8_t key[SIPHASH_KEY_BYTES])
{
    struct relay *relay = bytes_zeroed(sizeof *relay);
    memcpy(relay->remembered.key, key, sizeof relay->remembered.key);
    return relay;
}

void relay_destroy(struct relay **relay)
{
    if (*relay == NULL)
        return;
    newest_free(&(*relay)->remembered);
    buffer_free(&(*relay)->stream);
    buffer_free(&(*relay)->said);
    free(*relay);
    *relay = NULL;
}

void relay_count(const struct relay *relay, struct relay_figures *figures)
{
    *figures = relay->figures;
    figures->waiting = relay->unanswered;
    figures->remembered = relay->remembered.count;
}
