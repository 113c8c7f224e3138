#include "bus/base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFER_BYTES_MIN 256

int span_compare(struct span a, struct span b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
    if (order != 0)
        return order;
    return (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static void *must(void *memory, size_t bytes)
{
    if (memory == NULL) {
        fprintf(stderr, "%s: out of memory: %zu bytes were refused\n",
                program_invocation_short_name, bytes);
        abort();
    }
    return memory;
}

void *bytes_resize(void *old, size_t bytes)
{
    assert(bytes > 0);
    return must(realloc(old, bytes), bytes);
}

void *bytes_zeroed(size_t bytes)
{
    assert(bytes > 0);
    return must(calloc(1, bytes), bytes);
}

void *bytes_aligned(size_t alignment, size_t bytes)
{
    assert(bytes > 0 && bytes % alignment == 0);
    return must(aligned_alloc(alignment, bytes), bytes);
}

void bytes_forget(void *at, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)at;
    uintptr_t first = (start + page - 1) / page * page, end = (start + bytes) / page * page;
    if (first < end)
        (void)madvise((char *)at + (first - start), end - first, MADV_DONTNEED);
}

char *buffer_grow(struct buffer *buffer, size_t more)
{
    assert(more <= SIZE_MAX / 2 - buffer->bytes);
    size_t wanted = buffer->bytes + more;
    if (wanted > buffer->capacity || buffer->at == NULL) {
        size_t capacity = buffer->capacity < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : buffer->capacity;
        while (capacity < wanted)
            capacity *= 2;
        buffer->at = bytes_resize(buffer->at, capacity);
        buffer->capacity = capacity;
    }
    return buffer->at + buffer->bytes;
}

void buffer_append(struct buffer *buffer, struct span bytes)
{
    if (bytes.bytes == 0)
        return;
    memcpy(buffer_reserve(buffer, bytes.bytes), bytes.at, bytes.bytes);
    buffer->bytes += bytes.bytes;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    size_t dropped = count < buffer->bytes ? count : buffer->bytes;
    buffer->bytes -= dropped;
    if (dropped > 0 && buffer->bytes > 0)
        memmove(buffer->at, buffer->at + dropped, buffer->bytes);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){0};
}
