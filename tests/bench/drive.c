#include "tests/bench/drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/moment.h"

#define EVENTS_MAX 256
/* How often a loop that waits for nothing looks at the clock. */
#define GLANCE_NS (100 * INT64_C(1000000))

/* ---- opening and closing ---- */

static void push_free(struct drive *drive, uint32_t number)
{
    uint32_t size = drive->run->connections;
    drive->free[(drive->free_head + drive->free_count++) % size] = number;
}

static struct conn *pop_free(struct drive *drive)
{
    uint32_t number = drive->free[drive->free_head];
    drive->free_head = (drive->free_head + 1) % drive->run->connections;
    drive->free_count--;
    return &drive->conns[number];
}

bool drive_open(struct drive *drive, struct run *run, const struct address *server, uint32_t depth)
{
    *drive = (struct drive){.run = run, .poller = epoll_create1(EPOLL_CLOEXEC)};
    drive->conns = bytes_zeroed(run->connections * sizeof *drive->conns);
    drive->free = bytes_resize(NULL, run->connections * sizeof *drive->free);
    drive->room = bytes_resize(NULL, CONN_READ_BYTES);
    for (uint32_t i = 0; i < run->connections; i++)
        drive->conns[i] = (struct conn){.fd = -1, .number = i};
    for (uint32_t i = 0; i < run->connections; i++) {
        struct conn *conn = &drive->conns[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        if (!conn_open(conn, server, run->talk.speech, depth))
            return false;
        epoll_ctl(drive->poller, EPOLL_CTL_ADD, conn->fd, &event);
        push_free(drive, i);
        drive->living++;
    }
    return true;
}

void drive_close(struct drive *drive)
{
    for (uint32_t i = 0; i < drive->run->connections; i++)
        conn_free(&drive->conns[i]);
    close(drive->poller);
    free(drive->conns);
    free(drive->free);
    free(drive->room);
}

/* ---- requests out ---- */

static void wait_for_room(struct drive *drive, struct conn *conn, bool wait)
{
    struct epoll_event event = {.events = wait ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = conn};
    epoll_ctl(drive->poller, EPOLL_CTL_MOD, conn->fd, &event);
}

/* A broken connection is closed for good; what it still owed is lost. */
static void take_state(struct drive *drive, struct conn *conn, enum conn_state state)
{
    if (state == CONN_BLOCKED)
        wait_for_room(drive, conn, true);
    if (conn->fd < 0) {
        run_count_end(drive->run, conn, state);
        drive->answered += conn->count - conn->answered;
        drive->living--;
    }
}

static int64_t due_ns(const struct drive *drive, uint64_t request, int64_t now_ns)
{
    if (drive->rate <= 0)
        return now_ns;
    return drive->start_ns + (int64_t)((double)request * (double)MOMENT_NS_PER_S / drive->rate);
}

/* Gives a free connection what is due. False when nothing was. */
static bool issue(struct drive *drive, int64_t now_ns)
{
    struct conn *conn = &drive->conns[drive->free[drive->free_head]];
    uint32_t count = 0;
    if (conn->fd < 0) {
        pop_free(drive); /* closed by the server while it was free */
        return true;
    }
    while (count < drive->depth) {
        struct asked next;
        int64_t due = due_ns(drive, drive->issued, now_ns);
        if (due > now_ns || due >= drive->until_ns ||
            !script_next(&drive->run->script, conn->number, &next))
            break;
        struct asked *asked = conn_add(conn);
        next.place = asked->place;
        next.due_ns = due;
        *asked = next;
        conn_put(conn, &drive->run->talk, asked);
        drive->issued++;
        count++;
    }
    if (count == 0)
        return false;
    pop_free(drive);
    drive->progress_ns = now_ns;
    take_state(drive, conn, conn_send(conn));
    return true;
}

/* One try for each connection that is free now: with some scripts one of them has nothing more
 * to say while others have. */
static void issue_all(struct drive *drive, int64_t now_ns)
{
    for (uint32_t tries = drive->free_count; tries > 0; tries--)
        if (!issue(drive, now_ns)) {
            if (drive->run->script.workload != SCRIPT_LOAD)
                return;
            push_free(drive, (uint32_t)(pop_free(drive) - drive->conns));
        }
}

/* ---- replies back ---- */

static void judge(struct drive *drive, const struct asked *asked, int64_t now_ns)
{
    struct run *run = drive->run;
    drive->answered++;
    histogram_add(&drive->times_ns, now_ns - asked->due_ns);
    if (asked->kind != SPEECH_QUESTION || asked->seen_ns == asked->stamp_ns)
        return;
    if (run->script.workload == SCRIPT_SWEEP)
        script_again(&run->script, asked->client);
    else if (run->wrong++ == 0)
        fprintf(stderr, "zherd-bench: stale: client %u at %llu, not %llu\n", asked->client,
                (unsigned long long)asked->seen_ns, (unsigned long long)asked->stamp_ns);
}

static void receive(struct drive *drive, struct conn *conn)
{
    uint32_t before = conn->answered;
    enum conn_state state = conn_receive(conn, &drive->run->talk, drive->room);
    int64_t now_ns = moment_now_ns();
    for (uint32_t i = before; i < conn->answered; i++)
        judge(drive, &conn->asked[i], now_ns);
    drive->progress_ns = now_ns;
    take_state(drive, conn, state);
    if (conn->fd >= 0 && conn->answered == conn->count && before < conn->count)
        push_free(drive, conn->number);
}

static void take_event(struct drive *drive, const struct epoll_event *event)
{
    struct conn *conn = event->data.ptr;
    if (conn->fd < 0)
        return;
    if (event->events & EPOLLOUT) {
        enum conn_state state = conn_send(conn);
        if (state == CONN_FINE)
            wait_for_room(drive, conn, false);
        take_state(drive, conn, state);
    }
    if (conn->fd >= 0 && (event->events & ~(uint32_t)EPOLLOUT) != 0)
        receive(drive, conn);
}

/* ---- the loop ---- */

/* How long the loop may sleep: until the next request is due, if a connection is free for it. */
static int64_t patience_ns(const struct drive *drive, int64_t now_ns)
{
    if (drive->run->spin)
        return 0;
    if (drive->rate <= 0 || drive->free_count == 0)
        return GLANCE_NS;
    int64_t wait_ns = due_ns(drive, drive->issued, now_ns) - now_ns;
    return wait_ns < 0 || wait_ns > GLANCE_NS ? GLANCE_NS : wait_ns;
}

/* At a fixed rate nothing may be on its way for a moment although more is to come. */
static bool more_to_come(const struct drive *drive)
{
    return drive->rate > 0 && drive->run->script.left > 0 &&
           due_ns(drive, drive->issued, 0) < drive->until_ns;
}

static bool is_over(const struct drive *drive, int64_t now_ns)
{
    if (drive->living == 0)
        return true;
    if (drive->answered == drive->issued)
        return !more_to_come(drive);
    return now_ns > drive->progress_ns + RUN_PATIENCE_SECONDS * MOMENT_NS_PER_S;
}

/* Closes the connections that still wait for a reply: it would arrive during the next play. */
static void give_up(struct drive *drive)
{
    for (uint32_t i = 0; i < drive->run->connections; i++) {
        struct conn *conn = &drive->conns[i];
        if (conn->fd >= 0 && conn->answered < conn->count) {
            conn_close(conn, true);
            take_state(drive, conn, CONN_BROKEN);
        }
    }
}

void drive_play(struct drive *drive, uint32_t depth, double rate, int64_t length_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t now_ns = moment_now_ns();
    drive->depth = depth;
    drive->rate = rate;
    drive->start_ns = drive->progress_ns = now_ns;
    drive->until_ns = now_ns + length_ns;
    drive->issued = drive->answered = 0;
    drive->times_ns = (struct histogram){0};
    for (;;) {
        issue_all(drive, now_ns);
        if (is_over(drive, now_ns))
            break;
        int64_t wait_ns = patience_ns(drive, now_ns);
        struct timespec wait = {wait_ns / MOMENT_NS_PER_S, wait_ns % MOMENT_NS_PER_S};
        int count = epoll_pwait2(drive->poller, events, EVENTS_MAX, &wait, NULL);
        for (int i = 0; i < count; i++)
            take_event(drive, &events[i]);
        now_ns = moment_now_ns();
    }
    give_up(drive);
}
