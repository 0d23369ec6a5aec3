#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs everything that has to hold before a change is merged.
set -euo pipefail
# shellcheck source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/setup.sh
. "$ROOT/scripts/lib/setup.sh"
# shellcheck source=lib/tally.sh
. "$ROOT/scripts/lib/tally.sh"

usage() {
	cat <<-USAGE
		usage: test.sh [--fast] [--only STAGE]... [--list]
		  --fast        what needs neither root nor a virtual machine nor the docs
		  --only STAGE  only this stage, and tools; may be repeated
		  --list        name the stages and end
		Debian 12 or newer, as root or with sudo. Safe to repeat. What is
		downloaded and built is kept in target/ and build/.
	USAGE
}

STAGES=(tools format lint scripts policy docs build unit packages live vm box)
FAST=(tools format lint scripts policy build unit)

describe() {
	case $1 in
	tools) echo "what the tests need is installed" ;;
	format) echo "cargo fmt" ;;
	lint) echo "clippy, warnings are errors" ;;
	scripts) echo "shellcheck, SPDX lines" ;;
	policy) echo "licences, sources, duplicates and advisories of dependencies" ;;
	docs) echo "rustdoc, warnings are errors" ;;
	build) echo "programs and tests" ;;
	unit) echo "unit, property and integration tests" ;;
	packages) echo "packages: the same bytes twice, lintian, units, installations that go wrong" ;;
	live) echo "end to end on this host, with the eBPF driver" ;;
	vm) echo "end to end on Debian's kernel 6.1 in QEMU, with the kernel module" ;;
	box) echo "install, reboot, upgrade and uninstall in a Debian box; with SYSFLOW_TEST_BOX=1" ;;
	esac
}

wanted=()
while [ $# -gt 0 ]; do
	case $1 in
	--fast) wanted+=("${FAST[@]}") ;;
	--only)
		if ! describe "${2:-}" | grep -q .; then usage >&2 && die "--only needs a stage"; fi
		wanted+=(tools "$2") && shift
		;;
	--list)
		for stage in "${STAGES[@]}"; do printf '%-8s %s\n' "$stage" "$(describe "$stage")"; done
		exit
		;;
	-h | --help) usage && exit ;;
	*) usage >&2 && die "unknown argument $1" ;;
	esac
	shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${STAGES[@]}")

stage_wanted() {
	printf '%s\n' "${wanted[@]}" | grep -qx "$1"
}

export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
target=${CARGO_TARGET_DIR:-$ROOT/target}
cd "$ROOT"

stage_tools() {
	local packages=("${BUILD_PACKAGES[@]}" libclang-dev python3 python3-venv)
	if stage_wanted scripts; then packages+=(shellcheck); fi
	if stage_wanted live; then packages+=(bpftool); fi
	if stage_wanted packages; then packages+=(lintian ruby systemd); fi
	if stage_wanted box && [ -n "${SYSFLOW_TEST_BOX:-}" ]; then
		packages+=(mmdebstrap qemu-utils qemu-system-x86 e2fsprogs openssh-client)
	fi
	if stage_wanted vm; then
		packages+=(qemu-system-x86 busybox-static cpio kmod binutils linux-headers-amd64 bc flex bison libssl-dev)
	fi
	install_packages "${packages[@]}"
	install_rust fmt clippy
	echo "$(cargo --version), $(clang --version | head -1)"
	provide_fastavro
}

# A Python of our own with the Avro library that the tools around SysFlow use.
provide_fastavro() {
	local venv=$CACHE/venv
	if ! "$venv/bin/python" -c 'import fastavro, cramjam, backports.zstd, prometheus_client' 2>/dev/null; then
		echo "installing fastavro into $venv, from PyPI"
		if ! { python3 -m venv "$venv" && "$venv/bin/pip" -q install 'fastavro>=1.9,<2' cramjam backports.zstd prometheus_client; } >&2; then
			skip "fastavro: PyPI cannot be reached; files are checked by our own reader only"
			return 0
		fi
	fi
	"$venv/bin/python" -c 'import fastavro; print("fastavro " + fastavro.__version__)'
	# The Arrow project's own reader of Parquet.
	if ! "$venv/bin/python" -c 'import pyarrow.parquet' 2>/dev/null; then
		echo "installing pyarrow into $venv, from PyPI"
		if ! "$venv/bin/pip" -q install 'pyarrow>=15' >&2; then
			skip "pyarrow: PyPI cannot be reached; Parquet is not read back"
			return 0
		fi
	fi
	"$venv/bin/python" -c 'import pyarrow; print("pyarrow " + pyarrow.__version__)'
}

stage_format() {
	check "formatting" cargo fmt --all --check
}

