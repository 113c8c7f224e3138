#include "placesd/landmarks/server/landmarks.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bus/base/bytes.h"
#include "bus/net/binding.h"
#include "placesd/landmarks/data/nearby_search.h"
#include "placesd/landmarks/server/store.h"
#include "placesd/lookup.h"
#include "placesd/providers/osm.h"
#include "topology/format/networks.h"
#include "topology/say.h"

/* All of one request's line, header and parameters; more is answered by 414 or 431. */
#define REQUEST_BYTES_MAX ((size_t)16 * 1024)

#define NEVER_MS       INT64_MAX
#define TEXT_BYTES_MAX 256
/* A name of the system's choice has five digits. */
#define OWN_NAME_BYTES_MAX 32
#define OWN_PAUSE_MS       10

struct landmarks {
    pthread_mutex_t asking; /* the store, or replacing it, and what is counted of it */
    struct store *store;
    struct store *next; /* from landmarks_read until it is taken; else NULL */
    struct histogram searched;
    uint64_t opened, opened_badly;
    atomic_uint_fast64_t answers[FIGURES_ANSWERS];
    char *database; /* NULL for the bundled places */
    char *path;
    landmarks_tell *tell;
    const char *attribution;         /* NULL for the bundled places, which are our own */
    struct MHD_Daemon *daemon, *own; /* for those outside, and for this process */
    struct patience *patience;       /* with those outside */
    int own_listener;
    char own_name[OWN_NAME_BYTES_MAX];
    pthread_t acceptor;
    bool accepts;
    atomic_bool stopping;
};

static const char *const zone_tables[] = {
    "/usr/share/zoneinfo/zone.tab",
    "/usr/share/zoneinfo/zone1970.tab", /* fewer cities; what stays if zone.tab goes */
};

/* ---- how many may ask, and how long one question may take ----
 *
 * The library has a limit of connections for each address, but tells nobody when it refuses one,
 * and takes each address of IPv6 for another host.
 *
 * The library's own limit is on silence only, and whoever sends a byte a second is never silent. A
 * thread cuts the connections whose time is over; the library then finds them closed. It reads and
 * writes nothing itself.
 *
 * Invariants: no address has more than landmarks_address_max; a connection is cut
 * LANDMARKS_PATIENCE_MS after its beginning, or after its last answer, unless another one was
 * complete before; no other descriptor is ever touched. */

struct visit {
    bool is_there;
    int socket; /* libmicrohttpd's, open as long as it is there */
    int64_t due_ms;
    struct network_address who; /* its host */
};

struct patience {
    pthread_t thread;
    landmarks_tell *tell;
    int64_t quiet_until_ms[2]; /* of both things that it tells; the serving thread's alone */
    pthread_mutex_t lock;      /* for all below */
    pthread_cond_t changed;
    bool stopping;
    uint64_t refused, cut;
    struct visit visits[LANDMARKS_CONNECTIONS_MAX];
};

static int64_t read_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t read_clock_ms(void)
{
    return read_clock_ns() / 1000000;
}

/* Cuts whose time is over; when the next one's is. Under the lock. */
static int64_t cut_late(struct patience *patience)
{
    int64_t now_ms = read_clock_ms(), next_ms = NEVER_MS;
    for (size_t i = 0; i < LANDMARKS_CONNECTIONS_MAX; i++) {
        struct visit *visit = &patience->visits[i];
        if (!visit->is_there)
            continue;
        if (visit->due_ms <= now_ms) {
            shutdown(visit->socket, SHUT_RDWR);
            patience->cut++;
            visit->due_ms = NEVER_MS;
        }
        next_ms = visit->due_ms < next_ms ? visit->due_ms : next_ms;
    }
    return next_ms;
}

static void *run(void *user)
{
    struct patience *patience = user;
    pthread_mutex_lock(&patience->lock);
    while (!patience->stopping) {
        int64_t next_ms = cut_late(patience);
        struct timespec until = {.tv_sec = next_ms / 1000, .tv_nsec = next_ms % 1000 * 1000000};
        if (next_ms == NEVER_MS)
            pthread_cond_wait(&patience->changed, &patience->lock);
        else
            pthread_cond_timedwait(&patience->changed, &patience->lock, &until);
    }
    pthread_mutex_unlock(&patience->lock);
    return NULL;
}

