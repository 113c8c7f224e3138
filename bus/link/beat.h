/* beat: moments that the links of a node share for what need not be done at a certain time, so that
 * one turn of its loop does for many of them what would wake it for each.
 *
 * Each process has its own, and each BEAT_LINKS of its links: those of one machine do not beat
 * together, and a hub does not do for a thousand links in one turn what clients would wait for. It
 * knows no messages.
 *
 * Invariant: what is to be done by a time is never done later for it. */
#ifndef ZHERD_BUS_LINK_BEAT_H
#define ZHERD_BUS_LINK_BEAT_H

#include <stddef.h>
#include <stdint.h>

/* Moments of one link are so far apart; and those of the next links, of which so many share one. */
#define BEAT_MS      500
#define BEAT_STEP_MS 16
#define BEAT_LINKS   32u

/* The last moment of that link until then. `process` is a number by which processes differ. */
static inline int64_t beat_until(uint64_t process, size_t link, int64_t until_ms)
{
    int64_t own_ms = (int64_t)((process + link / BEAT_LINKS * BEAT_STEP_MS) % BEAT_MS);
    int64_t passed_ms = (until_ms - own_ms) % BEAT_MS;
    return until_ms - passed_ms - (passed_ms < 0 ? BEAT_MS : 0);
}

#endif
