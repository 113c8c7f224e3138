#include "gateway/node/clock.h"

#include <time.h>

int64_t clock_realtime_ns(void)
{
    static int64_t latest_ns;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (now_ns > latest_ns)
        latest_ns = now_ns;
    return latest_ns;
}
