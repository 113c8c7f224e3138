#include "tests/bus/recorder.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bus/loopback.h"

#define CALLS_MAX       64
#define PIECES_MAX      256
#define PIECE_BYTES_MAX 4096
/* How long a replay waits for an answer that may never come. */
#define ANSWER_MS 200

struct piece {
    char bytes[PIECE_BYTES_MAX];
    size_t count;
};

struct call {
    int near, far;
};

struct recorder {
    int listener, stop;
    struct sockaddr_in to; /* the far end */
    pthread_t thread;
    struct call calls[CALLS_MAX];
    size_t call_count;
    pthread_mutex_t lock; /* holds for what follows */
    struct piece pieces[PIECES_MAX];
    size_t piece_count, bytes;
};

static int call_far(const struct recorder *tape)
{
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(far, (const struct sockaddr *)&tape->to, sizeof tape->to) == 0)
        return far;
    close(far);
    return -1;
}

static void take_call(struct recorder *tape)
{
    int near = accept(tape->listener, NULL, NULL), far = call_far(tape);
    if (near >= 0 && far >= 0 && tape->call_count < CALLS_MAX) {
        tape->calls[tape->call_count++] = (struct call){near, far};
        return;
    }
    close(near);
    if (far >= 0)
        close(far);
}

static void record(struct recorder *tape, const char *bytes, size_t count)
{
    pthread_mutex_lock(&tape->lock);
    if (tape->piece_count < PIECES_MAX) {
        struct piece *piece = &tape->pieces[tape->piece_count++];
        memcpy(piece->bytes, bytes, count);
        piece->count = count;
        tape->bytes += count;
    }
    pthread_mutex_unlock(&tape->lock);
}

/* Moves what waits from one end to the other; both are closed once one is. */
static void relay(struct recorder *tape, size_t number, bool from_near)
{
    struct call *call = &tape->calls[number];
    char bytes[PIECE_BYTES_MAX];
    if (call->near < 0)
        return;
    ssize_t count = recv(from_near ? call->near : call->far, bytes, sizeof bytes, 0);
    if (count > 0 && from_near && number == 0)
        record(tape, bytes, (size_t)count);
    if (count > 0 &&
        send(from_near ? call->far : call->near, bytes, (size_t)count, MSG_NOSIGNAL) == count)
        return;
    close(call->near);
    close(call->far);
    *call = (struct call){-1, -1};
}

static void *run(void *user)
{
    struct recorder *tape = user;
    for (;;) {
        struct pollfd polled[2 + 2 * CALLS_MAX] = {{.fd = tape->stop, .events = POLLIN},
                                                   {.fd = tape->listener, .events = POLLIN}};
        size_t calls = tape->call_count;
        for (size_t i = 0; i < calls; i++) {
            polled[2 + 2 * i] = (struct pollfd){.fd = tape->calls[i].near, .events = POLLIN};
            polled[3 + 2 * i] = (struct pollfd){.fd = tape->calls[i].far, .events = POLLIN};
        }
        poll(polled, 2 + 2 * calls, -1);
        if (polled[0].revents != 0)
            return NULL;
        for (size_t i = 0; i < calls; i++) {
            if (polled[2 + 2 * i].revents != 0)
                relay(tape, i, true);
            if (polled[3 + 2 * i].revents != 0)
                relay(tape, i, false);
        }
        if (polled[1].revents != 0)
            take_call(tape);
    }
}

struct recorder *recorder_start(const char *from, const char *to)
{
    struct recorder *tape = calloc(1, sizeof *tape);
    assert(tape);
    struct sockaddr_in address = loopback_address(from);
    int yes = 1;
    tape->to = loopback_address(to);
    tape->stop = eventfd(0, EFD_CLOEXEC);
    tape->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(tape->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(tape->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(tape->listener, CALLS_MAX) != 0) {
        perror("recorder_start");
        exit(2);
    }
    pthread_mutex_init(&tape->lock, NULL);
    pthread_create(&tape->thread, NULL, run, tape);
    return tape;
}

size_t recorder_bytes(struct recorder *tape)
{
    pthread_mutex_lock(&tape->lock);
    size_t bytes = tape->bytes;
    pthread_mutex_unlock(&tape->lock);
    return bytes;
}

size_t recorder_play(struct recorder *tape)
{
    size_t answered = 0;
    char bytes[PIECE_BYTES_MAX];
    int far = call_far(tape);
    pthread_mutex_lock(&tape->lock);
    for (size_t i = 0; i < tape->piece_count; i++) {
        if (send(far, tape->pieces[i].bytes, tape->pieces[i].count, MSG_NOSIGNAL) < 0)
            break;
        struct pollfd polled = {.fd = far, .events = POLLIN};
        ssize_t count =
            poll(&polled, 1, ANSWER_MS) > 0 ? recv(far, bytes, sizeof bytes, MSG_DONTWAIT) : 0;
        answered += count > 0 ? (size_t)count : 0;
    }
    pthread_mutex_unlock(&tape->lock);
    close(far);
    return answered;
}

void recorder_stop(struct recorder **recorder_at)
{
    struct recorder *tape = *recorder_at;
    uint64_t one = 1;
    ssize_t written = write(tape->stop, &one, sizeof one);
    assert(written == (ssize_t)sizeof one);
    pthread_join(tape->thread, NULL);
    for (size_t i = 0; i < tape->call_count; i++) {
        if (tape->calls[i].near < 0)
            continue;
        close(tape->calls[i].near);
        close(tape->calls[i].far);
    }
    close(tape->listener);
    close(tape->stop);
    pthread_mutex_destroy(&tape->lock);
    free(tape);
    *recorder_at = NULL;
}
