/* printable: a stranger's bytes as a line of text can show them.
 *
 * What is shown may be another text than what came; where the two must remain distinguishable, as
 * in a node's log, topology/format/logline.h escapes. Invariant: one byte stays one byte.
 */
#ifndef ZHERD_BUS_BASE_PRINTABLE_H
#define ZHERD_BUS_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

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

/* Whether the byte would do something to a terminal, also those of ISO 6429 that UTF-8 writes as
 * C2 80 to C2 9F, or that stand alone. `before` is the byte before it, 0 for none. */
static inline bool printable_is_control(unsigned char before, unsigned char byte)
{
    bool is_upper = byte >= 0x80 && byte <= 0x9f && (before < 0x80 || before == 0xc2);
    return byte < 0x20 || byte == 0x7f || is_upper;
}

/* '?' for each such byte; UTF-8 stays. */
static inline void printable_make_line(char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (printable_is_control(i > 0 ? (unsigned char)line[i - 1] : 0, (unsigned char)line[i]))
            line[i] = '?';
}

#endif
