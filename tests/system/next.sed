# From bus/link/wire.c to what the next minor version may make of it: one more key in HELLO, one more
# element in every message and in every location, and a higher version.
s/^    msgpack_pack_map(out, HELLO_KEYS);$/    msgpack_pack_map(out, HELLO_KEYS + 1);\n    put_key_number(out, "colour", 7);/
s/put_key_number(out, "version", message->version)/put_key_number(out, "version", message->version + 1)/
s/0x90 | LOCATION_ELEMENTS/0x90 | (LOCATION_ELEMENTS + 1)/
s/^    return put_integer(out, location->order_ns);$/    out = put_integer(out, location->order_ns);\n    return put_integer(out, 7);/
s/msgpack_pack_array(&packer, elements_of(message->type));/msgpack_pack_array(\&packer, elements_of(message->type) + 1);/
s/^    put_fields(&packer, message);$/&\n    msgpack_pack_nil(\&packer);/
