//! The columns of a file, and what a row's cells say as the body of a post.

use cloud::http::ApiError;
use domain::content::Problem;
use domain::{ConnectionId, Platform, TalentId};
use platforms::Platforms;
use platforms::publish::OptionForm;
use serde_json::Value;

use super::sheet::invalid;
use crate::posts::body::PostBody;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// A field of the body, by its name there.
    Field(&'static str),
    /// `options.<PLATFORM>.<name>`
    Option(Platform, &'static str, Form),
    /// `overrides.<PLATFORM>.content`
    Override(Platform),
}

/// How an option's text becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it stands.
    Text,
    /// `true` or `false`.
    Flag,
    /// A JSON list, or texts with `|` between them.
    Texts,
    /// JSON.
    Json,
}

impl From<OptionForm> for Form {
    fn from(form: OptionForm) -> Self {
        match form {
            OptionForm::Flag => Self::Flag,
            OptionForm::Texts(_) => Self::Texts,
            OptionForm::Object => Self::Json,
            OptionForm::Text(_) | OptionForm::OneOf(_) => Self::Text,
        }
    }
}

const FIELDS: [&str; 10] = [
    "talentId",
    "content",
    "platforms",
    "connectionIds",
    "mediaUrls",
    "scheduledAt",
    "timezone",
    "campaign",
    "hashtags",
    "lateAfterMinutes",
];

