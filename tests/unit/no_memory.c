#include "tests/unit/no_memory.h"

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

/* Volatile: what is compiled as a call of realloc, of which a compiler knows that it reads nothing
 * of this file, is linked to the one below; so with optimization across files it would leave out
 * what nobody seems to read before no_memory_end. */
static volatile uint64_t left = UINT64_MAX;

void no_memory_after(uint64_t good)
{
    left = good;
}

void no_memory_end(void)
{
    left = UINT64_MAX;
}

static bool is_refused(void)
{
    if (left == 0 || left == UINT64_MAX)
        return left == 0;
    left--;
    return false;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return is_refused() ? NULL : __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return is_refused() ? NULL : __real_aligned_alloc(alignment, bytes);
}
