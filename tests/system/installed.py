"""`cmake --install`: what it brings, where to, and that it works from there."""

import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from rig import BUILD, ROOT, Client, Process, ask, children_of, free_ports, wait_for

PROGRAMS = ["zherd", "zherd-gateway", "zherd-web", "placesd", "zherd-landmarks"]
SERVICES = ["zherd-gateway@.service", "placesd.service", "placesd-worker@.service",
            "zherd-landmarks.service", "zherd-web@.service"]
UNITS = [*SERVICES, "zherd-gateway@.socket"]
# What a shell, CMake or a unit may take for something else.
PREFIX = "a $prefix, 5%"
# Ten times the exposure that systemd-analyze finds.
EXPOSURE_MAX = 15


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=100, **options)


def install(prefix, build=BUILD, **environment):
    done = run("cmake", "--install", build, "--prefix", prefix, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return prefix


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def unit_words(text):
    """The words of a unit's command, as its service manager reads them."""
    [line] = re.findall("^ExecStart=(.*)$", text, re.MULTILINE) or [""]
    program, *words = shlex.split(line) or [""]
    return [word.replace("%%", "%") for word in
            (program, *(word.replace("$$", "$") for word in words))]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-installed-"))
        cls.folder.chmod(0o755)
        cls.prefix = install(cls.folder / PREFIX)
        cls.etc = cls.prefix / "etc"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)


