//! The AWS clients: built from the environment, without `aws-config`, over one observed HTTP connection pool.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use bytes::Bytes;
use outbound::{Crossing, Phase, Probe};

use crate::config::{MissingVariable, required};

/// The Amazon Trust Services roots that every AWS endpoint chains to. Reading the system's store would cost 3 ms of
/// CPU at each start; a rotation of these roots needs a redeploy (docs/decisions/0008-lean-dependencies.md).
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Where AWS is and who calls it.
#[derive(Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL`: one endpoint for every service; empty in AWS.
    pub endpoint_url: Option<String>,
    /// `AWS_CA_BUNDLE`: a PEM file of roots that are trusted in place of Amazon's, for an endpoint with a CA of its own.
    pub ca_bundle: Option<PathBuf>,
    credentials: Credentials,
    interference: Option<Arc<dyn Interference>>,
}

/// Stands between the clients and AWS: the local stack injects what its embedded services never do. Lambda has none.
pub trait Interference: Send + Sync {
    /// Status and JSON body of an answer in place of the call, which then has no effect; `None` lets it through.
    fn instead(&self, service: &str, operation: &str, request: &[u8]) -> Option<(u16, String)>;

    /// Whether [`Interference::rewrite`] wants to see the answers of an operation.
    fn watches(&self, service: &str, operation: &str) -> bool;

    /// The answer that the caller gets in place of the true one.
    fn rewrite(&self, operation: &str, request: &[u8], answer: Bytes) -> Bytes;
}

impl AwsConfig {
    /// Reads the variables that Lambda sets.
    ///
    /// # Errors
    /// [`MissingVariable`] names the one that is not there.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, MissingVariable> {
        Ok(Self {
            region: required(get, "AWS_REGION")?,
            endpoint_url: get("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()),
            ca_bundle: get("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from),
            credentials: Credentials::new(
                required(get, "AWS_ACCESS_KEY_ID")?,
                required(get, "AWS_SECRET_ACCESS_KEY")?,
                get("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            interference: None,
        })
    }

    /// A server on this machine that answers for AWS and checks no signatures.
    #[must_use]
    pub fn local(endpoint_url: String) -> Self {
        Self {
            region: "us-east-1".to_owned(),
            endpoint_url: Some(endpoint_url),
            ca_bundle: None,
            credentials: Credentials::new("local", "local", None, None, "local"),
            interference: None,
        }
    }

    /// The same with something between the clients and AWS.
    #[must_use]
    pub fn with_interference(self, interference: Arc<dyn Interference>) -> Self {
        Self { interference: Some(interference), ..self }
    }

    /// The configuration that every client is made from. Cheap; the connection pool is made here, once.
    #[must_use]
    pub fn sdk_config(&self, probe: Arc<dyn Probe>) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(std::time::Duration::from_secs(2))
                    .operation_attempt_timeout(std::time::Duration::from_secs(5))
                    // With its repetitions a call ends before the function would be ended, so that it can say so.
                    .operation_timeout(std::time::Duration::from_secs(12))
                    .build(),
            )
            // The attempt's own time limit covers its answer, which is small and read as a whole.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Observed {
                inner: https_client(self.ca_bundle.as_deref()),
                probe,
                interference: self.interference.clone(),
            });
        config.set_endpoint_url(self.endpoint_url.clone());
        config.build()
    }
}

fn https_client(ca_bundle: Option<&Path>) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let own = ca_bundle.map(std::fs::read).transpose().unwrap_or_else(|error| {
        tracing::error!(%error, "AWS_CA_BUNDLE cannot be read; Amazon's roots are trusted");
        None
    });
    let store = TrustStore::empty().with_pem_certificate(own.as_deref().unwrap_or(AMAZON_ROOTS));
    match TlsContext::builder().with_trust_store(store).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // The roots are compiled in; a context that cannot be built from them falls back to the system's store.
        Err(error) => {
            tracing::error!(%error, "embedded roots refused");
            builder.build_https()
        }
    }
}

/// Tells the probe of every request of every SDK client.
#[derive(Clone)]
struct Observed<C> {
    inner: C,
    probe: Arc<dyn Probe>,
    interference: Option<Arc<dyn Interference>>,
}

impl<C: std::fmt::Debug> std::fmt::Debug for Observed<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl HttpClient for Observed<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        let (probe, interference) = (Arc::clone(&self.probe), self.interference.clone());
        SharedHttpConnector::new(Observed { inner, probe, interference })
    }
}

impl HttpConnector for Observed<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // `DynamoDB_20120810.PutItem`, `AmazonSQS.SendMessage`, `TrentService.Decrypt`
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let (inner, probe) = (self.inner.clone(), Arc::clone(&self.probe));
        let interference = self.interference.clone();
        HttpConnectorFuture::new(async move {
            let (service, operation) = name(&target);
            let crossing = Crossing { service, operation };
            probe.crossing(crossing, Phase::Before);
            let answer = match interference {
                None => inner.call(request).await,
                Some(interference) => interfered(&*interference, service, operation, &inner, request).await,
            };
            probe.crossing(crossing, Phase::After);
            answer
        })
    }
}

async fn interfered(
    interference: &dyn Interference,
    service: &str,
    operation: &str,
    inner: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    // The clients used here send JSON that is in memory.
    let asked = request.body().bytes().unwrap_or_default();
    if let Some((status, body)) = interference.instead(service, operation, asked) {
        let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
        return Ok(HttpResponse::new(status, SdkBody::from(body)));
    }
    let watched = interference.watches(service, operation).then(|| Bytes::copy_from_slice(asked));
    let mut answer = inner.call(request).await?;
    if let Some(asked) = watched.filter(|_| answer.status().is_success()) {
        let body =
            ByteStream::new(answer.take_body()).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
        *answer.body_mut() = SdkBody::from(interference.rewrite(operation, &asked, body.into_bytes()));
    }
    Ok(answer)
}

/// The service and operation of an `X-Amz-Target`.
#[must_use]
pub fn name(target: &str) -> (&'static str, &str) {
    let (service, operation) = target.split_once('.').unwrap_or(("", target));
    let service = match service {
        "AmazonSQS" => "sqs",
        "TrentService" => "kms",
        text if text.starts_with("DynamoDB") => "dynamodb",
        _ => "aws",
    };
    (service, operation)
}
