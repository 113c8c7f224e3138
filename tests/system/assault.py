"""Hostile clients and strangers (attacks.py) beside the faults of a chaos run: one attack after
another, each on a node that is drawn. None of them adds clients without end, so that what all nodes
hold can still be compared."""

import multiprocessing

import attacks

# As many connections as a machine bears that has the faults and the honest clients to do, too.
KINDS = [
    (attacks.blank_lines, 40), (attacks.known_iamats, 4), (attacks.whatsats, 10),
    (attacks.unknown_words, 40), (attacks.longest_lines, 10), (attacks.unread_replies, 50),
    (attacks.half_lines, 500), (attacks.idle_clients, 500), (attacks.idle_strangers, 200),
    (attacks.half_greetings, 200), (attacks.junk, 20),
]


class Assault:
    def __init__(self, network, rng):
        self.network, self.rng = network, rng
        self.count = {does.__name__.replace("_", " "): 0 for does, _ in KINDS}
        self.sent = multiprocessing.Value("Q", 0, lock=False)

    def begin(self, nodes):
        """Gives the node that is attacked from now on."""
        does, count = self.rng.choice(KINDS)
        node = self.rng.choice(nodes)
        self.count[does.__name__.replace("_", " ")] += 1
        nowhere = (self.network.attackers[0], 9)
        target = attacks.Target(self.network.clients(node), self.network.bus(node), nowhere,
                                nowhere, nowhere, self.network.attackers, self.sent,
                                self.network.attackers)
        self.process = multiprocessing.Process(target=attacks.run, args=(does, target, count),
                                               daemon=True)
        self.process.start()
        return node

    def end(self):
        if not self.process.is_alive():
            raise AssertionError("an attack ended by itself")
        self.process.kill()
        self.process.join()
