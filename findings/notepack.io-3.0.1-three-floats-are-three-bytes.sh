#!/bin/sh
# Expected: a typed array of JavaScript has no type of its own in MessagePack. What a library writes
# for it is up to the library: its bytes, its numbers as an array, an extension, an error. The page
# of this one says "ArrayBuffer are encoded as bin", and shows a Uint8Array; so a Float32Array
# would be the bytes that its numbers have in memory.
#
# Instead: it takes each number for one byte, as if it were a list of bytes: the fraction is cut off
# and what is left is taken modulo 256. Three floats, twelve bytes, become three bytes, nothing is
# raised, and the reader cannot tell; 300.5 m of altitude are 44. An array of 16-bit numbers loses
# what is above 255 in the same way; those of single bytes are right. The same package has a build
# for browsers, which bundlers take by themselves, and there the same array is a map with the keys
# "0", "1" and "2"; even the Uint8Array of its page is one. So a page and a server that use the same
# version of the same library write the same value in different types.
#
# Seen with notepack.io 3.0.1, beside @msgpack/msgpack 3.1.3, whose page says that it writes the
# bytes, of the npm registry.
#
# For somebody who builds on it: write Array.from(floats) if the reader wants numbers, or
# Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength) if it wants bytes; on the reading
# side check the type of such a member, bin, array or map, and its length.
#
# Source: the MessagePack specification: bin is a byte array, and a serializer's conversion of the
# application's own types is outside of it; notepack.io's page, section "Notes".
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    notepack.io@3.0.1 @msgpack/msgpack@3.1.3 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const notepack = require('notepack.io');
const browser = require('notepack.io/browser/encode');
const msgpack = require('@msgpack/msgpack');

const writers = {
    'notepack.io': notepack.encode,
    'notepack.io for browsers': browser,
    '@msgpack/msgpack': msgpack.encode,
};
const values = [
    [48.25, 300.5, -1.5],
    Float32Array.of(48.25, 300.5, -1.5),
    Float64Array.of(16.3),
    Uint16Array.of(1, 300),
    Uint8Array.of(1, 30),
];
for (const value of values) {
    console.log(value.constructor.name, ...value);
    for (const [name, write] of Object.entries(writers)) {
        const read = msgpack.decode(write(value));
        console.log(`  ${name}:`, read instanceof Uint8Array
            ? `bin of ${read.length}: ${Buffer.from(read).toString('hex')}`
            : `${Array.isArray(read) ? 'array' : 'map'} ${JSON.stringify(read)}`);
    }
}
END

cat >expected <<'END'
Array 48.25 300.5 -1.5
  notepack.io: array [48.25,300.5,-1.5]
  notepack.io for browsers: array [48.25,300.5,-1.5]
  @msgpack/msgpack: array [48.25,300.5,-1.5]
Float32Array 48.25 300.5 -1.5
  notepack.io: bin of 3: 302cff
  notepack.io for browsers: map {"0":48.25,"1":300.5,"2":-1.5}
  @msgpack/msgpack: bin of 12: 00004142004096430000c0bf
Float64Array 16.3
  notepack.io: bin of 1: 10
  notepack.io for browsers: map {"0":16.3}
  @msgpack/msgpack: bin of 8: cdcccccccc4c3040
Uint16Array 1 300
  notepack.io: bin of 2: 012c
  notepack.io for browsers: map {"0":1,"1":300}
  @msgpack/msgpack: bin of 4: 01002c01
Uint8Array 1 30
  notepack.io: bin of 2: 011e
  notepack.io for browsers: map {"0":1,"1":30}
  @msgpack/msgpack: bin of 2: 011e
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
