//! A form with files in it that are read while they are sent.

use bytes::Bytes;
use domain::content::Media;
use domain::{Failure, Kind};
use futures_util::StreamExt;
use outbound::{Call, Streamed};

use crate::publish::Files;
use crate::wire;

/// A multipart form in the making.
pub(super) struct Form {
    boundary: String,
    parts: Vec<Streamed>,
}

impl Form {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { boundary: wire::random_text()?.expose().to_owned(), parts: Vec::new() })
    }

    /// Adds a parameter.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        let head = format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n", self.boundary);
        self.parts.push(Streamed::from(Bytes::from(head)));
    }

    /// Adds a file under a name that says its type.
    pub(super) async fn file(&mut self, name: &str, media: &Media, files: &dyn Files) -> Result<(), Failure> {
        let ending: String =
            media.mime.rsplit('/').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            self.boundary,
            file_name(&media.url).unwrap_or_else(|| format!("{name}.{ending}")),
            media.mime,
        );
        let body = files.stream(media).await?;
        self.parts.push(Streamed::around(Bytes::from(head), body, Bytes::from_static(b"\r\n")));
        Ok(())
    }

    /// How many bytes it has so far.
    pub(super) fn length(&self) -> u64 {
        self.parts.iter().map(Streamed::length).sum()
    }

    /// The call with the form as its body.
    pub(super) fn send(self, call: Call) -> Result<Call, Failure> {
        let end = Bytes::from(format!("--{}--\r\n", self.boundary));
        let sent = || Failure::new(Kind::InvalidRequest, "a streamed body can be sent once");
        let mut length = 0;
        let mut body = futures_util::stream::empty().boxed();
        for part in self.parts.into_iter().chain([Streamed::from(end)]) {
            length += part.length();
            body = body.chain(part.take().ok_or_else(sent)?).boxed();
        }
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        Ok(call.streamed(&kind, Streamed::new(length, body)))
    }
}

/// The name of a file as people will see it, where its address has one that is safe in a header.
fn file_name(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let name = url.path_segments()?.next_back()?;
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let fits =
        (1..=100).contains(&name.len()) && name.bytes().all(safe) && name.contains('.') && !name.starts_with('.');
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_a_name_that_is_safe() {
        assert_eq!(file_name("https://a.example/x/menu-2026.pdf?v=1").as_deref(), Some("menu-2026.pdf"));
        for url in
            ["https://a.example/", "https://a.example/%22x%22.pdf", "https://a.example/.env", "https://a.example/x"]
        {
            assert_eq!(file_name(url), None, "{url}");
        }
    }
}
