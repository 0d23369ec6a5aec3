// SPDX-License-Identifier: Apache-2.0
//! Times as text.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) const DAY: i64 = 86_400;
pub(super) const BILLION: i64 = 1_000_000_000;

/// How times are written.
#[derive(Clone, Debug, Default)]
pub enum Times {
    /// ISO 8601 in UTC, to the nanosecond: `2024-05-31T12:00:00.000000000Z`.
    #[default]
    Utc,
    /// The same in a time zone, with the offset from UTC: `2024-05-31T14:00:00.000000000+02:00`.
    Zone(TimeZone),
    /// Nanoseconds since the Unix epoch.
    Epoch,
    /// UTC as the reference's printer writes it: rounded to microseconds as a floating point number
    /// is, without a zone, and without a fraction that is zero: `2024-05-31T12:00:00.000001`.
    Rounded,
}

impl Times {
    /// Times in the zone of this system: `TZ`, else `/etc/localtime`, else UTC.
    #[must_use]
    pub fn local() -> Self {
        Self::Zone(TimeZone::system())
    }

    /// The time of day to the second: `12:00:00`.
    #[must_use]
    pub fn clock(&self, ns: i64) -> String {
        let seconds = ns.div_euclid(BILLION);
        let second = (seconds + self.offset(seconds)).rem_euclid(DAY);
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }

    /// Seconds that clocks are ahead of UTC.
    fn offset(&self, seconds: i64) -> i64 {
        match self {
            Self::Zone(zone) => Timestamp::from_second(seconds)
                .map_or(0, |timestamp| i64::from(zone.to_offset(timestamp).seconds())),
            _ => 0,
        }
    }

    /// The width of a time in characters.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Utc => 30,
            Self::Zone(_) => 35,
            Self::Epoch => 19,
            Self::Rounded => 26,
        }
    }

    /// A time for display.
    pub(super) fn at(&self, ns: i64) -> impl fmt::Display {
        let (seconds, fraction) = (ns.div_euclid(BILLION), ns.rem_euclid(BILLION));
        let offset = self.offset(seconds);
        fmt::from_fn(move |f| match self {
            Self::Epoch => write!(f, "{ns}"),
            Self::Utc => write_civil(f, seconds, fraction).and_then(|()| f.write_str("Z")),
            Self::Rounded => write_rounded(f, ns),
            Self::Zone(_) => {
                write_civil(f, seconds + offset, fraction)?;
                write_offset(f, offset)
            }
        })
    }
}

fn write_civil(f: &mut fmt::Formatter<'_>, seconds: i64, fraction: i64) -> fmt::Result {
    write_seconds(f, seconds)?;
    write!(f, ".{fraction:09}")
}

/// Rounds twice, as the reference does: to the floating point number of seconds, which is exact to
/// about 200 ns in our times, and that to microseconds.
fn write_rounded(f: &mut fmt::Formatter<'_>, ns: i64) -> fmt::Result {
    let time = ns as f64 / BILLION as f64;
    let micros = ((time - time.floor()) * 1e6).round_ties_even() as i64;
    let (seconds, micros) = (time.floor() as i64 + micros / 1_000_000, micros % 1_000_000);
    write_seconds(f, seconds)?;
    if micros == 0 { Ok(()) } else { write!(f, ".{micros:06}") }
}

fn write_seconds(f: &mut fmt::Formatter<'_>, seconds: i64) -> fmt::Result {
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Hours and minutes; seconds only where a zone has them, which none has had for a century.
fn write_offset(f: &mut fmt::Formatter<'_>, offset: i64) -> fmt::Result {
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.abs();
    write!(f, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60)?;
    if offset % 60 == 0 { Ok(()) } else { write!(f, ":{:02}", offset % 60) }
}

/// Year, month and day of a day counted from the Unix epoch, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year and months have their
/// lengths in a fixed pattern of 153 days per five months.
pub(super) fn date(days: i64) -> (i64, i64, i64) {
    const CYCLE: i64 = 146_097; // days in 400 years
    let from_march_0000 = days + 719_468;
    let (cycle, day) = (from_march_0000.div_euclid(CYCLE), from_march_0000.rem_euclid(CYCLE));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(ns: i64) -> String {
        Times::Utc.at(ns).to_string()
    }

    #[test]
    fn clocks_show_the_time_of_day() {
        assert_eq!(Times::Utc.clock(1_553_543_280_704_111_050), "19:48:00");
        assert_eq!(Times::Utc.clock(-1), "23:59:59");
        let zone = Times::Zone(TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!(zone.clock(1_553_550_480_000_000_000), "23:48:00");
        assert_eq!(zone.clock(1_553_557_680_000_000_000), "01:48:00");
    }

    #[test]
    fn known_times() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(utc(1_553_543_280_704_111_050), "2019-03-25T19:48:00.704111050Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29T00:00:00.000000000Z");
        assert_eq!(utc(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(utc(i64::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(utc(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn times_in_other_zones() {
        let at = |zone: &str, ns| {
            let zone = TimeZone::posix(zone).expect("a zone");
            Times::Zone(zone).at(ns).to_string()
        };
        let paris = "CET-1CEST,M3.5.0,M10.5.0/3";
        let summer = 1_717_149_600_000_000_001;
        assert_eq!(at(paris, summer), "2024-05-31T12:00:00.000000001+02:00");
        assert_eq!(at(paris, 1_704_067_200_000_000_000), "2024-01-01T01:00:00.000000000+01:00");
        assert_eq!(at("NST3:30", 0), "1969-12-31T20:30:00.000000000-03:30");
        assert_eq!(Times::Epoch.at(summer).to_string(), "1717149600000000001");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = date(-720_000);
        for days in -719_999..200_000 {
            let (year, month, day) = date(days);
            let next = match last {
                _ if day > 1 => (year, month, day) == (last.0, last.1, last.2 + 1),
                (y, 12, 31) => (year, month) == (y + 1, 1),
                (y, m, d) => (year, month) == (y, m + 1) && d >= 28,
            };
            assert!(next, "{last:?} is followed by {:?}", (year, month, day));
            last = (year, month, day);
        }
    }
}
