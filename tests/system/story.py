"""The scenario that every report of this exercise shows, with the real programs."""

import unittest

from rig import UCLA, Herd, wait_for

KIWI = "kiwi.cs.ucla.edu"


class Story(unittest.TestCase):
    def test_five_nodes_lose_two_and_come_back(self):
        with Herd().start() as herd:
            herd.linked()
            with herd.client("Alford") as alford:
                first = alford.ask(f"IAMAT {KIWI} {UCLA} 1479413884.392014450")
            self.assertRegex(first, rf"^AT Alford \+\d+\.\d{{9}} {KIWI} \{UCLA} "
                                    r"1479413884\.392014450$")
            herd.everybody_holds(KIWI, first)

            # Welsh is gone: the ring is a chain, and everybody is still in touch.
            herd.kill("Welsh")
            with herd.client("Ball") as ball:
                second = ball.ask(f"IAMAT {KIWI} {UCLA} 1479413885.0")
            herd.everybody_holds(KIWI, second)

            # Ball is gone too: Alford, Hamilton and Holiday remain one herd.
            herd.kill("Ball")
            with herd.client("Holiday") as holiday:
                third = holiday.ask(f"IAMAT {KIWI} {UCLA} 1479413886.0")
            herd.everybody_holds(KIWI, third)
            with herd.client("Alford") as alford:
                at, places = alford.near(KIWI, 10, 5)
            self.assertEqual(at, third)
            self.assertEqual(places["status"], "OK")
            self.assertEqual(len(places["results"]), 5)

            # Both come back empty, and their neighbours send them everything.
            herd.start("Welsh", "Ball")
            herd.linked()
            herd.everybody_holds(KIWI, third)

    def test_a_cut_off_part_keeps_its_copy_and_catches_up(self):
        with Herd(places=False).start() as herd:
            herd.linked()
            with herd.client("Alford") as alford:
                first = alford.ask(f"IAMAT {KIWI} {UCLA} 1.0")
            herd.everybody_holds(KIWI, first)
            # Hamilton and Welsh were Alford's only links.
            herd.kill("Hamilton")
            herd.kill("Welsh")
            with herd.client("Holiday") as holiday:
                second = holiday.ask(f"IAMAT {KIWI} {UCLA} 2.0")
            herd.everybody_holds(KIWI, second, ["Holiday", "Ball"])
            self.assertEqual(herd.at_line("Alford", KIWI), first)
            with herd.client("Alford") as alford:
                elsewhere = alford.ask(f"IAMAT fig {UCLA} 3.0")
            herd.start("Welsh")
            herd.everybody_holds(KIWI, second)
            herd.everybody_holds("fig", elsewhere)

    def test_a_node_killed_again_and_again_always_catches_up(self):
        with Herd(["A-B", "B-C"], places=False).start() as herd:
            herd.linked()
            for turn in range(1, 6):
                herd.kill("B")
                with herd.client("A") as a, herd.client("C") as c:
                    left = a.ask(f"IAMAT left {UCLA} {turn}.5")
                    right = c.ask(f"IAMAT right {UCLA} {turn}.5")
                herd.start("B")
                herd.everybody_holds("left", left)
                herd.everybody_holds("right", right)

    def test_a_node_is_linked_half_a_second_after_its_start(self):
        with Herd(["A-B"], places=False).start("A") as herd:
            with herd.client("A") as a:
                line = a.ask(f"IAMAT {KIWI} {UCLA} 1.0")
            herd.start("B")
            wait_for("the newcomer to know", lambda: herd.at_line("B", KIWI) == line, 0.5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
