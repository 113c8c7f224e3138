"""zherd-landmarks from outside: what it takes, what it spares, and what it answers."""

import json
import math
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

from rig import BUILD, PATIENCE, UCLA, Herd, Process, free_ports, wait_for

PROGRAM = BUILD / "zherd-landmarks"
PATH = "/maps/api/place/nearbysearch/json"
EARTH_M = 6371008.8
RANKS = {"museum": 35, "hotel": 18, "hostel": 14, "motel": 12}


def feature(number, position, name="", kind="hotel", **more):
    longitude, latitude = position
    return {"type": "Feature", "id": f"n{number}",
            "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
            "properties": {"name": name or f"place {number}", "tourism": kind, **more}}


def sequence(features):
    return "".join(f"\x1e{json.dumps(f)}\n" for f in features)


def lines(features):
    return "".join(f"{json.dumps(f)}\n" for f in features)


def collection(features):
    return json.dumps({"type": "FeatureCollection", "features": features, "crs": {}})


def pretty(features):
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=2)


def distance_m(a, b):
    (west, south), (east, north) = a, b
    up = math.sin(math.radians(north - south) / 2)
    across = math.sin(math.radians(east - west) / 2)
    h = up * up + math.cos(math.radians(south)) * math.cos(math.radians(north)) * across * across
    return 2 * EARTH_M * math.asin(math.sqrt(min(h, 1)))


