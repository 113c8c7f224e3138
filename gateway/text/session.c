#include "gateway/text/session.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/text/command.h"
#include "gateway/text/reply.h"

/* Lines read before the first of them is carried out: enough that all waiting for memory is done
 * side by side, few enough that what was fetched is still in the cache when it is needed. */
#define LOOK_AHEAD_LINES FLOOD_PREFETCH_MAX

/* Of the shared buffer, from the first use on: the output of one turn fits, so it does not grow. */
#define SHARED_BYTES (2 * SESSION_OUTPUT_SOFT_BYTES)

/* What the session holds goes to the shared buffer. */
__attribute__((noinline)) static void hand_over(struct session *session, struct buffer *shared)
{
    struct buffer *held = &session->out;
    session->lost |= !buffer_try_grow(shared, held->len + SHARED_BYTES) ||
                     !buffer_try_append(shared, (struct span){held->data, held->len});
    buffer_free(held);
}

void session_attach_output(struct session *session, struct buffer *shared)
{
    if (session->attached)
        return;
    buffer_reserve(shared, SHARED_BYTES - 1);
    if (session->out.data != NULL)
        hand_over(session, shared);
    session->out = *shared;
    session->attached = true;
    *shared = (struct buffer){0};
}

static void take_back(struct session *session, struct buffer *shared)
{
    *shared = session->out;
    session->out = (struct buffer){0};
    session->attached = false;
    if (shared->len > 0)
        session->lost |=
            !buffer_try_append(&session->out, (struct span){shared->data, shared->len});
    shared->len = 0;
}

bool session_detach_output(struct session *session, struct buffer *shared)
{
    if (session->attached)
        take_back(session, shared);
    else if (session->out.len == 0)
        buffer_free(&session->out);
    return !session->lost && !session->lines.lost && !watchers_is_lost(&session->watches);
}

/* Functions of their own, so that where nothing is noted nothing is paid for it but a look. */

/* Decides whether the command is noted; it is when it has a reply, or has none. */
static void begin_note(struct session_node *node, struct span text)
{
    node->is_noted = ++node->unnoted >= node->log_one_in;
    if (!node->is_noted)
        return;
    node->unnoted = 0;
    node->noted = text;
}

/* A command that is taken may have somebody's token where the id belongs. */
static struct span show_taken(const struct session_node *node, struct span text,
                              struct buffer *copy)
{
    if (node->access == NULL || text.len == 0)
        return text;
    buffer_append(copy, text);
    return (struct span){copy->data, access_hide_own_tokens(node->access, copy->data, text.len)};
}

void session_note_reply(const struct session *session, const struct session_node *node,
                        struct span reply)
{
    struct buffer copy = {0};
    logline_put(node->log, node->realtime_ns, "reply", session->number,
                show_taken(node, reply, &copy));
    buffer_free(&copy);
}

static void note_taken(const struct session *session, struct session_node *node, struct span reply)
{
    struct buffer said = {0}, answered = {0};
    const struct logline_exchange exchange = {.connection = session->number,
                                              .command = show_taken(node, node->noted, &said),
                                              .reply = show_taken(node, reply, &answered)};
    logline_exchange(node->log, node->realtime_ns, &exchange);
    node->noted.data = NULL;
    buffer_free(&said);
    buffer_free(&answered);
}

/* The reply, with the command that it is the first line of a reply to, if it is. */
__attribute__((noinline)) static void note_reply(const struct session *session,
                                                 struct session_node *node, struct span reply)
{
    if (node->noted.data == NULL)
        session_note_reply(session, node, reply);
    else
        note_taken(session, node, reply);
}

/* It is carried out, perhaps without a reply so far. */
__attribute__((noinline)) static void end_note(struct session *session, struct session_node *node)
{
    if (node->noted.data != NULL)
        note_taken(session, node, (struct span){0});
    node->is_noted = false;
    session->is_noted = session->searches;
}

/* What was replied from `start` of the output on gets the line ends that its client wants. */
static void end_lines(struct session *session, size_t start)
{
    if (__builtin_expect(session->replies_in_crlf, false))
        reply_in_crlf(&session->out, start);
}

