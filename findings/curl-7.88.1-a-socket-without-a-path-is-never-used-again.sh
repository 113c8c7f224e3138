#!/bin/sh
# Expected: two requests to one server of HTTP/1.1 that keeps its connection open go over the same
# connection, whatever kind of socket it is: "libcurl keeps connections alive and re-uses them". A
# socket in Linux's abstract namespace (unix(7)) is such a server's address like a path.
#
# Instead: each request to an abstract socket opens a connection of its own, and the old ones stay
# open until libcurl's cache is full. libcurl notes the text of the other end's address, which is
# empty for a name that begins with a NUL, and takes a connection with an empty address for one whose
# name is still being resolved: "is still name resolving, can't reuse", which only `-v` says. With
# a path all goes over one connection. A worker that kept sixteen spent a third of its time on
# opening, closing and trying them.
#
# Seen with curl and libcurl 7.88.1 of Debian 12; the server is Python's.
#
# For somebody who builds on it: give the server a path. A socket that is bound to a path may be opened
# with O_PATH and unlinked; it is reached as /proc/self/fd/N then, by its own process alone.
#
# Source: curl's manual page, --abstract-unix-socket; CURLOPT_ABSTRACT_UNIX_SOCKET(3); "Persistent is
# good" in libcurl-tutorial(3).
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried (it wants the packages of
# Debian 12, and python3).
set -eu
tmp=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"

# The packages with all that they need, by lists and a status of our own: nothing is installed.
mkdir -p state/lists/partial cache/archives/partial root
: >status
apt() {
    timeout 180 apt-get -q -y -o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" \
        -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User="$(id -un)" "$@" >>apt.log 2>&1
}
if ! { apt update && apt install --download-only --no-install-recommends 'curl=7.88.1*'; }; then
    echo 'not tried: apt did not bring the packages' >&2
    exit 2
fi
for package in cache/archives/curl_*.deb cache/archives/lib*.deb; do
    case $package in */libc6_*) ;; *) dpkg -x "$package" root ;; esac
done
libraries=$(find "$tmp/root" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -sd:)

cat >serve.py <<'END'
# Two listeners; each connection is answered until it ends, and says that it began.
import pathlib, socket, threading

def answer(connection, kind):
    print("a connection to the", kind, flush=True)
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.")

def serve(address, kind):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    pathlib.Path("ready-" + kind).touch()
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0], kind), daemon=True).start()

threading.Thread(target=serve, args=(b"\0" + str(pathlib.Path.cwd()).encode(), "name"), daemon=True).start()
serve("path", "path")
END
python3 serve.py >connections &
server=$!
waited=0
while ! { [ -e ready-name ] && [ -e ready-path ]; }; do
    [ $((waited += 1)) -lt 100 ] || { echo 'not tried: the server did not start' >&2; exit 2; }
    sleep 0.1
done

ask() {
    LD_LIBRARY_PATH=$libraries timeout 30 root/usr/bin/curl -sS "$1" "$2" \
        http://localhost/ http://localhost/ http://localhost/ http://localhost/
    echo
}

cat >expected <<'END'
by its path
....
connections: 1
by its name
....
connections: 4
END
{
    echo 'by its path'
    ask --unix-socket path
    echo "connections: $(grep -c path connections)"
    echo 'by its name'
    ask --abstract-unix-socket "$tmp"
    echo "connections: $(grep -c name connections)"
} >seen 2>&1 || echo '(a command failed)' >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
