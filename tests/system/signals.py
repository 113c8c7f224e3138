"""What an operator does to processes that run: HUP, USR1, logs that are moved or deleted, disks that
are full, a second start. None of it ends anybody, and each leaves a line that is true."""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from places_rig import CANARY, OK, Answer, Front, Provider, Service
from rig import BUILD, UCLA, Client, Herd, Process, alive, children_of, free_ports, wait_for, write_topology

LINE = ["Alford-Ball"]
GUS = ("node\n    name = Gus\n    clients = tcp://127.0.0.1:9\n    bus = tcp://127.0.0.1:10\n"
       "link\n    between = Gus Alford\n")
# What each says of it: a node takes it at once, `up` starts a process for it later.
TAKEN = " reload - node Gus\n"
LATER = "\nnode Gus: at the next start\n"
NOHUP = ("nohup",)


def place(name):
    return ('{"type":"Feature","id":"n1","geometry":{"type":"Point","coordinates":[10,20]},'
            f'"properties":{{"name":"{name}","tourism":"hotel"}}}}\n')


def fill(database, name):
    subprocess.run([BUILD / "zherd-landmarks", "import", database], input=place(name), text=True,
                   capture_output=True, timeout=30, check=True)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-signals-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_it(self, label, *command, ready="^ready"):
        process = Process(self.folder, label, *command)
        self.addCleanup(process.end)
        if ready:
            process.says(ready)
        return process

    def says(self, what, text, count=1):
        """Waits until text() has it `count` times."""
        wait_for(f"{what!r} {count} times", lambda: text().count(what) >= count)
        self.assertEqual(text().count(what), count, text())

    def lives(self, process):
        time.sleep(0.2)  # what ends at a signal does so at once
        self.assertIsNone(process.child.poll(), process.child.args)


