// view: which clients a part of the world shows, where on it, and which of them was clicked. Decides
// only.
//
// A view is {scale, left, top, width, height}: a point of the world is shown at x * scale - left,
// y * scale - top, in pixels of the page, once in each copy of the world that the view has.

import {WORLD} from "./geo.mjs";
import {placeAt} from "./clients.mjs";

// What stands this far beyond the edge is still drawn, because a disc has a size.
const MARGIN_PX = 8;
// A click this near to a client means it.
const CLICK_PX = 14;

// Calls `show(x, y, shift)` for each copy of a point of the world in the view; `shift` is what was
// added to its x, in world pixels.
export function eachCopy(view, x, y, show) {
    const top = y * view.scale - view.top;
    if (top < -MARGIN_PX || top > view.height + MARGIN_PX)
        return;
    const first = Math.ceil(((view.left - MARGIN_PX) / view.scale - x) / WORLD);
    for (let shift = first * WORLD;; shift += WORLD) {
        const left = (x + shift) * view.scale - view.left;
        if (left > view.width + MARGIN_PX)
            return;
        show(left, top, shift);
    }
}

// Puts into `shown` whoever is in the view, as {client, x, y, shift}, and returns how many; entries of
// before are used again. `isWanted` says who is shown at all.
export function fillView(clients, view, nowMs, isWanted, shown) {
    let count = 0;
    for (const client of clients) {
        if (!isWanted(client))
            continue;
        const [worldX, worldY] = placeAt(client, nowMs);
        eachCopy(view, worldX, worldY, (x, y, shift) => {
            if (count === shown.length)
                shown.push({client: null, x: 0, y: 0, shift: 0});
            const entry = shown[count++];
            entry.client = client;
            entry.x = x;
            entry.y = y;
            entry.shift = shift;
        });
    }
    return count;
}

// The client of the first `count` that is nearest to a point of the page, or null.
export function clientAt(shown, count, x, y) {
    let best = null, bestSquare = CLICK_PX * CLICK_PX;
    for (let i = 0; i < count; i++) {
        const across = shown[i].x - x, down = shown[i].y - y;
        const square = across * across + down * down;
        if (square <= bestSquare) {
            bestSquare = square;
            best = shown[i].client;
        }
    }
    return best;
}

// Degrees between two lines of the graticule, so that they stand some 100 pixels apart.
export function graticuleStep(scale) {
    const wanted = 100 * 360 / (WORLD * scale);
    for (const step of [30, 15, 10, 5, 2, 1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01])
        if (step <= wanted)
            return step;
    return 0.005;
}