class Landmarks(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-landmarks-"))
        self.database = self.folder / "places.db"
        self.draft = self.folder / "places.db.import"

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run_it(self, *arguments, text="", status=0, **more):
        data = text if isinstance(text, bytes) else text.encode()
        done = subprocess.run([PROGRAM, *map(str, arguments)], input=data, capture_output=True,
                              timeout=60, **more)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode(), done.stderr.decode()

    def fill(self, text, *flags, status=0, **more):
        """Imports a text; returns the counts of the report by its words."""
        out, err = self.run_it("import", *flags, self.database, text=text, status=status, **more)
        counts = {}
        for line in out.splitlines():
            words = line.replace("taken ", "").replace("skipped ", "").split(None, 1)
            counts[words[1]] = int(words[0])
        return counts, err

    def serve(self):
        port = free_ports(1)[0]
        server = Process(self.folder, "server", PROGRAM, "serve", self.database, "--listen",
                         f"127.0.0.1:{port}")
        self.addCleanup(server.end)
        server.says("^ready at http://127.0.0.1:%d/" % port)
        return server, port

    def ask(self, port, position, radius_m=50000, **more):
        query = urllib.parse.urlencode({"location": "%.7f,%.7f" % position[::-1],
                                        "radius": radius_m, **more}, safe=",")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{PATH}?{query}",
                                    timeout=PATIENCE) as answer:
            return json.load(answer)

    def names(self, position, **more):
        server, port = self.serve()
        names = [place["name"] for place in self.ask(port, position, **more)["results"]]
        self.assertEqual(server.stop()[0], 0)
        return names

    def begin_import(self, *arguments):
        """An import that has taken one place and waits for more."""
        running = subprocess.Popen([PROGRAM, "import", *arguments, self.database],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        self.addCleanup(running.stdin.close)
        running.stdin.write(sequence([feature(9, (9, 9))]).encode())
        running.stdin.flush()
        wait_for("the draft", self.draft.exists)
        return running

    def test_every_form_of_geojson_gives_the_same(self):
        features = [feature(1, (10, 20), "A \"quoted\" } name"), feature(2, (10.001, 20), "Ünï"),
                    feature(3, (10.002, 20), "museum", "museum")]
        for form in (sequence, lines, collection, pretty):
            counts, _ = self.fill(form(features))
            self.assertEqual(counts["places"], 3, form.__name__)
            self.assertEqual(counts["records"], 0, form.__name__)
            self.assertEqual(self.names((10, 20)), ["museum", "A \"quoted\" } name", "Ünï"])
            self.assertEqual(self.names((10, 20), rankby="distance"),
                             ["A \"quoted\" } name", "Ünï", "museum"])
        source = self.folder / "source.json"
        source.write_text(collection(features))
        out, _ = self.run_it("import", self.folder / "other.db", source)
        self.assertRegex(out, r"^taken +3 ")

    def test_areas_are_found_at_their_centroid_and_lines_are_not(self):
        ring = [[10, 20], [10.002, 20], [10.002, 20.002], [10, 20.002], [10, 20]]
        area, line = feature(1, (0, 0), "area"), feature(2, (0, 0), "line")
        area["geometry"] = {"type": "MultiPolygon", "coordinates": [[ring]]}
        line["geometry"] = {"type": "LineString", "coordinates": ring}
        counts, _ = self.fill(sequence([area, line]))
        self.assertEqual((counts["places"], counts["neither point nor area"]), (1, 1))
        server, port = self.serve()
        answer = self.ask(port, (10.001, 20.001), 1)
        self.assertIn("OpenStreetMap contributors", answer["html_attributions"][0])
        place = answer["results"][0]
        self.assertEqual(place["geometry"]["location"], {"lat": 20.001, "lng": 10.001})
        self.assertEqual(place["types"], ["lodging"])
        server.stop()

    def test_a_broken_record_costs_only_itself(self):
        good = [feature(n, (10, 20 + n / 1000)) for n in range(3)]
        broken = ['{"type":"Feature","properties":{"name":"', "{{{[", "]", "null", "\xff\xfe",
                  '{"type":"Feature","geometry":{"type":"Point","coordinates":[1e999,0]},'
                  '"properties":{"name":"far"}}']
        for bad in broken:
            bad = bad.encode("latin-1")
            parts = [json.dumps(f).encode() for f in good]
            for head, before, between, tail in ((b"", b"\x1e", b"\n", b""), (b"", b"", b"\n", b""),
                                                (b'{"features":[\n', b"", b",\n", b"]}")):
                if bad == b"]" and tail:
                    continue  # ends the array
                text = head + between.join(before + p for p in (parts[0], bad, *parts[1:]))
                counts, err = self.fill(text + b"\n" + tail)
                self.assertEqual(counts["places"], 3, text)
                self.assertEqual(counts["broken"], 1, text)
                self.assertIn("record 2 is broken: ", err)

    def test_each_reason_is_counted(self):
        features = [feature(1, (1, 1)), feature(2, (1, 1), " "), feature(3, (1, 1), kind=""),
                    feature(1, (2, 2), "again"),
                    {"type": "Feature", "geometry": None, "properties": {"name": "nowhere"}}]
        long = feature(4, (1, 1), note="x" * (8 << 20))
        counts, err = self.fill(sequence([*features, long]))
        self.assertEqual(counts, {
            "places": 2, "of them instead of one that was known already": 1, "records": 4,
            "without a name": 1, "neither point nor area": 1, "without a tag that makes a place": 1,
            "broken": 0, "longer than 8 MiB": 1})
        self.assertIn("6 records, 2 places", err)
        self.assertEqual(self.names((2, 2)), ["again"])
        self.assertEqual(self.names((1, 1)), [])

    def test_replace_and_merge(self):
        self.fill(sequence([feature(1, (1, 1), "one"), feature(2, (1, 1.001), "two")]))
        counts, _ = self.fill(sequence([feature(2, (1, 1.002), "two, moved"),
                                        feature(3, (1, 1.003), "three")]), "--merge")
        self.assertEqual(counts["places"], 2)
        self.assertEqual(counts["of them instead of one that was known already"], 1)
        self.assertEqual(self.names((1, 1)), ["one", "two, moved", "three"])
        self.fill(sequence([feature(4, (1, 1), "four")]))
        self.assertEqual(self.names((1, 1)), ["four"])
        self.database.unlink()
        self.fill(sequence([feature(5, (1, 1), "five")]), "--merge")
        self.assertEqual(self.names((1, 1)), ["five"])

    def test_exporters_name_one_element_in_many_ways(self):
        """What osmium, ogr2ogr and osmtogeojson write of one node, one way and one relation."""
        ring = [[[10, 20], [10.001, 20], [10.001, 20.001], [10, 20.001], [10, 20]]]
        node, area = {"type": "Point", "coordinates": [10.002, 20]}, {
            "type": "Polygon", "coordinates": ring}
        cafe, hall, park = ({"name": "cafe", "amenity": "cafe;bar"},
                            {"name": "hall", "tourism": "museum"},
                            {"name": "park", "leisure": "park"})

        def export(*members):
            return lines({"type": "Feature", "geometry": geometry, **more}
                         for geometry, more in zip((node, area, area), members))

        forms = {
            "osmium -u type_id": export({"id": "n5", "properties": cafe},
                                        {"id": "a14", "properties": hall},
                                        {"id": "a149", "properties": park}),
            "osmium -a type,id": export(
                {"properties": {"@type": "node", "@id": 5, **cafe}},
                {"properties": {"@type": "way", "@id": 7, **hall}},
                {"properties": {"@type": "relation", "@id": 74, **park}}),
            "osmtogeojson": export({"id": "node/5", "properties": {"id": "node/5", **cafe}},
                                   {"id": "way/7", "properties": {"id": "way/7", **hall}},
                                   {"id": "relation/74", "properties": park}),
            "osmtogeojson -e": export(
                {"id": "node/5", "properties": {"type": "node", "id": 5, "tags": cafe}},
                {"id": "way/7", "properties": {"type": "way", "id": 7, "tags": hall}},
                {"id": "relation/74", "properties": {"type": "relation", "tags": park}}),
            "ogr2ogr": export(
                {"properties": {"osm_id": "5", "name": "cafe",
                                "other_tags": '"amenity"=>"cafe;bar"'}},
                {"properties": {"osm_way_id": "7", **hall}},
                {"properties": {"osm_id": "74", "type": "multipolygon", **park}}),
        }
        for first in forms.values():
            counts, _ = self.fill(first)
            self.assertEqual((counts["places"], counts["records"]), (3, 0))
            for name, text in forms.items():
                counts, _ = self.fill(text, "--merge")
                self.assertEqual(counts["of them instead of one that was known already"], 3, name)
        _, port = self.serve()
        found = {place["name"]: place["types"] for place in self.ask(port, (10, 20))["results"]}
        self.assertEqual(found, {"cafe": ["cafe", "food", "bar"], "hall": ["museum"],
                                 "park": ["park"]})

    def test_whatever_ends_an_import_spares_the_old_database(self):
        self.fill(sequence([feature(1, (1, 1), "old")]))
        old = self.database.read_bytes()
        more = [feature(n, (n / 1e4, 1), note="x" * 500) for n in range(4000)]
        for flags in ((), ("--merge",)):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
                running = self.begin_import(*flags)
                running.stdin.write(sequence(more).encode())
                running.stdin.flush()
                running.send_signal(number)
                status = running.wait(PATIENCE)
                self.assertEqual(status, -9 if number == signal.SIGKILL else 1)
                self.assertEqual(self.database.read_bytes(), old)
                self.assertEqual(self.draft.exists(), number == signal.SIGKILL)
        # The draft of a killed import, complete or not, does not disturb the next import.
        self.fill(sequence(more), "--merge")
        for flags, names in ((("--merge",), ["old", "new"]), ((), ["new"])):
            self.database.rename(self.draft)
            self.database.write_bytes(old)
            self.fill(sequence([feature(2, (1, 1.001), "new")]), *flags)
            self.assertEqual(self.names((1, 1)), names)
        self.assertFalse(self.draft.exists())

    def test_input_that_ends_in_the_middle_spares_it_too(self):
        self.fill(sequence([feature(1, (1, 1), "old")]))
        old = self.database.read_bytes()
        features = [feature(n, (1, 1)) for n in range(5)]
        for form in (sequence, lines, collection, pretty):
            whole = form(features).rstrip()
            for cut in (len(whole) // 2, len(whole) - len('{}}, "crs": {}}') - 4):
                _, err = self.fill(whole[:cut], status=1)
                self.assertIn("ends in the middle", err)
                self.assertEqual(self.database.read_bytes(), old)
        _, err = self.fill("", status=1)
        self.assertIn("there is no place in standard input", err)
        self.assertEqual(self.database.read_bytes(), old)
        self.assertFalse(self.draft.exists())

    def test_a_full_disk_spares_it_too(self):
        self.fill(sequence([feature(1, (1, 1), "old")]))
        old = self.database.read_bytes()

        def allow_little():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))

        more = [feature(n, (n / 1e4, 1), "long " * 40) for n in range(5000)]
        _, err = self.fill(sequence(more), status=1, preexec_fn=allow_little)
        self.assertIn("cannot write", err)
        self.assertEqual(self.database.read_bytes(), old)
        self.assertFalse(self.draft.exists())

    def test_two_imports_exclude_each_other(self):
        running = self.begin_import()
        _, err = self.fill(sequence([feature(1, (1, 1))]), status=1)
        self.assertIn("another import", err)
        running.stdin.close()
        self.assertEqual(running.wait(PATIENCE), 0)
        self.assertEqual(self.names((9, 9)), ["place 9"])

    def test_files_of_others_are_spared(self):
        source = self.folder / "extract.json"
        source.write_text(collection([feature(1, (1, 1))]))
        before = source.read_bytes()
        _, err = self.run_it("import", source, self.database, status=1)
        self.assertIn("is no database of zherd-landmarks", err)
        self.assertEqual(source.read_bytes(), before)
        _, err = self.run_it("serve", source, "--listen", "127.0.0.1:1", status=1)
        self.assertIn("is no database of zherd-landmarks", err)
        self.run_it("import", self.folder, source, status=1)

    def test_a_link_that_names_the_database_stays_one(self):
        real = self.folder / "real"
        real.mkdir()
        (self.folder / "also").symlink_to("real")
        for link, target in ((self.database, "real/a.db"), (self.database, real / "b.db"),
                             (self.folder / "also" / "c", "../other.db"),
                             (self.folder / "chain", "places.db")):
            link.unlink(missing_ok=True)
            link.symlink_to(target)
            for name in ("old", "new"):  # where the link leads nowhere yet, and where it does
                self.run_it("import", link, text=sequence([feature(1, (1, 1), name)]))
                self.assertTrue(link.is_symlink(), link)
                self.assertTrue(link.resolve().is_file() and not link.resolve().is_symlink())
            self.run_it("import", "--merge", link, text=sequence([feature(2, (1, 1), "more")]))
        self.assertEqual(sorted(p.name for p in real.iterdir()), ["a.db", "b.db", "c"])
        self.assertEqual(self.names((1, 1)), ["new", "more"])
        self.database.unlink()
        self.database.symlink_to(self.database)
        _, err = self.fill(sequence([feature(1, (1, 1))]), status=1)
        self.assertIn("symbolic links", err)

    def test_a_draft_of_somebody_else_is_spared(self):
        victim = self.folder / "victim"
        victim.write_text("precious")
        self.fill(sequence([feature(1, (1, 1), "old")]))
        old = self.database.read_bytes()
        for put in (lambda: self.draft.symlink_to(victim),
                    lambda: self.draft.symlink_to(self.folder / "none"),
                    lambda: self.draft.hardlink_to(victim),
                    lambda: os.mkfifo(self.draft), self.draft.mkdir):
            put()
            before = self.draft.lstat()
            _, err = self.fill(sequence([feature(1, (1, 1), "new")]), status=1)
            self.assertIn(f"cannot write {self.draft}: ", err)
            self.assertEqual(self.draft.lstat().st_ino, before.st_ino)
            self.assertEqual(self.draft.lstat().st_mode, before.st_mode)
            self.draft.rmdir() if self.draft.is_dir() else self.draft.unlink()
        self.assertEqual(victim.read_text(), "precious")
        self.assertFalse((self.folder / "none").exists())
        self.assertEqual(self.database.read_bytes(), old)

    @unittest.skipIf(os.geteuid() != 0, "only root can give a file away")
    def test_a_draft_that_another_user_left_is_spared(self):
        self.draft.write_text("precious")
        os.chown(self.draft, 65534, 65534)
        _, err = self.fill(sequence([feature(1, (1, 1))]), status=1)
        self.assertIn(f"cannot write {self.draft}: ", err)
        self.assertEqual(self.draft.read_text(), "precious")

    def test_a_draft_that_is_swapped_is_noticed(self):
        running = self.begin_import()
        victim = self.folder / "victim"
        victim.write_text("precious")
        self.draft.unlink()
        self.draft.symlink_to(victim)
        running.stdin.close()
        self.assertEqual(running.wait(PATIENCE), 1)
        self.assertTrue(self.draft.is_symlink())
        self.assertEqual(victim.read_text(), "precious")
        self.assertFalse(self.database.exists())

    def test_what_is_no_file_is_no_database(self):
        os.mkfifo(self.database)
        _, err = self.fill(sequence([feature(1, (1, 1))]), status=1)
        self.assertIn("is no database of zherd-landmarks", err)

    def test_a_server_goes_on_with_what_it_has_open(self):
        self.fill(sequence([feature(1, (1, 1), "old")]))
        _, port = self.serve()
        self.fill(sequence([feature(2, (1, 1), "new")]))
        self.assertEqual(self.ask(port, (1, 1))["results"][0]["name"], "old")
        self.assertEqual(self.names((1, 1)), ["new"])

    def test_memory_does_not_grow_with_the_input(self):
        text = ('{"type":"FeatureCollection","features":['
                + '{"type":"Feature","properties":{"note":"\\u0041%s"}},' % ("x" * 900) * 30000
                + json.dumps(feature(1, (1, 1))) + "]}").encode()
        source = self.folder / "line.json"
        source.write_bytes(text)

        def allow_little():
            resource.setrlimit(resource.RLIMIT_DATA, (len(text) // 4, len(text) // 4))

        out, _ = self.run_it("import", self.database, source, preexec_fn=allow_little)
        self.assertRegex(out, r"without a name")
        self.assertEqual(self.names((1, 1)), ["place 1"])

    def test_answers_equal_looking_at_every_place(self):
        rng = random.Random(7)
        middles = [(-118.44, 34.07), (179.99, -16.5), (13.4, 89.9), (0, -89.95), (0, 0)]

        def draw():
            longitude, latitude = rng.choice(middles)
            longitude = (longitude + rng.gauss(0, 0.2) + 180) % 360 - 180
            latitude = max(-90, min(90, latitude + rng.gauss(0, 0.1)))
            return round(longitude, 7), round(latitude, 7)

        places = [(draw(), rng.choice(list(RANKS))) for _ in range(2000)]
        counts, _ = self.fill(sequence(feature(n, at, kind=kind)
                                       for n, (at, kind) in enumerate(places)))
        self.assertEqual(counts["places"], 2000)
        server, port = self.serve()
        found_total = 0
        for _ in range(300):
            centre, radius_m = draw(), rng.choice([300, 3000, 20000, 50000])
            near = [(distance_m(centre, at), n) for n, (at, _) in enumerate(places)]
            near = [pair for pair in near if pair[0] <= radius_m]
            for rankby in ("prominence", "distance"):
                if rankby == "prominence":
                    near.sort(key=lambda pair: (-RANKS[places[pair[1]][1]], *pair))
                else:
                    near.sort()
                answer = self.ask(port, centre, radius_m, rankby=rankby)
                self.assertEqual([p["name"] for p in answer["results"]],
                                 [f"place {n}" for _, n in near[:20]])
                self.assertEqual(answer["status"], "OK" if near else "ZERO_RESULTS")
                found_total += len(answer["results"])
        self.assertGreater(found_total, 5000)
        self.assertEqual(server.stop()[0], 0)

    def test_an_answer_that_needs_too_many_looks_says_so(self):
        """The one museum of the circle is the last place that is looked at, and then the next one."""
        def ask(port):
            found = self.ask(port, (9, 9), type="museum", rankby="distance")
            return [place["name"] for place in found["results"]], found.get("info_messages")

        looks = 20000
        self.fill(sequence([feature(i, (9, 9 + i * 1e-6)) for i in range(looks - 1)]
                           + [feature(looks, (9, 9 + looks * 1e-6), "rare", "museum")]))
        server, port = self.serve()
        self.assertEqual(ask(port), (["rare"], None))
        self.fill(sequence([feature(looks + 1, (9, 9))]), "--merge")
        server.child.send_signal(signal.SIGHUP)
        wait_for("the larger database", lambda: ask(port) == ([], [
            "Only the first 20000 places of the circle were looked at: ask about a smaller one for "
            "those that may be missing."]))
        self.assertNotIn("info_messages", self.ask(port, (9, 9)))
        self.assertEqual(server.stop()[0], 0)

    def test_a_herd_answers_from_a_database(self):
        self.fill(sequence([feature(1, (-118.445, 34.069), "the only one")]))
        with Herd(["A-B"]) as herd:
            herd.file.write_text(herd.file.read_text() + f"    database = {self.database}\n")
            herd.start().linked()
            with herd.client("A") as a:
                a.ask(f"IAMAT kiwi {UCLA} 1.0")
                names = [place["name"] for place in a.near("kiwi", 10, 20)[1]["results"]]
            self.assertEqual(names, ["the only one"])
        with Herd(["A-B"]) as herd:
            herd.file.write_text(herd.file.read_text() + "    database = /none.db\n")
            done = subprocess.run([BUILD / "placesd", "--topology", herd.file], timeout=PATIENCE,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("/none.db", done.stderr)

    def test_wrong_use_is_one_clear_line(self):
        self.fill(sequence([feature(1, (1, 1))]))
        listener = Process(self.folder, "first", PROGRAM, "serve", self.database, "--listen",
                           f"127.0.0.1:{(port := free_ports(1)[0])}")
        self.addCleanup(listener.end)
        listener.says("^ready")
        for status, *arguments in (
                (2,), (2, "eat"), (2, "import"), (2, "import", "a", "b", "c"), (2, "serve"),
                (2, "import", "--fast", "a"), (2, "serve", self.database),
                (2, "serve", self.database, "--listen"),
                (2, "serve", self.database, "--listen", "here"),
                (2, "serve", self.database, "--listen", "127.0.0.1:0"),
                (1, "serve", self.database, "--listen", f"127.0.0.1:{port}"),
                (1, "serve", self.folder / "none.db", "--listen", "127.0.0.1:1"),
                (2, "serve", self.database, "--listen", "127.0.0.1:1", "--monitor", "here"),
                (2, "serve", self.database, "--listen", "127.0.0.1:1", "--monitor",
                 "tcp://192.0.2.1:9580"),
                (2, "serve", self.database, "--listen", "127.0.0.1:1", "--monitor",
                 "tcp://*:9580"),
                (1, "serve", self.database, "--listen", f"127.0.0.1:{free_ports(2)[1]}",
                 "--monitor", f"tcp://127.0.0.1:{port}"),
                (1, "import", self.database, self.folder / "none.json"),
                (1, "import", self.folder / "none" / "a.db")):
            out, err = self.run_it(*arguments, status=status)
            self.assertEqual(out, "", arguments)
            self.assertEqual(err.count("\n"), 1, err)
            self.assertTrue(err.startswith("zherd-landmarks"), err)
            self.assertEqual("; --help shows how" in err, status == 2, err)
        self.assertIn("osmium export", self.run_it("--help")[0])
        self.assertRegex(self.run_it("--version")[0], r"^zherd-landmarks \d+\.\d+")


if __name__ == "__main__":
    unittest.main(verbosity=2)
