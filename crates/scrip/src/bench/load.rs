//! Keeps connections busy with one kind of request.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use scrip_client::{BadUrl, BaseUrl};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::arrivals::Arrivals;
use super::record::Record;
use super::report::{About, Report};
use super::wire::{Answer, Connection};
use super::{BenchError, Common};

/// How long after the end an answer may still come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before connecting again to a server that is gone.
const RECONNECT: Duration = Duration::from_millis(10);

/// A kind of request. One is shared by all connections, which take turns on one thread.
pub(super) trait Workload {
    /// Appends the bytes of the next request.
    fn write(&mut self, request: &mut Vec<u8>);
    /// Whether an answer says what was asked for; if not, the code to count it under.
    fn check(&mut self, answer: &Answer<'_>) -> Result<(), String>;
}

/// Warm-up and measurement.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) run: Range<Instant>,
    pub(super) window: Range<Instant>,
}

impl Times {
    pub(super) fn from_now(common: &Common) -> Self {
        let start = Instant::now();
        let measured = start + Duration::from_secs(common.warm_up);
        let end = measured + Duration::from_secs(common.seconds);
        Self { run: start..end, window: measured..end }
    }
}

struct Run<W> {
    server: BaseUrl,
    arrivals: Arrivals,
    workload: RefCell<W>,
    record: RefCell<Record>,
}

/// Loads a server, and reports.
pub(super) async fn run<W: Workload + 'static>(
    common: &Common,
    server: BaseUrl,
    about: About,
    workload: W,
) -> Result<Report, BenchError> {
    let connections = open(&server, common.connections).await?;
    let times = Times::from_now(common);
    let run = Rc::new(Run {
        server,
        arrivals: Arrivals::new(times.run.clone(), about.rate),
        workload: RefCell::new(workload),
        record: RefCell::new(Record::new(times.window)),
    });
    let cpu = thread_cpu();
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn_local(Rc::clone(&run).keep_busy(connection));
    }
    run.arrivals.pace().await.map_err(BenchError::io("pacing the requests"))?;
    finish(&mut tasks, times.run.end + PATIENCE, &run.record).await;
    let cpu = thread_cpu().saturating_sub(cpu);
    run.arrivals.unsent().for_each(|due| run.record.borrow_mut().unsent(due));
    Ok(Report::new(about, &run.record.borrow(), cpu))
}

/// Opens all connections before the first request, so that none is measured while another one
/// connects.
pub(super) async fn open(server: &BaseUrl, count: u32) -> Result<Vec<Connection>, BenchError> {
    let mut connections = Vec::new();
    for _ in 0..count {
        let connection = Connection::open(server).await;
        connections.push(connection.map_err(BenchError::io(format!("connecting to {server}")))?);
    }
    Ok(connections)
}

/// Waits for the connections to end; those that don't have lost their answer.
pub(super) async fn finish(tasks: &mut JoinSet<()>, deadline: Instant, record: &RefCell<Record>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline, all).await.is_err() {
        (0..tasks.len()).for_each(|_| record.borrow_mut().failed("no_answer"));
    }
}

/// The CPU time of this thread, which is the generator's alone.
pub(super) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("CPU time is never negative")
}

impl<W: Workload> Run<W> {
    async fn keep_busy(self: Rc<Self>, mut connection: Connection) {
        let mut request = Vec::with_capacity(1024);
        while let Some(due) = self.arrivals.next().await {
            request.clear();
            self.workload.borrow_mut().write(&mut request);
            match connection.exchange(&request).await {
                Ok(answer) => self.judge(due, &answer),
                Err(error) => {
                    self.record.borrow_mut().failed(error.code());
                    connection = reconnect(&self.server, connection).await;
                }
            }
        }
    }

    fn judge(&self, due: Instant, answer: &Answer<'_>) {
        let verdict = self.workload.borrow_mut().check(answer);
        let mut record = self.record.borrow_mut();
        match verdict {
            Ok(()) => record.answered(due),
            Err(code) => record.failed(&code),
        }
    }
}

/// A new connection; while there is none, the old one, on which the next request fails and is
/// counted.
pub(super) async fn reconnect(server: &BaseUrl, old: Connection) -> Connection {
    let new = Connection::open(server).await;
    if new.is_err() {
        tokio::time::sleep(RECONNECT).await;
    }
    new.unwrap_or(old)
}

/// A URL as the server and the path to ask it for.
pub(super) fn target(url: &str) -> Result<(BaseUrl, &str), BadUrl> {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let slash = url[authority..].find('/').map_or(url.len(), |at| authority + at);
    let (server, path) = url.split_at(slash);
    Ok((server.parse()?, if path.is_empty() { "/" } else { path }))
}

/// The code to count a refusal under: the problem's, or its status.
pub(super) fn refusal(answer: &Answer<'_>) -> String {
    let problem = serde_json::from_slice::<scrip_client::Problem>(answer.body).ok();
    let code = problem.map(|problem| problem.code).filter(|code| !code.is_empty());
    code.unwrap_or_else(|| format!("status_{}", answer.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_a_server_and_a_path() {
        let (server, path) = target("http://x:81/v1/downloads/fil_1?ticket=a/b").expect("valid");
        assert_eq!((server.host.as_str(), server.port), ("x", 81));
        assert_eq!(path, "/v1/downloads/fil_1?ticket=a/b");
        assert_eq!(target("http://x").expect("valid").1, "/");
        assert_eq!(target("x/y").expect_err("no scheme"), BadUrl::Scheme);
    }

    #[test]
    fn refusals_are_counted_under_their_code() {
        let refused = |status, body| refusal(&Answer { status, body });
        assert_eq!(refused(503, br#"{"code":"busy"}"#), "busy");
        assert_eq!(refused(502, b"<html>"), "status_502");
        assert_eq!(refused(500, b"{}"), "status_500");
    }
}
