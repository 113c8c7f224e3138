/* A running flood survives any messages of a neighbour.
 *
 * An input is a row of steps: one byte whose low bit says which of two peers speaks and whose
 * other bits say how many tens of milliseconds have passed since the step before, two bytes of
 * size (big endian), then the message. */
#include <assert.h>

#include "bus/flood.h"
#include "tests/fuzz/fuzz.h"

#define PEERS             2
#define OUR_SESSION       2
#define HEAD_BYTES        3
#define TURN_MESSAGES_MAX 10000

static struct flood *open_flood(void)
{
    const struct span peers[PEERS] = {span_of("left"), span_of("right")};
    struct flood_options options = {
        .herd = span_of("fuzz"),
        .node = span_of("middle"),
        .peers = peers,
        .peer_count = PEERS,
        .incarnation = OUR_SESSION,
        .clients_max = 4,
    };
    struct flood *flood = flood_new(&options);
    struct location own = {
        .client = span_of("kiwi.cs.ucla.edu"),
        .position = span_of("+34.068930-118.445127"),
        .stamp = span_of("1621464827.959498503"),
        .difference_ns = 263873386,
        .order_ns = INT64_C(1621464827959498503),
    };
    assert(flood_local(flood, &own) == FLOOD_STORED);
    return flood;
}

static void take_turn(struct flood *flood, int64_t now_ms)
{
    static char message[WIRE_MESSAGE_BYTES_MAX];
    for (size_t peer = 0; peer < PEERS; peer++) {
        size_t bytes, sent = 0;
        while ((bytes = flood_next(flood, peer, now_ms, message)) > 0) {
            assert(bytes <= sizeof message);
            assert(++sent < TURN_MESSAGES_MAX);
        }
        struct flood_link link = flood_link(flood, peer);
        assert(link.acked <= link.announced && link.announced <= link.sent &&
               link.sent <= link.head);
    }
    struct link_event event;
    while (flood_next_event(flood, &event))
        assert(event.peer < PEERS);
    assert(flood_deadline_ms(flood) > now_ms && flood_deadline_ms(flood) <= now_ms + 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct flood *flood = open_flood();
    int64_t now_ms = 1000;
    take_turn(flood, now_ms);
    while (count >= HEAD_BYTES) {
        size_t peer = bytes[0] & 1;
        now_ms += (bytes[0] >> 1) * 10;
        size_t size = (size_t)bytes[1] << 8 | bytes[2];
        bytes += HEAD_BYTES;
        count -= HEAD_BYTES;
        if (size > count)
            size = count;
        flood_receive(flood, peer, (struct span){(const char *)bytes, size}, now_ms);
        assert(flood_is_sound(flood));
        take_turn(flood, now_ms);
        bytes += size;
        count -= size;
    }
    assert(flood_is_sound(flood));
    flood_destroy(&flood);
    return 0;
}
