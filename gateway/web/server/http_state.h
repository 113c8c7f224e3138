/* What http.c is made of: connections, requests and their answers. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_HTTP_STATE_H
#define ZHERD_GATEWAY_WEB_SERVER_HTTP_STATE_H

#include <microhttpd.h>

#include "bus/net/binding.h"
#include "gateway/web/parse/upload.h"
#include "gateway/web/server/door.h"
#include "gateway/web/server/gate.h"
#include "gateway/web/server/http.h"
#include "topology/format/networks.h"

enum exchange_state {
    EXCHANGE_BEGINS,
    EXCHANGE_READS,
    EXCHANGE_WAITS, /* for the node; its connection is suspended */
    EXCHANGE_IS_OVER,
};

struct visit {
    bool is_there, is_ended; /* is_ended: nothing more will come */
    int fd;                  /* the library's, open as long as it is there */
    uint64_t due_ms;
    struct network_address who, from; /* its host, and its address */
    size_t body_bytes;                /* that count */
    int64_t spent_ns;                 /* of the rate of who has no token */
};

/* One request and its answer. */
struct exchange {
    struct http *http;
    struct MHD_Connection *connection;
    enum exchange_state state;
    enum upload_kind kind;
    struct buffer query, body;
    bool is_about_ready; /* /readyz, where kind is none */
    const char *methods; /* that its path has; a constant text, or NULL */
    unsigned status;     /* of its answer; 0: not known yet */
    size_t accepted;
    uint64_t number; /* of the last IAMAT that it waits for */
    uint64_t due_ms;
    struct exchange *next, *before; /* in the order in which they began to wait */
};

struct listener {
    struct http *http;
    int fd;
    uv_poll_t poll;
};

struct http {
    uv_loop_t *loop;
    struct relay *relay;
    const struct door *door;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer, look, pause;
    struct listener listeners[BINDING_SOCKETS_MAX];
    size_t listener_count;
    struct visit visits[HTTP_CONNECTIONS_MAX];
    size_t visit_count;
    struct exchange *first, *last; /* that wait */
    size_t body_bytes;             /* that count, of all that are read */
    struct gate gate;
    struct upload upload;
    struct buffer text; /* of an answer */
    struct {
        uint64_t accepted; /* positions that were taken */
        uint64_t skipped;  /* what an app sends and is no position */
        uint64_t refused;  /* requests that were no good */
    } figures;
    bool is_stopped, is_closing; /* is_closing: nobody begins to wait any more */
};

#endif
