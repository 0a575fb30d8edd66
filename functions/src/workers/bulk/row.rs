//! One row of a bulk job: the same path as `POST /api/social/posts`, with a line of the report in place of an answer.

use std::collections::HashMap;

use cloud::table::bulk::Job;
use cloud::table::deliveries::Delivery;
use cloud::table::{StoreError, n};
use cloud::work::{FENCED, Token};
use domain::content::Problem;
use domain::{Caller, PostId};
use ring::digest;

use crate::App;
use crate::posts::bulk::columns::{self, Column};
use crate::posts::bulk::lines::{RowProblemView, RowStatus, RowView, of_found};
use crate::posts::change;
use crate::posts::compose::{self, Author, When};

/// What a row is worked on with.
pub struct Work<'a> {
    /// What handlers work with.
    pub app: &'a App,
    /// The job.
    pub job: &'a Job,
    /// Who asked for it.
    pub caller: &'a Caller,
    /// The right to the chunk.
    pub token: &'a Token,
    /// The columns of the file.
    pub columns: &'a [Column],
}

/// What became of a row.
pub enum Done {
    /// No post.
    Line(RowView),
    /// A post, with its deliveries.
    Made(RowView, Vec<Delivery>),
    /// Another worker has the chunk; nothing was written.
    Lost,
}

/// The id of a row's post: of a row's two attempts only one can make it. Rows written in one moment keep their order.
#[must_use]
pub fn post_id(job: &Job, row: u32) -> PostId {
    let hash = digest::digest(&digest::SHA256, format!("{}#{row}", job.id).as_bytes());
    let own = hash.as_ref().iter().take(6).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    PostId::new(job.at, u64::from(row) << 48 | own)
}

/// The line of a row that ended its worker time and again.
#[must_use]
pub fn interrupted(row: u32) -> RowView {
    let message = "This row could not be worked on: it was interrupted five times. Create the post by itself.";
    RowView::new(row, RowStatus::Failed, None, vec![Problem::error("interrupted", "", message).into()])
}

impl Work<'_> {
    /// Works on a row.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot answer: the row is worked on again.
    pub async fn row(&self, number: u32, id: &PostId, cells: &[String]) -> Result<Done, StoreError> {
        // The occasion is the row: entries of the audit log that share it would be one.
        let request_id = format!("{}.{number}", self.job.id);
        let author = Author { caller: self.caller, now: self.job.at, request_id: &request_id, post: Some(id) };
        let (body, unread) = columns::body(self.columns, cells);
        let failed = |problems| Ok(Done::Line(RowView::new(number, RowStatus::Failed, None, problems)));
        let mut problems: Vec<RowProblemView> = unread.into_iter().map(RowProblemView::from).collect();
        // Without knowing whose it is and where it goes, little more can be said.
        if problems.iter().any(|p| matches!(p.field.as_str(), "talentId" | "platforms" | "connectionIds")) {
            problems.extend(of_found(&body.problems()));
            return failed(problems);
        }
        let composed = match compose::compose(self.app, &author, body, When::AsWritten).await {
            Ok(composed) => composed,
            Err(error) if error.status == http::StatusCode::SERVICE_UNAVAILABLE => {
                return Err(StoreError::Unavailable(error.internal.unwrap_or(error.message)));
            }
            Err(error) => {
                if let Some(internal) = &error.internal {
                    tracing::error!(job = self.job.id.as_str(), internal, "a row of a bulk job failed");
                }
                problems.push(Problem::error(error.code, "", error.message).into());
                return failed(problems);
            }
        };
        let refused = !problems.is_empty() || composed.refuse().is_err();
        problems.extend(of_found(&composed.found));
        if refused {
            return failed(problems);
        }
        let found = problems;
        if self.job.dry_run {
            return Ok(Done::Line(RowView::new(number, RowStatus::Valid, None, found)));
        }
        let held = HashMap::from([(":token".to_owned(), n(self.token.fence))]);
        let made = change::creation(self.app, &author, &composed.post, &composed.deliveries, "post.create")
            .map_err(|error| StoreError::Malformed(error.internal.unwrap_or(error.message)))?;
        let outcome = made.check("fence", (&self.token.pk, &self.token.sk), FENCED, held)?.commit().await?;
        if outcome.refusal("fence").is_some() {
            return Ok(Done::Lost);
        }
        // Refused because it is there: an attempt whose answer was lost.
        Ok(Done::Made(RowView::new(number, RowStatus::Created, Some(id), found), composed.deliveries))
    }
}

#[cfg(test)]
mod tests {
    use domain::{BulkId, Role, SubjectId, WorkspaceId};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_rows_post_has_the_same_id_each_time_and_rows_keep_their_order() {
        let at = Timestamp::from_millisecond(1_790_000_000_000).unwrap();
        let job = |random| Job {
            id: BulkId::new(at, random),
            workspace: WorkspaceId::parse("w").unwrap(),
            subject: SubjectId::parse("s").unwrap(),
            role: Role::Admin,
            talent: None,
            at,
            dry_run: false,
            total: 10_000,
            chunks: 100,
        };
        let ids: Vec<PostId> = (1..=10_000).map(|row| post_id(&job(7), row)).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]));
        assert_eq!(ids[41], post_id(&job(7), 42));
        assert_ne!(ids[41], post_id(&job(8), 42));
        assert_eq!(ids[41].written_at(), at);
        assert!(PostId::parse(ids[9_999].as_str()).is_ok());
    }
}
