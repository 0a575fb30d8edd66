//! Bulk jobs: a file of posts in chunks, each pending work of its own, and what became of each row.
//!
//! What the file holds and its chunks are stored before anything is due; the job row, written in the request's own
//! transaction, makes the job exist. Rows that a crash left without a job are never looked at, and go by TTL.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use domain::due::WorkKind;
use domain::{BulkId, Caller, Role, SubjectId, TalentId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, field, from_json, held, json, n, s};
use super::keys;
use super::transact::{Outcome, Transaction};
use crate::doorbell::Ring;
use crate::work::{self, FENCED, Finish, Token};

/// How long a job and its report are kept.
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many rows one batch writes at most.
const PER_BATCH: usize = 25;
/// How many bytes of text one batch writes at most.
const BYTES_PER_BATCH: usize = 4_000_000;

/// A job: who asked for what, and when. The rights are those of that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: BulkId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Who asked for it.
    pub subject: SubjectId,
    /// What they were.
    pub role: Role,
    /// The talent that they were.
    pub talent: Option<TalentId>,
    /// When they asked for it.
    pub at: Timestamp,
    /// Whether it only checks.
    pub dry_run: bool,
    /// How many rows it has.
    pub total: u32,
    /// How many chunks it has.
    pub chunks: u32,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Posts that were made.
    pub created: u32,
    /// Rows that only were checked, and are good.
    pub valid: u32,
    /// Rows with errors.
    pub failed: u32,
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The job.
    pub job: Job,
    /// What became of the rows of its finished chunks.
    pub counts: Counts,
    /// How many chunks are not finished.
    pub left: u32,
}

/// A chunk that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its job.
    pub job: Job,
    /// Its number.
    pub number: u32,
    /// What the file holds for it.
    pub text: String,
    /// The lines that an interrupted worker has left, as JSON.
    pub lines: Option<String>,
}

impl Job {
    /// The caller who asked for it.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            workspace: self.workspace.clone(),
            subject: self.subject.clone(),
            role: self.role,
            talent: self.talent.clone(),
        }
    }

    fn pk(&self) -> String {
        keys::bulk_pk(&self.workspace, &self.id)
    }

    fn row(&self, sk: String) -> Item {
        let ends_at = self.at.saturating_add(LIFE).unwrap_or(self.at);
        HashMap::from([
            ("pk".to_owned(), s(self.pk())),
            ("sk".to_owned(), s(sk)),
            ("v".to_owned(), n(keys::SCHEMA_VERSION)),
            ("workspace".to_owned(), s(self.workspace.as_str())),
            ("ttl".to_owned(), n(ends_at.as_second())),
        ])
    }

    /// The ring that spreads its chunks.
    #[must_use]
    pub fn ring(&self) -> Ring {
        Ring { kind: WorkKind::Bulk, pk: self.pk(), sk: keys::BULK_JOB_SK.to_owned() }
    }

    /// The ring for one of its chunks.
    #[must_use]
    pub fn chunk_ring(&self, chunk: u32) -> Ring {
        Ring { kind: WorkKind::Bulk, pk: self.pk(), sk: keys::bulk_chunk_sk(chunk) }
    }
}

/// Stores what the file holds, one text a chunk, and the chunks; nothing of it is due.
///
/// # Errors
/// [`StoreError`]; what was stored belongs to no job.
pub async fn store(table: &Table, job: &Job, texts: Vec<String>) -> Result<(), StoreError> {
    let mut batch = (Vec::new(), 0);
    for (number, text) in (0u32..).zip(texts) {
        batch.1 += text.len();
        let mut held = job.row(keys::bulk_text_sk(number));
        held.insert("text".to_owned(), s(text));
        let mut chunk = job.row(keys::bulk_chunk_sk(number));
        chunk.insert("chunk".to_owned(), n(number));
        chunk.insert("job".to_owned(), s(job.id.as_str()));
        for item in [held, chunk] {
            batch
                .0
                .push(WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build()?).build());
        }
        if batch.0.len() + 2 > PER_BATCH || batch.1 > BYTES_PER_BATCH {
            write(table, std::mem::take(&mut batch.0)).await?;
            batch.1 = 0;
        }
    }
    if batch.0.is_empty() { Ok(()) } else { write(table, batch.0).await }
}

