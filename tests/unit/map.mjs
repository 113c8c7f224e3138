// What the live map decides: where positions stand on it, how clients move, who comes into a circle,
// and what it makes of the files and answers that it reads. Run by node, where there is one.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";

const PAGE = new URL("../../gateway/web/page/", import.meta.url);
const load = (name) => import(new URL(name, PAGE));
const geo = await load("geo.mjs");
const {Clients, OLD_MS, TRAIL_POINTS, eachTrailPoint, isOld, placeAt} = await load("clients.mjs");
const {CIRCLES_MAX, Circles} = await load("circles.mjs");
const {EventReader} = await load("events.mjs");
const answers = await load("answers.mjs");
const {HEARD_MS, knownHerd, layOut} = await load("graph.mjs");
const outline = await load("outline.mjs");
const {AGAIN_MS, CELLS_MAX, Places, cellsOf} = await load("places.mjs");
const view = await load("view.mjs");

function near(got, wanted, within = 1e-9) {
    assert.ok(Math.abs(got - wanted) <= within, `${got} is not ${wanted}`);
}

function trailOf(client, nowMs) {
    const points = [];
    eachTrailPoint(client, nowMs, (x, y) => points.push(x, y));
    return points;
}

function at(id, lat, lon, ageS = 0) {
    return {id, lat, lon, origin: "Alford", stamp: 1, ageS};
}

test("what decides knows no page, clock or network", () => {
    const deciding = ["answers", "circles", "clients", "events", "geo", "graph", "outline", "places", "view"];
    for (const name of deciding) {
        const text = readFileSync(new URL(`${name}.mjs`, PAGE), "utf8").replaceAll(/^ *\/\/.*/gm, "");
        assert.doesNotMatch(text, /\b(document|window|fetch|performance|Date|random|setTimeout|L)\b/, name);
        for (const [, other] of text.matchAll(/from "\.\/(\w+)\.mjs"/g))
            assert.ok(deciding.includes(other), `${name} imports ${other}`);
    }
});

test("the world is a square of 256 pixels", () => {
    near(geo.worldX(-180), 0);
    near(geo.worldX(180), 256);
    near(geo.worldY(0), 128);
    near(geo.worldY(85.0511287798), 0, 1e-6);
    assert.equal(geo.worldY(90), geo.worldY(85.0511287798));
    near(geo.worldY(-90), 256, 1e-6);
    for (const degrees of [-85, -34.5, 0, 60.25, 84]) {
        near(geo.latitudeOf(geo.worldY(degrees)), degrees);
        near(geo.longitudeOf(geo.worldX(degrees)), degrees);
    }
    near(geo.wrapX(-1), 255);
    assert.equal(geo.wrapX(256), 0);
    near(geo.nearX(255, 1), -1);
    near(geo.nearX(1, 255), 257);
    near(geo.wrapLongitude(190), -170);
    near(geo.wrapLongitude(-180), -180);
});

test("distances are those of NEARBY", () => {
    near(geo.distance(0, 0, 0, 1), 111195.08, 0.01);
    near(geo.distance(0, 179.5, 0, -179.5), 111195.08, 0.01);
    near(geo.distance(90, 0, -90, 0), Math.PI * geo.EARTH_M, 0.01);
    assert.equal(geo.distance(10, 20, 10, 20), 0);
});

test("all are seen by the shortest way around the world", () => {
    assert.equal(geo.bounds([]), null);
    assert.deepEqual(geo.bounds([{lat: 1, lon: 2}]), {south: 1, north: 1, west: 2, east: 2});
    assert.deepEqual(geo.bounds([{lat: 1, lon: -10}, {lat: -3, lon: 20}]),
                     {south: -3, north: 1, west: -10, east: 20});
    assert.deepEqual(geo.bounds([{lat: 0, lon: 179}, {lat: 0, lon: -178}, {lat: 5, lon: 170}]),
                     {south: 0, north: 5, west: 170, east: 182});
});

