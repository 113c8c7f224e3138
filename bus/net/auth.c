#include "bus/net/auth.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "bus/net/socket_option.h"

#define HANDLER_ENDPOINT "inproc://zeromq.zap.01"
#define MONITOR_ENDPOINT "inproc://proof"
#define KEY_BINARY_BYTES 32
/* The largest request: an address and a key are its longest frames. */
#define FRAME_BYTES_MAX 255
/* What CURVE puts around a frame (https://rfc.zeromq.org/spec/26/, MESSAGE): a name, a nonce, a
 * flag and a seal. */
#define FRAME_COVER_BYTES 33
/* The longest command of its handshake is INITIATE with its metadata: a routing id of 255 bytes. */
#define HANDSHAKE_BYTES_MAX 1024
/* A door's name, as ZeroMQ carries it to the handler. */
static const char *const domains[AUTH_DOORS] = {
    [AUTH_BUS] = "zherd.bus",
    [AUTH_PLACES_FRONT] = "zherd.places.front",
    [AUTH_PLACES_BACK] = "zherd.places.back",
};

/* What auth_clear guards: no door, and everybody may pass. */
static const char domain_in_the_clear[] = "zherd.clear";

/* Of the handler and of the stranger who tries the door. The monitor needs none: it only listens
 * within the process. */
static const struct socket_option options_of_both[] = {
    {ZMQ_LINGER, 0}, /* an answer that nobody takes any more must not delay the end */
};

/* The frames of a request, in order. Without keys there are no credentials. */
enum frame { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, FRAMES };

struct request {
    char text[FRAMES][FRAME_BYTES_MAX + 1]; /* with a NUL after it */
    size_t bytes[FRAMES];
};

struct auth {
    void *handler; /* REP */
    int stop;      /* an eventfd */
    pthread_t thread;
    pthread_mutex_t lock; /* holds for what follows */
    struct keyring rings[AUTH_DOORS];
    struct auth_refusals refusals;
};

/* ---- the handler ---- */

/* False for a message that is no request; it is read to its end all the same. */
static bool receive_request(void *handler, struct request *request)
{
    bool good = true;
    int more = 1;
    size_t count = 0;
    for (; more; count++) {
        char surplus[FRAME_BYTES_MAX + 1];
        bool wanted = count < FRAMES;
        int bytes = zmq_recv(handler, wanted ? request->text[count] : surplus, FRAME_BYTES_MAX, 0);
        if (bytes < 0)
            return false;
        good = good && wanted && bytes <= FRAME_BYTES_MAX;
        if (good) {
            request->bytes[count] = (size_t)bytes;
            request->text[count][bytes] = '\0';
        }
        size_t more_bytes = sizeof more;
        zmq_getsockopt(handler, ZMQ_RCVMORE, &more, &more_bytes);
    }
    return good && (count == FRAMES || count == CREDENTIALS);
}

static void count_refusal(struct auth *auth, const char *key, const char *address)
{
    auth->refusals.count++;
    snprintf(auth->refusals.key, sizeof auth->refusals.key, "%s", key);
    snprintf(auth->refusals.address, sizeof auth->refusals.address, "%.*s", AUTH_ADDRESS_BYTES_MAX,
             address);
}

/* The key as text where the door's ring has it, else "". */
static void admit(struct auth *auth, const struct request *request, char key[KEYRING_KEY_BYTES + 1])
{
    key[0] = '\0';
    if (strcmp(request->text[MECHANISM], "CURVE") != 0 ||
        request->bytes[CREDENTIALS] != KEY_BINARY_BYTES)
        return;
    zmq_z85_encode(key, (const uint8_t *)request->text[CREDENTIALS], KEY_BINARY_BYTES);
    bool known = false;
    pthread_mutex_lock(&auth->lock);
    for (size_t door = 0; door < AUTH_DOORS; door++)
        if (strcmp(request->text[DOMAIN], domains[door]) == 0)
            known = keyring_find(&auth->rings[door], key) != NULL;
    if (!known)
        count_refusal(auth, key, request->text[ADDRESS]);
    pthread_mutex_unlock(&auth->lock);
    if (!known)
        key[0] = '\0';
}

