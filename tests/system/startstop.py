"""zherd up and the single processes: start, faults at start, death of a child, stop."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from rig import (BUILD, ROOT, UCLA, Client, Herd, Process, alive, ask, children_of, refuses,
                 wait_for, write_topology)

PROGRAMS = ("zherd", "zherd-gateway", "zherd-web", "placesd", "zherd-landmarks", "zherd-bench")


def run(*command, cwd=ROOT, seconds=20):
    return subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True,
                          timeout=seconds)


class Up(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-up-"))
        self.file, self.ports = write_topology(self.folder)
        self.up = Process(self.folder, "up", BUILD / "zherd", "up", self.file)

    def tearDown(self):
        for pid in list(children_of(self.up.child.pid)):
            if self.up.child.poll() is not None:
                os.kill(pid, signal.SIGKILL)
        self.up.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stopped_clean(self, children):
        for pid in children:
            wait_for(f"process {pid} to be gone", lambda: not alive(pid), 3)
        for port in self.ports.values():
            self.assertTrue(refuses(port))
        left = sorted(p.name for p in self.folder.iterdir())
        self.assertEqual(left, ["herd.zpl", "log", "up.out", "up.stderr"])

    def test_up_runs_the_herd_and_term_leaves_nothing(self):
        self.up.says("^ready")
        text = self.up.out.read_text()
        for name, port in self.ports.items():
            self.assertRegex(text, rf"{name}.*telnet 127\.0\.0\.1 {port}")
        line = ask(self.ports["Alford"], f"IAMAT kiwi {UCLA} 1621464827.959498503")
        with Client(self.ports["Holiday"]) as holiday:
            wait_for("the position to arrive", lambda: not holiday.ask(
                "WHATSAT kiwi 1 x").startswith("AT") and self.known("Holiday", line))
        children = children_of(self.up.child.pid)
        self.assertEqual(len(children), 6)
        status, seconds = self.up.stop()
        self.assertEqual(status, 0)
        self.assertLess(seconds, 1.5)
        self.stopped_clean(children)

    def known(self, name, line):
        with Client(self.ports[name]) as client:
            client.send("WHATSAT kiwi 10 1\n")
            return client.line() == line

    def test_interrupt_stops_everything_too(self):
        self.up.says("^ready")
        children = children_of(self.up.child.pid)
        began = time.monotonic()
        for pid in [*children, self.up.child.pid]:  # a terminal's Ctrl-C reaches them all
            os.kill(pid, signal.SIGINT)
        self.assertEqual(self.up.child.wait(5), 0)
        self.assertLess(time.monotonic() - began, 1.5)
        self.stopped_clean(children)

    def test_a_child_that_dies_is_named_and_started_again(self):
        self.up.says("^ready")
        children = children_of(self.up.child.pid)
        victim = next(pid for pid, line in children.items() if "--node Ball" in line)
        os.kill(victim, signal.SIGKILL)
        wait_for("Ball to be named", lambda: "Ball" in "".join(
            l for l in (self.up.out.read_text() + self.up.err.read_text()).splitlines()
            if "kill" in l.lower() or "signal" in l.lower()))
        wait_for("the herd to be whole again",
                 lambda: len(re.findall("^ready", self.up.out.read_text(), re.M)) >= 2)
        self.assertTrue(ask(self.ports["Ball"], f"IAMAT fig {UCLA} 1").startswith("AT Ball"))

    def test_killing_zherd_itself_leaves_no_children(self):
        self.up.says("^ready")
        children = children_of(self.up.child.pid)
        self.up.kill()
        for pid in children:
            wait_for(f"process {pid} to be gone", lambda: not alive(pid), 3)


class Host(unittest.TestCase):
    """A file of nodes on two hosts, of which one is ours."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-host-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.file, self.ports = write_topology(self.folder, ["A-B"], places=True)
        text = self.file.read_text().replace("herd\n", "herd\n    insecure = yes\n", 1)
        self.file.write_text(text + "link\n    between = B C\n" "node\n    name = C\n    clients = tcp://*:11999\n"
                             "    bus = tcp://203.0.113.9:12999\n" "places\n"
                             "    gateways = tcp://203.0.113.9:13990\n"
                             "    workers = tcp://203.0.113.9:13991\n    provider = landmarks\n"
                             "    url = http://127.0.0.1:13992/maps/api/place/nearbysearch/json\n")

    def test_up_starts_what_belongs_to_the_host(self):
        up = Process(self.folder, "up", BUILD / "zherd", "up", "--host", "127.0.0.1", self.file)
        self.addCleanup(up.end)
        for name, port in self.ports.items():
            wait_for(name, lambda: not refuses(port))
        self.assertEqual(sorted(re.search(r"--(?:node|places) (\w+)", line)[1]
                                for line in children_of(up.child.pid).values()), ["1", "A", "B"])
        text = up.out.read_text()
        self.assertNotIn("11999", text)
        self.assertIn(f"telnet 127.0.0.1 {self.ports['B']}", text)
        self.assertEqual(up.stop()[0], 0)

    def test_what_belongs_to_nobody_is_said(self):
        for words, status, said in (
                (["--host", "203.0.113.8"], 1, "no process in .* belongs to host 203.0.113.8; the "
                 "hosts in it are "),
                (["--host", "a b"], 2, "--host takes a host name or an address, not a b; ")):
            done = run(BUILD / "zherd", "up", *words, self.file, cwd=self.folder)
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            self.assertRegex(done.stderr, f"^zherd up: {said}")


