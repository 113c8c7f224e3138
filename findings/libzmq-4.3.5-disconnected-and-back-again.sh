#!/bin/sh
# Expected: after zmq_disconnect() the connection ends, perhaps a little later, and the socket has
# nothing to do with that address any more.
#
# Instead: with ZMQ_IMMEDIATE set, and a socket that only sends (one DEALER for each peer, never
# read: a pattern of the ZeroMQ guide), the connection stays for as long as the socket lives. It
# looks ended: zmq_disconnect() gives 0, a second one ENOENT (no such connection), a send EAGAIN.
# But the listener still has it; and when the listener is restarted, the socket dials it again by
# itself, and from then on messages are accepted and arrive, at an address that the socket was
# disconnected from. Whoever calls zmq_disconnect() and zmq_connect() to begin anew with the same
# address has two connections after the next restart over there, and every second message goes out
# on the old one: at a ROUTER that hears both under one routing id, half of all messages vanish.
#
# Without ZMQ_IMMEDIATE, or if the socket is read all the time, the connection does end.
#
# Seen with libzmq 4.3.5, from zeromq 6.5.0 of the npm registry and from Debian 13, and with 4.3.4
# of Debian 12.
#
# For somebody who builds on it: to leave an address, close the socket and open another one (with
# another routing id); zmq_disconnect() is no means for that.
#
# Source: zmq_disconnect(3): the call disconnects, if perhaps somewhat later, and nothing can be
# queued for that address any more; no option is named there that changes this but ZMQ_LINGER.
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
const zmq = require('zeromq');
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// A ROUTER that counts what it hears, and the connections that it has.
async function listen(address) {
    const router = new zmq.Router({linger: 0, handover: true});
    const seen = {router, texts: [], connections: 0};
    (async () => { for await (const [, text] of router) seen.texts.push(String(text)); })()
        .catch(() => {});
    (async () => {
        for await (const event of router.events) {
            if (event.type === 'accept') seen.connections++;
            if (event.type === 'disconnect') seen.connections--;
        }
    })();
    await router.bind(address);
    return seen;
}

async function send(socket, text, times) {
    let accepted = 0;
    for (let i = 0; i < times; i++)
        await socket.send(text).then(() => { accepted++; }, () => {});
    await wait(500);
    return accepted;
}

const count = (texts, text) => texts.filter((one) => one === text).length;

async function leave({immediate, read = false, back = false}) {
    const before = await listen('tcp://127.0.0.1:*');
    const address = before.router.lastEndpoint;
    const dealer = new zmq.Dealer({linger: 0, immediate, sendTimeout: 0, routingId: 'north'});
    if (read)
        (async () => { for await (const _ of dealer); })();
    dealer.connect(address);
    await wait(300);
    await send(dealer, 'first', 2);
    dealer.disconnect(address);
    await wait(300);
    if (back) {
        dealer.connect(address);
        await wait(300);
    } else {
        console.log(`  send: ${await send(dealer, 'second', 1) ? 'accepted' : 'refused'}`);
        let again = 'accepted';
        try { dealer.disconnect(address); } catch (error) { again = error.code; }
        console.log(`  second disconnect: ${again}`);
    }
    await send(dealer, 'third', 2);
    console.log(`  the listener has: ${before.connections} connections`);
    await before.router.unbind(address);
    before.router.close();
    await wait(300);
    const after = await listen(address);
    await wait(1500);
    const accepted = await send(dealer, 'fourth', 20);
    console.log(`  restarted, it has: ${after.connections} connections; of 20 sends ` +
        `${accepted} accepted, ${count(after.texts, 'fourth')} arrived`);
    dealer.close();
    after.router.close();
}

(async () => {
    console.log(`libzmq ${zmq.version}`);
    console.log('connect, disconnect; without ZMQ_IMMEDIATE');
    await leave({immediate: false});
    console.log('connect, disconnect; ZMQ_IMMEDIATE, the socket is read');
    await leave({immediate: true, read: true});
    console.log('connect, disconnect; ZMQ_IMMEDIATE, the socket only sends');
    await leave({immediate: true});
    console.log('connect, disconnect, connect; ZMQ_IMMEDIATE, the socket only sends');
    await leave({immediate: true, back: true});
    process.exit(0);
})();
END

cat >expected <<'END'
libzmq 4.3.5
connect, disconnect; without ZMQ_IMMEDIATE
  send: refused
  second disconnect: ENOENT
  the listener has: 0 connections
  restarted, it has: 0 connections; of 20 sends 0 accepted, 0 arrived
connect, disconnect; ZMQ_IMMEDIATE, the socket is read
  send: refused
  second disconnect: ENOENT
  the listener has: 0 connections
  restarted, it has: 0 connections; of 20 sends 0 accepted, 0 arrived
connect, disconnect; ZMQ_IMMEDIATE, the socket only sends
  send: refused
  second disconnect: ENOENT
  the listener has: 1 connections
  restarted, it has: 1 connections; of 20 sends 20 accepted, 20 arrived
connect, disconnect, connect; ZMQ_IMMEDIATE, the socket only sends
  the listener has: 2 connections
  restarted, it has: 2 connections; of 20 sends 20 accepted, 10 arrived
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
