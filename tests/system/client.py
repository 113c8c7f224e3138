"""Google's client library against zherd-landmarks: its requests as they were recorded, or the library itself.

    client.py                its requests, byte for byte
    client.py javascript     @googlemaps/google-maps-services-js, as tests/system/client pins it

Where node or npm is missing, or no registry gives npm the packages, one line says so and the exit
status is 77.
"""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import peers
from landmarks import PATH, PROGRAM, distance_m, feature, sequence
from rig import PATIENCE, UCLA, Herd, Process, free_ports

HERE = pathlib.Path(__file__).resolve().parent
CENTRE = (-118.445127, 34.06893)
AT = {"key": "AIza", "location": [CENTRE[1], CENTRE[0]]}
# What version 3.4.2 sends, whatever it is asked.
HEAD = ("Accept: application/json, text/plain, */*\r\n"
        "User-Agent: google-maps-services-node-3.4.2\r\n"
        "Accept-Encoding: gzip\r\n"
        "Host: 127.0.0.1:{port}\r\n"
        "Connection: keep-alive\r\n\r\n")
RECORDED = {
    "plain": (AT | {"radius": 5000}, "key=AIza&location=34.06893%2C-118.445127&radius=5000"),
    "type": (AT | {"radius": 5000, "type": "museum"},
             "key=AIza&location=34.06893%2C-118.445127&radius=5000&type=museum"),
    "keyword": (AT | {"rankby": "distance", "keyword": "Café am Rhein"},
                "key=AIza&keyword=Caf%C3%A9%20am%20Rhein&location=34.06893%2C-118.445127"
                "&rankby=distance"),
    "name": (AT | {"radius": 5000, "name": "hall", "language": "de"},
             "key=AIza&language=de&location=34.06893%2C-118.445127&name=hall&radius=5000"),
    "page": (AT | {"radius": 5000, "pagetoken": "TOKEN"},
             "key=AIza&location=34.06893%2C-118.445127&pagetoken=TOKEN&radius=5000"),
    "not served": (AT | {"radius": 5000, "opennow": True, "minprice": 1},
                   "key=AIza&location=34.06893%2C-118.445127&minprice=1&opennow=true&radius=5000"),
}


class Requests:
    """Says what the library says, over one connection."""

    def __init__(self, port, _):
        self.port = port
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.replies = self.connection.makefile("rb")

    def ask(self, case, token):
        query = RECORDED[case][1].replace("TOKEN", token)
        self.connection.sendall(f"GET {PATH}?{query} HTTP/1.1\r\n{HEAD.format(port=self.port)}".encode())
        assert self.replies.readline() == b"HTTP/1.1 200 OK\r\n"
        bytes_left = 0
        while (line := self.replies.readline().decode().strip()):
            if line.lower().startswith("content-length:"):
                bytes_left = int(line.split(":")[1])
        return json.loads(self.replies.read(bytes_left))

    def close(self):
        self.replies.close()
        self.connection.close()


