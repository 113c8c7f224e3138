// panel: the words beside the map: state, search, the chosen client, circles and the herd. What
// comes from the herd is written as text and never as HTML: an id may hold any.

import {ORIGIN_COLOURS} from "./paint.mjs";
import {ageText, distanceText, positionText} from "./geo.mjs";
import {layOut} from "./graph.mjs";

export const FOUND_MAX = 50;
const CROSSINGS_MAX = 100;
// Of more nodes there is no picture: nobody would see through it.
const PICTURE_NODES_MAX = 40;
const ROWS_MAX = 200;
const PICTURE = {width: 288, height: 176, margin: 34, discPx: 6, labelPx: 11};
const SVG = "http://www.w3.org/2000/svg";

const STATES = {
    connecting: "Connecting",
    live: "Live",
    lost: "Connection lost, trying again",
    paused: "Paused",
    refused: "Who looks at this needs a token",
};

function byId(id) {
    return document.getElementById(id);
}

function counted(count, noun) {
    return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function make(name, text, className = "") {
    const element = document.createElement(name);
    element.textContent = text;
    element.className = className;
    return element;
}

function makeShape(name, className, attributes, text = "") {
    const shape = document.createElementNS(SVG, name);
    shape.setAttribute("class", className);
    for (const [key, value] of Object.entries(attributes))
        shape.setAttribute(key, value);
    shape.textContent = text;
    return shape;
}

function makeButton(text, onClick) {
    const button = make("button", text);
    button.type = "button";
    button.addEventListener("click", onClick);
    return button;
}

export class Panel {
    // `on` has search(), choose(client), leave(), places(), nearby(), follow(), watchMiddle(radiusKm),
    // watchDrawn(), forget(circle number) and showToken(token).
    constructor(on) {
        this.on = on;
        this.foundIds = "";
        this.herd = "";
        const press = (id, use) => byId(id).addEventListener("click", use);
        byId("search").addEventListener("input", () => on.search());
        press("leave", () => on.leave());
        press("places", () => on.places());
        press("nearby", () => on.nearby());
        press("follow", () => on.follow());
        press("watch-middle", () => byId("radius").reportValidity() && on.watchMiddle(byId("radius").valueAsNumber));
        press("watch-drawn", () => on.watchDrawn());
        byId("sign-in").addEventListener("submit", (event) => {
            event.preventDefault();
            on.showToken(byId("token").value);
            byId("token").value = "";
        });
        document.addEventListener("keydown", (event) => this.press(event));
    }

    // "/" begins a search; the arrows go through a list; Escape leaves the chosen one.
    press(event) {
        const at = document.activeElement, isTyping = at instanceof HTMLInputElement;
        if (event.key === "/" && !isTyping) {
            byId("search").focus();
            event.preventDefault();
        } else if (event.key === "Escape" && !byId("chosen").hidden) {
            this.on.leave();
            byId("search").focus();
        } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            const list = at === byId("search") ? byId("found") : at.closest("#found, #near");
            const buttons = list === null ? [] : [...list.querySelectorAll("button")];
            const next = buttons.indexOf(at) + (event.key === "ArrowDown" ? 1 : -1);
            if (buttons.length === 0)
                return;
            (next < 0 ? byId("search") : buttons[Math.min(next, buttons.length - 1)]).focus();
            event.preventDefault();
        }
    }

    setState(state) {
        byId("state").textContent = STATES[state];
        byId("state").className = state;
        byId("sign-in").hidden = state !== "refused";
    }

    setTrouble(text) {
        byId("trouble").textContent = text;
        byId("trouble").hidden = text === "";
    }

    setCount(all, shown) {
        byId("count").textContent = `${counted(all, "client")}, ${shown} in view`;
    }

    searched() {
        return byId("search").value;
    }

    // Only what changed is made again, so that the focus stays where it is.
    setFound(found, chosen) {
        const ids = JSON.stringify(found.clients.map((client) => client.id));
        if (ids !== this.foundIds) {
            this.foundIds = ids;
            byId("found").replaceChildren(...found.clients.slice(0, FOUND_MAX).map((client) => {
                const item = make("li", "");
                item.append(makeButton(client.id, () => this.on.choose(client)));
                return item;
            }));
        }
        for (const [i, item] of [...byId("found").children].entries())
            item.firstChild.setAttribute("aria-current", String(found.clients[i] === chosen));
        byId("found-count").textContent =
            found.count > FOUND_MAX ? `${found.count} found, ${FOUND_MAX} listed` : `${found.count} found`;
    }

    // `client` is the chosen one or null; once a second its age is another.
    setChosen(client, nowMs) {
        byId("chosen").hidden = client === null;
        if (client === null)
            return;
        const write = (id, text) => {
            if (byId(id).textContent !== text)
                byId(id).textContent = text;
        };
        write("chosen-name", client.id);
        write("chosen-position", positionText(client.lat, client.lon));
        write("chosen-age", ageText((nowMs - client.heardMs) / 1000));
        write("chosen-origin", client.origin);
    }

    focusChosen() {
        byId("chosen-name").focus();
    }

    setFollowing(isFollowing) {
        byId("follow").setAttribute("aria-pressed", String(isFollowing));
    }

    setDrawing(isDrawing) {
        byId("watch-drawn").setAttribute("aria-pressed", String(isDrawing));
    }

    setNear(text, items) {
        byId("near-state").textContent = text;
        byId("near").replaceChildren(...items);
    }

    setPlaces(places, credits) {
        const ofWhom = credits.map((credit) => make("li", credit, "faint"));
        this.setNear(places.length === 0 ? "Nothing is near" : counted(places.length, "place"), places.map((place) => {
            const item = make("li", place.name);
            item.append(make("span", place.where === "" ? "" : ` ${place.where}`, "faint"));
            return item;
        }).concat(ofWhom));
    }

    // Whose places the map shows.
    setCredits(credits) {
        const text = credits.join(" ");
        if (byId("credits").textContent !== text)
            byId("credits").textContent = text;
    }

    // `neighbours` are positions with their metres.
    setNeighbours(neighbours) {
        this.setNear(neighbours.length === 0 ? "Nobody is near" : counted(neighbours.length, "client"),
                     neighbours.map((near) => {
                         const item = make("li", "");
                         item.append(makeButton(`${near.id} (${distanceText(near.metres)})`,
                                                () => this.on.choose(near)));
                         return item;
                     }));
    }

    setCircles(circles) {
        byId("circles").replaceChildren(...circles.map((circle) => {
            const item = make("li", `Circle ${circle.number}: ${distanceText(circle.radiusM)} around ` +
                `${positionText(circle.lat, circle.lon)}, ${circle.inside.size} inside `);
            const button = makeButton("End", () => this.on.forget(circle.number));
            button.setAttribute("aria-label", `End circle ${circle.number}`);
            item.append(button);
            return item;
        }));
    }

    addCrossing(crossing, time) {
        const verb = crossing.isEnter ? "entered" : "left";
        byId("crossings").prepend(
            make("li", `${time.toLocaleTimeString()} ${crossing.id} ${verb} circle ${crossing.circle.number}`));
        while (byId("crossings").children.length > CROSSINGS_MAX)
            byId("crossings").lastChild.remove();
    }

    // `herd` is that of knownHerd. Only what changed is made again.
    setHerd(herd) {
        const text = JSON.stringify(herd);
        if (text === this.herd)
            return;
        this.herd = text;
        const words = {up: "up", down: "down", unknown: "not known"};
        const ofNode = (state) => state === "down" ? "not heard" : words[state];
        const rows = [
            ...herd.nodes.map(({name, state}) => ({text: `Node ${name}: ${ofNode(state)}`, state})),
            ...herd.links.map(({a, b, state}) => ({text: `Link ${a} \u2013 ${b}: ${words[state]}`, state})),
        ];
        const items = rows.slice(0, ROWS_MAX).map((row) => make("li", row.text, `link ${row.state}`));
        if (rows.length > ROWS_MAX)
            items.push(make("li", `and ${rows.length - ROWS_MAX} more`));
        byId("nodes").replaceChildren(...items);
        this.drawHerd(herd);
    }

    drawHerd({nodes, links}) {
        const {width, height, margin, discPx, labelPx} = PICTURE, picture = byId("graph");
        const isShown = nodes.length <= PICTURE_NODES_MAX;
        picture.style.display = isShown ? "" : "none";
        if (!isShown)
            return;
        const places = layOut(nodes.map(({name}) => name), width, height, margin);
        picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
        picture.replaceChildren(
            ...links.map(({a, b, state}) => makeShape("line", state, {
                x1: places.get(a).x, y1: places.get(a).y, x2: places.get(b).x, y2: places.get(b).y})),
            ...nodes.map(({name, state}) => makeShape("circle", state, {
                cx: places.get(name).x, cy: places.get(name).y, r: discPx})),
            ...nodes.map(({name}) => makeShape("text", "", {
                x: places.get(name).x,
                y: places.get(name).y + (places.get(name).y > height / 2 ? labelPx + 9 : -labelPx)}, name)));
    }

    setOrigins(origins) {
        byId("origins").replaceChildren(...origins.map((origin) =>
            make("li", `${origin.name}: ${origin.count}`, `origin origin-${origin.number % ORIGIN_COLOURS}`)));
    }
}
