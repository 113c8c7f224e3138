"""zherd journal: what it says of a journal's folder, and what it does to it."""

import fcntl
import os
import pathlib
import pty
import re
import subprocess
import tempfile
import unittest

import journal_blocks as blocks
import rig

FIRST, SECOND = 0x1111111111111111, 0x2222222222222222
AT = "AT Clark +0.263873386 {} {} 1621464827.959498503\n"


def run(*words, stdout=subprocess.PIPE):
    done = subprocess.run([rig.BUILD / "zherd", "journal", *map(str, words)], stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Journal(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "Clark.journal"
        self.folder.mkdir()
        place = blocks.location
        self.first = self.folder / blocks.segment_name(1, FIRST)
        self.second = self.folder / blocks.segment_name(2, SECOND)
        self.first.write_bytes(
            blocks.block(FIRST, blocks.BEGIN, 1) +
            blocks.block(FIRST, blocks.CHUNK, 2, [place("a", "+1+1"), place("b", "+1+1")]) +
            blocks.block(FIRST, blocks.END, 3, begin=1) +
            # The order time falls; the sequence says which is newer.
            blocks.block(FIRST, blocks.CHANGES, 4, [place("a", "+2+2", order_ns=7)]))
        self.second.write_bytes(
            blocks.block(SECOND, blocks.CHANGES, 5, [place("b", ""), place("c", "+3+3")]) +
            bytes(8 * blocks.PAGE))

    def dump(self):
        status, out, error = run("dump", self.folder)
        return status, sorted(out.splitlines(keepends=True)), error

    def flip(self, path, at):
        content = bytearray(path.read_bytes())
        content[at] ^= 0x10
        path.write_bytes(content)

    def test_dump_prints_the_newest_of_each_client_and_no_tombstone(self):
        self.assertEqual(self.dump(), (0, [AT.format("a", "+2+2"), AT.format("c", "+3+3")], ""))

    def test_check_lists_every_block(self):
        status, out, error = run("check", self.folder)
        self.assertEqual((status, error), (0, ""))
        for line in (r"0000000000000001-1111111111111111\.blocks: 16384 bytes",
                     r" +0 +4096 bytes  begin +sequence 1",
                     r" +4096 +4096 bytes  chunk +sequence 2  2 locations",
                     r" +8192 +4096 bytes  end +sequence 3  of the generation that begins with 1",
                     r" +12288 +4096 bytes  changes +sequence 4  1 location",
                     r" +4096 +32768 bytes  not used",
                     r"2 segments, 0 other files; 5 blocks count, from sequence 1 to 5",
                     r"3 clients; 2 older locations, 0 refused",
                     r"unreadable: 0 bytes, in 0 stretches before a block and 0 at the end of a file"):
            self.assertTrue(re.search(f"^{line}$", out, re.M), (line, out))

    def test_a_rotten_block_costs_itself_and_is_reported(self):
        self.flip(self.first, 3 * blocks.PAGE + 100)
        self.flip(self.first, 1 * blocks.PAGE + 1)
        status, out, error = run("check", self.folder)
        self.assertEqual(status, 1)
        self.assertRegex(out, r"\n +4096 +4096 bytes  unreadable\n")
        self.assertIn("1 unreadable stretches before a block, 2 blocks missing", error)
        self.assertEqual(self.dump()[:2], (1, [AT.format("c", "+3+3")]))

    def test_a_torn_end_is_no_fault(self):
        content = self.second.read_bytes()
        torn = blocks.block(SECOND, blocks.CHANGES, 6, [blocks.location("d", "+4+4" * 1500)])
        self.second.write_bytes(content[:blocks.PAGE] + torn[:blocks.PAGE] + bytes(blocks.PAGE))
        status, out, error = run("check", self.folder)
        self.assertEqual((status, error), (0, ""))
        self.assertIn("in 0 stretches before a block and 1 at the end of a file\n", out)

    def test_a_file_that_is_missing_is_reported(self):
        self.first.unlink()
        status, lines, error = self.dump()
        self.assertEqual((status, lines), (1, [AT.format("c", "+3+3")]))
        self.assertIn("4 blocks missing", error)
        self.second.unlink()
        self.assertEqual(self.dump(), (0, [], ""))

    def test_repair_puts_aside_what_is_unreadable_and_deletes_nothing(self):
        (self.folder / "notes").write_text("mine")
        self.flip(self.first, 1 * blocks.PAGE + 1)
        rotten = self.first.read_bytes()
        dumped = self.dump()
        status, out, error = run("repair", self.folder)
        self.assertEqual((status, error), (0, ""))
        aside = self.folder / f"{self.first.name}.unreadable-4096"
        self.assertEqual(out, f"{self.first.name}: 4096 bytes at 4096 are now in {aside.name}\n")
        self.assertEqual(aside.read_bytes(), rotten[4096:8192])
        self.assertEqual(self.first.read_bytes(), rotten[:4096] + bytes(4096) + rotten[8192:])
        self.assertEqual((self.folder / "notes").read_text(), "mine")
        self.assertEqual(self.dump()[1], dumped[1])
        self.assertIn("0 unreadable stretches before a block, 1 blocks missing",
                      run("check", self.folder)[2])
        self.assertEqual(run("repair", self.folder), (0, "nothing is unreadable\n", ""))

    def test_repair_refuses_where_the_bytes_cannot_be_kept(self):
        self.flip(self.first, 1 * blocks.PAGE + 1)
        rotten = self.first.read_bytes()
        (self.folder / f"{self.first.name}.unreadable-4096").write_text("of an earlier repair")
        status, _, error = run("repair", self.folder)
        self.assertEqual(status, 1)
        self.assertIn("unreadable-4096: File exists", error)
        self.assertEqual(self.first.read_bytes(), rotten)

    def test_beside_an_owner_only_repair_is_refused(self):
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(run("check", self.folder)[0], 0)
            self.assertEqual(self.dump()[0], 0)
            status, _, error = run("repair", self.folder)
        self.assertEqual(status, 1)
        self.assertIn("its node is running", error)
        self.assertEqual(run("repair", self.folder)[0], 0)

    def test_another_version_is_one_line(self):
        with self.second.open("ab") as file:
            file.write(blocks.block(SECOND, blocks.CHANGES, 9, version=2))
        for what in ("check", "dump"):
            status, _, error = run(what, self.folder)
            self.assertEqual(status, 1)
            self.assertIn("has blocks of version 2, and this program reads version 1", error)
            self.assertEqual(error.count("\n"), 1)

    def test_control_bytes_of_clients_do_not_reach_a_terminal(self):
        self.second.write_bytes(
            blocks.block(SECOND, blocks.CHANGES, 5, [blocks.location("c\x1b[2J", "+3+3")]))
        self.assertIn("c\x1b[2J", "".join(self.dump()[1]))
        ours, theirs = pty.openpty()
        run("dump", self.folder, stdout=theirs)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertIn("c\\x1b[2J", shown)
        self.assertNotIn("\x1b", shown)

    def test_wrong_words(self):
        for words in ((), ("check",), ("mend", self.folder), ("check", self.folder, "x"), ("--x",)):
            self.assertEqual(run(*words)[0], 2, words)
        status, _, error = run("check", self.folder / "nothing")
        self.assertEqual(status, 1)
        self.assertIn("No such file or directory: write the folder", error)

    def test_a_full_output_is_a_failure(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(run("dump", self.folder, stdout=full)[0], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