test("numbers are written for people", () => {
    assert.equal(geo.positionText(34.06893, -118.445127), "+34.068930-118.445127");
    assert.deepEqual([0.4, 999.4, 1000, 99999, 100000].map(geo.distanceText),
                     ["0 m", "999 m", "1.0 km", "100.0 km", "100 km"]);
    assert.deepEqual([0.9, 1, 119.9, 120, 7199, 7200, 172799, 172800].map(geo.ageText),
                     ["now", "1 s ago", "119 s ago", "2 min ago", "119 min ago", "2 h ago", "47 h ago",
                      "2 days ago"]);
});

test("a client glides for as long as it was silent, within limits", () => {
    const clients = new Clients();
    const client = clients.put(at("kiwi", 0, 0), 0, true);
    assert.deepEqual(placeAt(client, 0), [128, 128]);
    clients.put(at("kiwi", 0, 0.01), 500, true);
    const x = geo.worldX(0.01);
    assert.deepEqual(placeAt(client, 500), [128, 128]);
    near(placeAt(client, 750)[0], (128 + x) / 2);
    near(placeAt(client, 1000)[0], x);
    assert.equal(clients.glidingUntilMs, 1000);
    clients.put(at("kiwi", 0, 0), 9000, true);
    near(placeAt(client, 10000)[0], (128 + x) / 2);
    clients.put(at("kiwi", 0, 0.02), 9001, true);
    assert.equal(client.endMs, 9101);
});

test("a client that turns while it glides does not jump", () => {
    const clients = new Clients();
    const client = clients.put(at("kiwi", 0, 0), 0, true);
    clients.put(at("kiwi", 0, 0.01), 1000, true);
    const before = placeAt(client, 1500);
    clients.put(at("kiwi", 0.01, 0), 1500, true);
    assert.deepEqual(placeAt(client, 1500), before);
});

test("a far leap, and any where nothing is to glide, is done at once", () => {
    const clients = new Clients();
    const client = clients.put(at("kiwi", 0, 0), 0, true);
    clients.put(at("kiwi", 0, 90), 1000, true);
    near(placeAt(client, 1000)[0], geo.worldX(90));
    clients.put(at("kiwi", 0, 90.01), 2000, false);
    near(placeAt(client, 2000)[0], geo.worldX(90.01));
});

test("the antimeridian is no edge", () => {
    const clients = new Clients();
    const client = clients.put(at("kiwi", 0, 179.9), 0, true);
    clients.put(at("kiwi", 0, -179.9), 1000, true);
    near(placeAt(client, 1500)[0], 256, 1e-6);
    const [x, , before] = trailOf(client, 1500), step = geo.worldX(0.2) - geo.worldX(0);
    near(x - before, step / 2, 1e-6);
    const [there, , newest, , last] = trailOf(client, 2000);
    near(there, newest, 1e-6);
    near(newest - last, step, 1e-6);
});

test("a trail keeps the last points, the newest first", () => {
    const clients = new Clients();
    let client;
    for (let i = 0; i < TRAIL_POINTS + 1; i++)
        client = clients.put(at("kiwi", 0, i / 100), i, false);
    const trail = trailOf(client, 99);
    assert.equal(trail.length, 2 + 2 * TRAIL_POINTS);
    near(trail[0], geo.worldX(TRAIL_POINTS / 100));
    near(trail[2], geo.worldX(TRAIL_POINTS / 100));
    near(trail[2 * TRAIL_POINTS], geo.worldX(0.01));
    clients.put(at("kiwi", 0, TRAIL_POINTS / 100), 99, false);
    assert.deepEqual(trailOf(client, 99), trail);
});

test("who was not heard of for long is old", () => {
    const clients = new Clients();
    const client = clients.put(at("kiwi", 0, 0, 10), 20000, false);
    assert.equal(isOld(client, 10000 + OLD_MS), false);
    assert.equal(isOld(client, 10001 + OLD_MS), true);
});

