#include "gateway/text/wall.h"

#include <assert.h>

static int64_t now_ns(const struct wall *wall, int64_t boottime_ns)
{
    int64_t now = boottime_ns + wall->offset_ns;
    return now > wall->least_ns ? now : wall->least_ns;
}

int64_t wall_show(struct wall *wall, int64_t boottime_ns)
{
    assert(wall->is_set);
    wall->least_ns = now_ns(wall, boottime_ns);
    return wall->least_ns;
}

int64_t wall_read(struct wall *wall, int64_t boottime_ns, int64_t machine_ns)
{
    int64_t offset_ns = machine_ns - boottime_ns;
    if (!wall->is_set) {
        *wall = (struct wall){.is_set = true, .offset_ns = offset_ns, .least_ns = machine_ns};
        return 0;
    }
    /* Compared with what would be shown, so that a clock set back often, each time by less, is
     * followed, too. */
    int64_t jump_ns = machine_ns - now_ns(wall, boottime_ns);
    wall->offset_ns = offset_ns;
    if (jump_ns >= -WALL_JUMP_NS && jump_ns <= WALL_JUMP_NS)
        return 0;
    wall->least_ns = machine_ns;
    return jump_ns;
}

bool wall_opens_door(size_t neighbours, size_t heard, int64_t since_start_ms)
{
    return heard >= neighbours || since_start_ms >= WALL_DOOR_MS;
}
