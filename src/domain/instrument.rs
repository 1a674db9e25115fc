//! Instruments, spelled our way.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// `BASE-QUOTE`, `BASE-QUOTE-PERP` or `BASE-QUOTE-YYYYMMDD`; BASE and QUOTE are `[A-Z0-9]{1,20}` (WIRE.md). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instrument(Arc<str>);

/// Why a text is no instrument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstrumentError {
    /// Not two or three parts joined by `-`.
    #[error("instrument {0:?}: expected BASE-QUOTE, BASE-QUOTE-PERP or BASE-QUOTE-YYYYMMDD")]
    Parts(String),
    /// A currency that breaks the grammar.
    #[error("instrument {text:?}: {currency:?} is no currency: expected 1 to 20 of A-Z and 0-9")]
    Currency {
        /// The whole text.
        text: String,
        /// The part that is wrong.
        currency: String,
    },
    /// A third part that is neither `PERP` nor a date.
    #[error("instrument {text:?}: {suffix:?} is neither PERP nor a date YYYYMMDD")]
    Suffix {
        /// The whole text.
        text: String,
        /// The part that is wrong.
        suffix: String,
    },
}

impl Instrument {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The base currency.
    #[must_use]
    pub fn base(&self) -> &str {
        self.part(0)
    }

    /// The quote currency.
    #[must_use]
    pub fn quote(&self) -> &str {
        self.part(1)
    }

    /// `PERP` or the date of expiry; `None` for spot.
    #[must_use]
    pub fn contract(&self) -> Option<&str> {
        self.0.split('-').nth(2)
    }

    fn part(&self, index: usize) -> &str {
        self.0.split('-').nth(index).expect("checked when it was made: at least two parts")
    }
}

impl FromStr for Instrument {
    type Err = InstrumentError;

    fn from_str(text: &str) -> Result<Self, InstrumentError> {
        let parts: Vec<&str> = text.splitn(4, '-').collect();
        let (currencies, suffix) = match parts[..] {
            [base, quote] => ([base, quote], None),
            [base, quote, suffix] => ([base, quote], Some(suffix)),
            _ => return Err(InstrumentError::Parts(text.to_owned())),
        };
        for currency in currencies {
            let valid = (1..=20).contains(&currency.len())
                && currency.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9'));
            if !valid {
                return Err(InstrumentError::Currency {
                    text: text.to_owned(),
                    currency: currency.to_owned(),
                });
            }
        }
        match suffix {
            Some(suffix) if suffix != "PERP" && !is_date(suffix) => {
                Err(InstrumentError::Suffix { text: text.to_owned(), suffix: suffix.to_owned() })
            }
            _ => Ok(Self(text.into())),
        }
    }
}

fn is_date(text: &str) -> bool {
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u16>().ok());
    text.len() == 8
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}

impl fmt::Display for Instrument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_the_wire_contract_is_enforced() {
        for (text, valid) in [
            ("BTC-USDT", true),
            ("1INCH-USDT", true),
            ("BTC-USDT-PERP", true),
            ("BTC-USD-20220527", true),
            ("BTC-USD-20221327", false),
            ("BTCUSDT", false),
            ("btc-usdt", false),
            ("BTC-", false),
            ("BTC-USDT-SWAP", false),
            ("BTC-USDT-PERP-X", false),
            ("BTC-USDT{}", false),
            ("ABCDEFGHIJKLMNOPQRSTU-USDT", false),
        ] {
            assert_eq!(text.parse::<Instrument>().is_ok(), valid, "{text}");
        }
    }
}
