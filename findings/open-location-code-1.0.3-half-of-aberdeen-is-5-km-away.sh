#!/bin/sh
# Expected: a Plus Code can leave out its first four or six digits where a place near by is known, and
# comes back whole from them: "shorten" and "recoverNearest" are each other's inverse for the same
# reference. The specification recovers the code nearest to the reference, and cuts only where the
# reference is well inside half of the area that the digits left out name, so rounding cannot matter.
#
# Instead: some codes come back 0.05 degrees away, 5.6 km to the south or up to that to the west, as
# another valid code. The reference is rounded down to the area it lies in by a division and a
# multiplication; where the product ends a hair below the line between two areas (for about half of
# all latitudes), the prefix is that of the area before. A code of the reference's own area is
# brought back by the correction of one area that follows. A code across the next line, which would
# have needed that correction for itself, is one area short. So it is a matter of binary fractions
# and of lines that no map shows: from the middle of Nairobi all codes come back, and from the middle
# of Aberdeen, which such a line crosses, half of them are 5.6 km south.
#
# Seen with open-location-code 1.0.3 of the npm registry, the newest there is under this name.
#
# For somebody who builds on it: send whole codes; or recover from the eight digits of the
# reference's own code, compared as text, instead of from rounded degrees.
#
# Source: the specification of Open Location Code, "Recovering short codes".
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    open-location-code@1.0.3 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the package' >&2; exit 2; }

cat >see.cjs <<'END'
const codes = new (require('open-location-code').OpenLocationCode)();
const KM = 111.195;    // of a degree of latitude

// 41 by 41 positions around a reference, at most 1.1 km from it.
function around(name, latitude, longitude) {
    let same = 0, other = 0, away = 0;
    for (let row = -20; row <= 20; row++) for (let column = -20; column <= 20; column++) {
        const code = codes.encode(latitude + row * 0.0005, longitude + column * 0.0005, 10);
        const brief = codes.shorten(code, latitude, longitude);
        const back = codes.recoverNearest(brief, latitude, longitude);
        if (back === code) { same++; continue; }
        const was = codes.decode(code), is = codes.decode(back);
        other++;
        away = Math.max(away, Math.hypot(is.latitudeCenter - was.latitudeCenter,
            (is.longitudeCenter - was.longitudeCenter) * Math.cos(latitude * Math.PI / 180)) * KM);
    }
    console.log(`${name}: ${same} come back, ${other} are ${away.toFixed(1)} km away`);
}

around('Los Angeles', 34.0522, -118.2437);
around('Nairobi', -1.2921, 36.8219);
around('Aberdeen', 57.1497, -2.0943);
around('Bergen', 60.3913, 5.3221);
END

cat >expected <<'END'
Los Angeles: 1678 come back, 3 are 0.3 km away
Nairobi: 1681 come back, 0 are 0.0 km away
Aberdeen: 864 come back, 817 are 5.6 km away
Bergen: 1555 come back, 126 are 5.6 km away
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
