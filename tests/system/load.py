"""Clients of a herd under faults: busy, impatient, and writing down all they see.

Each client is a thread that connects to one node after the other, sends commands in small
batches, and leaves in one of the ways clients leave. Every stamp of a client is used once, so
that each value has one writer."""

import itertools
import random
import socket
import threading
import time

from history import GONE, Ending, Operation

OWN_NAMES = 3      # names that no other client updates
SHARED_NAMES = 12  # names that all clients update
GONE_NAMES = 6     # names that all clients update and forget, where they may
PATIENCE_SECONDS = 12.0  # longer than any pause of a node
CONNECT_SECONDS = 2.0
BATCHES_MAX, COMMANDS_MAX = 20, 6

numbers = itertools.count(1)  # connections, and what makes stamps differ


class Recorder:
    """What all clients saw since the last look; which life of a node answers, and when it began."""

    def __init__(self):
        self.lock = threading.Lock()
        self.operations, self.endings = [], {}
        self.lives = {}

    def add(self, operations, number, ending):
        with self.lock:
            self.operations.extend(operations)
            self.endings[number] = ending

    def take(self):
        with self.lock:
            taken = self.operations, self.endings
            self.operations, self.endings = [], {}
            return taken


class Conversation:
    """One connection: commands out, replies in, both written down."""

    def __init__(self, recorder, node, address):
        self.number, self.recorder, self.node = next(numbers), recorder, node
        self.operations, self.pending, self.orderly = [], b"", False
        self.mute = False
        self.socket = socket.create_connection(address, timeout=CONNECT_SECONDS)
        self.socket.settimeout(PATIENCE_SECONDS)
        # The old process was dead and buried before the new one was counted.
        self.life = recorder.lives[node]

    def line(self, mark=b"\n"):
        while mark not in self.pending:
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("closed")
            self.pending += got
        head, _, self.pending = self.pending.partition(mark)
        return head.decode("latin-1")

    def ask(self, commands):
        batch = [Operation(self.number, self.node, self.life, command, time.monotonic())
                 for command in commands]
        self.operations += batch
        self.socket.sendall("".join(command + "\n" for command in commands).encode())
        for operation in batch:
            reply = self.line()
            if operation.command.startswith("WHATSAT") and reply.startswith("AT "):
                self.line(b"\n\n")
            operation.reply, operation.replied = reply, time.monotonic()

    def leave(self):
        """Half-closes and waits for the node to close; any further byte is a surplus."""
        self.socket.shutdown(socket.SHUT_WR)
        while got := self.socket.recv(65536):
            self.pending += got
        self.orderly = True

    def close(self):
        self.socket.close()
        self.recorder.add(self.operations, self.number,
                          Ending(self.orderly, self.mute, self.pending.decode("latin-1")
                                 if self.orderly else ""))


class Client(threading.Thread):
    def __init__(self, recorder, addresses, number, seed, pause_s, may_forget):
        super().__init__(daemon=True)
        self.may_forget = may_forget
        self.recorder, self.addresses, self.pause_s = recorder, addresses, pause_s
        self.rng = random.Random(f"{seed} {number}")
        self.names = names_of(number)
        self.may_go = threading.Event()
        self.is_idle = threading.Event()
        self.over = False

    def command(self):
        name = self.rng.choice(self.names)
        if self.may_forget and self.rng.random() < 0.3:
            name = self.rng.choice(gone_names())
            if self.rng.random() < 0.2:
                return f"FORGET {name}"
        if self.rng.random() < 0.5:
            return f"WHATSAT {name} 1 0"
        return "IAMAT {} {:+08.4f}{:+09.4f} {}".format(
            name, self.rng.uniform(-90, 90), self.rng.uniform(-180, 180), self.stamp())

    def stamp(self):
        """Mostly now; sometimes a while ago, or a little or years ahead. Its end makes it the only
        one."""
        second = time.time() + self.rng.choice((0, 0, 0, 0, 0, 0, -0.5, -30, 4, 10**8))
        return f"{int(second)}.{int(second % 1 * 1000):03d}{next(numbers) % 10**6:06d}"

    def converse(self, conversation):
        for _ in range(self.rng.randint(1, BATCHES_MAX)):
            if not self.may_go.is_set():
                break
            conversation.ask([self.command() for _ in range(self.rng.randint(1, COMMANDS_MAX))])
            time.sleep(self.rng.expovariate(1 / self.pause_s))
        if self.rng.random() < 0.2:
            conversation.socket.sendall((self.command_unread(conversation) + "\n").encode())
        else:
            conversation.leave()

    def command_unread(self, conversation):
        """A last command without waiting for its answer: it may take effect, now or later."""
        command = self.command()
        conversation.operations.append(Operation(
            conversation.number, conversation.node, conversation.life, command, time.monotonic()))
        return command

    def run(self):
        while not self.over:
            if not self.may_go.is_set():
                self.is_idle.set()
                self.may_go.wait()
                self.is_idle.clear()
                continue
            node = self.rng.choice(list(self.addresses))
            conversation = None
            try:
                conversation = Conversation(self.recorder, node, self.addresses[node])
                self.converse(conversation)
            except OSError as fault:  # the node is away, or mute: another one, soon
                if conversation:
                    conversation.mute = isinstance(fault, TimeoutError)
                time.sleep(0.05)
            finally:
                if conversation:
                    conversation.close()


def names_of(number):
    return [f"own{number}.{i}" for i in range(OWN_NAMES)] + [f"all{i}" for i in range(SHARED_NAMES)]


def gone_names():
    return [f"{GONE}{i}" for i in range(GONE_NAMES)]


class Load:
    """All clients together."""

    def __init__(self, recorder, addresses, count, seed, pause_s, may_forget=False):
        self.clients = [Client(recorder, addresses, number, seed, pause_s, may_forget)
                        for number in range(count)]
        self.names = sorted({name for number in range(count) for name in names_of(number)})
        self.names += gone_names() if may_forget else []
        for client in self.clients:
            client.start()

    def go(self):
        for client in self.clients:
            client.may_go.set()

    def rest(self):
        """Lets every client finish what it began."""
        for client in self.clients:
            client.may_go.clear()
        for client in self.clients:
            if not client.is_idle.wait(3 * PATIENCE_SECONDS):
                raise AssertionError("a client got no answer, and its connection did not end")

    def end(self):
        for client in self.clients:
            client.over = True
            client.may_go.set()
        for client in self.clients:
            client.join(3 * PATIENCE_SECONDS)
