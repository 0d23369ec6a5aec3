# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: the self-test, and the recorder as a service.

program() {
	if [ $how = packages ]; then echo /usr/bin/sysflow; else echo "$prefix/bin/sysflow"; fi
}

# Debian's scripts would start the recorder before it is tested.
hold_service() {
	with_systemd && [ -z "$dry" ] || return 0
	systemctl -q mask --runtime sysflow.service 2>/dev/null && masked=yes || true
}

release_service() {
	[ -n "${masked:-}" ] || return 0
	systemctl -q unmask --runtime sysflow.service || true
	masked=
}

# Status 1: the new version does not work, and the reason was told.
start_and_test() {
	if with_systemd; then
		quietly systemctl daemon-reload || return 1
		# A recorder has the driver for itself.
		if systemctl -q is-active sysflow.service 2>/dev/null; then
			quietly systemctl stop sysflow.service || return 1
		fi
	fi
	if [ $chosen = kmod ]; then
		load_module || module_failed || return 1
	fi
	test_installed && start_service
}

load_module() {
	if with_systemd; then
		quietly systemctl restart sysflow-driver.service && return 0
		[ -n "$dry" ] || journalctl -q -n 10 -o cat -u sysflow-driver.service >&2 || true
		return 1
	fi
	[ -z "$selftest" ] || quietly "$(program)" probe load
}

# The module was built and is not taken: eBPF if that was allowed.
module_failed() {
	say driver "the module cannot be loaded: see above, and $(program) doctor"
	[ $driver = auto ] && [ -z "$(ebpf_hindrance)" ] || return 1
	chosen=ebpf
	say driver "eBPF is used"
}

test_installed() {
	[ -n "$selftest" ] && [ -z "$dry" ] || return 0
	if ! "$(program)" selftest --driver $chosen >"$work/selftest" 2>&1; then
		cat "$work/selftest" >&2
		say self-test "FAILED; $(program) doctor may tell why"
		return 1
	fi
	say self-test "$(words calls), $(words lost) lost, $(words cost)"
}

start_service() {
	if ! with_systemd; then
		say service "no systemd runs here: start $(program) record as you start other services"
		return 0
	fi
	if [ -z "$service" ]; then
		quietly systemctl disable --now sysflow.service || true
		say service "not started: systemctl enable --now sysflow"
		return 0
	fi
	[ $chosen != kmod ] || quietly systemctl enable sysflow-driver.service || return 1
	if ! quietly systemctl enable sysflow.service || ! quietly systemctl restart sysflow.service; then
		journalctl -q -n 20 -u sysflow.service >&2 || true
		say service "FAILED: see above"
		! selinux_enforces || say '' "-> ausearch -m avc -ts recent   tells what SELinux has refused"
		return 1
	fi
	say service "runs, and at boot; it writes to /var/lib/sysflow/ ($settings)"
}
