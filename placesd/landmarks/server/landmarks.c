#include "placesd/landmarks/server/landmarks.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
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
#include "placesd/landmarks/data/answer.h"
#include "placesd/landmarks/data/nearby_search.h"
#include "placesd/landmarks/server/patience.h"
#include "placesd/landmarks/server/store.h"
#include "placesd/lookup.h"
#include "placesd/providers/osm.h"
#include "topology/format/networks.h"
#include "topology/say.h"

/* All of one request's line, header and parameters; more is answered by 414 or 431. */
#define REQUEST_BYTES_MAX ((size_t)16 * 1024)

_Static_assert(STORE_FOUND_MAX == QUERY_OFFSET_MAX + ANSWER_RESULTS_MAX + 1,
               "the last page and one place more");

/* Where a process's descriptors have names (proc(5)). */
#define OWN_FOLDER "/proc/self/fd"
/* Of a file such a name, or a name of the system's choice, which has five digits. */
#define OWN_NAME_BYTES_MAX 32
#define OWN_PAUSE_MS       10
/* Questions answered at a time, at most; no more than the process may use processors. A store of a
 * file keeps READ_CACHE_KIB of it (placesd/landmarks/server/store.c), so there are few. */
#define THREADS_MAX 4

#define TEXT_OF(number)       TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(number) #number
/* What an answer says that LANDMARKS_LOOKS_MAX has cut short. */
#define LOOKS_INFO                                                                                 \
    "Only the first " TEXT_OF(                                                                     \
        LANDMARKS_LOOKS_MAX) " places of the circle were looked at: ask about a smaller one for "  \
                             "those that may be missing."

struct landmarks {
    pthread_mutex_t lock; /* for all up to opened_badly */
    pthread_cond_t given_back;
    struct store *idle[THREADS_MAX]; /* one of equal stores for each question at a time */
    unsigned idle_count, threads;
    uint64_t generation; /* one more for each time that the database was read again */
    struct histogram searched;
    uint64_t opened, opened_badly;
    struct store *next[THREADS_MAX]; /* from landmarks_read until they are taken, by one thread */
    unsigned next_count;
    atomic_uint_fast64_t answers[FIGURES_ANSWERS];
    char *database; /* NULL for the bundled places */
    char *path;
    landmarks_tell *tell;
    const char *attribution;         /* NULL for the bundled places, which are our own */
    struct MHD_Daemon *daemon, *own; /* for those outside, and for this process */
    struct patience *patience;       /* with those outside */
    int own_listener, own_file;      /* the socket, and its name in the file system or -1 */
    char own_name[OWN_NAME_BYTES_MAX];
    pthread_t acceptor;
    bool accepts;
    atomic_bool stopping;
};

static const char *const zone_tables[] = {
    "/usr/share/zoneinfo/zone.tab",
    "/usr/share/zoneinfo/zone1970.tab", /* fewer cities; what stays if zone.tab goes */
};

unsigned landmarks_address_max(const struct network_address *address)
{
    return network_address_is_loopback(address) ? LANDMARKS_LOOPBACK_CONNECTIONS_MAX
                                                : LANDMARKS_ADDRESS_CONNECTIONS_MAX;
}

/* ---- questions ---- */

static int64_t read_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static enum MHD_Result take_parameter(void *query, enum MHD_ValueKind kind, const char *name,
                                      size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct span empty = {"", 0};
    query_take(query, (struct span){name, name_bytes},
               value == NULL ? empty : (struct span){value, value_bytes});
    return MHD_YES;
}

/* A store for one question, and of which database. */
struct lease {
    struct store *store;
    uint64_t generation;
};

static struct lease borrow(struct landmarks *landmarks)
{
    pthread_mutex_lock(&landmarks->lock);
    while (landmarks->idle_count == 0)
        pthread_cond_wait(&landmarks->given_back, &landmarks->lock);
    struct lease lease = {landmarks->idle[--landmarks->idle_count], landmarks->generation};
    pthread_mutex_unlock(&landmarks->lock);
    return lease;
}

/* The question took that long. A store of a database that was replaced meanwhile is closed. */
static void give_back(struct landmarks *landmarks, struct lease lease, int64_t took_ns)
{
    pthread_mutex_lock(&landmarks->lock);
    histogram_observe(&landmarks->searched, took_ns);
    bool counts = lease.generation == landmarks->generation;
    if (counts)
        landmarks->idle[landmarks->idle_count++] = lease.store;
    pthread_cond_signal(&landmarks->given_back);
    pthread_mutex_unlock(&landmarks->lock);
    if (!counts)
        store_close(&lease.store);
}

static void count_answer(struct landmarks *landmarks, enum figures_answer answer)
{
    atomic_fetch_add_explicit(&landmarks->answers[answer], 1, memory_order_relaxed);
}

