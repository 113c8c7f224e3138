#!/bin/sh
# Expected: a ZeroMQ socket that was pointed at something else (a web or mail server, because two
# addresses in a file were swapped) finds out at the handshake, within ZMQ_HANDSHAKE_IVL. No
# connection is reported, nothing can be sent, nothing arrives.
#
# Instead: libzmq takes whatever greets with a letter or a digit for a peer of ZMTP 1.0, which had
# no signature: the first character counts as the length of a routing id, and the text after it is
# cut into frames, wherever a character stands in the place of a length. So pieces of an error page
# arrive as messages, at a SUB that subscribed to everything as at a PULL or DEALER, and a ROUTER
# takes another piece of it for the routing id of a new peer. What a DEALER sends is accepted,
# ZMQ_IMMEDIATE or not, and written to the web server. And it does not end: ZMQ_HANDSHAKE_IVL no
# longer counts once a greeting of text has come. (A listener that says nothing at all is given up
# after that time, as expected.)
#
# Seen with libzmq 4.3.5, from zeromq 6.5.0 of the npm registry and from Debian 13. libzmq 4.3.4
# (Debian 12) ends each such connection after ZMQ_HANDSHAKE_IVL, but takes messages until then.
#
# For somebody who builds on it: "connected" and "sent" say nothing about who is there, and a
# message from a PULL, SUB, DEALER or ROUTER without CURVE may be a piece of a web page. Begin
# messages with bytes that no text begins with, check them, and wait for the monitor's event
# ZMQ_EVENT_HANDSHAKE_SUCCEEDED, the only thing that is missing here. (With CURVE the connection is
# closed, as RFC 37 demands.)
#
# Sources: zmq_setsockopt(3), where ZMQ_HANDSHAKE_IVL ends a connection whose handshake takes
# longer, and ZMQ_IMMEDIATE lets messages wait only for completed ones; ZeroMQ RFC 37 (ZMTP 3.1),
# "Detecting ZMTP 1.0 and 2.0 Peers", which allows the downgrade.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    zeromq@6.5.0 >npm.log 2>&1 || { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const net = require('net');
const zmq = require('zeromq');
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

const body = '<html><head><title>Bad Request</title></head>\r\n' +
    '<body><h1>Your request could not be understood.</h1>\r\n' +
    '<p>Please ask the administrator of this service.</p></body></html>\r\n';
const page = 'HTTP/1.1 400 Bad Request\r\nServer: example\r\nContent-Type: text/html\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`;

async function meet(kind, greeting) {
    let closed = false;
    let received = '';
    const listener = net.createServer((connection) => {
        connection.write(greeting);
        connection.on('data', (bytes) => { received += bytes.toString('latin1'); });
        connection.on('close', () => { closed = true; });
        connection.on('error', () => {});
    });
    await new Promise((done) => listener.listen(0, '127.0.0.1', done));

    const socket = new zmq[kind]({linger: 0, handshakeInterval: 500, reconnectInterval: 60000});
    const events = [];
    const messages = [];
    (async () => { for await (const event of socket.events) events.push(event.type); })();
    if (kind === 'Dealer') socket.immediate = true;
    if (kind === 'Subscriber') socket.subscribe();
    (async () => { for await (const frames of socket) messages.push(frames.map(String)); })();
    socket.connect(`tcp://127.0.0.1:${listener.address().port}`);
    await wait(250);
    let accepted = 0;
    if (kind === 'Dealer') {
        socket.sendTimeout = 0;
        for (let i = 0; i < 4; i++)
            await socket.send(`position ${i}`).then(() => { accepted++; }, () => {});
    }
    await wait(1750);   // more than three times the handshake interval
    console.log(`  two seconds later: ${closed ? 'closed' : 'still connected'}; ` +
        `handshake event: ${events.includes('handshake') ? 'yes' : 'no'}`);
    if (kind === 'Dealer')
        console.log(`  sends accepted: ${accepted} of 4, of these written to the listener: ` +
            (received.match(/position \d/g) || []).length);
    if (!messages.length) console.log('  received: nothing');
    for (const frames of messages)
        frames.forEach((frame, i) =>
            console.log(`  received, frame ${i + 1} of ${frames.length}: ` +
                JSON.stringify(frame)));
    socket.close();
    listener.close();
}

(async () => {
    console.log(`libzmq ${zmq.version}`);
    console.log('DEALER, a listener that says nothing');
    await meet('Dealer', '');
    console.log('DEALER, a listener that says "220 ready"');
    await meet('Dealer', '220 ready\r\n');
    console.log('SUB, a web server that answers with an error page');
    await meet('Subscriber', page);
    console.log('ROUTER, the same web server');
    await meet('Router', page);
    process.exit(0);
})();
END

cat >expected <<'END'
libzmq 4.3.5
DEALER, a listener that says nothing
  two seconds later: closed; handshake event: no
  sends accepted: 0 of 4, of these written to the listener: 0
  received: nothing
DEALER, a listener that says "220 ready"
  two seconds later: still connected; handshake event: no
  sends accepted: 4 of 4, of these written to the listener: 4
  received: nothing
SUB, a web server that answers with an error page
  two seconds later: still connected; handshake event: no
  received, frame 1 of 1: "-Length: 169\r\n\r\n<html><head><title>Bad Request</title></head>\r\n<body><h1>Your request could not be understood"
  received, frame 1 of 1: "/h1>\r\n<p>Please ask the administrator of this"
ROUTER, the same web server
  two seconds later: still connected; handshake event: no
  received, frame 1 of 2: "TP/1.1 400 Bad Request\r\nServer: example\r\nContent-Type: text/html\r\nConte"
  received, frame 2 of 2: "-Length: 169\r\n\r\n<html><head><title>Bad Request</title></head>\r\n<body><h1>Your request could not be understood"
  received, frame 1 of 2: "TP/1.1 400 Bad Request\r\nServer: example\r\nContent-Type: text/html\r\nConte"
  received, frame 2 of 2: "/h1>\r\n<p>Please ask the administrator of this"
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
