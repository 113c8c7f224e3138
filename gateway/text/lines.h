/* lines: a client's bytes in, complete lines out.
 *
 * Lines are found in place, in the caller's read buffer; only what is unfinished when that
 * buffer is needed again is copied. TELNET is taken out on the way (gateway/text/telnet.h). It does
 * not know commands. A line that grows over many reads is not searched again from its start.
 *
 * A line ends at LF or CR LF, at the end of input also at CR or nothing; from the first IAC of the
 * connection on at CR NUL, too. The end of input is what the caller says or IAC EOF. How the bytes
 * are split over reads makes no difference, but for one case: an interrupt (IAC IP) drops what was
 * typed, and of a line that is too long only what was not given out yet.
 *
 * Invariant: a line is given out once, in order, and holds at most LINES_BYTES_MAX bytes. */
#ifndef ZHERD_GATEWAY_TEXT_LINES_H
#define ZHERD_GATEWAY_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"
#include "gateway/text/telnet.h"

/* The longest line, without its CR LF or LF. A longer one is given out once, cut to this. The
 * longest honest command is far below; it is the room a client ID may take. */
#define LINES_BYTES_MAX (64 * 1024)

/* A line that was taken. */
struct line {
    struct span text; /* without its LF (and without the CR of a CR LF) */
    bool too_long;    /* the first LINES_BYTES_MAX bytes of a longer one; its rest is thrown away */
    bool is_telnet;   /* an IAC came before its end: the client reads its reply as TELNET */
};

/* All zero is a new connection, which owns no memory. The waiting bytes lie in two pieces: `at` to
 * `end` (in `kept` exactly if that is not empty, else in the caller's buffer), and after them
 * `next` to `next_end` in the caller's buffer. */
struct lines {
    struct buffer kept; /* bytes not given out yet, from earlier reads */
    char *at, *end;
    char *next, *next_end;
    size_t scanned;      /* bytes from `at` on that hold no LF for sure */
    size_t plain_lines;  /* LFs that wait and came before the first IAC, once that has come */
    bool discarding;     /* within the rest of a line that was too long */
    bool thrown_away_cr; /* the last byte of it, so far, was a CR */
    bool lost;           /* memory was refused, and what waited is gone: feed no more */
    bool ended;          /* end of input: what remains is a line, and no more is fed */
    struct telnet telnet;
};

/* Takes one read. `bytes` is changed in place and must stay valid until lines_hold. Call only
 * after lines_next said that there is none, or after lines_hold, and not when `ended`, which it
 * sets at IAC EOF. Appends TELNET answers, if any. */
void lines_feed(struct lines *lines, char *bytes, size_t count, struct buffer *answers);

/* The client will send no more: an unfinished line counts as a line. */
void lines_end(struct lines *lines);

/* The next line, borrowed until the next lines_feed or lines_hold; false where none is complete:
 * feed more, or hold. */
bool lines_next(struct lines *lines, struct line *line);

/* Up to `max` lines at once, so that the caller can look ahead. 0 where lines_next would return
 * false; fewer than are waiting is allowed. Of one call either all are TELNET's or none is.
 * lines_give_back returns `first` and all lines after it, as if they had never been taken; call it
 * before any other function. */
size_t lines_take(struct lines *lines, struct line *taken, size_t max);
void lines_give_back(struct lines *lines, const struct line *first);

/* The caller's buffer is about to be used for something else: keeps a copy of what is left: one
 * unfinished line and the lines that the caller has not taken. Frees all memory when nothing is
 * left. */
void lines_hold(struct lines *lines);

/* Overwrites part of a line that was taken, and what earlier reads of it may have left. */
void lines_wipe(struct lines *lines, struct span part);

/* True while complete or unfinished lines wait inside. */
bool lines_waiting(const struct lines *lines);

/* True from the first IAC of the connection on. Nearly all clients are programs, which send none.
 */
static inline bool lines_speak_telnet(const struct lines *lines)
{
    return __builtin_expect(lines->telnet.state != TELNET_SILENT, false);
}

void lines_free(struct lines *lines);

#endif
