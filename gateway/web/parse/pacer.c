#include "gateway/web/parse/pacer.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/web/parse/admit.h"
#include "gateway/web/parse/iamat_line.h"

/* Who has no token is the first person of the rules. */
#define ANYONE 0u

void pacer_change(struct pacer *pacer, const struct access *access)
{
    for (size_t i = 0; i < pacer->waiting.count; i++)
        pacer->waiting.entries[i].owner = ANYONE;
    free(pacer->waiting_of);
    pacer->access = access;
    pacer->waiting_of =
        access == NULL ? NULL : bytes_zeroed(access->person_count * sizeof *pacer->waiting_of);
}

static uint32_t number_of(const struct pacer *pacer, const struct access_person *person)
{
    return person->name[0] == '\0' ? ANYONE : (uint32_t)(person - pacer->access->persons);
}

static bool has_room(const struct newest *waiting, struct span lines)
{
    return newest_count_unknown(waiting, lines) <= NEWEST_CLIENTS_MAX - waiting->count &&
           lines.len <= NEWEST_BYTES_MAX - waiting->bytes;
}

/* Those that may go at once, from the first on. */
static struct span take_first(struct pacer *pacer, const struct pacer_request *request,
                              int64_t now_ns)
{
    struct span rest = request->lines;
    const struct access_person *person = request->person;
    if (person == NULL || person->rate == 0)
        return request->lines;
    bool is_queued = person->name[0] != '\0' && pacer->waiting_of[number_of(pacer, person)] > 0;
    while (rest.len > 0 && !is_queued && admit_take(person, request->spent_ns, now_ns))
        iamat_line_take(&rest);
    return (struct span){request->lines.data, request->lines.len - rest.len};
}

static void hold(struct pacer *pacer, uint32_t owner, struct span lines)
{
    while (lines.len > 0) {
        struct span line = iamat_line_take(&lines);
        pacer->held++;
        if (!newest_put(&pacer->waiting, line, owner) && owner != ANYONE)
            pacer->waiting_of[owner]++;
    }
}

enum pacer_verdict pacer_put(struct pacer *pacer, struct relay *relay,
                             const struct pacer_request *request, int64_t now_ns, uint64_t *number)
{
    struct span first = take_first(pacer, request, now_ns);
    struct span rest = iamat_line_skip(request->lines, first.len);
    if (request->is_asked && first.len == 0)
        return PACER_TOO_FAST;
    if (rest.len > 0 && !has_room(&pacer->waiting, rest))
        return PACER_FULL;
    if (first.len > 0 && !relay_put(relay, first, number))
        return PACER_FULL;
    if (rest.len == 0)
        return PACER_TAKEN;
    hold(pacer, number_of(pacer, request->person), rest);
    *number = UINT64_MAX;
    return PACER_TAKEN;
}

/* Each turn begins at another entry, so that no client of a person is always the last. */
static size_t first_of_turn(struct pacer *pacer)
{
    return (size_t)((++pacer->turns * UINT64_C(0x9e3779b97f4a7c15) >> 32) % pacer->waiting.count);
}

static bool may_go(const struct pacer *pacer, uint32_t owner, int64_t now_ns)
{
    return owner == ANYONE || admit_take(&pacer->access->persons[owner], NULL, now_ns);
}

void pacer_turn(struct pacer *pacer, struct relay *relay, int64_t now_ns)
{
    struct newest *waiting = &pacer->waiting;
    size_t left = waiting->count, at = left == 0 ? 0 : first_of_turn(pacer);
    for (uint64_t unused; left > 0; left--) {
        at = at < waiting->count ? at : 0;
        uint32_t owner = waiting->entries[at].owner;
        if (!may_go(pacer, owner, now_ns)) {
            at++;
            continue;
        }
        if (!relay_put(relay, newest_line(waiting, at), &unused))
            return;
        /* The last entry is here from now on. */
        newest_forget(waiting, at);
        if (owner != ANYONE)
            pacer->waiting_of[owner]--;
    }
}

void pacer_free(struct pacer *pacer)
{
    newest_free(&pacer->waiting);
    free(pacer->waiting_of);
    *pacer = (struct pacer){0};
}
