"""The rig of the tests of placesd: its front as a DEALER sees it, and a provider on loopback."""

import http.server
import json
import pathlib
import threading
import time

import msgpack
import zmq

from rig import BUILD, Process, free_ports

PREFIX = b"zp\x01"
CANARY = "CANARY-7f3a-system"
OK, UNAVAILABLE, LATE, BUSY, REFUSED, NONSENSE, INVALID = range(7)


class Front:
    """Asks, counts what comes back, and keeps all of its bytes."""

    def __init__(self, port):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 100000
        self.socket.connect(f"tcp://127.0.0.1:{port}")
        self.asked = 0
        self.answers = {}
        self.bytes = b""

    def ask(self, latitude=34.06893, longitude=-118.445127, radius_m=10000, deadline_ms=4000):
        question = [round(latitude * 1e9), round(longitude * 1e9), radius_m, 5, deadline_ms]
        number = self.asked
        self.asked += 1
        self.socket.send_multipart(
            [number.to_bytes(4, "big"), b"", PREFIX + msgpack.packb(question)])
        return number

    def take(self, seconds=0.0):
        """Takes what arrives within the time; all of it has to be answers."""
        deadline = time.monotonic() + seconds
        while self.socket.poll(max(0, (deadline - time.monotonic()) * 1000)):
            number, empty, reply = self.socket.recv_multipart()
            assert empty == b"" and reply.startswith(PREFIX), (empty, reply)
            code, body = msgpack.unpackb(reply[len(PREFIX):])
            self.bytes += body
            self.answers.setdefault(int.from_bytes(number, "big"), []).append(
                (code, json.loads(body)))

    def take_all(self, seconds=10.0):
        """Waits until everything asked is answered, and a moment longer for what is too much."""
        deadline = time.monotonic() + seconds
        while len(self.answers) < self.asked and time.monotonic() < deadline:
            self.take(0.02)
        self.take(0.1)

    def answer(self, **question):
        number = self.ask(**question)
        self.take_all()
        return self.answers[number][0]

    def close(self):
        self.socket.close()


class Provider(http.server.ThreadingHTTPServer):
    """Google's places service as the tests need it: every question costs `delay` seconds."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, delay=0.0, status=200, headers=(), body=None):
        self.delay, self.status, self.headers = delay, status, headers
        self.body = body or {"html_attributions": [], "results": [{"name": "here"}], "status": "OK"}
        self.requests = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/nearby"

    def handle_error(self, request, client_address):
        """Says nothing: the worker has closed the connection, as its deadline has passed."""

    def close(self):
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        with self.server.lock:
            self.server.requests += 1
        time.sleep(self.server.delay)
        body = self.server.body
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(self.server.status)
        for name, value in self.server.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Service:
    """placesd's processes for one topology, in a folder of the caller's. With a url its provider is
    the one named, with or without a key."""

    def __init__(self, folder, url=None, more="", provider="google"):
        self.folder = pathlib.Path(folder)
        self.front, self.back, landmarks, self.clients, bus = free_ports(5)
        self.file = self.folder / "herd.zpl"
        self.key = self.folder / "key"
        if url:
            self.key.write_text(CANARY + "\n")
            self.key.chmod(0o600)
            source = f"provider = {provider}\n    url = {url}\n"
            if provider.startswith("google"):
                source += f"    key_file = {self.key}\n"
        else:
            source = f"provider = landmarks\n    url = http://127.0.0.1:{landmarks}/nearby\n"
        self.file.write_text(
            "herd\n    name = trial\n"
            f"node\n    name = A\n    clients = tcp://127.0.0.1:{self.clients}\n"
            f"    bus = tcp://127.0.0.1:{bus}\n"
            f"places\n    gateways = tcp://127.0.0.1:{self.front}\n"
            f"    workers = tcp://127.0.0.1:{self.back}\n    {source}{more}")
        self.processes = []

    def add_broker(self):
        """One more places section, of landmarks at a port of its own; its front."""
        front, back, landmarks = free_ports(8)[-3:]
        with open(self.file, "a") as file:
            file.write(f"places\n    gateways = tcp://127.0.0.1:{front}\n"
                       f"    workers = tcp://127.0.0.1:{back}\n    provider = landmarks\n"
                       f"    url = http://127.0.0.1:{landmarks}/nearby\n")
        return front

    def start(self, *role):
        process = Process(self.folder, f"placesd-{len(self.processes)}", BUILD / "placesd",
                          *role[:1], "--topology", self.file, *role[1:])
        self.processes.append(process)
        process.says("^ready")
        return process

    def start_node(self):
        """The herd's one node, for clients at the port `clients`."""
        node = Process(self.folder, "node", BUILD / "zherd-gateway", "--topology", self.file,
                       "--node", "A", "--log-dir", self.folder / "log")
        self.processes.append(node)
        node.says("^ready")
        return node

    def close(self):
        for process in self.processes:
            process.end()