class Faults(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-fault-"))
        self.file, self.ports = write_topology(self.folder)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def one_line(self, pattern, *command, status=1):
        result = run(*command, cwd=self.folder)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result)
        said = result.stderr.strip().splitlines()
        self.assertEqual(len(said), 1, result.stderr)
        self.assertRegex(said[0], pattern)

    def test_unknown_node_wrong_file(self):
        gateway = BUILD / "zherd-gateway"
        self.one_line("Nobody", gateway, "--topology", self.file, "--node", "Nobody")
        missing = (r"missing\.zpl: cannot be opened: No such file or directory \(looked for in "
                   + re.escape(str(self.folder)) + r"\)$")
        self.one_line("^zherd-gateway Ball: " + missing, gateway, "--topology", "missing.zpl",
                      "--node", "Ball")
        self.one_line("^placesd: " + missing, BUILD / "placesd", "--topology", "missing.zpl")
        self.one_line("^zherd up: " + missing, BUILD / "zherd", "up", "missing.zpl")
        self.one_line("^zherd tap: " + missing, BUILD / "zherd", "tap", "missing.zpl", "Ball")
        self.one_line("^" + missing, BUILD / "zherd", "check", "missing.zpl")
        self.one_line("^/nowhere/a.zpl: cannot be opened: No such file or directory$",
                      BUILD / "zherd", "check", "/nowhere/a.zpl")

    def test_other_missing_files_say_where_they_were_looked_for(self):
        where = re.escape(f" (looked for in {self.folder})") + "$"
        self.one_line("^zherd-landmarks: cannot open no.db: .*" + where,
                      BUILD / "zherd-landmarks", "serve", "no.db", "--listen", "127.0.0.1:1")
        self.one_line("^zherd-landmarks: cannot read no.json: .*" + where.replace("$", "; a.db"),
                      BUILD / "zherd-landmarks", "import", "a.db", "no.json")
        text = self.file.read_text()
        self.file.write_text(text.replace("landmarks", "google") + "    key_file = no.key\n")
        self.one_line("^placesd: key_file no.key No such file or directory" + where,
                      BUILD / "placesd", "--topology", self.file)
        self.file.write_text(text)
        subprocess.run([BUILD / "zherd", "keygen", "herd.zpl"], cwd=self.folder, check=True,
                       capture_output=True)
        (self.folder / "herd.keys" / "Ball.secret").unlink()
        self.one_line("^zherd-gateway Ball: the secret key herd.keys/Ball.secret No such file or "
                      "directory" + where, BUILD / "zherd-gateway", "--topology", "herd.zpl",
                      "--node", "Ball")

    def test_a_name_that_is_nearly_right(self):
        herd = f"{self.file} has no node "
        for node, said in (("alford", "alford (did you mean Alford?)"),
                           ("BALL", "BALL (did you mean Ball?)"),
                           ("Welhs", "Welhs (did you mean Welsh?)"), ("Nobody", "Nobody")):
            self.one_line(f"^zherd-gateway {node}: " + re.escape(herd + said) + "$",
                          BUILD / "zherd-gateway", "--topology", self.file, "--node", node)
        self.one_line(re.escape("no node `hamilton`") + ".*" + re.escape("(did you mean Hamilton?)"),
                      BUILD / "zherd", "tap", self.file, "hamilton")
        self.one_line(re.escape("placed: there is no such node, observer or operator (did you mean placesd?)"),
                      BUILD / "zherd", "keygen", self.file, "placed")

    def test_wrong_words(self):
        herd = ("--topology", self.file)
        for wanted, program, *words in [
                ("there is no option --nosuch", "zherd-gateway", "--nosuch"),
                ("there is no option -x", "zherd-gateway", "-x"),
                ("there is no option --noed=1 (did you mean --node?)", "zherd-gateway", "--noed=1"),
                ("there is no option --tpoology (did you mean --topology?)", "placesd",
                 "--tpoology"),
                ("there is no subcommand `sevre` (did you mean serve?)", "zherd-landmarks",
                 "sevre"),
                ("--node needs a value", "zherd-gateway", *herd, "--node"),
                ("--node NAME is missing", "zherd-gateway", *herd),
                ("unexpected argument Ball", "zherd-gateway", *herd, "--node", "Ball", "Ball"),
                ("--log takes commands, commands/N for one in N, or events, not all", "zherd-gateway", "--log", "all"),
                *[(f"--new-clients takes a rate and a burst, both from 1 to 1000000000, as in "
                   f"10000/200000, or 0, not {word}", "zherd-gateway", "--new-clients", word)
                  for word in ("10", "0/1", "1/0", "1000000001/1", "1/1000000001", "1/", "/", "")],
                *[(f"--{option} takes seconds from 0 to 3600, not {word}", "zherd-gateway",
                   f"--{option}", word)
                  for option in ("ready-within", "drain-seconds") for word in ("3601", "-1", "1.5")],
                ("there is no option --nosuch", "zherd-web", "--nosuch"),
                ("--topology FILE is missing", "zherd-web"),
                ("unexpected argument Ear", "zherd-web", *herd, "Ear"),
                ("there is no option --nosuch", "placesd", "--nosuch"),
                ("--topology needs a value", "placesd", "broker", "--topology"),
                ("--topology FILE is missing", "placesd", "worker"),
                ("unexpected argument helper", "placesd", "helper", *herd),
                ("--places takes a number from 1 to 8, not 9", "placesd", "--places", "9"),
                ("--credits takes a number from 1 to 1024, not 0", "placesd", "--credits", "0"),
                ("there is no subcommand `nosuch`", "zherd", "nosuch"),
                ("there is no option --nosuch", "zherd-bench", "--nosuch"),
                ("--rate needs a value", "zherd-bench", "--rate"),
                ("--spin takes no value", "zherd-bench", "--spin=1"),
                ("there is no subcommand `nosuch`", "zherd-landmarks", "nosuch"),
                ("write a subcommand, import or serve", "zherd-landmarks")]:
            with self.subTest(program=program, words=words):
                self.one_line(f"^{re.escape(program)}: {re.escape(wanted)}; --help shows how$",
                              BUILD / program, *words, status=2)

    def test_a_taken_port(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", self.ports["Ball"]))
            taken.listen()
            self.one_line(str(self.ports["Ball"]), BUILD / "zherd-gateway", "--topology",
                          self.file, "--node", "Ball")
            result = run(BUILD / "zherd", "up", self.file, cwd=self.folder)
            self.assertEqual(result.returncode, 1)
            self.assertIn(str(self.ports["Ball"]), result.stderr)
            for name, port in self.ports.items():
                self.assertEqual(refuses(port), name != "Ball")

    def test_help_and_version(self):
        for program, *rest in (("zherd-gateway",), ("zherd-web",), ("zherd-bench",), ("placesd",),
                               ("placesd", "broker"), ("placesd", "worker"), ("zherd-landmarks",),
                               ("zherd-landmarks", "import"), ("zherd-landmarks", "serve"),
                               ("zherd",), *(("zherd", word) for word in
                                             ("backup", "check", "draw", "keygen", "restore",
                                              "tap", "up"))):
            wanted = run(BUILD / program, "--help").stdout
            for words in ([*rest, "--help"], [*rest, "-h"], [*rest, "help"], ["help", *rest],
                          [*rest, "file", "-h"]):
                got = run(BUILD / program, *words)
                self.assertEqual((got.returncode, got.stdout, got.stderr), (0, wanted, ""), words)
        is_clone = (ROOT / ".git").exists() and run("git", "rev-parse", "HEAD").returncode == 0
        for program in PROGRAMS:
            version = run(BUILD / program, "--version")
            self.assertEqual(version.returncode, 0)
            self.assertEqual("(" in version.stdout, is_clone)
            self.assertRegex(version.stdout, rf"^{program} \d+\.\d+\.\d+( \([\w.-]+\))?\n$")
            usage = run(BUILD / program, "--help")
            self.assertEqual(usage.returncode, 0)
            first, blank, *rest = usage.stdout.splitlines()
            self.assertRegex(first, rf"^{program} [a-z].*\.$")
            self.assertEqual(blank, "")
            self.assertTrue(rest[0].startswith(f"  {program} "), rest[0])
            self.assertIn("Exit status: 0, or 1 when it failed, or 2 when an argument was wrong",
                          usage.stdout)
            for flag, purpose in (("help", "show this"), ("version", "show the version")):
                self.assertRegex(usage.stdout, rf"(?m)^  .*--{flag} +{purpose}$")
            for line in usage.stdout.splitlines():
                self.assertLessEqual(len(line), 100, line)

    def test_single_processes_stop_within_a_second(self):
        with Herd().start() as herd:
            herd.linked()
            with herd.client("Ball") as talker:
                talker.ask(f"IAMAT kiwi {UCLA} 1")
                for name in herd.processes:
                    status, seconds = herd.processes[name].stop()
                    self.assertEqual(status, 0, name)
                    self.assertLess(seconds, 1.2, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
