//! What is wrong with a post: all of it at once, each with its platform, its account and its field.

use cloud::http::ApiError;
use domain::content::{Problem, Severity};
use domain::{ConnectionId, Platform};
use http::StatusCode;

use super::view::ProblemView;

/// Something wrong with a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The platform whose rule it is; `None`: nobody's in particular.
    pub platform: Option<Platform>,
    /// The account that it is about; `None`: every account there, or none in particular.
    pub connection: Option<ConnectionId>,
    /// What it is.
    pub problem: Problem,
    /// The status and the code of a refusal for this alone.
    answer: (StatusCode, &'static str),
}

/// The answer to a post that only a platform's rule forbids; a draft may be so.
const BY_RULE: (StatusCode, &str) = (StatusCode::UNPROCESSABLE_ENTITY, "invalid_post");

impl Found {
    /// A platform's rule that is missed, or a warning. A draft may miss it.
    #[must_use]
    pub fn rule(platform: Platform, connection: Option<ConnectionId>, problem: Problem) -> Self {
        Self { platform: Some(platform), connection, problem, answer: BY_RULE }
    }

    /// A request that cannot be meant: 400 with the problem's own code.
    #[must_use]
    pub fn request(code: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        let problem = Problem::error(code, field, message);
        Self { platform: None, connection: None, problem, answer: (StatusCode::BAD_REQUEST, code) }
    }

    /// A file that cannot be looked at, which no post may have, not even a draft.
    #[must_use]
    pub fn media(problem: Problem) -> Self {
        let answer = (StatusCode::UNPROCESSABLE_ENTITY, "media_refused");
        Self { platform: None, connection: None, problem, answer }
    }

    /// What another part refuses, as a problem of `field`.
    #[must_use]
    pub fn refusal(error: &ApiError, field: &str) -> Self {
        let problem = Problem::error(error.code, field, error.message.clone());
        Self { platform: None, connection: None, problem, answer: (error.status, error.code) }
    }

    /// The same about an account, or every account on a platform.
    #[must_use]
    pub fn about(self, platform: Platform, connection: Option<&ConnectionId>) -> Self {
        Self { platform: Some(platform), connection: connection.cloned(), ..self }
    }

    /// The same about an account of which only its id is known.
    #[must_use]
    pub fn of_account(self, connection: &ConnectionId) -> Self {
        Self { connection: Some(connection.clone()), ..self }
    }

    /// Whether it forbids a post to go out.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.problem.severity == Severity::Error
    }

    /// Whether it forbids even a draft.
    fn forbids_a_draft(&self) -> bool {
        self.is_error() && self.answer != BY_RULE
    }
}

/// Refuses a post for what was found, all of it at once. Status, code and sentence are those of the first error.
///
/// # Errors
/// 400, 404, 422 `media_refused`, 422 `invalid_post`, with `problems`.
pub fn refuse(found: &[Found], is_draft: bool) -> Result<(), ApiError> {
    let forbids = |found: &&Found| if is_draft { found.forbids_a_draft() } else { found.is_error() };
    let Some(first) = found.iter().find(forbids) else { return Ok(()) };
    let message = match first.platform.filter(|_| first.answer == BY_RULE) {
        Some(platform) => format!("{platform}: {}", first.problem.message),
        None => first.problem.message.clone(),
    };
    let (status, code) = first.answer;
    let mut error = ApiError::new(status, code, message);
    error.problems = serde_json::to_value(views(found)).ok();
    Err(error)
}

/// What was found, as the API shows it.
#[must_use]
pub fn views(found: &[Found]) -> Vec<ProblemView> {
    found.iter().map(ProblemView::from).collect()
}

/// The warnings among what was found.
#[must_use]
pub fn warnings(found: &[Found]) -> Vec<ProblemView> {
    found.iter().filter(|found| !found.is_error()).map(ProblemView::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_everything_and_is_that_of_the_first_error() {
        let warning = Found::rule(Platform::Tiktok, None, Problem::warning("privacy_not_chosen", "options", "Choose."));
        let rule = Found::rule(Platform::Bluesky, None, Problem::error("too_long", "content", "It is too long."));
        let media = Found::media(Problem::error("media_unreachable", "mediaUrls[0]", "It is not there."));
        let time = Found::request("invalid_time", "scheduledAt", "scheduledAt is in the past.");
        assert!(refuse(std::slice::from_ref(&warning), false).is_ok());

        let error = refuse(&[warning.clone(), rule.clone()], false).unwrap_err();
        assert_eq!((error.status.as_u16(), error.code), (422, "invalid_post"));
        assert_eq!(error.message, "BLUESKY: It is too long.");
        assert!(refuse(&[warning.clone(), rule.clone()], true).is_ok(), "a draft may be unfinished");

        let error = refuse(&[warning, time, media.clone(), rule.clone()], false).unwrap_err();
        assert_eq!((error.status.as_u16(), error.code), (400, "invalid_time"));
        let all = error.problems.unwrap();
        let codes: Vec<_> = all.as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["privacy_not_chosen", "invalid_time", "media_unreachable", "too_long"]);
        assert_eq!(refuse(&[rule, media], true).unwrap_err().code, "media_refused");
    }
}
