//! A server of which every byte is the test's, and a client that may call it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use outbound::{Call, Looking, Lookup, Outbound, UpstreamConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A connection whose request head has been read.
pub struct Visit {
    pub head: String,
    pub socket: TcpStream,
    /// What came behind the head.
    pub body: Vec<u8>,
}

impl Visit {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            line.split_once(": ").filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.socket.write_all(bytes.as_ref()).await.is_ok()
    }

    pub async fn answer(&mut self, head: &str, body: &str) {
        self.write(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    }

    /// Reads what comes until the other side ends or breaks off; how many bytes of body there were in all.
    pub async fn drain(&mut self, up_to: usize) -> usize {
        let mut count = self.body.len();
        let mut buffer = vec![0; 64 * 1024];
        while count < up_to {
            match self.socket.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => count += n,
            }
        }
        count
    }
}

/// Serves each connection once with `serve`; the server's `host:port`.
pub async fn server<F>(serve: impl Fn(Visit) -> F + Send + Sync + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = Arc::new(serve);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let serve = Arc::clone(&serve);
            tokio::spawn(async move {
                let mut read = Vec::new();
                let end = loop {
                    if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                        break end;
                    }
                    if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        return;
                    }
                };
                let body = read.split_off(end + 4);
                serve(Visit { head: String::from_utf8(read).unwrap(), socket, body }).await;
            });
        }
    });
    address
}

fn config(local: &[&str]) -> UpstreamConfig {
    UpstreamConfig {
        loopback_allow: local.iter().map(|address| (*address).to_owned()).collect(),
        ..UpstreamConfig::default()
    }
}

/// A client that may call these servers of this machine, and no other.
pub fn client(local: &[&str]) -> Outbound {
    Outbound::new(config(local))
}

/// Names lead where `leads` says; every question is noted.
#[derive(Default)]
pub struct Names {
    pub leads: Vec<(&'static str, Vec<IpAddr>)>,
    pub asked: Mutex<Vec<String>>,
}

impl Lookup for Names {
    fn lookup<'a>(&'a self, host: &'a str) -> Looking<'a> {
        self.asked.lock().unwrap().push(host.to_owned());
        let found = self.leads.iter().find(|(name, _)| *name == host).map(|(_, addresses)| addresses.clone());
        Box::pin(async { found.ok_or_else(|| std::io::ErrorKind::NotFound.into()) })
    }
}

pub fn client_with_names(local: &[&str], names: Arc<Names>) -> Outbound {
    Outbound::with_lookup(config(local), names)
}

pub fn get(address: &str, path: &str) -> Call {
    Call::get(None, Url::parse(&format!("http://{address}{path}")).unwrap())
}
