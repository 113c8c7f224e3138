"""A node of the next minor version, which says more than we know, in a herd of this one."""

import unittest

from rig import BUILD, UCLA, Herd, wait_for


class Mixed(Herd):
    def command(self, name, *extra):
        ours = super().command(name, *extra)
        return [BUILD / "zherd-gateway-next", *ours[1:]] if name == "Ball" else ours


class Versions(unittest.TestCase):
    def test_the_previous_and_the_next_version_interoperate(self):
        with Mixed(["Alford-Ball", "Ball-Cy"], places=False) as herd:
            herd.start().linked()
            for name in ("Alford", "Ball", "Cy"):
                with herd.client(name) as client:
                    line = client.ask(f"IAMAT of-{name} {UCLA} 1621464827.95")
                herd.everybody_holds(f"of-{name}", line)
            for name in ("Alford", "Cy"):
                wait_for("equal digests", lambda: " clients 3\n" in herd.log(name))
                self.assertNotIn("refused", herd.log(name))


if __name__ == "__main__":
    unittest.main(verbosity=2)
