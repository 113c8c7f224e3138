"""TLS on the text door: what clients of other makers hear there, who is kept out, and that certificates
are renewed under open connections. One node serves all that need no other."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

from metrics_reader import scrape
from rig import (BUILD, PATIENCE, UCLA, Client, Process, free_ports, open_files_max, refuses,
                 wait_for)
from service import BECOME

STAMP = 1621464827.5
IAMAT = f"IAMAT kiwi {UCLA} {STAMP}"
# More than one address may have under way.
FLOOD = 300
# More than a node makes for somebody who reads nothing.
MANY = 20000


def make_certificate(folder, name, common_name):
    """Signed by itself, so that it is its own authority."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={common_name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
                   check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o600)


class Node:
    """One node with two doors."""

    def __init__(self, **keys):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-"))
        self.plain, self.secure, self.monitor, bus = free_ports(4)
        make_certificate(self.folder, "node", "localhost")
        self.file = self.folder / "herd.zpl"
        keys = {"certificate": "node.pem", "certificate_key": "node.key", **keys}
        self.file.write_text(
            "herd\n    name = trial\n"
            + "".join(f"    {key} = {value}\n" for key, value in keys.items())
            + f"node\n    name = Ann\n    clients = tcp://127.0.0.1:{self.plain}\n"
            + f"    clients_tls = tls://*:{self.secure}\n    bus = tcp://127.0.0.1:{bus}\n"
            + f"    monitor = tcp://127.0.0.1:{self.monitor}\n")

    def launch(self, *doors, options=()):
        """With sockets that somebody else has opened, or without."""
        command = [BUILD / "zherd-gateway", "--topology", self.file, "--node", "Ann", "--log-dir",
                   self.folder, *options]
        if not doors:
            self.process = Process(self.folder, "Ann", *command)
            return self.process

        def hand_over():
            for target, copy in enumerate([os.dup(door.fileno()) for door in doors], 3):
                os.dup2(copy, target)

        self.process = Process.__new__(Process)
        self.process.out, self.process.err = self.folder / "Ann.out", self.folder / "Ann.stderr"
        with open(self.process.out, "wb") as out, open(self.process.err, "wb") as err:
            self.process.child = subprocess.Popen(
                [sys.executable, "-c", BECOME, str(len(doors)), "0", *map(str, command)], stdout=out,
                stdin=subprocess.DEVNULL, stderr=err, preexec_fn=hand_over, close_fds=False)
        return self.process

    def start(self, *options):
        self.launch(options=options).says("^ready")
        return self

    def log(self):
        return (self.folder / "Ann.log").read_text()

    def logs(self, pattern):
        return wait_for(f"{pattern!r} in the log", lambda: re.search(pattern, self.log()))

    def close(self):
        self.process.end()
        shutil.rmtree(self.folder)

    def context(self, **versions):
        context = ssl.create_default_context(cafile=self.folder / "node.pem")
        for key, value in versions.items():
            setattr(context, key, value)
        return context

    def client(self, context=None, source=None):
        return SecureClient(self, context or self.context(), source)


class SecureClient(Client):
    def __init__(self, node, context, source):
        plain = socket.create_connection(("127.0.0.1", node.secure), timeout=PATIENCE,
                                         source_address=source)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.pending = b""


def hello():
    """The first bytes of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def raw(node, text=b"", source=None):
    connection = socket.create_connection(("127.0.0.1", node.secure), timeout=PATIENCE,
                                          source_address=source)
    connection.sendall(text)
    return connection


def is_closed(connection):
    """Once the node has closed it, whatever it said before."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    connection.close()
    return True


class OneNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node().start()
        # They take what they take, beside all else.
        cls.slow = [raw(cls.node), raw(cls.node, hello()[:100])]

    @classmethod
    def tearDownClass(cls):
        cls.node.process.stop()
        assert re.search(r"tls - handshakes done [1-9]\d* resumed 1 failed [1-9]\d* refused [1-9]",
                         cls.node.log()), cls.node.log()
        cls.node.close()

    def run_client(self, command, text):
        """What a program prints that is given these commands."""
        done = subprocess.run([str(part) for part in command], input=text.encode(),
                              cwd=self.node.folder, capture_output=True, timeout=PATIENCE)
        return done.stdout.decode()

    def check_conversation(self, said):
        lines = said.split("\n")
        at = [line for line in lines if line.startswith("AT Ann ")]
        self.assertEqual(len(at), 3, said)
        self.assertTrue(all(line.endswith(f"kiwi {UCLA} {STAMP}") for line in at), said)
        self.assertIn('"status": "UNKNOWN_ERROR"', said)
        self.assertIn("? NEARBY\n", said)

    CONVERSATION = f"{IAMAT}\nWHATSAT kiwi 10 2\nNEARBY kiwi 10 3\nNEARBY\n"

    def test_openssl(self):
        for version in ("-tls1_2", "-tls1_3"):
            said = self.run_client(["openssl", "s_client", version, "-quiet", "-connect",
                                    f"127.0.0.1:{self.node.secure}", "-CAfile", "node.pem",
                                    "-verify_return_error"], self.CONVERSATION + "QUIT\n")
            self.check_conversation(said)

    def test_gnutls(self):
        said = self.run_client(["gnutls-cli", "--x509cafile=node.pem", "--verify-hostname=localhost",
                                "--logfile=gnutls.log", f"127.0.0.1:{self.node.secure}"],
                               self.CONVERSATION + "QUIT\n")
        self.check_conversation(said)

    def test_socat_closes_its_half(self):
        """All replies still come, the last one to a command without a line end."""
        said = self.run_client(["socat", "-t", PATIENCE, "-",
                                f"OPENSSL:127.0.0.1:{self.node.secure},cafile=node.pem,"
                                "commonname=localhost"], self.CONVERSATION + "QUIET")
        self.check_conversation(said)
        self.assertTrue(said.endswith("? QUIET\n"), said)

    def test_a_half_without_close_notify(self):
        with self.node.client() as client:
            client.send(IAMAT + "\nHELP me\nlast")
            socket.socket.shutdown(client.socket, socket.SHUT_WR)
            self.assertTrue(client.line().startswith("AT Ann "))
            self.assertEqual(client.lines(2), ["? HELP me", "? last"])
            self.assertEqual(client.rest(), b"")

    def test_many_in_one_write(self):
        with self.node.client() as client:
            client.send("".join(f"IAMAT fig{i} {UCLA} {STAMP}\n" for i in range(3000)))
            for i in range(3000):
                self.assertTrue(client.line().endswith(f"fig{i} {UCLA} {STAMP}"))

    def test_who_reads_late_is_answered_in_full(self):
        """More than the node keeps for a client: it waits, and goes on when the client reads."""
        with self.node.client() as client:
            command = "x" * 100
            writer = threading.Thread(target=client.send, args=((command + "\n") * MANY,))
            writer.start()
            time.sleep(0.5)
            for _ in range(MANY):
                self.assertEqual(client.line(), "? " + command)
            writer.join()

    def test_a_watch_is_told(self):
        with self.node.client() as watcher, self.node.client() as other:
            watcher.send("WATCH lime\n")
            self.assertEqual(watcher.until(b"\n\n"), b"WATCH 1 0\n\n")
            line = other.ask(f"IAMAT lime {UCLA} {STAMP}")
            self.assertEqual(watcher.line(), f"! MOVE 1 {line}")

    def test_a_session_is_resumed(self):
        context = self.node.context(maximum_version=ssl.TLSVersion.TLSv1_3)
        with self.node.client(context) as client:
            client.ask(IAMAT)
            session = client.socket.session
            self.assertTrue(session.has_ticket)
        plain = socket.create_connection(("127.0.0.1", self.node.secure), timeout=PATIENCE)
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as again:
            self.assertTrue(again.session_reused)
        self.node.logs(r"tls \d+ TLSv1\.3 \S+ resumed")

    def test_what_is_no_tls_is_closed(self):
        self.assertTrue(is_closed(raw(self.node, IAMAT.encode() + b"\n")))
        self.node.logs("disconnect [0-9]+ TLS: what came is no TLS")
        self.node.logs("fault - [0-9]+ connections in TLS failed: what came is no TLS")

    def test_an_old_version_is_refused(self):
        done = subprocess.run(["openssl", "s_client", "-tls1_1", "-cipher", "ALL@SECLEVEL=0",
                               "-connect", f"127.0.0.1:{self.node.secure}"], input=b"",
                              capture_output=True, timeout=PATIENCE)
        self.assertNotEqual(done.returncode, 0)
        self.node.logs("TLS: no version, cipher or group in common")

    def test_a_flood_of_hellos_costs_its_address(self):
        """A client in the clear goes on, and one in TLS from another address comes in."""
        first, held = hello(), []
        self.addCleanup(lambda: [connection.close() for connection in held])
        with Client(self.node.plain) as plain:
            for i in range(FLOOD):
                held.append(raw(self.node, first, ("127.0.0.2", 0)))
                if i % 10 == 0:
                    self.assertTrue(plain.ask(IAMAT).startswith("AT Ann "))
            with self.node.client() as client:
                self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            self.assertTrue(plain.ask(IAMAT).startswith("AT Ann "))
        self.node.logs("fault - [0-9]+ connections in TLS refused: too many of their address")

    def test_certificates_are_renewed(self):
        node = self.node
        with node.client() as before:
            self.assertTrue(before.ask(IAMAT).startswith("AT Ann "))
            make_certificate(node.folder, "next", "localhost")
            key = node.folder / "node.key"
            good = key.read_bytes()
            key.write_bytes((node.folder / "next.key").read_bytes())
            text = node.file.read_text()
            node.file.write_text(text.replace("trial\n", "trial\n    max_id_bytes = 3\n"))
            node.process.child.send_signal(1)
            node.logs("fault - .*herd.zpl:9: the certificate's key .*node.key cannot be used: it is "
                      "the key of another certificate")
            node.logs("fault - all stays as it is: .*herd.zpl cannot be had")
            node.file.write_text(text)
            with node.client() as client:
                self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            (node.folder / "node.pem").write_bytes((node.folder / "next.pem").read_bytes())
            node.process.child.send_signal(1)
            node.logs("tls - read again: certificate .*node.pem is good until")
            with node.client() as client:
                self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
                self.assertNotEqual(client.socket.getpeercert()["serialNumber"],
                                    before.socket.getpeercert()["serialNumber"])
            self.assertNotEqual(good, key.read_bytes())
            node.file.write_text(text.replace("node.pem", "next.pem").replace("node.key", "next.key"))
            node.process.child.send_signal(1)
            node.logs(r"reload - herd \(certificate, certificate_key\)\n")
            node.logs("tls - read again: certificate .*next.pem is good until")
            with node.client() as client:
                self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            self.assertTrue(before.ask(IAMAT).startswith("AT Ann "))

    def test_it_listens_elsewhere_and_who_is_connected_stays(self):
        node, port = self.node, self.node.secure
        text = node.file.read_text()
        with node.client() as before:
            node.secure = free_ports(30)[-1]
            node.file.write_text(text.replace(f":{port}", f":{node.secure}"))
            node.process.child.send_signal(1)
            try:
                node.logs(r"reload - node Ann \(clients_tls\)\n")
                with node.client() as client:
                    self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
                self.assertTrue(refuses(port))
                self.assertTrue(before.ask(IAMAT).startswith("AT Ann "))
                node.file.write_text("".join(line for line in text.splitlines(True)
                                             if not re.match(" +(clients_tls|cert)", line)))
                node.process.child.send_signal(1)
                node.logs("fault - .*herd.zpl:[0-9]+: a running node neither begins nor ends to speak "
                          "TLS: `clients_tls` may only be another address\n")
            finally:
                node.secure = port
                node.file.write_text(text)
                node.process.child.send_signal(1)
                wait_for("the port of before", lambda: not refuses(port))
            self.assertTrue(before.ask(IAMAT).startswith("AT Ann "))

    def test_what_became_of_handshakes_is_shown(self):
        self.assertTrue(is_closed(raw(self.node, IAMAT.encode() + b"\n")))
        with self.node.client() as client:
            client.ask(IAMAT)

            def shown():
                page = scrape(f"http://127.0.0.1:{self.node.monitor}/metrics")
                return (page["zherd_tls_handshakes_done"].value("_total") > 0 and
                        page["zherd_tls_handshakes_failed"].value("_total", reason="not_tls") > 0)

            wait_for("a page of since", shown)

    def test_z_slow_handshakes_are_ended(self):
        for connection in self.slow:
            self.assertTrue(is_closed(connection))
        self.node.logs("connections in TLS failed: the handshake took too long")


