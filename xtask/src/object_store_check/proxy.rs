//! A proxy that counts the requests to a server and cuts some connections.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a proxy does, and what it has seen.
#[derive(Default)]
struct State {
    /// Of how many requests in a thousand the connection is cut.
    cuts: u64,
    random: u64,
    seen: BTreeMap<String, u64>,
}

/// Where a connection is cut.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Passed,
    /// The server never sees the request.
    CutBefore,
    /// The server has done what was asked, and the client never learns it.
    CutAfter,
    /// The client gets half of the answer.
    CutWithin,
}

/// A proxy on a port of this machine. Each connection serves one request.
pub(super) struct Proxy {
    pub(super) port: u16,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    pub(super) fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(Mutex::new(State { random: 0x9e37_79b9_7f4a_7c15, ..State::default() }));
        let shared = Arc::clone(&state);
        // Ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || drop(serve(client, server, &state)));
            }
        });
        Ok(Self { port, state })
    }

    /// Cuts so many of a thousand connections from now on, and forgets what was counted.
    pub(super) fn cut(&self, cuts: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.cuts, state.seen) = (cuts, BTreeMap::new());
    }

    /// What was seen since then: number of requests by kind, and of cuts by kind.
    pub(super) fn seen(&self) -> BTreeMap<String, u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }
}

fn serve(mut client: TcpStream, server: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let request = read_request(&mut client)?;
    let fate = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = state.fate();
        let name = match fate {
            Fate::Passed => None,
            Fate::CutBefore => Some("cut before the server"),
            Fate::CutAfter => Some("cut before the answer"),
            Fate::CutWithin => Some("cut within the answer"),
        };
        for name in name.map(str::to_owned).into_iter().chain([kind(&request)]) {
            *state.seen.entry(name).or_default() += 1;
        }
        fate
    };
    if fate != Fate::CutBefore {
        let mut server = TcpStream::connect(server)?;
        server.write_all(&request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        let end = match fate {
            Fate::Passed => answer.len(),
            Fate::CutWithin => answer.len() / 2,
            Fate::CutBefore | Fate::CutAfter => 0,
        };
        client.write_all(&answer[..end])?;
    }
    client.shutdown(Shutdown::Both)
}

impl State {
    fn fate(&mut self) -> Fate {
        // xorshift: the same requests in the same order have the same fate.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        match self.random % 1000 {
            number if number >= self.cuts => Fate::Passed,
            number => [Fate::CutBefore, Fate::CutAfter, Fate::CutWithin][(number % 3) as usize],
        }
    }
}

/// Head and body of a request.
fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let mut expected = None;
    while expected.is_none_or(|length| request.len() < length) {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&buffer[..read]);
        expected = expected.or_else(|| length(&request));
    }
    Ok(request)
}

/// Bytes of a whole request, once its head is there.
fn length(request: &[u8]) -> Option<usize> {
    let head = request.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(head + body.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}

/// Method and folder, e.g. `PUT claims`.
fn kind(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let folder = ["shards", "claims", "checkpoints"].into_iter().find(|folder| target.contains(folder));
    let method = if target.contains("list-type=2") { "LIST" } else { method };
    format!("{method} {}", folder.unwrap_or("the plan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_named() {
        let request = b"PUT /bucket/sweep/claims/1.lease1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(length(request), Some(request.len()));
        assert_eq!(length(&request[..20]), None);
        assert_eq!(kind(request), "PUT claims");
        assert_eq!(kind(b"GET /bucket?list-type=2&prefix=sweep%2Fshards%2F HTTP/1.1\r\n"), "LIST shards");
        assert_eq!(kind(b"GET /bucket/sweep/plan.toml HTTP/1.1\r\n"), "GET the plan");
    }
}
