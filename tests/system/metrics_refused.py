"""The reader of metrics itself: what it takes, and that it refuses each kind of fault.

Every fault is one change to a page that is right; for each there is the sentence that it earns. So
a reader that lets one pass, or refuses for another reason, fails here."""

import http.server
import threading
import unittest

from metrics_reader import OPEN_TYPE, TEXT_TYPE, Fault, read, scrape

TEXT = """\
# HELP a_total Counts.
# TYPE a_total counter
a_total{x="1"} 1
a_total{x="2",y="\\\\\\"\\n"} 2
# HELP b_bytes Size.
# TYPE b_bytes gauge
b_bytes -1.5
# HELP c_seconds Times.
# TYPE c_seconds histogram
c_seconds_bucket{x="1",le="0.1"} 1
c_seconds_bucket{x="1",le="1.0"} 3
c_seconds_bucket{x="1",le="+Inf"} 3
c_seconds_sum{x="1"} 1.5
c_seconds_count{x="1"} 3
c_seconds_bucket{x="2",le="0.1"} 0
c_seconds_bucket{x="2",le="1.0"} 0
c_seconds_bucket{x="2",le="+Inf"} 1
c_seconds_sum{x="2"} 7
c_seconds_count{x="2"} 1
# HELP free Empty.
# TYPE free gauge
"""
OPEN = (TEXT.replace("# HELP a_total", "# HELP a").replace("# TYPE a_total", "# TYPE a")
        .replace("b_bytes gauge\n", "b_bytes gauge\n# UNIT b_bytes bytes\n")
        .replace("c_seconds histogram\n", "c_seconds histogram\n# UNIT c_seconds seconds\n")
        + "# EOF\n")

