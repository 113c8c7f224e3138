/* What a request for positions, figures or health is answered, and the viewers of events. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/web/parse/admit.h"
#include "gateway/web/server/asker.h"
#include "gateway/web/server/http_state.h"
#include "topology/format/monitor_request.h"
#include "topology/process_figures.h"
#include "topology/version.h"

/* What the library asks for at once. */
#define PAGE_BLOCK_BYTES   (16 * 1024)
#define EVENTS_BLOCK_BYTES (32 * 1024)
/* Of what a viewer is sent, what the system may keep before it has left: a slow one is to be late
 * here, where it is noticed, and not there. */
#define UNSENT_BYTES_MAX (128 * 1024)

/* ---- who asks ---- */

static bool may_see(const void *person, struct span client)
{
    return admit_may_see(person, client);
}

struct sight http_sight_of(const struct http *http, const struct access_person *person)
{
    const struct access *rules = http->gate.rules;
    int64_t from_ns = herd_from_ns(http->herd);
    if (person == NULL)
        return (struct sight){.from_ns = from_ns};
    for (size_t i = 0; rules != NULL && i < rules->person_count; i++)
        if (access_see_alike(&rules->persons[i], person))
            return (struct sight){may_see, &rules->persons[i], from_ns};
    return (struct sight){may_see, person, from_ns};
}

/* Whom the request may see; or it is refused, and the status is not 200. */
static unsigned find_sight(struct exchange *exchange, struct sight *sight)
{
    struct gate *gate = &exchange->http->gate;
    struct gate_request ask = http_ask_gate(exchange);
    const struct access_person *person;
    if (!gate_find(gate, &ask, &person))
        return MHD_HTTP_UNAUTHORIZED;
    if (person != NULL && person->see.count + person->be.count == 0)
        return gate_deny(gate, &ask, person);
    if (!gate_keeps_rate(&ask, person))
        return MHD_HTTP_TOO_MANY_REQUESTS;
    *sight = http_sight_of(exchange->http, person);
    exchange->until_ns = person == NULL ? INT64_MAX : person->until_ns;
    return MHD_HTTP_OK;
}

static enum MHD_Result refuse_person(struct exchange *exchange, unsigned status)
{
    switch (status) {
    case MHD_HTTP_UNAUTHORIZED:
        return http_refuse(exchange, status, "this wants a token that is somebody's");
    case MHD_HTTP_FORBIDDEN:
        return http_refuse(exchange, status, "this person may see nobody");
    default:
        return http_refuse(exchange, status, "this is faster than the access rules allow");
    }
}

/* ---- how much at once ---- */

static bool has_work(const struct visit *visit)
{
    return visit->has_work;
}

static bool asks_places(const struct visit *visit)
{
    return visit->asks_places;
}

static bool is_viewer(const struct visit *visit)
{
    return visit->viewer != NULL;
}

/* Takes a place among answers that take their time; else refuses, and false. */
static bool take_work(struct exchange *exchange, enum MHD_Result *refused)
{
    struct http *http = exchange->http;
    struct visit *visit = http_visit_of(exchange->connection);
    bool has_share = !http_has_share(http, &visit->who, has_work, HTTP_WORKS_MAX);
    visit->has_work = has_share && http->work_count < HTTP_WORKS_MAX;
    http->work_count += visit->has_work;
    if (!visit->has_work)
        *refused = http_refuse(
            exchange, has_share ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_TOO_MANY_REQUESTS,
            "too many answers are being written");
    return visit->has_work;
}

static void end_work(struct exchange *exchange)
{
    struct visit *visit = http_visit_of(exchange->connection);
    exchange->http->work_count -= visit->has_work;
    visit->has_work = false;
}

/* Ends the connection with this answer. The library, with epoll, forgets one that ends so until all
 * that were silent for longer have ended, but for those whose limit of silence is their own. */
static ssize_t end_connection(const struct exchange *exchange, ssize_t how)
{
    MHD_set_connection_option(exchange->connection, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
    return how;
}

/* ---- pages ---- */

static ssize_t read_page(void *user, uint64_t at, char *to, size_t room)
{
    struct exchange *exchange = user;
    struct http *http = exchange->http;
    (void)at;
    http->is_busy = true;
    if (!exchange->is_page)
        return end_connection(exchange, MHD_CONTENT_READER_END_WITH_ERROR); /* other rules */
    size_t bytes = page_read(&exchange->page, herd_flood(http->herd), herd_now_ns(http->herd),
                             &http->looks, to, room);
    return bytes == 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)bytes;
}

