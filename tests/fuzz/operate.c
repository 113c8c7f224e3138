/* Any request or reply that is read can be written, and read again as the same bytes. */
#include <assert.h>
#include <string.h>

#include "bus/link/operate.h"
#include "tests/fuzz/fuzz.h"

/* Numbers and lengths may come in longer encodings than needed; only a float of 32 bits may be
 * shorter than its number, by less than half. The input's own limit is the frame's. */
#define ROOM (2 * WIRE_MESSAGE_BYTES_MAX)

static void read_request(struct span input)
{
    static struct operate_request first, second;
    static char once[ROOM], twice[ROOM];
    const char *why;
    enum operate_result result = operate_read_request(input, &first, &why);
    assert((result == OPERATE_UNKNOWN) == (result != OPERATE_MALFORMED && why != NULL));
    if (result != OPERATE_GOOD)
        return;
    size_t written = operate_write_request(&first, once, sizeof once);
    assert(written > 0);
    assert(operate_read_request((struct span){once, written}, &second, &why) == OPERATE_GOOD);
    assert(second.id_count == first.id_count && second.id_count <= OPERATE_IDS_MAX);
    assert(operate_write_request(&second, twice, sizeof twice) == written);
    assert(memcmp(once, twice, written) == 0);
}

/* What an answer has beyond what is known is left out when it is written. */
static struct span read_status(struct span input, char once[OPERATE_STATUS_BYTES_MAX])
{
    static struct operate_status first, second;
    static char twice[OPERATE_STATUS_BYTES_MAX];
    if (!operate_read_status(input, &first))
        return (struct span){once, 0};
    assert(first.link_count <= OPERATE_LINKS_MAX && first.broker_count <= OPERATE_BROKERS_MAX);
    size_t written = operate_write_status(&first, once);
    assert(operate_read_status((struct span){once, written}, &second));
    assert(operate_write_status(&second, twice) == written);
    assert(memcmp(once, twice, written) == 0);
    return (struct span){once, written};
}

static void read_reply(struct span input)
{
    struct operate_reply first, second;
    char once[OPERATE_REPLY_BYTES_MAX], twice[OPERATE_REPLY_BYTES_MAX];
    static char status[OPERATE_STATUS_BYTES_MAX];
    if (!operate_read_reply(input, &first))
        return;
    first.status = read_status(first.status, status);
    assert(first.example_count <= OPERATE_EXAMPLES_MAX);
    size_t written = operate_write_reply(&first, once);
    assert(operate_read_reply((struct span){once, written}, &second));
    assert(operate_write_reply(&second, twice) == written);
    assert(memcmp(once, twice, written) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span input = {(const char *)bytes, count};
    read_request(input);
    read_reply(input);
    return 0;
}
