#include "bus/base/bytes.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define BUFFER_BYTES_MIN 256

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static void *must(void *memory, size_t bytes)
{
    if (memory == NULL)
        bytes_refused(bytes);
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

char *bytes_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(bytes_resize(NULL, bytes), text, bytes);
}

void *bytes_aligned(size_t alignment, size_t bytes)
{
    assert(bytes > 0 && bytes % alignment == 0);
    return must(aligned_alloc(alignment, bytes), bytes);
}

size_t buffer_capacity(const struct buffer *buffer, size_t more)
{
    size_t wanted = buffer->len + more;
    size_t capacity = buffer->capacity < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : buffer->capacity;
    while (capacity < wanted)
        capacity *= 2;
    return capacity;
}

bool buffer_try_grow(struct buffer *buffer, size_t more)
{
    assert(more <= SIZE_MAX / 2 - buffer->len);
    if (buffer->len + more <= buffer->capacity && buffer->data != NULL)
        return true;
    size_t capacity = buffer_capacity(buffer, more);
    char *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

char *buffer_grow(struct buffer *buffer, size_t more)
{
    if (!buffer_try_grow(buffer, more))
        bytes_refused(buffer_capacity(buffer, more));
    return buffer->data + buffer->len;
}

void buffer_append(struct buffer *buffer, struct span bytes)
{
    if (bytes.len == 0)
        return;
    memcpy(buffer_reserve(buffer, bytes.len), bytes.data, bytes.len);
    buffer->len += bytes.len;
}

bool buffer_try_append(struct buffer *buffer, struct span bytes)
{
    if (bytes.len == 0)
        return true;
    if (!buffer_try_grow(buffer, bytes.len))
        return false;
    memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
    buffer->len += bytes.len;
    return true;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    size_t dropped = count < buffer->len ? count : buffer->len;
    buffer->len -= dropped;
    if (dropped > 0 && buffer->len > 0)
        memmove(buffer->data, buffer->data + dropped, buffer->len);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}
