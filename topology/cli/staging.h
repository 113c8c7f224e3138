/* staging: a folder of our own beside what is to be made, so that it comes into being as a whole or
 * not at all, and what tar(1) does in it.
 *
 * The folder is on the same file system, for our user alone, and has no name that anybody looks
 * for. INT, TERM and HUP wait from staging_begin on: whoever works asks staging_is_stopped between
 * its steps. kill -9 leaves the folder, ".zherd-" and six characters, behind.
 *
 * Invariant: what had the final name before is never touched. */
#ifndef ZHERD_TOPOLOGY_CLI_STAGING_H
#define ZHERD_TOPOLOGY_CLI_STAGING_H

#include <limits.h>
#include <stdbool.h>

/* A path within the folder. */
#define STAGING_PATH_BYTES (2 * PATH_MAX + 32)
struct staging {
    const char *goal;    /* what is to be made; borrowed */
    char path[PATH_MAX]; /* the folder; "" where there is none */
};

/* All that can fail says why and returns false.
 *
 * Refuses a goal that is there already. */
bool staging_begin(struct staging *staging, const char *goal);

/* Whether a signal wants us to end; says so. */
bool staging_is_stopped(void);

/* Runs tar with these words after its name, which end at NULL, and waits for it. */
bool staging_run_tar(char *const *words);

/* Syncs all of the folder and gives what is called `name` in it the name of the goal. */
bool staging_finish(const struct staging *staging, const char *name);

/* Removes the folder with all that is left in it. */
void staging_end(const struct staging *staging);

#endif
