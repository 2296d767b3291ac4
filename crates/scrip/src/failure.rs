//! What a person is told when a command cannot do its work: one sentence, what to do, an exit code.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    what: String,
    advice: Option<String>,
    code: u8,
}

/// What every command comes to.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Something failed, for the reason given.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: None, code: 1 }
    }

    /// The command was called in a way that cannot work.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: None, code: 2 }
    }

    /// An error and what caused it, in one line.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut what = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            what = format!("{what}: {error}");
            cause = error.source();
        }
        Self::new(what)
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The same, with another exit code: where 1 is an answer.
    #[must_use]
    pub fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  {advice}"),
            None => Ok(()),
        }
    }
}

impl From<scrip_client::Error> for Failure {
    fn from(error: scrip_client::Error) -> Self {
        let failure = Self::of(&error);
        match &error {
            scrip_client::Error::Unreachable { .. } => failure.advise(
                "Is the server running there? Give its address with --server or SCRIP_SERVER.",
            ),
            scrip_client::Error::Lost(_) => failure
                .advise("What was asked may or may not have happened: look before you ask again."),
            scrip_client::Error::Problem(problem) if problem.code == "invalid_credentials" => failure
                .advise("Give a key that works with --admin-key or SCRIP_ADMIN_KEY; `scrip init` printed the first one."),
            _ => failure,
        }
    }
}
