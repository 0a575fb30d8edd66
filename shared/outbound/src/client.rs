//! The client itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::Platform;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::Url;

use crate::address::refuse_url;
use crate::call::{Answer, Call, OutboundError, Payload};
use crate::config::UpstreamConfig;
use crate::fuse::Fuse;
use crate::incoming::Incoming;
use crate::probe::{Crossing, NoProbe, Phase, Probe};
use crate::resolver::{Lookup, NOT_PUBLIC, PublicOnly, System};
use crate::streamed::{Fault, Outgoing, fault_of};

/// The client for everything outside. Clones are the same client.
#[derive(Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
    fuse: Option<Fuse>,
}

struct Inner {
    config: UpstreamConfig,
    probe: Arc<dyn Probe>,
    lookup: Arc<dyn Lookup>,
    /// Built on the first call: many functions never call out, and reading roots costs CPU at start.
    client: OnceLock<Result<reqwest::Client, String>>,
}

impl Outbound {
    /// A client for the world that `config` describes.
    #[must_use]
    pub fn new(config: UpstreamConfig) -> Self {
        Self::with_probe(config, Arc::new(NoProbe))
    }

    /// The same with a probe at every call.
    #[must_use]
    pub fn with_probe(config: UpstreamConfig, probe: Arc<dyn Probe>) -> Self {
        Self::built(config, probe, Arc::new(System))
    }

    /// The same in a world whose names lead where a test likes.
    #[doc(hidden)]
    #[must_use]
    pub fn with_lookup(config: UpstreamConfig, lookup: Arc<dyn Lookup>) -> Self {
        Self::built(config, Arc::new(NoProbe), lookup)
    }

    fn built(config: UpstreamConfig, probe: Arc<dyn Probe>, lookup: Arc<dyn Lookup>) -> Self {
        Self { inner: Arc::new(Inner { config, probe, lookup, client: OnceLock::new() }), fuse: None }
    }

    /// The same client, which begins no call once `fuse` has burnt down and lets none outlive it.
    #[must_use]
    pub fn fused(&self, fuse: Fuse) -> Self {
        Self { inner: Arc::clone(&self.inner), fuse: Some(fuse) }
    }

    /// Which world this client sees.
    #[must_use]
    pub fn config(&self) -> &UpstreamConfig {
        &self.inner.config
    }

    /// The address to send a person's browser to, in the world that this client sees.
    #[must_use]
    pub fn browser_url(&self, platform: Platform, url: &Url) -> Url {
        self.inner.config.rewrite(Some(platform), url)
    }

    /// Sends a call and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`OutboundError`] when there is no answer; its `effect` says whether the call may have been carried out.
    pub async fn send(&self, call: Call) -> Result<Answer, OutboundError> {
        let (host, deadline) = watch(&call);
        self.watched(&host, deadline, async { self.head(call).await?.read().await }).await
    }

    /// Sends a call and hands its answer out to be read piece by piece, whatever its status.
    ///
    /// # Errors
    /// As [`Outbound::send`].
    pub async fn open(&self, call: Call) -> Result<Incoming, OutboundError> {
        let (host, deadline) = watch(&call);
        self.watched(&host, deadline, self.head(call)).await
    }

    /// Does `work` within the call's deadline, and tells the probe.
    async fn watched<T>(
        &self,
        operation: &str,
        deadline: Duration,
        work: impl Future<Output = Result<T, OutboundError>>,
    ) -> Result<T, OutboundError> {
        let crossing = Crossing { service: "platform", operation };
        self.inner.probe.crossing(crossing, Phase::Before);
        // Asked after the probe: whatever held this process up, held it up before the call.
        let deadline = match self.fuse.as_ref().map(Fuse::left) {
            Some(left) if left.is_zero() => return Err(OutboundError::TooLate),
            Some(left) => deadline.min(left),
            None => deadline,
        };
        let answer = tokio::time::timeout(deadline, work).await.unwrap_or(Err(OutboundError::Timeout));
        self.inner.probe.crossing(crossing, Phase::After);
        answer
    }

    /// The answer's headers, behind the redirects that the call follows.
    async fn head(&self, mut call: Call) -> Result<Incoming, OutboundError> {
        loop {
            let answer = self.hop(&call).await?;
            match next_hop(&call, answer.status, &answer.headers) {
                Some(url) if call.redirects > 0 => {
                    if url.origin() != call.url.origin() {
                        forget_credentials(&mut call.headers);
                    }
                    call.redirects -= 1;
                    call.url = url;
                }
                _ => return Ok(answer),
            }
        }
    }

