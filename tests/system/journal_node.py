"""A node with a journal on disks that fail, and what is made of a journal that somebody else wrote or
that has rotted.

    tests/system/journal_node.py            what a run of all tests does
    tests/system/journal_node.py flips N    N single-bit flips, each with a start of the program"""

import os
import pathlib
import pty
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import msgpack

import journal_blocks as blocks
import rig

FLIPS = 20
CLIENTS = 120
# mount(8) says the old options once more, and not all of them may be said in a user namespace.
REMOUNT = ("import ctypes, sys; at, how = (word.encode() for word in sys.argv[1:]); "
           "sys.exit(ctypes.CDLL(None).mount(b'none', at, b'tmpfs', 32, how) != 0)")
PATIENCE = 60
MIB = 1 << 20
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Node:
    """A lone node with a journal in a folder of ours."""

    def __init__(self, case, journal="always", data=None, more=""):
        self.herd = rig.Herd(links=[], nodes=["Alford"], places=False,
                             observers=["Ear-Alford"])
        case.enterContext(self.herd)
        text = self.herd.file.read_text()
        self.herd.file.write_text(
            text.replace("herd\n", f"herd\n    journal = {journal}\n{more}", 1))
        if data is None:
            data = tempfile.mkdtemp(prefix="zherd-data-", dir=MEMORY)
            case.addCleanup(shutil.rmtree, data, ignore_errors=True)
        self.data = pathlib.Path(data)
        self.folder = self.data / "Alford.journal"

    def start(self, *extra):
        self.herd.launch("Alford", "--data-dir", self.data, *extra).says("^ready", PATIENCE)
        return self

    def iamat(self, clients, degree):
        with self.herd.client("Alford") as speaker:
            speaker.send("".join(f"IAMAT {client} +{degree}.5-118.25 {time.time():.9f}\n"
                                 for client in clients))
            return speaker.lines(len(clients))

    def holds(self, clients):
        """{client: AT line}, of those that are known."""
        with self.herd.client("Alford") as asker:
            asker.send("".join(f"WHATSAT {client} 1 0\n" for client in clients))
            asker.half_close()
            lines = asker.rest().decode("latin-1").splitlines()
        return {line.split()[3]: line for line in lines if line.startswith("AT ")}

    def logs(self, pattern, seconds=PATIENCE):
        return rig.wait_for(f"{pattern!r} in the log",
                            lambda: re.search(pattern, self.herd.log("Alford")), seconds)

    def dump(self):
        return run_journal("dump", self.folder).stdout

    def status(self):
        return subprocess.run([rig.BUILD / "zherd", "tap", self.herd.file, "Alford", "--status"],
                              capture_output=True, text=True, timeout=60).stdout


def run_journal(what, folder):
    return subprocess.run([rig.BUILD / "zherd", "journal", what, folder], capture_output=True,
                          encoding="latin-1", timeout=60)


def names(count):
    return [f"c{number:03d}" for number in range(count)]


class Import(unittest.TestCase):
    def moved(self, text, *more):
        """A new node that begins with these lines, and what is in its journal then."""
        node = Node(self)
        path = node.herd.folder / "moved.at"
        path.write_text(text, encoding="latin-1")
        node.start("--import", path, *more)
        return node

    def test_what_was_dumped_is_imported_with_the_same_bytes(self):
        first = Node(self).start()
        first.iamat(names(50), 1)
        lines = first.iamat(names(50), 2) + first.iamat(["x", "\xff\x1b"], 3)
        rig.wait_for("all in the journal", lambda: len(first.dump().splitlines()) == 52, PATIENCE)
        dumped = first.dump()
        self.assertEqual(sorted(dumped.splitlines()), sorted(lines))
        second = self.moved(dumped)
        second.logs(r" import - \S+moved.at: 52 lines in \d+ ms: 52 taken, 0 known or older, "
                    r"0 expired, 0 refused, 0 bad\n")
        rig.wait_for("the same dump", lambda: sorted(second.dump().splitlines()) ==
                     sorted(dumped.splitlines()), PATIENCE)
        # And once more: nothing of it is newer, and what is newer stays.
        newer = second.iamat(["c007"], 8)
        rig.wait_for("it in the journal", lambda: newer[0] in second.dump(), PATIENCE)
        second.herd.kill("Alford")
        second.start("--import", second.herd.folder / "moved.at")
        second.logs(r"0 taken, 52 known or older")
        self.assertEqual(second.holds(["c007"]), {"c007": newer[0]})

    def test_bad_lines_are_counted_and_the_first_is_named(self):
        at = f"AT {{}} +0.263873386 {{}} +34.1-118.4 {time.time():.6f}\n"
        node = self.moved(at.format("Alford", "a") + "IAMAT a +1+1 1\n" + "\n" +
                          at.format("Nobody", "b") + at.format("Alford", "c") +
                          at.format("Alford", "torn")[:-3])
        node.logs(r" import - \S+: 6 lines in \d+ ms: 2 taken, 0 known or older, 0 expired, "
                  r"1 refused, 3 bad\n")
        node.logs(r" fault - \S+moved\.at:2: it is no AT line; 3 bad lines in all\n")
        node.logs(r" fault - 1 positions of \S+moved\.at were refused: there is no room, or they "
                  r"are of nodes that the herd does not know\n")
        self.assertEqual(sorted(node.holds(["a", "b", "c", "torn"])), ["a", "c"])

    def test_a_node_of_before_is_known(self):
        node = Node(self, more="    former = Clark\n")
        path = node.herd.folder / "moved.at"
        line = f"AT Clark +0.263873386 a +34.1-118.4 {time.time():.6f}"
        path.write_text(line + "\n")
        node.start("--import", path)
        self.assertEqual(node.holds(["a"]), {"a": line})

    def test_a_file_that_cannot_be_read_is_one_sentence(self):
        node = Node(self)
        for path, why in ((node.herd.folder / "none", "No such file or directory"),
                          (node.herd.folder, "Is a directory")):
            node.herd.launch("Alford", "--data-dir", node.data, "--import", path)
            self.assertEqual(node.herd.processes["Alford"].child.wait(PATIENCE), 1)
            said = node.herd.processes["Alford"].err.read_text().splitlines()
            self.assertEqual(said, [f"zherd-gateway Alford: {path}: {why}"])


