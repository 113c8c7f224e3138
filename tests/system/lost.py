"""Connections to the places service that are dead and still look open: through a box that ends TCP,
or given up by ZeroMQ after another program had the address. A client's look-up, and a broker without
a worker, are served again within 20 s of the moment a new connection would work."""

import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import zmq

from box import Box
from places_rig import OK, Front, Service
from rig import BUILD, UCLA, Client, Process, free_ports, wait_for

SERVED_S = 20.0
NO_ANSWER = "no answer from "
BACK = " is reached again"
LOSSES = ("both", "up", "down", "near", "far")


def established(port):
    """How many connections the listener at this port of loopback has."""
    here = f"0100007F:{port:04X}"
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1] == here and line.split()[3] == "01" for line in lines)


def hosts_of(test, hosts):
    """How a command begins that finds this file as /etc/hosts. Skips where that is not permitted."""
    begin = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
             "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
    trial = subprocess.run([*begin, "true"], capture_output=True, text=True)
    if trial.returncode != 0:
        test.skipTest(f"no mount namespace: {trial.stderr.strip()}")
    return begin


class Lost(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zherd-lost-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.folders = {}  # of gateways, by their ports

    def subfolder(self):
        return tempfile.mkdtemp(dir=self.folder)

    def serve(self, *roles):
        service = Service(self.subfolder())
        self.addCleanup(service.close)
        for role in roles:
            service.start(*role)
        return service

    def copy(self, service, changes):
        """A folder with the service's file, where other ports stand for some."""
        folder = self.subfolder()
        text = service.file.read_text()
        for old, new in changes.items():
            self.assertEqual(text.count(f":{old}\n"), 1)
            text = text.replace(f":{old}\n", f":{new}\n")
        with open(f"{folder}/herd.zpl", "w") as file:
            file.write(text)
        return folder

    def gateway(self, folder, begin=()):
        """A gateway of the file, which gets ports of its own; its port for clients. `begin` is how
        its command begins."""
        ports = free_ports(70)[-2:]
        path = f"{folder}/herd.zpl"
        with open(path) as file:
            text = file.read()
        for key, port in zip(("clients", "bus"), ports):
            text = re.sub(rf"{key} = tcp://127.0.0.1:\d+", f"{key} = tcp://127.0.0.1:{port}", text)
        with open(path, "w") as file:
            file.write(text)
        process = Process(folder, "A", *begin, BUILD / "zherd-gateway", "--topology", path, "--node", "A",
                          "--log-dir", folder)
        self.addCleanup(process.end)
        process.says("^ready")
        with Client(ports[0]) as client:
            client.ask(f"IAMAT kiwi {UCLA} 1621464827.959498503")
        self.folders[ports[0]] = folder
        return ports[0]

    def worker(self, folder, begin=()):
        process = Process(folder, "worker", *begin, BUILD / "placesd", "worker", "--topology",
                          f"{folder}/herd.zpl")
        self.addCleanup(process.end)
        process.says("^ready")
        return process

    def box(self, target):
        box = Box(target)
        self.addCleanup(box.close)
        return box

    def serves(self, port):
        with Client(port) as client:
            return client.near("kiwi", 10, 5)[1]["status"] == "OK"

    def has_worker(self, service):
        """Asks about a place that was not asked about before."""
        if not hasattr(service, "asker"):
            service.asker = Front(service.front)
            self.addCleanup(service.asker.close)
        number = service.asker.ask(latitude=34 + service.asker.asked * 1e-6, deadline_ms=1000)
        service.asker.take_all(2.0)
        return service.asker.answers[number][0][0] == OK

    def test_a_gateways_connection_dies_unseen(self):
        service = self.serve(())
        boxes, gateways = [], []
        for _ in LOSSES:
            boxes.append(self.box(service.front))
            gateways.append(self.gateway(self.copy(service, {service.front: boxes[-1].port})))
        for port in gateways:
            wait_for("places", lambda: self.serves(port))
        for box, loss in zip(boxes, LOSSES):
            box.lose(loss)
        began = time.monotonic()
        for port, loss in zip(gateways, LOSSES):
            left = began + SERVED_S - time.monotonic()
            wait_for(f"places after {loss} was lost", lambda: self.serves(port), left)
        wait_for("the dead ones to be closed",
                 lambda: established(service.front) == len(LOSSES), 3.0)

    def test_no_look_up_is_lost_with_a_connection_that_dies_unseen(self):
        """The first one after the loss is asked again over a new connection, in time."""
        service = self.serve(())
        box = self.box(service.front)
        port = self.gateway(self.copy(service, {service.front: box.port}))
        wait_for("places", lambda: self.serves(port))
        for loss in LOSSES:
            box.lose(loss)
            self.assertTrue(self.serves(port), loss)

    def test_what_was_replaced_is_closed(self):
        """The near half is lost repeatedly, and the far one stays. No look-up is sent."""
        service = self.serve(("broker",))
        boxes = [self.box(service.front), self.box(service.back)]
        port = self.gateway(self.copy(service, {service.front: boxes[0].port}))
        self.worker(self.copy(service, {service.back: boxes[1].port}))
        wait_for("places", lambda: self.serves(port))
        doors = service.front, service.back
        self.assertEqual([established(door) for door in doors], [1, 1])
        for lost in range(1, 31):
            for box in boxes:
                box.lose("near")
            time.sleep(0.7)
            wait_for("others in their place", lambda: min(len(box.pairs) for box in boxes) > lost)
        self.assertGreater(min(len(box.pairs) for box in boxes), 30)
        # Three at a time, and a few more on a busy machine; without an end to them, 31.
        self.assertLess(max(established(door) for door in doors), 10)
        # On a busy machine some are lost before anything is said over them; they are nobody's, and stay.
        wait_for("all others to be closed",
                 lambda: max(established(door) for door in doors) <= 6, 5.0)
        self.assertTrue(self.serves(port))

    def test_a_workers_connection_dies_unseen(self):
        services, boxes = [], []
        for _ in LOSSES:
            services.append(self.serve(("broker",)))
            boxes.append(self.box(services[-1].back))
            self.worker(self.copy(services[-1], {services[-1].back: boxes[-1].port}))
        for service in services:
            wait_for("a worker", lambda: self.has_worker(service))
        for box, loss in zip(boxes, LOSSES):
            box.lose(loss)
        began = time.monotonic()
        for service, loss in zip(services, LOSSES):
            left = began + SERVED_S - time.monotonic()
            wait_for(f"a worker after {loss} was lost", lambda: self.has_worker(service), left)
            wait_for("the dead one to be closed", lambda: established(service.back) == 1, 3.0)

    def test_something_else_had_the_address(self):
        """A PUB in place of the front and a PULL in place of the back: ZeroMQ never tries again."""
        service = self.serve()
        context = zmq.Context()
        strangers = []
        for kind, port in ((zmq.PUB, service.front), (zmq.PULL, service.back)):
            strangers.append(context.socket(kind))
            strangers[-1].bind(f"tcp://127.0.0.1:{port}")
        port = self.gateway(self.copy(service, {}))
        worker = self.worker(self.copy(service, {}))
        wait_for("the worker to say so", lambda: NO_ANSWER in worker.err.read_text())
        log = pathlib.Path(self.folders[port], "A.log")
        wait_for("the gateway to say so", lambda: f" places - {NO_ANSWER}" in log.read_text())
        for stranger in strangers:
            stranger.close(linger=0)
        context.term()
        service.start("broker")
        wait_for("places", lambda: self.serves(port), SERVED_S)
        wait_for("the worker to say so", lambda: BACK in worker.err.read_text())
        wait_for("the gateway to say so", lambda: BACK in log.read_text())
        for text in (worker.err.read_text(), log.read_text()):
            self.assertEqual((text.count(NO_ANSWER), text.count(BACK)), (1, 1))

    def test_a_name_is_asked_for_anew_and_all_its_addresses_are_tried(self):
        """The service moves, and the name follows it; one of its addresses has no listener."""
        hosts = pathlib.Path(self.folder, "hosts")
        hosts.write_text("127.0.0.9 places.test\n127.0.0.8 places.test\n")
        begin = hosts_of(self, hosts)
        service = self.serve()
        text = service.file.read_text().replace("name = trial\n", "name = trial\n    insecure = yes\n")
        service.file.write_text(text)
        folders = [self.subfolder(), self.subfolder()]
        for folder in folders:
            pathlib.Path(folder, "herd.zpl").write_text(
                re.sub(r"    (gateways|workers) = tcp://127.0.0.1:(\d+)\n",
                       r"    \1 = tcp://127.0.0.1:\2\n    \1_at = tcp://places.test:\2\n", text))
        port = self.gateway(folders[0], begin)
        worker = self.worker(folders[1], begin)
        broker = service.start("broker")
        wait_for("the worker to miss its broker", lambda: NO_ANSWER in worker.err.read_text())
        self.assertFalse(self.serves(port))
        hosts.write_text("127.0.0.9 places.test\n127.0.0.1 places.test\n")
        wait_for("places at the second address", lambda: self.serves(port), SERVED_S)
        broker.stop()
        for door in service.front, service.back:
            text = text.replace(f"127.0.0.1:{door}", f"127.0.0.7:{door}")
        service.file.write_text(text)
        service.start("broker")
        hosts.write_text("127.0.0.7 places.test\n")
        wait_for("places where the service is now", lambda: self.serves(port), SERVED_S)

    def test_a_name_that_nobody_knows_is_told(self):
        service = self.serve()
        folder = self.copy(service, {})
        path = pathlib.Path(folder, "herd.zpl")
        path.write_text(re.sub(r"(gateways|workers) = tcp://127.0.0.1:(\d+)\n",
                               r"\1 = tcp://127.0.0.1:\2\n    \1_at = tcp://nobody.invalid:\2\n",
                               path.read_text().replace("name = trial\n",
                                                        "name = trial\n    insecure = yes\n")))
        port = self.gateway(folder)
        worker = self.worker(folder)
        log = pathlib.Path(folder, "A.log")
        for said in (worker.err, log):
            wait_for(f"{said} to name it", lambda: re.search(
                r"no answer from .*tcp://nobody.invalid:\d+ for 5 s: cannot resolve nobody.invalid: ",
                said.read_text()), 30.0)
        self.assertFalse(self.serves(port))


if __name__ == "__main__":
    unittest.main(verbosity=2)
