#!/usr/bin/env python3
"""Holds the order of the house: which folder may include which, and what a deciding file leaves alone.

    tests/house.py [ROOT]

Reads the sources as text and builds nothing. Every fault is a line with file and line number. What
the linker proves of herd_core, that no decision needs a socket, is held for files, clocks and
terminals here.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
if ROOT.is_file():
    ROOT = ROOT.parents[1]

ROOMS = ("bus", "gateway", "placesd", "topology")

# Folders from the lowest to the highest. A file may include what stands in its own folder or in one
# of those named for it, which all stand before it here, and nothing else of ours.
MAY_INCLUDE = {
    "bus/base": [],
    "bus/table": ["bus/base"],
    "bus/link": ["bus/base", "bus/table"],
    "bus/journal": ["bus/base", "bus/table", "bus/link"],
    "bus": ["bus/base", "bus/table", "bus/link", "bus/journal"],
    "bus/net": ["bus/base", "bus/table", "bus/link", "bus/journal", "bus"],
    "bus/disk": ["bus/base", "bus/table", "bus/link", "bus/journal"],
    "topology/format": ["bus/base", "bus/link"],
    "topology": ["bus/base", "bus/link", "bus", "bus/net", "topology/format"],
    "topology/cli": ["bus/base", "bus/table", "bus/link", "bus/journal", "bus", "bus/net", "bus/disk",
                     "topology/format", "topology"],
    "placesd": ["bus/base"],
    "placesd/providers": ["bus/base", "placesd", "topology/format"],
    "placesd/dispatch": ["bus/base", "topology/format", "placesd", "placesd/providers"],
    "placesd/landmarks/data": ["bus/base", "topology/format", "placesd", "placesd/providers"],
    # It takes the endpoint to listen on in the words of a topology file, by the same function.
    "placesd/landmarks/server": ["bus/base", "bus/net", "placesd", "placesd/providers",
                                 "placesd/landmarks/data", "topology/format", "topology"],
    "placesd/service": ["bus/base", "bus/link", "bus/net", "topology/format", "topology", "placesd",
                        "placesd/providers", "placesd/dispatch", "placesd/landmarks/server"],
    "gateway/text": ["bus/base", "bus/table", "bus/link", "bus", "topology/format", "placesd"],
    "gateway/web/parse": ["bus/base", "topology/format"],
    "gateway/web/show": ["bus/base", "bus/table", "bus", "topology/format", "gateway/web/parse"],
    "gateway/web/server": ["bus/base", "bus/link", "bus", "bus/net", "topology/format", "topology", "gateway/web/parse",
                           "gateway/web/show"],
    "gateway/node": ["bus/base", "bus/table", "bus/link", "bus/journal", "bus", "bus/net", "bus/disk", "topology/format",
                     "topology", "placesd", "gateway/text"],
}
DECIDING = ["bus/base", "bus/table", "bus/link", "bus/journal", "topology/format",
            "placesd/providers", "placesd/dispatch", "placesd/landmarks/data", "gateway/text",
            "gateway/web/parse", "gateway/web/show"]
# Deciding files of folders that do I/O beside them, or stand above the folders that decide.
DECIDING_FILES = ["bus/flood", "bus/flood_change", "bus/flood_forget", "bus/flood_promises",
                  "bus/flood_ready",
                  "bus/flood_state", "bus/flood_status", "bus/operators", "bus/promises",
                  "placesd/caller", "placesd/lookup", "topology/status",
                  "topology/supervisor"]

# All that a deciding file may include of others. Not among them are libzmq, czmq, libcurl, libuv,
# libmicrohttpd, SQLite, sockets, unistd.h and whatever else reaches out of the process; arpa/inet.h is
# there for inet_pton. stdio.h is for formatting into memory, stdlib.h for free and the like: what they
# have besides is among IO_CALLS.
DECIDING_MAY_INCLUDE = {
    "arpa/inet.h", "assert.h", "ctype.h", "emmintrin.h", "endian.h", "errno.h", "float.h",
    "inttypes.h", "jansson.h", "limits.h", "math.h", "msgpack.h", "sodium/crypto_generichash.h",
    "sodium/crypto_shorthash.h", "sodium/utils.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "string.h", "strings.h", "xxhash.h",
}
IO_CALLS = re.compile(
    r'(?<![\w.>])(?:v?f?printf|v?dprintf|f?puts|f?putc|putchar|fwrite|fflush|perror|'
    r'v?f?scanf|f?getc|getchar|fgets|getline|fread|fopen|fdopen|freopen|popen|tmpfile|remove|rename|'
    r'open|read|write|close|json_load_file|json_loadf|json_dump_file|json_dumpf|'
    r'abort|exit|_exit|_Exit|quick_exit|atexit|system|getenv|setenv|'
    r'rand|random|getrandom|clock|clock_gettime|time)\s*\(|'
    r'(?<![\w.>])(?:stdin|stdout|stderr|environ)\b')
# A file with a single reader belongs to that reader, unless each is a thought of its own. This many
# are; it only ever goes down.
HEADERS_WITH_ONE_READER_MAX = 24
FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 70

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

faults = []


def complain(path, line, text):
    faults.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def bare(text):
    """The code with comments and texts blanked, line by line."""
    return COMMENT_OR_TEXT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def is_deciding(path):
    relative = path.relative_to(ROOT)
    return str(relative.parent) in DECIDING or str(relative.with_suffix("")) in DECIDING_FILES


def check_includes(path, text):
    folder = str(path.relative_to(ROOT).parent)
    allowed = MAY_INCLUDE[folder] + [folder]
    for match in INCLUDE.finditer(text):
        ours, name = match.group(1) == '"', match.group(2)
        line = line_of(text, match.start())
        if ours and str(pathlib.PurePath(name).parent) not in allowed:
            complain(path, line, f"{folder} must not include {name}")
        if ours and is_deciding(path) and not is_deciding(ROOT / name):
            complain(path, line, f"a deciding file includes {name}, which does I/O")
        if not ours and is_deciding(path) and name not in DECIDING_MAY_INCLUDE:
            complain(path, line, f"a deciding file includes <{name}>")


def check_calls(path, text):
    for match in IO_CALLS.finditer(bare(text)):
        complain(path, line_of(text, match.start()),
                 f"a deciding file uses {match.group(0).rstrip('( ')}")


def check_lengths(path, text):
    lines = text.split("\n")
    if len(lines) > FILE_LINES_MAX + 1:
        complain(path, len(lines), f"more than {FILE_LINES_MAX} lines")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}"):
            if start and number - start > FUNCTION_LINES_MAX:
                complain(path, start, f"a function of {number - start} lines")
            start = None


def headers_with_one_reader(sources):
    readers = {}
    for path, text in sources.items():
        for match in INCLUDE.finditer(text):
            if match.group(1) == '"':
                readers.setdefault(match.group(2), set()).add(path.relative_to(ROOT).with_suffix(""))
    lonely = []
    for header, names in readers.items():
        names.discard(pathlib.Path(header).with_suffix(""))
        if len(names) == 1:
            lonely.append(header)
    return sorted(lonely)


def check_lists():
    """The lists above, against each other and against what is built as herd_core."""
    folders = list(MAY_INCLUDE)
    for folder, allowed in MAY_INCLUDE.items():
        for other in allowed:
            if other not in folders[:folders.index(folder)]:
                faults.append(f"MAY_INCLUDE: {folder} must not stand below {other}")
    core_folders, core_files = [], []
    for top in ROOMS:
        for path in (ROOT / top).rglob("CMakeLists.txt"):
            room, text = path.relative_to(ROOT).parent, path.read_text()
            for names in re.findall(r"herd_core_folders\(([^)]*)\)", text):
                core_folders += [str(room / name) for name in names.split()]
            for names in re.findall(r"target_sources\(herd_core PRIVATE ([^)]*)\)", text):
                core_files += [str((room / name).with_suffix("")) for name in names.split()]
    files = [name for name in DECIDING_FILES if (ROOT / name).with_suffix(".c").exists()]
    for built, listed in ((core_folders, DECIDING), (core_files, files)):
        for name in sorted(set(built) ^ set(listed)):
            faults.append(f"{name} is either in herd_core or listed here as deciding, not both")


def main():
    sources = {}
    for folder in MAY_INCLUDE:
        for path in sorted((ROOT / folder).glob("*.[ch]")):
            sources[path] = path.read_text()
    check_lists()
    unknown = [path for top in ROOMS for path in (ROOT / top).rglob("*.[ch]")
               if path not in sources]
    for path in unknown:
        complain(path, 1, "in a folder that tests/house.py does not know")
    for path, text in sources.items():
        check_includes(path, text)
        check_lengths(path, text)
        if is_deciding(path):
            check_calls(path, text)
    lonely = headers_with_one_reader(sources)
    if len(lonely) > HEADERS_WITH_ONE_READER_MAX:
        faults.append(f"{len(lonely)} headers are read by a single file, more than "
                      f"{HEADERS_WITH_ONE_READER_MAX}: {' '.join(lonely)}")
    for fault in faults:
        print(fault)
    print(f"{len(sources)} files, {len(lonely)} headers with one reader, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
