# shellcheck shell=bash
# What every step uses: how it is run, how it gets what it needs, how it says that something could not be checked.

# Set to "no" by `.ci/run quick`: then nothing is installed, and what is missing is not checked, which is said at the end.
INSTALL=yes
NOT_CHECKED=()

# On a machine that builds once, what a second build would need costs time and gigabytes.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0

# Names the step, says how long it took, and ends everything at the first that fails. The function runs by itself, not in a condition: there
# `set -e` would not hold.
step() { # NAME
    local began=$SECONDS unchecked=${#NOT_CHECKED[@]} verdict=ok
    CURRENT=$1
    echo "== $1"
    trap 'echo "== FAILED: $CURRENT"' EXIT
    "step_${1//-/_}"
    trap - EXIT
    [ ${#NOT_CHECKED[@]} -eq "$unchecked" ] || verdict="not all of it checked"
    echo "== $verdict: $1 ($((SECONDS - began)) s)"
}

# Something that this machine cannot show. It fails nothing, and nobody can overlook it.
not_checked() { # WHY
    NOT_CHECKED+=("$CURRENT: $1")
    echo "== NOT CHECKED: $CURRENT: $1" >&2
}

# A test that itself says what it cannot show, on lines that begin so.
listen_to() { # COMMAND...
    local log why
    log=$(mktemp)
    "$@" 2>&1 | tee "$log"
    while read -r why; do
        not_checked "$why"
    done < <(sed -n 's/^NOT CHECKED: //p' "$log" | sort -u)
    rm "$log"
}

# Steps that wait for clocks and cuts much more than they work, each in namespaces of its own: two go on at a time. What stands behind `--` only
# works: one after the other goes on beside them, with the time that they leave. What one prints comes out at its end. When one has failed, no
# other begins, and its last lines stand once more at the end of all, where whoever reads a long log looks first.
together() { # NAME... [-- NAME...]
    local folder name beside ended running=() verdict=0
    folder=$(mktemp -d)
    one_by_one "$folder" "$@" &
    beside=$!
    for name in "$@"; do
        [ "$name" != -- ] || break
        if [ ${#running[@]} -eq 2 ]; then
            wait -n -p ended "${running[@]}" || verdict=$?
            unset "running[$ended]"
        fi
        [ ! -e "$folder/.failed" ] || break
        echo "== $name begins, beside another"
        alone "$name" "$folder" &
        running[$!]=$!
    done
    for ended in "${running[@]}" "$beside"; do
        wait "$ended" || verdict=$?
    done
    mapfile -t -O ${#NOT_CHECKED[@]} NOT_CHECKED < <(sed -n 's/^== NOT CHECKED: //p' "$folder"/*)
    tell_what_failed "$folder"
    rm -r "$folder"
    return $verdict
}

tell_what_failed() { # FOLDER
    local name
    [ -e "$1/.failed" ] || return 0
    while read -r name; do
        echo "== THE END OF WHAT FAILED: $name"
        tail -n 100 "$1/$name"
    done <"$1/.failed"
}

# Those behind `--`.
one_by_one() { # FOLDER NAME... -- NAME...
    local folder=$1
    while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
    while shift && [ $# -gt 0 ] && [ ! -e "$folder/.failed" ]; do
        echo "== $1 begins, with the time that is left"
        alone "$1" "$folder" nice
    done
}

# One step in a process of its own.
alone() { # NAME FOLDER [RUNNER...]
    local verdict=0
    "${@:3}" .ci/run "$1" >"$2/$1" 2>&1 || verdict=$?
    [ $verdict -eq 0 ] || echo "$1" >>"$2/.failed"
    flock "$2" cat "$2/$1"
    return $verdict
}

tell_what_was_not_checked() {
    local why
    [ ${#NOT_CHECKED[@]} -gt 0 ] || return 0
    echo "== NOT EVERYTHING WAS CHECKED:"
    for why in "${NOT_CHECKED[@]}"; do
        echo "==   $why"
    done
}

# Debian packages. Who is not root gets the line to paste.
need_packages() { # PACKAGE...
    local package missing=()
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || { echo "missing here: sudo apt install ${missing[*]}" >&2 && return 1; }
    # Of two steps that go on at a time one waits.
    mkdir -p target
    flock target/packages.lock apt-get update -qq
    DEBIAN_FRONTEND=noninteractive flock target/packages.lock apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_targets() { # TARGET...
    rustup target add "$@"
}

# What deploy/cargo-static works with.
need_static() {
    need_packages debian-archive-keyring
    rustup component add rust-src
}

# A cargo command that is a program of its own. None has so much to do that optimizing it, or knowing its lines, were worth the minutes; what two
# of them are made of is compiled once.
need_cargo() { # NAME
    cargo "$1" --version >/dev/null 2>&1 || CARGO_TARGET_DIR=target/tools CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --debug "cargo-$1"
}

# Our own programs, as the tests of whole systems start them.
need_programs() {
    need_packages gcc libc6-dev
    cargo build --workspace
}

# A program that a quick run uses if it is there, and any other run installs.
have() { # PROGRAM INSTALLER...
    local program=$1
    shift
    command -v "$program" >/dev/null && return
    [ "$INSTALL" = yes ] || { not_checked "$program is missing" && return 1; }
    "$@"
}

# Formatters change their minds from version to version: one is taken, in a place of its own.
RUFF=0.17.6

have_ruff() {
    PATH=$PWD/target/python-tools/bin:$PATH
    [ "$(ruff --version 2>/dev/null)" != "ruff $RUFF" ] || return 0
    [ "$INSTALL" = yes ] || { not_checked "ruff $RUFF is missing (python3 -m venv target/python-tools, pip install ruff==$RUFF)" && return 1; }
    need_packages python3-venv
    python3 -m venv target/python-tools
    target/python-tools/bin/pip install --quiet "ruff==$RUFF"
}

# A command of the README as it is pasted. A container's root has no sudo and needs none.
pasted() { # COMMAND
    local command=$1
    command -v sudo >/dev/null || command=${command//sudo /}
    DEBIAN_FRONTEND=noninteractive bash -c "set -e; $command"
}
