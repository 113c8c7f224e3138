# Completion of zherd's commands for bash. Options and subcommands are what --help lists, names of
# nodes what the topology file has, so nothing here has to change with them.

# _zherd_options PROGRAM
_zherd_options() {
    "$1" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u
}

# _zherd_names SECTION FILE: the names of its sections of that kind.
_zherd_names() {
    awk -v section="$1" '/^[a-z]/ { inside = $1 == section }
        inside && sub(/^ +name *= *"?/, "") { sub(/[" ].*/, ""); print }' "$2" 2>/dev/null
}

# _zherd_webs FILE: the names of its sections `web`, which are those of observers where they have none.
_zherd_webs() {
    awk '/^[a-z]/ { inside = $1 == "web" }
        inside && sub(/^ +(name|observer) *= *"?/, "") { sub(/[" ].*/, ""); print }' "$1" 2>/dev/null
}

# The topology file of this command line, if it has one.
_zherd_file() {
    local word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == *.zpl ]] && printf '%s\n' "${word/#\~\//$HOME/}"
    done | head -n 1
}

_zherd() {
    local program=$1 word=$2 previous=$3 words=''
    case $previous in
    --node | --ways-of) words=$(_zherd_names node "$(_zherd_file)") ;;
    --observer) words=$(_zherd_names observer "$(_zherd_file)") ;;
    --operator) words=$(_zherd_names operator "$(_zherd_file)") ;;
    --web) words=$(_zherd_webs "$(_zherd_file)") ;;
    --log) words='commands events' ;;
    --protocol) words='zherd zherd-auth zherd-watch echo redis redis-geoadd redis-wait nats mqtt osmand' ;;
    --fleet) words='leaps dense thin land point' ;;
    --workload) words='iamat whatsat mixed load storm idle propagate converge expire nearby told' ;;
    *)
        if [[ $word == -* ]]; then
            words=$(_zherd_options "$program")
        elif [[ $COMP_CWORD -eq 1 ]]; then
            case ${program##*/} in
            zherd) words=$("$program" --help 2>/dev/null | sed -nE 's/^  zherd ([a-z]+) .*/\1/p') ;;
            placesd) words='broker worker' ;;
            zherd-landmarks) words='import serve' ;;
            esac
        elif [[ ${COMP_WORDS[1]} == schema ]]; then
            words=$("$program" schema 2>/dev/null | cut -d ' ' -f 1 | sort -u)
        elif [[ ${COMP_WORDS[1]} == journal && $COMP_CWORD -eq 2 ]]; then
            words='check dump repair'
        elif [[ ${COMP_WORDS[1]} == export && $COMP_CWORD -eq 2 ]]; then
            words='compose k8s'
        elif [[ ${COMP_WORDS[1]} == token && $COMP_CWORD -eq 2 ]]; then
            words='new'
        elif [[ ${COMP_WORDS[1]} =~ ^(tap|keygen)$ && $previous == *.zpl ]]; then
            words=$(_zherd_names node "$previous")
        fi
        ;;
    esac
    # Where none of these words fits, `-o default` offers files.
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o default -F _zherd zherd zherd-gateway zherd-web placesd zherd-landmarks zherd-bench