/* The thread takes the caller's signal mask. NULL when there is none to be had. */
static struct patience *patience_start(landmarks_tell *tell)
{
    struct patience *patience = bytes_zeroed(sizeof *patience);
    patience->tell = tell;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&patience->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&patience->lock, NULL);
    if (pthread_create(&patience->thread, NULL, run, patience) == 0)
        return patience;
    free(patience);
    return NULL;
}

/* The server must have ended. */
static void patience_stop(struct patience **patience)
{
    if (*patience == NULL)
        return;
    pthread_mutex_lock(&(*patience)->lock);
    (*patience)->stopping = true;
    pthread_cond_signal(&(*patience)->changed);
    pthread_mutex_unlock(&(*patience)->lock);
    pthread_join((*patience)->thread, NULL);
    pthread_cond_destroy(&(*patience)->changed);
    pthread_mutex_destroy(&(*patience)->lock);
    free(*patience);
    *patience = NULL;
}

unsigned landmarks_address_max(const struct network_address *address)
{
    return network_address_is_loopback(address) ? LANDMARKS_LOOPBACK_CONNECTIONS_MAX
                                                : LANDMARKS_ADDRESS_CONNECTIONS_MAX;
}

/* One more of that host, which may have `max`: how many it has, and the refusal is counted. */
static unsigned count_visits(struct patience *patience, const struct network_address *who,
                             unsigned max)
{
    unsigned count = 0;
    pthread_mutex_lock(&patience->lock);
    for (size_t i = 0; i < LANDMARKS_CONNECTIONS_MAX; i++)
        count +=
            patience->visits[i].is_there && memcmp(&patience->visits[i].who, who, sizeof *who) == 0;
    patience->refused += count >= max;
    pthread_mutex_unlock(&patience->lock);
    return count;
}

