// paint: how the world, trails and clients look on a canvas. It draws what it is given and decides
// nothing about who that is.

import {EARTH_M, WORLD, worldX, worldY} from "./geo.mjs";
import {eachTrailPoint, isOld} from "./clients.mjs";
import {eachCopy, graticuleStep} from "./view.mjs";

export const ORIGIN_COLOURS = 8;
// Beyond this many in view they are squares without a rim, and only the chosen one has a trail: more
// would be too slow without a graphics card.
export const DISCS_MAX = 3000;
// Beyond this many in view they have no names.
const NAMES_MAX = 40;
const NAME_CHARACTERS_MAX = 32;
const DISC_PX = 5;
const SQUARE_PX = 5;
const CHOSEN_PX = 9;
const FONT = "12px system-ui, sans-serif";
const LINE_PX = 14;
// Seen from nearer, coasts lie visibly off: by kilometres.
const COASTS_SCALE_MAX = 2 ** 8;
const CITIES_SCALE_MIN = 2 ** 3;

// The colours of the style sheet, which are others in the dark.
export function readColours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const origins = [];
    for (let i = 0; i < ORIGIN_COLOURS; i++)
        origins.push(colour(`origin-${i}`));
    return {origins, coast: colour("coast"), grid: colour("grid"), text: colour("text"), faint: colour("faint"),
            halo: colour("halo"), old: colour("old"), chosen: colour("chosen"), place: colour("place"),
            circle: colour("circle")};
}

function colourOf(client, nowMs, colours) {
    return isOld(client, nowMs) ? colours.old : colours.origins[client.originNumber % ORIGIN_COLOURS];
}

// A line of world pixels, in each copy of the world that the view has.
function strokeLine(context, view, points) {
    for (let shift = Math.floor(view.left / view.scale / WORLD) * WORLD - WORLD;
        shift * view.scale < view.left + view.width; shift += WORLD) {
        context.beginPath();
        for (let i = 0; i < points.length; i += 2)
            context.lineTo((points[i] + shift) * view.scale - view.left, points[i + 1] * view.scale - view.top);
        context.stroke();
    }
}

function paintGraticule(context, view, colours) {
    const step = graticuleStep(view.scale);
    context.strokeStyle = colours.grid;
    context.beginPath();
    const lon = (left) => left / view.scale / WORLD * 360 - 180;
    for (let at = Math.ceil(lon(view.left) / step); at * step <= lon(view.left + view.width); at++) {
        const x = Math.round(worldX(at * step) * view.scale - view.left) + 0.5;
        context.moveTo(x, 0);
        context.lineTo(x, view.height);
    }
    for (let at = Math.ceil(-85 / step); at * step <= 85; at++) {
        const y = Math.round(worldY(at * step) * view.scale - view.top) + 0.5;
        if (y < 0 || y > view.height)
            continue;
        context.moveTo(0, y);
        context.lineTo(view.width, y);
    }
    context.stroke();
}

// A text, unless one of those before would lie beneath it; `taken` has where they are.
function paintWhereRoom(context, text, x, y, taken) {
    const right = x + context.measureText(text).width;
    if (taken.some((other) => x < other.right && right > other.x && Math.abs(y - other.y) < LINE_PX))
        return;
    taken.push({x, y, right});
    context.fillText(text, x, y);
}

// `world` is {coasts, cities}; where the map has tiles there is neither, and no graticule.
export function paintWorld(context, view, world, colours) {
    context.lineWidth = 1;
    paintGraticule(context, view, colours);
    context.strokeStyle = colours.coast;
    for (const coast of view.scale <= COASTS_SCALE_MAX ? world.coasts : [])
        strokeLine(context, view, coast);
    if (view.scale < CITIES_SCALE_MIN)
        return;
    context.font = FONT;
    context.fillStyle = colours.faint;
    const taken = [];
    for (const city of world.cities)
        eachCopy(view, worldX(city.lon), worldY(city.lat), (x, y) => {
            context.fillRect(x - 1, y - 1, 2, 2);
            paintWhereRoom(context, city.name, x + 5, y - 4, taken);
        });
}

// A path for each: many in one path take a canvas without a graphics card seconds.
function paintTrail(context, view, {client, shift}, nowMs) {
    context.beginPath();
    eachTrailPoint(client, nowMs, (x, y) =>
        context.lineTo((x + shift) * view.scale - view.left, y * view.scale - view.top));
    context.stroke();
}

