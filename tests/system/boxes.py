"""Two nodes with a box in between that ends TCP (box.py): after anything it does to a connection, both
nodes are served again without an operator, and no connection that was replaced stays."""

import os
import threading
import time
import unittest

from box import HALVES, Box
from rig import BUILD, UCLA, Herd, free_ports, topology_text, wait_for

SERVED_SECONDS_MAX = 20.0
LOSSES, LOSS_PAUSE = 30, 0.7
SPARE_DESCRIPTORS_MAX = 3
CLOSED_SECONDS_MAX = 2.0
PORTS = 6  # of a herd


class BoxedHerd(Herd):
    """Ada and Bob. What Ada says to Bob goes through one box, what he says to her through another."""

    lock, pool = threading.Lock(), []

    def __init__(self):
        self.boxes = {}
        super().__init__(["Ada-Bob"], places=False)

    def settle(self, nodes):
        with BoxedHerd.lock:  # many are made at once
            if not BoxedHerd.pool:
                BoxedHerd.pool = free_ports(40 * PORTS)
            ports = [BoxedHerd.pool.pop() for _ in range(PORTS)]
        self.ports = dict(zip(nodes, ports))
        buses = dict(zip(nodes, ports[2:]))
        for node, port in zip(nodes, ports[4:]):
            other = nodes[1 - nodes.index(node)]
            self.boxes[node] = Box(buses[other], port)
            seen = {node: f"127.0.0.1:{buses[node]}", other: f"127.0.0.1:{port}"}
            clients = {name: f"127.0.0.1:{self.ports[name]}" for name in nodes}
            self.file_of(node).write_text(topology_text(clients, seen, self.links))

    def file_of(self, node):
        return self.folder / f"{node}.zpl"

    def command(self, name, *extra):
        return [BUILD / "zherd-gateway", "--topology", self.file_of(name), "--node", name,
                "--log-dir", self.folder / "log", *extra]

    def move(self, client):
        with self.client("Ada") as ada:
            return ada.ask(f"IAMAT {client} {UCLA} {time.time():.9f}")

    def descriptors(self, name):
        return len(os.listdir(f"/proc/{self.processes[name].child.pid}/fd"))

    def __exit__(self, *reason):
        for box in self.boxes.values():
            box.close()
        super().__exit__(*reason)


# What happens to the connections of Ada (and Bob): see Box.lose.
HAPPENINGS = {
    "a hole": ("Ada", "both"),
    "what Ada says is swallowed": ("Ada", "up"),
    "what comes back to Ada is swallowed": ("Ada", "down"),
    "Ada reads the end of its stream": ("Ada", "near", "ended"),
    "Bob reads the end of its stream": ("Ada", "far", "ended"),
    "Ada's half is closed": ("Ada", "near", "closed"),
    "Bob's half is closed": ("Ada", "far", "closed"),
    "Ada's half is reset": ("Ada", "near"),
    "Bob's half is reset": ("Ada", "far"),
    "holes both ways": ("Ada Bob", "both"),
    "the far halves are reset both ways": ("Ada Bob", "far"),
}


def happen(herd, name):
    whose, *how = HAPPENINGS[name]
    for node in whose.split():
        herd.boxes[node].lose(*how)


