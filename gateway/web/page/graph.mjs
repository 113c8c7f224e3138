// graph: the herd's nodes and links, and what is known of them from here: what the node of this
// zherd-web says of its own links, and which nodes take positions. Decides only.
//
// Invariant: nothing is called up or down that is not known to be: a link between two other nodes is
// known to nobody here.

import {compare} from "./clients.mjs";

// A node that took a position in this time is up.
export const HEARD_MS = 60000;

// {nodes: [{name, state}], links: [{a, b, state}]} by name; a state is "up", "down" or "unknown".
// `graph` is that of readGraph, `herd` that of readHerd, each perhaps null; `heard` are the times at
// which positions came that nodes took, by name.
export function knownHerd(graph, herd, heard, nowMs) {
    const own = herd?.node, linked = new Map(), isHeard = herd?.isUp === true;
    for (const link of herd?.links ?? [])
        linked.set(link.name, !isHeard ? "unknown" : link.isUp ? "up" : "down");
    const stateOf = (name) => {
        if (name === own)
            return isHeard ? "up" : "down";
        const isFresh = isHeard && nowMs - (heard.get(name) ?? -Infinity) <= HEARD_MS;
        return isFresh || linked.get(name) === "up" ? "up" : "unknown";
    };
    const linkState = (a, b) =>
        (a === own ? linked.get(b) : b === own ? linked.get(a) : undefined) ?? "unknown";
    const links = (graph?.links ?? []).map(([a, b]) => ({a, b, state: linkState(a, b)}));
    for (const [name, state] of linked)
        if (!links.some(({a, b}) => (a === own && b === name) || (b === own && a === name)))
            links.push({a: own, b: name, state});
    const names = new Set([...graph?.nodes ?? [], ...links.flatMap(({a, b}) => [a, b])]);
    if (own !== undefined)
        names.add(own);
    return {
        nodes: [...names].sort(compare).map((name) => ({name, state: stateOf(name)})),
        links: links.sort((one, other) => compare(one.a, other.a) || compare(one.b, other.b)),
    };
}

// Where the nodes stand in a picture of that width and height: on an ellipse, from its top clockwise,
// in the order in which they come. Returns a map by name of {x, y}.
export function layOut(names, width, height, margin) {
    const places = new Map();
    names.forEach((name, i) => {
        const angle = 2 * Math.PI * i / names.length;
        places.set(name, {x: width / 2 + (width / 2 - margin) * Math.sin(angle),
                          y: height / 2 - (height / 2 - margin) * Math.cos(angle)});
    });
    return places;
}
