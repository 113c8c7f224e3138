"""Operators: `zherd forget` against a running herd, with keys and without, several at once, and
beside clients who are served meanwhile."""

import re
import subprocess
import threading
import time
import unittest

import msgpack
import zmq

from keys import hang_up, keygen, list_keys, public_keys
from rig import BUILD, PATIENCE, UCLA, Herd, ask, wait_for

LINE = ["Alford-Ball", "Ball-Welsh"]
CROWD = 100_000


def spawn(*arguments):
    return subprocess.Popen([BUILD / "zherd", "forget", *map(str, arguments)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Operators(unittest.TestCase):
    def open(self, herd_keys="", operators=()):
        """A herd that is not started yet; the lines go into its section `herd`."""
        self.herd = Herd(LINE, places=False)
        self.addCleanup(self.herd.__exit__, None)
        text = self.herd.file.read_text().replace("name = trial\n", "name = trial\n" + herd_keys)
        self.herd.file.write_text(text + "".join(f"operator\n    name = {name}\n"
                                                 for name in operators))
        return self.herd

    def forget(self, *arguments, status=0):
        """What the program prints; its file is the herd's."""
        done = spawn(self.herd.file, *arguments)
        out, err = done.communicate(timeout=4 * PATIENCE)
        self.assertEqual(done.returncode, status, f"{arguments}: {out}{err}")
        return out if status == 0 else out + err

    def tell(self, node, client, stamp=None):
        return ask(self.herd.ports[node], f"IAMAT {client} {UCLA} {stamp or time.time():.6f}")

    def fill(self, node, count, name="crowd"):
        """That many clients, told over one connection."""
        now = time.time()
        with self.herd.client(node) as client:
            for first in range(0, count, 1000):
                client.send("".join(f"IAMAT {name}-{i} {UCLA} {now:.6f}\n"
                                    for i in range(first, min(first + 1000, count))))
                client.lines(min(1000, count - first))

    def gone(self, client):
        for node in self.herd.ports:
            wait_for(f"{client} to be gone at {node}",
                     lambda: self.herd.at_line(node, client) is None)

    def logged(self, pattern):
        """Waits for the line in any node's log."""
        wait_for(pattern, lambda: any(re.search(pattern, self.herd.log(node), re.MULTILINE)
                                      for node in self.herd.ports))


class WithoutKeys(Operators):
    def test_counts_shows_and_forgets_with_yes_only(self):
        herd = self.open("    forget = yes\n").start().linked()
        for i in range(12):
            self.tell("Welsh", f"truck-{i}")
        line = self.tell("Welsh", "ship")
        herd.everybody_holds("ship", line)
        for _ in range(2):
            said = self.forget("--matching", "truck-*", "--node", "Alford")
            self.assertRegex(said, r"(?m)^  truck-0  taken at Welsh  2\d{3}-\d\d-\d\dT[\d:.]+Z$")
            self.assertEqual(said.count("taken at Welsh"), 8)
            self.assertTrue(said.endswith("  and 4 more\n12 clients match at Alford; nobody is "
                                          "forgotten without --yes\n"), said)
        said = self.forget("--matching", "truck-*", "--node", "Alford", "--yes")
        self.assertEqual(said, "forgot 12 of 12 clients that matched at Alford\n")
        for i in range(12):
            self.gone(f"truck-{i}")
        herd.everybody_holds("ship", line)
        self.assertEqual(self.forget("truck-1"), "0 clients match at Alford\n")
        herd.everybody_holds("truck-1", self.tell("Ball", "truck-1"))

    def test_every_condition(self):
        herd = self.open("    forget = yes\n").start().linked()
        now = int(time.time())
        lines = {"old": self.tell("Alford", "old", now - 7200), "new": self.tell("Ball", "new"),
                 "late": self.tell("Ball", "late", now + 4)}
        for client, line in lines.items():
            herd.everybody_holds(client, line)
        hour_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 3600))
        for conditions, matches in [(["old", "new", "nobody", "old"], "new old"),
                                    (["--origin", "Ball"], "late new"),
                                    (["--origin", "Gone"], ""),
                                    (["--older-than", "1h"], "old"),
                                    (["--older-than", "3h"], ""),
                                    (["--after", now + 3], "late"),
                                    (["--after", hour_ago], "late new"),
                                    (["--after", hour_ago.replace("Z", ".5+00:00")], "late new"),
                                    (["--matching", "*e*"[1:]], ""),
                                    (["--matching", "*e"], "late"),
                                    (["--origin", "Ball", "--matching", "n*"], "new"),
                                    (["late", "old", "--after", now], "late")]:
            said = self.forget(*conditions)
            found = sorted(re.findall(r"^  (\S+)  taken at", said, re.MULTILINE))
            self.assertEqual(" ".join(found), matches, conditions)

    def test_without_forget_in_the_file_nobody_may(self):
        self.open().start().linked()
        line = self.tell("Alford", "kiwi")
        for more in [], ["--yes"]:
            said = self.forget("kiwi", *more, status=1)
            self.assertIn("refuses: this node lets operators forget nobody", said)
        self.herd.everybody_holds("kiwi", line)
        self.herd.file.write_text(self.herd.file.read_text().replace(
            "name = trial\n", "name = trial\n    forget = yes\n"))
        hang_up(self.herd, *self.herd.ports)
        self.assertIn("forgot 1 of 1 client ", self.forget("kiwi", "--yes"))
        self.gone("kiwi")

    def test_the_first_node_that_answers_is_asked(self):
        herd = self.open("    forget = yes\n")
        herd.start("Ball", "Welsh").linked()
        self.tell("Ball", "kiwi")
        self.assertIn("1 client matches at Ball;", self.forget("kiwi"))
        self.assertRegex(self.forget("kiwi", "--node", "Alford", status=1),
                         "zherd forget: node Alford of .* did not answer within 3 s")
        herd.kill("Ball")
        herd.kill("Welsh")
        self.assertIn("the nodes of ", self.forget("kiwi", status=1))

    def test_wrong_words(self):
        self.open()
        for words, said in [([], "write which clients: their ids, or --origin"),
                            (["--yes"], "write which clients"),
                            (["ki wi"], "`ki wi` is no client's id"),
                            ([""], "is no client's id"),
                            (["--matching", "kiwi"], "write one *"),
                            (["--matching", "*a*"], "write one *"),
                            (["--after", "yesterday"], "--after is `yesterday`; write a stamp"),
                            (["--after", "2021-05-19T22:53:47"], "--after is"),
                            (["--older-than", "5"], "write a whole number of s, m, h or d"),
                            (["--older-than", "0s"], "write a whole number of s, m, h or d"),
                            (["--origin", ""], "write the name of a node"),
                            (["--older-than"], "--older-than needs a value"),
                            (["--bogus"], "there is no option --bogus")]:
            self.assertIn(said, self.forget(*words, status=2))
        self.assertIn("there is no node `alford`", self.forget("x", "--node", "alford", status=1))

    def test_two_at_once_and_a_hundred_thousand_while_a_client_is_served(self):
        """A client asks for the first and for the last of the crowd in one go: that the first is
        gone and the last is still there, it can only see while they are being forgotten."""
        herd = self.open("    forget = yes\n", ["Ada", "Eve"]).start().linked()
        self.fill("Alford", CROWD)
        last = f"crowd-{CROWD - 1}"
        wait_for("all at Welsh", lambda: herd.at_line("Welsh", last) is not None, 4 * PATIENCE)
        between, over = 0, threading.Event()

        def watch():
            nonlocal between
            with herd.client("Alford") as client:
                while not over.is_set():
                    client.send(f"WHATSAT crowd-0 1 0\nWHATSAT {last} 1 0\n")
                    first_gone = client.line().startswith("?")
                    if not first_gone:
                        client.until(b"\n\n")
                    last_gone = client.line().startswith("?")
                    if not last_gone:
                        client.until(b"\n\n")
                    between += first_gone and not last_gone

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            ada = spawn(herd.file, "--operator", "Ada", "--matching", "crowd-*", "--yes")
            eve = spawn(herd.file, "--operator", "Eve", "--matching", "none-*")
            said = [process.communicate(timeout=4 * PATIENCE) for process in (ada, eve)]
        finally:
            over.set()
            watcher.join()
        self.assertEqual(said[0][0],
                         f"forgot {CROWD} of {CROWD} clients that matched at Alford\n", said)
        self.assertEqual(said[1][0], "0 clients match at Alford\n", said)
        self.assertGreater(between, 10)
        self.gone("crowd-0")
        self.gone(last)
        self.assertIn("0 clients match at Welsh", self.forget("--matching", "*", "--node", "Welsh"))
        self.logged(rf"operator - Ada forgot {CROWD} of {CROWD} clients: pattern$")
        self.logged(r"operator - Eve counted 0 clients: pattern$")


