#include "topology/format/memory_share.h"

#include <assert.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t memory_share(const struct memory_limits *limits, size_t processes)
{
    assert(processes > 0);
    uint64_t all = least(limits->machine, least(limits->group, limits->address_space));
    uint64_t share = all / MEMORY_SHARE_PARTS / processes;
    return share < MEMORY_SHARE_BYTES_MIN ? MEMORY_SHARE_BYTES_MIN : share;
}

uint64_t memory_share_held(uint64_t table_bytes)
{
    uint64_t held = least(table_bytes / 2, MEMORY_SHARE_HELD_BYTES_MAX);
    return held < MEMORY_SHARE_HELD_BYTES_MIN ? MEMORY_SHARE_HELD_BYTES_MIN : held;
}

uint64_t memory_share_watched(uint64_t table_bytes)
{
    uint64_t watched = least(table_bytes, MEMORY_SHARE_WATCHED_BYTES_MAX);
    return watched < MEMORY_SHARE_WATCHED_BYTES_MIN ? MEMORY_SHARE_WATCHED_BYTES_MIN : watched;
}

/* The number at the start of the text, of at least one digit; how many bytes it has, or 0. */
static size_t read_number(struct span text, uint64_t *number)
{
    size_t bytes = 0;
    *number = 0;
    for (; bytes < text.len && text.data[bytes] >= '0' && text.data[bytes] <= '9'; bytes++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text.data[bytes] - '0'), number))
            return 0;
    return bytes;
}

bool memory_share_parse(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMG";
    uint64_t number;
    size_t digits = read_number(span_of(text), &number);
    const char *unit = text + digits;
    if (digits == 0)
        return false;
    if (*unit != '\0') {
        const char *known = strchr(units, *unit);
        if (known == NULL || unit[1] != '\0')
            return false;
        uint64_t times = UINT64_C(1) << 10 * (known - units + 1);
        if (__builtin_mul_overflow(number, times, &number))
            return false;
    }
    *bytes = number;
    return true;
}

/* What stands before the next `end`, which is passed over; false where there is none. */
static bool take_field(struct span *text, char end, struct span *field)
{
    const char *at = text->len == 0 ? NULL : memchr(text->data, end, text->len);
    if (at == NULL)
        return false;
    *field = (struct span){text->data, (size_t)(at - text->data)};
    *text = (struct span){at + 1, text->len - field->len - 1};
    return true;
}

static bool names_memory(struct span controllers)
{
    struct span name;
    while (take_field(&controllers, ',', &name))
        if (span_equals(name, span_of("memory")))
            return true;
    return span_equals(controllers, span_of("memory"));
}

bool memory_share_find_group(struct span lines, int version, char path[MEMORY_GROUP_BYTES_MAX])
{
    struct span line, number, controllers;
    while (take_field(&lines, '\n', &line)) {
        if (!take_field(&line, ':', &number) || !take_field(&line, ':', &controllers))
            continue;
        bool is_it = version == 2 ? span_equals(number, span_of("0")) && controllers.len == 0
                                  : names_memory(controllers);
        if (!is_it || line.len == 0 || line.data[0] != '/' || line.len >= MEMORY_GROUP_BYTES_MAX)
            continue;
        memcpy(path, line.data, line.len);
        path[line.len] = '\0';
        return true;
    }
    return false;
}

bool memory_share_leave_group(char path[MEMORY_GROUP_BYTES_MAX])
{
    char *last = strrchr(path, '/');
    if (last == NULL || path[1] == '\0')
        return false;
    last[last == path ? 1 : 0] = '\0';
    return true;
}

uint64_t memory_share_read_limit(struct span text)
{
    uint64_t bytes;
    return read_number(text, &bytes) > 0 ? bytes : UINT64_MAX;
}
