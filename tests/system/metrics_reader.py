"""A strict reader of metrics in both forms: Prometheus' text 0.0.4 and OpenMetrics 1.0.0.

It is stricter than both need, because it reads our pages alone: what Prometheus, promtool and the
Python client each let pass is refused here, from a histogram without +Inf to a family that comes in
two pieces. It knows no name but the conventions for names.

    tests/system/metrics_reader.py URL...      prints what is wrong with each page, in both forms

`Family.samples` are in the order of the page."""

import collections
import decimal
import re
import sys
import urllib.request

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OPEN_ACCEPT = "application/openmetrics-text; version=1.0.0"

Sample = collections.namedtuple("Sample", "name labels value")
"""`labels` a tuple of (name, value) in the order of the page, `value` a Decimal."""

UNITS = ("seconds", "bytes", "metres", "ratio")
# Units that promtool minds, and what does not belong into a name.
BAD_LAST_WORDS = set("milliseconds microseconds nanoseconds minutes hours days kilobytes megabytes "
                     "bits kilometers km ms us ns s m h d b kb mb gb percent count sum "
                     "bucket".split())
BAD_WORDS = {"gauge", "counter", "histogram", "summary"}
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SAMPLE = re.compile(r'(?P<name>[^ {]*)(\{(?P<labels>.*)\})? (?P<value>[^ ]*)')
LABEL = re.compile(r'(?P<name>[^=",]*)="(?P<value>(?:[^"\\]|\\.)*)"(?P<end>,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Fault(Exception):
    """What is wrong with a page, with the number of the line."""


class Family:
    def __init__(self, name, kind, unit, text):
        self.name, self.kind, self.unit, self.help = name, kind, unit, text
        self.samples = []

    def names(self):
        """What samples of it may be called."""
        return {"counter": [self.name + "_total"], "gauge": [self.name],
                "histogram": [self.name + end for end in ("_bucket", "_sum", "_count")]}[self.kind]

    def value(self, suffix="", **labels):
        """Of the one sample with these labels, and no others."""
        found = [sample.value for sample in self.samples
                 if sample.name == self.name + suffix and dict(sample.labels) == labels]
        assert len(found) == 1, (self.name, suffix, labels, self.samples)
        return found[0]


def read(page, open_metrics):
    """{name: Family} of a page of bytes; Fault where anything is wrong. The name of a counter is
    without _total in both forms."""
    try:
        return Reader(open_metrics).read(page)
    except Fault:
        raise
    except UnicodeDecodeError as error:
        raise Fault(f"not UTF-8: {error}") from None


class Reader:
    def __init__(self, open_metrics):
        self.open_metrics = open_metrics
        self.families = {}
        self.family = None
        self.about = {}  # what was said of a family whose samples have not begun
        self.about_name = None
        self.seen = set()  # series
        self.line = 0

    def fail(self, why):
        raise Fault(f"line {self.line}: {why}")

    def read(self, page):
        text = page.decode("utf-8")
        if text and not text.endswith("\n"):
            raise Fault("the last line has no end")
        lines = text.split("\n")[:-1]
        if self.open_metrics:
            if not lines or lines.pop() != "# EOF":
                raise Fault("# EOF is not the last line")
        for self.line, line in enumerate(lines, 1):
            self.take(line)
        self.close()
        return self.families

    def take(self, line):
        if re.search(r"[^\x20-\x7e]", line):
            self.fail("a byte outside of printable ASCII")
        if line == "# EOF":
            self.fail("# EOF before the end, or in the text form")
        if line.startswith("#"):
            self.take_about(line)
        else:
            self.take_sample(line)

    # ---- families ----

    def take_about(self, line):
        parts = line.split(" ", 3)
        if len(parts) != 4 or parts[0] != "#" or parts[1] not in ("HELP", "TYPE", "UNIT"):
            self.fail(f"neither HELP, TYPE nor UNIT of a family: {line!r}")
        _, word, name, text = parts
        if name != self.about_name:
            self.close()
            self.about, self.about_name = {}, name
        if self.family is not None:
            self.fail(f"{word} after samples of {name}")
        if word in self.about:
            self.fail(f"a second {word} of {name}")
        self.about[word] = text

    def open_family(self):
        """At the first sample, or at the end, of what was described."""
        about, name = self.about, self.about_name
        if "TYPE" not in about or not about.get("HELP", "").strip():
            self.fail(f"{name} has no TYPE or no HELP")
        if re.search(r'\\|"', about["HELP"]):
            self.fail(f"HELP of {name} has what must be escaped")
        kind = about["TYPE"]
        if kind not in ("counter", "gauge", "histogram"):
            self.fail(f"{name} is a {kind!r}")
        if kind == "counter" and not self.open_metrics:
            if not name.endswith("_total"):
                self.fail(f"the counter {name} does not end in _total")
            name = name[:-len("_total")]
        self.check_name(name)
        words = name.split("_")
        unit = words[-1] if words[-1] in UNITS else None
        if "UNIT" in about and not self.open_metrics:
            self.fail("UNIT in the text form")
        if self.open_metrics and about.get("UNIT") != unit:
            self.fail(f"UNIT of {name} is {about.get('UNIT')}, not {unit}")
        if name in self.families:
            self.fail(f"{name} comes twice")
        self.family = self.families[name] = Family(name, kind, unit, about["HELP"])

    def check_name(self, name):
        words = name.split("_")
        if not NAME.fullmatch(name):
            self.fail(f"{name!r} is no name of a family")
        if words[-1] in BAD_LAST_WORDS or words[-1] == "total":
            self.fail(f"{name} ends in {words[-1]}")
        if BAD_WORDS & set(words):
            self.fail(f"{name} has its type in its name")
        if set(words[:-1]) & {"seconds", "bytes"}:
            self.fail(f"{name} has its unit not at its end")

    def close(self):
        if self.about_name is None:
            return
        if self.family is None:
            self.open_family()
        if self.family.kind == "histogram":
            self.check_histogram(self.family)
        self.family = self.about_name = None

    # ---- samples ----

    def take_sample(self, line):
        match = SAMPLE.fullmatch(line)
        if not match:
            self.fail(f"no sample: {line!r}")
        if self.about_name is None:
            self.fail(f"a sample without a family: {line!r}")
        if self.family is None:
            self.open_family()
        name, family = match["name"], self.family
        if name not in family.names():
            self.fail(f"{name!r} is no sample of the {family.kind} {family.name}")
        if not NUMBER.fullmatch(match["value"]):
            self.fail(f"{match['value']!r} is no plain number")
        value = decimal.Decimal(match["value"])
        if value < 0 and family.kind != "gauge":
            self.fail(f"the {family.kind} {name} is negative")
        labels = self.read_labels(match["labels"])
        if ("le" in dict(labels)) != name.endswith("_bucket"):
            self.fail("the label le belongs to buckets, and only there")
        series = (name, tuple(sorted(labels)))
        if series in self.seen:
            self.fail(f"{name} comes twice with the same labels")
        self.seen.add(series)
        family.samples.append(Sample(name, labels, value))

    def read_labels(self, text):
        labels = []
        if text == "":
            self.fail("no label in {}")
        while text:
            match = LABEL.match(text)
            if not match:
                self.fail(f"no label: {text!r}")
            name, value = match["name"], match["value"]
            if not NAME.fullmatch(name):
                self.fail(f"{name!r} is no name of a label")
            if name in dict(labels):
                self.fail(f"the label {name} comes twice")
            bad = [e for e in re.findall(r"\\.", value) if e not in ESCAPES]
            if bad:
                self.fail(f"{bad[0]} is no escape")
            labels.append((name, re.sub(r"\\.", lambda m: ESCAPES[m[0]], value)))
            text = text[match.end():]
            if match["end"] == "," and not text:
                self.fail("a comma after the last label")
        return tuple(labels)

    # ---- histograms ----

    def check_histogram(self, family):
        """Each set of labels: buckets that rise to +Inf, then _sum, then _count, in one piece."""
        groups = []
        for sample in family.samples:
            rest = tuple(label for label in sample.labels if label[0] != "le")
            if not groups or groups[-1][0] != rest:
                groups.append((rest, []))
            groups[-1][1].append(sample)
        if len({tuple(sorted(rest)) for rest, _ in groups}) != len(groups):
            self.fail(f"sets of labels of {family.name} are interleaved")
        bounds = [self.check_group(family, samples) for _, samples in groups]
        if len(set(bounds)) > 1:
            self.fail(f"bounds of {family.name} differ between its sets of labels")

    def check_group(self, family, samples):
        buckets = [sample for sample in samples if sample.name == family.name + "_bucket"]
        if [s.name for s in samples] != ([family.name + "_bucket"] * len(buckets)
                                         + [family.name + "_sum", family.name + "_count"]):
            self.fail(f"{family.name} is not buckets, then _sum, then _count")
        bounds = [dict(sample.labels)["le"] for sample in buckets]
        if not bounds or bounds[-1] != "+Inf":
            self.fail(f"{family.name} has no +Inf at its end")
        if not all(re.fullmatch(r"(0|[1-9][0-9]*)\.[0-9]+", bound) for bound in bounds[:-1]):
            self.fail(f"a bound of {family.name} is no number with a fraction")
        numbers = [decimal.Decimal(bound) for bound in bounds[:-1]]
        if any(a >= b for a, b in zip(numbers, numbers[1:])):
            self.fail(f"bounds of {family.name} do not rise")
        counts = [sample.value for sample in buckets]
        if any(a > b for a, b in zip(counts, counts[1:])):
            self.fail(f"counts of {family.name} fall")
        total, count = samples[-2].value, samples[-1].value
        if count != counts[-1]:
            self.fail(f"_count of {family.name} is not that of +Inf")
        if any(number != number.to_integral_value() for number in [*counts, count]):
            self.fail(f"a count of {family.name} is not whole")
        self.check_sum(family, numbers, counts, total)
        return tuple(bounds)

    def check_sum(self, family, bounds, counts, total):
        """Each time observed lies between the bounds of its bucket."""
        alone = [b - a for a, b in zip([0, *counts], counts)]
        least = sum(n * bound for n, bound in zip(alone[1:], bounds))
        if total < least or (alone[-1] == 0 and
                             total > sum(n * bound for n, bound in zip(alone, bounds))):
            self.fail(f"_sum of {family.name} does not fit its counts")


# ---- scraping ----

def fetch(url, accept=None, token=None):
    """(Content-Type, bytes) of a page."""
    request = urllib.request.Request(url)
    if accept:
        request.add_header("Accept", accept)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=15) as answer:
        return answer.headers["Content-Type"], answer.read()


def scrape(url, token=None):
    """The families of a page, after both of its forms were read and found to have the same ones."""
    shapes = []
    for accept, kind in ((None, TEXT_TYPE), (OPEN_ACCEPT, OPEN_TYPE)):
        said, page = fetch(url, accept, token)
        if said != kind:
            raise Fault(f"Content-Type is {said!r}, not {kind!r}")
        families = read(page, accept is not None)
        shapes.append({name: (f.kind, f.help, {(s.name, s.labels) for s in f.samples})
                       for name, f in families.items()})
    if shapes[0].keys() != shapes[1].keys() or any(
            shapes[0][name][:2] != shapes[1][name][:2] for name in shapes[0]):
        raise Fault("the two forms have different families")
    return families


def names_of(families):
    """All names that a query may use."""
    return {name for family in families.values() for name in family.names()}


if __name__ == "__main__":
    status = 0
    for address in sys.argv[1:]:
        try:
            print(f"{address}: {len(scrape(address))} families")
        except Fault as fault:
            print(f"{address}: {fault}")
            status = 1
    sys.exit(status)