class EveryProgram(Folder):
    """HUP makes it read again, twice; USR1 does not; it lives; TERM ends it."""

    def take_signals(self, process, text, words, file, others=(), change=None):
        """`others` are what further processes say, which hear of the signals from this one;
        `change` is what this one says of another node in the file."""
        good = file.read_text()

        def all_say(what, anywhere, count=1):
            self.says(what, text, count)
            for other in others:
                self.says(anywhere, other, count)

        process.child.send_signal(signal.SIGHUP)
        all_say(words, "read again from ")
        file.write_text(good + GUS)
        if "keys = " in good:
            subprocess.run([BUILD / "zherd", "keygen", file], check=True, capture_output=True)
        process.child.send_signal(signal.SIGHUP)
        all_say(words, "read again from ", 2)
        if change:
            self.says(change, text)
        file.write_text(good + "nonsense\n")
        process.child.send_signal(signal.SIGHUP)
        all_say("is not good", "is not good")
        file.unlink()
        process.child.send_signal(signal.SIGHUP)
        all_say("is not good", "is not good", 2)
        file.write_text(good)
        for _ in range(3):
            process.child.send_signal(signal.SIGUSR1)
        self.lives(process)
        self.assertEqual(text().count(words), 2)
        process.child.send_signal(signal.SIGHUP)
        all_say(words, "read again from ", 3)
        self.assertEqual(process.stop()[0], 0)

    def herd(self, keys=False, **more):
        file, self.ports = write_topology(self.folder, LINE, **more)
        if keys:
            subprocess.run([BUILD / "zherd", "keygen", file], check=True, capture_output=True)
        return file

    def node(self, words, keys=False, before=()):
        file = self.herd(keys)
        process = self.run_it("Ball", *before, BUILD / "zherd-gateway", "--topology", file,
                              "--node", "Ball", "--log-dir", self.folder / "log")
        self.take_signals(process, (self.folder / "log" / "Ball.log").read_text,
                          words + str(file), file, change=TAKEN)
        self.assertIn("zherd-gateway Ball: ", process.err.read_text())

    def test_a_node_without_keys(self):
        self.node(" reload - read again from ")

    def test_a_node_with_nohup(self):
        self.node(" reload - read again from ", before=NOHUP)

    def test_a_node_with_keys(self):
        self.node(" keys - read again from ", keys=True)

    def places(self, words, *role, keys=False, before=()):
        file = self.herd(keys)
        process = self.run_it("placesd", *before, BUILD / "placesd", *role, "--topology", file)
        self.take_signals(process, process.err.read_text, words + str(file), file)

    def test_places_without_keys(self):
        for role in ((), ("broker",), ("worker",)):
            with self.subTest(role=role):
                self.places("Z read again from ", *role)

    def test_places_with_nohup(self):
        self.places("Z read again from ", before=NOHUP)

    def test_places_with_keys(self):
        self.places("Z keys read again from ", keys=True)
        self.places("Z keys read again from ", "broker", keys=True)
        self.places("Z keys read again from ", "worker", keys=True)

    def up(self, before=()):
        file = self.herd()
        process = self.run_it("up", *before, BUILD / "zherd", "up", file)
        children = children_of(process.child.pid)
        log = self.folder / "log"

        def text():
            return process.out.read_text() + process.err.read_text()

        self.assertEqual(len(children), 3)
        self.take_signals(process, text, f"read again from {file}", file,
                          [(log / name).read_text for name in ("Alford.log", "Ball.log",
                                                               "placesd.err")], change=LATER)
        self.assertNotIn("starting it again", process.out.read_text())

    def test_up(self):
        self.up()

    def test_up_with_nohup(self):
        self.up(before=NOHUP)

    def test_tap(self):
        for keys in (False, True):
            with self.subTest(keys=keys):
                file = self.herd(keys, places=False, observers=["Ear-Ball"])
                process = self.run_it("tap", BUILD / "zherd", "tap", file, "Ball", ready=None)
                wait_for("it to listen", lambda: "listens to" in process.err.read_text())
                self.take_signals(process, process.err.read_text,
                                  f"zherd tap: read again from {file}", file)

    def test_short_commands_and_imports(self):
        database, file = self.folder / "a.db", self.folder / "a.json"
        os.mkfifo(file)
        importing = self.run_it("import", BUILD / "zherd-landmarks", "import", database, file,
                                ready=None)
        with open(file, "w", encoding="utf-8") as source:
            source.write(place("one"))
            source.flush()
            wait_for("the draft", (self.folder / "a.db.import").exists)
            for number in (signal.SIGHUP, signal.SIGUSR1):
                importing.child.send_signal(number)
            self.lives(importing)
        self.assertEqual(importing.child.wait(10), 0)
        self.assertTrue(database.exists())

    def test_what_another_program_writes_may_be_half_of_it(self):
        for before, status in ((), 1), (NOHUP, 0):
            with self.subTest(before=before):
                database = self.folder / f"b{status}.db"
                with subprocess.Popen([*before, BUILD / "zherd-landmarks", "import", database],
                                      stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) as importing:
                    importing.stdin.write(place("one").encode())
                    importing.stdin.flush()
                    wait_for("the draft", pathlib.Path(f"{database}.import").exists)
                    importing.send_signal(signal.SIGUSR1)
                    importing.send_signal(signal.SIGHUP)
                    time.sleep(0.2)
                    importing.stdin.close()
                    self.assertEqual(importing.wait(10), status)
                self.assertEqual(database.exists(), status == 0)


