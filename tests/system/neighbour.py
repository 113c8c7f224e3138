"""What one neighbour's key can do to a node, and what it cannot. The neighbour is played by the test."""

import re
import threading
import time
import unittest

import msgpack
import zmq

from rig import UCLA, Herd, wait_for

HELLO, UPDATE, ACK, HEARTBEAT = 1, 2, 3, 4
MAGIC = b"zh\x01"
STAMP = b"1621464827.959498503"
ORDER = 1621464827959498503


class Neighbour:
    """A peer of Alford that says what a test wants it to."""

    def __init__(self, herd, name="Peer"):
        bus = dict(re.findall(r"name = (\w+)\n.*\n    bus = (\S+)", herd.file.read_text()))
        self.name, self.incarnation, self.position = name, 2**40, 0
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.bind(bus[name])
        self.dealer = self.context.socket(zmq.DEALER)
        self.dealer.setsockopt(zmq.ROUTING_ID, name.encode())
        self.dealer.connect(bus["Alford"])
        self.theirs = self.hear(HELLO)[1]

    def hear(self, *kinds):
        """The next message of these kinds, as a list."""
        until = time.monotonic() + 10
        while True:
            if time.monotonic() > until or not self.router.poll(10000):
                raise AssertionError("Alford says nothing of that")
            message = msgpack.unpackb(self.router.recv_multipart()[-1][3:])
            if message[0] in kinds:
                return message

    def send(self, kind, *fields):
        self.dealer.send(MAGIC + msgpack.packb([kind, self.incarnation, self.theirs, *fields]))

    def hello(self):
        self.send(HELLO, {"herd": "trial", "node": self.name, "version": 2, "version_min": 1,
                          "start": 0, "have": 0, "ceiling": 2**63 - 1, "clocks": []})

    def greet(self):
        self.hello()
        self.hear(ACK, UPDATE)

    def say(self, client, origin, order=ORDER):
        """A location; how many of ours were refused by then."""
        self.position += 1
        self.send(UPDATE, self.position - 1, self.position, 0,
                  [[client.encode(), UCLA.encode(), STAMP, origin, 263873386, order]], 0)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            message = self.hear(UPDATE, ACK, HEARTBEAT)
            have = message[{UPDATE: 5, ACK: 3, HEARTBEAT: 4}[message[0]]]
            if have >= self.position:
                return message[{UPDATE: 7, ACK: 5, HEARTBEAT: 7}[message[0]]]
        raise AssertionError(f"{client} is not acknowledged")

    def close(self):
        self.context.destroy(linger=0)


class OneKey(unittest.TestCase):
    def open(self, links=("Alford-Peer",), observers=(), name="Peer"):
        self.herd = Herd(list(links), places=False, observers=observers)
        self.addCleanup(lambda: self.herd.__exit__(None, None, None))
        self.herd.start("Alford")
        neighbour = Neighbour(self.herd, name)
        self.addCleanup(neighbour.close)
        return neighbour

    def faults(self):
        return re.findall(r"^\S+ fault - (.*)$", self.herd.log("Alford"), re.MULTILINE)

    def test_ever_another_incarnation_is_met_once_a_second(self):
        peer = self.open()
        peer.greet()
        stop = threading.Event()

        def flood():
            began, said = time.monotonic(), 0
            while not stop.wait(max(0, began + said / 459 - time.monotonic())):
                peer.incarnation += 1
                peer.hello()
                said += 1

        thread = threading.Thread(target=flood)
        thread.start()
        began = time.monotonic()
        try:
            with self.herd.client("Alford") as client:
                while time.monotonic() < began + 4:
                    self.assertRegex(client.ask(f"IAMAT kiwi {UCLA} {time.time():.6f}"),
                                     "^AT Alford ")
        finally:
            stop.set()
            thread.join()
        seconds = time.monotonic() - began
        ups = self.herd.log("Alford").count("link - Peer up")
        self.assertGreater(ups, 3)
        self.assertLessEqual(ups, 1 + 3 + seconds)
        self.assertEqual(self.faults(), ["Peer is misread: it says HELLO as another incarnation all "
                                         "the time: one a second is met"])
        peer.incarnation += 1
        wait_for("the last one", lambda: peer.hello() or
                 self.herd.log("Alford").count("link - Peer up") > ups)

    def test_locations_come_from_nodes_and_sixteen_others(self):
        peer = self.open()
        peer.greet()
        for origin in ("Alford", "Peer", *(f"x{i}" for i in range(16))):
            self.assertEqual(peer.say(f"of-{origin}", origin), 0)
            self.assertEqual(self.herd.at_line("Alford", f"of-{origin}"),
                             f"AT {origin} +0.263873386 of-{origin} {UCLA} {STAMP.decode()}")
        self.assertEqual(peer.say("of-x16", "x16"), 1)
        self.assertEqual(peer.say("late", "Peer", 2**62 + 1), 2)
        self.assertEqual(peer.say("of-x15", "x15"), 2)
        wait_for("both faults", lambda: len(self.faults()) == 2)
        self.assertEqual(self.faults(), [
            "a location of Peer is not kept: its origin x16 is no node of our file, and there are "
            "enough of those",
            f"a location of Peer is not kept: its order_ns is {2**62 + 1}, beyond 2^62"])

    def test_an_observer_writes_in_nobody_s_name(self):
        ear = self.open(("Alford-Ball",), ("Ear-Alford",), "Ear")
        with self.herd.client("Alford") as client:
            line = client.ask(f"IAMAT kiwi {UCLA} {STAMP.decode()}")
        ear.greet()
        self.assertEqual(ear.say("kiwi", "Alford", ORDER + 1), 1)
        self.assertEqual(self.herd.at_line("Alford", "kiwi"), line)
        self.assertEqual(ear.say("plum", "Alford"), 1)  # Alford has just started, and knows none
        wait_for("the fault", lambda: len(self.faults()) == 1)
        self.assertEqual(self.faults(), ["a location of Ear is not kept: an observer has nothing to "
                                         "say of client kiwi"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
