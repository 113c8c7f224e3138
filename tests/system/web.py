"""Phones at the door of zherd-web: what each app sends becomes what a node knows, whatever comes and
goes meanwhile, and who is slow or large costs itself."""

import http.client
import json
import os
import pathlib
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

from rig import BUILD, ROOT, Herd, Process, children_of, free_ports, wait_for

PHONES = [json.loads(line) for line in
          (ROOT / "tests" / "unit" / "phones.jsonl").read_text().splitlines()]
ROWS = [row for row in PHONES if "rules" not in row]
BODY_BYTES_MAX = 4 * 1024 * 1024
CONNECTIONS_MAX = 1000
LOOPBACK_MAX = CONNECTIONS_MAX * 9 // 10


class Door:
    """A node with a neighbour, and zherd-web at the node. The herd's settings are lines of its file."""

    def __init__(self, settings=()):
        self.herd = Herd(["Alford-Ball"], places=False, observers=["Ear-Alford"])
        # Those before are the herd's, which does not listen yet.
        self.port = free_ports(len(self.herd.ports) * 2 + 2)[-1]
        lines = "".join(f"    {line}\n" for line in settings)
        text = self.herd.file.read_text().replace("    name = trial\n", "    name = trial\n" + lines)
        self.herd.file.write_text(f"{text}web\n    of = Alford\n    observer = Ear\n"
                                  f"    listen = tcp://127.0.0.1:{self.port}\n")
        self.web = None

    def start(self, nodes=True):
        if nodes:
            self.herd.start().linked()
        self.web = Process(self.herd.folder, "Ear", BUILD / "zherd-web", "--topology", self.herd.file)
        self.herd.processes["Ear"] = self.web
        self.web.says("^ready$")
        if nodes:
            wait_for("the node is reached", lambda: self.figures()["node"])
        return self

    def connection(self, seconds=15, address="127.0.0.1"):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds,
                                          source_address=(address, 0))

    def ask(self, method, target, body=None, headers=None, connection=None):
        """Status, headers and body of the answer."""
        own = connection or self.connection()
        own.request(method, target, body, headers or {})
        answer = own.getresponse()
        text = answer.read().decode()
        if connection is None:
            own.close()
        return answer.status, answer.headers, text

    def figures(self):
        return json.loads(self.ask("GET", "/healthz")[2])

    def holds(self, node, client, position, stamp, seconds=15):
        """Waits until a node has that of a client."""
        wanted = f" {client} {position} {stamp}"

        def has():
            with self.herd.client(node) as asked:
                asked.send(f"WHATSAT {client} 0 0\nthat is all\n")
                return wanted.encode() in asked.until(b"? that is all\n")
        wait_for(f"{node} has{wanted}", has, seconds)


class Node:
    """What is no node, but listens where Alford does, and does as it is bidden."""

    def __init__(self, door):
        self.listener = socket.create_server(("127.0.0.1", door.herd.ports["Alford"]))
        self.listener.settimeout(15)
        self.taken = None

    def take(self):
        """The next connection of zherd-web."""
        self.taken = self.listener.accept()[0]
        self.taken.settimeout(15)
        return self

    def hears(self, count):
        """So many IAMATs."""
        got = b""
        while got.count(b"\n") < count:
            got += self.taken.recv(65536)
        return got.decode().splitlines()

    def answer(self):
        self.taken.sendall(b"AT Alford +0.1 x +1+2 3\n")

    def drop(self):
        self.taken.close()

    def close(self):
        self.listener.close()
        if self.taken is not None:
            self.taken.close()


