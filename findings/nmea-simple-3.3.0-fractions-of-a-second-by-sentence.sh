#!/bin/sh
# Expected: RMC and GGA carry the time of a fix in the same form, hhmmss and a fraction of as many
# digits as the receiver likes. A library reads both alike, so the two sentences of one fix, which a
# receiver sends one after the other, can be put together by their time.
#
# Instead: nmea-simple keeps the fraction of an RMC sentence only if it has exactly two digits
# (123519.50, as u-blox writes). With one digit, or with three (123519.500, as SiRF and MediaTek
# receivers write) it becomes .000, without an error and with the checksum found good. GGA and GLL
# keep any fraction. A receiver at 10 Hz that writes three digits gives ten positions a second of
# one and the same time in RMC, in GGA ten times: whoever orders positions by the time of RMC keeps
# the first of each second or the last, and whoever joins the two sentences by time loses nine of
# ten. At 1 Hz, on the full second, nothing shows.
#
# Seen with nmea-simple 3.3.0 of the npm registry; gps 0.9.0 keeps the fraction of all of them.
#
# For somebody who builds on it: try a reader of NMEA sentences with fractions of one, two and three
# digits in each sentence, and never let equal times alone decide that a position is a duplicate.
#
# Source: the field hhmmss.ss of NMEA 0183, whose fraction is of variable length (gpsd's "NMEA
# Revealed", "NMEA Encoding Conventions"; SiRF's NMEA reference manual has hhmmss.sss).
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    nmea-simple@3.3.0 gps@0.9.0 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const GPS = require('gps');
const {parseNmeaSentence} = require('nmea-simple');

const sentence = (body) => {
    const sum = [...body].reduce((sum, letter) => sum ^ letter.charCodeAt(0), 0);
    return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}`;
};
const place = '3404.1358,N,11826.7162,W';
const time = (date) => date.toISOString().slice(11, 23);

console.log('time in the sentence   nmea-simple: RMC, GGA, GLL                 gps: RMC');
for (const text of ['123519', '123519.5', '123519.50', '123519.500', '123519.25', '123519.250']) {
    const rmc = sentence(`GNRMC,${text},A,${place},1.5,84.4,010326,,,A`);
    const gga = sentence(`GNGGA,${text},${place},1,08,0.9,120.4,M,-34.0,M,,`);
    const gll = sentence(`GNGLL,${place},${text},A,A`);
    const read = [parseNmeaSentence(rmc).datetime, parseNmeaSentence(gga).time,
        parseNmeaSentence(gll).time].map(time);
    console.log(`${text.padEnd(22)} ${read.join(', ')}     ${time(GPS.Parse(rmc).time)}`);
}

const tenth = (i) => sentence(`GNRMC,123519.${i}00,A,${place},1.5,84.4,010326,,,A`);
const times = new Set();
for (let i = 0; i < 10; i++) times.add(time(parseNmeaSentence(tenth(i)).datetime));
console.log(`ten RMC sentences of one second, three digits: ${times.size} time(s)`);
END

cat >expected <<'END'
time in the sentence   nmea-simple: RMC, GGA, GLL                 gps: RMC
123519                 12:35:19.000, 12:35:19.000, 12:35:19.000     12:35:19.000
123519.5               12:35:19.000, 12:35:19.500, 12:35:19.500     12:35:19.500
123519.50              12:35:19.500, 12:35:19.500, 12:35:19.500     12:35:19.500
123519.500             12:35:19.000, 12:35:19.500, 12:35:19.500     12:35:19.500
123519.25              12:35:19.250, 12:35:19.250, 12:35:19.250     12:35:19.250
123519.250             12:35:19.000, 12:35:19.250, 12:35:19.250     12:35:19.250
ten RMC sentences of one second, three digits: 1 time(s)
END

TZ=UTC timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
