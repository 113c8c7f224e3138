// A peer in JavaScript, written from bus/PROTOCOL.md and from nothing else.
//
//     node peer.mjs HERD NAME OWN_ENDPOINT NEIGHBOUR_ENDPOINT
//
// It is tests/system/peer.py in another language: what it reads, says and leaves out stands there.
// What this language makes different is numbers. An incarnation, a position, a digest and an order_ns
// have 64 bits, and a Number keeps 53: so all of them are BigInt here, from the reader (useBigInt64)
// to the writer, and none ever becomes a Number. Small ones may come as Numbers all the same,
// because MessagePack writes them so: big() makes both one.

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { decode, encode } from "@msgpack/msgpack";
import { Dealer, Router } from "zeromq";

const [HELLO, UPDATE, ACK, HEARTBEAT, REFUSED, GOODBYE, STATUS_ASK, STATUS] = [1, 2, 3, 4, 5, 6, 7, 8];
const UNREST = 2n ** 64n - 1n;
const MAGIC = Buffer.from([0x7a, 0x68, 1]);
const HELLO_MS = 100, AGAIN_MS = 1000, HEARTBEAT_MS = 2000, SILENCE_MS = 6000, TURN_MS = 20;

const big = (number) => BigInt(number);
const text = (bytes) => Buffer.from(bytes).toString("latin1");
const say = (...words) => process.stdout.write(words.join(" ") + "\n");

const [herd, name, ownEndpoint, endpoint] = process.argv.slice(2);
const incarnation = randomBytes(8).readBigUInt64BE() | 1n;
// A node's routing id: its name, a NUL and eight bytes of the process.
const dealer = new Dealer({ routingId: `${name}\0${randomBytes(4).toString("hex")}`,
                            immediate: true, sendTimeout: 0, linger: 100 }); // only sends
const router = new Router(); // only receives

let theirs = 0n, up = false;
const table = new Map(); // client: [position, stamp, origin, difference_ns, order_ns]
let have = 0n; // position up to which we have what they sent
let acked = 0n; // position of ours that they have
let announced = 0n; // what the next UPDATE follows
let due = new Set(); // clients whose locations are to be sent, in order
let onTheWay = null; // {upto, frame, againAt}
let heardAt = 0, sentAt = 0, helloAt = 0;

// ---- what leaves ----

let sending = Promise.resolve(); // a socket sends one message at a time

function post(frame) {
    sentAt = Date.now();
    sending = sending.then(() => dealer.send(frame)).catch(() => {}); // away: what counts is sent again
}

function send(kind, ...fields) {
    const frame = Buffer.concat([MAGIC, encode([kind, incarnation, theirs, ...fields],
                                               { useBigInt64: true })]);
    post(frame);
    return frame;
}

function sendHello() {
    helloAt = Date.now() + HELLO_MS;
    send(HELLO, { herd, node: name, version: 1, version_min: 1, start: acked, have });
}

function sendUpdate() {
    const clients = [...due].slice(0, 256);
    for (const client of clients) due.delete(client);
    const upto = acked + big(clients.length);
    const locations = clients.map((client) => [Buffer.from(client, "latin1"), ...table.get(client)]);
    onTheWay = { upto, frame: send(UPDATE, announced, upto, have, locations),
                 againAt: Date.now() + AGAIN_MS };
}

function turn() {
    const now = Date.now();
    if (up && now > heardAt + SILENCE_MS) goDown();
    if (!up) {
        if (now >= helloAt) sendHello();
    } else if (onTheWay) {
        if (now < onTheWay.againAt) return;
        post(onTheWay.frame);
        onTheWay.againAt = now + AGAIN_MS;
    } else if (due.size > 0) {
        sendUpdate();
    } else if (now > sentAt + HEARTBEAT_MS) {
        send(HEARTBEAT, UNREST, have, 0, table.size);
    }
}

// ---- what arrives ----

function goDown() {
    if (up) say("down");
    up = false;
}

