#include "tests/bench/pair.h"

#include <poll.h>
#include <stdlib.h>

#include "tests/bench/moment.h"

#define DEFAULT_RATE 500.0

bool pair_open(struct pair *pair, struct run *run)
{
    *pair = (struct pair){.run = run,
                          .teller = {.fd = -1, .number = 0},
                          .asker = {.fd = -1, .number = 1},
                          .room = bytes_resize(NULL, CONN_READ_BYTES)};
    script_begin(&run->script, SCRIPT_IAMAT, UINT64_MAX);
    return conn_open(&pair->teller, &run->servers[0], run->talk.speech, 1) &&
           conn_open(&pair->asker, &run->servers[run->server_count - 1], run->talk.speech, 1);
}

void pair_close(struct pair *pair)
{
    conn_free(&pair->teller);
    conn_free(&pair->asker);
    free(pair->room);
}

void pair_sleep_until(const struct pair *pair, int64_t until_ns)
{
    struct timespec until = {until_ns / MOMENT_NS_PER_S, until_ns % MOMENT_NS_PER_S};
    if (pair->run->spin)
        while (moment_now_ns() < until_ns)
            ;
    else
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

void pair_pace(struct pair *pair)
{
    double rate = pair->run->rate > 0 ? pair->run->rate : DEFAULT_RATE;
    int64_t now_ns = moment_now_ns();
    pair_sleep_until(pair, pair->next_ns);
    int64_t gap_ns =
        rng_between(&pair->run->script.rng, 0, (int64_t)(2 * (double)MOMENT_NS_PER_S / rate));
    pair->next_ns = (pair->next_ns > now_ns ? pair->next_ns : now_ns) + gap_ns;
}

bool pair_send(struct pair *pair, struct conn *conn)
{
    enum conn_state state = conn_send(conn);
    run_count_end(pair->run, conn, state);
    return state == CONN_FINE;
}

bool pair_tell(struct pair *pair, struct asked *asked)
{
    struct run *run = pair->run;
    struct asked *slot = conn_add(&pair->teller);
    *asked = (struct asked){.place = slot->place};
    script_next(&run->script, 0, asked);
    asked->due_ns = moment_now_ns();
    *slot = *asked;
    conn_put(&pair->teller, &run->talk, slot);
    return pair_send(pair, &pair->teller);
}

bool pair_readable(const struct conn *conn, int64_t until_ns)
{
    struct pollfd in = {.fd = conn->fd, .events = POLLIN};
    int64_t wait_ns = until_ns - moment_now_ns();
    struct timespec wait = {wait_ns / MOMENT_NS_PER_S, wait_ns % MOMENT_NS_PER_S};
    return wait_ns > 0 && ppoll(&in, 1, &wait, NULL) == 1;
}

bool pair_wait(struct pair *pair, struct conn *conn)
{
    int64_t until_ns = moment_now_ns() + moment_of_seconds(RUN_PATIENCE_SECONDS);
    while (conn->answered < conn->count) {
        enum conn_state state = CONN_BROKEN; /* silence is as bad */
        if (pair_readable(conn, until_ns))
            state = conn_receive(conn, &pair->run->talk, pair->room);
        run_count_end(pair->run, conn, state);
        if (state != CONN_FINE)
            return false;
    }
    return true;
}
