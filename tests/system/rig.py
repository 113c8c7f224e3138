"""The rig of the system tests: built programs, started from outside, spoken to as clients do.

Everything waits for a condition with a deadline. A herd lives in a folder of its own, on ports
that were free a moment ago, and only processes started here are ever ended here."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ZHERD_BUILD", ROOT / "build" / "debug"))

RING = ["Alford-Hamilton", "Hamilton-Holiday", "Holiday-Ball", "Ball-Welsh", "Welsh-Alford"]
UCLA = "+34.068930-118.445127"
PATIENCE = 15.0


def wait_for(what, condition, seconds=PATIENCE):
    """The first true value of condition(); fails with `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.01)


def copy_sources(folder):
    """What a clone of the working tree would hold, committed or not. Where there is no git, or the
    sources came without it: all but what is built and logged."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*")
                 if path.relative_to(ROOT).parts[0] not in ("build", "log", ".git")]
    for path in filter(pathlib.Path.is_file, paths):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def open_files_max(case):
    """Lets a test open as many files as the system would let it; an ordinary user may open 1,024
    unless he asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    case.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))


def free_ports(count):
    """Ports below the ephemeral range without a listener, each tried by binding it. Tests that run
    side by side begin far apart."""
    ports, held = [], []
    candidate = 10000 + os.getpid() * 4409 % 20000
    while len(ports) < count:
        candidate = candidate + 1 if candidate < 32000 else 10000
        trial = socket.socket()
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", candidate))
        except OSError:
            trial.close()
            continue
        held.append(trial)
        ports.append(candidate)
    for trial in held:
        trial.close()
    return ports


def topology_text(clients, buses, links, places=()):
    """A topology of {node: "host:port"} for clients and for the bus, and of the three ports of
    each places service."""
    text = "herd\n    name = trial\n"
    for name in clients:
        text += (f"node\n    name = {name}\n    clients = tcp://{clients[name]}\n"
                 f"    bus = tcp://{buses[name]}\n")
    for link in links:
        text += "link\n    between = {} {}\n".format(*link.split("-"))
    for front, back, web in places:
        text += (f"places\n    gateways = tcp://127.0.0.1:{front}\n"
                 f"    workers = tcp://127.0.0.1:{back}\n    provider = landmarks\n"
                 f"    url = http://127.0.0.1:{web}/maps/api/place/nearbysearch/json\n")
    return text


def nodes_of(links):
    return sorted({name for link in links for name in link.split("-")})


def write_topology(folder, links=RING, nodes=None, places=True, observers=()):
    """Writes herd.zpl on free ports, with `places` places services; returns its path and
    {node: clients port}. An observer is "Ear-Alford": its name and whom it listens to."""
    nodes = nodes or nodes_of(links)
    ports = free_ports(2 * len(nodes) + 3 * int(places) + len(observers))
    listening = list(zip(observers, ports[2 * len(nodes) + 3 * int(places):]))
    clients, rest = dict(zip(nodes, ports)), ports[2 * len(nodes):][:3 * int(places)]
    text = topology_text({name: f"127.0.0.1:{clients[name]}" for name in nodes},
                         {name: f"127.0.0.1:{bus}" for name, bus in zip(nodes, ports[len(nodes):])},
                         links, [rest[i:i + 3] for i in range(0, len(rest), 3)])
    for observer, bus in listening:
        text += ("observer\n    name = {}\n    of = {}\n".format(*observer.split("-"))
                 + f"    bus = tcp://127.0.0.1:{bus}\n")
    path = pathlib.Path(folder) / "herd.zpl"
    path.write_text(text)
    return path, clients


class Client:
    """One telnet-like connection."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.pending = b""

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def _more(self):
        got = self.socket.recv(65536)
        self.pending += got
        return bool(got)

    def until(self, mark):
        """All bytes up to and with `mark`."""
        while mark not in self.pending:
            if not self._more():
                raise AssertionError(f"closed before {mark!r}: {self.pending!r}")
        head, _, self.pending = self.pending.partition(mark)
        return head + mark

    def line(self):
        return self.until(b"\n").decode("latin-1").rstrip("\n")

    def lines(self, count):
        return [self.line() for _ in range(count)]

    def ask(self, command):
        self.send(command + "\n")
        return self.line()

    def near(self, client, radius_km, bound):
        """WHATSAT: the AT line and the parsed JSON."""
        self.send(f"WHATSAT {client} {radius_km} {bound}\n")
        reply = self.until(b"\n\n").decode()
        at, _, body = reply.partition("\n")
        return at, json.loads(body)

    def rest(self):
        """Everything until the server closes."""
        while self._more():
            pass
        rest, self.pending = self.pending, b""
        return rest

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(port, command):
    with Client(port) as client:
        return client.ask(command)


def children_of(pid):
    """Processes whose parent is `pid`, as {pid: command line}."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == pid:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(entry.name)] = line
            except (OSError, ValueError):
                continue
    return found


def alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def refuses(port):
    """True when the port has no listener."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) != 0


class Process:
    """A program of ours with its output in files of the folder."""

    def __init__(self, folder, label, *arguments, environment=None):
        self.out = pathlib.Path(folder) / f"{label}.out"
        self.err = pathlib.Path(folder) / f"{label}.stderr"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = subprocess.Popen([str(a) for a in arguments], cwd=folder, stdout=out,
                                          stderr=err, stdin=subprocess.DEVNULL,
                                          env={**os.environ, **(environment or {})})

    def says(self, pattern, seconds=PATIENCE):
        """Waits until standard output matches."""
        def seen():
            found = re.search(pattern, self.out.read_text(errors="replace"), re.MULTILINE)
            if not found and self.child.poll() is not None:
                raise AssertionError(f"ended with {self.child.returncode} before {pattern!r}: "
                                     + self.err.read_text(errors="replace"))
            return found
        return wait_for(f"{pattern!r} in {self.out}", seen, seconds)

    def waited(self):
        """For how many seconds its threads were ready to run and other programs had the processors."""
        tasks = pathlib.Path(f"/proc/{self.child.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[1]) for task in tasks) / 1e9

    def kill(self):
        self.child.kill()
        self.child.wait()

    def stop(self, seconds=5.0):
        """TERM; returns the exit status and how long it took."""
        began = time.monotonic()
        self.child.terminate()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.child.args[0]} did not stop within {seconds:g} s")
        return self.child.returncode, time.monotonic() - began

    def end(self):
        if self.child.poll() is None:
            self.kill()


class Herd:
    """A herd whose processes are started one by one, so that each can be killed alone."""

    start_seconds = PATIENCE

    def __init__(self, links=RING, nodes=None, places=True, observers=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-"))
        self.links = links
        self.places = places
        self.observers = observers
        self.processes = {}
        self.settle(nodes or nodes_of(links))

    def settle(self, nodes):
        """Gives the nodes their addresses. A herd in another place has others."""
        self.file, self.ports = write_topology(self.folder, self.links, nodes, self.places,
                                               self.observers)

    def launch(self, name, *extra):
        """Starts the process, and does not wait until it is ready."""
        if name.startswith("placesd"):
            number = name.partition("-")[2] or "1"
            command = [BUILD / "placesd", "--topology", self.file, "--places", number]
        else:
            command = self.command(name, *extra)
        self.processes[name] = Process(self.folder, name, *command,
                                       environment=self.environment(name))
        return self.processes[name]

    def start(self, *names, extra=()):
        for name in names or (["placesd"] if self.places else []) + list(self.ports):
            self.launch(name, *extra)
        for name in names or list(self.processes):
            self.processes[name].says("^ready", self.start_seconds)
        return self

    def command(self, name, *extra):
        """What starts the node."""
        return [BUILD / "zherd-gateway", "--topology", self.file, "--node", name,
                "--log-dir", self.folder / "log", *extra]

    def environment(self, name):
        """What the node finds in its environment besides our own."""
        return {}

    def linked(self):
        """Waits until every link between living nodes is up on both sides."""
        for link in self.links:
            for one, other in (link.split("-"), link.split("-")[::-1]):
                if self.lives(one) and self.lives(other):
                    wait_for(f"{one} linked to {other}", lambda: self._is_up(one, other))
        return self

    def _is_up(self, one, other):
        said = re.findall(rf"^link {re.escape(other)} (up|down)",
                          self.processes[one].out.read_text(), re.MULTILINE)
        return bool(said) and said[-1] == "up"

    def lives(self, name):
        return name in self.processes and self.processes[name].child.poll() is None

    def kill(self, name):
        self.processes[name].kill()

    def client(self, name):
        return Client(self.ports[name])

    def at_line(self, name, client):
        """What the node holds of a client: its AT line, or None. Asks with a bound of 0."""
        with self.client(name) as asker:
            asker.send(f"WHATSAT {client} 1 0\n")
            first = asker.line()
            return None if first.startswith("?") else first

    def everybody_holds(self, client, line, names=None, seconds=PATIENCE):
        for name in names or [n for n in self.ports if self.lives(n)]:
            wait_for(f"{name} to hold {line!r}",
                     lambda: self.at_line(name, client) == line, seconds)

    def log(self, name):
        return (self.folder / "log" / f"{name}.log").read_text()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in self.processes.values():
            process.end()
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"logs are kept in {self.folder}", file=sys.stderr)
