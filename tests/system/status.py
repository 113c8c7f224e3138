"""`zherd top` and `zherd status`: how a herd is, as its nodes say of themselves and each other, seen
by several people at once, on a terminal and by programs."""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest

import msgpack
import zmq

from keys import keygen, list_keys, public_keys
from rig import BUILD, PATIENCE, UCLA, Herd, ask, wait_for

LINE = ["Alford-Ball", "Ball-Welsh"]


def run(*words, **options):
    return subprocess.run([BUILD / "zherd", *map(str, words)], text=True, capture_output=True,
                          timeout=PATIENCE, **options)


def state(herd):
    """What `zherd status --json` says, and its exit status."""
    done = run("status", "--json", herd.file)
    return json.loads(done.stdout), done.returncode


def link(said, name):
    return next(link for link in said["links"] if "-".join(link["nodes"]) == name)


class Terminal:
    """A program on a terminal of its own, which shows what a screen would."""

    def __init__(self, *words, rows=24, columns=160):
        self.leader, terminal = os.openpty()
        self.resize(rows, columns)
        environment = {**os.environ, "TERM": "xterm"}
        self.child = subprocess.Popen(list(map(str, words)), stdin=terminal, stdout=terminal,
                                      stderr=subprocess.PIPE, env=environment,
                                      start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(terminal)
        self.shown = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, pattern):
        """Waits until what is drawn from now on has it."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.shown, re.DOTALL):
            if not select.select([self.leader], [], [], deadline - time.monotonic())[0]:
                raise AssertionError(f"no {pattern} in {self.shown}")
            self.shown += os.read(self.leader, 65536)
        self.shown = b""

    def press(self, keys):
        os.write(self.leader, keys)

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stderr.close()
        os.close(self.leader)


class Status(unittest.TestCase):
    def open(self, links=LINE, keys=False, **options):
        herd = Herd(links, **options)
        self.addCleanup(herd.__exit__, None)
        if keys:
            herd.file.write_text(herd.file.read_text() + "operator\n    name = Ada\n")
            keygen(herd.file)
        return herd

    def test_a_herd_from_well_to_gone(self):
        herd = self.open(observers=["Ear-Alford"])
        none = run("status", herd.file)
        self.assertEqual(none.returncode, 2, none)
        self.assertIn("0 of 3 nodes answer", none.stdout)
        herd.start().linked()
        wait_for("all is well", lambda: state(herd)[1] == 0)

        line = ask(herd.ports["Alford"], f"IAMAT kiwi {UCLA} {time.time():.6f}")
        herd.everybody_holds("kiwi", line)
        wait_for("equal tables", lambda: all(link["tables"] == "equal"
                                             for link in state(herd)[0]["links"]))
        with herd.client("Alford") as client:
            client.near("kiwi", 10, 1)
            client.near("kiwi", 10, 1)
            self.nodes_say_what_happened(herd)
        self.two_at_once(herd)
        self.the_view_goes_on(herd)
        self.one_is_killed(herd)

    def nodes_say_what_happened(self, herd):
        def seen():
            said, status = state(herd)
            alford = said["nodes"][0]
            return ((alford.get("lookups"), alford.get("connections"),
                     said["places"][0].get("hits")) == (2, 1, 1)
                    and all(node["answers"] for node in said["nodes"]) and (said, status))

        said, status = wait_for("figures of this second", seen)
        self.assertEqual((status, said["well"], said["remarks"]), (0, True, []))
        alford = said["nodes"][0]
        self.assertEqual({key: alford[key] for key in ("name", "clients", "connections", "watchers",
                                                       "iamat", "whatsat", "lookups",
                                                       "lookups_failed", "same_topology",
                                                       "neighbours_up", "journal")},
                         {"name": "Alford", "clients": 1, "connections": 1, "watchers": 0,
                          "iamat": 1, "whatsat": alford["commands"] - 1, "lookups": 2,
                          "lookups_failed": 0, "same_topology": True, "neighbours_up": 1,
                          "journal": None})
        self.assertIsInstance(alford["lookups_p99_ms"], int)
        self.assertEqual(len({node["digest"] for node in said["nodes"]}), 1)
        self.assertGreater(alford["memory_bytes"], 1_000_000)
        place = said["places"][0]
        self.assertEqual((place["well"], place["nodes_up"], place["asked"], place["workers"],
                          place["breaker_open_ms"]), (True, 3, 2, 1, 0))
        self.assertEqual(place["workers_at"], [{"address": "127.0.0.1", "workers": 1}])
        observer = said["observers"][0]
        self.assertEqual((observer["node"], observer["observer"], observer["up"]),
                         ("Alford", "Ear", False))

    def two_at_once(self, herd):
        """Neither is in the other's way, though both say they are the same operator."""
        done = []
        threads = [threading.Thread(target=lambda: done.append(run("top", "--once", herd.file)))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for once in done:
            self.assertEqual((once.returncode, once.stderr), (0, ""), once.stdout)
            self.assertRegex(once.stdout, r"\Aherd trial: 3 of 3 nodes answer; 2 of 2 links up; ")
            self.assertRegex(once.stdout, r"(?m)^ Alford +up +1/1 +1 ")
            self.assertRegex(once.stdout, r"(?m)^ Alford-Ball +up +\d+ ms +\d+ +0 +0  equal ")
            self.assertRegex(once.stdout, r"(?m)^ Alford-Ear +away .*observer$")
            self.assertRegex(once.stdout, r"(?m)^ tcp://\S+ +3/3 .* 1  closed ")

    def the_view_goes_on(self, herd):
        terminal = Terminal(BUILD / "zherd", "top", herd.file)
        try:
            terminal.shows(rb"3 of 3 nodes answer.*Alford.*Ball.*Welsh.*q quit")
            terminal.press(b"j")  # picks the first
            terminal.shows(rb">.*digest [0-9a-f]{16}")
            terminal.press(b"\x1b")
            terminal.shows(rb"Alford up")
            terminal.resize(10, 60)
            terminal.shows(rb"herd trial.*q quit")
            terminal.press(b"q")
            self.assertEqual(terminal.child.wait(PATIENCE), 0, terminal.child.stderr.read())
        finally:
            terminal.end()
        terminal = Terminal(BUILD / "zherd", "top", herd.file)
        try:
            terminal.shows(rb"3 of 3 nodes answer")
            terminal.child.send_signal(signal.SIGINT)
            terminal.shows(re.escape(b"\x1b[?1049l"))  # the terminal is as it was
            terminal.child.wait(PATIENCE)
        finally:
            terminal.end()
        self.assertIn("this is no terminal; write --once", run("top", herd.file).stderr)
        for name in "", "nonsense":
            lost = Terminal("env", f"TERM={name}", BUILD / "zherd", "top", herd.file)
            self.assertEqual(lost.child.wait(PATIENCE), 1)
            self.assertIn(b"--once", lost.child.stderr.read())
            lost.end()

    def one_is_killed(self, herd):
        herd.kill("Welsh")
        herd.processes["Ball"].says("^link Welsh down")
        once = run("top", "--once", herd.file)
        self.assertEqual(once.returncode, 1, once)
        self.assertRegex(once.stdout, r"(?m)^ Welsh +silent +up for 0 of 1 neighbours; no answer")
        self.assertRegex(once.stdout, r"(?m)^ Ball-Welsh +down .*  Ball: \S")
        self.assertRegex(once.stdout, r"(?m)^ Alford-Ball +up ")
        said, status = state(herd)
        self.assertEqual((status, link(said, "Ball-Welsh")["state"]), (1, "down"))
        welsh = said["nodes"][2]
        self.assertEqual((welsh["answers"], welsh["well"], welsh["neighbours"],
                          welsh["neighbours_up"]), (False, False, 1, 0))
        self.assertTrue(any(sentence.startswith("node Welsh does not answer")
                            for sentence in said["remarks"]), said["remarks"])
        self.assertTrue(any(re.match(r"link Ball-Welsh is down: Ball says: .*; Welsh says nothing",
                                     sentence) for sentence in said["remarks"]), said["remarks"])
        terminal = Terminal(BUILD / "zherd", "top", herd.file)
        try:
            terminal.shows(rb"2 of 3 nodes answer.*Alford.*Ball.*Welsh +silent")
            terminal.press(b"s")  # those that do not answer first
            terminal.shows(rb"\x1b\[4d Welsh")
            terminal.press(b"q")
            self.assertEqual(terminal.child.wait(PATIENCE), 0)
        finally:
            terminal.end()

    def test_the_ways_of_changes(self):
        """Three nodes with a link more than they need: a change goes to each of them once."""
        herd = self.open([*LINE, "Alford-Welsh"], keys=True, places=False)
        herd.start().linked()

        def trees():
            for name, port in herd.ports.items():
                ask(port, f"IAMAT {name}-kiwi {UCLA} {time.time():.6f}")
            said = json.loads(run("status", "--json", "--ways", herd.file).stdout)
            ways = {(side["node"], origin) for link in said["links"] for side in link["sides"]
                    for origin in side.get("ways", [])}
            sides = [side for link in said["links"] for side in link["sides"]]
            return (all(side["carries"] is not None for side in sides)
                    and sum(side["carries"] for side in sides) == 6 and (ways, sides))

        def shown():
            text = run("status", "--ways", herd.file).stdout
            drawn = run("draw", "--ways-of", "Ball", herd.file).stdout
            dot = run("draw", "--dot", "--ways-of", "Ball", "--operator", "Ada", herd.file).stdout
            return (re.search(r"(?m)^ Alford-Ball .* [0-3] of 3 from Alford, [0-3] from Ball$", text)
                    and re.search(r"\n changes of Alford\n    go by Alford>\w+, \w+>\w+\n"
                                  r" changes of ", text)
                    and re.search(r"\nBall\n  \w+\n *\w+\n\Z", drawn)
                    and drawn.count("\u25cf") == 3
                    and (dot.count(" -> "), dot.count("style=dotted")) == (3, 1))

        ways, sides = wait_for("a tree for each node", trees)
        self.assertEqual([len(side["ways"]) for side in sides],
                         [side["carries"] for side in sides])
        self.assertLessEqual({(name, name) for name in herd.ports}, ways)
        wait_for("status and draw to show them", shown)
        for words, status, why in [(["--ways-of", "Bill", herd.file], 1, "has no node Bill"),
                                   (["--operator", "Ada", herd.file], 2, "is for --ways-of"),
                                   (["--ways-of"], 2, "--ways-of")]:
            done = run("draw", *words)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done)
            self.assertRegex(done.stderr, rf"\Azherd draw: .*{why}.*\n\Z")

    def test_wrong_words_files_and_keys_are_one_sentence(self):
        herd = self.open(keys=True, places=False)
        herd.start().linked()
        wait_for("all is well", lambda: run("status", herd.file).returncode == 0)
        missing = herd.folder / "missing.zpl"
        for words, said in [([], "write a topology file"),
                            (["--bogus", herd.file], "there is no option --bogus"),
                            ([herd.file, "Alford"], "write a topology file"),
                            ([missing], "missing.zpl"),
                            (["--operator", "Ball", herd.file], "lists no operator Ball")]:
            for command, status in ("status", 3), ("top", 1 if said[0] in "ml" else 2):
                done = run(command, *words)
                self.assertEqual(done.returncode, status, done)
                self.assertRegex(done.stderr, rf"\Azherd {command}: .*{said}.*\n\Z")
                self.assertEqual(done.stdout, "")
        secret = herd.folder / "herd.keys" / "Ada.secret"
        kept = secret.read_bytes()
        secret.unlink()
        for command, status in ("status", 3), ("top", 1):
            done = run(command, "--once" if command == "top" else "--json", herd.file)
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            self.assertRegex(done.stderr, rf"\Azherd {command}: .*Ada.secret.*\n\Z")
        secret.write_bytes(kept)
        keygen(herd.file, "Ada")  # a key that no node has read
        list_keys(herd.file, "Ada", public_keys(herd.file, "Ada")[1:])
        done = run("top", "--once", herd.file)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, r"\Azherd top: no node of \S+ answers; check .*Ada\n\Z")

    def test_nodes_that_answer_otherwise(self):
        """A node of the version before, one that speaks of a difference, and one that answers
        with garbage."""
        herd = self.open(places=False)
        bus = dict(re.findall(r"name = (\w+)\n.*\n    bus = (\S+)", herd.file.read_text()))
        linked = {"Alford": ["Ball"], "Ball": ["Alford", "Welsh"], "Welsh": ["Ball"]}

        def status(name, **more):
            links = [[other, True, False, more.get("differs", False), 1, 0, 0, 0, 1, 5, "", "more"]
                     for other in linked[name]]
            return {"node": name, "later": [1],
                    "status": {"links": links, "links_all": len(links), "later": {}}}

        replies = {"Alford": lambda: [0, "", status("Alford")],
                   "Ball": lambda: [0, "", status("Ball")],
                   "Welsh": lambda: [2, "this node does not know", {"node": "Welsh"}]}
        context, over = zmq.Context(), threading.Event()

        def serve():
            sockets = {}
            for name in linked:
                sockets[name] = context.socket(zmq.ROUTER)
                sockets[name].setsockopt(zmq.LINGER, 0)
                sockets[name].bind(bus[name])
            while not over.is_set():
                for name, socket in sockets.items():
                    while socket.poll(2):
                        asker, request = socket.recv_multipart()
                        _, sender, _, number, kind, _ = msgpack.unpackb(request[3:])
                        reply = [13, 7, sender, number, kind, *replies[name]()]
                        socket.send_multipart([asker, b"zh\x01" + msgpack.packb(reply)])
            for socket in sockets.values():
                socket.close()

        server = threading.Thread(target=serve)
        server.start()
        self.addCleanup(context.term)
        self.addCleanup(server.join)
        self.addCleanup(over.set)
        said, code = state(herd)
        self.assertEqual((code, said["nodes"][2]["answers"], said["nodes"][2]["well"]),
                         (0, False, True), said)
        self.assertIn("this node does not know", said["nodes"][2]["why"])
        self.assertEqual([side["carries"] for side in link(said, "Alford-Ball")["sides"]],
                         [None, None])
        self.assertEqual(run("top", "--once", herd.file).returncode, 0)
        replies["Ball"] = lambda: [0, "", status("Ball", differs=True)]
        said, code = state(herd)
        self.assertEqual((code, link(said, "Alford-Ball")["tables"]), (1, "differ"))
        self.assertIn("the tables of Alford and Ball differ", said["remarks"])
        once = run("top", "--once", herd.file)
        self.assertEqual(once.returncode, 1)
        self.assertIn("2 of 3 nodes answer", once.stdout)
        replies["Ball"] = lambda: [0, "", {"node": "Ball", "status": {"links": 7}}]
        said, code = state(herd)
        self.assertEqual((code, said["nodes"][1]["why"]), (1, "what it answers cannot be read"))
        replies["Ball"] = lambda: [0, "", status("Alford")]
        said, code = state(herd)
        self.assertEqual((code, said["nodes"][1]["why"]), (1, "Alford answers there"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
