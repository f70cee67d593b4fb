//! A small HTTP server for tests: it gives prepared answers, one a request, and misbehaves as told.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server does with a request.
#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Bytes after which the connection is closed.
    cut: Option<usize>,
    /// Bytes after which nothing more comes, though the connection stays open.
    stall: Option<usize>,
    ranges: bool,
    length: bool,
}

impl Answer {
    pub(super) fn file(body: &[u8]) -> Self {
        Self { status: 200, body: body.to_vec(), cut: None, stall: None, ranges: true, length: true }
    }

    pub(super) fn status(status: u16) -> Self {
        Self { status, ..Self::file(b"no") }
    }

    pub(super) fn cut(self, after: usize) -> Self {
        Self { cut: Some(after), ..self }
    }

    pub(super) fn stall(self, after: usize) -> Self {
        Self { stall: Some(after), ..self }
    }

    pub(super) fn without_ranges(self) -> Self {
        Self { ranges: false, ..self }
    }

    pub(super) fn without_length(self) -> Self {
        Self { length: false, ..self }
    }

    /// Answers a request for the bytes from `start` on.
    fn send(&self, mut stream: &TcpStream, start: Option<usize>) -> std::io::Result<()> {
        let start = start.filter(|_| self.ranges && self.status == 200);
        let total = self.body.len();
        let (status, range, body) = match start {
            Some(start) if start >= total => (416, format!("Content-Range: bytes */{total}\r\n"), &[][..]),
            Some(start) => {
                (206, format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1), &self.body[start..])
            }
            None => (self.status, String::new(), &self.body[..]),
        };
        let length = if self.length { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
        write!(stream, "HTTP/1.1 {status} X\r\n{range}{length}Connection: close\r\n\r\n")?;
        let end = self.cut.or(self.stall).unwrap_or(body.len()).min(body.len());
        stream.write_all(&body[..end])?;
        stream.flush()?;
        if self.stall.is_some() {
            std::thread::sleep(Duration::from_millis(1500));
        }
        Ok(())
    }
}

/// The running server; its thread ends after the last answer.
pub(super) struct Server {
    address: SocketAddr,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    pub(super) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ranges: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
        let seen = Arc::clone(&ranges);
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else { return };
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let range = head.iter().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("range").then(|| value.to_owned())
                });
                let start = range
                    .as_ref()
                    .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
                seen.lock().unwrap().push(range);
                if answer.stall.is_some() {
                    // The next request must not wait for this one.
                    std::thread::spawn(move || answer.send(&stream, start));
                } else {
                    // A client that hangs up is a case of the tests.
                    let _ = answer.send(&stream, start);
                }
            }
        });
        Self { address, ranges }
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// The range headers of the requests so far.
    pub(super) fn ranges(&self) -> Vec<Option<String>> {
        self.ranges.lock().unwrap().clone()
    }
}
