//! Writing a journal, sheet by sheet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::format::{comment, field, next_day, pattern, posting, quoted};
use super::{Entry, Fact, Figure, Format, JournalAccount, Posting, REASONS, Sheet};
use crate::amount::Unit;
use crate::ledger::Reason;
use crate::partner::MICRO_SCALE;
use crate::settings::Token;
use crate::time::Timestamp;

/// When accounts are opened in a journal of everything: before that no id was ever minted.
const BEGINNING: &str = "2026-01-01";

/// Where a journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Head,
    Opening,
    Entries,
    Closing,
}

/// A journal while it is written. Each call gives the text that comes next.
#[derive(Debug)]
pub struct Journal {
    format: Format,
    token: Token,
    from: Option<Timestamp>,
    place: Place,
    /// Which currencies are declared.
    declared: BTreeSet<Unit>,
    /// What money accounts have: there are few of them.
    money: BTreeMap<(JournalAccount, Unit), Figure>,
    /// The last time that was written.
    last: Option<Timestamp>,
    /// Whether the entry of opening or of closing balances has begun.
    begun: bool,
}

impl Journal {
    /// The journal of a vendor called `title`, from a time on or from the beginning; with its head.
    pub fn begin(
        format: Format,
        title: &str,
        token: &Token,
        from: Option<Timestamp>,
    ) -> (Self, String) {
        let journal = Self {
            format,
            token: token.clone(),
            from,
            place: Place::Head,
            declared: BTreeSet::new(),
            money: BTreeMap::new(),
            last: None,
            begun: false,
        };
        let mut head = match format {
            Format::Hledger => format!("; {}\ndecimal-mark .\n", comment(title)),
            Format::Beancount => format!("option \"title\" {}\n", quoted(title)),
            Format::Csv => "at,entry,reason,subject,account,amount,unit\r\n".to_owned(),
        };
        head += &journal.unit(token.code, token.scale);
        if format == Format::Hledger {
            let reasons = Reason::ALL.iter().map(|reason| reason.as_str()).chain(REASONS);
            head.extend(reasons.map(|reason| format!("payee {reason}\n")));
        }
        head.extend(JournalAccount::always().iter().map(|account| journal.account(account, None)));
        (journal, head)
    }

    /// The text of a sheet.
    pub fn sheet(&mut self, sheet: &Sheet) -> String {
        match sheet {
            Sheet::FineCurrency(unit) => self.currency(*unit, MICRO_SCALE),
            Sheet::Currency(unit) => self.currency(*unit, unit.currency_scale()),
            Sheet::Account(account, name) => self.account(account, name.as_deref()),
            Sheet::Opening(account, units) => {
                let mut text = self.go(Place::Opening);
                text += &self.open(account, self.tokens(*units));
                text
            }
            Sheet::Fact(fact) => self.fact(fact),
            Sheet::Closing(account, units) => {
                let mut text = self.go(Place::Closing);
                text += &self.close(account, self.tokens(*units));
                text
            }
            Sheet::Lent(account, owed, unit) => {
                let mut text = self.go(Place::Closing);
                let (units, scale) = (i128::from(owed.units()), unit.currency_scale());
                let figure = Figure { units, unit: *unit, scale };
                text += &self.counted(&JournalAccount::CreditLine(*account), figure);
                text
            }
            Sheet::Owed(account, units, unit) => {
                let mut text = self.go(Place::Closing);
                let figure = Figure { units: *units, unit: *unit, scale: MICRO_SCALE };
                text += &self.counted(account, figure);
                text
            }
        }
    }

    /// What comes after the last sheet.
    pub fn end(mut self) -> String {
        let mut text = self.go(Place::Closing);
        for ((account, _), figure) in std::mem::take(&mut self.money) {
            text += &self.close(&account, figure);
        }
        text
    }

    /// Closes an account of money by the counter of the books, in the place of what was reckoned here.
    fn counted(&mut self, account: &JournalAccount, figure: Figure) -> String {
        self.money.remove(&(account.clone(), figure.unit));
        self.close(account, figure)
    }

    /// Declares a currency, once.
    fn currency(&mut self, unit: Unit, scale: u8) -> String {
        if self.declared.insert(unit) { self.unit(unit, scale) } else { String::new() }
    }

    fn tokens(&self, units: i128) -> Figure {
        Figure { units, unit: self.token.code, scale: self.token.scale }
    }

    /// When accounts and units are opened.
    fn opened(&self) -> String {
        self.from.map_or_else(|| BEGINNING.to_owned(), Timestamp::date)
    }

    fn unit(&self, unit: Unit, scale: u8) -> String {
        match self.format {
            Format::Hledger => format!("commodity {}\n", pattern(unit, scale)),
            Format::Beancount => format!("{} commodity {unit}\n", self.opened()),
            Format::Csv => String::new(),
        }
    }