/* What an operator should know of an address and the number of its connections. */
static void tell_of(struct patience *patience, const struct sockaddr *at, socklen_t bytes,
                    unsigned count, unsigned max)
{
    bool refused = count == max;
    char host[INET6_ADDRSTRLEN], text[TEXT_BYTES_MAX];
    int64_t now_ms = read_clock_ms();
    if (now_ms < patience->quiet_until_ms[refused])
        return;
    patience->quiet_until_ms[refused] = now_ms + LANDMARKS_TELL_PAUSE_MS;
    if (getnameinfo(at, bytes, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        host[0] = '\0';
    snprintf(text, sizeof text, "%s has %u of the %u connections that one address may have%s", host,
             count, max, refused ? ": one more is refused" : "");
    patience->tell(text);
}

static enum MHD_Result patience_admit(void *user, const struct sockaddr *at, socklen_t bytes)
{
    struct patience *patience = user;
    struct network_address who = network_address_host(at);
    unsigned max = landmarks_address_max(&who), count = count_visits(patience, &who, max);
    if (count * 100 >= max * LANDMARKS_NEARLY_PERCENT)
        tell_of(patience, at, bytes, count, max);
    return count < max ? MHD_YES : MHD_NO;
}

static struct visit *find_free(struct patience *patience)
{
    size_t i = 0;
    while (i < LANDMARKS_CONNECTIONS_MAX && patience->visits[i].is_there)
        i++;
    assert(i < LANDMARKS_CONNECTIONS_MAX);
    return &patience->visits[i];
}

/* The library tells of the end before it closes the socket. */
static void patience_connected(void *user, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct patience *patience = user;
    pthread_mutex_lock(&patience->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct visit *visit = find_free(patience);
        *visit = (struct visit){
            .is_there = true,
            .socket =
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
            .due_ms = read_clock_ms() + LANDMARKS_PATIENCE_MS,
            .who = network_address_host(
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
                    ->client_addr),
        };
        *context = visit;
        pthread_cond_signal(&patience->changed);
    } else {
        ((struct visit *)*context)->is_there = false;
    }
    pthread_mutex_unlock(&patience->lock);
}

static void patience_completed(void *user, struct MHD_Connection *connection, void **request,
                               enum MHD_RequestTerminationCode code)
{
    (void)request, (void)code;
    struct patience *patience = user;
    struct visit *visit =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    pthread_mutex_lock(&patience->lock);
    if (visit->due_ms != NEVER_MS)
        visit->due_ms = read_clock_ms() + LANDMARKS_PATIENCE_MS;
    pthread_mutex_unlock(&patience->lock);
}

/* ---- questions ---- */

static enum MHD_Result take_parameter(void *query, enum MHD_ValueKind kind, const char *name,
                                      size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct span empty = {"", 0};
    query_take(query, (struct span){name, name_bytes},
               value == NULL ? empty : (struct span){value, value_bytes});
    return MHD_YES;
}

static void count_answer(struct landmarks *landmarks, enum figures_answer answer)
{
    atomic_fetch_add_explicit(&landmarks->answers[answer], 1, memory_order_relaxed);
}

/* The JSON text for a request's parameters; NULL when memory is gone. */
static char *answer(struct landmarks *landmarks, struct MHD_Connection *connection)
{
    struct query query = {0};
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_parameter, &query);
    const char *fault = query_fault(&query);
    if (fault != NULL) {
        count_answer(landmarks, FIGURES_INVALID);
        return answer_invalid(fault);
    }
    struct place found[ANSWER_RESULTS_MAX];
    size_t count = 0;
    enum store_order order = query.nearest_first ? STORE_NEAREST : STORE_PROMINENT;
    pthread_mutex_lock(&landmarks->asking);
    int64_t began_ns = read_clock_ns();
    bool good = store_nearby(landmarks->store, order, query.centre, query.radius_m,
                             ANSWER_RESULTS_MAX, found, &count);
    histogram_observe(&landmarks->searched, read_clock_ns() - began_ns);
    pthread_mutex_unlock(&landmarks->asking);
    count_answer(landmarks, !good ? FIGURES_FAILED : count > 0 ? FIGURES_OK : FIGURES_NONE);
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
    if (strcmp(path, landmarks->path) != 0) {
        count_answer(landmarks, FIGURES_NOT_FOUND);
        return respond(connection, MHD_HTTP_NOT_FOUND, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain",
                       strdup("There is only the Nearby Search here.\n"));
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        count_answer(landmarks, FIGURES_NOT_ALLOWED);
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, "GET, HEAD",
                       strdup("Ask with GET.\n"));
    }
    if (*begun == NULL || *body_bytes > 0) {
        *begun = landmarks;
        *body_bytes = 0; /* taken, and not looked at */
        return MHD_YES;
    }
    return respond(connection, MHD_HTTP_OK, MHD_HTTP_HEADER_CONTENT_TYPE,
                   "application/json; charset=UTF-8", answer(landmarks, connection));
}

/* ---- start and stop ---- */

/* A socket that listens at the first address of `host` that belongs to this machine, or -1. */
static int listen_at(const char *host, uint16_t port, struct fault *fault)
{
    static const struct binding_options options = {.backlog = SOMAXCONN};
    char endpoint[RESOLVE_HOST_BYTES_MAX + sizeof "tcp://[]:65535"];
    int sockets[BINDING_SOCKETS_MAX];
    snprintf(endpoint, sizeof endpoint, strchr(host, ':') ? "tcp://[%.*s]:%u" : "tcp://%.*s:%u",
             RESOLVE_HOST_BYTES_MAX, host, (unsigned)port);
    if (binding_listen(endpoint, &options, sockets, fault) == 1)
        return sockets[0];
    fault_set(fault, "the places server cannot listen at %s port %u: %s", host, (unsigned)port,
              fault->text);
    return -1;
}

/* It uses poll, not epoll: libmicrohttpd's edge-triggered epoll misses the end of input that
 * arrives together with a request, and such a connection would stay until its time is over. */
