"""For how long after its answer an update may be lost with its node: kill -9 after each delay.

    python3 tests/system/window.py [ROUNDS]

Per round and delay a herd of two gets an IAMAT at one node, which is killed when the delay in
microseconds has passed since the client read the AT line; then the other node is asked."""

import os
import signal
import sys
import time

from rig import UCLA, Herd, wait_for

DELAYS_US = (0, 100, 200, 500, 1000, 2000, 5000)


def main(rounds):
    lost = dict.fromkeys(DELAYS_US, 0)
    with Herd(["A-B"], places=False).start() as herd:
        for number in range(rounds):
            for delay_us in DELAYS_US:
                herd.linked()
                name, pid = f"kiwi{number}.{delay_us}", herd.processes["A"].child.pid
                with herd.client("A") as client:
                    fact = client.ask(f"IAMAT {name} {UCLA} 1.5")
                    killed_at = time.perf_counter() + delay_us / 1e6
                    while time.perf_counter() < killed_at:
                        pass
                    os.kill(pid, signal.SIGKILL)
                herd.kill("A")
                # Sent after the kill: once B has the mark, no earlier update is still on its way.
                herd.start("A").linked()
                with herd.client("A") as client:
                    mark = client.ask(f"IAMAT mark{name} {UCLA} 1.5")
                wait_for("B to hear of the mark", lambda: herd.at_line("B", "mark" + name) == mark)
                lost[delay_us] += herd.at_line("B", name) != fact
    for delay_us, count in lost.items():
        print(f"killed {delay_us} us after the answer: lost {count} of {rounds}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
