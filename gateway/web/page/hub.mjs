// hub: who hears which stream: all tabs that show the same token share one. A browser has six
// connections to a host for all its tabs, and a stream that is one too many hangs, with all that its
// tab asks for.
//
// It runs in a worker that the tabs share (shared.mjs), or in the page where there is none. A tab
// that is seen joins, one that is hidden leaves. To a tab it says {state} and {event, data, id}; the
// event `reset`, also of its own, means that the tab has to read the table.
//
// Invariant: a stream is open only while a tab hears it, and a tab that has had no `reset` since it
// joined has missed nothing after the event with which it came.

import {Stream} from "./stream.mjs";

const RESET = {event: "reset", data: "{}", id: null};

// One stream and the tabs that hear it.
class Share {
    constructor(token) {
        this.members = new Map(); // by port, whether it has all that came before
        this.state = "";
        this.herd = null; // the last event of that name, for whoever joins
        this.stream = new Stream(token, {
            state: (state) => this.takeState(state),
            event: (event) => this.takeEvent(event),
        });
    }

    // A stream that others hear may be in the midst of what comes after one id: whoever joins it reads
    // the table.
    join(port, after) {
        const isFirst = this.members.size === 0;
        this.members.set(port, after !== null && isFirst);
        if (isFirst || this.state === "refused") {
            this.stream.start(isFirst ? after : null);
            return;
        }
        port.postMessage({state: this.state});
        if (this.state === "live")
            this.catchUp();
        if (this.herd !== null)
            port.postMessage(this.herd);
    }

    leave(port) {
        if (this.members.delete(port) && this.members.size === 0) {
            this.stream.stop();
            this.herd = null;
        }
    }

    tell(message) {
        for (const port of this.members.keys())
            port.postMessage(message);
    }

    // Once the stream is open whoever reads the table misses nothing.
    catchUp() {
        for (const [port, hasAll] of this.members) {
            if (!hasAll)
                port.postMessage(RESET);
            this.members.set(port, true);
        }
    }

    takeState(state) {
        this.state = state;
        this.tell({state});
        if (state !== "live")
            return;
        if (this.stream.after === null)
            this.members.forEach((hasAll, port) => this.members.set(port, false));
        this.catchUp();
    }

    takeEvent(event) {
        if (event.event === "herd")
            this.herd = event;
        this.tell(event);
    }
}

export class Hub {
    constructor() {
        this.shares = new Map(); // by token
    }

    // A tab speaks over this port: {join: {token, after}} or {leave: true}.
    connect(port) {
        port.onmessage = ({data}) => {
            this.leave(port);
            if (data.join !== undefined)
                this.join(port, data.join);
        };
    }

    join(port, {token, after}) {
        if (!this.shares.has(token))
            this.shares.set(token, new Share(token));
        this.shares.get(token).join(port, after);
    }

    leave(port) {
        for (const [token, share] of this.shares) {
            share.leave(port);
            if (share.members.size === 0)
                this.shares.delete(token);
        }
    }
}
