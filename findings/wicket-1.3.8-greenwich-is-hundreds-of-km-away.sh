#!/bin/sh
# Expected: well-known text goes from one library to the next. What one writes, the other reads as
# the same position, or refuses.
#
# Instead: writers print numbers as their language does, so a longitude just beside the meridian of
# Greenwich (or a latitude beside the equator) gets an exponent: 4e-7 in JavaScript below 0.000001,
# 8.6e-05 in C and so in PostGIS below 0.0001. Wicket reads the digits, passes over the exponent and
# says nothing: 8.6e-05 becomes 8.6 degrees, and a point in London lies in Germany. In a line or an
# outline only the one position is off, with a spike over half of Europe. Test data from anywhere
# else never shows it. Two other readers take the same text right.
#
# Seen with wicket 1.3.8, texts written by wellknown 0.5.0 and @terraformer/wkt 2.2.2, and these two
# as readers, all of the npm registry.
#
# For somebody who builds on it: write decimals without an exponent (seven places are a centimetre),
# let every reader of numbers insist that it used up the whole word, and put one position at
# 0.0000004 into the tests.
#
# Source: OGC 06-103r4 (Simple Feature Access, part 1), grammar of well-known text: a number is an
# exact or an approximate numeric literal, and the latter is a mantissa, E and an exponent.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    wicket@1.3.8 wellknown@0.5.0 @terraformer/wkt@2.2.2 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const terraformer = require('@terraformer/wkt');
const wellknown = require('wellknown');
const wicket = require('wicket');

const point = {type: 'Point', coordinates: [4e-7, 51.4779]};
const line = {type: 'LineString', coordinates: [[-0.0006, 51.5], [4e-7, 51.5], [0.0007, 51.5]]};
const texts = [
    ['wellknown', wellknown.stringify(point)],
    ['@terraformer/wkt', terraformer.geojsonToWKT(point)],
    ['wellknown', wellknown.stringify(line)],
    ['a C library', 'POINT(8.6e-05 51.4779)'],
];
const readers = {
    'wicket': (text) => new wicket.Wkt(text).toJson(),
    'wellknown': wellknown.parse,
    '@terraformer/wkt': terraformer.wktToGeoJSON,
};
for (const [writer, text] of texts) {
    console.log(`${writer} writes ${text}`);
    for (const [name, read] of Object.entries(readers))
        console.log(`  ${name} reads ${JSON.stringify(read(text).coordinates)}`);
}

const [wrong] = readers.wicket(texts[3][1]).coordinates;
const km = (wrong - 8.6e-5) * Math.PI / 180 * 6371 * Math.cos(51.4779 * Math.PI / 180);
console.log(`the last point has moved east by about ${Math.round(km / 10) * 10} km`);
END

cat >expected <<'END'
wellknown writes POINT (4e-7 51.4779)
  wicket reads [4,51.4779]
  wellknown reads [4e-7,51.4779]
  @terraformer/wkt reads [4e-7,51.4779]
@terraformer/wkt writes POINT (4e-7 51.4779)
  wicket reads [4,51.4779]
  wellknown reads [4e-7,51.4779]
  @terraformer/wkt reads [4e-7,51.4779]
wellknown writes LINESTRING (-0.0006 51.5, 4e-7 51.5, 0.0007 51.5)
  wicket reads [[-0.0006,51.5],[4,51.5],[0.0007,51.5]]
  wellknown reads [[-0.0006,51.5],[4e-7,51.5],[0.0007,51.5]]
  @terraformer/wkt reads [[-0.0006,51.5],[4e-7,51.5],[0.0007,51.5]]
a C library writes POINT(8.6e-05 51.4779)
  wicket reads [8.6,51.4779]
  wellknown reads [0.000086,51.4779]
  @terraformer/wkt reads [0.000086,51.4779]
the last point has moved east by about 600 km
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
