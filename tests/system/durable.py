"""A herd with a journal: what was answered is there after kill -9, of one node and of all."""

import random
import re
import subprocess
import time
import unittest

import rig
from clients import pour
from joining import iamats

LINKS = ["Alford-Ball"]
# A segment is 64 MiB, which a slow disk takes its time for.
PATIENCE = 60


class Durable(unittest.TestCase):
    def herd(self, journal, links=LINKS, nodes=None):
        herd = rig.Herd(links, nodes=nodes, places=False)
        self.enterContext(herd)
        text = herd.file.read_text()
        herd.file.write_text(text.replace("herd\n", f"herd\n    journal = {journal}\n", 1))
        self.data = herd.folder / "data"
        return herd

    def start(self, herd, *names):
        for name in names or herd.ports:
            herd.launch(name, "--data-dir", self.data)
        for name in names or herd.ports:
            herd.processes[name].says("^ready")

    def iamat(self, herd, name, client, number):
        with herd.client(name) as speaker:
            speaker.send(f"IAMAT {client} +{number % 90}.5-118.25 {time.time():.9f}\n")
            return speaker.line()

    def dumped(self, name):
        done = subprocess.run([rig.BUILD / "zherd", "journal", "dump",
                               self.data / f"{name}.journal"], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, set(done.stdout.splitlines())

    def read(self, herd, name, clients):
        rig.wait_for("what was read at the start",
                     lambda: f" journal - {clients} clients from " in herd.log(name), PATIENCE)

    def checked(self, name):
        return subprocess.run([rig.BUILD / "zherd", "journal", "check",
                               self.data / f"{name}.journal"], capture_output=True, text=True,
                              timeout=60).stdout

    def on_disk(self, name, lines):
        rig.wait_for("the journal to hold all",
                     lambda: {line.strip() for line in lines} <= self.dumped(name)[1], PATIENCE)

    def test_all_nodes_are_killed_and_have_everything_again(self):
        for journal in ("everysec", "always"):
            with self.subTest(journal=journal):
                herd = self.herd(journal)
                self.start(herd)
                herd.linked()
                lines = {f"c{i}": self.iamat(herd, "Alford" if i % 2 else "Ball", f"c{i}", i)
                         for i in range(50)}
                for name in herd.ports:
                    self.on_disk(name, lines.values())
                for name in herd.ports:
                    herd.kill(name)
                self.start(herd)
                for name in herd.ports:
                    self.read(herd, name, 50)
                    for client, line in lines.items():
                        self.assertEqual(herd.at_line(name, client), line)

    def test_a_node_that_comes_back_is_told_only_what_changed(self):
        herd = self.herd("everysec", links=["Alford-Ball"])
        self.start(herd)
        herd.linked()
        pour(herd.ports["Alford"], iamats(b"c", range(3000)), 3000)
        rig.wait_for("Ball to have it on the disk",
                     lambda: len(self.dumped("Ball")[1]) >= 3000, PATIENCE)
        herd.kill("Ball")
        lines = {f"c{i}": self.iamat(herd, "Alford", f"c{i}", i) for i in range(0, 200, 10)}
        self.start(herd, "Ball")
        self.read(herd, "Ball", 3000)
        for client, line in lines.items():
            rig.wait_for(client, lambda: herd.at_line("Ball", client) == line, PATIENCE)
        herd.processes["Ball"].stop()
        received = int(re.search(r" stop - .* received (\d+) ", herd.log("Ball"))[1])
        self.assertLessEqual(received, 2 * len(lines))

    def test_who_was_forgotten_and_what_is_over_stay_away(self):
        herd = self.herd("always", links=[], nodes=["Alford"])
        text = herd.file.read_text()
        keys = "    expire = 20s\n    forget = yes\n"
        herd.file.write_text(text.replace("herd\n", "herd\n" + keys, 1))
        self.start(herd)
        began = time.time()
        self.iamat(herd, "Alford", "kiwi", 1)
        with herd.client("Alford") as speaker:
            self.assertTrue(speaker.ask("FORGET kiwi").startswith("AT Alford "))
        kept = self.iamat(herd, "Alford", "plum", 2)
        self.on_disk("Alford", [kept])
        herd.kill("Alford")
        self.start(herd)
        self.read(herd, "Alford", 2)
        self.assertIsNone(herd.at_line("Alford", "kiwi"))
        if time.time() < began + 15:
            self.assertEqual(herd.at_line("Alford", "plum"), kept)
        herd.kill("Alford")
        rig.wait_for("the position's end", lambda: time.time() > began + 25, PATIENCE)
        self.start(herd)
        rig.wait_for("the position to be over", lambda: herd.at_line("Alford", "plum") is None,
                     PATIENCE)

    def test_a_lone_node_is_killed_at_any_moment(self):
        herd = self.herd("always", links=[], nodes=["Alford"])
        dice = random.Random(7)
        safe = {}
        for life in range(6):
            self.start(herd)
            for client, line in safe.items():
                held = herd.at_line("Alford", client)
                self.assertIsNotNone(held, (life, client))
                # What it has is what was safe, or what came after that.
                self.assertGreaterEqual(float(held.split()[-1]), float(line.split()[-1]))
            lines = {f"c{i}": self.iamat(herd, "Alford", f"c{i}", i)
                     for i in dice.sample(range(40), 20)}
            if life % 2 == 0:
                self.on_disk("Alford", lines.values())
                safe.update(lines)
            else:
                time.sleep(dice.random() / 50)
            herd.kill("Alford")

    def test_term_leaves_nothing_unwritten(self):
        herd = self.herd("everysec", links=[], nodes=["Alford"])
        self.start(herd)
        rig.wait_for("a generation's end", lambda: "  end " in self.checked("Alford"), PATIENCE)
        line = self.iamat(herd, "Alford", "kiwi", 1)
        self.assertEqual(herd.processes["Alford"].stop()[0], 0)
        self.assertEqual(self.dumped("Alford"), (0, {line.strip()}))

    def test_start_is_refused_with_one_line(self):
        herd = self.herd("everysec", links=[], nodes=["Alford"])
        refused = herd.launch("Alford")
        self.assertEqual(refused.child.wait(PATIENCE), 1)
        self.assertIn("the herd has a journal: write --data-dir DIR", refused.err.read_text())
        self.start(herd)
        other = rig.Process(herd.folder, "other", *herd.command("Alford", "--data-dir", self.data,
                                                                "--log-dir", herd.folder / "log2"))
        self.assertEqual(other.child.wait(PATIENCE), 1)
        self.assertIn("another process writes this journal", other.err.read_text())

    def test_without_a_journal_nothing_is_written(self):
        herd = self.herd("off", links=[], nodes=["Alford"])
        self.start(herd)
        self.iamat(herd, "Alford", "kiwi", 1)
        herd.processes["Alford"].stop()
        self.assertFalse(self.data.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
