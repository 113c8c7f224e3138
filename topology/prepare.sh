# Sourced by topology/up and tests/run: finds what is missing, installs it, builds.
# Expects to be run from the root of the sources.

say() {
    printf 'zherd: %s\n' "$*" >&2
}

# Supported: Debian 12 and 13. Ubuntu 24.04 has all of it under the same names, but is untested.

# What zherd is built with: how to see that it is there, and Debian's package. Packages that
# changed their name stand as new|old. A library is a header and what is linked, as HEADER:NAME.
needs_to_build='
command cc           build-essential
command make         build-essential
command cmake        cmake
library zmq.h:zmq         libzmq3-dev
library czmq.h:czmq       libczmq-dev
library curl/curl.h:curl  libcurl4-openssl-dev
library msgpack.h:msgpack-c|msgpack.h:msgpackc libmsgpack-c-dev|libmsgpack-dev
library uv.h:uv           libuv1-dev
library jansson.h:jansson libjansson-dev
library sqlite3.h:sqlite3 libsqlite3-dev
library microhttpd.h:microhttpd libmicrohttpd-dev
library gnutls/gnutls.h:gnutls libgnutls28-dev
library curses.h:ncurses  libncurses-dev
library sodium.h:sodium   libsodium-dev
library xxhash.h:xxhash   libxxhash-dev
library openssl/ssl.h:ssl libssl-dev
file    /usr/share/zoneinfo/zone1970.tab tzdata
command telnet       inetutils-telnet
'
# What the live map of topology/up --demo is drawn with.
needs_to_show='
file    /usr/share/javascript/leaflet/leaflet.min.js libjs-leaflet
file    /usr/share/plplot5.15.0/globe.shp            libplplot-data
'
needs_to_test='
command expect       expect
command python3      python3
command git          git
command faketime     faketime
file    /usr/sbin/nft|/sbin/nft nftables
file    /usr/sbin/tc|/sbin/tc   iproute2
command openssl      openssl
module  zmq          python3-zmq
module  msgpack      python3-msgpack
module  yaml         python3-yaml
module  kubernetes   python3-kubernetes
command valgrind     valgrind
command nc.openbsd   netcat-openbsd
command plink        putty-tools
command socat        socat
command gnutls-cli   gnutls-bin
command curl         curl
command busybox      busybox
command mandoc       mandoc
command man          man-db
command zsh          zsh
command strace       strace
command systemd-analyze systemd
file    /usr/sbin/logrotate logrotate
'
# What `cpack -G DEB` finds dependencies with.
needs_to_pack='
command file         file
command dpkg-shlibdeps dpkg-dev
'
# What tests/elsewhere makes another Debian with.
needs_elsewhere='
file    /usr/sbin/debootstrap debootstrap
file    /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
command wget         wget
command tar          tar
command unshare      util-linux
'

# is_file PATTERN ...: whether one of them is the name of a file.
is_file() {
    for pattern in "$@"; do
        for file in $pattern; do
            [ -e "$file" ] && return 0
        done
    done
    return 1
}

# is_library HEADER:NAME: a compiler takes the header and links the library. What a package says
# about itself (pkg-config) is not asked: it has been wrong both ways. Without a compiler their
# files have to do.
is_library() {
    header=${1%%:*}
    library=lib${1##*:}.so
    if command -v cc >/dev/null 2>&1; then
        printf '#include <%s>\nint main(void) { return 0; }\n' "$header" |
            cc -x c - -x none "-l${1##*:}" -o /dev/null 2>/dev/null
    else
        is_file "/usr/include/$header" "/usr/include/*/$header" "/usr/local/include/$header" &&
            is_file "/usr/lib/$library" "/usr/lib/*/$library" "/usr/local/lib/$library"
    fi
}

# is_there KIND NAME: NAME may hold alternatives, a|b.
is_there() {
    for alternative in $(printf %s "$2" | tr '|' ' '); do
        case $1 in
        command) command -v "$alternative" >/dev/null 2>&1 && return 0 ;;
        library) is_library "$alternative" && return 0 ;;
        file) [ -e "$alternative" ] && return 0 ;;
        module) /usr/bin/python3 -c "import $alternative" >/dev/null 2>&1 && return 0 ;;
        esac
    done
    return 1
}

# missing NEEDS: the packages of the table's rows that are not there.
missing() {
    printf '%s\n' "$1" | while read -r kind name package; do
        [ -z "$kind" ] || is_there "$kind" "$name" || printf '%s\n' "$package"
    done | sort -u
}

# chosen PACKAGES: of old and new names the one that apt knows; the newest one where it knows none.
chosen() {
    for package in "$@"; do
        name=${package%%|*}
        for alternative in $(printf %s "$package" | tr '|' ' '); do
            apt-cache show "$alternative" >/dev/null 2>&1 && name=$alternative && break
        done
        printf '%s ' "$name"
    done
}

# prepare NEEDS: installs with apt what is missing, through sudo where we are not root.
prepare() {
    packages=$(missing "$1")
    [ -n "$packages" ] || return 0
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    if ! command -v apt-get >/dev/null 2>&1 || { [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; }; then
        say "please install these first (Debian's names):" $(chosen $packages)
        exit 1
    fi
    say "installing what is missing:" $packages
    $as_root apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(chosen $packages)
    packages=$(missing "$1")
    [ -z "$packages" ] || { say "still missing after the installation:" $packages; exit 1; }
}

# build FOLDER TARGET [cmake options]: configures a new folder, then builds what changed of TARGET.
build() {
    folder=$1
    target=$2
    shift 2
    if [ ! -f "$folder/Makefile" ] && [ ! -f "$folder/build.ninja" ]; then
        say "configuring $folder"
        cmake -S . -B "$folder" "$@" >&2
    fi
    say "building $folder"
    cmake --build "$folder" --target "$target" --parallel "$(nproc)" >&2
}
