"""A herd that changes while it runs: nodes come, move, get another name and go, and nobody else is
stopped; a file that is bad, or wants what cannot be, changes nothing."""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error

from metrics_reader import scrape
from places_rig import OK, UNAVAILABLE, Front, Provider, Service
from rig import (BUILD, UCLA, Client, Herd, Process, free_ports, refuses, topology_text,
                 wait_for)

HOST = "127.0.0.1"
AT_ONCE = ("--ready-within", "0")  # no neighbour is waited for


class Writers:
    """A connection to each of some nodes, over which positions are written until the end; none of
    them may ever be cut."""

    def __init__(self, ports):
        self.ports = ports
        self.ending = threading.Event()
        self.last = {}
        self.faults = []
        self.threads = [threading.Thread(target=self.write, args=(node,)) for node in ports]
        for thread in self.threads:
            thread.start()

    def write(self, node):
        try:
            with Client(self.ports[node]) as client:
                while not self.ending.is_set():
                    line = client.ask(f"IAMAT of-{node} {UCLA} {time.time():.9f}")
                    if not line.startswith(f"AT {node} "):
                        raise AssertionError(line)
                    self.last[node] = line
        except (OSError, AssertionError) as fault:
            self.faults.append(f"{node}: {fault!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()


class Changing(unittest.TestCase):
    """Nodes by name on ports of their own, and what the file says of them."""

    def setUp(self):
        self.herd = Herd(["Ann-Bob", "Bob-Cy"], places=False)
        self.addCleanup(lambda: self.herd.__exit__(sys.exc_info()[0]))
        ports = free_ports(24)
        self.spare = iter(ports[6:])
        self.clients = dict(zip(("Ann", "Bob", "Cy"), ports[:3]))
        self.buses = dict(zip(("Ann", "Bob", "Cy"), ports[3:6]))
        self.links = ["Ann-Bob", "Bob-Cy"]
        self.write()

    def write(self, **keys):
        text = topology_text({name: f"{HOST}:{port}" for name, port in self.clients.items()},
                             {name: f"{HOST}:{port}" for name, port in self.buses.items()},
                             self.links)
        lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
        self.herd.file.write_text(text.replace("    name = trial\n",
                                               "    name = trial\n" + lines, 1))
        self.herd.ports = dict(self.clients)
        self.herd.links = list(self.links)

    def add(self, name):
        self.clients[name], self.buses[name] = next(self.spare), next(self.spare)

    def remove(self, name):
        del self.clients[name], self.buses[name]
        self.links = [link for link in self.links if name not in link.split("-")]

    def hang_up(self, *names, says="read again from "):
        """HUP; each says what became of the file."""
        before = {name: self.herd.log(name).count(says) for name in names}
        for name in names:
            self.herd.processes[name].child.send_signal(signal.SIGHUP)
        for name in names:
            wait_for(f"{name} to say {says!r}",
                     lambda name=name: self.herd.log(name).count(says) > before[name])

    def tell(self, node, client):
        with self.herd.client(node) as speaker:
            line = speaker.ask(f"IAMAT {client} {UCLA} {time.time():.9f}")
        self.assertTrue(line.startswith(f"AT {node} "), line)
        return line

    def converges(self, writers, *names):
        """What is written last at each node is everywhere, and so is what each is told now."""
        for name in names:
            self.herd.everybody_holds(f"now-{name}", self.tell(name, f"now-{name}"), names)
        self.assertEqual(writers.faults, [])

    def restart(self, name):
        self.assertEqual(self.herd.processes[name].stop()[0], 0)
        self.herd.start(name)


class Nodes(Changing):
    def test_nodes_come_move_are_renamed_and_go(self):
        herd = self.herd.start()
        herd.linked()
        with Writers({"Ann": self.clients["Ann"], "Bob": self.clients["Bob"]}) as writers:
            self.tell("Cy", "old")

            # one more, linked to both ends
            self.add("Dee")
            self.links += ["Cy-Dee", "Dee-Ann"]
            self.write()
            self.hang_up("Ann", "Bob", "Cy")
            self.assertIn(" reload - node Dee\n", herd.log("Bob"))
            self.assertIn(" reload - link Dee-Ann\n", herd.log("Ann"))
            herd.start("Dee")
            herd.linked()
            self.converges(writers, "Ann", "Bob", "Cy", "Dee")

            # Cy goes to another place
            self.clients["Cy"], self.buses["Cy"] = next(self.spare), next(self.spare)
            self.write()
            self.hang_up("Ann", "Bob", "Dee")
            self.assertIn(" reload - node Cy (clients, bus)\n", herd.log("Bob"))
            self.restart("Cy")
            herd.linked()
            self.converges(writers, "Ann", "Bob", "Cy", "Dee")

            # Dee is called Eve
            self.clients["Eve"], self.buses["Eve"] = self.clients["Dee"], self.buses["Dee"]
            self.remove("Dee")
            self.links += ["Cy-Eve", "Eve-Ann"]
            self.write(former="Dee")
            self.hang_up("Ann", "Bob", "Cy")
            self.assertIn(" reload - node Dee (removed)\n", herd.log("Ann"))
            self.assertEqual(herd.processes["Dee"].stop()[0], 0)
            herd.start("Eve")
            herd.linked()
            self.converges(writers, "Ann", "Bob", "Cy", "Eve")
            held = herd.at_line("Eve", "now-Dee")
            self.assertTrue(held.startswith("AT Dee "), held)

            # Cy goes for good
            self.remove("Cy")
            self.links = ["Ann-Bob", "Eve-Ann"]
            self.write(former="Cy Dee")
            self.hang_up("Ann", "Bob", "Eve")
            self.assertEqual(herd.processes["Cy"].stop()[0], 0)
            self.converges(writers, "Ann", "Bob", "Eve")
            self.assertIn("AT Cy ", herd.at_line("Bob", "old"))
        self.assertEqual(writers.faults, [])
        for node, line in writers.last.items():
            herd.everybody_holds(f"of-{node}", line, ["Ann", "Bob", "Eve"])
        for name in ("Ann", "Bob"):
            self.assertEqual(len(re.findall(" start - ", herd.log(name))), 1)
            self.assertEqual(herd.processes[name].stop()[0], 0)

    def test_keys_of_who_comes_and_goes(self):
        """The same with CURVE: a new node's key opens the bus, a removed one's does not."""
        def keygen():
            subprocess.run([BUILD / "zherd", "keygen", self.herd.file], check=True,
                           capture_output=True)
        keygen()
        herd = self.herd.start()
        herd.linked()
        text = herd.file.read_text()
        self.add("Dee")
        herd.file.write_text(text + f"node\n    name = Dee\n"
                             f"    clients = tcp://{HOST}:{self.clients['Dee']}\n"
                             f"    bus = tcp://{HOST}:{self.buses['Dee']}\n"
                             "link\n    between = Dee Ann\n")
        keygen()
        herd.ports = dict(self.clients)
        herd.links = ["Ann-Bob", "Bob-Cy", "Dee-Ann"]
        self.hang_up("Ann", "Bob", "Cy")
        herd.start("Dee")
        herd.linked()
        herd.everybody_holds("one", self.tell("Dee", "one"))
        herd.file.write_text(text)
        self.hang_up("Ann", "Bob", "Cy")
        with herd.client("Dee") as client:
            client.ask(f"IAMAT two {UCLA} {time.time():.9f}")
        herd.everybody_holds("three", self.tell("Ann", "three"), ["Ann", "Bob", "Cy"])
        wait_for("Dee to be refused", lambda: "refused" in herd.log("Ann"))
        self.assertIsNone(herd.at_line("Ann", "two"))


class Files(Changing):
    def test_what_cannot_be_is_refused_and_nothing_of_it_is_taken(self):
        herd = self.herd.start()
        herd.linked()
        good = herd.file.read_text()
        kept = ": a running node keeps that of its start\n"
        rows = [
            (good.replace("trial", "other", 1), "herd (name)"),
            (good.replace("trial\n", "trial\n    journal = always\n", 1), "herd (journal)"),
            (good.replace("trial\n", "trial\n    nearby = no\n", 1), "herd (nearby)"),
            (good.replace("trial\n", "trial\n    watch = no\n", 1), "herd (watch)"),
            (good.replace(f":{self.buses['Ann']}", f":{next(self.spare)}"), "node Ann (bus)"),
            (good.replace("Ann", "Amy"), "node Ann (removed)"),
        ]
        link = f"node\n    name = Dee\n    clients = tcp://{HOST}:{next(self.spare)}\n" \
               f"    bus = tcp://{HOST}:{next(self.spare)}\nlink\n    between = Dee Bob\n"
        for text, what in rows:
            with self.subTest(what=what):
                herd.file.write_text(text + link)
                self.hang_up("Ann", says=f"fault - {what}{kept}")
                self.assertIn("has what a running node cannot change\n", herd.log("Ann"))
        for text in (good + "nonsense\n", good.replace("Bob Cy", "Bob Nobody")):
            herd.file.write_text(text + link)
            self.hang_up("Ann", says="is not good, standard error says why")
        herd.file.unlink()
        self.hang_up("Ann", says="is not good, standard error says why")
        self.assertNotIn("Dee", herd.log("Ann"))
        herd.file.write_text(good)
        self.hang_up("Ann")
        self.assertEqual(len(re.findall(" link - Bob up", herd.log("Ann"))), 1)
        herd.everybody_holds("one", self.tell("Ann", "one"))

    def test_limits_and_the_log_are_those_of_the_file(self):
        herd = self.herd.start("Ann")
        with herd.client("Ann") as client:
            client.ask(f"IAMAT one {UCLA} 1621464827.959498503")
            self.write(log="events", max_clients=1, max_id_bytes=3)
            self.hang_up("Ann")
            self.assertIn(" reload - herd (max_id_bytes, max_clients, log)\n", herd.log("Ann"))
            self.assertTrue(client.ask(f"IAMAT two {UCLA} 1621464827.959498503").startswith("?"))
            self.assertTrue(client.ask(f"IAMAT four {UCLA} 1621464827.959498503").startswith("?"))
            self.assertNotIn("IAMAT two", herd.log("Ann"))
            self.write()
            self.hang_up("Ann")
            self.assertTrue(client.ask(f"IAMAT four {UCLA} 1621464827.959498503").startswith("AT"))
            wait_for("the command in the log", lambda: "IAMAT four" in herd.log("Ann"))

    def test_what_answers_wait_for(self):
        """From memory to a neighbour that is there, to one that is not, and back."""
        herd = self.herd.start("Ann", "Bob")
        wait_for("a link", lambda: "link Bob up" in herd.processes["Ann"].out.read_text())
        self.write(answers_after="neighbour")
        self.hang_up("Ann")
        self.tell("Ann", "one")
        herd.kill("Bob")
        with herd.client("Ann") as client:
            client.send(f"IAMAT two {UCLA} 1621464827.959498503\n")
            self.write()
            self.hang_up("Ann")
            self.assertTrue(client.line().startswith("AT Ann "))
            self.assertTrue(client.ask(f"IAMAT three {UCLA} 1621464827.959498503")
                            .startswith("AT Ann "))


class Addresses(Changing):
    """Where a node takes clients changes while it runs."""

    def setUp(self):
        super().setUp()
        self.herd.start("Ann", extra=AT_ONCE)

    def test_clients_come_in_elsewhere_and_those_that_are_there_stay(self):
        before = self.clients["Ann"]
        with self.herd.client("Ann") as stays:
            stays.ask(f"IAMAT one {UCLA} {time.time():.9f}")
            self.clients["Ann"] = next(self.spare)
            self.write()
            self.hang_up("Ann")
            self.assertIn(" reload - node Ann (clients)\n", self.herd.log("Ann"))
            self.tell("Ann", "two")
            self.assertTrue(refuses(before))
            self.assertTrue(stays.ask(f"IAMAT three {UCLA} {time.time():.9f}")
                            .startswith("AT Ann "))
            # Addresses of one port overlap: both listen until one is closed.
            for host in ("*", HOST, "localhost"):
                good = self.herd.file.read_text()
                self.herd.file.write_text(re.sub(r"(name = Ann\n    clients = tcp://)[^:]*:",
                                                 rf"\g<1>{host}:", good))
                self.hang_up("Ann")
                self.tell("Ann", "four")
            self.assertTrue(stays.ask("WHATSAT two 1 0").startswith("AT Ann "))

    def test_who_waits_at_the_old_address_is_taken(self):
        """More than the node takes in one turn."""
        process = self.herd.processes["Ann"].child
        process.send_signal(signal.SIGSTOP)
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(self.herd.client("Ann")) for _ in range(200)]
            for number, client in enumerate(waiting):
                client.send(f"IAMAT c{number} {UCLA} {time.time():.9f}\n")
            self.clients["Ann"] = next(self.spare)
            self.write()
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGCONT)
            for client in waiting:
                self.assertTrue(client.line().startswith("AT Ann "))
        wait_for("the new address", lambda: not refuses(self.clients["Ann"]))

    def test_an_address_that_cannot_be_had_changes_nothing(self):
        before = self.clients["Ann"]
        # Also where its owner lets others of this user share it, as the node does for a moment.
        for shares in (False, True):
            with self.subTest(shares=shares), \
                    socket.create_server((HOST, 0), reuse_port=shares) as taken:
                self.clients["Ann"] = taken.getsockname()[1]
                self.write(max_clients=1)
                self.hang_up("Ann", says="cannot be had\n")
                where = f"tcp://{HOST}:{self.clients['Ann']}"
                line = 1 + self.herd.file.read_text().split("\n").index(f"    clients = {where}")
                self.assertRegex(self.herd.log("Ann"),
                                 rf" fault - {self.herd.file}:{line}: cannot take clients on "
                                 rf"{where}: Address already in use, by process ")
                self.assertNotIn(" reload - ", self.herd.log("Ann"))
        self.herd.ports["Ann"] = before
        for client in ("one", "two"):
            self.tell("Ann", client)