class Places(Folder):
    """A database and a key are taken at HUP, unless they are not good."""

    def answers(self, name):
        front = Front(self.service.front)
        self.addCleanup(front.close)
        code, body = front.answer(latitude=20, longitude=10)
        self.assertEqual(code, OK, body)
        self.assertEqual([place["name"] for place in body["results"]], [name])

    def spoil(self, database, hang_up, stays):
        """A file that is no database replaces a good one: the server goes on with the old one."""
        good = database.read_bytes()
        for count, text in enumerate((None, b"", b"nonsense" * 1000), 1):
            database.unlink(missing_ok=True)
            if text is not None:
                database.write_bytes(text)
            hang_up()
            stays(count)
        database.unlink()
        database.write_bytes(good)

    def test_a_database_beside_the_broker(self):
        database = self.folder / "places.db"
        fill(database, "old")
        self.service = Service(self.folder, more=f"    database = {database}\n    cache_s = 0\n")
        process = self.service.start()
        self.addCleanup(self.service.close)
        self.answers("old")
        fill(database, "new")
        process.child.send_signal(signal.SIGHUP)
        self.says(f"database {database} read again", process.err.read_text)
        self.answers("new")

        def stays(count):
            self.says(f"database {database} stays as it was: ", process.err.read_text, count)
            self.answers("new")

        self.spoil(database, lambda: process.child.send_signal(signal.SIGHUP), stays)

    def test_a_standard_error_that_nobody_reads(self):
        """A pipe that is full before placesd has said a word."""
        database = self.folder / "places.db"
        fill(database, "old")
        self.service = Service(self.folder, more=f"    database = {database}\n")
        reader, pipe = os.pipe()
        os.set_blocking(pipe, False)
        try:
            while True:
                os.write(pipe, bytes(4096))
        except BlockingIOError:
            os.set_blocking(pipe, True)
        out = self.folder / "placesd.out"
        with open(out, "wb") as file:
            child = subprocess.Popen([BUILD / "placesd", "--topology", self.service.file],
                                     stdout=file, stderr=pipe)
        self.addCleanup(child.kill)
        os.close(pipe)
        wait_for("placesd to be ready", lambda: "ready" in out.read_text())
        self.answers("old")
        child.terminate()
        self.assertEqual(child.wait(5), 0)
        os.close(reader)

    def test_a_landmarks_server(self):
        database, port = self.folder / "places.db", free_ports(1)[0]
        fill(database, "old")
        process = self.run_it("serve", BUILD / "zherd-landmarks", "serve", database, "--listen",
                              f"127.0.0.1:{port}")
        url = (f"http://127.0.0.1:{port}/maps/api/place/nearbysearch/json?location=20,10"
               "&radius=100")

        def names(name):
            with urllib.request.urlopen(url, timeout=10) as answer:
                self.assertEqual([p["name"] for p in json.load(answer)["results"]], [name])

        names("old")
        fill(database, "new")
        process.child.send_signal(signal.SIGUSR1)
        self.lives(process)
        names("old")
        process.child.send_signal(signal.SIGHUP)
        self.says(f"zherd-landmarks: {database} read again\n", process.err.read_text)
        names("new")

        def stays(count):
            self.says(f"zherd-landmarks: {database} stays as it was: ", process.err.read_text,
                      count)
            names("new")

        self.spoil(database, lambda: process.child.send_signal(signal.SIGHUP), stays)
        self.assertEqual(process.stop()[0], 0)

    def test_a_providers_key(self):
        paths = []

        class Listening(Answer):
            def do_GET(self):
                paths.append(self.path)
                super().do_GET()

        provider = Provider()
        self.addCleanup(provider.close)
        provider.RequestHandlerClass = Listening
        self.service = Service(self.folder, provider.url(), more="    cache_s = 0\n")
        self.addCleanup(self.service.close)
        process, key = self.service.start(), self.service.key
        front = Front(self.service.front)
        self.addCleanup(front.close)

        def asks_with(wanted):
            front.answer()
            self.assertTrue(paths[-1].endswith(f"key={wanted}"), paths[-1])

        asks_with(CANARY)
        key.write_text("next-key\n")
        process.child.send_signal(signal.SIGHUP)
        self.says(f"key_file {key} read again", process.err.read_text)
        asks_with("next-key")
        for count, text in enumerate((None, "", "two words\n", "x" * 5000), 1):
            key.unlink(missing_ok=True)
            if text is not None:
                key.touch(0o600)
                key.write_text(text)
            process.child.send_signal(signal.SIGHUP)
            self.says("the key stays as it was: key_file ", process.err.read_text, count)
            asks_with("next-key")
        key.chmod(0o644)
        key.write_text("third-key\n")
        process.child.send_signal(signal.SIGHUP)
        self.says("is not its owner's alone", process.err.read_text)
        asks_with("next-key")

        # A provider may repeat the old key it was asked with; the answer must not reach our clients.
        key.chmod(0o600)
        provider.delay, provider.body = 1.0, {"html_attributions": [], "status": "OK",
                                              "results": [{"name": "by next-key"}]}
        number = front.ask()
        wait_for("the question", lambda: len(paths) > 7)
        process.child.send_signal(signal.SIGHUP)
        self.says(f"key_file {key} read again", process.err.read_text, 2)
        front.take_all()
        self.assertNotIn("next-key", str(front.answers[number]))
        self.assertNotIn(b"next-key", front.bytes)
        provider.delay, provider.body = 0, {"html_attributions": [], "results": [],
                                            "status": "ZERO_RESULTS"}

        def is_asked_anew():  # after such an answer the provider is left alone for a moment
            front.answer()
            return paths[-1].endswith("key=third-key")

        wait_for("a question with the new key", is_asked_anew)
        self.assertNotIn("-key", re.sub("key_file.*|the key stays.*", "", process.err.read_text()))


