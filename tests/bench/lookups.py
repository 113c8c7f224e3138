#!/usr/bin/python3
"""Look-ups a second through a node, placesd and its bundled landmarks server, and what processor time
each of their threads takes. Figures of this machine; fails only where an answer is wrong.

    tests/bench/lookups.py [--rounds N] [--seconds S] BUILD [OTHER_BUILD]

With a second build the two take turns, and the last column is the first one's part of the other's
figure; zherd-bench is the first build's. Uncached: each question is about one of a million clients,
within a degree around Los Angeles; cached: about one of 64. Half: questions come at half of the
uncached rate that this build had at that circle, and at a rate that is the same for all builds:
a faster build has more to do at half of its own. All figures are medians of the rounds.
"""

import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import rig

MILLION = 1_000_000
# Kilometres, places, and questions a second that any build takes.
CIRCLES = [(10, 5, 2000), (50, 20, 1000)]
# Threads by the names that their libraries give them; those without one are a process's own.
THREADS = {"MHD-worker": "landmarks", "MHD-single": "landmarks"}


def read_cpu_us(pid):
    """Of each thread: its name, and its processor time."""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        times[task.name] = name, int((task / "schedstat").read_text().split()[0]) / 1000
    return times


def load(herd, bench, *flags):
    run = subprocess.run([bench, "--json", *map(str, flags), str(herd.ports["A"])],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def ask(herd, bench, *flags):
    """The bench's figures, and the processor time of each kind of thread; the node's has in it that the
    bench brings its clients first."""
    pids = {name: process.child.pid for name, process in herd.processes.items()}
    before = {name: read_cpu_us(pid) for name, pid in pids.items()}
    figures = load(herd, bench, "--workload", "whatsat", *flags)
    spent = collections.Counter()
    for name, pid in pids.items():
        for thread, (comm, us) in read_cpu_us(pid).items():
            spent[THREADS.get(comm, f"{name} {comm}")] += us - before[name].get(thread, (comm, 0))[1]
    return figures, spent


def measure(build, bench, seconds):
    """Of one build: {row: figure}."""
    found = {}
    rig.BUILD = build
    with rig.Herd(nodes=["A"], links=[]).start(extra=("--log", "events", "--new-clients", "0")) as herd:
        load(herd, bench, "--workload", "load", "--clients", MILLION, "--connections", 8, "--depth", 64)
        for radius, bound, slow in CIRCLES:
            circle = ("--radius", radius, "--bound", bound, "--connections", 64, "--seconds", seconds)
            figures, spent = ask(herd, bench, *circle, "--clients", MILLION)
            name, rate = f"{radius} km, {bound} places", figures["requests_per_s"]
            found[f"{name}, uncached, a second"] = rate
            found[f"{name}, uncached, p99 us"] = figures["p99_us"]
            for kind, us in sorted(spent.items()):
                found[f"{name}, uncached, us of {kind}"] = us / (rate * seconds)
            figures, _ = ask(herd, bench, *circle, "--clients", MILLION, "--rate", int(rate / 2))
            found[f"{name}, half of that, p99 us"] = figures["p99_us"]
            figures, _ = ask(herd, bench, *circle, "--clients", MILLION, "--rate", slow)
            found[f"{name}, {slow} a second, p99 us"] = figures["p99_us"]
            figures, _ = ask(herd, bench, *circle, "--clients", 64)
            found[f"{name}, cached, a second"] = figures["requests_per_s"]
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("builds", nargs="+", type=lambda path: pathlib.Path(path).resolve())
    options = parser.parse_args()
    bench = options.builds[0] / "zherd-bench"
    rounds = [[measure(build, bench, options.seconds) for build in options.builds]
              for _ in range(options.rounds)]
    print(f"{options.rounds} rounds of {options.seconds:g} s, load {os.getloadavg()[0]:.1f}")
    for row in rounds[0][0]:
        medians = [statistics.median(turn[i].get(row, 0) for turn in rounds)
                   for i in range(len(options.builds))]
        ratio = f"{medians[0] / medians[1]:8.2f}" if len(medians) > 1 and medians[1] else ""
        print(f"{row:44}" + "".join(f"{median:10.0f}" for median in medians) + ratio)


if __name__ == "__main__":
    main()
