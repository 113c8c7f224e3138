"""Assertions and hardening are in what was built, whatever its type is called."""

import json
import re
import shlex
import subprocess
import unittest

from rig import BUILD

PROGRAMS = ["zherd", "zherd-gateway", "zherd-web", "placesd", "zherd-landmarks"]


def optimizes(words):
    levels = [word for word in words if re.match("-O", word)]
    return bool(levels) and levels[-1] != "-O0"


def definitions(words, name):
    """What was said about a macro, in its order."""
    return [word for word in words if re.fullmatch(f"-[DU]{name}(=.*)?", word)]


def has(feature):
    """Whether the compiler that built this has it."""
    return re.search(f"^ZHERD_HAS_{feature}:INTERNAL=1$", (BUILD / "CMakeCache.txt").read_text(),
                     re.MULTILINE)


def is_on_the_way_of_a_command(file):
    """Whether a check there costs each command something; the top level CMakeLists.txt says what.
    Tests may build such a file for themselves, with all of them."""
    return re.search(r"/(bus/(base|table|link)/|bus/flood(_forget)?\.c|gateway/text/)", file)


def lacks(file, words):
    """What leaves no mark in a program, and is not in this compiler's command."""
    if definitions(words, "NDEBUG")[-1:] not in ([], ["-UNDEBUG"]):
        yield "assertions"
    for option in ("-fstack-protector-strong", "-fstack-clash-protection"):
        if option not in words:
            yield option
    if not {"-fPIE", "-fPIC"} & set(words):
        yield "a position of its own"
    if has("CF_PROTECTION") and "-fcf-protection=full" not in words:
        yield "-fcf-protection"
    fast = is_on_the_way_of_a_command(file) or "hotpath" in " ".join(words)
    inits = [word for word in words if word.startswith("-ftrivial-auto-var-init=")]
    if has("AUTO_VAR_INIT") and not inits[-1].endswith("=zero") and not fast:
        yield "variables of zeros"
    levels = [3] if has("FORTIFY_3") and not fast else [2, 3]
    defined_again = [["-U_FORTIFY_SOURCE", f"-D_FORTIFY_SOURCE={level}"] for level in levels]
    if optimizes(words) and definitions(words, "_FORTIFY_SOURCE")[-2:] not in defined_again:
        yield "the C library's checks"


class Hardened(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        compiled = json.loads((BUILD / "compile_commands.json").read_text())
        cls.commands = [(each["file"], shlex.split(each["command"])) for each in compiled]

    def readelf(self, option, program):
        return subprocess.run(["readelf", "--wide", option, BUILD / program], text=True,
                              capture_output=True, check=True).stdout

    def test_every_program(self):
        up = next(words for file, words in self.commands if file.endswith("/up.c"))
        for program in PROGRAMS:
            with self.subTest(program):
                symbols = self.readelf("--dyn-syms", program)
                self.assertIn(" __assert_fail", symbols)
                self.assertIn(" __stack_chk_fail", symbols)
                if optimizes(up):
                    self.assertRegex(symbols, r" __(?!stack)\w+_chk")
                self.assertRegex(self.readelf("--file-header", program), r"Type: +DYN")
                self.assertIn("GNU_RELRO", self.readelf("--program-headers", program))
                self.assertRegex(self.readelf("--dynamic", program), r"BIND_NOW|FLAGS_1.*\bNOW\b")

    def test_every_file(self):
        self.assertGreater(len(self.commands), 100)
        for file, words in self.commands:
            self.assertEqual(list(lacks(file, words)), [], file)


if __name__ == "__main__":
    unittest.main(verbosity=2)
