#include "placesd/landmarks/server/patience.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define NEVER_MS INT64_MAX

struct visit {
    bool is_there;
    int socket; /* libmicrohttpd's, open as long as it is there */
    int64_t due_ms;
};

struct patience {
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    bool stopping;
    struct visit visits[PATIENCE_CONNECTIONS_MAX];
};

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Cuts whose time is over; when the next one's is. Under the lock. */
static int64_t cut_late(struct patience *patience)
{
    int64_t now_ms = read_clock_ms(), next_ms = NEVER_MS;
    for (size_t i = 0; i < PATIENCE_CONNECTIONS_MAX; i++) {
        struct visit *visit = &patience->visits[i];
        if (!visit->is_there)
            continue;
        if (visit->due_ms <= now_ms) {
            shutdown(visit->socket, SHUT_RDWR);
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

struct patience *patience_start(void)
{
    struct patience *patience = calloc(1, sizeof *patience);
    if (patience == NULL)
        return NULL;
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

void patience_stop(struct patience **patience)
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

static struct visit *find_free(struct patience *patience)
{
    size_t i = 0;
    while (i < PATIENCE_CONNECTIONS_MAX && patience->visits[i].is_there)
        i++;
    assert(i < PATIENCE_CONNECTIONS_MAX);
    return &patience->visits[i];
}

/* The library tells of the end before it closes the socket. */
void patience_connected(void *user, struct MHD_Connection *connection, void **context,
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
            .due_ms = read_clock_ms() + PATIENCE_MS,
        };
        *context = visit;
        pthread_cond_signal(&patience->changed);
    } else {
        ((struct visit *)*context)->is_there = false;
    }
    pthread_mutex_unlock(&patience->lock);
}

void patience_completed(void *user, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code)
{
    (void)request, (void)code;
    struct patience *patience = user;
    struct visit *visit =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    pthread_mutex_lock(&patience->lock);
    if (visit->due_ms != NEVER_MS)
        visit->due_ms = read_clock_ms() + PATIENCE_MS;
    pthread_mutex_unlock(&patience->lock);
}
