//! Options: known names in their right form.

use domain::content::Problem;
use serde_json::Value;

use super::Check;
use super::files::list;
use crate::compose::characters;
use crate::publish::OptionForm;

pub(super) use domain::post::{FIRST_COMMENT, THREAD};

impl Check<'_> {
    /// `null` is an option that was not given.
    pub(super) fn options(&self) -> Vec<Problem> {
        let given = self.draft.options.iter().filter(|(_, value)| !value.is_null());
        given.flat_map(|(name, value)| self.option(name, value)).collect()
    }

    fn option(&self, name: &str, value: &Value) -> Vec<Problem> {
        let field = self.option_field(name);
        match self.facts.options.iter().find(|fact| fact.name == name) {
            Some(fact) => form_problems(fact.form, &field, name, value),
            None if self.is_follow_up(name) => follow_up_problems(&field, name, value),
            None => {
                let known = list(self.known().into_iter());
                let known = if known.is_empty() { "none".to_owned() } else { known };
                let message = format!("{} has no option {name}; its options are: {known}.", self.name());
                vec![Problem::error("unknown_option", field, message)]
            }
        }
    }

    /// Whether this option says what follows the post. Where nothing may follow, the follow-ups themselves are the
    /// problem, unless nobody read them out of the options.
    fn is_follow_up(&self, name: &str) -> bool {
        let here = self.facts.follow_up.is_some() && self.facts.follow_ups > 0 || !self.draft.follow_ups.is_empty();
        here && matches!(name, FIRST_COMMENT | THREAD)
    }

    fn known(&self) -> Vec<&'static str> {
        let most = self.facts.follow_up.map_or(0, |_| self.facts.follow_ups);
        let following = [(most > 0).then_some(FIRST_COMMENT), (most > 1).then_some(THREAD)];
        self.facts.options.iter().map(|fact| fact.name).chain(following.into_iter().flatten()).collect()
    }
}

/// A follow-up that is no text would be left out without a word.
fn follow_up_problems(field: &str, name: &str, value: &Value) -> Vec<Problem> {
    match value {
        Value::String(_) => Vec::new(),
        Value::Array(_) => form_problems(OptionForm::Texts(u32::MAX), field, name, value),
        _ => {
            let message = format!("{name} must be a text or a list of texts, not {}.", describe(value));
            vec![Problem::error("option_invalid", field, message)]
        }
    }
}

fn form_problems(form: OptionForm, field: &str, name: &str, value: &Value) -> Vec<Problem> {
    let invalid = |field: &str, message: String| vec![Problem::error("option_invalid", field, message)];
    let given = describe(value);
    match (form, value) {
        (OptionForm::Flag, Value::Bool(_)) | (OptionForm::Object, Value::Object(_)) => Vec::new(),
        (OptionForm::Flag, _) => invalid(field, format!("{name} must be true or false, not {given}.")),
        (OptionForm::Object, _) => invalid(field, format!("{name} must be an object, not {given}.")),
        (OptionForm::Text(most), Value::String(text)) => match characters(text) {
            long if long > most => invalid(field, format!("{name} has {long} characters. At most {most} are allowed.")),
            _ => Vec::new(),
        },
        (OptionForm::Text(most), _) => {
            invalid(field, format!("{name} must be a text of at most {most} characters, not {given}."))
        }
        (OptionForm::OneOf(words), Value::String(text)) if words.contains(&text.as_str()) => Vec::new(),
        (OptionForm::OneOf(words), _) => {
            invalid(field, format!("{name} must be one of {}, not {given}.", words.join(", ")))
        }
        (OptionForm::Texts(most), Value::Array(items)) => {
            let mut problems = Vec::new();
            if items.len() > most as usize {
                problems = invalid(field, format!("{name} has {} items. At most {most} are allowed.", items.len()));
            }
            let wrong = items.iter().enumerate().filter(|(_, item)| !item.is_string());
            problems.extend(wrong.flat_map(|(n, item)| {
                invalid(
                    &format!("{field}[{n}]"),
                    format!("Item {} of {name} must be a text, not {}.", n + 1, describe(item)),
                )
            }));
            problems
        }
        (OptionForm::Texts(most), _) => {
            invalid(field, format!("{name} must be a list of at most {most} texts, not {given}."))
        }
    }
}

/// A value as it may be repeated in a sentence.
fn describe(value: &Value) -> String {
    const SHOWN: usize = 40;
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= SHOWN => format!("\"{text}\""),
        Value::String(text) => format!("a text of {} characters", characters(text)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}
