"""What a connection with watches is told, added up: of each watch who is in, with its AT line; and a
thread that keeps such a connection to a node that may go down and come back."""

import socket
import threading
import time


class Contradiction(Exception):
    """A line that does not add up with those before it."""


class Told:
    """The lines of one connection."""

    def __init__(self):
        self.states = {}   # number of a watch: {client: AT line}
        self.centres = {}  # number of a watch around a client: that client
        self.lines = 0

    def reply(self, lines):
        """A whole reply to WATCH, from its first line to the one before the empty one."""
        word, number, count = lines[0].split(" ")
        if word != "WATCH" or int(count) != len(lines) - 1:
            raise Contradiction(lines[0])
        self.states[number] = {line.split(" ")[-3]: line[line.index("AT "):] for line in lines[1:]}
        return number

    def take(self, line):
        """A line that begins with `! `."""
        mark, what, number, *rest = line.split(" ")
        state = self.states.get(number)
        if mark != "!" or state is None:
            raise Contradiction(line)
        self.lines += 1
        name = rest[0] if what == "GONE" else rest[-3]
        if what == "GONE" and name == self.centres.get(number):
            state.clear()
            return
        if what in ("LEAVE", "GONE") and name not in state or what == "ENTER" and name in state:
            raise Contradiction(line)
        if what in ("LEAVE", "GONE"):
            del state[name]
        else:
            state[name] = line[line.index("AT "):]


class Watching(threading.Thread):
    """A connection to one node, which asks for some watches, again whenever it was cut, and adds up
    what it is told."""

    def __init__(self, address, wanted):
        super().__init__(daemon=True)
        self.address, self.wanted = address, wanted
        self.lock = threading.Lock()
        self.told = None  # while it is connected and has all replies
        self.lines, self.contradictions = 0, []
        self.over = False

    def run(self):
        while not self.over:
            try:
                with socket.create_connection(self.address, timeout=2) as connection:
                    connection.settimeout(None)
                    self.listen(connection, Told())
            except OSError:
                pass
            except Contradiction as fault:
                self.contradictions.append(str(fault))
            with self.lock:
                self.told = None
            time.sleep(0.05)

    def listen(self, connection, told):
        connection.sendall("".join(f"WATCH {what}\n" for what in self.wanted).encode())
        lines = connection.makefile("r", encoding="latin-1", newline="\n")
        reply = []
        for line in lines:
            line = line.removesuffix("\n")
            with self.lock:
                if line.startswith("! "):
                    told.take(line)
                    self.lines += 1
                elif line:
                    reply.append(line)
                else:
                    self.take_reply(told, reply)
                    reply = []

    def take_reply(self, told, reply):
        number = told.reply(reply)
        words = self.wanted[int(number) - 1].split(" ")
        if len(words) == 2:
            told.centres[number] = words[0]
        if len(told.states) == len(self.wanted):
            self.told = told

    def states(self):
        """{what is watched: {client: AT line}}, or None while it is not connected."""
        with self.lock:
            if self.told is None:
                return None
            return {what: dict(self.told.states[str(number)])
                    for number, what in enumerate(self.wanted, 1)}
