//! A tried program at a port of this machine, through the carrier.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;

use super::carried::Carried;

/// How many ports are tried after the one that is asked for.
const OTHERS: u16 = 20;

/// A port of this machine that leads to the program.
pub struct Opened {
    listener: TcpListener,
}

/// The port that is asked for on loopback, or one of the next; exactly that one if it is `exact`.
///
/// # Errors
/// It is taken, and so are the next.
pub async fn open(port: u16, exact: bool) -> io::Result<Opened> {
    let mut refused = None;
    for port in port..=port.saturating_add(if exact { 0 } else { OTHERS }) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(Opened { listener }),
            Err(error) => _ = refused.get_or_insert(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

impl Opened {
    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Carries connections for as long as the carrier lives.
    pub(super) async fn carry(&self, carried: &Carried, host: Ipv4Addr, port: u16) {
        let accept = async {
            loop {
                let Ok((mut visitor, _)) = self.listener.accept().await else {
                    // No descriptors left: they come back.
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    continue;
                };
                let carried = carried.clone();
                tokio::spawn(async move {
                    if let Ok(mut stream) = carried.open(host, port).await {
                        // Either side may leave.
                        let _ = copy_bidirectional(&mut visitor, &mut stream).await;
                    }
                });
            }
        };
        tokio::select! { () = accept => {}, () = carried.over() => {} }
    }
}
