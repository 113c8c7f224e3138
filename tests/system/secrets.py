"""Only the provider sees its key, also when anything fails."""

import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from places_rig import CANARY, OK, Front, Provider, Service
from rig import BUILD, free_ports, wait_for

# Where the key travels: in the URL, and in a header. And what each of them says for nothing near.
NOTHING = {"google": b'{"results":[],"status":"OK"}', "google-new": b"{}"}
# Those that are asked without a key.
KEYLESS = {"overpass": b'{"elements":[]}', "photon": b'{"features":[]}'}

# What the key looks like to somebody who hides it a little.
MARKS = [CANARY.encode(), CANARY.encode()[::-1], CANARY[7:].encode()]


def read_some(connection):
    return connection.recv(65536)


def broken_provider(send, first=read_some):
    """Takes connections, sees the request, answers as `send` does; its listening socket."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(2)
                    send(connection, first(connection))
            except OSError:
                if listener.fileno() < 0:
                    return

    threading.Thread(target=serve, daemon=True).start()
    return listener


def head(status, *lines):
    return ("\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""])).encode()


def sent_back(request):
    """The line of the request that holds the key."""
    return next(line for line in request.split(b"\r\n") if CANARY.encode() in line)


# Every way in which an answer can fail that needs a server of its own. Each one puts the key where
# an error message might show it.
BROKEN = {
    "closed at once": lambda c, r: None,
    "no HTTP": lambda c, r: c.sendall(sent_back(r) + b"\n"),
    "400 with the request": lambda c, r: c.sendall(head("400 " + sent_back(r).decode()) + r),
    "403 with the request": lambda c, r: c.sendall(head("403 No") + r),
    "429 with the request": lambda c, r: c.sendall(head("429 No", "Retry-After: 0") + r),
    "500 with the request": lambda c, r: c.sendall(head("500 No") + r),
    "200, denied": lambda c, r: c.sendall(
        head("200 OK") + b'{"results":[],"status":"REQUEST_DENIED","error_message":"'
        + sent_back(r) + b'"}'),
    "200, not JSON": lambda c, r: c.sendall(head("200 OK") + r),
    "200, in a result": lambda c, r: c.sendall(
        head("200 OK") + b'{"status":"OK","results":["' + sent_back(r) + b'"]}'),
    "200, in a status": lambda c, r: c.sendall(
        head("200 OK") + b'{"results":[],"status":"' + sent_back(r) + b'"}'),
    "a redirect": lambda c, r: c.sendall(
        head("302 Found", "Location: http://127.0.0.1:1/" + sent_back(r).decode().split()[1])),
    "a header": lambda c, r: c.sendall(
        head("200 OK", "X-Asked: " + sent_back(r).decode(), "Content-Length: 99") + b"{"),
    "a bad encoding": lambda c, r: c.sendall(head("200 OK", "Content-Encoding: gzip") + r),
    "a wrong length": lambda c, r: c.sendall(head("200 OK", "Content-Length: -5") + r),
}


class Secrets(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-secrets-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def check(self, what, text):
        for mark in MARKS:
            self.assertNotIn(mark, text, what)

    def check_files(self):
        """All files of the folder but the key and the topology; how many."""
        count = 0
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in ("key", "herd.zpl"):
                self.check(str(path), path.read_bytes())
                count += 1
        return count

    def check_process(self, process):
        for name in ("cmdline", "environ", "maps", "status"):
            try:
                self.check(name, pathlib.Path(f"/proc/{process.child.pid}/{name}").read_bytes())
            except PermissionError:
                pass

    def drive(self, url, deadline_ms=1500, questions=1, provider="google"):
        """One service with this provider: asked, searched, stopped. The codes of its answers."""
        service = Service(self.folder, url, provider=provider)
        front = Front(service.front)
        try:
            processes = [service.start("broker"), service.start("worker")]
            codes = [front.answer(latitude=i, deadline_ms=deadline_ms)[0]
                     for i in range(questions)]
            self.check("answers", front.bytes)
            for process in processes:
                self.check_process(process)
                self.assertEqual(process.stop()[0], 0)
        finally:
            service.close()
            front.close()
        self.assertGreaterEqual(self.check_files(), 4)
        return codes

    def see(self, provider, nothing):
        """What the provider is sent; it answers that nothing is near."""
        seen = []

        def answer(connection, request):
            seen.append(request)
            connection.sendall(head("200 OK") + nothing)

        with broken_provider(answer) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/n"
            self.assertEqual(self.drive(url, provider=provider), [OK])
        return seen[0]

    def test_the_provider_sees_it(self):
        """The canary does sing: without this every other test here would prove nothing."""
        for provider, nothing in NOTHING.items():
            with self.subTest(provider):
                self.assertIn(CANARY.encode(), self.see(provider, nothing))

    def test_others_never_see_it(self):
        for provider, nothing in KEYLESS.items():
            with self.subTest(provider):
                self.check("a request without a key", self.see(provider, nothing))

    def test_no_failure_tells_it(self):
        for provider in NOTHING:
            for name, send in BROKEN.items():
                with self.subTest(name, provider=provider), broken_provider(send) as listener:
                    url = f"http://127.0.0.1:{listener.getsockname()[1]}/n"
                    self.assertNotEqual(self.drive(url, provider=provider), [OK])

    def test_nobody_untrusted_sees_it(self):
        """A server with a certificate that it wrote itself."""
        key, certificate = self.folder / "server.key", self.folder / "server.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        seen, refused = [], []

        def answer(connection, _):
            try:
                with tls.wrap_socket(connection, server_side=True) as safe:
                    seen.append(safe.recv(65536))
                    safe.sendall(head("200 OK") + NOTHING["google"])
            except OSError as error:  # what TLS says, or the end of the connection
                refused.append(error)

        with broken_provider(answer, first=lambda connection: b"") as listener:
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/n"
            self.assertNotIn(OK, self.drive(url))
            wait_for("the handshake to fail there, too", lambda: refused)
        self.assertEqual(seen, [])

    def test_no_missing_provider_tells_it(self):
        closed = free_ports(6)[-1]  # beyond the service's own
        plain = Provider()
        self.addCleanup(plain.close)
        for url in (f"http://127.0.0.1:{closed}/n",       # no listener
                    "https://no-such-host.invalid/n",      # no address
                    plain.url().replace("http:", "https:")):  # no TLS
            with self.subTest(url):
                self.assertNotIn(OK, self.drive(url))

    def test_an_open_breaker_and_a_deadline_do_not_tell_it(self):
        slow = Provider(delay=1.0)
        self.addCleanup(slow.close)
        self.assertNotIn(OK, self.drive(slow.url(), deadline_ms=200, questions=8))

    def test_a_start_that_fails_does_not_tell_it(self):
        service = Service(self.folder, "https://127.0.0.1:1/n")
        for mode, more in ((0o644, ""), (0o600, " and more")):
            service.key.write_text(CANARY + more + "\n")
            service.key.chmod(mode)
            for role in ([], ["worker"]):
                said = subprocess.run([BUILD / "placesd", *role, "--topology", service.file],
                                      capture_output=True, timeout=10, check=False)
                self.assertEqual(said.returncode, 1)
                self.assertIn(b"key_file", said.stderr)
                self.check("a refused start", said.stdout + said.stderr)

    def test_a_broker_needs_no_key(self):
        service = Service(self.folder, "https://127.0.0.1:1/n")
        self.addCleanup(service.close)
        service.key.unlink()
        self.assertEqual(service.start("broker").stop()[0], 0)

    def test_a_credential_of_the_service_manager(self):
        seen = []

        def answer(connection, request):
            seen.append(request)
            connection.sendall(head("200 OK") + b'{"results":[],"status":"OK"}')

        listener = broken_provider(answer)
        credentials = self.folder / "credentials"
        credentials.mkdir()
        self.addCleanup(credentials.chmod, 0o700)  # or only root could remove it
        with listener:
            service = Service(self.folder, f"http://127.0.0.1:{listener.getsockname()[1]}/n")
            self.addCleanup(service.close)
            text = service.file.read_text().replace(str(service.key), "google.key")
            service.file.write_text(text)
            shutil.move(service.key, credentials / "google.key")
            (credentials / "google.key").chmod(0o440)
            credentials.chmod(0o500)
            os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
            try:
                process = service.start()
            finally:
                del os.environ["CREDENTIALS_DIRECTORY"]
            front = Front(service.front)
            self.addCleanup(front.close)
            self.assertEqual(front.answer()[0], OK)
            self.assertIn(CANARY.encode(), seen[0])
            process.child.send_signal(signal.SIGHUP)
            wait_for("a line", lambda: "key_file google.key is a credential: at the next start\n"
                     in process.err.read_text())
            self.assertEqual(process.stop()[0], 0)
            # Others may not be able to read it, there or elsewhere.
            (credentials / "google.key").chmod(0o444)
            said = subprocess.run([BUILD / "placesd", "--topology", service.file], timeout=10,
                                  capture_output=True, check=False,
                                  env={**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)})
            self.assertEqual(said.returncode, 1)
            self.check("a refused credential", said.stderr)

    def test_no_core_file_holds_it(self):
        def allow_cores():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

        def dies_with_core(child):
            child.send_signal(signal.SIGABRT)
            _, status, _ = os.wait4(child.pid, 0)
            child.returncode = -signal.SIGABRT
            return os.WCOREDUMP(status)

        control = subprocess.Popen(["sleep", "60"], preexec_fn=allow_cores, cwd=self.folder)
        if not dies_with_core(control):
            self.skipTest("no process leaves a core file here")
        service = Service(self.folder, "https://127.0.0.1:1/n")
        for role in ([], ["worker"]):
            child = subprocess.Popen([BUILD / "placesd", *role, "--topology", service.file],
                                     preexec_fn=allow_cores, cwd=self.folder,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            with child.stdout:
                self.assertEqual(child.stdout.readline(), b"ready\n")
            self.assertFalse(dies_with_core(child))


if __name__ == "__main__":
    unittest.main(verbosity=2)
