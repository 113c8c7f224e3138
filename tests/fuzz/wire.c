/* Any message that wire_read accepts can be written, and read again as the same bytes; a refused
 * one has an explanation. */
#include <assert.h>
#include <string.h>

#include "bus/flood.h"
#include "bus/link/wire.h"
#include "tests/fuzz/fuzz.h"

/* Numbers and lengths may come in longer encodings than needed; only a float of 32 bits may be
 * shorter than its number, by less than half. The input's own limit is the frame's. */
#define ROOM (2 * WIRE_MESSAGE_BYTES_MAX)

static void explain(struct span input, const struct wire_fault *fault)
{
    char words[LINK_REASON_BYTES_MAX];
    wire_explain(input, fault, words, sizeof words);
    assert(words[0] != '\0' && strlen(words) < sizeof words - 1);
    for (const char *byte = words; *byte != '\0'; byte++)
        assert(*byte >= 0x20 && *byte <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct wire_message first, second;
    static char once[ROOM], twice[ROOM];
    struct span input = {(const char *)bytes, count};
    enum wire_result result = wire_read(input, &first);
    if (result == WIRE_MALFORMED)
        explain(input, &first.fault);
    if (result != WIRE_GOOD)
        return 0;
    assert(first.from_incarnation != 0);
    size_t written = wire_write(&first, once, sizeof once);
    assert(written > 0);
    assert(wire_read((struct span){once, written}, &second) == WIRE_GOOD);
    assert(second.type == first.type);
    if (first.type == WIRE_UPDATE)
        assert(first.location_count <= WIRE_LOCATIONS_MAX &&
               second.location_count == first.location_count);
    if (first.type == WIRE_HELLO || first.type == WIRE_HEARTBEAT)
        assert(first.clock_count <= WIRE_CLOCKS_MAX && second.clock_count == first.clock_count);
    if (first.type == WIRE_STATE)
        assert(second.declined_count == first.declined_count &&
               second.way_count == first.way_count);
    else if (first.type >= WIRE_CHECK)
        assert(span_equals(second.bin, first.bin) && second.level == first.level);
    assert(wire_write(&second, twice, sizeof twice) == written);
    assert(memcmp(once, twice, written) == 0);
    return 0;
}
