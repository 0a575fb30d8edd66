//! Renews tokens before they expire. The row holds the sealed tokens.

use cloud::doorbell::Ring;
use cloud::table::StoreError;
use cloud::work::Extra;

use crate::App;
use crate::accounts::tokens::{self, NoTokens};

/// Renews the tokens of one row.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, Extra::default).await? else { return Ok(()) };
    match tokens::renew(app, claimed).await {
        Err(NoTokens::Store(error)) => Err(error),
        // A refusal by the platform has been written to the rows by now.
        Ok(_) | Err(NoTokens::Busy | NoTokens::Platform(_)) => Ok(()),
    }
}
