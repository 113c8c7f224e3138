#!/bin/sh
# Expected: a ship's position report in AIS has its rate of turn as 4.733 times the square root of
# degrees per minute, with the sign of the turn: below 0 to port (left), above 0 to starboard. A
# decoder that gives a rate divides by 4.733, squares that and keeps the sign.
#
# Instead: it divides and takes the square root once more. The root of a number below 0 is no
# number, which is null in the decoder's JSON: the same null as for "no information", and as for a
# heading that is not available. So a ship that turns to port has no rate of turn, at any rate, and
# its report is like that of a ship without the instrument. To starboard there is one: the fourth
# root of the real one. 20 degrees a minute are 2.1, and 708, the most there is, are 5.2. Only 0
# and 1 are right. So are the position and all else in the report, and nothing is raised.
#
# Seen with ais-stream-decoder 2.1.2 of the npm registry, the newest there is, on reports made by
# this script; ggencoder 1.0.10 reads the same numbers from them, as they were sent, in both
# directions.
#
# For somebody who builds on it: take the eight bits from the sentence, which each message brings
# along, and count by the rule above; do not take null for "goes straight on" nor for "not known".
#
# Source: Recommendation ITU-R M.1371-5, annex 8, section 3.1 (messages 1, 2 and 3), rate of turn
# ROT_AIS: -126 to 126 by the formula, 127 and -127 more than 5 degrees in 30 s without an
# instrument, -128 no information.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    ais-stream-decoder@2.1.2 ggencoder@1.0.10 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const AisDecoder = require('ais-stream-decoder').default;
const { AisDecode } = require('ggencoder');

// A message 1 as an AIVDM sentence: fields of so many bits each, six bits to a letter.
function report(rot) {
    const fields = [[1, 6], [0, 2], [123456789, 30], [0, 4], [rot, 8], [101, 10], [0, 1],
        [-118.4452 * 600000, 28], [34.0689 * 600000, 27], [900, 12], [90, 9], [30, 6], [0, 2],
        [0, 3], [0, 1], [0, 19]];
    const bits = fields.map(([value, size]) =>
        BigInt.asUintN(size, BigInt(Math.round(value))).toString(2).padStart(size, '0')).join('');
    const letters = bits.match(/.{6}/g).map(six => parseInt(six, 2))
        .map(n => String.fromCharCode(n < 40 ? n + 48 : n + 56)).join('');
    const body = `AIVDM,1,1,,A,${letters},0`;
    const sum = [...body].reduce((all, letter) => all ^ letter.charCodeAt(0), 0);
    return `!${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}`;
}

const read = sentence => new Promise((done, failed) => {
    const decoder = new AisDecoder();
    decoder.on('data', message => done(JSON.parse(message)));
    decoder.on('error', failed);
    decoder.write(sentence);
});

const turns = [0, 1, -1, 5, -5, 20, -20, 180, -180, 708, -708].map(rate =>
    [`${rate} degrees a minute`, Math.sign(rate) * Math.round(4.733 * Math.sqrt(Math.abs(rate)))]);
turns.push(['to starboard, no instrument', 127], ['to port, no instrument', -127],
    ['no information', -128]);
(async () => {
    for (const [what, rot] of turns) {
        const sentence = report(rot), message = await read(sentence);
        const rate = message.rateOfTurn;
        console.log(`${what}, sent as ${rot}: rateOfTurn ${
            rate === null ? 'null' : rate.toFixed(1)}, at ${message.lat} ${
            message.lon}; ggencoder ${new AisDecode(sentence).rot}`);
    }
})();
END

cat >expected <<'END'
0 degrees a minute, sent as 0: rateOfTurn 0.0, at 34.0689 -118.4452; ggencoder 0
1 degrees a minute, sent as 5: rateOfTurn 1.0, at 34.0689 -118.4452; ggencoder 5
-1 degrees a minute, sent as -5: rateOfTurn null, at 34.0689 -118.4452; ggencoder -5
5 degrees a minute, sent as 11: rateOfTurn 1.5, at 34.0689 -118.4452; ggencoder 11
-5 degrees a minute, sent as -11: rateOfTurn null, at 34.0689 -118.4452; ggencoder -11
20 degrees a minute, sent as 21: rateOfTurn 2.1, at 34.0689 -118.4452; ggencoder 21
-20 degrees a minute, sent as -21: rateOfTurn null, at 34.0689 -118.4452; ggencoder -21
180 degrees a minute, sent as 63: rateOfTurn 3.6, at 34.0689 -118.4452; ggencoder 63
-180 degrees a minute, sent as -63: rateOfTurn null, at 34.0689 -118.4452; ggencoder -63
708 degrees a minute, sent as 126: rateOfTurn 5.2, at 34.0689 -118.4452; ggencoder 126
-708 degrees a minute, sent as -126: rateOfTurn null, at 34.0689 -118.4452; ggencoder -126
to starboard, no instrument, sent as 127: rateOfTurn 5.2, at 34.0689 -118.4452; ggencoder 127
to port, no instrument, sent as -127: rateOfTurn null, at 34.0689 -118.4452; ggencoder -127
no information, sent as -128: rateOfTurn null, at 34.0689 -118.4452; ggencoder -128
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
