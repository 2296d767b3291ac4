//! A file that a bank pays from: ISO 20022 `pain.001.001.09`, one payment in it.
//!
//! Everything in it stands in the settlement's row and in what is known of both accounts, so that the same payment asked for
//! again is the same file. Amounts are written from whole numbers, and every text in the characters that banks carry.

use std::fmt::Write;

use crate::amount::Money;
use crate::bank::{BankDetails, Bic, MAX_HOLDER, latin};
use crate::time::Timestamp;

/// The longest remittance information, in characters.
const MAX_REMITTANCE: usize = 140;

/// A payment from one account to another.
#[derive(Clone, Debug)]
pub struct Transfer<'a> {
    /// What it is called, end to end; it names the message as well.
    pub reference: &'a str,
    /// When it was instructed: what is written into the file, and the day on which it is asked for (UTC).
    pub at: Timestamp,
    /// How much.
    pub money: Money,
    /// Who pays.
    pub debtor: &'a BankDetails,
    /// Who is paid.
    pub creditor: &'a BankDetails,
    /// What it is for, for people.
    pub remittance: &'a str,
}

/// The file.
pub fn file(transfer: &Transfer<'_>) -> String {
    let Transfer { reference, at, money, debtor, creditor, remittance } = transfer;
    let is_sepa = money.unit.as_str() == "EUR";
    let amount = money.amount.decimal(money.unit.currency_scale()).to_string();
    let written = at.to_string();
    let (day, _) = written.split_once('T').unwrap_or((&written, ""));
    let holder = |of: &BankDetails| latin(&of.holder, MAX_HOLDER);

    let mut xml = Xml::default();
    xml.within("CstmrCdtTrfInitn", |xml| {
        xml.within("GrpHdr", |xml| {
            xml.text("MsgId", reference);
            xml.text("CreDtTm", &written);
            xml.text("NbOfTxs", "1");
            xml.text("CtrlSum", &amount);
            xml.within("InitgPty", |xml| xml.text("Nm", &holder(debtor)));
        });
        xml.within("PmtInf", |xml| {
            xml.text("PmtInfId", reference);
            xml.text("PmtMtd", "TRF");
            xml.text("BtchBookg", "false");
            xml.text("NbOfTxs", "1");
            xml.text("CtrlSum", &amount);
            if is_sepa {
                xml.within("PmtTpInf", |xml| {
                    xml.within("SvcLvl", |xml| xml.text("Cd", "SEPA"));
                });
            }
            xml.within("ReqdExctnDt", |xml| xml.text("Dt", day));
            xml.within("Dbtr", |xml| xml.text("Nm", &holder(debtor)));
            xml.account("DbtrAcct", debtor);
            xml.agent("DbtrAgt", debtor.bic.as_ref());
            xml.text("ChrgBr", if is_sepa { "SLEV" } else { "SHAR" });
            xml.within("CdtTrfTxInf", |xml| {
                xml.within("PmtId", |xml| xml.text("EndToEndId", reference));
                xml.within("Amt", |xml| xml.money(money, &amount));
                if let Some(bic) = &creditor.bic {
                    xml.agent("CdtrAgt", Some(bic));
                }
                xml.within("Cdtr", |xml| xml.text("Nm", &holder(creditor)));
                xml.account("CdtrAcct", creditor);
                let remittance = latin(remittance, MAX_REMITTANCE);
                xml.within("RmtInf", |xml| xml.text("Ustrd", &remittance));
            });
        });
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\">\n{}</Document>\n",
        xml.out
    )
}

/// Elements, each on lines of its own.
#[derive(Default)]
struct Xml {
    out: String,
    depth: usize,
}

impl Xml {
    fn line(&mut self, line: &str) {
        let indent = self.depth.saturating_mul(2);
        // Writing into a text does not fail.
        let _ = writeln!(self.out, "{:indent$}{line}", "");
    }

    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.line(&format!("<{name}>"));
        self.depth = self.depth.saturating_add(1);
        inner(self);
        self.depth = self.depth.saturating_sub(1);
        self.line(&format!("</{name}>"));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.line(&format!("<{name}>{}</{name}>", escaped(text)));
    }

    fn money(&mut self, money: &Money, amount: &str) {
        self.line(&format!("<InstdAmt Ccy=\"{}\">{amount}</InstdAmt>", money.unit));
    }

    fn account(&mut self, name: &str, of: &BankDetails) {
        self.within(name, |xml| xml.within("Id", |xml| xml.text("IBAN", of.iban.as_str())));
    }

    /// The bank of an account; where it is not known, the account tells it, and this says so.
    fn agent(&mut self, name: &str, bic: Option<&Bic>) {
        self.within(name, |xml| {
            xml.within("FinInstnId", |xml| match bic {
                Some(bic) => xml.text("BICFI", bic.as_str()),
                None => xml.within("Othr", |xml| xml.text("Id", "NOTPROVIDED")),
            });
        });
    }
}

