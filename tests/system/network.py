"""Where a herd under faults lives: each node in a network namespace of its own, or all on loopback.

A road is the way of one node's messages to one neighbour, (from, to): one TCP connection, which
the first of the two dials. Each node gets a topology file of its own, in which a neighbour's bus
is where that node's road begins: at the neighbour itself, or at our proxy. Packets are dropped,
lost and answered by RST with nft in the namespace of the one who dials; the kernel may have no
delay to offer, so lateness, jitter and disorder come from the proxy.

Nothing outside is touched: the namespaces hang on a bridge in a namespace that we are in alone
(see enter_namespaces), and all of it ends with us."""

import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from rig import BUILD, Client, Herd, free_ports, topology_text

UNSYNCED = BUILD.resolve() / "unsynced.so"
INSIDE = "ZHERD_CHAOS_INSIDE"  # is set once we are in a namespace of our own
CLIENTS_PORT, BUS_PORT, PROXY_PORT = 11500, 12500, 13000
HUB = "10.77.0.1"
ATTACKERS = ["10.77.0.2", "10.77.0.3"]
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
    attackers = ATTACKERS
    knows = {"cut", "loss", "reset", "slow", "delay", "late"}

    def __init__(self, nodes, links):
        self.address = {node: f"10.77.0.{11 + i}" for i, node in enumerate(nodes)}
        self.holders, self.rules = {}, {}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "herd", "type", "bridge")
        for address in (HUB, *ATTACKERS):
            run("ip", "address", "add", address + "/24", "dev", "herd")
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
            node_rules[road] = (
                f"add rule inet chaos out ip daddr {host} tcp dport {port} {fault}\n"
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
        for number in range(len(self.holders)):
            run("ip", "link", "del", f"far{number + 1}")
        run("ip", "link", "del", "herd")
        for holder in self.holders.values():
            holder.stdin.close()
            holder.wait()


class Loopback:
    """All nodes on 127.0.0.1, every road through the proxy; no packet is ever lost there."""

    name = "loopback"
    attackers = ["127.0.0.2", "127.0.0.3"]
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


class ClockedHerd(Herd):
    """A herd whose nodes have wall clocks of their own, through faketime, where that is
    installed."""

    def __init__(self, *words, **more):
        self.faketime = find_faketime()
        self.started = set()
        super().__init__(*words, **more)

    def settle(self, nodes):
        super().settle(nodes)
        for node in nodes:
            self.set_clock(node, 0)

    def environment(self, name):
        if not self.faketime:
            return super().environment(name)
        return {"LD_PRELOAD": self.faketime, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_TIMESTAMP_FILE": str(self.folder / f"{name}.clock"),
                "FAKETIME_CACHE_DURATION": "1"}

    def set_clock(self, node, ahead_s):
        """Takes effect within a second."""
        draft = self.folder / f"{node}.clock.draft"
        draft.write_text(f"{ahead_s:+d}\n")
        draft.replace(self.folder / f"{node}.clock")

    def launch(self, name, *extra):
        process = super().launch(name, *extra)
        self.started.add(process.child.pid)
        return process

    def __exit__(self, kind, *rest):
        super().__exit__(kind, *rest)
        # What faketime shares between a process and its children outlives a killed one.
        for pid in self.started:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                pathlib.Path("/dev/shm", name).unlink(missing_ok=True)


class FaultyHerd(ClockedHerd):
    """A herd in such a place. With a journal each node's disk is one that forgets what was not
    synced when the power is cut (tests/bus/unsynced.h): a library below the node, because that needs
    no mount, no FUSE and no root, and is there wherever a test is."""

    # Such a disk compares whole files with each other at a start, and all nodes may start at once:
    # on a busy machine that takes longer than anything that is judged.
    start_seconds = 60.0

    def __init__(self, network, links, keys="", has_journal=False):
        self.network = network
        self.keys = keys  # more lines of the section herd
        self.has_journal = has_journal
        super().__init__(links, places=False)

    def settle(self, nodes):
        self.ports = {node: self.network.clients(node)[1] for node in nodes}
        clients = {node: join(self.network.clients(node)) for node in nodes}
        for node in nodes:
            buses = {other: join(self.network.roads.get((node, other), self.network.bus(other)))
                     for other in nodes}
            text = topology_text(clients, buses, self.links)
            self.file_of(node).write_text(text.replace("    name = trial\n",
                                                       "    name = trial\n" + self.keys, 1))
            # Each node has a file of its own; all list the keys that the first run draws.
            subprocess.run([BUILD / "zherd", "keygen", "--keys", self.folder / "keys",
                            self.file_of(node)], check=True, stdout=subprocess.DEVNULL)
            self.set_clock(node, 0)

    def file_of(self, node):
        return self.folder / f"{node}.zpl"

    def journal_of(self, node):
        return self.folder.resolve() / "data" / f"{node}.journal"

    def command(self, name, *extra):
        data = ["--data-dir", self.journal_of(name).parent] if self.has_journal else []
        return [*self.network.prefix(name), BUILD / "zherd-gateway", "--topology",
                self.file_of(name), "--node", name, "--log-dir", self.folder / "log",
                "--log", "events", *data, *extra]

    def environment(self, name):
        found = super().environment(name)
        if self.has_journal:
            found["ZHERD_UNSYNCED_FOLDER"] = str(self.journal_of(name))
            # By its name alone: a blank in a path would end it (ld.so(8)).
            found["LD_PRELOAD"] = ":".join(filter(None, (found.get("LD_PRELOAD"), UNSYNCED.name)))
            found["LD_LIBRARY_PATH"] = str(UNSYNCED.parent)
        return found

    def cut_power(self, node, seed):
        """Of a node that is dead. How many changes its disk forgets."""
        cut = ctypes.CDLL(UNSYNCED, use_errno=True).unsynced_cut
        cut.restype, cut.argtypes = ctypes.c_int64, (ctypes.c_char_p, ctypes.c_uint64)
        lost = cut(str(self.journal_of(node)).encode(), seed)
        if lost < 0:
            raise OSError(ctypes.get_errno(), "the power cut of " + node)
        return lost

    def client(self, name):
        host, port = self.network.clients(name)
        return Client(port, host)

    def __exit__(self, kind, *rest):
        super().__exit__(kind, *rest)
        self.network.close()


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
