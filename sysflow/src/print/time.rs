// SPDX-License-Identifier: Apache-2.0
//! Times as text.

const DAY: i64 = 86_400;

/// A time in nanoseconds since the Unix epoch as ISO 8601 in UTC, to the nanosecond.
pub(super) fn utc(ns: i64) -> String {
    let (seconds, fraction) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z")
}

/// Year, month and day of a day counted from the Unix epoch, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year and months have their
/// lengths in a fixed pattern of 153 days per five months.
fn date(days: i64) -> (i64, i64, i64) {
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
