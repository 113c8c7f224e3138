"""Clocks that are wrong: in a herd of three the time of the two others counts, at each node, for
what is later; a node lets clients in only once it can know that time."""

import datetime
import re
import signal
import socket
import sys
import time
import unittest

from network import ClockedHerd, find_faketime
from rig import PATIENCE, UCLA, Client, Herd, wait_for

TRIANGLE = ["Ann-Bob", "Bob-Cy", "Cy-Ann"]
HOUR_S, DAY_S = 3600, 86400
# How far two clocks may seem apart that are read by two programs of a busy machine.
APART_S = 5.0
DOOR_S = 0.3
# A node that was alone with a wrong clock goes by it for 60 s more.
HELD_SECONDS_MAX = 100.0


def ahead_of_2200():
    year = datetime.datetime(2200, 1, 1, tzinfo=datetime.timezone.utc)
    return int(year.timestamp() - time.time())


def iamat(herd, node, client, stamp):
    with herd.client(node) as speaker:
        return speaker.ask(f"IAMAT {client} {UCLA} {stamp:.6f}")


def difference(line):
    return float(line.split()[2])


class Clocks(unittest.TestCase):
    def herd(self, **ahead_s):
        """A herd of three with clocks that far ahead; none of it runs."""
        herd = ClockedHerd(TRIANGLE, places=False)
        self.addCleanup(herd.__exit__, None)
        for node, seconds in ahead_s.items():
            herd.set_clock(node, seconds)
        return herd

    def logs(self, herd, node, pattern):
        return wait_for(f"{pattern!r} in the log of {node}",
                        lambda: re.search(pattern, herd.log(node), re.MULTILINE), 30)

    def roams(self, herd, client, wrong):
        """A client goes from a right node to the wrong one and on to the other right one."""
        for node in ("Ann", wrong, "Bob", wrong):
            stamp = time.time()
            line = iamat(herd, node, client, stamp)
            herd.everybody_holds(client, line)
            yield node, line

    def check_wrong(self, ahead_s, words):
        herd = self.herd(Cy=ahead_s)
        herd.start().linked()
        for node, line in self.roams(herd, "kiwi", "Cy"):
            off_s = difference(line) - (ahead_s if node == "Cy" else 0)
            self.assertLess(abs(off_s), APART_S, f"{node}: the difference is its clock's: {line}")
        self.logs(herd, "Cy", rf" clock - ours is {words} the herd's$")
        for node in ("Ann", "Bob"):
            self.logs(herd, node, rf" clock - Cy's is {words} the herd's$")
        self.assertNotIn(" clock - ours", herd.log("Ann"))

    def test_an_hour_behind(self):
        self.check_wrong(-HOUR_S, r"3(600|599|601)\.\d s behind")

    def test_a_day_ahead(self):
        self.check_wrong(DAY_S, r"86(400|399|401)\.\d s ahead of")

    def test_a_clock_that_is_set_while_the_node_runs(self):
        herd = self.herd()
        herd.start().linked()
        for ahead_s, words in ((DAY_S, "forward by 86400.0 s"), (-HOUR_S, "back by 90000.0 s"),
                               (0, "forward by 3600.0 s")):
            herd.set_clock("Cy", ahead_s)
            self.logs(herd, "Cy", rf" clock - this machine's was set {words}$")
            list(self.roams(herd, f"kiwi{ahead_s}", "Cy"))
        self.logs(herd, "Cy", r" clock - ours is within 0\.\d s of the herd's again$")
        self.logs(herd, "Ann", r" clock - Cy's is within 0\.\d s of the herd's again$")

    def reports(self, herd, client, node, seconds):
        """The client reports there again and again, until all nodes hold its latest position."""
        def holds():
            line = iamat(herd, node, client, time.time())
            return all(herd.at_line(each, client) == line for each in ("Ann", "Bob", "Cy"))
        wait_for(f"all to hold what {client} says last", holds, seconds)

    def test_the_year_2200_hides_nothing(self):
        """Cy was alone and went by its clock. When the others come it learns what time it is, and
        what it took before then loses to what is true: at once at those who know that time, and at
        Cy a minute later."""
        herd = self.herd(Cy=ahead_of_2200())
        herd.start("Cy")
        wrong = iamat(herd, "Cy", "kiwi", time.time() + ahead_of_2200())
        cy = herd.processes["Cy"].child
        cy.send_signal(signal.SIGSTOP)
        herd.start("Ann", "Bob")
        for one, other in (("Ann", "Bob"), ("Bob", "Ann")):
            herd.processes[one].says(f"^link {other} up")
        cy.send_signal(signal.SIGCONT)
        herd.linked().everybody_holds("kiwi", wrong)
        line = iamat(herd, "Ann", "kiwi", time.time())
        herd.everybody_holds("kiwi", line, ["Ann", "Bob"])
        self.reports(herd, "kiwi", "Bob", HELD_SECONDS_MAX)
        # From now on a stamp of that year is one of today, also where the clock is wrong.
        iamat(herd, "Cy", "plum", time.time() + ahead_of_2200())
        self.reports(herd, "plum", "Bob", PATIENCE)

    def test_nobody_is_taken_before_the_others_are_heard(self):
        """A client that waits at the door of a node with a slow clock, which comes back without its
        table: by its own clock that client's position would be an hour old."""
        herd = self.herd(Cy=-HOUR_S)
        herd.start().linked()
        for round_number in range(5):
            herd.kill("Cy")
            client = f"kiwi{round_number}"
            herd.everybody_holds(client, iamat(herd, "Ann", client, time.time()), ["Ann", "Bob"])
            herd.launch("Cy")
            waiting = wait_for("Cy to listen", lambda: self.connects(herd.ports["Cy"]))
            with waiting:
                line = waiting.ask(f"IAMAT {client} {UCLA} {time.time():.6f}")
            herd.everybody_holds(client, line)

    @staticmethod
    def connects(port):
        try:
            return Client(port)
        except ConnectionRefusedError:
            return None


class Door(unittest.TestCase):
    def opens_after(self, links, nodes):
        """Seconds from the start of one node of the herd, alone, until it is ready."""
        with Herd(links, nodes, places=False) as herd:
            began = time.monotonic()
            herd.start("Ann")
            took = time.monotonic() - began
            self.assertEqual(herd.at_line("Ann", "kiwi"), None)
            return took

    def test_a_node_whose_neighbours_are_down(self):
        took = [self.opens_after(TRIANGLE, None) for _ in range(3)]
        self.assertGreaterEqual(min(took), DOOR_S)

    def test_a_node_without_neighbours(self):
        wait_for("one start that is over sooner",
                 lambda: self.opens_after([], ["Ann"]) < DOOR_S)

    def test_a_taken_port_is_told_at_once(self):
        with Herd(TRIANGLE, places=False) as herd, socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", herd.ports["Ann"]))
            taken.listen()
            node = herd.launch("Ann")
            self.assertEqual(node.child.wait(DOOR_S * 50), 1)
            self.assertIn(str(herd.ports["Ann"]), node.err.read_text())
            self.assertNotIn("ready", node.out.read_text())


if __name__ == "__main__":
    if not find_faketime():
        sys.exit("faketime is missing")
    unittest.main(verbosity=2)
