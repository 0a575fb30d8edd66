//! The form of a file: UTF-8, a header, rows of one length, sound quoting. What stands in the cells comes later.

use cloud::http::ApiError;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The most rows of a file.
pub const MOST_ROWS: usize = 10_000;
/// The most columns.
const MOST_COLUMNS: usize = 200;
/// The largest header as a whole, in bytes.
const MOST_HEADER: usize = 20_000;
/// The largest row, in bytes as it is stored.
const MOST_ROW: usize = 200_000;
/// How many rows a chunk has at most.
const ROWS_PER_CHUNK: usize = 100;
/// How large a chunk is at most, in bytes as it is stored; an item of the table has at most 400 KB.
const BYTES_PER_CHUNK: usize = 280_000;

/// A row: its number, from 1 for the first one after the header, and its cells.
pub type Row = (u32, Vec<String>);

/// A file, or a chunk of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows that hold anything.
    pub rows: Vec<Row>,
}

/// A file that cannot be read.
#[must_use]
pub fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_csv", message)
}

impl Sheet {
    /// Reads a file. Rows without any content are left out; spreadsheets like to add them at the end.
    ///
    /// # Errors
    /// 400 `invalid_csv`, naming the row.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|_| invalid("The file is not UTF-8. Save it as CSV UTF-8."))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(invalid("The file is empty."));
        }
        quoting(text)?;
        let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(text.as_bytes());
        let broken = |error: csv::Error| invalid(format!("The file is not CSV: {error}"));
        let header: Vec<String> = reader.headers().map_err(broken)?.iter().map(|name| name.trim().to_owned()).collect();
        if header.len() > MOST_COLUMNS || header.iter().map(String::len).sum::<usize>() > MOST_HEADER {
            return Err(invalid(format!("The header is too large; there are at most {MOST_COLUMNS} columns.")));
        }
        let mut rows = Vec::new();
        for (number, record) in (1u32..).zip(reader.records()) {
            let record = record.map_err(broken)?;
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if record.len() != header.len() {
                let (has, should) = (record.len(), header.len());
                return Err(invalid(format!("Row {number} has {has} fields, and the header has {should}.")));
            }
            if rows.len() == MOST_ROWS {
                return Err(invalid(format!("A file has at most {MOST_ROWS} rows.")));
            }
            rows.push((number, record.iter().map(str::to_owned).collect()));
        }
        if rows.is_empty() { Err(invalid("The file has a header and no rows.")) } else { Ok(Self { header, rows }) }
    }

    /// The file in chunks, as JSON.
    ///
    /// # Errors
    /// 400 `invalid_csv` for a row that is too large.
    pub fn into_chunks(self) -> Result<Vec<String>, ApiError> {
        let mut chunks = Vec::new();
        let mut chunk = Self { header: self.header, rows: Vec::new() };
        let (head, mut bytes) = (chunk.json()?.len(), 0);
        for row in self.rows {
            let size = serde_json::to_string(&row).map_err(|error| ApiError::internal(error.to_string()))?.len() + 1;
            if size > MOST_ROW {
                return Err(invalid(format!("Row {} is larger than {} KB.", row.0, MOST_ROW / 1_000)));
            }
            if chunk.rows.len() == ROWS_PER_CHUNK || head + bytes + size > BYTES_PER_CHUNK {
                chunks.push(chunk.json()?);
                chunk.rows.clear();
                bytes = 0;
            }
            bytes += size;
            chunk.rows.push(row);
        }
        chunks.push(chunk.json()?);
        Ok(chunks)
    }

    fn json(&self) -> Result<String, ApiError> {
        serde_json::to_string(self).map_err(|error| ApiError::internal(error.to_string()))
    }
}

/// Where a scan for quotes stands.
#[derive(PartialEq, Eq)]
enum At {
    Start,
    Bare,
    Quoted,
    Closed,
}