# What is replaced, by what, and what the reader says. In both forms.
BOTH = [
    ('a_total{x="1"} 1\n', 'a_total{x="1"} 1\n\n', "no sample"),
    ('a_total{x="1"} 1\n', '# hello\na_total{x="1"} 1\n', "neither HELP, TYPE nor UNIT"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} 1\r\n', "printable ASCII"),
    ('x="2",y', 'x="\u00e9",y', "printable ASCII"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"}  1\n', "no sample"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} 1 1621464827\n', "no sample"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} -1\n', "is negative"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} NaN\n', "no plain number"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} 1e3\n', "no plain number"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} 0x10\n', "no plain number"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} 01\n', "no plain number"),
    ('a_total{x="1"} 1\n', 'a_total{x="1"} \n', "no plain number"),
    ('a_total{x="1"} 1\n', 'a_total{} 1\n', "no label in {}"),
    ('a_total{x="1"} 1\n', 'a_total{x="1",} 1\n', "a comma after"),
    ('a_total{x="1"} 1\n', 'a_total{x="1",x="3"} 1\n', "comes twice"),
    ('a_total{x="1"} 1\n', 'a_total{X="1"} 1\n', "no name of a label"),
    ('a_total{x="1"} 1\n', 'a_total{__x="1"} 1\n', "no name of a label"),
    ('a_total{x="1"} 1\n', 'a_total{x="\\q"} 1\n', "no escape"),
    ('a_total{x="1"} 1\n', 'a_total{x="1} 1\n', "no label"),
    ('a_total{x="1"} 1\n', 'a_total{x="1",le="1.0"} 1\n', "belongs to buckets"),
    ('a_total{x="1"} 1\n', 'a{x="1"} 1\n', "no sample of the counter"),
    ('a_total{x="1"} 1\n', 'b_bytes 1\n', "no sample of the counter"),
    ('x="2",y="\\\\\\"\\n"', 'x="1"', "comes twice with the same labels"),
    ("b_bytes -1.5\n", "b_bytes -1.5\nb_bytes 2\n", "comes twice with the same labels"),
    ("b_bytes -1.5\n", "b_bytes -1.5\n# HELP b_bytes Size.\n", "after samples"),
    ("b_bytes -1.5\n", "b_bytes -1.5\na_total 5\n", "no sample of the gauge"),
    ("# HELP b_bytes Size.\n", "", "no TYPE or no HELP"),
    ("# HELP b_bytes Size.\n", "# HELP b_bytes  \n", "no TYPE or no HELP"),
    ("# HELP b_bytes Size.\n", "# HELP b_bytes\n", "neither HELP"),
    ("# HELP b_bytes Size.\n", "# HELP b_bytes A\\q.\n", "must be escaped"),
    ("# HELP b_bytes Size.\n", "# HELP b_bytes A.\n# HELP b_bytes B.\n", "a second HELP"),
    ("# TYPE b_bytes gauge\n", "", "no TYPE or no HELP"),
    ("# TYPE b_bytes gauge\n", "# TYPE b_bytes gauge\n# TYPE b_bytes gauge\n", "a second TYPE"),
    ("# TYPE b_bytes gauge\n", "# TYPE b_bytes untyped\n", "is a 'untyped'"),
    ("# HELP free Empty.\n# TYPE free gauge\n",
     "# HELP free Empty.\n# TYPE free gauge\n# HELP b_bytes Size.\n# TYPE b_bytes gauge\n",
     ("b_bytes comes twice", "UNIT of b_bytes")),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP free A.\n# TYPE free gauge\n# HELP d2 A.\n", "no TYPE"),
    ('c_seconds_bucket{x="1",le="+Inf"} 3\n', "", "no +Inf"),
    ('c_seconds_bucket{x="1",le="0.1"} 1\n', "", "bounds of c_seconds differ"),
    ('x="1",le="0.1"', 'x="1",le="2.0"', "do not rise"),
    ('x="1",le="0.1"', 'x="1",le="1.0"', "comes twice with the same labels"),
    ('x="1",le="0.1"', 'x="1",le="1"', "no number with a fraction"),
    ('x="1",le="0.1"', 'x="1"', "belongs to buckets"),
    ('le="0.1"} 1\n', 'le="0.1"} 4\n', "fall"),
    ('le="0.1"} 1\n', 'le="0.1"} 0.5\n', "not whole"),
    ('c_seconds_count{x="1"} 3\n', 'c_seconds_count{x="1"} 4\n', "not that of +Inf"),
    ('c_seconds_count{x="1"} 3\n', "", "not buckets, then _sum, then _count"),
    ('c_seconds_sum{x="1"} 1.5\n', "", "not buckets, then _sum, then _count"),
    ('c_seconds_sum{x="1"} 1.5\n', 'c_seconds_sum{x="1"} 0.1\n', "does not fit"),
    ('c_seconds_sum{x="1"} 1.5\n', 'c_seconds_sum{x="1"} 2.2\n', "does not fit"),
    ('c_seconds_sum{x="2"} 7\n', 'c_seconds_sum{x="2"} 0.9\n', "does not fit"),
    ('c_seconds_sum{x="1"} 1.5\nc_seconds_count{x="1"} 3\n'
     'c_seconds_bucket{x="2",le="0.1"} 0\n',
     'c_seconds_bucket{x="2",le="0.1"} 0\nc_seconds_sum{x="1"} 1.5\nc_seconds_count{x="1"} 3\n',
     "interleaved"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP c_seconds_count A.\n# TYPE c_seconds_count gauge\n",
     "ends in count"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP d_ms A.\n# TYPE d_ms gauge\n", "ends in ms"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP d_total A.\n# TYPE d_total gauge\n",
     "ends in total"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP dE A.\n# TYPE dE gauge\n", "no name of a family"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP d:e A.\n# TYPE d:e gauge\n",
     "no name of a family"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP d_gauge A.\n# TYPE d_gauge gauge\n",
     "its type in its name"),
    ("# HELP free Empty.\n# TYPE free gauge\n", "# HELP d_seconds_delay A.\n# TYPE d_seconds_delay gauge\n",
     "unit not at its end"),
]
TEXT_ONLY = [
    ("# HELP a_total Counts.\n# TYPE a_total counter\n", "# HELP a Counts.\n# TYPE a counter\n",
     "does not end in _total"),
    ("# TYPE b_bytes gauge\n", "# TYPE b_bytes gauge\n# UNIT b_bytes bytes\n", "UNIT in the text"),
    ("# TYPE free gauge\n", "# TYPE free gauge\n# EOF\n", "# EOF before the end"),
    ("# TYPE free gauge\n", "# TYPE free gauge", "no end"),
    ("# HELP a_total Counts.\n# TYPE a_total counter\n", "", "without a family"),
]
OPEN_ONLY = [
    ("# EOF\n", "", "# EOF is not the last line"),
    ("# EOF\n", "# EOF\n\n", "# EOF is not the last line"),
    ("# EOF\n", "# EOF\n# EOF\n", "# EOF before the end"),
    ("# EOF\n", "# EOF", "no end"),
    ("# HELP a Counts.\n# TYPE a counter\n", "# HELP a_total C.\n# TYPE a_total counter\n",
     "ends in total"),
    ("# UNIT b_bytes bytes\n", "", "UNIT of b_bytes is None"),
    ("# UNIT b_bytes bytes\n", "# UNIT b_bytes seconds\n", "UNIT of b_bytes is seconds"),
    ("# TYPE free gauge\n", "# TYPE free gauge\n# UNIT free bytes\n", "UNIT of free is bytes"),
]


class Reader(unittest.TestCase):
    def test_a_page_that_is_right_is_read_in_both_forms(self):
        for page, is_open in ((TEXT, False), (OPEN, True)):
            families = read(page.encode(), is_open)
            self.assertEqual(list(families), ["a", "b_bytes", "c_seconds", "free"])
            self.assertEqual(families["a"].value("_total", x="2", y='\\"\n'), 2)
            self.assertEqual(families["c_seconds"].value("_sum", x="2"), 7)
            self.assertEqual(families["b_bytes"].unit, "bytes")
        self.assertEqual(read(b"", False), {})
        self.assertEqual(read(b"# EOF\n", True), {})

    def refuse(self, page, is_open, wanted):
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        with self.assertRaises(Fault) as caught:
            read(page, is_open)
        self.assertTrue(any(part in str(caught.exception) for part in wanted),
                        f"{caught.exception} is not {wanted}")

    def test_each_kind_of_fault_is_refused_for_what_it_is(self):
        for page, is_open, rows in ((TEXT, False, BOTH + TEXT_ONLY),
                                    (OPEN, True, BOTH + OPEN_ONLY)):
            for old, new, wanted in rows:
                with self.subTest(old=old, new=new, is_open=is_open):
                    self.assertEqual(page.count(old), 1)
                    self.refuse(page.replace(old, new).encode(), is_open, wanted)

    def test_bytes_that_are_no_utf8_are_refused(self):
        self.refuse(TEXT.encode().replace(b'y="', b'y="\xff'), False, "not UTF-8")

    def test_families_whose_samples_would_have_one_name_are_refused(self):
        page = ("# HELP e A.\n# TYPE e gauge\ne 1\n"
                "# HELP e_total A.\n# TYPE e_total counter\ne_total 1\n")
        self.refuse(page.encode(), False, "comes twice")

    def test_a_page_cut_anywhere_is_never_a_whole_one(self):
        page = OPEN.encode()
        for size in range(len(page)):
            with self.assertRaises(Fault):
                read(page[:size], True)

    def test_a_scrape_wants_both_forms_by_their_types_and_alike(self):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                is_open = "openmetrics" in self.headers.get("Accept", "")
                kind, page = pages[is_open]
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_):
                pass

        good = [(TEXT_TYPE, TEXT), (OPEN_TYPE, OPEN)]
        with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}/metrics"
            pages = good
            self.assertEqual(len(scrape(url)), 4)
            for pages, wanted in (
                    ([("text/plain", TEXT), good[1]], "Content-Type"),
                    ([good[0], (TEXT_TYPE, OPEN)], "Content-Type"),
                    ([good[0], (OPEN_TYPE, OPEN.replace("Size.", "Another."))], "different"),
                    ([good[0], (OPEN_TYPE, "# EOF\n")], "different")):
                with self.assertRaises(Fault) as caught:
                    scrape(url)
                self.assertIn(wanted, str(caught.exception))
            server.shutdown()


if __name__ == "__main__":
    unittest.main()
