#!/bin/sh
# Expected: a whole number below 2^53, such as a time in milliseconds, is an integer on the wire and
# the same number again at the reader, whichever MessagePack library wrote it. JavaScript holds it
# exactly, and the format has integers of 64 bits.
#
# Instead: there are two camps. From 2^32 on (and below -2^31) msgpackr and msgpack-lite write a
# whole number as float64; @msgpack/msgpack, msgpack5 and notepack.io write uint64 or int64. And
# msgpackr reads what the second camp writes as a BigInt: not equal (===) to the number, not to be
# added to one, refused by new Date() and by JSON.stringify(). That goes by the form, not by the
# size: a 5 that came in eight bytes is a BigInt as well. So one message in which a counter grows
# works until the counter passes 2^32; a time in seconds works until the year 2106, the same in
# milliseconds never did, and tests with small numbers do not show it.
#
# Seen with msgpackr 2.1.4, msgpack-lite 0.2.2, @msgpack/msgpack 3.1.3, msgpack5 6.1.0 and
# notepack.io 3.0.1 of the npm registry. How msgpackr reads is an option of its page (int64AsType);
# how it writes is not mentioned there.
#
# For somebody who builds on it: a reader in a language with types (msgpack-c says
# MSGPACK_OBJECT_FLOAT64) must take a float64 that is whole for an integer, or say in its protocol
# that JavaScript writes times as text or as the timestamp extension. With msgpackr set int64AsType
# to "number" or "auto", and write BigInt(n) where the other end wants an integer.
#
# Source: the MessagePack specification: Integer is a type of its own, up to 64 bits, apart from
# Float; a serializer may choose among the forms of one type.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    msgpackr@2.1.4 msgpack-lite@0.2.2 @msgpack/msgpack@3.1.3 msgpack5@6.1.0 notepack.io@3.0.1 \
    >npm.log 2>&1 || { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const msgpack5 = require('msgpack5')();
const lite = require('msgpack-lite');
const msgpackr = require('msgpackr');
const notepack = require('notepack.io');
const official = require('@msgpack/msgpack');

const libraries = {
    'msgpackr': [msgpackr.pack, msgpackr.unpack],
    'msgpack-lite': [lite.encode, lite.decode],
    '@msgpack/msgpack': [official.encode, official.decode],
    'msgpack5': [(value) => msgpack5.encode(value).slice(), (bytes) => msgpack5.decode(bytes)],
    'notepack.io': [notepack.encode, notepack.decode],
};
const forms = {0xcb: 'float64', 0xce: 'uint32', 0xcf: 'uint64', 0xd2: 'int32', 0xd3: 'int64'};
const values = {
    '2^32 - 1': 2 ** 32 - 1,
    '2^32': 2 ** 32,
    '1 March 2026 in milliseconds': Date.UTC(2026, 2, 1),
    '-2^31 - 1': -(2 ** 31) - 1,
};

for (const [name, value] of Object.entries(values)) {
    console.log(`${name} is written`);
    for (const [library, [encode]] of Object.entries(libraries))
        console.log(`  by ${library.padEnd(16)} as ${forms[Buffer.from(encode(value))[0]]}`);
}

const read = (bytes) => {
    for (const [library, [, decode]] of Object.entries(libraries))
        console.log(`  by ${library.padEnd(16)} as ${typeof decode(bytes)}`);
};
console.log('a uint64 that holds this time is read');
read(Buffer.from(official.encode(values['1 March 2026 in milliseconds'])));
console.log('a uint64 that holds 5 is read');
const five = Buffer.from('cf0000000000000005', 'hex');
read(five);

const attempt = (name, run) => {
    let result;
    try { result = String(run()); } catch (error) { result = error.constructor.name; }
    console.log(`  ${name}: ${result}`);
};
const number = msgpackr.unpack(five);
console.log('what msgpackr makes of that 5');
attempt('=== 5', () => number === 5);
attempt('+ 1', () => number + 1);
attempt('new Date()', () => new Date(number));
attempt('JSON.stringify()', () => JSON.stringify({number}));
END

cat >expected <<'END'
2^32 - 1 is written
  by msgpackr         as uint32
  by msgpack-lite     as uint32
  by @msgpack/msgpack as uint32
  by msgpack5         as uint32
  by notepack.io      as uint32
2^32 is written
  by msgpackr         as float64
  by msgpack-lite     as float64
  by @msgpack/msgpack as uint64
  by msgpack5         as uint64
  by notepack.io      as uint64
1 March 2026 in milliseconds is written
  by msgpackr         as float64
  by msgpack-lite     as float64
  by @msgpack/msgpack as uint64
  by msgpack5         as uint64
  by notepack.io      as uint64
-2^31 - 1 is written
  by msgpackr         as float64
  by msgpack-lite     as float64
  by @msgpack/msgpack as int64
  by msgpack5         as int64
  by notepack.io      as int64
a uint64 that holds this time is read
  by msgpackr         as bigint
  by msgpack-lite     as number
  by @msgpack/msgpack as number
  by msgpack5         as number
  by notepack.io      as number
a uint64 that holds 5 is read
  by msgpackr         as bigint
  by msgpack-lite     as number
  by @msgpack/msgpack as number
  by msgpack5         as number
  by notepack.io      as number
what msgpackr makes of that 5
  === 5: false
  + 1: TypeError
  new Date(): TypeError
  JSON.stringify(): TypeError
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
