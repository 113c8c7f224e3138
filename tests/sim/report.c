#include "tests/sim/report.h"

#include <inttypes.h>

void report_add(struct report *report, enum plan_story story, const struct plan_result *result,
                int64_t cpu_ns)
{
    report->seeds++;
    report->failures += result->violation[0] != '\0';
    report->sent[story]++;
    report->cpu_ns[story] += cpu_ns;
    if (result->settle_us > report->settle_us_max[story])
        report->settle_us_max[story] = result->settle_us;
}

struct row {
    const char *what;
    uint64_t times;
};

/* How many of them never happened, where they had to. */
static int tell_rows(const char *title, const struct row *rows, size_t count, bool rare)
{
    int never = 0;
    printf("%s\n", title);
    for (size_t i = 0; i < count; i++) {
        bool missed = rare && rows[i].times == 0;
        printf("%14" PRIu64 "  %s%s\n", rows[i].times, rows[i].what, missed ? "  (NEVER)" : "");
        never += missed;
    }
    return never;
}

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static int tell_faults(const struct sim_counters *c, bool rare)
{
    const struct row faults[] = {
        {"roads clogged", c->roads[SIM_CLOGGED]},
        {"roads that lose everything unnoticed", c->roads[SIM_LOSING]},
        {"connections that died unnoticed", c->roads[SIM_DEAD]},
        {"roads cut and known to be", c->roads[SIM_REFUSING]},
        {"nodes killed", c->kills},
        {"nodes started with the table they had", c->starts_warm},
        {"links that one end took out or put in", c->relinks},
        {"nodes stopped in good order", c->leaves},
        {"nodes started as members of another herd", c->starts_strange},
        {"second processes with a node's name", c->starts_mimic},
        {"messages refused by the transport", c->refused},
        {"messages lost", c->lost},
        {"messages lost with their connection", c->lost_in_flight},
        {"stragglers and late copies", c->stragglers},
        {"locations forged", c->forged},
        {"clocks set", c->jumps},
        {"messages of a liar", c->lies},
        {"messages that became version 1", c->stripped},
        {"differences made silently", c->injected},
        {"syncs that failed", c->syncs_failed},
        {"batches that were torn", c->torn},
        {"bits flipped in a journal", c->flips},
        {"files of a journal lost", c->files_lost},
        {"files of a journal removed and back", c->files_back},
        {"files of a journal without room", c->files_refused},
        {"nodes that ended on a disk with a fault", c->ends_on_bad_disks},
        {"nodes that started on a disk with a fault", c->starts_on_bad_disks},
        {"blocks with positions in which a bit flipped", c->blocks_hit},
    };
    return tell_rows("faults:", faults, COUNT(faults), rare);
}

static int tell_paths(const struct sim_counters *c, bool rare)
{
    const struct row paths[] = {
        {"links up", c->links_up},
        {"links down", c->links_down},
        {"links refused", c->links_refused},
        {"links up that acknowledged nothing", c->links_stuck},
        {"connections given up for another", c->renewals},
        {"new incarnations seen by a neighbour", c->flood.incarnation_changes},
        {"messages of an incarnation that is over", c->flood.messages_strange},
        {"HELLOs refused", c->flood.refusals},
        {"gaps in what was told", c->flood.gaps},
        {"rewinds to the last ack", c->flood.rewinds},
        {"waiting changes that the peer told first", c->flood.locations_known},
        {"changes that rode along with one that waited", c->conflated},
        {"turns that ended at a closed window", c->windows_closed},
        {"clients refused by a full table", c->flood.clients_refused},
        {"clients refused for want of bytes", c->flood.bytes_refused},
        {"stale or equal stamps", c->stale},
        {"accepted with the order time of another", c->ties},
        {"digests found equal at rest", c->digests_equal},
        {"digests found unequal, and healed", c->flood.digest_faults},
        {"orders that were raised", c->bumps},
        {"positions above a ceiling", c->above},
        {"positions that had to win, and did", c->judged},
        {"tables compared by processes that met", c->flood.resyncs},
        {"the same, and found too different", c->flood.resyncs_given_up},
        {"silent differences that were found", c->injected_seen},
        {"silent differences that went away unseen", c->healed_unseen},
        {"clients forgotten", c->forgotten},
        {"locations that were over, and left a table", c->over},
        {"reports below the horizon", c->expired},
        {"the same, from peers", c->flood.locations_expired},
        {"locations from peers refused", c->flood.locations_refused},
        {"answers that were held", c->answers_held},
        {"answers that were promised", c->answers_kept},
        {"answers that were promised no more", c->answers_broken},
        {"promises that were there in the end", c->answers_judged},
        {"batches synced", c->syncs},
        {"files of a journal removed", c->files_removed},
        {"locations found in a journal", c->found},
    };
    return tell_rows("paths taken:", paths, COUNT(paths), rare);
}

