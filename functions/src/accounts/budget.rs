//! How long a request may wait for platforms: the API answers for itself, before API Gateway does after 30 s.

use std::time::Duration;

use domain::{Failure, Kind};
use tokio::time::Instant;

/// For everything that a request asks platforms.
const ASKING: Duration = Duration::from_secs(22);
/// For giving tokens back after that.
const GIVING_BACK: Duration = Duration::from_secs(4);

/// The time of one request.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    ends: Instant,
}

impl Budget {
    /// The time of a request that begins now.
    #[must_use]
    pub fn of_request() -> Self {
        Self { ends: Instant::now() + ASKING }
    }

    /// Waits for `call` as long as time is left; after that, `late` makes the error of a platform that does not answer.
    ///
    /// # Errors
    /// Those of `call`, and `late`.
    pub async fn within<T, E>(
        self,
        late: impl FnOnce(Failure) -> E,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let no_time_left = || Failure::new(Kind::ProviderDown, "no time left in this request").maybe_applied();
        tokio::time::timeout_at(self.ends, call).await.unwrap_or_else(|_| Err(late(no_time_left())))
    }

    /// Gives tokens back, in time that is kept for it.
    ///
    /// # Errors
    /// Those of `call`, and that no time is left.
    pub async fn giving_back(self, call: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        Self { ends: self.ends + GIVING_BACK }.within(std::convert::identity, call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_platform_that_does_not_answer_is_not_waited_for_and_tokens_are_given_back_all_the_same() {
        let spent = Budget { ends: Instant::now() + Duration::from_millis(5) };
        let late = spent.within(std::convert::identity, std::future::pending::<Result<(), Failure>>()).await;
        assert_eq!(late.unwrap_err().kind, Kind::ProviderDown);
        let call = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(())
        };
        assert_eq!(spent.giving_back(call).await, Ok(()));
        assert_eq!(spent.within(std::convert::identity, async { Ok(1) }).await, Ok(1), "what is there is taken");
    }

    #[test]
    fn a_request_ends_before_its_function_does() {
        assert!(ASKING + GIVING_BACK < Duration::from_secs(28));
    }
}
