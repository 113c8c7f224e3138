/* misread: what is wrong with the messages of one peer, in words for the person who has to mend it.
 *
 * A peer that another program plays, in whatever language, may send what cannot be read, or take
 * our incarnation for another number; and one that means ill may send what it should not. That has
 * no effect then, and only our log can say why. It decides when a line is due and writes it; it
 * counts nothing and does not decide what a message means.
 *
 * Invariant: of one kind a peer causes one line in MISREAD_PAUSE_MS, however much it sends. */
#ifndef ZHERD_BUS_LINK_MISREAD_H
#define ZHERD_BUS_LINK_MISREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/events.h"
#include "bus/link/wire.h"

#define MISREAD_PAUSE_MS 60000
/* A double keeps 53 bits: numbers up to this one stay as they are, and rounding one of 64 bits
 * moves it by no more than 2^10. */
#define MISREAD_EXACT_MAX   (UINT64_C(1) << 53)
#define MISREAD_ROUNDED_MAX ((UINT64_C(1) << 11) - 1)
/* For this time a peer may name the incarnation of our process before this one: our HELLO takes a
 * moment to arrive. */
#define MISREAD_INCARNATION_MS 5000

enum misread_kind {
    MISREAD_MALFORMED,   /* what is no message */
    MISREAD_INCARNATION, /* an incarnation that is not ours is named for ours */
    MISREAD_PARTS,       /* a message of several frames */
    MISREAD_HURRY,       /* another incarnation all the time */
    MISREAD_RULE,        /* a location that breaks a rule */
    MISREAD_ORIGIN,      /* one of an origin that is no node, and one too many of those */
    MISREAD_OBSERVER,    /* one that an observer says */
    MISREAD_KINDS,
};

struct misread {
    struct {
        int64_t quiet_until;
        uint64_t untold; /* since the last line */
    } kinds[MISREAD_KINDS];
    uint64_t wrong;   /* the incarnation that they name for ours, 0 for none */
    int64_t wrong_at; /* since when */
};

void misread_init(struct misread *misread);

/* Each of these says that it happened. True where a line is due: then `line` has it, with the
 * number of those that had none since the last one. It is not printable: it may hold a stranger's
 * bytes. */

/* `bytes` are no message, and why. */
bool misread_malformed(struct misread *misread, struct span bytes, const struct wire_fault *fault,
                       int64_t now_ms, char line[LINK_REASON_BYTES_MAX]);

/* A message had several frames. */
bool misread_parts(struct misread *misread, size_t frames, int64_t now_ms,
                   char line[LINK_REASON_BYTES_MAX]);

/* HELLOs of ever another incarnation. */
bool misread_hurry(struct misread *misread, int64_t now_ms, char line[LINK_REASON_BYTES_MAX]);

/* A location is not kept, for one of the last three kinds. */
bool misread_location(struct misread *misread, enum misread_kind kind,
                      const struct location *location, int64_t now_ms,
                      char line[LINK_REASON_BYTES_MAX]);

/* A message names incarnation `named` for ours. No line is due where it is ours, or none (0), or
 * may still be that of the process before this one. One that was rounded is worth a line at once.
 */
bool misread_incarnation(struct misread *misread, uint64_t ours, uint64_t named, int64_t now_ms,
                         char line[LINK_REASON_BYTES_MAX]);

#endif
