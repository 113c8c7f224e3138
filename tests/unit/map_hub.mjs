// How tabs of the live map share one stream: who opens and closes it, and who has missed something. The
// network is made up: a request is answered when the test says so.
import assert from "node:assert/strict";
import {test} from "node:test";

const {Hub} = await import(new URL("../../gateway/web/page/hub.mjs", import.meta.url));

class Server {
    constructor() {
        this.requests = []; // {path, token, isEnded, say(text), end()}
        globalThis.fetch = (url, {headers, signal}) => new Promise((resolve, reject) => {
            const request = {path: url.pathname.split("/").pop() + url.search, token: headers.Authorization ?? null,
                             isEnded: false, refuse: (status) => resolve(new Response("{}", {status}))};
            request.accept = () => resolve(new Response(new ReadableStream({
                start(to) {
                    request.say = (text) => to.enqueue(new TextEncoder().encode(text));
                    request.end = () => to.close();
                    signal.addEventListener("abort", () => to.error(new Error("aborted")));
                },
            })));
            signal.addEventListener("abort", () => {
                request.isEnded = true;
                reject(new Error("aborted"));
            });
            this.requests.push(request);
        });
    }

    get last() {
        return this.requests.at(-1);
    }
}

class Tab {
    constructor(hub) {
        this.got = [];
        this.port = {postMessage: (message) => this.got.push(message.state ?? `${message.event} ${message.id}`)};
        hub.connect(this.port);
    }

    join(after = null, token = null) {
        this.port.onmessage({data: {join: {token, after}}});
    }

    leave() {
        this.port.onmessage({data: {leave: true}});
    }

    take() {
        return this.got.splice(0);
    }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

async function open(after) {
    const server = new Server(), hub = new Hub(), tab = new Tab(hub);
    tab.join(after);
    server.last.accept();
    await settled();
    return {server, hub, tab};
}

test("who comes first begins with this moment, and has to read the table", async () => {
    const {server, tab} = await open(null);
    assert.equal(server.last.path, "events");
    assert.deepEqual(tab.take(), ["connecting", "live", "reset null"]);
    server.last.say("event: move\nid: a-1\ndata: []\n\n");
    await settled();
    assert.deepEqual(tab.take(), ["move a-1"]);
    tab.leave();
});

test("who comes back alone goes on where it was", async () => {
    const {server, tab} = await open("a-7");
    assert.equal(server.last.path, "events?after=a-7");
    assert.deepEqual(tab.take(), ["connecting", "live"]);
    tab.leave();
    assert.equal(server.last.isEnded, true);
    tab.join("a-9");
    assert.equal(server.last.path, "events?after=a-9");
    tab.leave();
});

test("any number of tabs have one stream, which ends with the last", async () => {
    const {server, hub, tab} = await open(null);
    server.last.say("event: herd\ndata: {}\n\nevent: move\nid: a-1\ndata: []\n\n");
    await settled();
    const others = Array.from({length: 20}, () => new Tab(hub));
    others.forEach((other) => other.join());
    for (const other of others)
        assert.deepEqual(other.take(), ["live", "reset null", "herd null"]);
    const same = new Tab(hub), late = new Tab(hub);
    same.join("a-1");
    late.join("a-0");
    assert.deepEqual(same.take(), ["live", "reset null", "herd null"]);
    assert.deepEqual(late.take(), ["live", "reset null", "herd null"]);
    tab.take();
    server.last.say("event: move\nid: a-2\ndata: []\n\n");
    await settled();
    for (const each of [tab, ...others, same, late])
        assert.deepEqual(each.take(), ["move a-2"]);
    assert.equal(server.requests.length, 1);
    [tab, same, late, ...others.slice(1)].forEach((each) => each.leave());
    assert.equal(server.last.isEnded, false);
    others[0].leave();
    assert.equal(server.last.isEnded, true);
});

test("who joins between two events of one id has all of them", async () => {
    const {server, hub, tab} = await open(null);
    server.last.say("event: move\nid: a-1\ndata: []\n\nevent: gone\ndata: []\n\n");
    await settled();
    assert.deepEqual(tab.take().slice(-2), ["move a-1", "gone a-1"]);
    const late = new Tab(hub);
    late.join("a-1");
    server.last.say("event: move\nid: a-2\ndata: []\n\n");
    await settled();
    assert.deepEqual(late.take(), ["live", "reset null", "move a-2"]);
    [tab, late].forEach((each) => each.leave());
});

test("a stream that breaks goes on after the last event", async (context) => {
    const {server, tab} = await open(null);
    server.last.say("event: move\nid: a-4\ndata: []\n\n");
    await settled();
    tab.take();
    const timers = [];
    context.mock.method(globalThis, "setTimeout", (use, ms) => timers.push({use, ms}));
    server.last.end();
    for (let i = 0; i < 10; i++)
        await new Promise(setImmediate);
    assert.deepEqual(tab.take(), ["lost"]);
    assert.equal(timers.at(-1).ms, 2000);
    timers.at(-1).use();
    assert.equal(server.last.path, "events?after=a-4");
    server.last.accept();
    for (let i = 0; i < 10; i++)
        await new Promise(setImmediate);
    assert.deepEqual(tab.take(), ["connecting", "live"]);
    tab.leave();
});

test("tabs of another token have another stream, and a refusal ends it until somebody comes", async () => {
    const {server, hub, tab} = await open(null);
    const other = new Tab(hub);
    other.join(null, "secret");
    assert.equal(server.last.token, "Bearer secret");
    assert.equal(server.requests.length, 2);
    server.last.refuse(401);
    await settled();
    assert.deepEqual(other.take(), ["connecting", "refused"]);
    const third = new Tab(hub);
    third.join("a-1", "secret");
    assert.equal(server.last.path, "events");
    server.last.accept();
    await settled();
    assert.deepEqual(third.take(), ["connecting", "live", "reset null"]);
    assert.deepEqual(other.take(), ["connecting", "live", "reset null"]);
    // Who shows another token leaves the stream of the one before.
    other.join(null, "new");
    third.leave();
    assert.equal(server.requests.at(-2).isEnded, true);
    [tab, other].forEach((each) => each.leave());
    assert.deepEqual(server.requests.map(({isEnded}) => isEnded), [true, true, true, true]);
});
