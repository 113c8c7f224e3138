"""Peers in other languages, beside real nodes: hello, the table, acknowledgements, updates, restarts.

    peers.py python | javascript

One node of the herd is peer.py or peer.mjs, which were written from bus/PROTOCOL.md alone. Where
node or npm is missing, or no registry gives npm the packages that tests/system/javascript pins, one
line says that JavaScript was left out."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from rig import PATIENCE, UCLA, Herd, wait_for

HERE = pathlib.Path(__file__).resolve().parent
LEFT_OUT = 77
NPM_S = 120
# What npm says where it reaches no registry; anything else it says is a failure of ours.
UNREACHED = re.compile(r"EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|"
                       r"ENETUNREACH|ERR_SOCKET_TIMEOUT|E40[37]|E50\d|network")
LINKS = ["Alford-Ball", "Alford-Peer"]
STAMP = "1621464827.959498503"


class LeftOut(Exception):
    """Why a language cannot be tried here."""


def python(_):
    return [sys.executable, HERE / "peer.py"]


def install(folder):
    """The packages that the folder's lock file pins."""
    for needed in ("node", "npm"):
        if not shutil.which(needed):
            raise LeftOut(f"{needed} is not installed")
    try:
        said = subprocess.run(["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund",
                               "--fetch-retries=1", "--fetch-timeout=20000"], cwd=folder,
                              capture_output=True, text=True, timeout=NPM_S)
    except subprocess.TimeoutExpired:
        raise LeftOut(f"npm gave no packages within {NPM_S} s") from None
    if said.returncode != 0 and UNREACHED.search(said.stderr):
        raise LeftOut("npm reaches no registry")
    if said.returncode != 0:
        raise AssertionError("npm ci: " + said.stderr)


def javascript(folder):
    """Installs the pinned packages in the folder, where the program then is, too."""
    for file in (HERE / "javascript").iterdir():
        shutil.copy(file, folder)
    shutil.copy(HERE / "peer.mjs", folder)
    install(folder)
    return ["node", pathlib.Path(folder) / "peer.mjs"]


class PeerProcess:
    """The node that is no zherd-gateway, in the place of one."""

    def __init__(self, herd, command):
        self.log = open(herd.folder / "peer.out", "ab")
        text = herd.file.read_text()
        bus = dict(re.findall(r"name = (\w+)\n.*\n    bus = (\S+)", text))
        self.child = subprocess.Popen(
            [str(word) for word in [*command, "trial", "Peer", bus["Peer"], bus["Alford"]]],
            stdin=subprocess.PIPE, stdout=self.log, stderr=subprocess.STDOUT)
        self.out = herd.folder / "peer.out"
        self.begin = self.out.stat().st_size

    def said(self):
        return self.out.read_bytes()[self.begin:].decode()

    def says(self, pattern, count=1):
        def seen():
            if self.child.poll() is not None:
                raise AssertionError(f"ended before {pattern!r}: {self.said()[-2000:]}")
            return len(re.findall(pattern, self.said(), re.MULTILINE)) >= count
        wait_for(f"the peer says {pattern!r}: {self.said()[-500:]}", seen)

    def tell(self, line):
        self.child.stdin.write(f"{line}\n".encode())
        self.child.stdin.flush()

    def links(self):
        """Asks Alford for its links; the newest answer for the one to us."""
        before = self.said().count("link Peer ")
        self.tell("")
        self.says("^link Peer ", before + 1)
        return re.findall(r"^link Peer (\d+) (\d+) (\d+) (\d+) (\d+)$", self.said(), re.M)[-1]

    def kill(self):
        self.child.kill()
        self.child.wait()

    def term(self):
        self.child.terminate()
        return self.child.wait(PATIENCE)

    def end(self):
        if self.child.poll() is None:
            self.kill()
        self.child.stdin.close()
        self.log.close()


