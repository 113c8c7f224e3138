// main: the page put together: what the herd says goes to the clients, the map and the panel; what
// the viewer does goes to them and to the herd.

import {readFeature, readPlaces} from "./answers.mjs";
import {Circles, CIRCLES_MAX} from "./circles.mjs";
import {Clients} from "./clients.mjs";
import {readPlace} from "./geo.mjs";
import {knownHerd} from "./graph.mjs";
import {Herd, ask} from "./herd.mjs";
import {readCities, readShapes} from "./outline.mjs";
import {FOUND_MAX, Panel} from "./panel.mjs";
import {Places, cellsOf} from "./places.mjs";
import {Scene} from "./scene.mjs";

const NEAR_KM = 10;
const PLACES_MAX = 20;
const NEIGHBOURS_MAX = 50;
const TICK_MS = 1000;
const NO_LEAFLET = "Leaflet is not installed on the machine that serves this page. On Debian: " +
    "apt install libjs-leaflet. Then load this page again.";

class Page {
    constructor(config) {
        this.clients = new Clients();
        this.circles = new Circles();
        this.places = new Places();
        this.hasPlaces = config.places === true && config.tiles === "";
        this.isAskingPlaces = false;
        this.graph = null; // what the herd's file says
        this.ownHerd = null; // what the node says
        this.heard = new Map(); // when each node took a position, by name
        this.hasView = false; // somebody has said where to look
        this.isCalm = matchMedia("(prefers-reduced-motion: reduce)");
        this.panel = new Panel({
            search: () => this.search(),
            choose: (client) => this.choose(client.id, true),
            leave: () => this.choose(null, false),
            places: () => this.findPlaces(),
            nearby: () => this.findNeighbours(),
            follow: () => this.follow(!this.scene.isFollowing),
            watchMiddle: (radiusKm) => this.watch({...this.scene.middle(), radiusM: radiusKm * 1000}),
            watchDrawn: () => this.drawCircle(),
            forget: (number) => this.forget(number),
            showToken: (token) => this.herd.signIn(token),
        });
        this.scene = new Scene(document.getElementById("map"), this.clients, config,
                               {choose: (client) => this.choose(client?.id ?? null, false),
                                moved: () => this.showPlaces()});
        this.herd = new Herd({
            table: (positions, isWhole) => this.takeTable(positions, isWhole),
            moves: (positions) => this.takeMoves(positions),
            gone: (ids) => ids.forEach((id) => this.takeGone(id)),
            herd: (herd) => {
                this.ownHerd = herd;
                this.showHerd();
            },
            graph: (graph) => {
                this.graph = graph;
                this.showHerd();
            },
            state: (state) => this.takeState(state),
        });
        addEventListener("hashchange", () => this.lookAtHash());
        this.lookAtHash();
        document.addEventListener("visibilitychange", () => this.changeVisibility());
        setInterval(() => this.tick(), TICK_MS);
        this.changeVisibility();
    }

    // Nobody sees a hidden page: it gives its stream back, and jumps to what is new when it is seen.
    changeVisibility() {
        if (document.hidden)
            this.herd.pause();
        else
            this.herd.start();
    }

    lookAtHash() {
        const place = readPlace(location.hash);
        if (place === null)
            return;
        this.hasView = true;
        this.scene.showPlace(place);
    }

    // ---- what the herd says ----

    takeState(state) {
        this.panel.setState(state);
        if (state === "live")
            this.showPlaces();
    }

    showHerd() {
        this.panel.setHerd(knownHerd(this.graph, this.ownHerd, this.heard, performance.now()));
    }

    takeTable(positions, isWhole) {
        for (const id of this.clients.missingIn(positions))
            this.takeGone(id);
        for (const position of positions)
            this.take(position, false);
        this.panel.setTrouble(isWhole ? "" : "There are more clients than this page shows.");
        if (!this.hasView && positions.length > 0) {
            this.hasView = true;
            this.scene.show(positions);
        }
        this.search();
        this.tick();
    }

    takeMoves(positions) {
        for (const position of positions) {
            this.take(position, !this.isCalm.matches);
            this.heard.set(position.origin, performance.now());
        }
        this.scene.wake();
    }

    take(position, glides) {
        const client = this.clients.put(position, performance.now(), glides);
        for (const crossing of this.circles.moved(client))
            this.cross(crossing);
    }

    takeGone(id) {
        this.clients.remove(id);
        if (this.scene.chosen?.id === id)
            this.choose(null, false);
        for (const crossing of this.circles.gone(id))
            this.cross(crossing);
        this.scene.drawSoon();
    }

    // Once a second: ages, counts, and who is found now.
    tick() {
        if (document.hidden)
            return;
        this.panel.setCount(this.clients.all.size, this.scene.count);
        this.panel.setChosen(this.scene.chosen, performance.now());
        this.panel.setOrigins(this.clients.countOrigins());
        this.showHerd();
        this.listFound();
        document.getElementById("map").dataset.draws = this.scene.draws;
    }

    // ---- what the viewer does ----