test("a search finds names with the letters, those that begin with them first", () => {
    const clients = new Clients();
    for (const id of ["bus-2", "Bus-1", "a bus", "tram"])
        clients.put(at(id, 0, 0), 0, false);
    const names = (found) => found.clients.map((client) => client.id);
    assert.deepEqual(names(clients.find("BUS", 9)), ["Bus-1", "bus-2", "a bus"]);
    assert.deepEqual(names(clients.find("bus", 1)), ["Bus-1"]);
    assert.equal(clients.find("bus", 1).count, 3);
    assert.equal(clients.find("", 9).count, 4);
    assert.deepEqual(clients.missingIn([{id: "tram"}, {id: "a bus"}, {id: "new"}]), ["bus-2", "Bus-1"]);
});

test("nodes are counted by whose position they took", () => {
    const clients = new Clients();
    clients.put({...at("kiwi", 0, 0), origin: "Welsh"}, 0, false);
    clients.put(at("otter", 0, 0), 0, false);
    clients.put(at("finch", 0, 0), 0, false);
    assert.deepEqual(clients.countOrigins(), [{name: "Alford", number: 1, count: 2}, {name: "Welsh", number: 0, count: 1}]);
    clients.put(at("kiwi", 0, 0), 0, false);
    assert.deepEqual(clients.countOrigins(), [{name: "Alford", number: 1, count: 3}]);
});

test("a place in the address is zoom, latitude and longitude", () => {
    assert.deepEqual(geo.readPlace("#12/34.05/-118.25"), {zoom: 12, lat: 34.05, lon: -118.25});
    assert.equal(geo.readPlace("#search"), null);
    assert.equal(geo.readPlace(""), null);
});

test("a circle tells once who comes and who leaves", () => {
    const circles = new Circles();
    const inside = {id: "in", lat: 0, lon: 180}, outside = {id: "out", lat: 0, lon: 179};
    const circle = circles.add(0, 180, 50000, [inside, outside]);
    assert.deepEqual([...circle.inside], ["in"]);
    assert.deepEqual(circles.moved({id: "in", lat: 0, lon: -179.9}), []);
    assert.deepEqual(circles.moved({id: "out", lat: 0, lon: -179.9}), [{circle, id: "out", isEnter: true}]);
    assert.deepEqual(circles.moved({id: "in", lat: 0, lon: 170}), [{circle, id: "in", isEnter: false}]);
    assert.deepEqual(circles.gone("out"), [{circle, id: "out", isEnter: false}]);
    assert.deepEqual(circles.gone("out"), []);
    circles.remove(circle.number);
    assert.deepEqual(circles.moved({id: "in", lat: 0, lon: 180}), []);
});

test("there are as many circles as the limit says", () => {
    const circles = new Circles();
    for (let i = 0; i < CIRCLES_MAX; i++)
        assert.equal(circles.add(0, 0, 1, []).number, i + 1);
    assert.equal(circles.add(0, 0, 1, []), null);
});

test("the view shows a client in each copy of the world that it has", () => {
    const clients = new Clients();
    clients.put(at("kiwi", 0, 179), 0, false);
    clients.put(at("otter", 60, 0), 0, false);
    const window = {scale: 1, left: -100, top: 100, width: 600, height: 50};
    const shown = [];
    const count = view.fillView(clients.all.values(), window, 0, () => true, shown);
    assert.deepEqual(shown.slice(0, count).map(({client, x}) => [client.id, Math.round(x)]),
                     [["kiwi", 99], ["kiwi", 355], ["kiwi", 611]].slice(0, 2));
    assert.equal(view.fillView(clients.all.values(), window, 0, (client) => client.id === "otter", shown), 0);
});

test("a click means the nearest client", () => {
    const shown = [{client: "a", x: 10, y: 10}, {client: "b", x: 20, y: 10}, {client: "c", x: 11, y: 10}];
    assert.equal(view.clientAt(shown, 2, 13, 10), "a");
    assert.equal(view.clientAt(shown, 2, 17, 10), "b");
    assert.equal(view.clientAt(shown, 2, 60, 10), null);
});

test("lines of the grid stand far enough apart", () => {
    assert.equal(view.graticuleStep(1), 30);
    assert.equal(view.graticuleStep(1024), 0.1);
    assert.equal(view.graticuleStep(2 ** 18), 0.005);
});