async fn write(table: &Table, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
    let mut wait = Duration::from_millis(50);
    for _ in 0..7 {
        let answer = table.client.batch_write_item().request_items(&table.name, requests).send().await?;
        requests = answer.unprocessed_items.and_then(|mut by| by.remove(&table.name)).unwrap_or_default();
        if requests.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    Err(StoreError::Unavailable("rows were left unwritten".to_owned()))
}

/// Adds the job to a transaction (label `job`), due at once: its first work is to make its chunks due.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn begin<'a>(transaction: Transaction<'a>, table: &Table, job: &Job) -> Result<Transaction<'a>, StoreError> {
    let mut item = job.row(keys::BULK_JOB_SK.to_owned());
    item.insert("job".to_owned(), json(job)?);
    item.insert("left".to_owned(), n(job.chunks));
    for count in ["created", "valid", "failed"] {
        item.insert(count.to_owned(), n(0));
    }
    item.extend(work::due_attributes(table, WorkKind::Bulk, job.id.as_str(), job.at));
    transaction.put_new("job", item, None)
}

/// How a job stands.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, workspace: &WorkspaceId, id: &BulkId) -> Result<Option<Standing>, StoreError> {
    table.get(&keys::bulk_pk(workspace, id), keys::BULK_JOB_SK).await?.map(|item| standing(&item)).transpose()
}

/// Reads a job row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn standing(item: &Item) -> Result<Standing, StoreError> {
    let counts =
        Counts { created: field(item, "created")?, valid: field(item, "valid")?, failed: field(item, "failed")? };
    Ok(Standing { job: demand(from_json(item, "job")?, "job")?, counts, left: field(item, "left")? })
}

/// Makes a chunk due, unless it has been before: a repeat after a crash starts nothing twice.
///
/// # Errors
/// [`StoreError`].
pub async fn spread(table: &Table, job: &Job, chunk: u32, now: Timestamp) -> Result<(), StoreError> {
    let row_id = format!("{}#{chunk}", job.id);
    let due = work::due_attributes(table, WorkKind::Bulk, &row_id, now);
    let expression: Vec<String> = due.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
    let sent = table
        .client
        .update_item()
        .table_name(&table.name)
        .key("pk", s(job.pk()))
        .key("sk", s(keys::bulk_chunk_sk(chunk)))
        .update_expression(format!("SET {}", expression.join(", ")))
        // A finished chunk is gone, and one that was started has a fence.
        .condition_expression("attribute_exists(pk) AND attribute_not_exists(fence)")
        .set_expression_attribute_values(Some(
            due.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
        ))
        .send()
        .await;
    held(sent).map(drop)
}

/// Reads what a worker needs for a chunk row that it has claimed; `None` when the job is gone.
///
/// # Errors
/// [`StoreError`].
pub async fn chunk(table: &Table, item: &Item) -> Result<Option<Chunk>, StoreError> {
    let (pk, number): (String, u32) = (field(item, "pk")?, field(item, "chunk")?);
    let wanted = [keys::BULK_JOB_SK.to_owned(), keys::bulk_text_sk(number), keys::bulk_report_sk(number)];
    let rows = table.get_many(&wanted.clone().map(|sk| (pk.clone(), sk))).await?;
    let found = |sk: &String| rows.iter().find(|row| row.get("sk").and_then(|value| value.as_s().ok()) == Some(sk));
    let [job, text, lines] = wanted.each_ref().map(found);
    let (Some(job), Some(text)) = (job, text) else { return Ok(None) };
    let lines = lines.map(|row| field(row, "lines")).transpose()?;
    Ok(Some(Chunk { job: standing(job)?.job, number, text: field(text, "text")?, lines }))
}

