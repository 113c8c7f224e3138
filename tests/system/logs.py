#!/usr/bin/env python3
"""A node's log: forms that programs read, levels, standard output, the journal's priorities, files
that have their limit, one command in so many, and a disk that is full."""

import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest

import rig
from rig import (BUILD, UCLA, Client, Herd, Process, free_ports, wait_for,
                 write_topology)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
LEVELS = ["debug", "info", "warning", "error"]
KEYS = ["time", "level", "kind", "connection", "text", "reason", "why", "reply"]
# Bytes that are no UTF-8, quotes, what looks like an escape, and a newline's look-alike.
NASTY = b'\xfe\x80"\\\\x0a\\" =\xe2\x80\xa8\x1b[2J\xc3('


def unescape(text):
    """The bytes that a text of the log stands for."""
    return re.sub(rb"\\(x[0-9a-f]{2}|\\)",
                  lambda found: b"\\" if found[1] == b"\\" else bytes([int(found[1][1:], 16)]),
                  text.encode("ascii"))


def read_logfmt(line):
    """Key and value in turn; a value is a word, or quoted with \\" and \\\\ in it."""
    fields, at = {}, 0
    while at < len(line):
        found = re.compile(r'([a-z]+)=(?:"((?:[^"\\]|\\["\\])*)"|([^ "]+))(?: |$)').match(line, at)
        assert found, f"no logfmt from {at} on: {line!r}"
        key, quoted, word = found.groups()
        assert key not in fields, line
        fields[key] = word if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = found.end()
    return fields


def read_json(line):
    """JSON that has no key twice."""
    def once(pairs):
        assert len({key for key, _ in pairs}) == len(pairs), line
        return dict(pairs)
    return json.loads(line, object_pairs_hook=once)


