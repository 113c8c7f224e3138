#!/bin/sh
# Expected: Geobuf stores GeoJSON "nearly lossless", as its page says: coordinates are rounded to
# six decimal places. What it cannot store, it refuses.
#
# Instead: it knows one number of dimensions for a whole file, and a position without an altitude
# spoils those of its neighbours, without an error. Receivers of satellite navigation write such
# tracks: no altitude until enough satellites are seen, or now and then none. Without an altitude in
# the first position of a line, all its altitudes become 0. Without one further on, every position
# from there on has the altitude of the one before, to the end of the line. And one single altitude
# anywhere in a collection gives an altitude of 0 to all points that had none, though 0 is a real
# altitude: sea level. The order decides, so the same positions backwards give other altitudes.
#
# Seen with geobuf 4.0.0 and pbf 4.0.1 of the npm registry. Its makers have known a part of it since
# 2017 (issue 78 of their repository: one altitude for all); its page does not mention it.
#
# For somebody who builds on it: write an altitude into all positions of a file or into none, and
# compare a file with what comes back out of it, in all dimensions.
#
# Source: RFC 7946, section 3.1.1: a position has two elements or more, the altitude being optional,
# position by position.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    geobuf@4.0.0 pbf@4.0.1 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.mjs <<'END'
import * as geobuf from 'geobuf';
import Pbf from 'pbf';

const through = (geojson) => geobuf.decode(new Pbf(geobuf.encode(geojson, new Pbf())));
const show = (name, before, after) =>
    console.log(`${name}\n  in:  ${JSON.stringify(before)}\n  out: ${JSON.stringify(after)}`);

const line = (name, coordinates) =>
    show(name, coordinates, through({type: 'LineString', coordinates}).coordinates);
line('a line, all altitudes', [[1, 2, 110], [3, 4, 120], [5, 6, 130], [7, 8, 140]]);
line('a line, the first altitude missing', [[1, 2], [3, 4, 120], [5, 6, 130], [7, 8, 140]]);
line('a line, the second missing', [[1, 2, 110], [3, 4], [5, 6, 130], [7, 8, 140]]);
line('the same backwards', [[7, 8, 140], [5, 6, 130], [3, 4], [1, 2, 110]]);

const points = [[1, 2], [3, 4, 120], [5, 6]];
const collection = {type: 'FeatureCollection', features: points.map((coordinates) =>
    ({type: 'Feature', properties: {}, geometry: {type: 'Point', coordinates}}))};
show('three points, one with an altitude', points,
    through(collection).features.map((feature) => feature.geometry.coordinates));
END

cat >expected <<'END'
a line, all altitudes
  in:  [[1,2,110],[3,4,120],[5,6,130],[7,8,140]]
  out: [[1,2,110],[3,4,120],[5,6,130],[7,8,140]]
a line, the first altitude missing
  in:  [[1,2],[3,4,120],[5,6,130],[7,8,140]]
  out: [[1,2,0],[3,4,0],[5,6,0],[7,8,0]]
a line, the second missing
  in:  [[1,2,110],[3,4],[5,6,130],[7,8,140]]
  out: [[1,2,110],[3,4,110],[5,6,110],[7,8,110]]
the same backwards
  in:  [[7,8,140],[5,6,130],[3,4],[1,2,110]]
  out: [[7,8,140],[5,6,130],[3,4,130],[1,2,130]]
three points, one with an altitude
  in:  [[1,2],[3,4,120],[5,6]]
  out: [[1,2,0],[3,4,120],[5,6,0]]
END

timeout 60 node see.mjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