    async fn hop(&self, call: &Call) -> Result<Incoming, OutboundError> {
        let config = &self.inner.config;
        if !config.is_local(&call.url)
            && let Some(reason) = refuse_url(&call.url)
        {
            return Err(OutboundError::Refused(reason));
        }
        let target = config.rewrite(call.platform, &call.url);
        let request = self.client()?.request(call.method.clone(), target).headers(call.headers.clone());
        let (request, fault) = match &call.body {
            Payload::Bytes(bytes) => (request.body(bytes.clone()), None),
            Payload::Streamed(streamed) => {
                let pieces = streamed.take().ok_or(OutboundError::Refused("a streamed body is sent once"))?;
                let (body, fault) = Outgoing::new(streamed.length(), pieces);
                let length = streamed.length();
                (request.header(header::CONTENT_LENGTH, length).body(reqwest::Body::wrap(body)), Some(fault))
            }
        };
        let mut response = request.send().await.map_err(|error| classify(&error, fault.as_ref()))?;
        let headers = std::mem::take(response.headers_mut());
        let status = response.status().as_u16();
        Ok(Incoming { status, headers, response, idle: call.idle, left: call.max_bytes, fault })
    }

    fn client(&self) -> Result<&reqwest::Client, OutboundError> {
        let built = self.inner.client.get_or_init(|| {
            // A second installation by another client of this process is no error.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
                .iter()
                .filter_map(|der| reqwest::Certificate::from_der(der).ok());
            let resolver = PublicOnly { exempt: self.exempt_hosts(), lookup: Arc::clone(&self.inner.lookup) };
            reqwest::Client::builder()
                .tls_certs_only(roots)
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(5))
                .pool_idle_timeout(Duration::from_secs(30))
                .no_proxy()
                .user_agent(concat!("Herald/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(resolver))
                .build()
                .map_err(|error| error.to_string())
        });
        built.as_ref().map_err(|error| OutboundError::Connect(error.clone()))
    }

    /// Hosts that an operator named to stand in for the world; they may resolve to addresses of this machine.
    fn exempt_hosts(&self) -> Vec<String> {
        let config = &self.inner.config;
        let upstreams = config.all.iter().chain(config.by_platform.values().flatten());
        let local =
            config.loopback_allow.iter().filter_map(|pair| pair.rsplit_once(':')).map(|(host, _)| host.to_owned());
        upstreams.filter_map(|url| url.host_str().map(str::to_owned)).chain(local).collect()
    }
}

/// What the probe is told and how long the call may take.
fn watch(call: &Call) -> (String, Duration) {
    (call.url.host_str().unwrap_or_default().to_owned(), call.deadline)
}

/// Where a redirect leads, if the answer is one that may be followed.
fn next_hop(call: &Call, status: u16, headers: &HeaderMap) -> Option<Url> {
    let redirect = matches!(status, 301 | 302 | 303 | 307 | 308) && call.method == Method::GET;
    let location = redirect.then(|| headers.get(header::LOCATION)).flatten()?;
    call.url.join(location.to_str().ok()?).ok()
}

/// A credential is for the host it was sent to, not for the one it points at.
fn forget_credentials(headers: &mut HeaderMap) {
    let secret = |(name, value): (&HeaderName, &HeaderValue)| {
        (value.is_sensitive() || name == header::AUTHORIZATION || name == header::COOKIE).then(|| name.clone())
    };
    let names: Vec<HeaderName> = headers.iter().filter_map(secret).collect();
    for name in names {
        headers.remove(name);
    }
}

/// What broke: our own source where it did, else what the client reports.
pub(crate) fn classify(error: &reqwest::Error, fault: Option<&Fault>) -> OutboundError {
    if let Some(failure) = fault_of(fault) {
        return OutboundError::Source(failure);
    }
    // The URL may hold secrets in its query, so only the causes are kept.
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let causes = causes.join(": ");
    if causes.contains(NOT_PUBLIC) {
        OutboundError::Refused(NOT_PUBLIC)
    } else if error.is_connect() {
        OutboundError::Connect(causes)
    } else if error.is_timeout() {
        OutboundError::Timeout
    } else {
        OutboundError::Broken(causes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_inside_is_refused_before_anything_is_sent() {
        let out = Outbound::new(UpstreamConfig::default());
        for url in ["https://169.254.169.254/latest/meta-data", "http://example.com/", "https://localhost/"] {
            let answer = out.send(Call::get(None, Url::parse(url).unwrap())).await;
            assert!(matches!(answer, Err(OutboundError::Refused(_))), "{url}: {answer:?}");
        }
    }

    #[test]
    fn only_a_get_is_redirected_and_only_to_what_the_answer_names() {
        let call = Call::get(None, Url::parse("https://a.example/x").unwrap());
        let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static("//b.example/y"))]);
        assert_eq!(next_hop(&call, 302, &headers).unwrap().as_str(), "https://b.example/y");
        assert_eq!(next_hop(&call, 200, &headers), None);
        assert_eq!(next_hop(&Call { method: Method::POST, ..call }, 302, &headers), None);
    }
}
