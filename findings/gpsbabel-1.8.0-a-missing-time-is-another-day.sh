#!/bin/sh
# Expected: a track of GPX that is converted to IGC, the format of flight recorders, and read again
# has the times that it had, to the second. IGC cannot leave out the time of a position; so one that
# has none is left out, or refused, or gets a time between those of its neighbours.
#
# Instead: gpsbabel writes it with the time 000000, without a word. IGC has a date in its heading
# only, and a time smaller than the one before means that midnight has passed. So one position
# without a time puts the rest of the flight on the next day, and every further one adds a day: a
# minute of flight lasts for days, the other times of day being right. By way of GDB, written and
# read by the same program, that position comes back without a time and the others as they were.
#
# Seen with gpsbabel 1.8.0 of Debian 12, which both writes and reads the file.
#
# For somebody who builds on it: discard positions without a time before IGC is written, and compare
# the last time of the result with that of the source.
#
# Source: gpsbabel's manual, chapter "FAI/IGC Flight Recorder Data Format", tells how to convert GPX
# and knows no such limit; the schema of GPX 1.1, wptType: the time of a position is optional; FAI's
# technical specification for IGC recorders, appendix A: the time in a B record is UTC, HHMMSS.
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

point() { echo "<trkpt lat=\"$1\" lon=\"16.3\"><ele>900</ele>$2</trkpt>"; }
at() { echo "<time>2026-05-01T10:00:$1Z</time>"; }
# Six positions, ten seconds apart; the arguments are their times.
track() {
    echo '<gpx version="1.1" creator="see" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
    latitude=48.20
    for time; do
        point "$latitude" "$time"
        latitude=48.2$((${latitude#48.2} + 1))
    done
    echo '</trkseg></trk></gpx>'
}
track "$(at 00)" "$(at 10)" "$(at 20)" "$(at 30)" "$(at 40)" "$(at 50)" >whole.gpx
track "$(at 00)" '' "$(at 20)" "$(at 30)" "$(at 40)" "$(at 50)" >one.gpx
track "$(at 00)" '' "$(at 20)" '' "$(at 40)" "$(at 50)" >two.gpx

cat >expected <<'END'
GPSBabel Version 1.8.0
whole.gpx by gdb
  48.200000,2026/05/01,10:00:00
  48.210000,2026/05/01,10:00:10
  48.220000,2026/05/01,10:00:20
  48.230000,2026/05/01,10:00:30
  48.240000,2026/05/01,10:00:40
  48.250000,2026/05/01,10:00:50
whole.gpx by igc
  48.200000,2026/05/01,10:00:00
  48.210000,2026/05/01,10:00:10
  48.220000,2026/05/01,10:00:20
  48.230000,2026/05/01,10:00:30
  48.240000,2026/05/01,10:00:40
  48.250000,2026/05/01,10:00:50
one.gpx by gdb
  48.200000,2026/05/01,10:00:00
  48.210000,,
  48.220000,2026/05/01,10:00:20
  48.230000,2026/05/01,10:00:30
  48.240000,2026/05/01,10:00:40
  48.250000,2026/05/01,10:00:50
one.gpx by igc
  48.200000,2026/05/01,10:00:00
  48.210000,2026/05/02,00:00:00
  48.220000,2026/05/02,10:00:20
  48.230000,2026/05/02,10:00:30
  48.240000,2026/05/02,10:00:40
  48.250000,2026/05/02,10:00:50
two.gpx by gdb
  48.200000,2026/05/01,10:00:00
  48.210000,,
  48.220000,2026/05/01,10:00:20
  48.230000,,
  48.240000,2026/05/01,10:00:40
  48.250000,2026/05/01,10:00:50
two.gpx by igc
  48.200000,2026/05/01,10:00:00
  48.210000,2026/05/02,00:00:00
  48.220000,2026/05/02,10:00:20
  48.230000,2026/05/03,00:00:00
  48.240000,2026/05/03,10:00:40
  48.250000,2026/05/03,10:00:50
the positions of the last in IGC
  B1000004812000N01618000EA0000000900
  B0000004812600N01618000EA0000000900
  B1000204813200N01618000EA0000000900
  B0000004813800N01618000EA0000000900
  B1000404814400N01618000EA0000000900
  B1000504815000N01618000EA0000000900
END

{
    babel -V | sed '/^$/d'
    for track in whole one two; do
        for format in gdb igc; do
            echo "$track.gpx by $format"
            babel -i gpx -f $track.gpx -o $format -F out || echo "status $?"
            babel -i $format -f out -o unicsv -F - |
                tr -d '\r' | cut -d, -f2,5,6 | sed '1d; s/^/  /'
        done
    done
    echo 'the positions of the last in IGC'
    tr -d '\r' <out | sed -n 's/^B/  &/p'
} >seen 2>&1 || echo '(a command failed)' >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
