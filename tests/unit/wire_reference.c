/* Messages as msgpack-c writes them, which our own reader and writer must agree with. */
#include "bus/link/wire.h"

#include <msgpack.h>

#include "bus/flood.h"
#include "tests/check.h"
#include "tests/unit/sample_location.h"

static struct wire_message in;

static void pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str(packer, strlen(text));
    msgpack_pack_str_body(packer, text, strlen(text));
}

/* A HELLO whose map lacks the key of number `without`, with a stranger's key in front. */
static enum wire_result read_hello_without(int without)
{
    static const char *const keys[] = {"herd", "node", "version", "version_min", "start", "have"};
    msgpack_sbuffer bytes;
    msgpack_sbuffer_init(&bytes);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
    msgpack_sbuffer_write(&bytes, "zh\x01", 3);
    msgpack_pack_array(&packer, 4);
    msgpack_pack_int(&packer, WIRE_HELLO);
    msgpack_pack_int(&packer, 1);
    msgpack_pack_int(&packer, 0);
    msgpack_pack_map(&packer, without < 0 ? 7 : 6);
    pack_text(&packer, "colour");
    msgpack_pack_array(&packer, 1);
    msgpack_pack_nil(&packer);
    for (int i = 0; i < 6; i++) {
        if (i == without)
            continue;
        pack_text(&packer, keys[i]);
        if (i < 2)
            pack_text(&packer, "name");
        else
            msgpack_pack_int(&packer, i == 3 ? 1 : i);
    }
    enum wire_result result = wire_read((struct span){bytes.data, bytes.size}, &in);
    if (result == WIRE_GOOD) {
        CHECK_INT(in.version, 2);
        CHECK_INT(in.version_min, 1);
        CHECK_INT(in.start, 4);
        CHECK_INT(in.received, 5);
    }
    msgpack_sbuffer_destroy(&bytes);
    return result;
}

static void hello_needs_each_of_its_keys_and_skips_others(void)
{
    CHECK_INT(read_hello_without(-1), WIRE_GOOD);
    for (int without = 0; without < 6; without++)
        CHECK_INT(read_hello_without(without), WIRE_MALFORMED);
}

static void pack_bin(msgpack_packer *packer, struct span bytes)
{
    msgpack_pack_bin(packer, bytes.len);
    msgpack_pack_bin_body(packer, bytes.data, bytes.len);
}

static void check_is_msgpack_c(const struct location *location)
{
    static char written[WIRE_MESSAGE_BYTES_MAX];
    msgpack_sbuffer wanted;
    msgpack_packer packer;
    msgpack_sbuffer_init(&wanted);
    msgpack_packer_init(&packer, &wanted, msgpack_sbuffer_write);
    msgpack_pack_array(&packer, 6);
    pack_bin(&packer, location->client);
    pack_bin(&packer, location->position);
    pack_bin(&packer, location->stamp);
    msgpack_pack_str(&packer, location->origin.len);
    msgpack_pack_str_body(&packer, location->origin.data, location->origin.len);
    msgpack_pack_int64(&packer, location->difference_ns);
    msgpack_pack_int64(&packer, location->order_ns);
    size_t bytes = (size_t)(wire_write_location(location, written) - written);
    CHECK_BYTES(written, bytes, wanted.data, wanted.size);
    CHECK(bytes <= wire_location_bytes_max(location));
    msgpack_sbuffer_destroy(&wanted);
}

static void locations_are_what_msgpack_c_writes(void)
{
    static char text[LOCATION_TEXT_BYTES_MAX];
    static const size_t sizes[] = {1, 31, 32, 33, 255, 256, 257, 65535, LOCATION_TEXT_BYTES_MAX};
    memset(text, 'x', sizeof text);
    struct location location = sample_location();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        location.client = location.position = location.stamp = (struct span){text, sizes[i]};
        location.position.len = location.stamp.len = 1;
        check_is_msgpack_c(&location);
    }
    for (size_t bytes = 1; bytes <= LOCATION_ORIGIN_BYTES_MAX; bytes++) {
        location = sample_location();
        location.origin = (struct span){text, bytes};
        check_is_msgpack_c(&location);
    }
    /* Both sides of every border between two forms of an integer, and of every power of two. */
    for (int bit = 0; bit < 64; bit++)
        for (int64_t near = -40; near <= 40; near++) {
            location.difference_ns = (int64_t)((UINT64_C(1) << bit) + (uint64_t)near);
            location.order_ns = (int64_t)(0 - (UINT64_C(1) << bit) + (uint64_t)near);
            check_is_msgpack_c(&location);
        }
}

static const struct check_case cases[] = {
    {"hello needs each of its keys and skips others",
     hello_needs_each_of_its_keys_and_skips_others},
    {"locations are what msgpack-c writes", locations_are_what_msgpack_c_writes},
};

CHECK_MAIN(cases)
