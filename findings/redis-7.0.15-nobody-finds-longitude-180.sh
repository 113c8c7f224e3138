#!/bin/sh
# Expected: what GEOADD takes, GEOSEARCH finds: longitudes from -180 to 180 and latitudes from
# -85.05112878 to 85.05112878, as the manual says; the search goes across the 180th meridian.
#
# Instead: a member at longitude 180 exactly, or at latitude 85.05112878 exactly, is stored and
# listed (ZRANGE, GEOPOS, GEODIST know it), but no search finds it, not even one that covers the
# whole earth, unless its middle lies on that very line. And a search whose middle lies there sees
# nothing across it. These values fall one step outside the grid of 2^26 columns and rows; the
# score is then above 2^52, past every range that a search looks into. -180, which is the same
# meridian, is found from both sides, and the southern limit is found, too. Data that was cut at the
# antimeridian or clamped to a range is at 180 exactly.
#
# Seen with redis 7.0.15 of Debian 12 and 8.0.2 of Debian 13.
#
# For somebody who builds on it: store -180 for 180, keep latitudes a little below the limit, and
# test a geographic index with points on its own limits from both sides.
#
# Source: the manual pages of GEOADD (the limits, both inclusive; beyond them it reports an error)
# and GEOSEARCH.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried (the packages of a Debian
# release leave its mirrors when it brings out a correction).
set -eu
tmp=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"

# The packages with all that they need, by lists and a status of our own: nothing is installed.
mkdir -p state/lists/partial cache/archives/partial root
: >status
apt() {
    timeout 180 apt-get -q -y -o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" \
        -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User="$(id -un)" "$@" >>apt.log 2>&1
}
fetched=
if apt update; then
    for version in 5:7.0.15-1~deb12u10 5:7.0.15-1~deb12u7 5:8.0.2-3+deb13u3; do
        apt install --download-only --no-install-recommends \
            "redis-server=$version" "redis-tools=$version" && fetched=$version && break
    done
fi
[ -n "$fetched" ] || { echo 'not tried: apt did not bring the packages' >&2; exit 2; }
for package in cache/archives/redis-*.deb cache/archives/lib*.deb; do
    case $package in */libc6_*) ;; *) dpkg -x "$package" root ;; esac
done
LD_LIBRARY_PATH=$(find "$tmp/root" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
echo "redis-server $fetched"

# Through a socket in the temporary folder, without any port and without a file of data.
timeout 60 root/usr/bin/redis-server --port 0 --unixsocket "$tmp/socket" --dir "$tmp" --save '' \
    --appendonly no >redis.log 2>&1 &
server=$!
ask() { timeout 10 root/usr/bin/redis-cli -s "$tmp/socket" --raw "$@"; }
tries=0
until ask PING >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { echo 'not tried: redis does not start' >&2; exit 2; }
    sleep 0.1
done

near() {    # near LONGITUDE LATITUDE KILOMETRES
    echo "within $3 km of $1 $2: $(ask GEOSEARCH places FROMLONLAT "$1" "$2" BYRADIUS "$3" km ASC |
        LC_ALL=C sort | paste -sd' ')"
}
{
    echo "taken: $(ask GEOADD places 180 10 at+180 -180 20 at-180 179.9999 10 at+179.9999 \
        -179.9999 10 at-179.9999 50 85.05112878 at+85.05112878 50 85.0511 at+85.0511 \
        50 -85.05112878 at-85.05112878) of 7"
    echo "at+180 to at+179.9999: $(ask GEODIST places at+180 at+179.9999 m) m"
    near 179.9999 10 1
    near -179.9999 10 1
    near 180 10 1
    near 179.9999 20 1
    near -179.9999 20 1
    near 50 85.051 1
    near 50 -85.051 1
    near 0 0 30000
} >seen

cat >expected <<'END'
taken: 7 of 7
at+180 to at+179.9999: 10.8742 m
within 1 km of 179.9999 10: at+179.9999 at-179.9999
within 1 km of -179.9999 10: at+179.9999 at-179.9999
within 1 km of 180 10: at+179.9999 at+180
within 1 km of 179.9999 20: at-180
within 1 km of -179.9999 20: at-180
within 1 km of 50 85.051: at+85.0511
within 1 km of 50 -85.051: at-85.05112878
within 30000 km of 0 0: at+179.9999 at+85.0511 at-179.9999 at-180 at-85.05112878
END

cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
