"""Positions that are over, and clients that are forgotten: gone at all nodes, whatever was away, and
back by a later position only."""

import contextlib
import re
import signal
import subprocess
import sys
import time
import unittest

from rig import BUILD, PATIENCE, UCLA, Herd, Process, wait_for

LINE = ["Ann-Bob", "Bob-Cy"]
NODES = ("Ann", "Bob", "Cy")
EXPIRE_S = 4
# How long after its time a position may still be shown.
GONE_S = 0.5
PLACE = "+12.345678-98.765432"


def say(herd, node, line):
    with herd.client(node) as speaker:
        return speaker.ask(line)


def iamat(herd, node, client, stamp, place=UCLA):
    return say(herd, node, f"IAMAT {client} {place} {stamp:.6f}")


class Forgetting(unittest.TestCase):
    def herd(self, observers=(), **keys):
        """A herd of three in a line, with these keys in its section; none of it runs."""
        herd = Herd(LINE, places=False, observers=observers)
        self.addCleanup(herd.__exit__, None)
        self.set_keys(herd.file, **keys)
        return herd

    @staticmethod
    def set_keys(file, **keys):
        text = re.sub(r"    (expire|forget|former) = .*\n", "", file.read_text())
        lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
        file.write_text(text.replace("    name = trial\n", "    name = trial\n" + lines, 1))

    def hang_up(self, herd, *nodes):
        for node in nodes or NODES:
            herd.processes[node].child.send_signal(signal.SIGHUP)

    def logs(self, herd, node, pattern):
        return wait_for(f"{pattern!r} in the log of {node}",
                        lambda: re.search(pattern, herd.log(node), re.MULTILINE), 30)

    def nobody_knows(self, herd, client, nodes=NODES):
        for node in nodes:
            wait_for(f"{node} to know nothing of {client}",
                     lambda: herd.at_line(node, client) is None)

    # ---- positions that are over ----

    def test_a_position_is_over_at_all_nodes_at_its_time(self):
        herd = self.herd(expire=f"{EXPIRE_S}s").start().linked()
        stamp = time.time()
        line = iamat(herd, "Ann", "kiwi", stamp)
        herd.everybody_holds("kiwi", line)
        over_s = stamp + EXPIRE_S
        shown = dict.fromkeys(NODES, True)
        with contextlib.ExitStack() as open_clients:
            clients = {node: open_clients.enter_context(herd.client(node)) for node in NODES}
            while any(shown.values()):
                for node, client in clients.items():
                    began = time.time()
                    client.send("WHATSAT kiwi 1 0\n")
                    first = client.line()
                    ended = time.time()
                    if first.startswith("?"):
                        self.assertGreaterEqual(ended, over_s - 0.01, f"{node} ends it early")
                        shown[node] = False
                    else:
                        client.until(b"\n\n")
                        self.assertEqual(first, line)
                        self.assertTrue(shown[node], f"{node} shows it again")
                        self.assertLess(began, over_s + GONE_S, f"{node} shows it too long")
                time.sleep(0.02)
        # Its place is free, and the client may come again.
        line = iamat(herd, "Cy", "kiwi", time.time())
        herd.everybody_holds("kiwi", line)

    def test_who_reports_is_not_over(self):
        herd = self.herd(expire="2s").start().linked()
        began = time.time()
        with herd.client("Ann") as speaker, herd.client("Cy") as asker:
            line = speaker.ask(f"IAMAT kiwi {UCLA} {time.time():.6f}")
            herd.everybody_holds("kiwi", line)
            while time.time() < began + 5:
                speaker.ask(f"IAMAT kiwi {UCLA} {time.time():.6f}")
                asker.send("WHATSAT kiwi 1 0\n")
                self.assertIn("kiwi", asker.until(b"\n\n").decode())
                time.sleep(0.1)

    def test_a_position_that_comes_too_late(self):
        herd = self.herd(expire="60s").start().linked()
        fresh = iamat(herd, "Ann", "plum", time.time() - 30)
        for _ in range(3):
            stamp = time.time() - 3600
            line = iamat(herd, "Ann", "kiwi", stamp)
            self.assertTrue(line.startswith("AT Ann +360"), line)
            self.assertTrue(line.endswith(f" kiwi {UCLA} {stamp:.6f}"), line)
        herd.everybody_holds("plum", fresh)
        for node in NODES:
            self.assertIsNone(herd.at_line(node, "kiwi"))
        self.logs(herd, "Ann", r" clock \d+ a position is older than expire, and not stored: its "
                  r"client's clock is 3600\.\d s behind$")
        herd.processes["Ann"].stop()
        log = herd.log("Ann")
        self.assertEqual(log.count("is older than expire"), 1)
        self.assertRegex(log, r" stop - .* expired 3\b")

    # ---- FORGET ----

    def test_who_is_forgotten_is_gone_at_all_nodes(self):
        herd = self.herd(expire="1h", forget="yes").start(extra=("--log", "commands")).linked()
        stamp = time.time()
        line = iamat(herd, "Ann", "kiwi", stamp, PLACE)
        herd.everybody_holds("kiwi", line)
        self.assertEqual(say(herd, "Bob", "FORGET nobody"), "? FORGET nobody")
        forgotten = say(herd, "Bob", "FORGET kiwi")
        self.assertRegex(forgotten, r"^AT Bob [+-]0\.\d{9} kiwi - \d+\.\d{9}$")
        self.nobody_knows(herd, "kiwi")
        for node in NODES:
            self.assertEqual(say(herd, node, "FORGET kiwi"), "? FORGET kiwi")
        # An older queue of positions, at any node.
        for node in NODES:
            for seconds in (0.5, 0.25, 0.125):
                late = iamat(herd, node, "kiwi", stamp - seconds)
                self.assertTrue(late.startswith(f"AT {node} +"), late)
        for node in NODES:
            self.assertIsNone(herd.at_line(node, "kiwi"))
        # A later one, at a node that has heard of the FORGET.
        line = iamat(herd, "Cy", "kiwi", time.time() + 0.1)
        herd.everybody_holds("kiwi", line)
        for node in NODES:
            herd.processes[node].stop()
            before, mark, after = herd.log(node).partition(" ? FORGET kiwi")
            self.assertIn(PLACE, before)
            self.assertTrue(mark)
            self.assertNotIn(PLACE, after, node)

    def test_who_was_away_brings_nobody_back(self):
        herd = self.herd(expire="1h", forget="yes").start().linked()
        line = iamat(herd, "Cy", "kiwi", time.time())
        herd.everybody_holds("kiwi", line)
        cy = herd.processes["Cy"].child
        cy.send_signal(signal.SIGSTOP)
        wait_for("Bob to miss Cy", lambda: herd.log("Bob").count("Cy down"), 60)
        self.assertIn(" kiwi - ", say(herd, "Ann", "FORGET kiwi"))
        self.nobody_knows(herd, "kiwi", ("Ann", "Bob"))
        cy.send_signal(signal.SIGCONT)
        self.nobody_knows(herd, "kiwi")
        herd.linked()
        time.sleep(2.5)  # longer than between two comparisons of tables
        self.nobody_knows(herd, "kiwi")
        self.assertNotIn(" differs ", herd.log("Bob") + herd.log("Cy"))

    def test_an_observer_sees_it(self):
        herd = self.herd(expire="1h", forget="yes", observers=["Ear-Ann"]).start().linked()
        tap = Process(herd.folder, "tap", BUILD / "zherd", "tap", herd.file, "Ann")
        self.addCleanup(tap.end)
        line = iamat(herd, "Ann", "kiwi", time.time())
        tap.says("^" + re.escape(line) + "$")
        forgotten = say(herd, "Cy", "FORGET kiwi")
        tap.says("^" + re.escape(forgotten) + "$")

    # ---- switched on and off ----

    def test_where_it_is_off_nothing_is_new(self):
        herd = self.herd().start().linked()
        line = iamat(herd, "Ann", "kiwi", time.time() - 10 * 365 * 86400)
        herd.everybody_holds("kiwi", line)
        for word in ("FORGET kiwi", "FORGET"):
            self.assertEqual(say(herd, "Ann", word), f"? {word}")
        herd.everybody_holds("kiwi", line)
        with herd.client("Bob") as client:
            client.send("HELP\nQUIT\n")
            self.assertNotIn(b"FORGET", client.rest())
        self.assertNotIn("expire", herd.log("Ann"))

    def test_hangup_switches_it_on_and_off(self):
        herd = self.herd().start().linked()
        old = iamat(herd, "Ann", "old", time.time() - 7200)
        new = iamat(herd, "Ann", "new", time.time())
        herd.everybody_holds("old", old)
        self.set_keys(herd.file, expire="1h", forget="yes", former="Gus")
        self.hang_up(herd)
        for node in NODES:
            self.logs(herd, node, r" reload - expire 3600s, forget yes$")
            self.assertNotIn("at the next start", herd.log(node))
        self.nobody_knows(herd, "old")
        herd.everybody_holds("new", new)
        with herd.client("Bob") as client:
            client.send("HELP\nQUIT\n")
            self.assertIn(b"FORGET", client.rest())
        # The links are up again, or still.
        herd.everybody_holds("plum", iamat(herd, "Cy", "plum", time.time()))
        self.assertIn(" plum - ", say(herd, "Ann", "FORGET plum"))
        self.nobody_knows(herd, "plum")
        self.set_keys(herd.file)
        self.hang_up(herd)
        for node in NODES:
            self.logs(herd, node, r" reload - expire off, forget no$")
        self.assertEqual(say(herd, "Bob", "FORGET new"), "? FORGET new")
        herd.everybody_holds("fig", iamat(herd, "Cy", "fig", time.time() - 7200))

    def test_nodes_that_differ_say_so_and_find_together_at_hangup(self):
        herd = self.herd(expire="1h")
        other = herd.folder / "other.zpl"
        other.write_text(herd.file.read_text())
        self.set_keys(other, expire="2h")
        herd.start("Ann", "Bob")
        cy = Process(herd.folder, "Cy", BUILD / "zherd-gateway", "--topology", other, "--node", "Cy",
                     "--log-dir", herd.folder / "log")
        herd.processes["Cy"] = cy
        cy.says("^ready")
        for node, peer in (("Bob", "Cy"), ("Cy", "Bob")):
            said = self.logs(herd, node, rf" link - {peer} refused: .*herd/expire.*$").group()
            for value in ("3600", "7200"):
                self.assertIn(value, said)
        self.assertNotIn("link - Cy up", herd.log("Bob"))
        self.set_keys(other, expire="1h")
        began = time.monotonic()
        self.hang_up(herd, "Cy")
        wait_for("the link of Bob and Cy", lambda: "link - Cy up" in herd.log("Bob"))
        self.assertLess(time.monotonic() - began, PATIENCE)
        herd.everybody_holds("kiwi", iamat(herd, "Ann", "kiwi", time.time()))
        # A link that is up stays up while files are read again one after the other, and what only
        # one of both nodes holds for over is no fault.
        self.set_keys(other, expire="2h")
        self.hang_up(herd, "Cy")
        self.logs(herd, "Cy", r" reload - expire 7200s, forget no$")
        old = time.time() - 5400
        # The horizon is looked at four times a second; before that it is not stored.
        wait_for("Cy to hold it", lambda: iamat(herd, "Cy", "old", old) and herd.at_line("Cy", "old"))
        herd.everybody_holds("fig", iamat(herd, "Cy", "fig", time.time()))
        self.assertEqual([herd.at_line(node, "old") is None for node in NODES], [True, True, False])
        time.sleep(2.5)  # longer than between two comparisons of tables
        self.assertNotIn(" differs ", herd.log("Bob") + herd.log("Cy"))
        self.set_keys(other, expire="1h", forget="yes")
        self.hang_up(herd, "Cy")
        self.logs(herd, "Cy", r" reload - expire 3600s, forget yes$")
        herd.everybody_holds("plum", iamat(herd, "Ann", "plum", time.time()))
        self.assertEqual(herd.log("Bob").count("link - Cy down"), 0)
        # One that comes up is refused for `forget` as well.
        cy.stop()
        cy = herd.processes["Cy"] = Process(
            herd.folder, "Cy", BUILD / "zherd-gateway", "--topology", other, "--node", "Cy",
            "--log-dir", herd.folder / "log")
        for node, peer in (("Bob", "Cy"), ("Cy", "Bob")):
            said = self.logs(herd, node, rf" link - {peer} refused: .*herd/forget.*$").group()
            for value in ("yes", "no"):
                self.assertIn(value, said)

    def test_check_says_where_tombstones_have_no_end(self):
        herd = self.herd(forget="yes")
        said = subprocess.run([BUILD / "zherd", "check", herd.file], check=True,
                              capture_output=True, text=True).stdout
        self.assertIn("forget without expire", said)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
