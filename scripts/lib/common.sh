# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the project's bash scripts: messages, tools, the cache folder.

die() {
	echo "${0##*/}: $*" >&2
	exit 2
}

note() {
	[ -n "${QUIET:-}" ] || echo "${0##*/}: $*" >&2
}

# need PROGRAM PACKAGE [WHY]: ends with the Debian package to install when the
# program is missing.
need() {
	command -v "$1" >/dev/null 2>&1 ||
		die "$1 is missing${3:+ ($3)}: apt-get install $2"
}

# The project's root, and where downloaded and built things are kept.
# shellcheck disable=SC2034 # for those who source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # as above
CACHE=${SYSFLOW_CACHE:-$ROOT/build}
