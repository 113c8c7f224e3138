// places: which places the map shows by itself when it is near enough: those of the landmarks server,
// asked for cell by cell of a grid. Decides only.
//
// Invariant: of a cell is asked once, as long as it is kept, and a view has few.

import {WORLD, distance, latitudeOf, longitudeOf} from "./geo.mjs";

export const PLACES_ZOOM_MIN = 14;
// Cells have 1024 pixels: that of zoom 14 is one tile of zoom 12.
const CELL_ZOOM_LESS = 2;
export const CELLS_MAX = 64;
// After there was no answer.
export const AGAIN_MS = 30000;

// The cells of a view (view.mjs), those nearest to its middle first: [{key, lat, lon,
// radiusKm}], the circle around each cell. None where the map is too far away, and as many as are
// kept where a browser shows more.
export function cellsOf(view) {
    const zoom = Math.round(Math.log2(view.scale));
    if (zoom < PLACES_ZOOM_MIN)
        return [];
    const count = 2 ** (zoom - CELL_ZOOM_LESS), size = WORLD / count;
    const cell = (pixel) => Math.floor(pixel / view.scale / size);
    const cells = [], middleX = (view.left + view.width / 2) / view.scale / size - 0.5;
    const middleY = (view.top + view.height / 2) / view.scale / size - 0.5;
    for (let y = Math.max(0, cell(view.top)); y <= Math.min(count - 1, cell(view.top + view.height)); y++)
        for (let x = cell(view.left); x <= cell(view.left + view.width); x++)
            cells.push({x, y, far: Math.hypot(x - middleX, y - middleY)});
    return cells.sort((one, other) => one.far - other.far).slice(0, CELLS_MAX)
        .map(({x, y}) => circleAround((x % count + count) % count, y, size, zoom));
}

// The corner next to the equator is the farthest.
function circleAround(x, y, size, zoom) {
    const lat = latitudeOf((y + 0.5) * size), lon = longitudeOf((x + 0.5) * size);
    const corner = latitudeOf((lat > 0 ? y + 1 : y) * size);
    const radiusM = distance(lat, lon, corner, longitudeOf(x * size));
    return {key: `${zoom}/${x}/${y}`, lat: lat.toFixed(6), lon: lon.toFixed(6),
            radiusKm: (Math.ceil(radiusM) / 1000).toFixed(3)};
}

export class Places {
    constructor() {
        this.cells = new Map(); // by key {places, credits, untilMs}; the one used last comes last
    }

    // The first of the cells of which is to be asked, or null.
    missing(cells, nowMs) {
        return cells.find(({key}) => (this.cells.get(key)?.untilMs ?? -Infinity) <= nowMs) ?? null;
    }

    // An answer, {places, credits}, or null of none.
    put(key, answer, nowMs) {
        this.cells.set(key, {places: answer?.places ?? [], credits: answer?.credits ?? [],
                             untilMs: answer === null ? nowMs + AGAIN_MS : Infinity});
        for (const oldest of this.cells.keys()) {
            if (this.cells.size <= CELLS_MAX)
                break;
            this.cells.delete(oldest);
        }
    }

    // What is known of the cells: {places, credits}, each once, the best known first.
    all(cells) {
        const places = new Map(), credits = new Set();
        for (const {key} of cells) {
            const cell = this.cells.get(key);
            if (cell === undefined)
                continue;
            this.cells.delete(key);
            this.cells.set(key, cell);
            cell.places.forEach((place) => places.set(`${place.lat} ${place.lon} ${place.name}`, place));
            cell.credits.forEach((credit) => credits.add(credit));
        }
        return {places: [...places.values()], credits: [...credits]};
    }
}
