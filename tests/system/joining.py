"""Joining and leaving: nodes that come back at once, into a large herd, or go in order; strangers."""

import pathlib
import random
import re
import socket
import struct
import threading
import time
import unittest

from clients import pour
from rig import UCLA, Herd, open_files_max, wait_for

BACK_SECONDS_MAX = 0.4  # 0.3 until the door of the clients opens at the latest
LINKED_SECONDS_MAX = 1.0
RESYNC_SECONDS_MAX = 2.0
STOP_SECONDS_MAX = 1.0
HANDSHAKE_SECONDS_MAX = 3.0  # what the bus grants for a greeting
GROWTH_BYTES_MAX = 64 << 20


def iamats(prefix, numbers, stamp=1):
    return b"".join(b"IAMAT %s%d %s %d.5\n" % (prefix, i, UCLA.encode(), stamp) for i in numbers)


class Joining(unittest.TestCase):
    def test_a_node_is_back_at_once_is_linked_and_knows_everything(self):
        with Herd(["A-B", "B-C", "C-A"], places=False).start() as herd:
            herd.linked()
            back = []
            for turn, name in enumerate("ABCABCAB"):
                other = "ABC"["ABC".index(name) - 1]
                with herd.client(other) as client:
                    line = client.ask(f"IAMAT kiwi {UCLA} {turn}.5")
                    herd.kill(name)
                    began = time.monotonic()
                    herd.start(name)
                    back.append(time.monotonic() - began - herd.processes[name].waited())
                    last = client.ask(f"IAMAT moa {UCLA} {turn}.5")
                wait_for(f"{name} to know what was said before and after",
                         lambda: herd.at_line(name, "kiwi") == line
                         and herd.at_line(name, "moa") == last, LINKED_SECONDS_MAX)
                herd.linked()
            self.assertLess(sorted(back)[len(back) // 2], BACK_SECONDS_MAX)

    def test_a_hundred_thousand_clients_are_back_in_two_seconds_while_updates_go_on(self):
        count = 100_000
        with Herd(["A-B", "A-C"], places=False).start(extra=("--log", "events")) as herd:
            herd.linked()
            pour(herd.ports["A"], iamats(b"c", range(count)), count)
            rng = random.Random(1)
            asked = [f"c{i}" for i in (0, count - 1, *rng.sample(range(count), 200))]
            wait_for("B to know them", lambda: self.hold_all(herd, "B", asked), 30)
            over = threading.Event()
            updates = threading.Thread(target=self.go_on, args=(herd, count, over))
            updates.start()
            try:
                herd.kill("B")
                waited = -herd.processes["A"].waited()
                began = time.monotonic()
                herd.start("B", extra=("--log", "events"))
                wait_for("B to know them again", lambda: self.hold_all(herd, "B", asked))
                took = time.monotonic() - began
                waited += sum(herd.processes[name].waited() for name in "AB")
            finally:
                over.set()
                updates.join()
            print(f"\n{count} clients were back after {took:.2f} s, of which {waited:.2f} s of waiting for"
                  " a processor")
            self.assertLess(took - waited, RESYNC_SECONDS_MAX)
            for name in "BCA":
                wait_for(f"{name} to agree", lambda: re.findall(
                    r"digest - \w+ equal \w+ clients (\d+)", herd.log(name))[-1:] == [str(count)])

    @staticmethod
    def go_on(herd, count, over):
        stamp = 2
        while not over.is_set():
            pour(herd.ports["A"], iamats(b"c", range(0, count, count // 500), stamp), 500)
            stamp += 1
            over.wait(0.05)

    @staticmethod
    def hold_all(herd, name, clients):
        with herd.client(name) as asker:
            asker.send("".join(f"WHATSAT {client} 1 0\n" for client in clients))
            for _ in clients:
                if not asker.line().startswith("AT "):
                    return False
                asker.until(b"\n\n")
        return True


class Leaving(unittest.TestCase):
    def test_an_orderly_stop_hands_on_everything(self):
        count = 20_000
        with Herd(["A-B"], places=False).start(extra=("--log", "events")) as herd:
            herd.linked()
            for turn in range(3):
                prefix = b"t%d." % turn
                pour(herd.ports["A"], iamats(prefix, range(count)), count)
                status, seconds = herd.processes["A"].stop()  # while much of it is still due
                self.assertEqual(status, 0)
                self.assertLess(seconds, STOP_SECONDS_MAX)
                for number in (0, count // 2, count - 1):
                    self.assertIsNotNone(herd.at_line("B", f"{prefix.decode()}{number}"))
                herd.start("A", extra=("--log", "events")).linked()
            herd.processes["B"].stop()
            counted = re.findall(r" stop .*clients (\d+) connections", herd.log("B"))
            self.assertEqual(counted, [str(3 * count)])
            self.assertIn("link - A down: goodbye", herd.log("B"))


def memory(pid):
    """Resident bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024


GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL".ljust(64, b"\0")
READY = b"\4\x2e\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\5Other"
STRANGERS = {
    "says nothing": b"",
    "a browser": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "half a greeting": GREETING[:20],
    "ZMTP 1": b"\1\0\3\0ab",
    "ZMTP 2": b"\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\0",
    "a greeting and then the longest frame": GREETING + READY + b"\2" + b"\x7f" + b"\xff" * 7,
    "a frame of a length below zero": GREETING + READY + b"\2" + b"\xff" * 8,
    "a frame that is too long, and comes": GREETING + READY + b"\2" + struct.pack(">Q", 1 << 30)
                                           + b"x" * (1 << 20),
    "noise": random.Random(5).randbytes(4096),
}


class Strangers(unittest.TestCase):
    def test_strangers_at_the_bus_cost_their_connection_and_little_else(self):
        open_files_max(self)
        with Herd(["A-B"], places=False).start() as herd:
            herd.linked()
            bus = int(re.findall(r"bus = tcp://127.0.0.1:(\d+)", herd.file.read_text())[0])
            pid = herd.processes["A"].child.pid
            before, lines = memory(pid), []
            try:
                for _ in range(200):
                    for said in STRANGERS.values():
                        line = socket.create_connection(("127.0.0.1", bus))
                        lines.append(line)
                        line.settimeout(2)
                        try:
                            line.sendall(said)
                        except OSError:
                            pass  # was refused in mid-sentence
                with herd.client("A") as client:
                    fact = client.ask(f"IAMAT kiwi {UCLA} 1.5")
                wait_for("B to hear of it", lambda: herd.at_line("B", "kiwi") == fact, 1)
                grown = memory(pid) - before
                began = time.monotonic()
                for line in lines:
                    wait_for("a stranger to be left", lambda: self.is_over(line))
                took = time.monotonic() - began
            finally:
                for line in lines:
                    line.close()
            print(f"\n{len(lines)} strangers: {grown / len(lines) / 1024:.1f} KiB each, "
                  f"all left after {took:.1f} s")
            self.assertLess(grown, GROWTH_BYTES_MAX)
            self.assertLess(took, HANDSHAKE_SECONDS_MAX + 2)
            self.assertNotIn("link - B down", herd.log("A"))

    @staticmethod
    def is_over(line):
        line.settimeout(0)
        try:
            while line.recv(65536):
                pass
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True


if __name__ == "__main__":
    unittest.main(verbosity=2)
