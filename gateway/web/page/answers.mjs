// answers: what zherd-web says (gateway/web/PROTOCOL.md, "Positions out") in the page's words.
// Decides only. A member that is missing or of another kind leaves its client, place or event out:
// the page is older or newer than the server then.

function isNumber(value) {
    return typeof value === "number" && Number.isFinite(value);
}

// The position of a Feature, with what its properties hold besides, or null.
export function readFeature(feature) {
    const properties = feature?.properties, at = feature?.geometry?.coordinates;
    if (typeof properties?.id !== "string" || !isNumber(at?.[0]) || !isNumber(at?.[1]))
        return null;
    return {
        id: properties.id,
        lat: at[1],
        lon: at[0],
        origin: String(properties.origin),
        stamp: isNumber(properties.stamp) ? properties.stamp : null,
        ageS: isNumber(properties.age) ? Math.max(0, properties.age) : 0,
        metres: isNumber(properties.metres) ? properties.metres : null,
    };
}

// {positions, events, herdS}: `herdS` is the herd's time when it was written, in seconds since 1970,
// or null where nobody has a stamp.
export function readTable(table) {
    const features = Array.isArray(table?.features) ? table.features : [];
    const timed = features.find((feature) =>
        isNumber(feature?.properties?.stamp) && isNumber(feature?.properties?.age))?.properties;
    return {
        positions: features.map(readFeature).filter((position) => position !== null),
        events: typeof table?.events === "string" ? table.events : null,
        isWhole: table?.truncated !== true,
        herdS: timed === undefined ? null : timed.stamp + timed.age,
    };
}

// The positions of a `move`. `herdS` is the herd's time now.
export function readMoves(moves, herdS) {
    const positions = [];
    for (const move of Array.isArray(moves) ? moves : []) {
        if (typeof move?.id !== "string" || !isNumber(move.lat) || !isNumber(move.lon))
            continue;
        const stamp = isNumber(move.stamp) ? move.stamp : null;
        positions.push({id: move.id, lat: move.lat, lon: move.lon, origin: String(move.origin), stamp,
                        ageS: stamp === null ? 0 : Math.max(0, herdS - stamp)});
    }
    return positions;
}

export function readGone(ids) {
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
}

// {node, isUp, links: [{name, isUp}]}, or null.
export function readHerd(herd) {
    if (typeof herd?.node !== "string")
        return null;
    const links = Array.isArray(herd.links) ? herd.links : [];
    return {
        node: herd.node,
        isUp: herd.up === true,
        links: links.filter((link) => typeof link?.name === "string")
            .map((link) => ({name: link.name, isUp: link.up === true})),
    };
}

// {nodes: [name], links: [[name, name]]}: all that the herd's file has.
export function readGraph(graph) {
    const isName = (name) => typeof name === "string";
    const nodes = Array.isArray(graph?.nodes) ? graph.nodes.filter(isName) : [];
    const links = Array.isArray(graph?.links) ? graph.links : [];
    return {nodes, links: links.filter((link) => isName(link?.[0]) && isName(link?.[1])).map(([a, b]) => [a, b])};
}

// What a piece of HTML says, without its tags; it is shown as text in any case.
function textOf(html) {
    return html.replaceAll(/<[^<>]*>/g, "").replaceAll("&copy;", "\u00a9").replaceAll("&amp;", "&").trim();
}

// {places: [{name, where, lat, lon}], credits, trouble} of a WHATSAT's JSON; `credits` are the
// sentences that have to be shown with them, and `trouble` is one or null.
export function readPlaces(answer) {
    const places = [];
    for (const result of Array.isArray(answer?.results) ? answer.results : []) {
        const at = result?.geometry?.location;
        if (typeof result?.name === "string" && isNumber(at?.lat) && isNumber(at?.lng))
            places.push({name: result.name, where: typeof result.vicinity === "string" ? result.vicinity : "",
                         lat: at.lat, lon: at.lng});
    }
    const isGood = answer?.status === "OK" || answer?.status === "ZERO_RESULTS";
    const credits = Array.isArray(answer?.html_attributions) ? answer.html_attributions : [];
    return {
        places,
        credits: credits.filter((html) => typeof html === "string").map(textOf),
        trouble: isGood ? null : String(answer?.error_message ?? answer?.status ?? "no answer"),
    };
}
