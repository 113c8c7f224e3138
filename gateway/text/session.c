#include "gateway/text/session.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/table/at_line.h"
#include "gateway/text/command.h"
#include "gateway/text/reply.h"

#define METRES_PER_KM 1000u
/* Lines read before the first of them is carried out: enough that all waiting for memory is done
 * side by side, few enough that what was fetched is still in the cache when it is needed. */
#define LOOK_AHEAD_LINES FLOOD_PREFETCH_MAX

void session_attach_output(struct session *session, struct buffer *shared)
{
    if (session->out.data != NULL)
        return;
    session->out = *shared;
    session->attached = true;
    *shared = (struct buffer){0};
}

void session_detach_output(struct session *session, struct buffer *shared)
{
    if (!session->attached) {
        if (session->out.len == 0)
            buffer_free(&session->out);
        return;
    }
    *shared = session->out;
    session->out = (struct buffer){0};
    session->attached = false;
    if (shared->len > 0)
        buffer_append(&session->out, (struct span){shared->data, shared->len});
    shared->len = 0;
}

static void note(const struct session *session, const struct session_node *node, const char *kind,
                 struct span text)
{
    if (node->log_commands)
        logline_put(node->log, node->realtime_ns, kind, session->number, text);
}

/* What was replied from `start` of the output on gets the line ends that its client wants. */
static void end_lines(struct session *session, size_t start)
{
    if (__builtin_expect(session->replies_in_crlf, false))
        reply_in_crlf(&session->out, start);
}

/* A one-line reply begins at `start` of the output: notes it, without its LF. */
static void end_reply(struct session *session, const struct session_node *node, size_t start)
{
    const struct buffer *out = &session->out;
    note(session, node, "reply", (struct span){out->data + start, out->len - start - 1});
    end_lines(session, start);
}

static void note_json(const struct session *session, const struct session_node *node,
                      enum lookup_code code, size_t bytes)
{
    static const char *const words[] = {
        [LOOKUP_OK] = "ok",           [LOOKUP_UNAVAILABLE] = "unavailable",
        [LOOKUP_TIMEOUT] = "late",    [LOOKUP_BUSY] = "busy",
        [LOOKUP_REFUSED] = "refused", [LOOKUP_BAD_REPLY] = "nonsense",
        [LOOKUP_INVALID] = "invalid",
    };
    if (node->log_commands)
        logline_say(node->log, node->realtime_ns, "places", session->number, "%s, %zu bytes",
                    words[code], bytes);
}

static void refuse(struct session *session, struct session_node *node, struct span text,
                   const char *why)
{
    size_t start = session->out.len;
    reply_invalid(&session->out, text);
    node->count.invalid++;
    note(session, node, "invalid", span_of(why));
    end_reply(session, node, start);
}

static void take_location(struct session *session, struct session_node *node,
                          const struct command *command, struct table_ref ref)
{
    /* A stamp is never negative and the clock fits, so the difference fits too. */
    struct location location = {
        .client = command->client,
        .position = command->position,
        .stamp = command->stamp,
        .difference_ns = node->realtime_ns - command->stamp_ns,
        .order_ns = location_order_ns(command->stamp_ns, node->realtime_ns),
        .packed = command->has_digits ? &command->packed : NULL,
    };
    node->count.iamats++;
    switch (flood_local_prefetched(node->flood, &location, ref)) {
    case FLOOD_FULL:
        refuse(session, node, command->text, "the table of clients is full");
        return;
    case FLOOD_STORED:
        node->flood_changed = true;
        break;
    case FLOOD_STALE:
        break;
    }
    size_t start = session->out.len;
    at_line_write(&session->out, &location);
    end_reply(session, node, start);
    /* Stamps from the future are ordered by when they were accepted, and one read may bring
     * several: no two of them are accepted in the same nanosecond. */
    if (location.order_ns != command->stamp_ns)
        node->realtime_ns++;
}