class Peers(unittest.TestCase):
    command = None

    def setUp(self):
        self.herd = Herd(LINKS, places=False)
        self.addCleanup(lambda: self.herd.__exit__(*sys.exc_info()))
        self.herd.start("Alford", "Ball")
        self.peer = self.start()

    def start(self):
        peer = PeerProcess(self.herd, self.command)
        self.addCleanup(peer.end)
        return peer

    def iamat(self, client, node="Alford", stamp=STAMP):
        with self.herd.client(node) as speaker:
            return speaker.ask(f"IAMAT {client} {UCLA} {stamp}")

    def wait_until_acknowledged(self):
        """Alford has sent the peer everything that was due, and the peer has acknowledged it."""
        def settled():
            due, in_flight, acked, told, head = map(int, self.peer.links())
            return due == in_flight == 0 and acked == told == head
        wait_for("the peer has acknowledged all", settled)

    def test_hello_table_acknowledgements_and_updates(self):
        for i in range(600):  # more than one UPDATE holds
            self.iamat(f"early-{i}")
        self.peer.says("^up$")
        self.peer.says(r"^news early-\d+ \+34.068930-118.445127 1621464827.959498503 Alford$", 600)
        self.wait_until_acknowledged()
        # Each way a change, and one from the other side of Alford.
        self.iamat("kiwi")
        self.peer.says("^news kiwi .* Alford$")
        self.iamat("plum", node="Ball")
        self.peer.says("^news plum .* Ball$")
        self.peer.tell(f"fig {UCLA} {STAMP}")
        for node in ("Alford", "Ball"):
            line = wait_for(f"{node} holds fig", lambda: self.herd.at_line(node, "fig"))
            self.assertRegex(line, rf"^AT Peer \+[\d.]+ fig \{UCLA} {STAMP}$")
        self.wait_until_acknowledged()
        # What is newer wins, on both sides; what is older is nothing.
        self.peer.tell(f"kiwi {UCLA} 1621464828")
        self.iamat("fig", stamp="1621464826")
        self.iamat("fig", stamp="1621464829")
        self.peer.says("^news fig .* 1621464829 Alford$")
        wait_for("the newer kiwi", lambda: " 1621464828" in self.herd.at_line("Alford", "kiwi"))
        self.assertNotIn("1621464826", self.peer.said())
        for node in ("Alford", "Ball"):
            self.assertNotIn(" fault ", self.herd.log(node))
        self.assertEqual(self.peer.term(), 0)
        wait_for("the goodbye", lambda: "Peer down: goodbye" in self.herd.log("Alford"))

    def test_a_peer_that_is_restarted_is_told_all(self):
        self.peer.says("^up$")
        self.iamat("kiwi")
        self.peer.says("^news kiwi ")
        self.peer.tell(f"fig {UCLA} {STAMP}")
        wait_for("fig", lambda: self.herd.at_line("Ball", "fig"))
        self.peer.kill()
        self.iamat("plum")
        self.peer = self.start()
        self.peer.says("^up$")
        for client, origin in (("kiwi", "Alford"), ("plum", "Alford"), ("fig", "Peer")):
            self.peer.says(f"^news {client} .* {origin}$")
        self.wait_until_acknowledged()
        self.assertNotIn(" fault ", self.herd.log("Alford"))

    def test_a_node_that_is_restarted_is_told_all(self):
        self.peer.says("^up$")
        self.peer.tell(f"fig {UCLA} {STAMP}")
        line = wait_for("fig", lambda: self.herd.at_line("Alford", "fig"))
        self.iamat("kiwi")
        self.peer.says("^news kiwi ")
        self.herd.kill("Ball")  # so that the peer alone knows it all
        self.herd.kill("Alford")
        self.herd.start("Alford")
        wait_for("fig is back", lambda: self.herd.at_line("Alford", "fig") == line)
        wait_for("kiwi is back", lambda: self.herd.at_line("Alford", "kiwi"))
        self.iamat("plum")
        self.peer.says("^news plum .* Alford$")
        self.peer.tell(f"pear {UCLA} {STAMP}")
        wait_for("pear", lambda: self.herd.at_line("Alford", "pear"))
        self.wait_until_acknowledged()


def main(language):
    with tempfile.TemporaryDirectory(prefix="zherd-peer-") as folder:
        try:
            Peers.command = {"python": python, "javascript": javascript}[language](folder)
        except LeftOut as reason:
            print(f"left out: the peer in {language}, because {reason}")
            return LEFT_OUT
        tests = unittest.defaultTestLoader.loadTestsFromTestCase(Peers)
        return 0 if unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
