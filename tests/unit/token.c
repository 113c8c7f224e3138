/* Two tokens are equal only if every byte is, whatever their size. Where one ends, unit/packed
 * tests. */
#include "bus/base/token.h"

#include "tests/check.h"

enum { BYTES_MAX = 2 * TOKEN_SHORT_BYTES_MAX };

static void a_copy_is_the_same(void)
{
    char a[BYTES_MAX], b[BYTES_MAX];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    for (size_t bytes = 0; bytes <= BYTES_MAX; bytes++)
        CHECK(token_equals((struct span){a, bytes}, (struct span){b, bytes}));
    CHECK(token_equals((struct span){NULL, 0}, (struct span){a, 0}));
}

static void every_bit_counts(void)
{
    char a[BYTES_MAX], b[BYTES_MAX];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    for (size_t bytes = 1; bytes <= BYTES_MAX; bytes++)
        for (size_t bit = 0; bit < 8 * bytes; bit++) {
            b[bit / 8] ^= (char)(1 << bit % 8);
            CHECK(!token_equals((struct span){a, bytes}, (struct span){b, bytes}));
            b[bit / 8] = 'x';
        }
}

static void a_prefix_is_another(void)
{
    char a[BYTES_MAX + 1];
    memset(a, 'x', sizeof a);
    for (size_t bytes = 0; bytes <= BYTES_MAX; bytes++) {
        CHECK(!token_equals((struct span){a, bytes}, (struct span){a, bytes + 1}));
        CHECK(!token_equals((struct span){a, bytes + 1}, (struct span){a, bytes}));
    }
}

static void nothing_past_the_end_is_read(void)
{
    char text[BYTES_MAX];
    memset(text, 'x', sizeof text);
    for (size_t bytes = 0; bytes <= BYTES_MAX; bytes++) {
        struct span edge = {check_at_page_end(text, bytes), bytes};
        CHECK(token_equals(edge, (struct span){text, bytes}));
        CHECK(token_equals((struct span){text, bytes}, edge));
    }
}

static const struct check_case cases[] = {
    {"a copy is the same", a_copy_is_the_same},
    {"every bit counts", every_bit_counts},
    {"a prefix is another", a_prefix_is_another},
    {"nothing past the end is read", nothing_past_the_end_is_read},
};

CHECK_MAIN(cases)
