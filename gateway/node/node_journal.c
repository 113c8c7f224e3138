#include "gateway/node/node_journal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bus/disk/segments.h"
#include "bus/disk/store.h"
#include "gateway/node/clock.h"
#include "gateway/node/status_log.h"

#define EVERYSEC_MS 1000
/* How long the end of the process may take for the last syncs. */
#define CLOSE_MS 1500
/* Of a disk that refuses everything the log has a line as often as this. */
#define FAILURE_PAUSE_MS 60000
#define NS_PER_MS        1000000
/* A position that waits for so long is worth a line: a second of everysec, and four for the disk.
 */
#define SLOW_MS 5000
/* On a terminal, how far reading has come: from then on, and so often. */
#define SHOW_AFTER_NS INT64_C(1000000000)
#define SHOW_EVERY_NS INT64_C(100000000)

static void wake(void *owner)
{
    struct node_journal *self = owner;
    uv_async_send(&self->wake);
}

/* The end of the loop's turn does what there is to do. */
static void on_wake(uv_async_t *async)
{
    (void)async;
}

/* Over and over on one line of a terminal, where it takes longer than people look away. */
static void show_progress(void *owner, uint32_t of_1000)
{
    struct node_journal *self = owner;
    int64_t now = clock_realtime_ns();
    if (now < self->show_ns || isatty(STDERR_FILENO) != 1)
        return;
    self->show_ns = now + SHOW_EVERY_NS;
    self->is_shown = true;
    fprintf(stderr, "\rreads the journal: %" PRIu32 ".%" PRIu32 " %% ", of_1000 / 10, of_1000 % 10);
}

static void end_progress(const struct node_journal *self)
{
    if (self->is_shown)
        fprintf(stderr, "\r%32s\r", "");
}

static bool make_folder(const struct gateway_options *options, struct fault *fault)
{
    if (options->data_folder == NULL)
        return fault_set(fault, "the herd has a journal: write --data-dir DIR");
    if (segments_make_folder(options->data_folder))
        return true;
    return fault_set(fault, "%s: %s", options->data_folder, strerror(errno));
}

bool node_journal_open(struct node_journal *self, uv_loop_t *loop,
                       const struct gateway_options *options, struct flood *flood,
                       struct logline *lines, struct fault *fault)
{
    const struct topology *topology = options->topology;
    char path[PATH_MAX];
    struct journal_found_all found;
    if (topology->journal == TOPOLOGY_JOURNAL_OFF)
        return true;
    if (!make_folder(options, fault))
        return false;
    if (snprintf(path, sizeof path, "%s/%s.journal", options->data_folder,
                 topology->nodes[options->node].name) >= (int)sizeof path)
        return fault_set(fault, "%s: is too long a path", options->data_folder);
    struct journal_options of = {.folder = path,
                                 .pause_ms =
                                     topology->journal == TOPOLOGY_JOURNAL_ALWAYS ? 0 : EVERYSEC_MS,
                                 .progress = show_progress,
                                 .wake = wake,
                                 .owner = self};
    self->flood = flood;
    uv_async_init(loop, &self->wake, on_wake);
    int64_t start_ns = clock_realtime_ns();
    self->show_ns = start_ns + SHOW_AFTER_NS;
    self->journal = journal_open(&of, flood_table(flood), &found, fault);
    end_progress(self);
    if (self->journal == NULL)
        return false;
    flood_mark(flood, journal_marks(self->journal));
    status_log_journal(lines, table_count(flood_table(flood)), &found,
                       (clock_realtime_ns() - start_ns) / NS_PER_MS);
    return true;
}

void node_journal_turn(struct node_journal *self, int64_t now_ms)
{
    if (self->journal == NULL)
        return;
    if (flood_urges_disk(self->flood))
        journal_urge(self->journal);
    journal_turn(self->journal, flood_table(self->flood), now_ms);
}

int64_t node_journal_deadline_ms(const struct node_journal *self)
{
    return self->journal != NULL ? journal_deadline_ms(self->journal) : INT64_MAX;
}

static void tell_failures(struct node_journal *self, const struct store_count *count,
                          struct logline *lines, int64_t realtime_ns)
{
    uint64_t failures = count->failed + count->not_made;
    if (growth_take_after(&self->failures, failures, FAILURE_PAUSE_MS, realtime_ns / NS_PER_MS) >
        0) {
        self->is_failing = true;
        logline_fail(lines, realtime_ns,
                     "the journal cannot be written: %s; %" PRIu32 " positions wait",
                     strerror(count->error), journal_lag(self->journal));
    } else if (self->is_failing && count->error == 0 && journal_lag(self->journal) == 0) {
        self->is_failing = false;
        logline_say(lines, realtime_ns, "journal", 0, "all positions are written again");
    }
}

static void tell_slowness(struct node_journal *self, int64_t lag_ms, struct logline *lines,
                          int64_t realtime_ns)
{
    if (!self->is_slow && !self->is_failing && lag_ms >= SLOW_MS) {
        self->is_slow = true;
        logline_say(lines, realtime_ns, "fault", 0,
                    "the journal's disk is slow: %" PRIu32 " positions wait, the first for %" PRId64
                    " ms",
                    journal_lag(self->journal), lag_ms);
    } else if (self->is_slow && lag_ms < SLOW_MS / 2) {
        self->is_slow = false;
        logline_say(lines, realtime_ns, "journal", 0, "its disk is quick enough again");
    }
}

void node_journal_second(struct node_journal *self, struct logline *lines, int64_t realtime_ns,
                         int64_t now_ms)
{
    struct store_count count;
    if (self->journal == NULL)
        return;
    journal_read_count(self->journal, &count);
    int64_t lag_ms = journal_lag_ms(self->journal, now_ms);
    tell_failures(self, &count, lines, realtime_ns);
    tell_slowness(self, lag_ms, lines, realtime_ns);
    struct flood_journal said = {.state =
                                     count.error == 0 ? WIRE_JOURNAL_GOOD : WIRE_JOURNAL_FAILED,
                                 .due = journal_lag(self->journal),
                                 .age_ms = (uint64_t)lag_ms};
    flood_set_journal(self->flood, &said);
}

void node_journal_close(struct node_journal *self, struct logline *lines)
{
    if (self->journal == NULL)
        return;
    flood_mark(self->flood, NULL);
    uint32_t lost = journal_close(&self->journal, flood_table(self->flood), CLOSE_MS);
    if (lost > 0)
        logline_fail(lines, clock_realtime_ns(),
                     "the journal ends without the newest position of %" PRIu32
                     " clients: its disk did not take them within %d ms",
                     lost, CLOSE_MS);
}