static enum MHD_Result show_page(struct exchange *exchange, struct sight sight)
{
    static const char type[] = "application/geo+json";
    struct http *http = exchange->http;
    char id[STREAM_ID_BYTES_MAX] = "";
    enum MHD_Result refused;
    if (!herd_is_complete(http->herd))
        return http_refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "not all positions have come from the node yet");
    if (exchange->query.kind == QUERY_CLIENTS)
        stream_write_id(herd_stream(http->herd), &sight, id);
    http->count.shown++;
    if (!page_begin(&exchange->page, &exchange->query, &sight, herd_flood(http->herd),
                    herd_now_ns(http->herd), id))
        return http_refuse(exchange, MHD_HTTP_NOT_FOUND, "nobody has heard of this client");
    if (exchange->page.is_over) {
        http->text.len = 0;
        buffer_append(&http->text,
                      (struct span){exchange->page.ready.data, exchange->page.ready.len});
        return http_queue(exchange, MHD_HTTP_OK, type);
    }
    if (!take_work(exchange, &refused))
        return refused;
    exchange->is_page = true;
    http_append(&http->pages, exchange);
    return http_give(exchange, MHD_HTTP_OK,
                     MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PAGE_BLOCK_BYTES,
                                                       read_page, exchange, NULL),
                     type);
}

/* ---- look-ups ---- */

static void end_asking(struct exchange *exchange, unsigned status, struct span json)
{
    exchange->asked = status;
    http_visit_of(exchange->connection)->asks_places = false;
    buffer_append(&exchange->page.ready, json);
    http_unlink(&exchange->http->askers, exchange);
    exchange->state = EXCHANGE_READS;
    MHD_resume_connection(exchange->connection);
}

static void on_asked(void *user, const struct span *said)
{
    static const unsigned statuses[] = {
        [QUERY_FOUND] = MHD_HTTP_OK,
        [QUERY_UNKNOWN] = MHD_HTTP_NOT_FOUND,
        [QUERY_BUSY] = MHD_HTTP_SERVICE_UNAVAILABLE,
        [QUERY_NOTHING] = MHD_HTTP_GATEWAY_TIMEOUT,
    };
    struct span json = {0};
    enum query_answer answer = said == NULL ? QUERY_NOTHING : query_read_whatsat(*said, &json);
    end_asking(user, statuses[answer], json);
}

/* The next question has room while this answer is still being read. */
static void on_places(void *user, const struct span *json)
{
    struct exchange *exchange = user;
    end_asking(exchange, json == NULL ? MHD_HTTP_GATEWAY_TIMEOUT : MHD_HTTP_OK,
               json == NULL ? (struct span){0} : *json);
    places_end(&exchange->question);
}

/* Without an answer, which then is not waited for any more. */
static void end_all_asking(struct http *http)
{
    for (struct exchange *asking; (asking = http->askers.first) != NULL;) {
        asker_end(&asking->asker);
        places_end(&asking->question);
        end_asking(asking, MHD_HTTP_GATEWAY_TIMEOUT, (struct span){0});
    }
}

static enum MHD_Result answer_asked(struct exchange *exchange)
{
    struct http *http = exchange->http;
    bool is_of_places = exchange->query.kind == QUERY_PLACES;
    switch (exchange->asked) {
    case MHD_HTTP_OK:
        http->text.len = 0;
        buffer_append(&http->text,
                      (struct span){exchange->page.ready.data, exchange->page.ready.len});
        return http_queue(exchange, MHD_HTTP_OK, "application/json");
    case MHD_HTTP_NOT_FOUND:
        return http_refuse(exchange, exchange->asked, "nobody has heard of this client");
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return http_refuse(exchange, exchange->asked, "the node takes no question now");
    default:
        return http_refuse(exchange, exchange->asked,
                           is_of_places ? "the landmarks server has not answered"
                                        : "the node has not answered");
    }
}

/* From now on its connection waits, which end_asking ends. */
static enum MHD_Result begin_asking(struct exchange *exchange)
{
    exchange->state = EXCHANGE_ASKS;
    http_append(&exchange->http->askers, exchange);
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result ask_places(struct exchange *exchange)
{
    static const char too_many[] = "too many places are asked for";
    struct http *http = exchange->http;
    struct visit *visit = http_visit_of(exchange->connection);
    enum MHD_Result refused;
    if (!places_has_server(http->places))
        return http_refuse(exchange, MHD_HTTP_NOT_FOUND, "the herd has no landmarks server");
    if (http_has_share(http, &visit->who, asks_places, PLACES_ASKED_MAX))
        return http_refuse(exchange, MHD_HTTP_TOO_MANY_REQUESTS, too_many);
    if (!take_work(exchange, &refused))
        return refused;
    exchange->question =
        http->is_closing ? NULL : places_ask(http->places, &exchange->query, on_places, exchange);
    if (exchange->question == NULL)
        return http_refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, too_many);
    visit->asks_places = true;
    return begin_asking(exchange);
}

