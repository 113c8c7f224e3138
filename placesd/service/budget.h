/* budget: the file that tells the next broker how much of a provider's budget is spent, so that a
 * restart buys no second day.
 *
 * It holds one line, which means nothing here (placesd/dispatch/limiter.h). A thread writes it, so
 * that a disk that blocks holds up no look-up: a new file that takes the old one's name, so there
 * is always a whole one.
 *
 * Invariant: after budget_close the file holds what was given last, or the log says why not. */
#ifndef ZHERD_PLACESD_SERVICE_BUDGET_H
#define ZHERD_PLACESD_SERVICE_BUDGET_H

#include <stddef.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "placesd/dispatch/limiter.h"

/* A new line is given at most this often: what was asked in the last second is forgotten where a
 * broker is killed. */
#define BUDGET_PAUSE_MS 1000
/* How long budget_close waits for a disk that blocks. */
#define BUDGET_CLOSE_S 1

struct budget;

/* The file of the broker of the `places`-th section (from 1) in that folder, which is made where it
 * is missing, for its owner alone. `text` is what the file holds, "" where there is none. NULL and
 * one sentence in `fault` where it cannot be read or will not be written. */
struct budget *budget_open(const char *folder, size_t places, char text[QUOTA_TEXT_BYTES_MAX],
                           struct fault *fault);

/* Its name; the budget's own. */
const char *budget_path(const struct budget *budget);

/* Writes that instead, as soon as may be; never waits. */
void budget_keep(struct budget *budget, struct span text);

/* Writes what was given last, within BUDGET_CLOSE_S; where that does not suffice, the log says so,
 * and the thread keeps the budget's memory until the process ends. Accepts NULL, sets the caller's
 * pointer to NULL. */
void budget_close(struct budget **budget);

#endif
