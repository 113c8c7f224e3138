"""Faults done to a herd: what each kind does, to whom, for how long, and what it troubles.

The judge holds the herd's time to be the true one (history.py). No herd could keep to that where
most of the clocks that a node knows are wrong, and so that never happens:

- only the clocks of two nodes of five are ever wrong, the same two in the whole run
- a node that has to start while others may be out of its reach starts with a right clock, and keeps
  it until all have heard of each other
- a node starts with a wrong clock ("wrong start") only where all the others know each other's
  clocks, and nothing keeps it from hearing them before it lets clients in"""

import os
import resource
import signal
import time

# How long word of a clock is on its way at most, once all are linked: two heartbeats, and spare.
HEARSAY_SECONDS = 5.0
AFTERMATH_SECONDS = 30.0  # how long a fault may be felt; it ends sooner when all nodes agree

# How long each kind lasts at least and at most, in seconds. A neighbour is given up after six
# seconds of silence: some faults are longer, most are shorter.
LASTS = {
    "kill": (0.0, 3.0),         # SIGKILL; back after this time, often within 100 ms
    "power cut": (0.0, 3.0),    # SIGKILL, and what was not synced is gone (network.py)
    "kill all": (0.0, 2.0),     # SIGKILL of all nodes in one moment
    "cut all": (0.0, 2.0),      # a power cut of all
    "leave": (0.0, 1.0),        # TERM: an orderly stop
    "pause": (0.2, 8.0),        # SIGSTOP
    "cut": (0.3, 8.0),          # both ways between two nodes
    "one way": (0.3, 8.0),      # messages go one way only
    "isolate": (0.3, 8.0),      # one node from all others; roads heal one by one
    "loss": (1.0, 5.0),         # one packet in five between two nodes
    "reset": (0.0, 0.0),        # RST on both connections between two nodes
    "slow": (1.0, 5.0),         # 1 Mbit/s to and from a node
    "delay": (1.0, 5.0),        # up to half a second on one road, unsteady
    "late": (0.1, 1.5),         # a connection breaks; what was on it arrives after what comes next
    "clock": (0.0, 0.0),        # a wall clock jumps, by minutes or by years, or is set right
    "wrong start": (0.0, 0.0),  # SIGKILL; back at once, with a wall clock that is wrong
    "descriptors": (0.5, 3.0),  # EMFILE
}
HOUR_S, DAY_S, YEARS_S = 3600, 86400, 10**8
DEADLY = ("kill", "power cut", "leave", "wrong start")
OF_ALL = ("kill all", "cut all")
OF_THE_NETWORK = {"isolate": "cut", "one way": "cut", "cut": "cut", "loss": "loss",
                  "reset": "reset", "slow": "slow", "delay": "delay", "late": "late"}


