//! Serves the simulated outside world on 127.0.0.1: `simulator [--port 4100]`.

use std::error::Error;
use std::net::Ipv4Addr;

use simulator::Simulator;
use tokio::net::TcpListener;

fn port() -> Result<u16, String> {
    let mut args = std::env::args().skip(1);
    let mut port = 4100;
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--port") {
            Some("") => args.next().unwrap_or_default(),
            Some(rest) => rest.trim_start_matches('=').to_owned(),
            None => return Err(format!("unknown argument {arg}; usage: simulator [--port 4100]")),
        };
        port = value.parse().map_err(|_| format!("--port wants a number, not {value:?}"))?;
    }
    Ok(port)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port()?)).await?;
    println!("simulator: http://{}", listener.local_addr()?);
    Simulator::default().serve(listener).await?;
    Ok(())
}
