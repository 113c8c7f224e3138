"""A neighbour that is known by the name of its host (network namespaces, and a hosts file of their
own): of several addresses each is tried, and after it moved it is found at its new one."""

import subprocess
import sys
import unittest

import network
from rig import UCLA, Client, Herd, wait_for

FOUND_SECONDS_MAX = 20.0
NAME, NOBODY, MOVED = "bob.test", "10.77.0.99", "10.77.0.50"


class NamedHerd(Herd):
    """Ada and Bob on a host each; everybody looks for Bob's host by its name."""

    def __init__(self, hosts):
        self.hosts = hosts
        super().__init__(["Ada-Bob"], places=False)

    def settle(self, nodes):
        self.ports = {node: network.CLIENTS_PORT for node in nodes}
        self.file = self.folder / "herd.zpl"
        text = "herd\n    name = trial\n    insecure = yes\n"
        for node, place in (("Ada", self.hosts.address["Ada"]), ("Bob", NAME)):
            text += (f"node\n    name = {node}\n    clients = tcp://*:{network.CLIENTS_PORT}\n"
                     f"    bus = tcp://*:{network.BUS_PORT}\n"
                     f"    bus_at = tcp://{place}:{network.BUS_PORT}\n")
        self.file.write_text(text + "link\n    between = Ada Bob\n")

    def command(self, name, *extra):
        return [*self.hosts.prefix(name), *super().command(name, *extra)]

    def client(self, name):
        return Client(network.CLIENTS_PORT, self.hosts.address[name])


class Moved(unittest.TestCase):
    def setUp(self):
        self.hosts = network.Namespaces(["Ada", "Bob"], [])
        self.addCleanup(self.hosts.close)
        self.herd = NamedHerd(self.hosts)
        self.addCleanup(self.herd.__exit__, None)
        self.table = self.herd.folder / "hosts"
        self.table.write_text("")
        subprocess.run(["mount", "--bind", self.table, "/etc/hosts"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/hosts"], check=True)

    def name(self, *addresses):
        self.table.write_text("".join(f"{address} {NAME}\n" for address in addresses))

    def check_update(self, client):
        with self.herd.client("Ada") as ada:
            line = ada.ask(f"IAMAT {client} {UCLA} 1.5")
        self.herd.everybody_holds(client, line, seconds=FOUND_SECONDS_MAX)

    def test_it_is_found_at_each_of_its_addresses(self):
        herd, bob = self.herd, self.hosts.address["Bob"]
        herd.start()
        wait_for("Ada to say why", lambda: f" fault - cannot connect to Bob at tcp://{NAME}:"
                 f"{network.BUS_PORT}: cannot resolve {NAME}: " in herd.log("Ada"), 10)
        self.name(NOBODY, bob)
        self.check_update("found")
        self.name(MOVED)
        self.hosts.within("Bob", "ip", "address", "del", bob + "/24", "dev", "eth0")
        self.hosts.within("Bob", "ip", "address", "add", MOVED + "/24", "dev", "eth0")
        self.hosts.address["Bob"] = MOVED
        self.check_update("moved")
        self.assertEqual(herd.log("Ada").count("cannot resolve"), 1)


if __name__ == "__main__":
    reason = network.enter_namespaces()
    if reason is not None:
        print(f"left out, no network namespaces here: {reason}")
        sys.exit(0)
    unittest.main(verbosity=2)
