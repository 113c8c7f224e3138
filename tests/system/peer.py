"""A peer in Python, written from bus/PROTOCOL.md and from nothing else.

    peer.py HERD NAME OWN_ENDPOINT NEIGHBOUR_ENDPOINT

It keeps the table of locations of its one neighbour, sends it its own, and lives through a restart
of either. What it leaves out, the page lets it leave out: digests (its HEARTBEATs are of a node that
is not at rest), more than one UPDATE on the way, and links to others. A line on standard input,

    CLIENT POSITION STAMP

is a location that it takes from a client; an empty line asks the neighbour for its links. On
standard output it says "up", "down", "news CLIENT POSITION STAMP ORIGIN", and for each link
"link NAME DUE IN_FLIGHT ACKED TOLD HEAD"; TERM ends it with a GOODBYE."""

import select
import signal
import sys
import time

import msgpack
import zmq

HELLO, UPDATE, ACK, HEARTBEAT, REFUSED, GOODBYE, STATUS_ASK, STATUS = range(1, 9)
UNREST = 2**64 - 1
MAGIC = b"zh\x01"
HELLO_S, AGAIN_S, HEARTBEAT_S, SILENCE_S = 0.1, 1.0, 2.0, 6.0


def say(*words):
    print(*words, flush=True)