class Library:
    """The library itself, which is asked by lines."""

    def __init__(self, port, command):
        self.program = subprocess.Popen([*command, f"http://127.0.0.1:{port}{PATH}"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, case, token):
        text = json.dumps(RECORDED[case][0]).replace("TOKEN", token)
        self.program.stdin.write(text + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def close(self):
        self.program.communicate(timeout=PATIENCE)


def install(folder):
    """Installs the pinned packages in the folder, where the program then is, too."""
    for file in ("package.json", "package-lock.json", "ask.mjs"):
        shutil.copy(HERE / "client" / file, folder)
    peers.install(folder)
    return ["node", pathlib.Path(folder) / "ask.mjs"]


def make_features():
    """75 places, each further away than the one before."""
    made = []
    for i in range(75):
        name = {7: "Royce Hall", 30: "CAFÉ am Rhein", 31: "Cafe am Rhein"}.get(i, f"place {i}")
        made.append(feature(i + 1, (CENTRE[0], CENTRE[1] + i * 4e-4), name=name,
                            kind="museum" if i % 15 == 14 else "hotel"))
    return made


class Client(unittest.TestCase):
    kind, command = Requests, None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-client-"))
        database = cls.folder / "places.db"
        cls.features = make_features()
        subprocess.run([PROGRAM, "import", database], input=sequence(cls.features).encode(), check=True,
                       capture_output=True, timeout=PATIENCE)
        port, = free_ports(1)
        cls.server = Process(cls.folder, "server", PROGRAM, "serve", database, "--listen",
                             f"127.0.0.1:{port}")
        cls.server.says("^ready at ")
        cls.client = cls.kind(port, cls.command)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def ask(self, case, token="", status="OK"):
        answer = self.client.ask(case, token)
        self.assertEqual(answer["status"], status, answer)
        return answer

    def names(self, case):
        return [result["name"] for result in self.ask(case)["results"]]

    def expected(self, radius_m=5000, kind=None):
        """Museums first, then hotels, each by distance."""
        near = [f for f in self.features
                if distance_m(CENTRE, f["geometry"]["coordinates"]) <= radius_m
                and kind in (None, f["properties"]["tourism"])]
        near.sort(key=lambda f: f["properties"]["tourism"] != "museum")
        return [f["properties"]["name"] for f in near]

    def test_three_pages_are_the_first_sixty_places(self):
        self.assertEqual(len(self.expected()), 75)
        answer, names = self.ask("plain"), []
        for page in range(3):
            self.assertEqual(len(answer["results"]), 20)
            names += [result["name"] for result in answer["results"]]
            self.assertEqual("next_page_token" in answer, page < 2)
            if page < 2:
                answer = self.ask("page", answer["next_page_token"])
        self.assertEqual(names, self.expected()[:60])

    def test_a_wrong_token_is_refused(self):
        token = self.ask("plain")["next_page_token"]
        for wrong in ("x", token[:-1], token[1:], token + "A"):
            self.assertIn("pagetoken", self.ask("page", wrong, "INVALID_REQUEST")["error_message"])

    def test_a_type_and_words_choose(self):
        self.assertEqual(self.names("type"), self.expected(kind="museum"))
        self.assertEqual(len(self.names("type")), 5)
        self.assertEqual(self.names("keyword"), ["CAFÉ am Rhein"])
        self.assertEqual(self.names("name"), ["Royce Hall"])

    def test_what_is_not_served_is_refused(self):
        self.assertIn("opennow", self.ask("not served", status="INVALID_REQUEST")["error_message"])


class WhatsAt(unittest.TestCase):
    def test_a_whatsat_has_no_token(self):
        """And is what the server says, but for that line."""
        with Herd(nodes=["A"], links=[]).start() as herd, herd.client("A") as a:
            a.ask(f"IAMAT kiwi {UCLA} 1.0")
            a.send("WHATSAT kiwi 10 20\n")
            body = a.until(b"\n\n").decode().split("\n", 1)[1].rstrip("\n")
            url = re.search(r"url = http://127.0.0.1:(\d+)", herd.file.read_text())
            said = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{url[1]}{PATH}?location=34.06893,"
                                   "-118.445127&radius=10000"], capture_output=True, text=True, check=True)
        lines = said.stdout.split("\n")
        without = [line for line in lines if '"next_page_token": "' not in line]
        self.assertEqual(len(lines) - len(without), 1)
        self.assertEqual(body, "\n".join(without))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "javascript":
        sys.argv.pop()
        try:
            with tempfile.TemporaryDirectory(prefix="zherd-client-") as folder:
                Client.kind, Client.command = Library, install(folder)
                unittest.main(defaultTest="Client")
        except peers.LeftOut as why:
            print(f"left out: {why}")
            sys.exit(77)
    unittest.main()
