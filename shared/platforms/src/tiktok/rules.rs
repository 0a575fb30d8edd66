//! What a draft becomes on TikTok, and what is wrong with it.

use domain::Platform;
use domain::content::{Draft, MediaKind, Problem};
use serde_json::Value;

use super::facts::PUBLISHING;
use crate::compose;
use crate::publish::Limits;

/// Whether a draft is a post of photos; else it is a video.
pub(super) fn is_photos(draft: &Draft) -> bool {
    draft.media.first().is_some_and(|media| media.kind == MediaKind::Image)
}

/// Whether the post goes to the person's inbox as a draft, to be finished in the app.
pub(super) fn to_inbox(draft: &Draft) -> bool {
    draft.options.get("postMode").and_then(Value::as_str) == Some("MEDIA_UPLOAD")
}

/// Who may see the post, where the person chose.
pub(super) fn privacy(draft: &Draft) -> Option<&str> {
    draft.options.get("privacyLevel").and_then(Value::as_str)
}

/// A switch of the person's; off unless it was set.
pub(super) fn flag(draft: &Draft, name: &str) -> bool {
    draft.options.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// The caption as it is sent, which is the text as it was written.
pub(super) fn compose_text(draft: &Draft) -> &str {
    &draft.text
}

/// How long a caption counts.
pub(super) fn length(text: &str) -> u32 {
    compose::utf16(text)
}

/// Everything wrong with a draft.
pub(super) fn problems(draft: &Draft, limits: &Limits) -> Vec<Problem> {
    let mut problems = compose::common_problems(Platform::Tiktok, &PUBLISHING, draft, limits, &length);
    let field = |name: &str| format!("options.TIKTOK.{name}");
    let ignored =
        |name: &str, why: &str| Problem::warning("option_ignored", field(name), format!("{name} is left out: {why}."));
    let given = |name: &&str| draft.options.contains_key(*name);
    if to_inbox(draft) {
        let names = ["privacyLevel", "disableComment", "disableDuet", "disableStitch"];
        problems.extend(
            names.iter().filter(|name| given(name)).map(|name| ignored(name, "a draft is finished in TikTok's app")),
        );
        if !is_photos(draft) && !draft.text.trim().is_empty() {
            let words = "A video that goes to the inbox takes no text along: its caption is written in TikTok's app.";
            problems.push(Problem::warning("text_not_shown", "content", words));
        }
        return problems;
    }
    if privacy(draft).is_none() {
        let words = "TikTok wants the person to choose who may see the post. Without a choice it is shown to as many as \
                     the account allows.";
        problems.push(Problem::warning("privacy_not_chosen", field("privacyLevel"), words));
    }
    if is_photos(draft) {
        let names = ["disableDuet", "disableStitch"];
        problems.extend(
            names.iter().filter(|name| given(name)).map(|name| ignored(name, "only videos can be dueted or stitched")),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::content::{Media, Severity};
    use serde_json::json;

    fn draft(kind: MediaKind, text: &str, options: Value) -> Draft {
        let mime = if kind == MediaKind::Image { "image/jpeg" } else { "video/mp4" };
        let media = Media {
            url: "https://media.example/a".to_owned(),
            kind,
            mime: mime.to_owned(),
            bytes: Some(1_000),
            width: None,
            height: None,
            duration_ms: None,
        };
        let Value::Object(options) = options else { panic!("options are an object") };
        Draft { text: text.to_owned(), media: vec![media], options, follow_ups: Vec::new() }
    }

    fn found(draft: &Draft) -> Vec<(String, Severity)> {
        let limits = Limits::from(&PUBLISHING);
        problems(draft, &limits).into_iter().map(|problem| (problem.field, problem.severity)).collect()
    }

    fn warned(fields: &[&str]) -> Vec<(String, Severity)> {
        fields.iter().map(|field| ((*field).to_owned(), Severity::Warning)).collect()
    }

    #[test]
    fn a_post_without_a_chosen_audience_goes_out_with_a_warning() {
        assert_eq!(found(&draft(MediaKind::Video, "Hi", json!({}))), warned(&["options.TIKTOK.privacyLevel"]));
        assert_eq!(found(&draft(MediaKind::Video, "Hi", json!({"privacyLevel": "SELF_ONLY"}))), []);
    }

    #[test]
    fn photos_may_say_more_than_a_video() {
        let public = json!({"privacyLevel": "PUBLIC_TO_EVERYONE"});
        // An emoji of two code units.
        let text = "☕️".repeat(1_200);
        assert_eq!(length(&text), 2_400);
        assert_eq!(found(&draft(MediaKind::Image, &text, public.clone())), []);
        assert_eq!(found(&draft(MediaKind::Video, &text, public)), [("content".to_owned(), Severity::Error)]);
    }

    #[test]
    fn what_a_draft_in_the_inbox_does_not_take_along_is_told() {
        let inbox = json!({"postMode": "MEDIA_UPLOAD", "disableDuet": true});
        assert_eq!(found(&draft(MediaKind::Video, "Hi", inbox)), warned(&["options.TIKTOK.disableDuet", "content"]));
        assert_eq!(found(&draft(MediaKind::Image, "Hi", json!({"postMode": "MEDIA_UPLOAD"}))), []);
    }

    #[test]
    fn photos_have_neither_duets_nor_stitches() {
        let options = json!({"privacyLevel": "SELF_ONLY", "disableStitch": false});
        assert_eq!(found(&draft(MediaKind::Image, "Hi", options)), warned(&["options.TIKTOK.disableStitch"]));
    }
}