class Tree(Case):
    def test_each_of_it_is_there(self):
        there = files_of(self.prefix)
        expected = [f"bin/{name}" for name in PROGRAMS]
        expected += [f"lib/systemd/system/{unit}" for unit in UNITS]
        expected += [f"share/man/man{page.suffix[1:]}/{page.name}"
                     for page in (ROOT / "topology/system/man").iterdir()
                     if page.stem != "zherd-bench"]
        expected += ["etc/zherd/herd.zpl", "etc/logrotate.d/zherd", "lib/sysusers.d/zherd.conf",
                     "lib/tmpfiles.d/zherd.conf", "share/zsh/site-functions/_zherd",
                     "share/doc/zherd/README.md",
                     "share/doc/zherd/topology/OPERATING.md", "share/doc/zherd/gateway/PROTOCOL.md",
                     "share/doc/zherd/gateway/web/PROTOCOL.md",
                     "share/doc/zherd/examples/fall2016.zpl",
                     "share/zherd/map/index.html", "share/zherd/map/main.mjs",
                     "share/doc/zherd/gateway/web/map.png",
                     "share/zherd/monitoring/prometheus.yml",
                     "share/zherd/monitoring/zherd.rules.yml",
                     "share/zherd/monitoring/zherd.dashboard.json"]
        expected += [f"share/bash-completion/completions/{name}" for name in PROGRAMS]
        for name in expected:
            with self.subTest(name):
                self.assertIn(name, there)

    def test_no_name_in_it_was_left_open(self):
        for unit in UNITS:
            text = (self.prefix / "lib/systemd/system" / unit).read_text()
            self.assertNotRegex(text, r"@[a-z]+@")
            for word in unit_words(text):
                if word.startswith(str(self.folder)):
                    self.assertTrue(pathlib.Path(word).exists(), word)

    def test_the_door_of_a_node_brings_its_service(self):
        """By default it is that of the example's first node."""
        root = self.folder / "enabled"
        install("/usr", DESTDIR=str(root))
        done = run("systemctl", f"--root={root}", "enable", "zherd-gateway@North.socket")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual({"sockets.target.wants/zherd-gateway@North.socket",
                              "multi-user.target.wants/zherd-gateway@North.service"},
                             {str(path.relative_to(root / "etc/systemd/system"))
                              for path in (root / "etc/systemd/system").glob("*/*")})
        text = (root / "usr/lib/systemd/system/zherd-gateway@.socket").read_text()
        [at] = re.findall("^ListenStream=(.+)$", text, re.MULTILINE)
        self.assertIn(f"name = North\n    clients = tcp://{at}\n",
                      (self.etc / "zherd/herd.zpl").read_text())

    def test_below_destdir(self):
        destination = self.folder / "destination"
        install("/opt/zherd", DESTDIR=str(destination))
        self.assertEqual(files_of(destination / "opt/zherd"), files_of(self.prefix))
        self.assertEqual([path.name for path in destination.iterdir()], ["opt"])
        unit = (destination / "opt/zherd/lib/systemd/system/placesd.service").read_text()
        self.assertIn('ExecStart="/opt/zherd/bin/placesd" --topology '
                      '"/opt/zherd/etc/zherd/herd.zpl" ', unit)

    def test_a_herd_that_was_written_there_stays(self):
        again = install(self.folder / "again")
        mine = again / "etc/zherd/herd.zpl"
        mine.write_text("herd\n    name = mine\n")
        (again / "etc/logrotate.d/zherd").unlink()
        install(again)
        self.assertEqual(mine.read_text(), "herd\n    name = mine\n")
        self.assertTrue((again / "etc/logrotate.d/zherd").exists())

    def build_of(self, name, *programs):
        """A build folder with nothing but what installs, and these programs."""
        build = self.folder / name
        for path in BUILD.rglob("cmake_install.cmake"):
            copy = build / path.relative_to(BUILD)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text().replace(f'"{BUILD}/', f'"{build}/'))
        for program in programs:
            shutil.copy(BUILD / program, build)
        return build

    def test_what_was_not_built_is_left_out(self):
        prefix = install(self.folder / "part", self.build_of("build", "zherd"))
        self.assertEqual([path.name for path in (prefix / "bin").iterdir()], ["zherd"])
        gone = {name for name in files_of(self.prefix)
                if name.startswith("bin/") or "zherd-bench" in name} - {"bin/zherd"}
        self.assertIn("bin/placesd", gone)
        self.assertEqual(files_of(prefix), files_of(self.prefix) - gone)

    def test_whoever_may_write_there_may_install(self):
        """Nothing is written elsewhere, but for the build folder's own list of what was installed."""
        if os.geteuid() != 0:
            return  # every other case is that
        build, prefix = self.build_of("nobodys", "zherd"), self.folder / "nobody"
        prefix.mkdir()
        for path in [prefix, build, *build.rglob("*")]:
            os.chown(path, 65534, 65534)
        done = run("cmake", "--install", build, "--prefix", prefix, user=65534, group=65534)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("etc/zherd/herd.zpl", files_of(prefix))


