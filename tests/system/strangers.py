"""Strangers at the bus of a node that has few descriptors: they hold some, and clients and neighbours
go on. With keys and without."""

import contextlib
import os
import re
import socket
import threading
import time
import unittest

from keys import keygen
from rig import UCLA, Herd, open_files_max, wait_for

DESCRIPTORS = 300
# What the node may hold of strangers, and some that it is about to close.
HELD_MAX = 300 // 16 + 1 + 50
STRANGERS = 1000
GREETING = (b"\xff" + bytes(8) + b"\x7f\x03\x00").ljust(12) + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"


class Narrow(Herd):
    """Alford may open few files."""

    def command(self, name, *extra):
        limit = ["prlimit", f"--nofile={DESCRIPTORS}"] if name == "Alford" else []
        return limit + super().command(name, *extra)


class Crowd:
    """Strangers that connect, say the same and then nothing, and come again when they are closed."""

    def __init__(self, port, says, address="127.0.0.2", rate=5000):
        self.port, self.says, self.address = port, says, address
        self.at_once = rate // 500
        self.over, self.made = threading.Event(), 0
        self.held = []
        self.thread = threading.Thread(target=self.run)

    def connect(self):
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.bind((self.address, 0))
        with contextlib.suppress(BlockingIOError):
            stranger.connect(("127.0.0.1", self.port))
        with contextlib.suppress(OSError):
            stranger.send(self.says() if callable(self.says) else self.says)
        self.made += 1
        return stranger

    def is_closed(self, stranger):
        try:
            return stranger.recv(4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def run(self):
        while not self.over.wait(0.002):
            left = [stranger for stranger in self.held if self.is_closed(stranger)]
            for stranger in left[:self.at_once]:
                self.held.remove(stranger)
                stranger.close()
            for _ in range(min(self.at_once, STRANGERS - len(self.held))):
                self.held.append(self.connect())

    def __enter__(self):
        self.thread.start()
        wait_for("all strangers to have come", lambda: self.made >= STRANGERS)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for stranger in self.held:
            stranger.close()


class Strangers(unittest.TestCase):
    def setUp(self):
        open_files_max(self)
        self.herd = Narrow(["Alford-Ball"], places=False)
        self.addCleanup(lambda: self.herd.__exit__(None, None, None))

    def bus_port(self):
        return int(re.search(r"name = Alford\n.*\n    bus = \S+:(\d+)",
                             self.herd.file.read_text()).group(1))

    def count_descriptors(self):
        """0 where they are hidden: a node with keys shows them to root alone (PR_SET_DUMPABLE)."""
        try:
            return len(os.listdir(f"/proc/{self.herd.processes['Alford'].child.pid}/fd"))
        except PermissionError:
            return 0

    def refused(self):
        return [int(count) for count in re.findall(
            r"fault - (\d+) connections to the bus refused: handshake failed or not finished, "
            r"\d+ of them to make room, most from (?:127\.0\.0\.[12]|an unknown address)$",
            self.herd.log("Alford"), re.MULTILINE)]

    def withstand(self, says, **how):
        self.herd.start().linked()
        before = self.count_descriptors()
        with Crowd(self.bus_port(), says, **how) as crowd:
            wait_for("the log to say so", lambda: sum(self.refused()) > 100)
            for number in range(20):
                with self.herd.client("Alford") as client:
                    began = time.monotonic()
                    client.ask(f"IAMAT c{number} {UCLA} 1621464827.9")
                    self.assertLess(time.monotonic() - began, 2)
            wait_for("strangers to hold few descriptors",
                     lambda: self.count_descriptors() < before + HELD_MAX)
            self.herd.kill("Ball")
            self.herd.start("Ball").linked()
            line = self.herd.at_line("Alford", "c7")
            self.herd.everybody_holds("c7", line)
            again = crowd.made
            wait_for("strangers to come again", lambda: crowd.made > again + 100)
            self.assertNotIn("link - Ball down: silence", self.herd.log("Alford"))
        wait_for("the descriptors to be free again",
                 lambda: self.count_descriptors() <= before + 2)

    def test_a_silence(self):
        self.withstand(b"")

    def test_b_half_greetings(self):
        self.withstand(GREETING[:20])

    def test_c_whole_handshakes_without_a_name(self):
        self.withstand(GREETING + READY)

    def test_d_silence_where_there_are_keys(self):
        keygen(self.herd.file)
        self.withstand(b"")

    def test_e_silence_from_the_address_of_the_neighbour(self):
        self.withstand(b"", address="127.0.0.1", rate=2000)

    def test_f_the_name_of_the_neighbour(self):
        name = b"Ball\0" + os.urandom(8)
        ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity" + \
            len(name).to_bytes(4, "big") + name
        message = b"\x00\x05hello"
        self.withstand(lambda: GREETING + b"\x04" + bytes([len(ready)]) + ready[:-8] +
                       os.urandom(8) + message)

    def test_g_who_comes_and_goes(self):
        self.herd.start().linked()
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", self.bus_port())) as visitor:
                visitor.send(b"GET / HTTP/1.0\r\n\r\n")
        wait_for("the log to say so", lambda: sum(self.refused()) == 30)

    def test_h_a_handshake_that_is_said_again_and_again(self):
        keygen(self.herd.file)
        self.herd.start().linked()
        hello = GREETING[:12] + b"CURVE".ljust(20, b"\0") + bytes(32) + \
            b"\x04\xc8\x05HELLO\x01\x00" + os.urandom(192)
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", self.bus_port())) as replay:
                replay.sendall(hello)
                with contextlib.suppress(ConnectionError):
                    while replay.recv(4096):
                        pass
        wait_for("the log to say so", lambda: sum(self.refused()) == 30)

    def test_i_nothing_is_said_of_a_quiet_herd(self):
        self.herd.start().linked()
        self.herd.kill("Ball")
        self.herd.start("Ball").linked()
        time.sleep(1.5)  # for a line that must not come
        self.assertEqual(self.refused(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