test("events are read in whatever pieces they come", () => {
    const text = "retry: 3000\n\nevent: move\nid: a-1\ndata: [1,\ndata: 2]\n\n:\n\nid: a-2\n\n" +
        "event: gone\ndata:[\"x\"]\n\nevent: move\nid: a-3\ndata: half";
    for (let bytes = 1; bytes <= text.length; bytes++) {
        const reader = new EventReader(), events = [];
        for (let at = 0; at < text.length; at += bytes)
            events.push(...reader.push(text.slice(at, at + bytes)));
        assert.deepEqual(events, [{event: "move", data: "[1,\n2]", id: "a-1"},
                                  {event: "gone", data: "[\"x\"]", id: "a-2"}]);
        assert.equal(reader.lastId, "a-2");
    }
    assert.throws(() => new EventReader().push("x".repeat((4 << 20) + 1)), RangeError);
    new EventReader().push("x".repeat(4 << 20));
});

test("what zherd-web says is read, and what is none of it left out", () => {
    const feature = (id, more = {}) => ({
        type: "Feature", geometry: {type: "Point", coordinates: [-118.5, 34]},
        properties: {id, origin: "Ball", stamp: 1000, age: 12.5, ...more},
    });
    const table = answers.readTable({events: "a-1", features: [feature("kiwi"), {}, feature(7), null]});
    assert.deepEqual(table.positions, [{id: "kiwi", lat: 34, lon: -118.5, origin: "Ball", stamp: 1000,
                                        ageS: 12.5, metres: null}]);
    assert.equal(table.events, "a-1");
    assert.equal(table.herdS, 1012.5);
    assert.equal(table.isWhole, true);
    assert.equal(answers.readTable({truncated: true}).isWhole, false);
    assert.equal(answers.readTable(null).events, null);
    assert.equal(answers.readFeature(feature("kiwi", {age: -3})).ageS, 0);
    assert.equal(answers.readFeature(feature("kiwi", {age: null})).ageS, 0);
    assert.equal(answers.readFeature(feature("kiwi", {metres: 143.7})).metres, 143.7);
    const moves = answers.readMoves([{id: "kiwi", lat: 1, lon: 2, origin: "Ball", stamp: 90},
                                     {id: "otter", lat: "1", lon: 2}, null], 100);
    assert.deepEqual(moves, [{id: "kiwi", lat: 1, lon: 2, origin: "Ball", stamp: 90, ageS: 10}]);
    assert.deepEqual(answers.readMoves({}, 100), []);
    assert.deepEqual(answers.readGone(["a", 1]), ["a"]);
    assert.deepEqual(answers.readHerd({node: "Ball", up: true, links: [{name: "Welsh", up: false}, {}]}),
                     {node: "Ball", isUp: true, links: [{name: "Welsh", isUp: false}]});
    assert.equal(answers.readHerd({}), null);
    assert.deepEqual(answers.readGraph({nodes: ["Ball", 1], links: [["Ball", "Welsh"], ["Ball"], null]}),
                     {nodes: ["Ball"], links: [["Ball", "Welsh"]]});
    assert.deepEqual(answers.readGraph(null), {nodes: [], links: []});
});

