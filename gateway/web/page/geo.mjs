// geo: positions on the flat map, on the sphere and as text. Decides only.
//
// World pixels are those of a web map at zoom 0 (EPSG:3857): the earth is 256 of them wide and high,
// x grows to the east from 180 W, y to the south. Where x leaves 0 to 256 it is the same place in
// another copy of the world, so that whoever crosses the antimeridian goes on instead of back.

export const WORLD = 256;
// The sphere on which a NEARBY of the herd measures (gateway/PROTOCOL.md).
export const EARTH_M = 6371008.8;
// Where a web map is square.
const LATITUDE_MAX = 85.0511287798;

const RADIANS = Math.PI / 180;

export function worldX(lon) {
    return (lon + 180) / 360 * WORLD;
}

export function worldY(lat) {
    const sine = Math.sin(Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, lat)) * RADIANS);
    return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD;
}

export function longitudeOf(x) {
    return x / WORLD * 360 - 180;
}

export function latitudeOf(y) {
    return Math.atan(Math.sinh(Math.PI * (1 - 2 * y / WORLD))) / RADIANS;
}

// x in the copy of the world that begins at 0.
export function wrapX(x) {
    return x - Math.floor(x / WORLD) * WORLD;
}

// x in that copy of the world where it is nearest to another one.
export function nearX(x, other) {
    return x - Math.round((x - other) / WORLD) * WORLD;
}

// A longitude within 180, as the herd wants it.
export function wrapLongitude(lon) {
    return lon - Math.floor((lon + 180) / 360) * 360;
}

// Metres between two positions, by the haversine formula.
export function distance(lat, lon, otherLat, otherLon) {
    const up = Math.sin((otherLat - lat) * RADIANS / 2);
    const across = Math.sin((otherLon - lon) * RADIANS / 2);
    const chord = up * up + Math.cos(lat * RADIANS) * Math.cos(otherLat * RADIANS) * across * across;
    return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(chord)));
}

// What one has to show to see all of the positions ({lat, lon}), or null of none: the shortest arc
// of longitudes, which may lie across the antimeridian; east is then above 180.
export function bounds(positions) {
    if (positions.length === 0)
        return null;
    const lats = positions.map((position) => position.lat);
    const lons = positions.map((position) => position.lon).sort((one, other) => one - other);
    let west = lons[0], gap = lons[0] + 360 - lons[lons.length - 1];
    for (let i = 1; i < lons.length; i++) {
        if (lons[i] - lons[i - 1] > gap) {
            gap = lons[i] - lons[i - 1];
            west = lons[i];
        }
    }
    return {
        south: lats.reduce((least, lat) => Math.min(least, lat)),
        north: lats.reduce((most, lat) => Math.max(most, lat)),
        west,
        east: west + 360 - gap,
    };
}

// "+34.06893-118.44513", in the form of an IAMAT.
export function positionText(lat, lon) {
    const signed = (degrees) => (degrees < 0 ? "-" : "+") + Math.abs(degrees).toFixed(6);
    return signed(lat) + signed(lon);
}

// What "#12/34.05/-118.25" says: {zoom, lat, lon}, or null. The map begins there.
export function readPlace(hash) {
    const found = /^#(\d{1,2})\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/.exec(hash);
    return found === null ? null : {zoom: Number(found[1]), lat: Number(found[2]), lon: Number(found[3])};
}

export function distanceText(metres) {
    if (metres < 1000)
        return `${Math.round(metres)} m`;
    return `${(metres / 1000).toFixed(metres < 100000 ? 1 : 0)} km`;
}

export function ageText(seconds) {
    if (seconds < 1)
        return "now";
    if (seconds < 120)
        return `${Math.floor(seconds)} s ago`;
    if (seconds < 7200)
        return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 172800)
        return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400)} days ago`;
}
