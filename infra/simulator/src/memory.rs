//! What the world still knows after a restart, in a file: each change is a line at its end, so whatever kills the
//! process costs no more than the last one.
//!
//! A line is a kind, a key and a JSON value; the last line of a key counts, and `null` takes it back. At a start the
//! file is written anew with the lines that count.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::Value;

use crate::state::lock;

/// Something that was written down by an earlier start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// The file; without one nothing is written down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Option<Arc<Mutex<File>>>);

impl Memory {
    /// Opens the file, and answers what is in it, the oldest first.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Line>)> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let (mut lines, mut places) = (Vec::<Line>::new(), HashMap::new());
        // A line that was cut off is not there.
        for line in text.lines().filter_map(read) {
            match places.get(&(line.kind.clone(), line.key.clone())) {
                Some(at) => lines[*at] = line,
                None => {
                    places.insert((line.kind.clone(), line.key.clone()), lines.len());
                    lines.push(line);
                }
            }
        }
        lines.retain(|line| !line.value.is_null());
        // Beside it first, so that a process killed in between leaves the old one.
        let beside = path.with_added_extension("new");
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        let all: String = lines.iter().map(|line| written(&line.kind, &line.key, &line.value)).collect();
        file.write_all(all.as_bytes())?;
        fs::rename(&beside, path)?;
        let file = File::options().append(true).open(path)?;
        Ok((Self(Some(Arc::new(Mutex::new(file)))), lines))
    }

    /// Writes down what stands under a key now.
    pub(crate) fn note(&self, kind: &str, key: &str, value: &impl Serialize) {
        let Some(file) = &self.0 else { return };
        let line = serde_json::to_value(value).map(|value| written(kind, key, &value));
        // A line that cannot be written costs the next start that much, and no more.
        if let Ok(line) = line {
            let _ = lock(file).write_all(line.as_bytes());
        }
    }

    /// Nothing was ever written down.
    pub(crate) fn clear(&self) {
        if let Some(file) = &self.0 {
            let _ = lock(file).set_len(0);
        }
    }
}

fn written(kind: &str, key: &str, value: &Value) -> String {
    format!("{kind}\t{key}\t{value}\n")
}

fn read(line: &str) -> Option<Line> {
    let mut parts = line.splitn(3, '\t').map(str::to_owned);
    let (kind, key, value) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Line { kind, key, value: serde_json::from_str(&value).ok()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_word_counts_and_half_a_line_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world");
        let (memory, lines) = Memory::open(&path).unwrap();
        assert_eq!(lines, []);
        memory.note("token", "a", &json!({"n": 1}));
        memory.note("token", "b", &"gone");
        memory.note("grant", "a", &2);
        memory.note("token", "a", &json!({"n": 3}));
        memory.note("token", "b", &Value::Null);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"token\tc\t{\"n\"").unwrap();
        let line = |kind: &str, key: &str, value: Value| Line { kind: kind.to_owned(), key: key.to_owned(), value };
        let expected = [line("token", "a", json!({"n": 3})), line("grant", "a", json!(2))];
        let (memory, lines) = Memory::open(&path).unwrap();
        assert_eq!(lines, expected);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        memory.clear();
        memory.note("token", "d", &4);
        assert_eq!(Memory::open(&path).unwrap().1, [line("token", "d", json!(4))]);
        Memory::default().note("token", "e", &5);
    }
}
