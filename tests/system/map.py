"""The live map of zherd-web, as it is served, and in a real browser where there is one: who is where
is seen, found, asked about and watched, whatever their names are and whatever comes and goes."""

import http.client
import json
import math
import struct
import time
import unittest
import urllib.parse
import zlib

import web_access
from browser import Browser, missing
from rig import BUILD, Herd, Process, free_ports, wait_for

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HOME = (34.0689, -118.4451)
# No white space is in an id; all else may be.
HOSTILE = ["<img/src=x/onerror=document.title='run'>", "<svg/onload=document.title='run'>",
           "<iframe/src=javascript:parent.document.title='run'>", "<script>document.title='run'</script>",
           "javascript:document.title='run'", "\"><img/src=x/onerror=document.title='run'>",
           "'-document.title='run'-'", "</button><details/open/ontoggle=document.title='run'>",
           "{{constructor.constructor('document.title=1')()}}", "%3Cimg/src=x%3E", "__proto__", "constructor",
           "</textarea><b>bold</b>", "&lt;b&gt;", "a&b=c#d?e", "\u202egnp.exe", "\U0001f600", "`${1}`",
           "../../etc/passwd", "<a/href=//evil.example>x</a>"]


class Show:
    """Nodes, places, and zherd-web at Alford."""

    def __init__(self, links=("Alford-Ball",)):
        self.herd = Herd(links, observers=["Ear-Alford"])
        # Those before are the herd's, which does not listen yet.
        self.port = free_ports(len(self.herd.ports) * 2 + 5)[-1]
        text = self.herd.file.read_text().replace("    name = trial\n", "    name = trial\n    forget = yes\n")
        self.herd.file.write_text(
            f"{text}web\n    of = Alford\n    observer = Ear\n    listen = tcp://127.0.0.1:{self.port}\n")
        self.herd.start().linked()
        self.start()

    def start(self):
        self.herd.processes["Ear"] = Process(self.herd.folder, "Ear", BUILD / "zherd-web",
                                             "--topology", self.herd.file)
        wait_for("zherd-web knows the herd", lambda: self.ask("GET", "/readyz")[0] == 200)

    def ask(self, method, path, headers=None):
        """Status, headers and body; status 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except ConnectionError:
            return 0, {}, b""
        finally:
            connection.close()

    def tell(self, client, lat, lon, node="Alford", age_s=0.0):
        with self.herd.client(node) as door:
            answer = door.ask(f"IAMAT {client} {lat:+.6f}{lon:+.6f} {time.time() - age_s:.6f}")
            assert answer.startswith("AT "), answer

    def forget(self, client):
        with self.herd.client("Alford") as door:
            door.ask(f"FORGET {client}")

    def forget_all(self):
        """Clients of other tests go."""
        for feature in self.clients():
            self.forget(feature["id"])
        wait_for("all are forgotten", lambda: not self.clients())

    def clients(self):
        return json.loads(self.ask("GET", "/clients.geojson")[2])["features"]

    def url(self, place=(15, *HOME)):
        return "http://127.0.0.1:{}/#{}/{}/{}".format(self.port, *place)


def setUpModule():
    global SHOW
    SHOW = Show()


def tearDownModule():
    SHOW.herd.__exit__(None)


class Served(unittest.TestCase):
    def test_the_page_has_its_policy_and_type(self):
        for path, kind in (("/", "text/html; charset=utf-8"), ("/map/main.mjs", "text/javascript; charset=utf-8"),
                           ("/map/page.css", "text/css; charset=utf-8"), ("/map/config.json", "application/json")):
            with self.subTest(path):
                status, headers, body = SHOW.ask("GET", path)
                self.assertEqual((status, headers["Content-Type"]), (200, kind))
                self.assertTrue(body)
                if path != "/map/config.json":
                    self.assertEqual(headers["Content-Security-Policy"], POLICY)
                    self.assertEqual(headers["X-Content-Type-Options"], "nosniff")

    def test_a_file_that_one_has_is_not_sent_again(self):
        tag = SHOW.ask("GET", "/map/main.mjs")[1]["ETag"]
        status, headers, body = SHOW.ask("GET", "/map/main.mjs", {"If-None-Match": tag})
        self.assertEqual((status, headers["ETag"], body), (304, tag, b""))
        self.assertEqual(SHOW.ask("GET", "/map/main.mjs", {"If-None-Match": '"0"'})[0], 200)

    def test_only_files_of_the_map_are_read(self):
        for path in ("/map/", "/map/index.html", "/map/../server/main.c", "/map/%2e%2e/server/main.c", "/map",
                     "/index.html"):
            with self.subTest(path):
                self.assertEqual(SHOW.ask("GET", path)[0], 404)
        status, headers, _ = SHOW.ask("POST", "/")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        status, headers, body = SHOW.ask("HEAD", "/")
        self.assertEqual((status, body), (200, b""))


def shown_at(browser, lat, lon, zoom=15, middle=HOME):
    """Where on the page a position is, by the formula of web maps."""
    def world(lat, lon):
        sine = math.sin(math.radians(lat))
        return ((lon + 180) / 360 * 256 * 2 ** zoom,
                (0.5 - math.log((1 + sine) / (1 - sine)) / 4 / math.pi) * 256 * 2 ** zoom)
    box = browser.run("const {x, y, width, height} = map.getBoundingClientRect(); return [x, y, width, height]")
    (x, y), (middle_x, middle_y) = world(lat, lon), world(*middle)
    return box[0] + box[2] / 2 + x - middle_x, box[1] + box[3] / 2 + y - middle_y


# The middle of all that has the colour of the first node, on the canvas of clients.
FIND_DISC = """
const canvas = document.querySelector(".leaflet-clients-pane canvas"), box = canvas.getBoundingClientRect();
const colour = getComputedStyle(document.documentElement).getPropertyValue("--origin-0").trim();
const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
const {data, width} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
let count = 0, x = 0, y = 0;
for (let i = 0; i < data.length; i += 4)
    if (wanted.every((value, channel) => data[i + channel] === value) && data[i + 3] === 255) {
        count++;
        x += i / 4 % width;
        y += Math.floor(i / 4 / width);
    }
