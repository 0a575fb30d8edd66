//! Which handler the running task works for: so that crossings, crashes and silences can be told apart by it.

use std::future::Future;

tokio::task_local! {
    static HANDLER: &'static str;
}

/// Runs `future` as the work of a handler.
pub async fn within<F: Future>(handler: &'static str, future: F) -> F::Output {
    HANDLER.scope(handler, future).await
}

/// The handler whose work this is; empty outside of any.
#[must_use]
pub fn handler() -> &'static str {
    HANDLER.try_with(|handler| *handler).unwrap_or_default()
}
