/* What bus/base/bytes.h leaves to the operating system: to say that memory was refused, and to take
 * memory back. It is no decision, so it stands apart from the files that decide. */
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus/base/bytes.h"

/* Some pages of 2 MiB: with less there is nothing to be had. */
#define HUGE_BYTES_MIN (4u * 1024u * 1024u)

_Noreturn void bytes_refused(size_t bytes)
{
    fprintf(stderr, "%s: out of memory: %zu bytes were refused\n", program_invocation_short_name,
            bytes);
    abort();
}

void bytes_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void bytes_huge(void *at, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)at;
    uintptr_t first = (start + page - 1) / page * page;
    if (bytes >= HUGE_BYTES_MIN)
        (void)madvise((char *)at + (first - start), bytes - (first - start), MADV_HUGEPAGE);
#endif
}

void bytes_forget(void *at, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)at;
    uintptr_t first = (start + page - 1) / page * page, end = (start + bytes) / page * page;
    if (first < end)
        (void)madvise((char *)at + (first - start), end - first, MADV_DONTNEED);
}
