/* journal: a node's table on its disk: read at the start, written as it changes.
 *
 * It joins what bus/journal/plan.h decides and bus/disk/store.h does. The owner says which slots
 * changed, and lets it work once a turn and whenever it is woken; no call but journal_open and
 * journal_close waits for the disk. Whatever the disk does the node goes on: what could not be
 * written stays due.
 *
 * Invariant: what journal_is_safe says of a slot survives the process, and, where the disk keeps
 * what it says it synced, the machine. */
#ifndef ZHERD_BUS_DISK_JOURNAL_H
#define ZHERD_BUS_DISK_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "bus/disk/store.h"
#include "bus/journal/replay.h"
#include "bus/table/table.h"

struct journal;

struct journal_options {
    const char *folder; /* NAME.journal; made where missing, its own folder is not */
    int64_t pause_ms;   /* between writings, at most; 0: whenever something is due */
    /* While it reads, now and then: how much of it is read, of 1,000. */
    void (*progress)(void *owner, uint32_t of_1000);
    void (*wake)(void *owner); /* from other threads: journal_turn has something to do */
    void *owner;
};

/* What was found at the start. */
struct journal_found_all {
    const char *places[2]; /* what is to be said of where it is (bus/journal/rotation.h), or NULL */
    struct journal_tally tally;
    uint32_t blocks, bad_runs, torn_runs, foreign;
    uint64_t bad_bytes, missing;
};

/* Becomes the owner of the folder, reads it into the table, which is empty, and begins to write.
 * NULL with a sentence where that cannot be: no folder, another owner, a block of another version.
 * Damage is no reason. */
struct journal *journal_open(const struct journal_options *options, struct table *table,
                             struct journal_found_all *found, struct fault *fault);

/* Where the slots that changed are to be marked as due; the journal's own. */
struct marks *journal_marks(struct journal *journal);

/* Takes what the disk has done and gives it more. To be called about once a second, too, although
 * nobody wakes: what follows from a FORGET has no deadline of its own. */
void journal_turn(struct journal *journal, const struct table *table, int64_t now_ms);

/* Somebody waits for what is due: the next journal_turn writes it, whatever the pause is, or as
 * soon as the batch that is on its way is synced. */
void journal_urge(struct journal *journal);

/* When a turn is wanted although nobody wakes; INT64_MAX: not before something changes. */
int64_t journal_deadline_ms(const struct journal *journal);

/* Slots whose newest value is not known to be on the disk. */
uint32_t journal_lag(const struct journal *journal);
/* For how long the first of them has waited, at most (journal_plan_lag_ms). */
int64_t journal_lag_ms(const struct journal *journal, int64_t now_ms);
void journal_read_count(struct journal *journal, struct store_count *count);

/* What is left of the threads when the time for the last sync is over: where they are well they end
 * at once. */
#define JOURNAL_CLOSE_MS 200

/* Writes what is due, for `wait_ms` at most, and ends, JOURNAL_CLOSE_MS later at most, also where
 * the disk hangs: then the memory and the lock of what is on its way there are the process's until
 * its end. Returns how many positions are not known to be on the disk. Accepts NULL; sets the
 * caller's pointer to NULL. */
uint32_t journal_close(struct journal **journal, const struct table *table, int64_t wait_ms);

#endif
