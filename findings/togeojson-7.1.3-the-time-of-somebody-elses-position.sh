#!/bin/sh
# Expected: a track of GPX becomes a line of GeoJSON, with a list of times beside the coordinates.
# Its page says that the lists follow the convention "geojson-coordinate-properties", for attributes
# that apply to each coordinate: the third time is that of the third position. A position that has
# no heart rate gets a null in the list of heart rates.
#
# Instead: a position without a time leaves no null in the list of times, it is passed over there
# and kept in the coordinates. Every time from there on belongs to the position before, and the list
# is shorter than the line. Whoever goes through both by one index gets a track that looks sound,
# with a wrong time at every position of its rest. For TCX the heart rates are passed over instead:
# whether a gap is a null or a shift depends on the attribute and on the format that was read.
#
# Seen with @tmcw/togeojson 7.1.3 and @xmldom/xmldom 0.9.12 of the npm registry. The same was
# reported in 2017 for heart rates of GPX (issue 128 of mapbox/togeojson, from which this one
# descends) and mended for those.
#
# For somebody who builds on it: compare the lengths of the lists with that of the line, and drop
# the list where they differ; or remove positions without a time from the GPX before.
#
# Source: the schema of GPX 1.1, wptType: time and all other elements of a position are optional,
# position by position; and that of TCX version 2, Trackpoint_t: so is HeartRateBpm.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    @tmcw/togeojson@7.1.3 @xmldom/xmldom@0.9.12 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.mjs <<'END'
import {gpx, tcx} from '@tmcw/togeojson';
import {DOMParser} from '@xmldom/xmldom';

const read = (reader, xml) => reader(new DOMParser().parseFromString(xml, 'text/xml')).features[0];
const iso = (second) => `<time>2026-05-01T10:00:0${second}Z</time>`;

/* One position per row: [longitude, second or null, pulse or null]. All lie on the equator. */
const gpxOf = (rows) => `<gpx version="1.1" creator="see"
 xmlns="http://www.topografix.com/GPX/1/1"
 xmlns:x="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"><trk><trkseg>${
    rows.map(([longitude, second, pulse]) => `<trkpt lat="0" lon="${longitude}">${
        second === null ? '' : iso(second)}${
        pulse === null ? '' : `<extensions><x:TrackPointExtension><x:hr>${pulse}</x:hr>
 </x:TrackPointExtension></extensions>`}</trkpt>`).join('\n')}</trkseg></trk></gpx>`;

const tcxOf = (rows) => `<TrainingCenterDatabase
 xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>
<Activity Sport="Running"><Id>2026-05-01T10:00:00Z</Id><Lap StartTime="2026-05-01T10:00:00Z">
<TotalTimeSeconds>4</TotalTimeSeconds><DistanceMeters>9</DistanceMeters><Calories>1</Calories>
<Intensity>Active</Intensity><TriggerMethod>Manual</TriggerMethod><Track>${
    rows.map(([longitude, second, pulse]) => `<Trackpoint><Time>2026-05-01T10:00:0${second}Z</Time>
<Position><LatitudeDegrees>0</LatitudeDegrees><LongitudeDegrees>${longitude}</LongitudeDegrees>
</Position>${pulse === null ? '' : `<HeartRateBpm><Value>${pulse}</Value></HeartRateBpm>`
    }</Trackpoint>`).join('\n')}</Track></Lap></Activity></Activities></TrainingCenterDatabase>`;

const show = (name, feature) => {
    console.log(name);
    console.log('  longitudes:', ...feature.geometry.coordinates.map((position) => position[0]));
    for (const [key, values] of Object.entries(feature.properties.coordinateProperties))
        console.log(`  ${key}:`, ...values.map((value) =>
            typeof value === 'string' ? value.slice(17, 19) : value));
};

const whole = [[1, 1, 101], [2, 2, 102], [3, 3, 103], [4, 4, 104]];
show('GPX, all times and heart rates', read(gpx, gpxOf(whole)));
show('GPX, the second heart rate missing', read(gpx, gpxOf(
    whole.map((row, i) => i === 1 ? [row[0], row[1], null] : row))));
show('GPX, the second time missing', read(gpx, gpxOf(
    whole.map((row, i) => i === 1 ? [row[0], null, row[2]] : row))));
show('TCX, all heart rates', read(tcx, tcxOf(whole)));
show('TCX, the second heart rate missing', read(tcx, tcxOf(
    whole.map((row, i) => i === 1 ? [row[0], row[1], null] : row))));
END

cat >expected <<'END'
GPX, all times and heart rates
  longitudes: 1 2 3 4
  times: 01 02 03 04
  x:TrackPointExtensions: 101 102 103 104
GPX, the second heart rate missing
  longitudes: 1 2 3 4
  times: 01 02 03 04
  x:TrackPointExtensions: 101 null 103 104
GPX, the second time missing
  longitudes: 1 2 3 4
  times: 01 03 04
  x:TrackPointExtensions: 101 102 103 104
TCX, all heart rates
  longitudes: 1 2 3 4
  times: 01 02 03 04
  heart: 101 102 103 104
TCX, the second heart rate missing
  longitudes: 1 2 3 4
  times: 01 02 03 04
  heart: 101 103 104
END

timeout 60 node see.mjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