static enum MHD_Result show_graph(struct exchange *exchange)
{
    struct http *http = exchange->http;
    http->text.len = 0;
    buffer_append(&http->text, herd_graph(http->herd));
    return http_queue(exchange, MHD_HTTP_OK, "application/json");
}

static enum MHD_Result ask(struct exchange *exchange, struct sight sight)
{
    struct http *http = exchange->http;
    enum MHD_Result refused;
    if (!sight_has(&sight, (struct span){exchange->query.client, exchange->query.client_bytes}))
        return http_refuse(exchange, MHD_HTTP_NOT_FOUND, "nobody has heard of this client");
    if (!take_work(exchange, &refused))
        return refused;
    http->text.len = 0;
    int fd = http->is_closing ? -1 : door_dial(http->door, &http->text);
    if (fd < 0)
        return http_refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the node cannot be reached");
    query_write_whatsat(&exchange->query, &http->text);
    exchange->asker = asker_new(http->loop, fd, (struct span){http->text.data, http->text.len},
                                on_asked, exchange);
    explicit_bzero(http->text.data, http->text.len); /* a token may stand there */
    http->count.asked++;
    return begin_asking(exchange);
}

/* ---- events ---- */

static ssize_t read_events(void *user, uint64_t at, char *to, size_t room)
{
    struct exchange *exchange = user;
    struct http *http = exchange->http;
    (void)at;
    http->is_busy = true;
    if (http->is_stopped || http_visit_of(exchange->connection)->is_ended ||
        exchange->viewer.audience == NULL || herd_now_ns(http->herd) >= exchange->until_ns)
        return end_connection(exchange, MHD_CONTENT_READER_END_OF_STREAM);
    size_t bytes = stream_read(herd_stream(http->herd), &exchange->viewer, to, room);
    if (bytes == 0) {
        exchange->state = EXCHANGE_RESTS;
        MHD_suspend_connection(exchange->connection);
    }
    return (ssize_t)bytes;
}

static struct MHD_Response *make_stream(struct exchange *exchange)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, EVENTS_BLOCK_BYTES, read_events, exchange, NULL);
    if (response == NULL)
        return NULL;
    /* No chunks: the library copies those once more, 16 KiB at a time. */
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    /* What nginx would keep until it has enough. */
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    return response;
}

/* The header counts first: who has it comes back. Any answer but 200 would end a viewer for good,
 * so whoever cannot be one now is closed, and tries again. */
