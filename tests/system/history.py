"""The judge of a herd under faults: reads what clients saw, and reports what must not happen.

It decides only: no socket, no process, no clock. A history is what was sent and answered, with
times of one clock; when each life of a node began and ended; and what every node holds once all
faults are over. Judged is:

- exactly one answer for each command, of that command, in the order of the commands
- every value was sent by a client, to the node that it names, before any client saw it
- a node, as long as it lives, never goes back to an older value of a client
- a client that got an answer from a node finds at least that value there
- in the end all nodes hold the same
- nothing that was answered is lost, unless only nodes that were killed can have had it, and their
  disks need not (`promises`, `lag_s`)
- what a FORGET ended does not come back, unless the node that was told so was killed

In a herd that forgets what is older than `expire_s`, no node need hold that; how soon it is gone is
judged by forgetting.py. Of names that clients may forget (GONE) a value may go at any time: of them
are judged the answers, the values, that all nodes hold the same, and that nothing comes back.

What is newer is decided by order times, which AT lines do not tell. They follow from the herd's
time where an update was taken, and that is the time of the history, because faults.py leaves most
clocks right and lets no node begin that knows only a wrong one. So the order time of an update is
its stamp, also at a node whose own clock is wrong, unless the stamp was of the future when it was
taken.

The cost grows with the history as sorting does."""

import collections
import dataclasses
import heapq
import re

# How far ahead of the herd's time a stamp may count (bus/table/location.h).
SKEW_NS_MAX = 5_000_000_000
# How far from the true time a node may take the herd's to be; its own clock counts where it is that
# near (bus/link/herd_time.h).
TRUST_NS_MAX = 1_000_000_000
# How long a node without faults around it may take to hand an update on to its neighbours. This
# is far more than it takes; what was measured stands in README.
HANDED_ON_SECONDS_MAX = 1.0

# How names begin that clients may forget.
GONE = "gone"

AT_LINE = re.compile(r"AT (\S+) ([+-])(\d+)\.(\d{9}) (\S+) (\S+) (\d+)(?:\.(\d+))?")


@dataclasses.dataclass(slots=True)
class Operation:
    connection: int
    node: str
    life: int          # which process of that node: 0, 1, ...
    command: str       # "IAMAT client position stamp" or "WHATSAT client radius bound"
    sent: float
    reply: str = None  # the first line; None where the connection ended before
    replied: float = None


@dataclasses.dataclass(slots=True)
class Ending:
    """How a connection ended: `orderly` when the node closed it after all its answers; `mute`
    when the client gave up after PATIENCE_SECONDS (load.py) without an answer."""
    orderly: bool
    mute: bool = False
    surplus: str = ""  # what came beyond the answers


@dataclasses.dataclass
class History:
    operations: list = dataclasses.field(default_factory=list)
    endings: dict = dataclasses.field(default_factory=dict)  # connection: Ending
    killed: dict = dataclasses.field(default_factory=dict)   # (node, life): when
    troubles: dict = dataclasses.field(default_factory=dict)  # node: [(from, to)] faults around it
    before: dict = dataclasses.field(default_factory=dict)   # client: line all nodes held at first
    # IAMATs of the time before: the unanswered ones, and those that `before` is from.
    earlier: list = dataclasses.field(default_factory=list)
    tables: dict = dataclasses.field(default_factory=dict)   # node: {client: line or None}, at last
    epoch_s: float = 0.0  # what a right wall clock shows at moment 0 of the history
    expire_s: float = None  # how long a value counts; None: for ever
    read: float = 0.0       # when `tables` began to be read
    forgotten: dict = dataclasses.field(default_factory=dict)  # client: stamp of a FORGET before
    # What an answer promises: "neighbour", "disk". A valid IAMAT may then be answered by "? " and the
    # copy: stored, and not promised.
    promises: frozenset = frozenset()
    neighbours: dict = dataclasses.field(default_factory=dict)  # node: those that it has a link to
    lag_s: float = None  # so soon a journal has what its node took; None: there is none
    began: float = 0.0   # when all nodes held what is `before`
    all_killed: list = dataclasses.field(default_factory=list)  # moments


Violation = collections.namedtuple("Violation", "kind text")
NOTHING = ()  # is older than any order


