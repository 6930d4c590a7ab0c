#!/bin/sh
# Make the project's own environment: Debian packages, a virtual environment, the host extensions.
# Usage: tools/setup.sh [demo|dev]   "demo" needs less: no linters, no test tools.
# Does nothing, fast, when nothing has changed since the last time.
set -eu
cd "$(dirname "$0")/.."

kind=${1:-dev}
venv=.venv
log=build/setup.log
mkdir -p build

say() {
    echo "setup: $*" >&2
}

# --- Debian packages: the cross compiler and the emulator ------------------------------------
apt_packages() {
    sed -e 's/#.*//' tools/apt-"$kind".txt | tr -s ' \n' '\n' | sed '/^$/d'
}

missing_packages() {
    for package in $(apt_packages); do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

install_packages() {
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        say "no right to install Debian packages: going on without $missing"
        say "(with it: sudo apt-get install $missing)"
        return 0
    fi
    say "installing from Debian: $missing"
    if ! { $as_root apt-get update && DEBIAN_FRONTEND=noninteractive $as_root apt-get install \
        -y --no-install-recommends $missing; } >>"$log" 2>&1; then
        say "Debian packages could not be installed (see $log): going on without them"
    fi
}

# --- Python packages and the host extensions ---------------------------------------------------
fingerprint() {
    {
        echo "$1"
        cat pyproject.toml setup.py
        find cython_src -type f -name '*.p*[xd]' -o -type f -path 'cython_src/*' -name '*.[ch]' |
            LC_ALL=C sort | xargs cat
        find qembed -name '*.py' -o -name '*.toml' | LC_ALL=C sort
        "$python" -VV
    } | sha256sum
}

find_python() {
    for candidate in "${PYTHON:-python3}" python3.11 python3.12 python3.13; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    say "no Python of version 3.11 or later: sudo apt-get install python3 python3-venv"
    return 1
}

install_python() {
    python=$(find_python)
    for stamp in "$kind" dev; do # what serves development serves the demo
        [ "$(cat "$venv/.qembed-$stamp" 2>/dev/null)" = "$(fingerprint "$stamp")" ] && return 0
    done
    if [ ! -x $venv/bin/python ]; then
        say "creating $venv with $("$python" --version)"
        "$python" -m venv $venv || {
            say "no virtual environment could be made: sudo apt-get install python3-venv"
            exit 1
        }
    fi
    rm -f $venv/.qembed-* # until it is complete again, nothing counts as installed
    extras=
    [ "$kind" = demo ] || extras='[dev]'
    say "installing Python packages into $venv and building the host kernels (log: $log)"
    {
        $venv/bin/python -m pip install --quiet --upgrade pip &&
            $venv/bin/python -m pip install --quiet 'setuptools>=77' wheel 'cython>=3.1,<4' 'numpy>=2' &&
            $venv/bin/python -m pip install --quiet --no-build-isolation --editable ".$extras"
    } >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        say "the installation failed: see $log"
        exit 1
    }
    fingerprint "$kind" >"$venv/.qembed-$kind"
}

install_packages
install_python
