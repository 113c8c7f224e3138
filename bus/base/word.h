/* word: where a word ends: at the text protocol's white space, which is six bytes and no other:
 * space, tab, LF, vertical tab, form feed, CR. */
#ifndef ZHERD_BUS_BASE_WORD_H
#define ZHERD_BUS_BASE_WORD_H

#include "bus/base/bytes.h"

/* Tab to CR are neighbours in ASCII. Nearly every byte that is asked about is above them all. */
static inline bool word_is_white(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value <= ' ' && (value == ' ' || (value >= '\t' && value <= '\r'));
}

/* How many bytes stand before the first white space; all of them where there is none. */
size_t word_bytes(struct span text);

/* Whether the text is one word from end to end: not empty, and no white space in it. */
bool word_is_whole(struct span text);

#endif