class OtherNodes(unittest.TestCase):
    def node(self, **keys):
        node = Node(**keys)
        self.addCleanup(node.close)
        return node

    def test_a_client_is_whom_its_certificate_names(self):
        node = self.node(client_ca="ada.pem")
        make_certificate(node.folder, "ada", "Ada")
        node.start()
        context = node.context()
        context.load_cert_chain(node.folder / "ada.pem", node.folder / "ada.key")
        with node.client(context) as client:
            self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            # No ticket outlives the certificate; the library knows a session all the same.
            self.assertFalse(client.socket.session.has_ticket)
        node.logs(r"tls 1 TLSv1\.3 \S+ person Ada\n")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            with node.client() as client:
                client.ask(IAMAT)
        node.logs("disconnect 2 TLS: no good certificate of the client")

    def test_a_certificate_is_a_person_of_the_access_rules(self):
        """Without a token, and as HUP finds the rules; who has no certificate is anyone."""
        node = self.node(client_ca="ada.pem", access="trial.access")
        rules = node.folder / "trial.access"
        rules.write_text("person\n    name = Bob\n    be = kiwi\n")
        make_certificate(node.folder, "ada", "Ada")
        node.start()
        context = node.context()
        context.load_cert_chain(node.folder / "ada.pem", node.folder / "ada.key")
        with node.client(context) as client, Client(node.plain) as plain:
            self.assertEqual(client.ask(IAMAT), "? " + IAMAT)
            rules.write_text("person\n    name = Ada\n    be = kiwi\n")
            node.process.child.send_signal(1)
            node.logs("access - rules of 1 persons from .*; 0 connections ended")
            self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            self.assertEqual(plain.ask(IAMAT), "? " + IAMAT)
            other = IAMAT.replace("kiwi", "lime")
            self.assertEqual(client.ask(other), "? " + other)
            with node.client(context) as later:
                self.assertTrue(later.ask(IAMAT).startswith("AT Ann "))
            rules.write_text("person\n    name = Bob\n    be = kiwi\n")
            node.process.child.send_signal(1)
            self.assertEqual(client.rest(), b"")
            self.assertEqual(plain.ask(IAMAT), "? " + IAMAT)

    def test_another_authority_ends_what_the_former_one_allowed(self):
        """By HUP, also where somebody watches; whom both vouch for stays."""
        node = self.node(client_ca="clients.pem")
        for name in ("ada", "bob"):
            make_certificate(node.folder, name, name.capitalize())
        authority = node.folder / "clients.pem"
        both = [(node.folder / f"{name}.pem").read_text() for name in ("ada", "bob")]
        authority.write_text("".join(both))
        node.start()
        contexts = []
        for name in ("ada", "bob"):
            contexts.append(node.context())
            contexts[-1].load_cert_chain(node.folder / f"{name}.pem", node.folder / f"{name}.key")
        with node.client(contexts[0]) as ada, node.client(contexts[1]) as bob, \
                Client(node.plain) as plain:
            self.assertTrue(ada.ask(IAMAT).startswith("AT Ann "))
            ada.send("WATCH nobody\n")
            self.assertEqual(ada.lines(2), ["WATCH 1 0", ""])
            node.process.child.send_signal(1)
            node.logs("tls - read again")
            self.assertTrue(ada.ask(IAMAT).startswith("AT Ann "))
            authority.write_text(both[1])
            node.process.child.send_signal(1)
            begun = time.monotonic()
            self.assertEqual(ada.rest(), b"")
            self.assertLess(time.monotonic() - begun, 1)
            node.logs("tls - 1 connections ended: client_ca would not let them in now")
            self.assertTrue(bob.ask(IAMAT).startswith("AT Ann "))
            node.file.write_text(node.file.read_text().replace("    client_ca = clients.pem\n", ""))
            node.process.child.send_signal(1)
            self.assertEqual(bob.rest(), b"")
            self.assertTrue(plain.ask(IAMAT).startswith("AT Ann "))

    def test_a_key_that_is_a_credential_keeps_its_certificate(self):
        """Until the next start, and HUP takes all else."""
        node = self.node()
        credentials = node.folder / "credentials"
        credentials.mkdir()
        (node.folder / "node.key").rename(credentials / "node.key")
        with unittest.mock.patch.dict(os.environ, CREDENTIALS_DIRECTORY=str(credentials)):
            node.start()
        context = node.context()
        make_certificate(node.folder, "node", "localhost")
        node.file.write_text(node.file.read_text().replace("trial\n", "trial\n    max_id_bytes = 3\n"))
        node.process.child.send_signal(1)
        node.logs(r"fault - .*herd\.zpl:9: the certificate's key \S*node\.key cannot be used: .* a credential "
                  "stays as it is until the next start")
        node.logs(r"reload - read again from")
        with node.client(context) as client:
            self.assertEqual(client.ask(IAMAT), "? " + IAMAT)

    def test_silent_connections_give_their_places_to_others(self):
        """Two addresses have all 25; who comes from a third one is let in."""
        node = self.node().start("--max-table-bytes", "2M")
        context = node.context()
        held = [node.client(context, (f"127.0.0.{2 + i % 2}", 0)) for i in range(25)]
        self.addCleanup(lambda: [client.close() for client in held])
        with node.client() as client:
            self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
        self.assertEqual(held[0].rest(), b"")
        node.logs("disconnect 1 closed: nearly all places in TLS are taken, and this one was silent")

    def test_silent_handshakes_give_way_to_others(self):
        """Eight addresses have all that may be under way, and go on to begin more."""
        open_files_max(self)
        node, part, held = self.node().start(), hello()[:100], []
        self.addCleanup(lambda: [connection.close() for connection in held])
        for i in range(1024):
            held.append(raw(node, part if i > 2 else b"", (f"127.0.0.{2 + i // 128}", 0)))
        wait_for("all of them", lambda: node.log().count(" connect ") == 1024)
        for i in range(3):
            with node.client() as client:
                self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            self.assertTrue(is_closed(held[i]))
            held.append(raw(node, part, ("127.0.0.10", 0)))
            wait_for("another one", lambda: node.log().count(" connect ") == 1026 + 2 * i)
        node.logs("disconnect 1 TLS: it was silent, and too many begin or are open")
        node.logs("fault - [0-9]+ connections in TLS failed: it was silent")

    def test_a_service_manager_may_hold_both_doors(self):
        """What a socket is for, its port says, and not its place. Who waits there is served."""
        node = self.node()
        doors = [socket.create_server(("0.0.0.0", node.secure)),
                 socket.create_server(("127.0.0.1", node.plain))]
        with Client(node.plain) as early:
            early.send(IAMAT + "\n")
            node.launch(*doors).says("^ready")
            self.assertTrue(early.line().startswith("AT Ann "))
            with node.client() as client:
                self.assertTrue(client.ask(IAMAT).startswith("AT Ann "))
            node.process.stop()
            self.assertEqual(early.rest(), b"")
        for door in doors:  # still there
            socket.create_connection(("127.0.0.1", door.getsockname()[1])).close()
            door.close()

    def refused(self, node):
        process = node.launch()
        self.assertNotEqual(process.child.wait(PATIENCE), 0)
        return process.err.read_text()

    def test_a_start_is_refused_with_one_line(self):
        node = self.node()
        make_certificate(node.folder, "other", "localhost")
        key = node.folder / "node.key"
        good = key.read_bytes()
        key.write_bytes((node.folder / "other.key").read_bytes())
        self.assertRegex(self.refused(node), r"\A[^\n]*herd\.zpl:8: the certificate's key \S*node\.key "
                         r"cannot be used: it is the key of another certificate\n\Z")
        key.write_bytes(good)
        key.chmod(0o644)
        self.assertRegex(self.refused(node), r"\A[^\n]*node\.key: is not its owner's alone: give it "
                         r"mode 0600\n\Z")
        key.unlink()
        self.assertRegex(self.refused(node), r"\A[^\n]*node\.key: No such file or directory[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()
