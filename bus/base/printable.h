/* printable: a stranger's bytes as a line of text can show them.
 *
 * What is shown may be another text than what came; where the two must remain distinguishable, as
 * in a node's log, topology/format/logline.h escapes. Invariant: one byte stays one byte, and is
 * printable ASCII.
 */
#ifndef ZHERD_BUS_BASE_PRINTABLE_H
#define ZHERD_BUS_BASE_PRINTABLE_H

/* The byte itself, or '?' for one outside 0x20 to 0x7e. */
static inline char printable(char byte)
{
    return byte >= 0x20 && byte <= 0x7e ? byte : '?';
}

/* The same for each byte of a text. */
static inline void printable_make(char *text)
{
    for (; *text != '\0'; text++)
        *text = printable(*text);
}

#endif
