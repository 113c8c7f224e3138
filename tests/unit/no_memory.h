/* no_memory: lets a test refuse memory.
 *
 * The linker puts it in the place of malloc, calloc, realloc and aligned_alloc (ld(1), --wrap).
 * They do their work until no_memory_after. */
#ifndef ZHERD_TESTS_UNIT_NO_MEMORY_H
#define ZHERD_TESTS_UNIT_NO_MEMORY_H

#include <stdint.h>

/* `good` more calls succeed, and then none does until no_memory_end. */
void no_memory_after(uint64_t good);
void no_memory_end(void);

#endif
