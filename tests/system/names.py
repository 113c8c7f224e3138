"""Names in the log: two running processes of one name, a node that is not in the other's file, one
whose keys differ, one that is not there. No other node is disturbed, and every log says why."""

import re
import shutil
import subprocess
import time
import unittest

import zmq

from keys import list_keys
from rig import BUILD, UCLA, Herd, Process, free_ports, wait_for

REASON = "two running processes have the name Ball"


class Names(unittest.TestCase):
    def test_a_name_in_use_is_refused_and_the_herd_goes_on(self):
        with Herd(["Alford-Ball", "Ball-Cy"], places=False) as herd:
            herd.start().linked()
            # The same herd but for Ball, which is somewhere else: as on a host with an old file.
            ports = iter(free_ports(8)[-2:])
            text = herd.file.read_text()
            ball = text[text.index("name = Ball"):text.index("name = Cy")]
            elsewhere = herd.folder / "elsewhere.zpl"
            elsewhere.write_text(text.replace(
                ball, re.sub(r":\d+\n", lambda _: f":{next(ports)}\n", ball)))
            logs = herd.folder / "elsewhere"
            second = Process(herd.folder, "second", BUILD / "zherd-gateway", "--topology",
                             elsewhere, "--node", "Ball", "--log-dir", logs)
            try:
                for name in ("Alford", "Cy"):
                    wait_for(f"{name} says why", lambda: f"Ball refused: {REASON}"
                             in herd.log(name))
                    wait_for("the first Ball says why", lambda: f"{name} refused: it refuses "
                             f"another: {REASON}" in herd.log("Ball"))
                    wait_for("the second Ball says what it sees", lambda: f"{name} silent: "
                             "it takes our messages but answers none"
                             in (logs / "Ball.log").read_text())
                with herd.client("Alford") as client:
                    line = client.ask(f"IAMAT kiwi {UCLA} 1621464827.95")
                herd.everybody_holds("kiwi", line)
                for name in ("Alford", "Ball", "Cy"):
                    self.assertNotIn(" down", herd.log(name))
                # The first one ends, and comes back although the second still runs.
                herd.processes["Ball"].stop()
                herd.start("Ball").linked()
                herd.everybody_holds("kiwi", line)
            finally:
                second.end()


class Unmet(unittest.TestCase):
    """What a node says of a neighbour that never comes up, and of one that it does not know."""

    def setUp(self):
        self.herd = Herd(["Ann-Bob", "Bob-Cid"], places=False)
        self.addCleanup(self.herd.__exit__, None)

    def start_with(self, file, name):
        """A node that has another file than the rest of the herd, and a log of its own."""
        logs = self.herd.folder / "other"
        process = Process(self.herd.folder, "other", BUILD / "zherd-gateway", "--topology", file,
                          "--node", name, "--log-dir", logs)
        self.addCleanup(process.end)
        process.says("^ready")
        return lambda: (logs / f"{name}.log").read_text()

    def keygen(self, file=None):
        subprocess.run([BUILD / "zherd", "keygen", file or self.herd.file], check=True,
                       stdout=subprocess.DEVNULL)

    def says_once(self, log, line):
        """After five seconds, and then no more."""
        began = time.monotonic()
        wait_for(line, lambda: line in log(), 8)
        self.assertGreater(time.monotonic() - began, 2)
        time.sleep(6)
        self.assertEqual(log().count("since the start"), 1)
        self.assertNotIn("in use", log())

    def test_who_is_not_running_is_told_of_once(self):
        self.herd.start("Ann")
        self.says_once(lambda: self.herd.log("Ann"),
                       "Bob silent: no answer from Bob since the start: not running, or the keys differ")

    def test_who_has_other_keys_is_told_of_once(self):
        self.keygen()
        other = self.herd.folder / "elsewhere.zpl"
        shutil.copy(self.herd.file, other)
        list_keys(self.herd.file, "Ann", [zmq.curve_keypair()[0].decode()])
        (self.herd.folder / "elsewhere.keys").symlink_to(self.herd.folder / "herd.keys")
        self.herd.start("Bob", "Cid")
        ann = self.start_with(other, "Ann")
        self.says_once(ann, "no answer from Bob since the start: not running, or the keys differ")
        for line in (" fault - .*with a stranger's key refused",
                     "no answer from Ann since the start: not running"):
            wait_for(f"Bob to say {line!r}", lambda: re.search(line, self.herd.log("Bob")))

    def name_the_one_outside(self):
        """Cid believes that it is linked to Ann, who does not."""
        other = self.herd.folder / "elsewhere.zpl"
        other.write_text(self.herd.file.read_text() + "link\n    between = Ann Cid\n")
        self.herd.start("Ann", "Bob")
        began = time.monotonic()
        cid = self.start_with(other, "Cid")
        wait_for("Ann to name Cid", lambda: re.search(
            r" fault - Cid is no neighbour in the file read at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ: what "
            "it says is dropped", self.herd.log("Ann")), 10)
        wait_for("Cid to say that nobody answers", lambda: "no answer from Ann since the start" in cid(), 8)
        wait_for("Cid to be linked to Bob", lambda: "link - Bob up" in cid())
        time.sleep(max(0, 12 - (time.monotonic() - began)))
        self.assertEqual(self.herd.log("Ann").count("is no neighbour"), 1)
        for log in (self.herd.log("Ann"), self.herd.log("Bob"), cid()):
            self.assertNotIn("in use", log)
            self.assertNotIn("two running processes", log)

    def test_who_is_asked_by_somebody_outside_its_file_names_it(self):
        self.name_the_one_outside()

    def test_it_does_so_by_the_key_where_there_are_keys(self):
        self.keygen()
        self.name_the_one_outside()


if __name__ == "__main__":
    unittest.main(verbosity=2)
