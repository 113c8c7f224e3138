// clients: whom the map shows, where each is at a moment, and the way that each came. Decides only:
// times come from the caller, in milliseconds of one clock.
//
// Invariant: a client glides from where it was shown to where it is now, the short way around the
// world, and has arrived when its next position is due.

import {nearX, worldX, worldY, wrapX} from "./geo.mjs";

export const TRAIL_POINTS = 50;
// A client that was not heard of for this is shown as old.
export const OLD_MS = 300000;
// A glide takes as long as the last pause between two positions, within these.
const GLIDE_MS_MIN = 100;
const GLIDE_MS_MAX = 2000;
// Beyond this, in world pixels (about 160 km at the equator), a client jumps.
const GLIDE_WORLD_MAX = 1;

export class Clients {
    constructor() {
        this.all = new Map(); // by id
        this.origins = []; // names of nodes, in the order in which they were seen first
        this.glidingUntilMs = 0;
    }

    // The number of a node; colours go by it.
    originNumber(name) {
        let number = this.origins.indexOf(name);
        if (number < 0)
            number = this.origins.push(name) - 1;
        return number;
    }

    // {id, lat, lon, origin, stamp, ageS} is a position that is `ageS` old. Without `glides` the
    // client is there at once.
    put(position, nowMs, glides) {
        const x = worldX(position.lon), y = worldY(position.lat);
        let client = this.all.get(position.id);
        if (client === undefined) {
            client = {id: position.id, trail: new Float64Array(2 * TRAIL_POINTS), trailCount: 0, trailNext: 0,
                      x, y, fromX: x, fromY: y, startMs: nowMs, endMs: nowMs, arrivedMs: nowMs};
            this.all.set(position.id, client);
        }
        const pauseMs = nowMs - client.arrivedMs;
        const [shownX, shownY] = placeAt(client, nowMs);
        client.x = nearX(x, shownX);
        client.y = y;
        const far = Math.hypot(client.x - shownX, y - shownY);
        const glideMs = glides && far > 0 && far < GLIDE_WORLD_MAX
            ? Math.max(GLIDE_MS_MIN, Math.min(GLIDE_MS_MAX, pauseMs)) : 0;
        client.fromX = glideMs > 0 ? shownX : client.x;
        client.fromY = glideMs > 0 ? shownY : client.y;
        client.startMs = client.arrivedMs = nowMs;
        client.endMs = nowMs + glideMs;
        client.lat = position.lat;
        client.lon = position.lon;
        client.stamp = position.stamp;
        client.origin = position.origin;
        client.originNumber = this.originNumber(position.origin);
        client.heardMs = nowMs - 1000 * position.ageS;
        this.glidingUntilMs = Math.max(this.glidingUntilMs, client.endMs);
        addToTrail(client, wrapX(x), y);
        return client;
    }

    // How many clients there are of each node: [{name, number, count}], without nodes of none.
    countOrigins() {
        const counts = this.origins.map((name, number) => ({name, number, count: 0}));
        for (const client of this.all.values())
            counts[client.originNumber].count++;
        return counts.filter((origin) => origin.count > 0).sort((one, other) => compare(one.name, other.name));
    }

    remove(id) {
        return this.all.delete(id);
    }

    // Of a table that came as a whole: who is not in it is gone.
    missingIn(positions) {
        const ids = new Set(positions.map((position) => position.id));
        return [...this.all.keys()].filter((id) => !ids.has(id));
    }

    // Up to `most` clients whose id holds the text in any case: those that begin with it first, then
    // by their bytes.
    find(text, most) {
        const wanted = text.toLowerCase();
        const found = [];
        for (const client of this.all.values()) {
            const at = client.id.toLowerCase().indexOf(wanted);
            if (at >= 0)
                found.push({at: at === 0 ? 0 : 1, client});
        }
        found.sort((one, other) => one.at - other.at || compare(one.client.id, other.client.id));
        return {count: found.length, clients: found.slice(0, most).map((entry) => entry.client)};
    }
}

export function compare(one, other) {
    return one < other ? -1 : one > other ? 1 : 0;
}

export function isOld(client, nowMs) {
    return nowMs - client.heardMs > OLD_MS;
}

// Where a client is shown at that moment, in world pixels.
export function placeAt(client, nowMs) {
    if (nowMs >= client.endMs)
        return [client.x, client.y];
    const part = Math.max(0, (nowMs - client.startMs) / (client.endMs - client.startMs));
    return [client.fromX + (client.x - client.fromX) * part, client.fromY + (client.y - client.fromY) * part];
}

function addToTrail(client, x, y) {
    const last = (client.trailNext + TRAIL_POINTS - 1) % TRAIL_POINTS * 2;
    if (client.trailCount > 0 && client.trail[last] === x && client.trail[last + 1] === y)
        return;
    client.trail[client.trailNext * 2] = x;
    client.trail[client.trailNext * 2 + 1] = y;
    client.trailNext = (client.trailNext + 1) % TRAIL_POINTS;
    client.trailCount = Math.min(TRAIL_POINTS, client.trailCount + 1);
}

// Calls `use(x, y)` for the points of a trail, from where the client is shown backwards, each in the
// copy of the world in which it is next to the one before.
export function eachTrailPoint(client, nowMs, use) {
    let [x, y] = placeAt(client, nowMs);
    use(x, y);
    const isGliding = nowMs < client.endMs; // then it has not come to the newest point yet
    for (let back = isGliding ? 2 : 1; back <= client.trailCount; back++) {
        const at = (client.trailNext + TRAIL_POINTS - back) % TRAIL_POINTS * 2;
        x = nearX(client.trail[at], x);
        y = client.trail[at + 1];
        use(x, y);
    }
}
