"""Programs that speak TELNET: typed into under expect, and what they send, byte for byte."""

import pathlib
import socket
import subprocess
import unittest

from rig import PATIENCE, UCLA, Herd

SCRIPT = pathlib.Path(__file__).with_name("typed.exp")
NOP, EOF, DO_SGA = b"\xff\xf1", b"\xff\xec", b"\xff\xfd\x03"
WONT_SGA = b"\xff\xfc\x03"


class Telnet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.herd = Herd(["A-B"]).start().linked()

    @classmethod
    def tearDownClass(cls):
        cls.herd.__exit__(None, None, None)

    def typed(self, case):
        result = subprocess.run(["expect", SCRIPT, case, "127.0.0.1", str(self.herd.ports["A"])],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_person_at_the_terminal(self):
        self.typed("telnet")

    def test_character_mode_of_telnet_asked_for_twice(self):
        self.typed("telnet_modes")

    def test_character_mode_of_busybox_asked_for_twice(self):
        self.typed("busybox_modes")

    def test_plink_at_the_terminal(self):
        self.typed("plink")

    def replies(self, *reads):
        """All that comes until the node closes, to bytes sent piece by piece."""
        with self.herd.client("A") as client:
            for bytes_sent in reads:
                client.send(bytes_sent)
            return client.rest()

    def each_split(self, sent, wanted):
        self.assertEqual(self.replies(sent), wanted)
        for at in range(1, len(sent)):
            self.assertEqual(self.replies(sent[:at], sent[at:]), wanted)

    def test_cr_nul_ends_a_line_of_telnet(self):
        self.each_split(DO_SGA + b"X\r\0\x04Y\r\0QUIT\r\0", WONT_SGA + b"? X\r\n? Y\r\n")
        self.each_split(b"X\r\0\x04Y\r\0\nQUIT\n", b"? X\r\0\x04Y\r\0\n")

    def test_help_in_cr_lf(self):
        plain = self.replies(b"HELP\nQUIT\n")
        self.assertNotIn(b"\r", plain)
        self.assertEqual(self.replies(NOP + b"HELP\nQUIT\n"), plain.replace(b"\n", b"\r\n"))

    def test_eof_is_answered_to_the_end(self):
        """The look-up is slow; the client does not close, and bytes after the EOF are no fault."""
        sent = f"IAMAT end {UCLA} 1\r\nWHATSAT end 10 3\r\nX".encode()
        for more in b"", b"QUIT\r\n" * 20000:
            got = self.replies(DO_SGA + sent + EOF + more)
            self.assertTrue(got.startswith(WONT_SGA + b"AT A "), got)
            line, json, end = got.split(b"\r\n", 1)[1].partition(b"\r\n")
            self.assertTrue(line.startswith(b"AT A "), got)
            self.assertEqual(got[-9:], b"\n}\n\n? X\r\n"[-9:], got)
            self.assertNotIn(b"\r", got.split(b"\r\n", 2)[2][:-len(b"\r\n")])

    def test_synch_comes_as_urgent_data(self):
        """`send synch` of telnet and PuTTY: the byte after IAC is marked as urgent."""
        with self.herd.client("A") as client:
            client.send("half")
            client.send(b"\xff\xf4\xff")
            client.socket.send(b"\xf2", socket.MSG_OOB)
            client.send("X\r\n")
            self.assertEqual(client.until(b"\n"), b"? X\r\n")

    def test_a_browser_is_shown_the_door(self):
        for method in "POST", "PUT", "PATCH", "DELETE":
            self.assertEqual(self.replies(f"{method} / HTTP/1.1\r\nIAMAT evil +1+1 1\n".encode()),
                             f"? {method} / HTTP/1.1\n".encode())
        self.assertEqual(self.replies(b"GET / HTTP/1.1\r\nhOST: x\r\nIAMAT evil +1+1 1\n"),
                         b"? GET / HTTP/1.1\n? hOST: x\n")
        self.assertIsNone(self.herd.at_line("A", "evil"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
