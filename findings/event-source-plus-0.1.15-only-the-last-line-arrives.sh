#!/bin/sh
# Expected: in an event stream (server-sent events) a text of several lines goes out as several
# "data" lines, and whoever reads puts them together again with a line feed between two. That is
# what the lines are for: servers and their libraries do it by themselves with any text that has a
# line feed in it, JSON with indentation, a list of positions, a page of telnet output.
#
# Instead: the client keeps the last of them. Of indented JSON there remains a closing brace, of a
# list its last entry, and of a text that ends in a line feed the empty text. Blanks and tabs at
# both ends are gone, too, of which only one blank after the colon may go. It is one event with
# data and id as usual, and nothing is raised. While a server has nothing but short texts, JSON on
# one line among them, all is well.
#
# Seen with event-source-plus 0.1.15 of the npm registry, the newest there is, on what
# eventsource-encoder 1.0.2 writes; eventsource-parser 4.1.3 reads the same stream right.
#
# For somebody who builds on it: send one line per event, such as JSON without indentation, for the
# sake of such clients; on this side, read the body of a fetch with another parser.
#
# Source: the HTML standard, section 9.2.6, interpreting an event stream: field "data", "append the
# field value to the data buffer, then append a single U+000A LINE FEED", and of the blanks after
# the colon one is removed.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    event-source-plus@0.1.15 eventsource-encoder@1.0.2 eventsource-parser@4.1.3 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.mjs <<'END'
import { createServer } from 'node:http';
import { encode } from 'eventsource-encoder';
import { createParser } from 'eventsource-parser';
import { EventSourcePlus } from 'event-source-plus';

const texts = [
    'kiwi +34.0689-118.4452',
    'kiwi +34.0689-118.4452\nemu +34.0407-118.2468',
    JSON.stringify({ client: 'kiwi', latitude: 34.0689 }, null, 2),
    'AT kiwi\n',
    '  indented',
];
const stream = texts.map((data, i) => encode({ id: i + 1, data })).join('');
const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(stream);    // and stays open, as such streams do
});
await new Promise(listening => server.listen(0, '127.0.0.1', listening));

const right = [];
createParser({ onEvent: event => right.push(event) }).feed(stream);

const plus = [];
await new Promise((all, failed) => {
    const source = new EventSourcePlus(`http://127.0.0.1:${server.address().port}/`);
    const listening = source.listen({
        onMessage(event) {
            plus.push(event);
            if (plus.length < texts.length) return;
            listening.abort();
            all();
        },
        onRequestError: ({ error }) => failed(error),
        onResponseError: ({ error }) => failed(error),
    });
});
server.close();
server.closeAllConnections();

texts.forEach((text, i) => console.log(`sent:                  ${JSON.stringify(text)}
  eventsource-parser:  ${right[i].id} ${JSON.stringify(right[i].data)}
  event-source-plus:   ${plus[i].id} ${JSON.stringify(plus[i].data)}${
    plus[i].data === text ? '' : '   <--'}`));
END

cat >expected <<'END'
sent:                  "kiwi +34.0689-118.4452"
  eventsource-parser:  1 "kiwi +34.0689-118.4452"
  event-source-plus:   1 "kiwi +34.0689-118.4452"
sent:                  "kiwi +34.0689-118.4452\nemu +34.0407-118.2468"
  eventsource-parser:  2 "kiwi +34.0689-118.4452\nemu +34.0407-118.2468"
  event-source-plus:   2 "emu +34.0407-118.2468"   <--
sent:                  "{\n  \"client\": \"kiwi\",\n  \"latitude\": 34.0689\n}"
  eventsource-parser:  3 "{\n  \"client\": \"kiwi\",\n  \"latitude\": 34.0689\n}"
  event-source-plus:   3 "}"   <--
sent:                  "AT kiwi\n"
  eventsource-parser:  4 "AT kiwi\n"
  event-source-plus:   4 ""   <--
sent:                  "  indented"
  eventsource-parser:  5 "  indented"
  event-source-plus:   5 "indented"   <--
END

timeout 60 node see.mjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
