//! The report of a bulk job, line by line.

use domain::PostId;
use domain::content::{Problem, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::posts::found::Found;

/// The most problems that a line shows.
const MOST_PROBLEMS: usize = 20;
/// The largest line in bytes: a hundred of them are one row of the table.
const MOST_LINE: usize = 3_000;
/// The longest sentence of a problem that a line shows, in characters.
const MOST_MESSAGE: usize = 400;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowStatus {
    /// There is a post.
    Created,
    /// It was only checked, and is good.
    Valid,
    /// It has errors; no post.
    Failed,
}

/// What became of a row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowView {
    /// Its number, from 1 for the first row after the header.
    pub row: u32,
    /// `created`, `valid` (of a dry run) or `failed`.
    #[schema(value_type = String)]
    pub status: RowStatus,
    /// The post that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub post_id: Option<PostId>,
    /// What is wrong with it, all at once, and what a person may want to know.
    pub problems: Vec<RowProblemView>,
}

/// Something wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowProblemView {
    /// `error` or `warning`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// The platform whose rule it is; `null` when it is nobody's in particular.
    pub platform: Option<String>,
    /// The column; empty when it is the row as a whole.
    pub field: String,
    /// For a program.
    pub code: String,
    /// For a person.
    pub message: String,
}

impl From<Problem> for RowProblemView {
    fn from(Problem { severity, code, field, message }: Problem) -> Self {
        let message = match message.char_indices().nth(MOST_MESSAGE) {
            Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
            None => message,
        };
        Self { severity, platform: None, field, code, message }
    }
}

impl RowView {
    /// The line of a row; what would make it too long is counted instead of shown.
    #[must_use]
    pub fn new(row: u32, status: RowStatus, post_id: Option<&PostId>, problems: Vec<RowProblemView>) -> Self {
        let mut line = Self { row, status, post_id: post_id.cloned(), problems };
        let all = line.problems.len();
        line.problems.truncate(MOST_PROBLEMS);
        while line.problems.len() > 1 && serde_json::to_string(&line).map_or(0, |text| text.len()) > MOST_LINE {
            line.problems.pop();
        }
        let hidden = all - line.problems.len();
        if hidden > 0 {
            let message = format!("There are {hidden} more problems with this row.");
            line.problems.push(Problem::error("more_problems", "", message).into());
        }
        line
    }
}

/// What was found wrong with a post.
#[must_use]
pub fn of_found(found: &[Found]) -> Vec<RowProblemView> {
    let view = |found: &Found| RowProblemView {
        platform: found.platform.map(|platform| platform.to_string()),
        ..found.problem.clone().into()
    };
    found.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_many_long_problems_stays_small_and_says_how_many_there_are() {
        let problem: RowProblemView = Problem::error("too_long", "content", "é".repeat(5_000)).into();
        assert_eq!(problem.message.chars().count(), MOST_MESSAGE + 1);
        let line = RowView::new(7, RowStatus::Failed, None, vec![problem; 40]);
        assert!(serde_json::to_string(&line).unwrap().len() < MOST_LINE + 200);
        let told = &line.problems.last().unwrap().message;
        assert_eq!(*told, format!("There are {} more problems with this row.", 41 - line.problems.len()));
    }
}
