#!/bin/sh
# Expected: a socket that connects tries for as long as it lives, whatever it meets: that is what
# ZMQ_RECONNECT_IVL is for. If another program holds the address for a moment, the connection comes
# to life when the right one is there.
#
# Instead: a socket that once meets a ZeroMQ socket of a kind that it cannot talk to is done with
# that address for good. A DEALER that finds a PUB, a PULL or a PAIR where its ROUTER should be gets
# ZMQ_EVENT_DISCONNECTED and nothing more: no event of a failed handshake, no retry. The PUB goes,
# the ROUTER comes, and the DEALER still does not try, while a new one made at that moment is there
# at once. After a listener that closes, one that says nothing, or another ROUTER it does try again.
# So an operator who swapped two addresses, saw nothing work and swapped them back has to restart
# every client that looked in meanwhile; none of them says so.
#
# Seen with libzmq 4.3.5, from zeromq 6.5.0 of the npm registry and from Debian 13, and with 4.3.4
# of Debian 12.
#
# For somebody who builds on it: ZMQ_EVENT_DISCONNECTED that is not followed by
# ZMQ_EVENT_CONNECT_RETRIED means that this connection is gone. Make a new socket if nothing was
# heard from the other end for some time, even if no keys are in use.
#
# Sources: ZeroMQ RFC 37 (ZMTP 3.1), "Error Handling": only an ERROR command is final, and only for
# the same credentials; a connection that just closes is a temporary error, and one should connect
# again. "The Socket-Type Property" asks for an ERROR command in this case; none is sent.
# zmq_setsockopt(3), ZMQ_RECONNECT_IVL, knows no case in which there are no further attempts.
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

// Something else that holds an address, and how to make it go.
async function holdByZeromq(kind) {
    const socket = new zmq[kind]({linger: 0});
    await socket.bind('tcp://127.0.0.1:*');
    const address = socket.lastEndpoint;
    return {address, go: async () => { await socket.unbind(address); socket.close(); }};
}

async function holdByTcp(onConnection) {
    const connections = [];
    const listener = net.createServer((connection) => {
        connections.push(connection);
        connection.on('error', () => {});
        onConnection(connection);
    });
    await new Promise((done) => listener.listen(0, '127.0.0.1', done));
    const go = async () => {
        listener.close();
        for (const connection of connections) connection.destroy();
    };
    return {address: `tcp://127.0.0.1:${listener.address().port}`, go};
}

const dealer = (address, events) => {
    const socket = new zmq.Dealer({linger: 0, immediate: true, reconnectInterval: 100,
        handshakeInterval: 1000});
    (async () => { for await (const event of socket.events) events.push(event.type); })();
    socket.connect(address);
    return socket;
};

async function reaches(socket, ms) {
    socket.sendTimeout = ms;
    return socket.send('hello').then(() => 'connected', () => 'not connected');
}

async function meet(name, holder) {
    const events = [];
    const old = dealer(holder.address, events);
    await wait(500);
    await holder.go();
    await wait(100);
    const router = new zmq.Router({linger: 0});
    await router.bind(holder.address);
    const before = await reaches(old, 3000);
    const fresh = dealer(holder.address, []);
    const anew = await reaches(fresh, 3000);
    console.log(`${name}: then a ROUTER for 3 s: ${before}; a new DEALER: ${anew}`);
    if (before === 'not connected') console.log(`  all events: ${events.join(', ')}`);
    old.close();
    fresh.close();
    router.close();
}

(async () => {
    console.log(`libzmq ${zmq.version}`);
    await meet('a listener that closes at once', await holdByTcp((one) => one.destroy()));
    await meet('a listener that says nothing', await holdByTcp(() => {}));
    await meet('another ROUTER', await holdByZeromq('Router'));
    await meet('a PUB', await holdByZeromq('Publisher'));
    await meet('a PULL', await holdByZeromq('Pull'));
    await meet('a PAIR', await holdByZeromq('Pair'));
    process.exit(0);
})();
END

cat >expected <<'END'
libzmq 4.3.5
a listener that closes at once: then a ROUTER for 3 s: connected; a new DEALER: connected
a listener that says nothing: then a ROUTER for 3 s: connected; a new DEALER: connected
another ROUTER: then a ROUTER for 3 s: connected; a new DEALER: connected
a PUB: then a ROUTER for 3 s: not connected; a new DEALER: connected
  all events: connect:delay, connect, disconnect
a PULL: then a ROUTER for 3 s: not connected; a new DEALER: connected
  all events: connect:delay, connect, disconnect
a PAIR: then a ROUTER for 3 s: not connected; a new DEALER: connected
  all events: connect:delay, connect, disconnect
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
