//! Amounts of CPU, memory and devices, as Kubernetes writes them.

use std::fmt;
use std::ops::{Add, Mul};

use litemap::LiteMap;

/// Amounts by resource: `cpu`, `memory`, `nvidia.com/gpu`. There are two or three, so it is no map
/// that has room for eleven.
pub type Quantities = LiteMap<String, Quantity>;

/// A quantity: `500m`, `1Gi`, `0.5`, `2e3`.
///
/// Kept exactly, down to a billionth; shown in the form that the API server would give it
/// (`0.5` → `500m`, `1024Mi` → `1Gi`), so that what we send equals what it stores.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    binary: bool,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 9] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// A text that is not a quantity, or not one that a machine could have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a quantity")]
pub struct BadQuantity(pub String);

impl Quantity {
    /// Parses a quantity that is not negative.
    ///
    /// # Errors
    /// [`BadQuantity`], also for more than 2^63 units and for less than a billionth.
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        read(text)
            .filter(|quantity| quantity.nanos <= i128::from(i64::MAX) * NANO)
            .ok_or_else(|| BadQuantity(text.to_owned()))
    }

    /// Thousandths: of a core, for example.
    pub const fn milli(thousandths: u32) -> Self {
        Self { nanos: thousandths as i128 * (NANO / 1000), binary: false }
    }

    /// A number of MiB, shown with binary suffixes.
    pub const fn mebibytes(number: u32) -> Self {
        Self { nanos: number as i128 * 1024 * 1024 * NANO, binary: true }
    }

    /// A number of GiB, shown with binary suffixes.
    pub const fn gibibytes(number: u32) -> Self {
        Self { nanos: number as i128 * 1024 * 1024 * 1024 * NANO, binary: true }
    }

    /// A number of bytes, shown with binary suffixes.
    pub fn bytes(bytes: u64) -> Self {
        Self { nanos: i128::from(bytes) * NANO, binary: true }
    }

    /// A number of things.
    pub fn count(number: u32) -> Self {
        Self { nanos: i128::from(number) * NANO, binary: false }
    }

    /// In whole units, rounded up: bytes, cores, devices.
    pub fn whole(self) -> u64 {
        u64::try_from((self.nanos + NANO - 1) / NANO).unwrap_or(u64::MAX)
    }

    /// As a number of units, for ratios and for people; nothing is decided by it.
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no billionths")]
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether it counts whole units only, as devices must.
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }
}

impl Add for Quantity {
    type Output = Self;

    /// Binary if either is, so that sizes stay sizes.
    fn add(self, other: Self) -> Self {
        let nanos = self.nanos.saturating_add(other.nanos);
        Self { nanos, binary: self.binary || other.binary }
    }
}