class AtNode(unittest.TestCase):
    """zherd-web at a node that behaves badly."""

    def setUp(self):
        self.door = Door()
        self.addCleanup(self.door.herd.__exit__, None)
        self.node = Node(self.door)
        self.addCleanup(self.node.close)
        self.door.start(nodes=False)

    def log(self):
        return self.door.web.err.read_text()

    def test_a_node_that_closes_each_connection_is_said_once(self):
        for _ in range(5):
            self.node.take().drop()
        # Not each time; a connection that lives for a second, on a slow machine, is a good one.
        self.assertLessEqual(self.log().count("again"), 1)
        self.node.take()
        connection = self.door.connection()
        self.addCleanup(connection.close)
        wait_for("the node is reached", lambda: self.door.figures()["node"])
        connection.request("GET", "/osmand?id=a&lat=1&lon=2&timestamp=3")
        self.node.hears(1)
        self.node.answer()
        wait_for("it is good", lambda: "takes positions again" in self.log())
        said = self.log().count("takes no positions: it has closed the connection")
        self.assertIn(said, (1, 2))
        self.node.close()
        wait_for("it is missed", lambda: self.log().count("takes no positions") == said + 1)

    def test_what_goes_out_again_answers_nobody_else(self):
        door, node = self.door, self.node.take()
        wait_for("the node is reached", lambda: door.figures()["node"])
        one = door.connection()
        self.addCleanup(one.close)
        started = time.monotonic()
        one.request("POST", "/iamat", json.dumps(
            [{"id": name, "lat": 1, "lon": 2, "time": 3} for name in "ab"]))
        self.assertEqual(node.hears(2), ["IAMAT a +1+2 3", "IAMAT b +1+2 3"])
        node.drop()
        node.take()
        self.assertEqual(node.hears(2), ["IAMAT b +1+2 3", "IAMAT a +1+2 3"])
        node.answer()
        self.assertEqual(one.getresponse().status, 200)
        self.assertGreaterEqual(time.monotonic() - started, 0.9)  # in memory for a second
        self.assertEqual(door.figures()["waiting"], 1)