test("of the herd nothing is called up or down that is not known to be", () => {
    const graph = {nodes: ["Alford", "Ball", "Hamilton", "Welsh"],
                   links: [["Alford", "Ball"], ["Welsh", "Alford"], ["Ball", "Hamilton"]]};
    const herd = {node: "Alford", isUp: true, links: [{name: "Ball", isUp: true}, {name: "Welsh", isUp: false}]};
    const states = (known) => [known.nodes.map(({name, state}) => `${name} ${state}`),
                               known.links.map(({a, b, state}) => `${a} ${b} ${state}`)];
    const heard = new Map([["Hamilton", 1000]]);
    assert.deepEqual(states(knownHerd(graph, herd, heard, 1000 + HEARD_MS)),
                     [["Alford up", "Ball up", "Hamilton up", "Welsh unknown"],
                      ["Alford Ball up", "Ball Hamilton unknown", "Welsh Alford down"]]);
    assert.deepEqual(states(knownHerd(graph, herd, heard, 1001 + HEARD_MS))[0][2], "Hamilton unknown");
    assert.deepEqual(states(knownHerd(graph, {...herd, isUp: false}, heard, 1000)),
                     [["Alford down", "Ball unknown", "Hamilton unknown", "Welsh unknown"],
                      ["Alford Ball unknown", "Ball Hamilton unknown", "Welsh Alford unknown"]]);
    // Of what the file does not have, what the node says; and before either, nothing.
    assert.deepEqual(states(knownHerd(null, herd, heard, 0)),
                     [["Alford up", "Ball up", "Welsh unknown"], ["Alford Ball up", "Alford Welsh down"]]);
    assert.deepEqual(knownHerd(null, null, heard, 0), {nodes: [], links: []});
    assert.deepEqual(states(knownHerd(graph, null, heard, 1000))[1][0], "Alford Ball unknown");
});

test("nodes stand around the middle of a picture", () => {
    const places = layOut(["a", "b", "c", "d"], 200, 100, 10);
    near(places.get("a").x, 100);
    near(places.get("a").y, 10);
    near(places.get("b").x, 190);
    near(places.get("c").y, 90);
    near(places.get("d").x, 10);
});

function viewAt(zoom, lat, lon, width = 900, height = 700) {
    const scale = 2 ** zoom;
    return {scale, width, height, left: geo.worldX(lon) * scale - width / 2, top: geo.worldY(lat) * scale - height / 2};
}

test("a view's cells cover it, the middle first, and are few", () => {
    assert.deepEqual(cellsOf(viewAt(13, 34, -118)), []);
    const far = (cell, lat, lon) => geo.distance(Number(cell.lat), Number(cell.lon), lat, lon) / 1000;
    for (const [zoom, lat, lon] of [[14, 34, -118], [18, -60, 20], [15, 0, 180], [14, 84, -180], [16, -85, 0]]) {
        const view = viewAt(zoom, lat, lon), cells = cellsOf(view);
        assert.ok(cells.length > 0 && cells.length <= 4, `${zoom}: ${cells.length}`);
        assert.ok(far(cells[0], lat, lon) <= Number(cells[0].radiusKm));
        for (const x of [0.01, 0.5, 0.99])
            for (const y of [0.01, 0.5, 0.99]) {
                const at = [geo.latitudeOf((view.top + y * view.height) / view.scale),
                            geo.wrapLongitude(geo.longitudeOf((view.left + x * view.width) / view.scale))];
                assert.ok(Math.abs(at[0]) > 85 ||
                          cells.some((cell) => far(cell, ...at) <= Number(cell.radiusKm)), `${zoom} ${at}`);
            }
        for (const cell of cells) {
            assert.ok(Number(cell.radiusKm) > 0 && Number(cell.radiusKm) <= 50);
            assert.ok(Math.abs(cell.lon) <= 180 && Math.abs(cell.lat) <= 90);
        }
    }
});

test("a view of more cells than are kept asks for each once", () => {
    const places = new Places(), cells = cellsOf(viewAt(15, 34, -118, 15360, 8640));
    assert.equal(cells.length, CELLS_MAX);
    for (const {key} of cells) {
        places.all(cells);
        assert.equal(places.missing(cells, 0).key, key);
        places.put(key, {places: [], credits: []}, 0);
    }
    assert.equal(places.missing(cells, 0), null);
});

