"""Two running processes of one name: nobody is disturbed, and every log says why."""

import re
import unittest

from rig import BUILD, UCLA, Herd, Process, free_ports, wait_for

REASON = "two running processes have the name Ball"


class Names(unittest.TestCase):
    def test_a_name_in_use_is_refused_and_the_herd_goes_on(self):
        with Herd(["Alford-Ball", "Ball-Cy"], places=False) as herd:
            herd.start().linked()
            # The same herd but for Ball, which is somewhere else: as on a host with an old file.
            ports = iter(free_ports(8)[-2:])
            text = herd.file.read_text()
            ball = text[text.index("name = Ball"):text.index("name = Cy")]
            elsewhere = herd.folder / "elsewhere.zpl"
            elsewhere.write_text(text.replace(
                ball, re.sub(r":\d+\n", lambda _: f":{next(ports)}\n", ball)))
            logs = herd.folder / "elsewhere"
            second = Process(herd.folder, "second", BUILD / "zherd-gateway", "--topology",
                             elsewhere, "--node", "Ball", "--log-dir", logs)
            try:
                for name in ("Alford", "Cy"):
                    wait_for(f"{name} says why", lambda: f"Ball refused: {REASON}"
                             in herd.log(name))
                    wait_for("the first Ball says why", lambda: f"{name} refused: it refuses "
                             f"another: {REASON}" in herd.log("Ball"))
                    wait_for("the second Ball says what it sees", lambda: f"{name} silent: "
                             "it takes our messages but answers none"
                             in (logs / "Ball.log").read_text())
                with herd.client("Alford") as client:
                    line = client.ask(f"IAMAT kiwi {UCLA} 1621464827.95")
                herd.everybody_holds("kiwi", line)
                for name in ("Alford", "Ball", "Cy"):
                    self.assertNotIn(" down", herd.log(name))
                # The first one ends, and comes back although the second still runs.
                herd.processes["Ball"].stop()
                herd.start("Ball").linked()
                herd.everybody_holds("kiwi", line)
            finally:
                second.end()


if __name__ == "__main__":
    unittest.main(verbosity=2)
