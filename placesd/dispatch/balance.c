#include "placesd/dispatch/balance.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "bus/base/printable.h"

#define NOBODY UINT32_MAX

/* What a job's slot is doing. Only WAITING, FAILED and FREE jobs are in a list. */
enum job_state {
    JOB_FREE,     /* nobody's */
    JOB_WAITING,  /* for a worker */
    JOB_GIVEN,    /* a worker has it */
    JOB_FAILED,   /* over, and the action that says so waits to be pulled */
    JOB_ANSWERED, /* over, but its worker still has it and has not got its credit back */
};

struct job {
    enum job_state state;
    enum lookup_code failure;
    bool given_before; /* a worker was lost with it already */
    uint32_t asker;
    uint32_t worker; /* who has it, or NOBODY */
    uint32_t previous, next;
    uint64_t number;
    int64_t deadline_ms;
};

/* A list through jobs[].previous and .next. */
struct list {
    uint32_t first, last;
    uint32_t count;
};

struct worker {
    bool present;
    bool lost;
    uint8_t name_bytes;
    char name[BALANCE_NAME_BYTES_MAX];
    char address[LOOKUP_HOST_BYTES_MAX]; /* "": unknown */
    uint32_t credits;
    uint32_t load;     /* jobs it has */
    uint64_t given_at; /* the count of jobs given when it got its last one */
    int64_t heard_ms;
    int64_t probed_ms; /* or heard, whatever came last */
};

struct balance {
    struct job jobs[BALANCE_JOBS_MAX];
    struct list free, failed;
    struct list waiting[SHARE_ASKERS_MAX]; /* of each asker */
    uint32_t waiting_count;                /* of all */
    uint32_t held[SHARE_ASKERS_MAX];       /* jobs of each asker that are not free */
    uint32_t last_asker;                   /* whose job was given last */
    struct worker workers[BALANCE_WORKERS_MAX];
    uint32_t worker_count; /* entries of `workers` ever used */
    uint32_t lost_count;
    uint64_t lives;      /* makes the number of a reused slot a new one */
    uint64_t given;      /* jobs given so far */
    int64_t earliest_ms; /* no unfinished job's deadline is before this */
};

/* ---- lists of jobs ---- */

static void push_last(struct balance *balance, struct list *list, uint32_t slot)
{
    balance->jobs[slot].previous = list->last;
    balance->jobs[slot].next = NOBODY;
    if (list->last != NOBODY)
        balance->jobs[list->last].next = slot;
    else
        list->first = slot;
    list->last = slot;
    list->count++;
}

static void push_first(struct balance *balance, struct list *list, uint32_t slot)
{
    balance->jobs[slot].previous = NOBODY;
    balance->jobs[slot].next = list->first;
    if (list->first != NOBODY)
        balance->jobs[list->first].previous = slot;
    else
        list->last = slot;
    list->first = slot;
    list->count++;
}

static void take_out(struct balance *balance, struct list *list, uint32_t slot)
{
    const struct job *job = &balance->jobs[slot];
    if (job->previous != NOBODY)
        balance->jobs[job->previous].next = job->next;
    else
        list->first = job->next;
    if (job->next != NOBODY)
        balance->jobs[job->next].previous = job->previous;
    else
        list->last = job->previous;
    list->count--;
}

static uint32_t slot_of(const struct balance *balance, const struct job *job)
{
    return (uint32_t)(job - balance->jobs);
}

static void stop_waiting(struct balance *balance, struct job *job)
{
    take_out(balance, &balance->waiting[job->asker], slot_of(balance, job));
    balance->waiting_count--;
}

static void set_free(struct balance *balance, struct job *job)
{
    job->state = JOB_FREE;
    balance->held[job->asker]--;
    push_last(balance, &balance->free, slot_of(balance, job));
}

/* The waiter gets a failure; a worker that has the job keeps its credit in use until it speaks. */
static void fail(struct balance *balance, struct job *job, enum lookup_code code)
{
    if (job->state == JOB_WAITING)
        stop_waiting(balance, job);
    job->state = JOB_FAILED;
    job->failure = code;
    push_last(balance, &balance->failed, slot_of(balance, job));
}

/* ---- life ---- */

struct balance *balance_new(uint64_t seed)
{
    struct balance *balance = bytes_zeroed(sizeof *balance);
    struct list empty = {NOBODY, NOBODY, 0};
    balance->free = balance->failed = empty;
    for (uint32_t asker = 0; asker < SHARE_ASKERS_MAX; asker++)
        balance->waiting[asker] = empty;
    for (uint32_t slot = 0; slot < BALANCE_JOBS_MAX; slot++)
        push_last(balance, &balance->free, slot);
    balance->lives = seed;
    balance->earliest_ms = INT64_MAX;
    return balance;
}

