"""topology/OPERATING.md: each of its recipes, in its order, on four hosts.

A host is a network namespace (network.py), with a folder of its own for /etc, /var and /root. Blocks of
the manual whose tag is `sh HOST` are typed there. The units' own command lines are run by a `systemctl`
of ours; `ssh` and `scp` lead to the other namespaces. Everybody is one user here, so owners stay as
they are (tests/system/packages has the real ones)."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

from installed import install
from network import Namespaces, enter_namespaces
from rig import BUILD, ROOT, Client, Process, wait_for

MANUAL = ROOT / "topology" / "OPERATING.md"
HOSTS = ["one", "two", "three", "four"]
SECONDS_MAX = 60  # of a block

# What stands in place of programs that a test has not, or that need another machine. Each says its words
# to us, and does what we answer.
ELSEWHERE = """#!/usr/bin/python3 -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as us:
    us.connect(os.environ["MANUAL"])
    us.sendall(json.dumps([os.environ["MANUAL_HOST"], os.path.basename(sys.argv[0]), *sys.argv[1:]]).encode())
    us.shutdown(socket.SHUT_WR)
    status, text = json.loads(us.makefile().read())
sys.stdout.write(text)
sys.exit(status)
"""
ONE_USER = {  # owners and groups: there is no user but ours
    "chgrp": "exit 0", "chown": "exit 0",
    "chmod": 'exec /bin/chmod -R u=rwX,go= "${@: -1}"',
    "install": 'exec mkdir -p "${@: -1}"',
}


def sections(text):
    """The manual as (heading, [(host, commands)])."""
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    for heading, body in zip(parts[1::2], parts[2::2]):
        yield heading, re.findall(r"^```sh (\w+)\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)


class Hosts:
    def __init__(self, folder):
        self.folder = folder
        self.network = Namespaces(HOSTS, [])
        self.prefix = install(folder / "prefix")
        self.services = {}  # (host, unit)
        for host in HOSTS:
            for name in ("etc/zherd", "var/lib/zherd", "var/log/zherd", "root"):
                (folder / host / name).mkdir(parents=True)
        self.programs = folder / "programs"
        self.programs.mkdir()
        texts = {**dict.fromkeys(("systemctl", "ssh", "scp", "apt"), ELSEWHERE),
                 **{name: f"#!/bin/bash\n{text}\n" for name, text in ONE_USER.items()}}
        for name, text in texts.items():
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        hosts = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                host, program, *words = json.loads(self.rfile.read())
                try:
                    answer = getattr(hosts, program)(host, *words)
                except AssertionError as fault:
                    answer = 1, f"{fault}\n"
                self.wfile.write(json.dumps(answer).encode())

        self.server = socketserver.ThreadingUnixStreamServer(str(folder / "socket"), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        for service in self.services.values():
            service.end()
        self.server.shutdown()
        self.server.server_close()
        self.network.close()

    def on(self, host, text):
        """Words of the manual, with this host's folders, and the addresses of the namespaces."""
        text = re.sub(r"(?<![\w/])/(?=(etc|var/lib|var/log)/zherd|root/)", f"{self.folder / host}/", text)
        return text.replace("192.0.2.", "10.77.0.").replace(r"192\.0\.2\.", r"10\.77\.0\.")

    def type(self, host, text):
        """Into a shell on that host; (status, what it said)."""
        environment = {**os.environ, "MANUAL": str(self.folder / "socket"), "MANUAL_HOST": host,
                       "PATH": f"{self.programs}:{self.prefix}/bin:{os.environ['PATH']}"}
        done = subprocess.run([*self.network.prefix(host), "bash", "-euo", "pipefail", "-c",
                               self.on(host, text)], stdout=subprocess.PIPE, text=True, cwd=self.folder,
                              stderr=subprocess.STDOUT, timeout=SECONDS_MAX, env=environment)
        return done.returncode, done.stdout

    # ---- what the programs of ours do ----

    def ssh(self, host, other, *words):
        return self.type(other, shlex.join(word.replace(f"{self.folder / host}/", "/") for word in words))

    def scp(self, host, *words):
        options = [word for word in words if word.startswith("-")]
        *files, target = [word for word in words if not word.startswith("-")]
        other, _, path = target.partition(":")
        path = self.on(other, path.replace(f"{self.folder / host}/", "/"))
        done = subprocess.run(["cp", "-r", *options, *files, path], stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stderr

    def apt(self, host, command, package):
        """An upgrade: what runs is started again."""
        assert (command, package[:8]) == ("install", "./zherd_"), package
        for at, unit in [key for key in self.services if key[0] == host]:
            self.systemctl(at, "restart", unit)
        return 0, ""

    def systemctl(self, host, verb, *units):
        for unit in units:
            if unit == "--now":
                continue
            if verb in ("disable", "stop", "restart"):
                assert self.services.pop((host, unit)).stop()[0] == 0
            if verb in ("enable", "start", "restart"):
                assert (host, unit) not in self.services, f"{unit} runs"
                self.start(host, unit)
            if verb == "reload":
                os.kill(self.services[host, unit].child.pid, signal.SIGHUP)
        return 0, ""

    def start(self, host, unit):
        name, _, instance = unit.partition("@")
        file = f"{name}@.service" if instance else f"{name}.service"
        text = (self.prefix / "lib/systemd/system" / file).read_text()
        [line] = re.findall("^ExecStart=(.*)$", text, re.MULTILINE)
        for word, meant in (("${LOGS_DIRECTORY}", "/var/log/zherd"), ("%i", instance),
                            ("${STATE_DIRECTORY}", "/var/lib/zherd"),
                            (f"{self.prefix}/etc/zherd", "/etc/zherd")):
            line = line.replace(word, meant)
        command = [*self.network.prefix(host), *shlex.split(self.on(host, line))]
        process = Process(self.folder / host, unit, *command)
        self.services[host, unit] = process
        process.says("^ready", 30)

    def kill_all(self, host):
        """Its disk is lost."""
        for key in [key for key in self.services if key[0] == host]:
            self.services.pop(key).kill()
        for name in ("etc/zherd", "var/lib/zherd", "var/log/zherd"):
            shutil.rmtree(self.folder / host / name)


class Manual(unittest.TestCase):
    def test_1_each_recipe(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-manual-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.hosts = Hosts(folder)
        self.addCleanup(self.hosts.close)
        self.said, typed = {}, 0
        for heading, blocks in sections(MANUAL.read_text()):
            for number, (host, commands) in enumerate(blocks):
                if "zherd restore" in commands:
                    self.hosts.kill_all(host)
                status, said = self.hosts.type(host, commands)
                self.assertEqual(status, 0, f"{heading}, block {number}, on {host}:\n{commands}\n{said}")
                self.said[heading] = said
                typed += 1
            if blocks:
                with self.subTest(heading):
                    self.is_whole(heading)
                    getattr(self, "after_" + heading.lower().replace(" ", "_"), lambda: None)()
        self.assertGreater(typed, 20)

    def herd(self, host="one"):
        return (self.hosts.folder / host / "etc/zherd/herd.zpl").read_text()

    def nodes(self):
        """{node: the address where it takes clients}."""
        return dict(re.findall(r"^node\n    name = (\w+)\n(?:    .*\n)*?    bus = tcp://([\d.]+):12500",
                               self.herd(), re.MULTILINE))

    def log(self, host, node):
        return (self.hosts.folder / host / f"var/log/zherd/{node}.log").read_text()

    def asks(self, address, command):
        """From where clients are: outside of all hosts."""
        with Client(11500, address) as client:
            return client.ask(command)

    def is_whole(self, name):
        """Each node that the file names has the file, runs, and knows what any other one is told."""
        nodes = self.nodes()
        running = {unit.partition("@")[2]: host for host, unit in self.hosts.services
                   if unit.startswith("zherd-gateway@")}
        self.assertEqual(set(running), set(nodes))
        for host in running.values():
            self.assertEqual(self.herd(host), self.herd())
        name = name.replace(" ", "-")
        told = {node: self.asks(address, f"IAMAT {name}-{node} +34+18 1")
                for node, address in nodes.items()}
        told["kiwi"] = self.asks(nodes["North"], "WHATSAT kiwi 1 0")
        self.assertTrue(told["kiwi"].startswith("AT North "), told["kiwi"])
        for node, at in told.items():
            client = "kiwi" if node == "kiwi" else f"{name}-{node}"
            for other, address in nodes.items():
                wait_for(f"{other} to know {client}",
                         lambda: self.asks(address, f"WHATSAT {client} 1 0") == at)

    # ---- what must be so after a section ----

    def after_the_first_herd(self):
        self.assertIn("AT North +", self.said["The first herd"])
        with Client(11500, "10.77.0.13") as client:
            self.assertEqual(client.near("kiwi", 50, 1)[1]["status"], "OK")

    def after_ports_and_firewall(self):
        """Here is none of the herd's addresses."""
        stranger = ["timeout", "0.3", "bash", "-c", "exec 3<>/dev/tcp/10.77.0.11/$0"]
        tries = {port: subprocess.Popen([*stranger, str(port)], stderr=subprocess.DEVNULL)
                 for port in (11500, 12500, 13500, 13501)}
        self.assertEqual([port for port, child in tries.items() if child.wait(SECONDS_MAX) == 0], [11500])

    def after_keys(self):
        self.assertRegex(self.herd(), r'name = North\n(    .*\n)*?    public_key = "\S{40}"\n')
        for host, node in (("one", "North"), ("two", "South"), ("three", "West")):
            wait_for("it is read", lambda: "keys - read again" in self.log(host, node))
        self.assertRegex(self.log("two", "South"), "link - North up(?s:.)*keys - read(?s:.)*link - North up")

    def after_add_a_node(self):
        self.assertRegex(self.log("four", "East"), "link - (North|South) up")

    def after_remove_a_node(self):
        self.assertNotIn("East", self.herd().replace("former = East", ""))
        address = self.nodes()["West"]
        self.assertTrue(self.asks(address, "WHATSAT Add-a-node-East 1 0").startswith("AT East "))

    def after_move_a_node(self):
        self.assertEqual(self.nodes()["West"], "10.77.0.14")
        self.assertTrue(self.asks("10.77.0.14", "WHATSAT Move-a-node-West 1 0").startswith("AT West "))

    def after_rename_a_node(self):
        self.assertIn("    former = East West\n", self.herd())
        self.assertTrue(self.asks("10.77.0.14", "WHATSAT Move-a-node-West 1 0").startswith("AT West "))

    def after_backup_and_restore(self):
        self.assertRegex(self.log("one", "North"), r"journal - [1-9]\d* clients")

    def test_2_the_lines_of_logs_are_those_of_the_sources(self):
        sources = "".join(path.read_text() for room in ("bus", "gateway", "placesd", "topology")
                          for path in (ROOT / room).rglob("*.c"))
        # A sentence about a clock is put together of pieces, and whole where it is tested.
        sources += (ROOT / "tests/unit/herd_time.c").read_text()
        texts = " ".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub(r'"\s*\n\s*"', "", sources)))
        chapter = MANUAL.read_text().partition("## What logs say\n")[2]
        pieces = [words.strip() for row in re.findall(r"^\| (`.*?) \| ", chapter, re.MULTILINE)
                  for piece in re.findall("`([^`]+)`", row)
                  for words in re.sub(r"^\w+ - ", "", piece).split(":")]
        self.assertGreater(len(pieces), 40)
        self.assertEqual([words for words in pieces if words not in texts], [])

    def test_3_each_host_of_a_block_is_one(self):
        for tag in re.findall("^```(.+)$", MANUAL.read_text(), re.MULTILINE):
            self.assertIn(tag, [f"sh {host}" for host in HOSTS])


if __name__ == "__main__":
    reason = enter_namespaces()
    if reason:
        print(f"no namespaces, so no hosts: {reason}", file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=2)