// A process we have not heard of: all is due to it.
function meet(newIncarnation) {
    goDown();
    theirs = newIncarnation;
    have = announced = 0n;
    onTheWay = null;
    due = new Set(table.keys());
}

function hear() {
    heardAt = Date.now();
    if (!up) say("up");
    up = true;
}

function takeAck(theyHave) {
    if (!onTheWay || theyHave < onTheWay.upto) return;
    acked = announced = onTheWay.upto;
    onTheWay = null;
}

function takeHello(from, namesUs, hello) {
    if (hello.herd !== herd || big(hello.version_min) > 1n) return;
    if (up && from !== theirs && !namesUs) return sendHello(); // a restart will name us
    if (from !== theirs) meet(from);
    if (!namesUs) return sendHello();
    if (big(hello.start) > have) have = big(hello.start);
    takeAck(big(hello.have));
    hear();
    send(ACK, have, false);
}

function takeUpdate([after, upto, theyHave, locations]) {
    takeAck(big(theyHave));
    if (big(after) > have) return send(ACK, have, true);
    for (const [client, ...location] of locations) store(text(client), location.slice(0, 5), false);
    if (big(upto) > have) have = big(upto);
    send(ACK, have, false);
}

function isNewer(a, b) {
    const [positionA, stampA, originA, differenceA, orderA] = a;
    const [positionB, stampB, originB, differenceB, orderB] = b;
    if (big(orderA) !== big(orderB)) return big(orderA) > big(orderB);
    const order = Buffer.compare(Buffer.from(originA), Buffer.from(originB)) ||
        Buffer.compare(stampA, stampB) || Buffer.compare(positionA, positionB);
    return order !== 0 ? order > 0 : big(differenceA) > big(differenceB);
}

function store(client, location, isOurs) {
    const known = table.get(client);
    if (known && !isNewer(location, known)) return;
    table.set(client, location);
    if (!isOurs) due.delete(client); // they have it
    else if (theirs !== 0n) due.add(client);
    say("news", client, text(location[0]), text(location[1]), location[2]);
}

function receive(frame) {
    if (!frame.subarray(0, 3).equals(MAGIC)) return;
    const [kind, sender, to, ...fields] = decode(frame.subarray(3), { useBigInt64: true });
    const from = big(sender), namesUs = big(to) === incarnation;
    if (kind === HELLO) return takeHello(from, namesUs, fields[0]);
    if (kind === REFUSED) return say("refused", ...fields);
    if (from !== theirs || !namesUs) return sendHello();
    if (kind === GOODBYE) {
        goDown();
        theirs = 0n;
        return;
    }
    hear();
    if (kind === UPDATE) takeUpdate(fields);
    else if (kind === ACK) takeAck(big(fields[0]));
    else if (kind === HEARTBEAT) takeAck(big(fields[1]));
    else if (kind === STATUS)
        for (const [node, , , ...numbers] of fields[2]) say("link", node, ...numbers.slice(0, 5));
}

function takeLine(line) {
    if (line === "") return send(STATUS_ASK);
    const [client, position, stamp] = line.split(" ");
    const [seconds, fraction = ""] = stamp.split(".");
    const stampNs = big(seconds) * 10n ** 9n + big(fraction.padEnd(9, "0"));
    const nowNs = big(Date.now()) * 10n ** 6n;
    const latest = nowNs + 5n * 10n ** 9n;
    store(client, [Buffer.from(position), Buffer.from(stamp), name, nowNs - stampNs,
                   stampNs < latest ? stampNs : latest], true);
}

async function end() {
    send(GOODBYE);
    await sending;
    dealer.close();
    router.close();
    process.exit(0);
}

await router.bind(ownEndpoint);
dealer.connect(endpoint);
setInterval(turn, TURN_MS);
createInterface({ input: process.stdin }).on("line", takeLine).on("close", end);
process.on("SIGTERM", end);
for await (const [, ...frames] of router)
    if (frames.length === 1) receive(frames[0]);
