# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: the kernel module or eBPF.

settings=/etc/sysflow/sysflow.toml

# Sets driver to what is asked for, and chosen to kmod or ebpf. Nothing was
# changed before.
choose_driver() {
	local module ebpf told=''
	driver=${asked:-$(settled_driver)}
	driver=${driver:-auto}
	[ -n "$asked" ] || [ $driver = auto ] || told=", as the settings say (--driver changes that)"
	module=$(module_hindrance)
	ebpf=$(ebpf_hindrance)
	case $driver in
	kmod)
		[ -z "$module" ] || { remedies; die "the kernel module cannot be used: $module$told"; }
		chosen=kmod
		;;
	ebpf)
		[ -z "$ebpf" ] || die "eBPF cannot be used: $ebpf$told"
		chosen=ebpf
		;;
	auto)
		if [ -z "$module" ]; then
			chosen=kmod
		elif [ -z "$ebpf" ]; then
			chosen=ebpf
			say driver "eBPF; the kernel module cannot be used: $module"
			remedies
			return
		else
			remedies
			die "nothing can be recorded here. The kernel module: $module. eBPF: $ebpf"
		fi
		;;
	esac
	case $chosen in
	kmod) say driver "kernel module, built for this kernel$told" ;;
	ebpf) say driver "eBPF$told" ;;
	esac
	[ $chosen != kmod ] || ! module_is_taken ||
		die "the kernel module is in use, and not by the service: end what records (fuser /dev/sysflow), and run this again"
}

# What an earlier run was told by --driver.
settled_driver() {
	sed -n 's/^driver *= *"\(kmod\|ebpf\)".*/\1/p' $settings 2>/dev/null | head -n 1
}

# Whether a program other than the service records with the module.
module_is_taken() {
	[ "$(cat /sys/module/sysflow/refcnt 2>/dev/null || echo 0)" -gt 0 ] || return 1
	! with_systemd || ! systemctl -q is-active sysflow.service
}

# Why there can be no module; nothing where there can.
module_hindrance() {
	local headers=$facts/lib/modules/$release/build
	if [ ! -e "$facts/proc/modules" ]; then
		echo "this kernel is built without loadable modules"
	elif flag /proc/sys/kernel/modules_disabled; then
		echo "kernel.modules_disabled is set, until the next boot"
	elif in_container; then
		echo "this is a container"
	elif signed_only && [ $how = prefix ]; then
		echo "this kernel takes signed modules only, and without DKMS none is signed"
	elif signed_only && ! key_is_enrolled; then
		echo "this kernel takes signed modules only, and no key of this host is enrolled"
	elif [ -e "$headers/Makefile" ] && [ -z "$(missing_tools)" ]; then
		:
	elif [ $how = packages ] && [ -z "$offline" ] && apt-cache show "linux-headers-$release" >/dev/null 2>&1; then
		: # they will be installed
	elif [ ! -e "$headers/Makefile" ]; then
		echo "the headers of kernel $release are not installed"
	else
		echo "building it needs$(missing_tools)"
	fi
}

missing_tools() {
	local tool
	for tool in make gcc; do have $tool || printf ' %s' $tool; done
	[ $how = prefix ] || have dkms || printf ' dkms'
}

ebpf_hindrance() {
	if [ ! -e "$facts/sys/kernel/btf/vmlinux" ]; then
		echo "no type information at /sys/kernel/btf/vmlinux"
	elif [ "$(lockdown)" = confidentiality ]; then
		echo "lockdown keeps programs from reading the kernel's memory"
	fi
}

# The keys that DKMS and Ubuntu sign with.
key_is_enrolled() {
	local key
	have mokutil || return 1
	for key in /var/lib/dkms/mok.pub /var/lib/shim-signed/mok/MOK.der; do
		if [ -e "$facts$key" ] && mokutil --test-key "$facts$key" 2>&1 | grep -q 'is already enrolled'; then
			return 0
		fi
	done
	return 1
}

remedy() {
	say '' "-> $*"
}

# What the operator can do to have the module, step by step.
remedies() {
	# Nothing that is installed would help.
	[ -e "$facts/proc/modules" ] && ! flag /proc/sys/kernel/modules_disabled && ! in_container || return 0
	if signed_only && { [ $how = prefix ] || ! key_is_enrolled; }; then
		signing_remedies
	elif [ ! -e "$facts/lib/modules/$release/build/Makefile" ]; then
		# shellcheck disable=SC2046 # several
		remedy "$(installs $([ $how = prefix ] || echo dkms) "$(headers_package)"$(missing_compiler)), and run this again"
	elif [ -n "$(missing_tools)" ]; then
		# shellcheck disable=SC2046 # several
		remedy "$(installs $(missing_tools)), and run this again"
	fi
}

# DKMS brings its own.
missing_compiler() {
	[ $how = packages ] || missing_tools
}

signing_remedies() {
	local key=/var/lib/dkms/mok.pub
	case $(secure_boot) in
	none | off)
		remedy "no key can be enrolled without Secure Boot: boot without lockdown= and module.sig_enforce on the kernel's command line, or stay with eBPF"
		return
		;;
	esac
	if [ $how = prefix ]; then
		remedy "after this, by hand: sysflow probe load; sysflow doctor, which says how to sign what was built"
		return
	fi
	have mokutil || remedy "$(installs mokutil)"
	if [ -e "$facts/var/lib/shim-signed/mok/MOK.der" ]; then
		key=/var/lib/shim-signed/mok/MOK.der
	elif [ ! -e "$facts$key" ]; then
		remedy "install -d -m 700 /var/lib/dkms && openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=DKMS module signing key/' -keyout /var/lib/dkms/mok.key -outform DER -out $key"
	fi
	remedy "mokutil --import $key && reboot, confirm on the console, and run this again"
}

# A driver that was asked for by name is asked for by the recorder, too.
choose_in_settings() {
	[ -n "$asked" ] || return 0
	if [ -n "$dry" ] || grep -q '^driver *=' $settings; then
		run sed -i "s/^driver *= *\"[a-z]*\"/driver = \"$asked\"/" $settings
	elif grep -q '^\[capture\]' $settings; then
		sed -i "/^\[capture\]/a driver = \"$asked\"" $settings
	else
		printf '\n[capture]\ndriver = "%s"\n' "$asked" >>$settings
	fi
}