static void tell_stories(const struct report *report)
{
    printf("%14s  %10s  %8s\n", "stories", "seeds/s", "at rest");
    for (int i = 0; i < PLAN_STORIES; i++)
        if (report->sent[i] > 0)
            printf("%14" PRIu64 "  %10.0f  %6.1f s  %s\n", report->sent[i],
                   (double)report->sent[i] * 1e9 / (double)report->cpu_ns[i],
                   (double)report->settle_us_max[i] / 1e6, plan_story_name((enum plan_story)i));
}

static void tell_levels(const struct sim_counters *c)
{
    printf("CHECKs by level:");
    for (unsigned level = 0; level <= WIRE_LEVEL_MAX; level++)
        printf(" %" PRIu64, c->checks[level]);
    printf("\n");
}

static double cpu_seconds(const struct report *report)
{
    int64_t sum_ns = 0;
    for (int i = 0; i < PLAN_STORIES; i++)
        sum_ns += report->cpu_ns[i];
    return (double)sum_ns / 1e9;
}

void report_tell_progress(const struct report *report)
{
    printf("%" PRIu64 " seeds, %" PRIu64 " events, %.1f virtual hours, %" PRIu64 " failed\n",
           report->seeds, report->counters.steps, (double)report->counters.virtual_us / 3.6e9,
           report->failures);
    fflush(stdout);
}

/* Of so many differences one is found at least: most are healed by the next position. */
#define INJECTED_SEEN_MIN 50u

bool report_tell(const struct report *report, bool rare)
{
    const struct sim_counters *c = &report->counters;
    rare = rare && report->seeds >= REPORT_SEEDS_RARE_MIN;
    int never = tell_faults(c, rare) + tell_paths(c, rare);
    uint64_t messages = 0;
    for (int i = 0; i < SIM_KINDS; i++)
        messages += c->sent[i];
    tell_stories(report);
    tell_levels(c);
    bool soon = c->injected_seen_late * 100 <= c->injected_seen &&
                (c->injected_seen > 0 || c->injected < INJECTED_SEEN_MIN);
    printf("%" PRIu64 " silent differences found, %" PRIu64
           " of them after more than %.0f s though links had room, the last after %.1f s%s\n",
           c->injected_seen, c->injected_seen_late, SIM_SEEN_US / 1e6, (double)c->seen_us_max / 1e6,
           soon ? "" : "  (TOO LATE)");
    double seconds = cpu_seconds(report);
    printf("%" PRIu64 " messages, %" PRIu64 " locations, %" PRIu64 " accepted from clients\n",
           messages, c->flood.locations_sent, c->accepted);
    printf("%" PRIu64 " seeds in %.1f s of one core (%.0f a second), %" PRIu64
           " events, %.1f virtual hours\n",
           report->seeds, seconds, (double)report->seeds / (seconds > 0 ? seconds : 1), c->steps,
           (double)c->virtual_us / 3.6e9);
    printf("%" PRIu64 " seeds, %" PRIu64 " failed, %d rare things never happened\n", report->seeds,
           report->failures, never);
    return report->failures == 0 && never == 0 && soon;
}
