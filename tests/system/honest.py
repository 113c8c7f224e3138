"""Honest load on a herd that is attacked, in a process of its own, and what came of each command.

All of it leaves at fixed rates whether earlier commands were answered or not, so a node that stops
for a while is charged with all that it kept waiting:

- `iamat`: positions of a known client to the first node;
- `seen`: how soon each of them is seen through the neighbour, which is asked again and again;
- `here`, `there`: look-ups of a place that nobody asked about, at the first and at the last node;
- `new`: somebody who connects to the first node, says an IAMAT of a new client and leaves.

Times resolve about 0.1 ms, those of `seen` a millisecond once 10 ms have passed."""

import collections
import heapq
import json
import multiprocessing
import os
import random
import selectors
import socket
import time

IAMAT_PAUSE_S = 0.02
LOOKUP_PAUSE_S = 0.2
NEWCOMER_PAUSE_S = 0.5
NEWCOMER_PATIENCE_S = 10.0
SETTLE_S = 20.0  # how long the last commands may take; an attack leaves much in buffers
REDIAL_PAUSE_S = 0.2
PROBE_PAUSE_S = 0.001
PROBE_EAGER_S = 0.01  # after an IAMAT probes follow one another without a pause
READ_BYTES = 1 << 18
BULK_PAUSE_S, BULK_READ_BYTES = 0.04, 16384  # the slow reader takes 400 KB a second
NICE = -10  # it measures others, so it goes before them where the user may

OK, REFUSED, WRONG, CUT, UNANSWERED = "ok", "refused", "wrong", "cut", "unanswered"

Record = collections.namedtuple("Record", "kind sent took outcome")
"""`sent` is a moment of time.monotonic(), `took` seconds or None."""


class Line:
    """A connection that is kept, and dialled again when the node closes it."""

    def __init__(self, honest, address):
        self.honest, self.address = honest, address
        self.socket = None
        self.dial()

    def dial(self):
        self.out, self.got, self.pending = bytearray(), bytearray(), collections.deque()
        self.is_served = False  # has had a reply
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(self.address)
        self.honest.poller.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def ask(self, kind, command, judge):
        """`judge(reply)` is an outcome, or None where the reply is to be left out."""
        if self.socket is None:
            self.honest.record(kind, time.monotonic(), None, CUT)
            return
        self.pending.append((kind, time.monotonic(), command.startswith("WHATSAT"), judge))
        self.out += command.encode() + b"\n"
        self.write()

    def write(self):
        try:
            del self.out[:self.socket.send(self.out)]
        except BlockingIOError:
            pass
        except OSError:
            self.lose()
            return
        self.honest.poller.modify(self.socket, selectors.EVENT_READ
                                  | (selectors.EVENT_WRITE if self.out else 0), self)

    def ready(self, events):
        if events & selectors.EVENT_READ:
            try:
                got = self.socket.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                got = b""
            if not got:
                self.lose()
                return
            self.got += got
            self.is_served = True
            self.take()
        if self.socket and events & selectors.EVENT_WRITE:
            self.write()

    def take(self):
        while self.pending and self.got:
            kind, sent, is_lookup, judge = self.pending[0]
            end = b"\n\n" if is_lookup and not self.got.startswith(b"?") else b"\n"
            reply, found, rest = self.got.partition(end)
            if not found:
                return
            self.got = rest
            self.pending.popleft()
            now = time.monotonic()
            outcome = judge(reply.decode("latin-1"), now)
            if outcome:
                self.honest.record(kind, sent, now - sent, outcome)

    def lose(self):
        self.honest.cut(self)
        for kind, sent, _, _ in self.pending:
            self.honest.record(kind, sent, None, CUT)
        self.close()
        self.honest.later(REDIAL_PAUSE_S, self.dial)

    def close(self):
        if self.socket:
            self.honest.poller.unregister(self.socket)
            self.socket.close()
        self.socket, self.pending = None, collections.deque()


