#include "placesd/landmarks/server/landmarks.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/net/binding.h"
#include "placesd/landmarks/data/nearby_search.h"
#include "placesd/landmarks/server/patience.h"
#include "placesd/landmarks/server/seed.h"
#include "placesd/landmarks/server/store.h"
#include "placesd/providers/osm.h"
#include "topology/say.h"

/* One client, placesd, with as many connections as it has look-ups in flight; the rest is for
 * people with a browser. One connection more waits until another one ends. */
#define CONNECTIONS_MAX ((unsigned)PATIENCE_CONNECTIONS_MAX)
/* All of one request's line, header and parameters; more is answered by 414 or 431. */
#define REQUEST_BYTES_MAX ((size_t)16 * 1024)

struct landmarks {
    pthread_mutex_t asking; /* the store, or replacing it */
    struct store *store;
    char *database; /* NULL for the bundled places */
    char *path;
    const char *attribution; /* NULL for the bundled places, which are our own */
    struct MHD_Daemon *daemon;
    struct patience *patience;
};

static const char *const zone_tables[] = {
    "/usr/share/zoneinfo/zone.tab",
    "/usr/share/zoneinfo/zone1970.tab", /* fewer cities; what stays if zone.tab goes */
};

static enum MHD_Result take_parameter(void *query, enum MHD_ValueKind kind, const char *name,
                                      size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct span empty = {"", 0};
    query_take(query, (struct span){name, name_bytes},
               value == NULL ? empty : (struct span){value, value_bytes});
    return MHD_YES;
}

/* The JSON text for a request's parameters; NULL when memory is gone. */
static char *answer(struct landmarks *landmarks, struct MHD_Connection *connection)
{
    struct query query = {0};
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_parameter, &query);
    const char *fault = query_fault(&query);
    if (fault != NULL)
        return answer_invalid(fault);
    struct place found[ANSWER_RESULTS_MAX];
    size_t count = 0;
    enum store_order order = query.nearest_first ? STORE_NEAREST : STORE_PROMINENT;
    pthread_mutex_lock(&landmarks->asking);
    bool good = store_nearby(landmarks->store, order, query.centre, query.radius_m,
                             ANSWER_RESULTS_MAX, found, &count);
    pthread_mutex_unlock(&landmarks->asking);
    if (!good)
        return NULL;
    return answer_places(found, count, landmarks->attribution);
}

/* Takes over `text`. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status,
                               const char *header, const char *value, char *text)
{
    struct MHD_Response *response =
        text == NULL ? NULL
                     : MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO; /* closes the connection */
    }
    MHD_add_response_header(response, header, value);
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Called when a request's header is there, for each piece of its body, and at its end. A wrong
 * request is answered at once, which costs it the connection; a good one at its end, which lets
 * the connection live on for the next. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body,
                              size_t *body_bytes, void **begun)
{
    (void)version, (void)body;
    struct landmarks *landmarks = context;
    if (strcmp(path, landmarks->path) != 0)
        return respond(connection, MHD_HTTP_NOT_FOUND, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain",
                       strdup("There is only the Nearby Search here.\n"));
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, "GET, HEAD",
                       strdup("Ask with GET.\n"));
    if (*begun == NULL || *body_bytes > 0) {
        *begun = landmarks;
        *body_bytes = 0; /* taken, and not looked at */
        return MHD_YES;
    }
    return respond(connection, MHD_HTTP_OK, MHD_HTTP_HEADER_CONTENT_TYPE,
                   "application/json; charset=UTF-8", answer(landmarks, connection));
}

/* A socket that listens at the first address of `host` that belongs to this machine, or -1. */
static int listen_at(const char *host, uint16_t port, char *error, size_t error_bytes)
{
    static const struct binding_options options = {.backlog = SOMAXCONN};
    char endpoint[RESOLVE_HOST_BYTES_MAX + sizeof "tcp://[]:65535"];
    char reason[BINDING_REASON_BYTES_MAX];
    int sockets[BINDING_SOCKETS_MAX];
    snprintf(endpoint, sizeof endpoint, strchr(host, ':') ? "tcp://[%.*s]:%u" : "tcp://%.*s:%u",
             RESOLVE_HOST_BYTES_MAX, host, (unsigned)port);
    if (binding_listen(endpoint, &options, sockets, reason) == 1)
        return sockets[0];
    snprintf(error, error_bytes, "the places server cannot listen at %s port %u: %s", host,
             (unsigned)port, reason);
    return -1;
}