stage_lint() {
	check "clippy" cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	check "clippy, without ISA-L" cargo clippy --locked -p sysflow -- -D warnings
}

# Scripts are checked together with what they source.
stage_scripts() {
	local scripts
	mapfile -t scripts < <(project_files | while read -r file; do
		[ -f "$file" ] && head -c 20 "$file" | grep -aqE '^#!/bin/(ba)?sh' && echo "$file"
	done)
	check "shellcheck of ${#scripts[@]} scripts" \
		shellcheck --check-sourced --severity=warning "${scripts[@]}"
	check "SPDX lines" spdx_lines
}

# The project's own text files, also where there is no git.
project_files() {
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . \( -name target -o -name build -o -name .git \) -prune -o -type f -printf '%P\n'
}

spdx_lines() {
	local file bad=0
	while read -r file; do
		[ -f "$file" ] || continue
		head -3 "$file" | grep -q 'SPDX-License-Identifier: ' && continue
		echo "$file has no SPDX line"
		bad=1
	done < <(project_files | grep -E '\.(rs|c|h|sh|py)$')
	return $bad
}

stage_policy() {
	check "licences, sources, duplicates" python3 scripts/policy.py "$ROOT"
	if ! cargo deny --version >/dev/null 2>&1; then
		skip "advisories: cargo-deny is not installed (cargo install --locked cargo-deny; it takes minutes)"
		return
	fi
	check "cargo-deny" cargo deny --log-level error --offline check bans licenses sources
	# Its database is a git repository.
	if cargo deny --log-level error fetch db >/dev/null 2>&1; then
		check "advisories" cargo deny --log-level error check advisories
	else
		skip "advisories: their database cannot be reached"
	fi
}

stage_docs() {
	check "rustdoc" env RUSTDOCFLAGS="-D warnings" \
		cargo doc --locked --workspace --lib --no-deps --document-private-items
}

# One profile for everything that runs: nothing is compiled twice. Clippy and
# rustdoc share their own half, which makes no code.
stage_build() {
	check "programs" cargo build --locked --workspace --bins
	check "tests" cargo test --locked --workspace --no-run
}

# Test programs: "FOLDER<tab>PACKAGE/NAME<tab>PROGRAM".
test_programs() {
	cargo test --locked --workspace --no-run --message-format=json 2>/dev/null |
		python3 scripts/lib/test_programs.py
}

program_of() {
	test_programs | awk -F'\t' -v name="$1" '$2 == name { print $3 }'
}

# These need root, a driver and a quiet machine: the live stage and the
# virtual machine run them.
LIVE=(probe-loader/driver engine/live engine/snapshot)

is_live() {
	printf '%s\n' "${LIVE[@]}" | grep -qx "$1"
}

stage_unit() {
	local dir name program
	while IFS=$'\t' read -r dir name program; do
		is_live "$name" && continue
		run_tests "$name" "$dir" timeout 600 \
			env SYSFLOW_PYTHON="$CACHE/venv/bin/python" "$program"
	done < <(test_programs)
	run_tests "examples in the documentation" . cargo test --locked --workspace --doc
}

