//! The same facts of the local stack and of the bundle as it is deployed: `sam deploy` into an independent AWS.

mod suite;

use herald_tests::deployment::{Deployment, Tools};
use herald_tests::process::Result;
use herald_tests::stack::Stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_stack_does_its_job() -> Result<()> {
    suite::run(&Stack::start().await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deployed_bundle_does_its_job() -> Result<()> {
    let Some(tools) = Tools::or_skip("the_deployed_bundle_does_its_job") else { return Ok(()) };
    let deployment = Deployment::start(&tools).await?;
    println!("deployed: {} resources", deployment.resources());
    let held = suite::run(&deployment).await;
    if held.is_err() {
        for line in deployment.trouble().await? {
            println!("{line}");
        }
    }
    held
}
