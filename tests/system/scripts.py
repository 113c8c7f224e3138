"""The scripts of gateway/PROTOCOL.md, run with the real programs."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from rig import ROOT, Herd

PAGE = (ROOT / "gateway" / "PROTOCOL.md").read_text()
# A WHATSAT of a herd whose places service is not there takes one second.
SECONDS_MAX = 15
PROGRAMS = {"nc", "socat", "curl", "plink", "busybox nc", "busybox telnet"}


def block(tag):
    """The one block of that tag in the chapter about scripts."""
    [text] = re.findall(rf"^```{tag}\n(.*?)^```$", PAGE.partition("\n## From a script\n")[2],
                        re.MULTILINE | re.DOTALL)
    return text


class Scripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.herd = Herd(["A-B"]).start("A", "B").linked()
        cls.folder = tempfile.TemporaryDirectory()
        with cls.herd.client("A") as client:
            client.send(block("commands"))
            cls.replies = client.rest().decode()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        cls.herd.__exit__(None, None, None)

    def run_line(self, line, commands):
        """What the line writes with these commands in the file, its ends of lines made LF, and
        whether they were CR LF."""
        (pathlib.Path(self.folder.name) / "commands.txt").write_text(commands)
        line, count = re.subn(r"\b11500\b", str(self.herd.ports["A"]), line)
        self.assertEqual(count, 1, line)
        result = subprocess.run(line, shell=True, cwd=self.folder.name, capture_output=True,
                                timeout=SECONDS_MAX)
        got = result.stdout.decode()
        if "busybox telnet" in line:
            got, count = re.subn(r"^Connect(ed to|ion closed by) .*\n", "", got,
                                 flags=re.MULTILINE)
            self.assertEqual(count, 2 if "QUIT" in commands else 1, got)
        return got.replace("\r\n", "\n"), "\r\n" in got

    def check(self, line, commands):
        got, in_crlf = self.run_line(line, commands)
        difference = re.compile(r"^AT A \S+", re.MULTILINE)
        self.assertEqual(difference.sub("AT A", got), difference.sub("AT A", self.replies))
        self.assertEqual(in_crlf, "plink" in line and "-telnet" in line)

    def test_the_replies_are_whole(self):
        self.assertEqual(self.replies.count("AT A "), 2)
        self.assertIn("UNKNOWN_ERROR", self.replies)

    def test_every_line_of_the_page(self):
        commands = block("commands")
        self.assertTrue(commands.endswith("\nQUIT\n"))
        for line in block("sh").splitlines():
            with self.subTest(line):
                self.check(line, commands)

    def test_only_curl_needs_quit(self):
        commands = block("commands").removesuffix("QUIT\n")
        for line in block("sh").splitlines():
            if not line.startswith("curl"):
                with self.subTest(line):
                    self.check(line, commands)

    def test_no_program_is_forgotten(self):
        lines = block("sh")
        self.assertEqual({name for name in PROGRAMS if re.search(rf"\b{name}\b", lines)}, PROGRAMS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