/* Starts the threads with all signals blocked: they stay with whoever started us. The serving one
 * uses poll, not epoll: libmicrohttpd's edge-triggered epoll misses the end of input that arrives
 * together with a request, and such a connection would stay until its time is over. */
static bool start_threads(struct landmarks *landmarks, int listener)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    landmarks->patience = patience_start();
    if (landmarks->patience != NULL)
        landmarks->daemon = MHD_start_daemon(
            MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, landmarks,
            MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
            MHD_OPTION_NOTIFY_CONNECTION, patience_connected, landmarks->patience,
            MHD_OPTION_NOTIFY_COMPLETED, patience_completed, landmarks->patience,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_BYTES_MAX, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (landmarks->daemon == NULL)
        patience_stop(&landmarks->patience);
    return landmarks->daemon != NULL;
}

static void seed_any_zones(struct store *store)
{
    for (size_t i = 0; i < sizeof zone_tables / sizeof *zone_tables; i++) {
        if (seed_zones(store, zone_tables[i]))
            return;
    }
    say("no %s: going without the cities of the time zones", zone_tables[0]);
}

/* The places of our own table and of the time zones, or NULL. */
static struct store *open_bundled(char *error, size_t error_bytes)
{
    struct store *store = store_open(error, error_bytes);
    if (store != NULL && seed_landmarks(store))
        seed_any_zones(store);
    else
        store_close(&store);
    return store;
}

struct landmarks *landmarks_start(const char *database, const char *host, uint16_t port,
                                  const char *path, char *error, size_t error_bytes)
{
    snprintf(error, error_bytes, "no memory for the places server");
    struct landmarks *landmarks = calloc(1, sizeof *landmarks);
    char *own_path = strdup(path), *own_database = database == NULL ? NULL : strdup(database);
    struct store *store = database == NULL ? open_bundled(error, error_bytes)
                                           : store_open_to_read(database, error, error_bytes);
    int listener = -1;
    if (landmarks == NULL || own_path == NULL || store == NULL ||
        (own_database == NULL) != (database == NULL))
        goto fail;
    listener = listen_at(host, port, error, error_bytes);
    if (listener < 0)
        goto fail;
    *landmarks = (struct landmarks){
        .store = store,
        .path = own_path,
        .database = own_database,
        .attribution = database == NULL ? NULL : OSM_ATTRIBUTION,
    };
    pthread_mutex_init(&landmarks->asking, NULL);
    if (start_threads(landmarks, listener))
        return landmarks;
    /* Whether a failed start has closed the socket depends on how far it came, and closing it
     * twice could hit somebody else's; the caller is about to end anyway. */
    snprintf(error, error_bytes, "the places server's threads cannot start: %s", strerror(errno));
fail:
    store_close(&store);
    free(own_path);
    free(own_database);
    free(landmarks);
    return NULL;
}

bool landmarks_read_again(struct landmarks *landmarks, char *error, size_t error_bytes)
{
    if (landmarks->database == NULL)
        return true;
    struct store *fresh = store_open_to_read(landmarks->database, error, error_bytes);
    if (fresh == NULL)
        return false;
    pthread_mutex_lock(&landmarks->asking);
    struct store *old = landmarks->store;
    landmarks->store = fresh;
    pthread_mutex_unlock(&landmarks->asking);
    store_close(&old);
    return true;
}

const char *landmarks_database(const struct landmarks *landmarks)
{
    return landmarks->database;
}

uint16_t landmarks_port(const struct landmarks *landmarks)
{
    return MHD_get_daemon_info(landmarks->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void landmarks_stop(struct landmarks **landmarks)
{
    if (*landmarks == NULL)
        return;
    MHD_stop_daemon((*landmarks)->daemon);
    patience_stop(&(*landmarks)->patience);
    store_close(&(*landmarks)->store);
    pthread_mutex_destroy(&(*landmarks)->asking);
    free((*landmarks)->path);
    free((*landmarks)->database);
    free(*landmarks);
    *landmarks = NULL;
}
