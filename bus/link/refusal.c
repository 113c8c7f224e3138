#include "bus/link/refusal.h"

#include <inttypes.h>
#include <stdio.h>

void refusal_init(struct refusal *refusal)
{
    *refusal = (struct refusal){.told_until = INT64_MIN, .until = INT64_MIN};
}

static void owe(struct refusal *refusal, enum wire_refusal code, uint64_t incarnation)
{
    refusal->owed = incarnation != 0;
    refusal->code = code;
    refusal->incarnation = incarnation;
}

bool refusal_of_hello(struct refusal *refusal, const struct greet_link *link,
                      const struct wire_message *hello)
{
    enum wire_refusal code;
    if (!greet_refuses(link, hello, &code, refusal->text))
        return false;
    owe(refusal, code, hello->from_incarnation);
    return true;
}

void refusal_of_version(struct refusal *refusal, uint64_t version)
{
    snprintf(refusal->text, sizeof refusal->text,
             "major version %" PRIu64 " meets major version %d", version, WIRE_MAJOR);
    owe(refusal, WIRE_REFUSED_VERSION, 0);
}

bool refusal_of_rival(struct refusal *refusal, struct span name, uint64_t incarnation,
                      int64_t heard_at, int64_t now_ms)
{
    if (refusal->rival != incarnation) {
        refusal->rival = incarnation;
        refusal->rival_at = now_ms;
    }
    if (heard_at < refusal->rival_at + REFUSAL_RIVAL_MS || now_ms < refusal->told_until)
        return false;
    snprintf(refusal->text, sizeof refusal->text, "two running processes have the name %.*s",
             (int)name.len, name.data);
    owe(refusal, WIRE_REFUSED_IN_USE, incarnation);
    return true;
}

void refusal_forget_rival(struct refusal *refusal)
{
    refusal->rival = 0;
}

bool refusal_is_news(struct refusal *refusal, int64_t now_ms)
{
    if (now_ms < refusal->told_until)
        return false;
    refusal->told_until = now_ms + REFUSAL_PAUSE_MS;
    return true;
}

void refusal_write(struct refusal *refusal, struct wire_message *message)
{
    refusal->owed = false;
    message->type = WIRE_REFUSED;
    message->to_incarnation = refusal->incarnation;
    message->code = (uint64_t)refusal->code;
    message->text = span_of(refusal->text);
}

void refusal_heed(struct refusal *refusal, uint64_t by, int64_t now_ms)
{
    refusal->by = by;
    refusal->until = now_ms + REFUSAL_PAUSE_MS;
}

/* Where it is not the one that refused us, the refusal was somebody else's, and came late. */
void refusal_accept(struct refusal *refusal, uint64_t incarnation)
{
    if (incarnation != refusal->by)
        refusal->until = INT64_MIN;
}
