/* Uploads: their bodies, and their wait for the node. */
#include <assert.h>

#include "bus/base/packed.h"
#include "gateway/web/server/http_state.h"

static_assert(UPLOAD_POSITIONS_MAX <= RELAY_CLIENTS_MAX, "or it is refused whenever it comes");

/* Before a connection that waits for the node is suspended. */
#define AWAKE_MS 2

static const char too_large[] = "a body has up to 4 MiB";

static void turn_down(struct exchange *exchange, unsigned status, const char *why)
{
    exchange->status = status;
    exchange->why = why;
}

/* ---- bodies ---- */

/* Of a body's memory, what all bodies have a limit for. */
static size_t counted(size_t capacity)
{
    return capacity > HTTP_SMALL_BODY_BYTES_MAX ? capacity : 0;
}

/* Its memory was `before`. */
static void count_body(const struct exchange *exchange, size_t before)
{
    size_t more = counted(exchange->body.capacity) - counted(before); /* or less */
    exchange->http->body_bytes += more;
    http_visit_of(exchange->connection)->body_bytes += more;
}

static void free_body(struct exchange *exchange)
{
    size_t before = exchange->body.capacity;
    buffer_free(&exchange->body);
    count_body(exchange, before);
}

/* Room is taken by what a body's memory grows, not by the bytes that came. */
static bool has_room(const struct exchange *exchange, size_t bytes)
{
    const struct http *http = exchange->http;
    const struct network_address *who = &http_visit_of(exchange->connection)->who;
    size_t of_address = 0, more = counted(buffer_capacity(&exchange->body, bytes)) -
                                  counted(exchange->body.capacity);
    if (more == 0 || more > HTTP_BODIES_BYTES_MAX - http->body_bytes)
        return more == 0;
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++) {
        const struct visit *visit = &http->visits[i];
        if (visit->is_there && memcmp(&visit->who, who, sizeof *who) == 0)
            of_address += visit->body_bytes;
    }
    return more <= HTTP_ADDRESS_BODIES_BYTES_MAX - of_address;
}

/* Neither a stranger's body is kept, nor one that says that it is too large. */
void http_begin_upload(struct exchange *exchange)
{
    struct gate_request ask = http_ask_gate(exchange);
    struct span length = http_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *why = NULL;
    uint64_t bytes;
    unsigned status = gate_ask_sender(&exchange->http->gate, &ask, &why);
    if (status != MHD_HTTP_OK)
        turn_down(exchange, status, why);
    else if (length.len > 0 && !decimal_read_whole(length, UPLOAD_BODY_BYTES_MAX, &bytes))
        turn_down(exchange, MHD_HTTP_CONTENT_TOO_LARGE, too_large);
}

/* Of one that is too large, or for which there is no room, the rest is read and
 * dropped, so that its sender reads the answer. */
void http_take_piece(struct exchange *exchange, struct span piece)
{
    if (exchange->status != 0 || exchange->kind == UPLOAD_NONE)
        return;
    size_t before = exchange->body.capacity;
    if (piece.len > UPLOAD_BODY_BYTES_MAX - exchange->body.len)
        turn_down(exchange, MHD_HTTP_CONTENT_TOO_LARGE, too_large);
    else if (!has_room(exchange, piece.len) || !buffer_try_append(&exchange->body, piece))
        turn_down(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "too many bodies are being read");
    count_body(exchange, before);
    if (exchange->status != 0)
        free_body(exchange);
}

/* ---- those that wait for the node ---- */

static enum MHD_Result begin_to_wait(struct exchange *exchange)
{
    struct http *http = exchange->http;
    exchange->state = EXCHANGE_WAITS;
    exchange->due_ms = uv_now(http->loop) + HTTP_ANSWER_MS_MAX;
    http_append(&http->waiting, exchange);
    return MHD_YES;
}

/* The library calls in each turn for a connection that is not suspended; to suspend and to resume
 * it is three system calls more, as many as the rest of an upload, and the node mostly answers
 * before that is worth it. */
enum MHD_Result http_wait(struct exchange *exchange)
{
    uint64_t begun_ms = exchange->due_ms - HTTP_ANSWER_MS_MAX;
    if (uv_now(exchange->http->loop) - begun_ms < AWAKE_MS)
        return MHD_YES;
    exchange->is_suspended = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

/* The library then asks once more what to answer. */
static void end_waiting(struct exchange *exchange)
{
    http_unlink(&exchange->http->waiting, exchange);
    exchange->state = EXCHANGE_READS;
    exchange->status = MHD_HTTP_OK;
    if (exchange->is_suspended)
        MHD_resume_connection(exchange->connection);
}

void http_end_waiting(struct http *http, bool at_once)
{
    uint64_t answered = relay_answered(http->relay), now_ms = uv_now(http->loop);
    for (struct exchange *exchange = http->waiting.first, *next; exchange != NULL;
         exchange = next) {
        next = exchange->next;
        if (at_once || exchange->number <= answered || exchange->due_ms <= now_ms)
            end_waiting(exchange);
    }
}

/* What goes out again has other numbers: answers to it are none for those that wait. */
void http_lose_node(struct http *http)
{
    uint64_t answered = relay_answered(http->relay);
    for (struct exchange *exchange = http->waiting.first; exchange != NULL;
         exchange = exchange->next)
        if (exchange->number > answered)
            exchange->number = UINT64_MAX;
}

enum MHD_Result http_answer_upload(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct upload taken = {.accepted = exchange->accepted};
    http->text.len = 0;
    if (!http_tell_friends(exchange))
        upload_answer(exchange->kind, &taken, &http->text);
    return http_queue(exchange, MHD_HTTP_OK, "application/json");
}

/* A good request is answered when the node has; an answer that is known is given. */
enum MHD_Result http_take_upload(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct upload *upload = &http->upload;
    struct gate_request ask = http_ask_gate(exchange);
    struct upload_request request = {
        .kind = exchange->kind,
        .query = exchange->target.query,
        .body = {exchange->body.data, exchange->body.len},
        .limit_user = http_header(exchange, "X-Limit-U"),
        .limit_device = http_header(exchange, "X-Limit-D"),
    };
    if (http->is_closing)
        return http_refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "zherd-web ends");
    unsigned status =
        gate_upload(&http->gate, &ask, &request, http->relay, upload, &exchange->number);
    free_body(exchange);
    if (status != MHD_HTTP_OK)
        return http_refuse(exchange, status, upload->why);
    exchange->accepted = upload->accepted;
    http->count.accepted += upload->accepted;
    http->count.skipped += upload->skipped;
    http_note_client(exchange);
    return upload->lines.len > 0 ? begin_to_wait(exchange) : http_answer_upload(exchange);
}

void http_end_upload(struct exchange *exchange)
{
    if (exchange->state == EXCHANGE_WAITS)
        http_unlink(&exchange->http->waiting, exchange);
    free_body(exchange);
    buffer_free(&exchange->client);
}
