#!/usr/bin/python3
"""Figures of the places service. They depend on the machine and pass or fail nothing; what must
hold whatever the machine (no answer lost, none doubled, one request for equal questions) is
checked.

    cmake --build build && ZHERD_BUILD=build tests/bench/places.py
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from places_rig import OK, Front, Service
from rig import BUILD, UCLA, Herd

SECONDS = 4.0
CREDITS = 8


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Upstream:
    """The provider of 50 ms."""

    def __init__(self):
        self.process = subprocess.Popen([BUILD / "tests" / "bench_places_upstream"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"
        self.url += "/maps/api/place/nearbysearch/json"

    def close(self):
        """How many requests came."""
        return int(self.process.communicate()[0])


class Load:
    """Keeps `in_flight` questions on their way, each about another place."""

    def __init__(self, service, in_flight):
        self.front = Front(service.front)
        self.in_flight = in_flight
        self.sent = {}
        self.took = []

    def run(self, seconds, every_turn=lambda: None):
        front = self.front
        time.sleep(0.5)  # until every worker has joined: their start is not what is measured
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            while len(self.sent) < self.in_flight:
                number = front.ask(latitude=1 + front.asked * 1e-7, longitude=20)
                self.sent[number] = time.monotonic()
            front.take(0.0005)
            self.settle()
            every_turn()
        self.seconds = time.monotonic() - began
        self.rate = len(self.took) / self.seconds
        front.take_all()  # for check; their time would be that of the waiting here

    def settle(self):
        now = time.monotonic()
        for number in [n for n in self.sent if n in self.front.answers]:
            self.took.append(now - self.sent.pop(number))

    def check(self):
        """How many were lost, doubled, and not good."""
        answers = self.front.answers
        return (self.front.asked - len(answers),
                sum(len(a) != 1 for a in answers.values()),
                sum(a[0][0] != OK for a in answers.values()))


def scaling(folder):
    print(f"workers of {CREDITS} credits, provider of 50 ms:")
    first = None
    for count in (1, 2, 4, 8):
        upstream = Upstream()
        service = Service(folder, upstream.url)
        service.start("broker")
        for _ in range(count):
            service.start("worker", "--credits", str(CREDITS))
        load = Load(service, CREDITS * count)
        load.run(SECONDS)
        first = first or load.rate
        print(f"  {count} workers  {load.rate:7.0f} look-ups/s  x{load.rate / first:4.2f}  "
              f"p50 {percentile(load.took, .5) * 1e3:5.1f} ms  "
              f"p99 {percentile(load.took, .99) * 1e3:5.1f} ms  lost, doubled, failed {load.check()}")
        load.front.close()
        service.close()
        upstream.close()


def killing(folder):
    upstream = Upstream()
    service = Service(folder, upstream.url)
    service.start("broker")
    workers = [service.start("worker", "--credits", "32") for _ in range(4)]
    load = Load(service, 64)
    state = {"due": time.monotonic() + 1, "killed": 0}

    def kill_one():
        if time.monotonic() < state["due"]:
            return
        workers.pop(0).kill()
        workers.append(service.start("worker", "--credits", "32"))
        state["due"] += 1
        state["killed"] += 1

    load.run(10.0, kill_one)
    lost, doubled, failed = load.check()
    print(f"kill -9 of a worker each second: {state['killed']} killed, {load.front.asked} asked, "
          f"{lost} lost, {doubled} doubled, {failed} failed, "
          f"p99 {percentile(load.took, .99) * 1e3:.0f} ms, worst {max(load.took) * 1e3:.0f} ms")
    assert (lost, doubled) == (0, 0)
    load.front.close()
    service.close()
    upstream.close()


def equal_questions(folder):
    upstream = Upstream()
    service = Service(folder, upstream.url)
    service.start()
    front = Front(service.front)
    began = time.monotonic()
    for _ in range(1000):
        front.ask(latitude=1, longitude=20)
    front.take_all()
    took = time.monotonic() - began
    answers = front.answers
    front.close()
    service.close()
    requests = upstream.close()
    print(f"1,000 equal questions at once: {len(answers)} answers, {requests} request, "
          f"{took * 1e3:.0f} ms")
    assert len(answers) == 1000 and requests == 1


def whole_way():
    with Herd(nodes=["A"], links=[]).start() as herd, herd.client("A") as a:
        uncached, cached = [], []
        for i in range(1000):
            a.ask(f"IAMAT kiwi +34.{i:06}-118.445127 {i + 1}.0")
            for took in (uncached, cached):
                began = time.monotonic()
                at, places = a.near("kiwi", 10, 5)
                took.append(time.monotonic() - began)
                assert places["status"] == "OK" and len(places["results"]) == 5, places
    print("WHATSAT through gateway, broker, worker, libcurl and landmarks, one after another:")
    for name, took in (("uncached", uncached), ("cached", cached)):
        print(f"  {name:8}  p50 {statistics.median(took) * 1e3:5.2f} ms  "
              f"p99 {percentile(took, .99) * 1e3:5.2f} ms")


def main():
    subprocess.run([BUILD / "tests" / "bench_places_desk"], check=True)
    whole_way()
    with tempfile.TemporaryDirectory(prefix="zherd-bench-") as folder:
        scaling(folder)
        killing(folder)
        equal_questions(folder)


if __name__ == "__main__":
    main()