void session_end_line(struct session *session, struct session_node *node, size_t start)
{
    const struct buffer *out = &session->out;
    if (__builtin_expect(node->is_noted, false))
        note_reply(session, node, (struct span){out->data + start, out->len - start - 1});
    end_lines(session, start);
}

void session_end_lines(struct session *session, struct session_node *node, size_t start,
                       struct span noted)
{
    if (node->is_noted)
        note_reply(session, node, noted);
    end_lines(session, start);
}

/* Where tokens are in use, one may stand in any line: after `Auth:`, or after nothing. Letters that
 * look like one, or like one that lost a few, are not shown; a UUID has fewer. */
#define TOKEN_LIKE_BYTES (ACCESS_TOKEN_TEXT_BYTES - 3)

static struct span show(const struct session_node *node, struct span text, struct buffer *copy)
{
    if (node->access == NULL || text.len == 0)
        return text;
    buffer_append(copy, text);
    return (struct span){copy->data, access_hide_tokens(copy->data, text.len, TOKEN_LIKE_BYTES)};
}

static void note_refused_exchange(const struct session *session, struct session_node *node,
                                  enum refusal refusal, const char *why, struct span reply)
{
    struct buffer said = {0}, answered = {0};
    const struct logline_exchange exchange = {session->number, show(node, node->noted, &said),
                                              show(node, reply, &answered),
                                              reasons_refusal(refusal), why};
    logline_exchange(node->log, node->realtime_ns, &exchange);
    node->noted.data = NULL;
    buffer_free(&said);
    buffer_free(&answered);
}

/* Without what the client said, where its command is not in the log. */
__attribute__((noinline)) static void note_refusal(const struct session *session,
                                                   struct session_node *node, enum refusal refusal,
                                                   const char *why, struct span reply)
{
    if (node->is_noted) {
        note_refused_exchange(session, node, refusal, why, reply);
    } else if (node->log_refusals) {
        const struct logline_event event = {LOGLINE_DEBUG, "invalid", session->number,
                                            reasons_refusal(refusal)};
        logline_note(node->log, node->realtime_ns, &event, span_of(why));
    }
}

void session_refuse(struct session *session, struct session_node *node, struct span text,
                    enum refusal refusal, const char *why)
{
    size_t start = session->out.len;
    reply_invalid(&session->out, text);
    node->count.invalid++;
    node->reasons.refusals[refusal]++;
    note_refusal(session, node, refusal, why,
                 (struct span){session->out.data + start, session->out.len - start - 1});
    end_lines(session, start);
}

void session_end_places(const struct session *session, const struct session_node *node,
                        enum lookup_code code, size_t bytes)
{
    static const char *const words[] = {
        [LOOKUP_OK] = "ok",           [LOOKUP_UNAVAILABLE] = "unavailable",
        [LOOKUP_TIMEOUT] = "late",    [LOOKUP_BUSY] = "busy",
        [LOOKUP_REFUSED] = "refused", [LOOKUP_BAD_REPLY] = "nonsense",
        [LOOKUP_INVALID] = "invalid",
    };
    if (node->is_noted)
        logline_say(node->log, node->realtime_ns, "places", session->number, "%s, %zu bytes",
                    words[code], bytes);
}

void session_await_places(struct session *session, uint64_t ticket, size_t start, bool is_noted)
{
    assert(session->lookups < SESSION_LOOKUPS_MAX);
    struct session_mark *mark = session_add_mark(session, ticket, start);
    if (mark == NULL)
        return;
    mark->is_noted = is_noted;
    session->lookups++;
}

struct session_mark *session_add_mark(struct session *session, uint64_t number, size_t start)
{
    if (session->marks_count == session->marks_room && !session->lost) {
        uint32_t room = session->marks_room > 0 ? 2 * session->marks_room : SESSION_LOOKUPS_MAX;
        struct session_mark *marks = realloc(session->marks, room * sizeof *marks);
        session->lost = marks == NULL;
        session->marks = marks != NULL ? marks : session->marks;
        session->marks_room = marks != NULL ? room : session->marks_room;
    }
    if (session->lost)
        return NULL;
    struct session_mark *mark = &session->marks[session->marks_count++];
    *mark = (struct session_mark){.number = number, .start = start, .end = session->out.len};
    return mark;
}