/// Readers of CSV forgive a quote that is never closed by swallowing the rest of the file; a post must not.
fn quoting(text: &str) -> Result<(), ApiError> {
    let (mut at, mut line, mut opened) = (At::Start, 1u32, 1u32);
    for c in text.chars() {
        at = match (at, c) {
            (At::Quoted, '"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            (At::Start, '"') => {
                opened = line;
                At::Quoted
            }
            (At::Closed, '"') => At::Quoted,
            (_, ',' | '\n' | '\r') => At::Start,
            (At::Closed, _) => {
                return Err(invalid(format!(
                    "Line {line}: after a closing quote there must be a comma or the end of the line. A quote inside a \
                     quoted field is written twice."
                )));
            }
            (At::Start | At::Bare, _) => At::Bare,
        };
        line += u32::from(c == '\n');
    }
    if at == At::Quoted {
        return Err(invalid(format!("Line {opened}: a quote is opened and never closed.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        Sheet::read(text.as_bytes()).unwrap().rows
    }

    fn refused(bytes: &[u8]) -> String {
        let error = Sheet::read(bytes).unwrap_err();
        assert_eq!((error.status.as_u16(), error.code), (400, "invalid_csv"));
        error.message
    }

    fn owned(number: u32, cells: &[&str]) -> Row {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn quoted_line_breaks_quotes_commas_and_emoji_survive() {
        let text = "\u{feff}content,campaign\r\n\"Hello,\nthere \"\"you\"\" 👩‍👩‍👧\",spring\r\nplain 5\" pipe,\r\n";
        let expected = [owned(1, &["Hello,\nthere \"you\" 👩‍👩‍👧", "spring"]), owned(2, &["plain 5\" pipe", ""])];
        assert_eq!(rows(text), expected);
        assert_eq!(Sheet::read(text.as_bytes()).unwrap().header, ["content", "campaign"]);
    }

    #[test]
    fn rows_without_content_are_left_out_and_the_others_keep_their_number() {
        assert_eq!(rows("a,b\n,\n1,2\n , \n\n3,4\n,,,\n"), [owned(2, &["1", "2"]), owned(4, &["3", "4"])]);
    }

    #[test]
    fn each_broken_form_is_named() {
        for (text, says) in [
            ("", "The file is empty."),
            ("\u{feff} \r\n", "The file is empty."),
            ("a,b", "The file has a header and no rows."),
            ("a,b\n,\n", "The file has a header and no rows."),
            ("a,b\n1,2\n1\n", "Row 2 has 1 fields, and the header has 2."),
            ("a,b\n1,2,3\n", "Row 1 has 3 fields, and the header has 2."),
            ("a\nfine\n\"open\nmore\n", "Line 3: a quote is opened and never closed."),
            ("a,b\n\"1\"x,2\n", "Line 2: after a closing quote"),
        ] {
            let message = refused(text.as_bytes());
            assert!(message.starts_with(says), "{text:?}: {message}");
        }
        assert!(refused(b"a\n\xff\xfe\n").starts_with("The file is not UTF-8."));
        let many = format!("a\n{}", "x\n".repeat(MOST_ROWS + 1));
        assert_eq!(refused(many.as_bytes()), "A file has at most 10000 rows.");
        assert!(refused(format!("{}\nx\n", "a,".repeat(300)).as_bytes()).starts_with("The header is too large"));
    }

    #[test]
    fn chunks_hold_every_row_once_in_order_and_stay_small() {
        let text = format!(
            "a,b\n{}",
            (0..350).map(|n| format!("{n},{}\n", "é\"\"".repeat(n).replace("é\"\"", "é"))).collect::<String>()
        );
        let sheet = Sheet::read(text.as_bytes()).unwrap();
        let chunks = sheet.clone().into_chunks().unwrap();
        assert_eq!(chunks.len(), 4);
        let back: Vec<Sheet> = chunks.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(back.iter().flat_map(|chunk| chunk.rows.clone()).collect::<Vec<_>>(), sheet.rows);

        let large = format!("a\n{}", format!("{}\n", "x".repeat(100_000)).repeat(7));
        let chunks = Sheet::read(large.as_bytes()).unwrap().into_chunks().unwrap();
        assert_eq!(chunks.len(), 4);
        assert!(chunks.iter().all(|chunk| chunk.len() <= BYTES_PER_CHUNK));
        let error = Sheet::read(format!("a\n1\n{}\n", "x".repeat(MOST_ROW)).as_bytes()).unwrap().into_chunks();
        assert_eq!(error.unwrap_err().message, "Row 2 is larger than 200 KB.");
    }

    proptest! {
        #[test]
        fn whatever_a_csv_writer_wrote_reads_back(cells in proptest::collection::vec(proptest::collection::vec("\\PC{0,12}|[\",\n\r ]{0,6}", 3), 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            for row in &cells {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let kept: Vec<&Vec<String>> = cells.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect();
            match Sheet::read(&bytes) {
                Ok(sheet) => prop_assert_eq!(sheet.rows.iter().map(|(_, cells)| cells).collect::<Vec<_>>(), kept),
                Err(error) => prop_assert!(kept.is_empty(), "{}", error.message),
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Sheet::read(&bytes);
        }
    }
}
