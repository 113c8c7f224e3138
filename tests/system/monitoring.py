"""The alert rules and the dashboard that are installed, against what is exported: every name and every
label that a query uses comes from a process that runs. Prometheus is not needed; promtool, where it
is there, reads them as well, and what we export, and tries each rule on series made for it."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from metrics_reader import fetch, names_of, scrape
from rig import BUILD, ROOT, Process, free_ports
from watched_herd import WatchedHerd

FOLDER = ROOT / "topology" / "system" / "monitoring"
RULES = FOLDER / "zherd.rules.yml"
DASHBOARD = FOLDER / "zherd.dashboard.json"
OPERATING = ROOT / "topology" / "OPERATING.md"
FUNCTIONS = {"sum", "count", "max", "rate", "increase", "abs", "histogram_quantile",
             "max_over_time", "vector"}
KEYWORDS = {"or", "and", "unless", "by", "without"}
GIVEN = {"job", "instance"}  # by Prometheus, to every series
# What Grafana fills in by itself, and its units and kinds of panels, of those that it has had since
# its version 9 (schema 37).
BUILT_IN = {"__rate_interval"}
UNITS = {"short", "s", "ops", "percentunit", "Bps", "bytes"}
SOURCE = {"type": "prometheus", "uid": "${source}"}
PANEL = {"id": int, "type": str, "title": str, "description": str, "datasource": dict,
         "gridPos": {"h": int, "w": int, "x": int, "y": int},
         "fieldConfig": {"defaults": dict, "overrides": list}, "options": dict,
         "targets": [{"refId": str, "datasource": dict, "expr": str, "legendFormat": str}]}
ROW = {"id": int, "type": str, "title": str, "collapsed": bool,
       "gridPos": {"h": int, "w": int, "x": int, "y": int}, "panels": list}
OPTIONS = {"stat": {"reduceOptions": {"calcs": list}, "colorMode": str},
           "timeseries": {"legend": {"displayMode": str, "placement": str},
                          "tooltip": {"mode": str}}}
WORDS = {"lastNotNull", "value", "list", "bottom", "multi"}  # that the options may have
DASHBOARD_KEYS = {"title": str, "uid": str, "tags": list, "timezone": str, "schemaVersion": int,
                  "version": int, "refresh": str, "editable": bool, "time": {"from": str, "to": str},
                  "description": str, "templating": {"list": list}, "annotations": dict,
                  "panels": list}
DESCRIBED = {"up": set()}  # made by Prometheus


class Query:
    """The parts of an expression of PromQL: enough of its grammar for what we write."""

    def __init__(self, text):
        self.metrics, self.groups, self.functions = [], set(), set()
        rest = re.sub(r"\[[^\]]*\]", "", text)

        def take_group(match):
            self.groups |= set(re.findall(r"\w+", match[2]))
            return " "

        rest = re.sub(r"\b(by|without)\s*\(([^)]*)\)", take_group, rest)
        for match in re.finditer(r'([a-zA-Z_]\w*)\s*(\{[^}]*\}|\(|)', rest):
            name, after = match[1], match[2]
            inside = rest[:match.start()]
            if inside.count("{") > inside.count("}") or inside.count('"') % 2 or name in KEYWORDS:
                continue
            if after == "(":
                self.functions.add(name)
            else:
                self.metrics.append((name, re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"', after)))


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def dashboard_targets():
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"], target["legendFormat"]


def shape_faults(value, rule, where):
    """Where a value of JSON has other keys or kinds than a rule."""
    if isinstance(rule, type):
        return [] if type(value) is rule else [f"{where} is no {rule.__name__}"]
    if isinstance(rule, list):
        return [fault for number, each in enumerate(value)
                for fault in shape_faults(each, rule[0], f"{where}[{number}]")]
    if type(value) is not dict or set(value) != set(rule):
        return [f"{where} has {sorted(value)}"]
    return [fault for key in rule for fault in shape_faults(value[key], rule[key], f"{where}.{key}")]


def words_of(options):
    """Every text in the options of a panel."""
    if isinstance(options, str):
        return {options}
    inner = options.values() if isinstance(options, dict) else options
    return set().union(*map(words_of, inner))


class Shape(unittest.TestCase):
    """The dashboard as Grafana reads it, as far as that can be said without it."""

    @classmethod
    def setUpClass(cls):
        cls.dashboard = json.loads(DASHBOARD.read_text())
        cls.panels = [panel for panel in cls.dashboard["panels"] if panel["type"] != "row"]

    def test_each_key_is_one_that_its_reader_knows(self):
        self.assertEqual(shape_faults(self.dashboard, DASHBOARD_KEYS, "dashboard"), [])
        self.assertGreaterEqual(self.dashboard["schemaVersion"], 37)
        for panel in self.dashboard["panels"]:
            with self.subTest(panel=panel["title"]):
                is_row = panel["type"] == "row"
                self.assertEqual(shape_faults(panel, ROW if is_row else PANEL, "panel"), [])
                if is_row:
                    self.assertEqual((panel["collapsed"], panel["panels"]), (False, []))
                    continue
                self.assertEqual(shape_faults(panel["options"], OPTIONS[panel["type"]], "options"),
                                 [])
                self.assertLessEqual(words_of(panel["options"]), WORDS)
                self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS)
                self.assertLessEqual(set(panel["fieldConfig"]["defaults"]), {"unit", "min"})
                for what in (panel, *panel["targets"]):
                    self.assertEqual(what["datasource"], SOURCE)
                names = [target["refId"] for target in panel["targets"]]
                self.assertEqual(names, [chr(ord("A") + number) for number in range(len(names))])

    def test_a_key_that_nobody_knows_is_found(self):
        panel = dict(self.panels[0], colour=1)
        self.assertNotEqual(shape_faults(panel, PANEL, "panel"), [])
        panel = dict(self.panels[0], targets=[{"refId": "A", "expr": "up"}])
        self.assertNotEqual(shape_faults(panel, PANEL, "panel"), [])

    def test_each_variable_is_defined_and_used(self):
        defined = {variable["name"]: variable for variable in self.dashboard["templating"]["list"]}
        self.assertEqual({name: variable["type"] for name, variable in defined.items()},
                         {"source": "datasource", "instance": "query"})
        self.assertEqual(defined["source"]["query"], "prometheus")
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(self.dashboard["panels"])))
        self.assertEqual(used - BUILT_IN, set(defined))
        for panel in self.panels:
            for target in panel["targets"]:
                self.assertEqual(len(Query(target["expr"]).metrics),
                                 target["expr"].count('instance=~"$instance"'), target["expr"])

    def test_promtool_can_read_each_query(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed")
        asked = [text.replace("$__rate_interval", "1m").replace("$instance", ".*")
                 for _, text, _ in dashboard_targets()]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [{"name": "dashboard", "rules": [
                {"record": f"panel:{number}", "expr": text} for number, text in enumerate(asked)]}]},
                file)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True,
                                  text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Exported(unittest.TestCase):
    """One herd for all: two nodes with journals, a places service with a budget, landmarks."""

    @classmethod
    def setUpClass(cls):
        cls.herd = WatchedHerd(["Left-Right"], keys={"herd": "journal = everysec",
                                                     "places": "budget = 1000"})
        cls.addClassCleanup(cls.herd.__exit__, None)
        cls.herd.start("placesd")
        cls.herd.start("Left", "Right", extra=("--data-dir", cls.herd.folder / "data")).linked()
        port, monitor = free_ports(44)[-2:]
        database = cls.herd.folder / "places.db"
        subprocess.run([BUILD / "zherd-landmarks", "import", database], check=True,
                       input=b'{"type": "Feature", "id": "n1", "properties": {"name": "Here", '
                             b'"shop": "yes"}, "geometry": {"type": "Point", "coordinates": [1, 1]}}',
                       capture_output=True)
        landmarks = Process(cls.herd.folder, "landmarks", BUILD / "zherd-landmarks", "serve",
                            database, "--listen", f"127.0.0.1:{port}", "--monitor",
                            f"tcp://127.0.0.1:{monitor}")
        cls.addClassCleanup(landmarks.end)
        landmarks.says("^ready")
        cls.urls = [cls.herd.url("Left"), cls.herd.url("placesd"),
                    f"http://127.0.0.1:{monitor}/metrics"]
        cls.labels = {name: set() for name in DESCRIBED}  # of each name that a query may use
        cls.values = {}
        for url in cls.urls:
            families = scrape(url)
            for name in names_of(families):
                cls.labels.setdefault(name, set())
            for family in families.values():
                for sample in family.samples:
                    cls.labels[sample.name] |= {label for label, _ in sample.labels}
                    for label, value in sample.labels:
                        cls.values.setdefault((sample.name, label), set()).add(value)

    def faults_of(self, text, shown):
        """What is wrong with a query, and with the labels that a text about it shows."""
        query = Query(text)
        faults = [f"{name}() is not known" for name in query.functions - FUNCTIONS]
        has = set(GIVEN)
        for name, matchers in query.metrics:
            if name not in self.labels:
                faults.append(f"{name} is not exported")
                continue
            has |= self.labels[name]
            for label, operator, value in matchers:
                if label not in self.labels[name] | GIVEN:
                    faults.append(f"{name} has no label {label}")
                elif label not in GIVEN:
                    known = self.values.get((name, label), set())
                    faults += [f"{name} has no {label}={word}"
                               for word in (value.split("|") if operator == "=~" else [value])
                               if not any(re.fullmatch(word, each) for each in known)]
        faults += [f"no metric has the label {label}" for label in query.groups - has]
        kept = query.groups if " by " in text else has
        faults += [f"the text shows {label}" for label in shown - kept]
        return faults + ([] if query.metrics else ["it asks for no metric"])

    def test_every_rule_asks_for_what_is_exported(self):
        self.assertGreater(len(rules()), 10)
        for rule in rules():
            shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
            with self.subTest(alert=rule["alert"]):
                self.assertEqual(self.faults_of(rule["expr"], shown), [])
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))

    def test_every_panel_asks_for_what_is_exported(self):
        targets = list(dashboard_targets())
        self.assertGreater(len(targets), 30)
        for title, text, legend in targets:
            with self.subTest(panel=title, query=text):
                text = text.replace("$__rate_interval", "1m")
                self.assertEqual(self.faults_of(text, set(re.findall(r"\{\{(\w+)\}\}", legend))),
                                 [])

    def test_a_name_that_nobody_exports_is_found(self):
        for text, fault in (
                ("zherd_link_upp == 0", "zherd_link_upp is not exported"),
                ('zherd_link_up{kind="neighbor"} == 0', "zherd_link_up has no kind=neighbor"),
                ('zherd_link_up{sort="neighbour"} == 0', "zherd_link_up has no label sort"),
                ('zherd_link_up{kind=~"neighbour|neighbor"}', "zherd_link_up has no kind=neighbor"),
                ("sum by (colour) (zherd_link_up)", "no metric has the label colour"),
                ("deltas(zherd_link_up[5m])", "deltas() is not known"),
                ("vector(0)", "it asks for no metric"),
                ("sum by (kind) (zherd_link_up)", "the text shows peer")):
            with self.subTest(query=text):
                self.assertIn(fault, self.faults_of(text, {"peer"} & {fault.split()[-1]}))

    def test_every_process_has_a_page_that_is_right(self):
        for name in self.herd.monitors:
            families = self.herd.families(name)
            self.assertIn("zherd_build_info", families)
            self.assertIn("process_start_time_seconds", families)

    def test_every_alert_is_explained(self):
        table = OPERATING.read_text()
        for rule in rules():
            self.assertIn(f"\n| `{rule['alert']}` | ", table)

    def test_panels_do_not_overlap_and_have_numbers_of_their_own(self):
        seen = set()
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                     for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & seen, panel["title"])
            seen |= cells

    # ---- with promtool ----

    def promtool(self, *words, text=None):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed")
        done = subprocess.run(["promtool", *map(str, words)], input=text, capture_output=True,
                              cwd=ROOT / "tests" / "system")
        self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())

    def test_promtool_finds_nothing_wrong_with_the_files(self):
        self.promtool("check", "rules", RULES)
        self.promtool("check", "config", FOLDER / "prometheus.yml")

    def test_promtool_finds_nothing_wrong_with_the_pages(self):
        for url in self.urls:
            self.promtool("check", "metrics", text=fetch(url)[1])

    def test_each_rule_fires_and_clears_on_series_made_for_it(self):
        cases = yaml.safe_load((ROOT / "tests/system/alerts.promtool.yml").read_text())
        tried = {case["alertname"] for test in cases["tests"] for case in test["alert_rule_test"]}
        self.assertEqual(tried, {rule["alert"] for rule in rules()})
        self.promtool("test", "rules", "alerts.promtool.yml")


if __name__ == "__main__":
    unittest.main()
