#include "bus/base/token.h"

#include "bus/base/simd16.h"

/* White space is rare and lies below '!', so one subtraction clears eight bytes of suspicion: a
 * byte below '!' borrows and so sets its highest bit. */
static inline uint64_t suspects(uint64_t eight)
{
    return (eight - '!' * BYTES_EACH) & ~eight & 0x80 * BYTES_EACH;
}

/* A piece at a time; the last bytes, fewer than a piece, one by one. */
size_t token_bytes(struct span text)
{
    size_t at = 0;
    for (; at + SIMD16_BYTES <= text.len; at += SIMD16_BYTES) {
        simd16 bytes = simd16_load(text.data + at);
        /* Tab to CR come first where the bytes before tab come last. */
        simd16_signed from_tab = (simd16_signed)(bytes - ('\t' + 128));
        simd16 white = (simd16)(bytes == ' ') | (simd16)(from_tab < '\r' + 1 - '\t' - 128);
        uint32_t found = simd16_bits(white);
        if (found != 0)
            return at + (size_t)__builtin_ctz(found);
    }
    while (at < text.len && !token_is_white(text.data[at]))
        at++;
    return at;
}

/* Eight bytes at a time, of which the last may overlap those before; what is suspected is read
 * once more with care. */
bool token_is_whole(struct span text)
{
    size_t bytes = text.len;
    uint64_t found = 1;
    if (bytes >= 8) {
        found = suspects(bytes_load_8(text.data + bytes - 8));
        for (size_t at = 0; at + 8 < bytes; at += 8)
            found |= suspects(bytes_load_8(text.data + at));
    } else if (bytes >= 4) {
        uint64_t low = bytes_load_4(text.data), high = bytes_load_4(text.data + bytes - 4);
        found = suspects(low | high << 32);
    }
    return found == 0 || (bytes > 0 && token_bytes(text) == bytes);
}
