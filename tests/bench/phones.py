#!/usr/bin/env python3
"""Positions a second through POST /osmand of zherd-web, beside nginx that answers 204 to the same
requests: how near that is to what HTTP itself costs.

    ZHERD_BUILD=build tests/bench/phones.py [--rounds N] [--seconds S] [--connections N]

Each has the first processor for itself, and keep-alive connections with one request on the way of
each; zherd-bench and the node have the second one. Both take turns in each round; a ratio is taken
within a round, and the median of them is what counts. Beside requests a second it is the processor
time for each of them, which says the same where the machine has other work. Nothing here passes or
fails by speed, but a position that is not accepted is a fault."""

import argparse
import json
import os
import statistics
import subprocess
import sys

import systems  # also finds the modules of tests/system
import rig
import web

CONFIGURATION = """daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 204; }}
    }}
}}
"""


def load(words, port, pid):
    """Requests a second, and microseconds of the server's processor time for each."""
    with systems.on_cpu(systems.GENERATOR_CPU):
        run = subprocess.run(
            [rig.BUILD / "zherd-bench", "--json", "--protocol", "osmand", "--seconds",
             str(words.seconds), "--depth", "1", "--clients", "1000", "--connections", str(words.connections), "--server-pid", str(pid),
             str(port)], capture_output=True, text=True, check=True)
    figures = json.loads(run.stdout)
    return figures["requests_per_s"], 1e6 * figures["server_cpu_s"] / figures["requests"]


def measure_nginx(words):
    port = rig.free_ports(1)[0]
    with systems.processes(systems.SERVER_CPU) as (folder, start):
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
        nginx = start(systems.program("nginx"), "-p", folder, "-c", folder / "nginx.conf")
        systems.listening(port)
        return load(words, port, nginx.child.pid)


def measure_web(words):
    door = web.Door()
    try:
        with systems.on_cpu(systems.GENERATOR_CPU):
            door.herd.start().linked()
        with systems.on_cpu(systems.SERVER_CPU):
            door.start(nodes=False)
        rig.wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)
        figures = load(words, door.port, door.web.child.pid)
        counts = door.figures()
        if counts["answered"] != counts["accepted"] or counts["refused"] > 0:
            raise AssertionError(f"a position was not accepted: {counts}")
        return figures
    finally:
        door.herd.__exit__(None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=64)
    words = parser.parse_args()
    has_nginx = systems.program("nginx") is not None
    if not has_nginx:
        print("nginx is not installed: zherd-web alone", file=sys.stderr)
    speeds, costs = [], []
    for number in range(words.rounds):
        rate, cpu_us = measure_web(words)
        line = f"round {number + 1}: zherd-web {rate / 1000:.1f} k/s, {cpu_us:.2f} us each"
        if has_nginx:
            other_rate, other_cpu_us = measure_nginx(words)
            speeds.append(rate / other_rate)
            costs.append(other_cpu_us / cpu_us)
            line += f"; nginx {other_rate / 1000:.1f} k/s, {other_cpu_us:.2f} us each"
        print(line, flush=True)
    load_average = os.getloadavg()[0]
    if has_nginx:
        print(f"positions a second against nginx: {statistics.median(speeds):.2f} "
              f"({min(speeds):.2f} to {max(speeds):.2f}); by processor time "
              f"{statistics.median(costs):.2f} ({min(costs):.2f} to {max(costs):.2f}); "
              f"load {load_average:.1f}")


if __name__ == "__main__":
    main()
