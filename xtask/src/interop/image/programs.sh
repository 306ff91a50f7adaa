#!/bin/sh
# Makes a place for the programs that travel of a Debian root file system. Run within it, once.
# What the servers are to do is not said here: it comes with each run.
set -eu

packages="busybox curl dovecot-imapd dovecot-pop3d postfix redis-server redis-tools"

if ! command -v redis-server >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    # shellcheck disable=SC2086
    apt-get -q install -y --no-install-recommends passwd $packages
    rm -rf /var/lib/apt/lists/*
fi

useradd --create-home --shell /bin/sh --password '*' adit
mkdir -p /interop
