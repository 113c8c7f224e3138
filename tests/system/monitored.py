"""A node's monitor: what it shows to whom, in every phase, and who costs it nothing."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest
import urllib.error

from keys import keygen
from metrics_reader import fetch, scrape
from rig import BUILD, PATIENCE, ROOT, UCLA, Herd, ask, free_ports, wait_for

PAIR = ["Alford-Ball"]
TOKEN = "0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"

# Each counter there is in the code, and as what gateway/text/node_metrics.c has its struct.
COUNTERS = {"bus/link/events.h": ("link_counters", "bus"),
            "bus/operators.h": ("operators_counters", "operators"),
            "gateway/text/client_limits.h": ("client_limits_counters", "connections"),
            "gateway/text/address_shares.h": ("address_shares_counters", "addresses"),
            "gateway/text/requests.h": ("requests_counters", "requests"),
            "gateway/text/watchers.h": ("watchers_counters", "watchers"),
            "gateway/text/session.h": ("session_counters", "said"),
            "gateway/text/handshakes.h": ("handshakes_counters", "handshakes")}
# Of those that are arrays.
BOUNDS = ("CLIENT_LIMITS_REASONS", "HANDSHAKES_FAILURES", "HANDSHAKES_VERDICTS")


def answer(url, token=None):
    """(status, body) of a page, whatever the status."""
    try:
        return 200, fetch(url, token=token)[1].decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Monitored(unittest.TestCase):
    def open(self, links=PAIR, nodes=("Alford",), more="", **options):
        """A herd whose `nodes` have monitors: at self.monitors[NAME], with `more` lines."""
        herd = Herd(links, **options)
        self.addCleanup(herd.__exit__, None)
        text = herd.file.read_text()
        ports = [port for port in free_ports(24) if str(port) not in text][:len(nodes)]
        self.monitors = {}
        for name, port in zip(nodes, ports):
            text = re.sub(rf"(name = {name}\n    clients = .*\n    bus = .*\n)",
                          rf"\g<1>    monitor = tcp://127.0.0.1:{port}\n{more}", text)
            self.monitors[name] = f"http://127.0.0.1:{port}"
        herd.file.write_text(text)
        return herd

    def ready(self, name="Alford"):
        return answer(self.monitors[name] + "/readyz")

    def value(self, family, suffix="", name="Alford", **labels):
        return scrape(self.monitors[name] + "/metrics")[family].value(suffix, **labels)

    def test_readiness_in_each_phase(self):
        herd = self.open(places=False)
        alford = herd.launch("Alford", "--drain-seconds", "60", "--ready-within", "3600")
        alford.says("^ready")  # as no neighbour has answered for a second
        self.assertEqual(self.ready(), (503, "no link to a neighbour is up"))
        self.assertEqual(answer(self.monitors["Alford"] + "/healthz"), (200, "the loop turns\n"))
        ball = herd.launch("Ball")
        herd.linked()
        self.assertEqual(self.ready(), (200, "ready\n"))
        self.assertEqual(self.value("zherd_link_up", peer="Ball", kind="neighbour"), 1)
        ball.stop()
        wait_for("Ball's goodbye", lambda: self.ready()[0] == 503)
        wait_for("a page of since", lambda: self.value("zherd_link_up", peer="Ball",
                                                       kind="neighbour") == 0)
        herd.start("Ball").linked()
        self.assertEqual(self.ready()[0], 200)
        alford.child.terminate()
        wait_for("draining", lambda: self.ready()[0] == 503)
        self.assertEqual(self.ready(), (503, "it drains, and serves until it stops"))
        wait_for("a page of since", lambda: self.value("zherd_phase", phase="drains") == 1)
        self.assertEqual(self.value("zherd_phase", phase="ready"), 0)
        alford.child.terminate()  # ends the draining
        self.assertEqual(alford.child.wait(PATIENCE), 0)

    def test_readiness_before_it_knows_what_its_neighbours_know(self):
        herd = self.open(["Alford-Ball", "Alford-Welsh"], places=False)
        herd.launch("Ball")
        before = self.hold_back(herd, "Welsh")
        alford = herd.launch("Alford", "--ready-within", "3600")
        wait_for("the monitor", lambda: not self.is_closed())
        seen = self.ready()
        if alford.out.read_text().startswith("ready"):
            before.close()
            self.skipTest("this machine is too slow: the node was ready before it was asked")
        self.assertEqual(seen[0], 503)
        self.assertIn(seen[1], ("it starts", "it learns what its neighbours know"))
        before.close()

    def hold_back(self, herd, name):
        """Somebody who takes the node's connections and says nothing."""
        port = re.search(rf"name = {name}\n    clients = .*\n    bus = .*:(\d+)\n",
                         herd.file.read_text()).group(1)
        silent = socket.create_server(("127.0.0.1", int(port)))
        self.addCleanup(silent.close)
        return silent

    def is_closed(self):
        try:
            return self.ready()[0] == 0
        except OSError:
            return True

    def test_what_is_shown_is_what_happened(self):
        herd = self.open(nodes=("Alford", "Ball"), observers=["Ear-Alford"]).start().linked()
        for number in range(5):
            line = ask(herd.ports["Alford"], f"IAMAT kiwi {UCLA} {time.time():.6f}")
        herd.everybody_holds("kiwi", line, ["Ball"])
        with herd.client("Alford") as client:
            client.near("kiwi", 10, 1)
            client.near("kiwi", 0, 0)
            self.assertEqual(client.ask("IAMAT"), "? IAMAT")
            client.send("NEARBY kiwi 1 1\n")
            client.until(b"\n\n")
            client.send("WATCH *\n")
            client.until(b"\n\n")
            one = {"zherd_table_clients": 1, "zherd_watches": 1, "zherd_connections": 1,
                   "zherd_connections_watching": 1, "zherd_clock_votes": 2,
                   "zherd_config_reload_success": 1, "zherd_lookups_in_flight": 0}

            def seen():
                families = scrape(self.monitors["Alford"] + "/metrics")
                return {name: families[name].value() for name in one} == one and families

            families = wait_for("figures of this second", seen)
        commands = families["zherd_commands"]
        self.assertEqual({word: commands.value("_total", command=word)
                          for word in ("iamat", "whatsat", "nearby", "watch", "forget", "other")},
                         {"iamat": 5, "whatsat": 2, "nearby": 1, "watch": 1, "forget": 0,
                          "other": 1})
        self.assertEqual(families["zherd_replies_invalid"].value("_total"), 1)
        self.assertEqual(families["zherd_lookups_answered"].value("_total"), 1)
        self.assertEqual(families["zherd_lookup_seconds"].value("_count"), 1)
        self.assertEqual(families["zherd_reply_seconds"].value("_count"), 10)
        self.assertLess(families["zherd_reply_seconds"].value("_sum"), 10 * PATIENCE)
        self.assertEqual(families["zherd_link_up"].value(peer="Ear", kind="observer"), 0)
        self.assertEqual(families["zherd_places_up"].samples[0].value, 1)
        self.assertGreater(families["process_open_fds"].value(), 5)
        self.assertNotIn("zherd_journal_up", families)
        self.news_took_its_time()
        self.status_says_the_same(herd)

    def news_took_its_time(self):
        families = scrape(self.monitors["Ball"] + "/metrics")
        took = families["zherd_propagation_seconds"]
        news = families["zherd_bus_locations_news"].value("_total")
        count = took.value("_count", origin="Alford")
        self.assertTrue(1 <= count <= news, (count, news))
        self.assertTrue(0 <= took.value("_sum", origin="Alford") < PATIENCE * int(count))
        self.assertEqual(took.value("_count", origin="other"), 0)

    def status_says_the_same(self, herd):
        kind, page = fetch(self.monitors["Alford"] + "/status")
        said = json.loads(page)
        self.assertEqual(kind, "application/json")
        self.assertEqual({key: said[key] for key in ("herd", "name", "phase", "ready", "clients",
                                                     "neighbours", "neighbours_up", "watchers")},
                         {"herd": "trial", "name": "Alford", "phase": "ready", "ready": True,
                          "clients": 1, "neighbours": 1, "neighbours_up": 1, "watchers": 0}
                         | {"watchers": said["watchers"]})
        self.assertEqual([(link["peer"], link["up"]) for link in said["links"]],
                         [("Ball", True), ("Ear", False)])
        self.assertEqual(said["places"][0]["up"], True)
        self.assertEqual(said["configuration"]["monitor"],
                         self.monitors["Alford"].replace("http", "tcp"))
        ball = json.loads(fetch(self.monitors["Ball"] + "/status")[1])
        self.assertEqual(said["digest"], ball["digest"])
        self.assertEqual(said["topology"], ball["topology"])

    def test_a_journal_is_shown_where_there_is_one(self):
        herd = self.open(places=False)
        herd.file.write_text(herd.file.read_text().replace("name = trial\n",
                                                           "name = trial\n    journal = always\n"))
        herd.start(extra=("--data-dir", herd.folder / "data")).linked()
        ask(herd.ports["Alford"], f"IAMAT kiwi {UCLA} {time.time():.6f}")
        wait_for("a sync", lambda: self.value("zherd_journal_batches", "_total") > 0)
        families = scrape(self.monitors["Alford"] + "/metrics")
        self.assertEqual(families["zherd_journal_up"].value(), 1)
        self.assertEqual(families["zherd_journal_sync_seconds"].value("_count"),
                         families["zherd_journal_batches"].value("_total"))

    def test_paths_and_methods(self):
        self.open(places=False).start()
        host = self.monitors["Alford"].removeprefix("http://")

        def request(method, path, body=None):
            connection = http.client.HTTPConnection(host, timeout=PATIENCE)
            connection.request(method, path, body)
            reply = connection.getresponse()
            said = reply.status, reply.getheader("Allow"), reply.read()
            connection.close()
            return said

        self.assertEqual(request("GET", "/")[0], 404)
        self.assertEqual(request("GET", "/metrics/x")[0], 404)
        self.assertEqual(request("GET", "/metrics?debug=1")[0], 200)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            self.assertEqual(request(method, "/metrics", b"x")[:2], (405, "GET, HEAD"))
        for path in ("/metrics", "/status", "/healthz"):
            self.assertEqual(request("HEAD", path), (200, None, b""))

    def test_slow_ones_cost_nobody(self):
        herd = self.open(places=False).start().linked()
        host, port = self.monitors["Alford"].removeprefix("http://").split(":")
        slow = []
        for number in range(40):  # more than there is room for: the oldest make way
            one = socket.create_connection((host, int(port)), timeout=PATIENCE)
            self.addCleanup(one.close)
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"[:number])
            slow.append(one)
        for number in range(10):
            self.assertEqual(self.ready()[0], 200)
            self.assertIn("AT Alford",
                          ask(herd.ports["Alford"], f"IAMAT kiwi {UCLA} {time.time():.6f}"))
        self.assertGreaterEqual(self.value("zherd_monitor_cut", "_total"), 20)

    def test_a_token(self):
        herd = self.open(places=False, more="    monitor_token_file = monitor.token\n")
        keygen(herd.file)
        file = herd.folder / "monitor.token"
        file.write_text(TOKEN + "\n")
        file.chmod(0o644)
        refused = subprocess.run(herd.command("Alford"), cwd=herd.folder, text=True,
                                 capture_output=True, timeout=PATIENCE)
        self.assertEqual(refused.returncode, 1)
        line = herd.file.read_text().split("    monitor = ")[0].count("\n") + 1
        self.assertEqual(refused.stderr.splitlines()[-1],
                         f"zherd-gateway Alford: {herd.file}:{line}: monitor_token_file "
                         "monitor.token: is not its owner's alone: give it mode 0600")
        file.chmod(0o600)
        herd.start().linked()
        self.takes(TOKEN, [OTHER, TOKEN[:-1], None])
        self.assertEqual(self.ready()[0], 200)
        self.assertEqual(answer(self.monitors["Alford"] + "/healthz")[0], 200)
        whole = answer(self.monitors["Alford"] + "/status", TOKEN)[1]
        for secret in (TOKEN, "monitor.token", "public_key", ".secret"):
            self.assertNotIn(secret, whole)

        file.write_text(OTHER)
        self.hang_up(herd)
        self.takes(OTHER, [TOKEN])
        file.write_text("short")
        before = self.reloaded(OTHER)
        good = herd.file.read_text()
        herd.file.write_text(good.replace("name = trial\n", "name = trial\n    max_clients = 5\n"))
        self.hang_up(herd, "cannot be had")
        self.takes(OTHER, [TOKEN])
        self.assertRegex(herd.log("Alford"), r" fault - .*herd\.zpl:\d+: monitor_token_file "
                         r"monitor\.token: holds no token")
        self.assertNotIn("max_clients)", herd.log("Alford"))
        herd.file.write_text(good)
        self.assertEqual(self.reloaded(OTHER), (0, before[1]))
        file.write_text(TOKEN)
        self.hang_up(herd)
        self.takes(TOKEN, [OTHER])
        success, when = self.reloaded(TOKEN)
        self.assertEqual(success, 1)
        self.assertGreater(when, before[1])
        # A file without the token's is for the next start: this one's door stays locked.
        herd.file.write_text(herd.file.read_text().replace("    monitor_token_file = monitor.token\n",
                                                           ""))
        self.hang_up(herd)
        self.takes(TOKEN, [None])

    def takes(self, right, wrongs):
        for page in ("/metrics", "/status"):
            self.assertEqual(answer(self.monitors["Alford"] + page, right)[0], 200)
            for wrong in wrongs:
                self.assertEqual(answer(self.monitors["Alford"] + page, wrong)[0], 401)

    def hang_up(self, herd, says="read again"):
        count = herd.log("Alford").count(says)
        herd.processes["Alford"].child.send_signal(signal.SIGHUP)
        wait_for("HUP", lambda: herd.log("Alford").count(says) > count)

    def reloaded(self, token):
        """Whether what HUP read last was taken, and when something was. A page may be 0.1 s old."""
        time.sleep(0.11)
        families = scrape(self.monitors["Alford"] + "/metrics", token)
        return (families["zherd_config_reload_success"].value(),
                families["zherd_config_reload_success_timestamp_seconds"].value())

    def test_a_port_that_is_taken(self):
        herd = self.open(places=False)
        port = int(self.monitors["Alford"].rpartition(":")[2])
        with socket.create_server(("127.0.0.1", port)):
            done = subprocess.run(herd.command("Alford"), cwd=herd.folder, text=True,
                                  capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"herd.zpl:\d+: cannot bind tcp://127.0.0.1:{port}: .*in use")

    def test_each_counter_is_shown(self):
        page = (ROOT / "gateway/text/node_metrics.c").read_text()
        for header, (name, shown_as) in COUNTERS.items():
            text = (ROOT / header).read_text()
            fields = re.search(rf"struct {name} {{(.*?)\n}};", text, re.DOTALL).group(1)
            fields = re.sub(r"/\*.*?\*/", "", fields, flags=re.DOTALL)
            numbers = re.findall(r"\w+", " ".join(re.findall(r"uint64_t\s+([^;]*);", fields)))
            self.assertGreater(len(numbers), 2)
            for field in numbers:
                if field in BOUNDS or field == "commands":  # the latter by its words
                    continue
                self.assertRegex(page, rf"\b({shown_as}\.)?{field}\b", f"{field} of {name}")


if __name__ == "__main__":
    os.environ.pop("http_proxy", None)
    unittest.main()
