// SPDX-License-Identifier: Apache-2.0
//! Answers who asks for metrics: HTTP/1.1, one request for each connection.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};

use super::{Address, Board};

/// Connections at a time; more wait in the kernel.
const CONNECTIONS: usize = 16;

/// A connection that is not done by then is closed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request is not longer.
const REQUEST: usize = 8 * 1024;

const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const FIRST: usize = 2;

/// Why metrics cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot listen there.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// Its thread.
    #[error("cannot tell metrics: {0}")]
    Thread(#[from] io::Error),
}

/// A server in a thread of its own. Ends when dropped.
#[derive(Debug)]
pub struct Server {
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
    address: Address,
}

impl Server {
    /// Begins to answer.
    ///
    /// # Errors
    /// When it cannot listen at the address.
    pub fn begin(address: &Address, board: Arc<Board>) -> Result<Self, Error> {
        let mut listener =
            listen(address).map_err(|source| Error::Listen { address: address.clone(), source })?;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        listener.source().register(poll.registry(), LISTENER, Interest::READABLE)?;
        let bound = listener.address(address);
        let answering =
            Answering { poll, listener, board, connections: HashMap::new(), next: FIRST };
        let thread = crate::threads::spawn("metrics", move || answering.work())?;
        Ok(Self { waker, thread: Some(thread), address: bound })
    }

    /// Where it listens: the port that was chosen, if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.waker.wake().is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

enum Listener {
    Tcp(TcpListener),
    /// The path is removed at the end.
    Unix(UnixListener, PathBuf),
}

fn listen(address: &Address) -> io::Result<Listener> {
    match address {
        Address::Tcp(address) => TcpListener::bind(*address).map(Listener::Tcp),
        Address::Unix(path) => {
            remove_stale(path)?;
            UnixListener::bind(path).map(|listener| Listener::Unix(listener, path.clone()))
        }
    }
}

/// Removes a socket that nobody listens at, which a killed recorder left.
fn remove_stale(path: &Path) -> io::Result<()> {
    let socket = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket());
    if socket {
        match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
            }
            _ => return Err(ErrorKind::AddrInUse.into()),
        }
    }
    Ok(())
}

impl Listener {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(listener) => listener,
            Self::Unix(listener, _) => listener,
        }
    }

    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(listener, _) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    fn address(&self, asked: &Address) -> Address {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map_or_else(|_| asked.clone(), Address::Tcp)
            }
            Self::Unix(..) => asked.clone(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }
}

/// A connection: first it asks, then it is answered.
struct Connection {
    stream: Stream,
    request: Vec<u8>,
    answer: Vec<u8>,
    sent: usize,
    until: Instant,
}

impl Connection {
    /// Goes on as far as possible. Returns whether it is done.
    fn go_on(&mut self, board: &Board) -> bool {
        while self.answer.is_empty() {
            let mut buffer = [0; 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(read) => self.request.extend_from_slice(&buffer[..read]),
                Err(error) => return !goes_on(&error),
            }
            if is_complete(&self.request) || self.request.len() > REQUEST {
                self.answer = answer(&self.request, board);
            }
        }
        while self.sent < self.answer.len() {
            match self.stream.write(&self.answer[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) => return !goes_on(&error),
            }
        }
        true
    }
}

fn goes_on(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn is_complete(request: &[u8]) -> bool {
    request.windows(4).any(|end| end == b"\r\n\r\n") || request.windows(2).any(|end| end == b"\n\n")
}

/// The answer to a request: the metrics, or what is wrong with it.
fn answer(request: &[u8], board: &Board) -> Vec<u8> {
    let line = request.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        _ if !is_complete(request) || target.is_empty() => {
            ("400 Bad Request", "text/plain", "bad request\n".to_owned())
        }
        ("GET" | "HEAD", "/metrics" | "/") => ("200 OK", TYPE, board.render()),
        ("GET" | "HEAD", _) => ("404 Not Found", "text/plain", "see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "use GET\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let body = if method == "HEAD" { "" } else { &body };
    [head.as_bytes(), body.as_bytes()].concat()
}

struct Answering {
    poll: Poll,
    listener: Listener,
    board: Arc<Board>,
    connections: HashMap<Token, Connection>,
    next: usize,
}

impl Answering {
    fn work(mut self) {
        let mut events = Events::with_capacity(CONNECTIONS + 2);
        loop {
            let now = Instant::now();
            self.connections.retain(|_, connection| connection.until > now);
            let next = self.connections.values().map(|connection| connection.until).min();
            let wait = next.map(|until| until.saturating_duration_since(now));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return log::error!("metrics are not told any more: {error}"),
                Ok(()) => {}
            }
            for event in &events {
                match event.token() {
                    WAKER => return,
                    LISTENER => {}
                    token => self.go_on(token),
                }
            }
            // Also after a connection ended: others may wait for its place.
            self.accept();
        }
    }

    fn accept(&mut self) {
        while self.connections.len() < CONNECTIONS {
            let Ok(mut stream) = self.listener.accept() else { return };
            let token = Token(self.next);
            self.next = self.next.checked_add(1).unwrap_or(FIRST);
            if register(stream.source(), self.poll.registry(), token).is_err() {
                continue;
            }
            let until = Instant::now() + PATIENCE;
            let (request, answer) = (Vec::new(), Vec::new());
            let connection = Connection { stream, request, answer, sent: 0, until };
            self.connections.insert(token, connection);
            self.go_on(token);
        }
    }

    fn go_on(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        if connection.go_on(&self.board) {
            self.connections.remove(&token);
        }
    }
}

fn register(source: &mut dyn Source, registry: &Registry, token: Token) -> io::Result<()> {
    source.register(registry, token, Interest::READABLE | Interest::WRITABLE)
}
