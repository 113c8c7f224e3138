"""The judge of a herd under faults: reads what clients saw, and says what must not have been.

It decides only: no socket, no process, no clock. A history is what was sent and answered, with
times of one clock; when each life of a node began and ended; and what every node holds once all
faults are over. Judged is:

- exactly one answer for each command, of that command, in the order of the commands
- every value was told by a client, at the node it names, before anybody saw it
- a node, as long as it lives, never goes back to an older value of a client
- who got an answer from a node finds at least that value there
- in the end all nodes hold the same
- nothing that was answered is lost, unless nobody but nodes that were killed can have had it

The cost grows with the history as sorting does."""

import collections
import dataclasses
import heapq
import re

# How far ahead of the accepting clock a stamp may count (bus/table/location.h).
SKEW_NS_MAX = 5_000_000_000
# How long a node without faults around it may take to hand an update on to its neighbours. This
# is far more than it takes; what was measured stands in README.
HANDED_ON_SECONDS_MAX = 1.0

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
    when it said nothing for so long that the client gave up."""
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
    earlier: list = dataclasses.field(default_factory=list)  # unanswered IAMATs of the time before
    tables: dict = dataclasses.field(default_factory=dict)   # node: {client: line or None}, at last


Violation = collections.namedtuple("Violation", "kind text")
NOTHING = ()  # is older than any order


def order_of(line):
    """The place of an AT line among all of its client: greater is newer. None for no AT line."""
    found = AT_LINE.fullmatch(line)
    if not found:
        return None
    origin, sign, whole, part, _, position, seconds, fraction = found.groups()
    stamp_ns = int(seconds) * 10**9 + int(((fraction or "") + "0" * 9)[:9])
    difference_ns = int(sign + whole + part)
    stamp = line.rpartition(" ")[2]
    return (min(stamp_ns, stamp_ns + difference_ns + SKEW_NS_MAX), origin.encode(),
            stamp.encode(), position.encode(), difference_ns)


def bound_of(operation):
    """What is at least held once this is answered. An update proves only its order time: a node
    leaves what it holds where another one comes with the same."""
    order = order_of(operation.reply) or NOTHING
    return ("write", order[:1]) if is_update(operation) else ("value", order)


def client_of(command):
    return command.split(" ", 2)[1]


def is_update(operation):
    return operation.command.startswith("IAMAT ")


def is_answer(operation):
    """The reply is one that this command may get at this node."""
    if is_update(operation):
        return (operation.reply.startswith(f"AT {operation.node} ")
                and order_of(operation.reply) is not None
                and operation.reply.split(" ", 3)[3] == operation.command.split(" ", 1)[1])
    if operation.reply.startswith("AT "):
        return (order_of(operation.reply) is not None
                and operation.reply.split(" ")[3] == client_of(operation.command))
    return operation.reply == "? " + operation.command


class Judge:
    def __init__(self, history):
        self.history = history
        self.violations = []
        self.excused = []  # seconds from the answer to the end of the node, of each lost update

    def blame(self, kind, text):
        self.violations.append(Violation(kind, text))

    def judge(self):
        self.answers()
        self.sources()
        self.progress()
        self.agreement()
        self.losses()
        return self

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
            elif not is_answer(operation):
                self.blame("answers", f"{operation.reply!r} to {operation.command!r} at "
                                      f"{operation.node}")
        for number, ending in self.history.endings.items():
            if ending.mute and number not in silent:
                self.blame("unanswered", "the end of a connection, by closing it")
            if ending.surplus:
                self.blame("surplus", f"{ending.surplus!r} answers nothing")

    # ---- every value has a writer ----

    def sources(self):
        told = {}
        for operation in [*self.history.earlier, *filter(is_update, self.history.operations)]:
            told[operation.node, operation.command.split(" ", 1)[1]] = operation
        for operation in self.history.operations:
            if operation.reply and operation.reply.startswith("AT ") and not is_update(operation):
                self.source(told, operation.reply, operation.replied, operation.node)
        for node, table in self.history.tables.items():
            for line in filter(None, table.values()):
                self.source(told, line, float("inf"), node)

    def source(self, told, line, seen, where):
        if order_of(line) is None:
            return  # no answer at all: counted above
        if self.history.before.get(line.split(" ")[3]) == line:
            return
        writer = told.get((line.split(" ")[1], line.split(" ", 3)[3]))
        if writer is None or (writer.reply is not None and writer.reply != line):
            self.blame("source", f"{where} holds {line!r}, which nobody was told")
        elif writer.sent > seen:
            self.blame("source", f"{where} held {line!r} before it was sent")

    # ---- a node's values only go forward ----

    def progress(self):
        lives = collections.defaultdict(list)
        for operation in self.history.operations:
            if operation.reply is not None and is_answer(operation):
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
        return {client: ("value", order_of(line)) for client, line in self.history.before.items()}

    def progress_of_life(self, operations, bounds):
        """An answer counts for whatever was sent after it, and for whatever came after it on its
        own connection."""
        finished, on_line = [], {}
        for number, operation in enumerate(sorted(operations, key=lambda each: each.sent)):
            while finished and finished[0][0] < operation.sent:
                self.raise_bound(bounds, heapq.heappop(finished)[2])
            client = client_of(operation.command)
            seen = order_of(operation.reply) or NOTHING
            if not is_update(operation):
                self.compare(operation, seen, bounds.get(client))
                self.compare(operation, seen, on_line.get((operation.connection, client)))
            heapq.heappush(finished, (operation.replied, number, operation))
            self.raise_bound(on_line, operation, (operation.connection, client))

    def raise_bound(self, bounds, operation, key=None):
        key = key or client_of(operation.command)
        bound = bound_of(operation)
        if key not in bounds or bounds[key][1] < bound[1]:
            bounds[key] = bound

    def compare(self, operation, seen, bound):
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
                order = order_of(line) if line else NOTHING
                last[client] = max(last.get(client, NOTHING), order)
        for client, line in self.history.before.items():
            if last.get(client, NOTHING) < order_of(line):
                self.blame("lost", f"{line!r}, which all nodes held")
        for operation in filter(is_update, self.history.operations):
            if operation.reply is None or not is_answer(operation):
                continue
            if last.get(client_of(operation.command), NOTHING) < bound_of(operation)[1]:
                self.loss(operation, held[operation.reply])

    def holders(self):
        """Which processes were seen to hold a line."""
        held = collections.defaultdict(set)
        for operation in self.history.operations:
            if operation.reply is not None and not is_update(operation):
                held[operation.reply].add((operation.node, operation.life))
        return held

    def loss(self, operation, holders):
        process = (operation.node, operation.life)
        ended = self.history.killed.get(process)
        survivors = [holder for holder in holders if holder not in self.history.killed]
        if ended is None:
            self.blame("lost", f"{operation.reply!r}, and {operation.node} was not killed")
        elif survivors:
            self.blame("lost", f"{operation.reply!r}, although {survivors} held it")
        elif self.calm(operation.node, operation.replied, ended) > HANDED_ON_SECONDS_MAX:
            self.blame("lost", f"{operation.reply!r}, answered {ended - operation.replied:.3f} s "
                               f"before {operation.node} was killed")
        else:
            self.excused.append(max(0.0, ended - operation.replied))

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
