/* share: how a limit is divided among those who ask.
 *
 * Each may hold as much of a limit as is free. Who asks alone so gets half of it, two greedy ones a
 * third each, n greedy ones 1/(n+1) each, and as much stays free for whoever comes next: nobody is
 * refused because of what others hold, unless he holds as much as they. It keeps no state and
 * refuses nobody himself.
 *
 * Invariant: what is granted never exceeds the limit in all. */
#ifndef ZHERD_PLACESD_DISPATCH_SHARE_H
#define ZHERD_PLACESD_DISPATCH_SHARE_H

#include <stdbool.h>
#include <stdint.h>

/* Askers with a place of their own; the places of those who hold nothing are free for others.
 * Whoever comes beyond that shares place 0 with all whose name says nothing. */
#define SHARE_ASKERS_MAX 256
/* The place of everybody else. */
#define SHARE_OTHERS 0

/* Whether somebody who holds `held` of the `taken` may take `more`. */
static inline bool share_has_room(uint64_t held, uint64_t taken, uint64_t more, uint64_t max)
{
    return taken <= max && held + more <= max - taken;
}

#endif
