"""A box that ends TCP and makes two connections of one, as a proxy, a load balancer or a port
forwarding does: so one of the two can be dead while the other looks alive."""

import socket
import struct
import threading
import time

from rig import free_ports

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets
HALVES = ("near", "far")


class Pair:
    """A connection of whoever dials (near) and the box's own to the target (far)."""

    def __init__(self, near, far, delay=0.0):
        self.near, self.far, self.delay = near, far, delay
        self.swallows = set()  # of "up" (from near to far) and "down"
        for source, sink, way in ((near, far, "up"), (far, near, "down")):
            threading.Thread(target=self.pump, args=(source, sink, way), daemon=True).start()

    def pump(self, source, sink, way):
        """What is swallowed is acknowledged all the same, its end, too."""
        try:
            while data := source.recv(65536):
                time.sleep(self.delay)
                if way not in self.swallows:
                    sink.sendall(data)
        except OSError:
            pass
        if not self.swallows:
            self.end()
        source.close()

    def end(self):
        for half in (self.near, self.far):
            try:
                half.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def lose(self, way, how="reset"):
        """"up", "down" or "both": swallowed from now on. "near" or "far": that half is lost, and the
        other one goes on as if it were not: it is "reset", "closed", or only "ended": nothing more
        comes. Does nothing if something is lost already."""
        if self.swallows:
            return
        self.swallows = {"up", "down"} if way in ("both", *HALVES) else {way}
        if way not in HALVES:
            return
        half = getattr(self, way)
        try:
            if how == "reset":
                half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            # Where it cannot be read any more its pump sees an end, and closes it.
            half.shutdown({"reset": socket.SHUT_RD, "closed": socket.SHUT_RDWR,
                           "ended": socket.SHUT_WR}[how])
        except OSError:
            pass  # is closed already


class Box:
    """Forwards a free port of loopback, or the one given, to another port."""

    def __init__(self, target, port=None):
        self.target = target
        self.pairs = []
        self.unserved = []  # connections of a time when nothing was served
        self.serves, self.delay = True, 0.0  # for connections made from now on
        self.port = port or free_ports(60)[-1]
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.serves:
                self.unserved.append(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.pairs.append(Pair(near, far, self.delay))

    def lose(self, way, how="reset"):
        """All connections there are; those made later are served. Returns those that lost it now."""
        losers = [pair for pair in self.pairs if not pair.swallows]
        for pair in losers:
            pair.lose(way, how)
        return losers

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for near in self.unserved:
            near.close()
        for pair in self.pairs:
            pair.end()
