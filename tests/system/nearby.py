"""NEARBY on a herd of five: every node gives the same answer, which a comparison of all clients gives,
and a herd where it is off knows no such command."""

import math
import random
import re
import sys
import time
import unittest

from rig import Herd, wait_for

RADIUS_M = 6371008.8
CLIENTS = 600
STAMP = int(time.time())


def metres(one, other):
    up, across = (math.radians(b - a) / 2 for a, b in zip(one, other))
    sines = math.sin(up) ** 2 + (math.cos(math.radians(one[0])) * math.cos(math.radians(other[0])) *
                                 math.sin(across) ** 2)
    return 2 * RADIUS_M * math.asin(math.sqrt(min(sines, 1)))


def text_of(place):
    return f"{place[0]:+.6f}{place[1]:+.6f}"


class Nearby(unittest.TestCase):
    def herd(self, **keys):
        herd = Herd(places=False)
        self.addCleanup(herd.__exit__, None)
        lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
        herd.file.write_text(herd.file.read_text().replace("    name = trial\n",
                                                           "    name = trial\n" + lines, 1))
        return herd.start().linked()

    @staticmethod
    def nodes(herd):
        return sorted(herd.processes)

    @staticmethod
    def ask(herd, node, question):
        with herd.client(node) as client:
            client.send(question + "\nthat is all\n")
            return client.until(b"? that is all\n")

    def test_every_node_gives_the_same_answer(self):
        herd = self.herd()
        nodes = self.nodes(herd)
        self.assertEqual(len(nodes), 5)
        draw = random.Random(5)
        places = {}
        for number in range(CLIENTS):
            around = [(34.07, -118.45), (-0.001, 179.999), (89.999, 0.0)][number % 3]
            place = (round(min(90, around[0] + draw.uniform(-.1, .1)), 6),
                     round(around[1] + draw.uniform(-.1, .1), 6))
            places[f"c{number}"] = (place[0], place[1] - 360 if place[1] > 180 else place[1])
        for node, share in zip(nodes, (list(places)[i::5] for i in range(5))):
            with herd.client(node) as client:
                for name in share:
                    client.send(f"IAMAT {name} {text_of(places[name])} {STAMP}\n")
                for _ in share:
                    self.assertTrue(client.line().startswith("AT "))
        everybody = "NEARBY AT +0-0 20038 1000"
        for node in nodes:
            wait_for(f"{node} to know all", lambda node=node:
                     self.ask(herd, node, everybody).count(b"NEAR ") == CLIENTS, 20)
        questions = [everybody, "NEARBY c0 5 10", "NEARBY c1 20038 1000", "NEARBY c2 7.25 100",
                     "NEARBY AT -0.001-179.999 3.5 50", "NEARBY AT +90+17 20 1000",
                     "NEARBY AT +34.07-118.45 0 1"]
        for question in questions:
            answers = {node: self.ask(herd, node, question) for node in nodes}
            self.assertEqual(len(set(answers.values())), 1, question)
            self.check(question, answers[nodes[0]].decode(), places)

    def check(self, question, answer, places):
        words = question.split()
        if words[1] == "AT":
            centre = tuple(float(part) for part in re.findall(r"[+-][0-9.]+", words[2]))
        else:
            centre = places[words[1]]
        radius_m, bound = float(words[-2]) * 1000, int(words[-1])
        wanted = sorted((metres(centre, place), name) for name, place in places.items()
                        if name != words[1] and metres(centre, place) <= radius_m)[:bound]
        lines = [line.split() for line in answer.splitlines() if line.startswith("NEAR ")]
        self.assertEqual(len(lines), len(wanted), question)
        for (distance_m, name), line in zip(wanted, lines):
            self.assertAlmostEqual(float(line[1]), distance_m, delta=0.3)
            self.assertEqual(line[6], text_of(places[line[5]]))
            self.assertAlmostEqual(metres(centre, places[line[5]]), distance_m, delta=0.3, msg=name)

    def test_where_it_is_off_there_is_no_such_command(self):
        herd = self.herd(nearby="no")
        node = self.nodes(herd)[0]
        with herd.client(node) as client:
            self.assertEqual(client.ask("NEARBY AT +0+0 1 1"), "? NEARBY AT +0+0 1 1")
            self.assertNotIn("NEARBY", client.ask("HELP\n.").partition("? .")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