class Newcomer:
    """Connects, says where it is, reads the reply, leaves."""

    def __init__(self, honest, address, command):
        self.honest, self.sent = honest, time.monotonic()
        honest.newcomers.add(self)
        self.command, self.got, self.over = command.encode() + b"\n", b"", False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(address)
        honest.poller.register(self.socket, selectors.EVENT_WRITE, self)
        honest.later(NEWCOMER_PATIENCE_S, lambda: self.end(UNANSWERED))

    def ready(self, events):
        try:
            if events & selectors.EVENT_WRITE:
                self.socket.send(self.command)
                self.honest.poller.modify(self.socket, selectors.EVENT_READ, self)
            elif got := self.socket.recv(READ_BYTES):
                self.got += got
            else:
                self.end(REFUSED)
        except BlockingIOError:
            return
        except OSError:
            self.end(REFUSED)
        if self.got.endswith(b"\n"):
            self.end(OK if self.got.startswith(b"AT ") else REFUSED)

    def end(self, outcome):
        if self.over:
            return
        self.over = True
        self.honest.newcomers.remove(self)
        self.honest.poller.unregister(self.socket)
        self.socket.close()
        self.honest.record("new", self.sent, time.monotonic() - self.sent
                           if outcome == OK else None, outcome)


class SlowReader:
    """Sends as fast as the node takes it, and reads less than it is answered: its replies wait at
    the node, within the limit for one connection."""

    def __init__(self, honest, address):
        self.honest, self.address = honest, address
        self.payload = b"".join(b"IAMAT bulk%d +34.1-118.4 1\n" % i for i in range(1000))
        self.at, self.is_served, self.socket = 0, False, None
        self.dial()

    def dial(self):
        self.is_served = False
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.setblocking(False)
        self.socket.connect_ex(self.address)

    def step(self):
        try:
            if not self.socket.recv(BULK_READ_BYTES):
                raise ConnectionError("closed")
            self.is_served = True
        except BlockingIOError:
            pass
        except OSError:
            self.honest.cut(self)
            self.socket.close()
            self.dial()
        try:
            while sent := self.socket.send(self.payload[self.at:]):
                self.at = (self.at + sent) % len(self.payload)
        except OSError:
            pass  # it is full, not connected yet, or closed: which it was shows at the next step


