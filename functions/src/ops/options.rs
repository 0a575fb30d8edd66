//! What can be said of a post on a platform beside its text and files, from the table that checks it.

use platforms::publish::{OptionFact, OptionForm, PublishFacts};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An option in `options.<PLATFORM>`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionView {
    /// Its name.
    name: &'static str,
    /// `flag` (true or false), `text`, `word` (one of `values`), `texts` (a list) or `object`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The allowed words; `null`: no fixed ones.
    values: Option<&'static [&'static str]>,
    /// The most characters, in a list those of each text, in the unit of the platform's texts; `null`: none is set here.
    max_length: Option<u32>,
    /// The most items of a list.
    max_items: Option<u32>,
    /// What holds when it is left out; `null`: the platform or the account decides.
    #[schema(value_type = Option<Value>)]
    default: Option<Value>,
    /// What it does, for a person.
    description: &'static str,
}

/// Every option of a platform, with what may follow a post there.
#[must_use]
pub fn of(facts: &PublishFacts) -> Vec<OptionView> {
    let mut options: Vec<OptionView> = facts.options.iter().map(option).collect();
    let Some(limit) = facts.follow_up else { return options };
    let max_length = Some(limit.max);
    let following = |name, kind, max_items, description| OptionView {
        name,
        kind,
        values: None,
        max_length,
        max_items,
        default: None,
        description,
    };
    if facts.follow_ups > 0 {
        let what = "Goes out under the post, as a comment or reply, once the post is out.";
        options.push(following("firstComment", "text", None, what));
    }
    if facts.follow_ups > 1 {
        let what = "Goes out behind the post, each text as a reply to the one before.";
        options.push(following("thread", "texts", Some(facts.follow_ups), what));
    }
    options
}

fn option(fact: &OptionFact) -> OptionView {
    let (kind, values, max_length, max_items) = match fact.form {
        OptionForm::Flag => ("flag", None, None, None),
        OptionForm::Text(most) => ("text", None, Some(most), None),
        OptionForm::OneOf(words) => ("word", Some(words), None, None),
        OptionForm::Texts(most) => ("texts", None, None, Some(most)),
        OptionForm::Object => ("object", None, None, None),
    };
    let default = fact.default.map(|text| match fact.form {
        OptionForm::Flag => Value::Bool(text == "true"),
        _ => Value::String(text.to_owned()),
    });
    OptionView { name: fact.name, kind, values, max_length, max_items, default, description: fact.what }
}

#[cfg(test)]
mod tests {
    use platforms::Platforms;

    use super::*;

    #[test]
    fn every_option_says_what_it_does_and_its_default_is_one_that_it_takes() {
        let platforms = Platforms::default();
        let mut seen = 0;
        for facts in Platforms::facts() {
            let publish = platforms.get(facts.platform).and_then(|adapter| adapter.publish.as_deref());
            for view in publish.map(|publish| of(publish.facts())).unwrap_or_default() {
                seen += 1;
                let (platform, name) = (facts.platform, view.name);
                assert!(view.description.ends_with('.'), "{platform} {name}");
                match (&view.default, view.kind) {
                    (None, _) | (Some(Value::Bool(_)), "flag") => {}
                    (Some(Value::String(word)), "word") => {
                        assert!(view.values.unwrap().contains(&word.as_str()), "{platform} {name}");
                    }
                    other => panic!("{platform} {name}: {other:?}"),
                }
            }
        }
        assert!(seen > 30, "{seen}");
    }
}
