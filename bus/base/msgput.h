/* msgput: spans as MessagePack strings and bytes, into a packer of msgpack-c, which wants each of
 * them in two calls.
 *
 * It is no writer of messages: what stands in them, and where a packer's bytes go, is their own
 * files' matter. msgread.h is the way back.
 *
 * Invariant: a head is followed by as many bytes as it says. */
#ifndef ZHERD_BUS_BASE_MSGPUT_H
#define ZHERD_BUS_BASE_MSGPUT_H

#include <msgpack.h>

#include "bus/base/bytes.h"

static inline void msgput_str(msgpack_packer *out, struct span bytes)
{
    msgpack_pack_str(out, bytes.len);
    msgpack_pack_str_body(out, bytes.data, bytes.len);
}

static inline void msgput_bin(msgpack_packer *out, struct span bytes)
{
    msgpack_pack_bin(out, bytes.len);
    msgpack_pack_bin_body(out, bytes.data, bytes.len);
}

#endif