class Logs(Changing):
    def test_a_log_that_cannot_be_opened_changes_nothing(self):
        herd = self.herd.start("Ann", extra=AT_ONCE)
        self.write(log_file=f"{self.herd.file}/no.log", max_clients=1)
        self.hang_up("Ann", says="cannot be had\n")
        self.assertRegex(herd.log("Ann"), r" fault - .*herd\.zpl:\d+: cannot open the log "
                         r".*herd\.zpl/no\.log: Not a directory\n")
        for client in ("one", "two"):
            self.tell("Ann", client)
        wait_for("the commands", lambda: "IAMAT two" in herd.log("Ann"))
        other = herd.folder / "else" / "ann.log"
        self.write(log_file=str(other))
        herd.processes["Ann"].child.send_signal(signal.SIGHUP)
        wait_for("the other log", lambda: other.exists() and "read again" in other.read_text())
        self.tell("Ann", "three")
        wait_for("the command", lambda: "IAMAT three" in other.read_text())
        self.assertNotIn("IAMAT three", herd.log("Ann"))


class Room(Changing):
    def test_clients_have_the_descriptors_that_neighbours_leave(self):
        command = self.herd.command
        self.herd.command = lambda *words: ["prlimit", "--nofile=220:220", *command(*words)]
        for number in range(7):
            self.add(f"N{number}")
            self.links.append(f"Ann-N{number}")
        self.write()
        self.herd.start("Ann", extra=AT_ONCE)
        said = re.compile(r" limits - descriptors: 220, of them (\d+) for clients, (\d+) for ")
        [(clients, neighbours)] = said.findall(self.herd.log("Ann"))
        self.assertEqual(int(neighbours), 8 * 4)
        for number in range(7):
            self.remove(f"N{number}")
        self.write()
        self.herd.file.write_text(self.herd.file.read_text().replace(
            "    name = Ann\n", "    name = Ann\n    trusted = 127.0.0.1\n", 1))
        self.hang_up("Ann")
        more, least = map(int, said.findall(self.herd.log("Ann"))[-1])
        self.assertEqual(more, int(clients) + 8 * 4 - least)
        self.assertGreater(more, int(clients))
        with contextlib.ExitStack() as stack:
            for number in range(more):
                client = stack.enter_context(self.herd.client("Ann"))
                self.assertTrue(client.ask(f"IAMAT c{number} {UCLA} 1").startswith("AT Ann "))
        # Some come again, and so many that they leave nothing.
        for number in range(50):
            self.clients[f"M{number}"] = 40000 + number
            self.buses[f"M{number}"] = 41000 + number
            self.links.append(f"Ann-M{number}")
        self.write()
        self.hang_up("Ann", says="cannot be had\n")
        self.assertIn("leaves no room for connections of clients: raise it", self.herd.log("Ann"))
        self.tell("Ann", "one")


