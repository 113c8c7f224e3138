#include "bus/net/address.h"

#include <stdio.h>

bool address_find(struct address *address, int64_t now_ms)
{
    struct resolve_addresses found;
    struct fault fault;
    if (address->asked == NULL)
        address->asked = resolve_begin(address->endpoint);
    switch (resolve_poll(address->asked, &found, &fault)) {
    case RESOLVE_PENDING:
        address->again_ms = now_ms + ADDRESS_PAUSE_MS;
        return false;
    case RESOLVE_FOUND:
        address->known = found;
        address->trouble[0] = '\0';
        break;
    case RESOLVE_MALFORMED:
        address->is_malformed = true; /* fall through */
    case RESOLVE_FAILED:
        snprintf(address->trouble, sizeof address->trouble, "%.*s", ADDRESS_TROUBLE_BYTES_MAX - 1,
                 fault.text);
        break;
    }
    resolve_end(&address->asked);
    return true;
}

bool address_is_asked(const struct address *address)
{
    return address->asked != NULL;
}

const char *address_choose(const struct address *address, const struct dial *dial)
{
    size_t count = address->known.count;
    return count > 0 ? address->known.endpoints[dial_choose(dial, count)] : NULL;
}

void address_drop(struct address *address)
{
    resolve_end(&address->asked);
}
