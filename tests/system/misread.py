"""Peers whose messages a node cannot use: its log names what is wrong, once for each kind."""

import re
import time
import unittest

import msgpack
import zmq

from rig import Herd, wait_for

HELLO, UPDATE, ACK = 1, 2, 3
MAGIC = b"zh\x01"
SESSION = 2**53 - 1


class Misfit:
    """A peer that sends what a test gives it, and reads Alford's HELLOs."""

    def __init__(self, herd, routing_id=b"Peer"):
        bus = dict(re.findall(r"name = (\w+)\n.*\n    bus = (\S+)", herd.file.read_text()))
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.bind(bus["Peer"])
        self.dealer = self.context.socket(zmq.DEALER)
        self.dealer.setsockopt(zmq.ROUTING_ID, routing_id)
        self.dealer.connect(bus["Alford"])

    def hear(self, kind=HELLO):
        """The next message of that kind, as a list."""
        while True:
            if not self.router.poll(10000):
                raise AssertionError("Alford says nothing")
            message = msgpack.unpackb(self.router.recv_multipart()[-1][3:])
            if message[0] == kind:
                return message

    def send(self, *fields):
        self.dealer.send(MAGIC + msgpack.packb(list(fields)))

    def hello(self, to, number=int):
        self.send(HELLO, number(SESSION), to,
                  {"herd": "trial", "node": "Peer", "version": number(1), "version_min": number(1),
                   "start": number(0), "have": number(0)})

    def close(self):
        self.context.destroy(linger=0)


class Misread(unittest.TestCase):
    def setUp(self):
        self.herd = Herd(["Alford-Peer"], places=False)
        self.addCleanup(lambda: self.herd.__exit__(None, None, None))
        self.herd.start("Alford")

    def join(self, routing_id=b"Peer"):
        misfit = Misfit(self.herd, routing_id)
        self.addCleanup(misfit.close)
        return misfit

    def faults(self):
        return re.findall(r"^\S+ fault - (.*)$", self.herd.log("Alford"), re.MULTILINE)

    def expect(self, *faults):
        """These lines and no others."""
        wait_for(f"the log has {faults}", lambda: len(self.faults()) >= len(faults))
        time.sleep(0.3)  # for one too many
        self.assertEqual(self.faults(), list(faults))

    def stop(self):
        """The counters of the last line."""
        self.assertEqual(self.herd.processes["Alford"].stop()[0], 0)
        last = self.herd.log("Alford").splitlines()[-1]
        return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)(?= |$)", last)}

    def test_a_incarnation_that_is_rounded(self):
        peer = self.join()
        incarnation = peer.hear()[1]
        # One in a thousand incarnations is a double already; then the next one is taken for it.
        rounded = int(float(incarnation)) if int(float(incarnation)) != incarnation else incarnation + 1
        for _ in range(3):
            peer.hello(rounded)
        self.expect(f"Peer is misread: to is {rounded} where our incarnation is {incarnation}: rounded, as "
                    "languages of doubles do")
        self.assertNotIn("link - Peer up", self.herd.log("Alford"))
        self.assertEqual(self.stop()["misnamed"], 3)

    def test_a_incarnation_that_is_a_float(self):
        peer = self.join()
        began = time.monotonic()
        while time.monotonic() < began + 3:  # 20 HELLOs of Alford and more
            peer.hear()
            peer.hello(1.25e19)
        self.expect("Peer is misread: to is the float 1.25e+19 (beyond 2^53): a whole number, 0 or "
                    "more, is needed")
        self.assertNotIn("silent", self.herd.log("Alford"))
        self.assertGreater(self.stop()["malformed"], 10)

    def test_a_field_of_a_location(self):
        peer = self.join()
        peer.hello(peer.hear()[1])
        incarnation = peer.hear(ACK)[1]
        good = [b"c", b"+1-1", b"1", "Peer", 0, 10**9]
        peer.send(UPDATE, SESSION, incarnation, 0, 2, 0, [good, good[:5] + [1e9 + 0.5]])
        self.expect("Peer is misread: UPDATE: location 2: order_ns is the float 1000000000.5: a whole "
                    "number is needed")
        peer.send(UPDATE, SESSION, incarnation, 0, 1, 0, [good])
        wait_for("the good one", lambda: self.herd.at_line("Alford", "c"))
        self.assertEqual(self.stop()["malformed"], 1)

    def test_frames_too_many(self):
        peer = self.join()
        peer.hear()
        peer.dealer.send_multipart([b"", MAGIC + msgpack.packb([6, SESSION, 0])])
        self.expect("Peer is misread: a message of 2 frames behind the routing id: 1 is needed")
        self.assertEqual(self.stop()["multiparts"], 1)

    def test_a_routing_id_of_nobody(self):
        peer = self.join(b"Pear\n\xff")
        incarnation = peer.hear()[1]
        for _ in range(3):
            peer.hello(incarnation)
        said = wait_for("the name", self.faults)
        self.assertEqual(len(said), 1)
        self.assertRegex(said[0], r"^Pear\\x0a\\xff is no neighbour in the file read at "
                         r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ: what it says is dropped$")
        self.assertEqual(self.stop()["strangers"], 3)

    def test_whole_floats_are_numbers(self):
        peer = self.join()
        peer.hello(peer.hear()[1], number=float)
        incarnation = peer.hear(ACK)[1]
        peer.send(float(UPDATE), float(SESSION), incarnation, 0.0, 1.0, -0.0,
                  [[b"c", b"+1-1", b"1", "Peer", -5e14, 1e9]])
        wait_for("the location", lambda: self.herd.at_line("Alford", "c"))
        self.assertEqual(self.herd.at_line("Alford", "c"), "AT Peer -500000.000000000 c +1-1 1")
        self.expect()


if __name__ == "__main__":
    unittest.main(verbosity=2)
