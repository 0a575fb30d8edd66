//! Why YouTube refuses what is published, in words for a person.

use std::time::Duration;

use domain::{Failure, Kind};

/// The channel's own limit of uploads says "a day" and no more than that.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What the reason of a refused call means where it is about publishing. All of these come before anything is
/// published, except for `processingFailure` of a comment, of which nobody knows.
pub(super) fn of_call(reason: &str) -> Option<(Kind, &'static str)> {
    use Kind::{ContentRefused, NotFound, ProviderDown, RateLimited};
    Some(match reason {
        "uploadLimitExceeded" => (RateLimited, "The channel has reached YouTube's daily limit of uploads."),
        "uploadRateLimitExceeded" => (RateLimited, "The channel uploads faster than YouTube allows."),
        "invalidTitle" => (ContentRefused, "YouTube does not accept the title: 1 to 100 characters without < and >."),
        "invalidDescription" => {
            (ContentRefused, "YouTube does not accept the description: 5,000 bytes at most, without < and >.")
        }
        "invalidTags" => (ContentRefused, "YouTube does not accept the tags: 500 characters at most in all."),
        "invalidCategoryId" => (ContentRefused, "YouTube does not know the category."),
        "invalidPublishAt" => (ContentRefused, "YouTube does not accept the time of publication."),
        "invalidVideoMetadata" | "invalidRecordingDetails" | "defaultLanguageNotSet" => {
            (ContentRefused, "YouTube does not accept what is said about the video.")
        }
        "invalidFilename" | "mediaBodyRequired" => (ContentRefused, "YouTube does not accept the file."),
        "forbiddenPrivacySetting" => (ContentRefused, "The channel may not publish with this privacy setting."),
        "forbiddenLicenseSetting" => (ContentRefused, "The channel may not publish with this licence."),
        "forbiddenEmbedSetting" => (ContentRefused, "The channel may not publish with this setting for embedding."),
        "commentsDisabled" => (ContentRefused, "Comments are switched off under this video."),
        "commentTextRequired" => (ContentRefused, "A comment needs a text."),
        "commentTextTooLong" => (ContentRefused, "The comment is too long: 10,000 characters are the most."),
        "processingFailure" => (ProviderDown, "YouTube could not store the comment."),
        "commentNotFound" | "commentThreadNotFound" => (NotFound, "The comment is not there any more."),
        _ => return None,
    })
}

/// Why an uploaded video never went out: `failureReason` and `rejectionReason` of its status.
pub(super) fn of_video(reason: &str) -> Failure {
    use Kind::{ContentRefused, Duplicate, ProviderDown, Suspended};
    let (kind, words) = match reason {
        "codec" => (ContentRefused, "YouTube cannot read the video's codec."),
        "conversion" => (ContentRefused, "YouTube could not convert the video."),
        "emptyFile" => (ContentRefused, "The video file is empty."),
        "invalidFile" => (ContentRefused, "YouTube cannot read the file as a video."),
        "tooSmall" => (ContentRefused, "The video file is too small."),
        "uploadAborted" => (ProviderDown, "The upload was broken off."),
        "deleted" => (ContentRefused, "The video was deleted on YouTube."),
        "claim" => (ContentRefused, "Somebody else claims the content of the video."),
        "copyright" => (ContentRefused, "The video infringes somebody's copyright, says YouTube."),
        "duplicate" => (Duplicate, "The same video was uploaded to the channel before."),
        "inappropriate" => (ContentRefused, "YouTube takes the content for inappropriate."),
        "legal" => (ContentRefused, "YouTube refuses the video for legal reasons."),
        "length" => {
            (ContentRefused, "The video is longer than the channel may upload: 15 minutes until its owner is verified.")
        }
        "termsOfUse" => (ContentRefused, "The video violates YouTube's terms of use."),
        "trademark" => (ContentRefused, "The video infringes a trademark, says YouTube."),
        "uploaderAccountClosed" => (Suspended, "The channel is closed."),
        "uploaderAccountSuspended" => (Suspended, "The channel is suspended."),
        _ => (ContentRefused, "YouTube refused the video in processing."),
    };
    let known = (1..=64).contains(&reason.len()) && reason.bytes().all(|b| b.is_ascii_alphabetic());
    let code = known.then(|| reason.to_owned());
    let detail = format!("processing ended, reason {}", code.as_deref().unwrap_or("of no known form"));
    Failure::new(kind, detail).said(Some(words.to_owned()), code)
}

/// Google's own sentence, without its markup.
pub(super) fn plain(message: &str) -> Option<String> {
    let mut text = String::with_capacity(message.len());
    let mut in_tag = false;
    for c in message.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| text.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_processing_has_its_kind_and_its_words() {
        for (reason, kind) in [
            ("codec", Kind::ContentRefused),
            ("conversion", Kind::ContentRefused),
            ("emptyFile", Kind::ContentRefused),
            ("invalidFile", Kind::ContentRefused),
            ("tooSmall", Kind::ContentRefused),
            ("uploadAborted", Kind::ProviderDown),
            ("claim", Kind::ContentRefused),
            ("copyright", Kind::ContentRefused),
            ("duplicate", Kind::Duplicate),
            ("inappropriate", Kind::ContentRefused),
            ("legal", Kind::ContentRefused),
            ("length", Kind::ContentRefused),
            ("termsOfUse", Kind::ContentRefused),
            ("trademark", Kind::ContentRefused),
            ("uploaderAccountClosed", Kind::Suspended),
            ("uploaderAccountSuspended", Kind::Suspended),
            ("somethingNew", Kind::ContentRefused),
        ] {
            let failure = of_video(reason);
            assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(reason)));
            assert!(failure.said.is_some());
        }
        assert_eq!(of_video("ya29.secret").detail, "processing ended, reason of no known form");
    }

    #[test]
    fn googles_sentence_is_read_without_its_markup() {
        let message =
            "The request cannot be completed because you have exceeded your <a href=\"/youtube/v3/q\">quota</a>.";
        assert_eq!(
            plain(message).as_deref(),
            Some("The request cannot be completed because you have exceeded your quota.")
        );
        assert_eq!(plain(" <b></b> "), None);
    }
}
