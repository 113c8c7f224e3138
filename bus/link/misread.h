/* misread: what is wrong with the messages of one peer, for whoever has to mend it.
 *
 * A peer that another program plays, in whatever language, may send what cannot be read, or take
 * our incarnation for another number. Nothing comes of its messages then, and only our log can say
 * why. It decides when a line is due; it counts nothing and has no say about what a message means.
 *
 * Invariant: of one kind a peer causes one line in MISREAD_PAUSE_MS, however much it sends. */
#ifndef ZHERD_BUS_LINK_MISREAD_H
#define ZHERD_BUS_LINK_MISREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MISREAD_PAUSE_MS 60000
/* A double keeps 53 bits: numbers up to this one stay as they are, and rounding one of 64 bits
 * moves it by no more than 2^10. */
#define MISREAD_EXACT_MAX   (UINT64_C(1) << 53)
#define MISREAD_ROUNDED_MAX ((UINT64_C(1) << 11) - 1)
/* For so long somebody may name the incarnation of our process before this one: it takes a moment
 * until it hears our HELLO. */
#define MISREAD_SESSION_MS 5000

enum misread_kind {
    MISREAD_MALFORMED, /* what is no message */
    MISREAD_SESSION,   /* an incarnation that is not ours is named for ours */
    MISREAD_PARTS,     /* a message of several frames */
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

/* It happened: whether it is to be told, and then how often it happened before without a line. */
bool misread_is_news(struct misread *misread, enum misread_kind kind, int64_t now_ms,
                     uint64_t *untold);

/* A message names incarnation `named` for ours. The words to be told of it, or NULL: it is ours, or
 * none (0), or may still be that of the process before this one. A rounded one is told at once. */
const char *misread_incarnation(struct misread *misread, uint64_t ours, uint64_t named,
                                int64_t now_ms);

#endif
