#include "bus/word.h"

#define EACH_BYTE   UINT64_C(0x0101010101010101)
#define EIGHT_BYTES 8

/* Eight bytes at a time: white space is rare and lies below '!', so one subtraction clears eight
 * bytes of suspicion. A byte below '!' borrows and so sets its highest bit; borrowing can mislead
 * only about bytes behind it, and the first suspect is the one that is looked at. */
size_t word_bytes(struct span text)
{
    size_t at = 0;
    for (; at + EIGHT_BYTES <= text.bytes; at += EIGHT_BYTES) {
        uint64_t eight = span_eight((struct span){text.at + at, EIGHT_BYTES}, 0);
        uint64_t suspects = (eight - '!' * EACH_BYTE) & ~eight & 0x80 * EACH_BYTE;
        if (suspects != 0) {
            at += (size_t)__builtin_ctzll(suspects) / 8;
            break;
        }
    }
    /* The end is here or within seven bytes, but for words with control bytes in them. */
    while (at < text.bytes && !word_is_white(text.at[at]))
        at++;
    return at;
}
