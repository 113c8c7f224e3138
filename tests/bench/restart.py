#!/usr/bin/env python3
"""How long a lone node takes from its start until it answers, with a journal of many clients, and
redis with the same from AOF and RDB.

    tests/bench/restart.py [--build DIR] [--clients N] [--rounds N]

Both get the same ids, positions and stamps once, through their own doors, and are stopped with
TERM. Then they start in turns, each time from a disk whose pages are in memory, as after a restart
of the process. The clock runs from the start of the process to the first answer that is right: of
zherd the AT line of the last client, of redis the same client's value. Redis's append-only file is
rewritten before, so that it is an RDB and what changed since. The second figure is the processor time
of all threads until then: of a machine that does other things, too, the better one. Nothing here
passes or fails by speed."""

import argparse
import contextlib
import os
import pathlib
import socket
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES_AT_ONCE = 10000
PATIENCE_S = 300
POLL_S = 0.001


def position_of(number):
    return f"+{number % 90:02d}.{number % 1000000:06d}-118.{number * 7 % 1000000:06d}"


def id_of(number):
    return f"phone-{number:07d}"


def pour(port, texts, replies):
    """Sends all texts over one connection and reads until that many lines came back."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        def send():
            for text in texts:
                line.sendall(text)
        sender = threading.Thread(target=send)
        sender.start()
        while replies > 0:
            got = line.recv(1 << 20)
            if not got:
                raise AssertionError("closed")
            replies -= got.count(b"\n")
        sender.join()


def in_parts(clients, text_of):
    for first in range(0, clients, LINES_AT_ONCE):
        yield "".join(text_of(number) for number in
                      range(first, min(clients, first + LINES_AT_ONCE))).encode()


def answer(port, question, is_right):
    """Seconds until the server at the port answers the question right."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE_S:
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(question)
                if is_right(line.recv(65536)):
                    return time.monotonic() - began
        time.sleep(POLL_S)
    raise AssertionError(f"no answer within {PATIENCE_S} s")


def processor_s(pid):
    """Of all its threads until now: the process's own clock, whose number clock_getcpuclockid(3)
    makes of a process id. /proc/PID/stat counts in ticks of 10 ms, many a start takes less."""
    return time.clock_gettime(~pid << 3 | 2)


class Zherd:
    def __init__(self, rig, clients):
        self.rig, self.clients = rig, clients
        self.herd = rig.Herd(links=[], nodes=["Alford"], places=False)
        self.herd.file.write_text(self.herd.file.read_text().replace(
            "    name = trial\n", "    name = trial\n    journal = everysec\n", 1))
        self.port = self.herd.ports["Alford"]

    def launch(self):
        self.node = self.herd.launch("Alford", "--log", "events", "--new-clients", "0",
                                     "--data-dir", self.herd.folder / "data")

    def fill(self):
        stamp = int(time.time())
        self.launch()
        self.node.says("^ready")
        pour(self.port, in_parts(self.clients, lambda n: (
            f"IAMAT {id_of(n)} {position_of(n)} {stamp}.{n % 1000000:06d}\n")), self.clients)
        time.sleep(5)  # the second of everysec, and what a slow disk takes
        self.stop()

    def stop(self):
        self.node.stop(60)

    def start(self):
        last = id_of(self.clients - 1)
        began = time.monotonic()
        self.launch()
        answer(self.port, f"WHATSAT {last} 1 0\n".encode(),
               lambda got: got.startswith(b"AT ") and last.encode() in got)
        return time.monotonic() - began, processor_s(self.node.child.pid)

    def bytes(self):
        return sum(path.stat().st_blocks * 512 for path in
                   (self.herd.folder / "data").rglob("*.blocks"))

    def end(self):
        self.node.end()
        self.herd.__exit__(None)


class Redis:
    def __init__(self, rig, folder, program, clients):
        self.rig, self.folder, self.program, self.clients = rig, folder, program, clients
        self.port = rig.free_ports(1)[0]

    def launch(self):
        self.server = self.rig.Process(
            self.folder, "redis", self.program, "--bind", "127.0.0.1", "--port", self.port,
            "--dir", self.folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
            "--aof-use-rdb-preamble", "yes")

    def ask(self, command, wanted):
        with socket.create_connection(("127.0.0.1", self.port)) as line:
            line.sendall(command + b"\r\n")
            return wanted in line.recv(65536)

    def fill(self):
        stamp = int(time.time())
        self.launch()
        answer(self.port, b"PING\r\n", lambda got: got == b"+PONG\r\n")
        pour(self.port, in_parts(self.clients, lambda n: (
            f"SET {id_of(n)} \"{position_of(n)} {stamp}.{n % 1000000:06d}\"\r\n")), self.clients)
        self.ask(b"BGREWRITEAOF", b"started")
        self.rig.wait_for("the rewritten file", lambda: self.ask(
            b"INFO persistence", b"aof_rewrite_in_progress:0"), PATIENCE_S)
        self.stop()

    def stop(self):
        self.server.stop(60)

    def start(self):
        began = time.monotonic()
        self.launch()
        answer(self.port, f"GET {id_of(self.clients - 1)}\r\n".encode(),
               lambda got: position_of(self.clients - 1).encode() in got)
        return time.monotonic() - began, processor_s(self.server.child.pid)

    def bytes(self):
        return sum(path.stat().st_blocks * 512 for path in self.folder.rglob("*") if path.is_file())

    def end(self):
        self.server.end()


def measure(rig, folder, redis_program, clients, rounds):
    """{"zherd": [(seconds, processor seconds), ...], "redis": ...}; without redis only the first."""
    systems = {"zherd": Zherd(rig, clients)}
    if redis_program:
        systems["redis"] = Redis(rig, pathlib.Path(folder), redis_program, clients)
    seconds = {name: [] for name in systems}
    try:
        for system in systems.values():
            system.fill()
        for _ in range(rounds):
            for name, system in systems.items():
                seconds[name].append(system.start())
                system.stop()
    finally:
        for system in systems.values():
            system.end()
    return seconds


def main():
    import shutil
    import tempfile
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--clients", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["ZHERD_BUILD"] = str(options.build.resolve())
    sys.path.insert(0, str(ROOT / "tests" / "system"))
    import rig
    with tempfile.TemporaryDirectory(prefix="zherd-restart-") as folder:
        seconds = measure(rig, folder, shutil.which("redis-server"), options.clients,
                          options.rounds)
    for place, what in enumerate(("s", "s of processor time")):
        figures = {name: [one[place] for one in each] for name, each in seconds.items()}
        for name, each in figures.items():
            print(f"{name}: " + " ".join(f"{one:.3f}" for one in each) +
                  f" {what}, median {statistics.median(each):.3f}")
        if "redis" in figures:
            ratios = [ours / theirs for ours, theirs in zip(*figures.values())]
            print(f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to "
                  f"{max(ratios):.3f})")


if __name__ == "__main__":
    main()