class Disks(unittest.TestCase):
    def test_a_disk_that_is_full_is_served_on_and_caught_up_with(self):
        begin = ["unshare", "--mount", *([] if os.geteuid() == 0 else
                                         ["--user", "--map-root-user"])]
        if subprocess.run([*begin, "true"], capture_output=True).returncode != 0:
            self.skipTest("no mount namespaces here")
        node = Node(self)
        # The shell's standard input says when the disk is to grow.
        script = ('mount -t tmpfs -o size=40m none "$0" || exit 99; "$@" & child=$!; '
                  'trap "kill $child" TERM; while read -r size; do '
                  f'"{sys.executable}" -c "{REMOUNT}" "$0" "size=$size"; done; '
                  'wait $child; wait $child')
        words = [str(word) for word in node.herd.command("Alford", "--data-dir", node.data)]
        out = node.herd.folder / "full.out"
        with open(out, "wb") as file:
            shell = subprocess.Popen([*begin, "sh", "-c", script, str(node.data), *words],
                                     stdin=subprocess.PIPE, stdout=file)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.terminate)
        rig.wait_for("ready", lambda: b"ready" in out.read_bytes(), PATIENCE)
        lines = node.iamat(names(20), 4)
        node.logs(r" journal - it is in memory \(tmpfs\), and gone when this machine restarts\n")
        node.logs(r" fault - the journal cannot be written: No space left on device; "
                  r"20 positions wait\n")
        self.assertEqual(len(node.holds(names(20))), 20)
        rig.wait_for("the lag", lambda: re.search(
            r"(?m)^journal: positions not on the disk 20, the first for \d+\.\d s, "
            r"the last sync failed$", node.status()), PATIENCE)
        shell.stdin.write(b"400m\n")
        shell.stdin.flush()
        node.logs(r" journal - all positions are written again\n")
        rig.wait_for("no lag", lambda: re.search(
            r"(?m)^journal: positions not on the disk 0, the first for 0\.0 s, "
            r"the last sync went well$", node.status()), PATIENCE)
        self.assertEqual(sorted(node.holds(names(20)).values()), sorted(lines))
        shell.stdin.close()

    def test_a_disk_that_is_slow_is_said(self):
        """The layer below it (tests/bus/unsynced.h) ends no sync as long as a file is there."""
        node = Node(self)
        layer = {"ZHERD_UNSYNCED_FOLDER": str(node.folder.resolve()),
                 "LD_PRELOAD": "unsynced.so", "LD_LIBRARY_PATH": str(rig.BUILD.resolve())}
        node.herd.environment = lambda name: layer
        slow = node.folder.with_name(node.folder.name + ".slow")
        lines = node.start().iamat(names(20), 4)
        rig.wait_for("it in the journal",
                     lambda: set(lines) <= set(node.dump().splitlines()), PATIENCE)
        slow.touch()
        lines = node.iamat(names(20), 5)
        node.logs(r" fault - the journal's disk is slow: 20 positions wait, the first for "
                  r"[5-9]\d\d\d ms\n")
        slow.unlink()
        node.logs(r" journal - its disk is quick enough again\n")
        self.assertEqual(node.herd.processes["Alford"].stop(10)[0], 0)
        self.assertEqual(sorted(node.dump().splitlines()), sorted(lines))

        # Where reading takes longer than people look away a terminal shows how far it is. On a busy
        # machine a node may begin to read only when the disk is quick again.
        self.assertTrue(any(self.shows_progress(node, layer, slow, seconds)
                            for seconds in (1.2, 5, 20)))

    def shows_progress(self, node, layer, slow, seconds):
        """Whether it is shown that a journal is read, whose disk is slow for so long."""
        slow.touch()
        terminal, end = pty.openpty()
        command = [str(word) for word in node.herd.command("Alford", "--data-dir", node.data)]
        out = node.herd.folder / "slow.out"
        with open(out, "wb") as file:
            child = subprocess.Popen(command, stdout=file, stderr=end,
                                     env={**os.environ, **layer})
        late = threading.Timer(seconds, slow.unlink)
        late.start()
        try:
            rig.wait_for("ready", lambda: b"ready" in out.read_bytes(), PATIENCE)
        finally:
            late.join()
            child.kill()
            child.wait()
        os.write(end, b"!")
        shown = b""
        while not shown.endswith(b"!"):
            shown += os.read(terminal, 65536)
        os.close(end)
        os.close(terminal)
        return re.search(rb"^(\rreads the journal: \d+\.\d % )+\r {32}\r!$", shown)

    def test_a_limit_on_files_does_not_end_it(self):
        node = Node(self)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, before[1]))
        try:
            node.start()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        node.iamat(names(5), 4)
        node.logs(r" journal - this process may write no file of 64 MiB \(RLIMIT_FSIZE, ulimit -f\)")
        node.logs(r" fault - the journal cannot be written: File too large; 5 positions wait\n")
        self.assertEqual(len(node.holds(names(5))), 5)
        self.assertEqual(node.herd.processes["Alford"].stop(10)[0], 0)
        node.logs(r" fault - the journal ends without the newest position of 5 clients: ")

    def test_a_folder_that_cannot_be_written_is_served_on(self):
        if os.geteuid() == 0 and not shutil.which("chattr"):
            self.skipTest("root writes to any folder")
        node = Node(self, data=tempfile.mkdtemp(prefix="zherd-data-"))
        self.addCleanup(shutil.rmtree, node.data, ignore_errors=True)
        node.folder.mkdir()
        (node.folder / "lock").touch()
        if os.geteuid() == 0:
            if subprocess.run(["chattr", "+i", node.folder], capture_output=True).returncode != 0:
                self.skipTest("no folder can be made immutable here")
            self.addCleanup(subprocess.run, ["chattr", "-i", node.folder])
        else:
            node.folder.chmod(0o500)
        node.start()
        node.iamat(names(5), 4)
        node.logs(r" fault - the journal cannot be written: (Operation not permitted|"
                  r"Permission denied); 5 positions wait\n")
        self.assertEqual(len(node.holds(names(5))), 5)
        self.assertEqual(node.herd.processes["Alford"].stop(10)[0], 0)


