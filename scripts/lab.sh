#!/usr/bin/env bash
# lab.sh target/<profile>: a whole lab on this machine, a controller and two exporters without hardware,
# until Ctrl-C. Prints what to try in another terminal.
#
#   lab.sh target/<profile> --check       runs everything it would print, as somebody would type it
#   lab.sh target/<profile> COMMAND…      runs a command in the lab and ends with it
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$1" && pwd)
shift

# What to try, and what it prints: COMMAND | pattern. The check runs what the user reads.
tour=(
    "jmp get exporters --with status,leases | bench-2 .*board=imx8"
    "jmp shell --selector board=rpi4 -- j power on | ^$"
    "jmp create lease --selector board=imx8 --duration 10m --lease-id mine | ^mine .*board=imx8"
    "jmp shell --lease mine -- j power read | voltage=5.0 V"
    "jmp get leases | ^mine .*bench-2"
    "jmp delete leases mine | \"mine\" deleted"
    "jmp-controller lease get --all | ^mine .*Ended"
    "jmp admin get exporters | bench-1 .*127.0.0.1"
)

work=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
running=()
cleanup() {
    trap '' INT TERM
    # The exporters first: they say goodbye.
    for ((i = ${#running[@]} - 1; i >= 0; i--)); do
        kill "${running[i]}" 2>/dev/null || true
        wait "${running[i]}" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 0' INT TERM

fail() {
    echo "lab: $1" >&2
    shift
    for log in "$@"; do
        if [ -s "$log" ]; then tail -n 20 "$log" >&2; fi
    done
    exit 1
}

# A run of ports nobody has, below the range that outgoing connections take theirs from.
port=$(shuf -i 20000-29990 -n 1)
taken() {
    local offset
    for offset in 0 1 2 3; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$((port + offset))") 2>/dev/null; then return 0; fi
    done
    return 1
}
while taken; do port=$((port + 4)); done

# Nothing of the user's is read, and nothing is left outside of this folder.
umask 077
mkdir "$work/run" "$work/tmp"
cat >"$work/env" <<ENV
export PATH='$bin':"\$PATH"
export JMP_CLIENT_CONFIG_HOME='$work/home'
export JMP_CONTROLLER_CONFIG='$work/controller.yaml' JMP_CONTROLLER_DATA='$work/data'
ENV
. "$work/env"
export XDG_RUNTIME_DIR=$work/run XDG_STATE_HOME=$work/state TMPDIR=$work/tmp
unset JMP_CONTROLLER_SERVER JMP_NAMESPACE JMP_NAME JMP_LEASE JMP_EXPORTER JUMPSTARTER_HOST

cat >"$work/controller.yaml" <<CONFIG
namespace: lab
listen:
  grpc: 127.0.0.1:$port
  router: 127.0.0.1:$((port + 1))
  login: 127.0.0.1:$((port + 2))
  health: 127.0.0.1:$((port + 3))
public_endpoints:
  grpc: 127.0.0.1:$port
  router: 127.0.0.1:$((port + 1))
CONFIG

jmp-controller init --namespace lab >/dev/null 2>"$work/init.log" || fail "no controller could be made" "$work/init.log"
jmp-controller --log-format text run 2>"$work/controller.log" &
running+=($!)
ready() {
    exec 3<>"/dev/tcp/127.0.0.1/$((port + 3))" || return 1
    printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
    head -n 1 <&3 | grep -q ' 200 '
}
for _ in $(seq 200); do
    if (ready) 2>/dev/null; then break; fi
    kill -0 "${running[0]}" 2>/dev/null || fail "the controller does not start" "$work/controller.log"
    sleep 0.05
done

# Their drivers are those of the demo.
bench() {
    local name=$1 board=$2
    jmp-controller exporter create "$name" --label "board=$board" --out "$work/$name.new" >/dev/null 2>"$work/$name.log" ||
        fail "no exporter could be made" "$work/$name.log"
    { grep -v '^export: ' "$work/$name.new"; sed -n '/^export:/,$p' configs/exporter.yaml; } >"$work/$name.yaml"
    rm "$work/$name.new"
    jmp --log-format text run --exporter-config "$work/$name.yaml" 2>"$work/$name.log" &
    running+=($!)
}
bench bench-1 rpi4
bench bench-2 imx8
jmp-controller client create you --save --unsafe >/dev/null 2>"$work/client.log" || fail "no client could be made" "$work/client.log"
for name in bench-1 bench-2; do
    for _ in $(seq 400); do
        if jmp-controller exporter get "$name" | grep -q Available; then continue 2; fi
        sleep 0.05
    done
    fail "$name does not come" "$work/$name.log"
done

# Says everything, as it would be typed in another terminal.
check() {
    local step command pattern said
    for step in "${tour[@]}"; do
        command=${step% | *}
        pattern=${step##* | }
        printf '$ %s\n' "$command"
        said=$(env -u XDG_RUNTIME_DIR COLUMNS=160 bash -c ". '$work/env'; $command" 2>"$work/said.log") ||
            fail "\`$command\` failed" "$work/said.log"
        if [ -n "$said" ]; then printf '%s\n' "$said"; fi
        grep -q -- "$pattern" <<<"$said" || fail "\`$command\` did not print \`$pattern\`"
    done
}

case ${1-} in
--check)
    check
    exit
    ;;
?*)
    status=0
    "$@" || status=$?
    exit "$status"
    ;;
esac

cat <<TRY

A lab with two benches runs. In another terminal, first

  source $work/env

and then, for example,

$(printf '  %s\n' "${tour[@]% | *}")

The logs are in $work. Ctrl-C ends it all.
TRY
# Whoever ends by itself was not meant to.
wait -n "${running[@]}" || true
fail "one of the programs has ended" "$work"/*.log
