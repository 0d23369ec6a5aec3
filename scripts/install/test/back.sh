# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by install-test.sh: upgrades to what does not work, and what else goes
# wrong half way.

# The older version, its settings changed, and a newer one of each kind.
begin_upgrade() {
	local at=$1
	shift
	begin
	mkdir -p "$root/run/bundles"
	cp -r "$work/bundles/." "$root/run/bundles/"
	[ -z "${systemd:-}" ] || pretend_systemd "$root"
	installer --offline /run/bundles/old "$@" >"$work/log" 2>&1 || { cat "$work/log" && die "install.sh fails"; }
	sed -i 's/^keep-age = .*/keep-age = "6d"/' "$root/etc/sysflow/sysflow.toml"
	before=$(installed "$at")
}

# Everything that was installed, and the settings, by name and content.
installed() {
	(cd "$root" && find "./$1/bin" "./$1/share/doc/sysflow" "./$1/share/sysflow" etc/sysflow etc/systemd/system lib/systemd/system \
		\( -path '*sysflow*' -o -name sysprint \) \( -type f -printf '%m %u %g ' -exec sha256sum {} \; -o -printf '%p %l\n' \) 2>/dev/null | sort)
	chroot "$root" dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' sysflow sysflow-dkms 2>/dev/null || true
}

as_before() {
	diff <(echo "$before") <(installed "$1")
}

# upgrades_back NAME PREFIX OPTIONS...
upgrades_back() {
	local name=$1 at=$2
	shift 2
	begin_upgrade "$at" "$@"
	refused "$name: a new version that does not record" 1 --offline /run/bundles/selftest "$@"
	holds "$name: and the reason is said" grep -q 'broken for this test' "$work/log"
	expect "$name: a new version that does not record once it is installed" 1 \
		'broken for this test' 'is back with its settings' -- --offline /run/bundles/installed --driver ebpf "$@"
	holds "$name: the older version, its settings and nothing else is there" as_before "$at"
	expect "$name: a version that works goes over it" 0 'the new version records' 'upgrade    from' -- \
		--offline /run/bundles/works --driver ebpf "$@"
	holds "$name: and it is there, without what only the older one had" sh -c \
		"'$root$at/bin/sysflow' --version | grep -- -3 && grep '\"6d\"' '$root/etc/sysflow/sysflow.toml' && ! find '$root$at' -name only-of-1 | grep . && ! find '$root$at' '$root/etc/sysflow' -name '*.sysflow-???' | grep ."
}

test_service_back() {
	local systemd=yes
	begin_upgrade /opt/sysflow --prefix /opt/sysflow
	holds "the service runs, by a pretended systemd" test -e "$root/run/units/sysflow.active"
	expect "a new version whose service does not start" 1 'FAILED: see above' 'cannot record: broken for this test' 'is back with its settings and runs' -- \
		--offline /run/bundles/record --prefix /opt/sysflow
	holds "the older version is there" as_before /opt/sysflow
	holds "and runs, and at boot" test -e "$root/run/units/sysflow.active" -a -e "$root/run/units/sysflow.enabled"
	expect "another prefix beside it" 1 "below /opt/sysflow (install.sh --uninstall --prefix '/opt/sysflow')" -- \
		--offline /run/bundles/works --prefix /opt/other
	expect "packages beside it" 1 "below /opt/sysflow" -- --offline /run/bundles/works
	expect "removing it below another prefix" 1 "--prefix '/opt/sysflow'" -- --uninstall --prefix /opt/other
	holds "and it is still there" as_before /opt/sysflow
	expect "removing it without its prefix" 0 "removed    everything" -- --uninstall --purge
	holds "nothing is left" [ -z "$(left 2>&1 | grep -v '/local/sbin/')" ]
}

# A disk that is full, also where nobody saw that before.
test_full_disk() {
	begin_upgrade /opt/sysflow --prefix /opt/sysflow
	installer --uninstall >/dev/null 2>&1
	mkdir -p "$root/opt/full"
	mount -t tmpfs -o size=4m tmpfs "$root/opt/full"
	installer --offline /run/bundles/old --prefix /opt/full >"$work/log" 2>&1 || { cat "$work/log" && die "install.sh fails"; }
	before=$(installed /opt/full)
	head -c 4M /dev/zero >"$root/opt/full/filler" 2>/dev/null || true
	refused "a disk with too little room" 1 --offline /run/bundles/works --prefix /opt/full
	holds "and it says how much is needed" grep -q 'MiB left' "$work/log"
	printf '#!/bin/sh\necho\necho "tmpfs 1 1 99999999 1%% /"\n' >"$root/usr/local/sbin/df"
	chmod +x "$root/usr/local/sbin/df"
	expect "a disk that is full half way" 1 'No space left' 'The program is as it was; make room' -- --offline /run/bundles/works --prefix /opt/full
	rm -f "$root/usr/local/sbin/df" "$root/opt/full/filler"
	# But for the list, which may name more than there is.
	holds "the older version is there" cmp <(grep -v /manifest <<<"$before") <(installed /opt/full | grep -v /manifest)
	expect "with room it goes on" 0 'installed  below' -- --offline /run/bundles/works --prefix /opt/full
	umount "$root/opt/full"
}

# Another dpkg, such as that of unattended upgrades.
test_busy_dpkg() {
	begin_upgrade /usr
	python3 -c 'import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(3)' "$root/var/lib/dpkg/lock-frontend" &
	sleep 0.5
	expect "another program that uses dpkg is waited for" 0 'another program uses dpkg' 'installed  the packages' -- --offline /run/bundles/works
	wait $!
	# What is in use is not known there without a module: the settings decide.
	expect "the driver that the settings name is kept" 0 'eBPF' -- --offline /run/bundles/works --driver ebpf
	expect "and told when nothing is" 0 'eBPF, as the settings say' -- --offline /run/bundles/works
	expect "and --driver auto takes that back" 0 -- --offline /run/bundles/works --driver auto
	holds "in the settings, too" grep -q '^driver = "auto"' "$root/etc/sysflow/sysflow.toml"
	expect "below a prefix beside packages" 1 "as packages (install.sh --uninstall)" -- --offline /run/bundles/works --prefix /opt/sysflow
}

test_back() {
	begin
	pretend_bundle "$root/run/bundle" "$work/bundles/old" 1 nothing
	pretend_bundle "$root/run/bundle" "$work/bundles/works" 3 nothing
	pretend_bundle "$root/run/bundle" "$work/bundles/selftest" 2 selftest
	pretend_bundle "$root/run/bundle" "$work/bundles/installed" 2 installed
	pretend_bundle "$root/run/bundle" "$work/bundles/record" 2 record
	upgrades_back packages /usr
	upgrades_back prefix "/opt/a folder" --prefix "/opt/a folder"
	test_service_back
	test_full_disk
	test_busy_dpkg
}
