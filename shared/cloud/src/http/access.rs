//! Who a route is for.

use domain::{Caller, Role};

use super::error::ApiError;

/// How a route is registered. There is no third way, so none can be left open by forgetting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a credential. The list of these routes is a test.
    Public,
    /// An authenticated caller of the audience that the path names.
    Caller,
}

/// Lets `caller` use the route whose own path is `path`: `/api/admin/` is for staff, `/api/exclusive/` for talents, the rest for both.
///
/// # Errors
/// 403 that says whose route it is.
pub fn admit(caller: &Caller, path: &str) -> Result<(), ApiError> {
    match caller.role {
        Role::Talent if path.starts_with("/api/admin/") => Err(ApiError::forbidden("This route is for staff.")),
        Role::Admin if path.starts_with("/api/exclusive/") => Err(ApiError::forbidden("This route is for talents.")),
        _ => Ok(()),
    }
}
