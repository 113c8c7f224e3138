"""A day of phones: what is recorded while there is no network waits in the app's queue for hours, is
sent from its head, again after whatever is no answer, twice, late and out of order; and meanwhile node
and zherd-web are killed. What was answered after the node's AT is never lost, and in the end each
client is where its newest record says.

    queues.py                        a day in some seconds, as one test
    queues.py SECONDS [SEED]         a longer one, by hand"""

import http.client
import json
import random
import sys
import threading
import time
import unittest
import urllib.parse

from rig import wait_for
from web import Door

SECONDS, SEED = 6.0, 21
PHONES_OF_EACH = 3
DAY_S = 86400
RECORDS = 80  # of each phone, a day
HOUR = 1 / 24
VICTIMS = ("Alford",), ("Ear",), ("Alford", "Ear")  # Ear is zherd-web
# Answers of zherd-web's memory, which say nothing of the node, come after 1 s by the clock of its turn,
# which on a busy machine has begun long before the request came.
AT_SECONDS_MAX = 0.5


def place(stamp):
    """Where anybody is at that second."""
    return f"{10 + stamp % 1000 / 1000:.3f}", f"-{20 + stamp % 977 / 1000:.3f}"


class Phone(threading.Thread):
    """One app and its queue. A day takes `seconds`, from now on."""

    def __init__(self, port, client, seed, seconds):
        super().__init__(daemon=True)
        self.port, self.client, self.seconds = port, client, seconds
        self.draw = random.Random(f"{seed} {client}")
        self.begun, self.begun_day = time.monotonic(), int(time.time()) - DAY_S - 10
        self.due = sorted(self.draw.sample(range(DAY_S), RECORDS))
        # Without a network, as parts of a day.
        self.offline = [(at, at + self.draw.uniform(2, 5) * HOUR)
                        for at in (self.draw.uniform(0, 0.8) for _ in range(2))]
        self.queue, self.next = [], 0
        self.answered = []  # (stamp, when, whether it was the node's AT)
        self.retries = self.longest = 0
        self.wrong = None
        self.connection = None

    def day(self):
        """The part of the day that is over."""
        return (time.monotonic() - self.begun) / self.seconds

    def record(self):
        while self.next < RECORDS and self.due[self.next] <= self.day() * DAY_S:
            self.queue.append(self.begun_day + self.due[self.next])
            self.next += 1
        self.longest = max(self.longest, len(self.queue))

    def run(self):
        try:
            while self.next < RECORDS or self.queue:
                self.record()
                now = self.day()
                if not self.queue or any(begin <= now < end for begin, end in self.offline):
                    time.sleep(0.005)
                elif not self.send():
                    self.retries += 1
                    time.sleep(self.draw.uniform(0.02, 0.15))
        except Exception as wrong:  # pylint: disable=broad-exception-caught
            self.wrong = wrong  # which the test's own thread raises
        self.hang_up()

    def ask(self, target, body):
        """The body of a 200 and how long it took; None where there was no such answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        begun = time.monotonic()
        try:
            if self.connection.sock is None:
                self.connection.connect()
            self.connection.sock.settimeout(self.draw.choice((0.4, 5)))
            self.connection.request("POST", target, body)
            if self.draw.random() < 0.05:
                raise TimeoutError("the network is gone before the answer")
            answer = self.connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return None
        if answer.status not in (200, 503):
            raise AssertionError(f"{self.client}: {answer.status} {text}")
        return (text, time.monotonic() - begun) if answer.status == 200 else None

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def take(self, stamps, answer, wanted):
        if answer is None or answer[0] != wanted:
            return False
        for stamp in stamps:
            self.answered.append((stamp, time.monotonic(), answer[1] < AT_SECONDS_MAX))
            self.queue.remove(stamp)
        return True

    def promised(self):
        return max((stamp for stamp, _, is_at in list(self.answered) if is_at), default=0)

    def since(self, when):
        return max((stamp for stamp, at, _ in list(self.answered) if at > when), default=0)


class OwnTracks(Phone):
    """Android: one message at a time, and nothing before the head of the queue has its 2xx."""

    def message(self, stamp):
        lat, lon = place(stamp)
        return {"_type": "location", "topic": f"owntracks/{self.client}", "tst": stamp,
                "lat": float(lat), "lon": float(lon), "tid": "xx"}

    def send(self):
        if self.draw.random() < 0.1:  # no position, and in the way of all others all the same
            self.ask("/owntracks", json.dumps({"_type": "transition", "event": "enter", "tst": 1}))
        stamp = self.queue[0]
        return self.take([stamp], self.ask("/owntracks", json.dumps(self.message(stamp))), "[]")


class Traccar(Phone):
    """The head of the queue, as a form."""

    def send(self):
        stamp = self.queue[0]
        lat, lon = place(stamp)
        form = urllib.parse.urlencode({"id": self.client, "lat": lat, "lon": lon, "timestamp": stamp})
        return self.take([stamp], self.ask("/osmand", form), "")


class Overland(Phone):
    """A batch, whole until it is answered; where more waits, the newest comes before its turn."""

    def feature(self, stamp):
        lat, lon = place(stamp)
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))
        return {"type": "Feature", "geometry": {"type": "Point",
                                                "coordinates": [float(lon), float(lat)]},
                "properties": {"device_id": self.client, "timestamp": moment}}

    def send(self):
        batch = self.queue[:10]
        body = {"locations": [self.feature(stamp) for stamp in batch]}
        if len(self.queue) > len(batch):
            body["current"] = self.feature(self.queue[-1])
        return self.take(batch, self.ask("/overland", json.dumps(body)), '{"result":"ok"}')


class Shuffled(Phone):
    """Whatever comes to hand, much of it twice."""

    def send(self):
        stamps = [self.draw.choice(self.queue) for _ in range(self.draw.choice((1, 3)))]
        wishes = []
        for stamp in stamps:
            lat, lon = place(stamp)
            wishes.append({"id": self.client, "lat": lat, "lon": lon, "time": stamp})
        answer = self.ask("/iamat", json.dumps(wishes))
        return self.take(set(stamps), answer, f'{{"accepted":{len(stamps)}}}\n')


class Day:
    def __init__(self, seconds, seed):
        self.draw, self.seconds, self.seed = random.Random(seed), seconds, seed
        self.door = Door(["answers_after = neighbour"])
        self.killed_web = 0.0
        self.kills = {"Alford": 0, "Ear": 0}
        self.phones = []

    def held(self, node):
        """{client: stamp} at a node; each where it was then."""
        with self.door.herd.client(node) as asked:
            asked.send("".join(f"WHATSAT {phone.client} 0 0\n" for phone in self.phones) +
                       "that is all\n")
            lines = asked.until(b"? that is all\n").decode().splitlines()
        stamps = {}
        for line in lines:
            if line.startswith("AT "):
                _, _, _, client, position, stamp = line.split()
                lat, lon = place(int(stamp))
                assert position == f"+{float(lat)}-{-float(lon)}" or \
                    position == f"+{lat}{lon}", line
                stamps[client] = int(stamp)
        return stamps

    def missing(self, node, wanted):
        held = self.held(node)
        return {client: (stamp, held.get(client)) for client, stamp in wanted.items()
                if held.get(client, 0) < stamp}

    def has(self, node, wanted):
        """Waits until a node has these, or newer ones."""
        try:
            wait_for("all are there", lambda: not self.missing(node, wanted))
        except AssertionError:
            raise AssertionError(f"{node} lacks {self.missing(node, wanted)}") from None

    def promised(self):
        return {phone.client: phone.promised() for phone in self.phones if phone.promised() > 0}

    def check_neighbour(self):
        """What was answered after AT has been at the neighbour since before the answer."""
        lost = self.missing("Ball", self.promised())
        assert not lost, f"answered after AT, and not at the neighbour: {lost}"

    def kill(self, *names):
        """All of these at some moment, and their start at a later one."""
        for name in names:
            self.kills[name] += 1
            self.door.herd.kill(name)
            if name == "Ear":
                self.killed_web = time.monotonic()
            self.check_neighbour()
            time.sleep(self.draw.uniform(0, 1.3 if name == "Alford" else 0.3))
            self.check_neighbour()
        wanted = self.promised()
        if "Alford" in names:
            self.door.herd.start("Alford")
            self.has("Alford", wanted)
        if "Ear" in names:
            self.door.start(nodes=False)

    def run(self):
        """Says what happened."""
        door = self.door
        door.start()
        for kind in OwnTracks, Traccar, Overland, Shuffled:
            for number in range(PHONES_OF_EACH):
                self.phones.append(kind(door.port, f"{kind.__name__}/{number}", self.seed,
                                        self.seconds))
        for phone in self.phones:
            phone.start()
        begun, turn = time.monotonic(), 0
        while time.monotonic() - begun < self.seconds or turn < len(VICTIMS):
            time.sleep(self.draw.uniform(0.05, 0.6))
            self.kill(*(VICTIMS[turn] if turn < len(VICTIMS) else self.draw.choice(VICTIMS)))
            turn += 1
        for phone in self.phones:
            phone.join(60)
            if phone.wrong is not None:
                raise phone.wrong
            assert not phone.queue, f"{phone.client} has {len(phone.queue)} records still"
        wait_for("all is with the node",
                 lambda: (lambda figures: figures["node"] and figures["waiting"] == 0 and
                          figures["remembered"] == 0)(door.figures()))
        # What only zherd-web had when it was killed it may have lost.
        wanted = {phone.client: max(phone.promised(), phone.since(self.killed_web))
                  for phone in self.phones}
        for node in ("Alford", "Ball"):
            self.has(node, wanted)
        return self.end()

    def end(self):
        """Everybody comes home."""
        home = int(time.time())
        for phone in self.phones:
            phone.queue = [home]
            wait_for("it is answered", phone.send)
            phone.hang_up()
        for node in ("Alford", "Ball"):
            self.has(node, {phone.client: home for phone in self.phones})
        late = sum(not is_at for phone in self.phones for _, _, is_at in phone.answered)
        return (f"{sum(len(phone.answered) for phone in self.phones)} records, {late} of them "
                f"answered late, {sum(phone.retries for phone in self.phones)} retries, queues of "
                f"up to {max(phone.longest for phone in self.phones)}, kills {self.kills}")


class Queues(unittest.TestCase):
    def test_a_day(self):
        day = Day(SECONDS, SEED)
        self.addCleanup(day.door.herd.__exit__, None)
        said = day.run()
        print(said)
        self.assertGreater(sum(phone.retries for phone in day.phones), 0)
        self.assertGreater(max(phone.longest for phone in day.phones), 5)


def by_hand(seconds, seed):
    day = Day(float(seconds), int(seed))
    try:
        print(f"seed {seed}: {day.run()}")
    finally:
        day.door.herd.__exit__(*sys.exc_info())


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1][0].isdigit():
        by_hand(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else SEED)
    else:
        unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
