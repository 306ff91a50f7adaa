#!/bin/sh
# Makes a peer of a Debian root file system. Run within it, once; its argument is a suite of
# backports to take OpenSSH from. There are no keys in it: they are made for each run.
set -eu

packages="openssh-server openssh-client openssh-sftp-server dropbear-bin"
# What sessions run; x11-utils is not among it, as it brings all of Mesa.
packages="$packages git putty-tools python3 rsync x11-apps xauth"

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    # shellcheck disable=SC2086
    apt-get -q install -y --no-install-recommends ${1:+-t "$1"} passwd $packages
}

if ! command -v sshd >/dev/null || ! command -v xauth >/dev/null; then
    if [ -n "${1:-}" ]; then
        echo "deb http://deb.debian.org/debian $1 main" >/etc/apt/sources.list.d/backports.list
    fi
    if ! install_packages "${1:-}"; then
        # A suite past its support is kept in the archive alone.
        find /etc/apt -name '*.list' -o -name '*.sources' | xargs sed -i \
            -e 's#deb.debian.org#archive.debian.org#' -e '/-updates/d' -e '/security/d'
        install_packages "${1:-}"
    fi
    rm -rf /var/lib/apt/lists/*
fi

useradd --create-home --shell /bin/sh --password '*' adit
install -d -m 700 -o adit -g adit /home/adit/.ssh
mkdir -p ~root/.ssh /interop
rm -f /etc/ssh/ssh_host_* /etc/dropbear/dropbear_*_host_key
