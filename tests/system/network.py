"""Where a herd under faults lives: each node in a network namespace of its own, or all on loopback.

A road is the way of one node's messages to one neighbour, (from, to): one TCP connection, which
the first of the two dials. Each node gets a topology file of its own, in which a neighbour's bus
is where that node's road begins: at the neighbour itself, or at our proxy. Packets are dropped,
lost and answered by RST with nft in the namespace of the one who dials; the kernel may have no
delay to offer, so lateness, jitter and disorder come from the proxy.

Nothing outside is touched: the namespaces hang on a bridge in a namespace that we are in alone
(see enter_namespaces), and all of it ends with us."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from rig import BUILD, Client, Herd, free_ports, topology_text

INSIDE = "ZHERD_CHAOS_INSIDE"  # is set once we are in a namespace of our own
CLIENTS_PORT, BUS_PORT, PROXY_PORT = 11500, 12500, 13000
HUB = "10.77.0.1"
SLOW_BITS_PER_S = 1_000_000
SLOW = f"tbf rate {SLOW_BITS_PER_S}bit burst 16kb latency 400ms".split()
LOSS_PERCENT = 20


def run(*command, text=None):
    done = subprocess.run([str(each) for each in command], input=text, text=True,
                          capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


def enter_namespaces():
    """Runs this program again in namespaces of its own, network, processes and mounts, and ends
    with it; what it starts cannot outlive it. Returns why where that is not permitted."""
    if INSIDE in os.environ:
        return None
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [tool for tool in ("unshare", "nsenter", "ip", "nft", "tc") if not shutil.which(tool)]
    if missing:
        return "missing: " + ", ".join(missing)
    unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    trial = subprocess.run([*unshare, "sh", "-c", "ip link add trial type bridge && "
                            "nft add table inet trial && mount -t tmpfs none /dev/shm"],
                           capture_output=True, text=True)
    if trial.returncode != 0:
        return trial.stderr.strip().splitlines()[-1] if trial.stderr else "not permitted"
    os.execvpe("unshare", [*unshare, "sh", "-c", 'mount -t tmpfs none /dev/shm && exec "$@"', "sh",
                           sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


class Proxy:
    """The proxy process, and the roads that lead through it."""

    def __init__(self, host):
        self.host, self.roads = host, set()
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proxy.py")
        self.child = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def tell(self, **order):
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()

    def open(self, road, port, target):
        self.tell(open="-".join(road), listen=[self.host, port], target=list(target))
        self.child.stdout.readline()
        self.roads.add(road)
        return self.host, port

    def close(self):
        self.child.stdin.close()
        self.child.wait()


class Namespaces:
    """A namespace for each node on a bridge; every second link leads through the proxy."""

    name = "network namespaces"
    knows = {"cut", "loss", "reset", "slow", "delay", "late"}

    def __init__(self, nodes, links):
        self.address = {node: f"10.77.0.{11 + i}" for i, node in enumerate(nodes)}
        self.holders, self.rules = {}, {}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "herd", "type", "bridge")
        run("ip", "address", "add", HUB + "/24", "dev", "herd")
        run("ip", "link", "set", "herd", "up")
        for node in nodes:
            self.add_node(node)
        self.proxy = Proxy(HUB)
        self.roads = {}
        for number, link in enumerate(links):
            one, other = link.split("-")
            for road in ((one, other), (other, one)):
                begin = self.bus(road[1])
                if number % 2 == 1:
                    begin = self.proxy.open(road, PROXY_PORT + len(self.roads), begin)
                self.roads[road] = begin

    def add_node(self, node):
        """The namespace lives as long as its holder, and that as long as its input."""
        holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.holders[node] = holder
        holder.stdin.write("here\n")
        holder.stdin.flush()
        holder.stdout.readline()
        far_end = f"far{len(self.holders)}"
        run("ip", "link", "add", far_end, "type", "veth", "peer", "name", "eth0", "netns",
            holder.pid)
        run("ip", "link", "set", far_end, "master", "herd", "up")
        self.within(node, "ip", "link", "set", "lo", "up")
        self.within(node, "ip", "address", "add", self.address[node] + "/24", "dev", "eth0")
        self.within(node, "ip", "link", "set", "eth0", "up")

    def prefix(self, node):
        return ["nsenter", f"--net=/proc/{self.holders[node].pid}/ns/net"]

    def within(self, node, *command, text=None):
        run(*self.prefix(node), *command, text=text)

    def clients(self, node):
        return self.address[node], CLIENTS_PORT

    def bus(self, node):
        return self.address[node], BUS_PORT

    def set_road(self, road, fault):
        """`fault` is a verdict of nft for what leaves and for what comes back, or None."""
        host, port = self.roads[road]
        node_rules = self.rules.setdefault(road[0], {})
        node_rules.pop(road, None)
        if fault:
            node_rules[road] = (f"add rule inet chaos out ip daddr {host} tcp dport {port} {fault}\n"
                                f"add rule inet chaos in ip saddr {host} tcp sport {port} {fault}\n")
        self.within(road[0], "nft", "-f", "-", text=(
            "add table inet chaos\ndelete table inet chaos\nadd table inet chaos\n"
            "add chain inet chaos out { type filter hook output priority 0; }\n"
            "add chain inet chaos in { type filter hook input priority 0; }\n"
            + "".join(node_rules.values())))

    def cut(self, road):
        self.set_road(road, "drop")

    def lose(self, road):
        self.set_road(road, f"numgen random mod 100 < {LOSS_PERCENT} drop")

    def reset(self, road):
        self.set_road(road, "reject with tcp reset")
        time.sleep(0.05)
        self.set_road(road, None)

    def slow(self, node, on):
        far_end = f"far{list(self.holders).index(node) + 1}"
        verb, discipline = ("replace", SLOW) if on else ("del", [])
        run("tc", "qdisc", verb, "dev", far_end, "root", *discipline)
        self.within(node, "tc", "qdisc", verb, "dev", "eth0", "root", *discipline)

    def heal(self, road):
        self.set_road(road, None)
        if road in self.proxy.roads:
            self.proxy.tell(road="-".join(road))

    def close(self):
        self.proxy.close()
        for holder in self.holders.values():
            holder.stdin.close()
            holder.wait()


class Loopback:
    """All nodes on 127.0.0.1, every road through the proxy; no packet is ever lost there."""

    name = "loopback"
    knows = {"cut", "reset", "slow", "delay", "late"}

    def __init__(self, nodes, links):
        roads = [tuple(link.split("-")[::step]) for link in links for step in (1, -1)]
        ports = iter(free_ports(2 * len(nodes) + len(roads)))
        self.ports = {node: (next(ports), next(ports)) for node in nodes}
        self.proxy = Proxy("127.0.0.1")
        self.roads = {road: self.proxy.open(road, next(ports), self.bus(road[1])) for road in roads}

    def prefix(self, node):
        return []

    def clients(self, node):
        return "127.0.0.1", self.ports[node][0]

    def bus(self, node):
        return "127.0.0.1", self.ports[node][1]

    def cut(self, road):
        self.proxy.tell(road="-".join(road), stopped=True)

    def reset(self, road):
        self.proxy.tell(reset="-".join(road))

    def slow(self, node, on):
        for road in self.roads:
            if node in road:
                self.proxy.tell(road="-".join(road), rate=SLOW_BITS_PER_S // 8 if on else 0)

    def heal(self, road):
        self.proxy.tell(road="-".join(road))

    def close(self):
        self.proxy.close()


class FaultyHerd(Herd):
    """A herd in such a place. Wall clocks run through faketime where that is installed."""

    def __init__(self, network, links):
        self.network = network
        self.faketime = find_faketime()
        self.started = set()
        super().__init__(links, places=False)

    def settle(self, nodes):
        self.ports = {node: self.network.clients(node)[1] for node in nodes}
        clients = {node: join(self.network.clients(node)) for node in nodes}
        for node in nodes:
            buses = {other: join(self.network.roads.get((node, other), self.network.bus(other)))
                     for other in nodes}
            self.file_of(node).write_text(topology_text(clients, buses, self.links))
            self.set_clock(node, 0)

    def file_of(self, node):
        return self.folder / f"{node}.zpl"

    def command(self, name, *extra):
        return [*self.network.prefix(name), BUILD / "zherd-gateway", "--topology",
                self.file_of(name), "--node", name, "--log-dir", self.folder / "log",
                "--log", "events", *extra]

    def environment(self, name):
        if not self.faketime:
            return {}
        return {"LD_PRELOAD": self.faketime, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_TIMESTAMP_FILE": str(self.folder / f"{name}.clock"),
                "FAKETIME_CACHE_DURATION": "1"}

    def set_clock(self, node, ahead_s):
        """Takes effect within a second."""
        draft = self.folder / f"{node}.clock.draft"
        draft.write_text(f"{ahead_s:+d}\n")
        draft.replace(self.folder / f"{node}.clock")

    def client(self, name):
        host, port = self.network.clients(name)
        return Client(port, host)


    def start(self, *names, extra=()):
        super().start(*names, extra=extra)
        self.started.update(process.child.pid for process in self.processes.values())
        return self

    def __exit__(self, kind, *rest):
        super().__exit__(kind, *rest)
        self.network.close()
        # What faketime shares between a process and its children outlives a killed one.
        for pid in self.started:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                pathlib.Path("/dev/shm", name).unlink(missing_ok=True)


def find_faketime():
    """The library that the program faketime has its children load."""
    if not shutil.which("faketime"):
        return None
    shown = subprocess.run(["faketime", "-f", "+0", "env"], capture_output=True, text=True).stdout
    found = [line.partition("=")[2] for line in shown.splitlines()
             if line.startswith("LD_PRELOAD=")]
    return found[0] if found else None


def join(address):
    return "{}:{}".format(*address)
