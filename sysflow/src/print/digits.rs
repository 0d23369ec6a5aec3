// SPDX-License-Identifier: Apache-2.0
//! Hot path. Numbers and times as text: a row of JSON has dozens.

use super::time::{BILLION, DAY, date};

/// The numbers below 100, with two digits.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Appends a number in decimal digits.
pub(super) fn push_number(out: &mut String, number: i64) {
    if number < 0 {
        out.push('-');
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    while rest >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[rest as usize]);
    } else {
        at -= 1;
        digits[at] = b'0' + rest as u8;
    }
    push_ascii(out, &digits[at..]);
}

/// Appends a time in UTC, as [`Times::Utc`](super::Times::Utc) says.
pub(super) fn push_utc(out: &mut String, ns: i64) {
    let (seconds, fraction) = (ns.div_euclid(BILLION), ns.rem_euclid(BILLION));
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // 64 bits of nanoseconds reach from 1677 to 2262: years have four digits.
    let (year, month, day) = date(days);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    put(&mut text[..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], second / 3600);
    put(&mut text[14..16], second / 60 % 60);
    put(&mut text[17..19], second % 60);
    put(&mut text[20..29], fraction);
    push_ascii(out, &text);
}

/// Fills a place with the digits of a number that is not negative.
fn put(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn push_ascii(out: &mut String, text: &[u8]) {
    // Digits and marks: always UTF-8.
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::print::Times;

    proptest! {
        #[test]
        fn numbers_and_times_are_as_formatted(number in any::<i64>(), shift in 0u32..64) {
            for number in [number, number >> shift, i64::MIN, i64::MAX, 0] {
                let mut text = String::new();
                push_number(&mut text, number);
                prop_assert_eq!(&text, &number.to_string());
                text.clear();
                push_utc(&mut text, number);
                prop_assert_eq!(text, Times::Utc.at(number).to_string());
            }
        }
    }
}
