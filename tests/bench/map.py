#!/usr/bin/env python3
"""How many pictures a second zherd-web's map shows, in Debian's chromium without a graphics card.

    tests/bench/map.py [--short]

Needs chromium, chromium-driver and libjs-leaflet, and no build: the page is served from its folder,
beside made-up clients of which each moves every 0.2 s. A row is the pictures that the browser
presented (Display::DrawAndSwap of its trace, not callbacks), and what the map was drawn meanwhile.
"""

import argparse
import contextlib
import http.server
import itertools
import json
import math
import os
import pathlib
import random
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from browser import Browser, missing  # noqa: E402

PAGE = ROOT / "gateway" / "web" / "page"
LEAFLET = pathlib.Path("/usr/share/javascript/leaflet")
FILES = {"/": PAGE / "index.html", "/map/leaflet.js": LEAFLET / "leaflet.min.js",
         "/map/leaflet.css": LEAFLET / "leaflet.css"}
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
TURN_S = 0.2
# Around Los Angeles; a map of 980 x 800 pixels at zoom 12 shows 0.33 by 0.22 degrees.
LAT, LON, ZOOM = 34.05, -118.25, 12
# (title, clients, how many of them in view, pictures a second).
ROWS = [("2,000 in view with trails, of 10,000", 10000, 2000, 50), ("10,000 in view", 10000, 10000, 40)]


class World:
    """Clients that go in circles; what one turn of all of them says is written in advance."""

    def __init__(self, count, in_view):
        draw = random.Random(1)
        self.at = []
        for i in range(count):
            far = 0 if i < in_view else 20
            self.at.append((LAT + draw.uniform(-0.1, 0.1) + far, LON + draw.uniform(-0.16, 0.16),
                            draw.uniform(0, 2 * math.pi)))
        self.turns = [self.event(turn) for turn in range(40)]

    def positions(self, turn):
        return [(f"client-{i}", lat + 0.002 * math.sin(angle + turn * math.pi / 20),
                 lon + 0.002 * math.cos(angle + turn * math.pi / 20))
                for i, (lat, lon, angle) in enumerate(self.at)]

    def event(self, turn):
        blocks = []
        moves = [{"id": client, "lat": round(lat, 6), "lon": round(lon, 6), "origin": f"N{i % 5}", "stamp": None}
                 for i, (client, lat, lon) in enumerate(self.positions(turn))]
        for first in range(0, len(moves), 600):
            blocks.append("event: move\nid: a-1\ndata: "
                          + json.dumps(moves[first:first + 600], separators=(",", ":")) + "\n\n")
        return "".join(blocks).encode()

    def table(self):
        return json.dumps({"type": "FeatureCollection", "events": "a-0", "truncated": False, "features": [
            {"type": "Feature", "id": client, "geometry": {"type": "Point", "coordinates": [lon, lat]},
             "properties": {"id": client, "origin": "N0", "stamp": None, "age": None}}
            for client, lat, lon in self.positions(0)]}).encode()


def serve(world):
    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            path = self.path.partition("?")[0]
            file = FILES.get(path, PAGE / pathlib.Path(path).name)
            if path == "/events":
                self.stream()
            elif path == "/clients.geojson":
                self.say(world.table(), "application/json")
            elif file.is_file():
                self.say(file.read_bytes(), TYPES[file.suffix])
            else:
                self.say(b"{}", "application/json", 404)

        def say(self, body, kind, status=200):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def stream(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.close_connection = True
            due = time.monotonic()
            try:
                for turn in itertools.cycle(world.turns):
                    self.wfile.write(turn)
                    due += TURN_S
                    time.sleep(max(0.0, due - time.monotonic()))
            except OSError:
                pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def draws(browser):
    return int(browser.run("return map.dataset.draws"))


def pictures(browser, began, ended):
    """Those presented between two times; a trace counts microseconds of the same clock. The driver
    hands it out once."""
    traced = (json.loads(line["message"])["message"]["params"] for line in browser.log("performance"))
    return sum(1 for event in traced
               if event.get("name") == "Display::DrawAndSwap" and event.get("ph") in "BX"
               and began <= event["ts"] / 1e6 <= ended)


def measure(clients, in_view, seconds):
    """Pictures presented and drawn, each a second."""
    server = serve(World(clients, in_view))
    with Browser(trace=True) as browser:
        browser.go(f"http://127.0.0.1:{server.server_address[1]}/#{ZOOM}/{LAT}/{LON}")
        browser.shows("#count", f"{clients} clients, {in_view} in view", 30)
        time.sleep(12)  # until the trails are full
        began, drawn = time.monotonic(), draws(browser)
        time.sleep(seconds)
        ended, now_drawn = time.monotonic(), draws(browser)
        presented = pictures(browser, began, ended)
    server.shutdown()
    return presented / (ended - began), (now_drawn - drawn) / (ended - began)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--short", action="store_true", help="3 s for a row instead of 10")
    seconds = 3 if arguments.parse_args().short else 10
    reason = missing()
    if reason:
        sys.exit(reason)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    print("| map of 980 x 800 | pictures a second | wanted | drawn |\n| --- | --- | --- | --- |")
    for title, clients, in_view, wanted in ROWS:
        presented, drawn = measure(clients, in_view, seconds)
        print(f"| {title} | {presented:.0f} | {wanted} | {drawn:.0f} |", flush=True)


if __name__ == "__main__":
    main()
