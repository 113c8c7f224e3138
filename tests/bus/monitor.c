/* monitor: real connections, good ones, slow ones and many, and what each is answered. */
#include "topology/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bus/loopback.h"
#include "tests/check.h"

#define TOKEN           "0123456789abcdef"
#define REPLY_BYTES_MAX ((size_t)1024 * 1024)
/* More than the system's buffers of a connection take. */
#define LARGE_BYTES ((size_t)16 * 1024 * 1024)

struct owner {
    int metrics, openmetrics, statuses;
    const char *why;
    size_t page_bytes; /* besides the line below */
};

static struct owner owner;
static struct monitor *monitor;
static struct sockaddr_in where;
static int64_t ahead_ms; /* of the clock: time passes at once */

static int64_t now_ms(void)
{
    return loopback_now_ms() + ahead_ms;
}

static void write_metrics(void *user, enum metrics_form form, struct buffer *page)
{
    bool is_openmetrics = form == METRICS_OPENMETRICS;
    struct owner *self = user;
    self->metrics += !is_openmetrics;
    self->openmetrics += is_openmetrics;
    buffer_append(page, span_of(is_openmetrics ? "a 1\n# EOF\n" : "a 1\n"));
    memset(buffer_grow(page, self->page_bytes), '#', self->page_bytes);
    page->len += self->page_bytes;
}

static void write_status(void *user, struct buffer *page)
{
    struct owner *self = user;
    self->statuses++;
    buffer_append(page, span_of("{}\n"));
}

static const char *why_not_ready(void *user)
{
    struct owner *self = user;
    return self->why;
}

static void begin(const char *token)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct monitor_pages pages = {&owner, write_metrics, write_status, why_not_ready};
    struct fault fault;
    owner = (struct owner){0};
    loopback_endpoint(endpoint);
    where = loopback_address(endpoint);
    monitor = monitor_open(endpoint, span_of(token), &pages, &fault);
    if (monitor == NULL) {
        printf("%s\n", fault.text);
        abort();
    }
}

/* One turn of a loop, at most `wait_ms` long. */
static void turn(int wait_ms)
{
    struct pollfd poll_for = {.fd = monitor_descriptor(monitor), .events = POLLIN};
    int64_t due_ms = monitor_deadline_ms(monitor, now_ms());
    if (due_ms - now_ms() < wait_ms)
        wait_ms = due_ms > now_ms() ? (int)(due_ms - now_ms()) : 0;
    if (poll(&poll_for, 1, wait_ms) > 0 || now_ms() >= due_ms)
        monitor_run(monitor, now_ms());
}

static int dial(void)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(client, (struct sockaddr *)&where, sizeof where) != 0)
        abort();
    fcntl(client, F_SETFL, O_NONBLOCK);
    return client;
}