class Web(unittest.TestCase):
    """All at one door, each with clients of its own."""

    @classmethod
    def setUpClass(cls):
        cls.door = Door()
        cls.addClassCleanup(cls.door.herd.__exit__, None)
        cls.door.start()

    def test_each_app_is_understood(self):
        door = self.door
        kept = door.connection()
        before = door.figures()
        newest = {}
        for row in ROWS:
            with self.subTest(app=row["app"], what=row["what"]):
                status, _, text = door.ask(row["method"], row["target"], row["body"].encode(),
                                           row["headers"], kept)
                self.assertEqual(status, row["status"])
                if status == 200:
                    self.assertEqual(text, row["answer"])
                else:
                    self.assertIn("error", json.loads(text))
            for iamat in row["iamats"]:
                client, position, stamp = iamat.split()
                if float(stamp) < 9e9 and float(stamp) >= newest.get(client, (0, ""))[0]:
                    newest[client] = float(stamp), position, stamp
        kept.close()
        self.assertGreater(len(newest), 6)
        for client, (_, position, stamp) in newest.items():
            for node in ("Alford", "Ball"):
                door.holds(node, client, position, stamp)
        figures = door.figures()
        since = {name: figures[name] - before[name] for name in figures}
        self.assertEqual(since["declined"], 1)  # the time that no node can count
        self.assertEqual(since["answered"], since["accepted"] - 1)
        self.assertEqual((figures["waiting"], figures["remembered"]), (0, 0))

    def test_curl_is_served(self):
        door = self.door
        url = f"http://127.0.0.1:{door.port}"

        def curl(*words):
            return subprocess.run(["curl", "-sS", "-m", "15", "-w", " %{http_code}", *words],
                                  capture_output=True, text=True, check=True).stdout
        self.assertEqual(curl(f"{url}/osmand/?id=kiwi&lat=1.50&lon=-2&timestamp=1795946400"), " 200")
        door.holds("Ball", "kiwi", "+1.50-2", "1795946400")
        self.assertEqual(curl("-d", "id=kiwi&lat=1.5&lon=-2&timestamp=1795946401", f"{url}/osmand"),
                         " 200")
        iamat = json.dumps([{"id": f"c{i}", "lat": 1, "lon": 2, "time": 3} for i in range(1000)])
        self.assertEqual(curl("-H", "Transfer-Encoding: chunked", "-d", iamat, f"{url}/iamat"),
                         '{"accepted":1000}\n 200')
        self.assertEqual(curl("-H", "Expect: 100-continue", "-d", iamat, f"{url}/iamat"),
                         '{"accepted":1000}\n 200')
        self.assertTrue(curl(f"{url}/readyz").endswith(" 200"))
        self.assertTrue(curl(f"{url}/nothing").endswith(" 404"))
        self.assertIn("Allow: POST", curl("-i", "-X", "PUT", f"{url}/overland"))
        self.assertEqual(door.figures()["waiting"], 0)

    def test_a_proxy_may_ask_with_the_whole_address(self):
        wait_for("it is ready", lambda: self.door.ask("GET", "/readyz")[0] == 200)
        host = f"http://127.0.0.1:{self.door.port}"
        for target, wanted in ((f"{host}/osmand?id=whole&lat=1&lon=2&timestamp=3", 200),
                               ("HTTP://zherd.example/healthz", 200), ("http://x", 200),
                               ("https://x?y", 200), ("http://x/clients/nobody", 404),
                               ("ftp://x/healthz", 404), (f"{host}/http://x/healthz", 404)):
            with self.subTest(target):
                self.assertEqual(self.door.ask("GET", target)[0], wanted)
        self.door.holds("Ball", "whole", "+1+2", "3")

    def test_what_spells_nothing_is_refused_with_a_sentence(self):
        wait_for("it is ready", lambda: self.door.ask("GET", "/readyz")[0] == 200)
        for target, wanted in (("/map/x%00", 404), ("/map/page.css%00", 404), ("/%00", 404),
                               ("/readyz%00x", 404), ("/osmand%00", 404), ("/healthz%", 404),
                               ("/%zz", 404), ("/" + "x" * 100, 404), ("/osmand?id=%", 400),
                               ("/osmand?%00=%00", 400), ("/nearby?q=%", 400), ("/nearby?id=%", 400),
                               ("/nearby?id=%00&radius=1", 404), ("/clients/%", 400),
                               ("/clients/%00", 404), ("/clients.geojson?q=%", 400),
                               ("/clients.geojson?limit=%", 400), ("/whatsat?id=%", 400)):
            with self.subTest(target):
                status, headers, text = self.door.ask("GET", target)
                self.assertEqual(status, wanted)
                self.assertGreater(len(json.loads(text)["error"]), 10)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")

    def test_nobody_guesses_what_an_answer_is(self):
        wait_for("it is ready", lambda: self.door.ask("GET", "/readyz")[0] == 200)
        for target in ("/", "/map/config.json", "/healthz", "/metrics", "/clients.geojson", "/nothing",
                       "/nearby?lat=1&lon=2&radius=1", "/osmand?id=a&lat=1&lon=2&timestamp=3"):
            with self.subTest(target):
                headers = self.door.ask("GET", target)[1]
                self.assertEqual(headers.get_all("X-Content-Type-Options"), ["nosniff"])

    def test_a_node_that_is_away_gets_all_when_it_is_back(self):
        door = self.door

        def begin_upload(stamp, client="kiwi"):
            """As it was accepted; its answer is due later."""
            accepted = door.figures()["accepted"]
            connection = door.connection()
            self.addCleanup(connection.close)
            connection.request("POST", "/iamat", json.dumps(
                {"id": client, "lat": 1, "lon": 2, "time": stamp}))
            wait_for("it is accepted", lambda: door.figures()["accepted"] > accepted)
            return connection
        self.assertEqual(begin_upload(10).getresponse().status, 200)
        door.herd.kill("Alford")
        wait_for("the node is missed", lambda: not door.figures()["node"])
        self.assertEqual(door.ask("GET", "/readyz")[0], 503)
        started = time.monotonic()
        for upload in begin_upload(30), begin_upload(20), begin_upload(5, "plum"):
            self.assertEqual(upload.getresponse().status, 200)
            self.assertGreaterEqual(time.monotonic() - started, 0.9)  # in memory for a second
        self.assertEqual(door.figures()["remembered"], 2)
        door.herd.start("Alford")
        for node in ("Alford", "Ball"):
            door.holds(node, "kiwi", "+1+2", "30")
            door.holds(node, "plum", "+1+2", "5")
        wait_for("nothing is remembered", lambda: door.figures()["remembered"] == 0)
        self.assertEqual(door.ask("GET", "/readyz")[0], 200)

    def test_a_node_that_is_stopped_holds_nobody_up(self):
        door = self.door
        alford = door.herd.processes["Alford"].child
        alford.send_signal(signal.SIGSTOP)
        self.addCleanup(alford.send_signal, signal.SIGCONT)
        started = time.monotonic()
        self.assertEqual(door.ask("GET", "/osmand?id=stopped&lat=1&lon=2&timestamp=3")[0], 200)
        self.assertGreaterEqual(time.monotonic() - started, 0.9)
        alford.send_signal(signal.SIGCONT)
        door.holds("Ball", "stopped", "+1+2", "3")

    def test_it_starts_before_its_node(self):
        door = self.door
        self.assertEqual(door.web.stop()[0], 0)
        door.herd.kill("Alford")
        door.start(nodes=False)
        self.assertEqual(door.ask("GET", "/osmand?id=early&lat=1&lon=2&timestamp=3")[0], 200)
        self.assertEqual(door.figures()["remembered"], 1)
        self.assertIn("takes no positions: Connection refused; they are kept",
                      door.web.err.read_text())
        door.herd.start("Alford")
        door.holds("Ball", "early", "+1+2", "3")
        wait_for("it says so", lambda: "takes positions again" in door.web.err.read_text())

    def test_bodies_have_a_limit(self):
        door = self.door
        wish = b'{"id":"a","lat":1,"lon":2,"time":3}'
        self.assertEqual(door.ask("POST", "/iamat", wish.ljust(BODY_BYTES_MAX))[0], 200)
        self.assertEqual(door.ask("POST", "/iamat", wish.ljust(BODY_BYTES_MAX + 1))[0], 413)

        position = wish.decode()
        for count, wanted in ((100000, 200), (100001, 413)):
            wait_for("all has its answer", lambda: door.figures()["waiting"] == 0)
            body = f"[{','.join([position] * count)}]"
            self.assertEqual(door.ask("POST", "/iamat", body)[0], wanted)

        def pieces(bytes_max):
            text = wish.ljust(bytes_max)
            for at in range(0, len(text), 65536):
                yield text[at:at + 65536]
        for bytes_max, wanted in ((BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)):
            connection = door.connection()
            connection.request("POST", "/iamat", pieces(bytes_max), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})
            self.assertEqual(connection.getresponse().status, wanted)
            connection.close()

    def begin_body(self, address, bytes_now, path="/iamat"):
        """A connection from there whose body is not whole, once its first bytes were read."""
        before = self.door.figures()["body_bytes"]
        one = self.door.connection(address=address)
        self.addCleanup(one.close)
        one.putrequest("POST", path)
        one.putheader("Content-Length", str(bytes_now + 1))
        one.endheaders(b"[".ljust(bytes_now))
        wanted = 1 << (bytes_now - 1).bit_length()
        wait_for("the body is read", lambda: self.door.figures()["body_bytes"] == before + wanted)
        return one

    def test_bodies_together_have_a_limit(self):
        mib = 1024 * 1024
        held = [self.begin_body(f"127.0.0.{2 + i // 4}", 2 * mib + 1) for i in range(15)]
        held.append(self.begin_body("127.0.0.5", mib))
        grows = self.begin_body("127.0.0.6", 2 * mib)
        self.assertEqual(self.door.figures()["body_bytes"], 63 * mib)
        # Its next byte makes it 4 MiB.
        grows.send(b"]")
        self.assertEqual(grows.getresponse().status, 503)
        # At the limit those that grow no more go on, and no other begins.
        held += [self.begin_body("127.0.0.6", mib) for _ in range(3)]
        self.assertEqual(self.door.figures()["body_bytes"], 64 * mib)
        self.assertEqual(self.door.ask("POST", "/iamat", b"[]".ljust(65537))[0], 503)
        self.assertEqual(self.door.ask("POST", "/iamat", b"[]".ljust(65536))[0], 200)
        for one in held[:15]:
            one.send(b"]")
            self.assertEqual(one.getresponse().status, 200)
        self.assertEqual(self.door.ask("POST", "/iamat", b"[]".ljust(mib))[0], 200)
        for one in held:
            one.close()
        wait_for("all is free", lambda: self.door.figures()["body_bytes"] == 0)

    def test_an_address_has_a_share_of_the_bodies(self):
        mib = 1024 * 1024
        held = [self.begin_body("127.0.0.2", 2 * mib + 1) for _ in range(4)]
        for address, size, wanted in (("127.0.0.2", 65537, 503), ("127.0.0.2", 65536, 200),
                                      ("127.0.0.3", 65537, 200)):
            other = self.door.connection(address=address)
            self.assertEqual(self.door.ask("POST", "/iamat", b"[]".ljust(size),
                                           connection=other)[0], wanted)
            other.close()
        held.pop().close()
        wait_for("there is room", lambda: self.door.figures()["body_bytes"] == 12 * mib)
        held.append(self.begin_body("127.0.0.2", 2 * mib + 1))
        for one in held:
            one.close()
        wait_for("all is free", lambda: self.door.figures()["body_bytes"] == 0)

    def test_half_requests_cost_themselves(self):
        door = self.door
        halves = []
        self.addCleanup(lambda: [half.close() for half in halves])
        for i in range(200):
            half = socket.create_connection(("127.0.0.1", door.port))
            half.sendall([b"POST /iamat HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n{",
                          b"POST /iamat HTTP/1.1\r\nHost:",
                          b"GET /osmand?id=" + b"x" * 8000][i % 3])
            halves.append(half)
        self.assertEqual(door.ask("GET", "/osmand?id=a&lat=1&lon=2&timestamp=3")[0], 200)
        for half in halves[::2]:
            # They go as half, some with a reset.
            half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            half.close()
        self.assertEqual(door.ask("GET", "/osmand?id=half&lat=1&lon=2&timestamp=4")[0], 200)
        door.holds("Alford", "half", "+1+2", "4")
        # Nothing that is no HTTP ends it, and the end of what comes ends the connection.
        others = []
        for nonsense in (b"\r\n\r\n", b"\0" * 100, b"IAMAT a +1+2 3\n", b"GET " + b"x" * 100000,
                         b"POST /iamat HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                         b"POST /iamat HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10000):
            other = socket.create_connection(("127.0.0.1", door.port), timeout=15)
            others.append(other)
            self.addCleanup(other.close)
            try:
                other.sendall(nonsense)
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before its end
        for other in others:
            try:
                while other.recv(65536):
                    pass
            except ConnectionError:
                pass
        self.assertEqual(door.ask("GET", "/healthz")[0], 200)

    def test_an_address_has_a_share_of_the_connections(self):
        door = self.door
        held = []
        self.addCleanup(lambda: [one.close() for one in held])
        for _ in range(LOOPBACK_MAX + 1):
            held.append(socket.create_connection(("127.0.0.1", door.port)))
        # Which one is too many is for the system to say: where its queue is full, some come later.
        with selectors.DefaultSelector() as selector:
            for one in held:
                selector.register(one, selectors.EVENT_READ)
            refused = [key.fileobj for key, _ in selector.select(60)]
        self.assertEqual([one.recv(1) for one in refused], [b""])
        held.remove(refused[0])
        refused[0].close()
        other = door.connection(address="127.0.0.2")
        self.assertEqual(door.ask("GET", "/healthz", connection=other)[0], 200)
        other.close()
        held.pop(0).close()
        wait_for("there is room again", self.is_served(door))

    @staticmethod
    def is_served(door):
        def served():
            try:
                return door.ask("GET", "/healthz")[0] == 200
            except (OSError, http.client.HTTPException):
                return False
        return served

    def test_it_ends_and_begins_again_under_its_clients(self):
        door = self.door
        kept = door.connection()
        self.assertEqual(door.ask("GET", "/osmand?id=a&lat=1&lon=2&timestamp=1", connection=kept)[0],
                         200)
        self.assertEqual(door.web.stop()[0], 0)
        kept.close()
        door.start(nodes=False)
        wait_for("the node is reached", lambda: door.figures()["node"])
        self.assertEqual(door.ask("GET", "/osmand?id=again&lat=1&lon=2&timestamp=2")[0], 200)
        door.holds("Ball", "again", "+1+2", "2")

    def test_it_ends_while_requests_come(self):
        door, web = self.door, self.door.web.child
        kept = [door.connection() for _ in range(4)]
        for one in kept:
            self.addCleanup(one.close)
            self.assertEqual(door.ask("GET", "/healthz", connection=one)[0], 200)
        alford = door.herd.processes["Alford"].child
        alford.send_signal(signal.SIGSTOP)
        try:
            kept[0].request("GET", "/osmand?id=a&lat=1&lon=2&timestamp=1")
            wait_for("one waits", lambda: door.figures()["waiting"] == 1)
            # These come together with the signals that end it at once.
            web.send_signal(signal.SIGSTOP)
            for one in kept[1:]:
                one.request("GET", "/osmand?id=b&lat=1&lon=2&timestamp=1")
            web.send_signal(signal.SIGTERM)
            web.send_signal(signal.SIGINT)
            web.send_signal(signal.SIGCONT)
            self.assertEqual(web.wait(15), 0)
        finally:
            alford.send_signal(signal.SIGCONT)
        self.assertEqual(kept[0].getresponse().status, 200)
        for one in kept[1:]:
            answer = one.getresponse()
            # 200 where it was in the midst of a turn.
            self.assertIn(answer.status, (503, 200))
            self.assertEqual(answer.headers["Connection"], "close")
        door.start(nodes=False)
        wait_for("the node is reached", lambda: door.figures()["node"])

    def test_up_starts_it(self):
        door = Door()
        self.addCleanup(door.herd.__exit__, None)
        up = Process(door.herd.folder, "up", BUILD / "zherd", "up", door.herd.file)
        door.herd.processes["up"] = up
        up.says("^ready: all 2 nodes take clients, all 1 links are up$")
        up.says(rf"^  Ear  http://127\.0\.0\.1:{door.port}$")
        self.assertEqual(door.ask("GET", "/osmand?id=up&lat=1&lon=2&timestamp=3")[0], 200)
        door.holds("Ball", "up", "+1+2", "3")
        web, = [pid for pid in children_of(up.child.pid)
                if b"zherd-web" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(web, signal.SIGKILL)
        up.says("^Ear .*; starting it again in 1.0 s$")
        wait_for("it is back", self.is_served(door))
        self.assertEqual(up.stop(15)[0], 0)

    def test_what_it_is_not_told_it_says(self):
        door = Door()
        self.addCleanup(door.herd.__exit__, None)
        text = door.herd.file.read_text()

        def run(*words):
            done = subprocess.run([BUILD / "zherd-web", *words], capture_output=True,
                                  text=True, timeout=30, check=False)
            return done.returncode, done.stderr
        file = str(door.herd.file)
        self.assertEqual(run()[0], 2)
        self.assertEqual(run("--topology", file, "x")[0], 2)
        self.assertEqual(run("--topology", file, "--wub", "x")[0], 2)
        status, said = run("--topology", file, "--web", "Eat")
        self.assertEqual(status, 1)
        self.assertIn("no `web` Eat (did you mean Ear?)", said)
        door.herd.file.write_text(text[:text.index("web\n")])
        self.assertIn("has no section `web`", run("--topology", file)[1])
        door.herd.file.write_text(text)
        with socket.create_server(("127.0.0.1", door.port)):
            status, said = run("--topology", file)
        self.assertEqual(status, 1)
        self.assertIn("cannot listen at", said)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