static bool is_in_the_clear(const struct request *request)
{
    return strcmp(request->text[DOMAIN], domain_in_the_clear) == 0 &&
           strcmp(request->text[MECHANISM], "NULL") == 0;
}

static void answer(struct auth *auth)
{
    struct request request = {0};
    char key[KEYRING_KEY_BYTES + 1] = "";
    bool good = receive_request(auth->handler, &request);
    if (good && !is_in_the_clear(&request)) {
        admit(auth, &request, key);
        good = key[0] != '\0';
    }
    const char *status = good ? "200" : "400";
    zmq_send(auth->handler, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(auth->handler, request.text[REQUEST], request.bytes[REQUEST], ZMQ_SNDMORE);
    zmq_send(auth->handler, status, 3, ZMQ_SNDMORE);
    zmq_send(auth->handler, "", 0, ZMQ_SNDMORE);
    zmq_send(auth->handler, key, strlen(key), ZMQ_SNDMORE);
    zmq_send(auth->handler, "", 0, 0);
}

static void *run(void *user)
{
    struct auth *auth = user;
    zmq_pollitem_t items[] = {
        {.socket = auth->handler, .events = ZMQ_POLLIN},
        {.fd = auth->stop, .events = ZMQ_POLLIN},
    };
    while ((items[1].revents & ZMQ_POLLIN) == 0) {
        if (zmq_poll(items, sizeof items / sizeof *items, -1) > 0 &&
            (items[0].revents & ZMQ_POLLIN) != 0)
            answer(auth);
    }
    return NULL;
}

/* Signals are for the threads of others. */
static int start_thread(struct auth *auth)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&auth->thread, NULL, run, auth);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static struct auth *give_up(struct auth *auth, struct fault *fault, const char *reason)
{
    fault_set(fault, "cannot check keys: %s", reason);
    if (auth->handler != NULL)
        zmq_close(auth->handler);
    if (auth->stop >= 0)
        close(auth->stop);
    pthread_mutex_destroy(&auth->lock);
    free(auth);
    return NULL;
}

static void set_options(void *socket)
{
    socket_options_set(socket, options_of_both, sizeof options_of_both / sizeof *options_of_both);
}

struct auth *auth_open(void *context, struct fault *fault)
{
    struct auth *auth = bytes_zeroed(sizeof *auth);
    pthread_mutex_init(&auth->lock, NULL);
    if (zmq_has("curve") == 0) {
        auth->stop = -1;
        return give_up(auth, fault, "this libzmq was built without CURVE");
    }
    auth->stop = eventfd(0, EFD_CLOEXEC);
    auth->handler = zmq_socket(context, ZMQ_REP);
    if (auth->handler != NULL)
        set_options(auth->handler);
    if (auth->stop < 0 || auth->handler == NULL || zmq_bind(auth->handler, HANDLER_ENDPOINT) != 0)
        return give_up(auth, fault, zmq_strerror(errno));
    int failed = start_thread(auth);
    return failed == 0 ? auth : give_up(auth, fault, strerror(failed));
}

void auth_close(struct auth **auth_at)
{
    struct auth *auth = *auth_at;
    *auth_at = NULL;
    if (auth == NULL)
        return;
    uint64_t one = 1;
    ssize_t written = write(auth->stop, &one, sizeof one);
    assert(written == (ssize_t)sizeof one);
    pthread_join(auth->thread, NULL);
    zmq_close(auth->handler);
    close(auth->stop);
    for (size_t door = 0; door < AUTH_DOORS; door++)
        keyring_free(&auth->rings[door]);
    pthread_mutex_destroy(&auth->lock);
    free(auth);
}

/* ---- what it knows ---- */

void auth_allow(struct auth *auth, enum auth_door door, struct keyring *ring)
{
    pthread_mutex_lock(&auth->lock);
    struct keyring old = auth->rings[door];
    auth->rings[door] = *ring;
    pthread_mutex_unlock(&auth->lock);
    *ring = (struct keyring){0};
    keyring_free(&old);
}

bool auth_find(struct auth *auth, enum auth_door door, const char *key,
               char name[KEYRING_NAME_BYTES_MAX + 1])
{
    pthread_mutex_lock(&auth->lock);
    const char *found = keyring_find(&auth->rings[door], key);
    if (found != NULL)
        strcpy(name, found);
    pthread_mutex_unlock(&auth->lock);
    return found != NULL;
}

