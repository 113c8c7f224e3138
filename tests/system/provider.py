"""What a client reads of a provider's answers, and what the operator's log shows: a node, placesd and
a provider whose answers the test chooses."""

import json
import pathlib
import shutil
import tempfile
import time
import unittest

from places_rig import CANARY, Provider, Service
from rig import Client, wait_for

DENIED = (b'{"html_attributions":[],"results":[],"status":"REQUEST_DENIED","error_message":"This '
          b'server at 192.0.2.77 may not use project 123456789 with key %s."}' % CANARY.encode())
BLANK = (b'{\r\n  "html_attributions": [],\r\n\r\n  "results": [\r\n    {\r\n      "name": "Amber '
         b'Cup",\r\n \t\r\n      "vicinity": "1 Example Road"\r\n    }\r\n  ],\r\n\r\n  "status": '
         b'"OK"\r\n}\r\n')
GOOD = b'{"html_attributions":[],"results":[{"name":"here"}],"status":"OK"}'
QUIET_S = 0.5


class Reported(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-provider-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.provider = Provider(body=DENIED)
        self.addCleanup(self.provider.close)

    def start(self, provider="google", more="    cache_s = 0\n"):
        service = Service(self.folder, self.provider.url(), more, provider)
        self.addCleanup(service.close)
        self.placesd = service.start()
        service.start_node()
        self.client = Client(service.clients)
        self.addCleanup(self.client.close)
        self.place = 0

    def whatsat(self):
        """The bytes after the AT line, for a place that no question was about before."""
        self.place += 1
        self.client.ask(f"IAMAT kiwi +{self.place}.25-118.4451 {self.place}")
        self.client.send("WHATSAT kiwi 10 5\n")
        return self.client.until(b"\n\n").partition(b"\n")[2]

    def log(self):
        return self.placesd.err.read_text()

    def test_its_words_are_the_operators(self):
        self.start()
        for _ in range(3):
            reply = self.whatsat()
            for secret in (b"192.0.2.77", b"123456789", CANARY.encode(), b"may not"):
                self.assertNotIn(secret, reply)
            answer = json.loads(reply)
            self.assertEqual(answer["status"], "REQUEST_DENIED")
            self.assertEqual(answer["error_message"],
                             "The places provider refused the request (REQUEST_DENIED).")
        wait_for("its words in the log", lambda: "192.0.2.77" in self.log())
        self.provider.body = DENIED.replace(b"192.0.2.77", b"192.0.2.78\\u009b\\n2")
        self.whatsat()
        wait_for("its other words in the log", lambda: "192.0.2.78" in self.log())
        time.sleep(QUIET_S)
        log = self.log()
        self.assertEqual(log.count("This server at 192.0.2.77 may not use project 123456789 with "
                                   "key ***.\n"), 1, log)
        self.assertEqual(log.count(r"192.0.2.78\xc2\x9b\x0a2 may not"), 1, log)
        self.assertNotIn(CANARY, log)

    def test_its_limit_is_told_as_one(self):
        self.start()
        for status, body in ((429, b""), (403, b'{"error":{"status":"RESOURCE_EXHAUSTED"}}'),
                             (200, b'{"results":[],"status":"OVER_QUERY_LIMIT"}')):
            self.provider.status, self.provider.body = status, body
            self.assertEqual(json.loads(self.whatsat())["status"], "OVER_QUERY_LIMIT", status)

    def test_an_invalid_question_is_told_as_one_and_harms_nobody(self):
        self.start()
        self.provider.status, self.provider.body = 400, b"no"
        for _ in range(12):
            self.assertEqual(json.loads(self.whatsat())["status"], "INVALID_REQUEST")
        self.provider.status, self.provider.body = 200, GOOD
        self.assertEqual(json.loads(self.whatsat())["status"], "OK")

    def test_one_bad_place_is_left_alone_and_others_are_not(self):
        """Two look-ups with their second attempts are six failed requests in a row."""
        self.start()
        self.provider.status, self.provider.body = 503, b""
        for _ in range(2):
            self.assertEqual(json.loads(self.whatsat())["status"], "UNKNOWN_ERROR")
        self.assertGreater(self.provider.requests, 4)
        self.provider.status, self.provider.body = 200, GOOD
        self.assertEqual(json.loads(self.whatsat())["status"], "OK")

    def test_no_line_is_blank(self):
        self.start()
        self.provider.body = BLANK
        self.assertEqual(self.whatsat(), b"".join(
            line for line in BLANK.splitlines(keepends=True) if line.strip()) + b"\n")
        self.provider.body = BLANK.replace(b"\r\n", b"\r")
        self.assertNotIn(b"\r\r", self.whatsat())
        self.provider.body = BLANK.replace(b"Amber", "\x9b31m\x7f".encode())
        self.assertIn(rb'"\u009b31m\u007f Cup"', self.whatsat())

    def test_nesting_has_an_end(self):
        self.start()
        for depth, status in ((100, "OK"), (101, "UNKNOWN_ERROR")):
            deep = b"[" * (depth - 2) + b"]" * (depth - 2)
            self.provider.body = GOOD.replace(b'{"name":"here"}', deep)
            self.assertEqual(json.loads(self.whatsat())["status"], status)


if __name__ == "__main__":
    unittest.main(verbosity=2)