class Hostile(Operators):
    def dial(self, node, name):
        """A program that calls itself an operator and reads nothing."""
        dealer = self.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.RCVHWM, 1)
        dealer.setsockopt(zmq.SNDHWM, 10)
        dealer.setsockopt(zmq.ROUTING_ID, f"operator:{name}\0{name:8.8}".encode())
        bus = re.search(rf"name = {node}\n.*\n    bus = (\S+)", self.herd.file.read_text())[1]
        dealer.connect(bus)
        return dealer

    def test_who_floods_and_reads_nothing_is_in_nobodys_way(self):
        """Three who send all they can, requests, garbage and the largest frames; meanwhile a client
        is served, another node hears of it, and an honest operator is answered."""
        herd = self.open("    forget = yes\n").start().linked()
        self.fill("Alford", 1000)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, 0)
        over, sent = threading.Event(), [0, 0, 0]
        request = b"zh\x01" + msgpack.packb([12, 5, 0, 1, 2, {"matching": b"*"}])

        def flood(number):
            dealer = self.dial("Alford", f"flood{number}")
            while not over.is_set():
                count = sent[number]
                message = [request[:7] + bytes([count % 128]) + request[8:],
                           b"zh\x01" + b"\x91" * 500, b"zh\x01" + b"x" * 70000][number]
                try:
                    dealer.send(message, zmq.DONTWAIT)
                    sent[number] += 1
                except zmq.Again:
                    time.sleep(0.001)
            dealer.close()

        threads = [threading.Thread(target=flood, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            wait_for("floods", lambda: min(sent) > 100)
            for i in range(50):
                herd.everybody_holds("kiwi", self.tell("Alford", "kiwi"))
            self.assertEqual(self.forget("kiwi", "--node", "Alford", "--yes"),
                             "forgot 1 of 1 client that matched at Alford\n")
            self.gone("kiwi")
            wait_for("more floods", lambda: min(sent) > 1000)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertNotIn(" down", herd.log("Alford") + herd.log("Ball"))
        self.logged(r" fault - \d+ messages of operators dropped: they come too fast$")


class WithKeys(Operators):
    def setUp(self):
        self.open(operators=["Ada"])
        keygen(self.herd.file)

    def test_keygen_draws_the_operators_key_as_all_others(self):
        folder = self.herd.folder / "herd.keys"
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         [f"{name}.secret" for name in ["Ada", "Alford", "Ball", "Welsh"]])
        self.assertEqual(len(public_keys(self.herd.file, "Ada")), 1)
        keygen(self.herd.file, "Ada")
        self.assertEqual(len(public_keys(self.herd.file, "Ada")), 2)

    def test_an_operator_needs_no_forget_in_the_file_and_no_id_is_logged(self):
        herd = self.herd.start().linked()
        secret_name = "somebody-who-wants-to-be-forgotten"
        herd.everybody_holds(secret_name, self.tell("Welsh", secret_name))
        said = self.forget(secret_name, "--matching", secret_name + "*", "--yes")
        self.assertEqual(said, "forgot 1 of 1 client that matched at Alford\n")
        self.logged(r"operator - Ada forgot 1 of 1 clients: ids, pattern$")
        time.sleep(1.2)  # a log says once a second what was refused
        act = re.search(r"^\S+(?= operator - Ada)", herd.log("Alford"), re.MULTILINE).group()
        for node in herd.ports:
            self.assertNotIn(" fault ", herd.log(node))
            for line in herd.log(node).splitlines():
                self.assertFalse(line[:len(act)] >= act and secret_name in line, line)
        self.gone(secret_name)

    def test_who_has_another_key_is_refused_and_changes_nothing(self):
        herd = self.herd.start().linked()
        line = self.tell("Alford", "kiwi")
        other = herd.folder / "other"
        other.mkdir()
        file, text = other / "herd.zpl", herd.file.read_text()
        file.write_text(re.sub(r"    (keys|public_key) = .*\n", "", text))
        keygen(file)
        drawn = public_keys(file, "Ada")
        file.write_text(text)
        list_keys(file, "Ada", drawn)
        process = spawn(file, "kiwi", "--yes")
        err = process.communicate(timeout=4 * PATIENCE)[1]
        self.assertEqual(process.returncode, 1)
        self.assertRegex(err, r"the nodes of .* did not answer .* lists the operator Ada")
        self.logged(r" fault - \d+ connections with a stranger's key refused, the last from "
                    r"127.0.0.1")
        herd.everybody_holds("kiwi", line)

    def test_a_node_is_no_operator_and_a_secret_is_needed(self):
        herd = self.herd.start().linked()
        self.assertIn("lists no operator Ball",
                      self.forget("kiwi", "--operator", "Ball", status=1))
        (herd.folder / "herd.keys" / "Ada.secret").unlink()
        self.assertIn("Ada.secret", self.forget("kiwi", status=1))

    def test_hup_takes_operators_and_drops_them(self):
        herd = self.herd.start().linked()
        self.tell("Alford", "kiwi")
        text = herd.file.read_text()
        herd.file.write_text(text + "operator\n    name = Eve\n")
        keygen(herd.file)
        self.assertIn("did not answer", self.forget("kiwi", "--operator", "Eve", status=1))
        hang_up(herd, *herd.ports)
        for node in herd.ports:
            self.assertNotIn("at the next start", herd.log(node))
        self.assertIn("1 client matches", self.forget("kiwi", "--operator", "Eve"))
        with_eve = herd.file.read_text()
        herd.file.write_text(text)
        hang_up(herd, *herd.ports)
        herd.file.write_text(with_eve)
        self.assertIn("did not answer", self.forget("kiwi", "--operator", "Eve", status=1))
        self.assertIn("1 client matches", self.forget("kiwi"))

    def test_both_keys_of_a_node_are_tried(self):
        herd = self.herd
        keygen(herd.file, "Alford")
        herd.start().linked()
        self.tell("Alford", "kiwi")
        self.assertIn("1 client matches at Alford", self.forget("kiwi", "--node", "Alford"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
