"""A node with little memory: how much its table takes, whom it refuses, and that it goes on.

By default a few seconds of attack; ROOM_SECONDS=300 makes minutes of it."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import threading
import time
import unittest

from rig import BUILD, PATIENCE, UCLA, Client, Herd, open_files_max, wait_for

PAIR = ["Alford-Ball"]
SECONDS = float(os.environ.get("ROOM_SECONDS", "5"))
MB = 1000 * 1000
MEMORY = 300 * MB
KNOWN = 20
LONG = b"x" * 65000


class Limited(Herd):
    """A herd each of whose nodes is started by some other program."""

    def __init__(self, starter, **options):
        self.starter = starter
        super().__init__(PAIR, places=False, **options)

    def command(self, name, *extra):
        return [*self.starter, *super().command(name, "--log", "events", *extra)]


def in_words(number, name, position=UCLA):
    return b"IAMAT %s %s %d\n" % (name, position.encode(), number)


class Attack:
    """New clients with long ids, as fast as they are answered."""

    def __init__(self, port, connections=4):
        self.ends = time.monotonic() + SECONDS
        self.port, self.sent, self.refused, self.lost = port, 0, 0, 0
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self, which):
        while time.monotonic() < self.ends:
            try:
                with Client(self.port) as client:
                    self.go_on(client, which)
            except (OSError, AssertionError):
                self.lost += 1

    def go_on(self, client, which):
        while time.monotonic() < self.ends:
            for _ in range(8):
                self.sent += 1
                client.send(in_words(1600000000, b"%d-%d-%s" % (which, self.sent, LONG)))
            for _ in range(8):
                self.refused += client.until(b"\n").startswith(b"?")

    def join(self):
        for thread in self.threads:
            thread.join()


def known_clients_are_served(case, herd):
    """Tells of all known clients again and again while the attack goes on; a client of one node is
    found at the other."""
    attack = Attack(herd.ports["Alford"])
    stamp = 1600000001
    with herd.client("Alford") as honest:
        while time.monotonic() < attack.ends:
            stamp += 1
            for i in range(KNOWN):
                honest.send(in_words(stamp, b"known-%d" % i))
            for i in range(KNOWN):
                case.assertRegex(honest.line(), rf"^AT Alford \S+ known-{i} ")
            time.sleep(0.05)
    attack.join()
    case.assertGreater(attack.refused, 0)
    case.assertEqual(attack.lost, 0)
    for name in ("Alford", "Ball"):
        case.assertTrue(herd.lives(name), herd.processes[name].err.read_text())
    for i in range(KNOWN):
        wait_for(f"known-{i} at Ball",
                 lambda: f" {stamp}" in herd.at_line("Ball", f"known-{i}"))
    wait_for("Alford to say so", lambda: "clients refused: the table is full (--max-table-bytes)"
             in herd.log("Alford"))
    case.assertEqual(herd.log("Alford").count("the table is nearly full"), 1)
    case.assertNotIn("locations of other nodes refused", herd.log("Ball"))
    case.assertNotIn("Ball down", herd.log("Alford"))


def start(herd):
    herd.start().linked()
    with herd.client("Alford") as honest:
        for i in range(KNOWN):
            honest.ask(in_words(1600000000, b"known-%d" % i).decode().rstrip())


def bytes_max(herd, name):
    return int(wait_for(f"{name} to say so", lambda: re.search(r" table_bytes_max (\d+)\n",
                                                               herd.log(name)))[1])


def make_group():
    """A control group for memory below ours, or below the one at the top where ours cannot be seen,
    of either version; or why there is none."""
    reason = "none is mounted"
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            root, limit = pathlib.Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"
        elif controllers == "":
            root, limit = pathlib.Path("/sys/fs/cgroup"), "memory.max"
        else:
            continue
        ours = root / path.strip("/")
        group = (ours if ours.exists() else root) / f"zherd-room-{os.getpid()}"
        try:
            group.mkdir()
            (group / limit).write_text(str(MEMORY))
            return group
        except OSError as error:
            if group.exists():
                group.rmdir()
            reason = str(error)
    return reason


def remove_group(group):
    """It is free a moment after its last process ended."""
    def removed():
        try:
            group.rmdir()
        except OSError:
            return False
        return True
    wait_for(f"{group} is left", removed)


def open_half_lines(port, count):
    """Connections that have sent most of a long line each, and read nothing."""
    waiting = []
    for _ in range(count):
        half = socket.create_connection(("127.0.0.1", port))
        half.setblocking(False)
        try:
            half.send(LONG)
        except OSError:
            pass
        waiting.append(half)
    return waiting


class Room(unittest.TestCase):
    def test_an_address_space_of_300_mb_suffices(self):
        with Limited(["prlimit", f"--as={MEMORY}"]) as herd:
            start(herd)
            self.assertEqual(bytes_max(herd, "Alford"), MEMORY // 4)
            known_clients_are_served(self, herd)

    def test_connections_that_find_no_memory_are_closed_and_no_others(self):
        open_files_max(self)
        with Limited(["prlimit", f"--as={MEMORY}"]) as herd, contextlib.ExitStack() as stack:
            start(herd)
            honest = stack.enter_context(herd.client("Alford"))
            for i in range(60):
                for half in open_half_lines(herd.ports["Alford"], 100):
                    stack.enter_context(half)
                self.assertRegex(honest.ask(f"IAMAT known-1 {UCLA} {1600000001 + i}"), "^AT ")
            line = honest.ask(f"IAMAT known-1 {UCLA} 1600001000")
            herd.everybody_holds("known-1", line)
            self.assertEqual(herd.processes["Alford"].err.read_text(), "")

    def test_a_control_group_of_300_mb_suffices(self):
        group = make_group()
        if isinstance(group, str):
            self.skipTest(f"no control group can be made: {group}")
        self.addCleanup(remove_group, group)
        enter = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
        with Limited(enter) as herd:
            start(herd)
            # The kernel keeps limits in whole pages.
            self.assertAlmostEqual(bytes_max(herd, "Alford"), MEMORY // 4, delta=4096)
            known_clients_are_served(self, herd)

    def test_up_divides_by_its_nodes(self):
        with Herd(PAIR, places=False) as herd:
            words = ["prlimit", f"--as={4000 * MB}", BUILD / "zherd", "up", "--log-dir",
                     herd.folder / "log", herd.file]
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as up:
                try:
                    wait_for("ready", lambda: "ready" in up.stdout.readline())
                    share = bytes_max(herd, "Ball")
                    self.assertEqual(bytes_max(herd, "Alford"), share)
                    self.assertLessEqual(share, 4000 * MB // 4 // 2)
                finally:
                    up.terminate()
                    up.communicate(timeout=PATIENCE)

    def test_a_smaller_table_differs_and_says_so(self):
        with Herd(PAIR, places=False, observers=["Ear-Ball"]) as herd:
            herd.start("Alford", extra=["--max-table-bytes", "64M"])
            herd.start("Ball", extra=["--max-table-bytes", "2M"])
            herd.linked()
            with herd.client("Alford") as client:
                for i in range(40):
                    self.assertRegex(client.ask(f"IAMAT {i}-{'y' * 60000} {UCLA} 1"), "^AT ")
                line = client.ask(f"IAMAT kiwi {UCLA} 1")
            wait_for("Ball says so", lambda: "locations of other nodes refused" in herd.log("Ball"))
            self.assertIn("the table is nearly full", herd.log("Ball"))
            with herd.client("Ball") as client:
                self.assertRegex(client.ask(f"IAMAT {'z' * 60000} {UCLA} 1"), r"^\? ")
            herd.everybody_holds("kiwi", line)  # there is room for a short one
            status = subprocess.run([BUILD / "zherd", "tap", "--status", herd.file, "Ball"],
                                    text=True, capture_output=True, timeout=PATIENCE).stdout
            clients, most, taken, room, refused = map(int, re.search(
                r"(?m)^table: clients (\d+) of (\d+), bytes (\d+) of (\d+), refused (\d+)$",
                status).groups())
            self.assertEqual((most, room), (4000000, 2 << 20))
            self.assertLess(clients, 41)
            self.assertTrue(room * 7 // 8 < taken <= room)
            self.assertGreaterEqual(refused, 40 - clients)

    def test_the_option_takes_bytes(self):
        for words, wanted in [("2097151", False), ("2M", True), ("2MB", False), ("", False),
                              ("0", False)]:
            with Herd(PAIR, places=False) as herd:
                command = herd.command("Nobody", "--max-table-bytes", words)
                done = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE)
                self.assertEqual(done.returncode, 1 if wanted else 2, done)
                if not wanted:
                    self.assertIn("--max-table-bytes takes bytes, at least 2M", done.stderr)


if __name__ == "__main__":
    unittest.main()