static struct MHD_Daemon *start_daemon(struct landmarks *landmarks, int listener)
{
    const struct MHD_OptionItem options[] = {
        /* Bound by bus/net/binding.h, which says what is wrong with an address. */
        {MHD_OPTION_LISTEN_SOCKET, listener, NULL},
        /* One connection more waits until another one ends. */
        {MHD_OPTION_CONNECTION_LIMIT, LANDMARKS_CONNECTIONS_MAX, NULL},
        /* Two ends of a question's time: patience. */
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)patience_connected, landmarks->patience},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)patience_completed, landmarks->patience},
        /* All of a request is in this memory, and none of it is more than a question. */
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_BYTES_MAX, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD, 0, patience_admit,
                            landmarks->patience, handle, landmarks, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

/* For connections that this process makes: as many as a worker may have look-ups. It is in nobody's
 * way, so nobody cuts it. */
static struct MHD_Daemon *start_own_daemon(struct landmarks *landmarks)
{
    static const struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, LOOKUP_CREDITS_MAX, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_BYTES_MAX, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET, 0,
        NULL, NULL, handle, landmarks, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* Whether the other end of the connection is this process. */
static bool is_own(int connection)
{
    struct ucred other;
    socklen_t bytes = sizeof other;
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &other, &bytes) == 0 &&
           other.pid == getpid();
}

/* Any process of this machine finds the socket's name; those that connect are closed at once. */
static void *accept_own(void *user)
{
    static const struct sockaddr_un nowhere = {.sun_family = AF_UNIX};
    struct landmarks *landmarks = user;
    while (!atomic_load(&landmarks->stopping)) {
        int connection = accept4(landmarks->own_listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0)
            poll(NULL, 0, OWN_PAUSE_MS); /* there are no descriptors just now */
        else if (!is_own(connection))
            close(connection);
        else /* takes it over, and closes it even where it fails */
            MHD_add_connection(landmarks->own, connection, (const struct sockaddr *)&nowhere,
                               sizeof nowhere.sun_family);
    }
    return NULL;
}

/* At a name that the system chooses (unix(7), autobind). */
static bool listen_own(struct landmarks *landmarks)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t bytes = sizeof at.sun_family;
    landmarks->own_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (landmarks->own_listener < 0 ||
        bind(landmarks->own_listener, (struct sockaddr *)&at, bytes) != 0 ||
        listen(landmarks->own_listener, SOMAXCONN) != 0)
        return false;
    bytes = sizeof at;
    if (getsockname(landmarks->own_listener, (struct sockaddr *)&at, &bytes) != 0)
        return false;
    size_t before = offsetof(struct sockaddr_un, sun_path) + 1;
    snprintf(landmarks->own_name, sizeof landmarks->own_name, "%.*s", (int)(bytes - before),
             at.sun_path + 1);
    return true;
}

static void stop_own(struct landmarks *landmarks)
{
    atomic_store(&landmarks->stopping, true);
    if (landmarks->accepts) {
        shutdown(landmarks->own_listener, SHUT_RDWR);
        pthread_join(landmarks->acceptor, NULL);
    }
    if (landmarks->own_listener >= 0)
        close(landmarks->own_listener);
    if (landmarks->own != NULL)
        MHD_stop_daemon(landmarks->own);
}

static bool start_own(struct landmarks *landmarks)
{
    landmarks->own = start_own_daemon(landmarks);
    landmarks->accepts = landmarks->own != NULL && listen_own(landmarks) &&
                         pthread_create(&landmarks->acceptor, NULL, accept_own, landmarks) == 0;
    return landmarks->accepts;
}

/* Starts the threads with all signals blocked: they stay with whoever started us. */
static bool start_threads(struct landmarks *landmarks, int listener)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    landmarks->patience = patience_start(landmarks->tell);
    if (landmarks->patience != NULL && start_own(landmarks))
        landmarks->daemon = start_daemon(landmarks, listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (landmarks->daemon == NULL) {
        stop_own(landmarks);
        patience_stop(&landmarks->patience);
    }
    return landmarks->daemon != NULL;
}

static void seed_any_zones(struct store *store)
{
    for (size_t i = 0; i < sizeof zone_tables / sizeof *zone_tables; i++) {
        if (store_seed_zones(store, zone_tables[i]))
            return;
    }
    say("no %s: going without the cities of the time zones", zone_tables[0]);
}

