// herd: the page's side of zherd-web's HTTP: the table once, then what changes, for ever. It hands
// on what came (answers.mjs reads it) and shows nothing.
//
// Invariant: at most one stream is open, none while the page is hidden: a browser has six
// connections to a host for all its tabs, and a tab whose stream is one too many hangs.

import {readGone, readHerd, readMoves, readTable} from "./answers.mjs";
import {EventReader} from "./events.mjs";

const TRY_AGAIN_MS = 2000;
// zherd-web sends a line every 15 s at least.
const SILENCE_MS = 40000;
const CLIENTS_MAX = 100000;
const TOKEN = "zherd-token";

function request(path, signal) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = token ? {Authorization: `Bearer ${token}`} : {};
    return fetch(path, {headers, signal, credentials: "omit", cache: "no-store"});
}

export class Herd {
    // `on` has table(positions, isWhole), moves(positions), gone(ids), herd(herd) and
    // state("connecting" | "live" | "lost" | "paused" | "refused").
    constructor(on) {
        this.on = on;
        this.after = null; // the last event that was taken
        this.abort = new AbortController();
        this.timer = 0;
        this.herdMs = Date.now() - performance.now(); // the herd's time when the page's clock was 0
    }

    // Begins, or goes on where it stopped.
    start() {
        this.stop();
        this.on.state("connecting");
        this.follow(this.abort.signal);
    }

    // Another person sees others: from the table on. A token is kept as long as the tab is open, and
    // what no header can hold is kept as what is nobody's.
    signIn(token) {
        sessionStorage.setItem(TOKEN, encodeURIComponent(token));
        this.after = null;
        this.start();
    }

    pause() {
        this.stop();
        this.on.state("paused");
    }

    stop() {
        clearTimeout(this.timer);
        this.abort.abort();
        this.abort = new AbortController();
    }

    startLater(state) {
        this.stop();
        this.on.state(state);
        if (state !== "refused")
            this.timer = setTimeout(() => this.start(), TRY_AGAIN_MS);
    }

    // What was stopped meanwhile says nothing any more.
    async follow(signal) {
        let state = "lost";
        try {
            const answer = await this.open(signal);
            state = answer.status === 401 || answer.status === 403 ? "refused" : "lost";
            if (answer.ok)
                await this.read(answer, signal);
            if (answer.ok && this.after === null)
                state = "connecting"; // what came between is not known any more: from the table on
        } catch {
            // No answer, half of one, or one that makes no sense: it is asked for again.
        }
        if (!signal.aborted)
            this.startLater(state);
    }

    // The answer with the stream; or one that is none.
    async open(signal) {
        if (this.after === null) {
            const answer = await request(`clients.geojson?limit=${CLIENTS_MAX}`, signal);
            if (!answer.ok)
                return answer;
            this.takeTable(readTable(await answer.json()));
        }
        return request(`events?after=${encodeURIComponent(this.after)}`, signal);
    }

    takeTable(table) {
        if (table.events === null)
            throw new RangeError("a table that is none");
        if (table.herdS !== null)
            this.herdMs = table.herdS * 1000 - performance.now();
        this.after = table.events;
        this.on.table(table.positions, table.isWhole);
    }

    async read(answer, signal) {
        const reader = new EventReader();
        const stream = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        this.on.state("live");
        for (;;) {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.startLater("lost"), SILENCE_MS);
            const {done, value} = await stream.read();
            if (done || signal.aborted)
                return;
            for (const event of reader.push(value))
                this.take(event);
            this.after = this.after === null ? null : reader.lastId ?? this.after;
            if (this.after === null)
                return;
        }
    }

    take({event, data}) {
        if (event === "move")
            this.on.moves(readMoves(JSON.parse(data), (this.herdMs + performance.now()) / 1000));
        else if (event === "gone")
            this.on.gone(readGone(JSON.parse(data)));
        else if (event === "herd")
            this.on.herd(readHerd(JSON.parse(data)));
        else if (event === "reset")
            this.after = null;
    }
}

// Asks zherd-web something: {answer} as JSON, or {trouble}, a sentence.
export async function ask(path, parameters) {
    try {
        const answer = await request(`${path}?${new URLSearchParams(parameters)}`);
        const body = await answer.json();
        return answer.ok ? {answer: body} : {trouble: String(body.error ?? answer.status)};
    } catch {
        return {trouble: "zherd-web does not answer"};
    }
}