static void add_mark(struct session *session, uint64_t ticket, size_t start)
{
    assert(session->lookups < SESSION_LOOKUPS_MAX);
    if (session->marks == NULL)
        session->marks = bytes_resize(NULL, SESSION_LOOKUPS_MAX * sizeof *session->marks);
    session->marks[session->lookups++] =
        (struct session_mark){.ticket = ticket, .start = start, .end = session->out.len};
}

/* No look-up is made: says so in the JSON, at once. */
static void reply_failure(struct session *session, const struct session_node *node,
                          enum lookup_code code, const char *reason)
{
    struct buffer json = {0};
    lookup_write_failure(code, reason, &json);
    size_t start = session->out.len;
    reply_places(&session->out, (struct span){json.data, json.len});
    buffer_free(&json);
    note_json(session, node, code, session->out.len - start);
}

static void look_up(struct session *session, struct session_node *node,
                    const struct command *command, struct table_ref ref)
{
    struct location location;
    node->count.whatsats++;
    if (!flood_find_prefetched(node->flood, command->client, ref, &location)) {
        refuse(session, node, command->text, "nobody has heard of this client");
        return;
    }
    size_t start = session->out.len;
    at_line_write(&session->out, &location);
    end_reply(session, node, start);

    if (command->bound == 0) {
        size_t json_start = session->out.len;
        reply_no_places(&session->out);
        note_json(session, node, LOOKUP_OK, session->out.len - json_start);
        return;
    }
    struct lookup lookup = {.radius_m = command->radius_km * METRES_PER_KM,
                            .bound = command->bound};
    uint64_t ticket;
    if (node->requests == NULL)
        reply_failure(session, node, LOOKUP_UNAVAILABLE, "this herd has no places service");
    else if (!command_parse_position(location.position, &lookup.latitude_nanodeg,
                                     &lookup.longitude_nanodeg))
        reply_failure(session, node, LOOKUP_INVALID, "the position is not one on the globe");
    else if (!requests_ask(node->requests, session->address, &lookup, node->now_ms, &ticket))
        reply_failure(session, node, LOOKUP_BUSY, "too many look-ups are under way");
    else
        add_mark(session, ticket, start);
}

static void help(struct session *session, const struct session_node *node)
{
    size_t start = session->out.len;
    reply_help(&session->out);
    note(session, node, "reply", span_of("help"));
    end_lines(session, start);
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

static void execute(struct session *session, struct session_node *node,
                    const struct command *command, struct table_ref ref)
{
    switch (command->kind) {
    case COMMAND_IAMAT:
        take_location(session, node, command, ref);
        break;
    case COMMAND_WHATSAT:
        look_up(session, node, command, ref);
        break;
    case COMMAND_HELP:
        help(session, node);
        break;
    case COMMAND_QUIT:
        session->leaving = true;
        break;
    case COMMAND_BROWSER:
        session->leaving = true;
        refuse(session, node, command->text, "this is a browser");
        break;
    case COMMAND_INVALID:
        refuse(session, node, command->text, command->why);
        break;
    }
}

static bool has_room(const struct session *session)
{
    return !session->leaving && session->lookups < SESSION_LOOKUPS_MAX &&
           session->out.len < SESSION_OUTPUT_SOFT_BYTES;
}

/* Reads all lines and lets the flood fetch what it knows of their clients, all at once. */
static void prepare(const struct session_node *node, struct ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++) {
        struct command *command = &ahead->commands[i];
        struct span text = ahead->lines[i].text;
        if (ahead->lines[i].too_long)
            *command = (struct command){.kind = COMMAND_INVALID,
                                        .text = text,
                                        .client = {text.data, 0},
                                        .why = "the line is too long"};
        else
            command_parse(text, command);
        ahead->clients[i] = command->client;
    }
    flood_prefetch(node->flood, ahead->clients, ahead->refs, ahead->count);
}

/* Answers complete lines until there are no more or a limit says wait: afterwards there is either
 * no room or no complete line. Keeps what is left and lets go of memory that is done with. */
