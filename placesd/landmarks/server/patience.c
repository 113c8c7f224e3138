#include "placesd/landmarks/server/patience.h"

#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bus/base/bytes.h"

#define NEVER_MS       INT64_MAX
#define TEXT_BYTES_MAX 256

struct visit {
    bool is_there;
    int socket; /* libmicrohttpd's, open as long as it is there */
    int64_t due_ms;
    struct network_address who; /* its host */
};

struct patience {
    pthread_t thread;
    landmarks_tell *tell;
    pthread_mutex_t lock;      /* for all below */
    int64_t quiet_until_ms[2]; /* of both things that it tells */
    pthread_cond_t changed;
    bool stopping;
    uint64_t refused, cut;
    struct visit visits[LANDMARKS_CONNECTIONS_MAX];
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

struct patience *patience_start(landmarks_tell *tell)
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

/* How many that host has. Under the lock. */
static unsigned count_visits(const struct patience *patience, const struct network_address *who)
{
    unsigned count = 0;
    for (size_t i = 0; i < LANDMARKS_CONNECTIONS_MAX; i++)
        count +=
            patience->visits[i].is_there && memcmp(&patience->visits[i].who, who, sizeof *who) == 0;
    return count;
}

/* Whether the log is to hear of it once more. */
static bool is_news(struct patience *patience, bool refused)
{
    int64_t now_ms = read_clock_ms();
    pthread_mutex_lock(&patience->lock);
    bool due = now_ms >= patience->quiet_until_ms[refused];
    if (due)
        patience->quiet_until_ms[refused] = now_ms + LANDMARKS_TELL_PAUSE_MS;
    pthread_mutex_unlock(&patience->lock);
    return due;
}

/* What an operator should know of an address and the number of its connections. */
static void tell_of(struct patience *patience, const struct sockaddr *at, socklen_t bytes,
                    unsigned count, unsigned max)
{
    bool refused = count >= max;
    char host[INET6_ADDRSTRLEN], text[TEXT_BYTES_MAX];
    if (!is_news(patience, refused))
        return;
    if (getnameinfo(at, bytes, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        host[0] = '\0';
    snprintf(text, sizeof text, "%s has %u of the %u connections that one address may have%s", host,
             count, max, refused ? ": one more is refused" : "");
    patience->tell(text);
}

enum MHD_Result patience_admit(void *user, const struct sockaddr *at, socklen_t bytes)
{
    struct patience *patience = user;
    struct network_address who = network_address_host(at);
    unsigned max = landmarks_address_max(&who);
    pthread_mutex_lock(&patience->lock);
    unsigned count = count_visits(patience, &who);
    patience->refused += count >= max;
    pthread_mutex_unlock(&patience->lock);
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

/* Two threads of the library may have admitted one each where one had room: the second is over at
 * once. Under the lock. */
static int64_t choose_due_ms(struct patience *patience, const struct network_address *who)
{
    bool has_room = count_visits(patience, who) < landmarks_address_max(who);
    patience->refused += !has_room;
    return read_clock_ms() + (has_room ? LANDMARKS_PATIENCE_MS : 0);
}

/* The library tells of the end before it closes the socket. */
void patience_connected(void *user, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code)
{
    struct patience *patience = user;
    pthread_mutex_lock(&patience->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct network_address who = network_address_host(
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        int64_t due_ms = choose_due_ms(patience, &who);
        struct visit *visit = find_free(patience);
        *visit = (struct visit){
            .is_there = true,
            .socket =
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
            .due_ms = due_ms,
            .who = who,
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
        visit->due_ms = read_clock_ms() + LANDMARKS_PATIENCE_MS;
    pthread_mutex_unlock(&patience->lock);
}

void patience_look(struct patience *patience, struct figures *figures)
{
    pthread_mutex_lock(&patience->lock);
    for (size_t i = 0; i < LANDMARKS_CONNECTIONS_MAX; i++)
        figures->connections += patience->visits[i].is_there;
    figures->refused = patience->refused;
    figures->cut = patience->cut;
    pthread_mutex_unlock(&patience->lock);
}