class Service(Case):
    """The units' own commands, as a service manager would start them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = (cls.etc / "zherd/herd.zpl").read_text()
        old = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", text)))
        cls.ports = dict(zip(old, map(str, free_ports(len(old)))))
        (cls.etc / "zherd/herd.zpl").write_text(
            re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda match: cls.ports[match[0]], text))
        for name in ("log", "state"):
            (cls.folder / name).mkdir()

    def command(self, unit, instance=""):
        meant = {"${LOGS_DIRECTORY}": self.folder / "log", "%i": instance,
                 "${STATE_DIRECTORY}": self.folder / "state"}
        text = (self.prefix / "lib/systemd/system" / unit).read_text()
        return [str(meant.get(word, word)) for word in unit_words(text)]

    def start(self, *unit):
        process = Process(self.folder, "-".join(unit), *self.command(*unit))
        self.addCleanup(process.end)
        process.says("^ready")
        return process

    def rotate(self):
        """logrotate with our file, for our folder and user."""
        text = (self.etc / "logrotate.d/zherd").read_text()
        text, count = re.subn("su zherd zherd\n", "", text.replace("/var/log/zherd",
                                                                   str(self.folder / "log")))
        self.assertEqual(count, 1)
        (self.folder / "rotate.conf").write_text(text)
        done = run("/usr/sbin/logrotate", "--force", "--state", self.folder / "rotated",
                   self.folder / "rotate.conf")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_herd_of_services(self):
        port = {name: int(self.ports[old]) for name, old in (("North", "11500"), ("South", "11501"))}
        places = self.start("placesd.service")
        worker = self.start("placesd-worker@.service", "2")
        north = self.start("zherd-gateway@.service", "North")
        south = self.start("zherd-gateway@.service", "South")
        north.says("^link South up")
        at = ask(port["North"], "IAMAT kiwi +34.068930-118.445127 1621464827.959498503")
        self.assertRegex(at, "^AT North ")
        wait_for("South to know", lambda: ask(port["South"], "WHATSAT kiwi 10 0") == at)
        with Client(port["South"]) as client:
            self.assertEqual(client.near("kiwi", 10, 2)[1]["status"], "OK")

        log = self.folder / "log/North.log"
        self.rotate()
        self.assertIn("start", log.with_name("North.log.1").read_text())
        wait_for("a new log", log.exists)
        self.assertEqual(ask(port["North"], "IAMAT nobody"), "? IAMAT nobody")
        wait_for("its line", lambda: "disconnect" in log.read_text())
        for process in (south, north, worker, places):
            self.assertEqual(process.stop()[0], 0)

    def test_the_units_are_good_and_closed(self):
        folder = self.prefix / "lib/systemd/system"
        for unit in UNITS:
            with self.subTest(unit):
                done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes",
                           folder / unit)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
        for unit in SERVICES:
            with self.subTest(unit):
                done = run("systemd-analyze", "security", "--offline=true",
                           f"--threshold={EXPOSURE_MAX}", folder / unit)
                self.assertEqual(done.returncode, 0, done.stdout[-300:])

    def allowed(self, unit):
        """The system calls that the unit's filter lets through."""
        sets, name = {}, None
        for line in run("systemd-analyze", "syscall-filter").stdout.splitlines():
            if line.startswith("@"):
                name = line
                sets[name] = []
            elif line.startswith("    ") and not line.startswith("    #"):
                sets[name].append(line.strip())

        def calls(word):
            return set().union(*map(calls, sets[word])) if word in sets else {word}

        allowed = set()
        text = (self.prefix / "lib/systemd/system" / unit).read_text()
        for line in re.findall("^SystemCallFilter=(.*)$", text, re.MULTILINE):
            named = set().union(*map(calls, line.removeprefix("~").split()))
            allowed = allowed - named if line.startswith("~") else allowed | named
        return allowed

    def test_what_the_programs_call_is_allowed(self):
        """Through a start, a HUP and an end. The other cases have no filter over them."""
        for unit in (["placesd.service"], ["zherd-gateway@.service", "North"]):
            with self.subTest(unit):
                trace = self.folder / f"{unit[0]}.trace"
                process = Process(self.folder, "traced", "strace", "-f", "-o", trace,
                                  *self.command(*unit))
                self.addCleanup(process.end)
                process.says("^ready", 60)
                [pid] = children_of(process.child.pid)
                os.kill(pid, signal.SIGHUP)
                wait_for("HUP", lambda: "SIGHUP" in trace.read_text(errors="replace"))
                os.kill(pid, signal.SIGTERM)
                process.child.wait(60)
                used = set(re.findall(r"^\d+ +([a-z]\w*)\(", trace.read_text(errors="replace"),
                                      re.MULTILINE))
                self.assertGreater(len(used), 30)
                self.assertEqual(used - self.allowed(unit[0]), set())

    def test_the_user_and_its_folders(self):
        if os.geteuid() != 0:
            return  # the tools give files away
        root = self.folder / "root"
        for name in ("etc", "var/log", "var/lib"):
            (root / name).mkdir(parents=True)
        for tool, folder in (("systemd-sysusers", "sysusers.d"),
                             ("systemd-tmpfiles --create", "tmpfiles.d")):
            done = run(*tool.split(), f"--root={root}", self.prefix / "lib" / folder / "zherd.conf")
            self.assertEqual(done.returncode, 0, done.stderr)
        [user] = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()
                  if line.startswith("zherd:")]
        for name in ("var/log/zherd", "var/lib/zherd"):
            facts = (root / name).stat()
            self.assertEqual((facts.st_uid, facts.st_mode & 0o777), (int(user[2]), 0o750))


