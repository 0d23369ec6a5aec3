# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: as packages, on Debian and its relatives.

# What works is kept, so that a later upgrade that does not can be undone.
KEPT=/var/cache/sysflow/packages

# Whether dpkg has anything of a package, be it half of it or its settings.
has_package() {
	have dpkg-query && dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qvx not-installed
}

is_installed() {
	have dpkg-query && dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# dpkg_now ARGUMENT...: dpkg itself does not wait for another that runs, such
# as that of unattended upgrades.
dpkg_now() {
	local waited=0
	[ -z "$dry" ] || { run dpkg "$@" && return 0; }
	until env DEBIAN_FRONTEND=noninteractive dpkg "$@" >"$work/log" 2>&1 </dev/null; do
		if ! grep -Eq '(frontend|database) lock' "$work/log" || [ $waited -ge 300 ]; then
			cat "$work/log" >&2
			return 1
		fi
		[ $waited -gt 0 ] || say wait "another program uses dpkg; at most 5 minutes"
		sleep 2
		waited=$((waited + 2))
	done
}

# Settings that were changed stay, and nothing is asked.
dpkg_install() {
	dpkg_now --force-confdef --force-confold -i "$@"
}

install_packages() {
	# What the packages hold, unpacked, and dpkg's copies of what was there.
	room /usr $(($(du -sk "$work/new" | cut -f1) * 2))
	set -- "$bundle"/sysflow_*_amd64.deb
	if [ $chosen = kmod ]; then
		install_build_tools
		set -- "$@" "$bundle"/sysflow-dkms_*_all.deb
	elif is_installed sysflow-dkms && [ $driver = auto ]; then
		# It builds again when what it lacks is there.
		set -- "$@" "$bundle"/sysflow-dkms_*_all.deb
	elif has_package sysflow-dkms; then
		dpkg_now --purge sysflow-dkms || die "cannot remove sysflow-dkms: see above"
	fi
	hold_service
	# Of a run that was cut off other packages, too, can wait to be told of it.
	[ -z "${cut_off:-}" ] || dpkg_now --configure --pending || true
	dpkg_install "$@" || {
		release_service
		! with_systemd || [ -z "$was_active" ] || systemctl start sysflow.service || true
		die "dpkg failed: see above; run this again when that is put right"
	}
	release_service
	if [ -z "$dry" ] && [ $chosen = kmod ] && ! dkms status -m sysflow -v "$version" -k "$release" 2>/dev/null | grep -q installed; then
		say driver "DKMS did not build the module: see /var/lib/dkms/sysflow/*/build/make.log"
		if [ $driver != auto ] || [ -n "$(ebpf_hindrance)" ]; then
			roll_back
		fi
		chosen=ebpf
	fi
	say installed "the packages sysflow$([ $# -eq 1 ] || echo ' and sysflow-dkms')"
}

# What DKMS needs, over the network where that is allowed.
install_build_tools() {
	local package
	set --
	for package in dkms gcc make; do
		have $package || set -- "$@" $package
	done
	[ -e "/lib/modules/$release/build/Makefile" ] || set -- "$@" "linux-headers-$release"
	[ $# -gt 0 ] || return 0
	say fetch "from the distribution: $*"
	# The lists of the archive can be missing, or old.
	apt_install "$@" >/dev/null 2>&1 || quietly apt-get -qq update || true
	apt_install "$@" || die "apt-get cannot install $*: see above, or use --driver ebpf"
}

apt_install() {
	quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
		install -y --no-install-recommends "$@"
}

keep_packages() {
	if ! { rm -rf $KEPT.new && mkdir -p $KEPT.new && cp "$bundle"/*.deb $KEPT.new/ && rm -rf $KEPT && mv $KEPT.new $KEPT; }; then
		rm -rf $KEPT.new
		say kept "no packages to go back to, for the next upgrade: see above"
	fi
}
