/* clock: the clock on the wall, in nanoseconds since 1970. */
#ifndef ZHERD_GATEWAY_NODE_CLOCK_H
#define ZHERD_GATEWAY_NODE_CLOCK_H

#include <stdint.h>

/* CLOCK_REALTIME (clock_gettime(2)), but never less than it said before in this process: when the
 * clock is set back, it stands still until the old time is reached again. One thread. */
int64_t clock_realtime_ns(void);

#endif
