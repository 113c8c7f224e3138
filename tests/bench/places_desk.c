/* What a question costs in the dispatcher, in nanoseconds: one that the cache answers, with an
 * answer of Google's size, and one that goes to a worker and back. */
#include <stdio.h>
#include <time.h>

#include "placesd/dispatch/dispatcher.h"

#define ROUNDS     200000
#define PLACES     1000
#define BODY_BYTES 20000

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct buffer make_body(void)
{
    struct buffer body = {0};
    buffer_append(&body, span_of("{\"html_attributions\":[],\"results\":["));
    for (int i = 0; i < 20; i++) {
        buffer_append(&body, span_of(i > 0 ? ",{\"name\":\"" : "{\"name\":\""));
        while (body.len < (size_t)(i + 1) * BODY_BYTES / 20)
            buffer_append(&body, span_of("a place "));
        buffer_append(&body, span_of("\"}"));
    }
    buffer_append(&body, span_of("],\"status\":\"OK\"}"));
    return body;
}

/* Asks once and applies; whether a worker was needed. */
static bool ask(struct dispatcher *dispatcher, int64_t place, struct span body)
{
    struct lookup lookup = {place, 0, 10000, 20, 4000};
    struct dispatcher_action action;
    uint64_t ticket;
    bool given = false;
    dispatcher_ask(dispatcher, 1, &lookup, 0, &ticket);
    while (dispatcher_next(dispatcher, 0, &action)) {
        if (action.kind != DISPATCHER_GIVE)
            continue;
        given = true;
        dispatcher_done(dispatcher, span_of("A"), action.job,
                        &(struct lookup_reply){LOOKUP_OK, body}, 0, 0);
    }
    return given;
}

static void measure(const char *what, int64_t cache_ms, struct span body)
{
    struct dispatcher_options options = {
        .sources = {{"one", cache_ms, 0, 0, NULL}},
        .source_count = 1,
        .nodes = 1,
    };
    struct dispatcher *dispatcher = dispatcher_new(&options);
    dispatcher_ready(dispatcher, span_of("A"), LOOKUP_CREDITS_MAX, 0);
    for (int i = 0; i < PLACES; i++)
        ask(dispatcher, i, body);
    int given = 0;
    int64_t start_ns = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        given += ask(dispatcher, i * INT64_C(7919) % PLACES, body);
    printf("%-32s %6.2f us, %d of %d given to a worker\n", what,
           (double)(now_ns() - start_ns) / ROUNDS / 1000, given, ROUNDS);
    dispatcher_destroy(&dispatcher);
}

int main(void)
{
    struct buffer body = make_body();
    measure("answered by the cache (20 kB)", 1000, (struct span){body.data, body.len});
    measure("answered by a worker (20 kB)", 0, (struct span){body.data, body.len});
    buffer_free(&body);
    return 0;
}