    // The map shows only who is searched for.
    search() {
        const text = this.panel.searched().toLowerCase();
        this.scene.isWanted = text === "" ? () => true : (client) => client.id.toLowerCase().includes(text);
        this.listFound();
        this.scene.drawSoon();
    }

    listFound() {
        const text = this.panel.searched();
        this.panel.setFound(this.clients.find(text, FOUND_MAX), this.scene.chosen);
    }

    // From a list the map goes there, and the focus to what is known of it.
    choose(id, isFromList) {
        const client = id === null ? null : this.clients.all.get(id) ?? null;
        const isOther = client !== this.scene.chosen;
        this.scene.chosen = client;
        if (isOther) {
            this.follow(false);
            this.scene.places = [];
            this.panel.setNear("", []);
        }
        this.panel.setChosen(client, performance.now());
        this.listFound();
        if (client !== null && isFromList) {
            this.scene.showOne(client);
            this.panel.focusChosen();
        }
        this.scene.drawSoon();
    }

    follow(isFollowing) {
        this.scene.isFollowing = isFollowing && this.scene.chosen !== null;
        this.panel.setFollowing(this.scene.isFollowing);
        this.scene.wake();
    }

    // The answer, or null where it came to nothing or is about somebody who is not chosen any more.
    async askAboutChosen(path, parameters) {
        const chosen = this.scene.chosen;
        this.panel.setNear("Asking", []);
        const {answer, trouble} = await ask(path, {id: chosen.id, radius: NEAR_KM, ...parameters});
        if (chosen !== this.scene.chosen)
            return null;
        if (trouble !== undefined)
            this.panel.setNear(trouble, []);
        return answer ?? null;
    }

    async findPlaces() {
        const answer = await this.askAboutChosen("whatsat", {bound: PLACES_MAX});
        if (answer === null)
            return;
        const {places, credits, trouble} = readPlaces(answer);
        this.scene.places = places;
        this.panel.setPlaces(places, credits);
        if (trouble !== null)
            this.panel.setNear(trouble, []);
        this.scene.drawSoon();
    }

    async findNeighbours() {
        const answer = await this.askAboutChosen("nearby", {bound: NEIGHBOURS_MAX});
        if (answer !== null)
            this.panel.setNeighbours((answer.features ?? []).map(readFeature).filter((near) => near !== null));
    }

    // Those in view, as far as they are known; then one cell after the other is asked for.
    async showPlaces() {
        if (!this.hasPlaces || document.hidden)
            return;
        const cells = cellsOf(this.scene.view());
        const {places, credits} = this.places.all(cells);
        this.scene.setSights(places);
        this.panel.setCredits(credits);
        const cell = this.places.missing(cells, performance.now());
        if (cell === null || this.isAskingPlaces)
            return;
        this.isAskingPlaces = true;
        const {answer} = await ask("places", {lat: cell.lat, lon: cell.lon, radius: cell.radiusKm, bound: PLACES_MAX},
                                   {cache: "default"});
        this.isAskingPlaces = false;
        this.places.put(cell.key, answer === undefined ? null : readPlaces(answer), performance.now());
        this.showPlaces();
    }

    // ---- circles ----

    watch(wanted) {
        if (wanted === null)
            return;
        const circle = this.circles.add(wanted.lat, wanted.lon, wanted.radiusM, this.clients.all.values());
        this.panel.setTrouble(circle === null ? `There are ${CIRCLES_MAX} circles; end one first.` : "");
        this.showCircles();
    }

    // A second press leaves it.
    drawCircle() {
        if (this.scene.endDrawing !== null) {
            this.scene.endDrawing(null);
            return;
        }
        this.panel.setDrawing(true);
        this.scene.drawCircle((circle) => {
            this.panel.setDrawing(false);
            this.watch(circle);
            this.showCircles();
        });
    }

    forget(number) {
        this.circles.remove(number);
        this.showCircles();
    }

    cross(crossing) {
        this.panel.addCrossing(crossing, new Date());
        this.panel.setCircles(this.circles.all);
    }

    showCircles() {
        this.scene.circles = this.circles.all;
        this.panel.setCircles(this.circles.all);
        this.scene.drawSoon();
    }
}

// A file that the machine has or has not.
async function read(path, method, use, otherwise) {
    try {
        const answer = await fetch(path);
        return answer.ok ? use(await answer[method]()) : otherwise;
    } catch {
        return otherwise;
    }
}

async function begin() {
    if (window.L === undefined) {
        document.getElementById("trouble").textContent = NO_LEAFLET;
        document.getElementById("trouble").hidden = false;
        document.getElementById("state").textContent = "No map";
        return;
    }
    const config = await read("map/config.json", "json", (json) => json, {tiles: "", places: false});
    const page = new Page(config);
    const [coasts, cities] = await Promise.all([
        read("map/coasts.shp", "arrayBuffer", readShapes, []),
        read("map/cities.tab", "text", readCities, []),
    ]);
    page.scene.setWorld({coasts, cities});
}

begin();