void balance_destroy(struct balance **balance)
{
    free(*balance);
    *balance = NULL;
}

/* ---- questions ---- */

bool balance_ask(struct balance *balance, uint32_t asker, uint32_t deadline_ms, int64_t now_ms,
                 uint64_t *number)
{
    assert(asker < SHARE_ASKERS_MAX);
    if (!share_has_room(balance->waiting[asker].count, balance->waiting_count, 1,
                        BALANCE_WAITING_MAX) ||
        !share_has_room(balance->held[asker], BALANCE_JOBS_MAX - balance->free.count, 1,
                        BALANCE_JOBS_MAX))
        return false;
    uint32_t slot = balance->free.first;
    take_out(balance, &balance->free, slot);
    struct job *job = &balance->jobs[slot];
    *job = (struct job){
        .state = JOB_WAITING,
        .asker = asker,
        .worker = NOBODY,
        .number = balance->lives++ * BALANCE_JOBS_MAX + slot,
        .deadline_ms = now_ms + deadline_ms,
    };
    push_last(balance, &balance->waiting[asker], slot);
    balance->waiting_count++;
    balance->held[asker]++;
    if (job->deadline_ms < balance->earliest_ms)
        balance->earliest_ms = job->deadline_ms;
    *number = job->number;
    return true;
}

void balance_hasten(struct balance *balance, uint64_t number, uint32_t asker)
{
    assert(asker < SHARE_ASKERS_MAX);
    struct job *job = &balance->jobs[balance_slot(number)];
    if (job->number != number || job->state != JOB_WAITING ||
        balance->waiting[asker].count + 1 >= balance->waiting[job->asker].count)
        return;
    take_out(balance, &balance->waiting[job->asker], slot_of(balance, job));
    balance->held[job->asker]--;
    job->asker = asker;
    balance->held[asker]++;
    push_last(balance, &balance->waiting[asker], slot_of(balance, job));
}

uint32_t balance_held(const struct balance *balance, uint32_t asker)
{
    return balance->held[asker];
}

/* ---- workers ---- */

static uint32_t find_worker(const struct balance *balance, struct span name)
{
    for (uint32_t i = 0; i < balance->worker_count; i++) {
        const struct worker *worker = &balance->workers[i];
        if (worker->present && !worker->lost &&
            span_equals((struct span){worker->name, worker->name_bytes}, name))
            return i;
    }
    return NOBODY;
}

uint32_t balance_workers(const struct balance *balance)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < balance->worker_count; i++)
        count += balance->workers[i].present && !balance->workers[i].lost;
    return count;
}

void balance_locate(struct balance *balance, struct span name, struct span address)
{
    uint32_t found = find_worker(balance, name);
    if (found == NOBODY)
        return;
    char *at = balance->workers[found].address;
    size_t bytes = address.len < LOOKUP_HOST_BYTES_MAX ? address.len : LOOKUP_HOST_BYTES_MAX - 1;
    memcpy(at, address.data, bytes);
    at[bytes] = '\0';
    printable_make(at);
}

uint32_t balance_hosts(const struct balance *balance, struct lookup_host hosts[LOOKUP_HOSTS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < balance->worker_count; i++) {
        const struct worker *worker = &balance->workers[i];
        if (!worker->present || worker->lost || worker->address[0] == '\0')
            continue;
        uint32_t at = 0;
        while (at < count && strcmp(hosts[at].address, worker->address) != 0)
            at++;
        if (at == LOOKUP_HOSTS_MAX)
            continue;
        if (at == count) {
            hosts[count] = (struct lookup_host){.workers = 0};
            memcpy(hosts[count++].address, worker->address, sizeof worker->address);
        }
        hosts[at].workers++;
    }
    return count;
}

static uint32_t room_for_worker(struct balance *balance)
{
    for (uint32_t i = 0; i < balance->worker_count; i++)
        if (!balance->workers[i].present)
            return i;
    return balance->worker_count < BALANCE_WORKERS_MAX ? balance->worker_count++ : NOBODY;
}

static void hear(struct worker *worker, int64_t now_ms)
{
    worker->heard_ms = worker->probed_ms = now_ms;
}

