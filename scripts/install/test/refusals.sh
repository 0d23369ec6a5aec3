# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by install-test.sh: what ends before anything is changed.

# refused WHAT STATUS OPTIONS...: it ends with that status and changes nothing.
refused() {
	local what=$1 status=$2 got=0 before
	shift 2
	before=$(changes)
	installer "$@" >"$work/log" 2>&1 || got=$?
	if [ $got -eq "$status" ] && [ "$(changes)" = "$before" ]; then
		echo "ok: $what, and nothing was changed ($(tail -1 "$work/log" | cut -c1-70))"
	else
		cat "$work/log"
		echo "FAILED: $what: status $got"
		failed=1
	fi
}

# What differs from this machine's files, by name, size and time.
changes() {
	find "$work/upper" -xdev ! -type d -printf '%P %s %T@\n' | sort | sha256sum
}

# The bundle from an address, with its checksum.
test_fetching() {
	local from=(--from file:///run/fetched.tar.gz --dry-run --driver ebpf)
	refused "a bundle that is not there" 1 "${from[@]}"
	cp "$bundle" "$root/run/fetched.tar.gz"
	(cd "$root/run" && sha256sum fetched.tar.gz >fetched.tar.gz.sha256)
	refused "fetching it, dry" 0 "${from[@]}"
	echo x >>"$root/run/fetched.tar.gz"
	refused "a bundle that is not what its checksum says" 1 "${from[@]}"
	rm "$root"/run/fetched.*
}

test_without_root() {
	local environment=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	refused "without root" 1 --offline /run/bundle
	refused "without root, dry" 0 --offline /run/bundle --driver ebpf --dry-run
	refused "removing without root" 1 --uninstall
}

test_refusals() {
	begin
	refused "a dry run" 0 --offline /run/bundle --driver ebpf --dry-run
	refused "wrong usage" 2 --offline /run/bundle --drivel
	refused "no bundle" 1 --offline /run/nothing
	cp -r "$root/run/bundle" "$root/run/damaged"
	echo x >>"$root/run/damaged/sysflow.bpf.o"
	refused "a damaged bundle" 1 --offline /run/damaged
	head -c 1000000 "$bundle" >"$root/run/half.tar.gz"
	refused "half of a bundle" 1 --offline /run/half.tar.gz
	rm -r "$root/run/damaged"
	refused "the root folder for a prefix" 2 --offline /run/bundle --prefix /
	refused "a prefix that units cannot name" 2 --offline /run/bundle --prefix '/opt/a"b'
	refused "an address without https" 2 --from http://localhost/bundle.tar.gz
	test_fetching
	test_without_root
	installer "${options[@]}" >"$work/log" 2>&1
	echo 'nonsense = 1' >>"$root/etc/sysflow/sysflow.toml"
	refused "an upgrade with settings that are wrong" 1 "${options[@]}"
}
