"""What programs say to the service manager that started them, which is a socket of ours here."""

import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile
import time
import unittest

from rig import (BUILD, PATIENCE, UCLA, Client, Process, ask, free_ports, wait_for,
                 write_topology)

WATCHDOG_S = 0.4


class Manager:
    """Takes the datagrams of one program, until the test ends."""

    def __init__(self, case, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(PATIENCE)
        case.addCleanup(self.socket.close)
        self.environment = {"NOTIFY_SOCKET": address.replace("\0", "@")}

    def next(self):
        """The next message, as {key: value}; it has no line end behind it."""
        message = self.socket.recv(4096).decode()
        lines = message.split("\n")
        assert all("=" in line for line in lines), message
        return dict(line.split("=", 1) for line in lines)

    def next_but_alive(self):
        while True:
            message = self.next()
            if message != {"WATCHDOG": "1"}:
                return message

    def next_but_status(self):
        """The next message that is more than a status, and the last status before it."""
        status = None
        while True:
            message = self.next()
            if list(message) != ["STATUS"]:
                return message, status
            status = message["STATUS"]

    def says_status(self, pattern):
        while not re.search(pattern, self.next().get("STATUS", "")):
            pass

    def is_silent(self, seconds):
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(4096)
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(PATIENCE)
        return False


class Notify(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-notify-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.file, self.ports = write_topology(self.folder, ["A-B"])
        self.manager = Manager(self, str(self.folder / "notify"))

    def start(self, *words, **environment):
        process = Process(self.folder, pathlib.Path(words[0]).name, BUILD / words[0], *words[1:],
                          environment={**self.manager.environment, **environment})
        self.addCleanup(process.end)
        return process

    def lives_a_life(self, process, status, reads_again):
        """READY at the start, RELOADING and READY at HUP, nothing at USR1, STOPPING at the end."""
        ready = self.manager.next()
        self.assertEqual(ready.pop("READY"), "1")
        self.assertRegex(ready.pop("STATUS"), status)
        self.assertEqual(ready, {})
        process.says("^ready")
        process.child.send_signal(signal.SIGUSR1)
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        process.child.send_signal(signal.SIGHUP)
        reloading = self.manager.next()
        self.assertEqual(reloading.pop("RELOADING"), "1")
        self.assertGreaterEqual(int(reloading.pop("MONOTONIC_USEC")), before)
        self.assertEqual(reloading, {})
        self.assertEqual(self.manager.next(), {"READY": "1"})
        wait_for("a line", lambda: reads_again in process.err.read_text())
        process.child.terminate()
        self.assertEqual(self.manager.next(), {"STOPPING": "1"})
        self.assertEqual(process.child.wait(PATIENCE), 0)
        self.assertTrue(self.manager.is_silent(0.1))

    def test_placesd(self):
        self.lives_a_life(self.start("placesd", "--topology", self.file),
                          r"^a broker and a worker for gateways at tcp://127\.0\.0\.1:\d+$",
                          "read again")

    def test_a_broker(self):
        self.lives_a_life(self.start("placesd", "broker", "--topology", self.file),
                          r"^a broker for gateways at tcp://127\.0\.0\.1:\d+$", "read again")

    def test_a_worker(self):
        self.lives_a_life(self.start("placesd", "worker", "--topology", self.file),
                          "^a worker for 1 broker$", "read again")

    def test_landmarks(self):
        places = self.folder / "places"
        places.write_text('{"type":"FeatureCollection","features":[{"type":"Feature","geometry":'
                          '{"type":"Point","coordinates":[-118.4,34.1]},"properties":'
                          '{"name":"Here","amenity":"cafe"}}]}')
        database = self.folder / "places.db"
        made = Process(self.folder, "import", BUILD / "zherd-landmarks", "import", database, places)
        self.assertEqual(made.child.wait(PATIENCE), 0)
        [port] = free_ports(1)
        self.lives_a_life(self.start("zherd-landmarks", "serve", database, "--listen",
                                     f"127.0.0.1:{port}"),
                          rf"^at http://127\.0\.0\.1:{port}$", "read again")

    def test_web(self):
        # Those before are the herd's, which does not run.
        bus, listen = free_ports(9)[-2:]
        with open(self.file, "a", encoding="ascii") as file:
            file.write(f"observer\n    name = Ear\n    of = A\n    bus = tcp://127.0.0.1:{bus}\n"
                       f"web\n    of = A\n    observer = Ear\n    listen = tcp://127.0.0.1:{listen}\n")
        self.lives_a_life(self.start("zherd-web", "--topology", self.file),
                          rf"^HTTP at tcp://127\.0\.0\.1:{listen}; node A: not connected$",
                          "read again")

    def gateway(self, *words, **environment):
        return self.start("zherd-gateway", "--topology", self.file, "--node", "A", "--log-dir",
                          self.folder / "log", *words, **environment)

    def test_a_node(self):
        at = r"; clients at tcp://127\.0\.0\.1:\d+, links up: "
        process = self.gateway()
        message, status = self.manager.next_but_status()
        self.assertEqual(message, {"READY": "1"})
        self.assertRegex(status, f"^learns what its neighbours know{at}0 of 1$")
        process.says("^ready")
        self.manager.says_status(f"^ready{at}0 of 1$")
        other = self.start("zherd-gateway", "--topology", self.file, "--node", "B", "--log-dir",
                           self.folder / "log", NOTIFY_SOCKET="@zherd-nobody")
        self.manager.says_status(f"^ready{at}1 of 1$")
        process.child.send_signal(signal.SIGHUP)
        message, _ = self.manager.next_but_status()
        self.assertEqual(message.pop("RELOADING"), "1")
        self.assertEqual(list(message), ["MONOTONIC_USEC"])
        self.assertEqual(self.manager.next_but_status()[0], {"READY": "1"})
        other.stop()
        self.manager.says_status(f"^ready{at}0 of 1$")
        process.child.terminate()
        self.assertEqual(self.manager.next_but_status()[0], {"STOPPING": "1"})
        self.assertRegex(self.manager.next()["STATUS"], f"^stops{at}0 of 1$")
        self.assertEqual(process.child.wait(PATIENCE), 0)
        self.assertTrue(self.manager.is_silent(0.1))

    def test_a_node_that_is_not_ready_does_not_say_so_after_hup(self):
        """For a second it waits for an answer of B, which does not run."""
        process = self.gateway()
        self.manager.says_status("^learns")
        process.child.send_signal(signal.SIGHUP)
        wait_for("a line", lambda: " reload " in (self.folder / "log/A.log").read_text())
        self.assertEqual(self.manager.next_but_status()[0], {"READY": "1"})

    def test_a_node_drains(self):
        process = self.gateway("--ready-within", "0", "--drain-seconds", "3600")
        self.assertEqual(self.manager.next_but_status()[0], {"READY": "1"})
        before = Client(self.ports["A"])
        self.addCleanup(before.close)
        process.child.terminate()
        self.assertEqual(self.manager.next_but_status()[0], {"STOPPING": "1"})
        self.manager.says_status("^drains, and serves until it stops; ")
        at = f"IAMAT kiwi {UCLA} 1621464827.959498503"
        self.assertRegex(before.ask(at), "^AT A ")
        self.assertRegex(ask(self.ports["A"], at), "^AT A ")
        process.child.terminate()
        self.manager.says_status("^stops")
        self.assertEqual(process.child.wait(PATIENCE), 0)
        self.assertEqual(before.rest(), b"")
        self.assertIn(" drain - serves for 3600 s more", (self.folder / "log/A.log").read_text())

    def beats(self, process):
        """How long three signs of life take after READY."""
        while "READY" not in self.manager.next_but_alive():
            pass
        began = time.monotonic()
        for _ in range(3):
            self.assertEqual(self.manager.next_but_status()[0], {"WATCHDOG": "1"})
        took = time.monotonic() - began
        process.child.terminate()
        self.assertEqual(self.manager.next_but_alive(), {"STOPPING": "1"})
        self.assertEqual(process.child.wait(PATIENCE), 0)
        return took

    def test_the_watchdog_hears_each_loop_twice_in_its_time(self):
        watchdog = {"WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        for role in ([], ["broker"], ["worker"]):
            with self.subTest(role):
                process = self.start("placesd", *role, "--topology", self.file, **watchdog)
                self.assertGreater(self.beats(process), WATCHDOG_S / 2)
        with self.subTest("a node"):
            self.assertGreater(self.beats(self.gateway("--ready-within", "0", **watchdog)),
                               WATCHDOG_S / 2)

    def test_a_watchdog_of_another_process_or_of_nonsense_is_none(self):
        for environment in ({"WATCHDOG_USEC": "10000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": ""},
                            {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "-1"}):
            with self.subTest(environment):
                process = self.start("placesd", "--topology", self.file, **environment)
                self.assertIn("READY", self.manager.next())
                self.assertTrue(self.manager.is_silent(0.3))
                process.stop()
                self.assertEqual(self.manager.next(), {"STOPPING": "1"})

    def test_a_watchdog_of_itself(self):
        """The process writes its own number there, as a service manager does after the fork."""
        process = Process(self.folder, "own", "/bin/sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh",
                          BUILD / "placesd", "--topology", self.file, environment={
            **self.manager.environment, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))})
        self.addCleanup(process.end)
        self.beats(process)

    def test_an_address_without_a_file(self):
        self.manager = Manager(self, f"\0zherd-notify-{os.getpid()}")
        process = self.start("placesd", "--topology", self.file)
        self.assertIn("READY", self.manager.next())
        process.stop()

    def test_a_manager_that_starts_again_is_heard_again(self):
        process = self.start("placesd", "--topology", self.file)
        self.assertIn("READY", self.manager.next())
        address = self.manager.environment["NOTIFY_SOCKET"]
        self.manager.socket.close()
        process.child.send_signal(signal.SIGHUP)
        wait_for("a line", lambda: "did not take `RELOADING=1`" in process.err.read_text())
        os.unlink(address)
        self.manager = Manager(self, address)
        process.child.terminate()
        while self.manager.next() != {"STOPPING": "1"}:
            pass  # the READY of before may have come late enough

    def test_a_manager_that_does_not_read_holds_nobody_up(self):
        """It goes on, and says once what it cannot say, however long that lasts."""
        self.manager.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        process = self.gateway("--ready-within", "0", WATCHDOG_USEC="2000")
        process.says("^ready")
        wait_for("a line", lambda: "did not take `" in process.err.read_text())
        # More turns of the loop than there are seconds.
        deadline = time.monotonic() + PATIENCE
        with Client(self.ports["A"]) as client:
            for _ in range(int(2 * PATIENCE)):
                client.ask("HELLO")
        self.assertLess(time.monotonic(), deadline)
        self.assertEqual(process.err.read_text().count("did not take `"), 1)
        # Once it reads, it hears what it missed.
        while not self.manager.next().get("STATUS", "").startswith("ready"):
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(process.stop(PATIENCE)[0], 0)

    def test_an_address_that_is_none(self):
        for address in ("", "relative", "/" + 200 * "x"):
            with self.subTest(address):
                process = self.start("placesd", "--topology", self.file, NOTIFY_SOCKET=address)
                process.says("^ready")
                self.assertEqual(process.stop()[0], 0)
                self.assertIn("NOTIFY_SOCKET is no address", process.err.read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
