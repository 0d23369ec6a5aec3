# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: what was installed before, and the way back to it.

# Sets old to the program that is installed now, if one is, and remembers what
# an upgrade could change.
look_at_old() {
	local other was
	old='' was_enabled='' was_active='' driver_was_active='' had_dkms='' old_package=''
	other=$(other_way)
	[ -z "$other" ] || die "it is installed $other, and two would be in each other's way: remove that first"
	if [ $how = packages ]; then
		! is_installed sysflow || [ ! -x /usr/bin/sysflow ] || old=/usr/bin/sysflow
		old_package=$(dpkg-query -W -f '${Version}' sysflow 2>/dev/null) || old_package=
		! is_installed sysflow-dkms || had_dkms=yes
	elif [ -x "$prefix/bin/sysflow" ]; then
		old=$prefix/bin/sysflow
	fi
	[ ! -r $settings ] || cp -p $settings "$work/settings"
	[ -n "$old" ] || return 0
	if with_systemd; then
		! systemctl -q is-enabled sysflow.service 2>/dev/null || was_enabled=yes
		! systemctl -q is-active sysflow.service 2>/dev/null || was_active=yes
		! systemctl -q is-active sysflow-driver.service 2>/dev/null || driver_was_active=yes
	fi
	was=$("$old" --version 2>/dev/null) || was="x that does not run"
	old_version=${old_package:-${was#* }}
	say upgrade "from $old_version; settings are kept"
}

# Where it is installed in another way than it would be now, and how to remove that.
other_way() {
	local unit
	if [ $how = prefix ] && is_installed sysflow; then
		echo "as packages (install.sh --uninstall)"
		return
	fi
	unit=$(prefix_of_unit)
	if [ -n "$unit" ] && [ -f "$unit/share/sysflow/manifest" ] && { [ $how = packages ] || [ "$unit" != "$prefix" ]; }; then
		echo "below $unit (install.sh --uninstall --prefix '$unit')"
	fi
}

# The prefix that the unit names, where it was installed below one.
prefix_of_unit() {
	sed -n 's|^ExecStart="\{0,1\}\(/.*\)/bin/sysflow"\{0,1\} record$|\1|p' /etc/systemd/system/sysflow.service 2>/dev/null | head -n 1
}

# The new version works.
settle() {
	[ -z "$dry" ] || return 0
	if [ $how = packages ]; then
		keep_packages
	else
		settle_below_prefix
	fi
}

# The new version is here and does not work: the one from before, its settings,
# and its service as it was. Ends the script.
roll_back() {
	local state=''
	[ -n "$old" ] || die "it does not work here: see above. install.sh --uninstall removes it"
	if [ $how = packages ]; then
		roll_back_packages
	elif ! roll_back_below_prefix; then
		die "the new version does not work here, and not all files of the one from before could be put back: see above; install.sh of its bundle repairs it"
	fi
	[ ! -f "$work/settings" ] || cp -p "$work/settings" $settings
	if with_systemd; then
		bring_service_back || die "the new version does not work here: see above. $old_version is back with its settings, but its service does not start: journalctl -u sysflow"
		[ -z "$was_active" ] || state=" and runs"
	fi
	die "the new version does not work here: see above. $old_version is back with its settings$state"
}

roll_back_packages() {
	local kept=$KEPT/sysflow_${old_package}_amd64.deb
	[ -f "$kept" ] ||
		die "the new version does not work here: see above. The packages of $old_version are not in $KEPT, so they could not be installed again: dpkg -i does"
	set -- "$kept"
	if [ -n "$had_dkms" ]; then
		set -- "$@" "$KEPT/sysflow-dkms_${old_package}_all.deb"
	elif has_package sysflow-dkms; then
		dpkg_now --purge sysflow-dkms || true
	fi
	hold_service
	dpkg_install "$@" || die "the new version does not work here, and the packages of $old_version cannot be installed again: see above; dpkg -i $*"
	release_service
}

bring_service_back() {
	systemctl daemon-reload
	[ -n "$was_enabled" ] || systemctl -q disable sysflow.service 2>/dev/null || true
	if [ -n "$driver_was_active" ]; then
		quietly systemctl restart sysflow-driver.service || true
	fi
	if [ -n "$was_active" ]; then
		systemctl reset-failed sysflow.service 2>/dev/null || true
		quietly systemctl restart sysflow.service
	else
		quietly systemctl stop sysflow.service || true
	fi
}
