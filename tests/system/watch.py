"""WATCH on a herd of two: what is told at one node of what the other one takes, between replies and
before one that is awaited; what a watcher has been told, however slowly it read, equals the table;
and the program of the README does what it says."""

import json
import re
import subprocess
import sys
import tempfile
import time
import unittest

from rig import BUILD, PATIENCE, ROOT, Client, Herd, wait_for
from watching import Told

STAMP = int(time.time())
CENTRE = "+34.000000-118.000000"
NORTH = "+34.010000-118.000000"  # 1112 m from there
FAR = "+35.000000-118.000000"
# More than a node makes for somebody who reads nothing, and than the kernel keeps.
MANY = 3000
ROUNDS = 5
CAUGHT_UP = 20000


class Watcher(Client):
    """A connection that adds up what it is told."""

    def __init__(self, port):
        super().__init__(port)
        self.told = Told()

    def watch(self, what):
        """The watch's number."""
        self.send(f"WATCH {what}\n")
        return self.told.reply(self.until(b"\n\n").decode("latin-1").splitlines()[:-1])

    def told_until(self, what, number, state):
        """Takes lines until the watch has that state, and none later than that."""
        def holds():
            while self.told.states[number] != state and (b"\n" in self.pending or
                                                         self.is_readable()):
                self.told.take(self.line())
            return self.told.states[number] == state
        wait_for(what, holds)

    def is_readable(self):
        self.socket.settimeout(0.01)
        try:
            return self._more()
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)


class WithHerd(unittest.TestCase):
    def herd(self, start=True, places=False, **keys):
        herd = Herd(["Ann-Bea"], places=places)
        self.addCleanup(herd.__exit__, None)
        lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
        herd.file.write_text(herd.file.read_text().replace("    name = trial\n",
                                                           "    name = trial\n" + lines, 1))
        return herd.start("Ann", "Bea").linked() if start else herd

    def watcher(self, herd, node):
        watcher = Watcher(herd.ports[node])
        self.addCleanup(watcher.close)
        return watcher

    def client(self, herd, node):
        client = herd.client(node)
        self.addCleanup(client.close)
        return client

    @staticmethod
    def iamat(client, name, place, stamp=STAMP):
        line = client.ask(f"IAMAT {name} {place} {stamp}")
        assert line.startswith("AT "), line
        return line


