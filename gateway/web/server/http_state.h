/* What the files of HTTP share: connections, requests and their answers. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_HTTP_STATE_H
#define ZHERD_GATEWAY_WEB_SERVER_HTTP_STATE_H

#include <microhttpd.h>

#include "bus/net/binding.h"
#include "gateway/web/parse/asset.h"
#include "gateway/web/parse/query.h"
#include "gateway/web/parse/target.h"
#include "gateway/web/parse/upload.h"
#include "gateway/web/server/door.h"
#include "gateway/web/server/gate.h"
#include "gateway/web/server/herd.h"
#include "gateway/web/server/http.h"
#include "gateway/web/server/places.h"
#include "gateway/web/show/figures.h"
#include "gateway/web/show/friends.h"
#include "gateway/web/show/page.h"
#include "gateway/web/show/stream.h"
#include "topology/format/networks.h"

#define HTTP_VISITS_MAX (HTTP_CONNECTIONS_MAX + HTTP_VIEWERS_MAX)

enum exchange_state {
    EXCHANGE_BEGINS,
    EXCHANGE_READS,
    EXCHANGE_WAITS, /* for the node; soon its connection is suspended */
    EXCHANGE_ASKS, /* for what an own connection to the node, or the landmarks server, brings; it is
                      suspended */
    EXCHANGE_RESTS, /* a viewer's: likewise, for events */
    EXCHANGE_IS_OVER,
};

struct exchange;

struct exchanges {
    struct exchange *first, *last;
};

struct visit {
    bool is_there, is_ended; /* is_ended: nothing more will come */
    int fd;                  /* the library's, open as long as it is there */
    uint64_t due_ms;
    struct network_address who, from; /* its host, and its address */
    size_t body_bytes;                /* that count */
    int64_t spent_ns;                 /* of the rate of who has no token */
    bool has_work;                    /* its answer is one of HTTP_WORKS_MAX */
    bool asks_places;                 /* its question is one of PLACES_ASKED_MAX */
    struct exchange *viewer;          /* NULL where it is none */
};

/* One request and its answer. */
struct exchange {
    struct http *http;
    struct MHD_Connection *connection;
    enum exchange_state state;
    enum upload_kind kind;
    struct buffer sent, body; /* sent: where the request goes, in its own words */
    struct target target;     /* borrowed from it */
    struct buffer client;     /* whose upload it is, for the answer to OwnTracks */
    struct query query;       /* for positions, where kind is none */
    struct page page;
    bool is_page;                     /* which is being written */
    struct viewer viewer;             /* of events */
    int64_t until_ns;                 /* of the herd's time: its person may view until then */
    struct asker *asker;              /* of the node, or NULL */
    struct places_question *question; /* of the landmarks server, or NULL */
    unsigned asked;                   /* the status that this led to; 0: none yet */
    const struct asset *asset;        /* of the map, or NULL */
    bool is_about_ready;              /* /readyz, where all three are none */
    const char *methods;              /* that its path has; a constant text, or NULL */
    unsigned status;                  /* of its answer; 0: not known yet */
    const char *why;                  /* that is a refusal: a sentence, constant */
    size_t accepted;
    uint64_t number; /* of the last IAMAT that it waits for */
    uint64_t due_ms;
    bool is_suspended;              /* while it waits */
    struct exchange *next, *before; /* in the list of those that wait, ask, view or are written */
};

struct listener {
    struct http *http;
    int fd;
    uv_poll_t poll;
};

struct http {
    uv_loop_t *loop;
    struct relay *relay;
    struct door *door;
    struct herd *herd;
    const char *tiles; /* of the map */
    struct places *places;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer, look, pause;
    struct listener listeners[BINDING_SOCKETS_MAX];
    size_t listener_count;
    struct visit visits[HTTP_VISITS_MAX];
    size_t visit_count; /* but for viewers */
    size_t viewer_count, work_count;
    int64_t looks;                                    /* left to pages in this turn */
    struct exchanges waiting, askers, viewers, pages; /* each in the order in which they began */
    size_t body_bytes;                                /* that count, of all that are read */
    struct gate gate;
    struct friends friends;
    struct upload upload;
    struct buffer text; /* of an answer */
    struct web_counts count;
    struct process_figures process;
    bool is_busy;                /* in this turn the library called for more than those that wait */
    bool is_stopped, is_closing; /* is_closing: nobody begins to wait any more */
};

