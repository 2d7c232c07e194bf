#!/bin/sh
# Makes the Debian packages, has lintian look at them, and uses what is in them: a program is built with
# pkg-config and run, the programs answer, and Python finds the package and the library. Nothing is
# installed: the packages are unpacked.
#
#   packages.sh ROOT BUILD VERSION C-COMPILER PYTHON
set -eu
root=$1
build=$2
version=$3
cc=$4
python=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "packages: $*"
  exit 1
}

make_packages() {
  cd "$root"
  cmake --preset packages -B "$build" && cmake --build "$build" -j2 && cd "$build" && cpack -B "$work"
}

make_packages >"$work/log" 2>&1 || {
  tail -n 40 "$work/log"
  fail "they could not be made"
}
architecture=$(dpkg --print-architecture)
for name in "libfhirexport0_${version}_$architecture" "libfhirexport-dev_${version}_$architecture" \
  "fhirexport-tools_${version}_$architecture" "python3-fhirexport_${version}_all"; do
  package=$work/$name.deb
  [ -f "$package" ] || fail "there is no $name.deb"
  # Who releases them says who that is.
  lintian --allow-root --fail-on error --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog \
    "$package" || fail "lintian found errors in $name.deb"
  dpkg-deb -x "$package" "$work/root"
done
if grep -rlF "$root" "$work/root/usr/lib" "$work/root/usr/bin"; then
  fail "they name the folder they were built in"
fi
for kind in dev tools; do
  dpkg-deb -f "$work/"*"$kind"*.deb Depends | grep -q "libfhirexport0 (= $version)" ||
    fail "the package $kind does not depend on the library of its version"
done

for page in man1/fhirexport.1 man1/fhirexport-server.1 man1/fhirexport-generate.1 man3/libfhirexport.3; do
  gzip -t "$work/root/usr/share/man/$page.gz" || fail "there is no manual $page"
done

library=$(find "$work/root" -name libfhirexport.so.0)
libdir=$(dirname "$library")
export LD_LIBRARY_PATH="$libdir"
# Only what is in the packages: who links the shared library needs none of its dependencies.
flags=$(PKG_CONFIG_LIBDIR="$libdir/pkgconfig" pkg-config --define-prefix --cflags --libs libfhirexport)
# shellcheck disable=SC2086 # a list of flags
"$cc" -std=c11 -Wall -Wextra -Werror "$root/examples/minimal.c" $flags -o "$work/minimal" ||
  fail "minimal does not compile with libfhirexport-dev"
"$work/minimal" "$work/export" | grep -q '"count":2' || fail "minimal does not export its two patients"
for program in fhirexport fhirexport-server fhirexport-generate; do
  "$work/root/usr/bin/$program" --help | grep -q "$program" || fail "$program --help says nothing"
done
said=$(PYTHONPATH="$work/root/usr/lib/python3/dist-packages" "$python" -B -c \
  'import fhirexport; print(fhirexport.library_version())') || fail "Python does not find the package"
[ "$said" = "$version" ] || fail "Python says $said, not $version"
echo "packages: four of $version"
