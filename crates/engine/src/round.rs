//! A round of what is due. Each row has its turn, and one that faults holds up none of the others: what its neighbours have
//! asked somebody is let through to its end, and whoever stands behind it is not kept waiting for as long as it is broken.

use futures_util::{StreamExt, stream};
use scrip_storage::Fault;

/// One row after the other.
pub(crate) const IN_TURN: usize = 1;
/// So many at a time, where each waits for somebody else's answer.
pub(crate) const AT_ONCE: usize = 8;

/// Does `work` for each row of `due`, so many `at_once`, and gives what came of them. A fault is told when all are done.
pub(crate) async fn all<R, T, W: Future<Output = Result<T, Fault>>>(
    due: Vec<R>,
    at_once: usize,
    work: impl FnMut(R) -> W,
) -> Result<Vec<T>, Fault> {
    let done: Vec<_> = stream::iter(due).map(work).buffer_unordered(at_once).collect().await;
    done.into_iter().collect()
}

/// The same, and counts those of which something came.
pub(crate) async fn count<R, W: Future<Output = Result<bool, Fault>>>(
    due: Vec<R>,
    at_once: usize,
    work: impl FnMut(R) -> W,
) -> Result<usize, Fault> {
    Ok(all(due, at_once, work).await?.into_iter().filter(|done| *done).count())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn a_row_that_faults_holds_up_none_of_the_others() {
        for at_once in [IN_TURN, AT_ONCE] {
            let done = RefCell::new(BTreeSet::new());
            let work = async |row: u32| {
                tokio::task::yield_now().await;
                if row == 1 {
                    return Err(Fault::Busy);
                }
                done.borrow_mut().insert(row);
                Ok(row != 2)
            };
            let faulted = count(vec![1, 2, 3], at_once, work).await;
            assert!(matches!(faulted, Err(Fault::Busy)), "{faulted:?}");
            assert_eq!(*done.borrow(), BTreeSet::from([2, 3]));
            assert_eq!(count(vec![2, 3], at_once, work).await.unwrap(), 1);
        }
    }
}
