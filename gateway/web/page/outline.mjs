// outline: coasts and cities from the files of the machine that serves the page. Decides only: takes
// bytes, and throws a RangeError where they are not of the form.

import {worldX, worldY} from "./geo.mjs";

const FILE_CODE = 9994;
const HEADER_BYTES = 100;
const RECORD_HEADER_BYTES = 8;
const KIND_LINES = 3;
const KIND_AREAS = 5;

// The parts of a shapefile of lines or areas, each [x, y, x, y, ...] in world pixels. The form: ESRI
// Shapefile Technical Description, July 1998.
export function readShapes(buffer) {
    const data = new DataView(buffer);
    const parts = [];
    if (data.getInt32(0) !== FILE_CODE)
        throw new RangeError("no shapefile");
    for (let at = HEADER_BYTES; at < data.byteLength;) {
        const bytes = 2 * data.getInt32(at + 4);
        if (bytes < 4)
            throw new RangeError("a record of a shapefile without bytes");
        readRecord(data, at + RECORD_HEADER_BYTES, parts);
        at += RECORD_HEADER_BYTES + bytes;
    }
    return parts;
}

function readRecord(data, at, parts) {
    const kind = data.getInt32(at, true);
    if (kind !== KIND_LINES && kind !== KIND_AREAS)
        return;
    const partCount = data.getInt32(at + 36, true), pointCount = data.getInt32(at + 40, true);
    const points = at + 44 + 4 * partCount;
    for (let i = 0; i < partCount; i++) {
        const first = data.getInt32(at + 44 + 4 * i, true);
        const end = i + 1 < partCount ? data.getInt32(at + 48 + 4 * i, true) : pointCount;
        const part = [];
        for (let point = first; point < end; point++) {
            const lon = data.getFloat64(points + 16 * point, true);
            const lat = data.getFloat64(points + 16 * point + 8, true);
            part.push(worldX(lon), worldY(lat));
        }
        parts.push(part);
    }
}

// Degrees of "+3407", "-1181452" and the like: two or three digits of degrees, then minutes, then
// perhaps seconds (ISO 6709).
function readDegrees(text, degreeDigits) {
    const digits = text.slice(1);
    const part = (from, count) => Number(digits.slice(from, from + count) || 0);
    const value = part(0, degreeDigits) + part(degreeDigits, 2) / 60 + part(degreeDigits + 2, 2) / 3600;
    return text[0] === "-" ? -value : value;
}

// The cities of tzdata's zone1970.tab: [{name, lat, lon}]. Lines that are none are left out.
export function readCities(text) {
    const cities = [];
    for (const line of text.split("\n")) {
        const [, position = "", zone = ""] = line.split("\t");
        const found = /^([+-]\d{4}(?:\d\d)?)([+-]\d{5}(?:\d\d)?)$/.exec(position);
        if (line[0] === "#" || found === null || !zone.includes("/"))
            continue;
        const name = zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
        cities.push({name, lat: readDegrees(found[1], 2), lon: readDegrees(found[2], 3)});
    }
    return cities;
}
