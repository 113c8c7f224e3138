#!/bin/sh
# Expected: APRS sends the time of a position as day, hour and minute (or hour, minute, second), and
# leaves it to the receiver to add the rest. A position arrives seconds or minutes after its time,
# so the date that is meant is the nearest one, nearly always in the past: heard half a minute after
# midnight on the first of a month, "31st, 23:59" is last month's end, and "23:59:50" is yesterday.
#
# Instead: the day, or the hour, is put into the date of now, whatever comes out. Half a minute after
# the month has turned, all that was sent in the minute before lies a month ahead; each midnight
# the form with seconds lies a day ahead. And a day that the present month does not have runs over
# into the next: a report of the 31st that is read again on the 30th of November is of the 1st of
# December, which looks like a sound time of tomorrow. Nothing is raised, and a table that keeps the
# newest position of each station keeps these for the whole month and refuses what is really new.
#
# Seen with aprs-parser 1.0.9 of the npm registry, with a Date whose clock stands at the time of
# arrival.
#
# For somebody who builds on it: take the time from the text again, try it in the months (or days)
# before, of and after the time of arrival, and keep the nearest; or refuse what is more than a
# few minutes ahead of arrival.
#
# Source: APRS Protocol Reference 1.0.1, chapter 6, time formats.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    aprs-parser@1.0.9 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the package' >&2; exit 2; }

cat >see.cjs <<'END'
const { APRSParser } = require('aprs-parser');
const RealDate = Date;

// Date with the clock standing at `now`; all else is as it is.
function at(now, read) {
    globalThis.Date = class extends RealDate {
        constructor(...words) { super(...(words.length ? words : [now])); }
        static now() { return RealDate.parse(now); }
    };
    try { return read(); } finally { globalThis.Date = RealDate; }
}

for (const [now, time] of [
    ['2026-11-30T12:01:00.000Z', '301200z'],
    ['2026-11-30T12:01:00.000Z', '120030h'],
    ['2026-12-01T00:00:30.000Z', '302359z'],
    ['2026-12-01T00:00:30.000Z', '235950h'],
    ['2027-01-01T00:00:30.000Z', '312359z'],
    ['2026-11-30T12:00:00.000Z', '312359z'],
]) {
    const packet = at(now, () =>
        new APRSParser().parse(`N0CALL>APRS:@${time}4903.50N/07201.75W>`));
    const ahead = (packet.data.timestamp - new Date(now)) / 86400000;
    console.log(`heard ${now}, sent ${time}: ${packet.data.timestamp.toISOString()}, ${
        ahead.toFixed(2)} days ahead`);
}
END

cat >expected <<'END'
heard 2026-11-30T12:01:00.000Z, sent 301200z: 2026-11-30T12:00:00.000Z, -0.00 days ahead
heard 2026-11-30T12:01:00.000Z, sent 120030h: 2026-11-30T12:00:30.000Z, -0.00 days ahead
heard 2026-12-01T00:00:30.000Z, sent 302359z: 2026-12-30T23:59:00.000Z, 30.00 days ahead
heard 2026-12-01T00:00:30.000Z, sent 235950h: 2026-12-01T23:59:50.000Z, 1.00 days ahead
heard 2027-01-01T00:00:30.000Z, sent 312359z: 2027-01-31T23:59:00.000Z, 31.00 days ahead
heard 2026-11-30T12:00:00.000Z, sent 312359z: 2026-12-01T23:59:00.000Z, 1.50 days ahead
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
