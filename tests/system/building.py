"""What a machine may be like on which somebody builds zherd: packages that describe themselves
wrongly, a folder with a blank in its name, no git, no compiler, nobody's leave to install."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from rig import copy_sources

LIBRARIES = ["libzmq", "libczmq", "libcurl", "msgpack", "msgpack-c", "libuv", "jansson", "sqlite3",
             "libmicrohttpd", "gnutls", "libsodium", "libxxhash", "libssl", "libcrypto"]
NOBODY = 65534


class Building(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-building-"))
        cls.folder.chmod(0o755)
        cls.clone = cls.folder / "a clone"
        copy_sources(cls.clone)
        # Every .pc that may be asked for, and each names a folder that is not there.
        cls.wrong = cls.folder / "pkgconfig"
        cls.wrong.mkdir()
        for name in [*LIBRARIES, "nosuch"]:
            (cls.wrong / f"{name}.pc").write_text(
                f"includedir=include\nName: {name}\nDescription: wrong\nVersion: 99\n"
                "Libs: -lc\nCflags: -I${includedir}\n")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run_in_clone(self, *command, user=None, **environment):
        return subprocess.run(command, cwd=self.clone, text=True, capture_output=True, timeout=100,
                              user=user, env={**os.environ, **environment})

    def configure(self, folder, *options, **environment):
        return self.run_in_clone("cmake", "-S", ".", "-B", folder, *options, **environment)

    def is_there(self, kind, name, **environment):
        script = f". topology/prepare.sh; is_there {kind} '{name}'"
        return self.run_in_clone("/bin/sh", "-c", script, **environment).returncode == 0

    def path_without(self, *programs):
        """A folder of all the system's programs but these."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        folder.chmod(0o755)
        for program in [*pathlib.Path("/usr/bin").iterdir(), *pathlib.Path("/bin").iterdir()]:
            if program.name not in programs and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
        return str(folder)

    def test_pkg_config_is_not_believed(self):
        done = self.configure("build", PKG_CONFIG_PATH=str(self.wrong))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_missing_is_named_by_header_and_library(self):
        listing = (self.clone / "CMakeLists.txt").read_text()
        (self.clone / "CMakeLists.txt").write_text(
            listing.replace("herd_library(UV uv.h uv)", "herd_library(UV uv.h nosuch nothere)"))
        done = self.configure("missing")
        (self.clone / "CMakeLists.txt").write_text(listing)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("uv.h and libnosuch or libnothere", " ".join(done.stderr.split()))

    def test_among_the_sources(self):
        for folder in (".", "bus"):
            with self.subTest(folder):
                done = self.configure(folder)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("cmake -S . -B build", done.stderr)
                self.assertFalse((self.clone / folder / "Makefile").exists())

    def commit_of(self, sources, file):
        """What a build of the sources says in --version."""
        done = self.run_in_clone("cmake", f"-DSOURCES={sources}", f"-DFILE={file}",
                                 "-P", "topology/commit.cmake")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return re.search('version_commit\\[\\] = "(.*)";\n', file.read_text())[1]

    def test_the_commit(self):
        sources, file = self.folder / "cloned", self.folder / "commit.c"
        (sources / "copy").mkdir(parents=True)
        (sources / "file").write_text("1")

        def git(*words):
            return subprocess.run(["git", "-C", sources, "-c", "user.name=n", "-c", "user.email=n@n",
                                   *words], check=True, capture_output=True, text=True).stdout.strip()

        self.assertEqual(self.commit_of(sources, file), "")
        git("init")
        git("add", "file")
        git("commit", "-m", "one")
        commit = git("rev-parse", "HEAD")[:12]
        self.assertEqual(self.commit_of(sources, file), commit)
        made = file.stat().st_mtime_ns
        self.assertEqual(self.commit_of(sources, file), commit)
        self.assertEqual(file.stat().st_mtime_ns, made)
        (sources / "file").write_text("2")
        self.assertEqual(self.commit_of(sources, file), commit + "-dirty")
        git("tag", "-a", "v0.2.0", "-m", "two")
        git("checkout", "file")
        self.assertEqual(self.commit_of(sources, file), "v0.2.0")
        self.assertEqual(self.commit_of(sources / "copy", file), "", "somebody else's")

    def test_without_tests(self):
        self.assertEqual(self.configure("untested", "-DZHERD_TESTS=OFF").returncode, 0)
        compiled = json.loads((self.clone / "untested" / "compile_commands.json").read_text())
        self.assertGreater(len(compiled), 50)
        self.assertFalse([each["file"] for each in compiled if "/tests/" in each["file"]])
        listed = self.run_in_clone("ctest", "--test-dir", "untested", "-N")
        self.assertIn("Total Tests: 0", listed.stdout)

    def test_a_library_is_its_file_and_what_is_linked(self):
        parts = self.folder / "parts"
        parts.mkdir()
        here = {"CPATH": str(parts), "LIBRARY_PATH": str(parts), "PKG_CONFIG_PATH": str(self.wrong)}
        self.assertFalse(self.is_there("library", "nosuch.h:nosuch", **here))
        (parts / "nosuch.h").write_text("int nosuch;\n")
        self.assertFalse(self.is_there("library", "nosuch.h:nosuch", **here))
        subprocess.run(["ar", "rc", parts / "libnosuch.a"], check=True, capture_output=True)
        self.assertTrue(self.is_there("library", "nosuch.h:nosuch", **here))
        self.assertTrue(self.is_there("library", "absent.h:absent|nosuch.h:nosuch", **here))
        (parts / "nosuch.h").unlink()
        self.assertFalse(self.is_there("library", "nosuch.h:nosuch", **here))

    def test_a_library_without_a_compiler(self):
        path = self.path_without("cc")
        for name, there in [("zmq.h:zmq", True), ("curl/curl.h:curl", True),
                            ("zmq.h:nosuch", False), ("nosuch.h:zmq", False)]:
            with self.subTest(name):
                self.assertEqual(self.is_there("library", name, PATH=path), there)

    def test_who_may_not_install_is_told_what_to(self):
        script = '. topology/prepare.sh; prepare "$needs_to_build"; echo on'
        done = self.run_in_clone("/bin/sh", "-c", script, PATH=self.path_without(
            "cmake", "telnet", "sudo"), user=NOBODY if os.geteuid() == 0 else None)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(done.stderr, "zherd: please install these first (Debian's names): "
                                      "cmake inetutils-telnet\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
