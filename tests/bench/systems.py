"""The systems that tests/bench/compare measures, each started fresh on free loopback ports.

A system is a context: inside it runs, outside nothing of it is left. Debian's packages are used
where they are installed; missing() says which are not."""

import base64
import contextlib
import hashlib
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import rig  # noqa: E402  (found by the line above)

SERVER_CPU, GENERATOR_CPU = 0, 1
# The group of systems, the program it needs, Debian's package.
PROGRAMS = {"redis": ("redis-server", "redis-server"), "nats": ("nats-server", "nats-server"),
            "mosquitto": ("mosquitto", "mosquitto")}


def program(name):
    """Where a server's program is; Debian keeps some in /usr/sbin, which not every PATH has."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def twisted_python():
    """An interpreter that has Twisted, or None: Debian's package serves Debian's python3."""
    if importlib.util.find_spec("twisted"):
        return sys.executable
    debian = "/usr/bin/python3"
    if os.path.exists(debian) and subprocess.run(
            [debian, "-c", "import twisted"], stderr=subprocess.DEVNULL).returncode == 0:
        return debian
    return None


def missing():
    """Debian's packages that are not there, by the group of systems that needs them."""
    wanted = {group: package for group, (name, package) in PROGRAMS.items() if not program(name)}
    if not twisted_python():
        wanted["twisted"] = "python3-twisted"
    return wanted


