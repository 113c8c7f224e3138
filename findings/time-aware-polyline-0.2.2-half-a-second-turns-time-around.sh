#!/bin/sh
# Expected: a time aware polyline is Google's encoded polyline with a third number at each
# position, the time, which is given as ISO 8601 text. Its times are whole seconds when they are
# read again, so of a time with milliseconds one expects the second it lies in, or the nearest one.
#
# Instead: what is written is the difference to the time before, with its fraction. Google's scheme
# doubles a number and keeps the sign in the lowest bit, which is 0 for what is doubled: twice 1.5
# is 3, the lowest bit is set, and the reader takes it for a negative number. A position that comes
# half a second to 0.999 s after a whole number of seconds goes back in time: one each 1.5 s is
# read as one each -2 s, one each 0.5 s as one each -1 s. Steps of 0.2 s stand still. If the first
# time ends in .500 or later, the whole track lies in 1913, or in 1981 when the package itself
# reads it, in whose reader a complement has 32 bits. Positions are right in all of these, and
# nothing is raised. Whole seconds, as in the package's own examples, are right; with steps of 1.2
# s the fractions are lost one after the other.
#
# Seen with time-aware-polyline 0.2.2 of the npm registry, the newest there is. A reader of fifteen
# lines in this script finds the same times in the same text, so it is what was written.
#
# For somebody who builds on it: cut each time to whole seconds before it is encoded, all in the
# same direction, and test with times that are not whole.
#
# Source: the README of the package, which takes ISO 8601 times and knows no such limit, and asks
# for Google's "Encoded Polyline Algorithm Format": step 2 rounds the value to a whole number, step
# 4 shifts that left by one bit, step 5 inverts it if it is negative.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    time-aware-polyline@0.2.2 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the package' >&2; exit 2; }

cat >see.cjs <<'END'
const { TimeAwareEncoder } = require('time-aware-polyline');
const coder = new TimeAwareEncoder();

// The times of a time aware polyline, read without the package: each third number, added up.
function times(text) {
    const read = [];
    let seconds = 0n, value = 0n, shift = 0n, index = 0;
    for (const letter of text) {
        const bits = BigInt(letter.charCodeAt(0) - 63);
        value |= (bits & 31n) << shift;
        shift += 5n;
        if (bits & 32n) continue;
        if (index++ % 3 === 2) {
            seconds += value & 1n ? -(value >> 1n) - 1n : value >> 1n;
            read.push(new Date(Number(seconds) * 1000).toISOString());
        }
        value = shift = 0n;
    }
    return read;
}

const short = time => time.replace('2026-05-01T', '').replace('.000Z', '');
function show(what, first, stepMs) {
    const points = Array.from({ length: 5 }, (_, i) => [34.0689, -118.4452 + i * 0.0001,
        new Date(Date.parse(first) + i * stepMs).toISOString()]);
    const text = coder.encodeTimeAwarePolyline(points);
    const back = coder.decodeTimeAwarePolyline(text);
    const same = points.every((point, i) => back[i][0] === point[0] &&
        Math.abs(back[i][1] - point[1]) < 1e-9);
    console.log(`${what}, positions ${same ? 'right' : 'wrong'}
  in:      ${points.map(point => short(point[2]).replace('Z', '')).join(' ')}
  out:     ${back.map(point => short(point[2])).join(' ')}
  another: ${times(text).map(short).join(' ')}`);
}

show('1 s apart', '2026-05-01T10:00:00.000Z', 1000);
show('0.2 s apart', '2026-05-01T10:00:00.000Z', 200);
show('0.5 s apart', '2026-05-01T10:00:00.000Z', 500);
show('1.2 s apart', '2026-05-01T10:00:00.000Z', 1200);
show('1.5 s apart', '2026-05-01T10:00:00.000Z', 1500);
show('29.7 s apart', '2026-05-01T10:00:00.000Z', 29700);
show('1 s apart, from .400 on', '2026-05-01T10:00:00.400Z', 1000);
show('1 s apart, from .500 on', '2026-05-01T10:00:00.500Z', 1000);
END

cat >expected <<'END'
1 s apart, positions right
  in:      10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
  out:     10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
  another: 10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
0.2 s apart, positions right
  in:      10:00:00 10:00:00.200 10:00:00.400 10:00:00.600 10:00:00.800
  out:     10:00:00 10:00:00 10:00:00 10:00:00 10:00:00
  another: 10:00:00 10:00:00 10:00:00 10:00:00 10:00:00
0.5 s apart, positions right
  in:      10:00:00 10:00:00.500 10:00:01 10:00:01.500 10:00:02
  out:     10:00:00 09:59:59 09:59:58 09:59:57 09:59:56
  another: 10:00:00 09:59:59 09:59:58 09:59:57 09:59:56
1.2 s apart, positions right
  in:      10:00:00 10:00:01.200 10:00:02.400 10:00:03.600 10:00:04.800
  out:     10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
  another: 10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
1.5 s apart, positions right
  in:      10:00:00 10:00:01.500 10:00:03 10:00:04.500 10:00:06
  out:     10:00:00 09:59:58 09:59:56 09:59:54 09:59:52
  another: 10:00:00 09:59:58 09:59:56 09:59:54 09:59:52
29.7 s apart, positions right
  in:      10:00:00 10:00:29.700 10:00:59.400 10:01:29.100 10:01:58.800
  out:     10:00:00 09:59:30 09:59:00 09:58:30 09:58:00
  another: 10:00:00 09:59:30 09:59:00 09:58:30 09:58:00
1 s apart, from .400 on, positions right
  in:      10:00:00.400 10:00:01.400 10:00:02.400 10:00:03.400 10:00:04.400
  out:     10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
  another: 10:00:00 10:00:01 10:00:02 10:00:03 10:00:04
1 s apart, from .500 on, positions right
  in:      10:00:00.500 10:00:01.500 10:00:02.500 10:00:03.500 10:00:04.500
  out:     1981-09-20T17:14:07 1981-09-20T17:14:08 1981-09-20T17:14:09 1981-09-20T17:14:10 1981-09-20T17:14:11
  another: 1913-09-02T13:59:59 1913-09-02T14:00:00 1913-09-02T14:00:01 1913-09-02T14:00:02 1913-09-02T14:00:03
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
