"""answers_after: what was answered outlives kill -9 of the node that answered, at any moment."""

import random
import socket
import time
import unittest

import rig

# A segment is 64 MiB, which a slow disk takes its time for.
PATIENCE = 60
ROUNDS = 6


class Promises(unittest.TestCase):
    def herd(self, answers_after, journal="off", links=("Alford-Ball",), nodes=None):
        herd = rig.Herd(list(links), nodes=nodes, places=False)
        self.enterContext(herd)
        keys = f"herd\n    journal = {journal}\n    answers_after = {answers_after}\n"
        herd.file.write_text(herd.file.read_text().replace("herd\n", keys, 1))
        return herd

    def start(self, herd, *names):
        for name in names or herd.ports:
            herd.launch(name, "--data-dir", herd.folder / "data")
        for name in names or herd.ports:
            herd.processes[name].says("^ready")

    def pipeline(self, herd, name, clients, enough):
        """Sends a position of each client at once, and kills the node as soon as there are `enough`
        answers; all answers that came until then, as {client: AT line}."""
        answered = {}
        with herd.client(name) as speaker:
            for client in clients:
                speaker.send(f"IAMAT {client} +{len(client)}.5-118.25 {time.time():.9f}\n")
            while len(answered) < enough:
                line = speaker.line()
                if line.startswith("AT "):
                    answered[line.split()[3]] = line
                else:
                    speaker.send(line[2:] + "\n")  # not promised in time: the same once more
            herd.kill(name)
            try:
                rest = speaker.rest().decode()
            except ConnectionResetError:
                rest = speaker.pending.decode()
        for line in rest.split("\n")[:-1]:
            if line.startswith("AT "):
                answered[line.split()[3]] = line
        return answered

    def check(self, herd, name, answered):
        for client, line in answered.items():
            held = herd.at_line(name, client)
            self.assertIsNotNone(held, (name, client))
            # Of an answer that came after a `? ` the difference is a later one.
            self.assertEqual(held.split()[3:], line.split()[3:])

    def rounds(self, herd, dice, look):
        """Rounds of answers that are cut off by kill -9; `look` finds all of them afterwards."""
        answered = {}
        for number in range(ROUNDS):
            count = dice.choice((1, 1, 16, 300))
            clients = [f"c{number}x{i}" for i in range(count)]
            new = self.pipeline(herd, "Alford", clients, dice.randint(1, count))
            self.assertTrue(new)
            answered.update(new)
            look(answered)

    def test_a_neighbour_has_what_was_answered(self):
        herd = self.herd("neighbour")
        self.start(herd)
        herd.linked()

        def look(answered):
            self.check(herd, "Ball", answered)
            self.start(herd, "Alford")
            herd.linked()

        self.rounds(herd, random.Random(1), look)

    def test_the_disk_has_what_was_answered(self):
        herd = self.herd("disk", "everysec", links=(), nodes=["Alford"])
        self.start(herd)

        def look(answered):
            self.start(herd, "Alford")
            self.check(herd, "Alford", answered)

        self.rounds(herd, random.Random(2), look)

    def test_with_both_all_nodes_may_be_killed(self):
        herd = self.herd("both", "everysec")
        self.start(herd)
        herd.linked()

        def look(answered):
            self.check(herd, "Ball", answered)
            herd.kill("Ball")
            self.start(herd, "Alford")
            self.check(herd, "Alford", answered)
            self.start(herd, "Ball")
            herd.linked()

        self.rounds(herd, random.Random(3), look)

    def test_without_a_neighbour_it_is_said_at_once_and_answered_after_2_s(self):
        herd = self.herd("neighbour")
        self.start(herd, "Alford")
        sent = f"IAMAT kiwi +1.5-1.5 {time.time():.9f}"
        with herd.client("Alford") as speaker:
            start = time.monotonic()
            speaker.send(sent + "\r\nnonsense\n")
            rig.wait_for("the line of the log", lambda: " fault - answers wait for a neighbour, and "
                         "no link is up: each is `? ` after 2 s" in herd.log("Alford"))
            self.assertLess(time.monotonic() - start, 1.9)
            self.assertEqual(speaker.lines(2), ["? " + sent, "? nonsense"])
            self.assertGreaterEqual(time.monotonic() - start, 2)
            rig.wait_for("the count in the log", lambda: " fault - 1 positions stored and not "
                         "promised in time" in herd.log("Alford"))
            self.assertTrue(speaker.ask("WHATSAT kiwi 1 0").startswith("AT Alford "))
            speaker.until(b"\n\n")
            self.start(herd, "Ball")
            herd.linked()
            self.assertTrue(speaker.ask(sent).startswith("AT Alford "))  # the same may be sent again
        self.assertTrue(herd.at_line("Ball", "kiwi").startswith("AT Alford "))
        self.assertEqual(herd.log("Alford").count("answers wait for a neighbour"), 1)

    def test_who_goes_away_takes_nothing_with_him(self):
        herd = self.herd("neighbour")
        self.start(herd, "Alford")
        for i in range(20):
            speaker = socket.create_connection(("127.0.0.1", herd.ports["Alford"]), rig.PATIENCE)
            speaker.sendall(f"IAMAT c{i} +1.5-1.5 {time.time():.9f}\n".encode())
            speaker.close()
        with herd.client("Alford") as speaker:
            self.assertEqual(speaker.ask("IAMAT last +1+1 1"), "? IAMAT last +1+1 1")
        self.assertEqual(herd.processes["Alford"].stop()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
