"""zherd backup and zherd restore: all of a herd on this host, beside its nodes, or nothing."""

import io
import os
import pathlib
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import tarfile
import tempfile
import threading
import unittest

import journal_blocks as blocks
from rig import BUILD, Client, Process, free_ports, wait_for

CLIENTS = 300
SECRETS = ["Left", "Right", "placesd"]


def zherd(*words, **options):
    return subprocess.run([str(BUILD / "zherd"), *map(str, words)], capture_output=True, text=True,
                          timeout=60, **options)


class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-backup-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        ports = free_ports(9)
        self.ports = dict(zip(("Left", "Right"), ports))
        self.more_ports = ports[7:]
        self.far = self.folder / "far"
        self.far.mkdir()
        with sqlite3.connect(self.far / "places.db") as database:
            database.execute("create table places (name)")
            database.executemany("insert into places values (?)", [("x" * 1000,)] * 100)
        database.close()
        (self.folder / "here").mkdir()
        self.file = self.folder / "here" / "pair.zpl"
        self.file.write_text(
            "herd\n    name = pair\n    journal = everysec\n"
            + "".join(f"node\n    name = {name}\n    clients = tcp://127.0.0.1:{ports[i]}\n"
                      f"    bus = tcp://127.0.0.1:{ports[2 + i]}\n"
                      for i, name in enumerate(self.ports))
            + "link\n    between = Left Right\n"
            f"places\n    gateways = tcp://127.0.0.1:{ports[4]}\n"
            f"    workers = tcp://127.0.0.1:{ports[5]}\n    provider = landmarks\n"
            f"    url = http://127.0.0.1:{ports[6]}/maps/api/place/nearbysearch/json\n"
            "    budget = 1000\n")
        self.assertEqual(zherd("keygen", self.file).returncode, 0)
        self.data = pathlib.Path(f"{self.file}.data")
        self.archive = self.folder / "pair.tar"

    def make_data(self):
        """What a herd without nodes that run has kept."""
        self.data.mkdir(mode=0o700)
        (self.data / "Left.journal").mkdir()
        (self.data / "budget").write_text("spent")
        (self.data / "Left.journal" / blocks.segment_name(1, 7)).write_bytes(
            blocks.block(7, blocks.BEGIN, 1) + blocks.block(7, blocks.CHUNK, 2, [
                blocks.location("a", "+1+1")]) + blocks.block(7, blocks.END, 3, begin=1)
            + bytes(64 * blocks.PAGE))

    def names_places(self, path):
        self.file.write_text(self.file.read_text() + f"    database = {path}\n")

    def refused(self, *words, **options):
        """Says one sentence, and leaves nothing of what it began."""
        before = sorted(self.folder.rglob("*"))
        done = zherd(*words, **options)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        return done.stderr

    def start(self, folder, file, *more):
        up = Process(folder, "up", BUILD / "zherd", "up", file, *more)
        self.addCleanup(up.end)
        up.says("^ready", 30)
        return up

    def test_beside_a_herd_that_is_written_to(self):
        up = self.start(self.folder, self.file)
        stop = threading.Event()

        def write():
            with Client(self.ports["Left"]) as client:
                for number in range(1, 1 << 30):
                    if stop.is_set():
                        return
                    client.send("".join(f"IAMAT load{i} +1+{number % 90} {number}\n"
                                        for i in range(200)))
                    client.lines(200)

        with Client(self.ports["Left"]) as client:
            client.send("".join(f"IAMAT c{i} +34+18 {1 + i}\n" for i in range(CLIENTS)))
            answers = {line.split()[3]: line for line in client.lines(CLIENTS)}
        for name in self.ports:
            wait_for(f"{name}'s journal", lambda: len(self.dump(self.data, name)) == CLIENTS)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(3):
                done = zherd("backup", self.file, self.folder / f"{number}.tar.gz")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
        finally:
            stop.set()
            writer.join()
        self.assertEqual(up.stop()[0], 0)

        for number in range(3):
            back = self.folder / str(number)
            done = zherd("restore", self.folder / f"{number}.tar.gz", back)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, f"{back}/herd.zpl\n", ""))
            for name in self.ports:
                check = zherd("journal", "check", back / f"herd.zpl.data/{name}.journal")
                self.assertEqual(check.returncode, 0, check.stderr)
        (back / "herd.zpl.data/Right.journal").rename(self.folder / "gone")
        up = self.start(back, back / "herd.zpl")
        for name, port in self.ports.items():
            with Client(port) as client:
                for number, at in answers.items():
                    self.assertEqual(client.ask(f"WHATSAT {number} 10 0"), at)
                    self.assertEqual(client.until(b"\n\n")[:1], b"{")
        self.assertEqual(up.stop()[0], 0)

    def dump(self, data, name):
        return zherd("journal", "dump", data / f"{name}.journal").stdout.splitlines()

    def test_each_part_is_there_with_its_mode(self):
        self.make_data()
        (self.folder / "here/apart").mkdir()
        (self.folder / "here/apart/google.key").write_text("secret")
        (self.folder / "here/apart/google.key").chmod(0o600)
        (self.folder / "here/apart/monitor.token").write_text("0123456789abcdef")
        (self.folder / "here/apart/monitor.token").chmod(0o600)
        (self.folder / "here/apart").chmod(0o511)
        self.names_places(self.far / "places.db")
        text = self.file.read_text()
        key = re.search("    public_key = .*\n", text.partition("places\n")[2])[0]
        self.file.write_text(text + "places\n" + key + "".join(
            f"    {word} = tcp://127.0.0.1:{port}\n"
            for word, port in zip(("gateways", "workers"), self.more_ports))
            + "    provider = google\n    key_file = here/apart/google.key\n    url = https://localhost/\n"
            + "    monitor = tcp://127.0.0.1:9\n    monitor_token_file = here/apart/monitor.token\n")
        os.chmod(self.folder / "here/pair.keys", 0o750)
        os.chmod(self.folder / "here/pair.keys/Left.secret", 0o640)
        (self.folder / "here/pair.keys/Right.secret").unlink()
        done = zherd("backup", self.file, self.archive, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.archive.stat().st_mode & 0o7777, 0o600)
        outside = f"outside{self.far.resolve()}/places.db"
        with tarfile.open(self.archive) as tar:
            modes = {member.name.removeprefix("./"): member.mode for member in tar}
        segment = f"herd.zpl.data/Left.journal/{blocks.segment_name(1, 7)}"
        for name, mode in (("pair.keys", 0o750), ("pair.keys/Left.secret", 0o640),
                           ("pair.keys/placesd.secret", 0o600), ("apart/google.key", 0o600),
                           ("apart/monitor.token", 0o600), ("herd.zpl.data", 0o700), ("herd.zpl.data/budget", 0o644),
                           (segment, 0o644), (outside, 0o644), ("herd.zpl", 0o644)):
            self.assertEqual(modes.get(name), mode, name)
        self.assertNotIn("pair.keys/Right.secret", modes)
        # Whoever copies them back over those that are there changes nothing.
        above = [pathlib.Path("/"), *self.far.resolve().parents[:-1], self.far.resolve()]
        for folder in above:
            self.assertEqual(modes.get(f"outside{folder}".rstrip("/")),
                             folder.stat().st_mode & 0o7777 | 0o700, folder)
        self.assertEqual(modes.get("apart"), 0o711)

        back = self.folder / "back"
        done = zherd("restore", self.archive, back)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"{back}/outside has what the file names in other folders", done.stdout)
        self.assertEqual((back / "herd.zpl").read_text(), self.file.read_text())
        self.assertEqual((back / "pair.keys").stat().st_mode & 0o777, 0o750)
        self.assertEqual((back / "herd.zpl.data/budget").read_text(), "spent")
        self.assertEqual(len(self.dump(back / "herd.zpl.data", "Left")), 1)
        self.assertLess((back / segment).stat().st_size, 8 * blocks.PAGE, "unused room")
        with sqlite3.connect(back / outside) as database:
            self.assertEqual(database.execute("select count(*) from places").fetchone(), (100,))
        database.close()

    def test_a_database_that_is_written_to(self):
        self.make_data()
        self.names_places(self.far / "places.db")
        with sqlite3.connect(self.far / "places.db", isolation_level=None) as database:
            database.execute("pragma journal_mode = wal").fetchall()
            database.execute("insert into places values ('beside the file')")
            database.execute("begin immediate")
            database.execute("delete from places")
            done = zherd("backup", self.file, self.archive)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            database.execute("rollback")
        database.close()
        self.assertEqual(zherd("restore", self.archive, self.folder / "back").returncode, 0)
        copy = self.folder / f"back/outside{self.far.resolve()}/places.db"
        with sqlite3.connect(copy) as database:
            self.assertEqual(database.execute("select count(*) from places").fetchone(), (101,))
        database.close()

    def test_nothing_is_overwritten(self):
        self.make_data()
        self.archive.write_text("mine")
        self.assertEqual(self.refused("backup", self.file, self.archive),
                         f"zherd backup: {self.archive}: is there already; nothing is overwritten\n")
        self.assertEqual(self.archive.read_text(), "mine")
        self.archive.unlink()
        self.assertEqual(zherd("backup", self.file, self.archive).returncode, 0)
        self.assertEqual(self.refused("restore", self.archive, self.folder / "here"),
                         f"zherd restore: {self.folder}/here: is there already; nothing is "
                         "overwritten\n")

    def test_what_comes_meanwhile_is_not_overwritten(self):
        """And without tar nothing is made at all."""
        self.make_data()
        programs = self.folder / "programs"
        programs.mkdir()
        self.assertRegex(self.refused("backup", self.file, self.archive, env={"PATH": str(programs)}),
                         "tar: No such file or directory\n$")
        (programs / "tar").write_text(f'#!/bin/sh\necho mine >{self.archive}\nexec /bin/tar "$@"\n')
        (programs / "tar").chmod(0o755)
        done = zherd("backup", self.file, self.archive, env={"PATH": str(programs)})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "pair.tar: File exists\n$")
        self.assertEqual(self.archive.read_text(), "mine\n")

    def test_what_is_not_there_or_no_backup(self):
        self.assertRegex(self.refused("backup", self.file, self.archive),
                         "pair.zpl.data: is not there, and the herd has journals: write --data-dir")
        self.assertRegex(self.refused("backup", "--data-dir", self.folder / "none", self.file,
                                      self.archive), "none: No such file or directory")
        self.make_data()
        self.names_places(self.folder / "nosuch.db")
        done = zherd("backup", self.file, self.archive)
        self.assertEqual(done.returncode, 0)
        self.assertIn("nosuch.db: is not on this host", done.stderr)
        self.assertRegex(self.refused("backup", self.file, self.folder / "none/pair.tar"),
                         "none: No such file or directory")
        self.assertRegex(self.refused("restore", self.folder / "none.tar", self.folder / "back"),
                         "none.tar: No such file or directory")
        (self.folder / "text").write_text("no archive")
        self.assertRegex(self.refused("restore", self.folder / "text", self.folder / "back"),
                         "tar ended with status 2\n$")
        with tarfile.open(self.folder / "other.tar", "w") as tar:
            tar.add(self.folder / "text", "text")
        self.assertRegex(self.refused("restore", self.folder / "other.tar", self.folder / "back"),
                         "other.tar: has no herd.zpl: it is no backup of a herd, or not all of "
                         "one\n$")

    def test_any_name_is_an_archives(self):
        """Also one that the work beside it could want."""
        self.make_data()
        for name in ("herd", "packed", "a.b c.tar.gz"):
            done = zherd("backup", self.file, self.folder / name)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            done = zherd("restore", self.folder / name, self.folder / f"{name} back")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)

    def test_an_archive_that_was_cut(self):
        """In a file, or between two, where tar sees nothing wrong."""
        self.make_data()
        self.assertEqual(zherd("backup", self.file, self.archive).returncode, 0)
        whole = self.archive.read_bytes()
        with tarfile.open(self.archive) as tar:
            starts = [member.offset for member in tar]
        part = self.folder / "part.tar"
        part.write_bytes(whole[:starts[-1] + 700])
        self.assertRegex(self.refused("restore", part, self.folder / "back"),
                         "tar ended with status 2\n$")
        for start in starts[1:]:
            part.write_bytes(whole[:start])
            self.assertRegex(self.refused("restore", part, self.folder / "back"),
                             "has no herd.zpl: it is no backup of a herd, or not all of one\n$")

    def test_hostile_archives(self):
        """Nothing comes to lie elsewhere, and nobody waits for a pipe."""
        victim, good = self.folder / "victim", self.file.read_bytes()
        victim.write_bytes(good)

        def refused(reason, *members, mode=0o755):
            with tarfile.open(self.folder / "hostile.tar", "w") as tar:
                for name, kind, what in members:
                    member = tarfile.TarInfo(name)
                    member.type = kind
                    member.mode = mode
                    if kind == tarfile.REGTYPE:
                        member.size = len(what)
                    else:
                        member.linkname = str(what)
                    tar.addfile(member, io.BytesIO(what) if kind == tarfile.REGTYPE else None)
            said = self.refused("restore", self.folder / "hostile.tar", self.folder / "back")
            self.assertRegex(said, reason)
            self.assertNotIn(".zherd-", said)

        special = "hostile.tar: has something that is neither a file nor a folder: it is no backup"
        herd = ("herd.zpl", tarfile.REGTYPE, good)
        refused(special, ("herd.zpl", tarfile.FIFOTYPE, ""))
        refused(special, ("herd.zpl", tarfile.SYMTYPE, victim))
        refused(special, ("places", tarfile.SYMTYPE, self.folder), herd)
        refused(special, ("pair.keys", tarfile.DIRTYPE, ""),
                ("pair.keys/Left.secret", tarfile.FIFOTYPE, ""), herd)
        if os.geteuid() != 0:
            for mode in (0o644, 0o311, 0):
                refused("hostile.tar: has a folder that cannot be looked into\n$",
                        ("pair.keys", tarfile.DIRTYPE, ""),
                        ("pair.keys/Left.secret", tarfile.FIFOTYPE, ""), herd, mode=mode)
        refused("tar ended with status 2", ("../loose", tarfile.REGTYPE, b"x"), herd)
        refused("tar ended with status 2", ("loose", tarfile.LNKTYPE, victim), herd)
        refused("tar ended with status 2", ("d", tarfile.SYMTYPE, self.folder),
                ("d/loose", tarfile.REGTYPE, b"x"), herd)
        refused("herd.zpl:1: .*\n.*hostile.tar: its herd.zpl is not good\n$",
                ("herd.zpl", tarfile.REGTYPE, b"herd\n"))

    def test_all_or_nothing(self):
        """A source that cannot be read, a disk that is full, a signal."""
        self.make_data()
        secret = self.folder / "here/pair.keys/Right.secret"
        secret.rename(self.folder / "kept")
        secret.mkdir()
        self.assertRegex(self.refused("backup", self.file, self.archive),
                         "Right.secret: is no file\n$")
        secret.rmdir()
        (self.folder / "kept").rename(secret)

        def little_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (12288, 12288))
        self.assertRegex(self.refused("backup", self.file, self.archive, preexec_fn=little_room),
                         "File too large|tar ended with status 2")

        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "wb") as nobody:
            done = subprocess.run([BUILD / "zherd", "backup", self.file, self.archive], stdout=nobody,
                                  stderr=subprocess.PIPE, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.archive.unlink()
        self.assertEqual(list(self.folder.glob(".zherd-*")), [])

        def told_to_end():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            os.kill(os.getpid(), signal.SIGTERM)
        self.assertRegex(self.refused("backup", self.file, self.archive, preexec_fn=told_to_end),
                         "stopped by a signal; nothing was made\n$")

    def test_a_journal_that_is_damaged_is_copied_all_the_same(self):
        self.make_data()
        segment = self.data / "Left.journal" / blocks.segment_name(1, 7)
        content = bytearray(segment.read_bytes())
        content[blocks.PAGE + 100] ^= 1
        segment.write_bytes(content)
        done = zherd("backup", self.file, self.archive)
        self.assertEqual(done.returncode, 0)
        self.assertIn("Left.journal: is copied with what is wrong in it", done.stderr)
        with tarfile.open(self.archive) as tar:
            copy = tar.extractfile(f"./herd.zpl.data/Left.journal/{segment.name}").read()
        self.assertEqual(copy, content[:len(copy)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
