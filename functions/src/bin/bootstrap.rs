//! The one binary of the bundle: `_HANDLER` says which handler this function runs.

#![recursion_limit = "256"] // the SDK's futures nest deeply

use std::process::ExitCode;
use std::sync::Arc;

use functions::{App, handlers, runtime};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let get = |name: &str| std::env::var(name).ok();
    cloud::telemetry::start(get("HERALD_LOG").as_deref());
    match serve(&get).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn serve(get: &dyn Fn(&str) -> Option<String>) -> Result<(), Error> {
    let name = get("_HANDLER").unwrap_or_default();
    let handler = handlers::find(&name).ok_or_else(|| format!("no handler is named {name:?}"))?;
    let app = Arc::new(App::from_lambda_env(get)?);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(runtime::invoke(&app, handler, event.payload.get()).await?) }
    }))
    .await
}
