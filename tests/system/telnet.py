"""The real telnet under expect, on both kinds of address."""

import pathlib
import subprocess
import unittest

from rig import Herd

SCRIPT = pathlib.Path(__file__).with_name("telnet.exp")


class Telnet(unittest.TestCase):
    def test_a_person_at_the_terminal(self):
        with Herd(["A-B"]).start() as herd:
            result = subprocess.run(["expect", SCRIPT, "127.0.0.1", str(herd.ports["A"])],
                                    capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
