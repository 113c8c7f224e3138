/* The watches of a session: the replies to WATCH, and lines that tell what changed. */
#include <assert.h>

#include "gateway/text/lines.h"
#include "gateway/text/reply.h"
#include "gateway/text/session.h"

static const char *const refusals[] = {
    [WATCHERS_FULL_CONNECTION] = "the connection has as many watches as it may",
    [WATCHERS_FULL_NODE] = "the node has as many watches as it may",
    [WATCHERS_FULL_CENTRE] = "the client has as many circles around it as it may",
    [WATCHERS_FULL_MEMORY] = "there is no memory for a watch more",
};

void session_watch_on(struct session *session, struct session_node *node)
{
    size_t start = session->out.len;
    bool is_complete =
        watchers_reply(node->watchers, &session->watches, &node->search_steps, &session->out);
    session->searches = !is_complete || node->search_steps <= 0;
    if (is_complete)
        session_end_lines(session, node, start, span_of("what is watched"));
}

void session_watch(struct session *session, struct session_node *node, struct span text,
                   const struct watchers_wanted *wanted)
{
    enum watchers_outcome outcome = watchers_add(node->watchers, &session->watches, wanted);
    if (outcome == WATCHERS_ADDED)
        session_watch_on(session, node);
    else
        session_refuse(session, node, text, REFUSAL_WATCHES, refusals[outcome]);
}

bool session_may_be_told(const struct session *session)
{
    if (watchers_is_lost(&session->watches))
        return true;
    /* Amid a reply nothing else may be said; at its end nothing is asked for any more. */
    return !session->lost && !session->leaving && !session->lines.ended &&
           session->nearby == NULL && session->watches.reply == NULL &&
           session_output(session).len < SESSION_TOLD_BYTES;
}

void session_tell(struct session *session, struct session_node *node, int64_t *steps)
{
    assert(session->attached);
    if (!session_may_be_told(session))
        return;
    struct buffer *out = &session->out;
    size_t at = session_output(session).len, end = out->len;
    watchers_write(node->watchers, &session->watches, steps, end + SESSION_TOLD_BYTES - at, out);
    if (lines_speak_telnet(&session->lines))
        reply_in_crlf(out, end);
    session_move_back(session, at, end);
    for (uint32_t i = 0; i < session->marks_count; i++) {
        session->marks[i].start += out->len - end;
        session->marks[i].end += out->len - end;
    }
}

void session_end_watches(struct session *session, const struct session_node *node)
{
    if (watchers_has_any(&session->watches))
        watchers_end(node->watchers, &session->watches, 0);
}