static enum MHD_Result view(struct exchange *exchange, struct sight sight)
{
    static const int unsent = UNSENT_BYTES_MAX;
    struct http *http = exchange->http;
    struct visit *visit = http_visit_of(exchange->connection);
    struct span after = http_header(exchange, "Last-Event-ID");
    if (after.len == 0)
        after = (struct span){exchange->query.after, exchange->query.after_bytes};
    if (http->is_stopped || !herd_is_complete(http->herd) ||
        http->viewer_count >= HTTP_VIEWERS_MAX ||
        http_has_share(http, &visit->who, is_viewer, HTTP_VIEWERS_MAX) ||
        !stream_join(herd_stream(http->herd), &sight, after, &exchange->viewer))
        return MHD_NO;
    setsockopt(visit->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    visit->viewer = exchange;
    visit->due_ms = UINT64_MAX;
    http->visit_count--;
    http->viewer_count++;
    http_append(&http->viewers, exchange);
    return http_give(exchange, MHD_HTTP_OK, make_stream(exchange), "text/event-stream");
}

static void leave(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct visit *visit = http_visit_of(exchange->connection);
    if (visit->viewer != exchange)
        return;
    http_unlink(&http->viewers, exchange);
    stream_leave(herd_stream(http->herd), &exchange->viewer);
    visit->viewer = NULL;
    http->viewer_count--;
    http->visit_count++;
}

void http_wake(struct exchange *viewer)
{
    if (viewer->state != EXCHANGE_RESTS)
        return;
    viewer->state = EXCHANGE_IS_OVER;
    MHD_resume_connection(viewer->connection);
}

void http_show_turn(struct http *http)
{
    http->looks = PAGE_TURN_LOOKS;
    if (!herd_take_news(http->herd))
        return;
    for (struct exchange *viewer = http->viewers.first; viewer != NULL; viewer = viewer->next)
        if (stream_has_more(&viewer->viewer))
            http_wake(viewer);
}

void http_show_stop(struct http *http)
{
    for (struct exchange *viewer = http->viewers.first; viewer != NULL; viewer = viewer->next)
        http_wake(viewer);
    if (http->is_closing)
        end_all_asking(http);
}

/* Persons are the rules', and gone with them. */
void http_show_forget(struct http *http)
{
    for (struct exchange *viewer = http->viewers.first; viewer != NULL; viewer = viewer->next) {
        stream_leave(herd_stream(http->herd), &viewer->viewer);
        http_wake(viewer);
    }
    for (struct exchange *page; (page = http->pages.first) != NULL;) {
        http_unlink(&http->pages, page);
        page->is_page = false;
    }
    memset(&http->friends, 0, sizeof http->friends); /* somebody may see others now */
    end_all_asking(http);
    if (herd_is_complete(http->herd))
        stream_forget(herd_stream(http->herd));
}

/* ---- any of them ---- */

/* Positions are old at once, places are not. */
const char *http_caching(const struct exchange *exchange, unsigned status)
{
    bool is_place = exchange->query.kind == QUERY_PLACES && status == MHD_HTTP_OK;
    return is_place ? "private, max-age=3600" : "no-store";
}

void http_count(struct http *http, struct web_figures *figures)
{
    *figures = (struct web_figures){
        .count = http->count,
        .hides_clients = http->gate.rules != NULL,
        .connections = http->visit_count,
        .pages = http->work_count,
        .body_bytes = http->body_bytes,
        .is_open = door_is_open(http->door),
        .held = http->gate.pacer.waiting.count,
        .commit = version_commit,
    };
    figures->count.denied = http->gate.denied;
    figures->count.too_fast = http->gate.pacer.held;
    relay_count(http->relay, &figures->relay);
    herd_count(http->herd, figures);
}

static enum MHD_Result show_metrics(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct web_figures figures;
    struct span accept = http_header(exchange, MHD_HTTP_HEADER_ACCEPT);
    enum metrics_form form = metrics_choose(accept);
    http_count(http, &figures);
    process_read(&http->process);
    process_count_descriptors(&http->process);
    figures.process = http->process;
    http->text.len = 0;
    web_write_metrics(&figures, form, &http->text);
    return http_queue(exchange, MHD_HTTP_OK, metrics_content_type(form));
}

enum MHD_Result http_answer_health(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct web_figures figures;
    http_count(http, &figures);
    http->text.len = 0;
    web_write_health(&figures, &http->text);
    bool is_ready = figures.is_open && figures.is_complete;
    return http_queue(exchange,
                      exchange->is_about_ready && !is_ready ? MHD_HTTP_SERVICE_UNAVAILABLE
                                                            : MHD_HTTP_OK,
                      "application/json");
}

enum MHD_Result http_show(struct exchange *exchange)
{
    enum query_kind kind = exchange->query.kind;
    struct sight sight = {0};
    if (exchange->asked != 0)
        return answer_asked(exchange);
    if (!query_read(kind, exchange->target.path, exchange->target.query, &exchange->query))
        return http_refuse(exchange, MHD_HTTP_BAD_REQUEST, exchange->query.why);
    if (kind == QUERY_METRICS)
        return show_metrics(exchange);
    unsigned status = find_sight(exchange, &sight);
    if (status == MHD_HTTP_TOO_MANY_REQUESTS && kind == QUERY_EVENTS)
        return MHD_NO; /* it tries again; any answer would end it for good */
    if (status != MHD_HTTP_OK)
        return refuse_person(exchange, status);
    switch (kind) {
    case QUERY_EVENTS:
        return view(exchange, sight);
    case QUERY_WHATSAT:
        return ask(exchange, sight);
    case QUERY_PLACES:
        return ask_places(exchange);
    case QUERY_HERD:
        return show_graph(exchange);
    default:
        return show_page(exchange, sight);
    }
}

void http_show_end(struct exchange *exchange)
{
    if (exchange->state == EXCHANGE_ASKS)
        http_unlink(&exchange->http->askers, exchange);
    asker_end(&exchange->asker);
    places_end(&exchange->question);
    if (exchange->is_page)
        http_unlink(&exchange->http->pages, exchange);
    leave(exchange);
    page_end(&exchange->page);
    end_work(exchange);
}
