// SPDX-License-Identifier: Apache-2.0
//! How a system's packages are installed and named (os-release(5)).

/// Systems with the same packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Debian, Ubuntu and their relatives.
    Debian,
    /// Fedora, RHEL, Rocky, Alma and their relatives.
    RedHat,
    /// SUSE and openSUSE.
    Suse,
    /// Any other.
    #[default]
    Other,
}

impl Family {
    /// Of the content of `/etc/os-release`: what the system is, and is like.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let values = ["ID=", "ID_LIKE="].into_iter().filter_map(|name| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|v| v.trim_matches(['"', '\'']))
        });
        for word in values.flat_map(str::split_whitespace) {
            match word {
                "debian" | "ubuntu" => return Self::Debian,
                "fedora" | "rhel" | "centos" => return Self::RedHat,
                "suse" | "opensuse" => return Self::Suse,
                _ => {}
            }
        }
        Self::Other
    }

    /// The command that installs packages.
    #[must_use]
    pub fn install(self, packages: &str) -> String {
        let command = match self {
            Self::Debian => "apt install",
            Self::RedHat => "dnf install",
            Self::Suse => "zypper install",
            Self::Other => "install",
        };
        format!("{command} {packages}")
    }

    /// The package of the headers of the kernel `release` (`uname -r`).
    #[must_use]
    pub fn headers(self, release: &str) -> String {
        match self {
            Self::Debian => format!("linux-headers-{release}"),
            // A release ends with the kernel's flavour, as in 6.4.0-150600.23-default.
            Self::Suse => {
                format!("kernel-{}-devel", release.rsplit('-').next().unwrap_or("default"))
            }
            Self::RedHat | Self::Other => format!("kernel-devel-{release}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_what_it_says_or_what_it_is_like() {
        assert_eq!(Family::parse("PRETTY_NAME=\"x\"\nID=debian\n"), Family::Debian);
        assert_eq!(Family::parse("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Family::Debian);
        assert_eq!(Family::parse("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Family::RedHat);
        assert_eq!(Family::parse("ID=fedora\n"), Family::RedHat);
        assert_eq!(Family::parse("ID='opensuse-leap'\nID_LIKE='suse opensuse'\n"), Family::Suse);
        assert_eq!(Family::parse("ID=arch\n"), Family::Other);
        assert_eq!(Family::parse(""), Family::Other);
    }

    #[test]
    fn packages_have_their_names() {
        assert_eq!(Family::Debian.headers("6.1.0-9-amd64"), "linux-headers-6.1.0-9-amd64");
        assert_eq!(
            Family::RedHat.headers("5.14.0-427.el9.x86_64"),
            "kernel-devel-5.14.0-427.el9.x86_64"
        );
        assert_eq!(Family::Suse.headers("6.4.0-150600.23-default"), "kernel-default-devel");
        assert_eq!(Family::RedHat.install("make"), "dnf install make");
    }
}
