/* upstream: a places provider on loopback that behaves as it is asked to.
 *
 * The question itself says how: whole degrees of latitude are the mood, whole degrees of longitude
 * the number of results. Every good result carries the `location` it was asked for, which
 * identifies the answer. One thread per connection, so moods do not disturb each other. */
#ifndef ZHERD_TESTS_BUS_UPSTREAM_H
#define ZHERD_TESTS_BUS_UPSTREAM_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "placesd/lookup.h"

#define UPSTREAM_PATH "/maps/api/place/nearbysearch/json"

enum upstream_mood {
    UPSTREAM_GOOD,
    UPSTREAM_PLODDING, /* good, after 50 ms */
    UPSTREAM_DENIED,   /* says in its message which key it denies */
    UPSTREAM_ECHOING,  /* a good answer that holds the key */
    UPSTREAM_FORBIDDEN,
    UPSTREAM_BROKEN,
    UPSTREAM_GARBAGE,
    UPSTREAM_LONG,   /* one byte too many, announced */
    UPSTREAM_FLOOD,  /* never ends, nothing announced */
    UPSTREAM_BOMB,   /* small, but unpacks to too much */
    UPSTREAM_CUT,    /* less than announced */
    UPSTREAM_MOVED,  /* a redirect to where a good answer waits */
    UPSTREAM_HEADED, /* a good answer after far too many header lines */
    UPSTREAM_DRIPPING,
    UPSTREAM_SILENT,
};

struct upstream {
    struct MHD_Daemon *daemon;
    uint16_t port;
    atomic_uint requests, connections, followed;
    atomic_ullong flooded; /* bytes of endless answers */
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
};

/* True when the upstream is being stopped meanwhile. */
static inline bool upstream_wait(struct upstream *upstream, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&upstream->lock);
    while (!upstream->stopping &&
           pthread_cond_timedwait(&upstream->stop, &upstream->lock, &until) == 0)
        continue;
    bool stopping = upstream->stopping;
    pthread_mutex_unlock(&upstream->lock);
    return stopping;
}

static inline enum MHD_Result upstream_send(struct MHD_Connection *connection, unsigned status,
                                            struct MHD_Response *response)
{
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static inline struct MHD_Response *upstream_text(const char *text)
{
    return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                           MHD_RESPMEM_MUST_COPY);
}

static inline struct MHD_Response *upstream_good(const char *location, int results)
{
    struct buffer text = {0};
    buffer_append(&text, span_of("{\n   \"html_attributions\" : [],\n   \"results\" : ["));
    for (int i = 0; i < results; i++) {
        char one[160];
        snprintf(one, sizeof one, "%s\n      { \"name\" : \"Place %d\", \"at\" : \"%s\" }",
                 i > 0 ? "," : "", i, location);
        buffer_append(&text, span_of(one));
    }
    buffer_append(&text, span_of(results > 0 ? "\n   ],\n   \"status\" : \"OK\"\n}\n"
                                             : "],\n   \"status\" : \"ZERO_RESULTS\"\n}\n"));
    return MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_FREE);
}

static inline struct MHD_Response *upstream_long(void)
{
    char *text = malloc(LOOKUP_BODY_BYTES_MAX + 1);
    memset(text, ' ', LOOKUP_BODY_BYTES_MAX + 1);
    return MHD_create_response_from_buffer(LOOKUP_BODY_BYTES_MAX + 1, text, MHD_RESPMEM_MUST_FREE);
}

/* RFC 1951 and 1952 by hand: a gzip head, then one block with fixed codes that repeats a blank
 * until it unpacks to two mebibytes. */
static inline struct MHD_Response *upstream_bomb(void)
{
    enum { MATCHES = 2 * 1024 * 1024 / 258, BYTES_MAX = 10 + 2 + MATCHES * 13 / 8 + 4 };
    static const unsigned char head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    unsigned char *text = calloc(1, BYTES_MAX);
    memcpy(text, head, sizeof head);
    size_t bit = 8 * sizeof head;
    /* Block head (last, fixed codes), the blank's code 0x30 + 0x20, then length 258, distance 1;
     * codes are written with their first bit first. */
    const char *first = "110"
                        "01010000";
    const char *match = "1100010100000";
    for (const char *at = first; *at != '\0'; at++, bit++)
        text[bit / 8] |= (unsigned char)((*at - '0') << (bit % 8));
    for (int i = 0; i < MATCHES; i++)
        for (const char *at = match; *at != '\0'; at++, bit++)
            text[bit / 8] |= (unsigned char)((*at - '0') << (bit % 8));
    struct MHD_Response *response =
        MHD_create_response_from_buffer(bit / 8 + 1, text, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Encoding", "gzip");
    return response;
}

static inline ssize_t upstream_drip(void *user, uint64_t at, char *bytes, size_t room)
{
    (void)at;
    (void)room;
    if (upstream_wait(user, 20))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    *bytes = ' ';
    return 1;
}

static inline ssize_t upstream_flood(void *user, uint64_t at, char *bytes, size_t room)
{
    struct upstream *upstream = user;
    (void)at;
    atomic_fetch_add(&upstream->flooded, room);
    memset(bytes, ' ', room);
    return (ssize_t)room;
}

static inline ssize_t upstream_cut(void *user, uint64_t at, char *bytes, size_t room)
{
    (void)user;
    if (at > 0 || room == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    *bytes = '{';
    return 1;
}

/* An answer whose text depends on the key in the question. */
static inline struct MHD_Response *upstream_about(const char *format, const char *key)
{
    char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, key);
#pragma GCC diagnostic pop
    return upstream_text(text);
}

/* Far too many header lines. */
static inline struct MHD_Response *upstream_headed(struct MHD_Response *response)
{
    char value[2048];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "X-%d", i);
        MHD_add_response_header(response, name, value);
    }
    return response;
}

