#!/usr/bin/env bash
# Make a virtual environment with the locked packages: bash envs/setup.sh .venv
# Takes the newest Python 3.12 or later on PATH or under pyenv; failing that lets uv bring one; failing that says so.
set -euo pipefail
venv=$1
if [ -L "$venv" ]; then
  echo "secondline: $venv is a link to another environment, which would be emptied: remove the link first" >&2
  exit 2
fi

suitable() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

find_python() {
  local candidate
  for candidate in python3.14 python3.13 python3.12 python3 python; do
    candidate=$(command -v "$candidate" 2>/dev/null) || continue
    if suitable "$candidate"; then echo "$candidate"; return; fi
  done
  for candidate in $(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python 2>/dev/null | sort -rV); do
    if suitable "$candidate"; then echo "$candidate"; return; fi
  done
}

python=$(find_python)
if [ -n "$python" ]; then
  echo "secondline: making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv"
elif command -v uv >/dev/null 2>&1; then
  echo "secondline: no Python 3.12 or newer found; asking uv for one"
  uv venv --clear --seed --python 3.13 "$venv"
else
  echo "secondline needs Python 3.12 or newer: install it (for example with pyenv or your package manager), or install uv, and run this again" >&2
  exit 2
fi

"$venv/bin/python" -m pip install --quiet --require-hashes -r envs/requirements-dev.txt
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
# Where Python is told to write no bytecode, every job would compile these files anew.
"$venv/bin/python" -m compileall -q workflow/secondline
"$venv/bin/secondline" compile