def blocks_of(path):
    """[(offset, bytes, {clients})] of a segment, up to its zeros."""
    content, at, found = path.read_bytes(), 0, []
    while at < len(content) and content[at:at + 16] != bytes(16):
        size, _, _, _, count, _, _ = blocks.HEAD.unpack_from(content, at + 8)
        unpacker = msgpack.Unpacker()
        unpacker.feed(content[at + 8 + blocks.HEAD.size:at + size])
        found.append((at, size, {unpacker.unpack()[0].decode() for _ in range(count)}))
        at += size
    return found


class Flips(unittest.TestCase):
    count = FLIPS

    def test_a_bit_that_flips_costs_one_block_and_gives_no_wrong_answer(self):
        """Each start answers with what was said once; only clients of the block that was hit may be
        behind, or not there."""
        node = Node(self).start()
        said = {client: [] for client in names(CLIENTS)}
        for degree in range(1, 5):
            part = names(CLIENTS)[:CLIENTS // degree]
            for line in node.iamat(part, degree):
                said[line.split()[3]].append(line)
            rig.wait_for("it in the journal", lambda: set(
                lines[-1] for lines in said.values() if lines) <= set(node.dump().splitlines()),
                PATIENCE)
        node.herd.kill("Alford")
        kept = {path.name: path.read_bytes()[:MIB] for path in node.folder.glob("*.blocks")}
        for name, content in kept.items():
            (node.folder / name).write_bytes(content)
        found = [(name, *block) for name in kept for block in blocks_of(node.folder / name)]
        self.assertGreaterEqual(len(found), 6)
        random.seed(7)
        outcomes = {"newest": 0, "older": 0, "gone": 0}
        for number in range(self.count):
            name, at, size, clients = random.choice(found)
            bit = random.randrange(8 * size)
            with self.subTest(flip=number, segment=name, block=at, bit=bit):
                shutil.rmtree(node.folder)
                node.folder.mkdir()
                for other, content in kept.items():
                    content = bytearray(content)
                    if other == name:
                        content[at + bit // 8] ^= 1 << bit % 8
                    (node.folder / other).write_bytes(content)
                node.start()
                holds = node.holds(names(CLIENTS))
                node.herd.kill("Alford")
                self.assertLessEqual(set(holds), set(said))
                for client, lines in said.items():
                    if holds.get(client) == lines[-1]:
                        outcomes["newest"] += 1
                        continue
                    self.assertIn(client, clients)
                    self.assertIn(holds.get(client), [None, *lines[:-1]])
                    outcomes["older" if client in holds else "gone"] += 1
        print(f"{self.count} flips in {len(found)} blocks, {CLIENTS} clients each: "
              + ", ".join(f"{count} {what}" for what, count in outcomes.items()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["flips"]:
        Flips.count = int(sys.argv[2])
        sys.argv[1:] = ["Flips"]
    unittest.main(verbosity=2)
