#!/bin/sh
# Expected: TWKB keeps each position as the difference to the one before, in whole units of the
# precision in its header, here 0.00001 degree or about 1.1 m. The format's text has each coordinate
# made a whole number first and the difference taken of two whole numbers, so an error is half a
# unit at each position and never adds up.
#
# Instead: the difference is taken of the numbers with their fractions, and then cut towards zero.
# What is cut off at one position is missing at all that follow, and while somebody moves in one
# direction all errors have the same sign. A walk of 1,000 positions that are 2 m apart ends 900 m
# too early; somebody who moves 1 m between two positions never leaves the first. Positions that
# were rounded to five digits before drift as well, only less: 0.00001 has no exact binary form, and
# a difference of 6.9999999 units becomes 6. A single position, and a line of whole degrees as in
# most tests, are right. A reader of ten lines in this script finds the same drift in the same
# bytes, so it is what was written and not how it is read.
#
# Seen with wkx 0.5.0 of the npm registry, the newest there is, which other packages use for PostGIS.
#
# For somebody who builds on it: keep tracks as WKB, or let PostGIS write TWKB, whose differences are
# of whole numbers; a test has to compare the last position of a long track, not the first.
#
# Source: the TWKB specification, sections on precision and pointarrays; ST_AsTWKB of PostGIS.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    wkx@0.5.0 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the package' >&2; exit 2; }

cat >see.cjs <<'END'
const wkx = require('wkx');
const METRES = 111195;    // of a degree of latitude

// The last latitude of a line in TWKB, read without the package: type, size, count, differences.
function lastLatitude(bytes) {
    let at = 2;
    const varint = () => {
        let value = 0, scale = 1;
        for (; bytes[at] & 0x80; scale *= 128) value += (bytes[at++] & 0x7f) * scale;
        return value + bytes[at++] * scale;
    };
    const signed = () => { const v = varint(); return v % 2 ? -(v + 1) / 2 : v / 2; };
    let latitude = 0;
    for (let left = varint(); left > 0; left--) { signed(); latitude += signed(); }
    return latitude / 1e5;
}

function walk(what, count, stepUnits, digits = 16) {
    const points = [];
    for (let i = 0; i < count; i++) points.push(new wkx.Point(
        -118.25, Number((34 + i * stepUnits * 1e-5).toFixed(digits))));
    const bytes = new wkx.LineString(points).toTwkb();
    const read = wkx.Geometry.parseTwkb(bytes).points, last = points[count - 1].y;
    const metres = latitude => ((last - latitude) * METRES).toFixed(0);
    console.log(`${what}: ends ${metres(read[count - 1].y)} m short, by another reader ${
        metres(lastLatitude(bytes))} m`);
}

walk('2 positions 2.0 m apart', 2, 1.81);
walk('100 positions 2.0 m apart', 100, 1.81);
walk('1,000 positions 2.0 m apart', 1000, 1.81);
walk('1,000 positions 1.0 m apart', 1000, 0.9);
walk('1,000 positions 7.5 m apart', 1000, 6.7);
walk('1,000 positions 7.5 m apart, rounded to five digits', 1000, 6.7, 5);
END

cat >expected <<'END'
2 positions 2.0 m apart: ends 1 m short, by another reader 1 m
100 positions 2.0 m apart: ends 89 m short, by another reader 89 m
1,000 positions 2.0 m apart: ends 900 m short, by another reader 900 m
1,000 positions 1.0 m apart: ends 1000 m short, by another reader 1000 m
1,000 positions 7.5 m apart: ends 778 m short, by another reader 778 m
1,000 positions 7.5 m apart, rounded to five digits: ends 232 m short, by another reader 232 m
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
