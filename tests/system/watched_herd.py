"""A herd whose every process has a monitor, on loopback; and what is watched of it."""

import re

from metrics_reader import scrape
from rig import Herd, free_ports


class WatchedHerd(Herd):
    """`monitors` is {process: port}: nodes by their names, "placesd" for the first service. `keys` is
    what sections have besides: {"herd": "journal = everysec", ...}, lines without indents."""

    def __init__(self, *arguments, keys=None, **more):
        self.keys = keys or {}
        super().__init__(*arguments, **more)

    def settle(self, nodes):
        super().settle(nodes)
        names = list(nodes) + (["placesd"] if self.places else [])
        # Beyond those that the topology has taken, which nobody listens at yet.
        self.monitors = dict(zip(names, free_ports(40)[-len(names):]))
        self.write()

    def write(self):
        """The topology with monitors and with `keys` as they are now."""
        text = re.sub(r"(?m)^(    monitor = .*|    .* # of the test)\n", "", self.file.read_text())
        for section, lines in self.keys.items():
            for line in lines.splitlines():
                text = re.sub(rf"(?m)^({section})\n", rf"\1\n    {line} # of the test\n", text)
        for name, port in self.monitors.items():
            after = "^places\n" if name == "placesd" else f"^    name = {name}\n"
            text = re.sub(f"(?m){after}", rf"\g<0>    monitor = tcp://127.0.0.1:{port}\n", text)
        self.file.write_text(text)

    def url(self, name, path="/metrics"):
        return f"http://127.0.0.1:{self.monitors[name]}{path}"

    def families(self, name):
        return scrape(self.url(name))

    def value(self, name, family, suffix="", **labels):
        return self.families(name)[family].value(suffix, **labels)
