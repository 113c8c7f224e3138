"""Access rules from outside: two persons and a stranger at a herd of two; what is hidden is like what is
not there, byte for byte, for every command; rules taken away by HUP, and wrong tokens."""

import re
import signal
import subprocess
import time
import unittest

from rig import BUILD, Client, Herd, wait_for

STAMP = int(time.time())
HERE = "+34.000000-118.000000"
NEAR = "+34.001000-118.000000"
FAR = "+36.000000-118.000000"


def new_token(name):
    """A token, and the line that its file has of it."""
    said = subprocess.run([BUILD / "zherd", "token", "new", name], check=True, capture_output=True,
                          text=True).stdout
    return (re.search(r"^AUTH ([\w-]{43})$", said, re.MULTILINE).group(1),
            re.search(r"^    token = (\S+)$", said, re.MULTILINE).group(1))


class Access(unittest.TestCase):
    def setUp(self):
        self.herd = Herd(["Ann-Bea"], places=False)
        self.addCleanup(self.herd.__exit__, None)
        self.tokens = {name: new_token(name) for name in ("ada", "bob")}
        self.rules = self.herd.folder / "trial.access"
        self.head = "    name = trial\n    access = trial.access\n    forget = yes\n    expire = 1h\n"
        self.herd.file.write_text(self.herd.file.read_text().replace("    name = trial\n", self.head, 1))

    def person(self, name, *lines):
        entry = self.tokens[name][1]
        return "\n    ".join(["person", f"name = {name}", f"token = {entry}", *lines]) + "\n"

    def start(self, *sections):
        self.rules.write_text("".join(sections))
        self.herd.start("Ann", "Bea").linked()
        return self

    def client(self, node, name=None):
        client = self.herd.client(node)
        self.addCleanup(client.close)
        if name is not None:
            self.assertEqual(client.ask(f"AUTH {self.tokens[name][0]}"), f"AUTH {name}")
        return client

    def iamat(self, client, name, place=HERE, stamp=STAMP):
        line = client.ask(f"IAMAT {name} {place} {stamp}")
        self.assertRegex(line, rf"^AT \w+ \S+ {name} ")
        return line

    def hup(self, *sections):
        if sections:
            self.rules.write_text("".join(sections))
        for node in ("Ann", "Bea"):
            self.herd.processes[node].child.send_signal(signal.SIGHUP)

    def test_each_person_is_and_sees_what_the_rules_say(self):
        self.start(self.person("ada", "be = ada-*", "see = bob"), self.person("bob", "be = bob"),
                   "anyone\n    see = tram-*\n")
        ada, bob, stranger = self.client("Ann", "ada"), self.client("Bea", "bob"), self.client("Ann")
        one, two = self.iamat(ada, "ada-1"), self.iamat(bob, "bob")
        self.herd_holds(ada, "bob", two)
        self.assertEqual(ada.ask("IAMAT bob +1+1 1"), "? IAMAT bob +1+1 1")
        self.assertEqual(bob.ask("IAMAT ada-1 +1+1 1"), "? IAMAT ada-1 +1+1 1")
        self.assertEqual(stranger.ask(f"IAMAT tram-1 {HERE} 1"), f"? IAMAT tram-1 {HERE} 1")
        self.assertEqual(bob.ask("FORGET ada-1"), "? FORGET ada-1")
        self.assertEqual(ada.ask("FORGET bob"), "? FORGET bob")
        self.assertEqual(ada.near("ada-1", 1, 0)[0], one)
        self.assertEqual(bob.ask("WHATSAT ada-1 1 0"), "? WHATSAT ada-1 1 0")
        ada.send(f"NEARBY AT {HERE} 1 5\nNEARBY bob 1 5\n")
        self.assertEqual(ada.lines(3), [f"NEAR 0.0 {one}", f"NEAR 0.0 {two}", ""])
        self.assertEqual(ada.lines(3), [two, f"NEAR 0.0 {one}", ""])
        for client, seen in ((bob, [f"NEAR 0.0 {two}", ""]), (stranger, [""])):
            client.send(f"NEARBY AT {HERE} 1 5\n")
            self.assertEqual(client.lines(len(seen)), seen)
        stranger.send("HELP\n")
        self.assertIn(b"AUTH token\n", stranger.until(b"    closes the connection\n"))

    def herd_holds(self, client, name, line):
        def holds():
            client.send(f"WHATSAT {name} 1 0\n")
            first = client.line()
            if not first.startswith("?"):
                client.until(b"\n\n")
            return first == line
        wait_for(f"{name} to be known", holds)

    def test_who_is_hidden_is_as_one_who_is_not_there(self):
        self.start(self.person("ada", "be = ada", "see = seen-*"), self.person("bob", "be = *"))
        bob = self.client("Ann", "bob")
        for i in range(4):
            self.iamat(bob, f"hidden-{i}")
        seen = self.iamat(bob, "seen-1", NEAR)
        commands = ["IAMAT {} +1+1 1", "FORGET {}", "WHATSAT {} 1 0", "WHATSAT {} 1 5", "NEARBY {} 1 9",
                    "WATCH {}", "WATCH {} 5", "UNWATCH", "WHATSAT {} 99 1", "{}", "AUTH {}"]
        answers = {}
        for name in ("hidden-1", "nobody-1"):
            ada = self.client("Ann", "ada")
            ada.send("".join(command.format(name) + "\n" for command in commands[:-1]) + "HELP\nQUIT\n")
            answers[name] = ada.rest().decode().replace(name, "NAME")
        self.assertEqual(answers["hidden-1"], answers["nobody-1"])
        self.assertIn("? WHATSAT NAME 1 0\n", answers["hidden-1"])
        self.assertIn("WATCH 2 0\n\nUNWATCH 2\n", answers["hidden-1"])
        ada = self.client("Ann", "ada")
        ada.send(f"NEARBY AT {HERE} 5 1\nWATCH AT {HERE} 5\nWATCH *\nWATCH hidden-1\nWATCH hidden-2 50\n")
        self.assertEqual(ada.lines(2), [f"NEAR 111.2 {seen}", ""])
        self.assertEqual(ada.lines(3), ["WATCH 1 1", f"NEAR 111.2 {seen}", ""])
        self.assertEqual(ada.until(b"WATCH 4 0\n\n").decode().replace(f"! MOVE 2 {seen}\n", ""),
                         "WATCH 2 0\n\nWATCH 3 0\n\nWATCH 4 0\n\n")
        for i in range(4):
            self.iamat(bob, f"hidden-{i}", NEAR, STAMP + 1)
            self.iamat(bob, f"hidden-{i}", FAR, STAMP + 2)
        wait_for("a tombstone", lambda: bob.ask("FORGET hidden-1").startswith("AT "))
        self.iamat(bob, "hidden-5")
        last = self.iamat(bob, "seen-1", FAR, STAMP + 3)
        told = self.told_until(ada, {f"! LEAVE 1 {last}", f"! MOVE 2 {last}"})
        self.assertNotIn("hidden", told)
        self.assertNotIn("hidden", ada.pending.decode())

    @staticmethod
    def told_until(client, lines):
        told, left = "", set(lines)
        while left:
            line = client.line()
            left.discard(line)
            told += line + "\n"
        return told

    def test_rules_taken_away_end_what_they_allowed(self):
        ada, bob = self.person("ada", "be = ada", "see = *"), self.person("bob", "be = bob", "see = ada")
        self.start(ada, bob, "anyone\n    see = ada\n")
        watcher, owner, stranger = self.client("Ann", "ada"), self.client("Bea", "bob"), self.client("Ann")
        idle = self.client("Bea", "ada")
        self.iamat(owner, "bob")
        watcher.send("WATCH *\n")
        watcher.until(b"! MOVE 1 ")
        watcher.line()
        stranger.send("WATCH ada\n")
        self.assertEqual(stranger.lines(2), ["WATCH 1 0", ""])
        self.rules.write_text("person\n    name = ada\n    see *\nanyone\n    see = ada\n    see = b*b*\n")
        self.hup()
        for node in ("Ann", "Bea"):
            wait_for("a refusal", lambda: "has access rules that are not good" in self.herd.log(node))
        for line in (3, 6):
            wait_for("its faults", lambda: f"trial.access:{line}: "
                     in self.herd.processes["Ann"].err.read_text())
        self.iamat(owner, "bob", NEAR, STAMP + 1)
        watcher.until(b"! MOVE 1 ")
        watcher.line()
        # Ada is gone, and `anyone` sees nobody any more; Bob stays.
        self.hup(bob)
        for client in (watcher, stranger, idle):
            self.assertEqual(client.rest(), b"")
        self.assertTrue(self.iamat(owner, "bob", HERE, STAMP + 2))
        with Client(self.herd.ports["Ann"]) as again:
            self.assertEqual(again.ask(f"AUTH {self.tokens['ada'][0]}"), "? AUTH *")
        self.hup(bob + "    until = 2001-01-31\n")
        self.assertEqual(owner.rest(), b"")

    def test_wrong_tokens_cost_time_and_show_nothing(self):
        self.start(self.person("ada", "be = ada", "rate = 2/s"))
        begun = time.monotonic()
        client = self.client("Ann")
        wrong = [new_token("ada")[0], self.tokens["ada"][0] + "x", "kiwi secret"]
        client.send("".join(f"AUTH {token}\n" for token in wrong) + "WHATSAT ada 1 0\n")
        self.assertEqual(client.rest(), b"? AUTH *\n" * 3)
        self.assertGreater(time.monotonic() - begun, 1.9)
        client = self.client("Ann")
        client.send(f"AUTH {wrong[0]}\nAUTH {self.tokens['ada'][0]}\nIAMAT ada {HERE} 1\n"
                    f"AUTH\r\nHELP me\n")
        client.half_close()
        said = client.rest().decode()
        self.assertRegex(said, rf"\A\? AUTH \*\nAUTH ada\nAT Ann \S+ ada \{HERE} 1\n\? AUTH \*\n\? HELP me\n\Z")
        quick = self.client("Ann", "ada")
        quick.send(f"IAMAT ada {HERE} {STAMP}\n" * 9)
        answers = quick.lines(9)
        self.assertLess(sum(line.startswith("AT ") for line in answers), 9)
        self.assertTrue(all(line.startswith(("AT ", "? IAMAT ada ")) for line in answers))
        wait_for("the counts in the log", lambda: "wrong tokens shown" in self.herd.log("Ann") and
                 "faster than their person's rate" in self.herd.log("Ann"))
        for node in ("Ann", "Bea"):
            log = self.herd.log(node)
            for token in [*wrong, self.tokens["ada"][0]]:
                self.assertNotIn(token, log)
        self.assertIn(" AUTH *\n", self.herd.log("Ann"))

    def test_without_rules_a_token_is_not_shown_either(self):
        self.herd.file.write_text(self.herd.file.read_text().replace(self.head, "    name = trial\n", 1))
        self.herd.start("Ann")
        client = self.client("Ann")
        self.assertEqual(client.ask(f"AUTH {self.tokens['ada'][0]}"), "? AUTH *")
        self.assertTrue(self.iamat(client, "anybody"))
        self.assertNotIn(self.tokens["ada"][0], self.herd.log("Ann"))


class Check(unittest.TestCase):
    def test_check_reads_the_rules(self):
        herd = Herd(["Ann-Bea"], places=False)
        self.addCleanup(herd.__exit__, None)
        rules = herd.folder / "some.access"
        text = herd.file.read_text()

        def check():
            return subprocess.run([BUILD / "zherd", "check", herd.file], capture_output=True, text=True,
                                  check=False)
        herd.file.write_text(text.replace("name = trial", "name = trial\n    access = some.access", 1))
        self.assertRegex(check().stderr, r"some\.access: cannot be opened")
        rules.write_text("person\n    name = ada\n    be = a*d*a\n    rat = 1/s\n    from = 192.0.2.1/8\n")
        done = check()
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("some.access:")), (1, "", 3))
        rules.write_text("person\n    name = ada\n    be = ada\nanyone\n    see = *\n")
        done = check()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"access: rules of 1 person in {rules}\n", done.stdout)
        herd.file.write_text(text.replace("127.0.0.1", "*", 1))
        self.assertIn("no access rules: whoever reaches", check().stdout)


if __name__ == "__main__":
    unittest.main()
