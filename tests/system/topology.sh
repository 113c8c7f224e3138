#!/bin/sh
# `zherd check` and `zherd draw` from outside: every edition is good, every broken file is refused
# with the one sentence that its first line promises.
set -u
zherd=$1
folder=$2
failed=0

fail()
{
    echo "FAILED  $*"
    failed=$((failed + 1))
}

# same "a sentence" "what was got" "what was wanted"
same()
{
    [ "$2" = "$3" ] && return
    fail "$1"
    printf '    got:    %s\n    wanted: %s\n' "$2" "$3"
}

check_broken()
{
    count=0
    for file in "$folder"/broken/*.zpl; do
        wanted="$file:$(sed -n '1s/^# refused: //p' "$file")"
        got=$("$zherd" check "$file" 2>&1)
        status=$?
        same "$file: is refused" "$got" "$wanted"
        same "$file: exit status" "$status" 1
        count=$((count + 1))
    done
    [ "$count" -ge 50 ] || fail "only $count broken files"
}

check_editions()
{
    same "fall2012" "$("$zherd" check "$folder/fall2012.zpl" 2>&1)" \
"ok: fall2012: 5 nodes, 5 links, diameter 3
link Hill-Meeks: its loss splits the herd
node Meeks: its loss splits the herd"
    same "fall2016" "$("$zherd" check "$folder/fall2016.zpl" 2>&1)" \
"ok: fall2016: 5 nodes, 5 links, diameter 2"
    same "winter2018" "$("$zherd" check "$folder/winter2018.zpl" 2>&1)" \
"ok: winter2018: 5 nodes, 6 links, diameter 3
link Holiday-Welsh: its loss splits the herd
node Holiday: its loss splits the herd"
}

check_drawings()
{
    for file in "$folder"/*.zpl; do
        picture=$("$zherd" draw "$file") || fail "$file: is not drawn"
        dot=$("$zherd" draw --dot "$file") || fail "$file: is not drawn for graphviz"
        for name in $(sed -n '/^node/,/^$/s/^    name = //p' "$file"); do
            same "$file: $name stands twice and in the lists of its neighbours" \
                "$(printf '%s\n' "$picture" | grep -c "● $name\$\|$name ●\|^ *$name\$")" 1
            printf '%s\n' "$picture" | grep -q "^  $name  *clients tcp://127.0.0.1:1[0-9]* *bus" ||
                fail "$file: the addresses of $name are not told"
            printf '%s\n' "$dot" | grep -q "^    \"$name\"\$" || fail "$file: dot without $name"
        done
        same "$file: links for graphviz" "$(printf '%s\n' "$dot" | grep -c -- ' -- ')" \
            "$(grep -c '^link' "$file")"
    done
}

# What is bound stands in the picture, and where others reach it, if that is elsewhere.
check_other_addresses()
{
    file=$(mktemp)
    sed -e 's|^herd$|herd\n    insecure = yes|' \
        -e 's|^    bus = tcp://127.0.0.1:12501$|    bus = tcp://*:12501\n    bus_at = tcp://ball:12502|' \
        -e 's|^    workers = .*$|    workers = tcp://eth0:13501\n    workers_at = tcp://places:13502|' \
        "$folder/fall2016.zpl" >"$file"
    picture=$("$zherd" draw "$file") || fail "a herd with other addresses is not drawn"
    for shown in 'bus tcp://\*:12501 at tcp://ball:12502  links' 'bus tcp://127.0.0.1:12500  *links' \
        'workers tcp://eth0:13501 at tcp://places:13502$'; do
        printf '%s\n' "$picture" | grep -q -- "$shown" || fail "the picture has no $shown"
    done
    rm -f "$file"
}

# refused STATUS WANTED WORDS...: one line on standard error, nothing on standard output.
refused()
{
    status=$1
    wanted=$2
    shift 2
    said=$("$zherd" "$@" 2>/dev/null)
    same "zherd $*: standard output" "$said" ""
    got=$("$zherd" "$@" 2>&1)
    same "zherd $*: exit status" "$?" "$status"
    same "zherd $*" "$got" "$wanted"
}

check_words()
{
    good=$folder/fall2016.zpl
    same "zherd --version" "$("$zherd" --version)" "zherd 0.1.0"
    "$zherd" --help | grep -q "zherd check FILE" || fail "zherd --help lists no subcommands"
    "$zherd" up --help | grep -q "zherd check FILE" || fail "zherd up --help lists no subcommands"
    "$zherd" up "$good" --help | grep -q "zherd check FILE" || fail "--help behind a file is none"
    one='write one topology file; --help shows how'
    refused 2 'zherd: write a subcommand; --help shows how'
    refused 2 'zherd: there is no subcommand `chekc` (did you mean check?); --help shows how' chekc
    refused 2 'zherd: there is no subcommand `chart`; --help shows how' chart
    refused 2 "zherd check: $one" check
    refused 2 "zherd check: $one" check "$good" "$good"
    refused 2 'zherd check: there is no option --fast; --help shows how' check --fast
    refused 2 'zherd check: there is no option -f; --help shows how' check "$good" -f
    refused 2 'zherd check: --host needs a value; --help shows how' check "$good" --host
    refused 2 'zherd draw: there is no option --dto (did you mean --dot?); --help shows how' \
        draw --dto "$good"
    refused 2 'zherd draw: there is no option --colour; --help shows how' draw --colour "$good"
    refused 2 'zherd draw: --dot takes no value; --help shows how' draw --dot=no "$good"
    refused 2 "zherd draw: $one" draw --dot
    refused 2 'zherd up: --log-dir needs a value; --help shows how' up --log-dir
    refused 1 'zherd up: /nowhere: cannot be opened: No such file or directory' up /nowhere
}

# It stops after twenty faults and counts the others.
check_many_faults()
{
    file=$(mktemp)
    for faults in 20 21 47; do
        seq $((faults - 2)) > "$file" # and there are neither herd nor nodes
        got=$("$zherd" check "$file" 2>&1)
        same "$faults faults: lines that name one" "$(printf '%s\n' "$got" | grep -c "^$file:[0-9]")" 20
        rest=$((faults - 20))
        s=s
        [ "$rest" = 1 ] && s=
        wanted="$file: and $rest more fault$s"
        [ "$rest" = 0 ] && wanted=
        same "$faults faults: the rest" "$(printf '%s\n' "$got" | sed -n '/more fault/p')" "$wanted"
    done
    rm "$file"
}

check_broken
check_editions
check_drawings
check_other_addresses
check_words
check_many_faults
[ "$failed" -eq 0 ] && echo "ok      zherd check and draw"
exit $((failed > 0))
