"""`zherd tap`: an observer that listens to a node, and what a node reports about its links."""

import os
import re
import subprocess
import unittest

from rig import BUILD, PATIENCE, UCLA, Herd, Process, wait_for

PAIR = ["Alford-Ball"]


def tap(herd, *words):
    """Runs it to its end."""
    return subprocess.run([BUILD / "zherd", "tap", *words, herd.file, "Alford"], text=True,
                          capture_output=True, timeout=PATIENCE)


def listen(herd):
    listener = Process(herd.folder, "tap", BUILD / "zherd", "tap", herd.file, "Alford")
    wait_for("the listener is linked", lambda: "Alford up" in listener.err.read_text())
    return listener


def say(herd, node, client, stamp="1621464827.95"):
    with herd.client(node) as speaker:
        return speaker.ask(f"IAMAT {client} {UCLA} {stamp}")


class Tap(unittest.TestCase):
    def test_a_terminal_gets_no_control_bytes(self):
        name = "\x1b]0;owned\x07\\\u009b2J"
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            herd.start().linked()
            raw = say(herd, "Ball", name)
            leader, terminal = os.openpty()
            self.addCleanup(os.close, leader)
            on_terminal = subprocess.Popen([BUILD / "zherd", "tap", herd.file, "Alford"],
                                           stdout=terminal, stderr=subprocess.DEVNULL)
            os.close(terminal)
            shown = b""
            while b"\n" not in shown:
                shown += os.read(leader, 4096)
            on_terminal.terminate()
            self.assertEqual(on_terminal.wait(PATIENCE), 0)
            self.assertIn(rb" \x1b]0;owned\x07\\\xc2\x9b2J ", shown)
            listener = listen(herd)
            listener.says("^AT Ball .* ")
            self.assertEqual(listener.out.read_bytes().decode("latin-1"), raw + "\n")
            listener.stop()

    def test_no_control_bytes_in_complaints(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            name = b"\x1b[2J\xc2\x9b\x9b\xc3\x9c"
            done = subprocess.run([BUILD / "zherd", "tap", herd.file, name], capture_output=True,
                                  timeout=PATIENCE)
            self.assertIn(b"no node `?[2J\xc2??\xc3\x9c`", done.stderr)

    def test_updates_are_printed_as_they_happen(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            herd.start().linked()
            said = [say(herd, "Ball", "before")]
            listener = listen(herd)
            listener.says("^AT Ball .* before ")
            for node in ("Alford", "Ball", "Alford"):
                said.append(say(herd, node, f"kiwi-{len(said)}"))
                listener.says(f" kiwi-{len(said) - 1} ")
            self.assertEqual(listener.out.read_text().splitlines(), said)
            said = listener.stop()
            self.assertEqual(said[0], 0)
            self.assertLess(said[1], 1)
            report = re.search(r"(\d+) locations in (\d+) updates received, (\d+) acks sent, "
                               r"(\d+) reconnects\n$", listener.err.read_text())
            locations, updates, acks, reconnects = map(int, report.groups())
            self.assertEqual((locations, updates, reconnects), (4, 4, 0))
            self.assertIn(acks, range(1, updates + 1))  # one may speak for several
            wait_for("Alford heard the goodbye",
                     lambda: "Ear down: goodbye" in herd.log("Alford"))

    def test_a_node_that_is_restarted_is_heard_again(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            herd.start().linked()
            listener = listen(herd)
            herd.kill("Alford")
            herd.start("Alford").linked()
            wait_for("linked again", lambda: listener.err.read_text().count("Alford up") == 2)
            line = say(herd, "Alford", "kiwi")
            listener.says(" kiwi ")
            self.assertEqual(listener.out.read_text().splitlines(), [line])
            self.assertEqual(listener.stop()[0], 0)
            self.assertIn(", 1 reconnects\n", listener.err.read_text())

    def test_with_keys_only_the_listed_observer_hears(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            subprocess.run([BUILD / "zherd", "keygen", herd.file], check=True,
                           stdout=subprocess.DEVNULL)
            herd.start().linked()
            said = say(herd, "Ball", "kiwi")
            listener = listen(herd)
            listener.says("^AT Ball .* kiwi ")
            self.assertEqual(listener.out.read_text().splitlines(), [said])
            self.assertEqual(listener.stop()[0], 0)
            # The node refuses another key pair under the observer's name.
            secret = next(herd.folder.glob("*.keys")) / "Ear.secret"
            secret.unlink()
            text = herd.file.read_text()
            ear = text.index("name = Ear")
            key = re.search(r'\n    public_key = ".*"', text[ear:]).group(0)
            stranger = herd.folder / "stranger.zpl"
            stranger.write_text(text.replace(key, ""))
            subprocess.run([BUILD / "zherd", "keygen", stranger], check=True,
                           stdout=subprocess.DEVNULL)
            deaf = Process(herd.folder, "deaf", BUILD / "zherd", "tap", stranger, "Alford")
            wait_for("Alford refuses the stranger",
                     lambda: "stranger's key refused" in herd.log("Alford"))
            self.assertEqual(deaf.out.read_text(), "")
            deaf.stop()

    def test_nobody_waits_for_an_observer(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford", "Eye-Ball"]) as herd:
            herd.start().linked()
            listener = listen(herd)
            self.assertEqual(sorted(herd.processes["Alford"].out.read_text().splitlines()),
                             ["link Ball up", "ready"])
            listener.kill()
            line = say(herd, "Ball", "kiwi")
            herd.everybody_holds("kiwi", line)
            self.assertEqual(herd.processes["Alford"].stop()[0], 0)

    def test_a_reader_that_ends_ends_it(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            herd.start().linked()
            say(herd, "Alford", "kiwi")
            words = [BUILD / "zherd", "tap", herd.file, "Alford"]
            with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
                self.assertIn(b" kiwi ", child.stdout.readline())
                child.stdout.close()
                say(herd, "Alford", "plum")
                self.assertEqual(child.wait(PATIENCE), 0)

    def test_status_tells_the_links_once(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford"]) as herd:
            herd.start().linked()
            herd.everybody_holds("kiwi", say(herd, "Alford", "kiwi"))
            digest = wait_for("equal digests", lambda: re.search(
                r"Ball equal (\w{16}) clients 1\n", herd.log("Alford")))[1]
            done = tap(herd, "--status")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            first, table, clock, head, ball, ear = done.stdout.splitlines()
            self.assertEqual(first, f"Alford: clients 1, digest {digest}")
            self.assertRegex(table, r"^table: clients 1 of 4000000, bytes \d+ of \d+, refused 0$")
            self.assertRegex(clock, r"^clock: 0\.\d s (ahead of|behind) the herd's, votes \d, "
                                    r"locations above the ceiling 0$")
            self.assertEqual(head.split(), "link state age due in flight acked sent head compared"
                             .split())
            self.assertRegex(ball, r"^Ball +up +\d+\.\d +0 +0 +1 +1 +1 +(\d+\.\d|never)$")
            self.assertRegex(ear, r"^Ear +up +\d+\.\d +\d+ +\d+ +\d+ +\d+ +\d+ +"
                                  r"(\d+\.\d|never)$")
            herd.kill("Ball")
            wait_for("the link is down", lambda: "Ball down" in herd.log("Alford"))
            self.assertRegex(tap(herd, "--status").stdout, r"(?m)^Ball +down ")

    def test_what_cannot_be_is_one_clear_line(self):
        with Herd(PAIR, places=False, observers=["Ear-Alford", "Eye-Ball"]) as herd:
            for words, wanted in [
                    (["--observer", "Eye"], "lists no observer Eye of Alford"),
                    (["--status"], "zherd tap: Alford did not answer within 3 s"),
                    (["--observer", "Ear", "--status"], "zherd tap: Alford did not answer")]:
                done = tap(herd, *words)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(wanted, done.stderr)
            done = tap(herd, "--quick")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr,
                             "zherd tap: there is no option --quick; --help shows how\n")
            listener = Process(herd.folder, "tap", BUILD / "zherd", "tap", herd.file, "Alford")
            wait_for("it listens", lambda: "listens to" in listener.err.read_text())
            done = tap(herd)
            self.assertEqual(done.returncode, 1)
            self.assertIn("Address already in use", done.stderr)
            self.assertEqual(listener.stop()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
