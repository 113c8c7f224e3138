"""A node as a service: when it is ready, how it ends, and a door for clients that outlives it."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from clients import pour
from rig import (BUILD, PATIENCE, UCLA, Client, Herd, Process, ask, refuses, wait_for,
                 write_topology)

STAMP = "1621464827.959498503"
# Sets the variables of sd_listen_fds(3) as a service manager does after its fork, and becomes the
# program.
BECOME = """
import os, sys
os.environ.update(LISTEN_PID=str(os.getpid() + int(sys.argv[2])), LISTEN_FDS=sys.argv[1],
                  LISTEN_FDNAMES="clients")
os.execv(sys.argv[3], sys.argv[3:])
"""


def status_of(client):
    """What a WHATSAT without places is answered: its first line, and the rest of it."""
    line = client.line()
    if line.startswith("AT "):
        client.until(b"\n\n")
    return line


class Ready(unittest.TestCase):
    def test_nothing_is_refused_before_a_node_knows(self):
        """B is asked from the moment that its door opens on, about clients that A knows."""
        count = 40_000
        with Herd(["A-B"], places=False).start(extra=("--log", "events")) as herd:
            herd.linked()
            payload = "".join(f"IAMAT c{i} {UCLA} {STAMP}\n" for i in range(count)).encode()
            pour(herd.ports["A"], payload, count)
            herd.kill("B")
            b = herd.launch("B", "--log", "events")
            wait_for("the door", lambda: not refuses(herd.ports["B"]))
            asked = 0
            with herd.client("B") as client:
                while asked < 200 or not re.search("^ready", b.out.read_text(), re.MULTILINE):
                    client.send(f"WHATSAT c{asked * 193 % count} 1 0\n")
                    self.assertRegex(status_of(client), "^AT A ")
                    asked += 1
                client.send("WHATSAT nobody 1 0\n")
                self.assertEqual(status_of(client), "? WHATSAT nobody 1 0")

    def test_a_question_waits_and_a_position_is_taken(self):
        """A is stopped: B waits a second for an answer of it, and is not ready."""
        with Herd(["A-B"], places=False) as herd:
            herd.start("A")
            with herd.client("A") as client:
                client.ask(f"IAMAT kiwi {UCLA} {STAMP}")
            herd.processes["A"].child.send_signal(signal.SIGSTOP)
            b = herd.launch("B")
            wait_for("the door", lambda: not refuses(herd.ports["B"]))
            with herd.client("B") as waits, herd.client("B") as tells:
                waits.send("WHATSAT kiwi 1 0\nHELLO\n")
                self.assertRegex(tells.ask(f"IAMAT fig {UCLA} {STAMP}"), "^AT B ")
                tells.send("WHATSAT fig 1 0\n")
                self.assertRegex(status_of(tells), "^AT B ")
                is_ready = re.search("^ready", b.out.read_text(), re.MULTILINE)
                waits.socket.settimeout(0.05)
                if not is_ready:
                    with self.assertRaises(socket.timeout):
                        waits.line()
                waits.socket.settimeout(PATIENCE)
                b.says("^ready")
                self.assertEqual(waits.lines(2), ["? WHATSAT kiwi 1 0", "? HELLO"])
            herd.processes["A"].child.send_signal(signal.SIGCONT)


class Stop(unittest.TestCase):
    def test_a_look_up_under_way_is_answered(self):
        """No places service runs: the answer that says so comes a second after the question."""
        with Herd(["A-B"]) as herd:
            herd.start("A")
            with herd.client("A") as client, herd.client("A") as other:
                at = client.ask(f"IAMAT kiwi {UCLA} {STAMP}")
                client.send("WHATSAT kiwi 10 5\n")
                wait_for("the question", lambda: "WHATSAT" in herd.log("A"))
                herd.processes["A"].child.terminate()
                self.assertEqual(other.rest(), b"")
                self.assertTrue(refuses(herd.ports["A"]))
                reply = client.rest().decode()
                self.assertEqual(reply.partition("\n")[0], at)
                self.assertIn('"status": "UNKNOWN_ERROR"', reply)
                self.assertTrue(reply.endswith("\n\n"), reply)
            self.assertEqual(herd.processes["A"].child.wait(PATIENCE), 0)


class Holder:
    """A service manager that keeps one door and hands it to one program after the other."""

    def __init__(self, folder, door):
        self.folder, self.door, self.count = folder, door, 0

    def start(self, *command, pid=0, sockets=1):
        self.count += 1
        code = [sys.executable, "-c", BECOME, str(sockets), str(pid), *map(str, command)]

        def hand_over():
            if self.door.fileno() != 3:
                os.dup2(self.door.fileno(), 3)
            os.set_inheritable(3, True)

        process = Process.__new__(Process)
        process.out = self.folder / f"{self.count}.out"
        process.err = self.folder / f"{self.count}.stderr"
        with open(process.out, "wb") as out, open(process.err, "wb") as err:
            process.child = subprocess.Popen(code, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                             preexec_fn=hand_over, close_fds=False)
        return process


class Door(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-door-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.file, self.ports = write_topology(self.folder, ["A-B"], places=False)
        self.command = [BUILD / "zherd-gateway", "--topology", self.file, "--node", "A",
                        "--ready-within", "0", "--log-dir", self.folder / "log"]

    def open_door(self, host="127.0.0.1", port=None, family=socket.AF_INET):
        door = socket.socket(family)
        self.addCleanup(door.close)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port or self.ports["A"]))
        door.listen(128)
        return door

    def start(self, holder, *command, **options):
        process = holder.start(*(command or self.command), **options)
        self.addCleanup(process.end)
        return process

    def test_by_systemds_own_tool(self):
        """It waits for the first connection, and then becomes the program."""
        tool = subprocess.Popen(
            ["systemd-socket-activate", f"--listen=127.0.0.1:{self.ports['A']}", "--fdname=clients",
             *map(str, self.command)], cwd=self.folder, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(tool.communicate)
        self.addCleanup(tool.kill)
        wait_for("the door", lambda: not refuses(self.ports["A"]))
        self.assertRegex(ask(self.ports["A"], f"IAMAT kiwi {UCLA} {STAMP}"), "^AT A ")
        tool.terminate()
        self.assertEqual(tool.wait(PATIENCE), 0)

    def test_a_restart_and_an_upgrade_refuse_nobody(self):
        """Somebody connects all the time, and each one is answered by one life or the next."""
        holder = Holder(self.folder, self.open_door())
        other = self.folder / "upgraded"
        shutil.copy(BUILD / "zherd-gateway", other)
        first = self.start(holder)
        first.says("^ready")
        over, answers = threading.Event(), []

        def go_on():
            while not over.is_set():
                with Client(self.ports["A"]) as client:
                    client.send(f"IAMAT kiwi{len(answers)} {UCLA} {STAMP}\n")
                    try:
                        answers.append(client.line())
                    except (AssertionError, ConnectionError) as error:
                        answers.append(f"{error}")

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            wait_for("answers", lambda: len(answers) > 5)
            for command in (self.command, [other, *self.command[1:]]):
                self.assertEqual(first.stop()[0], 0)
                with Client(self.ports["A"]) as waits:
                    waits.send(f"IAMAT waits {UCLA} {STAMP}\n")
                    first = self.start(holder, *command)
                    self.assertRegex(waits.line(), "^AT A ")
                before = len(answers)
                wait_for("more", lambda: len(answers) > before + 5)
        finally:
            over.set()
            thread.join(PATIENCE)
        # Who was let in as its node ended was told so by the end of the connection.
        wrong = [line for line in answers if not re.match(r"AT A |closed before|.*reset", line)]
        self.assertEqual(wrong, [])
        self.assertLessEqual(sum(not line.startswith("AT A ") for line in answers), 2)
        self.assertEqual(first.stop()[0], 0)

    def test_what_a_connection_is_set_to_does_not_depend_on_when_it_came(self):
        """One that came before the node is looked after as all others are."""
        holder = Holder(self.folder, self.open_door())
        with Client(self.ports["A"]) as early:
            early.send(f"IAMAT kiwi {UCLA} {STAMP}\n")
            process = self.start(holder)
            early.line()
            found = subprocess.run(["ss", "-Htnoi", f"sport = :{self.ports['A']}"],
                                   capture_output=True, text=True, check=True).stdout
            self.assertIn("timer:(keepalive", found)
        self.assertEqual(process.stop()[0], 0)

    def test_its_address_stays_while_a_manager_holds_the_socket(self):
        process = self.start(Holder(self.folder, self.open_door()))
        process.says("^ready")
        log = self.folder / "log" / "A.log"
        good = self.file.read_text()
        self.file.write_text(good.replace(f":{self.ports['A']}\n", f":{self.ports['B']}\n", 1))
        self.file.write_text(self.file.read_text().replace(
            f"name = B\n    clients = tcp://127.0.0.1:{self.ports['B']}",
            f"name = B\n    clients = tcp://127.0.0.1:{self.ports['A']}"))
        process.child.send_signal(signal.SIGHUP)
        wait_for("the refusal", lambda: "cannot be had" in log.read_text())
        self.assertRegex(log.read_text(), r" fault - .*:\d+: a service manager holds the socket at "
                         rf"tcp://127\.0\.0\.1:{self.ports['A']}: another address wants another "
                         r"socket unit and a restart\n")
        self.assertTrue(ask(self.ports["A"], f"IAMAT kiwi {UCLA} {STAMP}").startswith("AT A "))
        self.file.write_text(good)
        process.child.send_signal(signal.SIGHUP)
        wait_for("the file of before", lambda: " reload - read again " in log.read_text())
        self.assertEqual(process.stop()[0], 0)

    def refuses_to_start(self, pattern, door, **options):
        process = self.start(Holder(self.folder, door), **options)
        self.assertEqual(process.child.wait(PATIENCE), 1)
        door.close()
        self.assertRegex(process.err.read_text(), rf"^zherd-gateway A: {pattern}\n$")

    def test_another_door_than_the_files(self):
        [line] = [number for number, text in enumerate(self.file.read_text().splitlines(), 1)
                  if f"clients = tcp://127.0.0.1:{self.ports['A']}" in text]
        at = (rf"{re.escape(str(self.file))}:{line}: cannot take clients on "
              rf"tcp://127\.0\.0\.1:{self.ports['A']}: the socket is at ")
        port = self.ports["B"]
        self.refuses_to_start(at + rf"tcp://127\.0\.0\.1:{port}, and not at .*",
                              self.open_door(port=port))
        self.refuses_to_start(at + rf"tcp://0\.0\.0\.0:{self.ports['A']}, and not at .*",
                              self.open_door("0.0.0.0"))
        self.refuses_to_start(at + rf"tcp://\[::\]:{self.ports['A']}, and not at .*",
                              self.open_door("::", family=socket.AF_INET6))

    def test_what_is_no_door(self):
        fresh = socket.socket()
        self.addCleanup(fresh.close)
        local = socket.socket(socket.AF_UNIX)
        self.addCleanup(local.close)
        local.bind("\0zherd-no-door-" + str(os.getpid()))
        local.listen()
        for count in ("17", "-1", "x"):
            self.refuses_to_start(rf"\$LISTEN_FDS is {count}: it takes a number from 0 to 16",
                                  fresh.dup(), sockets=count)
        for what in (fresh, local):
            self.refuses_to_start(r"descriptor 3 of \$LISTEN_FDS is no TCP socket that listens",
                                  what)
        self.refuses_to_start(r"descriptor \d+ of \$LISTEN_FDS: Bad file descriptor",
                              self.open_door(), sockets=16)

    def test_everywhere(self):
        """`*` of the file is one socket for both families, or one for the first."""
        text = self.file.read_text()
        self.file.write_text(text.replace(f"clients = tcp://127.0.0.1:{self.ports['A']}",
                                          f"clients = tcp://*:{self.ports['A']}"))
        for host, family in (("::", socket.AF_INET6), ("0.0.0.0", socket.AF_INET)):
            with self.subTest(host):
                door = self.open_door(host, family=family)
                process = self.start(Holder(self.folder, door))
                process.says("^ready")
                self.assertRegex(ask(self.ports["A"], f"IAMAT kiwi {UCLA} {STAMP}"), "^AT A ")
                self.assertEqual(process.stop()[0], 0)
                door.close()

    def test_sockets_for_another_process_are_not_ours(self):
        door = self.open_door(port=self.ports["B"])
        process = self.start(Holder(self.folder, door), pid=1)
        process.says("^ready")
        self.assertRegex(ask(self.ports["A"], f"IAMAT kiwi {UCLA} {STAMP}"), "^AT A ")
        self.assertEqual(process.stop()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