class Places(unittest.TestCase):
    """The places services that a node asks are those of the file that it read last."""

    def setUp(self):
        self.herd = Herd(["Ann-Bob"], places=2)
        self.addCleanup(lambda: self.herd.__exit__(sys.exc_info()[0]))
        whole = self.herd.file.read_text()
        head, *self.sections = whole.split("places\n")
        self.head = head
        self.write(0)

    def write(self, *numbers):
        self.herd.file.write_text("places\n".join([self.head, *(self.sections[number - 1]
                                                                for number in numbers if number)]))

    def hang_up(self):
        before = self.herd.log("Ann").count("read again from ")
        self.herd.processes["Ann"].child.send_signal(signal.SIGHUP)
        wait_for("HUP", lambda: self.herd.log("Ann").count("read again from ") > before)

    def test_they_come_are_others_and_go(self):
        herd = self.herd
        herd.start("Ann", extra=AT_ONCE)
        with herd.client("Ann") as client:
            client.ask(f"IAMAT kiwi {UCLA} {time.time():.9f}")

            def status():
                return client.near("kiwi", 10, 1)[1]["status"]

            none = status()
            self.assertNotEqual(none, "OK")
            self.write(1)
            herd.start("placesd-1")
            self.hang_up()
            self.assertIn(" reload - places 1\n", herd.log("Ann"))
            wait_for("the first service", lambda: status() == "OK")
            self.write(2)  # another one, elsewhere
            self.launch_second()
            self.hang_up()
            herd.kill("placesd-1")
            wait_for("the second service", lambda: status() == "OK")
            for _ in range(10):
                self.assertEqual(status(), "OK")
            self.write(0)
            self.hang_up()
            self.assertIn(" reload - places 1 (removed)\n", herd.log("Ann"))
            self.assertEqual(status(), none)
        self.assertEqual(len(re.findall(" start - ", herd.log("Ann"))), 1)
        self.assertEqual(herd.processes["Ann"].stop()[0], 0)

    def launch_second(self):
        self.herd.processes["second"] = Process(self.herd.folder, "second", BUILD / "placesd",
                                                "--topology", self.herd.file)
        self.herd.processes["second"].says("^ready")


