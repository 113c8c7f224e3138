#!/usr/bin/env python3
"""What an update costs in herds with many links, of two builds that take turns: the same herd of each,
under the same load.

    tests/bench/growth.py [--rounds N] [--only PATTERN] BUILD [OTHER_BUILD]

Meshes of 10, 20 and 40 nodes, and two editions of five; zherd-bench is the first build's. All
processes are on loopback, of a network namespace of one's own where that is wanted:

    unshare --net sh -c 'ip link set lo up; exec tests/bench/growth.py build ../before/build'

`lone`: updates that leave one after the other, 50 a second, seen by a watcher at a node that is
farthest. `load`: every client once, as it comes, and then updates, as many as one node takes. Its
rate is until that other node has them all, in the editions until all nodes do: there each of four
is asked for every client, twice, which takes most of the time and of the CPU counts too; `told` is
the rate until the first node has answered. `known`: updates of clients that are there, as many as
one node takes in two seconds, and no questions. Clients move by up to 30 m. Copies are the
locations that all nodes sent for an update, counted by their monitors. CPU is that of all nodes for
an update, less what they take at rest in the same time. All are medians of the rounds, with the
least and the greatest; the last column is the median of the first build's part of the other's
within a round.
Nothing here passes or fails by speed."""

import argparse
import collections
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import rig

# Updates of every client once come first, and then as many of any of them.
Herd = collections.namedtuple("Herd", "title links first farthest clients updates asks_all")
# After a load nodes compare what they hold.
SETTLE_S = 1.5
REST_S = 1.5
LONE_RATE, LONE_UPDATES = 50, 100
KNOWN_S = 2
# So long after the last answer nothing is on its way any more.
QUIET_S = 0.5
SPRING2021 = ("Clark-Jaquez Clark-Juzang Bernard-Juzang Bernard-Jaquez Bernard-Johnson "
              "Juzang-Johnson").split()
FALL2016 = "Alford-Hamilton Hamilton-Holiday Holiday-Ball Ball-Welsh Welsh-Alford".split()


def a_mesh(nodes, clients, updates):
    names = [f"N{number:02d}" for number in range(nodes)]
    links = ["-".join(pair) for pair in itertools.combinations(names, 2)]
    return Herd(f"mesh of {nodes}", links, names[0], names[-1], clients, updates, False)


HERDS = [a_mesh(10, 25_000, 50_000), a_mesh(20, 10_000, 20_000), a_mesh(40, 4_000, 16_000),
         Herd("spring2021", SPRING2021, "Clark", "Johnson", 100_000, 100_000, True),
         Herd("fall2016", FALL2016, "Alford", "Holiday", 100_000, 100_000, True)]
SHORT = [a_mesh(4, 1_000, 1_000)]


def add_monitors(herd):
    """Gives each node a monitor; their ports."""
    text, used = herd.file.read_text(), 2 * len(herd.ports)
    monitors = rig.free_ports(used + len(herd.ports))[used:]  # beyond the herd's own
    for name, port in zip(herd.ports, monitors):
        text = re.sub(rf"(name = {name}\n    clients = .*\n    bus = .*\n)",
                      rf"\g<1>    monitor = tcp://127.0.0.1:{port}\n", text)
    herd.file.write_text(text)
    return monitors


def count_copies(monitors):
    copies = 0
    for port in monitors:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
            found = re.search(r'^\w*bus_locations\w*\{[^}]*direction="sent"[^}]*\} (\S+)$',
                              page.read().decode(), re.MULTILINE)
        copies += int(float(found[1]))
    return copies


def read_cpu_s(herd):
    return sum(int((task / "schedstat").read_text().split()[0]) / 1e9
               for process in herd.processes.values()
               for task in pathlib.Path(f"/proc/{process.child.pid}/task").iterdir())