/* All places up to the end of the query's page, and one more where there is a next page. */
static bool search(struct landmarks *landmarks, const struct query *query, struct place *found,
                   struct store_finding *finding)
{
    const struct store_question question = {
        .order = query->nearest_first ? STORE_NEAREST : STORE_PROMINENT,
        .centre = query->centre,
        .radius_m = query->radius_m,
        .filter = query_is_narrow(&query->filter) ? &query->filter : NULL,
        .wanted = query->offset + ANSWER_RESULTS_MAX + 1,
        .looks_max = LANDMARKS_LOOKS_MAX,
    };
    struct lease lease = borrow(landmarks);
    int64_t began_ns = read_clock_ns();
    bool good = store_nearby(lease.store, &question, found, finding);
    give_back(landmarks, lease, read_clock_ns() - began_ns);
    return good;
}

/* Appends the query's page of what was found, and counts it. */
static bool answer_page(struct landmarks *landmarks, const struct query *query,
                        const struct place *found, const struct store_finding *finding,
                        struct buffer *out)
{
    struct buffer token = {0};
    size_t count =
        finding->count - (finding->count < query->offset ? finding->count : query->offset);
    if (count > ANSWER_RESULTS_MAX) {
        count = ANSWER_RESULTS_MAX;
        if (query->offset < QUERY_OFFSET_MAX)
            query_write_token(query, query->offset + ANSWER_RESULTS_MAX, &token);
    }
    const struct answer_notes notes = {
        .attribution = landmarks->attribution,
        .info = finding->is_cut_short ? LOOKS_INFO : NULL,
        .next_page_token = {token.data, token.len},
    };
    bool good = answer_places(found + query->offset, count, &notes, out);
    buffer_free(&token);
    if (good)
        count_answer(landmarks, count > 0 ? FIGURES_OK : FIGURES_NONE);
    return good;
}

/* Appends the JSON text for a request's parameters; false where there is none to be had. */
static bool answer(struct landmarks *landmarks, struct MHD_Connection *connection,
                   struct buffer *out)
{
    struct query query = {0};
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_parameter, &query);
    const char *fault = query_fault(&query);
    if (fault != NULL) {
        count_answer(landmarks, FIGURES_INVALID);
        answer_invalid(fault, out);
        return true;
    }
    /* Not on the stack, which the compiler would fill with zeros for each question. */
    struct place *found = bytes_resize(NULL, STORE_FOUND_MAX * sizeof *found);
    struct store_finding finding;
    bool good = search(landmarks, &query, found, &finding) &&
                answer_page(landmarks, &query, found, &finding, out);
    free(found);
    if (!good)
        count_answer(landmarks, FIGURES_FAILED);
    return good;
}

/* Takes over `text`. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status,
                               const char *header, const char *value, struct buffer *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text->len, text->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        buffer_free(text);
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
    struct buffer text = {0};
    if (strcmp(path, landmarks->path) != 0) {
        count_answer(landmarks, FIGURES_NOT_FOUND);
        buffer_append(&text, span_of("There is only the Nearby Search here.\n"));
        return respond(connection, MHD_HTTP_NOT_FOUND, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain",
                       &text);
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        count_answer(landmarks, FIGURES_NOT_ALLOWED);
        buffer_append(&text, span_of("Ask with GET.\n"));
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, "GET, HEAD",
                       &text);
    }
    if (*begun == NULL || *body_bytes > 0) {
        *begun = landmarks;
        *body_bytes = 0; /* taken, and not looked at */
        return MHD_YES;
    }
    if (!answer(landmarks, connection, &text))
        return MHD_NO; /* closes the connection */
    return respond(connection, MHD_HTTP_OK, MHD_HTTP_HEADER_CONTENT_TYPE,
                   "application/json; charset=UTF-8", &text);
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
        {MHD_OPTION_THREAD_POOL_SIZE, landmarks->threads, NULL},
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
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, LOOKUP_CREDITS_MAX, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, landmarks->threads, NULL},
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

/* Binds a file, and takes its name away: it is reached through our own descriptor alone. libcurl
 * 7.88 does not use a connection to an abstract name a second time, since it takes that name for an
 * address which is still being looked up. */
static bool bind_file(struct landmarks *landmarks, const char *folder)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char own[sizeof at.sun_path - sizeof "/s"];
    snprintf(own, sizeof own, "%s/zherd-XXXXXX", folder);
    if (mkdtemp(own) == NULL)
        return false;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/s", own);
    bool bound = bind(landmarks->own_listener, (struct sockaddr *)&at, sizeof at) == 0;
    landmarks->own_file = bound ? open(at.sun_path, O_PATH | O_CLOEXEC) : -1;
    if (bound)
        unlink(at.sun_path);
    rmdir(own);
    snprintf(landmarks->own_name, sizeof landmarks->own_name, OWN_FOLDER "/%d",
             landmarks->own_file);
    return landmarks->own_file >= 0;
}

/* At a name that the system chooses (unix(7), autobind). */
static bool bind_abstract(struct landmarks *landmarks)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t bytes = sizeof at.sun_family;
    if (bind(landmarks->own_listener, (struct sockaddr *)&at, bytes) != 0)
        return false;
    bytes = sizeof at;
    if (getsockname(landmarks->own_listener, (struct sockaddr *)&at, &bytes) != 0)
        return false;
    size_t before = offsetof(struct sockaddr_un, sun_path) + 1;
    snprintf(landmarks->own_name, sizeof landmarks->own_name, "%.*s", (int)(bytes - before),
             at.sun_path + 1);
    return true;
}

