# shellcheck shell=bash
# Steps that look at the text of the project: format, lints, structure, documentation, scripts.

step_format() {
    rustup component add rustfmt
    cargo fmt --all --check
}

step_lints() {
    rustup component add clippy
    cargo clippy --workspace --all-targets --all-features -- -D warnings
}

step_documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
}

step_structure_of_code() {
    .ci/structure
}

step_documents() {
    .ci/documents
}

# The structure report on small houses with one fault each; the harness of the system tests on faults of its own.
step_tools() {
    python3 -B -m unittest discover -s .ci/tests
    if [ -x deploy/test/bench/self-test ]; then deploy/test/bench/self-test; fi
}

# Scripts have no ending that tells their language; their first line does.
scripts() { # LANGUAGE
    git ls-files -z -co --exclude-standard -- .ci deploy | xargs -0 grep -lE "^#!.*\\b$1\\b" || true
}

step_shell() {
    local files
    have shellcheck need_packages shellcheck || return 0
    mapfile -t files < <(scripts bash && git ls-files '*.sh' '*.bash')
    shellcheck --external-sources "${files[@]}"
}

step_python() {
    local files
    have_ruff || return 0
    mapfile -t files < <(scripts python3 && git ls-files '*.py')
    ruff check --quiet "${files[@]}"
    ruff format --quiet --check "${files[@]}"
}

# Nothing compiled by a C compiler may get into the reader, nor the crates that it does without.
step_no_c_in_the_reader() {
    local tree
    tree=$(cargo tree -p teleinfo-reader -e normal,build --prefix none)
    if grep -E '^(cc|cmake|bindgen|[a-z0-9_-]+-sys|tokio|zenoh) v' <<<"$tree"; then
        echo "these may not be among the reader's crates"
        return 1
    fi
}