class Honest:
    """What runs in the process. `addresses` are those of the first node, its neighbour and the last
    one."""

    def __init__(self, addresses, slow_reader):
        self.poller = selectors.DefaultSelector()
        self.timers, self.count = [], 0
        self.records, self.cuts, self.newcomers = [], [], set()
        self.first, self.number, self.place = addresses[0], 0, 0
        self.random = random.Random(1)
        self.sent = collections.deque()  # of `seen`: stamps that the neighbour has not shown
        self.speaker = Line(self, addresses[0])
        self.prober = Line(self, addresses[1])
        self.askers = {"here": Line(self, addresses[0]), "there": Line(self, addresses[2])}
        self.ending = False
        self.probing = False
        self.repeat(IAMAT_PAUSE_S, self.speak)
        self.repeat(NEWCOMER_PAUSE_S, self.arrive)
        for kind in self.askers:
            self.repeat(LOOKUP_PAUSE_S, lambda kind=kind: self.look_up(kind))
        if slow_reader:
            reader = SlowReader(self, addresses[0])
            self.repeat(BULK_PAUSE_S, reader.step)

    def record(self, kind, sent, took, outcome):
        self.records.append(Record(kind, sent, took, outcome))

    def cut(self, who):
        if who is self.prober:
            self.probing = False
        if who.is_served and not self.ending:
            self.cuts.append((time.monotonic(), type(who).__name__))

    # ---- time ----

    def later(self, seconds, action):
        self.count += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self.count, action))

    def repeat(self, pause_s, action):
        begin = time.monotonic()

        def run(turn=0):
            if self.ending:
                return
            action()
            self.count += 1
            heapq.heappush(self.timers, (begin + (turn + 1) * pause_s, self.count,
                                         lambda: run(turn + 1)))
        run()

    def turn(self):
        wait = max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else 0.1
        for key, events in self.poller.select(min(wait, 0.1)):
            if key.fileobj.fileno() >= 0:
                key.data.ready(events)
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2]()

    # ---- what is said ----

    @staticmethod
    def judge_at(reply, _):
        return OK if reply.startswith("AT ") else WRONG

    def stamp(self):
        self.number += 1
        return f"{time.time():.3f}{self.number % 10**6:06d}"

    def speak(self):
        stamp = self.stamp()
        self.speaker.ask("iamat", f"IAMAT honest +34.068930-118.445127 {stamp}", self.judge_at)
        self.sent.append((time.monotonic(), stamp))
        if not self.probing:
            self.probe()

    def probe(self):
        self.probing = bool(self.sent) and self.prober.socket is not None
        if self.probing:
            self.prober.ask("probe", "WHATSAT honest 1 0", self.judge_seen)

    def judge_seen(self, reply, now):
        """Later stamps take the place of earlier ones: whoever sees one has seen all before it."""
        shown = reply.partition("\n")[0].rpartition(" ")[2]
        stamps = [stamp for _, stamp in self.sent]
        if shown in stamps:
            for _ in range(stamps.index(shown) + 1):
                sent, _ = self.sent.popleft()
                self.record("seen", sent, now - sent, OK)
        eager = self.sent and now - self.sent[-1][0] < PROBE_EAGER_S
        self.probing = bool(self.sent)
        if self.sent:
            self.later(0 if eager else PROBE_PAUSE_S, self.probe)

    def look_up(self, kind):
        """Of a place of its own, so that no cache knows the answer."""
        line = self.askers[kind]
        line.ask("aside", f"IAMAT {kind} {self.random.uniform(-80, 80):+.6f}"
                 f"{self.random.uniform(-179, 179):+.6f} {self.stamp()}", self.judge_at)
        line.ask(kind, f"WHATSAT {kind} 10 5", self.judge_lookup)

    @staticmethod
    def judge_lookup(reply, _):
        try:
            status = json.loads(reply.partition("\n")[2])["status"]
        except (ValueError, KeyError):
            return WRONG
        return OK if status in ("OK", "ZERO_RESULTS") else REFUSED

    def arrive(self):
        self.place += 1
        Newcomer(self, self.first, f"IAMAT new{self.place} +1+1 1")

    def settle(self):
        """Waits for what is on its way; what does not come is written down as unanswered."""
        lines = [self.speaker, *self.askers.values()]
        self.ending = True
        deadline = time.monotonic() + SETTLE_S
        while any(line.pending for line in lines) or self.sent or self.newcomers:
            if time.monotonic() > deadline:
                break
            if not self.probing:
                self.probe()
            self.turn()
        for newcomer in list(self.newcomers):
            newcomer.end(UNANSWERED)
        for line in lines:
            for kind, sent, _, _ in line.pending:
                self.record(kind, sent, None, UNANSWERED)
        for sent, _ in self.sent:
            self.record("seen", sent, None, UNANSWERED)


def live(addresses, slow_reader, over, results):
    try:
        os.nice(NICE)
    except PermissionError:
        pass
    honest = Honest(addresses, slow_reader)
    while not over.is_set():
        honest.turn()
    honest.settle()
    results.send((honest.records, honest.cuts))


class Load:
    """The process, from outside."""

    def __init__(self, addresses, slow_reader=False):
        self.over = multiprocessing.Event()
        self.results, far_end = multiprocessing.Pipe(duplex=False)
        self.child = multiprocessing.Process(target=live, args=(addresses, slow_reader, self.over,
                                                                far_end), daemon=True)
        self.child.start()
        far_end.close()

    def end(self):
        """All records, and all cut connections as (moment, who)."""
        self.over.set()
        taken = self.results.recv()
        self.child.join()
        return taken

    def kill(self):
        self.child.kill()
        self.child.join()
