/* How soon an update sent to one node is seen at another: one question for each update, asked at
 * the other node after a random delay (tests/bench/visible.h). */
#include <stdlib.h>

#include "tests/bench/moment.h"
#include "tests/bench/pair.h"
#include "tests/bench/visible.h"

/* Squared, so that short delays, at which the answers change, are tried more often. */
static int64_t draw_delay_ns(struct run *run)
{
    double drawn = (double)rng_next(&run->script.rng) / (double)UINT64_MAX;
    return moment_of_seconds(run->window_seconds * drawn * drawn);
}

static bool probe(struct pair *pair, struct visible_probe *result)
{
    struct run *run = pair->run;
    struct asked update;
    pair_pace(pair);
    if (!pair_tell(pair, &update))
        return false;
    struct asked *asked = conn_add(&pair->asker);
    *asked = (struct asked){
        .kind = SPEECH_QUESTION, .client = update.client, .stamp_ns = update.stamp_ns};
    conn_put(&pair->asker, &run->talk, asked);
    pair_sleep_until(pair, update.due_ns + draw_delay_ns(run));
    result->delay_ns = moment_now_ns() - update.due_ns;
    if (!pair_send(pair, &pair->asker) || !pair_wait(pair, &pair->teller) ||
        !pair_wait(pair, &pair->asker))
        return false;
    result->seen = asked->seen_ns == update.stamp_ns;
    return true;
}

static void add_delay(struct run *run, const char *name, struct visible_probe *probes, size_t count,
                      unsigned percent)
{
    int64_t delay_ns = visible_delay_ns(probes, count, percent);
    figures_add(&run->figures, name, delay_ns < 0 ? -1 : (double)delay_ns / 1000);
}

bool run_propagate(struct run *run)
{
    struct pair pair;
    struct visible_probe *probes = bytes_resize(NULL, run->updates * sizeof *probes);
    size_t count = 0;
    bool good = pair_open(&pair, run);
    while (good && count < run->updates && probe(&pair, &probes[count]))
        count++;
    figures_add(&run->figures, "probes", (double)count);
    add_delay(run, "visible_50_us", probes, count, 50);
    add_delay(run, "visible_90_us", probes, count, 90);
    add_delay(run, "visible_99_us", probes, count, 99);
    pair_close(&pair);
    free(probes);
    return good;
}