enum balance_welcome balance_ready(struct balance *balance, struct span name, uint32_t credits,
                                   int64_t now_ms)
{
    assert(name.len <= BALANCE_NAME_BYTES_MAX && credits <= LOOKUP_CREDITS_MAX);
    uint32_t found = find_worker(balance, name);
    if (found != NOBODY) {
        balance->workers[found].credits = credits;
        hear(&balance->workers[found], now_ms);
        return BALANCE_KNOWN;
    }
    uint32_t room = room_for_worker(balance);
    if (room == NOBODY)
        return BALANCE_CROWDED;
    struct worker *worker = &balance->workers[room];
    *worker = (struct worker){
        .present = true,
        .name_bytes = (uint8_t)name.len,
        .credits = credits,
        .heard_ms = now_ms,
        .probed_ms = now_ms,
    };
    if (name.len > 0)
        memcpy(worker->name, name.data, name.len);
    return BALANCE_JOINED;
}

bool balance_done(struct balance *balance, struct span name, uint64_t number, int64_t now_ms)
{
    uint32_t found = find_worker(balance, name);
    if (found == NOBODY)
        return false;
    hear(&balance->workers[found], now_ms);
    struct job *job = &balance->jobs[balance_slot(number)];
    if (job->number != number || job->worker != found || job->state == JOB_FREE)
        return false;
    balance->workers[found].load--;
    job->worker = NOBODY;
    bool wanted = job->state == JOB_GIVEN;
    if (job->state != JOB_FAILED)
        set_free(balance, job);
    return wanted;
}

bool balance_expects(const struct balance *balance, struct span name, uint64_t number)
{
    const struct job *job = &balance->jobs[balance_slot(number)];
    return job->state == JOB_GIVEN && job->number == number &&
           job->worker == find_worker(balance, name);
}

/* A worker that is gone had this job. */
static void take_back(struct balance *balance, struct job *job)
{
    job->worker = NOBODY;
    if (job->state == JOB_ANSWERED) {
        set_free(balance, job);
    } else if (job->state == JOB_GIVEN && !job->given_before) {
        job->given_before = true;
        job->state = JOB_WAITING;
        push_first(balance, &balance->waiting[job->asker], slot_of(balance, job));
        balance->waiting_count++;
    } else if (job->state == JOB_GIVEN) {
        fail(balance, job, LOOKUP_UNAVAILABLE);
    }
}

/* Going backwards puts the jobs taken back to the front of the queue in the order of their
 * slots, which is roughly the order in which they were asked. */
static void lose(struct balance *balance, uint32_t index)
{
    struct worker *worker = &balance->workers[index];
    worker->lost = true;
    balance->lost_count++;
    for (uint32_t slot = BALANCE_JOBS_MAX; worker->load > 0 && slot-- > 0;) {
        struct job *job = &balance->jobs[slot];
        if (job->state == JOB_FREE || job->worker != index)
            continue;
        worker->load--;
        take_back(balance, job);
    }
    assert(worker->load == 0);
}

void balance_lose(struct balance *balance, struct span name)
{
    uint32_t found = find_worker(balance, name);
    if (found != NOBODY)
        lose(balance, found);
}

void balance_stop(struct balance *balance)
{
    for (uint32_t slot = 0; slot < BALANCE_JOBS_MAX; slot++) {
        struct job *job = &balance->jobs[slot];
        if (job->state == JOB_WAITING || job->state == JOB_GIVEN)
            fail(balance, job, LOOKUP_UNAVAILABLE);
    }
}

/* ---- actions ---- */

static bool any_worker(const struct balance *balance)
{
    for (uint32_t i = 0; i < balance->worker_count; i++)
        if (balance->workers[i].present && !balance->workers[i].lost)
            return true;
    return false;
}

static void fail_late(struct balance *balance, int64_t now_ms)
{
    if (now_ms < balance->earliest_ms)
        return;
    bool served = any_worker(balance);
    balance->earliest_ms = INT64_MAX;
    for (uint32_t slot = 0; slot < BALANCE_JOBS_MAX; slot++) {
        struct job *job = &balance->jobs[slot];
        if (job->state != JOB_WAITING && job->state != JOB_GIVEN)
            continue;
        if (now_ms >= job->deadline_ms)
            fail(balance, job, served ? LOOKUP_TIMEOUT : LOOKUP_UNAVAILABLE);
        else if (job->deadline_ms < balance->earliest_ms)
            balance->earliest_ms = job->deadline_ms;
    }
}

