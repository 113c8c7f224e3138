#!/usr/bin/python3
"""A plain herd on Twisted, written as one would write it in an afternoon: to compare with.

    twisted_herd.py NAME PORT LOG [NEIGHBOUR_PORT...]

One process is one node. It takes IAMAT and WHATSAT, floods AT lines to its neighbours over
connections that stay open, and writes a log line for every event. It looks up no places: every
WHATSAT is answered by the AT line and no results. Prints "ready" when it listens."""

import logging
import re
import sys
import time

from twisted.internet import reactor
from twisted.internet.protocol import Factory, ReconnectingClientFactory
from twisted.protocols.basic import LineReceiver

POSITION = re.compile(rb"[+-]\d+(?:\.\d+)?[+-]\d+(?:\.\d+)?\Z")
STAMP = re.compile(rb"\d+(?:\.\d+)?\Z")
NOWHERE = b'{\n   "html_attributions": [],\n   "results": [],\n   "status": "OK"\n}\n\n'


def nanoseconds(stamp):
    """Exact, so that two updates within a microsecond are two."""
    seconds, _, fraction = stamp.partition(b".")
    return int(seconds) * 10**9 + int(fraction[:9].ljust(9, b"0") or b"0")


class Line(LineReceiver):
    delimiter = b"\n"

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        logging.info("connection made: %s", self.transport.getPeer())

    def connectionLost(self, reason):
        logging.info("connection lost: %s", reason.getErrorMessage())


class Client(Line):
    """A connection from a client, or from a neighbour that sends its AT lines."""

    def lineReceived(self, line):
        logging.info("received: %r", line)
        words = line.split()
        handler = {b"IAMAT": self.iamat, b"WHATSAT": self.whatsat, b"AT": self.at}.get(
            words[0] if words else b"")
        if handler is None or not handler(words):
            self.say(b"? " + line)

    def say(self, text):
        logging.info("sent: %r", text)
        self.transport.write(text + b"\n")

    def iamat(self, words):
        if len(words) != 4 or not POSITION.match(words[2]) or not STAMP.match(words[3]):
            return False
        difference = time.time_ns() - nanoseconds(words[3])
        text = b"%c%d.%09d" % (b"-+"[difference >= 0], abs(difference) // 10**9,
                               abs(difference) % 10**9)
        at = b" ".join([b"AT", self.factory.name, text] + words[1:])
        self.factory.learn(words[1], nanoseconds(words[3]), at)
        self.say(at)
        return True

    def at(self, words):
        if len(words) != 6:
            return False
        self.factory.learn(words[3], nanoseconds(words[5]), b" ".join(words))
        return True

    def whatsat(self, words):
        known = len(words) == 4 and self.factory.places.get(words[1])
        if not known or not words[2].isdigit() or not words[3].isdigit():
            return False
        self.say(known[1] + b"\n" + NOWHERE[:-1])
        return True


class Node(Factory):
    protocol = Client

    def __init__(self, name):
        self.name = name
        self.places = {}
        self.neighbours = set()

    def learn(self, client, stamp, at):
        """Stores what is newer and sends it to the neighbours; what is known is not sent again."""
        known = self.places.get(client)
        if known and known[0] >= stamp:
            return
        self.places[client] = stamp, at
        for neighbour in self.neighbours:
            neighbour.tell(at)


class Neighbour(Line):
    """Our connection to a neighbour: AT lines go out, nothing comes back."""

    def connectionMade(self):
        super().connectionMade()
        self.factory.node.neighbours.add(self)

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.factory.node.neighbours.discard(self)

    def tell(self, at):
        logging.info("told: %r", at)
        self.transport.write(at + b"\n")


class NeighbourFactory(ReconnectingClientFactory):
    protocol = Neighbour
    initialDelay, maxDelay = 0.05, 0.2

    def __init__(self, node):
        self.node = node


def main(name, port, log, *neighbours):
    logging.basicConfig(filename=log, level=logging.INFO, format="%(asctime)s %(message)s")
    node = Node(name.encode())
    reactor.listenTCP(int(port), node, backlog=4096, interface="127.0.0.1")
    for neighbour in neighbours:
        reactor.connectTCP("127.0.0.1", int(neighbour), NeighbourFactory(node))
    print("ready", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
