#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tests of everything that runs in several threads, under ThreadSanitizer:
# the ring with its writer in C, the drain, the outputs, recordings.
# What loom checks is left out: its threads are not the system's.
set -euo pipefail
# shellcheck source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"

case ${1:-} in
'') ;;
-h | --help)
	echo "usage: tsan.sh"
	echo "Needs a nightly Rust with its source, clang, and some ten minutes."
	exit
	;;
*) echo "usage: tsan.sh" >&2 && exit 2 ;;
esac

need clang clang
rustc +nightly --version >/dev/null 2>&1 ||
	die "no nightly Rust: rustup toolchain install nightly"
[ -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust" ] ||
	die "no source of nightly Rust: rustup component add rust-src --toolchain nightly"

cd "$ROOT"
export CC=clang CFLAGS="-fsanitize=thread -g" RUSTFLAGS=-Zsanitizer=thread
export CARGO_TARGET_DIR=$CACHE/tsan
# With a standard library that is watched, too: else its locks are not seen.
run() {
	cargo +nightly test --locked -Zbuild-std --target x86_64-unknown-linux-gnu "$@"
}
run -p probe-loader --lib -- ring --skip model
run -p engine --lib --test drain -- --skip model
