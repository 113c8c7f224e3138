"""Phones at the door of zherd-web where the herd has access rules: whose token opens what, how fast a
person may be, what a node that does not know the web's own token costs, and HTTPS."""

import base64
import contextlib
import hashlib
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import time
import unittest

from access import new_token
from rig import BUILD, Process, wait_for
from tls import make_certificate
from web import PHONES, Door, Node

NAMES = ("ada", "bo", "finch", "otter", "kiwi")


def token_of(number):
    """The token of that number in 32 bytes, the first of them first, and what a file has of it."""
    whole = bytes([number]) + bytes(31)
    token = base64.urlsafe_b64encode(whole).decode().rstrip("=")
    kept = hashlib.blake2b(token.encode(), digest_size=32, key=whole[:16]).digest()
    return token, ":".join(base64.urlsafe_b64encode(part).decode().rstrip("=")
                           for part in (whole[:16], kept))


TOKENS = {name: token_of(i + 1) for i, name in enumerate(NAMES)}


def person(name, entry, *lines):
    return "\n    ".join(["person", f"name = {name}", f"token = {entry}", *lines]) + "\n"


def bearer(name):
    return {"Authorization": f"Bearer {TOKENS[name][0]}"}


def position(client, stamp, **more):
    return {"id": client, "lat": 1, "lon": 2, "time": stamp, **more}


def metric(door, name):
    return int(re.search(rf"^{name}(?:_total)? ([0-9]+)", door.ask("GET", "/metrics")[2], re.MULTILINE)[1])