struct auth_refusals auth_refused(struct auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    struct auth_refusals refusals = auth->refusals;
    pthread_mutex_unlock(&auth->lock);
    return refusals;
}

/* ---- sockets ---- */

static bool set(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

bool auth_limit(void *socket, int64_t frame_bytes_max)
{
    int64_t bytes_max = frame_bytes_max + FRAME_COVER_BYTES;
    if (bytes_max < HANDSHAKE_BYTES_MAX)
        bytes_max = HANDSHAKE_BYTES_MAX;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0;
}

bool auth_guard(void *socket, enum auth_door door, const struct auth_certificate *own)
{
    int yes = 1;
    return set(socket, ZMQ_ZAP_DOMAIN, domains[door]) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0 &&
           set(socket, ZMQ_CURVE_SECRETKEY, own->secret_key);
}

bool auth_clear(void *socket)
{
    return set(socket, ZMQ_ZAP_DOMAIN, domain_in_the_clear);
}

bool auth_connect(void *socket, const char *endpoint, const struct auth_certificate *own,
                  const char *their_key)
{
    return (own == NULL || (set(socket, ZMQ_CURVE_PUBLICKEY, own->public_key) &&
                            set(socket, ZMQ_CURVE_SECRETKEY, own->secret_key) &&
                            set(socket, ZMQ_CURVE_SERVERKEY, their_key))) &&
           zmq_connect(socket, endpoint) == 0;
}

/* ---- the proof that strangers stay outside ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The next event of the monitor (zmq_socket_monitor(3)) within the time, or 0. */
static int next_event(void *monitor, int64_t left_ms)
{
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
    if (left_ms <= 0 || zmq_poll(&item, 1, (long)left_ms) <= 0)
        return 0;
    uint8_t event[6];
    char address[FRAME_BYTES_MAX];
    if (zmq_recv(monitor, event, sizeof event, 0) != (int)sizeof event)
        return 0;
    zmq_recv(monitor, address, sizeof address, 0);
    uint16_t number;
    memcpy(&number, event, sizeof number);
    return number;
}

/* How the stranger's attempt ended: an event of its monitor, or 0 when it did not end in time. */
static int await_end(void *monitor)
{
    int64_t until_ms = now_ms() + AUTH_PROOF_MS_MAX, left_ms;
    while ((left_ms = until_ms - now_ms()) > 0) {
        int event = next_event(monitor, left_ms);
        if (event != 0)
            return event;
    }
    return 0;
}

static int visit(void *context, const char *endpoint, const char *public_key)
{
    static const int ends = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    int ipv6 = strchr(endpoint, '[') != NULL, event = 0;
    void *stranger = zmq_socket(context, ZMQ_DEALER);
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    struct auth_certificate drawn;
    if (stranger != NULL)
        set_options(stranger);
    if (stranger != NULL && monitor != NULL &&
        zmq_curve_keypair(drawn.public_key, drawn.secret_key) == 0 &&
        zmq_setsockopt(stranger, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 &&
        zmq_socket_monitor(stranger, MONITOR_ENDPOINT, ends) == 0 &&
        zmq_connect(monitor, MONITOR_ENDPOINT) == 0 &&
        auth_connect(stranger, endpoint, &drawn, public_key))
        event = await_end(monitor);
    if (monitor != NULL)
        zmq_close(monitor);
    if (stranger != NULL)
        zmq_close(stranger);
    return event;
}

bool auth_prove(struct auth *auth, const char *endpoint, const char *public_key,
                struct fault *fault)
{
    /* A stranger shares nothing with us, not even ZeroMQ's context. */
    void *context = zmq_ctx_new();
    int event = context != NULL ? visit(context, endpoint, public_key) : 0;
    while (context != NULL && zmq_ctx_term(context) != 0)
        assert(errno == EINTR);
    pthread_mutex_lock(&auth->lock);
    auth->refusals = (struct auth_refusals){0};
    pthread_mutex_unlock(&auth->lock);
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return true;
    return fault_set(fault, "%s at %s",
                     event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                         ? "a stranger's key is let in"
                         : "no refusal of a stranger's key was seen",
                     endpoint);
}
