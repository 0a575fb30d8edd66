//! The contract document: OpenAPI 3.1, generated from the handlers' own types.

use serde_json::Value;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::view::ErrorView;

/// What any route may refuse with.
#[derive(IntoResponses)]
pub enum Refusals {
    /// The request is malformed.
    #[response(status = 400)]
    Invalid(ErrorView),
    /// No or bad credentials.
    #[response(status = 401)]
    Unauthenticated(ErrorView),
    /// Not allowed.
    #[response(status = 403)]
    Forbidden(ErrorView),
    /// Unknown, or of another workspace or talent.
    #[response(status = 404)]
    NotFound(ErrorView),
    /// The state does not allow it; the sentence says the state.
    #[response(status = 409)]
    Conflict(ErrorView),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(ErrorView),
    /// The body is of another type.
    #[response(status = 415)]
    WrongType(ErrorView),
    /// The version that `If-Match` names is not the present one.
    #[response(status = 412)]
    Stale(ErrorView),
    /// `If-Match` is missing where it is required.
    #[response(status = 428)]
    NoVersion(ErrorView),
    /// A platform's rule forbids it.
    #[response(status = 422)]
    Refused(ErrorView),
    /// Too many requests; `Retry-After` says when.
    #[response(status = 429)]
    TooMany(ErrorView),
    /// Something that Herald needs cannot answer; `Retry-After` says when.
    #[response(status = 503)]
    Unavailable(ErrorView),
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Herald",
        description = "The social-media back end that you deploy into your own AWS account.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
    // Refusals name it, and derived responses do not bring their bodies' schemas along.
    components(schemas(ErrorView)),
    paths(
        crate::talents::save::handle,
        crate::talents::list::handle,
        crate::talents::social_intelligence::handle,
        crate::connections::connect_manual::handle,
        crate::connections::hand_over::handle,
        crate::connections::list::handle,
        crate::connections::list::own,
        crate::connections::sync::handle,
        crate::connections::sync::own,
        crate::connections::remove::handle,
        crate::connections::pause::handle,
        crate::connections::resume::handle,
        crate::connections::disconnect::handle,
        crate::connections::disconnect::own,
        crate::oauth::connect::handle,
        crate::oauth::connect::link,
        crate::oauth::connect::own,
        crate::oauth::callback::handle,
        crate::oauth::client_metadata::handle,
        crate::posts::create::handle,
        crate::posts::schedule::handle,
        crate::posts::publish::handle,
        crate::posts::validate::handle,
        crate::posts::bulk::handle,
        crate::posts::bulk_report::handle,
        crate::posts::list::handle,
        crate::posts::get::handle,
        crate::posts::update::handle,
        crate::posts::cancel::handle,
        crate::posts::remove::handle,
        crate::posts::retry::handle,
        crate::posts::archive::handle,
        crate::posts::resolve::handle,
        crate::api_keys::create::handle,
        crate::api_keys::list::handle,
        crate::api_keys::revoke::handle,
        crate::audit::list::handle,
        crate::analytics::get::handle,
        crate::analytics::get::staff,
        crate::analytics::summary::handle,
        crate::analytics::summary::platform,
        crate::analytics::summary::staff,
        crate::analytics::posts::handle,
        crate::analytics::posts::staff,
        crate::analytics::audience::handle,
        crate::analytics::audience::staff,
        crate::analytics::trends::handle,
        crate::analytics::trends::staff,
        crate::analytics::best_times::handle,
        crate::analytics::best_times::staff,
        crate::analytics::forecast::handle,
        crate::analytics::forecast::staff,
        crate::analytics::benchmarks::handle,
        crate::analytics::benchmarks::staff,
        crate::analytics::recommendations::handle,
        crate::analytics::recommendations::staff,
        crate::analytics::export::handle,
        crate::analytics::export::staff,
        crate::competitors::list::handle,
        crate::competitors::add::handle,
        crate::competitors::remove::handle,
        crate::workspace::update::handle,
        crate::ops::queue_stats::handle,
        crate::ops::redrive::handle,
        crate::ops::capabilities::handle,
        crate::ops::health::handle,
    )
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The document.
#[must_use]
pub fn document() -> Value {
    // Made of plain maps and texts, it cannot fail to be written; an empty document would fail its own test.
    serde_json::to_value(Document::openapi()).unwrap_or_default()
}
