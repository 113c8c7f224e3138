#include "bus/link/handshake.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN(span) (int)(span).len, (span).data

void handshake_init(struct handshake *handshake)
{
    *handshake = (struct handshake){.quiet_until = INT64_MIN,
                                    .refused_until = INT64_MIN,
                                    .in_use_until = {INT64_MIN, INT64_MIN}};
}

/* ---- we refuse them ---- */

static void owe(struct handshake *handshake, enum wire_refusal code, uint64_t incarnation)
{
    handshake->refusal_owed = incarnation != 0;
    handshake->code = code;
    handshake->incarnation = incarnation;
}

/* "86400s", or "off". */
static const char *write_expire(char text[24], uint64_t expire_ms)
{
    const char *unit = expire_ms % 1000 == 0 ? "s" : "ms";
    uint64_t count = expire_ms % 1000 == 0 ? expire_ms / 1000 : expire_ms;
    if (expire_ms == 0)
        return "off";
    snprintf(text, 24, "%" PRIu64 "%s", count, unit);
    return text;
}

/* Nodes that do not agree on what is over would tell each other the same for ever, and a node that
 * does not know tombstones would bring the forgotten back. */
static bool refuses_forgetting(char *text, size_t room, const struct handshake_link *link,
                               const struct wire_message *hello)
{
    char theirs[24], ours[24];
    if (hello->expire_ms != link->expire_ms)
        snprintf(text, room, "herd/expire %s meets herd/expire %s",
                 write_expire(theirs, hello->expire_ms), write_expire(ours, link->expire_ms));
    else if (hello->forget != link->forget)
        snprintf(text, room, "herd/forget %s meets herd/forget %s", hello->forget ? "yes" : "no",
                 link->forget ? "yes" : "no");
    else
        return false;
    return true;
}

bool handshake_refuses_hello(struct handshake *handshake, const struct handshake_link *link,
                             const struct wire_message *hello)
{
    enum wire_refusal code;
    char *text = handshake->text;
    size_t room = sizeof handshake->text;
    if (hello->from_incarnation == link->incarnation) {
        code = WIRE_REFUSED_SELF;
        snprintf(text, room, "both ends of the link are the same process");
    } else if (!span_equals(hello->herd, link->herd)) {
        code = WIRE_REFUSED_HERD;
        snprintf(text, room, "herd %.*s meets herd %.*s", SHOWN(hello->herd), SHOWN(link->herd));
    } else if (!span_equals(hello->node, link->peer)) {
        code = WIRE_REFUSED_NAME;
        snprintf(text, room, "%.*s speaks over the link of %.*s", SHOWN(hello->node),
                 SHOWN(link->peer));
    } else if (hello->version < WIRE_VERSION_MIN || hello->version_min > WIRE_VERSION) {
        code = WIRE_REFUSED_VERSION;
        snprintf(text, room, "versions %" PRIu64 " to %" PRIu64 " meet versions %d to %d",
                 hello->version_min, hello->version, WIRE_VERSION_MIN, WIRE_VERSION);
    } else if (refuses_forgetting(text, room, link, hello)) {
        code = WIRE_REFUSED_EXPIRE;
    } else {
        return false;
    }
    owe(handshake, code, hello->from_incarnation);
    return true;
}

void handshake_refuse_version(struct handshake *handshake, uint64_t version)
{
    snprintf(handshake->text, sizeof handshake->text,
             "major version %" PRIu64 " meets major version %d", version, WIRE_MAJOR);
    owe(handshake, WIRE_REFUSED_VERSION, 0);
}

bool handshake_refuses_rival(struct handshake *handshake, struct span name, uint64_t incarnation,
                             int64_t heard_at, int64_t now_ms)
{
    if (handshake->rival != incarnation) {
        handshake->rival = incarnation;
        handshake->rival_at = now_ms;
    }
    if (heard_at < handshake->rival_at + HANDSHAKE_RIVAL_MS || now_ms < handshake->quiet_until)
        return false;
    snprintf(handshake->text, sizeof handshake->text, "two running processes have the name %.*s",
             SHOWN(name));
    owe(handshake, WIRE_REFUSED_IN_USE, incarnation);
    return true;
}

void handshake_forget_rival(struct handshake *handshake)
{
    handshake->rival = 0;
}

bool handshake_is_news(struct handshake *handshake, int64_t now_ms)
{
    if (now_ms < handshake->quiet_until)
        return false;
    handshake->quiet_until = now_ms + HANDSHAKE_PAUSE_MS;
    return true;
}

void handshake_write_refused(struct handshake *handshake, struct wire_message *message)
{
    handshake->refusal_owed = false;
    message->type = WIRE_REFUSED;
    message->to_incarnation = handshake->incarnation;
    message->code = (uint64_t)handshake->code;
    message->text = span_of(handshake->text);
}

/* ---- they refuse us ---- */

bool handshake_refused_by(struct handshake *handshake, uint64_t incarnation, uint64_t code,
                          int64_t now_ms)
{
    if (now_ms < handshake->refused_until)
        return false;
    handshake->refused_code = code;
    handshake->refused_by = incarnation;
    handshake->refused_until = now_ms + HANDSHAKE_PAUSE_MS;
    return true;
}

bool handshake_in_use_is_news(struct handshake *handshake, bool is_ours, int64_t now_ms)
{
    if (now_ms < handshake->in_use_until[is_ours])
        return false;
    handshake->in_use_until[is_ours] = now_ms + HANDSHAKE_PAUSE_MS;
    return true;
}

void handshake_end_pause(struct handshake *handshake)
{
    if (handshake->refused_code == WIRE_REFUSED_EXPIRE)
        handshake->refused_until = INT64_MIN;
}

/* Where it is not the one that refused us, the refusal was another process's, and came late. Where
 * it did for what both files say, both say the same now. */
void handshake_accept(struct handshake *handshake, uint64_t incarnation)
{
    if (incarnation != handshake->refused_by)
        handshake->refused_until = INT64_MIN;
    handshake_end_pause(handshake);
}