/// Reads a header.
///
/// # Errors
/// 400 `invalid_csv` that names the column that there is not, or that stands twice.
pub fn columns(platforms: &Platforms, header: &[String]) -> Result<Vec<Column>, ApiError> {
    let mut columns = Vec::with_capacity(header.len());
    for name in header {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let column = column(platforms, name).ok_or_else(|| {
            let fields = FIELDS.join(", ");
            invalid(format!(
                "There is no column {shown:?}. Columns are {fields}, options.<PLATFORM>.<name> and overrides.<PLATFORM>.content."
            ))
        })?;
        if columns.contains(&column) {
            return Err(invalid(format!("The column {shown:?} stands twice.")));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn column(platforms: &Platforms, name: &str) -> Option<Column> {
    if let Some(field) = FIELDS.into_iter().find(|field| *field == name) {
        return Some(Column::Field(field));
    }
    let mut parts = name.splitn(3, '.');
    let (area, platform, rest) = (parts.next()?, parts.next()?.parse::<Platform>().ok()?, parts.next()?);
    let facts = platforms.get(platform)?.publish.as_ref()?.facts();
    match area {
        "overrides" if rest == "content" => Some(Column::Override(platform)),
        "options" => {
            let own = facts.options.iter().find(|option| option.name == rest);
            match (own, rest, facts.follow_ups) {
                (Some(option), ..) => Some(Column::Option(platform, option.name, option.form.into())),
                (None, "firstComment", 1..) => Some(Column::Option(platform, "firstComment", Form::Text)),
                (None, "thread", 2..) => Some(Column::Option(platform, "thread", Form::Texts)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What the cells of a row say, and what cannot be read of them. An empty cell says nothing.
#[must_use]
pub fn body(columns: &[Column], cells: &[String]) -> (PostBody, Vec<Problem>) {
    let mut body = PostBody::default();
    let mut problems = Vec::new();
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty()) {
        let text = cell.trim();
        match *column {
            Column::Field(name) => {
                if let Err(message) = field(&mut body, name, cell) {
                    problems.push(Problem::error("invalid_field", name, message));
                }
            }
            Column::Override(platform) => body.overrides.entry(platform).or_default().content = Some(cell.clone()),
            Column::Option(platform, name, form) => {
                body.options.entry(platform).or_default().insert(name.to_owned(), value(form, text));
            }
        }
    }
    (body, problems)
}

fn field(body: &mut PostBody, name: &str, cell: &str) -> Result<(), String> {
    let text = cell.trim();
    match name {
        "talentId" => body.talent_id = Some(TalentId::parse(text).map_err(|error| error.to_string())?),
        "content" => cell.clone_into(&mut body.content),
        "platforms" => {
            body.platforms = words(text)
                .map(|word| word.parse().map_err(|error: domain::platform::UnknownPlatform| error.to_string()))
                .collect::<Result<_, String>>()?;
        }
        "connectionIds" => {
            body.connection_ids = words(text)
                .map(|word| ConnectionId::parse(word).map_err(|error| error.to_string()))
                .collect::<Result<_, String>>()?;
        }
        "mediaUrls" => body.media_urls = addresses(text),
        "scheduledAt" => body.scheduled_at = Some(text.to_owned()),
        "timezone" => body.timezone = Some(text.to_owned()),
        "campaign" => body.campaign = Some(text.to_owned()),
        "hashtags" => body.hashtags = words(text).map(str::to_owned).collect(),
        "lateAfterMinutes" => {
            body.late_after_minutes =
                Some(text.parse().map_err(|_| "lateAfterMinutes must be a whole number.".to_owned())?);
        }
        other => return Err(format!("There is no column {other}.")),
    }
    Ok(())
}

/// Words of a list: between `|`, `,`, `;` or blanks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '|' | ',' | ';')).filter(|word| !word.is_empty())
}

/// Addresses of a list: between `|` or blanks; a comma or a semicolon may be part of one.
fn addresses(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '|').filter(|url| !url.is_empty()).map(str::to_owned).collect()
}

/// An option's value. What is not of its form stays a text, and the platform's rules name it.
fn value(form: Form, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    let json = || serde_json::from_str(text).unwrap_or_else(|_| as_text());
    match form {
        Form::Text => as_text(),
        Form::Flag => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => as_text(),
        },
        Form::Json => json(),
        Form::Texts if text.starts_with('[') => json(),
        Form::Texts => {
            let texts = text.split('|').map(str::trim).filter(|text| !text.is_empty());
            Value::Array(texts.map(|text| Value::String(text.to_owned())).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(names: &[&str]) -> Result<Vec<Column>, ApiError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        columns(&Platforms::default(), &names)
    }

    fn read(pairs: &[(&str, &str)]) -> (PostBody, Vec<Problem>) {
        let columns = header(&pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>()).unwrap();
        body(&columns, &pairs.iter().map(|(_, cell)| (*cell).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_column_finds_its_place_in_the_body() {
        let (body, problems) = read(&[
            ("talentId", " ann "),
            ("content", " keeps its blanks\n"),
            ("platforms", "bluesky|X, mastodon"),
            ("connectionIds", "conn_ann_BLUESKY_1; conn_ann_X_2".replace("_X_", "_TWITTER_").as_str()),
            ("mediaUrls", "https://a.example/1.jpg?a=1,2;b | https://b.example/2.jpg\nhttps://c.example/3.jpg"),
            ("scheduledAt", "2026-11-05T09:00:00"),
            ("timezone", "Europe/Madrid"),
            ("campaign", "spring"),
            ("hashtags", "#coffee latte,art"),
            ("lateAfterMinutes", "30"),
            ("options.YOUTUBE.title", "2024"),
            ("options.youtube.madeForKids", "FALSE"),
            ("options.YOUTUBE.tags", "one | two words"),
            ("options.X.poll", r#"{"options":["Yes","No"],"durationMinutes":60}"#),
            ("overrides.MASTODON.content", "other"),
        ]);
        assert_eq!(problems, []);
        assert_eq!(body.talent_id.unwrap().as_str(), "ann");
        assert_eq!(body.content, " keeps its blanks\n");
        assert_eq!(body.platforms, [Platform::Bluesky, Platform::Twitter, Platform::Mastodon]);
        assert_eq!(body.connection_ids.len(), 2);
        let urls = ["https://a.example/1.jpg?a=1,2;b", "https://b.example/2.jpg", "https://c.example/3.jpg"];
        assert_eq!(body.media_urls, urls);
        assert_eq!(body.hashtags, ["#coffee", "latte", "art"]);
        assert_eq!(body.late_after_minutes, Some(30));
        let youtube = json!({"title": "2024", "madeForKids": false, "tags": ["one", "two words"]});
        assert_eq!(json!(body.options[&Platform::Youtube]), youtube);
        assert_eq!(body.options[&Platform::Twitter]["poll"]["durationMinutes"], 60);
        assert_eq!(body.overrides[&Platform::Mastodon].content.as_deref(), Some("other"));
    }

    #[test]
    fn every_cell_that_cannot_be_read_is_named() {
        let (body, problems) = read(&[
            ("talentId", "a b"),
            ("platforms", "myspace"),
            ("connectionIds", "x"),
            ("lateAfterMinutes", "soon"),
        ]);
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["talentId", "platforms", "connectionIds", "lateAfterMinutes"]);
        assert_eq!(body.talent_id, None);
    }

    #[test]
    fn a_column_that_there_is_not_or_that_stands_twice_is_named() {
        for name in [
            "",
            "Content",
            "text",
            "options.YOUTUBE",
            "options.MYSPACE.title",
            "options.YOUTUBE.nonsense",
            "overrides.MASTODON.mediaUrls",
            "options.YOUTUBE.title.more",
        ] {
            let error = header(&["content", name]).unwrap_err();
            assert_eq!(error.code, "invalid_csv");
            assert!(error.message.starts_with(&format!("There is no column {name:?}.")), "{}", error.message);
        }
        let twice = header(&["options.X.poll", "options.TWITTER.poll"]).unwrap_err();
        assert_eq!(twice.message, "The column \"options.TWITTER.poll\" stands twice.");
    }
}