# The program that was built for the tests stands for the static one, which
# takes minutes: so lintian is not asked about its libraries.
stage_packages() {
	local program=$CACHE/package/tested/sysflow object
	mkdir -p "${program%/*}"
	strip --strip-all -o "$program" "$target/debug/sysflow"
	object=$(find "$target/debug/build" -path '*/probe-loader-*/out/sysflow.bpf.o' -printf '%T@ %p\n' |
		sort -n | tail -1 | cut -d' ' -f2-)
	cp "$object" "$program.bpf.o"
	check "packages are the same bytes twice" \
		scripts/package.sh --verify --program "$program" --out "$CACHE/package/tested/dist"
	check "lintian" lintian --allow-root --fail-on error \
		--suppress-tags missing-dependency-on-libc,undeclared-elf-prerequisites,mismatched-override \
		"$CACHE"/package/tested/dist/*.deb
	check "settings of the packages" "$target/debug/sysflow" config check scripts/package/sysflow.toml
	check "the service's exposure is at most 2.0" exposure scripts/systemd/sysflow.service
	check "Vagrantfile" ruby -c vagrant/Vagrantfile
	if have_root; then
		check "installations that go wrong are repaired or undone" as_root env RUST_BACKTRACE=0 \
			scripts/install-test.sh --points 1 "$CACHE"/package/tested/dist/sysflow-*.bundle.tar.gz
	else
		skip "installations that go wrong: they need root, or sudo without a password"
	fi
}

exposure() {
	systemd-analyze security --offline=true --threshold=20 "$1"
}

stage_live() {
	local dir name program
	if ! have_root; then
		skip "live tests: they need root, or sudo without a password"
		return
	fi
	if [ ! -e /sys/kernel/btf/vmlinux ]; then
		skip "live tests: this host's kernel has no BTF, which the eBPF driver needs"
		return
	fi
	while IFS=$'\t' read -r dir name program; do
		is_live "$name" || continue
		run_tests "$name, eBPF" "$dir" as_root timeout 900 \
			env SYSFLOW_PYTHON="$CACHE/venv/bin/python" SYSFLOW_TEST_DRIVER=ebpf \
			"$program" --test-threads=1
	done < <(test_programs)
}

# The test programs in one boot; the others run also when one fails.
# A capture comes out as text on the console, because the guest has no Python
# to check it with.
stage_vm() {
	# shellcheck disable=SC2016 # the guest's shell expands it
	local guest='/bin/driver-tests; a=$?
		mkdir /kept && /bin/live-tests --test-threads=1; b=$?
		/bin/snapshot-tests; c=$?
		for f in /kept/*; do echo "kept: ${f##*/}"; base64 "$f"; done; echo "kept: nothing more"
		[ $a -eq 0 ] && [ $b -eq 0 ] && [ $c -eq 0 ]'
	run_tests "kernel module on 6.1" . scripts/vm/run.sh --kernel 6.1 --module-file --timeout 1200 \
		--file "$target/debug/sysflow:/bin/sysflow" \
		--file "$target/debug/workload:/bin/workload" \
		--file "$(program_of probe-loader/driver):/bin/driver-tests" \
		--file "$(program_of engine/live):/bin/live-tests" \
		--file "$(program_of engine/snapshot):/bin/snapshot-tests" \
		-- env SYSFLOW_TEST_DRIVER=kmod SYSFLOW_TEST_MACHINE=1 SYSFLOW_MODULE=/sysflow.ko \
		SYSFLOW_BIN=/bin/sysflow WORKLOAD_BIN=/bin/workload SYSFLOW_TEST_KEEP=/kept sh -c "$guest"
	cp "$(log_of_stage)" "$TALLY/guest.log"
	if "$CACHE/venv/bin/python" -c 'import fastavro' 2>/dev/null; then
		check "the module's capture, by fastavro" kept_capture
	else
		skip "the module's capture, by fastavro: there is none"
	fi
}

# Half an hour, so only on demand.
stage_box() {
	if [ -z "${SYSFLOW_TEST_BOX:-}" ]; then
		skip "installation in a box: half an hour; SYSFLOW_TEST_BOX=1 runs it (last result: docs/compatibility.md)"
	elif ! have_root; then
		skip "installation in a box: it needs root, or sudo without a password"
	else
		check "installation in a box" as_root scripts/vm/box-test.sh
	fi
}

# The files that the guest kept, and the comparison that it left to us.
kept_capture() {
	local file
	for file in exact.sf report.json; do
		tr -d '\r' <"$TALLY/guest.log" |
			awk -v file="$file" '/^kept: / { mine = $2 == file; next } mine' |
			base64 -d >"$TALLY/$file"
	done
	"$CACHE/venv/bin/python" engine/tests/live/exact.py "$TALLY/report.json" "$TALLY/exact.sf"
}

# run_stage: the one that $stage names. Its status is in $status.
run_stage() {
	local started=$SECONDS
	printf '\n== %s: %s\n' "$stage" "$(describe "$stage")"
	set +e
	(set -e && "stage_$stage")
	status=$?
	set -e
	printf -- '-- %s: %d s\n' "$stage" $((SECONDS - started))
	[ $status -eq 0 ] || fail "stage $stage did not get to its end (status $status)"
}

# The guest of the stage vm takes one core for many minutes, and what it needs
# is there once it is built: where there is another core it runs beside the
# stages before its turn.
guest=
begin_guest() {
	if ! stage_wanted vm || [ "$(nproc)" -lt 2 ]; then return; fi
	# A group of its own, so that all of it ends with us.
	set -m
	(set +m && stage=vm && run_stage) </dev/null >"$TALLY/vm.out" 2>&1 &
	set +m
	guest=$!
}

end_guest() {
	[ -z "$guest" ] || kill -- "-$guest" 2>/dev/null || true
}

begin_tally
trap 'end_guest; rm -rf "$TALLY"' EXIT
for stage in "${STAGES[@]}"; do
	stage_wanted "$stage" || continue
	if [ "$stage" = vm ] && [ -n "$guest" ]; then
		wait "$guest" || true
		guest=
		cat "$TALLY/vm.out"
		continue
	fi
	run_stage
	if [ $status -ne 0 ]; then
		# Nothing can be said without tools, or of what was not built.
		case $stage in tools | build) break ;; esac
	fi
	[ "$stage" != build ] || begin_guest
done
end_tally
