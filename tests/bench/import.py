#!/usr/bin/python3
"""How fast zherd-landmarks imports, and in how much memory, beside ogr2ogr into SQLite. Figures of this
machine, never pass or fail.

    ZHERD_BUILD=build tests/bench/import.py [PLACES]     1,000,000

Both read the same file, GeoJSON one feature to a line; ogr2ogr (Debian: gdal-bin) keeps every feature as
it is, in a table without an index, and is left out where it is missing. zherd-landmarks makes ranks, an
R*Tree and an index of the elements. They take turns, three times; the figures are medians.
"""

import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("ZHERD_BUILD", "build")).resolve()
ROUNDS = 3
KINDS = [("amenity", "cafe"), ("amenity", "restaurant"), ("shop", "bakery"), ("tourism", "museum"),
         ("leisure", "park"), ("amenity", "school")]


def write_features(path, count):
    """Places with eight tags each, as an extract has them: some 320 bytes."""
    draw = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for number in range(1, count + 1):
            key, value = draw.choice(KINDS)
            tags = {key: value, "name": f"The place number {number}", "addr:street": "Museumstraße",
                    "addr:housenumber": str(number % 200), "addr:city": "Town", "website": "https://example.org",
                    "opening_hours": "Mo-Su 08:00-20:00", "wheelchair": "yes"}
            feature = {"type": "Feature", "id": f"n{number}", "geometry": {
                "type": "Point", "coordinates": [round(draw.uniform(5, 15), 7), round(draw.uniform(47, 55), 7)]},
                "properties": tags}
            out.write(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) + "\n")


def run(command):
    """Seconds and MiB."""
    began = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, command
    return time.monotonic() - began, usage.ru_maxrss / 1024


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="zherd-import-") as folder:
        source = pathlib.Path(folder) / "places.geojsonl"
        write_features(source, count)
        size = source.stat().st_size
        commands = {"zherd-landmarks import": ([BUILD / "zherd-landmarks", "import"], ["places.db"], [source])}
        if shutil.which("ogr2ogr"):
            commands["ogr2ogr"] = (["ogr2ogr", "-f", "SQLite", "-dsco", "SPATIALITE=NO"], ["ogr.db"],
                                   [f"GeoJSONSeq:{source}"])
        else:
            print("ogr2ogr is left out: it is not installed (gdal-bin)")
        figures = {name: [] for name in commands}
        sizes = {}
        for _ in range(ROUNDS):
            for name, (before, (target,), after) in commands.items():
                path = pathlib.Path(folder) / target
                path.unlink(missing_ok=True)
                figures[name].append(run([*before, path, *after]))
                sizes[name] = path.stat().st_size
        print(f"{count} places, {size / 1e6:.0f} MB of GeoJSON, load {os.getloadavg()[0]:.1f}:")
        for name, turns in figures.items():
            seconds = statistics.median(turn[0] for turn in turns)
            memory = max(turn[1] for turn in turns)
            print(f"  {name:24} {seconds:6.1f} s  {count / seconds:9.0f} places/s  {memory:6.0f} MiB at most  "
                  f"{sizes[name] / 1e6:6.0f} MB written")


if __name__ == "__main__":
    main()