void session_remove_mark(struct session *session, uint32_t index, size_t grown)
{
    session->marks_count--;
    for (uint32_t i = index; i < session->marks_count; i++) {
        session->marks[i] = session->marks[i + 1];
        session->marks[i].start += grown;
        session->marks[i].end += grown;
    }
    if (session->marks_count > 0)
        return;
    free(session->marks);
    session->marks = NULL;
    session->marks_room = 0;
}

static void go_on(struct session *session, struct session_node *node, struct nearby *nearby)
{
    size_t start = session->out.len;
    nearby_go_on(nearby, flood_table(node->flood), &node->search_steps, SESSION_OUTPUT_SOFT_BYTES,
                 &session->out);
    session_end_lines(session, node, start, span_of("who is near"));
}

void session_search(struct session *session, struct session_node *node, struct nearby *nearby)
{
    nearby_show(nearby, session->watches.seer);
    go_on(session, node, nearby);
    session->searches = !nearby->is_complete || node->search_steps <= 0;
    if (nearby->is_complete)
        return;
    session->nearby = malloc(sizeof *nearby);
    session->lost |= session->nearby == NULL;
    if (session->nearby != NULL)
        *session->nearby = *nearby;
}

/* In a turn after the one in which it began. */
__attribute__((noinline)) static void search_on(struct session *session, struct session_node *node)
{
    session->searches = false;
    node->is_noted = session->is_noted;
    if (session->nearby != NULL) {
        go_on(session, node, session->nearby);
        session->searches = !session->nearby->is_complete;
    } else if (session->watches.reply != NULL) {
        session_watch_on(session, node);
    }
    node->is_noted = false;
    if (session->nearby == NULL || session->searches)
        return;
    free(session->nearby);
    session->nearby = NULL;
}

void session_end_search(struct session *session)
{
    if (session->nearby != NULL)
        buffer_append(&session->out, span_of("\n"));
    free(session->nearby);
    session->nearby = NULL;
    session->searches = false;
}

void session_dismiss(struct session *session, const struct session_node *node)
{
    session_end_watches(session, node);
    session_end_search(session);
    session->leaving = true;
    session->waits = 0;
}

/* Some lines and what becomes of them, in two steps: what each says is known before any of its
 * neighbours is carried out. */
struct ahead {
    size_t count;
    struct line lines[LOOK_AHEAD_LINES];
    struct command commands[LOOK_AHEAD_LINES];
    struct span clients[LOOK_AHEAD_LINES];
    struct table_ref refs[LOOK_AHEAD_LINES]; /* about the clients */
};

/* Another command may be carried out while so much output waits at most. */
static bool has_room(const struct session *session, size_t out_bytes_max)
{
    return !session->leaving && session->waits == 0 && !session->searches &&
           session->lookups < SESSION_LOOKUPS_MAX && session->out.len < out_bytes_max;
}

/* TELNET's bytes are taken out in place: another client may stand now where one was guessed. */
static bool is_guessed(const struct session_hint *hint, const struct line *line, struct span client)
{
    return !line->is_telnet && client.data == hint->client.data && client.len == hint->client.len;
}

/* No copy is made of one that is secret, which stays of its kind: `run` refuses it. */
static void refuse_long(struct command *command, struct span text)
{
    bool is_secret = command_rows[command->kind].is_secret;
    *command = (struct command){.kind = is_secret ? command->kind : COMMAND_INVALID,
                                .text = is_secret ? command->text : text,
                                .client = {text.data, 0},
                                .why = "the line is too long"};
}

/* Reads all lines and lets the flood fetch what it knows of their clients, all at once. `hint` is
 * of the first line, or NULL. */
static void prepare(const struct session *session, const struct session_node *node,
                    struct ahead *ahead, const struct session_hint *hint)
{
    for (size_t i = 0; i < ahead->count; i++) {
        struct command *command = &ahead->commands[i];
        struct span text = ahead->lines[i].text;
        command_parse(text, node->options, command);
        if (__builtin_expect(ahead->lines[i].too_long, false))
            refuse_long(command, text);
        if (__builtin_expect(node->access != NULL, false))
            admission_refuse(session, command);
        ahead->clients[i] = command->client;
    }
    size_t known = hint != NULL && is_guessed(hint, &ahead->lines[0], ahead->clients[0]) ? 1 : 0;
    if (known > 0)
        ahead->refs[0] = hint->ref;
    flood_prefetch(node->flood, ahead->clients + known, ahead->refs + known, ahead->count - known);
}