def order_of(line, accepted_ns=None):
    """The place of an AT line among all of its client, if it was accepted at that time of the herd,
    by default what the node's clock showed: greater is newer. None for no AT line."""
    found = AT_LINE.fullmatch(line)
    if not found:
        return None
    origin, sign, whole, part, _, position, seconds, fraction = found.groups()
    stamp_ns = int(seconds) * 10**9 + int(((fraction or "") + "0" * 9)[:9])
    difference_ns = int(sign + whole + part)
    if accepted_ns is None:
        accepted_ns = stamp_ns + difference_ns
    stamp = line.rpartition(" ")[2]
    return (min(stamp_ns, accepted_ns + SKEW_NS_MAX), origin.encode(), stamp.encode(),
            position.encode(), difference_ns)


def range_of(line, sent_ns, replied_ns):
    """The first and the last place that an AT line may have whose update was sent and answered
    then; `replied_ns` is None where it was not. They are the same for a stamp that is not of the
    future, and at a node whose clock is right."""
    least = order_of(line, sent_ns - TRUST_NS_MAX)
    stamp_ns = order_of(line, float("inf"))[0]
    if least[0] == stamp_ns:
        return least, least
    if replied_ns is None:
        return least[:1], (stamp_ns + 1,)
    shown_ns = stamp_ns + least[-1]
    if sent_ns - TRUST_NS_MAX <= shown_ns <= replied_ns + TRUST_NS_MAX:
        return order_of(line), order_of(line)
    # A wrong clock. The node goes by the others' clocks; what it takes may be moved past what it
    # knows (the bump), which was accepted before.
    return least[:1], (order_of(line, replied_ns + TRUST_NS_MAX)[0] + 1,)


def client_of(command):
    return command.split(" ", 2)[1]


def is_update(operation):
    return operation.command.startswith("IAMAT ")


def is_forget(operation):
    return operation.command.startswith("FORGET ")


def may_be_gone(client):
    return client.startswith(GONE)


def stamp_of(line):
    """Nanoseconds."""
    return order_of(line, float("inf"))[0]


def is_refused(operation):
    return operation.reply == "? " + operation.command


def is_answer(operation):
    """The reply is one that this command may get at this node."""
    if is_update(operation):
        return (operation.reply.startswith(f"AT {operation.node} ")
                and order_of(operation.reply) is not None
                and operation.reply.split(" ", 3)[3] == operation.command.split(" ", 1)[1])
    if is_forget(operation) and operation.reply.startswith("AT "):
        return (order_of(operation.reply) is not None
                and operation.reply.startswith(f"AT {operation.node} ")
                and operation.reply.split(" ")[3:5] == [client_of(operation.command), "-"])
    if operation.reply.startswith("AT "):
        return (order_of(operation.reply) is not None
                and operation.reply.split(" ")[3] == client_of(operation.command))
    return operation.reply == "? " + operation.command


