"""Where clients are, over HTTP: what gateway/web/PROTOCOL.md shows is what comes, a viewer of events
has what the node has, and who is slow or comes in numbers costs itself."""

import contextlib
import http.server
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

import metrics_reader
import web_access
from rig import BUILD, ROOT, free_ports, open_files_max, wait_for
from web import Door, Node

DOCUMENT = (ROOT / "gateway" / "web" / "PROTOCOL.md").read_text().partition("## Positions out")[2]
VIEWERS_MAX = 2000
WORKS_MAX = 64
LONG = 1000  # bytes of an id


class Viewer:
    """An EventSource, and the picture of a page that follows it."""

    def __init__(self, door, after="", last="", address="127.0.0.1", room=0, headers=()):
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(15)
        self.socket.bind((address, 0))
        self.socket.connect(("127.0.0.1", door.port))
        target = "/events" + (f"?after={after}" if after else "")
        lines = dict(headers, Host="x", **({"Last-Event-ID": last} if last else {}))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        self.pending = b""
        self.last = last
        self.moves, self.gones, self.herds, self.resets = [], [], [], 0
        self.picture = {}

    def head(self):
        while b"\r\n\r\n" not in self.pending:
            got = self.socket.recv(65536)
            if not got:
                return None
            self.pending += got
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        return head.decode()

    def take(self, seconds):
        """What comes within the time, event by event; false at the end."""
        while b"\n\n" not in self.pending:
            self.socket.settimeout(max(seconds, 0.001))
            try:
                got = self.socket.recv(1 << 20)
            except (TimeoutError, BlockingIOError):
                return True
            if not got:
                return False
            self.pending += got
        *events, self.pending = self.pending.split(b"\n\n")
        for event in events:
            self.dispatch(event.decode())
        return True

    def dispatch(self, text):
        kind, data = "message", []
        for line in text.split("\n"):
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif name == "id":
                self.last = value
        if kind == "move":
            for moved in json.loads("\n".join(data)):
                self.moves.append(moved)
                self.picture[moved["id"]] = (moved["lat"], moved["lon"])
        elif kind == "gone":
            for gone in json.loads("\n".join(data)):
                self.gones.append(gone)
                self.picture.pop(gone, None)
        elif kind == "herd":
            self.herds.append(json.loads("\n".join(data)))
        elif kind == "reset":
            self.resets += 1

    def until(self, what, condition, seconds=15):
        deadline = time.monotonic() + seconds
        while not condition(self):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain: {what}: {self.moves} {self.gones} {self.herds}")
            if not self.take(0.2):
                raise AssertionError(f"ended before {what}")
        return self

    def close(self):
        self.socket.close()


def picture_of(features):
    return {feature["id"]: tuple(feature["geometry"]["coordinates"][::-1])
            for feature in features["features"]}


class Rig(unittest.TestCase):
    settings = ("expire = 10000d", "forget = yes")

    def setUp(self):
        self.door = Door(self.settings)
        self.addCleanup(self.door.herd.__exit__, None)
        self.begin()

    def begin(self):
        self.door.start()
        wait_for("it is ready", lambda: self.door.ask("GET", "/readyz")[0] == 200)

    def viewer(self, **options):
        viewer = Viewer(self.door, **options)
        self.addCleanup(viewer.close)
        self.assertIn("200 OK", viewer.head())
        return viewer

    def get(self, target, status=200):
        got, headers, text = self.door.ask("GET", target)
        self.assertEqual(got, status, text)
        if got != 200:
            self.assertIn("error", json.loads(text))
        self.assertEqual(headers["Cache-Control"], "no-store")
        return json.loads(text)

    def say(self, node, lines):
        with self.door.herd.client(node) as client:
            client.send("".join(line + "\n" for line in lines) + "that is all\n")
            return client.until(b"? that is all\n")

    def shows(self, client, position):
        def has():
            status, _, text = self.door.ask("GET", "/clients/" + urllib.parse.quote(client, safe=""))
            return status == 200 and json.loads(text)["geometry"]["coordinates"] == position
        wait_for(f"{client} is at {position}", has)