static inline enum MHD_Result upstream_answer(void *user, struct MHD_Connection *connection,
                                              const char *url, const char *method,
                                              const char *version, const char *upload,
                                              size_t *upload_bytes, void **state)
{
    struct upstream *upstream = user;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_bytes;
    /* An answer to the first call, which comes before the request is read to its end, would
     * close the connection. */
    if (*state == NULL) {
        *state = upstream;
        return MHD_YES;
    }
    const char *location =
        MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "location");
    const char *key = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "key");
    int mood = location != NULL ? atoi(location) : UPSTREAM_GOOD;
    const char *comma = location != NULL ? strchr(location, ',') : NULL;
    int results = comma != NULL ? atoi(comma + 1) : 0;
    key = key != NULL ? key : "";
    atomic_fetch_add(&upstream->requests, 1);
    if (strcmp(url, UPSTREAM_PATH) != 0) {
        atomic_fetch_add(&upstream->followed, 1);
        mood = UPSTREAM_GOOD;
    }
    struct MHD_Response *moved;
    switch ((enum upstream_mood)mood) {
    case UPSTREAM_DENIED:
        return upstream_send(connection, 200,
                             upstream_about("{\"error_message\":\"The key %s is not good.\","
                                            "\"results\":[],\"status\":\"REQUEST_DENIED\"}",
                                            key));
    case UPSTREAM_ECHOING:
        return upstream_send(connection, 200,
                             upstream_about("{\"results\":[\"%s\"],\"status\":\"OK\"}", key));
    case UPSTREAM_FORBIDDEN:
        return upstream_send(connection, 403, upstream_about("key %s forbidden", key));
    case UPSTREAM_BROKEN:
        return upstream_send(connection, 503, upstream_about("key %s: try later", key));
    case UPSTREAM_GARBAGE:
        return upstream_send(connection, 200, upstream_about("<html>%s</html>", key));
    case UPSTREAM_LONG:
        return upstream_send(connection, 200, upstream_long());
    case UPSTREAM_FLOOD:
        return upstream_send(connection, 200,
                             MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536,
                                                               upstream_flood, upstream, NULL));
    case UPSTREAM_BOMB:
        return upstream_send(connection, 200, upstream_bomb());
    case UPSTREAM_CUT:
        return upstream_send(
            connection, 200,
            MHD_create_response_from_callback(1000, 1000, upstream_cut, upstream, NULL));
    case UPSTREAM_MOVED:
        moved = upstream_text("{\"results\":[],\"status\":\"OK\"}");
        MHD_add_response_header(moved, "Location", "/elsewhere");
        return upstream_send(connection, 302, moved);
    case UPSTREAM_HEADED:
        return upstream_send(connection, 200, upstream_headed(upstream_good(location, 1)));
    case UPSTREAM_DRIPPING:
        return upstream_send(
            connection, 200,
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, upstream_drip, upstream, NULL));
    case UPSTREAM_SILENT:
        upstream_wait(upstream, 30000);
        return MHD_NO;
    case UPSTREAM_PLODDING:
        upstream_wait(upstream, 50);
        break;
    case UPSTREAM_GOOD:
        break;
    }
    return upstream_send(connection, 200, upstream_good(location, results));
}

static inline void upstream_connected(void *user, struct MHD_Connection *connection, void **state,
                                      enum MHD_ConnectionNotificationCode code)
{
    struct upstream *upstream = user;
    (void)connection;
    (void)state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add(&upstream->connections, 1);
}

/* On any free port of loopback; `answer` gets the upstream as its first argument. Ends the program
 * where that fails. */
static inline void upstream_start_with(struct upstream *upstream, MHD_AccessHandlerCallback answer)
{
    memset(upstream, 0, sizeof *upstream);
    pthread_mutex_init(&upstream->lock, NULL);
    pthread_cond_init(&upstream->stop, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    upstream->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer,
        upstream, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, 500u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)256 * 1024, MHD_OPTION_NOTIFY_CONNECTION,
        upstream_connected, upstream, MHD_OPTION_END);
    if (upstream->daemon == NULL) {
        perror("upstream");
        exit(2);
    }
    upstream->port = MHD_get_daemon_info(upstream->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static inline void upstream_start(struct upstream *upstream)
{
    upstream_start_with(upstream, upstream_answer);
}

static inline void upstream_stop(struct upstream *upstream)
{
    pthread_mutex_lock(&upstream->lock);
    upstream->stopping = true;
    pthread_cond_broadcast(&upstream->stop);
    pthread_mutex_unlock(&upstream->lock);
    MHD_stop_daemon(upstream->daemon);
}

#endif
