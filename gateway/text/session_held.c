/* The replies of a session that are held until what they say is promised (bus/promises.h). */
#include <assert.h>

#include "bus/promises.h"
#include "gateway/text/reply.h"
#include "gateway/text/session.h"

/* What stands in `copies` of a held reply, before the bytes of its command. */
struct held_reply {
    uint32_t
        before_bytes; /* from the reply before, or the mark's start: others, that promise nothing */
    uint32_t reply_bytes, command_bytes;
    uint32_t is_noted; /* the command is in the log */
};

/* What "? " and a line end take beside a command. */
#define REFUSAL_BYTES_MAX 4u

static bool try_keep(struct session *session, const struct held_reply *reply, struct span text)
{
    struct buffer *copies = &session->copies;
    if (!buffer_try_grow(copies, sizeof *reply + text.len))
        return false;
    buffer_append(copies, (struct span){(const char *)reply, sizeof *reply});
    buffer_append(copies, text);
    return true;
}

/* The last mark, where the reply that is held now may join it. */
static struct session_mark *mark_of(struct session *session, uint64_t epoch, size_t start)
{
    struct session_mark *last =
        session->marks_count > 0 ? &session->marks[session->marks_count - 1] : NULL;
    if (last != NULL && last->held > 0 && last->number == epoch)
        return last;
    struct session_mark *mark = session_add_mark(session, epoch, start);
    if (mark != NULL)
        mark->end = start;
    return mark;
}

/* A reply that said a position was taken becomes "? " and the command: the position was taken all
 * the same, and the client may send it once more. */
static void refuse(const struct session *session, struct session_node *node, struct buffer *out,
                   struct span text, bool is_noted, bool in_crlf)
{
    size_t start = out->len;
    reply_invalid(out, text);
    node->reasons.refusals[REFUSAL_UNPROMISED]++;
    if (is_noted) {
        const struct logline_event event = {LOGLINE_INFO, "invalid", session->number,
                                            reasons_refusal(REFUSAL_UNPROMISED)};
        logline_note(node->log, node->realtime_ns, &event,
                     span_of("stored, but not promised in time"));
        session_note_reply(session, node, (struct span){out->data + start, out->len - start - 1});
    }
    if (in_crlf)
        reply_in_crlf(out, start);
}

__attribute__((noinline)) void session_hold(struct session *session, struct session_node *node,
                                            struct span text, struct span client, size_t start)
{
    uint64_t epoch = flood_hold(node->flood, client, node->now_ms);
    if (epoch == 0) {
        session->out.len = start;
        refuse(session, node, &session->out, text, node->is_noted, session->replies_in_crlf);
        return;
    }
    struct session_mark *mark = mark_of(session, epoch, start);
    if (mark == NULL)
        return;
    struct held_reply reply = {.before_bytes = (uint32_t)(start - mark->end),
                               .reply_bytes = (uint32_t)(session->out.len - start),
                               .command_bytes = (uint32_t)text.len,
                               .is_noted = node->is_noted};
    session->lost |= !try_keep(session, &reply, text);
    mark->held++;
    mark->copied_bytes += sizeof reply + text.len;
    mark->end = session->out.len;
}

static uint32_t first_held(const struct session *session)
{
    uint32_t i = 0;
    while (i < session->marks_count && session->marks[i].held == 0)
        i++;
    return i;
}

uint64_t session_held_epoch(const struct session *session)
{
    uint32_t i = first_held(session);
    return i < session->marks_count ? session->marks[i].number : 0;
}

/* Writes what a mark holds as it is when nothing is promised, and all that follows it. */
static void write_refused(const struct session *session, struct session_node *node,
                          const struct session_mark *mark, struct buffer *fresh)
{
    const struct buffer *out = &session->out;
    const char *copy = session->copies.data;
    size_t at = mark->start;
    for (uint32_t i = 0; i < mark->held; i++) {
        struct held_reply reply;
        memcpy(&reply, copy, sizeof reply);
        copy += sizeof reply;
        buffer_append(fresh, (struct span){out->data + at, reply.before_bytes});
        at += reply.before_bytes + reply.reply_bytes;
        bool in_crlf = reply.reply_bytes > 1 && out->data[at - 2] == '\r';
        refuse(session, node, fresh, (struct span){copy, reply.command_bytes}, reply.is_noted,
               in_crlf);
        copy += reply.command_bytes;
    }
    assert(at == mark->end);
    buffer_append(fresh, (struct span){out->data + at, out->len - at});
}

/* Takes back what the replies of a mark promise; by how many bytes the output has grown. */
static size_t take_back(struct session *session, struct session_node *node,
                        const struct session_mark *mark)
{
    struct buffer fresh = {0}, *out = &session->out;
    size_t before = out->len;
    size_t most = before - mark->start + mark->copied_bytes + mark->held * REFUSAL_BYTES_MAX + 1;
    if (!buffer_try_grow(&fresh, most) || !buffer_try_grow(out, most)) {
        session->lost = true;
        buffer_free(&fresh);
        return 0;
    }
    write_refused(session, node, mark, &fresh);
    out->len = mark->start;
    buffer_append(out, (struct span){fresh.data, fresh.len});
    buffer_free(&fresh);
    return out->len - before;
}

void session_settle(struct session *session, struct session_node *node)
{
    uint32_t i;
    while ((i = first_held(session)) < session->marks_count && !session->lost) {
        struct session_mark mark = session->marks[i];
        enum promises_state state = flood_promise(node->flood, mark.number);
        if (state == PROMISES_WAITS)
            return;
        size_t grown = state == PROMISES_BROKEN ? take_back(session, node, &mark) : 0;
        buffer_consume(&session->copies, mark.copied_bytes);
        session_remove_mark(session, i, grown);
    }
    if (session->copies.len == 0)
        buffer_free(&session->copies);
}