/// Keeps what became of the rows so far, under the chunk's token; answers false when that is lost.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(
    table: &Table,
    token: &Token,
    chunk: &Chunk,
    lines: String,
    finish: Finish,
) -> Result<bool, StoreError> {
    let (expression, condition, names, values) = finish.parts(token);
    let mut report = chunk.job.row(keys::bulk_report_sk(chunk.number));
    report.insert("lines".to_owned(), s(lines));
    report.insert("partial".to_owned(), aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    let change = table
        .transaction()
        .update("chunk", (&token.pk, &token.sk), &expression, Some(condition), names, values)?
        .put("report", report)?;
    Ok(change.commit().await?.is_done())
}

/// Ends a chunk under its token: its report stands, its counts are added to the job's, and chunk and text are gone.
/// Answers false when the token is lost.
///
/// # Errors
/// [`StoreError`].
pub async fn end(
    table: &Table,
    token: &Token,
    chunk: &Chunk,
    lines: String,
    counts: Counts,
) -> Result<bool, StoreError> {
    let mut report = chunk.job.row(keys::bulk_report_sk(chunk.number));
    report.insert("lines".to_owned(), s(lines));
    let names = ["created", "valid", "failed", "left"].map(|name| (format!("#{name}"), name.to_owned()));
    let values = [(":created", counts.created), (":valid", counts.valid), (":failed", counts.failed), (":one", 1)];
    let change = table
        .transaction()
        .delete("chunk", (&token.pk, &token.sk), Some((FENCED, HashMap::from([(":token".to_owned(), n(token.fence))]))))?
        .delete("text", (&token.pk, &keys::bulk_text_sk(chunk.number)), None)?
        .put("report", report)?
        .update(
            "job",
            (&token.pk, keys::BULK_JOB_SK),
            "SET #created = #created + :created, #valid = #valid + :valid, #failed = #failed + :failed, #left = #left - :one",
            Some("attribute_exists(pk)"),
            names.into(),
            values.map(|(name, count)| (name.to_owned(), n(count))).into(),
        )?;
    match change.commit().await? {
        Outcome::Done => Ok(true),
        Outcome::Refused(_) => Ok(false),
    }
}

/// Removes a chunk whose job is gone.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(table: &Table, token: &Token) -> Result<(), StoreError> {
    let held = HashMap::from([(":token".to_owned(), n(token.fence))]);
    table.transaction().delete("chunk", (&token.pk, &token.sk), Some((FENCED, held)))?.commit().await?;
    Ok(())
}

/// A few finished parts of a report, by chunk, from the chunk `from` on; and whether there may be more.
///
/// # Errors
/// [`StoreError`].
pub async fn report(
    table: &Table,
    workspace: &WorkspaceId,
    id: &BulkId,
    from: u32,
    most: i32,
) -> Result<(Vec<(u32, String)>, bool), StoreError> {
    let answer = table
        .client
        .query()
        .table_name(&table.name)
        .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
        .expression_attribute_values(":pk", s(keys::bulk_pk(workspace, id)))
        .expression_attribute_values(":from", s(keys::bulk_report_sk(from)))
        .expression_attribute_values(":to", s(format!("{}~", keys::BULK_REPORT_PREFIX)))
        .consistent_read(true)
        .limit(most)
        .send()
        .await?;
    let mut parts = Vec::new();
    for item in answer.items.unwrap_or_default() {
        let sk: String = field(&item, "sk")?;
        let number = sk.strip_prefix(keys::BULK_REPORT_PREFIX).and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| StoreError::Malformed(format!("{sk} is no part of a report")))?;
        // A part that is still being written is told by its number alone, so that the reader goes on after it.
        let lines = if item.contains_key("partial") { "[]".to_owned() } else { field(&item, "lines")? };
        parts.push((number, lines));
    }
    Ok((parts, answer.last_evaluated_key.is_some()))
}