/// None of these is in the characters that banks carry; so nothing here depends on that.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::{Amount, Unit};
    use crate::bank::{Iban, OWN};

    fn details(holder: &str, iban: &str, bic: Option<&str>) -> BankDetails {
        let bic = bic.map(|bic| Bic::parse(bic).unwrap());
        let iban = Iban::parse(iban).unwrap();
        BankDetails { owner: OWN, holder: holder.to_owned(), iban, bic }
    }

    fn made(code: &str, bic: Option<&str>) -> String {
        let transfer = Transfer {
            reference: "SCRIP-06BQ3V8K2M9ZC-7",
            at: Timestamp::from_millis(1_795_390_200_123),
            money: Money { amount: Amount::new(1_205).unwrap(), unit: Unit::parse(code).unwrap() },
            debtor: &details("Müller & <Söhne>", "DE89370400440532013000", bic),
            creditor: &details("Aurora", "NL91ABNA0417164300", bic),
            remittance: "Scrip cycle 7 & more",
        };
        file(&transfer)
    }

    #[test]
    fn a_file_says_the_same_sum_three_times_and_nothing_of_markup() {
        let file = made("EUR", None);
        assert_eq!(file.matches("<CtrlSum>12.05</CtrlSum>").count(), 2);
        assert!(file.contains("<InstdAmt Ccy=\"EUR\">12.05</InstdAmt>"), "{file}");
        assert!(file.contains("<EndToEndId>SCRIP-06BQ3V8K2M9ZC-7</EndToEndId>"));
        assert!(file.contains("<CreDtTm>2026-11-22T23:30:00.123Z</CreDtTm>"));
        assert!(file.contains("<Dt>2026-11-22</Dt>"));
        assert!(file.contains("<Nm>Muller + .Sohne.</Nm>"), "{file}");
        assert!(file.contains("<Ustrd>Scrip cycle 7 + more</Ustrd>"));
        assert!(file.contains("<Cd>SEPA</Cd>") && file.contains("<ChrgBr>SLEV</ChrgBr>"));
        assert_eq!(file.matches("NOTPROVIDED").count(), 1);
        assert!(!file.contains("CdtrAgt"));
        let open = file.matches('<').count();
        assert_eq!(open, file.matches('>').count());
    }

    #[test]
    fn other_currencies_have_their_own_decimals_and_no_sepa() {
        let file = made("JPY", Some("COBADEFF"));
        assert!(file.contains("<InstdAmt Ccy=\"JPY\">1205</InstdAmt>"));
        assert!(!file.contains("SEPA") && file.contains("<ChrgBr>SHAR</ChrgBr>"));
        assert_eq!(file.matches("<BICFI>COBADEFF</BICFI>").count(), 2);
        assert!(made("BHD", None).contains(">1.205<"));
    }
}
