#include "tests/bench/run.h"

#include "tests/bench/moment.h"

void run_count_end(struct run *run, const struct conn *conn, enum conn_state state)
{
    uint32_t owed = conn->count - conn->answered;
    if (state != CONN_BROKEN && state != CONN_WRONG)
        return;
    run->broken += state == CONN_BROKEN;
    run->wrong += state == CONN_WRONG;
    /* A wrong reply was a reply to one of them, unless nothing was asked. */
    run->lost += owed - (state == CONN_WRONG && owed > 0);
}

void run_add_rates(struct run *run, uint64_t requests, double seconds)
{
    figures_add(&run->figures, "requests", (double)requests);
    figures_add(&run->figures, "seconds", seconds);
    figures_add(&run->figures, "requests_per_s", seconds > 0 ? (double)requests / seconds : 0);
}

void run_add_use(struct run *run, const struct process_use *before, const struct process_use *after,
                 uint64_t requests)
{
    double cpu_s = (double)(after->cpu_ns - before->cpu_ns) / (double)MOMENT_NS_PER_S;
    double growth = (double)(after->rss_bytes - before->rss_bytes);
    if (run->pid_count == 0)
        return;
    figures_add(&run->figures, "server_cpu_s", cpu_s);
    if (requests > 0)
        figures_add(&run->figures, "server_cpu_s_per_million", cpu_s * 1e6 / (double)requests);
    figures_add(&run->figures, "server_rss_bytes", (double)after->rss_bytes);
    figures_add(&run->figures, "server_rss_growth_bytes", growth);
}
