// herd: the page's side of zherd-web's HTTP: the table once, then what changes, for ever. It hands
// on what came (gateway/web/page/answers.mjs reads it) and shows nothing.
//
// Invariant: at most one stream is open, none while the page is hidden: a browser has six
// connections to a host for all its tabs, and a tab whose stream is one too many hangs.

import {readGone, readHerd, readMoves, readTable} from "./answers.mjs";

const TRY_AGAIN_MS = 3000;
const CLIENTS_MAX = 100000;

export class Herd {
    // `on` has table(positions, isWhole), moves(positions), gone(ids), herd(herd) and
    // state("connecting" | "live" | "lost" | "paused" | "refused").
    constructor(on) {
        this.on = on;
        this.after = null; // the last event that was taken
        this.stream = null;
        this.timer = 0;
        this.round = 0; // whose answers still count
        this.herdMs = Date.now() - performance.now(); // the herd's time when the page's clock was 0
    }

    // Begins, or goes on where it stopped.
    start() {
        this.stop();
        this.on.state("connecting");
        if (this.after === null)
            this.readAll();
        else
            this.open();
    }

    pause() {
        this.stop();
        this.on.state("paused");
    }

    stop() {
        this.round++;
        clearTimeout(this.timer);
        this.stream?.close();
        this.stream = null;
    }

    startLater() {
        this.stop();
        this.on.state("lost");
        this.timer = setTimeout(() => this.start(), TRY_AGAIN_MS);
    }

    async readAll() {
        const round = this.round;
        try {
            const answer = await fetch(`clients.geojson?limit=${CLIENTS_MAX}`);
            if (round !== this.round)
                return;
            if (answer.status === 401 || answer.status === 403) {
                this.on.state("refused");
                return;
            }
            const table = answer.ok ? readTable(await answer.json()) : null;
            if (round !== this.round)
                return;
            if (table === null || table.events === null) {
                this.startLater();
                return;
            }
            if (table.herdS !== null)
                this.herdMs = table.herdS * 1000 - performance.now();
            this.after = table.events;
            this.on.table(table.positions, table.isWhole);
            this.open();
        } catch {
            if (round === this.round)
                this.startLater();
        }
    }

    open() {
        const stream = new EventSource(`events?after=${encodeURIComponent(this.after)}`);
        this.stream = stream;
        stream.onopen = () => this.on.state("live");
        // Any answer but a stream ends an EventSource for good; all else it tries again itself.
        stream.onerror = () => {
            if (stream.readyState === EventSource.CLOSED)
                this.startLater();
            else
                this.on.state("lost");
        };
        const take = (name, use) => stream.addEventListener(name, (event) => {
            if (stream !== this.stream)
                return;
            use(JSON.parse(event.data));
            this.after = event.lastEventId || this.after;
        });
        take("move", (moves) => this.on.moves(readMoves(moves, (this.herdMs + performance.now()) / 1000)));
        take("gone", (ids) => this.on.gone(readGone(ids)));
        take("herd", (herd) => this.on.herd(readHerd(herd)));
        stream.addEventListener("reset", () => {
            if (stream !== this.stream)
                return;
            this.after = null;
            this.start();
        });
    }
}

// Asks zherd-web something: {answer} as JSON, or {trouble}, a sentence.
export async function ask(path, parameters) {
    try {
        const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`);
        const body = await answer.json();
        return answer.ok ? {answer: body} : {trouble: String(body.error ?? answer.status)};
    } catch {
        return {trouble: "zherd-web does not answer"};
    }
}
