/* The allowance: what is counted, at the limit and one past it, and when the system gives nothing.
 */
#include "bus/base/allowance.h"

#include "tests/check.h"
#include "tests/unit/no_memory.h"

#define BLOCK ((size_t)100)
#define WHOLE (BLOCK + ALLOWANCE_BLOCK_BYTES)

enum kind { RESIZE, ZEROED, ALIGNED, KINDS };

static void *take(struct allowance *allowance, enum kind kind, size_t bytes)
{
    switch (kind) {
    case RESIZE:
        return allowance_resize(allowance, NULL, 0, bytes);
    case ZEROED:
        return allowance_zeroed(allowance, bytes);
    case ALIGNED:
        return allowance_aligned(allowance, 4, bytes);
    case KINDS:
        break;
    }
    return NULL;
}

static void a_block_at_the_limit_is_given_and_one_past_it_is_not(void)
{
    for (enum kind kind = RESIZE; kind < KINDS; kind++) {
        struct allowance allowance = {.max = WHOLE - 1};
        CHECK(take(&allowance, kind, BLOCK) == NULL);
        CHECK(allowance.taken == 0 && !allowance.by_system);
        allowance.max = WHOLE;
        void *block = take(&allowance, kind, BLOCK);
        CHECK(block != NULL && allowance.taken == WHOLE);
        CHECK(take(&allowance, kind, 4) == NULL);
        allowance_free(&allowance, block, BLOCK);
        CHECK(allowance.taken == 0);
    }
}

static void growth_counts_what_it_adds(void)
{
    struct allowance allowance = {.max = WHOLE + 10};
    char *block = allowance_resize(&allowance, NULL, 0, BLOCK);
    memset(block, 'x', BLOCK);
    CHECK(allowance_resize(&allowance, block, BLOCK, BLOCK + 11) == NULL);
    CHECK(allowance.taken == WHOLE && block[BLOCK - 1] == 'x');
    block = allowance_resize(&allowance, block, BLOCK, BLOCK + 10);
    CHECK(block != NULL && allowance.taken == WHOLE + 10 && block[BLOCK - 1] == 'x');
    /* Less is always possible. */
    allowance.max = 1;
    block = allowance_resize(&allowance, block, BLOCK + 10, 10);
    CHECK(block != NULL && allowance.taken == 10 + ALLOWANCE_BLOCK_BYTES);
    CHECK(!allowance_fits(&allowance, 0));
    allowance_free(&allowance, block, 10);
    allowance_free(&allowance, NULL, 10);
    CHECK(allowance.taken == 0 && allowance_fits(&allowance, 1) && !allowance_fits(&allowance, 2));
}

static void what_the_system_refuses_is_not_counted(void)
{
    struct allowance allowance = {.max = UINT64_MAX};
    for (enum kind kind = RESIZE; kind < KINDS; kind++) {
        no_memory_after(0);
        void *block = take(&allowance, kind, BLOCK);
        no_memory_end();
        CHECK(block == NULL && allowance.by_system && allowance.taken == 0);
    }
    CHECK(allowance_fits(&allowance, 1) && !allowance.by_system);
}

static const struct check_case cases[] = {
    {"a block at the limit is given and one past it is not",
     a_block_at_the_limit_is_given_and_one_past_it_is_not},
    {"growth counts what it adds", growth_counts_what_it_adds},
    {"what the system refuses is not counted", what_the_system_refuses_is_not_counted},
};

CHECK_MAIN(cases)