static void lose_silent(struct balance *balance, int64_t now_ms)
{
    for (uint32_t i = 0; i < balance->worker_count; i++) {
        const struct worker *worker = &balance->workers[i];
        if (worker->present && !worker->lost && now_ms - worker->heard_ms >= BALANCE_SILENCE_MS)
            lose(balance, i);
    }
}

static bool action_left(struct balance *balance, struct balance_action *action)
{
    for (uint32_t i = 0; balance->lost_count > 0 && i < balance->worker_count; i++) {
        struct worker *worker = &balance->workers[i];
        if (!worker->present || !worker->lost)
            continue;
        worker->present = false;
        balance->lost_count--;
        *action = (struct balance_action){
            .kind = BALANCE_LEFT,
            .worker = {worker->name, worker->name_bytes},
        };
        return true;
    }
    return false;
}

static bool action_fail(struct balance *balance, struct balance_action *action)
{
    if (balance->failed.count == 0)
        return false;
    struct job *job = &balance->jobs[balance->failed.first];
    take_out(balance, &balance->failed, balance->failed.first);
    *action = (struct balance_action){
        .kind = BALANCE_FAIL,
        .job = job->number,
        .code = job->failure,
    };
    if (job->worker == NOBODY)
        set_free(balance, job);
    else
        job->state = JOB_ANSWERED;
    return true;
}

static bool action_probe(struct balance *balance, int64_t now_ms, struct balance_action *action)
{
    for (uint32_t i = 0; i < balance->worker_count; i++) {
        struct worker *worker = &balance->workers[i];
        if (!worker->present || worker->lost || now_ms - worker->probed_ms < BALANCE_QUIET_MS)
            continue;
        worker->probed_ms = now_ms;
        *action = (struct balance_action){
            .kind = BALANCE_PROBE,
            .worker = {worker->name, worker->name_bytes},
        };
        return true;
    }
    return false;
}

/* Of the workers with a credit left the one with the fewest jobs, and of equals the one that
 * has waited longest. */
static uint32_t least_loaded(const struct balance *balance)
{
    uint32_t best = NOBODY;
    for (uint32_t i = 0; i < balance->worker_count; i++) {
        const struct worker *worker = &balance->workers[i];
        if (!worker->present || worker->lost || worker->load >= worker->credits)
            continue;
        const struct worker *other = best == NOBODY ? worker : &balance->workers[best];
        if (best == NOBODY || worker->load < other->load ||
            (worker->load == other->load && worker->given_at < other->given_at))
            best = i;
    }
    return best;
}

/* The first job of the asker whose turn it is; one of them waits. */
static struct job *next_waiting(struct balance *balance)
{
    do
        balance->last_asker = (balance->last_asker + 1) % SHARE_ASKERS_MAX;
    while (balance->waiting[balance->last_asker].count == 0);
    return &balance->jobs[balance->waiting[balance->last_asker].first];
}

static bool action_give(struct balance *balance, int64_t now_ms, struct balance_action *action)
{
    if (balance->waiting_count == 0)
        return false;
    uint32_t chosen = least_loaded(balance);
    if (chosen == NOBODY)
        return false;
    struct job *job = next_waiting(balance);
    stop_waiting(balance, job);
    struct worker *worker = &balance->workers[chosen];
    worker->load++;
    worker->given_at = ++balance->given;
    job->state = JOB_GIVEN;
    job->worker = chosen;
    *action = (struct balance_action){
        .kind = BALANCE_GIVE,
        .job = job->number,
        .worker = {worker->name, worker->name_bytes},
        .left_ms = (uint32_t)(job->deadline_ms - now_ms),
        .again = job->given_before,
    };
    return true;
}

bool balance_next(struct balance *balance, int64_t now_ms, struct balance_action *action)
{
    lose_silent(balance, now_ms);
    fail_late(balance, now_ms);
    return action_left(balance, action) || action_fail(balance, action) ||
           action_probe(balance, now_ms, action) || action_give(balance, now_ms, action);
}

int64_t balance_deadline_ms(const struct balance *balance)
{
    int64_t deadline_ms = balance->earliest_ms;
    for (uint32_t i = 0; i < balance->worker_count; i++) {
        const struct worker *worker = &balance->workers[i];
        int64_t due_ms = worker->probed_ms + BALANCE_QUIET_MS;
        if (worker->heard_ms + BALANCE_SILENCE_MS < due_ms)
            due_ms = worker->heard_ms + BALANCE_SILENCE_MS;
        if (worker->present && due_ms < deadline_ms)
            deadline_ms = due_ms;
    }
    return deadline_ms;
}
