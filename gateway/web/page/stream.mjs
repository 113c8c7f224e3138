// stream: one stream of zherd-web's events, for ever: begun, read, and begun again where it broke. It
// hands on what came and knows nothing of clients, page or map.
//
// It reads the stream itself: a browser's own EventSource sends no token and ends for good at any
// answer but 200. Paths are those beside the page's folder, whoever loads this file.

import {EventReader} from "./events.mjs";

const TRY_AGAIN_MS = 2000;
// zherd-web sends a line every 15 s at least.
const SILENCE_MS = 40000;

// Asks zherd-web; `token` may be null. `options` are those of fetch.
export function request(path, token, options) {
    const headers = token ? {Authorization: `Bearer ${token}`} : {};
    return fetch(new URL(`../${path}`, import.meta.url), {headers, credentials: "omit", cache: "no-store", ...options});
}

export function isRefusal(status) {
    return status === 401 || status === 403;
}

export class Stream {
    // `on` has event({event, data, id}) and state("connecting" | "live" | "lost" | "refused").
    constructor(token, on) {
        this.token = token;
        this.on = on;
        this.after = null; // the last event that came; null: none, or what came between is not known
        this.abort = new AbortController();
        this.timer = 0;
    }

    // Begins with what came after that event, or with this moment.
    start(after) {
        this.stop();
        this.after = after;
        this.on.state("connecting");
        this.follow(this.abort.signal);
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
            this.timer = setTimeout(() => this.start(this.after), TRY_AGAIN_MS);
    }

    // What was stopped meanwhile says nothing any more.
    async follow(signal) {
        let state = "lost";
        try {
            const after = this.after === null ? "" : `?after=${encodeURIComponent(this.after)}`;
            const answer = await request(`events${after}`, this.token, {signal});
            state = isRefusal(answer.status) ? "refused" : "lost";
            if (answer.ok && !signal.aborted)
                await this.read(answer, signal);
        } catch {
            // No answer, half of one, or one that makes no sense: it is asked for again.
        }
        if (!signal.aborted)
            this.startLater(state);
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
            for (const event of reader.push(value)) {
                this.after = event.id ?? this.after;
                this.on.event(event);
            }
            this.after = reader.lastId ?? this.after;
        }
    }
}
