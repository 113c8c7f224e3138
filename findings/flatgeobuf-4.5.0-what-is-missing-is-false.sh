#!/bin/sh
# Expected: FlatGeobuf keeps the properties of a feature as pairs of a column and a value, and the
# pair of what a feature does not have is left out; its page calls the format lossless. A phone
# that did not say whether it moves has no "moves" when the file is read again.
#
# Instead: the reference implementation for JavaScript leaves out what is null, but writes a value
# for what is missing: false in a column of truth values, NaN in one of numbers, the empty text in
# one of texts. "moves" of a phone that did not say so is false, like that of one that stands, and
# a limit such as "battery below 20" is not met by NaN, nor is its opposite. The columns and their
# types are those of the first feature alone: what it does not have is gone from all others, what
# is null there is text in all others, and a number in a column of truth values is true or false by
# the last eight bits of its whole part, so 0.5 and 256 are false. Nothing is raised. The order of
# the features decides: with a complete one in front they lose nothing, and have values that nobody
# gave them.
#
# Seen with flatgeobuf 4.5.0 of the npm registry, the newest there is. A pair that was left out, as
# for null, is read right, so it is what was written.
#
# For somebody who builds on it: give every feature every property, null if there is none, of one
# type per column, and put one first that has them all; or write the file with another program.
#
# Source: the format's feature.fbs (properties are key and value pairs, the key being a column) and
# header.fbs (columns are nullable unless they say otherwise); the README ("FlatGeobuf is
# lossless"); RFC 7946, section 3.2: properties are any JSON object.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    flatgeobuf@4.5.0 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the package' >&2; exit 2; }

cat >see.mjs <<'END'
import { deserialize, serialize } from 'flatgeobuf/lib/mjs/geojson.js';

// As JSON, but with NaN, which JSON writes as null.
const text = (properties) => `{${Object.entries(properties)
    .map(([name, value]) => `${name}: ${Number.isNaN(value) ? 'NaN' : JSON.stringify(value)}`)
    .join(', ')}}`;

async function through(what, all) {
    const features = all.map((properties) => ({ type: 'Feature', properties,
        geometry: { type: 'Point', coordinates: [-118.4452, 34.0689] } }));
    console.log(what);
    let i = 0;
    for await (const feature of deserialize(serialize({ type: 'FeatureCollection', features }))) {
        const before = text(all[i++]), after = text(feature.properties);
        console.log(`  ${before}${before === after ? ', the same' : `\n    became ${after}`}`);
    }
}

const complete = { id: 'kiwi', moves: true, battery: 80, note: 'on foot' };
await through('all have all', [complete, { id: 'emu', moves: false, battery: 15, note: '' }]);
await through('null', [complete, { id: 'emu', moves: null, battery: null, note: null }]);
await through('missing', [complete, { id: 'emu' }]);
await through('the first is missing one, and one is null', [{ id: 'emu', battery: null }, complete]);
await through('a number in a column of truth values', [complete, { ...complete, moves: 0.5 },
    { ...complete, moves: 256 }, { ...complete, moves: 257 }]);
END

cat >expected <<'END'
all have all
  {id: "kiwi", moves: true, battery: 80, note: "on foot"}, the same
  {id: "emu", moves: false, battery: 15, note: ""}, the same
null
  {id: "kiwi", moves: true, battery: 80, note: "on foot"}, the same
  {id: "emu", moves: null, battery: null, note: null}
    became {id: "emu"}
missing
  {id: "kiwi", moves: true, battery: 80, note: "on foot"}, the same
  {id: "emu"}
    became {id: "emu", moves: false, battery: NaN, note: ""}
the first is missing one, and one is null
  {id: "emu", battery: null}
    became {id: "emu"}
  {id: "kiwi", moves: true, battery: 80, note: "on foot"}
    became {id: "kiwi", battery: "80"}
a number in a column of truth values
  {id: "kiwi", moves: true, battery: 80, note: "on foot"}, the same
  {id: "kiwi", moves: 0.5, battery: 80, note: "on foot"}
    became {id: "kiwi", moves: false, battery: 80, note: "on foot"}
  {id: "kiwi", moves: 256, battery: 80, note: "on foot"}
    became {id: "kiwi", moves: false, battery: 80, note: "on foot"}
  {id: "kiwi", moves: 257, battery: 80, note: "on foot"}
    became {id: "kiwi", moves: true, battery: 80, note: "on foot"}
END

timeout 60 node see.mjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
