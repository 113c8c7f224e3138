"""What hostile clients and strangers do, each a function that goes on until its process is ended.

A function gets a Target: where things are, which addresses are its own, and a count of the bytes it
has sent. None of them needs more than TCP."""

import itertools
import os
import random
import resource
import selectors
import socket
import struct
import time

import msgpack

BURST_BYTES = 65536  # one read of a node
READ_BYTES = 1 << 18
REDIAL_PAUSE_S = 0.01
IP_BIND_ADDRESS_NO_PORT = 24  # Linux's number; Python has no name for it
KNOWN = 1000  # clients that were introduced before the attack
MARK = b"@" * 9  # where a number goes in lines that are made once
LONG_NAME_BYTES = 64900
HALF_LINE_BYTES = 17000


class Target:
    """`clients`, `bus`, `front`, `back` and `web` are (host, port); `own` are our addresses for
    clients, and `inside` those for all others."""

    def __init__(self, clients, bus, front, back, web, own, sent, inside=("127.0.0.2",)):
        self.clients, self.bus, self.front, self.back, self.web = clients, bus, front, back, web
        self.own, self.inside, self.sent, self.turn = own, inside, sent, 0

    def socket(self, where):
        """A socket at one of our addresses, in turn."""
        self.turn += 1
        own = self.own if where == self.clients else self.inside
        line = socket.socket()
        line.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        line.bind((own[self.turn % len(own)], 0))
        return line

    def dial(self, where):
        line = self.socket(where)
        line.settimeout(5)
        line.connect(where)
        line.settimeout(None)
        return line

    def dial_later(self, where):
        """Without waiting for the connection."""
        line = self.socket(where)
        line.setblocking(False)
        line.connect_ex(where)
        return line

    def count(self, count):
        self.sent.value += count


# ---- many connections that send as fast as they are read ----

class Hose:
    """A connection that always has something to send, and reads what comes or does not."""

    def __init__(self, pour, number):
        self.pour, self.number = pour, number
        self.open()

    def open(self):
        self.rest, self.heard = memoryview(self.pour.hello(self)), 0
        self.line = self.pour.target.dial_later(self.pour.where)
        self.pour.poller.register(self.line, selectors.EVENT_WRITE | selectors.EVENT_READ, self)

    def ready(self, events):
        try:
            if events & selectors.EVENT_READ:
                self.read()
            if events & selectors.EVENT_WRITE:
                self.write()
        except BlockingIOError:
            pass
        except OSError:
            self.pour.poller.unregister(self.line)
            self.line.close()
            self.open()

    def read(self):
        got = len(self.line.recv(READ_BYTES))
        if got == 0:
            raise ConnectionError("closed")
        self.heard += got
        self.want()

    def write(self):
        if not self.rest and self.may_go_on():
            self.rest = memoryview(self.pour.payload(self))
        sent = self.line.send(self.rest)
        self.pour.target.count(sent)
        self.rest = self.rest[sent:]
        self.want()

    def may_go_on(self):
        return self.heard >= self.pour.heard_min

    def want(self):
        """Whoever does not read begins with that once there is nothing to wait for."""
        events = selectors.EVENT_WRITE if self.rest or self.may_go_on() else 0
        if self.pour.reads or not self.may_go_on():
            events |= selectors.EVENT_READ
        if events != self.pour.poller.get_key(self.line).events:
            self.pour.poller.modify(self.line, events, self)


class Pour:
    """`hello(hose)` is what a connection says first, `payload(hose)` what it says next, once it has
    heard `heard_min` bytes. No more are opened at a time than a listening queue holds."""

    def __init__(self, target, where, count, payload, reads=True, hello=lambda _: b"", heard_min=0):
        self.target, self.where, self.payload, self.reads = target, where, payload, reads
        self.hello, self.heard_min = hello, heard_min
        self.poller = selectors.DefaultSelector()
        hoses = 0
        while True:
            for _ in range(min(100, count - hoses)):
                Hose(self, hoses)
                hoses += 1
            for key, events in self.poller.select(1):
                key.data.ready(events)


def blank_lines(target, count):
    lines = b"\n" * BURST_BYTES
    Pour(target, target.clients, count, lambda _: lines)