/* Where no folder takes a file an abstract name does, only more slowly. */
static bool listen_own(struct landmarks *landmarks)
{
    static const char *const folders[] = {"/tmp", "/dev/shm"};
    landmarks->own_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (landmarks->own_listener < 0)
        return false;
    bool bound = false, has_proc = access(OWN_FOLDER, X_OK) == 0;
    for (size_t i = 0; has_proc && !bound && i < sizeof folders / sizeof *folders; i++)
        bound = bind_file(landmarks, folders[i]);
    return (bound || bind_abstract(landmarks)) && listen(landmarks->own_listener, SOMAXCONN) == 0;
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
    if (landmarks->own_file >= 0)
        close(landmarks->own_file);
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

static void close_all(struct store **stores, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        store_close(&stores[i]);
}

/* `count` equal stores: of the database, or where it is NULL of the bundled places. */
static bool open_all(const char *database, unsigned count, struct store **stores,
                     struct fault *fault)
{
    for (unsigned i = 0; i < count; i++) {
        if (database != NULL)
            stores[i] = store_open_to_read(database, fault);
        else
            stores[i] = i == 0 ? open_bundled(fault) : store_copy(stores[0], fault);
        if (stores[i] != NULL)
            continue;
        close_all(stores, i);
        return false;
    }
    return true;
}

/* One for each processor that the process may use. */
static unsigned choose_threads(void)
{
    cpu_set_t ours;
    int count = sched_getaffinity(0, sizeof ours, &ours) == 0 ? CPU_COUNT(&ours) : 1;
    return count < THREADS_MAX ? (unsigned)count : THREADS_MAX;
}

static void release(struct landmarks *landmarks)
{
    close_all(landmarks->next, landmarks->next_count);
    close_all(landmarks->idle, landmarks->idle_count);
    pthread_mutex_destroy(&landmarks->lock);
    pthread_cond_destroy(&landmarks->given_back);
    free(landmarks->path);
    free(landmarks->database);
    free(landmarks);
}

struct landmarks *landmarks_start(const char *database, const char *host, uint16_t port,
                                  const char *path, landmarks_tell *tell, struct fault *fault)
{
    unsigned threads = choose_threads();
    struct store *stores[THREADS_MAX];
    fault_set(fault, "no memory for the places server");
    if (!open_all(database, threads, stores, fault))
        return NULL;
    int listener = listen_at(host, port, fault);
    if (listener < 0) {
        close_all(stores, threads);
        return NULL;
    }
    struct landmarks *landmarks = bytes_zeroed(sizeof *landmarks);
    *landmarks = (struct landmarks){
        .idle_count = threads,
        .threads = threads,
        .path = bytes_text(path),
        .database = database == NULL ? NULL : bytes_text(database),
        .tell = tell,
        .own_listener = -1,
        .own_file = -1,
        .attribution = database == NULL ? NULL : OSM_ATTRIBUTION,
    };
    memcpy(landmarks->idle, stores, threads * sizeof *stores);
    pthread_mutex_init(&landmarks->lock, NULL);
    pthread_cond_init(&landmarks->given_back, NULL);
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
    bool is_opened = open_all(landmarks->database, landmarks->threads, landmarks->next, fault);
    landmarks->next_count = is_opened ? landmarks->threads : 0;
    pthread_mutex_lock(&landmarks->lock);
    landmarks->opened_badly += !is_opened;
    pthread_mutex_unlock(&landmarks->lock);
    return is_opened;
}

void landmarks_take(struct landmarks *landmarks)
{
    struct store *old[THREADS_MAX];
    if (landmarks->next_count == 0)
        return;
    pthread_mutex_lock(&landmarks->lock);
    unsigned old_count = landmarks->idle_count;
    memcpy(old, landmarks->idle, old_count * sizeof *old);
    memcpy(landmarks->idle, landmarks->next, landmarks->next_count * sizeof *old);
    landmarks->idle_count = landmarks->next_count;
    landmarks->generation++;
    landmarks->opened++;
    pthread_cond_broadcast(&landmarks->given_back);
    pthread_mutex_unlock(&landmarks->lock);
    landmarks->next_count = 0;
    close_all(old, old_count);
}

void landmarks_leave(struct landmarks *landmarks)
{
    close_all(landmarks->next, landmarks->next_count);
    landmarks->next_count = 0;
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
    *figures = (struct figures){.connections_max = LANDMARKS_CONNECTIONS_MAX};
    for (size_t i = 0; i < FIGURES_ANSWERS; i++)
        figures->answers[i] = atomic_load_explicit(&landmarks->answers[i], memory_order_relaxed);
    pthread_mutex_lock(&landmarks->lock);
    figures->searched = landmarks->searched;
    figures->opened = landmarks->opened;
    figures->opened_badly = landmarks->opened_badly;
    pthread_mutex_unlock(&landmarks->lock);
    patience_look(landmarks->patience, figures);
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
