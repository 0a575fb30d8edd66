//! Who follows an account, as its platform tells.

use serde::{Deserialize, Serialize};

/// A part of an audience: shares in percent, or the reason that there are none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shares {
    /// Name and share in percent (or, for hours, people), as the platform orders them.
    Known(Vec<(String, f64)>),
    /// The platform offers it and has not reported it: too few followers, or too new an account.
    Pending,
    /// The platform has no such thing, or the consent does not cover it.
    #[default]
    NotOffered,
}

impl Shares {
    /// Shares of counts: each in percent of their sum, two decimals, the largest first. Without counts it is pending.
    #[must_use]
    pub fn of_counts(counts: Vec<(String, u64)>) -> Self {
        let sum: u64 = counts.iter().map(|(_, count)| count).sum();
        if sum == 0 {
            return Self::Pending;
        }
        let share = |count: u64| {
            super::totals::two_decimals(crate::publication::as_f64(count) / crate::publication::as_f64(sum) * 100.0)
        };
        let mut shares: Vec<(String, f64)> = counts.into_iter().map(|(name, count)| (name, share(count))).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self::Known(shares)
    }

    /// Why there is nothing, in the words of the API's `unavailable` object.
    #[must_use]
    pub fn unavailable(&self) -> Option<&'static str> {
        match self {
            Self::Known(_) => None,
            Self::Pending => Some("pending"),
            Self::NotOffered => Some("not_offered"),
        }
    }
}

/// One look at an audience.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Audience {
    /// By ISO 3166 code.
    pub countries: Shares,
    /// By name.
    pub cities: Shares,
    /// By bucket, such as `25-34`.
    pub ages: Shares,
    /// `female`, `male`, `unknown`.
    pub genders: Shares,
    /// Followers online, by hour of the day in UTC (`00` to `23`).
    pub hours: Shares,
}

impl Audience {
    /// Whether nothing of it is offered.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_percent_of_what_was_told() {
        let counts = [("DE", 50), ("US", 125), ("FR", 25)].map(|(name, count)| (name.to_owned(), count));
        // By hand: 125, 50 and 25 of 200.
        let expected = [("US", 62.5), ("DE", 25.0), ("FR", 12.5)].map(|(name, share)| (name.to_owned(), share));
        assert_eq!(Shares::of_counts(counts.into()), Shares::Known(expected.into()));
        assert_eq!(Shares::of_counts(Vec::new()), Shares::Pending);
        let stored = serde_json::to_string(&Audience { cities: Shares::Pending, ..Audience::default() }).unwrap();
        assert!(stored.contains(r#""cities":"pending""#), "{stored}");
        assert!(serde_json::from_str::<Audience>(&stored).unwrap().countries == Shares::NotOffered);
    }
}
