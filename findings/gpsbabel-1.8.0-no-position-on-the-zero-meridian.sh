#!/bin/sh
# Expected: a track of GPX that is converted to TCX, the format of training devices, has the same
# positions afterwards, to seven decimal places. Latitude 0 and longitude 0 are places like others.
#
# Instead: gpsbabel leaves out the position of every point that lies on the equator or on the zero
# meridian, not only where both cross: it takes a coordinate of 0 for "none". The point stays, with
# its time, as from a device that had no reception, and the exit status is 0. When gpsbabel reads
# that file, it passes the point over. A recorded track that crosses the line loses a point now and
# then; a planned or simulated one, whose coordinates are round, loses a whole stretch. KML and GPX
# written by the same program keep them all.
#
# Seen with gpsbabel 1.8.0 of Debian 12.
#
# For somebody who builds on it: count the <Position> elements against the points of the source, or
# write another format; test converters with longitude 0 and latitude 0 each alone, not as a pair.
#
# Source: gpsbabel's manual, chapter "Garmin Training Center": "we can describe the tracks pretty
# accurately", it knows no such limit; the schema of TCX version 2, Position_t: a latitude is any
# number from -90 to 90, a longitude any from -180 on, below 180.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried (it wants the packages of
# Debian 12).
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"

# The packages with all that they need, by lists and a status of our own: nothing is installed.
mkdir -p state/lists/partial cache/archives/partial root
: >status
apt() {
    timeout 180 apt-get -q -y -o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" \
        -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User="$(id -un)" "$@" >>apt.log 2>&1
}
if ! { apt update &&
    apt install --download-only --no-install-recommends gpsbabel=1.8.0+ds-5; }; then
    echo 'not tried: apt did not bring the packages' >&2
    exit 2
fi
for package in cache/archives/gpsbabel_*.deb cache/archives/lib*.deb; do
    case $package in */libc6_*) ;; *) dpkg -x "$package" root ;; esac
done
libraries=$(find "$tmp/root" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -sd:)
babel() { LD_LIBRARY_PATH=$libraries timeout 30 root/usr/bin/gpsbabel -t "$@"; }

point() { echo "<trkpt lat=\"$1\" lon=\"$2\"><time>2026-05-01T10:00:$3Z</time></trkpt>"; }
{
    echo '<gpx version="1.1" creator="see" xmlns="http://www.topografix.com/GPX/1/1">'
    echo '<trk><trkseg>'
    point 51.4 0.0001 00
    point 51.4 0 10
    point 51.5 0 20
    point 51.5 -0.0001 30
    echo '</trkseg></trk><trk><trkseg>'
    point 0.0001 32.5 40
    point 0 32.5 45
    point -0.0001 32.5 50
    echo '</trkseg></trk></gpx>'
} >in.gpx

cat >expected <<'END'
GPSBabel Version 1.8.0
TCX, point by point
  2026-05-01T10:00:00Z 51.4000000 0.0001000
  2026-05-01T10:00:10Z
  2026-05-01T10:00:20Z
  2026-05-01T10:00:30Z 51.5000000 -0.0001000
  2026-05-01T10:00:40Z 0.0001000 32.5000000
  2026-05-01T10:00:45Z
  2026-05-01T10:00:50Z -0.0001000 32.5000000
gtrnctr, read again
  51.400000,0.000100
  51.500000,-0.000100
  0.000100,32.500000
  -0.000100,32.500000
kml, read again
  51.400000,0.000100
  51.400000,0.000000
  51.500000,0.000000
  51.500000,-0.000100
  0.000100,32.500000
  0.000000,32.500000
  -0.000100,32.500000
gpx, read again
  51.400000,0.000100
  51.400000,0.000000
  51.500000,0.000000
  51.500000,-0.000100
  0.000100,32.500000
  0.000000,32.500000
  -0.000100,32.500000
END

{
    babel -V | sed '/^$/d'
    for format in gtrnctr kml gpx; do
        babel -i gpx -f in.gpx -o $format -F "out.$format" || echo "status $?"
    done
    echo 'TCX, point by point'
    awk -F '[<>]' '/<Trackpoint>/ { point = " " }
        point && /<(Time|LatitudeDegrees|LongitudeDegrees)>/ { point = point " " $3 }
        /<\/Trackpoint>/ { print point; point = "" }' out.gtrnctr
    for format in gtrnctr kml gpx; do
        echo "$format, read again"
        babel -i $format -f "out.$format" -o unicsv -F - |
            tr -d '\r' | cut -d, -f2,3 | sed '1d; s/^/  /'
    done
} >seen 2>&1 || echo '(a command failed)' >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
