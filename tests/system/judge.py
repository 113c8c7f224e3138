"""The judge of histories is judged: good histories pass, each forged one is found out."""

import copy
import decimal
import random
import unittest

from history import Ending, History, Operation, judge, order_of, range_of

# A right clock shows this at moment 0: all stamps below are of the past, unless they say so.
EPOCH_S = 10**6
AT = "+34.068930-118.445127"


def at(node, client, stamp, difference="+1.000000000"):
    return f"AT {node} {difference} {client} {AT} {stamp}"


def tell(node, client, stamp, sent, life=0, connection=1, took=0.1, answered=True):
    operation = Operation(connection, node, life, f"IAMAT {client} {AT} {stamp}", sent)
    if answered:
        operation.reply, operation.replied = at(node, client, stamp), sent + took
    return operation


def future(stamp, sent, shown_s):
    """kiwi says at A that it is the year 2255; A's clock shows that."""
    operation = tell("A", "kiwi", stamp, sent, connection=7)
    difference = decimal.Decimal(str(shown_s)) - decimal.Decimal(stamp)
    operation.reply = at("A", "kiwi", stamp, f"{difference:+.9f}")
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
        earlier=[tell("B", "emu", "50", 0.5)],
        epoch_s=EPOCH_S,
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
    "a value that no client sent is read": (
        "source", change(3, reply=at("A", "kiwi", "100.5"))),
    "a value changes one byte": (
        "source", change(3, reply=at("A", "kiwi", "100", "+1.000000001"))),
    "a value names another node": ("source", change(3, reply=at("B", "kiwi", "100"))),
    "a value is seen before it was sent": (
        "source", add(ask("B", "kiwi", at("A", "kiwi", "101"), 5.5, life=1, connection=6))),
    "a table holds what no client sent": ("source", everywhere("rhea", at("A", "rhea", "1"))),
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

    def promising(self, *promises, lag_s=None, neighbours="B", all_killed=(), forge=()):
        """rhea is answered at A at 10.1, and A is killed at 10.2; nobody has it in the end."""
        history = story()
        history.promises, history.lag_s = frozenset(promises), lag_s
        history.neighbours, history.all_killed = {"A": [*neighbours]}, [*all_killed]
        for each in (add(LATE), kill("A", 0, 10.2), everywhere("rhea", None), *forge):
            each(history)
        verdict = judge(history)
        return {each.kind for each in verdict.violations}, len(verdict.excused)

    def test_what_was_promised_is_not_excused(self):
        lost, excused = ({"lost"}, 0), (set(), 1)
        both_die = kill("B", 1, 10.15)
        for wanted, promises, more in (
                (excused, (), {}),
                (lost, ("disk",), {}),
                (lost, ("disk",), {"forge": [both_die], "all_killed": [10.2], "lag_s": 3.0}),
                (lost, ("neighbour",), {}),
                (lost, ("neighbour",), {"forge": [kill("B", 1, 9.9)]}),
                (lost, ("neighbour",), {"forge": [both_die], "neighbours": "C"}),
                (excused, ("neighbour",), {"forge": [both_die]}),
                (lost, ("neighbour", "disk"), {"forge": [both_die]})):
            with self.subTest(promises=promises, **more):
                self.assertEqual(self.promising(*promises, **more), wanted)

    def test_a_journal_has_what_is_old_enough(self):
        for killed, kinds in ((13.0, set()), (13.2, {"lost"})):
            with self.subTest(killed):
                history = story()
                history.lag_s, history.all_killed = 3.0, [killed]
                for each in (add(LATE), kill("A", 0, killed), kill("B", 1, killed),
                             everywhere("rhea", None)):
                    each(history)
                self.assertEqual({each.kind for each in judge(history).violations}, kinds)

    def test_what_all_nodes_held_is_lost_only_where_all_were_killed_at_once(self):
        for killed, promises, kinds in (([3.4], (), set()), ([3.6], (), {"lost"}),
                                        ([3.4], ("neighbour",), set()), ([0.4], (), {"lost"}),
                                        ([3.4], ("disk",), {"lost"})):
            with self.subTest(killed=killed, promises=promises):
                history = story()
                history.lag_s, history.began = 3.0, 0.5
                history.promises, history.all_killed = frozenset(promises), killed
                everywhere("emu", None)(history)
                self.assertEqual({each.kind for each in judge(history).violations}, kinds)

    def test_what_is_stored_and_not_promised(self):
        """It may be there, and need not; nobody knows its AT line."""
        told = tell("A", "rhea", "200", 10.0, connection=5)
        line, told.reply = told.reply, "? " + told.command
        for promises, held, kinds in (((), line, {"answers", "source"}), (("disk",), line, set()),
                                      (("disk",), None, set())):
            with self.subTest(promises=promises, held=held):
                history = story()
                history.promises = frozenset(promises)
                add(copy.deepcopy(told))(history)
                everywhere("rhea", held)(history)
                verdict = judge(history)
                self.assertEqual({each.kind for each in verdict.violations}, kinds)
                self.assertEqual(len(verdict.unpromised), len(promises))

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
        first = future("9000000000.5", 9.0, shown_s=EPOCH_S + 9.05)
        greater = future("9000000000.7", 9.0, shown_s=EPOCH_S + 9.05)
        add(first, greater, ask("A", "kiwi", first.reply, 9.2, connection=7))(history)
        everywhere("kiwi", first.reply)(history)
        self.assertEqual(judge(history).violations, [])

    def test_but_once_the_greater_one_was_seen_it_stays(self):
        history = story()
        first = future("9000000000.5", 9.0, shown_s=EPOCH_S + 9.05)
        greater = future("9000000000.7", 9.0, shown_s=EPOCH_S + 9.05)
        add(first, greater, ask("A", "kiwi", greater.reply, 9.2, connection=8),
            ask("A", "kiwi", first.reply, 9.4, connection=8))(history)
        everywhere("kiwi", greater.reply)(history)
        self.assertEqual({each.kind for each in judge(history).violations}, {"backwards"})

    def test_an_unanswered_update_of_the_time_before_may_still_appear(self):
        history = story()
        history.earlier.append(tell("A", "rhea", "7", 0.5, answered=False))
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

    def test_the_herds_time_decides_also_where_a_clock_is_wrong(self):
        def place(stamp, shown, sent_s=100, replied_s=101):
            difference = decimal.Decimal(str(shown)) - decimal.Decimal(stamp)
            line = at("A", "k", stamp, f"{difference:+.9f}")
            least, most = range_of(line, sent_s * 10**9, replied_s and replied_s * 10**9)
            return ("all" if len(least) > 1 else "time", least[0], most[0])
        for shown in (0, 100, 10**9):  # the stamp is not of the future: it alone counts
            self.assertEqual(place("104", shown), ("all", 104 * 10**9, 104 * 10**9))
        exact = place("5000", 100.25)  # a right clock is that of the herd
        self.assertEqual(exact, ("all", 105_250_000_000, 105_250_000_000))
        self.assertEqual(place("5000", 99), ("all", 104 * 10**9, 104 * 10**9))
        self.assertEqual(place("5000", 102), ("all", 107 * 10**9, 107 * 10**9))
        for shown in (98.9, 102.1, 4000, 10**9):
            self.assertEqual(place("5000", shown), ("time", 104 * 10**9, 107 * 10**9 + 1))
        self.assertEqual(place("104.5", 50), ("time", 104 * 10**9, 104_500_000_001))
        # Nobody knows when it was accepted.
        self.assertEqual(place("5000", 100, replied_s=None),
                         ("time", 104 * 10**9, 5000 * 10**9 + 1))

    def test_what_a_wrong_clock_took_counts_by_its_stamp(self):
        for difference in ("+3600.000000000", "-86400.000000000", "-99999999.000000000"):
            with self.subTest(difference):
                history = story()
                wrong = tell("A", "kiwi", "200", 9.0, connection=7)
                wrong.reply = at("A", "kiwi", "200", difference)
                add(wrong, ask("A", "kiwi", at("A", "kiwi", "101"), 9.5, connection=7))(history)
                self.assertEqual({each.kind for each in judge(history).violations},
                                 {"own write", "lost"})

    def test_the_future_counts_by_when_it_was_sent_where_a_clock_is_wrong(self):
        """A later report of the true time, and one that is not late enough to be sure."""
        for stamp_s, kinds in ((EPOCH_S + 17, {"own write", "lost"}), (EPOCH_S + 13.5, set())):
            with self.subTest(stamp_s):
                history = story()
                wrong = future("9000000000.5", 9.0, shown_s=EPOCH_S + 3600)
                later = tell("A", "kiwi", str(stamp_s), 14.0, connection=8)
                add(wrong, later, ask("A", "kiwi", wrong.reply, 14.5, connection=8))(history)
                everywhere("kiwi", wrong.reply)(history)
                self.assertEqual({each.kind for each in judge(history).violations}, kinds)

    def test_the_future_of_a_wrong_clock_is_not_lost_to_the_past(self):
        for held, kinds in ((EPOCH_S + 12.5, {"backwards", "lost"}), (EPOCH_S + 13.5, set())):
            with self.subTest(held):
                history = story()
                wrong = future("9000000000.5", 9.0, shown_s=EPOCH_S + 3600)
                other = tell("B", "kiwi", str(held), 9.0, connection=8)
                add(wrong, other, ask("A", "kiwi", wrong.reply, 10.0, connection=9),
                    ask("A", "kiwi", other.reply, 10.5, connection=9))(history)
                everywhere("kiwi", other.reply)(history)
                found = {each.kind for each in judge(history).violations}
                self.assertEqual(found - {"own write"}, kinds)

    def test_so_does_what_all_nodes_held_before(self):
        for stamp_s, kinds in ((EPOCH_S + 4.4, {"lost", "backwards"}), (EPOCH_S + 5, set())):
            with self.subTest(stamp_s):
                history = story()
                wrong = future("9000000000.5", 0.5, shown_s=EPOCH_S + 3600)
                wrong.reply = wrong.reply.replace("kiwi", "emu")
                wrong.command = wrong.command.replace("kiwi", "emu")
                other = tell("B", "emu", str(stamp_s), 2.0, connection=8)
                history.before, history.earlier = {"emu": wrong.reply}, [wrong]
                add(other, ask("A", "emu", other.reply, 9.0, connection=8))(history)
                everywhere("emu", other.reply)(history)
                self.assertEqual({each.kind for each in judge(history).violations}, kinds)

    def forgetting_story(self, *more):
        """gone1 moves, is forgotten at B, and moves again."""
        history = story()
        forget = Operation(8, "B", 1, "FORGET gone1", 12.0,
                           f"AT B +0.000000000 gone1 - {EPOCH_S + 12}.000000000", 12.1)
        add(tell("A", "gone1", "150", 9.0, connection=8),
            ask("B", "gone1", at("A", "gone1", "150"), 10.0, connection=8),
            forget, ask("A", "gone1", None, 13.0, connection=8),
            Operation(8, "A", 0, "FORGET gone1", 13.5, "? FORGET gone1", 13.6),
            *more)(history)
        everywhere("gone1", None)(history)
        return history

    def test_who_is_forgotten_may_be_gone_and_may_not_come_back(self):
        self.assertEqual(judge(self.forgetting_story()).violations, [])
        later = tell("A", "gone1", str(EPOCH_S + 13), 14.0, connection=8)
        history = self.forgetting_story(later)
        everywhere("gone1", later.reply)(history)
        self.assertEqual(judge(history).violations, [])
        for stamp in ("151", str(EPOCH_S + 12)):
            history = self.forgetting_story(tell("A", "gone1", stamp, 14.0, connection=9))
            everywhere("gone1", at("A", "gone1", stamp))(history)
            self.assertEqual({each.kind for each in judge(history).violations}, {"returned"})
            kill("B", 1, 12.2)(history)
            history.forgotten.clear()
            self.assertEqual(judge(history).violations, [])
        history = story()  # forgotten in an earlier round
        history.forgotten = {"emu": 50 * 10**9}
        self.assertEqual({each.kind for each in judge(history).violations}, {"returned"})

    def test_the_answer_to_a_forget(self):
        for reply in (at("B", "gone1", "150"), "AT A +0.000000000 gone1 - 5", "? FORGET gone2",
                      "AT B +0.000000000 gone2 - 5", "AT B +0.000000000 gone1 - x"):
            with self.subTest(reply):
                history = self.forgetting_story(
                    Operation(8, "B", 1, "FORGET gone1", 15.0, reply, 15.1))
                self.assertEqual({each.kind for each in judge(history).violations}, {"answers"})

    def test_what_is_over_may_be_gone_and_no_sooner(self):
        for expire_s, kinds in ((10.0, set()), (13.0, {"backwards", "own write", "lost"})):
            with self.subTest(expire_s):
                history = story()
                told = tell("A", "moth", str(EPOCH_S + 9), 9.0, connection=8)
                add(told, ask("B", "moth", told.reply, 10.0, life=1, connection=9),
                    ask("A", "moth", None, 20.0, connection=8),
                    ask("B", "moth", None, 20.0, life=1, connection=9))(history)
                everywhere("moth", None)(history)
                history.expire_s, history.read = expire_s, 20.5
                self.assertEqual({each.kind for each in judge(history).violations}, kinds)

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
        history.epoch_s = EPOCH_S
        self.assertEqual(judge(history).violations, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
