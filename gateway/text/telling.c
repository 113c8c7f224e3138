#include "gateway/text/telling.h"

static int64_t gather_ms(const struct telling *telling)
{
    size_t ms = telling->watching / TELLING_PER_MS;
    return ms < TELLING_GATHER_MS ? (int64_t)ms : TELLING_GATHER_MS;
}

void telling_init(struct telling *telling)
{
    *telling = (struct telling){0};
    list_init(&telling->waiting);
}

void telling_follow(struct telling *telling, struct telling_session *session, bool has_watches)
{
    if (has_watches == session->has_watches)
        return;
    session->has_watches = has_watches;
    telling->watching += has_watches ? 1 : (size_t)-1;
    if (!has_watches && list_holds(&session->node))
        list_remove(&session->node);
}

void telling_wait(struct telling *telling, struct telling_session *session)
{
    if (!list_holds(&session->node))
        list_append(&telling->waiting, &session->node);
}

int64_t telling_deadline_ms(const struct telling *telling)
{
    struct list_node *first = list_first(&telling->waiting);
    if (first == NULL)
        return INT64_MAX;
    return LIST_OWNER(first, struct telling_session, node)->told_ms + gather_ms(telling);
}

struct telling_session *telling_next(struct telling *telling, int64_t now_ms)
{
    if (telling_deadline_ms(telling) > now_ms)
        return NULL;
    struct list_node *first = list_first(&telling->waiting);
    struct telling_session *session = LIST_OWNER(first, struct telling_session, node);
    list_remove(first);
    session->told_ms = now_ms;
    return session;
}
