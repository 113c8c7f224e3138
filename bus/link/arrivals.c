#include "bus/link/arrivals.h"

#include <stdlib.h>
#include <string.h>

#define NONE (-1)

static struct arrival *row_of(const struct arrivals *arrivals, size_t peer)
{
    return arrivals->all + peer * ARRIVALS_PROCESSES_MAX;
}

bool arrivals_make(struct arrivals *arrivals, size_t peer_count)
{
    /* One more than needed, because calloc may answer NULL for nothing. */
    size_t count = (peer_count + 1) * ARRIVALS_PROCESSES_MAX;
    *arrivals =
        (struct arrivals){.all = calloc(count, sizeof *arrivals->all), .peer_count = peer_count};
    for (size_t i = 0; arrivals->all != NULL && i < count; i++)
        arrivals->all[i].descriptor = NONE;
    return arrivals->all != NULL;
}

void arrivals_free(struct arrivals *arrivals)
{
    free(arrivals->all);
    *arrivals = (struct arrivals){0};
}

/* Its place in the row, or the number of those in use. */
static size_t find(const struct arrival *row, uint32_t process)
{
    size_t place = 0;
    while (place < ARRIVALS_PROCESSES_MAX && row[place].descriptor != NONE &&
           row[place].process != process)
        place++;
    return place;
}

static void take_out(struct arrival *row, size_t place)
{
    size_t behind = ARRIVALS_PROCESSES_MAX - 1 - place;
    memmove(row + place, row + place + 1, behind * sizeof *row);
    row[ARRIVALS_PROCESSES_MAX - 1].descriptor = NONE;
}

static size_t find_oldest(const struct arrival *row)
{
    size_t oldest = 0;
    for (size_t i = 1; i < ARRIVALS_PROCESSES_MAX; i++)
        if (row[i].heard_ms < row[oldest].heard_ms)
            oldest = i;
    return oldest;
}

/* Whatever had the descriptor before is closed already. */
static void forget_descriptor(struct arrivals *arrivals, int descriptor)
{
    for (size_t peer = 0; peer < arrivals->peer_count; peer++) {
        struct arrival *row = row_of(arrivals, peer);
        for (size_t i = ARRIVALS_PROCESSES_MAX; i-- > 0;)
            if (row[i].descriptor == descriptor)
                take_out(row, i);
    }
}

bool arrivals_hear(struct arrivals *arrivals, size_t peer, uint32_t process, int descriptor,
                   int64_t now_ms)
{
    struct arrival *row = row_of(arrivals, peer);
    size_t place = find(row, process);
    if (place == ARRIVALS_PROCESSES_MAX || row[place].descriptor != descriptor)
        return true;
    row[place].heard_ms = now_ms;
    return now_ms >= row[place].looked_ms + ARRIVALS_LOOK_MS;
}

static bool is_same(const struct arrival *a, const struct arrival *b)
{
    return a->process == b->process && a->descriptor == b->descriptor && a->socket == b->socket;
}

bool arrivals_come(struct arrivals *arrivals, size_t peer, const struct arrival *arrival,
                   struct arrival *replaced)
{
    struct arrival *row = row_of(arrivals, peer);
    size_t place = find(row, arrival->process);
    bool is_known = place < ARRIVALS_PROCESSES_MAX && is_same(&row[place], arrival);
    if (!is_known) {
        forget_descriptor(arrivals, arrival->descriptor);
        place = find(row, arrival->process);
    }
    if (place == ARRIVALS_PROCESSES_MAX)
        place = find_oldest(row);
    *replaced = row[place];
    row[place] = *arrival;
    row[place].looked_ms = arrival->heard_ms;
    return !is_known && replaced->descriptor != NONE;
}

/* The place of a process that is gone, where another one is not; or ARRIVALS_PROCESSES_MAX. */
static size_t find_silent(const struct arrival *row, int64_t now_ms)
{
    size_t silent = ARRIVALS_PROCESSES_MAX;
    bool one_speaks = false;
    for (size_t i = 0; i < ARRIVALS_PROCESSES_MAX && row[i].descriptor != NONE; i++) {
        if (now_ms - row[i].heard_ms < ARRIVALS_SILENT_MS)
            one_speaks = true;
        else
            silent = i;
    }
    return one_speaks ? silent : ARRIVALS_PROCESSES_MAX;
}

bool arrivals_next_silent(struct arrivals *arrivals, int64_t now_ms, struct arrival *silent)
{
    for (; arrivals->sweep < arrivals->peer_count; arrivals->sweep++) {
        struct arrival *row = row_of(arrivals, arrivals->sweep);
        size_t place = find_silent(row, now_ms);
        if (place == ARRIVALS_PROCESSES_MAX)
            continue;
        *silent = row[place];
        take_out(row, place);
        return true;
    }
    arrivals->sweep = 0;
    return false;
}
