//! Reads the figures of posts that are known, many at a time where the platform can, and an account's audience.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::Failure;
use domain::analytics::Audience;
use domain::publication::Metrics;

use crate::kit::{Access, Account, Context};
use crate::quota::Quota;

/// What is known about a platform's figures: data only.
#[derive(Debug, Clone, Copy)]
pub struct InsightFacts {
    /// How many posts one call answers for.
    pub batch: usize,
    /// How many calls of the platform an audience takes; 0 where there is none.
    pub audience_calls: u64,
    /// What one post in a call costs, in units of the quotas; 0 where a call costs one whatever it holds.
    pub units_per_post: u64,
    /// The quotas that bind first, and whose they are.
    pub quotas: &'static [Quota],
    /// How long after its time a figure may come, in hours, by the platform's own word.
    pub lag_hours: u32,
}

impl InsightFacts {
    /// The units of one call for `posts` posts.
    #[must_use]
    pub const fn units(&self, posts: usize) -> u64 {
        if self.units_per_post == 0 { 1 } else { self.units_per_post * posts as u64 }
    }
}

/// Reads figures.
#[async_trait]
pub trait Insights: Send + Sync {
    /// What is known about them.
    fn facts(&self) -> &'static InsightFacts;

    /// The figures of posts of the account, at most [`InsightFacts::batch`], by their ids. One that is not in the answer
    /// is not there any more.
    ///
    /// # Errors
    /// A [`Failure`]; reading has no effect.
    async fn posts(
        &self,
        cx: &Context<'_>,
        account: &Account<'_>,
        access: Access<'_>,
        ids: &[&str],
    ) -> Result<HashMap<String, Metrics>, Failure>;

    /// Who follows the account.
    ///
    /// # Errors
    /// A [`Failure`]; a right that is missing is no failure but an audience that is not offered.
    async fn audience(
        &self,
        _cx: &Context<'_>,
        _account: &Account<'_>,
        _access: Access<'_>,
    ) -> Result<Audience, Failure> {
        Ok(Audience::default())
    }
}