/* Whether the command has to wait until the node knows what its neighbours know. */
__attribute__((cold, noinline)) static bool
awaits_ready(const struct session_node *node, const struct command *command, struct table_ref ref)
{
    struct location location;
    return command_rows[command->kind].is_of_known &&
           !flood_find_prefetched(node->flood, command->client, ref, &location);
}

/* Carries out what was taken, until there is no room for more output; how many. */
static size_t carry_out(struct session *session, struct session_node *node, struct ahead *ahead,
                        size_t out_bytes_max, const struct session_hint *hint)
{
    size_t done = 0;
    session->replies_in_crlf = ahead->lines[0].is_telnet;
    prepare(session, node, ahead, hint);
    for (; done < ahead->count && has_room(session, out_bytes_max); done++) {
        const struct command *command = &ahead->commands[done];
        if (__builtin_expect(node->awaits_ready, false) &&
            awaits_ready(node, command, ahead->refs[done])) {
            session->waits = SESSION_WAITS_READY;
            break;
        }
        node->count.commands++;
        if (node->log_commands)
            begin_note(node, command_rows[command->kind].is_secret ? span_of("AUTH *")
                                                                   : ahead->lines[done].text);
        if (__builtin_expect(session->admission == NULL, true) ||
            admission_keeps_rate(session, node, command))
            command_rows[command->kind].run(session, node, command, ahead->refs[done]);
        if (node->is_noted)
            end_note(session, node);
    }
    return done;
}

bool session_has_work(const struct session *session)
{
    return session->searches ? session->out.len < SESSION_OUTPUT_SOFT_BYTES
                             : session->has_lines && has_room(session, SESSION_OUTPUT_SOFT_BYTES);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Once it has asked for the last time, and has its reply. */
__attribute__((noinline)) static void end_watches_at_end(struct session *session,
                                                         struct session_node *node)
{
    if (session->leaving || (session->lines.ended && !session->has_lines && !session->searches))
        session_end_watches(session, node);
}

struct turns_budget session_work(struct session *session, struct session_node *node,
                                 const struct turns_budget *budget, const struct session_hint *hint)
{
    struct ahead ahead;
    size_t left = budget->commands;
    size_t out_max = least(session->out.len + budget->out_bytes, SESSION_OUTPUT_SOFT_BYTES);
    node->search_steps = SESSION_SEARCH_STEPS;
    if (session->searches)
        search_on(session, node);
    while (session->has_lines && left > 0 && has_room(session, out_max)) {
        ahead.count = lines_take(&session->lines, ahead.lines, least(left, LOOK_AHEAD_LINES));
        if (ahead.count > 0) {
            size_t done = carry_out(session, node, &ahead, out_max, hint);
            hint = NULL;
            left -= done;
            if (done < ahead.count)
                lines_give_back(&session->lines, &ahead.lines[done]);
            session->waits &= (uint8_t)~SESSION_WAITS_NEW_NAME;
        }
        session->has_lines = ahead.count > 0 && lines_waiting(&session->lines);
    }
    lines_hold(&session->lines);
    if (__builtin_expect(watchers_has_any(&session->watches), false))
        end_watches_at_end(session, node);
    size_t searched = (size_t)(SESSION_SEARCH_STEPS - node->search_steps) / SESSION_STEPS_A_COMMAND;
    left -= least(searched, left);
    return (struct turns_budget){.commands = budget->commands - (uint32_t)left,
                                 .out_bytes = (uint32_t)session->out.len};
}

void session_prefetch(const struct session_node *node, const struct span *inputs,
                      struct session_hint *hints, size_t count)
{
    struct span clients[FLOOD_PREFETCH_MAX];
    struct table_ref refs[FLOOD_PREFETCH_MAX];
    assert(count > 0 && count <= FLOOD_PREFETCH_MAX);
    for (size_t i = 0; i < count; i++)
        clients[i] = command_guess_client(inputs[i]);
    flood_prefetch(node->flood, clients, refs, count);
    for (size_t i = 0; i < count; i++)
        hints[i] = (struct session_hint){clients[i], refs[i]};
}

void session_read(struct session *session, char *bytes, size_t count)
{
    assert(session_wants_input(session));
    lines_feed(&session->lines, bytes, count, &session->out);
    session->has_lines = true;
}

void session_end_input(struct session *session)
{
    lines_end(&session->lines);
    session->has_lines = lines_waiting(&session->lines);
}

static void reverse(char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes / 2; i++) {
        char byte = at[i];
        at[i] = at[bytes - 1 - i];
        at[bytes - 1 - i] = byte;
    }
}

