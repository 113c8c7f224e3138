"""WHATSAT with places present, away, coming back and left out."""

import os
import pathlib
import signal
import time
import unittest

from rig import UCLA, Herd


class Places(unittest.TestCase):
    def test_real_landmarks_answer(self):
        with Herd(["A-B"]).start() as herd:
            herd.linked()
            with herd.client("A") as a:
                line = a.ask(f"IAMAT kiwi {UCLA} 1621464827.959498503")
                for bound in (0, 1, 20):
                    at, places = a.near("kiwi", 10, bound)
                    self.assertEqual(at, line)
                    self.assertEqual(places["status"], "OK")
                    self.assertEqual(len(places["results"]), bound)
                names = [place["name"] for place in places["results"]]
            self.assertEqual(len(set(names)), 20)
            herd.everybody_holds("kiwi", line)
            with herd.client("B") as b:
                self.assertEqual([p["name"] for p in b.near("kiwi", 10, 20)[1]["results"]], names)

    def test_look_ups_keep_their_connection(self):
        """libcurl uses none a second time whose other end has no name."""
        with Herd(nodes=["A"], links=[]).start() as herd, herd.client("A") as a:
            pid, sockets = herd.processes["placesd"].child.pid, set()
            for number in range(12):
                a.ask(f"IAMAT kiwi +34.{number:06}-118.445127 {number + 1}.0")
                self.assertEqual(a.near("kiwi", 1, 5)[1]["status"], "ZERO_RESULTS")
                sockets |= {socket for socket in map(os.readlink, pathlib.Path(f"/proc/{pid}/fd").iterdir())
                            if socket.startswith("socket:")}
                if number == 0:
                    first = set(sockets)
            self.assertEqual(sockets, first)

    def test_without_placesd_the_answer_says_so_in_time(self):
        with Herd(["A-B"]).start("A", "B") as herd:
            with herd.client("A") as a:
                line = a.ask(f"IAMAT kiwi {UCLA} 1.0")
                began = time.monotonic()
                at, places = a.near("kiwi", 10, 5)
                self.assertLess(time.monotonic() - began, 5.0)
                self.assertEqual(at, line)
                self.assertEqual(places["results"], [])
                self.assertNotEqual(places["status"], "OK")
                self.assertTrue(places["error_message"])
                # placesd comes late: the next question is answered.
                herd.start("placesd")
                deadline = time.monotonic() + 10
                while places["status"] != "OK" and time.monotonic() < deadline:
                    places = a.near("kiwi", 10, 5)[1]
                self.assertEqual(len(places["results"]), 5)

    def test_placesd_killed_and_started_again(self):
        with Herd(["A-B"]).start() as herd:
            with herd.client("A") as a:
                a.ask(f"IAMAT kiwi {UCLA} 1.0")
                self.assertEqual(a.near("kiwi", 1, 1)[1]["status"], "OK")
                herd.kill("placesd")
                self.assertNotEqual(a.near("kiwi", 1, 1)[1]["status"], "OK")
                herd.start("placesd")
                deadline = time.monotonic() + 10
                status = ""
                while status != "OK" and time.monotonic() < deadline:
                    status = a.near("kiwi", 1, 1)[1]["status"]
                self.assertEqual(status, "OK")

    def test_another_broker_answers_where_one_is_gone_or_stuck(self):
        with Herd(["A-B"], places=2).start("placesd", "placesd-2", "A", "B") as herd:
            with herd.client("A") as a:
                a.ask(f"IAMAT kiwi {UCLA} 1.0")
                for signal_number in (signal.SIGSTOP, signal.SIGKILL):
                    for _ in range(4):
                        self.assertEqual(a.near("kiwi", 1, 1)[1]["status"], "OK")
                    herd.processes["placesd"].child.send_signal(signal_number)
                    for _ in range(8):
                        began = time.monotonic()
                        self.assertEqual(a.near("kiwi", 1, 1)[1]["status"], "OK")
                        self.assertLess(time.monotonic() - began, 5.0)

    def test_a_herd_without_places_says_so(self):
        with Herd(nodes=["Solo"], links=[], places=False).start() as herd:
            with herd.client("Solo") as solo:
                solo.ask(f"IAMAT kiwi {UCLA} 1.0")
                at, places = solo.near("kiwi", 1, 1)
                self.assertTrue(at.startswith("AT Solo"))
                self.assertEqual(places["results"], [])
                self.assertIn("places", places["error_message"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
