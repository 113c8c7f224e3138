# Sourced by topology/up and tests/run: finds what is missing, installs it, builds.
# Expects to be run from the root of the sources.

say() {
    printf 'zherd: %s\n' "$*" >&2
}

# What zherd is built with: how to see that it is there, and Debian's package. Packages that
# changed their name stand as new|old.
needs_to_build='
command cc           build-essential
command make         build-essential
command cmake        cmake
command pkg-config   pkg-config
library libzmq       libzmq3-dev
library libczmq      libczmq-dev
library libcurl      libcurl4-openssl-dev
library msgpack-c|msgpack libmsgpack-c-dev|libmsgpack-dev
library libuv        libuv1-dev
library jansson      libjansson-dev
library sqlite3      libsqlite3-dev
library libmicrohttpd libmicrohttpd-dev
library libsodium    libsodium-dev
library libxxhash    libxxhash-dev
file    /usr/share/zoneinfo/zone1970.tab tzdata
command telnet       inetutils-telnet
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
command valgrind     valgrind
'

# is_there KIND NAME: NAME may hold alternatives, a|b.
is_there() {
    for alternative in $(printf %s "$2" | tr '|' ' '); do
        case $1 in
        command) command -v "$alternative" >/dev/null 2>&1 && return 0 ;;
        library) pkg-config --exists "$alternative" 2>/dev/null && return 0 ;;
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

# prepare NEEDS: installs with apt what is missing, through sudo where we are not root.
prepare() {
    packages=$(missing "$1")
    [ -n "$packages" ] || return 0
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    if ! command -v apt-get >/dev/null 2>&1 || { [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; }; then
        say "please install these first (Debian's names):" $packages
        exit 1
    fi
    say "installing what is missing"
    $as_root apt-get update -q
    chosen=
    for package in $packages; do
        for alternative in $(printf %s "$package" | tr '|' ' '); do
            if apt-cache show "$alternative" >/dev/null 2>&1; then
                chosen="$chosen $alternative"
                break
            fi
        done
    done
    say "packages:$chosen"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $chosen
    packages=$(missing "$1")
    [ -z "$packages" ] || { say "still missing after the installation:" $packages; exit 1; }
}

# build FOLDER TARGET [cmake options]: configures a new folder, then builds what changed of TARGET.
build() {
    folder=$1
    target=$2
    shift 2
    [ -f "$folder/Makefile" ] || { say "configuring $folder" && cmake -S . -B "$folder" -G 'Unix Makefiles' "$@" >&2; }
    say "building $folder"
    cmake --build "$folder" --target "$target" --parallel "$(nproc)" >&2
}
