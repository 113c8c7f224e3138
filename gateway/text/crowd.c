#include "gateway/text/crowd.h"

#include <assert.h>

#define OWNER(node) LIST_OWNER(node, struct crowd_member, activity)

void crowd_init(struct crowd *crowd, size_t places)
{
    assert(places >= 1);
    *crowd = (struct crowd){.places = places};
    list_init(&crowd->unheard);
    list_init(&crowd->heard);
}

void crowd_limit(struct crowd *crowd, size_t places)
{
    assert(places >= 1);
    crowd->places = places;
}

void crowd_join(struct crowd *crowd, struct crowd_member *member, int64_t now_ms)
{
    *member = (struct crowd_member){.active_ms = now_ms};
    list_append(&crowd->unheard, &member->activity);
    crowd->count++;
}

void crowd_leave(struct crowd *crowd, struct crowd_member *member)
{
    if (list_holds(&member->activity))
        list_remove(&member->activity);
    crowd->count--;
}

void crowd_touch(struct crowd *crowd, struct crowd_member *member, bool is_heard, int64_t now_ms)
{
    member->active_ms = now_ms;
    if (list_holds(&member->activity))
        list_remove(&member->activity);
    list_append(is_heard ? &crowd->heard : &crowd->unheard, &member->activity);
}

static struct crowd_member *silent_for(const struct list_node *list, int64_t limit_ms,
                                       int64_t now_ms)
{
    struct list_node *first = list_first(list);
    bool is_silent = first != NULL && now_ms - OWNER(first)->active_ms >= limit_ms;
    return is_silent ? OWNER(first) : NULL;
}

/* The only place there is makes no crowd. */
static bool is_crowded(const struct crowd *crowd)
{
    return crowd->count > 1 && crowd->count * 100 > crowd->places * CROWD_PERCENT;
}

struct crowd_member *crowd_next_silent(const struct crowd *crowd, int64_t now_ms)
{
    if (!is_crowded(crowd))
        return NULL;
    struct crowd_member *unheard = silent_for(&crowd->unheard, CROWD_UNHEARD_MS, now_ms);
    return unheard != NULL ? unheard : silent_for(&crowd->heard, CROWD_SILENT_MS, now_ms);
}

struct crowd_member *crowd_first_unheard(const struct crowd *crowd)
{
    struct list_node *first = list_first(&crowd->unheard);
    return first == NULL ? NULL : OWNER(first);
}
