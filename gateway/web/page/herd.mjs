// herd: the page's side of zherd-web's HTTP: the table, then what changes, for ever. It hands on what
// came (answers.mjs reads it) and shows nothing.
//
// Invariant: what the table and the events say comes in an order in which the newest is last: events
// that come while the table is read wait for it.

import {readGone, readGraph, readHerd, readMoves, readTable} from "./answers.mjs";
import {Hub} from "./hub.mjs";
import {isRefusal, request} from "./stream.mjs";

const TRY_AGAIN_MS = 2000;
const CLIENTS_MAX = 100000;
// Events that wait for a table; where more come, it is read again.
const WAITING_MAX = 1000;
const TOKEN = "zherd-token";
// Tabs with files of another version share a worker only where they mean the same by its messages.
const WORKER = "zherd events 1";

function shownToken() {
    return sessionStorage.getItem(TOKEN);
}

function openOwnHub() {
    const {port1, port2} = new MessageChannel();
    new Hub().connect(port2);
    return port1;
}

// Calls `use` with a port to the hub of all tabs, or where a browser has no such workers, or may
// not load one, to one of our own: then perhaps once more.
function openHub(use) {
    if (typeof SharedWorker === "undefined") {
        use(openOwnHub());
        return;
    }
    const worker = new SharedWorker(new URL("shared.mjs", import.meta.url), {type: "module", name: WORKER});
    worker.onerror = () => use(openOwnHub());
    use(worker.port);
}

export class Herd {
    // `on` has table(positions, isWhole), moves(positions), gone(ids), herd(herd), graph(graph) and
    // state("connecting" | "live" | "lost" | "paused" | "refused").
    constructor(on) {
        this.on = on;
        this.after = null; // the last event that was taken
        this.isJoined = false;
        this.state = "connecting"; // of the stream
        this.waiting = null; // events, while the table is read
        this.abort = new AbortController();
        this.herdMs = Date.now() - performance.now(); // the herd's time when the page's clock was 0
        openHub((port) => {
            this.port = port;
            port.onmessage = ({data}) => this.isJoined && this.hear(data);
            if (this.isJoined)
                this.start();
        });
    }

    // Begins, or goes on where it stopped.
    start() {
        this.stopReading();
        this.isJoined = true;
        this.on.state("connecting");
        this.port.postMessage({join: {token: shownToken(), after: this.after}});
    }

    // Another person sees others: from the table on. A token is kept as long as the tab is open, and
    // what no header can hold is kept as what is nobody's.
    signIn(token) {
        sessionStorage.setItem(TOKEN, encodeURIComponent(token));
        this.after = null;
        this.start();
    }

    pause() {
        this.stopReading();
        this.isJoined = false;
        this.port.postMessage({leave: true});
        this.on.state("paused");
    }

    stopReading() {
        this.abort.abort();
        this.abort = new AbortController();
        this.waiting = null;
    }

    hear(message) {
        if (message.state !== undefined)
            this.takeState(message.state);
        else if (message.event === "reset")
            this.readAll();
        else if (this.waiting === null)
            this.take(message);
        else if (this.waiting.push(message) > WAITING_MAX)
            this.readAll();
    }

    takeState(state) {
        this.state = state;
        if (this.waiting === null)
            this.on.state(state);
        if (state === "live")
            this.readGraph();
    }

    // The table, and then what came meanwhile.
    async readAll() {
        this.stopReading();
        this.after = null;
        this.waiting = [];
        this.on.state("connecting");
        const {signal} = this.abort;
        let state = "lost";
        try {
            const answer = await request(`clients.geojson?limit=${CLIENTS_MAX}`, shownToken(), {signal});
            state = isRefusal(answer.status) ? "refused" : "lost";
            if (answer.ok) {
                const table = readTable(await answer.json());
                this.takeTable(table);
                return;
            }
        } catch {
            // It is asked for again.
        }
        if (signal.aborted)
            return;
        this.on.state(state);
        setTimeout(() => !signal.aborted && this.readAll(), TRY_AGAIN_MS);
    }

    takeTable(table) {
        if (table.events === null)
            throw new RangeError("a table that is none");
        if (table.herdS !== null)
            this.herdMs = table.herdS * 1000 - performance.now();
        const {waiting} = this;
        this.waiting = null;
        this.after = table.events;
        this.on.table(table.positions, table.isWhole);
        waiting.forEach((event) => this.take(event));
        this.on.state(this.state);
    }

    async readGraph() {
        const {answer} = await ask("herd", {});
        if (answer !== undefined)
            this.on.graph(readGraph(answer));
    }

    // Events without an id leave it where it is.
    take({event, data, id}) {
        this.after = id ?? this.after;
        try {
            this.dispatch(event, data);
        } catch {
            this.readAll(); // it makes no sense
        }
    }

    dispatch(event, data) {
        if (event === "move")
            this.on.moves(readMoves(JSON.parse(data), (this.herdMs + performance.now()) / 1000));
        else if (event === "gone")
            this.on.gone(readGone(JSON.parse(data)));
        else if (event === "herd")
            this.on.herd(readHerd(JSON.parse(data)));
    }
}

// Asks zherd-web something: {answer} as JSON, or {trouble}, a sentence. `options` are those of fetch.
export async function ask(path, parameters, options) {
    try {
        const answer = await request(`${path}?${new URLSearchParams(parameters)}`, shownToken(), options);
        const body = await answer.json();
        return answer.ok ? {answer: body} : {trouble: String(body.error ?? answer.status)};
    } catch {
        return {trouble: "zherd-web does not answer"};
    }
}
