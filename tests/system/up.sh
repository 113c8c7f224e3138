#!/bin/sh
# `zherd up` from outside, with small stand-ins for the gateway and placesd beside it: how it
# starts, watches, starts again and stops its children. The stand-ins say what real ones say, and
# do at once what files in their folder ask for.
set -u
built=$1
work=$(mktemp -d)
# A herd may run from the file itself, which then is no other's.
topology=$work/fall2016.zpl
cp "$2" "$topology"
failed=0
up=

end()
{
    [ -n "$up" ] && kill -KILL "$up"
    # Only a fault leaves children; they must not outlive the test that found it.
    for pid in $(cat "$work/bin/pids" 2>/dev/null); do
        gone "$pid" || kill -KILL "$pid"
    done
    rm -rf "$work"
}
trap end EXIT

mkdir "$work/bin"
cp "$built" "$work/bin/zherd"
cat > "$work/bin/zherd-gateway" <<'STANDIN'
#!/bin/sh
topology=$2 name=$4 logs=$6 here=$(dirname "$0")
[ "$1$3$5" = "--topology--node--log-dir" ] || exit 3
echo "$$" >> "$here/pids"
if [ -e "$here/refuse-$name" ]; then
    echo "first words" >&2
    echo "zherd-gateway: cannot bind tcp://127.0.0.1:1 ($name)" >&2
    exit 1
fi
mkfifo "$here/$name.$$"
exec 3<> "$here/$name.$$"
rm "$here/$name.$$"
trap 'exit 0' TERM
[ -e "$here/stubborn-$name" ] && trap '' TERM
trap 'echo "HUP $name" >> "$here/heard"' HUP
trap 'echo "USR1 $name" >> "$here/heard"' USR1
ln -sf "$$" "$here/pid-$name"
while [ -e "$here/mute-$name" ]; do sleep 0.05; done
echo ready
sed -n "s/^    between = $name \(.*\)/link \1 up/p; s/^    between = \(.*\) $name\$/link \1 up/p" \
    "$topology"
echo "log of $name" >> "$logs/$name.log"
# Every other stand-in is one whose loop stands still.
[ -e "$here/speaks-$name" ] && exec /usr/bin/python3 -c '
import os, socket, time
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
assert os.environ["WATCHDOG_USEC"] == "10000000" and "WATCHDOG_PID" not in os.environ
while True:
    manager.sendto(b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"].replace("@", "\0"))
    time.sleep(2)
'
while ! read -r never <&3; do :; done
STANDIN
cat > "$work/bin/placesd" <<'STANDIN'
#!/bin/sh
here=$(dirname "$0")
[ "$1$3$4$5$6" = "--topology--places1--data-dir$2.data" ] || exit 3
echo "$$" >> "$here/pids"
mkfifo "$here/placesd.$$"
exec 3<> "$here/placesd.$$"
rm "$here/placesd.$$"
trap 'exit 0' TERM
trap 'echo "HUP placesd" >> "$here/heard"' HUP
trap 'echo "USR1 placesd" >> "$here/heard"' USR1
ln -sf "$$" "$here/pid-placesd"
echo "placesd: started" >&2
echo ready
while ! read -r never <&3; do :; done
STANDIN
chmod +x "$work/bin/zherd-gateway" "$work/bin/placesd"

fail()
{
    echo "    not true: $*"
    sed 's/^/    | /' "$work/out" "$work/errors"
    failed=$((failed + 1))
}

# Waits up to ten seconds until a command succeeds.
await()
{
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -gt 200 ] && return 1
        sleep 0.05
    done
}

said()
{
    grep -q -- "$1" "$work/out" || { fail "it said: $1"; return 1; }
}

# counted N PATTERN: exactly that many lines of the output have it.
counted()
{
    [ "$(grep -c -- "$2" "$work/out")" = "$1" ]
}

pid_of()
{
    readlink "$work/bin/pid-$1"
}