/* Three times reversed, because that needs no other memory. */
void session_move_back(struct session *session, size_t at, size_t end)
{
    const struct buffer *out = &session->out;
    if (at >= end)
        return;
    reverse(out->data + at, end - at);
    reverse(out->data + end, out->len - end);
    reverse(out->data + at, out->len - at);
}

/* Puts the JSON where the mark says. False without memory. */
static bool insert(struct session *session, size_t at, struct span json)
{
    size_t end = session->out.len;
    if (!buffer_try_grow(&session->out, reply_places_bytes_max(json)))
        return false;
    reply_places(&session->out, json);
    session_move_back(session, at, end);
    return true;
}

void session_answer(struct session *session, struct session_node *node,
                    const struct requests_answer *answer)
{
    uint32_t i = 0;
    while (i < session->marks_count &&
           (session->marks[i].held > 0 || session->marks[i].number != answer->ticket))
        i++;
    if (i == session->marks_count)
        return;
    size_t before = session->out.len;
    session->lost |= !insert(session, session->marks[i].end, answer->body);
    size_t grown = session->out.len - before;
    session->lookups--;
    node->is_noted = session->marks[i].is_noted;
    session_remove_mark(session, i, grown);
    session_end_places(session, node, answer->code, grown);
    node->is_noted = false;
}

bool session_go_on(struct session *session)
{
    bool awaited = (session->waits & SESSION_WAITS_READY) != 0;
    session->waits &= (uint8_t)~SESSION_WAITS_READY;
    return awaited;
}

void session_resume(struct session *session)
{
    session->waits &= (uint8_t)~SESSION_WAITS_PAUSED;
}

struct span session_output(const struct session *session)
{
    size_t bytes = session->marks_count > 0 ? session->marks[0].start : session->out.len;
    return (struct span){session->out.data, bytes};
}

void session_wrote(struct session *session, size_t bytes)
{
    assert(bytes <= session_output(session).len);
    buffer_consume(&session->out, bytes);
    for (uint32_t i = 0; i < session->marks_count; i++) {
        session->marks[i].start -= bytes;
        session->marks[i].end -= bytes;
    }
}

bool session_wants_input(const struct session *session)
{
    return !session->lines.ended && !session->has_lines &&
           has_room(session, SESSION_OUTPUT_SOFT_BYTES);
}

bool session_is_over(const struct session *session)
{
    /* A look-up in flight has its AT line waiting in the output. */
    return session->out.len == 0 && !session->searches &&
           (session->leaving || (session->lines.ended && !session->has_lines));
}

struct session_held session_holds(const struct session *session)
{
    const struct lines *lines = &session->lines;
    size_t marks = session->marks_room * sizeof *session->marks + session->copies.capacity;
    size_t search = session->nearby == NULL ? 0 : sizeof *session->nearby;
    return (struct session_held){.line_bytes = lines->kept.capacity,
                                 .reply_bytes = session->out.capacity + marks + search,
                                 .has_unfinished = session_wants_input(session) &&
                                                   (lines_waiting(lines) || lines->discarding)};
}

void session_free(struct session *session)
{
    assert(!watchers_has_any(&session->watches));
    lines_free(&session->lines);
    buffer_free(&session->out);
    free(session->nearby);
    session->nearby = NULL;
    free(session->admission);
    session->admission = NULL;
    buffer_free(&session->copies);
    free(session->marks);
    session->marks = NULL;
    session->marks_count = session->marks_room = 0;
    session->lookups = 0;
}
