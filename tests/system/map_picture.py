#!/usr/bin/env python3
"""Makes the README's picture of the live map: of a herd with the walkers of `topology/up --demo`.

    ZHERD_BUILD=build tests/system/map_picture.py [FILE]      (default: gateway/web/map.png)

Needs chromium, chromium-driver, libjs-leaflet and libplplot-data. The walkers are the same each time;
where they are when the picture is taken is not, by some metres.
"""

import pathlib
import sys
import time

import map as live
from browser import Browser, missing
from rig import BUILD, ROOT, Process

PLACE = (15, 34.0715, -118.4435)
# Until the trails are full.
WALK_S = 60


# Of all that is drawn on the canvas of clients.
NEAREST_TO_MIDDLE = """
const canvas = document.querySelector(".leaflet-clients-pane canvas"), box = canvas.getBoundingClientRect();
const {data, width, height} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
let best = Infinity, place = null;
for (let i = 3; i < data.length; i += 4) {
    const x = (i - 3) / 4 % width, y = Math.floor((i - 3) / 4 / width);
    const far = Math.hypot(x - width / 2, y - height / 2);
    if (data[i] === 255 && far < best) {
        best = far;
        place = [box.x + x, box.y + y];
    }
}
return place;
"""


def draw(browser, show):
    """What the picture is to show besides walkers: somebody chosen, and a circle with who came and
    went."""
    browser.go(show.url(PLACE))
    browser.shows("#count", "500 clients")
    browser.run("watching.open = herd.open = true; radius.value = 0.4")
    browser.click("#watch-middle")
    time.sleep(WALK_S)
    browser.point(browser.run(NEAREST_TO_MIDDLE), "down", "up")
    browser.click("#nearby")
    browser.shows("#near-state", "50 clients")
    time.sleep(2)
    return browser.picture()


def main():
    reason = missing()
    if reason:
        sys.exit(reason)
    file = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "gateway" / "web" / "map.png"
    show = live.Show(["Alford-Ball", "Ball-Hamilton", "Hamilton-Holiday", "Holiday-Welsh", "Welsh-Alford"])
    with show.herd:
        ports = [str(port) for port in show.herd.ports.values()]
        show.herd.processes["walkers"] = Process(show.herd.folder, "walkers", BUILD / "zherd-bench", "walk", *ports)
        with Browser(1200, 720) as browser:
            file.write_bytes(draw(browser, show))
    print(file)


if __name__ == "__main__":
    main()