class Watch(WithHerd):
    def test_one_client_of_another_node(self):
        herd = self.herd(forget="yes", expire="1h")
        ann, watcher = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        watcher.send("WATCH kiwi\n")
        self.assertEqual(watcher.lines(2), ["WATCH 1 0", ""])
        first = self.iamat(ann, "kiwi", CENTRE)
        self.iamat(ann, "tui", CENTRE)
        self.assertEqual(watcher.line(), f"! MOVE 1 {first}")
        second = self.iamat(ann, "kiwi", NORTH, STAMP + 1)
        self.assertEqual(watcher.line(), f"! MOVE 1 {second}")
        watcher.send("WATCH kiwi\n")
        self.assertEqual(watcher.lines(3), ["WATCH 2 1", second, ""])
        wait_for("Ann to forget", lambda: ann.ask("FORGET kiwi").startswith("AT "))
        self.assertEqual(sorted(watcher.lines(2)), ["! GONE 1 kiwi", "! GONE 2 kiwi"])
        self.assertEqual(watcher.ask("UNWATCH 2"), "UNWATCH 1")
        self.assertEqual(watcher.ask("UNWATCH 2"), "UNWATCH 0")
        time_later = int(time.time()) + 2
        back = self.iamat(ann, "kiwi", FAR, time_later)
        self.assertEqual(watcher.line(), f"! MOVE 1 {back}")
        self.assertEqual(watcher.ask("UNWATCH"), "UNWATCH 1")
        self.assertEqual(watcher.ask("WATCH *"), "WATCH 3 0")

    def test_a_fence_and_a_fence_that_moves(self):
        herd = self.herd(nearby="yes")
        ann, bea = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        kiwi = self.iamat(ann, "kiwi", NORTH)
        herd.everybody_holds("kiwi", kiwi)
        bea.send(f"WATCH AT {CENTRE} 2\nWATCH tui 1.2\n")
        self.assertEqual(bea.lines(3), ["WATCH 1 1", f"NEAR 1112.0 {kiwi}", ""])
        self.assertEqual(bea.lines(2), ["WATCH 2 0", ""])
        tui = self.iamat(ann, "tui", CENTRE)
        self.assertEqual(sorted(bea.lines(2)),
                         [f"! ENTER 1 0.0 {tui}", f"! ENTER 2 1112.0 {kiwi}"])
        kiwi = self.iamat(ann, "kiwi", "+34.020000-118.000000", STAMP + 1)
        self.assertEqual(sorted(bea.lines(2)), [f"! LEAVE 1 {kiwi}", f"! LEAVE 2 {kiwi}"])
        tui = self.iamat(ann, "tui", NORTH, STAMP + 2)
        self.assertEqual(sorted(bea.lines(2)), [f"! ENTER 2 1112.0 {kiwi}", f"! MOVE 1 {tui}"])
        kiwi = self.iamat(ann, "kiwi", "+34.020000-118.001000", STAMP + 3)
        self.assertEqual(bea.line(), f"! MOVE 2 {kiwi}")

    def test_what_is_over_is_gone(self):
        herd = self.herd(expire="2s", nearby="yes")
        ann, bea = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        bea.send(f"WATCH kiwi\nWATCH AT {CENTRE} 1\n")
        self.assertEqual(bea.lines(4), ["WATCH 1 0", "", "WATCH 2 0", ""])
        kiwi = self.iamat(ann, "kiwi", CENTRE, f"{time.time():.3f}")
        self.assertEqual(sorted(bea.lines(2)), [f"! ENTER 2 0.0 {kiwi}", f"! MOVE 1 {kiwi}"])
        self.assertEqual(sorted(bea.lines(2)), ["! GONE 1 kiwi", "! GONE 2 kiwi"])

    def test_lines_come_before_a_reply_that_is_awaited(self):
        """Nobody answers for places: that takes a second to be sure."""
        herd = self.herd(places=True)
        ann, bea = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        self.iamat(bea, "tui", CENTRE)
        bea.send("WATCH kiwi\nWATCHED\nWHATSAT tui 1 1\nHELP me\n")
        self.assertEqual(bea.lines(3), ["WATCH 1 0", "", "? WATCHED"])
        kiwi = self.iamat(ann, "kiwi", CENTRE)
        self.assertEqual(bea.line(), f"! MOVE 1 {kiwi}")
        self.assertTrue(bea.line().startswith("AT Bea "))
        bea.until(b"}\n\n")
        self.assertEqual(bea.line(), "? HELP me")

    def test_a_half_close_ends_the_watches(self):
        herd = self.herd()
        ann, bea = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        kiwi = self.iamat(bea, "kiwi", CENTRE)
        bea.send("WATCH tui\nWATCH kiwi\nUNWATCH")
        bea.half_close()
        self.assertEqual(bea.rest().decode(), f"WATCH 1 0\n\nWATCH 2 1\n{kiwi}\n\nUNWATCH 2\n")
        bea = self.watcher(herd, "Bea")
        bea.watch("kiwi")
        bea.half_close()
        self.assertEqual(bea.rest(), b"")
        self.iamat(ann, "kiwi", NORTH, STAMP + 1)

    def test_to_a_telnet_client_lines_end_in_crlf(self):
        herd = self.herd()
        ann, bea = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        bea.send(b"WATCH kiwi\n\xff\xf1")
        self.assertEqual(bea.until(b"\n\n"), b"WATCH 1 0\n\n")
        kiwi = self.iamat(ann, "kiwi", CENTRE)
        self.assertEqual(bea.until(b"\n"), f"! MOVE 1 {kiwi}\r\n".encode())

    def stories(self, client, many, rounds, first=0):
        """Each of many clients moves some times; the last AT line of each."""
        last = {}
        for number in range(first, first + rounds):
            lines = [f"IAMAT c{i} {34 + i % 1000 / 1e3:+.6f}{-118 - number / 1e3:+.6f} "
                     f"{STAMP + number}\n" for i in range(many)]
            client.send("".join(lines))
            for line in client.lines(many):
                last[line.split()[3]] = line
        return last

    def test_a_slow_reader_is_told_the_newest_state(self):
        herd = self.herd(nearby="yes")
        ann, slow = self.client(herd, "Ann"), self.watcher(herd, "Bea")
        everything = slow.watch("*")
        circle = slow.watch(f"AT {CENTRE} 5")
        last = self.stories(ann, MANY, ROUNDS)
        herd.everybody_holds(f"c{MANY - 1}", last[f"c{MANY - 1}"])
        slow.told_until("the state to be the table's", everything, last)
        inside = self.inside(herd, last)
        slow.told_until("the circle to be the table's", circle, inside)
        self.assertLess(slow.told.lines, 2 * MANY * ROUNDS)

    def inside(self, herd, last):
        """Who is within 5 km, as another node says."""
        with herd.client("Ann") as client:
            client.send(f"NEARBY AT {CENTRE} 5 1000\n")
            lines = client.until(b"\n\n").decode().splitlines()[:-1]
        self.assertGreater(len(lines), 10)
        self.assertLess(len(lines), 1000)
        found = {line.split()[-3]: line[line.index("AT "):] for line in lines}
        self.assertEqual({name: last[name] for name in found}, found)
        return found

    def test_a_node_that_catches_up_tells_all_of_it(self):
        """The other one comes with very many that the node with the watchers never heard of."""
        herd = self.herd(start=False, nearby="yes").start("Bea")
        bea = self.watcher(herd, "Bea")
        everything = bea.watch("*")
        circle = bea.watch(f"AT {CENTRE} 5")
        last = {}
        with tempfile.NamedTemporaryFile("w", suffix=".at") as file:
            for i in range(CAUGHT_UP):
                at = f"c{i} {34 + i / 1e4:+.6f}-118.000000 {STAMP}"
                last[f"c{i}"] = f"AT Ann +0.500000000 {at}"
                file.write(last[f"c{i}"] + "\n")
            file.flush()
            herd.start("Ann", extra=("--import", file.name)).linked()
        bea.told_until("the state to be the table's", everything, last)
        inside = self.inside(herd, last)
        bea.told_until("the circle to be the table's", circle, inside)

    def test_a_herd_without_it_has_no_such_command(self):
        herd = self.herd(watch="no", nearby="yes")
        bea = self.client(herd, "Bea")
        for line in "WATCH kiwi", "WATCH *", "WATCH AT +0+0 1", "UNWATCH", "UNWATCH 1":
            self.assertEqual(bea.ask(line), f"? {line}")
        bea.send("HELP\nend\n")
        self.assertNotIn(b"WATCH", bea.until(b"? end\n"))

    def test_without_nearby_there_are_no_circles(self):
        herd = self.herd(nearby="no")
        bea = self.client(herd, "Bea")
        for line in "WATCH kiwi 1", "WATCH AT +0+0 1":
            self.assertEqual(bea.ask(line), f"? {line}")
        bea.send("WATCH kiwi\nWATCH *\n")
        self.assertEqual(bea.lines(4), ["WATCH 1 0", "", "WATCH 2 0", ""])

    @staticmethod
    def watchers(herd):
        """Connections that watch, as an operator sees them at each node."""
        said = subprocess.run([BUILD / "zherd", "status", "--json", herd.file],
                              capture_output=True, text=True).stdout
        return {node["name"]: node["watchers"] for node in json.loads(said)["nodes"]}

    def test_they_are_counted_while_they_watch_and_in_the_last_line_of_the_log(self):
        herd = self.herd()
        bea = self.watcher(herd, "Bea")
        bea.send("WATCH kiwi\nWATCH tui\nUNWATCH 2\n")
        bea.until(b"UNWATCH 1\n")
        wait_for("the status to have it", lambda: self.watchers(herd) == {"Ann": 0, "Bea": 1})
        kiwi = self.iamat(self.client(herd, "Ann"), "kiwi", CENTRE)
        self.assertEqual(bea.line(), f"! MOVE 1 {kiwi}")
        herd.processes["Bea"].stop()
        self.assertRegex(herd.log("Bea"), r" stop - .* watch 2 told 1\n\Z")


