//! The one room where anything is written: load, decide, save, commit, answer.
//!
//! The loop takes the commands that are waiting, unites what they want, loads once, decides each in
//! order (each sees what those before it changed), saves all changes, commits once, and answers all.
//! A batch costs one sync to disk. Nothing waits for a batch to fill: the next one gathers while the
//! last one commits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use scrip_domain::event::Feed;
use scrip_domain::{Clock, Span, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::books::{Books, Changes, Wants};
use crate::fault::Fault;

/// The most commands in one batch. Larger ones would commit a little cheaper, but their callers all
/// wait for the same commit and then all ask again: the writer and the rest of the program would take
/// turns instead of working side by side.
const MAX_BATCH: usize = 100;
/// The most rows that one command may write. The largest is a refund of the largest order, which moves
/// 100 licenses in the index, opens as many lots, and accepts what was asked of each of 50 lines. What takes others along
/// counts for itself, and refuses before it is too many.
pub const MAX_ROWS: usize = 800;

/// A use case that writes: it says which rows it wants, and decides on them. Pure: no time, no
/// chance, nothing from outside but what its fields and the books bring.
pub trait Command: Send + 'static {
    /// The answer when it was done.
    type Receipt: Send + 'static;
    /// The answer when it was refused.
    type Refusal: Send + 'static;

    /// The keys of every row that [`Command::decide`] will look at.
    fn wants(&self, wants: &mut Wants);

    /// The decision at `at`. A refusal may write its own record, but moves no value.
    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, Self::Refusal>, Fault>;
}

/// What a command decided.
#[derive(Debug)]
pub struct Decision<R, E> {
    /// The answer, given after the commit.
    pub answer: Result<R, E>,
    /// What is written.
    pub changes: Changes,
}

impl<R, E> Decision<R, E> {
    /// It is done, with these changes.
    pub fn done(receipt: R, changes: Changes) -> Self {
        Self { answer: Ok(receipt), changes }
    }

    /// It is refused, and leaves no trace.
    pub fn refused(refusal: E) -> Self {
        Self { answer: Err(refusal), changes: Changes::default() }
    }

    /// It is refused, and that goes on record.
    pub fn refused_on_record(refusal: E, changes: Changes) -> Self {
        Self { answer: Err(refusal), changes }
    }
}

/// Told of every batch after its commit and before its answers: caches forget here.
pub trait Observer: Send + Sync {
    /// `books` holds what was written.
    fn committed(&self, books: &Books);
}

/// What a database must be able to do for the loop. All of it happens inside one transaction.
pub trait Backend: Send {
    /// Begins, and loads what is wanted: guards first, then the rest.
    fn load(&mut self, wants: &Wants) -> impl Future<Output = Result<Books, Fault>> + Send;
    /// Writes everything that was written in the books.
    fn save(&mut self, books: &Books) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Makes it durable. [`Fault::Unknown`] when nobody knows whether it did.
    fn commit(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Forgets it.
    fn rollback(&mut self) -> impl Future<Output = ()> + Send;
    /// Whether it can go on after a commit with an unknown outcome: because the truth lies in the
    /// database, and the next batch loads it from there.
    fn heals(&self) -> bool;
    /// Whether it is the only writer of its database: then it gives events their places as it writes them.
    fn is_alone(&self) -> bool;
    /// Time for housekeeping between two batches.
    fn between(&mut self) {}
}

pub(crate) type Answer<C> = Result<Result<<C as Command>::Receipt, <C as Command>::Refusal>, Fault>;

/// A command and what it decided, their types forgotten: there are more than a hundred kinds, and what each needs of its own
/// is compiled so often.
pub(crate) trait Pending: Any + Send {
    /// Says what it wants.
    fn wants(&self, wants: &mut Wants);
    /// Decides, keeps the answer, and gives the rest.
    fn decide(&mut self, books: &Books, at: Timestamp) -> Result<Decision<(), ()>, Fault>;
}

/// A command with room for what it decides.
pub(crate) struct Deciding<C: Command> {
    command: C,
    decided: Option<Result<C::Receipt, C::Refusal>>,
}

impl<C: Command> Deciding<C> {
    /// Nothing is decided yet.
    pub fn new(command: C) -> Self {
        Self { command, decided: None }
    }

