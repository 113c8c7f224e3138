"""Host and interface names in addresses: what is bound, what is reached, what is said of the rest."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from rig import BUILD, UCLA, Client, Process, free_ports, wait_for

UNKNOWN = "cannot resolve nobody.invalid: "
NAMED = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


def node(name, clients, bus, more=""):
    return f"node\n    name = {name}\n    clients = tcp://{clients}\n    bus = tcp://{bus}\n{more}"


def places(gateways, workers, web, more=""):
    return (f"places\n    gateways = tcp://{gateways}\n    workers = tcp://{workers}\n{more}"
            f"    provider = landmarks\n    url = http://{web}/maps/api/place/nearbysearch/json\n")


def observer(bus, more=""):
    return f"observer\n    name = Ear\n    of = Ada\n    bus = tcp://{bus}\n{more}"


LINK = "link\n    between = Ada Bob\n"


class Addresses(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-"))
        self.processes = {}

    def tearDown(self):
        for process in self.processes.values():
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, *sections, herd="    insecure = yes\n"):
        self.file = self.folder / "herd.zpl"
        self.file.write_text("herd\n    name = trial\n" + herd + "".join(sections))

    def line_of(self, text):
        """The number of the one line with that text."""
        lines = [i for i, line in enumerate(self.file.read_text().splitlines(), 1) if text in line]
        self.assertEqual(len(lines), 1, text)
        return lines[0]

    def gateway(self, name):
        return [BUILD / "zherd-gateway", "--topology", self.file, "--node", name,
                "--log-dir", self.folder / "log"]

    def placesd(self):
        return [BUILD / "placesd", "--topology", self.file]

    def tap(self):
        return [BUILD / "zherd", "tap", self.file, "Ada"]

    def start(self, label, *command):
        self.processes[label] = Process(self.folder, label, *command)
        self.processes[label].says("^ready")

    def fails(self, *command, status=1):
        """What it says; it must end by itself."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              cwd=self.folder, timeout=60)
        self.assertEqual(done.returncode, status, done)
        return done.stderr

    def check(self, *words, status=0):
        done = subprocess.run([BUILD / "zherd", "check", self.file, *words], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, status, done)
        return done.stdout + done.stderr

    def test_names_are_bound_and_reached(self):
        ports = free_ports(9)
        self.write(node("Ada", f"localhost:{ports[0]}", f"localhost:{ports[1]}"),
                   node("Bob", f"lo:{ports[2]}", f"lo:{ports[3]}",
                        f"    bus_at = tcp://localhost:{ports[3]}\n"), LINK,
                   observer(f"localhost:{ports[4]}"),
                   places(f"localhost:{ports[5]}", f"lo:{ports[6]}", f"localhost:{ports[7]}",
                          f"    workers_at = tcp://127.0.0.1:{ports[6]}\n"))
        self.check()
        self.start("placesd", *self.placesd())
        for name in ("Ada", "Bob"):
            self.start(name, *self.gateway(name))
        for name, other in (("Ada", "Bob"), ("Bob", "Ada")):
            self.processes[name].says(f"^link {other} up")
        self.processes["tap"] = tap = Process(self.folder, "tap", *self.tap())
        with Client(ports[0]) as client:
            line = client.ask(f"IAMAT kiwi {UCLA} 1621464827.95")
        tap.says(re.escape(line))
        with Client(ports[2]) as client:
            at, found = client.near("kiwi", 10, 2)
        self.assertEqual((at, found["status"]), (line, "OK"))

    def test_every_interface_is_bound_and_reached_at_its_address(self):
        ports = free_ports(8)
        self.write(node("Ada", f"*:{ports[0]}", f"*:{ports[1]}",
                        f"    bus_at = tcp://127.0.0.1:{ports[1]}\n"),
                   node("Bob", f"*:{ports[2]}", f"*:{ports[3]}",
                        f"    bus_at = tcp://localhost:{ports[3]}\n"), LINK,
                   places(f"*:{ports[4]}", f"*:{ports[5]}", f"127.0.0.1:{ports[6]}",
                          f"    gateways_at = tcp://localhost:{ports[4]}\n"
                          f"    workers_at = tcp://127.0.0.1:{ports[7]}\n"), herd="")
        subprocess.run([BUILD / "zherd", "keygen", self.file], check=True, capture_output=True)
        self.check()
        # Nobody listens at workers_at: the worker beside the broker needs no way around.
        self.start("placesd", *self.placesd())
        wait_for("the worker to join",
                 lambda: " joined" in self.processes["placesd"].err.read_text())
        for name in ("Ada", "Bob"):
            self.start(name, *self.gateway(name))
        for name, other in (("Ada", "Bob"), ("Bob", "Ada")):
            self.processes[name].says(f"^link {other} up")
        for host in ("127.0.0.1", "::1") if socket.has_ipv6 else ("127.0.0.1",):
            with contextlib.suppress(OSError) if host == "::1" else contextlib.nullcontext():
                with socket.create_connection((host, ports[1]), timeout=5):
                    pass
        with Client(ports[0]) as client:
            client.ask(f"IAMAT kiwi {UCLA} 1621464827.95")
            self.assertEqual(client.near("kiwi", 10, 2)[1]["status"], "OK")

    def test_telnet_is_told_an_address_it_can_connect_to(self):
        ports = free_ports(2)
        self.write(node("Ada", f"lo:{ports[0]}", f"127.0.0.1:{ports[1]}"))
        up = Process(self.folder, "up", BUILD / "zherd", "up", self.file, "--log-dir",
                     self.folder / "log")
        self.processes["up"] = up
        up.says(rf"^  Ada  telnet 127.0.0.1 {ports[0]}$")
        up.says("^ready")
        up.stop()

    def test_others_connect_to_the_address_that_is_said(self):
        ports = free_ports(9)
        with contextlib.ExitStack() as stack:
            heard = {}
            for key in ("bus", "gateways", "workers"):
                heard[key] = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                heard[key].settimeout(10)
            at = {key: server.getsockname()[1] for key, server in heard.items()}
            self.write(node("Ada", f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}",
                            f"    bus_at = tcp://127.0.0.1:{at['bus']}\n"),
                       node("Bob", f"127.0.0.1:{ports[2]}", f"127.0.0.1:{ports[3]}"), LINK,
                       places(f"127.0.0.1:{ports[4]}", f"127.0.0.1:{ports[5]}",
                              f"127.0.0.1:{ports[6]}",
                              f"    gateways_at = tcp://127.0.0.1:{at['gateways']}\n"
                              f"    workers_at = tcp://127.0.0.1:{at['workers']}\n"))
            self.start("Bob", *self.gateway("Bob"))
            self.start("worker", BUILD / "placesd", "worker", "--topology", self.file)
            for key, server in heard.items():
                with self.subTest(key=key):
                    server.accept()[0].close()

    def test_a_name_that_nobody_has_is_a_line_and_a_reason(self):
        ports = free_ports(6)
        bad = f"nobody.invalid:{ports[5]}"
        good = [f"127.0.0.1:{port}" for port in ports]
        for place, program in ((0, "gateway"), (1, "gateway"), (2, "placesd"), (3, "placesd"),
                               (4, "tap")):
            with self.subTest(place=place):
                at = [bad if i == place else good[i] for i in range(5)]
                self.write(node("Ada", at[0], at[1]), places(at[2], at[3], good[5]),
                           observer(at[4]))
                command = {"gateway": self.gateway("Ada"), "placesd": self.placesd(),
                           "tap": self.tap()}[program]
                said = self.fails(*command)
                self.assertIn(f"herd.zpl:{self.line_of(bad)}: ", said)
                self.assertRegex(said, f"tcp://{bad}: {UNKNOWN}[A-Z]")
                self.assertEqual(said.count("\n"), 1, said)
                self.check()

    def test_an_address_of_another_machine_is_a_line_and_a_reason(self):
        port = free_ports(1)[0]
        self.write(node("Ada", f"127.0.0.1:{port}", "203.0.113.1:12500"))
        self.assertRegex(self.fails(*self.gateway("Ada")),
                         r"herd.zpl:7: cannot bind tcp://203.0.113.1:12500: Cannot assign")

    def test_who_has_a_port_is_named(self):
        ports = free_ports(6)
        good = [f"127.0.0.1:{port}" for port in ports]
        mine = f"by process {os.getpid()} ("
        self.write(node("Ada", good[0], good[1]), places(good[2], good[3], good[5]),
                   observer(good[4]))
        for place, command in ((0, self.gateway("Ada")), (1, self.gateway("Ada")),
                               (2, self.placesd()), (3, self.placesd()), (5, self.placesd()),
                               (4, self.tap())):
            with self.subTest(place=place), socket.create_server(("127.0.0.1", ports[place])):
                said = self.fails(*command)
                self.assertIn(f"herd.zpl:{self.line_of(good[place])}: ", said)
                self.assertIn("Address already in use, " + mine, said)
                said = self.check("--host", "localhost", status=1)
                self.assertRegex(said, rf"herd.zpl:{self.line_of(good[place])}: cannot bind "
                                 rf"tcp://{good[place]}: Address already in use, {re.escape(mine)}")

    def test_check_binds_what_belongs_to_a_host(self):
        ports = free_ports(8)
        self.write(node("Ada", f"*:{ports[0]}", f"localhost:{ports[1]}"),
                   node("Bob", f"*:{ports[2]}", f"203.0.113.7:{ports[3]}"),
                   node("Cid", f"*:{ports[4]}", f"nobody.invalid:{ports[5]}"), LINK,
                   "link\n    between = Bob Cid\n")
        said = self.check("--host", "127.0.0.1")
        self.assertIn("nobody.invalid does not resolve on this host\n", said)
        self.assertIn(f"Ada: `bus` tcp://localhost:{ports[1]} binds tcp://127.0.0.1:{ports[1]}\n",
                      said)
        self.assertRegex(said, rf"Ada: `clients` tcp://\*:{ports[0]} binds tcp://")
        self.assertNotRegex(said, "(Bob|Cid): `")
        said = self.check("--host", "203.0.113.7", status=1)
        self.assertIn(f"herd.zpl:11: cannot bind tcp://203.0.113.7:{ports[3]}: Cannot assign "
                      "requested address", said)
        self.assertIn("Bob: `clients`", said)
        said = self.check("--host", "NOBODY.invalid", status=1)
        self.assertIn(f"herd.zpl:15: cannot bind tcp://nobody.invalid:{ports[5]}: {UNKNOWN}", said)
        said = self.check("--host", "203.0.113.8", status=1)
        self.assertRegex(said, "no process in .*herd.zpl belongs to host 203.0.113.8; the hosts in it are "
                         "localhost, 203.0.113.7, nobody.invalid\n")
        # Two nodes of one host cannot bind the same port, though the file does not show that.
        self.write(node("Ada", f"*:{ports[0]}", f"localhost:{ports[1]}"),
                   node("Bob", f"*:{ports[2]}", f"127.0.0.1:{ports[3]}"), LINK,
                   places(f"127.0.0.1:{ports[4]}", f"lo:{ports[5]}", f"127.0.0.1:{ports[6]}",
                          f"    workers_at = tcp://127.0.0.1:{ports[5]}\n"))
        self.assertIn(f"places: `url` tcp://127.0.0.1:{ports[6]} binds ",
                      self.check("--host", "localhost"))

    def test_check_takes_hosts_only(self):
        self.write(node("Ada", "*:1", "localhost:2"))
        for name in ("", "a b", "*", "tcp://a", "eth0", "1.2.3", "x" * 300):
            with self.subTest(name=name):
                self.assertIn("--host takes a host name or an address",
                              self.check("--host", name, status=2))

    def with_hosts(self, text):
        """How a command begins that finds these lines in /etc/hosts. Skips where that is not
        permitted."""
        hosts = self.folder / "hosts"
        hosts.write_text(text)
        begin = [*NAMED[:2], *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
                 *NAMED[2:], hosts]
        trial = subprocess.run([*begin, "true"], capture_output=True, text=True)
        if trial.returncode != 0:
            self.skipTest(f"no mount namespace: {trial.stderr.strip()}")
        return begin

    def bound(self, port):
        """Ada has bound that port of 127.0.0.1; ends it, and its log."""
        log = self.folder / "log" / "Ada.log"
        wait_for(f"port {port} in the log",
                 lambda: f" bus tcp://127.0.0.1:{port} " in log.read_text())
        self.processes["Ada"].end()
        log.unlink()

    def test_of_several_addresses_the_one_that_is_here_is_bound(self):
        elsewhere = [f"203.0.113.{i}" for i in range(1, 8)]
        lines = "".join(f"{address} many\n{address} all\n" for address in elsewhere)
        begin = self.with_hosts("127.0.0.1 localhost\n" + lines +
                                "127.0.0.1 many\n203.0.113.8 all\n127.0.0.1 all\n"
                                "::1 both\n127.0.0.1 both\n")
        ports = free_ports(2)
        self.write(node("Ada", f"127.0.0.1:{ports[0]}", f"many:{ports[1]}"))
        self.start("Ada", *begin, *self.gateway("Ada"))
        self.bound(ports[1])
        # Whoever connects asks the same file, and begins with the same one.
        self.write(node("Ada", f"127.0.0.1:{ports[0]}", f"both:{ports[1]}"))
        self.start("Ada", *begin, *self.gateway("Ada"))
        self.bound(ports[1])
        # Eight addresses of a name are tried, and loopback comes last.
        self.write(node("Ada", f"127.0.0.1:{ports[0]}", f"all:{ports[1]}"))
        self.assertIn(f"herd.zpl:7: cannot bind tcp://all:{ports[1]}: it is "
                      + ", ".join([*elsewhere, "203.0.113.8"])
                      + "; this machine has no such address",
                      self.fails(*begin, *self.gateway("Ada")))

    def test_an_interface_that_its_name_does_not_give_away_needs_an_address(self):
        begin = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
                 "sh", "-c", "ip link set lo up && ip link add uplink type bridge && "
                 "ip address add 203.0.113.9/24 dev uplink && ip link set uplink up && exec \"$@\"",
                 "sh"]
        trial = subprocess.run([*begin, "true"], capture_output=True, text=True)
        if trial.returncode != 0:
            self.skipTest(f"no network namespace with an interface: {trial.stderr.strip()}")
        sections = [node("Ada", "127.0.0.1:11500", "uplink:12500"),
                    node("Bob", "127.0.0.1:11501", "127.0.0.1:12501"), LINK,
                    places("uplink:13500", "127.0.0.1:13501", "127.0.0.1:13580"),
                    observer("uplink:12590")]
        self.write(*sections)
        wanted = (r"others cannot connect to the name of an interface \(uplink\); write the "
                  "address of this host in ")
        self.assertRegex(self.fails(*begin, *self.gateway("Ada")), f"herd.zpl:7: {wanted}`bus_at`")
        self.assertRegex(self.fails(*begin, *self.placesd()),
                         f"herd.zpl:15: {wanted}`gateways_at`")
        self.assertRegex(self.fails(*begin, *self.tap()), f"herd.zpl:22: {wanted}`bus_at`")
        check = [*begin, BUILD / "zherd", "check", self.file, "--host", "uplink"]
        self.assertRegex(self.fails(*check), f"herd.zpl:7: {wanted}`bus_at`")
        sections[0] = node("Ada", "127.0.0.1:11500", "uplink:12500",
                           "    bus_at = tcp://203.0.113.9:12500\n")
        self.write(*sections[:3])
        done = subprocess.run([*begin, BUILD / "zherd", "check", self.file, "--host", "203.0.113.9"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("Ada: `bus` tcp://uplink:12500 binds tcp://203.0.113.9:12500\n", done.stdout)

    def test_the_places_server_takes_names_too(self):
        port = free_ports(1)[0]
        database = self.folder / "places.db"
        place = ('{"type":"Feature","id":"n1","properties":{"name":"A","amenity":"cafe"},'
                 '"geometry":{"type":"Point","coordinates":[1,2]}}\n')
        subprocess.run([BUILD / "zherd-landmarks", "import", database], input=place, text=True,
                       check=True, capture_output=True)
        for host in ("localhost", "lo", "*"):
            serve = [BUILD / "zherd-landmarks", "serve", database, "--listen", f"{host}:{port}"]
            self.start(host, *serve)
            self.assertIn(f"in use, by process {self.processes[host].child.pid} (zherd-landmarks)",
                          self.fails(*serve))
            self.processes[host].stop()
        self.assertIn(UNKNOWN, self.fails(BUILD / "zherd-landmarks", "serve", database, "--listen",
                                          f"nobody.invalid:{port}"))


if __name__ == "__main__":
    unittest.main()