def fdatasync_us(times=200):
    """What the disk under the systems' folders takes for a block of 4 KiB that was written before:
    the least, the median and the most."""
    block, took = os.urandom(4096), []
    with tempfile.TemporaryFile() as file:
        for _ in range(times):
            os.pwrite(file.fileno(), block, 0)
            began = time.monotonic()
            os.fdatasync(file.fileno())
            took.append(1e6 * (time.monotonic() - began))
    took.sort()
    return took[0], took[times // 2], took[-1]


@contextlib.contextmanager
def on_cpu(cpu):
    """Processes started inside run on one processor, if there are two; None leaves it open."""
    before = os.sched_getaffinity(0)
    if cpu is not None and len(before) > 1:
        os.sched_setaffinity(0, {sorted(before)[cpu]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class System:
    """What a measurement needs to know: where updates go, where else to look, who uses CPU."""

    def __init__(self, ports, pids, protocol="zherd", log_folder=None):
        self.ports, self.pids, self.protocol = ports, pids, protocol
        self.log_folder = log_folder

    @property
    def logs(self):
        """Its log files until now, those that were rotated, too."""
        return sorted(self.log_folder.glob("*.log*")) if self.log_folder else []


@contextlib.contextmanager
def processes(cpu):
    """A function that starts programs in a folder of their own; they end with the context."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-compare-"))
    started = []

    def start(*arguments):
        with on_cpu(cpu):
            started.append(rig.Process(folder, f"program{len(started)}", *arguments))
        return started[-1]
    try:
        yield folder, start
    finally:
        for process in started:
            process.end()
        shutil.rmtree(folder, ignore_errors=True)


def pids(*started):
    return [process.child.pid for process in started]


def listening(*ports):
    for port in ports:
        rig.wait_for(f"a server on port {port}", lambda: not rig.refuses(port))


def make_certificate(folder):
    """Of nobody in particular: a certificate and its key."""
    certificate, key = folder / "trial.pem", folder / "trial.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


def add_tls(herd):
    """Gives the one node of the herd a door of TLS, where as many as there are begin: its port."""
    certificate, key = make_certificate(herd.folder)
    port = rig.free_ports(2 * len(herd.ports) + 1)[-1]  # beyond the herd's own
    herd.file.write_text(herd.file.read_text().replace(
        "    bus = ", f"    clients_tls = tls://127.0.0.1:{port}\n    certificate = {certificate}\n"
        f"    certificate_key = {key}\n    trusted = 127.0.0.0/8\n    bus = ", 1))
    return port


@contextlib.contextmanager
def zherd(nodes=1, links=None, log="events", measured=None, cpu=SERVER_CPU, protocol="zherd",
          tls=False, rules=None, **keys):
    """A herd without places; a full mesh unless `links` are given. `keys` are of its section herd,
    `rules` the text of a file of access rules. `tls`: the port of its one node is that of TLS."""
    names = ["Alford", "Ball", "Hamilton", "Holiday", "Welsh"][:nodes]
    if links is None:
        links = [f"{a}-{b}" for i, a in enumerate(names) for b in names[i + 1:]]
    with rig.Herd(links=links, nodes=names, places=False) as herd:
        lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
        herd.file.write_text(herd.file.read_text().replace(
            "    name = trial\n", "    name = trial\n" + lines, 1))
        ports = [add_tls(herd)] if tls else [herd.ports[name] for name in names]
        if rules:
            (herd.folder / keys["access"]).write_text(rules)
        data = ("--data-dir", herd.folder / "data") if "journal" in keys else ()
        with on_cpu(cpu if nodes == 1 else None):
            herd.start(extra=("--log", log, "--new-clients", "0", *data))
        herd.linked()
        if data:
            for name in names:
                rig.wait_for("the journal's first file", lambda: list(
                    (herd.folder / "data" / f"{name}.journal").glob("*.blocks")), 60)
        watched = [herd.processes[name].child.pid for name in measured or names]
        yield System(ports, watched, protocol, herd.folder / "log")


def zherd_with_rules():
    """Each connection shows a token; the second pattern is that of all ids. The token is that of 32
    bytes of zeros, which tests/bench/speech_zherd.c says. Who has none has a rate."""
    token = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=")
    salt, digest = bytes(16), hashlib.blake2b(token, digest_size=32, key=bytes(16)).digest()
    entry = ":".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (salt, digest))
    return zherd(protocol="zherd-auth", access="bench.access", rules=(
        f"person\n    name = bench\n    token = {entry}\n    be = nobody-* *\n"
        "anyone\n    be = *\n    rate = 100/s\n"))


@contextlib.contextmanager
def flooded(system):
    """Somebody floods the system's first port meanwhile, on the server's processor; yields a list
    that has, once that is over, how many commands were sent."""
    sent = []
    with on_cpu(SERVER_CPU):
        flood = subprocess.Popen([sys.executable, HERE / "flood.py", str(system.ports[0])],
                                 stdout=subprocess.PIPE, text=True)
    try:
        yield sent
    finally:
        flood.terminate()
        sent.append(int(flood.communicate()[0] or 0))


@contextlib.contextmanager
def watched_elsewhere(system, connections=40, singles=4000, circles=5000, moving=1000):
    """Watches of clients and of circles a hundred kilometres from any city of the fleets
    (tests/bench/fleet.h), of which nothing is heard any more."""
    def place(number):
        city = number % 200
        latitude = city * 37 % 120 - 60 + city * 0.001234567 + 1 + number * 1e-6
        return f"{latitude:+.6f}{city * 101 % 350 - 175 + city * 0.007654321:+.6f}"

    def radius(number):
        return f"{0.002 * 5000 ** (number % 97 / 96):.3f}"

    watches = ([f"WATCH quiet-{i}" for i in range(singles)]
               + [f"WATCH AT {place(i)} {radius(i)}" for i in range(circles)]
               + [f"WATCH quiet-{i} {radius(i)}" for i in range(moving)])
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(rig.Client(system.ports[0])) for _ in range(connections)]
        for i in range(singles):
            lines[0].ask(f"IAMAT quiet-{i} {place(i)} 1782863990.5")
        for i, watch in enumerate(watches):
            lines[i % connections].send(watch + "\n")
            lines[i % connections].until(b"\n\n")
        yield


@contextlib.contextmanager
def echo():
    with processes(SERVER_CPU) as (_, start):
        server = start(rig.BUILD / "zherd-echo")
        port = server.says(r"^ready (\d+)")[1]
        yield System([int(port)], pids(server), "echo")


def ask_redis(port, command, wanted):
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(command + b"\r\n")
        return wanted in line.recv(65536)


@contextlib.contextmanager
def redis(nodes=1, protocol="redis", appendfsync=None, tls=False):
    """With a file that is appended to and synced so, or none; `tls`: in TLS alone."""
    ports = rig.free_ports(nodes)
    with processes(SERVER_CPU if nodes == 1 else None) as (folder, start):
        servers = []
        for number, port in enumerate(ports):
            place = folder / str(number)
            place.mkdir()
            doors = ["--port", port]
            if tls:
                certificate, key = make_certificate(place)
                doors = ["--port", 0, "--tls-port", port, "--tls-auth-clients", "no",
                         "--tls-cert-file", certificate, "--tls-key-file", key]
            replica = [] if number == 0 else ["--replicaof", f"127.0.0.1 {ports[0]}"]
            servers.append(start(
                program("redis-server"), "--bind", "127.0.0.1", *doors, "--dir", place,
                "--save", "", "--appendonly", "yes" if appendfsync else "no",
                "--appendfsync", appendfsync or "no", "--maxclients", 12000,
                "--tcp-backlog", 4096, "--repl-diskless-sync-delay", 0, *replica))
            listening(port)
        for port in ports[1:]:
            rig.wait_for("a replica in step", lambda: ask_redis(
                port, b"INFO replication", b"master_link_status:up"))
        yield System(ports, pids(*servers), protocol)


@contextlib.contextmanager
def nats(nodes=1):
    ports = rig.free_ports(2 * nodes)
    clients, routes = ports[:nodes], ports[nodes:]
    with processes(SERVER_CPU if nodes == 1 else None) as (_, start):
        servers = []
        for number, port in enumerate(clients):
            others = ",".join(f"nats://127.0.0.1:{route}" for i, route in enumerate(routes)
                              if i != number)
            cluster = [] if nodes == 1 else ["--cluster_name", "trial", "--routes", others,
                                             "--cluster", f"nats://127.0.0.1:{routes[number]}"]
            servers.append(start(program("nats-server"), "-a", "127.0.0.1", "-p", port, *cluster))
        listening(*clients)
        yield System(clients, pids(*servers), "nats")


@contextlib.contextmanager
def mosquitto(nodes=1):
    ports = rig.free_ports(nodes)
    common = "allow_anonymous true\nset_tcp_nodelay true\npersistence false\nlog_type error\n"
    with processes(SERVER_CPU if nodes == 1 else None) as (folder, start):
        servers = []
        for number, port in enumerate(ports):
            text = f"listener {port} 127.0.0.1\n{common}"
            if number > 0:
                text += f"connection bridge\naddress 127.0.0.1:{ports[0]}\ntopic # in 0\n"
            file = folder / f"{number}.conf"
            file.write_text(text)
            servers.append(start(program("mosquitto"), "-c", file))
            listening(port)
        yield System(ports, pids(*servers), "mqtt")


@contextlib.contextmanager
def twisted(nodes=1):
    ports = rig.free_ports(nodes)
    with processes(SERVER_CPU if nodes == 1 else None) as (folder, start):
        servers = [start(twisted_python(), HERE / "twisted_herd.py", f"Node{number}", port,
                         folder / f"{number}.log", *[p for p in ports if p != port])
                   for number, port in enumerate(ports)]
        for server in servers:
            server.says("^ready")
        if nodes > 1:
            rig.wait_for("the Twisted nodes to meet", lambda: twisted_linked(ports))
        yield System(ports, pids(*servers))


def twisted_linked(ports):
    rig.ask(ports[0], f"IAMAT link +1+1 {time.monotonic():.6f}")
    return rig.ask(ports[-1], "WHATSAT link 1 1").startswith("AT")
