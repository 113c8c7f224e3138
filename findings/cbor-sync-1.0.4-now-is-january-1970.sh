#!/bin/sh
# Expected: in CBOR a moment is tag 1 and a number of seconds since 1970, whole or with a fraction.
# The libraries here make a Date of that tag, so a Date that one of them writes is the same Date
# when another one reads it, to the millisecond that a Date holds.
#
# Instead: cbor-sync takes the number for milliseconds. Whatever moment of these years cbor or borc
# writes, it reads as one of January 1970, and a day is 86 seconds there. It is a Date like
# any other and nothing is raised. Back and forth with itself all is well, as it writes dates as
# text (tag 0), and the others read those right, too: only one direction of a conversation is
# wrong. And borc writes whole seconds, rounded: its Date can lie half a second ahead of the one it
# was given, and two positions that are 0.6 s apart have the same time or are a second apart.
#
# Seen with cbor-sync 1.0.4, cbor 10.0.12 and borc 3.0.0 of the npm registry, the newest of each.
# That borc rounds stands in a remark of its source and not in its documentation.
#
# For somebody who builds on it: send a time as a plain number of milliseconds or as text, or give
# cbor-sync a reader for tag 1 that multiplies by 1000 (addSemanticDecode); refuse what lies in
# 1970.
#
# Source: RFC 8949, section 3.4.2: tag 1 is a numerical representation of seconds from 1970-01-01
# 00:00 UTC on; a floating-point number has fractions of seconds.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    cbor-sync@1.0.4 cbor@10.0.12 borc@3.0.0 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const packages = { cbor: require('cbor'), borc: require('borc'), 'cbor-sync': require('cbor-sync') };

for (const moment of ['2026-05-01T10:00:00.000Z', '2026-05-01T10:00:00.600Z',
    '2026-05-02T10:00:00.000Z']) {
    for (const [writer, { encode }] of Object.entries(packages)) {
        const bytes = Buffer.from(encode(new Date(moment)));
        console.log(`${moment} by ${writer}: ${bytes.toString('hex')}`);
        for (const [reader, { decode }] of Object.entries(packages)) {
            const read = decode(bytes);
            const is = read instanceof Date ? read.toISOString() : `no date: ${read}`;
            console.log(`  read by ${reader.padEnd(9)} ${is}${is === moment ? '' : '   <--'}`);
        }
    }
}
END

cat >expected <<'END'
2026-05-01T10:00:00.000Z by cbor: c11a69f479a0
  read by cbor      2026-05-01T10:00:00.000Z
  read by borc      2026-05-01T10:00:00.000Z
  read by cbor-sync 1970-01-21T13:47:09.600Z   <--
2026-05-01T10:00:00.000Z by borc: c11a69f479a0
  read by cbor      2026-05-01T10:00:00.000Z
  read by borc      2026-05-01T10:00:00.000Z
  read by cbor-sync 1970-01-21T13:47:09.600Z   <--
2026-05-01T10:00:00.000Z by cbor-sync: c07818323032362d30352d30315431303a30303a30302e3030305a
  read by cbor      2026-05-01T10:00:00.000Z
  read by borc      2026-05-01T10:00:00.000Z
  read by cbor-sync 2026-05-01T10:00:00.000Z
2026-05-01T10:00:00.600Z by cbor: c1fb41da7d1e68266666
  read by cbor      2026-05-01T10:00:00.600Z
  read by borc      2026-05-01T10:00:00.600Z
  read by cbor-sync 1970-01-21T13:47:09.600Z   <--
2026-05-01T10:00:00.600Z by borc: c11a69f479a1
  read by cbor      2026-05-01T10:00:01.000Z   <--
  read by borc      2026-05-01T10:00:01.000Z   <--
  read by cbor-sync 1970-01-21T13:47:09.601Z   <--
2026-05-01T10:00:00.600Z by cbor-sync: c07818323032362d30352d30315431303a30303a30302e3630305a
  read by cbor      2026-05-01T10:00:00.600Z
  read by borc      2026-05-01T10:00:00.600Z
  read by cbor-sync 2026-05-01T10:00:00.600Z
2026-05-02T10:00:00.000Z by cbor: c11a69f5cb20
  read by cbor      2026-05-02T10:00:00.000Z
  read by borc      2026-05-02T10:00:00.000Z
  read by cbor-sync 1970-01-21T13:48:36.000Z   <--
2026-05-02T10:00:00.000Z by borc: c11a69f5cb20
  read by cbor      2026-05-02T10:00:00.000Z
  read by borc      2026-05-02T10:00:00.000Z
  read by cbor-sync 1970-01-21T13:48:36.000Z   <--
2026-05-02T10:00:00.000Z by cbor-sync: c07818323032362d30352d30325431303a30303a30302e3030305a
  read by cbor      2026-05-02T10:00:00.000Z
  read by borc      2026-05-02T10:00:00.000Z
  read by cbor-sync 2026-05-02T10:00:00.000Z
END

timeout 60 node see.cjs >seen 2>errors ||
    { cat errors; echo "(the program ended with status $?)"; } >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