class Judge:
    def __init__(self, history):
        self.history = history
        self.violations = []
        self.excused = []  # seconds from the answer to the end of the node, of each lost update
        # Of these nobody knows the AT line.
        self.unpromised = [each for each in history.operations
                           if history.promises and is_update(each) and is_refused(each)]
        self.no_answer = {id(each) for each in self.unpromised}
        self.updates = {
            (operation.node, operation.command.split(" ", 1)[1]): operation
            for operation in [*history.earlier, *filter(is_update, history.operations)]}

    def blame(self, kind, text):
        self.violations.append(Violation(kind, text))

    def judge(self):
        self.answers()
        self.sources()
        self.progress()
        self.agreement()
        self.losses()
        self.returns()
        return self

    # ---- what is newer ----

    def writer_of(self, line):
        """The update that an AT line is from; None where no client sent it."""
        return self.updates.get((line.split(" ")[1], line.split(" ", 3)[3]))

    def moment_ns(self, moment):
        return None if moment is None else int((self.history.epoch_s + moment) * 1e9)

    def range(self, line):
        """The first and the last place of an AT line; of one that no client sent, which is blamed
        elsewhere, by the clock that it shows."""
        order = order_of(line)
        writer = self.writer_of(line) if order else None
        if writer is None:
            return order or NOTHING, order or NOTHING
        return range_of(line, self.moment_ns(writer.sent), self.moment_ns(writer.replied))

    def bound_of(self, operation):
        """What is at least held once this is answered. An update proves only its order time: a node
        leaves what it holds where another one comes with the same."""
        least = self.range(operation.reply)[0]
        return ("write", least[:1]) if is_update(operation) else ("value", least)

    # ---- one answer for each command ----

    def answers(self):
        silent = set()
        for operation in self.history.operations:
            number = operation.connection
            if operation.reply is None:
                silent.add(number)
                ending = self.history.endings[number]
                if ending.orderly or ending.mute:
                    self.blame("unanswered", f"{operation.command!r} at {operation.node}")
            elif number in silent:
                self.blame("answers", f"a gap before {operation.reply!r} at {operation.node}")
            elif not is_answer(operation) and id(operation) not in self.no_answer:
                self.blame("answers", f"{operation.reply!r} to {operation.command!r} at "
                                      f"{operation.node}")
        for number, ending in self.history.endings.items():
            if ending.mute and number not in silent:
                self.blame("unanswered", "the end of a connection, by closing it")
            if ending.surplus:
                self.blame("surplus", f"{ending.surplus!r} answers nothing")

    # ---- every value has a writer ----

    def sources(self):
        for operation in self.history.operations:
            if (operation.reply and operation.reply.startswith("AT ")
                    and not is_update(operation) and not is_forget(operation)):
                self.source(operation.reply, operation.replied, operation.node)
        for node, table in self.history.tables.items():
            for line in filter(None, table.values()):
                self.source(line, float("inf"), node)

    def source(self, line, seen, where):
        if order_of(line) is None:
            return  # no answer at all: counted above
        writer = self.writer_of(line)
        if writer is None or (writer.reply is not None and writer.reply != line
                              and not (self.history.promises and is_refused(writer))):
            self.blame("source", f"{where} holds {line!r}, which no client sent")
        elif writer.sent > seen:
            self.blame("source", f"{where} held {line!r} before it was sent")

    # ---- a node's values only go forward ----

    def progress(self):
        lives = collections.defaultdict(list)
        for operation in self.history.operations:
            if (operation.reply is not None and is_answer(operation)
                    and not may_be_gone(client_of(operation.command))):
                lives[operation.node, operation.life].append(operation)
        for (_, life), operations in lives.items():
            bounds = {}
            if life == min(l for n, l in lives if n == operations[0].node):
                bounds = self.first_bounds(operations[0].node, life)
            self.progress_of_life(operations, bounds)

    def first_bounds(self, node, life):
        """What a process that already lived before the history began held then."""
        if any((node, earlier) in self.history.killed for earlier in range(life)):
            return {}
        return {client: ("value", self.range(line)[0])
                for client, line in self.history.before.items()}

    def progress_of_life(self, operations, bounds):
        """An answer is a bound for every command sent after it, and for every later command on its
        own connection."""
        finished, on_line = [], {}
        for number, operation in enumerate(sorted(operations, key=lambda each: each.sent)):
            while finished and finished[0][0] < operation.sent:
                self.raise_bound(bounds, heapq.heappop(finished)[2])
            client = client_of(operation.command)
            seen = self.range(operation.reply)[1]
            if not is_update(operation):
                self.compare(operation, seen, bounds.get(client))
                self.compare(operation, seen, on_line.get((operation.connection, client)))
            heapq.heappush(finished, (operation.replied, number, operation))
            self.raise_bound(on_line, operation, (operation.connection, client))

    def raise_bound(self, bounds, operation, key=None):
        key = key or client_of(operation.command)
        bound = self.bound_of(operation)
        if key not in bounds or bounds[key][1] < bound[1]:
            bounds[key] = bound

    def is_over(self, order, moment):
        """At that moment no node need hold it."""
        if self.history.expire_s is None or not order:
            return False
        return order[0] < self.moment_ns(moment - self.history.expire_s) + TRUST_NS_MAX

    def compare(self, operation, seen, bound):
        if seen == NOTHING and bound is not None and self.is_over(bound[1], operation.replied):
            return
        if bound is not None and seen < bound[1]:
            kind = "own write" if bound[0] == "write" else "backwards"
            self.blame(kind, f"{operation.node} answered {operation.reply!r} after a newer {bound}")

    # ---- the end ----

    def agreement(self):
        tables = self.history.tables
        for client in sorted({client for table in tables.values() for client in table}):
            lines = {table.get(client) for table in tables.values()}
            if len(lines) > 1:
                self.blame("differ", f"{client}: " + "; ".join(
                    f"{node} {table.get(client)!r}" for node, table in sorted(tables.items())))

    def losses(self):
        if not self.history.tables:
            return
        held = self.holders()
        last = {}
        for table in self.history.tables.values():
            for client, line in table.items():
                seen = self.range(line)[1] if line else NOTHING
                last[client] = max(last.get(client, NOTHING), seen)
        for client, line in self.history.before.items():
            if self.may_go(client, self.range(line)[0]):
                continue
            if last.get(client, NOTHING) < self.range(line)[0]:
                self.loss_of_all(line)
        for operation in filter(is_update, self.history.operations):
            if operation.reply is None or not is_answer(operation):
                continue
            if self.may_go(client_of(operation.command), self.bound_of(operation)[1]):
                continue
            if last.get(client_of(operation.command), NOTHING) < self.bound_of(operation)[1]:
                self.loss(operation, held[operation.reply])

    def may_go(self, client, order):
        return may_be_gone(client) or self.is_over(order, self.history.read)

    def returns(self):
        for operation in filter(is_forget, self.history.operations):
            if (operation.reply and operation.reply.startswith("AT ") and is_answer(operation)
                    and (operation.node, operation.life) not in self.history.killed):
                client, stamp = client_of(operation.command), stamp_of(operation.reply)
                self.history.forgotten[client] = max(
                    stamp, self.history.forgotten.get(client, 0))
        for node, table in self.history.tables.items():
            for client, line in table.items():
                if line and stamp_of(line) <= self.history.forgotten.get(client, -1):
                    self.blame("returned", f"{node} holds {line!r}, which was forgotten")

    def holders(self):
        """Which processes were seen to hold a line."""
        held = collections.defaultdict(set)
        for operation in self.history.operations:
            if operation.reply is not None and not is_update(operation):
                held[operation.reply].add((operation.node, operation.life))
        return held

    def loss_of_all(self, line):
        """Of what all nodes held: where all were killed before their journals had it."""
        writer = self.writer_of(line)
        is_promised = "disk" in self.history.promises and writer and writer.reply == line
        if is_promised or not self.were_all_killed(self.history.began):
            self.blame("lost", f"{line!r}, which all nodes held")
        else:
            self.excused.append(self.history.all_killed[0] - self.history.began)

    def were_all_killed(self, begin):
        """Before a journal had what its node held then."""
        return any(begin <= moment <= begin + (self.history.lag_s or 0)
                   for moment in self.history.all_killed)

    def loss(self, operation, holders):
        process = (operation.node, operation.life)
        ended = self.history.killed.get(process)
        survivors = [holder for holder in holders if holder not in self.history.killed]
        if ended is None:
            self.blame("lost", f"{operation.reply!r}, and {operation.node} was not killed")
        elif survivors:
            self.blame("lost", f"{operation.reply!r}, although {survivors} held it")
        elif "disk" in self.history.promises:
            self.blame("lost", f"{operation.reply!r}, which the disk of {operation.node} held")
        elif "neighbour" in self.history.promises and not self.died_after(operation):
            self.blame("lost", f"{operation.reply!r}, which a neighbour of {operation.node} held")
        elif self.history.lag_s is not None and ended - operation.replied > self.history.lag_s:
            self.blame("lost", f"{operation.reply!r}, answered {ended - operation.replied:.3f} s "
                               f"before {operation.node} was killed, which has a journal")
        elif (not any(moment >= operation.replied for moment in self.history.all_killed) and
              self.calm(operation.node, operation.replied, ended) > HANDED_ON_SECONDS_MAX):
            self.blame("lost", f"{operation.reply!r}, answered {ended - operation.replied:.3f} s "
                               f"before {operation.node} was killed")
        else:
            self.excused.append(max(0.0, ended - operation.replied))

    def died_after(self, operation):
        """Neighbours of its node, which may have been the ones that held it."""
        return [node for (node, _), ended in self.history.killed.items()
                if node in self.history.neighbours[operation.node] and ended >= operation.sent]

    def calm(self, node, begin, end):
        """The longest time without a fault around the node."""
        longest, at = 0.0, begin
        for start, stop in sorted(self.history.troubles.get(node, [])):
            longest = max(longest, min(start, end) - at)
            at = max(at, min(stop, end))
        return max(longest, end - at)


def judge(history):
    """A Judge with `violations` and `excused`."""
    return Judge(history).judge()