class Terminal:
    """A shell at a terminal, and what it shows."""

    def __init__(self, *command, environment):
        self.child, self.descriptor = pty.fork()
        if self.child == 0:
            os.execvpe(command[0], command, {**os.environ, "TERM": "dumb", **environment})
        self.shown = ""

    def types(self, text):
        self.shown = ""
        os.write(self.descriptor, text.encode())

    def shows(self, text, seconds=15):
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                raise AssertionError(f"not shown: {text!r}, but {self.shown!r}")
            self.shown += os.read(self.descriptor, 4096).decode(errors="replace")

    def close(self):
        os.close(self.descriptor)  # hangs the shell up
        os.waitpid(self.child, 0)


class Completion(Case):
    CASES = [  # what is typed, and what TAB makes of it
        ("zherd ch", "zherd check "),
        ("zherd schema opera", "zherd schema operator "),
        ("zherd journal du", "zherd journal dump "),
        ("zherd export co", "zherd export compose "),
        ("zherd rest", "zherd restore "),
        ("zherd backup --da", "zherd backup --data-dir "),
        ("zherd-gateway --topo", "zherd-gateway --topology "),
        ("zherd-gateway --topology etc/zherd/herd.zpl --node No",
         "zherd-gateway --topology etc/zherd/herd.zpl --node North "),
        ("zherd tap etc/zherd/herd.zpl So", "zherd tap etc/zherd/herd.zpl South "),
        ("zherd check etc/zherd/he", "zherd check etc/zherd/herd.zpl "),
        ("placesd wor", "placesd worker "),
        ("zherd-web --topo", "zherd-web --topology "),
        ("zherd-landmarks imp", "zherd-landmarks import "),
        ("zherd-landmarks serve --lis", "zherd-landmarks serve --listen "),
    ]

    def complete(self, shell, *commands):
        """Types each case into the shell, as a person would, after the commands."""
        environment = {"PATH": f"{self.prefix}/bin:{os.environ['PATH']}", "HOME": str(self.folder)}
        terminal = Terminal(*shell, environment=environment)
        self.addCleanup(terminal.close)
        terminal.types(f"cd {shlex.quote(str(self.prefix))}; PS1='$ '; {'; '.join(commands)}; echo re''ady\r")
        terminal.shows("ready\r\n")
        terminal.shows("$ ")
        for typed, meant in self.CASES:
            with self.subTest(typed):
                terminal.types(f"{typed}\t.\x01: \r")  # a dot at the end, and `:` before it all
                terminal.shows(f"{meant}.")
                terminal.shows("$ ")

    def test_bash(self):
        script = self.prefix / "share/bash-completion/completions/zherd"
        self.assertEqual(run("bash", "-n", script).returncode, 0)
        self.complete(["bash", "--norc", "--noprofile", "-i"], f". {shlex.quote(str(script))}")

    def test_zsh(self):
        folder = self.prefix / "share/zsh/site-functions"
        self.assertEqual(run("zsh", "-n", folder / "_zherd").returncode, 0)
        self.complete(["zsh", "-f", "-i"], f"fpath=({shlex.quote(str(folder))} $fpath)", "autoload -U compinit",
                      "compinit -u -D", "unsetopt zle_bracketed_paste 2>/dev/null", "bindkey -e")


if __name__ == "__main__":
    unittest.main(verbosity=2)
