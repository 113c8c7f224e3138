#include "gateway/node/clock.h"

#include <time.h>

#include "bus/base/packed.h"
#include "gateway/text/wall.h"

#define NS_PER_MS 1000000
/* Two clocks are read at the same moment where reading the first one twice takes at most this time
 * around the second; where the process is held up each time, the shortest of some counts. */
#define SAME_MOMENT_NS NS_PER_MS
#define TRIES_MAX      8

static struct wall wall;

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NANO + now.tv_nsec;
}

int64_t clock_thread_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_look(void)
{
    int64_t boottime_ns = 0, machine_ns = 0, took_ns = INT64_MAX;
    for (int i = 0; i < TRIES_MAX && took_ns > SAME_MOMENT_NS; i++) {
        int64_t before_ns = read_ns(CLOCK_BOOTTIME), between_ns = read_ns(CLOCK_REALTIME);
        int64_t lasted_ns = read_ns(CLOCK_BOOTTIME) - before_ns;
        if (lasted_ns < took_ns) {
            took_ns = lasted_ns;
            boottime_ns = before_ns + lasted_ns / 2;
            machine_ns = between_ns;
        }
    }
    return wall_read(&wall, boottime_ns, machine_ns);
}

int64_t clock_realtime_ns(void)
{
    if (!wall.is_set)
        clock_look();
    return wall_show(&wall, read_ns(CLOCK_BOOTTIME));
}

int64_t clock_now_ms(uint64_t loop_ms)
{
    static uint64_t seen_ms;
    static int64_t suspended_ns;
    if (loop_ms != seen_ms) {
        /* Read in this order the difference is never too large, however long the process is held
         * up in between; and the true one never shrinks. */
        int64_t boottime_ns = read_ns(CLOCK_BOOTTIME);
        int64_t difference_ns = boottime_ns - read_ns(CLOCK_MONOTONIC);
        if (difference_ns > suspended_ns)
            suspended_ns = difference_ns;
        seen_ms = loop_ms;
    }
    return (int64_t)loop_ms + suspended_ns / NS_PER_MS;
}

int64_t clock_wall_ns(int64_t now_ms)
{
    if (!wall.is_set)
        clock_look();
    return now_ms * NS_PER_MS + wall.offset_ns;
}
