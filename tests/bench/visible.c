#include "tests/bench/visible.h"

#include <stdlib.h>

#include "bus/base/bytes.h"

/* Neighbouring probes that share one share of yes. */
struct pool {
    size_t seen, count;
    int64_t delay_ns; /* of its first probe */
};

static int compare(const void *a, const void *b)
{
    const struct visible_probe *one = a, *other = b;
    return (one->delay_ns > other->delay_ns) - (one->delay_ns < other->delay_ns);
}

/* Joins the last pool with those before it until their shares rise. */
static size_t join(struct pool *pools, size_t count)
{
    while (count > 1) {
        struct pool *before = &pools[count - 2], *last = &pools[count - 1];
        if (before->seen * last->count < last->seen * before->count)
            break;
        before->seen += last->seen;
        before->count += last->count;
        count--;
    }
    return count;
}

int64_t visible_delay_ns(struct visible_probe *probes, size_t count, unsigned percent)
{
    if (count == 0)
        return -1;
    struct pool *pools = bytes_resize(NULL, count * sizeof *pools);
    size_t pool_count = 0;
    int64_t delay_ns = -1;
    qsort(probes, count, sizeof *probes, compare);
    for (size_t i = 0; i < count; i++) {
        pools[pool_count++] = (struct pool){probes[i].seen, 1, probes[i].delay_ns};
        pool_count = join(pools, pool_count);
    }
    for (size_t i = 0; i < pool_count && delay_ns < 0; i++)
        if (pools[i].seen * 100 >= percent * pools[i].count)
            delay_ns = pools[i].delay_ns;
    free(pools);
    return delay_ns;
}
