// scene: the map itself: Leaflet for moving about, three sheets of our own on it, and the loop that
// draws. Who is shown and how it looks is decided elsewhere (view.mjs, paint.mjs).

import {clientAt, fillView} from "./view.mjs";
import {placeAt} from "./clients.mjs";
import {WORLD, bounds, distance, nearX, wrapLongitude, worldX} from "./geo.mjs";
import {paintCircles, paintClients, paintPlaces, paintSights, paintTrails, paintWorld, readColours} from "./paint.mjs";
import {Sheet} from "./sheet.mjs";

const ZOOM_MAX = 18;
const ZOOM_OF_ONE = 12;
const TRAILS_MS = 200;
// Who gets old meanwhile turns grey.
const IDLE_MS = 1000;

export class Scene {
    // `config` is that of main.mjs; `on` has choose(client or null) and moved().
    constructor(element, clients, config, on) {
        this.clients = clients;
        this.isWanted = () => true;
        this.chosen = null;
        this.isFollowing = false;
        this.circles = [];
        this.endDrawing = null; // while one is drawn
        this.places = [];
        this.sights = []; // places that are drawn without being asked for
        this.world = {coasts: [], cities: []};
        this.shown = [];
        this.count = 0;
        this.draws = 0;
        this.trailsMs = -TRAILS_MS;
        this.frame = 0;
        this.colours = readColours();
        this.makeMap(element, config, on);
        this.map.on("click", (event) =>
            on.choose(clientAt(this.shown, this.count, event.containerPoint.x, event.containerPoint.y)));
        setInterval(() => this.wake(), IDLE_MS);
    }

    makeMap(element, config, on) {
        const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
        this.map = L.map(element, {zoomAnimation: false, fadeAnimation: false, inertia: !isCalm.matches,
                                   minZoom: 1, maxZoom: ZOOM_MAX, zoomControl: false,
                                   attributionControl: config.tiles !== "", center: [20, 0], zoom: 2});
        const panBy = this.map.panBy;
        this.map.panBy = (offset, options) =>
            panBy.call(this.map, offset, isCalm.matches ? {...options, animate: false} : options);
        L.control.zoom({position: "bottomright"}).addTo(this.map);
        this.hasTiles = config.tiles !== "";
        if (this.hasTiles) {
            this.map.attributionControl.setPrefix("");
            L.tileLayer(config.tiles, {maxZoom: ZOOM_MAX, attribution: `Tiles: ${new URL(config.tiles).host}`})
                .addTo(this.map);
        }
        this.worldSheet = new Sheet(this.map, "world", 300, 0.5, (context, view) => {
            if (this.hasTiles)
                return;
            paintWorld(context, view, this.world, this.colours);
            paintSights(context, view, this.sights, this.colours);
        });
        this.trailSheet = new Sheet(this.map, "trails", 410, 0.1, (context, view) => {
            paintTrails(context, view, this.shown, this.count, this.chosen, performance.now(), this.colours);
            paintCircles(context, view, this.circles, this.colours);
            paintPlaces(context, view, this.places, this.colours);
        });
        this.clientSheet = new Sheet(this.map, "clients", 420, 0, (context, view) => {
            const nowMs = performance.now();
            this.count = fillView(this.clients.all.values(), view, nowMs, this.isWanted, this.shown);
            paintClients(context, this.shown, this.count, this.chosen, nowMs, this.colours);
        });
        this.map.on("moveend resize", () => {
            this.drawWorld();
            on.moved();
        });
        this.map.on("move resize", () => this.wake());
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
            this.colours = readColours();
            this.drawWorld();
            this.wake();
        });
    }

    setWorld(world) {
        this.world = world;
        this.drawWorld();
    }

    setSights(sights) {
        this.sights = sights;
        this.drawWorld();
    }

    // What is in sight, as a view.
    view() {
        const {min} = this.map.getPixelBounds(), {x, y} = this.map.getSize();
        return {scale: 2 ** this.map.getZoom(), left: min.x, top: min.y, width: x, height: y};
    }

    drawWorld() {
        this.worldSheet.draw();
        this.trailsMs = -TRAILS_MS;
        this.wake();
    }

    // There is something new to draw.
    wake() {
        if (this.frame === 0 && !document.hidden)
            this.frame = requestAnimationFrame(() => this.drawFrame());
    }

    drawFrame() {
        const nowMs = performance.now();
        this.frame = 0;
        if (this.isFollowing)
            this.follow();
        this.clientSheet.draw();
        this.draws++;
        if (nowMs - this.trailsMs >= TRAILS_MS) {
            this.trailsMs = nowMs;
            this.trailSheet.draw();
        }
        if (nowMs < this.clients.glidingUntilMs)
            this.wake();
    }

    // The chosen one stays in the middle half of the map.
    follow() {
        const center = this.map.getCenter(), size = this.map.getSize();
        const [x] = placeAt(this.chosen, performance.now());
        const middle = worldX(center.lng);
        const lon = nearX(x, middle) / WORLD * 360 - 180;
        const at = this.map.latLngToContainerPoint([this.chosen.lat, lon]);
        if (Math.abs(at.x - size.x / 2) > size.x / 4 || Math.abs(at.y - size.y / 2) > size.y / 4)
            this.map.setView([this.chosen.lat, lon], this.map.getZoom(), {animate: false});
    }

    show(positions) {
        const box = bounds(positions);
        if (box !== null)
            this.map.fitBounds([[box.south, box.west], [box.north, box.east]],
                               {padding: [40, 40], maxZoom: ZOOM_OF_ONE, animate: false});
    }

    showOne(position) {
        this.showPlace({...position, zoom: Math.max(this.map.getZoom(), ZOOM_OF_ONE)});
    }

    showPlace(place) {
        this.map.setView([place.lat, place.lon], place.zoom, {animate: false});
    }

    middle() {
        const {lat, lng} = this.map.getCenter();
        return {lat, lon: wrapLongitude(lng)};
    }

    // Lets the viewer draw one circle with a pointer; `done` gets {lat, lon, radiusM}, or null after
    // Escape.
    drawCircle(done) {
        const element = this.map.getContainer(), before = this.circles;
        const stop = new AbortController(), {signal} = stop;
        let drawn = null;
        const end = this.endDrawing = (circle) => {
            stop.abort();
            this.endDrawing = null;
            this.map.dragging.enable();
            element.classList.remove("drawing");
            this.circles = before;
            done(circle);
        };
        this.map.dragging.disable();
        element.classList.add("drawing");
        element.addEventListener("pointerdown", (event) => {
            const {lat, lng} = this.map.mouseEventToLatLng(event);
            element.setPointerCapture(event.pointerId);
            drawn = {lat, lon: wrapLongitude(lng), radiusM: 0};
        }, {signal});
        element.addEventListener("pointermove", (event) => {
            if (drawn === null)
                return;
            const {lat, lng} = this.map.mouseEventToLatLng(event);
            drawn.radiusM = distance(drawn.lat, drawn.lon, lat, lng);
            this.circles = [...before, drawn];
            this.drawSoon();
        }, {signal});
        element.addEventListener("pointerup", () => {
            if (drawn !== null)
                end(drawn.radiusM > 0 ? drawn : null);
        }, {signal});
        document.addEventListener("keydown", (event) => event.key === "Escape" && end(null), {signal});
    }

    // Trails, circles or places are others: with the next picture.
    drawSoon() {
        this.trailsMs = -TRAILS_MS;
        this.wake();
    }
}