class Readme(WithHerd):
    """What the README shows."""

    text = (ROOT / "README.md").read_text().partition("\n## Who comes and goes\n")[2]

    def test_the_dispatcher_in_five_lines(self):
        lines = re.search(r"```\n(WATCH .*?)```", self.text, re.DOTALL).group(1).splitlines()
        self.assertEqual(len(lines), 5)
        herd = self.herd(nearby="yes")
        with herd.client("Ann") as client:
            client.send("\n".join([*lines, "end", ""]))
            said = client.until(b"? end\n").decode()
        self.assertEqual(said, "WATCH 1 0\n\nWATCH 2 0\n\nWATCH 3 0\n\n\nUNWATCH 1\n? end\n")

    def test_the_program_keeps_the_set_of_who_is_near(self):
        program = re.search(r"```python\n(.*?)```", self.text, re.DOTALL).group(1)
        self.assertLessEqual(len(program.splitlines()), 20)
        herd = self.herd(nearby="yes", forget="yes", expire="1h")
        ann = self.client(herd, "Ann")
        for name, place in ("me", CENTRE), ("near", NORTH), ("far", FAR):
            last = self.iamat(ann, name, place)
            herd.everybody_holds(name, last)
        child = subprocess.Popen([sys.executable, "-c", program, "127.0.0.1",
                                  str(herd.ports["Bea"]), "me", "2"], stdout=subprocess.PIPE,
                                 text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertEqual(child.stdout.readline(), f"near={NORTH}\n")
        self.iamat(ann, "far", NORTH, STAMP + 1)
        self.assertEqual(child.stdout.readline(), f"far={NORTH} near={NORTH}\n")
        self.iamat(ann, "near", CENTRE, STAMP + 1)
        self.assertEqual(child.stdout.readline(), f"far={NORTH} near={CENTRE}\n")
        self.iamat(ann, "far", FAR, STAMP + 2)
        self.assertEqual(child.stdout.readline(), f"near={CENTRE}\n")
        wait_for("Ann to forget", lambda: ann.ask("FORGET me").startswith("AT "))
        self.assertEqual(child.stdout.readline(), "\n")


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