static void say(int client, const char *text)
{
    CHECK_INT(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything until the monitor closes; its size. Fails where that does not come. */
static size_t hear(int client, char *reply, size_t bytes_max)
{
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    size_t bytes = 0;
    while (loopback_now_ms() < until_ms) {
        ssize_t got = recv(client, reply + bytes, bytes_max - bytes - 1, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            close(client);
            reply[bytes] = '\0';
            return bytes;
        }
        if (got > 0)
            bytes += (size_t)got;
        else
            turn(20);
    }
    CHECK(loopback_now_ms() < until_ms); /* it is closed in time */
    close(client);
    reply[bytes] = '\0';
    return bytes;
}

static char reply[REPLY_BYTES_MAX];

static const char *ask(const char *request)
{
    int client = dial();
    say(client, request);
    hear(client, reply, sizeof reply);
    return reply;
}

static bool has(const char *text, const char *part)
{
    bool is_there = strstr(text, part) != NULL;
    if (!is_there)
        printf("    no \"%s\" in:\n%.400s\n", part, text);
    return is_there;
}

static bool ends(const char *text, const char *end)
{
    size_t bytes = strlen(text);
    return bytes >= strlen(end) && strcmp(text + bytes - strlen(end), end) == 0;
}

static void pages_are_given(void)
{
    begin("");
    CHECK(has(ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    CHECK(has(reply, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CHECK(has(reply, "\r\nConnection: close\r\n"));
    CHECK(ends(reply, "\r\n\r\na 1\n"));
    CHECK(has(
        ask("GET /metrics?a=b HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n"),
        "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    CHECK(ends(reply, "\r\n\r\na 1\n# EOF\n"));
    CHECK(has(ask("GET /status HTTP/1.0\r\n\r\n"), "\r\nContent-Type: application/json\r\n"));
    CHECK(ends(reply, "\r\n\r\n{}\n"));
    CHECK(has(ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), "\r\nContent-Length: 4\r\n"));
    CHECK(ends(reply, "\r\n\r\n"));
    CHECK(has(ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    CHECK(ends(reply, "\r\n\r\nthe loop turns\n"));
    monitor_close(&monitor);
    CHECK(monitor == NULL);
    monitor_close(&monitor);
}

static void readiness(void)
{
    begin(TOKEN);
    CHECK(has(ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    CHECK(ends(reply, "\r\n\r\nready\n"));
    owner.why = "it stops\n";
    CHECK(has(ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"),
              "HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(ends(reply, "\r\n\r\nit stops\n"));
    monitor_close(&monitor);
}

static void refusals(void)
{
    begin(TOKEN);
    CHECK(has(ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
              "HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(has(reply, "\r\nAllow: GET, HEAD\r\n"));
    CHECK(has(ask("GET /status HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 401 Unauthorized\r\n"));
    CHECK(has(reply, "\r\nWWW-Authenticate: Bearer realm=\"zherd\"\r\n"));
    CHECK_INT(owner.statuses, 0);
    CHECK(has(ask("GET /status HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"),
              "HTTP/1.1 200 OK\r\n"));
    CHECK(has(ask("GET /else HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"),
              "HTTP/1.1 404 Not Found\r\n"));
    monitor_set_token(monitor, span_of("fedcba9876543210"));
    CHECK(has(ask("GET /status HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"),
              "HTTP/1.1 401 Unauthorized\r\n"));
    const struct monitor_counters *count = monitor_count(monitor);
    CHECK_INT(count->answers[MONITOR_NO_TOKEN], 2);
    CHECK_INT(count->answers[MONITOR_STATUS], 1);
    CHECK_INT(count->answers[MONITOR_UNKNOWN], 1);
    CHECK_INT(count->answers[MONITOR_NOT_ALLOWED], 1);
    monitor_close(&monitor);
}

static void pages_are_kept(void)
{
    begin("");
    /* The clock stands, whatever the machine does meanwhile. */
    for (int i = 0; i < 5; i++) {
        ahead_ms = -loopback_now_ms() + 1000;
        ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        ahead_ms = -loopback_now_ms() + 1000;
        ask("GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n");
    }
    CHECK(owner.metrics >= 1 && owner.metrics < 5);
    CHECK(owner.openmetrics >= 1 && owner.openmetrics < 5);
    int before = owner.metrics;
    ahead_ms += MONITOR_PAGE_MS;
    ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(owner.metrics, before + 1);
    monitor_close(&monitor);
    ahead_ms = 0;
}

/* A request that never ends is cut, whether bytes of it come or not. */
static void slow_are_cut(void)
{
    begin("");
    int silent = dial(), half = dial(), slow = dial();
    say(half, "GET /metrics HTTP/1.1\r\nHost: a\r\n");
    say(slow, "GET /me");
    for (int i = 0; i < 5; i++)
        turn(5);
    CHECK(has(ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    CHECK_INT(monitor_count(monitor)->cut, 0);
    ahead_ms += MONITOR_PATIENCE_MS - MONITOR_PATIENCE_MS / 4;
    say(slow, "trics");
    turn(5);
    CHECK_INT(monitor_count(monitor)->cut, 0);
    ahead_ms += MONITOR_PATIENCE_MS / 4 + 1;
    CHECK_INT(hear(silent, reply, sizeof reply), 0);
    hear(half, reply, sizeof reply);
    hear(slow, reply, sizeof reply);
    CHECK_INT(monitor_count(monitor)->cut, 3);
    CHECK_INT(monitor_deadline_ms(monitor, now_ms()), INT64_MAX);
    monitor_close(&monitor);
}

/* Who does not read is cut, too, and costs one page. */
static void unread_are_cut(void)
{
    begin("");
    owner.page_bytes = LARGE_BYTES;
    int client = dial();
    say(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    while (owner.metrics == 0 && loopback_now_ms() < until_ms)
        turn(5);
    for (int i = 0; i < 5; i++)
        turn(5);
    ahead_ms += MONITOR_PATIENCE_MS + 1;
    turn(5);
    CHECK_INT(monitor_count(monitor)->cut, 1);
    char *large = bytes_resize(NULL, LARGE_BYTES * 2);
    CHECK(hear(client, large, LARGE_BYTES * 2) < LARGE_BYTES);
    free(large);
    monitor_close(&monitor);
}

/* All places are taken: the oldest one goes, and nobody waits. */
static void many_make_room(void)
{
    begin("");
    int clients[MONITOR_CONNECTIONS_MAX];
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
        clients[i] = dial();
        say(clients[i], "GET /metrics HTTP/1.1\r\n");
        turn(1000);
        ahead_ms++;
    }
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    while (monitor_count(monitor)->cut == 0 && loopback_now_ms() < until_ms)
        turn(5);
    CHECK_INT(monitor_count(monitor)->cut, 1);
    CHECK(has(ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    CHECK_INT(hear(clients[0], reply, sizeof reply), 0);
    say(clients[MONITOR_CONNECTIONS_MAX - 1], "Host: a\r\n\r\n");
    hear(clients[MONITOR_CONNECTIONS_MAX - 1], reply, sizeof reply);
    CHECK(has(reply, "HTTP/1.1 200 OK\r\n"));
    for (size_t i = 1; i + 1 < MONITOR_CONNECTIONS_MAX; i++)
        close(clients[i]);
    monitor_close(&monitor);
}

/* As many come in one moment as wait to be accepted. */
static void a_crowd_makes_room(void)
{
    begin("");
    int clients[3 * MONITOR_CONNECTIONS_MAX];
    size_t count = sizeof clients / sizeof *clients;
    ahead_ms = -loopback_now_ms() + 1000; /* the clock hardly moves */
    for (size_t i = 0; i < count; i++)
        clients[i] = dial();
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    while (monitor_count(monitor)->cut <= count - MONITOR_CONNECTIONS_MAX &&
           loopback_now_ms() < until_ms) {
        ahead_ms = -loopback_now_ms() + 1000;
        turn(5);
    }
    CHECK_INT(monitor_count(monitor)->cut, count - MONITOR_CONNECTIONS_MAX + 1);
    ahead_ms = 0;
    for (size_t i = 0; i < count; i++)
        close(clients[i]);
    monitor_close(&monitor);
}

static void large_requests(void)
{
    begin("");
    static char request[2 * MONITOR_REQUEST_BYTES_MAX];
    size_t bytes =
        (size_t)snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: a\r\nX: ");
    memset(request + bytes, 'x', sizeof request - bytes - 5);
    memcpy(request + sizeof request - 5, "\r\n\r\n", 5);
    ask(request);
    CHECK_INT(owner.metrics, 0);
    /* An answer may be lost where the rest of the request is not read. */
    CHECK(reply[0] == '\0' || has(reply, "HTTP/1.1 431 ") || has(reply, "HTTP/1.1 413 "));
    ask("rubbish\r\n\r\n");
    CHECK(reply[0] == '\0' || has(reply, "HTTP/1.1 400 "));
    CHECK(has(ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    monitor_close(&monitor);
}

/* The end of input may come with the request. */
static void half_closed(void)
{
    begin("");
    int client = dial();
    say(client, "GET /status HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(client, SHUT_WR);
    hear(client, reply, sizeof reply);
    CHECK(ends(reply, "{}\n"));
    monitor_close(&monitor);
}

static void taken_port(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct monitor_pages pages = {&owner, write_metrics, write_status, why_not_ready};
    struct fault fault = {0};
    begin("");
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", (unsigned)ntohs(where.sin_port));
    CHECK(monitor_open(endpoint, span_of(""), &pages, &fault) == NULL);
    CHECK(has(fault.text, "in use"));
    monitor_close(&monitor);
}

static const struct check_case cases[] = {
    {"each page has its content, its type and its end", pages_are_given},
    {"readiness is the owner's to say, and needs no token", readiness},
    {"what is refused says why", refusals},
    {"a page is made once for all who ask within its age", pages_are_kept},
    {"who is slow is cut", slow_are_cut},
    {"who does not read is cut", unread_are_cut},
    {"where all places are taken the oldest one makes room", many_make_room},
    {"a crowd that comes at once makes room, too", a_crowd_makes_room},
    {"what is too large or no request costs nothing", large_requests},
    {"a half-closed connection has its answer", half_closed},
    {"a port that is taken is a fault", taken_port},
};

CHECK_MAIN(cases)
