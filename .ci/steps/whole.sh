# shellcheck shell=bash
# Steps that need packages, root, namespaces or whole systems. The head of each script in deploy/test/ says what it proves.

step_build_packages() {
    need_packages gcc libc6-dev dpkg-dev
    need_targets x86_64-unknown-linux-musl aarch64-unknown-linux-musl
    need_static
    need_cargo deb
    deploy/test/no-c-compiler deploy/build --only reader-amd64 --only reader-arm64 --only reader-armhf
    # The one that all other tests run: to build the one that ships takes minutes, and is a step of its own.
    need_programs
    BRIDGE=target/debug/teleinfo-bridge deploy/build --only bridge-amd64
}

# It takes the place of the one that was packed for tests.
step_bridge_as_shipped() {
    need_packages gcc libc6-dev dpkg-dev
    need_cargo deb
    need_our_packages
    deploy/build --only bridge-amd64
    step_what_is_shipped
}

# Packages are built once, by whichever step comes first; one that goes on beside it waits.
need_our_packages() {
    local lock
    mkdir -p target
    exec {lock}>target/our-packages.lock
    flock "$lock"
    [ -n "$(find target/packages -name 'teleinfo-bridge_*.deb' 2>/dev/null)" ] || step_build_packages
    exec {lock}>&-
}

step_what_is_shipped() {
    need_packages systemd man-db zsh fish dpkg udev
    need_our_packages
    deploy/test/check
}

step_emulated_pi() {
    need_packages qemu-user-static mosquitto mosquitto-clients iproute2 util-linux binutils python3
    need_our_packages
    need_programs
    deploy/test/qemu
}

step_pi_kernels() {
    need_packages qemu-system-arm device-tree-compiler cpio mosquitto mosquitto-clients iproute2 util-linux debian-archive-keyring python3
    need_our_packages
    need_programs
    listen_to deploy/test/pi/run --short
}

step_far_line() {
    need_packages ser2net socat iproute2 util-linux python3
    need_programs
    deploy/test/far-line
}

step_one_link() {
    need_packages iproute2 procps python3 util-linux
    need_programs
    deploy/test/one-link
}

step_pairing() {
    need_packages mosquitto mosquitto-clients iproute2 util-linux python3
    need_programs
    deploy/test/pairing
    deploy/test/attacks/relay
}

step_light() {
    need_packages mosquitto mosquitto-clients iproute2 strace util-linux python3
    need_programs
    deploy/test/light
}

step_faults() {
    need_packages mosquitto mosquitto-clients iproute2 iptables faketime util-linux curl python3
    need_programs
    listen_to deploy/test/faults/run --short
    deploy/test/faults/group --short
    deploy/test/faults/pages
    deploy/test/soak --frames 360 --speed 10
}

step_attacks() {
    need_packages mosquitto mosquitto-clients iproute2 openssl util-linux python3 python3-venv
    need_programs
    deploy/test/attacks/run
}

step_grid_meters() {
    need_packages iproute2 util-linux mosquitto mosquitto-clients python3 python3-venv
    need_programs
    if deploy/test/grid-meters --python; then
        deploy/test/grid-meters
    else
        not_checked "the clients need Python 3.12: set TELEINFO_PYTHON"
    fi
}

step_metrics() {
    need_packages iproute2 prometheus python3 python3-venv util-linux victoria-metrics
    need_programs
    deploy/test/metrics
}

step_price_forecasts() {
    need_packages iproute2 util-linux mosquitto mosquitto-clients python3 python3-venv
    need_programs
    deploy/test/price-forecasts
}

step_page() {
    need_packages chromium fonts-noto-core iproute2 mosquitto mosquitto-clients util-linux python3 python3-venv
    need_programs
    deploy/test/page/run
}

step_page_cost() {
    need_packages iproute2 mosquitto mosquitto-clients util-linux python3
    need_programs
    deploy/test/page/cost --seconds 10
}

step_home_assistant() {
    need_packages debootstrap mosquitto mosquitto-clients iproute2 iptables util-linux faketime python3
    need_programs
    listen_to deploy/test/home-assistant/run --short
}

step_repository() {
    need_packages apt-utils debootstrap dpkg gpg iproute2 util-linux python3
    need_our_packages
    deploy/test/repository
}

step_guides() {
    need_packages apt-utils debootstrap gpg iproute2 systemd-container util-linux python3
    need_our_packages
    need_programs
    deploy/test/readme
}

step_two_hosts() {
    need_packages systemd-container debootstrap iproute2 util-linux dpkg python3
    need_our_packages
    need_programs
    deploy/test/two-hosts
}

# The image of one program, if it is not there: the static bridge takes long.
need_images() { # NAME...
    local name missing=()
    need_packages buildah gcc libc6-dev
    need_targets x86_64-unknown-linux-musl
    need_static
    for name in "$@"; do
        [ -e "target/images/teleinfo-$name.tar" ] || missing+=(--only "$name")
    done
    [ ${#missing[@]} -eq 0 ] || deploy/image/build "${missing[@]}"
}

step_images() {
    local processor
    need_packages docker.io docker-compose mosquitto mosquitto-clients iproute2 qemu-user-static util-linux python3 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    need_targets aarch64-unknown-linux-musl
    need_images reader-amd64 bridge-amd64 reader-arm64 bridge-arm64 reader-armv6
    need_programs
    for processor in amd64 arm64 armv6; do
        deploy/test/image --processor "$processor"
    done
}

step_one_release() {
    need_packages apt-utils buildah dpkg-dev git gpg python3
    need_targets x86_64-unknown-linux-musl
    need_static
    need_cargo deb
    deploy/test/release
}

step_app() {
    need_packages apparmor curl git docker.io mosquitto mosquitto-clients iproute2 qemu-user-static util-linux python3 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    need_targets aarch64-unknown-linux-musl
    need_images app-amd64 app-arm64
    need_programs
    deploy/test/app
    deploy/test/app --processor arm64
}