    fn account(&self, account: &JournalAccount, name: Option<&str>) -> String {
        let name = name.filter(|name| !name.is_empty());
        match self.format {
            Format::Hledger => {
                let name = name.map(|name| format!("  ; name: {}", comment(name)));
                format!("account {account}{}\n", name.unwrap_or_default())
            }
            Format::Beancount => {
                let name = name.map(|name| format!("  name: {}\n", quoted(name)));
                format!("{} open {account}\n{}", self.opened(), name.unwrap_or_default())
            }
            Format::Csv => String::new(),
        }
    }

    /// Goes on to a later place, and writes what is due at the end of the one before.
    fn go(&mut self, place: Place) -> String {
        let mut text = String::new();
        if self.place < Place::Entries && place >= Place::Entries {
            // What moved money before has been added up by now.
            for ((account, _), figure) in self.money.clone() {
                text += &self.open(&account, figure);
            }
            self.begun = false;
        }
        self.place = self.place.max(place);
        text
    }

    fn fact(&mut self, fact: &Fact) -> String {
        let entry = fact.entry(&self.token);
        let mut text = String::new();
        let earlier = self.from.is_some_and(|from| entry.at < from);
        if !earlier {
            text += &self.go(Place::Entries);
            text += &self.entry(&entry);
            self.last = Some(self.last.map_or(entry.at, |last| last.max(entry.at)));
        }
        for Posting { account, figure } in entry.postings {
            if figure.unit != self.token.code {
                let sum = self.money.entry((account, figure.unit)).or_insert(figure.zero());
                sum.units = sum.units.saturating_add(figure.units);
            }
        }
        text
    }

    /// An entry, whole.
    fn entry(&self, entry: &Entry) -> String {
        let Entry { at, id, reason, subject, postings } = entry;
        let mut text = self.head_of(*at, reason, id, subject);
        for line in postings {
            text += &match self.format {
                Format::Csv => row(Some(*at), reason, (id, subject), line),
                format => posting(line, format),
            };
        }
        text
    }

    /// The lines of an entry before its postings.
    fn head_of(&self, at: Timestamp, reason: &str, id: &str, subject: &str) -> String {
        let date = at.date();
        match self.format {
            Format::Hledger => {
                format!("\n{date} * ({id}) {reason}  ; subject:{subject}, at:{at}\n")
            }
            Format::Beancount => format!(
                "\n{date} * \"{reason}\"\n  id: \"{id}\"\n  subject: \"{subject}\"\n  at: \"{at}\"\n"
            ),
            Format::Csv => String::new(),
        }
    }

    /// A line of the opening balances.
    fn open(&mut self, account: &JournalAccount, figure: Figure) -> String {
        let (true, Some(from)) = (figure.units != 0, self.from) else { return String::new() };
        let line = Posting { account: account.clone(), figure };
        let mut text = String::new();
        if !std::mem::replace(&mut self.begun, true) {
            match self.format {
                Format::Hledger => text = format!("\n{} * opening_balances\n", from.date()),
                Format::Beancount => text = format!("\n{} * \"opening_balances\"\n", from.date()),
                Format::Csv => {}
            }
        }
        text += &match self.format {
            Format::Csv => row(self.from, "opening_balances", ("", ""), &line),
            format => posting(&line, format),
        };
        text
    }

    /// What an account must have at the end: the program that reads the journal says whether it has.
    fn close(&mut self, account: &JournalAccount, figure: Figure) -> String {
        // Without entries what opened is what closes.
        let Some(last) = self.last.or(self.from) else { return String::new() };
        let begun = std::mem::replace(&mut self.begun, true);
        let mut text = String::new();
        let amount = figure.with_unit(self.format);
        // Writing to a text cannot fail.
        let _ = match self.format {
            Format::Hledger => {
                if !begun {
                    let _ = write!(text, "\n{} * closing_balances\n", last.date());
                }
                let none = figure.zero().with_unit(self.format);
                writeln!(text, "    {account}  {none} = {amount}")
            }
            Format::Beancount => {
                let gap = if begun { "" } else { "\n" };
                // To the last unit: Beancount forgives a little otherwise.
                let exact = amount.replacen(' ', " ~ 0 ", 1);
                writeln!(text, "{gap}{} balance {account}  {exact}", next_day(last))
            }
            Format::Csv => Ok(()),
        };
        text
    }
}

/// A row of the table.
fn row(at: Option<Timestamp>, reason: &str, (id, subject): (&str, &str), line: &Posting) -> String {
    let Posting { account, figure } = line;
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    let (id, subject) = (field(id), field(subject));
    format!("{at},{id},{reason},{subject},{account},{figure},{}\r\n", figure.unit)
}
