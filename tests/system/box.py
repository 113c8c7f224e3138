"""A box that ends TCP and makes two connections of one, as a load balancer or a port forwarding
does: so one of the two can be dead while the other looks alive."""

import socket
import struct
import threading

from rig import free_ports

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


class Pair:
    """A connection of whoever dials (near) and the box's own to the target (far)."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.swallows = set()  # of "up" (from near to far) and "down"
        for source, sink, way in ((near, far, "up"), (far, near, "down")):
            threading.Thread(target=self.pump, args=(source, sink, way), daemon=True).start()

    def pump(self, source, sink, way):
        """What is swallowed is acknowledged all the same, its end, too."""
        try:
            while data := source.recv(65536):
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

    def lose(self, way):
        """Nothing, if something is lost already. "up", "down" or "both": swallowed from now on. "near" or "far": that half is reset, and the
        other one goes on as if it were not."""
        if self.swallows:
            return
        self.swallows = {"up", "down"} if way in ("both", "near", "far") else {way}
        if way in ("near", "far"):
            half = getattr(self, way)
            try:
                half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                half.shutdown(socket.SHUT_RD)  # its pump sees an end, and closes it
            except OSError:
                pass  # is closed already


class Box:
    """Forwards a free port of loopback to another port."""

    def __init__(self, target):
        self.target = target
        self.pairs = []
        self.port = free_ports(60)[-1]
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.pairs.append(Pair(near, far))

    def lose(self, way):
        """All connections there are; those made later are served."""
        for pair in self.pairs:
            pair.lose(way)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for pair in self.pairs:
            pair.end()
