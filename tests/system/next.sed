# From bus/link/wire_write.c to what the next minor version may make of it: one more key in HELLO, one
# more element in every message, in every location and in every clock, and a higher version.
s/^    msgpack_pack_map(out, message->has_checks ? HELLO_KEYS : HELLO_KEYS_MIN);$/    msgpack_pack_map(out, HELLO_KEYS + 1);\n    put_key_number(out, "colour", 7);/
s/put_key_number(out, "version", message->version)/put_key_number(out, "version", message->version + 1)/
s/0x90 | LOCATION_ELEMENTS);/0x90 | (LOCATION_ELEMENTS + 1));/
s/^    return end + 1;$/    end[1] = 7;\n    return end + 2;/
s/msgpack_pack_array(out, CLOCK_ELEMENTS);/msgpack_pack_array(out, CLOCK_ELEMENTS + 1);/
s/^        msgpack_pack_uint64(out, clock->age_ms);$/&\n        msgpack_pack_nil(out);/
s/msgpack_pack_array(&packer, elements_of(message));/msgpack_pack_array(\&packer, elements_of(message) + 1);/
s/^    put_fields(&packer, message);$/&\n    msgpack_pack_nil(\&packer);/
