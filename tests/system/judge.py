"""The judge of histories is judged: good histories pass, each forged one is found out."""

import copy
import random
import unittest

from history import Ending, History, Operation, judge, order_of

AT = "+34.068930-118.445127"


def at(node, client, stamp, difference="+1.000000000"):
    return f"AT {node} {difference} {client} {AT} {stamp}"


def tell(node, client, stamp, sent, life=0, connection=1, took=0.1, answered=True):
    operation = Operation(connection, node, life, f"IAMAT {client} {AT} {stamp}", sent)
    if answered:
        operation.reply, operation.replied = at(node, client, stamp), sent + took
    return operation


def ask(node, client, line, sent, life=0, connection=2, took=0.1):
    command = f"WHATSAT {client} 1 0"
    return Operation(connection, node, life, command, sent, line or "? " + command, sent + took)


def story():
    """Two nodes; kiwi moves twice and is seen everywhere; B lives twice; C is mute at last."""
    return History(
        operations=[
            tell("A", "kiwi", "100", 1.0),
            ask("B", "kiwi", None, 1.05),
            ask("A", "kiwi", at("A", "kiwi", "100"), 2.0, connection=1),
            ask("B", "kiwi", at("A", "kiwi", "100"), 2.5),
            ask("B", "kiwi", None, 4.0, life=1, connection=3),
            ask("B", "kiwi", at("A", "kiwi", "100"), 5.0, life=1, connection=3),
            tell("A", "kiwi", "101", 6.0, connection=1),
            tell("A", "moa", "102", 7.0, connection=4, answered=False),
            ask("B", "moa", at("A", "moa", "102", "+3.000000000"), 8.0, life=1, connection=3),
        ],
        endings={1: Ending(True), 2: Ending(False), 3: Ending(True), 4: Ending(False)},
        killed={("B", 0): 3.0},
        troubles={"A": [(3.0, 4.0)], "B": [(3.0, 4.0)]},
        before={"emu": at("B", "emu", "50")},
        tables={node: {"kiwi": at("A", "kiwi", "101"), "emu": at("B", "emu", "50"),
                       "moa": at("A", "moa", "102", "+3.000000000")} for node in "AB"})


def add(*operations):
    def forge(history):
        history.operations.extend(operations)
        for operation in operations:
            history.endings.setdefault(operation.connection, Ending(False))
    return forge


def change(number, **fields):
    def forge(history):
        for name, value in fields.items():
            setattr(history.operations[number], name, value)
    return forge


def table(node, client, line):
    def forge(history):
        history.tables[node][client] = line
    return forge


def everywhere(client, line):
    def forge(history):
        for lines in history.tables.values():
            lines[client] = line
    return forge


def both(*forgeries):
    def forge(history):
        for each in forgeries:
            each(history)
    return forge


def end(connection, ending):
    return lambda history: history.endings.update({connection: ending})


def kill(node, life, when):
    return lambda history: history.killed.update({(node, life): when})


def trouble(node, *spans):
    return lambda history: history.troubles.update({node: list(spans)})


LATE = tell("A", "rhea", "200", 10.0, connection=5)  # is in no table: lost