return count === 0 ? null : [box.x + x / count, box.y + y / count];
"""


# How often something was asked for.
ASKED = "return performance.getEntriesByType('resource').filter(({name}) => name.includes(arguments[0])).length"
# Whether a place that nobody asked for is drawn there, on the canvas of the world.
IS_SIGHT = """
const canvas = document.querySelector(".leaflet-world-pane canvas"), box = canvas.getBoundingClientRect();
const colour = getComputedStyle(document.documentElement).getPropertyValue("--faint").trim();
const at = canvas.getContext("2d").getImageData(arguments[0] - box.x, arguments[1] - box.y, 1, 1).data;
return [1, 3, 5].every((from, channel) => parseInt(colour.slice(from, from + 2), 16) === at[channel]);
"""


def disc(browser):
    return browser.run(FIND_DISC)


def pixel(png, x, y):
    """Red, green and blue of a PNG's pixel (RFC 2083), of 8 bits and without interlace."""
    at, data = 8, b""
    while at < len(png):
        bytes_, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IHDR":
            width, _, _, colour = struct.unpack(">IIBB", png[at + 8:at + 18])
        data += png[at + 8:at + 8 + bytes_] if kind == b"IDAT" else b""
        at += 12 + bytes_
    size = 4 if colour == 6 else 3
    raw, before, line_bytes = zlib.decompress(data), bytearray(width * size), width * size
    for row in range(y + 1):
        filtered = raw[row * (line_bytes + 1)]
        line = bytearray(raw[row * (line_bytes + 1) + 1:(row + 1) * (line_bytes + 1)])
        for i in range(line_bytes):
            left, up = line[i - size] if i >= size else 0, before[i]
            corner = before[i - size] if i >= size else 0
            if filtered == 4:
                guess = left + up - corner
                line[i] = line[i] + min((abs(guess - v), k, v) for k, v in enumerate((left, up, corner)))[2] & 255
            else:
                line[i] = line[i] + (0, left, up, (left + up) // 2)[filtered] & 255
        before = line
    return tuple(before[x * size:x * size + 3])


@unittest.skipIf(missing(), missing())
class Seen(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        # What the page was kept from doing; and its errors.
        cls.browser.develop("Page.addScriptToEvaluateOnNewDocument", source="""
            window.faults = [];
            for (const kind of ["securitypolicyviolation", "error", "unhandledrejection"])
                addEventListener(kind, (event) => window.faults.push(
                    `${kind} ${event.violatedDirective ?? event.message ?? event.reason}`));""")

    def setUp(self):
        SHOW.forget_all()

    def tearDown(self):
        self.assertEqual(self.browser.run("return window.faults ?? []"), [])

    def open(self, browser=None, place=(15, *HOME)):
        browser = browser or self.browser
        browser.go("about:blank")
        browser.go(SHOW.url(place))
        browser.shows("#state", "Live")
        return browser

    def see(self, x, y, browser=None, within=2, seconds=15):
        """Waits until the only client is drawn there."""
        def is_there():
            found = disc(browser or self.browser)
            return found and math.dist(found, (x, y)) <= within
        wait_for(f"a client at {x:.0f}, {y:.0f}", is_there, seconds)

    def test_a_client_is_where_it_says_and_moves(self):
        SHOW.tell("kiwi", *HOME)
        self.open()
        self.see(*shown_at(self.browser, *HOME))
        self.browser.shows("#count", "1 client, 1 in view")
        there = HOME[0] + 0.005, HOME[1] - 0.01
        SHOW.tell("kiwi", *there)
        x, y = shown_at(self.browser, *there)
        self.see(x, y)
        red, green, blue = pixel(self.browser.picture(), round(x), round(y))
        self.assertTrue(red < 40 and 80 < green < 150 and blue > 140, (red, green, blue))

    def test_motion_is_smooth_unless_one_wants_none(self):
        sample = f"""const find = () => {{ {FIND_DISC} }};
            window.places = new Set();
            (function look() {{
                window.places.add(Math.round(find()?.[0]));
                requestAnimationFrame(look);
            }})()"""
        for calm, least, most in ((False, 3, 9999), (True, 2, 2)):
            with self.subTest(calm=calm), Browser(calm=calm) as browser:
                SHOW.tell("kiwi", *HOME)
                self.open(browser)
                self.see(*shown_at(browser, *HOME), browser=browser)
                # The glide takes as long as the pause before it, up to 2 s.
                wait_for("a pause", lambda: browser.run("return performance.now()") > 4000)
                browser.run(sample)
                there = HOME[0], HOME[1] + 0.005
                SHOW.tell("kiwi", *there)
                self.see(*shown_at(browser, *there), browser=browser)
                places = browser.run("return [...window.places]")
                self.assertTrue(least <= len(places) <= most, places)

    def test_the_antimeridian_is_no_edge(self):
        SHOW.tell("kiwi", 0, 179.9)
        self.open(place=(7, 0, 180))
        self.see(*shown_at(self.browser, 0, 179.9, 7, (0, 180)))
        SHOW.tell("kiwi", 0, -179.9)
        self.see(*shown_at(self.browser, 0, 180.1, 7, (0, 180)))

    def test_who_said_nothing_for_long_is_grey(self):
        SHOW.tell("heron", *HOME, age_s=400)
        self.open()
        self.browser.shows("#count", "1 client, 1 in view")
        self.assertIsNone(disc(self.browser))
        SHOW.tell("heron", *HOME)
        self.see(*shown_at(self.browser, *HOME))

    def test_a_search_shows_only_whom_it_finds(self):
        for i, client in enumerate(("kiwi-1", "kiwi-2", "otter")):
            SHOW.tell(client, HOME[0] + i / 1000, HOME[1])
        self.open()
        self.browser.shows("#count", "3 clients, 3 in view")
        self.browser.press("/", "OTT")
        self.browser.shows("#count", "3 clients, 1 in view")
        self.assertEqual(self.browser.text("#found"), "otter")
        self.see(*shown_at(self.browser, HOME[0] + 0.002, HOME[1]))

    def test_a_click_says_who_it_is_and_what_and_who_is_near(self):
        SHOW.tell("kiwi", *HOME)
        SHOW.tell("otter", HOME[0] + 0.001, HOME[1], "Ball")
        self.open()
        self.browser.shows("#count", "2 clients, 2 in view")
        self.browser.point(shown_at(self.browser, *HOME), "down", "up")
        self.browser.shows("#chosen-name", "kiwi")
        self.browser.shows("#chosen-origin", "Alford")
        self.browser.shows("#chosen-position", "+34.068900-118.445100")
        self.browser.click("#nearby")
        self.browser.shows("#near", "otter (111 m)")
        self.browser.click("#places")
        self.browser.shows("#near-state", "20 places")
        self.browser.shows("#near", "Getty Center")
        self.browser.click("#nearby")
        self.browser.shows("#near", "otter")
        self.browser.click("#near button")
        self.browser.shows("#chosen-name", "otter")
        self.browser.shows("#chosen-origin", "Ball")

    def test_a_drawn_circle_tells_who_comes_and_goes(self):
        away = HOME[0] + 0.01, HOME[1]
        SHOW.tell("kiwi", *away)
        self.open()
        self.browser.shows("#count", "1 client")
        self.browser.run("watching.open = true")
        pressed = "return document.getElementById('watch-drawn').getAttribute('aria-pressed')"
        for wanted in ("true", "false", "true"):
            self.browser.click("#watch-drawn")
            self.assertEqual(self.browser.run(pressed), wanted)
        x, y = shown_at(self.browser, *HOME)
        self.browser.point((x, y), "down", (x + 30, y), (x + 60, y), "up")
        self.browser.shows("#circles", "0 inside")
        SHOW.tell("kiwi", *HOME)
        self.browser.shows("#crossings", "kiwi entered circle 1")
        self.browser.shows("#circles", "1 inside")
        SHOW.tell("kiwi", *away)
        self.browser.shows("#crossings", "kiwi left circle 1")
        self.browser.click("#circles button")
        wait_for("the circle ends", lambda: self.browser.text("#circles") == "")

    def test_all_of_it_works_by_keyboard(self):
        for client in ("kiwi", "otter"):
            SHOW.tell(client, *HOME)
        self.open(place=(3, 0, 0))
        self.browser.shows("#found-count", "2 found")
        self.browser.press("/", "ot", "ArrowDown", "Enter")
        self.browser.shows("#chosen-name", "otter")
        focus = "return document.activeElement.id"
        self.assertEqual(self.browser.run(focus), "chosen-name")
        self.see(*shown_at(self.browser, *HOME, 12))
        self.browser.press("Tab", "Tab", "Enter")
        self.browser.shows("#near", "kiwi (0 m)")
        self.browser.press("Escape")
        self.assertEqual(self.browser.run(focus), "search")
        self.browser.run("map.focus()")
        self.browser.press("ArrowRight")
        x, y = shown_at(self.browser, *HOME, 12)
        self.see(x - 80, y)
        self.assertEqual(self.browser.run("""return [map.getAttribute("role"), map.tabIndex, document.activeElement.id,
            [...document.querySelectorAll("button, input, a, [role]")].filter((element) => {
                const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ??
                    element.textContent;
                return element.offsetParent !== null && !["status", "alert", "search"].includes(element.role) &&
                    !label;
            }).map((element) => element.outerHTML)]"""), ["application", 0, "map", []])

    def test_hostile_names_are_text(self):
        ids = [f"{name}{i}" if i >= len(HOSTILE) else name
               for i, name in enumerate(HOSTILE * (200 // len(HOSTILE)))]
        for client in ids:
            SHOW.tell(client, *HOME)
        self.open()
        elements = "return document.querySelectorAll('img, iframe, svg:not(#graph), b, textarea, a[href*=evil]').length"
        self.browser.shows("#count", "200 clients, 200 in view")
        self.browser.press("/", "=")
        self.browser.shows("#found-count", "found")
        self.browser.run("document.querySelector('#found button').click()")
        self.browser.click("#nearby")
        self.browser.shows("#near-state", "50 clients")
        self.browser.run("watching.open = true; document.querySelector('#watch-middle').click()")
        SHOW.tell(HOSTILE[0], 0, 0)
        self.browser.shows("#crossings", "onerror")
        self.assertEqual(self.browser.run(elements), 0)
        self.assertEqual(self.browser.run("return [document.title, document.scripts.length]"),
                         ["zherd: the live map", 2])
        shown = self.browser.run("return [...document.querySelectorAll('#found button')].map((b) => b.textContent)")
        self.assertEqual(len(shown), 50)
        self.assertLessEqual(set(shown), set(ids))

    def test_it_goes_on_after_the_node_and_after_zherd_web(self):
        SHOW.tell("kiwi", *HOME)
        self.open()
        self.browser.run("herd.open = true")
        self.browser.shows("#nodes", "Node Alford: up")
        self.browser.shows("#nodes", "Link Alford \u2013 Ball: up")
        self.assertEqual(self.browser.run("return [...graph.children].map((shape) => shape.nodeName)"),
                         ["line", "circle", "circle", "text", "text"])
        SHOW.herd.kill("Alford")
        self.browser.shows("#nodes", "Node Alford: not heard")
        self.browser.shows("#nodes", "Link Alford \u2013 Ball: not known")
        SHOW.herd.start("Alford").linked()
        self.browser.shows("#nodes", "Node Alford: up")
        there = HOME[0] + 0.005, HOME[1]
        SHOW.tell("kiwi", *there)
        self.see(*shown_at(self.browser, *there))
        SHOW.tell("otter", *there)
        self.browser.shows("#count", "2 clients")
        SHOW.herd.kill("Ear")
        self.browser.shows("#state", "Connection lost")
        SHOW.tell("kiwi", *HOME)
        SHOW.forget("otter")
        SHOW.start()
        self.browser.shows("#state", "Live")
        self.browser.shows("#count", "1 client,")
        self.see(*shown_at(self.browser, *HOME))

    def test_a_hidden_page_gives_its_stream_back(self):
        SHOW.tell("kiwi", *HOME)
        self.open()

        def viewers():
            return json.loads(SHOW.ask("GET", "/healthz")[2])["viewers"]
        wait_for("the page views", lambda: viewers() == 1)
        turn = """Object.defineProperty(document, "hidden", {value: arguments[0], configurable: true});
            document.dispatchEvent(new Event("visibilitychange"))"""
        self.browser.run(turn, True)
        wait_for("the stream is closed", lambda: viewers() == 0)
        there = HOME[0] + 0.005, HOME[1]
        SHOW.tell("kiwi", *there)
        SHOW.tell("otter", *there)
        self.browser.run(turn, False)
        self.browser.shows("#state", "Live")
        self.browser.shows("#count", "2 clients")
        # It went on after the last event: the table was read once.
        self.assertEqual(self.browser.run(ASKED, "clients.geojson"), 1)

    def test_all_windows_share_one_stream(self):
        SHOW.tell("kiwi", *HOME)
        self.open()
        first = self.browser.ask("GET", "/window")
        windows = [first]
        # A browser has six connections to a host.
        for _ in range(6):
            windows.append(self.browser.ask("POST", "/window/new", {"type": "window"})["handle"])
            self.browser.ask("POST", "/window", {"handle": windows[-1]})
            self.browser.go(SHOW.url())
            self.browser.shows("#state", "Live")
            self.browser.shows("#count", "1 client")
        SHOW.tell("otter", *HOME)
        for window in windows:
            self.browser.ask("POST", "/window", {"handle": window})
            self.browser.shows("#count", "2 clients")
        self.assertEqual(json.loads(SHOW.ask("GET", "/healthz")[2])["viewers"], 1)
        for window in windows[1:]:
            self.browser.ask("POST", "/window", {"handle": window})
            self.browser.ask("DELETE", "/window")
        self.browser.ask("POST", "/window", {"handle": first})
        SHOW.forget("otter")
        self.browser.shows("#count", "1 client,")

    def test_places_are_shown_from_near(self):
        self.open()
        place = json.loads(SHOW.ask("GET", "/places?lat={}&lon={}&radius=1".format(*HOME))[2])["results"][0]
        at = place["geometry"]["location"]
        x, y = shown_at(self.browser, at["lat"], at["lng"])
        wait_for(place["name"], lambda: self.browser.run(IS_SIGHT, x, y))
        asked = self.browser.run(ASKED, "places?")
        self.assertTrue(1 <= asked <= 4, asked)
        for zoom in (13, 15):
            self.browser.run("location.hash = `#${arguments[0]}/${arguments[1]}/${arguments[2]}`", zoom, *HOME)
            wait_for(f"zoom {zoom}", lambda: self.browser.run(IS_SIGHT, x, y) == (zoom == 15))
        self.assertEqual(self.browser.run(ASKED, "places?"), asked)

    def test_it_fits_a_phone_and_the_dark(self):
        SHOW.tell("kiwi", *HOME)
        with Browser(390, 844, touch=True, ratio=2) as phone:
            self.open(phone)
            phone.shows("#count", "1 client, 1 in view")
            self.assertEqual(phone.run("return [innerWidth, document.documentElement.scrollWidth]"), [390, 390])
            high = phone.run("return map.getBoundingClientRect().height")
            self.assertGreater(high, 400)
            self.assertEqual(phone.run("return [...document.querySelectorAll('button, input')].filter((element) =>"
                                       "element.offsetParent && element.offsetHeight < 44).map((e) => e.id)"), [])
            x, y = shown_at(phone, *HOME)
            light = pixel(phone.picture(), round(2 * x) + 60, round(2 * y) + 60)
            phone.prefer(dark=True)
            wait_for("the dark", lambda: sum(pixel(phone.picture(), round(2 * x) + 60, round(2 * y) + 60)) < 120)
            self.assertGreater(sum(light), 600)

    def test_with_rules_it_asks_for_a_token(self):
        door = web_access.Guarded()
        self.addCleanup(door.herd.__exit__, None)
        door.allow(*(web_access.person(name, web_access.TOKENS[name][1], f"be = {name}", f"see = {name}")
                     for name in ("ada", "bo")))
        door.start()
        for name in ("ada", "bo"):
            self.assertEqual(door.put(name, web_access.position(name, time.time()))[0], 200)
        wait_for("zherd-web knows the herd", lambda: door.ask("GET", "/readyz")[0] == 200)
        self.browser.go("about:blank")
        self.browser.go(f"http://127.0.0.1:{door.port}/#3/1/2")
        for token in ("\u201cno header\u201d", "nobodys", web_access.TOKENS["ada"][0]):
            self.browser.shows("#state", "needs a token")
            self.browser.click("#token")
            self.browser.press(token, "Enter")
            wait_for("it is shown", lambda: self.browser.run(
                "return sessionStorage.getItem('zherd-token')") == urllib.parse.quote(token))
        self.browser.shows("#state", "Live")
        self.browser.shows("#count", "1 client, 1 in view")
        self.assertEqual(self.browser.text("#found"), "ada")
        self.assertFalse(self.browser.run("return document.querySelector('#sign-in').checkVisibility()"))
        door.put("ada", {**web_access.position("ada", time.time()), "lat": 5})
        self.see(*shown_at(self.browser, 5, 2, 3, (1, 2)))

    def test_without_leaflet_it_says_what_to_install(self):
        self.browser.develop("Network.enable")
        self.browser.develop("Network.setBlockedURLs", urls=["*/map/leaflet.js"])
        try:
            self.browser.go("about:blank")
            self.browser.go(SHOW.url())
            self.browser.shows("#trouble", "apt install libjs-leaflet")
        finally:
            self.browser.develop("Network.setBlockedURLs", urls=[])


if __name__ == "__main__":
    unittest.main()