def introduce(target, count=KNOWN, name="known"):
    """Clients that the herd knows from then on."""
    lines = "".join(f"IAMAT {name}{i} +34.1-118.4 1\n" for i in range(count)).encode()
    with target.dial(target.clients) as line:
        line.sendall(lines)
        replies = 0
        while replies < count:
            got = line.recv(READ_BYTES)
            if not got:
                raise ConnectionError("closed")
            replies += got.count(b"\n")


def known_iamats(target, count):
    """Each is newer than all before it, so that none costs less than another."""
    introduce(target)
    lines = "".join(f"IAMAT known{i} +34.1-118.4 {int(time.time())}.{MARK.decode()}\n"
                    for i in range(KNOWN)).encode()
    serial = itertools.count(1)
    Pour(target, target.clients, count, lambda _: lines.replace(MARK, b"%09d" % next(serial)))


def whatsats(target, count):
    introduce(target)
    lines = b"".join(b"WHATSAT known%d 1 0\n" % i for i in range(KNOWN)) * 3
    Pour(target, target.clients, count, lambda _: lines)


def unknown_words(target, count):
    lines = b"nonsense\n" * (BURST_BYTES // 9)
    Pour(target, target.clients, count, lambda _: lines)


def longest_lines(target, count):
    line = b"x" * BURST_BYTES + b"\n"
    Pour(target, target.clients, count, lambda _: line)


def unread_replies(target, count):
    """They ask, and never read."""
    introduce(target)
    lines = b"".join(b"WHATSAT known%d 1 0\n" % i for i in range(KNOWN)) * 3
    Pour(target, target.clients, count, lambda _: lines, reads=False)


# ---- names ----

def short_names(target, count):
    """16 bytes, of which nobody has heard."""
    lines = b"".join(b"IAMAT n" + MARK + b"%06d +34.1-118.4 1\n" % i for i in range(2000))
    serial = itertools.count(1)
    Pour(target, target.clients, count, lambda _: lines.replace(MARK, b"%09d" % next(serial)))


def long_names(target, count):
    tail = b"x" * (LONG_NAME_BYTES - 16) + b" +34.1-118.4 1\n"
    serial = itertools.count(1)
    Pour(target, target.clients, count, lambda _: b"IAMAT n%015d" % next(serial) + tail)


def half_lines(target, count):
    """Unfinished ones, each small beside what an honest client may have waiting. Who is cut comes
    back."""
    half = b"x" * HALF_LINE_BYTES
    poller = selectors.DefaultSelector()
    opened, closed = 0, 0

    def begin():
        line = target.dial_later(target.clients)
        poller.register(line, selectors.EVENT_READ | selectors.EVENT_WRITE)

    while True:
        for _ in range(min(100, count - opened + closed)):
            begin()
            opened += 1
        for key, events in poller.select(1):
            try:
                if events & selectors.EVENT_WRITE:
                    target.count(key.fileobj.send(half))
                    poller.modify(key.fileobj, selectors.EVENT_READ)
                elif not key.fileobj.recv(READ_BYTES):
                    raise ConnectionError("closed")
            except BlockingIOError:
                pass
            except OSError:
                poller.unregister(key.fileobj)
                key.fileobj.close()
                closed += 1


# ---- look-ups ----

def greedy_lookups(target, count):
    """Each asks as many as it may have under way, every one of another place."""
    introduce(target, count, "greedy")
    chance = random.Random(2)
    serial = itertools.count(1)

    def burst(hose):
        number, stamp = hose.number, next(serial)
        return "".join(
            f"IAMAT greedy{number} {chance.uniform(-80, 80):+.6f}{chance.uniform(-179, 179):+.6f} "
            f"{stamp}.{i:03d}5\nWHATSAT greedy{number} 50 20\n" for i in range(16)).encode()
    Pour(target, target.clients, count, burst)


# ---- connections that say nothing ----

def hold(target, where, count, first=b""):
    """Opens `count`, says `first` on each, and opens another for each that is closed."""
    poller = selectors.DefaultSelector()
    held = 0
    while True:
        for _ in range(min(50, count - held)):
            line = target.dial_later(where)
            poller.register(line, selectors.EVENT_WRITE if first else selectors.EVENT_READ)
            held += 1
        lost = 0
        for key, events in poller.select(0.1 if held == count else 0):
            try:
                if events & selectors.EVENT_WRITE:
                    target.count(key.fileobj.send(first))
                    poller.modify(key.fileobj, selectors.EVENT_READ)
                elif not key.fileobj.recv(READ_BYTES):
                    raise ConnectionError("closed")
            except BlockingIOError:
                pass
            except OSError:
                poller.unregister(key.fileobj)
                key.fileobj.close()
                lost += 1
        held -= lost
        if lost:
            time.sleep(REDIAL_PAUSE_S)


def idle_clients(target, count):
    hold(target, target.clients, count)


def idle_strangers(target, count):
    hold(target, target.bus, count)


def half_greetings(target, count):
    """The first half of a handshake, and no more."""
    hold(target, target.bus, count, greeting("CURVE"))


# ---- ZMTP (RFC 23) by hand ----

# The other side's greeting and a part of its READY: libzmq takes no message that comes before it
# has sent that.
HELLO_BYTES_MIN = 72


def greeting(mechanism):
    return b"\xff" + bytes(8) + b"\x7f\x03\x00" + mechanism.encode().ljust(20, b"\0") + bytes(32)


def frame(body, flags=0):
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | 2,)) + struct.pack(">Q", len(body)) + body


