#!/usr/bin/env bash
# Makes an environment for each CPython that is there, 3.9 to 3.13, with what the tests of the Python package need.
#
#   environments.sh FOLDER     FOLDER/<version> for each; what is there and of the same requirements stays
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"

declare -A pythons
for python in /usr/bin/python3 /usr/bin/python3.{9,10,11,12,13} /usr/local/bin/python3.{9,10,11,12,13} \
  "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
  [ -x "$python" ] || continue
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  case $version in
    3.9 | 3.10 | 3.11 | 3.12 | 3.13) [ -n "${pythons[$version]:-}" ] || pythons[$version]=$python ;;
  esac
done

for version in "${!pythons[@]}"; do
  if cmp -s "$here/requirements.txt" "$folder/$version/requirements.txt"; then continue; fi
  echo "tests/run.sh: installs packages for Python $version in $folder, by pip"
  rm -rf "${folder:?}/$version"
  "${pythons[$version]}" -m venv "$folder/$version"
  "$folder/$version/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$folder/$version/"
done