/* ---- http.c ---- */

struct span http_header(const struct exchange *exchange, const char *name);
struct gate_request http_ask_gate(const struct exchange *exchange);

/* Queues the answer, whose body is http->text; where it is a refusal, a sentence says why. */
enum MHD_Result http_queue(struct exchange *exchange, unsigned status, const char *type);
enum MHD_Result http_refuse(struct exchange *exchange, unsigned status, const char *why);
/* The same of any response, which it takes over, and which is NULL where memory is gone. */
enum MHD_Result http_give(struct exchange *exchange, unsigned status, struct MHD_Response *response,
                          const char *type);

void http_append(struct exchanges *list, struct exchange *exchange);
void http_unlink(struct exchanges *list, struct exchange *exchange);

/* ---- http_connections.c: who is connected, and how long a request may still take ---- */

struct visit *http_visit_of(struct MHD_Connection *connection);
/* The next request may take so long, and its answer again, however long its connection rested. */
void http_give_time(struct visit *visit, const struct http *http);
/* Whether so many visits of the address are what `has` says as one address may have of `most`. */
bool http_has_share(const struct http *http, const struct network_address *who,
                    bool has(const struct visit *visit), unsigned most);
/* Shuts down those whose time is over. */
void http_end_late(struct http *http);
/* An MHD_NotifyConnectionCallback of the http. */
void http_note_connection(void *user, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code);
/* Takes connections, or no more of them; false and one sentence where it cannot listen. */
bool http_listen(struct http *http, const char *endpoint, struct fault *fault);
void http_listen_stop(struct http *http);
void http_listen_close(struct http *http);

/* ---- http_upload.c: bodies, and positions on their way to the node ---- */

/* What is known of an upload before its body; where it is refused there is a status, and no body is
 * kept. */
void http_begin_upload(struct exchange *exchange);
/* A body in pieces. */
void http_take_piece(struct exchange *exchange, struct span piece);
/* Answers when the node has; and then, or where it is known at once. */
enum MHD_Result http_take_upload(struct exchange *exchange);
/* Goes on waiting. */
enum MHD_Result http_wait(struct exchange *exchange);
enum MHD_Result http_answer_upload(struct exchange *exchange);
/* Those that the node has answered, or whose second is over; or all. */
void http_end_waiting(struct http *http, bool at_once);
/* Whatever it holds for that is given back: at the end of each request. */
void http_end_upload(struct exchange *exchange);

/* ---- http_friends.c ---- */

/* Notes whose upload was taken, where its app is to be told of friends. */
void http_note_client(struct exchange *exchange);
/* Makes http->text the answer with them; false where there is none. */
bool http_tell_friends(struct exchange *exchange);

/* ---- http_show.c: answers about positions ---- */

/* Whom the person may see; NULL: everybody. Those who see alike have one sight, so that they are
 * one audience. */
struct sight http_sight_of(const struct http *http, const struct access_person *person);
/* Cache-Control of an answer of that status. */
const char *http_caching(const struct exchange *exchange, unsigned status);
void http_count(struct http *http, struct web_figures *figures);
/* /healthz and /readyz. */
enum MHD_Result http_answer_health(struct exchange *exchange);
/* Answers, or begins to wait, or closes the connection. */
enum MHD_Result http_show(struct exchange *exchange);
/* Whatever it holds for that is given back: at the end of each request. */
void http_show_end(struct exchange *exchange);
/* Sends viewers what is new. */
void http_show_turn(struct http *http);
/* All viewers are sent away. */
void http_show_stop(struct http *http);
/* Whoever is being shown something is sent away: the access rules are about to be others. */
void http_show_forget(struct http *http);
/* A viewer that rests goes on. */
void http_wake(struct exchange *viewer);

/* ---- http_asset.c: the live map's page ---- */

/* Answers with exchange->asset. */
enum MHD_Result http_give_asset(struct exchange *exchange);

#endif
