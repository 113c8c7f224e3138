"""Keys from outside: made by `zherd keygen`, used by a whole herd, replaced one by one, taken away;
and everything a herd refuses to start with."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import zmq

from rig import BUILD, PATIENCE, UCLA, Client, Herd, Process, ask, free_ports, wait_for

IAMAT = "IAMAT {} " + UCLA + " 1621464827.959498503"
LINE = ["Alford-Ball", "Ball-Welsh"]


def keygen(*arguments, status=0):
    done = subprocess.run([BUILD / "zherd", "keygen", *arguments], text=True, capture_output=True,
                          timeout=PATIENCE)
    if done.returncode != status:
        raise AssertionError(f"keygen {arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if status == 0 else done.stderr


def public_keys(file, name):
    """The keys that the file lists for a node."""
    found = re.search(rf'name = {name}\n(?:    .*\n)*?    public_key = "(.*)"', file.read_text())
    return found.group(1).split(" ") if found else []


def list_keys(file, name, keys):
    """Writes these keys in place of those that the file lists for a node."""
    old = " ".join(public_keys(file, name))
    text = file.read_text()
    assert text.count(f'"{old}"') == 1
    file.write_text(text.replace(f'"{old}"', '"' + " ".join(keys) + '"'))


def hang_up(herd, *names):
    """HUP to each, and wait until it has read its keys again."""
    for name in names:
        log = (herd.processes[name].err.read_text if name not in herd.ports
               else lambda: herd.log(name))
        before = log().count("read again")
        herd.processes[name].child.send_signal(signal.SIGHUP)
        wait_for(f"{name} to read its keys again", lambda: log().count("read again") > before)


class Asker:
    """Asks a node for places all the time, each time somewhere else: no cache answers that. Keeps the
    longest time without a good answer."""

    def __init__(self, port):
        self.port = port
        self.asked = self.good = 0
        self.longest_s, self.last = 0.0, None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with Client(self.port) as client:
            while not self.over.wait(0.05):
                self.asked += 1
                client.ask(f"IAMAT asker-{self.port} +34.0{self.asked:05d}-118.4 {time.time():.6f}")
                began = self.last or time.monotonic()
                if client.near(f"asker-{self.port}", 10, 5)[1]["status"] != "OK":
                    continue
                self.last = time.monotonic()
                self.longest_s = max(self.longest_s, self.last - began)
                self.good += 1

    def is_answered(self):
        """Waits until it is, twice: a question may be older than what was done before."""
        before = self.good
        wait_for("places", lambda: self.good > before + 1)

    def __enter__(self):
        self.thread.start()
        self.is_answered()
        self.longest_s = 0.0
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Keygen(unittest.TestCase):
    def setUp(self):
        self.herd = Herd(LINE)
        self.file, self.folder = self.herd.file, self.herd.folder / "herd.keys"
        self.addCleanup(shutil.rmtree, self.herd.folder, ignore_errors=True)

    def test_strict_checks_what_is_weak(self):
        def check():
            done = subprocess.run([BUILD / "zherd", "check", self.file, "--strict"], text=True,
                                  capture_output=True, check=False)
            return done.returncode, done.stderr
        self.assertEqual(check(), (0, ""))
        insecure = self.file.read_text().replace("trial\n", "trial\n    insecure = yes\n")
        self.file.write_text(insecure)
        status, said = check()
        self.assertEqual(status, 1)
        self.assertRegex(said, rf"^{self.file}:1: `insecure = yes` .*\n$")
        self.file.write_text(insecure.replace("    insecure = yes\n", ""))
        keygen(self.file)
        self.assertEqual(check(), (0, ""))
        secret = self.folder / "Ball.secret"
        secret.chmod(0o644)
        self.assertEqual(check(), (1, f"{secret} is not its owner's alone: give it mode 0600\n"))
        secret.chmod(0o600)
        keygen(self.file, "Ball")
        status, said = check()
        self.assertEqual(status, 1)
        self.assertRegex(said, rf"^{self.file}:\d+: Ball has two keys, .*\n$")

    def test_strict_checks_keys_of_tls(self):
        """One that two nodes share is a line, and one that is not on this host is none."""
        shared, own = (self.herd.folder / name for name in ("shared.key", "own.key"))
        text = self.file.read_text().replace(
            "trial\n", "trial\n    certificate = shared.pem\n    certificate_key = shared.key\n", 1)
        ports = [port for port in free_ports(12) if str(port) not in text]
        for name, more in (("Alford", ""), ("Ball", ""), ("Welsh", "    certificate_key = own.key\n")):
            text = text.replace(f"    name = {name}\n", f"    name = {name}\n    clients_tls = "
                                f"tls://127.0.0.1:{ports.pop()}\n{more}", 1)
        self.file.write_text(text)

        def check():
            done = subprocess.run([BUILD / "zherd", "check", self.file, "--strict"], text=True,
                                  capture_output=True, check=False)
            return done.returncode, done.stderr
        self.assertEqual(check(), (0, ""))
        for path, mode in ((shared, 0o640), (own, 0o604)):
            path.touch()
            path.chmod(mode)
        said = "".join(f"{path} is not its owner's alone: give it mode 0600\n" for path in (shared, own))
        self.assertEqual(check(), (1, said))
        shared.chmod(0o600)
        own.chmod(0o400)
        self.assertEqual(check(), (0, ""))

    def test_makes_a_pair_for_everybody_and_keeps_the_rest_of_the_file(self):
        before = self.file.read_text()
        said = keygen(self.file)
        self.assertEqual(sorted(line.split(":")[0] for line in said.splitlines()),
                         ["Alford", "Ball", "Welsh", "placesd"])
        self.assertEqual(sorted(os.listdir(self.folder)),
                         [f"{name}.secret" for name in ["Alford", "Ball", "Welsh", "placesd"]])
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)
        secrets = []
        for path in self.folder.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            secrets += re.findall(r'secret-key = "(.*)"', path.read_text())
        after = self.file.read_text()
        self.assertEqual(len(set(secrets)), 4)
        for secret in secrets:
            self.assertNotIn(secret, after + said)
        kept = [line for line in after.splitlines()
                if not line.startswith(("    public_key = ", "    keys = "))]
        self.assertEqual("\n".join(kept) + "\n", before)
        done = subprocess.run([BUILD / "zherd", "check", self.file], text=True,
                              capture_output=True, timeout=PATIENCE)
        self.assertIn("keys: nodes authenticate by CURVE keys", done.stdout)

    def test_a_second_run_changes_nothing_and_a_new_node_gets_its_own(self):
        keygen(self.file)
        text = self.file.read_text()
        self.assertEqual(keygen(self.file), "no key is missing\n")
        self.assertEqual(self.file.read_text(), text)
        clients, bus = free_ports(20)[-2:]
        self.file.write_text(text + f"node\n    name = New\n    clients = tcp://127.0.0.1:{clients}\n"
                             f"    bus = tcp://127.0.0.1:{bus}\nlink\n    between = New Alford\n")
        self.assertEqual(keygen(self.file), f"New: {self.folder}/New.secret\n")

    def test_a_run_that_was_interrupted_is_taken_up_again(self):
        text = self.file.read_text()
        keygen(self.file)
        once = self.file.read_text()
        self.file.write_text(text)
        keygen(self.file)
        self.assertEqual(self.file.read_text(), once)

    def test_what_it_refuses(self):
        self.assertIn("there is no such node", keygen(self.file, "Nobody", status=1))
        self.assertIn("has no key yet", keygen(self.file, "Ball", status=1))
        self.assertIn("No such file or directory",
                      keygen("--keys", "/nowhere/at/all", self.file, status=1))
        keygen("--keys", self.herd.folder / "elsewhere", self.file)
        self.assertIn(f'keys = "{self.herd.folder}/elsewhere"', self.file.read_text())
        self.assertIn("run this without --keys", keygen("--keys", "x", self.file, status=1))
        keygen(self.file, "Ball")
        self.assertIn("has two keys", keygen(self.file, "Ball", status=1))
        self.assertIn("write one topology file", keygen(status=2))
        self.assertIn("there is no option --what", keygen("--what", self.file, status=2))
        self.assertIn("at most one name", keygen(self.file, "Ball", "Welsh", status=2))


class KeyedHerd(unittest.TestCase):
    def setUp(self):
        self.herd = Herd(LINE)
        self.addCleanup(self.herd.__exit__, None)
        keygen(self.herd.file)

    def tell(self, node, client):
        """An IAMAT at the node; its AT line."""
        return ask(self.herd.ports[node], IAMAT.format(client))

    def restart(self, name):
        self.herd.processes[name].stop()
        self.herd.start(name)

    def test_a_herd_with_keys_does_what_a_herd_does(self):
        herd = self.herd.start().linked()
        herd.everybody_holds("kiwi", self.tell("Alford", "kiwi"))
        with herd.client("Welsh") as client:
            wait_for("places", lambda: client.near("kiwi", 10, 5)[1]["status"] == "OK")
        for name in herd.ports:
            wait_for(f"{name} to say so", lambda: " keys yes " in herd.log(name))
            self.assertNotIn(" fault ", herd.log(name))

    def test_whoever_has_other_keys_is_nobody(self):
        """A whole second life of Ball, made by somebody who knows all but the secrets."""
        other = self.herd.folder / "other"
        other.mkdir()
        file, text = other / "herd.zpl", self.herd.file.read_text()
        file.write_text(re.sub(r"    (keys|public_key) = .*\n", "", text))
        keygen(file)
        drawn = public_keys(file, "Ball")
        file.write_text(text)
        list_keys(file, "Ball", drawn)
        self.herd.start("placesd", "Alford", "Welsh")
        impostor = Process(other, "Ball", BUILD / "zherd-gateway", "--topology",
                           file, "--node", "Ball", "--log-dir", other / "log")
        self.addCleanup(impostor.end)
        impostor.says("^ready")
        ask(self.herd.ports["Ball"], IAMAT.format("intruder"))
        for name in "Alford", "Welsh":
            wait_for(f"{name} to refuse", lambda: re.search(
                r" fault - \d+ connections with a stranger's key refused, the last from 127.0.0.1",
                self.herd.log(name)))
        impostor.stop()
        self.herd.start("Ball").linked()
        self.herd.everybody_holds("kiwi", self.tell("Alford", "kiwi"))
        for name in self.herd.ports:
            self.assertIsNone(self.herd.at_line(name, "intruder"))

    def test_a_key_is_replaced_while_the_herd_runs(self):
        herd = self.herd.start().linked()
        old = public_keys(herd.file, "Ball")
        keygen(herd.file, "Ball")
        both = public_keys(herd.file, "Ball")
        self.assertEqual(both[:1], old)
        hang_up(herd, "Alford", "Welsh", "placesd")
        self.restart("Ball")
        herd.linked()
        herd.everybody_holds("one", self.tell("Ball", "one"))
        list_keys(herd.file, "Ball", both[1:])
        hang_up(herd, "Alford", "Welsh", "placesd", "Ball")
        herd.everybody_holds("two", self.tell("Ball", "two"))
        with herd.client("Ball") as client:
            wait_for("places", lambda: client.near("two", 10, 5)[1]["status"] == "OK")
        # Of two keys a neighbour may expect the other one first; that is counted up to a second later.
        for name in herd.ports:
            self.assertNotRegex(herd.log(name),
                                r" fault - (?!\d+ connections to the bus refused: handshake failed )")

    def test_the_key_of_the_places_service_is_replaced(self):
        herd = self.herd.start().linked()
        keygen(herd.file, "placesd")
        hang_up(herd, *herd.ports)
        self.restart("placesd")
        herd.everybody_holds("kiwi", self.tell("Alford", "kiwi"))
        for name in herd.ports:
            with herd.client(name) as client:
                wait_for("places", lambda: client.near("kiwi", 10, 5)[1]["status"] == "OK")

    def apart(self, role):
        """A broker or a worker of the herd's one places section, alone in its process."""
        process = Process(self.herd.folder, role, BUILD / "placesd", role, "--topology",
                          self.herd.file)
        self.addCleanup(process.end)
        process.says("^ready")
        self.herd.processes[role] = process

    def test_nobody_waits_for_two_seconds_while_that_key_is_replaced(self):
        """As the manual says, with the worker in a process of its own: it is started again last."""
        herd = self.herd
        self.apart("broker")
        self.apart("worker")
        herd.start(*herd.ports).linked()
        with contextlib.ExitStack() as stack:
            askers = [stack.enter_context(Asker(port)) for port in herd.ports.values()]
            keygen(herd.file, "placesd")
            hang_up(herd, *herd.ports, "broker", "worker")
            for role in "broker", "worker":
                herd.processes[role].stop()
                self.apart(role)
                for asker in askers:
                    asker.is_answered()
            text = herd.file.read_text()
            both = re.search(r'places\n(?:    .*\n)*?    public_key = "(.*) (.*)"', text)
            herd.file.write_text(text.replace(f'"{both[1]} {both[2]}"', f'"{both[2]}"'))
            hang_up(herd, *herd.ports, "broker", "worker")
            for asker in askers:
                asker.is_answered()
        self.assertLess(max(asker.longest_s for asker in askers), 2.0)

    def test_brokers_and_workers_apart_share_one_pair(self):
        """Two places sections, a lone broker and a lone worker that serves both."""
        herd = self.herd
        front, back, web = free_ports(40)[-3:]
        herd.file.write_text(herd.file.read_text() + "places\n"
                             f"    gateways = tcp://127.0.0.1:{front}\n"
                             f"    workers = tcp://127.0.0.1:{back}\n    provider = landmarks\n"
                             f"    url = http://127.0.0.1:{web}/maps/api/place/nearbysearch/json\n")
        keygen(herd.file)
        first, second = re.findall(r'places\n(?:    .*\n)*?    public_key = "(.*)"',
                                   herd.file.read_text())
        self.assertEqual(first, second)
        for label, *words in (("one", "broker", "--places", "1"), ("two", "broker", "--places",
                              "2"), ("both", "worker")):
            process = Process(herd.folder, label, BUILD / "placesd", words[0], "--topology",
                              herd.file, *words[1:])
            self.addCleanup(process.end)
            process.says("^ready")
        herd.start(*herd.ports).linked()
        herd.everybody_holds("kiwi", self.tell("Alford", "kiwi"))
        for name in herd.ports:  # each look-up may go to either broker
            with herd.client(name) as client:
                for _ in range(4):
                    wait_for("places", lambda: client.near("kiwi", 10, 5)[1]["status"] == "OK")

    def test_a_stranger_at_a_lonely_broker_is_told(self):
        """Nothing wakes the broker: its worker and all askers are away."""
        self.apart("broker")
        text = self.herd.file.read_text()
        front, key = re.search(r'gateways = (\S+)\n(?:    .*\n)*?    public_key = "(.*)"',
                               text).groups()
        context = zmq.Context()
        stranger = context.socket(zmq.REQ)
        stranger.linger = 0
        stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
        stranger.curve_serverkey = key.encode()
        stranger.connect(front)
        wait_for("the broker to say so", lambda: "a stranger's key was refused: "
                 in self.herd.processes["broker"].err.read_text(), 5.0)
        stranger.close()
        context.term()

    def test_a_key_that_is_taken_away_is_heard_no_more(self):
        herd = self.herd.start().linked()
        herd.everybody_holds("one", self.tell("Ball", "one"))
        other = public_keys(herd.file, "Welsh")[0][::-1]
        list_keys(herd.file, "Ball", ["0" * 8 + other[:2] + "0" * 30])
        hang_up(herd, "Alford", "Welsh")
        self.tell("Ball", "two")
        wait_for("Alford to lose Ball", lambda: " Ball down: " in herd.log("Alford"))
        self.assertIsNone(herd.at_line("Alford", "two"))
        self.assertIsNone(herd.at_line("Welsh", "two"))
        wait_for("Alford to say so", lambda: re.search(
            "with the key of nobody somebody calls itself Ball", herd.log("Alford")))

    def test_a_file_that_is_not_good_changes_nothing(self):
        herd = self.herd.start("Alford", "Ball")
        good = herd.file.read_text()
        for text, said in ((good + "nonsense\n", "is not good"),
                           (re.sub(r"    (keys|public_key) = .*\n", "", good), "has what a running")):
            herd.file.write_text(text)
            herd.processes["Alford"].child.send_signal(signal.SIGHUP)
            wait_for(said, lambda: "keys stay as they are: " in herd.log("Alford")
                     and said in herd.log("Alford"))
        line = self.tell("Alford", "kiwi")
        herd.everybody_holds("kiwi", line, ["Alford", "Ball"])