def ready(kind, identity=b""):
    body = b"\x05READY"
    for name, value in ((b"Socket-Type", kind.encode()), (b"Identity", identity)):
        body += bytes((len(name),)) + name + struct.pack(">I", len(value)) + value
    return frame(body, 4)


def hello(mechanism, kind="DEALER", identity=b""):
    return greeting(mechanism) + ready(kind, identity)


def junk(target, count):
    """Handshakes in the clear and messages of chance, half of them in the neighbour's name; with
    keys no handshake gets that far, and each is tried again."""
    chance = random.Random(3)
    noise = b"".join(frame(chance.randbytes(chance.randrange(1, 200))) for _ in range(500))
    Pour(target, target.bus, count, lambda _: noise, heard_min=HELLO_BYTES_MIN,
         hello=lambda hose: hello("NULL", identity=b"Ball" if hose.number % 2 else b""))


def deaf_askers(target, count):
    """Questions at placesd's front whose answers nobody reads, of a place with much around it."""
    question = b"zp\x01" + msgpack.packb([34068930000, -118445127000, 50000, 20, 4000])
    questions = (frame(b"", 1) + frame(question)) * 500
    Pour(target, target.front, count, lambda _: questions, reads=False, heard_min=HELLO_BYTES_MIN,
         hello=lambda _: hello("NULL"))


def named_workers(target, count):
    """READY at placesd's back under one name after another, of which the broker logs many. Without
    credits: with some they would be given jobs, as whoever reaches the back is trusted."""
    credit = frame(b"zp\x01" + msgpack.packb([0]))
    for serial in itertools.count():
        lines = [target.dial(target.back) for _ in range(count)]
        for number, line in enumerate(lines):
            line.sendall(hello("NULL", identity=b"worker%d" % (serial * count + number)))
        for line in lines:
            heard = 0
            while heard < HELLO_BYTES_MIN:
                heard += len(line.recv(READ_BYTES)) or HELLO_BYTES_MIN
            line.sendall(credit)
            target.count(len(credit))
        for line in lines:
            line.close()


def drip(target, count):
    """HTTP requests at the landmarks server, a byte a second each."""
    request = b"GET /maps/api/place/nearbysearch/json?location=1,1 HTTP/1.1\r\nX: " + b"x" * 4000
    lines = {}  # how much of the request each has sent
    while True:
        for _ in range(count - len(lines)):
            lines[target.dial_later(target.web)] = 0
        time.sleep(1)
        for line, at in list(lines.items()):
            try:
                target.count(line.send(request[at:at + 1]))
                lines[line] = at + 1
            except BlockingIOError:
                pass
            except OSError:
                line.close()
                del lines[line]


def run(attack, target, count):
    """In a process of its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Whoever attacks from another host takes no processor of this one.
    os.nice(5)
    while True:
        try:
            attack(target, count)
        except OSError:
            time.sleep(REDIAL_PAUSE_S)