static void work(struct session *session, struct session_node *node)
{
    struct ahead ahead;
    while (has_room(session)) {
        ahead.count = lines_take(&session->lines, ahead.lines, LOOK_AHEAD_LINES);
        if (ahead.count == 0)
            break;
        session->replies_in_crlf = ahead.lines[0].is_telnet;
        prepare(node, &ahead);
        size_t done = 0;
        for (; done < ahead.count && has_room(session); done++) {
            node->count.commands++;
            note(session, node, "command", ahead.lines[done].text);
            execute(session, node, &ahead.commands[done], ahead.refs[done]);
        }
        if (done < ahead.count)
            lines_give_back(&session->lines, &ahead.lines[done]);
    }
    lines_hold(&session->lines);
}

void session_prefetch(const struct session_node *node, const struct span *inputs, size_t count)
{
    struct span clients[FLOOD_PREFETCH_MAX];
    struct table_ref refs[FLOOD_PREFETCH_MAX];
    for (size_t i = 0; i < count; i++)
        clients[i] = command_guess_client(inputs[i]);
    flood_prefetch(node->flood, clients, refs, count);
}

void session_read(struct session *session, struct session_node *node, char *bytes, size_t count)
{
    assert(session_wants_input(session));
    lines_feed(&session->lines, bytes, count, &session->out);
    work(session, node);
}

void session_end_input(struct session *session, struct session_node *node)
{
    lines_end(&session->lines);
    work(session, node);
}

/* Puts the JSON where the mark says; what was answered behind it makes way. */
static void insert(struct buffer *out, size_t at, struct span json)
{
    size_t behind = out->len - at;
    if (behind == 0) {
        reply_places(out, json);
        return;
    }
    struct buffer block = {0};
    reply_places(&block, json);
    buffer_reserve(out, block.len);
    memmove(out->data + at + block.len, out->data + at, behind);
    memcpy(out->data + at, block.data, block.len);
    out->len += block.len;
    buffer_free(&block);
}

void session_answer(struct session *session, struct session_node *node,
                    const struct requests_answer *answer)
{
    uint8_t i = 0;
    while (i < session->lookups && session->marks[i].ticket != answer->ticket)
        i++;
    if (i == session->lookups)
        return;
    size_t before = session->out.len;
    insert(&session->out, session->marks[i].end, answer->body);
    size_t grown = session->out.len - before;
    session->lookups--;
    for (; i < session->lookups; i++) {
        session->marks[i] = session->marks[i + 1];
        session->marks[i].start += grown;
        session->marks[i].end += grown;
    }
    if (session->lookups == 0) {
        free(session->marks);
        session->marks = NULL;
    }
    note_json(session, node, answer->code, grown);
    work(session, node);
}

struct span session_output(const struct session *session)
{
    size_t bytes = session->lookups > 0 ? session->marks[0].start : session->out.len;
    return (struct span){session->out.data, bytes};
}

void session_wrote(struct session *session, struct session_node *node, size_t bytes)
{
    assert(bytes <= session_output(session).len);
    buffer_consume(&session->out, bytes);
    for (uint8_t i = 0; i < session->lookups; i++) {
        session->marks[i].start -= bytes;
        session->marks[i].end -= bytes;
    }
    if (lines_waiting(&session->lines))
        work(session, node);
}

bool session_wants_input(const struct session *session)
{
    return !session->lines.ended && has_room(session);
}

bool session_is_over(const struct session *session)
{
    /* A look-up in flight has its AT line waiting in the output. */
    return session->out.len == 0 && (session->leaving || session->lines.ended);
}

size_t session_holds(const struct session *session)
{
    size_t marks = session->marks == NULL ? 0 : SESSION_LOOKUPS_MAX * sizeof *session->marks;
    return session->out.capacity + session->lines.kept.capacity + marks;
}

void session_free(struct session *session)
{
    lines_free(&session->lines);
    buffer_free(&session->out);
    free(session->marks);
    session->marks = NULL;
    session->lookups = 0;
}