    /// What was decided of a `C`.
    pub fn answer(done: Box<dyn Pending>) -> Answer<C> {
        let done: Box<dyn Any> = done;
        let decided = done.downcast::<Self>().ok().and_then(|done| done.decided);
        decided.ok_or_else(|| Fault::Bug("a command was not decided".into()))
    }
}

impl<C: Command> Pending for Deciding<C> {
    fn wants(&self, wants: &mut Wants) {
        self.command.wants(wants);
    }

    fn decide(&mut self, books: &Books, at: Timestamp) -> Result<Decision<(), ()>, Fault> {
        let Decision { answer, changes } = self.command.decide(books, at)?;
        let kept = if answer.is_ok() { Ok(()) } else { Err(()) };
        self.decided = Some(answer);
        Ok(Decision { answer: kept, changes })
    }
}

/// A command that comes back decided and committed.
type Done = Result<Box<dyn Pending>, Fault>;

/// A command on its way, and who waits for it.
pub(crate) struct Waiting {
    command: Box<dyn Pending>,
    reply: oneshot::Sender<Done>,
}

impl Waiting {
    /// It, and where it comes back when its batch has committed.
    pub fn new(command: Box<dyn Pending>) -> (Self, oneshot::Receiver<Done>) {
        let (reply, back) = oneshot::channel();
        (Self { command, reply }, back)
    }

    // A defect in one command must not take the others of the batch with it.
    fn wants(&self, wants: &mut Wants) -> Result<(), Fault> {
        catch_unwind(AssertUnwindSafe(|| self.command.wants(wants)))
            .map_err(|_| Fault::Bug("a command panicked".into()))
    }

    fn decide(&mut self, books: &Books, at: Timestamp) -> Result<Changes, Fault> {
        let decided = catch_unwind(AssertUnwindSafe(|| self.command.decide(books, at)));
        let Decision { answer, changes } =
            decided.map_err(|_| Fault::Bug("a decision panicked".into()))??;
        if answer.is_err() && changes.moves_value() {
            return Err(Fault::Bug("a refusal moved value".into()));
        }
        if changes.len() > MAX_ROWS {
            return Err(Fault::Bug("a command wrote too many rows".into()));
        }
        Ok(changes)
    }

