/* entropy: random bytes of the operating system, for secrets, seeds and names that must not repeat.
 *
 * It is no generator: what needs many numbers draws a seed here. Where the system has no random
 * bytes the process ends with a line on standard error, because nothing else would be as hard to
 * guess. Invariant: no two draws are related. */
#ifndef ZHERD_BUS_NET_ENTROPY_H
#define ZHERD_BUS_NET_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* getrandom(2) gives no more in one piece. */
#define ENTROPY_BYTES_MAX 256

/* Fills `bytes` bytes, ENTROPY_BYTES_MAX at most. Any thread may call. */
void entropy_draw(void *at, size_t bytes);

/* The same for a number. */
uint64_t entropy_number(void);

#endif
