/* msgshow: one MessagePack object in words, for the author of the program at the other end.
 *
 * It names the kind and, of a number or a text, the value; it judges nothing. What it writes goes
 * to logs and answers, so it is short, whatever the object, and holds printable ASCII only: other
 * bytes of a text read '?'. */
#ifndef ZHERD_BUS_BASE_MSGSHOW_H
#define ZHERD_BUS_BASE_MSGSHOW_H

#include <stdbool.h>

#include "bus/base/msgread.h"

/* The longest is a text that is cut. */
#define MSGSHOW_BYTES_MAX 64
/* How much of a text is shown. */
#define MSGSHOW_TEXT_BYTES_MAX 24

/* Writes what the cursor stands at, with a NUL: "60000", "the float 0.5", "the text \"ten\"",
 * "a map of 5", "nothing" at the end of the bytes. True for an integer, of any encoding but a
 * float's. */
bool msgshow(struct msgread cursor, char out[MSGSHOW_BYTES_MAX]);

#endif
