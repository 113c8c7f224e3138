#include "bus/link/greet.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN(span) (int)(span).len, (span).data

bool greet_refuses(const struct greet_link *link, const struct wire_message *hello,
                   enum wire_refusal *code, char text[WIRE_TEXT_BYTES_MAX + 1])
{
    size_t room = WIRE_TEXT_BYTES_MAX + 1;
    if (hello->from_incarnation == link->incarnation) {
        *code = WIRE_REFUSED_SELF;
        snprintf(text, room, "both ends of the link are the same process");
    } else if (!span_equals(hello->herd, link->herd)) {
        *code = WIRE_REFUSED_HERD;
        snprintf(text, room, "herd %.*s meets herd %.*s", SHOWN(hello->herd), SHOWN(link->herd));
    } else if (!span_equals(hello->node, link->peer)) {
        *code = WIRE_REFUSED_NAME;
        snprintf(text, room, "%.*s speaks over the link of %.*s", SHOWN(hello->node),
                 SHOWN(link->peer));
    } else if (hello->version < WIRE_VERSION_MIN || hello->version_min > WIRE_VERSION) {
        *code = WIRE_REFUSED_VERSION;
        snprintf(text, room, "versions %" PRIu64 " to %" PRIu64 " meet versions %d to %d",
                 hello->version_min, hello->version, WIRE_VERSION_MIN, WIRE_VERSION);
    } else {
        return false;
    }
    return true;
}
