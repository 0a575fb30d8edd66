//! A chain of certificates as AWS has them (root, intermediate, server; RSA of 2048 bits), made anew for each run, so
//! that the functions' first call pays for a true handshake and a true verification.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use herald_tests::process::Result;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Whom the functions trust, and what the server shows.
pub struct Chain {
    /// The file with the root.
    pub root: PathBuf,
    /// The server's side.
    pub acceptor: TlsAcceptor,
}

/// Makes a chain for 127.0.0.1 in `folder`.
///
/// # Errors
/// When `openssl` is missing or fails.
pub fn chain(folder: &Path) -> Result<Chain> {
    let authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
    let server = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n";
    certificate(folder, "root", None, authority)?;
    certificate(folder, "intermediate", Some("root"), authority)?;
    certificate(folder, "server", Some("intermediate"), server)?;
    let shown = ["server.pem", "intermediate.pem"].map(|file| CertificateDer::from_pem_file(folder.join(file)));
    let shown: Vec<_> = shown.into_iter().collect::<std::result::Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(shown, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Chain { root: folder.join("root.pem"), acceptor: TlsAcceptor::from(Arc::new(config)) })
}

fn certificate(folder: &Path, name: &str, issuer: Option<&str>, extensions: &str) -> Result<()> {
    let file = |name: &str, kind: &str| folder.join(format!("{name}.{kind}")).into_os_string();
    fs::write(file(name, "ext"), extensions)?;
    let subject = format!("/CN=benchmark {name}");
    let mut request = Command::new("openssl");
    request.args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject]);
    run(request.arg("-keyout").arg(file(name, "key")).arg("-out").arg(file(name, "csr")))?;
    let mut sign = Command::new("openssl");
    sign.args(["x509", "-req", "-days", "2", "-in"]).arg(file(name, "csr"));
    sign.arg("-extfile").arg(file(name, "ext")).arg("-out").arg(file(name, "pem"));
    match issuer {
        None => sign.arg("-key").arg(file(name, "key")),
        Some(issuer) => {
            sign.arg("-CA").arg(file(issuer, "pem")).arg("-CAkey").arg(file(issuer, "key")).arg("-CAcreateserial")
        }
    };
    run(&mut sign)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("openssl: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("openssl: {}", String::from_utf8_lossy(&output.stderr)).into())
}
