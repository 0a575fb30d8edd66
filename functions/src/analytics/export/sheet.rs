//! A table that opens right in a spreadsheet: UTF-8 with its mark, lines by RFC 4180, and no text that is run as a formula.

use crate::analytics::posts::PublicationView;

/// The columns.
const HEAD: [&str; 19] = [
    "platform",
    "posted_at",
    "media_type",
    "post_type",
    "caption",
    "url",
    "impressions",
    "reach",
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "engagement",
    "engagement_rate_percent",
    "rate_base",
    "not_reported_yet",
    "external_id",
    "figures_as_of",
];

/// Writes the table of posts. A figure that is not there is an empty cell; `not_reported_yet` names those that are still to come.
///
/// # Errors
/// None for well-formed text; the writer's own otherwise.
pub fn write(posts: &[PublicationView]) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEAD)?;
    for post in posts {
        let (figures, count) = (&post.figures, |count: Option<u64>| count.map(|n| n.to_string()).unwrap_or_default());
        let late = figures.unavailable.iter().filter(|(_, why)| **why == "pending").map(|(name, _)| *name);
        let base = serde_json::to_value(figures.rate_base).ok().and_then(|base| base.as_str().map(str::to_owned));
        let media = serde_json::to_value(post.media_type).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        writer.write_record([
            post.platform.to_owned(),
            post.posted_at.to_string(),
            media.unwrap_or_default(),
            text(post.post_type.as_deref()),
            text(post.caption.as_deref()),
            text(post.url.as_deref()),
            count(figures.impressions),
            count(figures.reach),
            count(figures.views),
            count(figures.likes),
            count(figures.comments),
            count(figures.shares),
            count(figures.saves),
            count(figures.engagement),
            figures.engagement_rate.map(|rate| rate.to_string()).unwrap_or_default(),
            base.unwrap_or_default(),
            late.collect::<Vec<_>>().join(" "),
            // A long number would lose its last digits as one.
            format!("'{}", post.external_id),
            post.last_synced_at.to_string(),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    // The mark tells spreadsheets that it is UTF-8.
    Ok(format!("\u{feff}{}", String::from_utf8_lossy(&bytes)))
}

/// Text of a person. One that a spreadsheet would run gets an apostrophe in front, which it shows as text.
fn text(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let runs = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    if text.trim_start_matches([' ', '\u{a0}', '\u{feff}']).starts_with(runs) {
        return format!("'{text}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use domain::MediaType;

    use super::*;
    use crate::analytics::shown::FiguresView;

    fn post(caption: &str) -> PublicationView {
        PublicationView {
            id: "c:1".to_owned(),
            platform: "INSTAGRAM",
            connection_id: "c".to_owned(),
            external_id: "17959000000000001".to_owned(),
            url: Some("https://www.instagram.com/p/x/".to_owned()),
            caption: Some(caption.to_owned()),
            media_type: MediaType::Image,
            post_type: Some("FEED".to_owned()),
            media_url: None,
            thumbnail_url: None,
            posted_at: "2026-11-01T12:00:00Z".parse().unwrap(),
            figures: FiguresView {
                likes: Some(80),
                unavailable: [("reach", "pending"), ("impressions", "not_offered")].into(),
                ..FiguresView::default()
            },
            last_synced_at: "2026-11-02T12:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =cmd|' /C calc'!A0", "\u{feff}=1", "＝1+1"] {
            assert_eq!(text(Some(formula)), format!("'{formula}"), "{formula:?}");
        }
        for plain in ["Zoë 東京 🍜", "a=b", "#coffee", "1-2", ""] {
            assert_eq!(text(Some(plain)), plain);
        }
    }

    #[test]
    fn a_table_reads_back_with_every_character() {
        let caption = "Two lines,\n\"quoted\"; 👩‍🍳 مطبخ";
        let table = write(&[post(caption), post("=HYPERLINK(\"x\")")]).unwrap();
        assert!(table.starts_with("\u{feff}platform,posted_at,") && table.contains("\r\n"));
        let mut reader = csv::Reader::from_reader(table.trim_start_matches('\u{feff}').as_bytes());
        assert_eq!(reader.headers().unwrap().len(), HEAD.len());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((&rows[0][4], &rows[1][4]), (caption, "'=HYPERLINK(\"x\")"));
        // An empty cell is not a zero, and what is still to come is named.
        assert_eq!((&rows[0][9], &rows[0][7], &rows[0][16]), ("80", "", "reach"));
    }
}
