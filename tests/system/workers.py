"""placesd in its roles: workers that come and go, and those that the manual shows."""

import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from places_rig import LATE, OK, UNAVAILABLE, Front, Provider, Service
from rig import PATIENCE, ROOT, free_ports, wait_for

LINES_MAX = 15


def program(name):
    """A program of the manual."""
    text = (ROOT / "placesd" / "PROTOCOL.md").read_text()
    return re.search(rf"^```python {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL).group(1)


class Workers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="zherd-workers-")
        self.addCleanup(self.folder.cleanup)

    def serve(self, *arguments, **named):
        service = Service(self.folder.name, *arguments, **named)
        self.addCleanup(service.close)
        return service

    def provide(self, **named):
        provider = Provider(**named)
        self.addCleanup(provider.close)
        return provider

    def ask(self, service):
        front = Front(service.front)
        self.addCleanup(front.close)
        return front

    def test_the_programs_of_the_manual(self):
        service = self.serve()
        service.start("broker")
        for name in ("asker", "worker"):
            lines = [line for line in program(name).splitlines() if line.strip()]
            self.assertLessEqual(len(lines), LINES_MAX)
        worker = subprocess.Popen([sys.executable, "-c", program("worker"),
                                   f"tcp://127.0.0.1:{service.back}"])
        try:
            said = subprocess.run([sys.executable, "-c", program("asker"),
                                   f"tcp://127.0.0.1:{service.front}"], capture_output=True,
                                  text=True, timeout=PATIENCE, check=True).stdout
        finally:
            worker.kill()
            worker.wait()
        self.assertEqual(said, "0 OK\na place at 34.06893 -118.445127\n")

    def test_a_worker_may_start_first_and_a_broker_outlive_it(self):
        service = self.serve()
        worker = service.start("worker")
        broker = service.start("broker")
        front = self.ask(service)
        self.assertEqual(front.answer()[0], OK)
        worker.kill()
        code, body = front.answer(latitude=1, deadline_ms=1000)
        self.assertIn(code, (UNAVAILABLE, LATE))  # as the broker knows of its loss yet or not
        self.assertEqual(body["results"], [])
        self.assertEqual(front.answer()[0], OK)  # the cache needs no worker
        self.assertEqual(broker.stop()[0], 0)

    def test_a_worker_serves_every_broker(self):
        service = self.serve()
        second = service.add_broker()
        service.start("broker")
        service.start("broker", "--places", "2")
        service.start("worker")
        for port in (service.front, second):
            front = Front(port)
            self.addCleanup(front.close)
            self.assertEqual(front.answer()[0], OK)

    def test_no_answer_is_lost_or_doubled_while_workers_are_killed(self):
        service = self.serve()
        broker = service.start("broker")
        workers = [service.start("worker", "--credits", "8") for _ in range(3)]
        front = self.ask(service)
        killed_at = time.monotonic()
        killed = 0
        while killed < 5:
            for _ in range(4):  # each about another place: nothing is cached
                front.ask(latitude=34 + front.asked * 1e-6)
            front.take(0.01)
            if time.monotonic() - killed_at > 0.7:
                workers.pop(0).kill()
                workers.append(service.start("worker", "--credits", "8"))
                killed_at = time.monotonic()
                killed += 1
        front.take_all()
        self.assertEqual(sorted(front.answers), list(range(front.asked)))
        self.assertEqual([n for n, answers in front.answers.items() if len(answers) != 1], [])
        self.assertEqual({answers[0][0] for answers in front.answers.values()}, {OK})
        self.assertEqual(broker.stop()[0], 0)

    def test_term_drains_a_worker(self):
        provider = self.provide(delay=0.7)
        service = self.serve(provider.url())
        service.start("broker")
        worker = service.start("worker")
        front = self.ask(service)
        for i in range(20):
            front.ask(latitude=i)
        wait_for("20 requests", lambda: provider.requests == 20)
        status, seconds = worker.stop()
        self.assertEqual(status, 0)
        self.assertGreater(seconds, 0.3)
        front.take_all()
        self.assertEqual([answers[0][0] for answers in front.answers.values()], [OK] * 20)
        code, _ = front.answer(latitude=50, deadline_ms=800)  # no worker takes it any more
        self.assertIn(code, (UNAVAILABLE, LATE))
        self.assertEqual(provider.requests, 20)

    def test_a_thousand_equal_questions_are_one_request(self):
        provider = self.provide(delay=0.2)
        service = self.serve(provider.url())
        service.start()
        front = self.ask(service)
        for _ in range(1000):
            front.ask()
        front.take_all()
        self.assertEqual({len(answers) for answers in front.answers.values()}, {1})
        self.assertEqual({answers[0][0] for answers in front.answers.values()}, {OK})
        self.assertEqual((len(front.answers), provider.requests), (1000, 1))

    def test_retry_after_is_kept(self):
        provider = self.provide(status=503, headers=[("Retry-After", "30")])
        service = self.serve(provider.url())
        service.start()
        front = self.ask(service)
        for i in range(5):
            self.assertEqual(front.answer(latitude=i)[0], UNAVAILABLE)
        self.assertEqual(provider.requests, 1)

    def test_a_budget_is_not_exceeded(self):
        provider = self.provide()
        service = self.serve(provider.url(), more="    budget = 48\n")
        service.start()
        front = self.ask(service)
        statuses = [front.answer(latitude=i)[1]["status"] for i in range(6)]
        self.assertEqual(statuses, ["OK"] * 3 + ["OVER_QUERY_LIMIT"] * 3)
        # An hour has six, of which half are the node's, and this asker is none.
        self.assertEqual(provider.requests, 3)

    def test_a_crowd_at_landmarks_keeps_nobody_from_an_answer(self):
        """300 connections to the server of the places, of three addresses, each with half a
        question: whoever asks placesd gets his answer, as ever."""
        service = self.serve()
        placesd = service.start()
        front = self.ask(service)
        port = int(re.search(r"127\.0\.0\.1:(\d+)/nearby", service.file.read_text()).group(1))
        crowd = []
        for i in range(300):
            crowd.append(socket.create_connection(("127.0.0.1", port), PATIENCE,
                                                  (f"127.0.0.{2 + i % 3}", 0)))
            crowd[-1].sendall(b"GET /nearby?loc")
        for i in range(40):
            self.assertEqual(front.answer(latitude=i)[0], OK)
        for one in crowd:
            one.close()
        for i in range(250):  # all of one address: the last of them are too many
            crowd[i] = socket.create_connection(("127.0.0.1", port), PATIENCE)
        wait_for("a line about the crowd", lambda: "landmarks: 127.0.0.1 has 230 of the 230 "
                 "connections that one address may have: one more is refused" in
                 placesd.err.read_text(), PATIENCE)
        self.assertEqual(front.answer(latitude=41)[0], OK)
        for one in crowd:
            one.close()

    def test_the_fallback_answers(self):
        provider = self.provide(status=403)
        landmarks = free_ports(6)[-1]
        service = self.serve(provider.url(),
                             more="    fallback = landmarks\n"
                                  f"    fallback_url = http://127.0.0.1:{landmarks}/nearby\n")
        service.start()
        code, body = self.ask(service).answer()
        self.assertEqual(code, OK)
        self.assertEqual(len(body["results"]), 5)
        self.assertEqual(provider.requests, 1)

    def test_a_grid_makes_neighbours_one_question(self):
        provider = self.provide()
        service = self.serve(provider.url(), more="    grid_m = 200\n    cache_s = 60\n")
        service.start()
        front = self.ask(service)
        for i in range(20):
            self.assertEqual(front.answer(latitude=34 + i * 1e-6)[0], OK)
        self.assertLessEqual(provider.requests, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