class Peer:
    def __init__(self, herd, name, own_endpoint, endpoint):
        context = zmq.Context()
        self.herd, self.name = herd, name
        self.router = context.socket(zmq.ROUTER)  # only receives
        self.router.bind(own_endpoint)
        self.dealer = context.socket(zmq.DEALER)  # only sends
        self.dealer.setsockopt(zmq.ROUTING_ID, name.encode())
        self.dealer.setsockopt(zmq.LINGER, 100)
        self.dealer.setsockopt(zmq.IMMEDIATE, 1)
        self.dealer.connect(endpoint)
        with open("/dev/urandom", "rb") as random:
            self.incarnation = int.from_bytes(random.read(8), "big") | 1
        self.theirs = 0
        self.up = False
        self.table = {}  # client: [position, stamp, origin, difference_ns, order_ns]
        self.have = 0  # position up to which we have what they sent
        self.acked = 0  # position of ours that they have
        self.announced = 0  # what the next UPDATE follows
        self.due = {}  # clients whose locations are to be sent, in order
        self.on_the_way = None  # (upto, the frame, when it goes again)
        self.heard_at = self.sent_at = self.hello_at = 0.0

    # ---- what leaves ----

    def send(self, kind, *fields):
        frame = MAGIC + msgpack.packb([kind, self.incarnation, self.theirs, *fields])
        try:
            self.dealer.send(frame, zmq.DONTWAIT)
            self.sent_at = time.monotonic()
        except zmq.Again:
            pass  # away: what counts is sent again
        return frame

    def send_hello(self):
        self.hello_at = time.monotonic() + HELLO_S
        self.send(HELLO, {"herd": self.herd, "node": self.name, "version": 1, "version_min": 1,
                          "start": self.acked, "have": self.have})

    def send_update(self):
        clients = list(self.due)[:256]
        for client in clients:
            del self.due[client]
        upto = self.acked + len(clients)
        frame = self.send(UPDATE, self.announced, upto, self.have,
                          [[client, *self.table[client]] for client in clients])
        self.on_the_way = upto, frame, time.monotonic() + AGAIN_S

    def send_again(self):
        upto, frame, _ = self.on_the_way
        try:
            self.dealer.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            pass
        self.on_the_way = upto, frame, time.monotonic() + AGAIN_S

    def turn(self):
        now = time.monotonic()
        if self.up and now > self.heard_at + SILENCE_S:
            self.go_down()
        if not self.up:
            if now >= self.hello_at:
                self.send_hello()
        elif self.on_the_way:
            if now >= self.on_the_way[2]:
                self.send_again()
        elif self.due:
            self.send_update()
        elif now > self.sent_at + HEARTBEAT_S:
            self.send(HEARTBEAT, UNREST, self.have, 0, len(self.table))

    # ---- what arrives ----

    def go_down(self):
        if self.up:
            say("down")
        self.up = False

    def meet(self, incarnation):
        """A process we have not heard of: all is due to it."""
        self.go_down()
        self.theirs = incarnation
        self.have = self.announced = 0
        self.on_the_way = None
        self.due = dict.fromkeys(self.table)

    def hear(self):
        self.heard_at = time.monotonic()
        if not self.up:
            say("up")
        self.up = True

    def take_ack(self, have):
        if self.on_the_way and have >= self.on_the_way[0]:
            self.acked = self.announced = self.on_the_way[0]
            self.on_the_way = None

    def take_hello(self, incarnation, names_us, hello):
        if hello["herd"] != self.herd or hello["version_min"] > 1:
            return
        if self.up and incarnation != self.theirs and not names_us:
            self.send_hello()  # it may be a restart: then it will name us
            return
        if incarnation != self.theirs:
            self.meet(incarnation)
        if not names_us:
            self.send_hello()
            return
        self.have = max(self.have, hello["start"])
        self.take_ack(hello["have"])
        self.hear()
        self.send(ACK, self.have, False)

    def take_update(self, after, upto, have, locations, *_):
        self.take_ack(have)
        if after > self.have:
            self.send(ACK, self.have, True)
            return
        for client, *location in locations:
            self.store(client, location[:5], is_ours=False)
        self.have = max(self.have, upto)
        self.send(ACK, self.have, False)

    def store(self, client, location, is_ours):
        def order(location):
            position, stamp, origin, difference_ns, order_ns = location
            return order_ns, origin.encode(), stamp, position, difference_ns
        known = self.table.get(client)
        if known and order(location) <= order(known):
            return
        self.table[client] = location
        if is_ours and self.theirs:
            self.due[client] = None
        elif not is_ours:
            self.due.pop(client, None)  # they have it
        say("news", client.decode(), location[0].decode(), location[1].decode(), location[2])

    def receive(self, frame):
        if frame[:3] != MAGIC:
            return
        kind, incarnation, to, *fields = msgpack.unpackb(frame[3:], strict_map_key=False)
        names_us = to == self.incarnation
        if kind == HELLO:
            self.take_hello(incarnation, names_us, fields[0])
            return
        if kind == REFUSED:
            say("refused", *fields)
            return
        if incarnation != self.theirs or not names_us:
            self.send_hello()
            return
        if kind == GOODBYE:
            self.go_down()
            self.theirs = 0
            return
        self.hear()
        if kind == UPDATE:
            self.take_update(*fields)
        elif kind == ACK:
            self.take_ack(fields[0])
        elif kind == HEARTBEAT:
            self.take_ack(fields[1])
        elif kind == STATUS:
            for name, _, _, due, in_flight, acked, told, head, *_ in fields[2]:
                say("link", name, due, in_flight, acked, told, head)

    def take_line(self, line):
        if not line:
            self.send(STATUS_ASK)
            return
        client, position, stamp = line.encode().split(b" ")
        seconds, _, fraction = stamp.partition(b".")
        stamp_ns = int(seconds) * 10**9 + int(fraction.ljust(9, b"0"))
        now_ns = time.time_ns()
        self.store(client, [position, stamp, self.name, now_ns - stamp_ns,
                            min(stamp_ns, now_ns + 5 * 10**9)], is_ours=True)


def main():
    peer = Peer(*sys.argv[1:])
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    while not ending:
        peer.turn()
        while peer.router.poll(20):
            _, *frames = peer.router.recv_multipart()
            if len(frames) == 1:
                peer.receive(frames[0])
        if select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            if not line:
                break
            peer.take_line(line.rstrip("\n"))
    peer.send(GOODBYE)
    peer.dealer.close()


main()