class Measured:
    """A herd at rest, whose CPU and copies are counted while something is done with it."""

    def __init__(self, herd, monitors):
        self.herd, self.monitors = herd, monitors
        before = read_cpu_s(herd)
        time.sleep(REST_S)
        self.rest = (read_cpu_s(herd) - before) / REST_S

    def count(self, updates, work):
        """What work() gives; and the copies and the CPU in us of each update."""
        copies, began, cpu_s = count_copies(self.monitors), time.monotonic(), read_cpu_s(self.herd)
        result = work()
        time.sleep(QUIET_S)
        cpu_s = read_cpu_s(self.herd) - cpu_s - self.rest * (time.monotonic() - began)
        copies = count_copies(self.monitors) - copies
        return result, copies / updates, 1e6 * cpu_s / updates


def run_bench(bench, *flags):
    run = subprocess.run([bench, "--json", "--fleet", "dense", *map(str, flags)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"zherd-bench {' '.join(map(str, flags))}: {run.stderr}")
    return json.loads(run.stdout)


def measure(build, bench, one):
    """All figures of one start of a herd."""
    rig.BUILD = build
    with rig.Herd(links=one.links, places=False) as herd:
        monitors = add_monitors(herd)
        herd.start(extra=("--log", "events", "--new-clients", "0")).linked()
        ports = [herd.ports[one.first], herd.ports[one.farthest]]
        run_bench(bench, "--workload", "converge", "--clients", 1000, "--updates", 1000, *ports)
        time.sleep(SETTLE_S)
        rested = Measured(herd, monitors)
        figures = {"rest, CPU per mille": 1000 * rested.rest}
        lone, copies, cpu_us = rested.count(LONE_UPDATES, lambda: run_bench(
            bench, "--protocol", "zherd-watch", "--workload", "propagate", "--rate", LONE_RATE,
            "--clients", 1000, "--updates", LONE_UPDATES, *ports))
        figures |= {"lone, copies": copies, "lone, CPU us": cpu_us, "lone, p50 us": lone["p50_us"],
                    "lone, p99 us": lone["p99_us"]}
        others = [port for name, port in herd.ports.items() if name != one.first]
        asked = [ports[0], *others] if one.asks_all else ports
        load, copies, cpu_us = rested.count(one.clients + one.updates, lambda: run_bench(
            bench, "--workload", "converge", "--clients", one.clients, "--updates", one.updates,
            "--depth", 16, *asked))
        figures |= {"load, copies": copies, "load, CPU us": cpu_us,
                    "load, updates/s": load["requests_per_s"],
                    "load, told/s": one.updates / load["seconds_to_tell"]}
        return figures | measure_known(rested, bench, one, ports[0])


def measure_known(rested, bench, one, port):
    known, copies, cpu_us = rested.count(1, lambda: run_bench(
        bench, "--workload", "iamat", "--warmup", 0, "--seconds", KNOWN_S,
        "--clients", one.clients, "--depth", 16, port))
    updates = known["requests"] + one.clients  # each of them comes once more before it counts
    return {"known, copies": copies / updates, "known, CPU us": cpu_us / updates}


def write(values):
    return f"{statistics.median(values):10.1f} ({min(values):.1f} to {max(values):.1f})"


def show(one, rounds):
    for name in rounds[0][0]:
        columns = [[figures[name] for figures in builds] for builds in zip(*rounds)]
        row = f"{one.title:12} {name:20}" + "".join(f" {write(column):34}" for column in columns)
        if len(columns) == 2 and all(value > 0 for value in columns[1]):
            row += f" {statistics.median(ours / theirs for ours, theirs in zip(*columns)):8.3f}"
        print(row, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="herds whose title matches this expression")
    parser.add_argument("--short", action="store_true", help="a mesh of 4, to see that it counts")
    parser.add_argument("builds", nargs="+", type=pathlib.Path, metavar="BUILD")
    options = parser.parse_args()
    builds = [build.resolve() for build in options.builds]
    print("load of the machine before:", *os.getloadavg())
    for one in SHORT if options.short else HERDS:
        if re.search(options.only, one.title):
            show(one, [[measure(build, builds[0] / "zherd-bench", one) for build in builds]
                       for _ in range(options.rounds)])


if __name__ == "__main__":
    main()