# A process that has ended but was not waited for yet is gone, too.
gone()
{
    ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

# Of all stand-ins that ever ran here none may be left.
no_stand_ins()
{
    for pid in $(cat "$work/bin/pids"); do
        gone "$pid" || return 1
    done
}

# start [PREFIX...]: runs it in the background, by the words of a prefix such as setsid. The output of the case before must not be taken for its own.
start()
{
    rm -rf "$work/log" "$work/bin/pids" "$work/bin/heard"
    : > "$work/out"
    : > "$work/errors"
    "$@" "$work/bin/zherd" up --log-dir "$work/log" "$topology" > "$work/out" 2> "$work/errors" &
    up=$!
}

# ends_with WANTED: waits for its end and checks the exit status and that no child outlived it.
ends_with()
{
    await gone "$up" || { fail "it ends"; kill -KILL "$up"; }
    wait "$up"
    [ $? = "$1" ] || fail "its exit status is $1"
    up=
    no_stand_ins || fail "no process is left"
}

# What it said on standard error, whoever runs this test.
errors()
{
    grep -v "^zherd up: runs as root, " "$work/errors"
}

# finish SIGNAL: sends it to zherd, which then has to end well.
finish()
{
    kill -s "$1" "$up"
    ends_with 0
}

case_of()
{
    before=$failed
    "$2"
    [ "$failed" = "$before" ] && echo "ok      $1" || echo "FAILED  $1"
}

becomes_ready()
{
    start
    await counted 1 '^ready' || fail "it becomes ready"
    said '^fall2016: nodes 5, links 5, logs in '
    said '^  Alford    telnet 127.0.0.1 11500$'
    said '^  Welsh     telnet 127.0.0.1 11504$'
    said '^  IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 [0-9]*\.[0-9]\{9\}$'
    said '^  WHATSAT kiwi.cs.ucla.edu 10 5$'
    said '^ready: all 5 nodes take clients, all 5 links are up, places answer$'
    finish TERM
    [ "$(errors)" = "" ] || fail "nothing on standard error"
    [ "$(ls "$work/log" | tr '\n' ' ')" = \
        "Alford.log Ball.log Hamilton.log Holiday.log Welsh.log placesd.err " ] ||
        fail "logs are left, empty files are not: $(ls "$work/log")"
}

# heard SIGNAL NAMES: each of these has heard of it once.
heard()
{
    [ "$(sed -n "s/^$1 //p" "$work/bin/heard" 2> /dev/null | sort | tr '\n' ' ')" = "$2" ]
}

hands_signals_on()
{
    everybody="Alford Ball Hamilton Holiday Welsh placesd "
    start
    await counted 1 '^ready' || fail "it becomes ready"
    kill -s HUP "$up"
    await heard HUP "$everybody" || fail "all hear of HUP: $(cat "$work/bin/heard")"
    said "^read again from $topology\$"
    kill -s USR1 "$up"
    await heard USR1 "$everybody" || fail "all hear of USR1: $(cat "$work/bin/heard")"
    heard HUP "$everybody" || fail "USR1 is no HUP"
    counted 0 'killed\|ended' || fail "nobody dies of them"
    finish TERM
}

# A child that is just starting has no handler yet and would die of the signal.
hands_signals_on_when_ready()
{
    : > "$work/bin/mute-Welsh"
    start
    await grep -q "log of Ball" "$work/log/Ball.log" || fail "Ball starts"
    await pid_of Welsh > /dev/null || fail "Welsh starts"
    rm -f "$work/bin/heard"
    kill -s HUP "$up"
    kill -s USR1 "$up"
    await counted 1 '^read again' || fail "it reads again"
    sleep 0.3
    grep -s Welsh "$work/bin/heard" && fail "Welsh hears nothing yet"
    rm "$work/bin/mute-Welsh"
    await grep -qs 'HUP Welsh' "$work/bin/heard" || fail "Welsh hears of HUP"
    await counted 1 '^ready' || fail "it becomes ready"
    [ "$(grep -c Welsh "$work/bin/heard")" = 1 ] || fail "once is enough"
    counted 0 'killed\|ended' || fail "nobody dies of it"
    finish TERM
}

# A signal that zherd itself ignores by inheritance is not ignored in its children.
gives_children_their_signals()
{
    start sh -c 'trap "" USR1; exec "$@"' sh
    await counted 1 '^ready' || fail "it becomes ready"
    ignored=$(sed -n 's/^SigIgn:[^0-9a-f]*//p' "/proc/$(pid_of Ball)/status")
    [ "$((0x$ignored & 0x200))" = 0 ] || fail "no signal is ignored: $ignored"
    finish TERM
}

# Ctrl-C reaches the whole group: children end by themselves, and that is no death.
stops_on_ctrl_c()
{
    start setsid
    await counted 1 '^ready' || fail "it becomes ready"
    kill -s INT -- "-$up"
    ends_with 0
    counted 0 'killed\|ended' || fail "nobody is called dead"
}

restarts_the_dead()
{
    start
    await counted 1 '^ready' || fail "it becomes ready"
    old=$(pid_of Ball)
    kill -KILL "$old"
    await counted 2 '^ready' || fail "it becomes ready again"
    said '^Ball was killed by signal 9 (Killed); starting it again in 1.0 s$'
    said '^Ball: link to Holiday up$'
    [ "$(pid_of Ball)" != "$old" ] || fail "Ball is another process"
    kill -KILL "$(pid_of placesd)"
    await counted 3 '^ready' || fail "it becomes ready a third time"
    said '^placesd was killed by signal 9 (Killed): placesd: started; starting it again in 1.0 s$'
    finish TERM
}

retries_later_and_later()
{
    start
    await counted 1 '^ready' || fail "it becomes ready"
    : > "$work/bin/refuse-Ball"
    kill -KILL "$(pid_of Ball)"
    await counted 1 'Ball ended with status 1: .*cannot bind.*; starting it again in 2.0 s' ||
        fail "it tries again after 2 s"
    rm "$work/bin/refuse-Ball"
    await counted 2 '^ready' || fail "it becomes ready again"
    # What an earlier life said is none of this one's last words.
    kill -KILL "$(pid_of Ball)"
    await counted 2 '^Ball was killed by signal 9 (Killed); starting it again in [0-9.]* s$' ||
        fail "its death has no words"
    finish TERM
}

gives_up_a_refused_start()
{
    : > "$work/bin/refuse-Holiday"
    start
    ends_with 1
    rm "$work/bin/refuse-Holiday"
    [ "$(errors)" = \
        "zherd up: Holiday did not start: zherd-gateway: cannot bind tcp://127.0.0.1:1 (Holiday)" ] ||
        fail "one clear line says why"
    counted 0 '^ready' || fail "it is never ready"
}

# The words of placesd are those that its stand-in demands, unless the folder cannot be had.
keeps_what_is_spent()
{
    data=$topology.data
    sed -i "s/^places\$/&\n    budget = 1000/" "$topology"
    start
    await counted 1 '^ready' || fail "it becomes ready"
    [ "$(stat -c %a "$data")" = 700 ] || fail "the folder is there, for its owner alone"
    finish TERM
    rmdir "$data"
    : > "$data"
    sed -i 's/ = "--topology--places1--data-dir$2.data" ]/ = "--topology--places1" ]/' \
        "$work/bin/placesd"
    start
    await counted 1 '^ready' || fail "it becomes ready without the folder"
    [ "$(errors)" = \
        "zherd up: what is spent of the budget is not kept in $data: Not a directory" ] ||
        fail "one line says why"
    finish TERM
    rm "$data"
    sed -i 's/ = "--topology--places1" ]/ = "--topology--places1--data-dir$2.data" ]/' \
        "$work/bin/placesd"
    sed -i "/^    budget = 1000\$/d" "$topology"
}

names_a_missing_program()
{
    mv "$work/bin/placesd" "$work/bin/elsewhere"
    start
    ends_with 1
    mv "$work/bin/elsewhere" "$work/bin/placesd"
    grep -q "^zherd up: placesd did not start: .*/placesd: cannot be run: No such file" \
        "$work/errors" || fail "one clear line says why"
}

names_a_folder_that_takes_no_logs()
{
    : > "$work/file"
    "$work/bin/zherd" up --log-dir "$work/file" "$topology" > "$work/out" 2> "$work/errors"
    [ $? = 1 ] || fail "exit status 1"
    [ "$(cat "$work/errors")" = "zherd up: cannot write logs to $work/file: File exists" ] ||
        fail "one clear line says why"
}

says_what_is_missing()
{
    : > "$work/bin/mute-Welsh"
    start
    await counted 1 '^not ready after 5 s; still missing: Welsh, link Ball-Welsh, link Welsh-Alford' ||
        fail "it says what is missing"
    counted 0 '^ready' || fail "it is not ready"
    rm "$work/bin/mute-Welsh"
    kill -KILL "$(pid_of Welsh)"
    await counted 1 '^ready' || fail "it becomes ready"
    finish TERM
}

kills_the_stubborn()
{
    : > "$work/bin/stubborn-Ball"
    start
    await counted 1 '^ready' || fail "it becomes ready"
    finish TERM
    rm "$work/bin/stubborn-Ball"
}

# What another process says in its name does not count.
ends_the_silent()
{
    : > "$work/bin/speaks-Ball"
    start
    await counted 1 '^ready' || fail "it becomes ready"
    old=$(pid_of Ball)
    await false # ten seconds
    await counted 1 '^Welsh said nothing for 10 s: ended by ABRT$' || fail "Welsh is ended"
    await counted 1 '^placesd said nothing for 10 s: ended by ABRT$' || fail "placesd is ended"
    await counted 1 '^Welsh was killed by signal 6 (Aborted); starting it again in 1.0 s$' ||
        fail "and started again"
    await counted 2 '^ready' || fail "it becomes ready again"
    [ "$(pid_of Ball)" = "$old" ] || fail "Ball lives"
    finish TERM
    rm "$work/bin/speaks-Ball"
}

leaves_no_orphans()
{
    start
    await counted 1 '^ready' || fail "it becomes ready"
    kill -s KILL "$up"
    wait "$up" 2> /dev/null
    up=
    await no_stand_ins || fail "no process is left"
}

case_of "it starts everybody and says ready once" becomes_ready
case_of "HUP and USR1 are handed on and end nobody" hands_signals_on
case_of "who is not ready hears of them when it is" hands_signals_on_when_ready
case_of "children do not inherit ignored signals" gives_children_their_signals
case_of "Ctrl-C reaches everybody and is no death" stops_on_ctrl_c
case_of "the dead are named and started again" restarts_the_dead
case_of "who does not come back is tried later and later" retries_later_and_later
case_of "a refused start ends the whole start with its reason" gives_up_a_refused_start
case_of "what is spent is kept where there is a folder" keeps_what_is_spent
case_of "a missing program is named" names_a_missing_program
case_of "a folder that takes no logs is named" names_a_folder_that_takes_no_logs
case_of "who does not become ready is named after five seconds" says_what_is_missing
case_of "who does not stop is killed" kills_the_stubborn
case_of "who is silent is ended and started again" ends_the_silent
case_of "killed itself, it leaves no orphans" leaves_no_orphans
[ "$failed" -eq 0 ] || exit 1
