// events: server-sent events out of the pieces of text in which they come (WHATWG HTML, 9.2.6).
// Decides only.
//
// A browser's own EventSource sends no token, ends for good at any answer but 200, and says neither
// why nor that nothing comes any more; so the page reads the stream itself.

// More than the longest event of zherd-web by far: what goes on beyond it is no stream of events.
const EVENT_CHARACTERS_MAX = 4 << 20;

export class EventReader {
    constructor() {
        this.pending = "";
        this.lastId = null; // of the last block that was complete
    }

    // The events that this piece completes: [{event, data, id}]; `id` is the one to go on after.
    push(text) {
        const events = [];
        const blocks = (this.pending + text).split("\n\n");
        this.pending = blocks.pop();
        if (this.pending.length > EVENT_CHARACTERS_MAX)
            throw new RangeError("an event without an end");
        for (const block of blocks) {
            const read = readBlock(block);
            this.lastId = read.id ?? this.lastId;
            if (read.data !== null)
                events.push({event: read.event, data: read.data, id: this.lastId});
        }
        return events;
    }
}

function readBlock(block) {
    const read = {event: "message", data: null, id: null};
    for (const line of block.split("\n")) {
        const at = line.indexOf(":");
        const name = at < 0 ? line : line.slice(0, at);
        const value = at < 0 ? "" : line.slice(line[at + 1] === " " ? at + 2 : at + 1);
        if (name === "event" || name === "id")
            read[name] = value;
        else if (name === "data")
            read.data = read.data === null ? value : `${read.data}\n${value}`;
    }
    return read;
}
