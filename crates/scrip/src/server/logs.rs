//! Where logs go: standard error, a line each, for people or for programs.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use crate::config::{Log, LogFormat};

/// Logs from now on, as `log` says. Called again it changes nothing.
pub fn start(log: &Log) {
    let (filtered, lines) = (registry().with(log.filter.clone()), fmt::layer().with_writer(stderr));
    let started = match log.format {
        LogFormat::Human => filtered.with(lines.with_ansi(stderr().is_terminal())).try_init(),
        LogFormat::Json => {
            filtered.with(lines.json().flatten_event(true).with_current_span(false)).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("logs were started before");
    }
}
