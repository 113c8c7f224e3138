#include "bus/base/msgread.h"

#include <assert.h>
#include <endian.h>

enum kind {
    KIND_UINT, /* value: the number */
    KIND_INT,  /* value: a negative number, as its two's complement */
    KIND_BOOL, /* value: 0 or 1 */
    KIND_STR,  /* value: bytes of the body; so for the next two */
    KIND_BIN,
    KIND_FLOAT, /* value: bytes of the body, 4 or 8 */
    KIND_PLAIN, /* nil or an extension: a body that is only ever skipped */
    KIND_ARRAY, /* value: elements that follow; for a map keys, each with its value */
    KIND_MAP,
};

/* The first byte of an object and the fixed-size field after it. */
struct head {
    enum kind kind;
    uint64_t value;
};

/* A big-endian field of `size` bytes. */
static bool take_field(struct msgread *cursor, size_t size, uint64_t *value)
{
    if (msgread_left(cursor) < size)
        return false;
    uint64_t field = 0;
    memcpy((char *)&field + sizeof field - size, cursor->at, size);
    cursor->at += size;
    *value = be64toh(field);
    return true;
}

/* A signed field of `size` bytes; says KIND_UINT where it is not negative. */
static bool take_signed(struct msgread *cursor, size_t size, struct head *head)
{
    if (!take_field(cursor, size, &head->value))
        return false;
    unsigned unused_bits = (unsigned)(64 - 8 * size);
    bool negative = head->value >> (8 * size - 1) & 1;
    if (negative)
        head->value |= unused_bits == 0 ? 0 : ~UINT64_C(0) << (64 - unused_bits);
    head->kind = negative ? KIND_INT : KIND_UINT;
    return true;
}

static bool take_sized(struct msgread *cursor, enum kind kind, size_t size, struct head *head)
{
    head->kind = kind;
    return take_field(cursor, size, &head->value);
}

/* An extension's length does not count its type byte; its body here does. */
static bool take_extension(struct msgread *cursor, size_t size, struct head *head)
{
    if (!take_sized(cursor, KIND_PLAIN, size, head))
        return false;
    head->value++;
    return true;
}

static bool set(struct head *head, enum kind kind, uint64_t value)
{
    *head = (struct head){kind, value};
    return true;
}

/* Heads 0xc0 to 0xdf, the ones with a meaning of their own each. */
static bool take_special(struct msgread *cursor, unsigned char first, struct head *head)
{
    switch (first) {
    case 0xc0: /* nil */
        return set(head, KIND_PLAIN, 0);
    case 0xc2: /* false */
    case 0xc3: /* true */
        return set(head, KIND_BOOL, first & 1);
    case 0xc4: /* bin 8, 16, 32 */
    case 0xc5:
    case 0xc6:
        return take_sized(cursor, KIND_BIN, (size_t)1 << (first - 0xc4), head);
    case 0xc7: /* ext 8, 16, 32 */
    case 0xc8:
    case 0xc9:
        return take_extension(cursor, (size_t)1 << (first - 0xc7), head);
    case 0xca: /* float 32, 64 */
    case 0xcb:
        return set(head, KIND_FLOAT, (uint64_t)4 << (first - 0xca));
    case 0xcc: /* uint 8, 16, 32, 64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return take_sized(cursor, KIND_UINT, (size_t)1 << (first - 0xcc), head);
    case 0xd0: /* int 8, 16, 32, 64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return take_signed(cursor, (size_t)1 << (first - 0xd0), head);
    case 0xd4: /* fixext 1, 2, 4, 8, 16: a type byte and as many more */
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return set(head, KIND_PLAIN, 1 + ((uint64_t)1 << (first - 0xd4)));
    case 0xd9: /* str 8, 16, 32 */
    case 0xda:
    case 0xdb:
        return take_sized(cursor, KIND_STR, (size_t)1 << (first - 0xd9), head);
    case 0xdc: /* array 16, 32 */
    case 0xdd:
        return take_sized(cursor, KIND_ARRAY, (size_t)2 << (first - 0xdc), head);
    case 0xde: /* map 16, 32 */
    case 0xdf:
        return take_sized(cursor, KIND_MAP, (size_t)2 << (first - 0xde), head);
    default: /* 0xc1 is never used */
        return false;
    }
}

/* How many bytes at least must follow a head: its body, or one byte for each element. */
static uint64_t bytes_claimed(const struct head *head)
{
    switch (head->kind) {
    case KIND_UINT:
    case KIND_INT:
    case KIND_BOOL:
        return 0;
    case KIND_STR:
    case KIND_BIN:
    case KIND_FLOAT:
    case KIND_PLAIN:
    case KIND_ARRAY:
        return head->value;
    case KIND_MAP:
        return 2 * head->value;
    }
    assert(false);
    return 0;
}

