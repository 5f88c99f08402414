# shellcheck shell=bash
# Steps that build and test the crates.

# The reader's budget, in bytes: docs/measurements.md.
READER_BYTES_MAX=900000

# A C compiler for the bridge's TLS, and what the tests start beside our programs.
BUILD=(gcc libc6-dev)

# Tests that start a broker, or programs of other crates.
WHOLE_CHAIN_TESTS=(bridge chain fleet)

step_quick_tests() {
    local name chosen=()
    for name in $(cargo metadata --no-deps --format-version 1 |
        python3 -c 'import json, sys; print(*{t["name"] for p in json.load(sys.stdin)["packages"] for t in p["targets"] if "test" in t["kind"]})'); do
        [[ " ${WHOLE_CHAIN_TESTS[*]} " == *" $name "* ]] || chosen+=(--test "$name")
    done
    # Some tests run the examples, which cargo builds by itself only when all targets are tested.
    cargo build --workspace --examples
    cargo test --workspace --lib --bins "${chosen[@]}"
    cargo test --workspace --doc
}

# proto serves a bare microcontroller too, without its features and with them.
step_no_std() {
    need_targets thumbv6m-none-eabi
    cargo build -p teleinfo-proto --target thumbv6m-none-eabi
    cargo build -p teleinfo-proto --target thumbv6m-none-eabi --all-features
}

# Built as on a machine without a C compiler. The packages take them from here.
step_static_readers() {
    local target
    need_packages libc6-dev qemu-user-static
    need_targets x86_64-unknown-linux-musl aarch64-unknown-linux-musl
    need_static
    for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl arm-unknown-linux-musleabi; do
        deploy/test/no-c-compiler deploy/cargo-static "$target" build --release --locked -p teleinfo-reader
        fits "$target"
    done
    qemu-aarch64-static target/aarch64-unknown-linux-musl/release/teleinfo-reader --version
    qemu-arm-static -cpu arm1176 target/arm-unknown-linux-musleabi/release/teleinfo-reader --version
}

# Whether a reader is small enough.
fits() { # TARGET
    local bytes
    bytes=$(stat -c %s "target/$1/release/teleinfo-reader")
    echo "teleinfo-reader, $1: $bytes bytes"
    [ "$bytes" -le "$READER_BYTES_MAX" ] || { echo "more than $READER_BYTES_MAX" && return 1; }
}

# The declared version, really built with: what is small, and in the long form everything. A folder of its own keeps the other builds warm.
step_minimum_rust() {
    with_minimum_rust --package teleinfo-reader --package teleinfo-simulator
}

step_minimum_rust_of_all() {
    with_minimum_rust --workspace --all-features
}

with_minimum_rust() { # WHAT...
    local version
    version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    rustup toolchain install "$version" --profile minimal --no-self-update >/dev/null 2>&1 || true
    if ! cargo "+$version" --version; then
        not_checked "Rust $version is not here and cannot be fetched"
        return 0
    fi
    need_packages "${BUILD[@]}"
    CARGO_TARGET_DIR=target/minimum-rust cargo "+$version" check "$@"
}

step_licences() {
    need_cargo deny
    cargo deny check bans licenses sources
}

step_advisories() {
    need_cargo deny
    if ! cargo deny fetch db; then
        not_checked "the database of advisories cannot be fetched"
        return 0
    fi
    cargo deny check advisories
}

step_bills_of_materials() {
    need_packages python3 "${BUILD[@]}"
    deploy/test/sbom
}

# One of the two commands of the README.
readme_command() { # NUMBER
    .ci/documents --command "$1"
}

step_readme_demo() {
    local said
    [ "$(id -u)" -ne 0 ] || apt-get update -qq
    pasted "$(readme_command 1 | sed 's/ && [^&]*$//')"
    said=$(timeout --signal=INT 20 bash -c "$(readme_command 1 | sed 's/.* && //')" || true)
    grep -qE ' (PAPP|SINSTS) [0-9]+ VA' <<<"$said" || { echo "the demonstration showed no power: $said" && return 1; }
}

step_readme_tests() {
    [ "$(id -u)" -ne 0 ] || apt-get update -qq
    pasted "$(readme_command 2)"
}

step_shipped_configuration() {
    need_programs
    target/debug/teleinfo-reader --config deploy/etc/reader.toml --check-config
    target/debug/teleinfo-bridge --config deploy/etc/bridge.toml --check-config
}

# Every target of every fuzz folder, each from the seeds that lie beside it. This judges a change, so it comes to the same wherever it is run: it
# counts runs and not seconds, throws the same dice, begins without what an earlier run found, and has its memory at the same addresses, which
# the fuzzer mixes into what it tries. Only targets whose code draws lots itself differ a little. The long form searches.
step_fuzz() {
    local same_addresses=(setarch -R)
    "${same_addresses[@]}" true || { not_checked "addresses cannot be fixed here: what is tried differs from run to run" && same_addresses=(); }
    rm -rf target/fuzz-judged
    fuzz_each judged target/fuzz-judged "${same_addresses[@]}" -- -runs=10000 -seed=1 -reload=0
}

# The same for as long as somebody has time. What it finds to go on from stays in target/fuzz-found.
step_fuzz_long() {
    fuzz_each release target/fuzz-found -- -max_total_time="${FUZZ_SECONDS:-300}"
}

# Builds all targets with a profile of .ci/fuzz/Cargo.toml, and runs as many at a time as there are processors. One that finds a fault stops no
# other.
fuzz_each() { # PROFILE FOUND [RUNNER...] -- FLAG...
    local host sources profile=$1 found=$2 runner=()
    shift 2
    while [ "$1" != -- ]; do runner+=("$1") && shift; done
    shift
    need_packages gcc g++
    # A seed was made by somebody and has a name; what a run came upon has the sum of its bytes.
    ! git ls-files '*fuzz/corpus/*' | grep -E '/[0-9a-f]{40}$' || { echo "^ no seeds: what a run found stays in target/fuzz-found" && return 1; }
    host=$(rustc --print host-tuple)
    (cd .ci/fuzz && cargo build --workspace --profile "$profile" --target "$host")
    sources=$(find . -path ./target -prune -o -path '*/fuzz_targets/*.rs' -printf '%P\n' | sort)
    [ -n "$sources" ] || { echo "no target is found" && return 1; }
    "${runner[@]}" xargs -P "$(nproc)" -I SOURCE .ci/fuzz/one "target/fuzz/$host/$profile" "$found" SOURCE "$@" <<<"$sources"
}
