# SPDX-License-Identifier: Apache-2.0
# Sourced after common.sh: what a fresh machine lacks is installed, from
# Debian's packages and the Rust toolchain's own channels, and said before.

# The oldest Rust that builds the project, as in Cargo.toml.
RUST_NEEDED=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")

# Runs a command as root.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root: run it as root, or install sudo and allow it for $(id -un)"
	fi
}

have_root() {
	[ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# Which of the Debian packages are not installed.
missing_packages() {
	local package
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || echo "$package"
	done
}

# Installs the Debian packages that are missing.
install_packages() {
	local missing log
	command -v apt-get >/dev/null ||
		die "only Debian and its relatives are supported: install by hand what provides $*"
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing from Debian: ${missing[*]}"
	log=$(mktemp)
	# The lists of a fresh machine can be missing or old.
	if ! apt_install "${missing[@]}" >"$log" 2>&1; then
		as_root apt-get -qq update >"$log" 2>&1 ||
			{ tail -5 "$log" >&2 && die "cannot read Debian's package lists: see above; is there a network?"; }
		apt_install "${missing[@]}" >"$log" 2>&1 ||
			{ tail -5 "$log" >&2 && die "cannot install ${missing[*]}: see above"; }
	fi
	rm -f "$log"
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install --no-install-recommends -y "$@"
}

# Is version $1 at least version $2?
at_least() {
	printf '%s\n%s\n' "$2" "$1" | sort -C -V
}

cargo_version() {
	cargo --version 2>/dev/null | awk '{ print $2 }'
}

# Provides cargo, new enough, and the given rustup components.
# shellcheck disable=SC2120 # try.sh needs no component
install_rust() {
	local component
	case :$PATH: in
	*:"$HOME/.cargo/bin":*) ;;
	*) PATH=$HOME/.cargo/bin:$PATH ;;
	esac
	if ! at_least "$(cargo_version)" "$RUST_NEEDED" && command -v rustup >/dev/null; then
		echo "installing the toolchain stable by rustup (found: cargo $(cargo_version))"
		rustup toolchain install stable --profile minimal --no-self-update >&2 ||
			die "rustup cannot install a toolchain: see above"
		export RUSTUP_TOOLCHAIN=stable
	elif ! command -v cargo >/dev/null; then
		fetch_rustup
	fi
	at_least "$(cargo_version)" "$RUST_NEEDED" ||
		die "cargo $(cargo_version) is too old, $RUST_NEEDED is needed: install rustup (https://rustup.rs)"
	for component in "$@"; do
		if ! cargo "$component" --version >/dev/null 2>&1; then
			add_component "$component"
		fi
	done
}

add_component() {
	local name=$1
	[ "$name" != fmt ] || name=rustfmt
	command -v rustup >/dev/null ||
		die "cargo $1 is missing: install it with what installed cargo, or use rustup (https://rustup.rs)"
	echo "installing the Rust component $name by rustup"
	rustup component add "$name" >&2 || die "rustup cannot install $name: see above"
}

# rustup from Debian where it has one, else from its own channel.
fetch_rustup() {
	local script
	if apt-cache show rustup >/dev/null 2>&1; then
		install_packages rustup
		rustup toolchain install stable --profile minimal >&2 ||
			die "rustup cannot install a toolchain: see above"
		rustup default stable >&2
		return
	fi
	install_packages curl ca-certificates
	echo "installing Rust's minimal toolchain into $HOME/.cargo, from https://sh.rustup.rs"
	script=$(mktemp)
	curl --proto '=https' --tlsv1.2 -sSf -o "$script" https://sh.rustup.rs ||
		die "cannot reach https://sh.rustup.rs: install Rust $RUST_NEEDED or newer by other means"
	sh "$script" -y -q --profile minimal --no-modify-path >&2 ||
		die "rustup could not be installed: see above"
	rm -f "$script"
}

# What compiling needs: a C compiler and linker, clang for the eBPF driver,
# libelf and zlib for libbpf, an assembler and autotools for ISA-L.
BUILD_PACKAGES=(build-essential clang llvm libelf-dev zlib1g-dev pkg-config nasm autoconf automake libtool)