static bool take_head(struct msgread *cursor, struct head *head)
{
    if (cursor->at == cursor->end)
        return false;
    unsigned char first = (unsigned char)*cursor->at++;
    bool good = true;
    if (first < 0x80)
        set(head, KIND_UINT, first);
    else if (first < 0x90)
        set(head, KIND_MAP, first & 0x0f);
    else if (first < 0xa0)
        set(head, KIND_ARRAY, first & 0x0f);
    else if (first < 0xc0)
        set(head, KIND_STR, first & 0x1f);
    else if (first < 0xe0)
        good = take_special(cursor, first, head);
    else
        set(head, KIND_INT, (uint64_t)(int64_t)(first - 0x100));
    return good && bytes_claimed(head) <= msgread_left(cursor);
}

/* Moves the cursor only where a head of the wanted kind is next. */
static bool take_kind(struct msgread *cursor, enum kind kind, uint64_t *value)
{
    struct msgread next = *cursor;
    struct head head;
    if (!take_head(&next, &head) || head.kind != kind)
        return false;
    *value = head.value;
    *cursor = next;
    return true;
}

static bool take_count(struct msgread *cursor, enum kind kind, uint32_t *count)
{
    uint64_t value;
    if (!take_kind(cursor, kind, &value))
        return false;
    *count = (uint32_t)value; /* its field has at most four bytes */
    return true;
}

bool msgread_take_array(struct msgread *cursor, uint32_t *count)
{
    return take_count(cursor, KIND_ARRAY, count);
}

bool msgread_take_map(struct msgread *cursor, uint32_t *count)
{
    return take_count(cursor, KIND_MAP, count);
}

/* ---- Numbers ---- */

/* The body of a float of `size` bytes, which are there. */
static double load_float(const char *at, size_t size)
{
    if (size == sizeof(float)) {
        uint32_t bits;
        float value;
        memcpy(&bits, at, sizeof bits);
        bits = be32toh(bits);
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    uint64_t bits;
    double value;
    memcpy(&bits, at, sizeof bits);
    bits = be64toh(bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool msgread_take_float(struct msgread *cursor, double *value)
{
    uint64_t size;
    if (!take_kind(cursor, KIND_FLOAT, &size))
        return false;
    *value = load_float(cursor->at, (size_t)size);
    cursor->at += size;
    return true;
}

/* From 2^53 on a double stands for more than one whole number, and which of them the writer meant
 * is unknown. Comparing is false for what is no number, so that needs no test of its own. Apart, so
 * that the usual encodings cost what they would cost alone. */
MSGREAD_APART static bool take_whole_float(struct msgread *cursor, int64_t *value)
{
    double number;
    struct msgread next = *cursor;
    if (!msgread_take_float(&next, &number))
        return false;
    bool is_exact = number > -(double)MSGREAD_FLOAT_MAX && number < (double)MSGREAD_FLOAT_MAX;
    if (!is_exact || (double)(int64_t)number != number)
        return false;
    *value = (int64_t)number;
    *cursor = next;
    return true;
}

static bool take_uint_of_float(struct msgread *cursor, uint64_t *value)
{
    int64_t whole;
    struct msgread next = *cursor;
    if (!take_whole_float(&next, &whole) || whole < 0)
        return false;
    *value = (uint64_t)whole;
    *cursor = next;
    return true;
}

bool msgread_take_uint(struct msgread *cursor, uint64_t *value)
{
    return take_kind(cursor, KIND_UINT, value) || take_uint_of_float(cursor, value);
}

bool msgread_take_int(struct msgread *cursor, int64_t *value)
{
    struct msgread next = *cursor;
    struct head head;
    if (!take_head(&next, &head))
        return false;
    bool fits = head.kind == KIND_INT || (head.kind == KIND_UINT && head.value <= INT64_MAX);
    if (!fits)
        return take_whole_float(cursor, value);
    *value = (int64_t)head.value;
    *cursor = next;
    return true;
}

bool msgread_take_bool(struct msgread *cursor, bool *value)
{
    uint64_t bit;
    if (!take_kind(cursor, KIND_BOOL, &bit))
        return false;
    *value = bit != 0;
    return true;
}

static bool take_body(struct msgread *cursor, enum kind kind, struct span *bytes)
{
    uint64_t size;
    if (!take_kind(cursor, kind, &size))
        return false;
    *bytes = (struct span){cursor->at, (size_t)size};
    cursor->at += size;
    return true;
}

bool msgread_take_str(struct msgread *cursor, struct span *bytes)
{
    return take_body(cursor, KIND_STR, bytes);
}

bool msgread_take_bin(struct msgread *cursor, struct span *bytes)
{
    return take_body(cursor, KIND_BIN, bytes);
}

bool msgread_skip(struct msgread *cursor)
{
    struct msgread next = *cursor;
    /* Nesting needs no stack: it is enough to know how many objects are still to come. */
    uint64_t objects = 1;
    while (objects > 0) {
        struct head head;
        if (!take_head(&next, &head))
            return false;
        objects--;
        if (head.kind == KIND_ARRAY || head.kind == KIND_MAP)
            objects += bytes_claimed(&head);
        else
            next.at += bytes_claimed(&head);
    }
    *cursor = next;
    return true;
}
