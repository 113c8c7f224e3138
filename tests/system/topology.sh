#!/bin/sh
# `zherd check`, `zherd draw` and `zherd schema` from outside: every edition is good, every broken file is refused
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
                fail "$file: the addresses of $name are missing"
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

# says_forget TIMES KEYS: so often `zherd check` says that tombstones have no end.
says_forget()
{
    file=$(mktemp)
    sed "s/^herd\$/&$2/" "$folder/fall2016.zpl" >"$file"
    said=$("$zherd" check "$file") || fail "a herd with $2 is refused"
    same "zherd check with $2" "$1" "$(printf '%s\n' "$said" |
        grep -c '^forget without expire: who is forgotten keeps the place of a client for ever$')"
    rm "$file"
}

check_forget()
{
    says_forget 0 ''
    says_forget 1 '\n    forget = yes'
    says_forget 0 '\n    expire = 24h'
    says_forget 0 '\n    forget = yes\n    expire = 24h'
    says_forget 1 '\n    forget = yes\n    expire = off'
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
    "$zherd" --version | grep -qE '^zherd 0\.1\.0( \(.+\))?$' || fail "zherd --version says no version"
    "$zherd" --help | grep -q "zherd check FILE" || fail "zherd --help lists no subcommands"
    "$zherd" up --help | grep -q "zherd check FILE" || fail "zherd up --help lists no subcommands"
    "$zherd" up "$good" --help | grep -q "zherd check FILE" || fail "--help after a file is none"
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

# The table has each key that the sections take, in their order, and says what it means.
check_schema()
{
    file=$(mktemp)
    all=$("$zherd" schema) || fail "zherd schema fails"
    for section in herd node link observer operator places; do
        printf '%s\n    zzzzzzzzzzzz = 1\n' "$section" >"$file"
        takes=$("$zherd" check "$file" 2>&1 | sed -n 's/.*`zzzz*`; write only //p' | tr -d ,)
        [ -n "$takes" ] || fail "$section: nobody says which keys it takes"
        listed=$(printf '%s\n' "$all" |
            awk -v section="$section" '$1 == section && NF > 5 { printf "%s%s", more, $2; more = " " }')
        same "zherd schema: keys of $section" "$listed" "$takes"
        same "zherd schema $section" "$("$zherd" schema "$section" | tr -s ' ')" \
            "$(printf '%s\n' "$all" | grep "^$section " | tr -s ' ')"
    done
    rm "$file"
    for row in '^herd  *insecure  *yes or no  *no  ' '^node  *bus_at  *endpoint  *as bus  ' \
        '^places  *url  *URL  *required  ' '^places  *grid_m  *number  *-  .* (1 to 2500)$' \
        '^herd  *expire  *duration  *off  .* (off, or 1s to 36500d)$' '^herd  *forget  *yes or no  *no  ' \
        '(landmarks, google, google-new, overpass or photon)$'; do
        printf '%s\n' "$all" | grep -q -- "$row" || fail "zherd schema has no line $row"
    done
    refused 2 'zherd schema: there is no section `palces` (did you mean places?); --help shows how' \
        schema palces
    refused 2 'zherd schema: write one section, or none for all; --help shows how' schema herd node
    refused 2 'zherd schema: there is no option --all; --help shows how' schema --all
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
check_forget
check_words
check_schema
check_many_faults
[ "$failed" -eq 0 ] && echo "ok      zherd check, draw and schema"
exit $((failed > 0))