/* The places of our own table and of the time zones, or NULL. */
static struct store *open_bundled(struct fault *fault)
{
    struct store *store = store_open(fault);
    if (store != NULL && store_seed(store))
        seed_any_zones(store);
    else
        store_close(&store);
    return store;
}

static void release(struct landmarks *landmarks)
{
    store_close(&landmarks->next);
    store_close(&landmarks->store);
    pthread_mutex_destroy(&landmarks->asking);
    free(landmarks->path);
    free(landmarks->database);
    free(landmarks);
}

struct landmarks *landmarks_start(const char *database, const char *host, uint16_t port,
                                  const char *path, landmarks_tell *tell, struct fault *fault)
{
    fault_set(fault, "no memory for the places server");
    struct store *store =
        database == NULL ? open_bundled(fault) : store_open_to_read(database, fault);
    if (store == NULL)
        return NULL;
    int listener = listen_at(host, port, fault);
    if (listener < 0) {
        store_close(&store);
        return NULL;
    }
    struct landmarks *landmarks = bytes_zeroed(sizeof *landmarks);
    *landmarks = (struct landmarks){
        .store = store,
        .path = bytes_text(path),
        .database = database == NULL ? NULL : bytes_text(database),
        .tell = tell,
        .own_listener = -1,
        .attribution = database == NULL ? NULL : OSM_ATTRIBUTION,
    };
    pthread_mutex_init(&landmarks->asking, NULL);
    if (start_threads(landmarks, listener))
        return landmarks;
    /* Whether a failed start has closed the socket depends on how far it came, and closing it
     * twice could hit somebody else's; the caller is about to end anyway. */
    fault_set(fault, "the places server's threads cannot start: %s", strerror(errno));
    release(landmarks);
    return NULL;
}

bool landmarks_read(struct landmarks *landmarks, struct fault *fault)
{
    landmarks_leave(landmarks);
    if (landmarks->database == NULL)
        return true;
    landmarks->next = store_open_to_read(landmarks->database, fault);
    pthread_mutex_lock(&landmarks->asking);
    landmarks->opened_badly += landmarks->next == NULL;
    pthread_mutex_unlock(&landmarks->asking);
    return landmarks->next != NULL;
}

void landmarks_take(struct landmarks *landmarks)
{
    if (landmarks->next == NULL)
        return;
    pthread_mutex_lock(&landmarks->asking);
    struct store *old = landmarks->store;
    landmarks->store = landmarks->next;
    landmarks->opened++;
    pthread_mutex_unlock(&landmarks->asking);
    landmarks->next = NULL;
    store_close(&old);
}

void landmarks_leave(struct landmarks *landmarks)
{
    store_close(&landmarks->next);
}

bool landmarks_read_again(struct landmarks *landmarks, struct fault *fault)
{
    if (!landmarks_read(landmarks, fault))
        return false;
    landmarks_take(landmarks);
    return true;
}

void landmarks_look(struct landmarks *landmarks, struct figures *figures)
{
    struct patience *patience = landmarks->patience;
    *figures = (struct figures){.connections_max = LANDMARKS_CONNECTIONS_MAX};
    for (size_t i = 0; i < FIGURES_ANSWERS; i++)
        figures->answers[i] = atomic_load_explicit(&landmarks->answers[i], memory_order_relaxed);
    pthread_mutex_lock(&landmarks->asking);
    figures->searched = landmarks->searched;
    figures->opened = landmarks->opened;
    figures->opened_badly = landmarks->opened_badly;
    pthread_mutex_unlock(&landmarks->asking);
    pthread_mutex_lock(&patience->lock);
    for (size_t i = 0; i < LANDMARKS_CONNECTIONS_MAX; i++)
        figures->connections += patience->visits[i].is_there;
    figures->refused = patience->refused;
    figures->cut = patience->cut;
    pthread_mutex_unlock(&patience->lock);
}

const char *landmarks_database(const struct landmarks *landmarks)
{
    return landmarks->database;
}

const char *landmarks_own_socket(const struct landmarks *landmarks)
{
    return landmarks->own_name;
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
    stop_own(*landmarks);
    patience_stop(&(*landmarks)->patience);
    release(*landmarks);
    *landmarks = NULL;
}
