//! Where a list goes on: opaque to clients, checked when it comes back.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The default and the largest page of every list.
pub const DEFAULT_LIMIT: u32 = 50;
/// The largest page of every list.
pub const MAX_LIMIT: u32 = 200;

/// A cursor that was not made by this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid cursor. Use the nextCursor of the previous page.")]
pub struct InvalidCursor;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    #[serde(rename = "l")]
    list: String,
    #[serde(rename = "p")]
    position: T,
}

/// Writes the place where `list` goes on. `list` names the list and whose it is, so a cursor cannot be carried elsewhere.
#[must_use]
pub fn encode<T: Serialize>(list: &str, position: &T) -> String {
    let json = serde_json::to_vec(&Envelope { list: list.to_owned(), position }).unwrap_or_default();
    json.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a cursor of the same list.
///
/// # Errors
/// [`InvalidCursor`] for anything that [`encode`] did not write for this list.
pub fn decode<T: DeserializeOwned>(list: &str, text: &str) -> Result<T, InvalidCursor> {
    if text.len() > 2_000 || text.len() % 2 == 1 || !text.is_ascii() {
        return Err(InvalidCursor);
    }
    let bytes: Result<Vec<u8>, _> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16)).collect();
    let envelope: Envelope<T> =
        serde_json::from_slice(&bytes.map_err(|_| InvalidCursor)?).map_err(|_| InvalidCursor)?;
    if envelope.list == list { Ok(envelope.position) } else { Err(InvalidCursor) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back(list in "\\PC{0,40}", position in "\\PC{0,100}") {
            prop_assert_eq!(decode::<String>(&list, &encode(&list, &position)), Ok(position));
        }

        #[test]
        fn a_cursor_of_another_list_is_refused(position in "[a-z]{0,20}") {
            prop_assert_eq!(decode::<String>("talents of w2", &encode("talents of w1", &position)), Err(InvalidCursor));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,300}") {
            let _ = decode::<String>("list", &text);
        }
    }
}
