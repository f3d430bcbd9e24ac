#!/usr/bin/env bash
# Makes this machine ready: Python's packages in .venv, Java, Maven, PostgreSQL's programs, Kafka's jars and
# Java's archive of their classes.
# Safe to repeat. Installs by apt where the user is root, and names what is missing where not.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
  echo "setup: $*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

can_apt() { [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; }

java_is_new_enough() {
  local major
  command -v java >/dev/null || return 1
  major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [[ -n $major && $major -ge 17 ]]
}

has_postgresql() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

install_by_apt() {
  local log=.local/apt.log
  echo "setup: installing by apt: $*"
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update && apt-get install --yes --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    fail "apt could not install $* ($log)"
  fi
}

install_system_packages() {
  local missing=()
  java_is_new_enough || missing+=(openjdk-17-jre-headless)
  command -v mvn >/dev/null || missing+=(maven)
  # Only the tests need it, and they take one from Docker or ESCALON_TEST_POSTGRES_URL as well.
  if ! has_postgresql && can_apt; then missing+=(postgresql); fi
  "$python" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  [[ ${#missing[@]} -eq 0 ]] && return
  can_apt || fail "missing: ${missing[*]} (names of Debian and Ubuntu; you are not root, so please install them)"
  install_by_apt "${missing[@]}"
}

install_python_packages() {
  [[ -x .venv/bin/python ]] || "$python" -m venv .venv
  echo "setup: installing Python packages into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --constraint requirements/lock.txt --editable '.[dev]'
}

python=$(find_python) || fail "no Python 3.11 or newer on the PATH; install one"
mkdir -p .local
install_system_packages
install_python_packages
.venv/bin/python -m ops.local fetch