class Logs(unittest.TestCase):
    def node(self, *extra, nodes=("Ada",), links=(), environment=None, label="Ada", text=""):
        """One node, ready; its herd has no places service."""
        herd = Herd(links=list(links), nodes=list(nodes), places=False)
        self.addCleanup(herd.__exit__, None)
        herd.file.write_text(herd.file.read_text().replace("    name = trial\n",
                                                           "    name = trial\n" + text, 1))
        herd.environment = lambda name: environment or {}
        for name in nodes:
            herd.launch(name, *extra)
        return herd

    def ready(self, herd, pattern="^ready"):
        for process in herd.processes.values():
            process.says(pattern)
        return herd

    def stop(self, herd):
        for process in herd.processes.values():
            self.assertEqual(process.stop()[0], 0)

    def check_keys(self, fields):
        self.assertEqual(list(fields), [key for key in KEYS if key in fields])
        self.assertLessEqual(set(KEYS[:5]), set(fields))
        self.assertRegex(fields["time"], f"^{TIME}$")
        self.assertIn(fields["level"], LEVELS)

    def check_form(self, form, read):
        herd = self.ready(self.node("--log-format", form))
        with herd.client("Ada") as client:
            client.send(b"IAMAT k" + NASTY.replace(b" ", b"") + b" " + UCLA.encode() + b" 1.5\n")
            client.line()
            client.send(NASTY + b"\nQUIT\n")
            client.rest()
        self.stop(herd)
        lines = [read(line) for line in herd.log("Ada").splitlines()]
        for fields in lines:
            self.check_keys(fields)
        commands = [fields for fields in lines if fields["kind"] == "command"]
        self.assertEqual([unescape(fields["text"]) for fields in commands],
                         [b"IAMAT k" + NASTY.replace(b" ", b"") + b" " + UCLA.encode() + b" 1.5",
                          NASTY, b"QUIT"])
        self.assertTrue(commands[0]["reply"].startswith("AT Ada +"))
        self.assertEqual(unescape(commands[1]["reply"]), b"? " + NASTY)
        self.assertEqual(commands[1]["reason"], "malformed")
        self.assertIn("no such command", commands[1]["why"])
        self.assertNotIn("reply", commands[2])
        self.assertEqual([(fields["kind"], fields.get("reason")) for fields in lines
                          if fields["kind"].endswith("connect")],
                         [("connect", None), ("disconnect", "quit")])
        return lines

    def test_json(self):
        lines = self.check_form("json", read_json)
        self.assertEqual({type(fields["connection"]) for fields in lines}, {int, type(None)})

    def test_logfmt(self):
        self.check_form("logfmt", read_logfmt)

    def test_levels(self):
        kinds = {}
        for level in reversed(LEVELS):
            herd = self.ready(self.node("--log", "events", "--log-level", level, text="    insecure = yes\n"))
            with herd.client("Ada") as client:
                self.assertEqual(client.ask("WHATSAT secret 1 1"), "? WHATSAT secret 1 1")
            self.stop(herd)
            self.assertNotIn("secret", herd.log("Ada"))
            kinds[level] = set(re.findall(rf"(?m)^{TIME} (\w+) ", herd.log("Ada")))
        self.assertEqual(kinds["error"], set())
        self.assertEqual(kinds["warning"], {"insecure"})
        self.assertLess({"insecure", "start", "connect", "disconnect", "stop"}, kinds["info"])
        self.assertEqual(kinds["debug"] - kinds["info"], {"invalid"})

    def test_standard_output(self):
        """All that stands there are lines of the log, with `ready` and the link among them."""
        herd = self.node("--log-file", "-", "--log-format", "json", nodes=("Ada", "Bob"),
                         links=["Ada-Bob"])
        self.ready(herd, '"kind":"ready"')
        self.ready(herd, '"kind":"link","connection":null,"text":"[A-Z][a-z]+ up"')
        hung_up = herd.processes["Ada"]
        hung_up.child.send_signal(signal.SIGHUP)
        hung_up.says('"kind":"reload"')
        herd.processes["Bob"].stop()
        hung_up.says('"level":"warning","kind":"link","connection":null,'
                     '"text":"Bob down: goodbye","reason":"goodbye"')
        self.assertEqual(hung_up.stop()[0], 0)
        for process in herd.processes.values():
            lines = [read_json(line) for line in process.out.read_text().splitlines()]
            for fields in lines:
                self.check_keys(fields)
            self.assertEqual((lines[0]["kind"], lines[-1]["kind"]), ("start", "stop"))
        self.assertFalse((herd.folder / "log").exists())

    def test_priorities(self):
        """Only where JOURNAL_STREAM is what standard output is."""
        for is_ours in (True, False):
            herd = Herd(links=[], nodes=["Ada"], places=False)
            self.addCleanup(herd.__exit__, None)
            (herd.folder / "Ada.out").touch()
            about = os.stat(herd.folder / "Ada.out")
            herd.environment = lambda _: {
                "JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino + (not is_ours)}"}
            herd.launch("Ada", "--log-file", "-", "--log", "events").says(" ready -")
            self.stop(herd)
            for line in herd.processes["Ada"].out.read_text().splitlines():
                self.assertRegex(line, rf"^<[46]>{TIME} " if is_ours else f"^{TIME} ")

    def test_priorities_of_placesd(self):
        """Its log is standard error: events are information, what it says to somebody a warning."""
        herd = Herd(links=[], nodes=["Ada"])
        self.addCleanup(herd.__exit__, None)
        errors = herd.folder / "placesd.stderr"
        errors.touch()
        about = os.stat(errors)
        herd.environment = lambda _: {"JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"}
        herd.start("placesd")
        herd.processes["placesd"].child.send_signal(signal.SIGHUP)
        wait_for("what HUP did", lambda: "read again" in errors.read_text())
        self.stop(herd)
        for line in errors.read_text().splitlines():
            self.assertRegex(line, r"^<[46]>\d{4}-\d\d-\d\dT[\d:.]+Z |^<4>placesd: ")
        self.assertRegex(errors.read_text(), "(?m)^<6>.* start: placesd")

    def test_a_limit(self):
        """Five times 64 KiB and more: what is kept are the newest lines, whole and in order."""
        herd = self.ready(self.node("--log-max-bytes", "64K"))
        said = 3000
        with herd.client("Ada") as client:
            for number in range(said):
                client.send(f"IAMAT c {UCLA} {number}.5\n")
                client.line()
        self.stop(herd)
        files = sorted((herd.folder / "log").iterdir(), key=lambda path: path.name)
        self.assertEqual([path.name for path in files],
                         ["Ada.log", "Ada.log.1", "Ada.log.2", "Ada.log.3"])
        for path in files:
            self.assertLessEqual(path.stat().st_size, 64 << 10)
        text = "".join(path.read_text() for path in reversed(files))
        for line in text.splitlines():
            self.assertRegex(line, f"^{TIME} [a-z]+ (\\d+|-)( |$)")
        kept = [int(number) for number in re.findall(rf"(?m)reply 1 AT .* (\d+)\.5$", text)]
        self.assertEqual(kept, list(range(kept[0], said)))
        self.assertGreater(len(kept), 3 * (64 << 10) // 250)
        self.assertIn(" log_bytes_lost 0 ", text.splitlines()[-1])

    def test_one_in_ten(self):
        herd = self.ready(self.node("--log", "commands/10"))
        with herd.client("Ada") as client:
            for number in range(100):
                client.send(f"IAMAT c {UCLA} {number}.5\n")
                client.line()
        self.stop(herd)
        for kind in ("command 1 IAMAT", "reply 1 AT"):
            self.assertEqual(herd.log("Ada").count(f" {kind} "), 10)
        self.assertIn(" commands 100 ", herd.log("Ada").splitlines()[-1])

    def test_hup_takes_the_keys(self):
        herd = self.ready(self.node())
        herd.file.write_text(herd.file.read_text().replace(
            "    name = Ada\n", f"    name = Ada\n    log_file = {herd.folder}/other.json\n"
            "    log_format = json\n    log = events\n    log_level = debug\n"))
        node = herd.processes["Ada"]
        node.child.send_signal(signal.SIGHUP)
        other = herd.folder / "other.json"
        wait_for("the other file", lambda: other.exists() and '"kind":"reload"' in other.read_text())
        self.assertEqual(rig.ask(herd.ports["Ada"], "secret"), "? secret")
        wait_for("its reason", lambda: '"reason":"malformed"' in other.read_text())
        herd.file.write_text(herd.file.read_text().replace(f"{herd.folder}/other.json", "-"))
        node.child.send_signal(signal.SIGHUP)
        wait_for("why not", lambda: "standard output: at the next start" in other.read_text())
        self.stop(herd)
        self.assertNotIn("secret", other.read_text())
        self.assertEqual(node.out.read_text(), "ready\n")
        self.assertEqual(read_json(other.read_text().splitlines()[-1])["kind"], "stop")

    def test_up_has_its_folder(self):
        """`zherd up` reads standard output itself, whatever the file says of the log."""
        herd = Herd(links=["Ada-Bob"], places=False)
        self.addCleanup(herd.__exit__, None)
        herd.file.write_text(herd.file.read_text().replace(
            "    name = trial\n", "    name = trial\n    log_file = -\n    log_format = json\n", 1))
        up = herd.processes["up"] = Process(herd.folder, "up", BUILD / "zherd", "up", "--log-dir",
                                            herd.folder / "log", herd.file)
        up.says("ready")
        self.assertEqual(up.stop()[0], 0)
        for name in herd.ports:
            lines = [read_json(line) for line in herd.log(name).splitlines()]
            self.assertEqual(lines[-1]["kind"], "stop")

    def test_a_full_disk(self):
        """The node goes on, counts what is missing, and says it where there is room again."""
        mounts = ["unshare", "-m", "sh", "-c"]
        herd = Herd(links=[], nodes=["Ada"], places=False)
        self.addCleanup(herd.__exit__, None)
        disk = herd.folder / "disk"
        disk.mkdir()
        mount = f"mount -t tmpfs -o size=256k none {shlex.quote(str(disk))}"
        tried = subprocess.run([*mounts, mount], capture_output=True, text=True)
        if tried.returncode != 0:
            self.skipTest(f"no mounts of one's own here: {tried.stderr.strip()}")
        command = [BUILD / "zherd-gateway", "--topology", herd.file, "--node", "Ada", "--log-dir", disk]
        filler = f"head -c 128K /dev/zero >{shlex.quote(str(disk / 'filler'))}"
        node = herd.processes["Ada"] = Process(
            herd.folder, "Ada", *mounts,
            f"{mount} && {filler} && exec {shlex.join(str(word) for word in command)}")
        node.says("^ready")
        inside = f"/proc/{node.child.pid}/root{disk}"
        log = pathlib.Path(inside, "Ada.log")
        with herd.client("Ada") as client:
            for number in range(1500):
                client.send(f"IAMAT c {UCLA} {number}.5\n")
                self.assertTrue(client.line().startswith("AT Ada "))
            wait_for("the complaint", lambda: "No space left on device" in node.err.read_text())
            os.remove(f"{inside}/filler")
            wait_for("the gap", lambda: re.search(r" fault - (\d+) bytes were lost here\n",
                                                  log.read_text()))
            self.assertTrue(client.ask(f"IAMAT c {UCLA} 1500.5").startswith("AT Ada "))
            wait_for("its line", lambda: " 1500.5\n" in log.read_text())
            lost = sum(map(int, re.findall(r" fault - (\d+) bytes were lost here\n", log.read_text())))
            self.assertGreater(lost, 100_000)
        self.assertEqual(node.err.read_text().count("work goes on without"), 1)
        self.stop(herd)


SERVICES = ("placesd", "zherd-landmarks")


class Services(unittest.TestCase):
    """The logs of placesd and of zherd-landmarks are those of a node, but for their text."""

    check_keys = Logs.check_keys

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-logs-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.file, _ = write_topology(self.folder, [], nodes=["Ada"])
        self.database = self.folder / "places.db"
        subprocess.run([BUILD / "zherd-landmarks", "import", self.database], check=True,
                       input=b'{"type": "Feature", "id": "n1", "properties": {"name": "Here", '
                             b'"shop": "yes"}, "geometry": {"type": "Point", "coordinates": [1, 1]}}',
                       capture_output=True)
        [self.port] = free_ports(60)[-1:]

    def launch(self, program, *options, environment=None):
        """Ready with these options."""
        words = (["--topology", self.file] if program == "placesd" else
                 ["serve", self.database, "--listen", f"127.0.0.1:{self.port}"])
        process = Process(self.folder, program, BUILD / program, *words, *options,
                          environment=environment)
        self.addCleanup(process.end)
        process.says("ready")
        return process

    def hang_up(self, process, read):
        process.child.send_signal(signal.SIGHUP)
        wait_for("what HUP did", lambda: "read again" in read())

    def test_each_form_on_standard_error_and_on_standard_output(self):
        for program, (form, read), where in itertools.product(
                SERVICES, (("json", read_json), ("logfmt", read_logfmt)), ((), ("--log-file", "-"))):
            with self.subTest(program=program, form=form, where=where):
                process = self.launch(program, "--log-format", form, *where)
                output, other = (process.out, process.err)[::1 if where else -1]
                self.hang_up(process, output.read_text)
                self.assertEqual(process.stop()[0], 0)
                lines = [read(line) for line in output.read_text().splitlines()]
                for fields in lines:
                    self.check_keys(fields)
                    self.assertIn(fields["connection"], (None, "-"))
                kinds = {fields["kind"] for fields in lines}
                self.assertIn("reload", kinds)
                self.assertEqual("ready" in kinds, bool(where))
                self.assertEqual(other.read_text().startswith("ready"), not where)

    def test_levels_and_files(self):
        for program in SERVICES:
            log = self.folder / f"{program}.log"
            process = self.launch(program, "--log-file", log, "--log-level", "warning")
            good = self.database.read_bytes(), self.file.read_text()
            self.database.write_bytes(b"no database")
            self.file.write_text("no topology")
            process.child.send_signal(signal.SIGHUP)
            wait_for("the fault", lambda: re.search("is not good|stays as it was", log.read_text()))
            self.assertNotIn("start", log.read_text())
            log.rename(self.folder / "moved")
            process.child.send_signal(signal.SIGUSR1)
            wait_for("a file again", log.exists)
            for line in (self.folder / "moved").read_text().splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
            self.database.write_bytes(good[0])
            self.file.write_text(good[1])

    def test_a_file_that_has_its_limit_begins_anew(self):
        for program in SERVICES:
            log = self.folder / f"{program}.log"
            log.write_text("x" * 65000 + "\n")
            process = self.launch(program, "--log-file", log, "--log-max-bytes", "64K")
            moved = self.folder / f"{program}.log.1"

            def is_moved(process=process, moved=moved):
                process.child.send_signal(signal.SIGHUP)
                return moved.exists()
            wait_for("another file", is_moved)
            self.assertTrue(moved.read_text().startswith("xxx"))

    def test_priorities(self):
        for program, (where, end) in itertools.product(
                SERVICES, (((), "stderr"), (("--log-file", "-"), "out"))):
            leads_to = self.folder / f"{program}.{end}"
            leads_to.touch()
            about = os.stat(leads_to)
            process = self.launch(program, "--log-format", "json", *where, environment={
                "JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"})
            self.hang_up(process, leads_to.read_text)
            self.assertEqual(process.stop()[0], 0)
            for line in leads_to.read_text().splitlines():
                self.assertRegex(line, '^<[46]>{"time":')

    def test_what_cannot_be_is_said(self):
        for program, words in (("placesd", ["--topology", self.file]),
                               ("zherd-landmarks", ["serve", self.database, "--listen",
                                                    "127.0.0.1:1"])):
            for option, value, status, said in (
                    ("--log-format", "xml", 2, "--log-format takes text, json or logfmt, not xml"),
                    ("--log-level", "loud", 2, "--log-level takes error, warning, info or debug"),
                    ("--log-max-bytes", "1K", 2, "--log-max-bytes takes bytes"),
                    ("--log-file", self.file / "no", 1, "cannot open the log ")):
                with self.subTest(program=program, option=option):
                    done = subprocess.run([BUILD / program, *words, option, value],
                                          capture_output=True, text=True, timeout=20)
                    self.assertEqual(done.returncode, status)
                    self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
