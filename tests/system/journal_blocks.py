"""Blocks of a journal, written from bus/JOURNAL.md alone: what the tests put on the disk."""

import ctypes
import ctypes.util
import struct

PAGE = 4096
CHANGES, CHUNK, BEGIN, END = 1, 2, 3, 4
HEAD = struct.Struct("<IIHHIQQ")

_xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
_xxhash.XXH3_64bits_withSeed.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
_xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64


def _binary(data):
    return b"\xc5" + struct.pack(">H", len(data)) + data


def location(client, position, stamp="1621464827.959498503", origin="Clark",
             difference_ns=263873386, order_ns=1621464827959498503):
    """One location as an UPDATE carries it; an empty position makes a tombstone."""
    return (b"\x96" + _binary(client.encode()) + _binary(position.encode()) +
            _binary(stamp.encode()) + b"\xd9" + bytes([len(origin)]) + origin.encode() +
            b"\xd3" + struct.pack(">q", difference_ns) + b"\xd3" + struct.pack(">q", order_ns))


def block(segment, kind, sequence, locations=(), begin=0, version=1):
    body = b"".join(locations)
    size = (8 + HEAD.size + len(body) + PAGE - 1) // PAGE * PAGE
    rest = HEAD.pack(size, 0x626a687a, version, kind, len(locations), sequence, begin) + body
    rest += bytes(size - 8 - len(rest))
    return struct.pack("<Q", _xxhash.XXH3_64bits_withSeed(rest, len(rest), segment)) + rest


def segment_name(number, segment):
    return f"{number:016x}-{segment:016x}.blocks"