test("of a cell is asked once, as long as it is kept", () => {
    const places = new Places(), cells = cellsOf(viewAt(14, 34, -118));
    const hall = {name: "Hall", where: "", lat: 1, lon: 2};
    assert.equal(places.missing(cells, 0), cells[0]);
    places.put(cells[0].key, {places: [hall, {...hall, name: "Tower"}], credits: ["OSM"]}, 0);
    places.put(cells[1].key, {places: [hall], credits: ["OSM"]}, 0);
    assert.deepEqual(places.all(cells), {places: [hall, {...hall, name: "Tower"}], credits: ["OSM"]});
    assert.equal(places.missing(cells.slice(0, 2), 1e9), null);
    // Without an answer it is asked again, but not at once.
    places.put(cells[1].key, null, 1000);
    assert.equal(places.missing(cells.slice(0, 2), 999 + AGAIN_MS), null);
    assert.equal(places.missing(cells.slice(0, 2), 1000 + AGAIN_MS), cells[1]);
    // One more than is kept: the one that was used longest ago goes.
    for (let i = 0; i < CELLS_MAX - 2; i++)
        places.put(`${i}`, {places: [], credits: []}, 0);
    places.all(cells.slice(0, 1));
    places.put("one more", {places: [], credits: []}, 0);
    assert.equal(places.missing(cells.slice(0, 1), 0), null);
    assert.equal(places.missing(cells.slice(1, 2), 0), cells[1]);
});

test("places of a look-up are read, and why there are none", () => {
    const place = {name: "Hall", vicinity: "Street 1", geometry: {location: {lat: 1, lng: 2}}};
    assert.deepEqual(answers.readPlaces({status: "OK", results: [place, {name: "no place"}]}),
                     {places: [{name: "Hall", where: "Street 1", lat: 1, lon: 2}], credits: [], trouble: null});
    assert.deepEqual(answers.readPlaces({html_attributions: ["&copy; <a href=\"https://x\">OSM</a> people", 7]}).credits,
                     ["\u00a9 OSM people"]);
    assert.equal(answers.readPlaces({status: "ZERO_RESULTS", results: []}).trouble, null);
    assert.equal(answers.readPlaces({status: "UNKNOWN_ERROR", error_message: "placesd is down"}).trouble,
                 "placesd is down");
});

// A shapefile of one record.
function shapefile(kind, parts) {
    const points = parts.flat();
    const bytes = 44 + 4 * parts.length + 16 * points.length;
    const data = new DataView(new ArrayBuffer(108 + bytes));
    data.setInt32(0, 9994);
    data.setInt32(104, bytes / 2);
    data.setInt32(108, kind, true);
    data.setInt32(144, parts.length, true);
    data.setInt32(148, points.length, true);
    let first = 0;
    for (const [i, part] of parts.entries()) {
        data.setInt32(152 + 4 * i, first, true);
        first += part.length;
    }
    for (const [i, [lon, lat]] of points.entries()) {
        data.setFloat64(152 + 4 * parts.length + 16 * i, lon, true);
        data.setFloat64(160 + 4 * parts.length + 16 * i, lat, true);
    }
    return data.buffer;
}

test("coasts are read from a shapefile", () => {
    const parts = [[[-180, 0], [0, 0]], [[90, 0], [180, 0], [0, 0]]];
    assert.deepEqual(outline.readShapes(shapefile(3, parts)), [[0, 128, 128, 128], [192, 128, 256, 128, 128, 128]]);
    assert.deepEqual(outline.readShapes(shapefile(1, parts)), []);
    assert.throws(() => outline.readShapes(new ArrayBuffer(200)), RangeError);
    assert.throws(() => outline.readShapes(new ArrayBuffer(2)), RangeError);
    const whole = shapefile(3, parts);
    for (let bytes = 101; bytes < whole.byteLength; bytes++)
        assert.throws(() => outline.readShapes(whole.slice(0, bytes)), RangeError);
});

test("cities are read from the table of time zones", () => {
    const text = "# a comment\nUS,CA\t+340308-1181434\tAmerica/Los_Angeles\tPacific\n" +
        "AD\t+4230+00131\tEurope/Andorra\nXX\tnowhere\tA/B\n\n";
    const [angeles, andorra, ...others] = outline.readCities(text);
    assert.equal(angeles.name, "Los Angeles");
    near(angeles.lat, 34.052222, 1e-6);
    near(angeles.lon, -118.242778, 1e-6);
    near(andorra.lat, 42.5, 1e-9);
    near(andorra.lon, 1.516667, 1e-6);
    assert.deepEqual(others, []);
});