class Faults:
    """Draws faults and does them. `rng` decides everything but the moments of the machine."""

    def __init__(self, herd, recorder, rng):
        self.herd, self.network, self.recorder, self.rng = herd, herd.network, recorder, rng
        self.nodes = list(herd.ports)
        self.neighbours = {node: [other for link in herd.links for other in link.split("-")
                                  if node in link.split("-") and other != node]
                           for node in self.nodes}
        possible = [kind for kind in LASTS if self.is_possible(kind)]
        self.kinds = [kind for kind in possible if kind not in OF_ALL]
        self.count = dict.fromkeys(possible, 0)
        self.forgotten = 0  # changes that disks did not have
        self.victim = None  # the only one that dies in this round; None: whoever is drawn
        self.troubles = {node: [] for node in self.nodes}
        self.unsteady = rng.sample(self.nodes, (len(self.nodes) - 1) // 2)
        self.ignorant = {}  # node: until when it may not know the others' clocks
        self.is_calm = True  # nothing was troubled since all nodes agreed
        self.attacked = None
        self.killed = {}
        self.all_killed = []  # when
        self.under_way = []  # (when it ends, number, function)
        self.busy = set()
        self.number = 0

    def is_possible(self, kind):
        if kind in ("clock", "wrong start"):
            return self.herd.faketime is not None
        if kind in ("power cut", *OF_ALL):
            return self.herd.has_journal
        return OF_THE_NETWORK.get(kind) in self.network.knows | {None}

    # ---- time ----

    def later(self, seconds, function):
        self.number += 1
        self.under_way.append((time.monotonic() + seconds, self.number, function))

    def turn(self):
        """Ends what has lasted long enough."""
        now = time.monotonic()
        for each in sorted(self.under_way):
            if each[0] <= now:
                self.under_way.remove(each)
                each[2]()

    def heal(self):
        """Ends all there is, in no particular order."""
        self.rng.shuffle(self.under_way)
        while self.under_way:
            self.under_way.pop()[2]()
        self.busy.clear()

    # ---- which ----

    def strike(self, anchor, kind=None):
        """One fault. The anchor is spared death: what all nodes held must not be lost."""
        kind = kind or self.rng.choice(self.kinds)
        target = self.draw_target(kind, anchor)
        if target is None or (kind, target) in self.busy:
            return
        least, most = LASTS[kind]
        # Square: more short ones than long ones.
        seconds = least + (most - least) * self.rng.random() ** 2
        self.busy.add((kind, target))
        self.count[kind] += 1
        getattr(self, kind.replace(" ", "_"))(target, seconds)

    def draw_target(self, kind, anchor):
        if kind in ("cut", "loss", "reset"):
            return tuple(self.rng.choice(self.herd.links).split("-"))
        if kind == "one way":
            return self.rng.choice(sorted(self.network.roads))
        if kind in ("delay", "late"):
            return self.rng.choice(sorted(self.network.proxy.roads))
        if kind in OF_ALL:
            return "all"
        if kind in ("clock", "wrong start"):
            node = self.rng.choice(self.unsteady)
            if kind == "clock":
                return None if self.is_ignorant(node) else node
            return node if self.all_know() and self.may_die(node, anchor) else None
        node = self.rng.choice(self.nodes)
        if kind in (*DEADLY, "pause", "descriptors") and not self.herd.lives(node):
            return None
        # An attack fills a slow line, and then all that is said over it comes seconds late: to who
        # has just started that looks like a slow clock (rule V2).
        if kind == "slow" and node == self.attacked:
            return None
        return None if kind in DEADLY and not self.may_die(node, anchor) else node

    def may_die(self, node, anchor):
        return node != anchor and self.victim in (None, node)

    def note(self, seconds, *touched):
        """These nodes and their neighbours may be unable to hand an update on."""
        self.is_calm = False
        now = time.monotonic()
        for node in {*touched, *(each for one in touched for each in self.neighbours[one])}:
            self.troubles[node].append((now, now + seconds + AFTERMATH_SECONDS))

    def settled(self):
        """All nodes agree: no trouble is left."""
        now = time.monotonic()
        self.is_calm = True
        self.ignorant = {node: min(until, now + HEARSAY_SECONDS)
                         for node, until in self.ignorant.items()}
        for node, spans in self.troubles.items():
            self.troubles[node] = [(begin, min(end, now)) for begin, end in spans]

    # ---- processes ----

    def kill(self, node, seconds):
        self.note(seconds, node)
        self.herd.kill(node)
        self.bury(node)
        self.later(seconds, lambda: self.come_back(node))

    def power_cut(self, node, seconds):
        self.kill(node, seconds)
        self.forgotten += self.herd.cut_power(node, self.rng.getrandbits(63))

    def kill_all(self, _, seconds):
        living = [node for node in self.nodes if self.herd.lives(node)]
        self.note(seconds, *self.nodes)
        for node in living:
            self.herd.processes[node].child.kill()
        self.all_killed.append(time.monotonic())
        for node in living:
            self.herd.kill(node)
            self.bury(node)
        self.later(seconds, lambda: self.come_back(*living))

    def cut_all(self, _, seconds):
        self.kill_all(_, seconds)
        for node in self.nodes:  # also who was dead before
            self.forgotten += self.herd.cut_power(node, self.rng.getrandbits(63))

    def leave(self, node, seconds):
        self.note(seconds, node)
        self.herd.processes[node].child.send_signal(signal.SIGCONT)
        self.herd.processes[node].stop()
        self.bury(node)
        self.later(seconds, lambda: self.come_back(node))

    def bury(self, node):
        self.killed[node, self.recorder.lives[node]] = time.monotonic()
        self.recorder.lives[node] += 1

    def come_back(self, *nodes):
        for node in nodes:
            self.ignorant[node] = float("inf")
            self.herd.set_clock(node, 0)
        if nodes:
            self.herd.start(*nodes)

    def wrong_start(self, node, seconds):
        self.note(seconds, node)
        self.herd.kill(node)
        self.bury(node)
        self.herd.set_clock(node, self.draw_wrong())
        self.herd.start(node)
        self.busy.discard(("wrong start", node))

    def pause(self, node, seconds):
        self.note(seconds, node)
        child = self.herd.processes[node].child
        child.send_signal(signal.SIGSTOP)
        self.later(seconds, lambda: child.send_signal(signal.SIGCONT))

    def descriptors(self, node, seconds):
        self.note(seconds, node)
        pid = self.herd.processes[node].child.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        taken = max(int(each) for each in os.listdir(f"/proc/{pid}/fd")) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken, limits[1]))

        def give_back():
            if self.herd.lives(node) and self.herd.processes[node].child.pid == pid:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        self.later(seconds, give_back)

    def clock(self, node, seconds):
        self.herd.set_clock(node, self.rng.choice((0, self.draw_wrong(), self.draw_wrong())))
        self.busy.discard(("clock", node))

    def draw_wrong(self):
        """How many seconds a clock is ahead: minutes, an hour, a day or years, or behind. Years
        ahead is what stamps of the future are (load.py)."""
        return self.rng.choice((-1, 1)) * self.rng.choice(
            (self.rng.randint(60, 600), HOUR_S, DAY_S, YEARS_S))

    def is_ignorant(self, node):
        return time.monotonic() < self.ignorant.get(node, 0.0)

    def all_know(self):
        """All nodes run, and know each other's clocks; no road is troubled."""
        return self.is_calm and not any(map(self.is_ignorant, self.nodes))

    # ---- roads ----

    def on_roads(self, roads, seconds, do):
        """Does it to the roads, and heals them one by one, in an order of chance."""
        self.note(seconds, *{road[0] for road in roads}, *{road[1] for road in roads})
        for road in roads:
            do(road)
            self.later(seconds * self.rng.uniform(0.7, 1.0),
                       lambda road=road: self.network.heal(road))

    def cut(self, link, seconds):
        self.on_roads([link, link[::-1]], seconds, self.network.cut)

    def one_way(self, road, seconds):
        self.on_roads([road], seconds, self.network.cut)

    def isolate(self, node, seconds):
        self.on_roads([road for road in self.network.roads if node in road], seconds,
                      self.network.cut)

    def loss(self, link, seconds):
        self.on_roads([link, link[::-1]], seconds, self.network.lose)

    def reset(self, link, seconds):
        self.note(seconds, *link)
        for road in (link, link[::-1]):
            self.network.reset(road)

    def slow(self, node, seconds):
        self.note(seconds, node)
        self.network.slow(node, True)
        self.later(seconds, lambda: self.network.slow(node, False))

    def delay(self, road, seconds):
        most = self.rng.uniform(0.02, 0.5)
        self.on_roads([road], seconds, lambda road: self.network.proxy.tell(
            road="-".join(road), delay=most * self.rng.random(), jitter=most))

    def late(self, road, seconds):
        self.note(seconds, *road)
        self.network.proxy.tell(late="-".join(road), by=seconds)
