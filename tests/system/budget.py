"""A provider's budget: what a broker has spent of it is spent for the next one, too."""

import pathlib
import re
import stat
import subprocess
import tempfile
import unittest

from places_rig import BUSY, OK, Front, Provider, Service
from rig import BUILD, PATIENCE, wait_for

BUDGET = 96  # 12 in the first hour, of which half are for askers that are no node
FREE = 6


class Budget(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zherd-budget-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"
        self.file = self.data / "budget"
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.service = Service(folder.name, self.provider.url(),
                               more=f"    budget = {BUDGET}\n    cache_s = 0\n")
        self.addCleanup(self.service.close)
        self.asked = 0

    def start(self, *words):
        return self.service.start(*words or [f"--data-dir={self.data}"])

    def ask(self, count):
        """Asks about `count` places; the codes of the answers."""
        front = Front(self.service.front)
        self.addCleanup(front.close)
        codes = []
        for _ in range(count):
            codes.append(front.answer(latitude=self.asked % 80)[0])
            self.asked += 1
        return codes

    def kept(self):
        """What the file says was used today."""
        return int(re.search(r"^1 google since_ms \d+ used (\d+) hour 0 of 12 used \1$",
                             self.file.read_text()).group(1)) if self.file.exists() else 0

    def refuse(self, *words):
        """What placesd says when it does not start with these words."""
        ended = subprocess.run([BUILD / "placesd", "--topology", self.service.file, *words],
                               capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(ended.returncode, 1)
        return ended.stderr

    def test_a_stop_forgets_nothing(self):
        placesd = self.start()
        self.assertEqual(self.ask(4), [OK] * 4)
        self.assertEqual(placesd.stop()[0], 0)
        self.assertEqual(self.kept(), 4)
        self.assertEqual(stat.S_IMODE(self.data.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual([entry.name for entry in self.data.iterdir()], ["budget"])
        self.start()
        self.assertEqual(self.ask(4), [OK] * (FREE - 4) + [BUSY] * 2)
        self.assertEqual(self.provider.requests, FREE)

    def test_a_kill_forgets_what_was_asked_in_the_last_second(self):
        placesd = self.start()
        self.assertEqual(self.ask(5), [OK] * 5)
        wait_for("5 used in the file", lambda: self.kept() == 5, 3)
        placesd.kill()
        self.start()
        self.assertEqual(self.ask(3), [OK, BUSY, BUSY])

    def test_the_log_says_how_much_is_spent(self):
        placesd = self.start()
        self.ask(FREE + 1)
        for line in (f"budget: {BUDGET} requests a day, kept in {self.file}",
                     "budget of provider google: 6 of the hour's 12 requests are used: not asked "
                     "for more"):
            wait_for(line, lambda: line in placesd.err.read_text())

    def test_without_a_folder_it_says_that_it_forgets(self):
        placesd = self.start("--places=1")
        self.assertEqual(self.ask(FREE + 1), [OK] * FREE + [BUSY])
        wait_for("a line about it",
                 lambda: "a restart forgets what is spent" in placesd.err.read_text())
        placesd.stop()
        self.start("--places=1")
        self.assertEqual(self.ask(1), [OK])

    def test_a_file_that_it_has_not_written_is_no_budget(self):
        self.data.mkdir()
        for text in ("1 google since_ms 5 used 1\n", "x" * 5000):
            self.file.write_text(text)
            said = self.refuse("--data-dir", str(self.data))
            self.assertIn(f"{self.file}: not as placesd writes it", said)
            self.assertEqual(self.file.read_text(), text)
        self.file.unlink()
        self.file.symlink_to("/etc/hostname")
        self.assertIn(f"{self.file}: ", self.refuse("--data-dir", str(self.data)))

    def test_a_folder_that_cannot_be_is_named(self):
        for folder in ("no/such/folder", self.service.file):
            folder = str(self.folder / folder)
            self.assertIn(f"--data-dir: {folder}: ", self.refuse("--data-dir", folder))

    def test_a_full_disk_costs_no_look_up(self):
        self.data.mkdir()
        (self.data / "budget.new").mkdir()  # in the way of the new file
        placesd = self.start()
        self.assertEqual(self.ask(3), [OK] * 3)
        wait_for("a line about it", lambda: "a restart will not know what is spent" in
                 placesd.err.read_text(), PATIENCE)
        self.assertEqual(placesd.stop()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
