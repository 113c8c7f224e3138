"""zherd-bench against servers that are right, wrong, slow and gone. No figure passes or fails by
being small; what is tested is that none of them lies."""

import importlib.machinery
import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import rig  # noqa: E402  (found by the line above)

HERE = pathlib.Path(__file__).resolve().parent


def bench(*arguments, status=0):
    """Runs it; returns its figures and what it complained about."""
    command = [rig.BUILD / "zherd-bench", "--json", "--seconds", 0.3, "--warmup", 0.1,
               "--clients", 1000, *arguments]
    run = subprocess.run([str(a) for a in command], capture_output=True, text=True, timeout=100)
    if run.returncode != status:
        raise AssertionError(f"{arguments}: status {run.returncode}: {run.stdout}{run.stderr}")
    return json.loads(run.stdout) if run.stdout else {}, run.stderr


class Puppet:
    """A line server on one connection whose reply to the n-th line is answer(n, line); None
    closes."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        line, _ = self.listener.accept()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with line, line.makefile("rb") as commands:
            for number, command in enumerate(commands):
                reply = self.answer(number, command)
                if reply is None:
                    return
                line.sendall(reply)


def at(command, difference=b"+0.263873386"):
    """The right AT line for an IAMAT."""
    return b"AT Alford " + difference + b" " + command[len(b"IAMAT "):]


class Echo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.echo = subprocess.Popen([rig.BUILD / "zherd-echo"], stdout=subprocess.PIPE, text=True)
        cls.port = cls.echo.stdout.readline().split()[1]

    @classmethod
    def tearDownClass(cls):
        cls.echo.kill()
        cls.echo.wait()
        cls.echo.stdout.close()

    def test_closed_loop(self):
        figures, _ = bench("--protocol", "echo", "--depth", 16, "--connections", 5, "--server-pid",
                           self.echo.pid, self.port)
        self.assertGreater(figures["requests"], 0)
        self.assertGreaterEqual(figures["seconds"], 0.29)
        self.assertAlmostEqual(figures["requests_per_s"], figures["requests"] / figures["seconds"],
                               delta=figures["requests_per_s"] * 0.01)
        for name in ("p50_us", "p99_us", "max_us", "server_cpu_s", "server_rss_bytes"):
            self.assertGreater(figures[name], 0, name)
        self.assertLessEqual(figures["p50_us"], figures["p99_us"])
        self.assertEqual((figures["wrong"], figures["lost"]), (0, 0))

    def test_a_fixed_rate_sends_every_request(self):
        figures, _ = bench("--protocol", "echo", "--rate", 1000, self.port)
        self.assertEqual(figures["requests"], 300)

    def test_more_in_flight_than_sockets_hold(self):
        figures, _ = bench("--protocol", "echo", "--depth", 60000, "--connections", 1,
                           "--clients", 60000, self.port)
        self.assertGreater(figures["requests"], 0)

    def test_a_question_of_who_is_near_is_no_answer(self):
        _, complaint = bench("--protocol", "echo", "--workload", "nearby", "--bound", 1, self.port,
                             status=2)
        self.assertIn("does not tell who is near", complaint)

    def test_storm_and_load(self):
        figures, _ = bench("--protocol", "echo", "--workload", "storm", "--depth", 3, self.port)
        self.assertEqual(figures["requests"], figures["rounds"] * 50)
        figures, _ = bench("--protocol", "echo", "--workload", "load", self.port)
        self.assertEqual(figures["requests"], 1000)

    def test_an_echo_is_no_herd(self):
        figures, complaint = bench("--connections", 2, self.port, status=3)
        self.assertEqual(figures["wrong"], 2)
        self.assertIn("wrong reply", complaint)


class Faults(unittest.TestCase):
    def test_a_good_puppet(self):
        figures, _ = bench("--connections", 1, Puppet(lambda number, line: at(line)).port)
        self.assertGreater(figures["requests"], 0)

    def test_one_wrong_byte_is_seen(self):
        puppet = Puppet(lambda number, line: at(line) if number < 1020
                        else at(line).replace(b"-118.", b"-117."))
        figures, complaint = bench("--connections", 1, puppet.port, status=3)
        self.assertEqual((figures["wrong"], figures["lost"]), (1, 0))
        self.assertIn("-117.", complaint)

    def test_replies_in_another_order_are_seen(self):
        held = []

        def swap(number, line):
            if number < 1020:
                return at(line)
            held.append(line)
            return b"" if len(held) < 2 else at(held.pop()) + at(held.pop())
        _, complaint = bench("--connections", 1, "--depth", 2, Puppet(swap).port, status=3)
        self.assertIn("wrong reply", complaint)

    def test_an_unasked_reply_is_seen(self):
        puppet = Puppet(lambda number, line: at(line) * (1 + (number == 1020)))
        figures, _ = bench("--connections", 1, puppet.port, status=3)
        self.assertEqual(figures["wrong"], 1)

    def test_a_server_that_goes_away(self):
        puppet = Puppet(lambda number, line: at(line) if number < 1020 else None)
        figures, complaint = bench("--connections", 1, puppet.port, status=3)
        self.assertEqual((figures["broken"], figures["lost"]), (1, 1))
        self.assertIn("closed", complaint)

    def test_a_stale_position_is_seen(self):
        """A server that forgets the update before the question."""
        positions = {}

        def forget(number, line):
            words = line.split()
            if words[0] == b"IAMAT":
                positions.setdefault(words[1], line)
                return at(line)
            return at(positions[words[1]]) + b'{ "results": [], "status": "OK" }\n\n'
        _, complaint = bench("--connections", 1, "--workload", "mixed", Puppet(forget).port,
                             status=3)
        self.assertIn("stale", complaint)

    def test_a_pause_is_felt_by_all_who_had_to_wait(self):
        """A server that sleeps for 0.2 of 0.5 s delays not one request but two fifths of them."""
        def sleep(number, line):
            if number == 1100:
                time.sleep(0.2)
            return at(line)
        figures, _ = bench("--connections", 1, "--depth", 64, "--warmup", 0, "--rate", 1000,
                           "--seconds", 0.5, Puppet(sleep).port)
        self.assertEqual(figures["requests"], 500)
        self.assertGreater(figures["p99_us"], 150_000)
        self.assertGreaterEqual(figures["max_us"], 199_000)

    def test_nobody_there(self):
        self.assertIn("connect", bench(1, status=1)[1])

    def test_flags_that_make_no_sense(self):
        for flags in (["--depth", "0", "1"], ["--depth", "65536", "1"], ["--workload", "x", "1"],
                      ["--protocol", "x", "1"], ["--rate", "-1", "1"], ["--connections", "2000", "1"],
                      ["--workload", "converge", "1"], ["1", "2"], [],
                      ["--protocol", "nats", "--workload", "mixed", "1"],
                      ["--workload", "expire", "1"]):
            self.assertIn("--help", bench(*flags, status=2)[1], flags)


class Herds(unittest.TestCase):
    def test_every_workload_on_two_nodes(self):
        with rig.Herd(links=["Alford-Ball"], places=False) as herd:
            herd.start().linked()
            alford, ball = herd.ports["Alford"], herd.ports["Ball"]
            pid = herd.processes["Alford"].child.pid
            bench("--workload", "load", "--fleet", "dense", alford)
            figures, _ = bench("--workload", "nearby", "--fleet", "dense", "--radius", 20038, "--bound",
                               10, alford)
            self.assertGreater(figures["requests"], 0)
            for workload in ("iamat", "whatsat", "mixed", "load", "storm"):
                figures, _ = bench("--workload", workload, "--depth", 4, alford)
                self.assertGreater(figures["requests"], 0, workload)
            figures, _ = bench("--workload", "idle", "--server-pid", pid, alford)
            self.assertEqual(figures["connections"], 50)
            figures, _ = bench("--workload", "converge", "--updates", 20000, "--depth", 16, alford,
                               ball)
            self.assertEqual(figures["requests"], 20000)
            figures, _ = bench("--workload", "expire", "--expire", 2, "--seconds", 1, "--rate",
                               2000, alford)
            self.assertEqual(figures["requests"], 2000)
            figures, _ = bench("--workload", "propagate", "--updates", 300, "--window", 0.05,
                               alford, ball)
            self.assertEqual(figures["probes"], 300)
            self.assertGreater(figures["visible_90_us"], 0)
            self.assertLessEqual(figures["visible_50_us"], figures["visible_90_us"])
            figures, _ = bench("--protocol", "zherd-watch", "--workload", "propagate", "--updates",
                               100, alford, ball)
            self.assertGreater(figures["p50_us"], 0)
            figures, _ = bench("--protocol", "zherd-watch", "--workload", "told", "--connections",
                               20, "--warmup", 0, ball)
            self.assertGreaterEqual(figures["requests"], 20 * 1000)

    def test_nodes_that_never_agree_are_distinguished(self):
        """Two herds of one node: no update sent to one is ever seen at the other."""
        with rig.Herd(links=[], nodes=["Alford"], places=False) as one:
            one.start()
            with rig.Herd(links=[], nodes=["Ball"], places=False) as other:
                other.start()
                figures, _ = bench("--workload", "propagate", "--updates", 50,
                                   one.ports["Alford"], other.ports["Ball"])
        self.assertEqual(figures["visible_50_us"], -1)


class Compare(unittest.TestCase):
    def test_the_table(self):
        run = subprocess.run(
            [sys.executable, HERE / "compare", "--build", rig.BUILD, "--rounds", "1", "--seconds",
             "0.1", "--only", "^IAMAT against the echo|^command log"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        ratio, number = r"\d+\.\d\d( \\\*)?", r"[\d.]+"
        three = " / ".join([number] * 3)
        self.assertRegex(run.stdout, (
            rf"\| IAMAT against the echo, depth 1 / 16 / 64 \| {ratio} / {ratio} / {ratio} \| .* \| "
            rf">= 0.92 / 0.80 / 0.65 \| {three} k/s \| {three} k/s \|\n"))
        self.assertRegex(run.stdout, (
            rf"\| command log against event log, depth 16 \| {ratio} \| .* \| >= 0.85 \| "
            rf"{number} k/s \| {number} k/s \|\n"))

    def test_a_start_is_a_number_of_milliseconds(self):
        """Of few clients, and without redis, which not everybody has."""
        loader = importlib.machinery.SourceFileLoader("compare", str(HERE / "compare"))
        compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
        with unittest.mock.patch.object(sys, "argv", ["compare", "--build", str(rig.BUILD)]):
            loader.exec_module(compare)
        with unittest.mock.patch.object(compare, "MILLION", 1000):
            figures = compare.start_again("zherd")(None)[""]
        row = next(row for row in compare.ROWS if row.ours == "zherd restart")
        self.assertGreater(compare.figure_of(figures, row, 0), 0)
        self.assertGreater(figures["start_cpu_ms"], 0)
        self.assertLess(figures["start_ms"], 60_000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
