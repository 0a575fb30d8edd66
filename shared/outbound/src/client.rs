//! The client itself.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use domain::Platform;
use http::{Method, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use crate::address::{is_public, refuse_url};
use crate::call::{Answer, Call, OutboundError};
use crate::config::UpstreamConfig;
use crate::probe::{Crossing, NoProbe, Phase, Probe};

/// The client for everything outside.
pub struct Outbound {
    config: UpstreamConfig,
    probe: Arc<dyn Probe>,
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
        Self { config, probe, client: OnceLock::new() }
    }

    /// Which world this client sees.
    #[must_use]
    pub fn config(&self) -> &UpstreamConfig {
        &self.config
    }

    /// The address to send a person's browser to, in the world that this client sees.
    #[must_use]
    pub fn browser_url(&self, platform: Platform, url: &Url) -> Url {
        self.config.rewrite(Some(platform), url)
    }

    /// Sends a call and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`OutboundError`] when there is no answer; its `effect` says whether the call may have been carried out.
    pub async fn send(&self, mut call: Call) -> Result<Answer, OutboundError> {
        let operation = call.url.host_str().unwrap_or_default().to_owned();
        let crossing = Crossing { service: "platform", operation: &operation };
        let deadline = call.deadline;
        self.probe.crossing(crossing, Phase::Before);
        let answer = tokio::time::timeout(deadline, async {
            loop {
                let answer = self.hop(&call).await?;
                match next_hop(&call, &answer) {
                    Some(url) if call.redirects > 0 => {
                        // A credential is for the host it was sent to, not for the one it points at.
                        if url.origin() != call.url.origin() {
                            call.headers.remove(header::AUTHORIZATION);
                        }
                        call.redirects -= 1;
                        call.url = url;
                    }
                    _ => return Ok(answer),
                }
            }
        })
        .await
        .unwrap_or(Err(OutboundError::Timeout));
        self.probe.crossing(crossing, Phase::After);
        answer
    }

    async fn hop(&self, call: &Call) -> Result<Answer, OutboundError> {
        if !self.config.is_local(&call.url)
            && let Some(reason) = refuse_url(&call.url)
        {
            return Err(OutboundError::Refused(reason));
        }
        let target = self.config.rewrite(call.platform, &call.url);
        let request =
            self.client()?.request(call.method.clone(), target).headers(call.headers.clone()).body(call.body.clone());
        let mut response = request.send().await.map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + chunk.len() > call.max_bytes {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: Bytes::from(body) })
    }

    fn client(&self) -> Result<&reqwest::Client, OutboundError> {
        let built = self.client.get_or_init(|| {
            // A second installation by another client of this process is no error.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
                .iter()
                .filter_map(|der| reqwest::Certificate::from_der(der).ok());
            reqwest::Client::builder()
                .tls_certs_only(roots)
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(std::time::Duration::from_secs(5))
                .pool_idle_timeout(std::time::Duration::from_secs(30))
                .no_proxy()
                .user_agent(concat!("Herald/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(PublicOnly { exempt: self.exempt_hosts() }))
                .build()
                .map_err(|error| error.to_string())
        });
        built.as_ref().map_err(|error| OutboundError::Connect(error.clone()))
    }

    /// Hosts that an operator named to stand in for the world; they may resolve to addresses of this machine.
    fn exempt_hosts(&self) -> Vec<String> {
        let upstreams = self.config.all.iter().chain(self.config.by_platform.values().flatten());
        let local =
            self.config.loopback_allow.iter().filter_map(|pair| pair.rsplit_once(':')).map(|(host, _)| host.to_owned());
        upstreams.filter_map(|url| url.host_str().map(str::to_owned)).chain(local).collect()
    }
}

/// Where a redirect leads, if `answer` is one that may be followed.
fn next_hop(call: &Call, answer: &Answer) -> Option<Url> {
    let redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308) && call.method == Method::GET;
    redirect.then(|| answer.header("location")).flatten().and_then(|location| call.url.join(location).ok())
}

fn classify(error: &reqwest::Error) -> OutboundError {
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

const NOT_PUBLIC: &str = "the name leads to no public address";

/// Resolves names and hands only public addresses on, so the address that was checked is the one connected to.
struct PublicOnly {
    exempt: Vec<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.exempt.iter().any(|host| host == name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| exempt || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(exempt: &[&str]) -> Result<Vec<SocketAddr>, String> {
        let resolver = PublicOnly { exempt: exempt.iter().map(|host| (*host).to_owned()).collect() };
        // `localhost` is the one name that every machine resolves without a network, and it leads inside.
        let name: Name = "localhost".parse().unwrap();
        resolver.resolve(name).await.map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_hands_out_no_address_to_connect_to() {
        assert_eq!(resolved(&[]).await, Err(NOT_PUBLIC.to_owned()));
        assert!(!resolved(&["localhost"]).await.unwrap().is_empty(), "an operator's own stand-in is reached");
    }

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
        let mut answer = Answer { status: 302, headers: http::HeaderMap::new(), body: Bytes::new() };
        answer.headers.insert("location", "//b.example/y".parse().unwrap());
        assert_eq!(next_hop(&call, &answer).unwrap().as_str(), "https://b.example/y");
        assert_eq!(next_hop(&Call { method: Method::POST, ..call }, &answer), None);
    }
}
