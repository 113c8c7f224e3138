"""Everything README.md tells a newcomer to type, typed in a fresh clone."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from rig import PATIENCE, ROOT, Client, Process, copy_sources, wait_for

# Commands that stay in the foreground until they are stopped.
STAYS = ("topology/up", "build/zherd-gateway", "build/placesd")
BUILD_PATIENCE = 900


def blocks(text):
    """The fenced blocks as (tag, text)."""
    return re.findall(r"^```(\S[^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-clone-"))
        cls.clone = cls.folder / "a clone"
        copy_sources(cls.clone)
        cls.blocks = blocks((ROOT / "README.md").read_text())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def commands(self):
        return [line for tag, text in self.blocks if tag == "sh" for line in text.splitlines()]

    def test_1_up_and_the_conversation(self):
        self.assertEqual(self.commands()[0], "topology/up")
        up = Process(self.clone, "up", "topology/up")
        try:
            up.says("^ready", BUILD_PATIENCE)
            session = next(text for tag, text in self.blocks if tag == "session")
            self.play(session)
        finally:
            up.child.terminate()
            self.assertEqual(up.child.wait(PATIENCE), 0)

    def play(self, session):
        """Types what the document types; what came back must look as printed there."""
        client, expected, asked = None, [], ""
        first_got = {}
        for line in session.splitlines():
            if line.startswith("$ telnet "):
                if client:
                    client.close()
                client = Client(int(line.split()[-1]), line.split()[-2])
            elif re.match("IAMAT|WHATSAT|QUIT", line):
                asked = line + "\n"
                client.send(asked)
            elif line.startswith("AT "):
                got = client.line()
                while got.startswith("? WHATSAT"):  # typed faster than any person could
                    client.send(asked)
                    got = client.line()
                masked = re.sub(r"[+-]\d+\.\d{9}(?= )", "DIFFERENCE", got, count=1)
                wanted = re.sub(r"[+-]\d+\.\d{9}(?= )", "DIFFERENCE", line, count=1)
                self.assertEqual(masked, wanted)
                self.assertEqual(first_got.setdefault(wanted, got), got)
            elif line and line != "      ...":
                expected.append(line)
        body = client.until(b"\n\n").decode().splitlines()
        for line in expected:
            self.assertIn(line, body)
        client.close()

    def test_2_every_other_command(self):
        for command in self.commands()[1:]:
            with self.subTest(command):
                if command.startswith(STAYS):
                    process = Process(self.clone, "stays", *command.split())
                    process.says("^ready")
                    self.assertEqual(process.stop()[0], 0)
                    continue
                if command.startswith("build/zherd tap"):
                    self.listen(command)
                    continue
                if command == "tests/run":
                    command += " -R unit/bytes"
                done = subprocess.run(command, shell=True, cwd=self.clone, text=True,
                                      capture_output=True, timeout=BUILD_PATIENCE)
                self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
                self.assertTrue(done.stdout.strip())
        typo = subprocess.run(["tests/run", "-R", "unit/bites"], cwd=self.clone, text=True,
                              capture_output=True, timeout=BUILD_PATIENCE)
        self.assertNotEqual(typo.returncode, 0, "no such test")

    def listen(self, command):
        """Nobody else runs: it waits for its node until it is stopped."""
        process = Process(self.clone, "tap", *command.split())
        wait_for("it listens", lambda: "listens to" in process.err.read_text())
        self.assertEqual(process.stop()[0], 0)

    def test_3_every_topology_is_accepted(self):
        good = (ROOT / "topology" / "fall2016.zpl").read_text()
        herd_only = good[:good.index("places")]
        for number, (tag, text) in enumerate(b for b in self.blocks if b[0].startswith("zpl")):
            path = self.clone / f"readme{number}.zpl"
            path.write_text((herd_only if tag == "zpl places" else "") + text)
            done = subprocess.run([self.clone / "build" / "zherd", "check", path], text=True,
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith("ok"))

    def test_4_every_link_of_every_page_exists(self):
        pages = [page for page in ROOT.rglob("*.md")
                 if page.relative_to(ROOT).parts[0] not in ("build", "log")]
        self.assertGreater(len(pages), 8)
        for page in pages:
            for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
                if "://" not in target:
                    self.assertTrue((page.parent / target).exists(), f"{page}: {target}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