class Boxes(unittest.TestCase):
    def together(self, checks):
        """The checks wait most of their time: all at once, each with a herd of its own."""
        wrong, took = {}, {}

        def run(name):
            try:
                took[name] = checks[name]()
            except Exception as reason:  # each is reported at the end
                wrong[name] = reason
        threads = [threading.Thread(target=run, args=(name,)) for name in checks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name in took:
            print(f"\n{name}: {took[name]:.1f} s", end="")
        self.assertEqual(wrong, {})

    def linked(self):
        herd = BoxedHerd().start().linked()
        herd.everybody_holds("before", herd.move("before"))
        return herd

    @staticmethod
    def serve(herd, client, line, seconds=SERVED_SECONDS_MAX):
        """How long until Bob has heard of it."""
        began = time.monotonic()
        herd.everybody_holds(client, line, seconds=seconds)
        return time.monotonic() - began

    def check_busy(self, name):
        """An update that is sent after the loss arrives nevertheless."""
        with self.linked() as herd:
            happen(herd, name)
            return self.serve(herd, "after", herd.move("after"))

    def check_at_rest(self, name):
        """The link is whole again before it is needed."""
        with self.linked() as herd:
            time.sleep(0.5)  # until nothing is on the way
            happen(herd, name)
            time.sleep(SERVED_SECONDS_MAX)
            return self.serve(herd, "after", herd.move("after"), seconds=1)

    def check_mute(self, seconds):
        """The boxes accept and forward nothing for a while."""
        with self.linked() as herd:
            for box in herd.boxes.values():
                box.serves = False
                box.lose("near", "closed")
            line = herd.move("after")
            time.sleep(seconds)
            for box in herd.boxes.values():
                box.serves = True
            return self.serve(herd, "after", line)

    def check_late(self, delay):
        """A box that is merely slow is left alone."""
        herd = BoxedHerd()
        for box in herd.boxes.values():
            box.delay = delay
        with herd.start().linked():
            took = self.serve(herd, "after", herd.move("after"))
            time.sleep(8)
            for name in herd.ports:
                self.assertNotIn(" down", herd.log(name))
                self.assertNotIn(" fault ", herd.log(name))
            return took

    def test_both_are_served_again_whatever_the_box_did(self):
        checks = {}
        for name in HAPPENINGS:
            checks[name] = lambda name=name: self.check_busy(name)
            checks[name + ", at rest"] = lambda name=name: self.check_at_rest(name)
        for seconds in (1, 7, 13):
            checks[f"mute for {seconds} s"] = lambda seconds=seconds: self.check_mute(seconds)
        for delay in (0.1, 0.5):
            checks[f"late by {delay} s"] = lambda delay=delay: self.check_late(delay)
        self.together(checks)

    def check_losses(self, half, busy):
        with self.linked() as herd:
            before = {name: herd.descriptors(name) for name in herd.ports}
            over = threading.Event()
            mover = threading.Thread(target=self.go_on, args=(herd, over))
            if busy:
                mover.start()
            for _ in range(LOSSES):
                herd.boxes["Ada"].lose(half, "closed")
                time.sleep(LOSS_PAUSE)
            over.set()
            if busy:
                mover.join()
            took = self.serve(herd, "after", herd.move("after"))
            if half == "near":
                self.assertGreaterEqual(len(herd.boxes["Ada"].pairs), LOSSES)
                time.sleep(CLOSED_SECONDS_MAX)
            for name, count in before.items():
                self.assertLessEqual(herd.descriptors(name), count + SPARE_DESCRIPTORS_MAX, name)
            return took

    @staticmethod
    def go_on(herd, over):
        while not over.wait(0.01):
            herd.move("busy")

    def test_thirty_losses_of_one_half_leave_no_descriptors(self):
        self.together({f"the {half} half, {'busy' if busy else 'at rest'}":
                       lambda half=half, busy=busy: self.check_losses(half, busy)
                       for half in HALVES for busy in (False, True)})

    def test_a_connection_that_was_replaced_is_closed_within_two_seconds(self):
        with self.linked() as herd:
            for how in ("closed", "reset", "ended", "closed", "closed"):
                time.sleep(0.5)
                began = time.monotonic()
                for pair in herd.boxes["Ada"].lose("near", how):
                    # Its pump closes it as soon as Bob does.
                    wait_for("Bob to close", lambda: pair.far.fileno() == -1, CLOSED_SECONDS_MAX)
                self.assertLess(time.monotonic() - began, CLOSED_SECONDS_MAX)


if __name__ == "__main__":
    unittest.main(verbosity=2)
