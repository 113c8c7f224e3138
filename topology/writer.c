#include "topology/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_MS     1000000
#define NS_PER_SECOND 1000000000
/* As many bytes are written while they still lie in the processor's cache. */
#define GATHER_BYTES (128 * 1024)
/* What a rush took beyond this is given back. */
#define KEPT_BYTES (1024 * 1024)

struct writer {
    writer_work *work;
    void *owner;
    size_t bytes_max;
    pthread_t thread;

    pthread_mutex_t lock; /* of all below but `taken` */
    pthread_cond_t is_wanted, is_idle;
    struct buffer filling;
    unsigned asked;
    size_t asked_at;
    uint64_t dropped;
    bool sleeps;  /* until somebody wakes the thread */
    bool hurries; /* somebody waits: no gathering */
    bool works;
    bool stops;

    struct buffer taken; /* the thread's */
};

static struct timespec time_in(int64_t wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + wait_ms * NS_PER_MS;
    at.tv_sec += ns / NS_PER_SECOND;
    at.tv_nsec = ns % NS_PER_SECOND;
    return at;
}

/* ---- the thread ---- */

static bool has_work(const struct writer *writer)
{
    return writer->filling.len > 0 || writer->asked != 0 || writer->dropped > 0;
}

/* Whether to gather no longer. */
static bool is_urgent(const struct writer *writer)
{
    return writer->asked != 0 || writer->hurries || writer->stops ||
           writer->filling.len > GATHER_BYTES;
}

static void await_work(struct writer *writer)
{
    while (!has_work(writer) && !writer->stops) {
        writer->sleeps = true;
        pthread_cond_wait(&writer->is_wanted, &writer->lock);
    }
    writer->sleeps = false;
    struct timespec until = time_in(WRITER_GATHER_MS);
    while (!is_urgent(writer) &&
           pthread_cond_timedwait(&writer->is_wanted, &writer->lock, &until) != ETIMEDOUT)
        continue;
}

/* Called with the lock held, which it gives up while it works. */
static void work_off(struct writer *writer)
{
    struct buffer full = writer->filling;
    writer->filling = writer->taken;
    writer->taken = full;
    struct writer_batch batch = {.bytes = {full.data, full.len},
                                 .asked = writer->asked,
                                 .asked_at = writer->asked_at,
                                 .dropped = writer->dropped};
    writer->asked = 0;
    writer->asked_at = 0;
    writer->dropped = 0;
    writer->works = true;
    pthread_mutex_unlock(&writer->lock);
    writer->work(writer->owner, &batch);
    if (full.len > KEPT_BYTES)
        bytes_forget(full.data + KEPT_BYTES, full.len - KEPT_BYTES);
    writer->taken.len = 0;
    pthread_mutex_lock(&writer->lock);
    writer->works = false;
    if (!has_work(writer))
        pthread_cond_broadcast(&writer->is_idle);
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    pthread_mutex_lock(&writer->lock);
    do {
        await_work(writer);
        if (has_work(writer))
            work_off(writer);
    } while (!writer->stops || has_work(writer));
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- its callers ---- */

static void free_writer(struct writer *writer)
{
    pthread_cond_destroy(&writer->is_wanted);
    pthread_cond_destroy(&writer->is_idle);
    pthread_mutex_destroy(&writer->lock);
    buffer_free(&writer->filling);
    buffer_free(&writer->taken);
    free(writer);
}

/* Signals are for the threads that know what to do about them. */
static int start_thread(struct writer *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fault = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return fault;
}

struct writer *writer_start(size_t bytes_max, writer_work *work, void *owner)
{
    struct writer *writer = bytes_zeroed(sizeof *writer);
    pthread_condattr_t monotonic;
    writer->work = work;
    writer->owner = owner;
    writer->bytes_max = bytes_max;
    buffer_reserve(&writer->filling, bytes_max);
    buffer_reserve(&writer->taken, bytes_max);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->is_wanted, &monotonic);
    pthread_cond_init(&writer->is_idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int fault = start_thread(writer);
    if (fault == 0)
        return writer;
    free_writer(writer);
    errno = fault;
    return NULL;
}

/* With the lock held. A thread that gathers is woken only by what cannot wait. */
static void wake(struct writer *writer, bool was_urgent)
{
    if (writer->sleeps || (!was_urgent && is_urgent(writer)))
        pthread_cond_signal(&writer->is_wanted);
    writer->sleeps = false;
}

bool writer_put(struct writer *writer, struct span bytes, size_t *waiting)
{
    pthread_mutex_lock(&writer->lock);
    bool was_urgent = is_urgent(writer);
    bool fits = writer->dropped == 0 && bytes.len <= writer->bytes_max - writer->filling.len;
    if (fits)
        buffer_append(&writer->filling, bytes);
    else
        writer->dropped += bytes.len;
    if (waiting != NULL)
        *waiting = writer->filling.len;
    wake(writer, was_urgent);
    pthread_mutex_unlock(&writer->lock);
    return fits;
}

void writer_ask(struct writer *writer, unsigned bits)
{
    pthread_mutex_lock(&writer->lock);
    bool was_urgent = is_urgent(writer);
    writer->asked |= bits;
    writer->asked_at = writer->filling.len;
    wake(writer, was_urgent);
    pthread_mutex_unlock(&writer->lock);
}

bool writer_settle(struct writer *writer, int64_t wait_ms)
{
    struct timespec until = time_in(wait_ms);
    pthread_mutex_lock(&writer->lock);
    bool was_urgent = is_urgent(writer);
    writer->hurries = true;
    wake(writer, was_urgent);
    int fault = 0;
    while (fault == 0 && (has_work(writer) || writer->works))
        fault = pthread_cond_timedwait(&writer->is_idle, &writer->lock, &until);
    writer->hurries = false;
    bool settled = !has_work(writer) && !writer->works;
    pthread_mutex_unlock(&writer->lock);
    return settled;
}

bool writer_stop(struct writer **pointer, int64_t wait_ms)
{
    struct writer *writer = *pointer;
    *pointer = NULL;
    if (writer == NULL)
        return true;
    bool settled = writer_settle(writer, wait_ms);
    pthread_mutex_lock(&writer->lock);
    writer->stops = true;
    pthread_cond_signal(&writer->is_wanted);
    pthread_mutex_unlock(&writer->lock);
    if (settled) {
        pthread_join(writer->thread, NULL);
        free_writer(writer);
    } else {
        pthread_detach(writer->thread);
    }
    return settled;
}
