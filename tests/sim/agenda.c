#include "tests/sim/agenda.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_sooner(const struct event *a, const struct event *b)
{
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us;
    return a->order < b->order;
}

static void grow(struct agenda *agenda)
{
    agenda->capacity = agenda->capacity == 0 ? 256 : 2 * agenda->capacity;
    agenda->heap = realloc(agenda->heap, agenda->capacity * sizeof *agenda->heap);
    if (agenda->heap == NULL) {
        perror("agenda");
        exit(2);
    }
}

void agenda_push(struct agenda *agenda, int64_t time_us, uint32_t node, struct parcel *parcel)
{
    if (agenda->count == agenda->capacity)
        grow(agenda);
    struct event event = {time_us, agenda->pushed++, node, parcel};
    size_t hole = agenda->count++;
    while (hole > 0 && is_sooner(&event, &agenda->heap[(hole - 1) / 2])) {
        agenda->heap[hole] = agenda->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    agenda->heap[hole] = event;
}

const struct event *agenda_first(const struct agenda *agenda)
{
    return agenda->count == 0 ? NULL : &agenda->heap[0];
}

struct event agenda_pop(struct agenda *agenda)
{
    assert(agenda->count > 0);
    struct event first = agenda->heap[0];
    struct event last = agenda->heap[--agenda->count];
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count && is_sooner(&agenda->heap[child + 1], &agenda->heap[child]))
            child++;
        if (!is_sooner(&agenda->heap[child], &last))
            break;
        agenda->heap[hole] = agenda->heap[child];
        hole = child;
    }
    if (agenda->count > 0)
        agenda->heap[hole] = last;
    return first;
}

void agenda_free(struct agenda *agenda)
{
    assert(agenda->count == 0);
    free(agenda->heap);
    *agenda = (struct agenda){0};
}
