//! Links between machines that hold back or lose what they carry, for a while.

use crate::trace::Trace;

/// The links of a world.
#[derive(Debug)]
pub(crate) struct Links {
    trace: Trace,
    /// Those that are bad.
    bad: Vec<Bad>,
}

#[derive(Debug)]
struct Bad {
    a: String,
    b: String,
    /// Whether it holds back, or else loses all.
    held: bool,
    /// Until when, in milliseconds.
    until: u64,
}

impl Links {
    /// All of them are good.
    pub fn new(trace: Trace) -> Self {
        Self { trace, bad: Vec::new() }
    }

    /// Whether the link between these two is bad.
    pub fn is_bad(&self, a: &str, b: &str) -> bool {
        self.bad.iter().any(|bad| bad.a == a && bad.b == b)
    }

    /// A good link holds back, or loses all, until then.
    pub fn spoil(&mut self, sim: &turmoil::Sim<'_>, (a, b): (&str, &str), held: bool, until: u64) {
        if held {
            sim.hold(a, b);
        } else {
            sim.partition(a, b);
        }
        let how = if held { "holds back" } else { "loses all" };
        self.trace.note(a, &format!("the link to {b} {how}"));
        self.bad.push(Bad { a: a.to_owned(), b: b.to_owned(), held, until });
    }

    /// What was bad until `now` is good again.
    pub fn mend(&mut self, sim: &turmoil::Sim<'_>, now: u64) {
        let (over, bad): (Vec<_>, Vec<_>) = self.bad.drain(..).partition(|bad| now >= bad.until);
        self.bad = bad;
        for Bad { a, b, held, .. } in over {
            if held {
                sim.release(a.as_str(), b.as_str());
            } else {
                sim.repair(a.as_str(), b.as_str());
            }
            self.trace.note(&a, &format!("the link to {b} is good again"));
        }
    }
}