FORGED = {
    "a command gets no answer though all was said": ("unanswered", end(4, Ending(True))),
    "an answer comes twice": ("surplus", end(1, Ending(True, surplus=at("A", "kiwi", "101")))),
    "a node is mute": ("unanswered", end(4, Ending(False, mute=True))),
    "a node does not close": ("unanswered", end(1, Ending(False, mute=True))),
    "an answer belongs to another command": (
        "answers", change(0, reply=at("A", "kiwi", "99"))),
    "an answer belongs to another client": (
        "answers", change(3, reply=at("A", "emu", "100"))),
    "an update is answered in another node's name": (
        "answers", change(0, reply=at("B", "kiwi", "100"))),
    "an update is refused": ("answers", change(0, reply=f"? IAMAT kiwi {AT} 100")),
    "an answer is cut short": ("answers", change(0, reply="AT A +1.000000000 kiwi")),
    "an answer is skipped": ("answers", change(0, reply=None, replied=None)),
    "a value that nobody told is read": (
        "source", change(3, reply=at("A", "kiwi", "100.5"))),
    "a value changes one byte": (
        "source", change(3, reply=at("A", "kiwi", "100", "+1.000000001"))),
    "a value names another node": ("source", change(3, reply=at("B", "kiwi", "100"))),
    "a value is seen before it was sent": (
        "source", add(ask("B", "kiwi", at("A", "kiwi", "101"), 5.5, life=1, connection=6))),
    "a table holds what nobody told": ("source", everywhere("rhea", at("A", "rhea", "1"))),
    "a node goes back": (
        "backwards", add(ask("B", "moa", at("A", "moa", "102", "+3.000000000"), 9.0, life=1),
                         ask("B", "moa", None, 9.5, life=1))),
    "a node goes back to an older value": (
        "backwards", add(ask("B", "kiwi", at("A", "kiwi", "101"), 9.0, life=1),
                         ask("B", "kiwi", at("A", "kiwi", "100"), 9.5, life=1))),
    "a node goes back on one connection, all in one breath": (
        "backwards", add(ask("B", "kiwi", at("A", "kiwi", "101"), 9.0, life=1, connection=7),
                         ask("B", "kiwi", at("A", "kiwi", "100"), 9.0, life=1, connection=7))),
    "a node forgets what it held before": (
        "backwards", add(ask("A", "emu", None, 9.0, connection=7))),
    "a client does not read its own write": (
        "own write", add(ask("A", "kiwi", at("A", "kiwi", "100"), 9.0, connection=7))),
    "a client does not find its own write": (
        "own write", change(2, reply="? WHATSAT kiwi 1 0")),
    "a write is not read on its own connection, in one breath": (
        "own write", add(tell("A", "kiwi", "300", 9.0, connection=7),
                         ask("A", "kiwi", at("A", "kiwi", "101"), 9.0, connection=7))),
    "one node holds something older at last": (
        "differ", table("B", "kiwi", at("A", "kiwi", "100"))),
    "one node holds nothing at last": ("differ", table("B", "kiwi", None)),
    "an answered update is gone": ("lost", everywhere("kiwi", at("A", "kiwi", "100"))),
    "what all nodes held is gone": ("lost", everywhere("emu", None)),
    "an answered update of a killed node is gone though another held it": (
        "lost", both(add(LATE, ask("B", "rhea", LATE.reply, 10.5, life=1)), kill("A", 0, 11.0),
                     everywhere("rhea", None))),
    "an answered update is gone though its node had time to hand it on": (
        "lost", both(add(LATE), kill("A", 0, 11.2), everywhere("rhea", None))),
    "the time to hand it on lay between two faults": (
        "lost", both(add(LATE), kill("A", 0, 30.0), everywhere("rhea", None),
                     trouble("A", (9.0, 12.0), (13.5, 30.0)))),
    "the time to hand it on lay before the fault": (
        "lost", both(add(LATE), kill("A", 0, 30.0), everywhere("rhea", None),
                     trouble("A", (12.0, 30.0)))),
}

EXCUSED = {
    "killed at once": both(add(LATE), kill("A", 0, 10.2), everywhere("rhea", None)),
    "killed at the limit": both(add(LATE), kill("A", 0, LATE.replied + 1.0),
                                everywhere("rhea", None)),
    "cut off until it was killed": both(add(LATE), kill("A", 0, 30.0), everywhere("rhea", None),
                                        trouble("A", (9.0, 20.0), (15.0, 29.5))),
    "held by another one that was killed, too": both(
        add(LATE, ask("B", "rhea", LATE.reply, 10.2, life=1)), kill("A", 0, 10.3),
        kill("B", 1, 10.4), everywhere("rhea", None)),
}