class Credential(unittest.TestCase):
    def test_the_secret_of_a_node(self):
        """Ball's is none of the folder of keys, but handed to it by a service manager."""
        credentials = pathlib.Path(tempfile.mkdtemp(prefix="zherd-credentials-"))
        self.addCleanup(shutil.rmtree, credentials, ignore_errors=True)

        class Managed(Herd):
            def environment(self, name):
                return {"CREDENTIALS_DIRECTORY": str(credentials)} if name == "Ball" else {}

        with Managed(["Alford-Ball"], places=False) as herd:
            keygen(herd.file)
            shutil.move(herd.folder / "herd.keys/Ball.secret", credentials)
            (credentials / "Ball.secret").chmod(0o440)
            herd.start().linked()
            hang_up(herd, "Alford", "Ball")
            said = "; its secret key is a credential: at the next start\n"
            self.assertIn(said, herd.log("Ball"))
            self.assertNotIn(said, herd.log("Alford"))


class Start(unittest.TestCase):
    def setUp(self):
        self.herd = Herd(LINE)
        self.addCleanup(shutil.rmtree, self.herd.folder, ignore_errors=True)

    def refused(self, program, *more):
        done = subprocess.run([BUILD / program, "--topology", self.herd.file, *more], text=True,
                              capture_output=True, timeout=PATIENCE, cwd=self.herd.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def starts_as(self, user, group, *others):
        """Whether placesd starts as that user, and else what it says."""
        child = subprocess.Popen(["./placesd", "worker", "--topology", self.herd.file],
                                 user=user, group=group, extra_groups=others, text=True,
                                 cwd=self.herd.folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        ready = child.stdout.readline() == "ready\n"
        child.terminate()
        said = child.communicate(timeout=PATIENCE)[1]
        return True if ready else said

    @unittest.skipIf(os.geteuid() != 0, "only root gives files away")
    def test_roots_secrets_for_a_group(self):
        keygen(self.herd.file)
        shutil.copy2(BUILD / "placesd", self.herd.folder)
        folder, secret = self.herd.folder / "herd.keys", self.herd.folder / "herd.keys/placesd.secret"
        for path in (self.herd.folder, folder):
            path.chmod(0o755)
        self.herd.file.chmod(0o644)
        open_to_others = "is not its owner's alone"
        for owner, group, mode, user, groups, refusal in (
                (0, 700, 0o640, 600, [700], None), (0, 700, 0o440, 600, [700], None),
                (0, 700, 0o644, 600, [700], open_to_others),
                (0, 700, 0o660, 600, [700], open_to_others),
                (0, 700, 0o750, 600, [700], open_to_others),
                # A group that the reader is in beside its own has other members.
                (0, 700, 0o640, 600, [701, 700], open_to_others),
                (600, 700, 0o640, 600, [700], open_to_others),
                (0, 0, 0o640, 600, [0], open_to_others), (0, 0, 0o640, 0, [0], open_to_others)):
            with self.subTest(owner=owner, mode=oct(mode), user=user, groups=groups):
                os.chown(secret, owner, group)
                secret.chmod(mode)
                said = self.starts_as(user, *groups)
                self.assertTrue(said is True if refusal is None else refusal in said, said)

    def test_secrets_that_are_not_in_order(self):
        keygen(self.herd.file)
        folder = self.herd.folder / "herd.keys"
        node = ["zherd-gateway", "--node", "Ball"]
        good = (folder / "Ball.secret").read_text()
        for program, name in ((node, "Ball"), (["placesd"], "placesd")):
            path = folder / f"{name}.secret"
            path.chmod(0o640)
            self.assertIn("is not its owner's alone", self.refused(*program))
            if os.geteuid() == 0:  # nobody else can open another user's file, or give one away
                path.chmod(0o600)
                os.chown(path, 12345, -1)
                self.assertIn(f"{name}.secret is owned by user 12345 and read by user 0: give",
                              self.refused(*program))
            path.unlink()
            self.assertIn(f"{name}.secret No such file", self.refused(*program))
            shutil.copy2(folder / "Alford.secret", path)
            self.assertIn("is the key of another name", self.refused(*program))
        path = folder / "Ball.secret"
        path.write_text((folder / "Alford.secret").read_text().replace("Alford", "Ball"))
        self.assertIn("belongs to no `public_key`", self.refused(*node))
        path.write_text(good[:-9] + good[-8:])
        self.assertIn("is not a file of `zherd keygen`", self.refused(*node))
        # CZMQ would print what it cannot read, to standard output, where `refused` finds it.
        path.write_text(good.replace("secret-key =", "secret-key :"))
        self.assertIn("is not a file of `zherd keygen`", self.refused(*node))
        other = re.search(r'secret-key = "(.*)"', (folder / "Alford.secret").read_text()).group(1)
        path.write_text(re.sub(r'secret-key = ".*"', lambda _: f'secret-key = "{other}"', good))
        self.assertIn("do not belong together", self.refused(*node))
        path.write_text("x" * 5000)
        self.assertIn("is not a file of `zherd keygen`", self.refused(*node))

    def test_without_keys_only_this_machine(self):
        text = self.herd.file.read_text()
        open_bus = re.sub(r"bus = tcp://127.0.0.1", "bus = tcp://0.0.0.0", text)
        alone = re.sub(r"(?s)node\n    name = (Ball|Welsh).*?(?=node|link)|link\n.*?(?=link|places)",
                       "", open_bus)
        self.herd.file.write_text(alone)
        said = self.refused("zherd-gateway", "--node", "Alford")
        self.assertIn("whoever reaches it would be trusted; run `zherd keygen` on this file", said)
        self.herd.file.write_text(alone.replace("herd\n", "herd\n    insecure = yes\n", 1))
        for _ in range(2):
            gateway = Process(self.herd.folder, "Alford", BUILD / "zherd-gateway", "--topology",
                              self.herd.file, "--node", "Alford", "--log-dir",
                              self.herd.folder / "log")
            self.addCleanup(gateway.end)
            gateway.says("^ready")
            gateway.stop()
        self.assertEqual(self.herd.log("Alford").count(" insecure - whoever reaches"), 2)
        placesd = Process(self.herd.folder, "placesd", BUILD / "placesd", "--topology",
                          self.herd.file)
        self.addCleanup(placesd.end)
        placesd.says("^ready")
        placesd.stop()
        self.assertIn("insecure: whoever reaches", placesd.err.read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
