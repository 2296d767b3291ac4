//! Figures of days.

use scrip_domain::Amount;
use scrip_domain::report::{Counted, DayFigures};

use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, money, same};
use crate::commands::{change, look};
use crate::home::Running;

pub async fn all(store: &Running) {
    let full = DayFigures {
        day: LAST,
        orders: u64::MAX >> 1,
        lines: u64::MAX >> 1,
        spent: Amount::MAX,
        sold: Amount::MAX,
        paid: vec![money(), money()],
        refunded: Amount::MAX,
        expired: Amount::MAX,
        clawed_back: Amount::MAX,
        downloads: u64::MAX >> 1,
        bytes: u64::MAX >> 1,
        accounts: u64::MAX >> 1,
        outstanding: i64::MIN,
    };
    let quiet = |day| DayFigures::of(day, Counted::default(), 0).unwrap();
    round_trips!(store, day_figures(day): full => quiet(LAST), other quiet(FIRST));
}