    fn answer(self, outcome: Result<(), Fault>) {
        // Nobody waits any more when the caller went away; what was committed stays.
        drop(self.reply.send(outcome.map(|()| self.command)));
    }
}

type Batch = Vec<Waiting>;

/// The commands that wait, shared by the loops that take them.
pub(crate) type Queue = Arc<tokio::sync::Mutex<mpsc::Receiver<Waiting>>>;

/// Takes commands from `queue` until it closes.
///
/// Ends with [`Fault::Unknown`] when a commit failed and the backend does not heal: what is true can
/// then only be read at the next start.
pub(crate) async fn run<B: Backend>(
    backend: &mut B,
    queue: Queue,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
) -> Result<(), Fault> {
    let mut last = Timestamp::default();
    let mut batch = Batch::with_capacity(MAX_BATCH);
    while queue.lock().await.recv_many(&mut batch, MAX_BATCH).await > 0 {
        last = time(clock.now(), last);
        let batch = std::mem::replace(&mut batch, Batch::with_capacity(MAX_BATCH));
        carry_out(backend, batch, last, observer.as_ref()).await?;
        backend.between();
    }
    Ok(())
}

/// A clock that goes back by no more is being corrected: time stands still until it has caught up. One that goes back further
/// was wrong before, and is believed now.
const CORRECTED: Span = Span::minutes(1);

/// The time of a batch after one at `last`.
fn time(now: Timestamp, last: Timestamp) -> Timestamp {
    if now.plus(CORRECTED) < last { now } else { now.max(last) }
}

/// How often a batch is tried that meets other writers, and how often a single command is.
const TRIES: (usize, usize) = (2, 4);

/// Carries out a batch. After a conflict it is tried again, loaded and decided anew; when that does
/// not help, or when one command's rows or values are at fault, it is halved until the guilty
/// command stands alone: only that one fails, and one among a hundred costs some fourteen commits.
async fn carry_out<B: Backend>(
    backend: &mut B,
    batch: Batch,
    at: Timestamp,
    observer: &dyn Observer,
) -> Result<(), Fault> {
    let mut batches = vec![batch];
    while let Some(mut batch) = batches.pop() {
        match tries(backend, &mut batch, at, observer).await {
            Ok(faults) => answer(batch, faults),
            Err(Fault::Conflict | Fault::Bug(_) | Fault::Corrupt { .. }) if batch.len() > 1 => {
                let rest = batch.split_off(batch.len() / 2);
                batches.push(rest);
                batches.push(batch);
            }
            Err(fault) => {
                let ends = matches!(fault, Fault::Unknown(_)) && !backend.heals();
                fail(batch, &fault);
                if ends {
                    // What still waits was not tried, but only a new start can tell what was.
                    batches.into_iter().for_each(|batch| fail(batch, &fault));
                    return Err(fault);
                }
            }
        }
    }
    Ok(())
}

/// Tries a batch until it meets no other writer, but not for ever.
async fn tries<B: Backend>(
    backend: &mut B,
    batch: &mut Batch,
    at: Timestamp,
    observer: &dyn Observer,
) -> Result<Vec<Option<Fault>>, Fault> {
    let tries = if batch.len() > 1 { TRIES.0 } else { TRIES.1 };
    for _ in 1..tries {
        match attempt(backend, batch, at, observer).await {
            Err(Fault::Conflict) => {}
            outcome => return outcome,
        }
    }
    attempt(backend, batch, at, observer).await
}

/// One transaction. Gives a fault per command that had one; an error is the whole batch's.
async fn attempt<B: Backend>(
    backend: &mut B,
    batch: &mut Batch,
    at: Timestamp,
    observer: &dyn Observer,
) -> Result<Vec<Option<Fault>>, Fault> {
    let mut wants = Wants::default();
    let mut faults: Vec<_> = batch.iter().map(|command| command.wants(&mut wants).err()).collect();
    if backend.is_alone() {
        wants.feed.guard((Feed::ONLY,));
    }
    let mut books = match backend.load(&wants).await {
        Ok(books) => books,
        Err(fault) => {
            backend.rollback().await;
            return Err(fault);
        }
    };
    books.at = at;
    for (command, fault) in batch.iter_mut().zip(&mut faults) {
        if fault.is_none() {
            let decided = command.decide(&books, at).and_then(|changes| books.apply(changes));
            *fault = decided.err();
        }
    }
    if books.is_unwritten() {
        backend.rollback().await;
        return Ok(faults);
    }
    let placed = if backend.is_alone() { books.place_events() } else { Ok(()) };
    let saved = match placed {
        Ok(()) => backend.save(&books).await,
        Err(fault) => Err(fault),
    };
    if let Err(fault) = saved {
        backend.rollback().await;
        return Err(fault);
    }
    backend.commit().await?;
    observer.committed(&books);
    Ok(faults)
}

fn answer(batch: Batch, faults: Vec<Option<Fault>>) {
    for (command, fault) in batch.into_iter().zip(faults) {
        command.answer(fault.map_or(Ok(()), Err));
    }
}

fn fail(batch: Batch, fault: &Fault) {
    for command in batch {
        command.answer(Err(fault.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_step_back_is_waited_out_and_a_large_one_is_followed() {
        let at = |minutes: u32| Timestamp::default().plus(Span::minutes(minutes));
        assert_eq!(time(at(6), at(5)), at(6));
        assert_eq!(time(at(5), at(5)), at(5));
        assert_eq!(time(at(4), at(5)), at(5), "corrected");
        assert_eq!(time(at(4).minus(Span::millis(1)), at(5)), at(4).minus(Span::millis(1)));
        assert_eq!(time(at(0), at(5)), at(0), "it was wrong before");
    }
}
