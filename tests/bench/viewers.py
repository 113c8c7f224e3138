#!/usr/bin/env python3
"""How old the picture of each of many viewers of zherd-web's events is while many clients move, and
what that costs in processor time.

    ZHERD_BUILD=build tests/bench/viewers.py [--viewers N] [--clients N] [--every S] [--seconds S]

A node, zherd-web, and clients that each report once in so many seconds, evenly. The events of a
tick have one id; from the viewer that has it first it is known how old the oldest report in them
is, and each viewer's picture is as old as that report was when the id came to it. Processor time is
zherd-web's alone, of the seconds that are measured. Nothing here passes or fails by speed, but a
`reset`, or a viewer that is closed, is a fault."""

import argparse
import json
import pathlib
import re
import resource
import selectors
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import web  # noqa: E402  (found by the line above)
import web_shows  # noqa: E402
from rig import wait_for  # noqa: E402

MARK = b"\nid: "
ID = re.compile(rb"\nid: ([0-9a-f]+-[0-9]+)\n")
STEP_S = 0.02


class Movers(threading.Thread):
    """All clients report in turn, over one connection."""

    def __init__(self, herd, clients, every):
        super().__init__(daemon=True)
        self.herd, self.clients, self.every = herd, clients, every
        self.stopped = threading.Event()

    def run(self):
        with self.herd.client("Alford") as door:
            reader = threading.Thread(target=door.rest, daemon=True)
            reader.start()
            begun, said = time.monotonic(), 0
            while not self.stopped.wait(STEP_S):
                due = int((time.monotonic() - begun) * self.clients / self.every)
                lines = []
                for number in range(said, due):
                    client, step = number % self.clients, number // self.clients
                    lines.append(f"IAMAT client-{client} +{34 + client % 1000 / 1000:.6f}"
                                 f"-{118 + step % 1000 / 1000:.6f} {time.time():.6f}\n")
                said = due
                door.send("".join(lines))
            door.half_close()
            reader.join()


class Reader:
    """A viewer that looks for ids alone; the first one keeps what it reads, too."""

    def __init__(self, door):
        self.viewer = web_shows.Viewer(door)
        assert "200 OK" in self.viewer.head()
        self.viewer.socket.setblocking(False)
        self.end, self.kept = b"", None

    def read(self):
        """The ids that came."""
        part = self.viewer.socket.recv(1 << 18)
        if not part:
            raise AssertionError("a viewer was closed")
        if self.kept is not None:
            self.kept.append(part)
        at = part.find(MARK) if not self.end else 0
        if at < 0:
            self.end = part[-len(MARK):]
            return []
        text = self.end + part
        found = ID.findall(text, text.find(MARK))
        self.end = text[-100:] if not text.endswith(b"\n") else b""
        return found


def oldest_of(kept):
    """{id: the stamp of the oldest report in its events}, and how many there are."""
    oldest, moves, stamps = {}, 0, []
    for event in b"".join(kept).split(b"\n\n"):
        if event.startswith(b"event: reset"):
            raise AssertionError("reset")
        data = re.search(rb"^event: move\ndata: (.*)$", event, re.MULTILINE)
        stamps += [moved["stamp"] for moved in json.loads(data[1])] if data else []
        found = ID.search(b"\n" + event + b"\n")
        if found:
            if stamps:
                oldest[found[1]] = min(stamps)
            moves, stamps = moves + len(stamps), []
    return oldest, moves


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def watch(readers, seconds, pid):
    """Ages of all pictures, moves a second, megabytes a second to all viewers, and cores."""
    selector = selectors.DefaultSelector()
    for reader in readers:
        selector.register(reader.viewer.socket, selectors.EVENT_READ, reader)
    readers[0].kept = []
    came = []
    begun, before = time.monotonic(), cpu_s(pid)
    while time.monotonic() - begun < seconds:
        for key, _ in selector.select(0.1):
            for tick in key.data.read():
                came.append((tick, time.time()))
    took, used = time.monotonic() - begun, cpu_s(pid) - before
    oldest, moves = oldest_of(readers[0].kept)
    ages = sorted(now - oldest[tick] for tick, now in came if tick in oldest)
    bytes_each = sum(map(len, readers[0].kept))
    return ages, moves / took, bytes_each * len(readers) / took / 1e6, used / took


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=10000)
    parser.add_argument("--every", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    words = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    door = web.Door()
    try:
        door.start()
        wait_for("it is ready", lambda: door.ask("GET", "/readyz")[0] == 200)
        movers = Movers(door.herd, words.clients, words.every)
        movers.start()
        wait_for("all are there", lambda: door.figures()["clients"] == words.clients,
                 words.every * 3 + 15)
        readers = [Reader(door) for _ in range(words.viewers)]
        watch(readers, 2, door.web.child.pid)
        ages, moves, rate, cores = watch(readers, words.seconds, door.web.child.pid)
        movers.stopped.set()
        movers.join()
        print(f"{words.viewers} viewers, {words.clients} clients that move every {words.every:g} s: "
              f"{moves:.0f} moves/s, {rate:.0f} MB/s; age of a picture p50 {statistics.median(ages):.2f} s, "
              f"p99 {ages[len(ages) * 99 // 100]:.2f} s, most {ages[-1]:.2f} s "
              f"({len(ages)} looked at); {cores:.2f} cores of zherd-web")
    finally:
        door.herd.__exit__(None)


if __name__ == "__main__":
    main()
