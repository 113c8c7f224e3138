"""The manual pages: well-formed, and about the programs as they are."""

import re
import subprocess
import textwrap
import unittest

from rig import BUILD, ROOT

MAN = ROOT / "topology" / "system" / "man"
PAGES = {"zherd": "zherd.1", "zherd-gateway": "zherd-gateway.8", "placesd": "placesd.8",
         "zherd-landmarks": "zherd-landmarks.1", "zherd-web": "zherd-web.8",
         "zherd-bench": "zherd-bench.1"}
# What each help text and each page says in a line of its own.
ALWAYS = {"help", "version"}


def output(*command):
    return subprocess.run(command, cwd=MAN, text=True, capture_output=True, check=True).stdout


def help_of(program):
    return output(BUILD / program, "--help")


def keys_in_mdoc(schema):
    """What `zherd schema` prints, as it stands in zherd.zpl(5)."""
    lines, section = [], None
    for row in schema.splitlines():
        name, key, kind, otherwise, meaning = re.split("  +", row, maxsplit=4)
        if name != section:
            lines += [".El"] * bool(section) + [f".Ss {name}", ".Bl -tag -width Ds"]
            section = name
        without = {"required": "required", "-": "optional"}.get(otherwise,
                                                                f"without it {otherwise}")
        lines += [f".It Ic {key}", *textwrap.wrap(f"{kind}, {without}:", 78),
                  *textwrap.wrap(meaning, 78)]
    return "\n".join([*lines, ".El", ""])


class Manuals(unittest.TestCase):
    maxDiff = None

    def test_mandoc_and_man_have_nothing_to_say(self):
        pages = sorted(MAN.iterdir())
        self.assertEqual(len(pages), 8)
        for page in pages:
            for command in (["mandoc", "-Tlint", "-Wall"], ["man", "-l", "--warnings"]):
                with self.subTest(page.name, command=command[0]):
                    done = subprocess.run([*command, page], cwd=MAN, capture_output=True, text=True)
                    said = done.stderr + (done.stdout if command[0] == "mandoc" else "")
                    self.assertEqual((done.returncode, said), (0, ""))

    def test_each_page_has_the_options_of_the_help(self):
        for program, page in PAGES.items():
            with self.subTest(program):
                helped = set(re.findall(r"(?<!\w)--([a-z][a-z-]+)", help_of(program)))
                written = set(re.findall(r"\bFl -([a-z][a-z-]+)", (MAN / page).read_text()))
                self.assertEqual(written | ALWAYS, helped | ALWAYS)
                self.assertLessEqual(ALWAYS, written)

    def test_each_page_has_the_defaults_of_the_help(self):
        seen = 0
        for program, page in PAGES.items():
            text = dict(re.findall(r"^\.It Fl -([a-z-]+)(.*?)(?=^\.(?:It|El))",
                                   (MAN / page).read_text(), re.MULTILINE | re.DOTALL))
            for option, default in re.findall(r"--([a-z-]+) (?:(?!--)[^()])*\(([\d.]+)\)",
                                              help_of(program)):
                seen += 1
                with self.subTest(program, option=option):
                    self.assertRegex(text[option], rf"ithout\sit,?\s{re.escape(default)}\b")
        self.assertGreater(seen, 10)

    def test_zherds_page_has_its_subcommands(self):
        page = (MAN / PAGES["zherd"]).read_text()
        subcommands = re.findall(r"^  zherd ([a-z]+) [a-zF[-]", help_of("zherd"), re.MULTILINE)
        self.assertGreater(len(subcommands), 5)
        for subcommand in subcommands:
            with self.subTest(subcommand):
                self.assertRegex(page, rf"(?m)^\.It Cm {subcommand}$")
                self.assertRegex(page, rf"(?m)^\.Nm\n\.Cm {subcommand}$")

    def test_the_keys_of_a_topology_file(self):
        page = (MAN / "zherd.zpl.5").read_text()
        keys = page.partition(".Sh KEYS\n")[2].partition(".Pp\n")[0]
        self.assertEqual(keys, keys_in_mdoc(output(BUILD / "zherd", "schema")))

    def test_the_herd_of_the_example_is_good(self):
        page = (MAN / "zherd.zpl.5").read_text()
        example = page.partition(".Bd -literal -offset indent\n")[2].partition(".Ed\n")[0]
        done = subprocess.run([BUILD / "zherd", "check", "/dev/stdin"], input=example, text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_commands_of_the_protocol(self):
        page = (MAN / "zherd-protocol.7").read_text()
        rows = (ROOT / "gateway" / "text" / "commands.c").read_text()
        takes = re.findall(r'TAKES\("([A-Z]+)", "([a-z ]*)"\)', rows)
        self.assertGreater(len(takes), 2)
        # "NEARBY takes (client radius bound) or (AT position radius bound)"
        either = re.findall(r"([A-Z]+) takes ((?:\([^)]*\)(?: or )?){2,})", re.sub(r'"\s+"', "", rows))
        self.assertEqual([word for word, _ in either], ["NEARBY", "WATCH"])
        for word, forms in either:
            takes += [(word, form) for form in re.findall(r"\(([^)]*)\)", forms)]
        for word, arguments in takes:
            with self.subTest(word, arguments=arguments):
                words, values = re.fullmatch(r"((?:[A-Z]+ |\*)*)(.*)", arguments).groups()
                taken = f" {words}".rstrip() + (f" Ar {values}" if values else "")
                self.assertIn(f"\n.It Cm {word}{taken}\n", page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
