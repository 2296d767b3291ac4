//! Terms and limits, told for people.

use scrip_license::{Limits, RentalStart, Terms};

use crate::pages::pay::span_text;

/// What the buyer may do, and how long.
pub fn told(terms: Terms) -> String {
    match terms {
        Terms::Perpetual => "for good".to_owned(),
        Terms::Rental { seconds, from: RentalStart::Purchase } => format!("for {}", days(seconds)),
        Terms::Rental { seconds, from: RentalStart::FirstActivation } => {
            format!("for {} from its first use", days(seconds))
        }
        Terms::Uses { count } => format!("for {}", many(count, "use", "uses")),
        Terms::Processings { count, unit: None } => {
            format!("for {}", many(count, "processing", "processings"))
        }
        Terms::Processings { count, unit: Some(unit) } => format!("for {count} {unit}"),
        Terms::Trial { seconds } => format!("to try for {}", days(seconds)),
    }
}

/// On how many machines, with how many downloads; empty when nothing limits it.
pub fn limited(limits: Limits) -> String {
    let machines =
        limits.machines.map(|count| format!("on {}", many(count.into(), "machine", "machines")));
    let downloads = limits
        .downloads
        .map(|count| format!("with {}", many(count.into(), "download", "downloads")));
    [machines, downloads].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn days(seconds: u64) -> String {
    match seconds {
        0..172_800 => span_text(seconds),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn many(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_told_for_people() {
        assert_eq!(told(Terms::Perpetual), "for good");
        let rental = |seconds| Terms::Rental { seconds, from: RentalStart::Purchase };
        assert_eq!(told(rental(30 * 86_400)), "for 30 days");
        assert_eq!(told(rental(3_600)), "for 60 minutes");
        assert_eq!(told(Terms::Uses { count: 5 }), "for 5 uses");
        assert_eq!(told(Terms::Uses { count: 1 }), "for 1 use");
    }

    #[test]
    fn limits_are_told_where_there_are_some() {
        assert_eq!(limited(Limits::default()), "");
        let limits = Limits { machines: Some(1), downloads: Some(3), ..Limits::default() };
        assert_eq!(limited(limits), "on 1 machine, with 3 downloads");
    }
}
