/* clock: the clocks of the machine, for the thread of the loop.
 *
 * A node goes by two: its wall (gateway/text/wall.h), and for everything that lasts a number of
 * milliseconds that also goes on while the machine is suspended, for the clocks of other nodes go
 * on as well. It decides nothing: what the wall makes of the readings, gateway/text/wall.c does. */
#ifndef ZHERD_GATEWAY_NODE_CLOCK_H
#define ZHERD_GATEWAY_NODE_CLOCK_H

#include <stdint.h>

/* What the wall shows now, in nanoseconds since 1970. */
int64_t clock_realtime_ns(void);

/* Reads how far the wall is off the machine's wall clock: to be called once a second. Returns by
 * how much that was set since the last call, if by more than WALL_JUMP_NS; else 0. */
int64_t clock_look(void);

/* Milliseconds of CLOCK_BOOTTIME (clock_gettime(2)), as old as `loop_ms`, which is uv_now of the
 * loop. It is the time of flood, bus, places client and limits. */
int64_t clock_now_ms(uint64_t loop_ms);

/* What the calling thread has worked so far (CLOCK_THREAD_CPUTIME_ID), in nanoseconds: other
 * processes take nothing of it. A system call. */
int64_t clock_thread_ns(void);

/* What the wall shows at that moment, but without the pause after a small step backwards. */
int64_t clock_wall_ns(int64_t now_ms);

#endif
