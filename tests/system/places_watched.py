"""The monitors of placesd and of zherd-landmarks: what they show while questions are answered."""

import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.error

from metrics_reader import fetch, scrape
from places_rig import BUSY, CANARY, OK, UNAVAILABLE, Front, Provider, Service
from rig import BUILD, Process, free_ports, refuses, wait_for


def answer(url):
    """(status, body) of a page, whatever the status."""
    try:
        return 200, fetch(url)[1].decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Broker(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zherd-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.port = free_ports(12)[-1]  # beyond those that a Service takes
        self.monitor = f"http://127.0.0.1:{self.port}"

    def serve(self, *roles, more=""):
        self.service = Service(self.folder, self.provider.url(),
                               f"    monitor = tcp://127.0.0.1:{self.port}\n" + more)
        self.addCleanup(self.service.close)
        processes = [self.service.start(*role) for role in roles]
        self.front = Front(self.service.front)
        self.addCleanup(self.front.close)
        return processes

    def answers(self, latitudes):
        """The codes of questions that are asked at once."""
        numbers = [self.front.ask(latitude=latitude) for latitude in latitudes]
        self.front.take_all()
        return [self.front.answers[number][0][0] for number in numbers]

    def value(self, name, suffix="", **labels):
        return scrape(self.monitor + "/metrics")[name].value(suffix, **labels)

    def test_a_broker_is_ready_while_it_has_a_worker(self):
        self.serve(("broker",))
        self.assertEqual(answer(self.monitor + "/readyz"), (503, "it has no worker"))
        self.assertEqual(answer(self.monitor + "/healthz")[0], 200)
        self.assertEqual(self.value("zherd_placesd_ready"), 0)
        worker = self.service.start("worker")
        wait_for("a worker", lambda: answer(self.monitor + "/readyz")[0] == 200)
        wait_for("the figures say so", lambda: self.value("zherd_placesd_ready") == 1)
        families = scrape(self.monitor + "/metrics")
        self.assertEqual(families["zherd_placesd_workers"].value(), 1)
        self.assertEqual(families["zherd_placesd_workers_at"].value(address="127.0.0.1"), 1)
        worker.stop()
        wait_for("no worker", lambda: answer(self.monitor + "/readyz")[0] == 503)

    def test_questions_answers_and_what_the_provider_took_are_counted(self):
        self.serve((), more="    budget = 100\n")
        for latitude in (1.0, 2.0, 1.0):
            self.assertEqual(self.front.answer(latitude=latitude)[0], OK)
        families = scrape(self.monitor + "/metrics")
        main = {"provider": "google", "role": "provider"}
        self.assertEqual(families["zherd_placesd_questions"].value("_total"), 3)
        self.assertEqual(families["zherd_placesd_answers"].value("_total", code="ok"), 3)
        self.assertEqual(families["zherd_placesd_requests"].value("_total", **main),
                         self.provider.requests)
        took = families["zherd_placesd_provider_seconds"]
        self.assertEqual(took.value("_count", outcome="ok", **main), self.provider.requests)
        self.assertGreaterEqual(took.value("_sum", outcome="ok", **main), self.provider.requests / 1000)
        self.assertEqual(families["zherd_placesd_budget"].value(**main), 100)
        self.assertEqual(families["zherd_placesd_budget_spent"].value(**main),
                         self.provider.requests)
        # The day's first hour gets an eighth, of which half is kept for nodes.
        codes = self.answers(range(3, 15))
        self.assertGreater(codes.count(BUSY), 0)
        self.assertEqual(self.value("zherd_placesd_answers", "_total", code="busy"),
                         codes.count(BUSY))

    def test_a_provider_that_fails_is_seen_to_be_left_alone(self):
        self.serve(())
        self.provider.status = 500
        self.assertEqual(self.answers(range(8)), [UNAVAILABLE] * 8)
        families = scrape(self.monitor + "/metrics")
        main = {"provider": "google", "role": "provider"}
        self.assertGreater(families["zherd_placesd_provider_paused_seconds"].value(**main), 0)
        self.assertEqual(families["zherd_placesd_answers"].value("_total", code="unavailable"), 8)
        self.assertEqual(families["zherd_placesd_failures"].value("_total"), 8)
        self.assertGreater(families["zherd_placesd_provider_seconds"].value(
            "_count", outcome="unavailable", **main), 0)
        self.assertEqual(answer(self.monitor + "/readyz")[0], 200)

    def test_what_is_refused_is_counted_by_its_reason(self):
        self.serve(())
        self.front.socket.send_multipart([b"1234", b"", b"nonsense"])
        self.front.socket.recv_multipart()
        self.front.socket.send_multipart([b"no empty frame"])
        wait_for("the refusal", lambda: self.value(
            "zherd_placesd_refused", "_total", reason="no_envelope") == 1)
        self.assertEqual(self.value("zherd_placesd_refused", "_total", reason="invalid"), 1)

    def test_what_hup_could_not_read_is_seen_until_it_can(self):
        process, = self.serve(())
        self.assertEqual(self.value("zherd_config_reload_success"), 1)
        began = self.value("zherd_config_reload_success_timestamp_seconds")
        self.service.key.write_text("\n")
        process.child.send_signal(signal.SIGHUP)
        wait_for("the refusal", lambda: self.value("zherd_config_reload_success") == 0)
        self.assertEqual(self.value("zherd_config_reload_success_timestamp_seconds"), began)
        self.service.key.write_text(CANARY + "\n")
        process.child.send_signal(signal.SIGHUP)
        wait_for("the key", lambda: self.value("zherd_config_reload_success") == 1)

    def test_hup_has_another_token_count(self):
        token = pathlib.Path(self.folder, "token")
        token.write_text("first-token-of-sixteen\n")
        token.chmod(0o600)
        process, = self.serve((), more=f"    monitor_token_file = {token}\n")
        page = self.monitor + "/metrics"
        self.assertEqual(answer(page)[0], 401)
        self.assertIn("zherd_placesd_ready", scrape(page, "first-token-of-sixteen"))
        token.write_text("second-token-of-sixteen\n")
        process.child.send_signal(signal.SIGHUP)

        def is_taken():
            try:
                return scrape(page, "second-token-of-sixteen")
            except urllib.error.HTTPError:
                return None
        self.assertEqual(wait_for("the other token", is_taken)[
            "zherd_config_reload_success"].value(), 1)
        with self.assertRaises(urllib.error.HTTPError):
            scrape(page, "first-token-of-sixteen")

    def test_the_status_says_the_same_and_no_secret(self):
        process, = self.serve(())
        self.assertEqual(self.front.answer()[0], OK)
        kind, page = fetch(self.monitor + "/status")
        status = json.loads(page)
        self.assertTrue(kind.startswith("application/json"))
        self.assertTrue(page.endswith(b"}\n"))
        self.assertEqual((status["ready"], status["why_not"]), (True, None))
        self.assertEqual((status["questions"]["asked"], status["answers"]["ok"]), (1, 1))
        self.assertEqual(status["sources"], [{"provider": "google", "role": "provider",
                                              "requests": 1, "paused_ms": 0, "spent": 0,
                                              "budget": None}])
        self.assertEqual(status["hosts"], [{"address": "127.0.0.1", "workers": 1}])
        self.assertEqual(status["gateways_at"], f"tcp://127.0.0.1:{self.service.front}")
        for path in ("/status", "/metrics"):
            self.assertNotIn(CANARY.encode(), fetch(self.monitor + path)[1])
        self.assertEqual(process.stop()[0], 0)
        self.assertTrue(refuses(self.port))

    def test_a_port_that_is_taken_ends_the_start_with_its_line(self):
        with Provider() as other:
            self.port = other.server_address[1]
            self.service = Service(self.folder, self.provider.url(),
                                   f"    monitor = tcp://127.0.0.1:{self.port}\n")
            self.addCleanup(self.service.close)
            with self.assertRaises(AssertionError) as caught:
                self.service.start()
            self.assertRegex(str(caught.exception),
                             rf"herd.zpl:\d+: cannot listen on tcp://127.0.0.1:{self.port}: ")
            other.shutdown()


class Landmarks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zherd-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.database = self.folder / "places.db"
        self.fill()
        port, monitor = free_ports(14)[-2:]
        self.url = f"http://127.0.0.1:{port}"
        self.monitor = f"http://127.0.0.1:{monitor}"
        self.server = Process(self.folder, "server", BUILD / "zherd-landmarks", "serve",
                              self.database, "--listen", f"127.0.0.1:{port}", "--monitor",
                              f"tcp://127.0.0.1:{monitor}")
        self.addCleanup(self.server.end)
        self.server.says("^ready")

    def fill(self):
        feature = {"type": "Feature", "id": "n1", "properties": {"name": "Here", "shop": "yes"},
                   "geometry": {"type": "Point", "coordinates": [1, 1]}}
        subprocess.run([BUILD / "zherd-landmarks", "import", self.database],
                       input=json.dumps(feature).encode(), check=True, capture_output=True)

    def families(self):
        return scrape(self.monitor + "/metrics")

    def test_answers_are_counted_by_what_they_are(self):
        path = self.url + "/maps/api/place/nearbysearch/json?radius=50000&location="
        for question, status in ((path + "1,1", 200), (path + "9,9", 200), (path + "x", 200),
                                 (self.url + "/other", 404)):
            self.assertEqual(answer(question)[0], status)
        families = self.families()
        counts = {dict(sample.labels)["answer"]: sample.value
                  for sample in families["zherd_landmarks_answers"].samples}
        self.assertEqual(counts, {"ok": 1, "zero_results": 1, "invalid": 1, "failed": 0,
                                  "not_found": 1, "not_allowed": 0})
        self.assertEqual(families["zherd_landmarks_search_seconds"].value("_count"), 2)
        self.assertEqual(families["zherd_landmarks_connections_max"].value(), 256)

    def test_connections_are_seen(self):
        address = self.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))):
            wait_for("the connection", lambda: self.families()[
                "zherd_landmarks_connections"].value() == 1)
        wait_for("no connection", lambda: self.families()[
            "zherd_landmarks_connections"].value() == 0)

    def test_reading_the_database_again_is_counted_and_the_status_says_the_same(self):
        self.fill()
        self.server.child.send_signal(signal.SIGHUP)
        wait_for("the database read again", lambda: self.families()[
            "zherd_landmarks_reloads"].value("_total", result="ok") == 1)
        self.database.write_text("no database")
        self.server.child.send_signal(signal.SIGHUP)
        wait_for("the database refused", lambda: self.families()[
            "zherd_landmarks_reloads"].value("_total", result="failed") == 1)
        status = json.loads(fetch(self.monitor + "/status")[1])
        self.assertEqual(status["reloads"], {"ok": 1, "failed": 1})
        self.assertEqual(status["program"]["name"], "zherd-landmarks")
        self.assertEqual(answer(self.monitor + "/readyz")[0], 200)
        self.assertEqual(self.server.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
