/* Which clients are gone, for those who watch everything (gateway/text/watchers.h): one log of the
 * node, as what a watch was told of follows from its cursor, which does not go on before it has
 * read the log to its end. */
#include <assert.h>

#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

#define ROOM_MIN 4096u

struct head {
    uint64_t born;
    uint32_t slot, client_bytes;
};

/* Whether the client was told of, which is there since `born`. */
static bool was_told(const struct watchers *watchers, const struct watch_cursor *cursor,
                     uint32_t slot, uint64_t born)
{
    return watchers_knows_birth(watchers, born) &&
           ((slot < cursor->next && born < born_at(cursor->at)) ||
            (slot < cursor->before_next && born < born_at(cursor->before_at)));
}

/* Entries that are looked at for one step: most watches were told of most clients. */
#define LOOKS_A_STEP 16u

static struct watch *of_all(struct list_node *node)
{
    return LIST_OWNER(node, struct watch, of_all);
}

void watchers_trim_gone(struct watchers *watchers)
{
    struct watchers_gone_log *gone = &watchers->gone;
    uint64_t end = gone->begin + gone->len, least = end;
    if (gone->room == 0)
        return;
    for (struct list_node *at = watchers->all.after; at != &watchers->all; at = at->after) {
        const struct watch *watch = of_all(at);
        if (!watch->connection->is_lost && watch->cursor.gone_at < least)
            least = watch->cursor.gone_at;
    }
    size_t past = (size_t)(least - gone->begin);
    if (past < gone->len - past)
        return;
    gone->begin = least;
    gone->len -= past;
    if (gone->len > 0) {
        memmove(gone->bytes, gone->bytes + past, gone->len);
        return;
    }
    allowance_free(&watchers->allowance, gone->bytes, gone->room);
    gone->bytes = NULL;
    gone->room = 0;
}

static bool make_room(struct watchers *watchers, size_t bytes)
{
    struct watchers_gone_log *gone = &watchers->gone;
    size_t needed = gone->len + bytes, room = 2 * gone->room;
    if (needed <= gone->room)
        return true;
    if (needed > watchers->limits.gone_bytes)
        return false;
    room = room < ROOM_MIN ? ROOM_MIN : room;
    room = room < needed ? needed : room;
    room = room > watchers->limits.gone_bytes ? watchers->limits.gone_bytes : room;
    char *grown = allowance_resize(watchers_limited(watchers), gone->bytes, gone->room, room);
    if (grown == NULL)
        return false;
    gone->bytes = grown;
    gone->room = room;
    return true;
}

/* Those that have not read the first half, so that a half at least is free after it. False where
 * none is left that is not lost. */
static bool lose_slowest(struct watchers *watchers)
{
    uint64_t half = watchers->gone.begin + watchers->gone.len / 2, lost = watchers->count.lost;
    for (struct list_node *at = watchers->all.after; at != &watchers->all; at = at->after)
        if (of_all(at)->cursor.gone_at <= half)
            watchers_lose(watchers, of_all(at)->connection);
    watchers_trim_gone(watchers);
    return watchers->count.lost > lost;
}

static void append(struct watchers_gone_log *gone, const void *bytes, size_t count)
{
    memcpy(gone->bytes + gone->len, bytes, count);
    gone->len += count;
}

void watchers_note_gone(struct watchers *watchers, uint32_t slot, uint64_t born, struct span client)
{
    struct head head = {born, slot, (uint32_t)client.len};
    if (list_is_empty(&watchers->all) || !watchers_knows_birth(watchers, born))
        return;
    while (!make_room(watchers, sizeof head + client.len))
        if (!lose_slowest(watchers))
            return;
    append(&watchers->gone, &head, sizeof head);
    append(&watchers->gone, client.data, client.len);
}

bool watchers_next_gone(const struct watchers *watchers, struct watch *watch, int64_t *steps,
                        struct span *client)
{
    struct watch_cursor *cursor = &watch->cursor;
    for (uint32_t looks = 1; watchers_has_gone(watchers, watch) && *steps > 0; looks++) {
        struct head head;
        const char *at = watchers->gone.bytes + (cursor->gone_at - watchers->gone.begin);
        memcpy(&head, at, sizeof head);
        cursor->gone_at += sizeof head + head.client_bytes;
        *steps -= looks % LOOKS_A_STEP == 0;
        *client = (struct span){at + sizeof head, head.client_bytes};
        if (was_told(watchers, cursor, head.slot, head.born) &&
            watchers_tells(watch->connection, *client))
            return true;
    }
    return false;
}