// `shown` and `count` are those of fillView.
export function paintTrails(context, view, shown, count, chosen, nowMs, colours) {
    for (let i = 0; i < count; i++) {
        const isChosen = shown[i].client === chosen;
        if (!isChosen && count > DISCS_MAX)
            continue;
        context.lineWidth = isChosen ? 3 : 1 / view.ratio;
        context.globalAlpha = isChosen ? 1 : 0.6;
        context.strokeStyle = isChosen ? colours.chosen : colourOf(shown[i].client, nowMs, colours);
        paintTrail(context, view, shown[i], nowMs);
    }
    context.globalAlpha = 1;
}

// A circle around a position on the sphere: on the map no circle.
function paintCircle(context, view, circle) {
    const points = [], far = circle.radiusM / EARTH_M, lat = circle.lat * Math.PI / 180;
    for (let i = 0; i <= 64; i++) {
        const angle = i / 32 * Math.PI;
        const sine = Math.sin(lat) * Math.cos(far) + Math.cos(lat) * Math.sin(far) * Math.cos(angle);
        const east = Math.atan2(Math.sin(angle) * Math.sin(far) * Math.cos(lat),
                                Math.cos(far) - Math.sin(lat) * sine);
        points.push(worldX(circle.lon + east * 180 / Math.PI), worldY(Math.asin(sine) * 180 / Math.PI));
    }
    strokeLine(context, view, points);
}

export function paintCircles(context, view, circles, colours) {
    context.strokeStyle = colours.circle;
    context.lineWidth = 2;
    context.setLineDash([6, 4]);
    for (const circle of circles)
        paintCircle(context, view, circle);
    context.setLineDash([]);
}

function paintDiamond(context, x, y, sizePx, colour) {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(x, y - sizePx);
    context.lineTo(x + sizePx, y);
    context.lineTo(x, y + sizePx);
    context.lineTo(x - sizePx, y);
    context.fill();
}

// Places of a look-up: diamonds with a name.
export function paintPlaces(context, view, places, colours) {
    for (const place of places)
        eachCopy(view, worldX(place.lon), worldY(place.lat), (x, y) => {
            paintDiamond(context, x, y, 5, colours.place);
            paintName(context, place.name, x + 8, y + 4, colours);
        });
}

// What is there anyway: small diamonds, with names as far as there is room, the first ones first.
export function paintSights(context, view, sights, colours) {
    const taken = [];
    context.font = FONT;
    for (const sight of sights)
        eachCopy(view, worldX(sight.lon), worldY(sight.lat), (x, y) => {
            paintDiamond(context, x, y, 3, colours.faint);
            paintWhereRoom(context, shorten(sight.name), x + 6, y + 4, taken);
        });
}

function shorten(name) {
    return name.length > NAME_CHARACTERS_MAX ? `${name.slice(0, NAME_CHARACTERS_MAX - 1)}\u2026` : name;
}

function paintName(context, name, x, y, colours) {
    const text = shorten(name);
    context.font = FONT;
    context.lineWidth = 3;
    context.strokeStyle = colours.halo;
    context.strokeText(text, x, y);
    context.fillStyle = colours.text;
    context.fillText(text, x, y);
}

function paintDiscs(context, shown, count, nowMs, colours) {
    context.strokeStyle = colours.halo;
    context.lineWidth = 1;
    for (let i = 0; i < count; i++) {
        context.fillStyle = colourOf(shown[i].client, nowMs, colours);
        context.beginPath();
        context.arc(shown[i].x, shown[i].y, DISC_PX, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
    }
}

// Colour by colour, which a canvas changes slowly, and on whole pixels: between them a square costs ten
// times as much.
function paintSquares(context, shown, count, nowMs, colours) {
    const byColour = new Map();
    for (let i = 0; i < count; i++) {
        const colour = colourOf(shown[i].client, nowMs, colours);
        if (!byColour.has(colour))
            byColour.set(colour, []);
        byColour.get(colour).push(shown[i]);
    }
    for (const [colour, entries] of byColour) {
        context.fillStyle = colour;
        for (const {x, y} of entries)
            context.fillRect(Math.round(x - SQUARE_PX / 2), Math.round(y - SQUARE_PX / 2), SQUARE_PX, SQUARE_PX);
    }
}

export function paintClients(context, shown, count, chosen, nowMs, colours) {
    if (count <= DISCS_MAX)
        paintDiscs(context, shown, count, nowMs, colours);
    else
        paintSquares(context, shown, count, nowMs, colours);
    for (let i = 0; i < count; i++) {
        const {client, x, y} = shown[i];
        if (client === chosen) {
            context.strokeStyle = colours.chosen;
            context.lineWidth = 3;
            context.beginPath();
            context.arc(x, y, CHOSEN_PX, 0, 2 * Math.PI);
            context.stroke();
        }
        if (client === chosen || count <= NAMES_MAX)
            paintName(context, client.id, x + CHOSEN_PX + 2, y + 4, colours);
    }
}
