/* bytes: the two shapes in which bytes travel between the rooms.
 *
 * A span borrows bytes of another owner; a buffer owns bytes and grows. Neither knows text,
 * encodings or a closing NUL: bytes are bytes. */
#ifndef ZHERD_BUS_BASE_BYTES_H
#define ZHERD_BUS_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: valid as long as their owner says so. */
struct span {
    const char *data;
    size_t len;
};

/* Owned bytes. All zero is an empty buffer that holds no memory. */
struct buffer {
    char *data;
    size_t len;
    size_t capacity;
};

/* A C string as a span, without its NUL. */
static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static inline bool span_equals(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Four or eight bytes as a number, the first one lowest. All of them must be there. */
static inline uint32_t bytes_load_4(const void *at)
{
    uint32_t four;
    memcpy(&four, at, sizeof four);
    return le32toh(four);
}

static inline uint64_t bytes_load_8(const void *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return le64toh(eight);
}

/* A byte's value in each byte of a number of eight: this times it. */
#define BYTES_EACH UINT64_C(0x0101010101010101)

/* Eight bytes from `at` on as a number, the first one lowest. Where the span ends sooner, zeros
 * stand for what is missing: nothing past its end is read. `at` is below text.bytes, or both are
 * 0. */
static inline uint64_t span_eight(struct span text, size_t at)
{
    uint64_t eight = 0;
    size_t left = text.len - at;
    if (__builtin_expect(left >= sizeof eight, 1))
        return bytes_load_8(text.data + at);
    if (text.len >= sizeof eight) {
        /* Loads the last eight and lets those before `at` fall out. */
        return bytes_load_8(text.data + text.len - sizeof eight) >> 8 * (sizeof eight - left);
    }
    while (left > 0)
        eight = eight << 8 | (unsigned char)text.data[at + --left];
    return eight;
}

/* Byte by byte as unsigned values, a prefix before what it begins: <0, 0 or >0. */
int span_compare(struct span a, struct span b);

/* realloc(3) for memory whose size is bounded elsewhere: being refused it is no input's fault, so
 * it ends the process with one line on standard error. `bytes` is not 0; free(3) releases. */
void *bytes_resize(void *old, size_t bytes);

/* Memory of zeros on the same terms. Large blocks cost nothing until they are touched. */
void *bytes_zeroed(size_t bytes);

/* A copy of a C string, on the same terms. */
char *bytes_text(const char *text);

/* Memory of any content that begins at a multiple of `alignment`, on the same terms. */
void *bytes_aligned(size_t alignment, size_t bytes);

/* These ask the operating system, so they are not here but in bus/net/memory.c, which every
 * program gets with the core. */

/* Writes to standard error that an allocation of `bytes` failed, and ends the process. */
_Noreturn void bytes_refused(size_t bytes);

/* This block is read all over the place: where it is large, its pages may be, too. To be called
 * before it is written. */
void bytes_huge(void *at, size_t bytes);

/* These bytes of a larger block are not read again: gives their whole pages back at once, the rest
 * when the block is freed. */
void bytes_forget(void *at, size_t bytes);

/* Many blocks were freed: gives what whole pages are among them back. */
void bytes_trim(void);

/* Room for `more` bytes after the end; returns where they go. The caller adds what it wrote to
 * `bytes`. Growth doubles; every caller has a limit of its own. */
char *buffer_grow(struct buffer *buffer, size_t more);
/* The same where memory that is refused costs only what wanted it: false, and nothing changes. */
bool buffer_try_grow(struct buffer *buffer, size_t more);
/* The capacity that the buffer has after that. */
size_t buffer_capacity(const struct buffer *buffer, size_t more);
static inline char *buffer_reserve(struct buffer *buffer, size_t more)
{
    bool is_there = more < buffer->capacity - buffer->len;
    return is_there ? buffer->data + buffer->len : buffer_grow(buffer, more);
}

void buffer_append(struct buffer *buffer, struct span bytes);
bool buffer_try_append(struct buffer *buffer, struct span bytes);

/* Drops the first `count` bytes (at most all of them). */
void buffer_consume(struct buffer *buffer, size_t count);

/* Gives the memory back; the buffer is empty and usable again. */
void buffer_free(struct buffer *buffer);

#endif