class Guarded(Door):
    """A herd with rules, and zherd-web with a token of its own."""

    def __init__(self, *keys):
        super().__init__()
        self.own = new_token("Ear")
        self.rules = self.herd.folder / "trial.access"
        self.token = self.herd.folder / "Ear.token"
        self.give_token(self.own[0])
        text = self.herd.file.read_text().replace(
            "    name = trial\n", "    name = trial\n    access = trial.access\n    new_clients = 1/500\n", 1)
        self.herd.file.write_text(text + "".join(
            f"    {key}\n" for key in ("token_file = Ear.token", *keys)))
        self.allow()

    def give_token(self, token):
        self.token.write_text(token + "\n")
        self.token.chmod(0o600)

    def allow(self, *sections, own=None):
        self.rules.write_text("".join(
            [person("Ear", (own or self.own)[1], "be = *", "see = *"), *sections]))

    def hup(self, *names):
        for name in names:
            self.herd.processes[name].child.send_signal(signal.SIGHUP)

    def log(self):
        return self.web.err.read_text()

    def check(self):
        done = subprocess.run([BUILD / "zherd", "check", self.herd.file], capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stderr

    def put(self, name, *wishes):
        return self.ask("POST", "/iamat", json.dumps(wishes), bearer(name))

    def holds(self, node, client, position, stamp, seconds=15):
        """As the web, who sees all."""
        wanted = f" {client} {position} {stamp}".encode()

        def has():
            with self.herd.client(node) as asked:
                asked.send(f"AUTH {self.own[0]}\nWHATSAT {client} 0 0\nthat is all\n")
                return wanted in asked.until(b"? that is all\n")
        wait_for(f"{node} has{wanted}", has, seconds)


PERSONS = [person(name, TOKENS[name][1], f"be = {name}", *(
    [] if name == "finch" else [f"be = {name}/*"])) for name in NAMES]


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.door = Guarded()
        cls.addClassCleanup(cls.door.herd.__exit__, None)
        cls.door.allow(*PERSONS)
        cls.door.start()

    def test_each_app_is_who_its_token_says(self):
        door = self.door
        rows = [row for row in PHONES if "rules" in row]
        newest = {}
        for row in rows:
            with self.subTest(app=row["app"], what=row["what"]):
                status, headers, text = door.ask(row["method"], row["target"],
                                                 row["body"].encode(), row["headers"])
                self.assertEqual(status, row["status"])
                if status == 200 and row["answer"] == "[]":  # whom earlier rows moved may be there by now
                    self.assertLessEqual({friend["tid"] for friend in json.loads(text)}, set(newest))
                elif status == 200:
                    self.assertEqual(text, row["answer"])
                else:
                    self.assertIn("error", json.loads(text))
                self.assertEqual("WWW-Authenticate" in headers, status == 401)
            for iamat in row["iamats"]:
                client, place, stamp = iamat.split()
                newest[client] = place, stamp
        self.assertGreater(len(newest), 5)
        for client, (place, stamp) in newest.items():
            for node in ("Alford", "Ball"):
                door.holds(node, client, place, stamp)
        self.assertEqual(door.figures()["declined"], 0)
        wait_for("who was denied is said", lambda: "asks at /iamat" in door.log())
        # Not a token is in the log, and of each that is wrong one line.
        for token in [own for own, _ in TOKENS.values()] + [door.own[0], "s3cret"]:
            self.assertNotIn(token, door.log())
        self.assertEqual(len(re.findall(r"asks at /owntracks.* do not allow", door.log())), 1)
        lines = door.log().count("shows what is no token")
        for _ in range(3):
            self.assertEqual(door.ask("POST", "/iamat", "[]", {"Authorization": "Bearer x"})[0], 401)
        self.assertEqual(door.ask("POST", "/iamat", "[]", {"Authorization": "Bearer y"})[0], 401)
        wait_for("both are said", lambda: door.log().count("shows what is no token") == lines + 2)

    def send_slowly(self, path, headers, kib):
        """The most bytes of bodies that were kept while one of so many KiB came, and its answer."""
        one, most = self.door.connection(), 0
        self.addCleanup(one.close)
        one.putrequest("POST", path)
        for name, value in {"Content-Length": str(kib * 1024), **headers}.items():
            one.putheader(name, value)
        one.endheaders()
        for _ in range(kib // 64):
            one.send(b" " * 65536)
            most = max(most, self.door.figures()["body_bytes"])
        return most, one.getresponse().status

    def test_a_strangers_body_is_not_kept(self):
        self.assertGreater(self.send_slowly("/iamat", bearer("ada"), 2048)[0], 65536)
        self.assertEqual(self.send_slowly("/iamat", {}, 4096), (0, 401))
        self.assertEqual(self.send_slowly("/owntracks", {"Authorization": "Bearer wrong"}, 2048), (0, 401))
        # Of none that is too large, either, where it says so.
        self.assertEqual(self.send_slowly("/iamat", bearer("ada"), 4160), (0, 413))

    def test_who_asks_before_the_body_is_answered_then(self):
        for headers, length, wanted in (({}, 4000000, b"401"), (bearer("ada"), 4000000, b"100"),
                                        (bearer("ada"), 5000000, b"413")):
            with socket.create_connection(("127.0.0.1", self.door.port), timeout=15) as asked:
                lines = {"Host": "x", "Expect": "100-Continue", "Content-Length": length, **headers}
                asked.sendall(("POST /iamat HTTP/1.1\r\n" + "".join(
                    f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode())
                self.assertEqual(asked.recv(65536).split()[1], wanted)

    def test_how_many_clients_there_are_is_not_said(self):
        door = self.door
        wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)
        self.assertIsNone(door.figures()["clients"])
        self.assertNotIn("zherd_web_clients", door.ask("GET", "/metrics")[2])
        with socket.create_connection(("127.0.0.1", door.port), timeout=15) as viewer:
            viewer.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                           f"{TOKENS['ada'][0]}\r\n\r\n".encode())
            text = b""
            while b'"links"' not in text:
                text += viewer.recv(65536)
        self.assertIn(b'"clients":null', text)

    def test_the_web_is_outside_the_limits_of_its_address(self):
        status, _, text = self.door.put("kiwi", *[position(f"kiwi/{i}", 5) for i in range(3000)])
        self.assertEqual((status, text), (200, '{"accepted":3000}\n'))
        self.assertEqual(self.door.figures()["declined"], 0)


class Changes(unittest.TestCase):
    def start(self, *sections):
        door = Guarded()
        self.addCleanup(door.herd.__exit__, None)
        door.allow(*sections)
        return door.start()

    def test_who_is_too_fast_is_conflated_or_told(self):
        door = self.start(person("ada", TOKENS["ada"][1], "be = ada", "be = ada/*", "rate = 2/s"))
        path = "/osmand?id=ada/{}&lat=1&lon=2&timestamp={}"
        kept = door.connection()
        started = time.monotonic()
        for stamp in range(1, 6):
            for client in "ab":
                self.assertEqual(door.ask("GET", path.format(client, stamp), None, bearer("ada"),
                                          kept)[0], 200)
        kept.close()
        for client in "ab":
            door.holds("Ball", f"ada/{client}", "+1+2", "5")
        self.assertGreater(door.figures()["too_fast"], 0)
        # Each of some had to wait for its second.
        self.assertGreater(time.monotonic() - started, 1)
        wait_for("nothing waits", lambda: door.figures()["held"] == 0)
        wait_for("there is room again", lambda: door.put("ada", position("ada", 1))[0] == 200)
        told = [door.put("ada", position("ada", 2 + i)) for i in range(4)]
        slow = [headers["Retry-After"] for status, headers, _ in told if status == 429]
        self.assertEqual(slow, ["1"] * len(slow))
        self.assertGreater(len(slow), 1)

    def test_rules_are_read_again(self):
        door = self.start(person("ada", TOKENS["ada"][1], "be = ada"))
        self.assertEqual(door.put("ada", position("x", 1))[0], 200)
        self.assertEqual(door.put("bo", position("bo", 1))[0], 401)
        door.rules.write_text("persn\n")
        door.hup("Ear")
        wait_for("it says so", lambda: "nothing changes: what " in door.log())
        self.assertEqual(door.put("ada", position("x", 2))[0], 200)
        door.allow(person("bo", TOKENS["bo"][1], "be = bo bo2"),
                   person("ada", TOKENS["ada"][1], "be = ada", "until = 2020-01-31"))
        door.hup("Ear", "Alford", "Ball")
        wait_for("bo comes in", lambda: door.put("bo", position("bo", 1))[0] == 200)
        self.assertEqual(door.put("ada", position("x", 3))[0], 401)
        self.assertEqual(door.put("bo", position("x", 3))[0], 403)

    def test_other_rules_end_a_viewer_that_reads_nothing(self):
        door = self.start(person("ada", TOKENS["ada"][1], "be = *"))
        wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", door.port))
            slow.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer('ada')['Authorization']}"
                         "\r\n\r\n".encode())
            wait_for("it views", lambda: door.figures()["viewers"] == 1)
            sent = [0]

            def waits():
                before, sent[0] = sent[0], metric(door, "zherd_web_events_bytes")
                door.put("ada", *(position(f"{i:01000}", sent[0]) for i in range(500)))
                time.sleep(0.5)
                return sent[0] > 0 and sent[0] == before
            wait_for("its socket is full", waits)
            door.hup("Ear")
            wait_for("the rules are read", lambda: "read again" in door.log())
            self.assertEqual(door.figures()["viewers"], 0)
            other = door.connection()
            self.addCleanup(other.close)
            other.request("GET", "/events", headers=bearer("ada"))
            news = other.getresponse()
            door.put("ada", position("kiwi", 1))
            self.assertTrue(any(b'"kiwi"' in line for line in news))

    def test_a_token_that_the_node_does_not_know_costs_no_position(self):
        door = self.start(person("ada", TOKENS["ada"][1], "be = ada"))
        self.assertEqual(door.put("ada", position("ada", 1))[0], 200)
        other = new_token("Ear")
        door.allow(person("ada", TOKENS["ada"][1], "be = ada"), own=other)
        door.hup("Alford")
        wait_for("it is told", lambda: "does not know the token of `token_file`" in door.log())
        for stamp in (2, 4, 3):
            self.assertEqual(door.put("ada", position("ada", stamp))[0], 200)
        self.assertEqual(door.figures()["remembered"], 1)
        self.assertEqual(door.ask("GET", "/readyz")[0], 503)
        # Once, however often it is tried; the node's log says nothing of the token.
        self.assertEqual(door.log().count("does not know the token"), 1)
        door.give_token(other[0])
        door.hup("Ear")
        door.own = other
        door.holds("Alford", "ada", "+1+2", "4")
        wait_for("it says so", lambda: "takes positions again" in door.log())
        self.assertEqual(door.figures()["declined"], 0)

    def test_friends_appear_in_owntracks(self):
        rules = [person("ada", TOKENS["ada"][1], "be = ada/*", "see = bo/*"),
                 person("bo", TOKENS["bo"][1], "be = bo/*"),
                 person("finch", TOKENS["finch"][1], "be = finch", "see = *")]
        door = self.start(*rules)
        wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)

        def put(name, client, stamp):
            body = {"_type": "location", "topic": f"owntracks/{client}", "lat": 1.5, "lon": -2,
                    "tst": stamp, "tid": "xx"}
            return json.loads(door.ask("POST", "/owntracks", json.dumps(body), bearer(name))[2])
        self.assertEqual(put("ada", "ada/1", 5), [])
        put("bo", "bo/1", 1795946400)
        put("finch", "finch", 6)
        wanted = [{"_type": "location", "tid": "bo/1", "lat": 1.5, "lon": -2, "tst": 1795946400},
                  {"_type": "card", "tid": "bo/1", "name": "bo/1"}]
        wait_for("she is told", lambda: put("ada", "ada/1", 7) == wanted)
        self.assertEqual(put("ada", "ada/1", 8), [])
        # Rules that are new may show others: all are told again.
        door.hup("Ear")
        wait_for("she is told again", lambda: put("ada", "ada/1", 9) == wanted)
        # What has no place is answered by nobody's.
        self.assertEqual(door.ask("POST", "/owntracks", '{"_type":"card"}', bearer("ada"))[2], "[]")

    def test_check_looks_at_the_token(self):
        door = Guarded()
        self.addCleanup(door.herd.__exit__, None)
        self.assertEqual(door.check(), (0, ""))
        door.token.chmod(0o644)
        self.assertIn("Ear.token is not its owner's alone: give it mode 0600", door.check()[1])
        door.give_token(TOKENS["ada"][0])
        self.assertIn("holds the token of no person", door.check()[1])
        door.allow(person("ada", TOKENS["ada"][1], "be = a*"))
        self.assertIn("holds the token of ada, who may not be everybody", door.check()[1])
        door.token.unlink()
        self.assertEqual(door.check()[0], 0)  # it may lie on another host
        status = subprocess.run([BUILD / "zherd-web", "--topology", door.herd.file],
                                capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(status.returncode, 1)
        self.assertIn("Ear.token No such file", status.stderr)


class AtNode(unittest.TestCase):
    """A node that answers AUTH as it should not."""

    def test_what_is_no_answer_to_auth_is_tried_again(self):
        door = Guarded()
        self.addCleanup(door.herd.__exit__, None)
        node = Node(door)
        self.addCleanup(node.close)
        door.allow(PERSONS[0])
        door.start(nodes=False)
        for nonsense in (b"AUTH Ear\nAT", b"AT Alford +0.1 x +1+2 3\n", b"AUTH \n", b"x" * 600, b""):
            self.assertEqual(node.take().hears(1), [f"AUTH {door.own[0]}"])
            node.taken.sendall(nonsense)
            node.drop()
        self.assertEqual(door.put("ada", position("ada", 7))[0], 200)
        self.assertEqual(node.take().hears(1), [f"AUTH {door.own[0]}"])
        for piece in (b"AU", b"TH Ear", b"\n"):
            node.taken.sendall(piece)
        self.assertEqual(node.hears(1), ["IAMAT ada +1+2 7"])
        node.answer()
        wait_for("it is answered", lambda: door.figures()["answered"] == 1)

    def ask_what_is_near(self):
        """A web at a node of ours, which has not answered yet what somebody asked."""
        door = Guarded()
        self.addCleanup(door.herd.__exit__, None)
        door.allow(person("ada", TOKENS["ada"][1], "see = bo"))
        node = Node(door)
        self.addCleanup(node.close)
        door.start(nodes=False)
        node.take().hears(1)
        node.taken.sendall(b"AUTH Ear\n")
        wait_for("the node is reached", lambda: door.figures()["node"])
        asking = door.connection()
        self.addCleanup(asking.close)
        asking.request("GET", "/whatsat?id=bo&radius=5", headers=bearer("ada"))
        self.assertEqual(node.take().hears(2)[1], "WHATSAT bo 5 20")
        return door, node, asking

    def test_a_web_ends_while_somebody_asks(self):
        door, _, asking = self.ask_what_is_near()
        self.assertEqual(door.web.stop(15)[0], 0)
        self.assertEqual(asking.getresponse().status, 504)

    def test_who_may_see_no_more_is_not_told_what_was_asked_before(self):
        door, node, asking = self.ask_what_is_near()
        door.allow()
        door.hup("Ear")
        wait_for("the rules are read", lambda: "read again" in door.log())
        with contextlib.suppress(OSError):
            node.taken.sendall(b'AUTH Ear\nAT Alford +1.0 bo +1+2 3\n{"status":"OK"}\n\n')
        node.drop()
        self.assertEqual(asking.getresponse().status, 504)


class Https(unittest.TestCase):
    def test_certificates_are_renewed_under_connections(self):
        door = Guarded("certificate = web.pem", "certificate_key = web.key")
        self.addCleanup(door.herd.__exit__, None)
        folder = door.herd.folder
        for name in ("old", "new"):
            make_certificate(folder, name, "localhost")

        def install(pem, key=None):
            for ending, name in (("pem", pem), ("key", key or pem)):
                (folder / f"web.{ending}").write_bytes((folder / f"{name}.{ending}").read_bytes())
            (folder / "web.key").chmod(0o600)

        def connect(name, **more):
            context = ssl.create_default_context(cafile=folder / f"{name}.pem", **more)
            return http.client.HTTPSConnection("127.0.0.1", door.port, timeout=15, context=context)
        door.connection = lambda *_, **__: connect("old")
        install("old", "new")
        done = subprocess.run([BUILD / "zherd-web", "--topology", door.herd.file],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("it is the key of another certificate", done.stderr)
        install("old")
        door.allow(PERSONS[0])
        door.start()
        kept = door.connection()
        body = json.dumps([position(f"ada/{i}", 5) for i in range(2000)])
        for _ in range(3):
            self.assertEqual(door.ask("POST", "/iamat", body, bearer("ada"), kept)[2],
                             '{"accepted":2000}\n')
        install("new", "old")
        door.hup("Ear")
        wait_for("it is refused", lambda: "nothing changes: what " in door.log())
        self.assertEqual(door.ask("GET", "/healthz")[0], 200)
        install("new")
        door.hup("Ear")
        wait_for("it is shown", lambda: door.log().count("certificate is good until") == 2)
        with self.assertRaises(ssl.SSLCertVerificationError):
            door.ask("GET", "/healthz")
        door.connection = lambda *_, **__: connect("new")
        self.assertEqual(door.ask("GET", "/healthz")[0], 200)
        self.assertEqual(door.ask("POST", "/iamat", body, bearer("ada"), kept)[0], 200)
        kept.close()
        said = subprocess.run(["curl", "-sS", "--cacert", folder / "new.pem", "-u",
                               f"ada:{TOKENS['ada'][0]}", "-d", json.dumps(position("ada", 9)),
                               f"https://localhost:{door.port}/iamat"],
                              capture_output=True, text=True, check=True).stdout
        self.assertEqual(said, '{"accepted":1}\n')
        door.holds("Ball", "ada", "+1+2", "9")
        self.check_strangers(door, connect)

    def check_strangers(self, door, connect):
        """HTTP, halves of handshakes and an old version harm nobody."""
        halves = []
        for text in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"", b"\x00" * 300):
            halves.append(socket.create_connection(("127.0.0.1", door.port), timeout=15))
            self.addCleanup(halves[-1].close)
            halves[-1].sendall(text)
        for version, is_taken in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            done = subprocess.run(["openssl", "s_client", version, "-cipher", "ALL@SECLEVEL=0",
                                   "-connect", f"127.0.0.1:{door.port}"], stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=30, check=False)
            self.assertEqual(done.returncode == 0, is_taken, version)
        self.assertEqual(door.ask("GET", "/healthz")[0], 200)
        for half in halves:
            half.close()
        self.assertEqual(door.web.stop()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