class Services(unittest.TestCase):
    """What placesd takes of a file that it reads again: all of it or nothing."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-reload-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.service = Service(self.folder, self.provider.url(), more="    cache_s = 0\n")
        self.addCleanup(self.service.close)

    def change(self, process, old, new, says):
        file = self.service.file
        before = process.err.read_text().count(says)
        file.write_text(file.read_text().replace(old, new))
        process.child.send_signal(signal.SIGHUP)
        wait_for(says, lambda: process.err.read_text().count(says) > before)

    def answer(self, port=None):
        front = Front(port or self.service.front)
        try:
            return front.answer()
        finally:
            front.close()

    def test_what_is_not_good_changes_nothing_and_says_why(self):
        token = self.folder / "token"
        token.write_text("0123456789abcdef\n")
        token.chmod(0o600)
        monitor = free_ports(50)[-1]
        self.service.file.write_text(self.service.file.read_text()
                                     + f"    monitor = tcp://127.0.0.1:{monitor}\n"
                                     + f"    monitor_token_file = {token}\n")
        process = self.service.start()
        url = f"http://127.0.0.1:{monitor}/metrics"

        def success(token="0123456789abcdef"):
            return scrape(url, token)["zherd_config_reload_success"].value()

        self.assertEqual(success(), 1)
        key = self.service.key.read_text()
        token.write_text("another-token-of-it\n")
        self.service.key.write_text("two words\n")
        self.change(process, "name = A\n", "name = A\n    max_clients = 5\n",
                    "all stays as it is: ")
        self.assertIn("the key stays as it was: ", process.err.read_text())
        self.assertNotIn("max_clients", process.err.read_text())
        wait_for("the metric", lambda: success() == 0)  # by the token of before
        self.service.key.write_text(key)
        self.change(process, "", "", " node A (max_clients)\n")
        wait_for("the other token", lambda: self.takes(url, "another-token-of-it"))
        wait_for("the metric again", lambda: success("another-token-of-it") == 1)
        self.change(process, "name = trial\n", "name = trial\n    keys = no.keys\n",
                    "all stays as it is: ")
        self.assertEqual(self.answer()[0], OK)

    def takes(self, url, token):
        try:
            return scrape(url, token)
        except urllib.error.HTTPError:
            return None

    def test_what_waits_for_the_next_start_is_said_once(self):
        process = self.service.start()
        self.change(process, "cache_s = 0", "cache_s = 7", " places 1 (cache_s): at the next start\n")
        self.change(process, "name = A\n", "name = A\n    max_clients = 5\n",
                    " node A (max_clients)\n")
        self.assertEqual(process.err.read_text().count("cache_s"), 1)
        self.assertEqual(self.answer()[0], OK)

    def test_a_file_that_is_named_no_more_may_be_gone(self):
        """What the one named at the start held stays, until the next start, and all else is taken."""
        key, token = self.service.key, self.folder / "token"
        token.write_text("0123456789abcdef\n")
        token.chmod(0o600)
        self.service.file.write_text(self.service.file.read_text()
                                     + f"    monitor = tcp://127.0.0.1:{free_ports(50)[-1]}\n"
                                     + f"    monitor_token_file = {token}\n")
        process = self.service.start()
        key.rename(self.folder / "moved")
        self.change(process, f"{key}\n", f"{self.folder}/moved\n",
                    " places 1 (key_file): at the next start\n")
        token.rename(self.folder / "moved.token")
        self.change(process, f"{token}\n", f"{self.folder}/moved.token\n",
                    " places 1 (monitor_token_file): at the next start\n")
        self.change(process, "name = A\n", "name = A\n    max_clients = 5\n",
                    " node A (max_clients)\n")
        self.assertEqual(self.answer()[0], OK)
        # One that is still named has to be there.
        self.change(process, f"{self.folder}/moved\n", f"{key}\n", "the key stays as it was: ")
        self.assertIn("all stays as it is: ", process.err.read_text())

    def test_a_database_that_is_named_no_more_may_be_gone(self):
        database = self.folder / "places.db"
        record = {"type": "Feature", "id": "n1", "properties": {"name": "It", "amenity": "cafe"},
                  "geometry": {"type": "Point", "coordinates": [-118.445127, 34.06893]}}
        subprocess.run([BUILD / "zherd-landmarks", "import", database], check=True,
                       input=json.dumps(record).encode(), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        service = Service(self.folder, more=f"    database = {database}\n")
        self.addCleanup(service.close)
        self.service = service
        process = service.start()
        database.rename(self.folder / "moved.db")
        self.change(process, f"{database}\n", f"{self.folder}/moved.db\n",
                    " places 1 (database): at the next start\n")
        self.change(process, "", "", "Z read again from ")
        self.change(process, f"{self.folder}/moved.db\n", f"{database}\n",
                    f"database {database} stays as it was: ")

    def test_a_worker_goes_where_its_brokers_are(self):
        """Its broker moves, another provider is asked, and one more broker comes."""
        self.service.start("broker")
        worker = self.service.start("worker")
        self.assertEqual(self.answer()[0], OK)
        other = Provider(body={"html_attributions": [], "results": [{"name": "other"}],
                               "status": "OK"})
        self.addCleanup(other.close)
        self.provider.delay = 1.0
        front = Front(self.service.front)
        self.addCleanup(front.close)
        asked = front.ask()
        wait_for("the question", lambda: self.provider.requests == 2)
        self.change(worker, self.provider.url(), other.url(), " places 1 (url)\n")
        front.take_all()
        self.assertEqual(front.answers[asked][0][0], OK)  # by the worker of before
        # It goes on by that also where a later file has the same sections, and another is no good.
        for old, new, says in (("    bus =", "    max_clients = 5\n    bus =", "read again from "),
                               ("= 5\n", "= none\n", "all stays as it is: "),
                               ("= none\n", "= 6\n", "read again from ")):
            self.change(worker, old, new, says)
            self.assertEqual(self.answer()[1]["results"], [{"name": "other"}])
        # Its key is another file, and the one before is gone.
        self.service.key.rename(self.folder / "moved")
        self.change(worker, f"{self.service.key}\n", f"{self.folder}/moved\n",
                    " places 1 (key_file)\n")
        moved = free_ports(50)[-1]
        second = self.service.add_broker()
        self.change(worker, f":{self.service.back}\n", f":{moved}\n", " places 1 (workers)\n")
        self.assertIn(" places 2\n", worker.err.read_text())
        self.service.start("broker", "--places", "2")
        wait_for("a second broker that is answered",
                 lambda: self.answer(second)[0] != UNAVAILABLE)
        self.service.processes[0].stop()
        self.service.start("broker")
        wait_for("the first one", lambda: self.answer()[0] == OK)

    def test_a_broker_listens_elsewhere(self):
        """Its own worker goes with it."""
        process = self.service.start()
        self.assertEqual(self.answer()[0], OK)
        front, back = free_ports(52)[-2:]
        for old, new in ((self.service.front, front), (self.service.back, back)):
            self.change(process, f":{old}\n", f":{new}\n", "Z read again from ")
        self.assertIn(" places 1 (gateways)\n", process.err.read_text())
        self.assertIn(" places 1 (workers)\n", process.err.read_text())
        wait_for("an answer there", lambda: self.answer(front)[0] == OK)
        wait_for("the old ports to be free",
                 lambda: refuses(self.service.front) and refuses(self.service.back))
        worker = self.service.start("worker")
        wait_for("a second worker", lambda: process.err.read_text().count(" joined") == 2)
        self.assertEqual(worker.stop()[0], 0)
        self.assertEqual(self.answer(front)[0], OK)
        self.assertEqual(process.stop()[0], 0)

    def test_a_broker_whose_port_is_taken_stays_where_it_is(self):
        process = self.service.start()
        front = free_ports(51)[-1]
        with socket.create_server((HOST, 0)) as taken:
            port = taken.getsockname()[1]
            self.service.file.write_text(self.service.file.read_text().replace(
                f":{self.service.front}\n", f":{front}\n"))
            self.change(process, f":{self.service.back}\n", f":{port}\n", "all stays as it is: ")
            self.assertRegex(process.err.read_text(), r"the broker stays where it is: .*:\d+: cannot "
                             rf"listen on tcp://127\.0\.0\.1:{port}: Address already in use")
            wait_for("what was bound in vain", lambda: refuses(front))
        self.assertEqual(self.answer()[0], OK)
        self.assertEqual(process.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