class Expires(Rig):
    settings = ("expire = 3s",)

    def test_who_is_over_is_not_shown_in_the_first_minute(self):
        viewer = self.viewer()
        self.say("Alford", [f"IAMAT kiwi +34.1-118.4 {time.time():.6f}"])
        self.shows("kiwi", [-118.4, 34.1])
        begun = time.monotonic()
        viewer.until("it is over", lambda v: v.gones == ["kiwi"])
        self.get("/clients/kiwi", 404)
        self.assertEqual(self.get("/clients.geojson")["features"], [])
        self.assertLess(time.monotonic() - begun, 10)


class Shows(Rig):
    # ---- the page

    def test_what_the_page_shows_is_what_comes(self):
        blocks = re.findall(r"((?:^    GET [^\n]*\n)+)\n```(?:json)?\n(.*?)```", DOCUMENT,
                            re.MULTILINE | re.DOTALL)
        self.assertEqual([re.split("[ ?]", target.strip())[1] for target, _ in blocks],
                         ["/clients/kiwi", "/clients.geojson", "/nearby", "/events", "/herd"])
        self.say("Alford", ["IAMAT kiwi +34.068930-118.445127 1621464827.959498503"])
        self.shows("kiwi", [-118.445127, 34.06893])
        plain = lambda text: re.sub(r'("age":)[0-9.]+|("events":")[0-9a-f]{16}-[0-9]+', r"\1\2", text)
        self.assertEqual(plain(self.door.ask("GET", "/clients/kiwi")[2]), plain(blocks[0][1]))
        self.assertEqual(plain(self.door.ask("GET", "/clients.geojson")[2]), plain(blocks[1][1]))
        targets = [line.split()[1] for line in blocks[2][0].strip().split("\n")]
        self.say("Ball", ["IAMAT otter +34.070000-118.446 1621464828"])
        self.shows("otter", [-118.446, 34.07])
        self.assertEqual(plain(self.door.ask("GET", targets[0])[2]), plain(blocks[2][1]))
        self.assertEqual(len(self.get(targets[1])["features"]), 2)
        self.get(re.search(r"GET (/clients\.geojson\?\S+)", blocks[1][0])[1])
        self.assertEqual(self.door.ask("GET", "/herd")[2], blocks[4][1])
        # Of events the shape.
        shown = Viewer.__new__(Viewer)
        shown.moves, shown.gones, shown.herds, shown.resets, shown.picture = [], [], [], 0, {}
        for event in blocks[3][1].strip("\n").split("\n\n"):
            shown.dispatch(event)
        viewer = self.viewer(after=self.get("/clients.geojson")["events"])
        self.say("Alford", ["IAMAT kiwi +34.1-118.4 1621464829.5", "FORGET otter"])
        viewer.until("both", lambda v: v.moves and v.gones and v.herds[-1]["links"])
        self.assertEqual(viewer.moves[0].keys(), shown.moves[0].keys())
        self.assertEqual(viewer.gones, shown.gones)
        self.assertEqual(viewer.herds[0].keys(), shown.herds[0].keys())
        self.assertEqual(viewer.herds[-1]["links"], shown.herds[0]["links"])

    def test_what_is_no_good_is_refused(self):
        for target, status in (("/clients.geojson?bbox=1,2,3", 400), ("/clients.geojson?limit=0", 400),
                               ("/nearby?id=kiwi", 400), ("/nearby?id=kiwi&radius=1", 404),
                               ("/clients/kiwi", 404), ("/clients/a%20b", 400),
                               ("/whatsat?id=kiwi&radius=51", 400),
                               ("/whatsat?id=kiwi&radius=5", 404),
                               ("/places?lat=1&lon=2&radius=51", 400),
                               ("/places?lat=1&lon=2&radius=5", 404)):
            with self.subTest(target):
                self.get(target, status)
        self.assertEqual(self.door.ask("POST", "/clients.geojson", "x")[0], 405)
        status, headers, text = self.door.ask("HEAD", "/clients.geojson")
        self.assertEqual((status, text), (200, ""))
        self.assertEqual(headers["Content-Type"], "application/geo+json")
        self.assertEqual(self.door.ask("HEAD", "/events")[0], 200)
        self.assertEqual(self.door.ask("GET", "/clients/")[0], 404)

    def test_places_come_from_the_node(self):
        self.say("Ball", ["IAMAT o/tter +34.070000-118.446 1621464828"])
        self.shows("o/tter", [-118.446, 34.07])
        self.assertEqual(self.get("/whatsat?id=o%2Ftter&radius=10&bound=1")["results"], [])

    def test_figures_are_metrics(self):
        for accept in ("", metrics_reader.OPEN_ACCEPT):
            status, headers, text = self.door.ask("GET", "/metrics", headers={"Accept": accept})
            self.assertEqual(status, 200)
            families = metrics_reader.read(text.encode(), accept != "")
            self.assertIn("zherd_web_viewers", families)
            self.assertIn("process_open_fds", families)

    # ---- events

    def test_a_viewer_has_what_the_node_has(self):
        draw = random.Random(21)
        names = [f"c{i}" for i in range(60)] + ["w\u00fc\"\\<b>", "x" * LONG]
        first = self.get("/clients.geojson")
        viewers = [self.viewer(after=first["events"]), self.viewer(after=first["events"])]
        for turn in range(12):
            stamp = time.time()
            lines = []
            for client in draw.sample(names, 30):
                if draw.random() < 0.2:
                    lines.append(f"FORGET {client}")
                else:
                    lines.append(f"IAMAT {client} {draw.uniform(-90, 90):+.6f}"
                                 f"{draw.uniform(-180, 180):+.6f} {stamp:.6f}")
            self.say(draw.choice(["Alford", "Ball"]), lines)
            for viewer in viewers:
                viewer.take(0.1)
            if turn % 4 == 3:  # the second is cut and comes back
                viewers[1].close()
                again = self.viewer(after=first["events"], last=viewers[1].last)
                again.picture = viewers[1].picture
                viewers[1] = again
        self.say("Alford", [f"IAMAT end +1+2 {time.time():.3f}"])
        for viewer in viewers:
            viewer.until("the end", lambda v: "end" in v.picture)
            self.assertEqual(viewer.resets, 0)
            self.assertEqual(viewer.picture, picture_of(self.get("/clients.geojson")))
        # And that is what the node has.
        got = self.say("Ball", ["NEARBY AT +0+0 20038 1000"])
        self.assertEqual(sorted(viewers[0].picture),
                         sorted(line.split()[5].decode() for line in got.split(b"\n")
                                if line.startswith(b"NEAR ")))

    def test_five_times_a_second_at_most(self):
        viewer = self.viewer()
        stop = threading.Event()

        def move():
            with self.door.herd.client("Alford") as client:
                while not stop.is_set():
                    client.ask(f"IAMAT kiwi +1+2 {time.time():.6f}")
        mover = threading.Thread(target=move)
        mover.start()
        try:
            viewer.until("it moves", lambda v: v.moves)
            begun, before = time.monotonic(), len(viewer.moves)
            viewer.until("some more", lambda v: len(v.moves) >= before + 6)
            self.assertGreater(time.monotonic() - begun, 0.9)
        finally:
            stop.set()
            mover.join()

    def test_a_slow_viewer_begins_again_and_keeps_nobody_waiting(self):
        slow, quick = self.viewer(room=4096), self.viewer()
        begun = time.monotonic()
        turn = 0
        while quick.resets == 0 and slow.resets == 0 and turn < 14:
            self.say("Alford", [f"IAMAT {i:0{LONG}} +1+{turn} {time.time():.6f}" for i in range(500)])
            turn += 1
            count = 500 * turn
            quick.until("all of a turn", lambda v: len(v.moves) >= count)
        self.assertEqual(quick.resets, 0)
        slow.until("it is told", lambda v: v.resets == 1)
        self.assertEqual(slow.last, quick.last)
        self.say("Alford", [f"IAMAT kiwi +1+2 {time.time():.6f}"])
        slow.until("it goes on", lambda v: "kiwi" in v.picture)
        self.assertLess(time.monotonic() - begun, 30)

    def test_the_node_goes_and_comes_back(self):
        herd = self.door.herd
        viewer = self.viewer().until("the herd", lambda v: v.herds)
        self.assertTrue(viewer.herds[-1]["up"])
        self.say("Ball", ["IAMAT kiwi +1+2 1621464828"])
        viewer.until("a move", lambda v: v.moves)
        herd.kill("Alford")
        viewer.until("it is missed", lambda v: not v.herds[-1]["up"])
        self.assertEqual(self.get("/clients/kiwi")["properties"]["origin"], "Ball")
        self.assertEqual(self.get("/nearby?lat=1&lon=2&radius=1")["features"][0]["id"], "kiwi")
        self.get("/whatsat?id=kiwi&radius=1", 503)
        self.say("Ball", ["IAMAT kiwi +3+4 1621464829"])
        herd.launch("Alford")
        viewer.until("it goes on", lambda v: v.picture["kiwi"] == (3, 4) and v.herds[-1]["up"])
        self.assertEqual(viewer.resets, 0)

    def test_it_begins_again_with_another_run(self):
        viewer = self.viewer()
        self.say("Ball", ["IAMAT kiwi +1+2 1621464828"])
        viewer.until("a move", lambda v: v.moves)
        self.assertEqual(self.door.web.stop()[0], 0)
        self.assertFalse(viewer.take(15) and viewer.take(15))
        self.door.start(nodes=False)
        wait_for("it is ready", lambda: self.door.ask("GET", "/readyz")[0] == 200)
        again = self.viewer(last=viewer.last).until("reset", lambda v: v.resets == 1)
        self.assertNotEqual(again.last.split("-")[0], viewer.last.split("-")[0])
        self.assertIn("kiwi", picture_of(self.get("/clients.geojson")))

    # ---- limits

    def test_viewers_have_a_limit(self):
        open_files_max(self)
        with contextlib.ExitStack() as stack:
            def view(count, address):
                viewers = [stack.enter_context(contextlib.closing(Viewer(self.door, address=address)))
                           for _ in range(count)]
                return [viewer.head() for viewer in viewers].count(None)
            self.assertEqual(view(VIEWERS_MAX * 9 // 10, "127.0.0.1"), 0)
            self.assertEqual(view(1, "127.0.0.1"), 1)
            self.assertEqual(view(VIEWERS_MAX // 10, "127.0.0.2"), 0)
            self.assertEqual(view(1, "127.0.0.3"), 1)
            # A phone gets in all the same.
            self.assertEqual(self.door.ask("GET", "/osmand?id=a&lat=1&lon=2&timestamp=3")[0], 200)
            self.assertEqual(self.door.figures()["viewers"], VIEWERS_MAX)
        wait_for("all are gone", lambda: self.door.figures()["viewers"] == 0)

    def test_who_viewed_is_no_connection_any_more(self):
        kept = self.door.connection()
        self.addCleanup(kept.close)

        def counts():
            text = self.door.ask("GET", "/metrics", connection=kept)[2]
            return [int(re.search(rf"^zherd_web_{what} (\d+)", text, re.MULTILINE)[1])
                    for what in ("viewers", "connections")]
        viewers = [self.viewer() for _ in range(60)]
        for _ in range(200):
            silent = self.door.connection()
            silent.connect()
            self.addCleanup(silent.close)
        wait_for("all are there", lambda: counts() == [60, 201])
        time.sleep(1.5)  # until they sleep
        for viewer in viewers:  # as one with bytes that it has not read
            viewer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            viewer.close()
        time.sleep(4)  # questions might wake what sleeps
        self.assertEqual(counts(), [0, 201])

    def test_pages_have_a_limit(self):
        self.say("Ball", [f"IAMAT {i:0{LONG}} +1+2 {time.time():.6f}" for i in range(3000)])
        wait_for("all are there", lambda: self.door.figures()["clients"] == 3000)
        with contextlib.ExitStack() as stack:
            def ask(address):
                one = socket.socket()
                stack.enter_context(one)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.settimeout(15)
                one.bind((address, 0))
                one.connect(("127.0.0.1", self.door.port))
                one.sendall(b"GET /clients.geojson HTTP/1.1\r\nHost: x\r\n\r\n")
                return one.recv(12)[9:].decode()
            most = WORKS_MAX * 9 // 10
            self.assertEqual([ask("127.0.0.1") for _ in range(most)], ["200"] * most)
            self.assertEqual(ask("127.0.0.1"), "429")
            for _ in range(WORKS_MAX - most):
                self.assertEqual(ask("127.0.0.2"), "200")
            self.assertEqual(ask("127.0.0.3"), "503")
            # What takes no time needs no place.
            self.assertEqual(self.get("/clients/" + "0" * LONG)["id"], "0" * LONG)
        wait_for("there is room", lambda: self.door.ask("GET", "/clients.geojson")[0] == 200)


class Guarded(unittest.TestCase):
    """A herd with access rules."""

    ADA, BO = "be = ada", "be = bo"

    def setUp(self):
        self.door = web_access.Guarded()
        self.addCleanup(self.door.herd.__exit__, None)
        self.allow("see = team-*", "see = team-*")
        self.door.start()
        wait_for("it is ready", lambda: self.door.ask("GET", "/readyz")[0] == 200)
        with self.door.herd.client("Ball") as client:
            client.send(f"AUTH {self.door.own[0]}\nIAMAT team-1 +1+2 1\nIAMAT tram-1 +1+2.0001 1\n"
                        "IAMAT ada +1+2.0002 1\nthat is all\n")
            client.until(b"? that is all\n")
        own = {"Authorization": f"Bearer {self.door.own[0]}"}
        wait_for("all are there", lambda: len(json.loads(
            self.door.ask("GET", "/clients.geojson", headers=own)[2])["features"]) == 3)

    def allow(self, ada, bo):
        self.door.allow(web_access.person("ada", web_access.TOKENS["ada"][1], self.ADA, ada),
                        web_access.person("bo", web_access.TOKENS["bo"][1], self.BO, bo),
                        web_access.person("kiwi", web_access.TOKENS["kiwi"][1], "rate = 1/s"))

    def get(self, target, name="ada"):
        status, _, text = self.door.ask("GET", target, headers=web_access.bearer(name))
        return status, json.loads(text)

    def ids(self, target, name="ada"):
        status, shown = self.get(target, name)
        self.assertEqual(status, 200, shown)
        return sorted(feature["id"] for feature in shown["features"])

    def viewer(self, name, **options):
        viewer = Viewer(self.door, headers=web_access.bearer(name), **options)
        self.addCleanup(viewer.close)
        self.assertIn("200 OK", viewer.head())
        return viewer

    def move(self, *clients):
        with self.door.herd.client("Ball") as client:
            client.send(f"AUTH {self.door.own[0]}\n" + "".join(
                f"IAMAT {one} +1.5+2 {time.time():.6f}\n" for one in clients) + "that is all\n")
            client.until(b"? that is all\n")

    def test_each_is_shown_whom_it_may_see(self):
        self.assertEqual(self.ids("/clients.geojson"), ["ada", "team-1"])
        self.assertEqual(self.ids("/clients.geojson", "bo"), ["team-1"])
        self.assertEqual(self.ids("/nearby?lat=1&lon=2&radius=5"), ["ada", "team-1"])
        self.assertEqual(self.ids("/nearby?id=ada&radius=5"), ["team-1"])
        for target in ("/clients/tram-1", "/nearby?id=tram-1&radius=5", "/whatsat?id=tram-1&radius=5"):
            self.assertEqual(self.get(target)[0], 404)
        self.assertEqual(self.get("/whatsat?id=team-1&radius=5")[1]["results"], [])
        viewers = [self.viewer("ada"), self.viewer("bo")]
        self.move("tram-1", "ada", "team-1")
        for viewer, wanted in zip(viewers, (["ada", "team-1"], ["team-1"])):
            viewer.until("a move", lambda v: v.picture.get("team-1") == (1.5, 2))
            self.assertEqual(sorted(viewer.picture), wanted)

    def test_who_may_see_nobody_is_refused(self):
        for target in ("/clients.geojson", "/events", "/clients/ada", "/whatsat?id=ada&radius=1", "/herd",
                       "/places?lat=1&lon=2&radius=1"):
            status, headers, _ = self.door.ask("GET", target)
            self.assertEqual(status, 401, target)
            self.assertIn("Basic", headers["WWW-Authenticate"])
            status, _, _ = self.door.ask("GET", target, headers={"Authorization": "Bearer x"})
            self.assertEqual(status, 401, target)
            self.assertEqual(self.get(target, "kiwi")[0], 403)
        self.assertEqual(self.door.ask("GET", "/healthz")[0], 200)

    def test_other_rules_count_at_once(self):
        viewers = [self.viewer("ada"), self.viewer("bo")]
        self.allow("see = tram-*", "rate = 1/s")
        self.door.hup("Ear")
        for viewer in viewers:
            wait_for("it is sent away", lambda: not viewer.take(0.2))
        again = self.viewer("ada", last=viewers[0].last)
        again.until("it is to begin again", lambda v: v.resets == 1)
        self.move("tram-1", "team-1")
        again.until("both have moved", lambda v: v.picture.get("tram-1") == (1.5, 2))
        self.assertNotIn("team-1", again.picture)
        wait_for("its rate is used up", lambda: self.get("/clients/bo", "bo")[0] == 429)
        gone = Viewer(self.door, headers=web_access.bearer("bo"))
        self.assertIsNone(gone.head())
        gone.close()


class WithKeys(unittest.TestCase):
    """It is an observer, and so has a key of its own where the herd has keys."""

    def test_it_is_heard_under_its_key(self):
        door = Door(("keys = keys",))
        self.addCleanup(door.herd.__exit__, None)
        subprocess.run([BUILD / "zherd", "keygen", door.herd.file], check=True, capture_output=True)
        door.start()
        wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)
        self.assertEqual(door.web.stop()[0], 0)
        for secret in (door.herd.folder / "keys").glob("Ear*"):
            secret.unlink()
        done = subprocess.run([BUILD / "zherd-web", "--topology", door.herd.file], check=False,
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Ear", done.stderr)


class Landmarks:
    """Stands where a landmarks server would be, and answers by a function of the path, or not at all."""

    def __init__(self, answer):
        self.paths, self.release = [], threading.Event()

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                self.paths.append(handler.path)
                said = answer(handler.path)
                if said is None:
                    self.release.wait()
                    return
                status, body = said
                handler.send_response(status)
                handler.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    handler.wfile.write(body)

            def log_message(handler, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/near"

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


class WithLandmarks(unittest.TestCase):
    """Places near a point come from the landmarks server of the file, whatever it does."""

    def setUp(self):
        self.door = Door()
        self.addCleanup(self.door.herd.__exit__, None)
        self.text = self.door.herd.file.read_text()

    def use(self, answer):
        landmarks = Landmarks(answer)
        self.addCleanup(landmarks.close)
        self.write(landmarks.url)
        return landmarks

    def write(self, url):
        # Those before are the herd's, which does not listen.
        front, back = free_ports(len(self.door.herd.ports) * 2 + 6)[-2:]
        self.door.herd.file.write_text(f"{self.text}places\n    gateways = tcp://127.0.0.1:{front}\n"
                                       f"    workers = tcp://127.0.0.1:{back}\n    provider = landmarks\n"
                                       f"    url = {url}\n")

    def ask(self, place):
        return self.door.ask("GET", f"/places?{place}")

    def test_it_is_asked_and_passed_on(self):
        answers = {"1": (200, b'{"results": []}\n'), "2": (500, b"{}"), "3": (200, b"<html>"), "4": (200, b""),
                   "5": (200, b"{" + b" " * ((1 << 20) - 1)), "6": (200, b"{" + b" " * (1 << 20))}
        first = self.use(lambda path: answers[path.split("=")[1].split(",")[0]])
        self.door.start(nodes=False)
        self.assertTrue(json.loads(self.door.ask("GET", "/map/config.json")[2])["places"])
        status, headers, text = self.ask("lat=1&lon=-0.5&radius=2.5")
        self.assertEqual((status, text), (200, '{"results": []}\n'))
        self.assertEqual((headers["Content-Type"], headers["Cache-Control"]),
                         ("application/json", "private, max-age=3600"))
        self.assertEqual(first.paths, ["/near?location=1,-0.5&radius=2500"])
        for lat, wanted in (("2", 504), ("3", 504), ("4", 504), ("5", 200), ("6", 504)):
            with self.subTest(lat):
                status, headers, _ = self.ask(f"lat={lat}&lon=2&radius=1")
                self.assertEqual(status, wanted)
                self.assertEqual(headers["Cache-Control"], "private, max-age=3600" if wanted == 200 else "no-store")
        # Another one, and none, after HUP.
        second = self.use(lambda path: (200, b"{}"))
        self.door.web.child.send_signal(signal.SIGHUP)
        wait_for("the other is asked", lambda: self.ask("lat=1&lon=2&radius=1")[0] == 200 and second.paths)
        second.close()
        self.assertEqual(self.ask("lat=1&lon=2&radius=1")[0], 504)
        self.door.herd.file.write_text(self.text)
        self.door.web.child.send_signal(signal.SIGHUP)
        wait_for("nobody is asked", lambda: self.ask("lat=1&lon=2&radius=1")[0] == 404)

    def test_a_silent_one_has_eight_questions_not_all_of_one_address(self):
        landmarks = self.use(lambda path: None)
        self.door.start(nodes=False)
        asking = [self.door.connection(address=f"127.0.0.{1 + i // 7}") for i in range(8)]
        for i, connection in enumerate(asking):
            self.addCleanup(connection.close)
            connection.request("GET", f"/places?lat={i}&lon=2&radius=1")
        wait_for("all are asked", lambda: len(landmarks.paths) == 8)
        for number, wanted in ((1, 429), (2, 503)):
            with contextlib.closing(self.door.connection(address=f"127.0.0.{number}")) as one:
                status, headers, _ = self.door.ask("GET", "/places?lat=9&lon=2&radius=1", connection=one)
                self.assertEqual((status, headers["Retry-After"]), (wanted, "1"))
        self.assertEqual(self.door.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.door.web.stop()[0], 0)
        self.assertIn(asking[0].getresponse().status, (503, 504))

    def test_nobody_waits_for_its_name(self):
        if "ZHERD_SILENT_NAMES" in os.environ:
            self.end_while_its_name_is_asked_for()
            return
        resolv = self.door.herd.folder / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
        begin = ["unshare", "--net", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
                 "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && ip link set lo up && exec "$@"', resolv]
        trial = subprocess.run([*begin, "true"], capture_output=True, text=True)
        if trial.returncode != 0:
            self.skipTest(f"no namespace: {trial.stderr.strip()}")
        done = subprocess.run([*begin, sys.executable, "-B", __file__, self.id().partition(".")[2]], text=True,
                              capture_output=True, env={**os.environ, "ZHERD_SILENT_NAMES": "1"}, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)

    def end_while_its_name_is_asked_for(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
            names.bind(("127.0.0.1", 53))
            names.settimeout(15)
            self.write("https://landmarks.example/near")
            self.door.start(nodes=False)
            asking = self.door.connection()
            self.addCleanup(asking.close)
            asking.request("GET", "/places?lat=1&lon=2&radius=1")
            self.assertIn(b"landmarks", names.recv(512))
            self.assertEqual(self.door.web.stop()[0], 0)


class WithoutNode(unittest.TestCase):
    """zherd-web at a node that is not there, or behaves badly."""

    def test_before_all_is_known_nothing_is_said(self):
        door = Door()
        self.addCleanup(door.herd.__exit__, None)
        door.start(nodes=False)
        for target in ("/clients.geojson", "/clients/kiwi", "/nearby?lat=1&lon=2&radius=3"):
            status, headers, text = door.ask("GET", target)
            self.assertEqual(status, 503, text)
            self.assertEqual(headers["Retry-After"], "1")
        self.assertEqual(door.ask("GET", "/readyz")[0], 503)
        self.assertEqual(door.ask("GET", "/metrics")[0], 200)
        viewer = Viewer(door)
        self.assertIsNone(viewer.head())
        viewer.close()
        # And it says so as soon as it is.
        door.herd.start("Alford", "Ball")
        wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)
        viewer = Viewer(door)
        self.assertIn("200", viewer.head())
        viewer.close()

    def test_a_node_that_does_not_answer(self):
        door = Door()
        self.addCleanup(door.herd.__exit__, None)
        node = Node(door)
        self.addCleanup(node.close)
        door.start(nodes=False)
        node.take()
        first = node.taken
        wait_for("the node is reached", lambda: door.figures()["node"])
        asked = door.connection()
        self.addCleanup(asked.close)
        asked.request("GET", "/whatsat?id=kiwi&radius=10")
        node.take()
        self.assertEqual(node.hears(1), ["WHATSAT kiwi 10 20"])
        node.drop()
        self.assertEqual(asked.getresponse().status, 504)
        first.close()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
