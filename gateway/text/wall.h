/* wall: what the clock on a node's wall shows, from readings of two clocks of the machine.
 *
 * One of them counts on from the machine's start, also while that is suspended, and nobody can set
 * it; the other is the machine's wall clock, which people and programs set. The node's wall is the
 * first plus an offset, which is taken from the second once a second. What the time of the herd is,
 * bus/link/herd_time.h decides.
 *
 * Invariant: what is shown never runs backwards, but for where the machine's wall clock was set
 * back by more than WALL_JUMP_NS: that is followed at once. */
#ifndef ZHERD_GATEWAY_TEXT_WALL_H
#define ZHERD_GATEWAY_TEXT_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the machine's wall clock differs from ours by more, somebody has set it. Less is what a
 * time service corrects (ntpd steps from 128 ms on): there ours stands still until the other has
 * come as far. */
#define WALL_JUMP_NS INT64_C(1000000000)

/* How long a node that starts waits for the clocks of its neighbours before it lets clients in. A
 * neighbour that runs is found within 250 ms (bus/net/outlet.h). */
#define WALL_DOOR_MS 300

/* All zero has not read a clock yet. */
struct wall {
    bool is_set;
    int64_t offset_ns; /* the machine's wall clock minus the clock that nobody sets */
    int64_t least_ns;  /* what was shown last */
};

/* Takes one reading of both clocks, in nanoseconds. Returns by how much the machine's wall clock
 * was set since the last one, where that is more than WALL_JUMP_NS, backwards less than zero; else
 * 0. */
int64_t wall_read(struct wall *wall, int64_t boottime_ns, int64_t machine_ns);

/* What the wall shows at a moment of the clock that nobody sets: nanoseconds since 1970. Only after
 * wall_read. */
int64_t wall_show(struct wall *wall, int64_t boottime_ns);

/* Whether a node may take positions, so long after its start: `heard` of its neighbours have said
 * HELLO, and with it what time it is. Before that a node with a wrong clock would order by it. */
bool wall_opens_door(size_t neighbours, size_t heard, int64_t since_start_ms);

#endif