impl Mul<u32> for Quantity {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self { nanos: self.nanos.saturating_mul(i128::from(times)), ..self }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}
impl Eq for Quantity {}
impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// A number of bytes with two figures, as registries show sizes.
pub fn rounded(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((unit, name)) if bytes >= 10 * unit => format!("{} {name}", bytes / unit),
        Some((unit, name)) => {
            let tenths = bytes / (unit / 10);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

fn read(text: &str) -> Option<Quantity> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let nanos = fixed(number)?;
    if let Some(power) = BINARY.iter().position(|known| *known == suffix) {
        let factor = 1024_i128.checked_pow(u32::try_from(power).ok()? + 1)?;
        return Some(Quantity { nanos: nanos.checked_mul(factor)?, binary: true });
    }
    let exponent = if suffix.is_empty() {
        0
    } else if let Some((_, exponent)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        *exponent
    } else {
        let digits = suffix.strip_prefix(['e', 'E'])?;
        let digits = digits.strip_prefix('+').unwrap_or(digits);
        digits.parse::<i32>().ok().filter(|exponent| (-9..=18).contains(exponent))?
    };
    let factor = 10_i128.checked_pow(exponent.unsigned_abs())?;
    let nanos = if exponent >= 0 {
        nanos.checked_mul(factor)?
    } else if nanos % factor == 0 {
        nanos / factor
    } else {
        return None;
    };
    Some(Quantity { nanos, binary: false })
}

/// Digits with at most one point and nine decimals, in billionths.
fn fixed(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 || whole.len() > 19 {
        return None;
    }
    let digits = |text: &str| {
        if text.is_empty() { Some(0) } else { text.parse::<u64>().ok().map(i128::from) }
    };
    let padded = format!("{fraction:0<9}");
    digits(whole)?.checked_mul(NANO)?.checked_add(digits(&padded)?)
}

impl Quantity {
    /// The number and the suffix of the canonical form.
    fn parts(self) -> (i128, &'static str) {
        if self.nanos == 0 {
            return (0, "");
        }
        let mut mantissa = self.nanos;
        if self.binary && self.nanos >= 1024 * NANO {
            let mut whole = (self.nanos + NANO - 1) / NANO;
            mantissa = whole * NANO;
            let mut suffix = "";
            for next in BINARY {
                if whole % 1024 != 0 {
                    break;
                }
                whole /= 1024;
                suffix = next;
            }
            if !suffix.is_empty() {
                return (whole, suffix);
            }
            // Without a suffix nobody could tell that it was binary: the server reads a decimal.
        }
        let mut exponent = -9;
        while mantissa % 1000 == 0 && exponent < 18 {
            mantissa /= 1000;
            exponent += 3;
        }
        let suffix = DECIMAL.iter().find(|(_, known)| *known == exponent).map_or("", |s| s.0);
        (mantissa, suffix)
    }

    /// As people write a number of bytes: `3 GiB` for `3Gi`.
    pub fn size(self) -> String {
        match self.parts() {
            (number, "") => format!("{number} bytes"),
            // A part of a byte: no size that anybody has.
            (number, suffix @ ("n" | "u" | "m")) => format!("{number}{suffix}"),
            (number, suffix) => format!("{number} {suffix}B"),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, suffix) = self.parts();
        write!(f, "{number}{suffix}")
    }
}

impl serde::Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantity_is_shown_as_the_api_server_stores_it() {
        for (text, canonical) in [
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1000Mi", "1000Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Gi", "512Mi"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("2", "2"),
            ("2e3", "2k"),
            ("1E", "1E"),
            ("0", "0"),
            (".5", "500m"),
            ("1.", "1"),
            ("512Ki", "512Ki"),
            ("1Ki", "1Ki"),
            ("0.5Ki", "512"),
            ("715.82Ki", "733k"),
            ("100n", "100n"),
            ("1500m", "1500m"),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn what_no_machine_has_is_not_a_quantity() {
        for bad in [
            "",
            ".",
            "-1",
            "1 Gi",
            "Gi",
            "1GB",
            "1gi",
            "1.2.3",
            "e3",
            "1e99",
            "99Ei",
            "0.1n",
            "+1",
            "1e",
            "99999999999999999999",
        ] {
            assert!(Quantity::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quantities_compare_by_what_they_amount_to() {
        let q = |text| Quantity::parse(text).unwrap();
        assert_eq!(q("1Gi"), q("1024Mi"));
        assert!(q("1G") < q("1Gi"));
        assert_eq!(q("1500m").whole(), 2);
        assert_eq!(q("10Mi").whole(), 10 * 1024 * 1024);
        assert!(q("2").is_whole() && !q("1500m").is_whole());
    }

    #[test]
    fn quantities_are_added_and_multiplied_exactly() {
        let q = |text| Quantity::parse(text).unwrap();
        assert_eq!((q("250m") + q("750m")).to_string(), "1");
        assert_eq!((q("1Gi") + q("512Mi")).to_string(), "1536Mi");
        assert_eq!((q("1536Mi") * 2).to_string(), "3Gi");
        assert_eq!((q("250m") * 3).to_string(), "750m");
        assert_eq!(Quantity::count(12).to_string(), "12");
        assert_eq!(Quantity::milli(250).to_string(), "250m");
        assert_eq!(Quantity::milli(2000).to_string(), "2");
        assert_eq!(Quantity::mebibytes(64).to_string(), "64Mi");
        assert_eq!(Quantity::gibibytes(5).to_string(), "5Gi");
        assert_eq!(q("1G") + q("1Ki"), q("1000001024"));
    }

    #[test]
    fn bytes_are_written_as_people_do() {
        for (quantity, words) in [
            ("3Gi", "3 GiB"),
            ("512Mi", "512 MiB"),
            ("2G", "2 GB"),
            ("100", "100 bytes"),
            ("1.5Gi", "1536 MiB"),
            ("1500m", "1500m"),
        ] {
            assert_eq!(Quantity::parse(quantity).unwrap().size(), words);
        }
    }

    #[test]
    fn sizes_are_as_registries_show_them() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (9_999_999, "9.9 MB"),
            (412_345_678, "412 MB"),
            (1_950_000_000, "1.9 GB"),
            (25_000_000_000, "25 GB"),
        ] {
            assert_eq!(rounded(bytes), shown);
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_means_the_same(
            text in "[0-9]{1,6}(\\.[0-9]{1,3})?(Ki|Mi|Gi|m|k|M|G)?",
        ) {
            let quantity = Quantity::parse(&text).unwrap();
            let again = Quantity::parse(&quantity.to_string()).unwrap();
            // Only a fraction of a byte is rounded, and up.
            prop_assert!(again >= quantity && again.whole() == quantity.whole());
            prop_assert_eq!(again.to_string(), quantity.to_string());
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = Quantity::parse(&text);
        }
    }
}
