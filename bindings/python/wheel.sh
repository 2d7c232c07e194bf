#!/usr/bin/env bash
# Builds a wheel of the Python package that carries the shared library, or the sdist, which needs an installed one.
#
#   wheel.sh [--library FILE] [--plain] [--sdist] FOLDER
#
#   --library FILE  the libfhirexport.so.0 to carry; build/release/libfhirexport.so.0 if not given
#   --plain         leave the libraries that it needs to the system (tag linux_<machine>). Else auditwheel, where it is
#                   installed beside this Python, copies them in and gives the tag manylinux_2_xx of what they need
#   --sdist         the sources of the package alone
#
# It needs pip and setuptools of $PYTHON (python3), and for repaired wheels auditwheel and patchelf.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
library=$root/build/release/libfhirexport.so.0
plain=false sdist=false out=
while [ $# -gt 0 ]; do
  case $1 in
    --library) library=$2 && shift ;;
    --plain) plain=true ;;
    --sdist) sdist=true ;;
    --help | -h) sed -n '2,11s/^# \{0,3\}//p' "$0" && exit 0 ;;
    -*) echo "wheel.sh: $1 is not an option" >&2 && exit 2 ;;
    *) out=$1 ;;
  esac
  shift
done
[ -n "$out" ] || { echo "usage: wheel.sh [--library FILE] [--plain] [--sdist] FOLDER" >&2 && exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)

# In a copy, so that nothing is left in the tree.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/fhirexport" "$here/pyproject.toml" "$here/setup.py" "$here/README.md" "$root/LICENSE" "$work/"
find "$work" -name __pycache__ -prune -exec rm -rf {} +
cd "$work"

if $sdist; then
  "$python" -c 'import setuptools; setuptools.setup()' -q sdist -d "$out"
  exit 0
fi

[ -f "$library" ] || { echo "wheel.sh: there is no $library: build the library, or say --library FILE" >&2 && exit 1; }
mkdir fhirexport/lib
cp -L "$library" "fhirexport/lib/$(objdump -p "$library" | awk '$1 == "SONAME" {print $2}')"
strip --strip-unneeded fhirexport/lib/*
"$python" -m pip wheel -q --no-deps --no-build-isolation -w "$work/wheels" .
if ! $plain && "$python" -m auditwheel --version >/dev/null 2>&1; then
  PATH="$(dirname "$(command -v "$python")"):$PATH" "$python" -m auditwheel repair -w "$out" "$work"/wheels/*.whl
else
  cp "$work"/wheels/*.whl "$out/"
fi