class Logs(Folder):
    def setUp(self):
        super().setUp()
        self.file, self.ports = write_topology(self.folder, LINE, places=False)
        self.log = self.folder / "log" / "Ball.log"

    def node(self, *more):
        return self.run_it("Ball", BUILD / "zherd-gateway", "--topology", self.file, "--node",
                           "Ball", "--log-dir", "log", *more)

    def tell(self, count, first=0):
        with Client(self.ports["Ball"]) as client:
            for number in range(first, first + count):
                client.ask(f"IAMAT client{number} {UCLA} 1")

    def test_moved_logs_and_outputs(self):
        for number in (signal.SIGHUP, signal.SIGUSR1):
            node = self.node()
            for path in (self.log, node.out, node.err):
                path.rename(f"{path}.old")
            node.child.send_signal(number)
            for path in (self.log, node.out, node.err):
                wait_for(f"{path} to be there again", path.exists)
            self.file.write_text(self.file.read_text() + "nonsense\n")
            node.child.send_signal(signal.SIGHUP)
            self.says("nonsense", node.err.read_text)
            self.file.write_text(self.file.read_text().replace("nonsense\n", ""))
            self.tell(1)
            self.says(" command 1 IAMAT client0", self.log.read_text)
            self.assertEqual(node.stop()[0], 0)
            self.assertNotIn("IAMAT", pathlib.Path(f"{self.log}.old").read_text())
            self.assertEqual(pathlib.Path(f"{node.err}.old").read_text(), "")
            self.log.unlink()

    def lost(self, text):
        """What the log itself says is missing, in all; and what its last line says."""
        reported = [int(n) for n in re.findall(r"Z fault - (\d+) bytes were lost here\n", text)]
        return sum(reported), int(re.search(r"log_bytes_lost (\d+)", text).group(1))

    def test_a_deleted_folder(self):
        node = self.node()
        shutil.rmtree(self.log.parent)
        wait_for("the log to be made again", self.log.exists)
        self.tell(3)
        self.says(" reply ", self.log.read_text, 3)
        node.stop()
        reported, lost = self.lost(self.log.read_text())
        self.assertEqual(reported, lost)
        self.assertEqual(node.err.read_text(), "")

    def test_a_limit_on_files(self):
        """As a full disk, but that an ordinary user can have one."""
        node = self.node()
        _, hard = resource.prlimit(node.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(node.child.pid, resource.RLIMIT_FSIZE,
                         (self.log.stat().st_size + 1000, hard))
        self.tell(500)
        self.lives(node)
        self.says("zherd-gateway Ball: cannot write the log log/Ball.log: File too large",
                  node.err.read_text)
        resource.prlimit(node.child.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.says(" bytes were lost here\n", self.log.read_text)
        self.tell(2, 1000)
        node.stop()
        text = self.log.read_text()
        reported, lost = self.lost(text)
        self.assertEqual(reported, lost)
        # 500 commands and their replies are lost but for the first few: all of 27 bytes and more.
        self.assertGreater(lost, 500 * 2 * 60)
        self.assertIn("IAMAT client1001", text)

    def test_a_full_disk(self):
        """A tmpfs of 64 KiB, in a name space of its own."""
        (self.folder / "log").mkdir()
        script = ('mount -t tmpfs -o size=64k none "$1" && '
                  'dd if=/dev/zero of="$1/filler" bs=1k count=48 2>/dev/null && shift && exec "$@"')
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh",
                   "log"]
        if subprocess.run([*command, "true"], cwd=self.folder, capture_output=True).returncode:
            self.skipTest("this machine gives nobody a mount name space of their own")
        node = self.run_it("Ball", *command, BUILD / "zherd-gateway", "--topology", self.file,
                           "--node", "Ball", "--log-dir", "log")
        inside = pathlib.Path(f"/proc/{node.child.pid}/root{self.folder}/log")
        log = inside / "Ball.log"
        self.tell(500)
        self.lives(node)
        self.says("No space left on device", node.err.read_text)
        (inside / "filler").unlink()
        self.says(" bytes were lost here\n", log.read_text)
        self.tell(2, 1000)
        self.says("IAMAT client1001", log.read_text)
        before = log.read_text()
        os.kill(node.child.pid, signal.SIGTERM)
        self.assertEqual(node.child.wait(5), 0)
        reported = [int(n) for n in re.findall(r"Z fault - (\d+) bytes were lost here\n", before)]
        self.assertGreater(sum(reported), 500 * 2 * 60 - 16 * 1024)

    def test_a_limit_on_lines(self):
        node = self.node("--log", "events", "--log-rate", "2")
        for _ in range(20):
            self.tell(1)
        self.assertEqual(node.stop()[0], 0)
        text = self.log.read_text()
        missing = sum(int(n) for n in re.findall(r"Z fault - (\d+) lines not written\n", text))
        self.assertGreater(missing, 0)
        self.assertEqual(len(re.findall(r"Z (?:dis)?connect \d", text)) + missing, 2 * 20)

    def blocked(self):
        """A node whose log is a pipe that nobody reads, after more than it may queue; the pipe."""
        self.log.parent.mkdir()
        os.mkfifo(self.log)
        node = self.node()  # without a reader
        pipe = os.open(self.log, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        with Client(self.ports["Ball"]) as client:
            for number in range(1000):  # 16 KB each for the line and for its reply
                client.ask("x" + "\1" * 4000 + str(number))
        return node, pipe

    def test_nobody_reads_the_log_nor_standard_error(self):
        self.log.parent.mkdir()
        os.mkfifo(self.log)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        node = subprocess.Popen([BUILD / "zherd-gateway", "--topology", self.file, "--node", "Ball",
                                 "--log-dir", self.log.parent], stdout=subprocess.PIPE,
                                stderr=writer)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        self.addCleanup(node.stdout.close)
        os.close(writer)
        self.assertEqual(node.stdout.readline(), b"ready\n")
        with Client(self.ports["Ball"]) as client:
            for number in range(1000):  # more than the log may queue: it says that lines are lost
                client.ask("x" + "\1" * 4000 + str(number))
        self.file.write_text(self.file.read_text() + "nonsense\n")
        node.send_signal(signal.SIGHUP)  # it says that the file is not good
        time.sleep(0.2)
        self.tell(2)
        self.assertEqual(os.read(reader, 4096), b"x" * 4096)  # what it says is not there yet
        begun = time.monotonic()
        with Client(self.ports["Ball"]) as client:  # stays open
            client.ask(f"IAMAT client {UCLA} 1")
            node.terminate()
            self.assertEqual(node.wait(5), 0)
        # 0.7 s for the client, 2 s for the log; ThreadSanitizer ends one later. `zherd up` waits for 5.
        self.assertLess(time.monotonic() - begun, 4)

    def test_a_pipe_that_nobody_reads(self):
        node, pipe = self.blocked()
        self.tell(2)
        self.says("does not keep up", node.err.read_text)
        text = ""

        def read(what):
            nonlocal text
            with contextlib.suppress(BlockingIOError):
                while more := os.read(pipe, 65536):
                    text += more.decode()
            return what in text

        wait_for("the gap to be told", lambda: read(" bytes were lost here\n"))
        self.tell(2, 1000)
        wait_for("a line after it", lambda: read("IAMAT client1001"))
        self.assertNotIn("IAMAT client1 ", text)
        node.child.terminate()
        wait_for("the last line", lambda: read(" log_bytes_lost ") and text.endswith("\n"))
        self.assertEqual(node.child.wait(5), 0)
        told, lost = self.lost(text)
        self.assertEqual(told, lost)

    def test_a_log_that_blocks_at_the_end(self):
        node, _ = self.blocked()
        self.assertEqual(node.stop()[0], 0)
        self.says("blocks: its last lines are not written", node.err.read_text)


class SecondUp(Folder):
    def setUp(self):
        super().setUp()
        self.file, self.ports = write_topology(self.folder, LINE)

    def start(self, label="up", *more):
        return self.run_it(label, BUILD / "zherd", "up", *more, self.file)

    def state(self):
        """Every file here, as it is known to the system."""
        return {path: path.stat().st_ino for path in self.folder.rglob("*")
                if not path.name.startswith("second")}

    def refused(self, said, *words):
        before = self.state()
        second = subprocess.run([BUILD / "zherd", "up", *map(str, words)], cwd=self.folder,
                                capture_output=True, text=True, timeout=20)
        self.assertEqual((second.returncode, second.stdout), (1, ""), second)
        self.assertRegex(second.stderr, said)
        self.assertEqual(len(second.stderr.splitlines()), 1)
        self.assertEqual(self.state(), before)

    def test_it_is_refused_and_touches_nothing(self):
        first = self.start()
        self.assertTrue((self.folder / "log" / "Ball.err").exists())
        pid = first.child.pid
        self.refused(rf"^zherd up: .*herd.zpl is in use: process {pid} runs this herd$", self.file)
        self.refused(rf"is in use: process {pid} runs this herd$", "--log-dir", "other", self.file)
        os.link(self.file, self.folder / "linked.zpl")
        self.refused(rf"linked.zpl is in use: process {pid} runs this herd$", "linked.zpl")
        shutil.copy(self.file, self.folder / "copy.zpl")
        self.refused(rf"^zherd up: log is in use: process {pid} writes the logs of its herd there$",
                     "copy.zpl")
        # An editor puts another file in its place.
        (self.folder / "copy.zpl").rename(self.file)
        first.child.send_signal(signal.SIGUSR1)
        wait_for("the new file to be held", lambda: f":{self.file.stat().st_ino} " in
                 pathlib.Path("/proc/locks").read_text())
        self.refused(rf"is in use: process {pid} runs this herd$", "--log-dir", "other", self.file)
        self.assertIsNone(first.child.poll())
        self.assertEqual(first.stop()[0], 0)

    def test_no_lock_outlives_its_holder(self):
        first = self.start()
        children = children_of(first.child.pid)
        first.kill()
        for pid in children:
            wait_for(f"process {pid} to be gone", lambda: not alive(pid), 3)
        self.assertEqual(self.start("second").stop()[0], 0)
        self.assertEqual(self.start("third").stop()[0], 0)

    def test_a_deleted_folder_of_logs(self):
        first = self.start()
        shutil.rmtree(self.folder / "log")
        for name in ("Alford.log", "Alford.err", "Ball.log", "Ball.err", "placesd.err"):
            wait_for(f"{name} again", (self.folder / "log" / name).exists)
        self.refused(f"process {first.child.pid} runs this herd$", self.file)
        self.assertEqual(first.stop()[0], 0)

    def test_last_words_in_a_file_that_was_moved(self):
        first = self.start()
        victim = next(pid for pid, line in children_of(first.child.pid).items()
                      if "--node Ball" in line)
        errors = self.folder / "log" / "Ball.err"
        errors.write_text("x" * 1000 + "\n")
        errors.rename(f"{errors}.old")
        first.child.send_signal(signal.SIGUSR1)
        wait_for("another file", errors.exists)
        errors.write_text("the last word\n")
        os.kill(victim, signal.SIGKILL)
        self.says("Ball was killed by signal 9 (Killed): the last word; starting it again",
                  first.out.read_text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
