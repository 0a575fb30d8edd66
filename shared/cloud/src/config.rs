//! The environment, read once, in the binary.

/// A variable that must be set and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingVariable(pub String);

/// A variable that must be set and not be empty.
///
/// # Errors
/// [`MissingVariable`] names it.
pub fn required(get: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<String, MissingVariable> {
    get(name).filter(|value| !value.is_empty()).ok_or_else(|| MissingVariable(name.to_owned()))
}

/// A comma-separated list; empty when the variable is not set.
#[must_use]
pub fn list(get: &dyn Fn(&str) -> Option<String>, name: &str) -> Vec<String> {
    let text = get(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
