#include "tests/sim/event_queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 64

static bool is_sooner(const struct moment *a, const struct moment *b)
{
    /* Without a branch: which of two comes first is what a processor cannot guess. */
    return (a->time_us < b->time_us) | ((a->time_us == b->time_us) & (a->order < b->order));
}

static void *resize(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL) {
        perror("agenda");
        exit(2);
    }
    return memory;
}

void event_queue_open(struct event_queue *agenda, uint32_t nodes)
{
    uint32_t leaves = 2;
    while (leaves < nodes)
        leaves *= 2;
    *agenda = (struct event_queue){.leaves = leaves};
    agenda->turns = resize(NULL, leaves * sizeof *agenda->turns);
    agenda->winners = resize(NULL, 2 * leaves * sizeof *agenda->winners);
    for (uint32_t i = 0; i < leaves; i++) {
        agenda->turns[i] = (struct moment){.time_us = AGENDA_NEVER};
        agenda->winners[leaves + i] = i;
    }
    for (uint32_t match = leaves - 1; match > 0; match--)
        agenda->winners[match] = agenda->winners[2 * match];
}

void event_queue_close(struct event_queue *agenda)
{
    assert(agenda->count == 0);
    free(agenda->heap);
    free(agenda->turns);
    free(agenda->winners);
    *agenda = (struct event_queue){0};
}

void event_queue_push(struct event_queue *agenda, int64_t time_us, struct parcel *parcel)
{
    if (agenda->count == agenda->capacity) {
        agenda->capacity = agenda->capacity == 0 ? CAPACITY_MIN : 2 * agenda->capacity;
        agenda->heap = resize(agenda->heap, agenda->capacity * sizeof *agenda->heap);
    }
    struct arrival arrival = {{time_us, agenda->pushed++}, parcel};
    size_t gap = agenda->count++;
    while (gap > 0 && is_sooner(&arrival.moment, &agenda->heap[(gap - 1) / 2].moment)) {
        agenda->heap[gap] = agenda->heap[(gap - 1) / 2];
        gap = (gap - 1) / 2;
    }
    agenda->heap[gap] = arrival;
}

static struct parcel *pop_parcel(struct event_queue *agenda)
{
    struct parcel *first = agenda->heap[0].parcel;
    struct arrival last = agenda->heap[--agenda->count];
    size_t gap = 0;
    for (;;) {
        size_t child = 2 * gap + 1;
        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count &&
            is_sooner(&agenda->heap[child + 1].moment, &agenda->heap[child].moment))
            child++;
        if (!is_sooner(&agenda->heap[child].moment, &last.moment))
            break;
        agenda->heap[gap] = agenda->heap[child];
        gap = child;
    }
    agenda->heap[gap] = last;
    return first;
}

void event_queue_set_turn(struct event_queue *agenda, uint32_t node, int64_t time_us)
{
    const struct moment *turns = agenda->turns;
    uint32_t *winners = agenda->winners;
    agenda->turns[node] = (struct moment){time_us, agenda->pushed++};
    for (uint32_t match = (agenda->leaves + node) / 2; match > 0; match /= 2) {
        uint32_t one = winners[2 * match], other = winners[2 * match + 1];
        winners[match] = is_sooner(&turns[other], &turns[one]) ? other : one;
    }
}

int64_t event_queue_turn_us(const struct event_queue *agenda, uint32_t node)
{
    return agenda->turns[node].time_us;
}

int64_t event_queue_first_us(const struct event_queue *agenda)
{
    int64_t turn_us = agenda->turns[agenda->winners[1]].time_us;
    if (agenda->count == 0 || turn_us < agenda->heap[0].moment.time_us)
        return turn_us;
    return agenda->heap[0].moment.time_us;
}

struct event event_queue_pop(struct event_queue *agenda)
{
    uint32_t node = agenda->winners[1];
    struct moment turn = agenda->turns[node];
    if (agenda->count > 0 && is_sooner(&agenda->heap[0].moment, &turn)) {
        int64_t time_us = agenda->heap[0].moment.time_us;
        return (struct event){.time_us = time_us, .parcel = pop_parcel(agenda)};
    }
    assert(turn.time_us != AGENDA_NEVER);
    return (struct event){.time_us = turn.time_us, .node = node};
}
