// circles: who comes into and who leaves the circles that the viewer watches. Decides only.

import {distance} from "./geo.mjs";

export const CIRCLES_MAX = 20;

export class Circles {
    constructor() {
        this.all = []; // {number, lat, lon, radiusM, inside: a set of ids}
        this.count = 0; // of all that there ever were
    }

    // A circle and who is in it now, or null where there is no room for one more.
    add(lat, lon, radiusM, clients) {
        if (this.all.length === CIRCLES_MAX)
            return null;
        const circle = {number: ++this.count, lat, lon, radiusM, inside: new Set()};
        for (const client of clients)
            if (distance(lat, lon, client.lat, client.lon) <= radiusM)
                circle.inside.add(client.id);
        this.all.push(circle);
        return circle;
    }

    remove(number) {
        this.all = this.all.filter((circle) => circle.number !== number);
    }

    // A client has a position: [{circle, id, isEnter}] of those circles whose edge it crossed.
    moved(client) {
        const crossings = [];
        for (const circle of this.all) {
            const isIn = distance(circle.lat, circle.lon, client.lat, client.lon) <= circle.radiusM;
            if (isIn === circle.inside.has(client.id))
                continue;
            if (isIn)
                circle.inside.add(client.id);
            else
                circle.inside.delete(client.id);
            crossings.push({circle, id: client.id, isEnter: isIn});
        }
        return crossings;
    }

    // A client is gone: it leaves wherever it was.
    gone(id) {
        return this.all.filter((circle) => circle.inside.delete(id))
            .map((circle) => ({circle, id, isEnter: false}));
    }
}