class Judged(unittest.TestCase):
    def test_a_good_history_passes(self):
        verdict = judge(story())
        self.assertEqual(verdict.violations, [])
        self.assertEqual(verdict.excused, [])

    def test_each_forgery_is_found_and_named(self):
        for what, (kind, forge) in FORGED.items():
            with self.subTest(what):
                history = copy.deepcopy(story())
                forge(history)
                kinds = {violation.kind for violation in judge(history).violations}
                self.assertIn(kind, kinds)

    def test_a_loss_with_its_node_is_excused_and_counted(self):
        for what, forge in EXCUSED.items():
            with self.subTest(what):
                history = copy.deepcopy(story())
                forge(history)
                verdict = judge(history)
                self.assertEqual(verdict.violations, [])
                self.assertEqual(len(verdict.excused), 1)

    def test_answers_that_overlap_may_come_in_any_order(self):
        history = story()
        add(ask("B", "kiwi", at("A", "kiwi", "101"), 9.0, life=1, connection=7),
            ask("B", "kiwi", at("A", "kiwi", "100"), 9.05, life=1, connection=8))(history)
        self.assertEqual(judge(history).violations, [])

    def test_an_update_that_is_older_than_the_stored_one_is_no_step_back(self):
        history = story()
        add(tell("A", "kiwi", "42", 9.0, connection=7),
            ask("A", "kiwi", at("A", "kiwi", "101"), 9.5, connection=7))(history)
        self.assertEqual(judge(history).violations, [])

    def test_of_two_updates_with_one_order_time_the_first_may_stay(self):
        history = story()
        years_ahead = tell("A", "kiwi", "9000000000.5", 9.0, connection=7)
        years_ahead.reply = at("A", "kiwi", "9000000000.5", "-8999999800.500000000")
        greater = tell("A", "kiwi", "9000000000.7", 9.0, connection=7)
        greater.reply = at("A", "kiwi", "9000000000.7", "-8999999800.700000000")
        add(years_ahead, greater, ask("A", "kiwi", years_ahead.reply, 9.2, connection=7))(history)
        everywhere("kiwi", years_ahead.reply)(history)
        self.assertEqual(judge(history).violations, [])

    def test_an_unanswered_update_of_the_time_before_may_still_appear(self):
        history = story()
        history.earlier = [tell("A", "rhea", "7", 0.5, answered=False)]
        everywhere("rhea", at("A", "rhea", "7", "-0.000000001"))(history)
        self.assertEqual(judge(history).violations, [])

    def test_order(self):
        lines = [  # each newer than the one before
            at("A", "k", "99.999999999"),
            at("A", "k", "100"),
            at("A", "k", "100.0"),
            at("B", "k", "100"),
            at("B", "k", "100", "+1.000000001"),
            at("A", "k", "100.000000001"),
            at("A", "k", "9000000000", "-8999999894.999999999"),  # accepted at 105.000000001
            at("A", "k", "110.5"),
        ]
        orders = [order_of(line) for line in lines]
        self.assertEqual(orders, sorted(orders))
        self.assertEqual(len(set(orders)), len(orders))
        self.assertEqual(orders[-2][0], 110_000_000_001)
        for line in ("", "? AT", "AT A 1.0 k p 1", "AT A +1.000000000 k p",
                     "at A +1.000000000 k p 1"):
            self.assertIsNone(order_of(line))

    def test_a_long_random_history_of_one_table_passes(self):
        rng, history, newest, now = random.Random(7), History(), {}, 0.0
        for number in range(20_000):
            now += 0.001
            client, connection = f"c{rng.randrange(20)}", number % 10
            if rng.random() < 0.5:
                stamp = str(rng.randrange(10**6))
                operation = tell("A", client, stamp, now, 0, connection, 0.0005)
                newest[client] = max([operation.reply, newest.get(client, operation.reply)],
                                     key=order_of)
            else:
                operation = ask("A", client, newest.get(client), now, 0, connection, 0.0005)
            history.operations.append(operation)
        history.endings = {connection: Ending(True) for connection in range(10)}
        history.tables = {"A": newest, "B": dict(newest)}
        self.assertEqual(judge(history).violations, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
