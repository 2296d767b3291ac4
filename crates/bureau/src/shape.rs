//! The JSON of question and answer, as `docs/bureau.schema.json` publishes it.

use scrip_domain::account::Account;
use scrip_domain::credit::{Assessment, CreditDecision, Evidence};
use scrip_domain::top_up::TopUp;
use scrip_domain::{Amount, Id, Timestamp, Unit};
use scrip_engine::bureau::{Inquiry, Opinion};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// So many reasons, and so long ones.
const MOST_REASONS: usize = 20;
const LONGEST: usize = 100;

#[derive(Serialize)]
struct Question<'a> {
    assessment: Id<Assessment>,
    top_up: Id<TopUp>,
    asked_at: String,
    account: Buyer,
    method: &'a str,
    tokens: Worth,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay: Option<Worth>,
    rules: Option<Rules<'a>>,
}

#[derive(Serialize)]
struct Buyer {
    id: Id<Account>,
    opened_at: String,
    top_ups_credited: u32,
    top_ups_declined: u32,
    disputes: u32,
    /// In the day that is counted, with this one.
    day: Day,
}

#[derive(Serialize)]
struct Day {
    top_ups: u32,
    tokens: Amount,
}

#[derive(Serialize)]
struct Worth {
    amount: Amount,
    unit: Unit,
}

#[derive(Serialize)]
struct Rules<'a> {
    decision: CreditDecision,
    reasons: &'a [String],
}

/// What is sent.
pub fn question(inquiry: &Inquiry) -> Vec<u8> {
    let Inquiry { file, tokens: (tokens, token), .. } = inquiry;
    let question = Question {
        assessment: inquiry.assessment,
        top_up: inquiry.top_up,
        asked_at: inquiry.at.to_string(),
        account: Buyer {
            id: inquiry.account,
            opened_at: inquiry.opened_at.to_string(),
            top_ups_credited: file.credited,
            top_ups_declined: file.declined,
            disputes: file.disputed,
            day: Day { top_ups: file.day_count, tokens: file.day_tokens },
        },
        method: inquiry.method.as_str(),
        tokens: Worth { amount: *tokens, unit: *token },
        pay: inquiry.pay.map(|pay| Worth { amount: pay.amount, unit: pay.unit }),
        rules: inquiry
            .rules
            .as_ref()
            .map(|(decision, reasons)| Rules { decision: *decision, reasons }),
    };
    // Maps with string keys only: serialization cannot fail.
    serde_json::to_vec(&question).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    assessment: String,
    status: CreditDecision,
    #[serde(default)]
    score: Option<u8>,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    valid_until: Option<Timestamp>,
    #[serde(default)]
    reference: Option<String>,
}

/// What was answered about `assessment`; else what is wrong with it.
pub fn opinion(assessment: &str, body: &[u8]) -> Result<Opinion, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let line = |text: &String| {
        (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if answer.assessment != assessment {
        return Err("about another assessment".to_owned());
    }
    if answer.score.is_some_and(|score| score > 100) {
        return Err("a score above 100".to_owned());
    }
    if answer.reasons.len() > MOST_REASONS || !answer.reasons.iter().all(line) {
        return Err("too many reasons, or one that is no line".to_owned());
    }
    if !answer.reference.iter().all(line) {
        return Err("a reference that is no line".to_owned());
    }
    let sha256 = base16ct::lower::encode_string(&Sha256::digest(body));
    Ok(Opinion {
        decision: answer.status,
        score: answer.score,
        reasons: answer.reasons,
        valid_until: answer.valid_until,
        evidence: Evidence { reference: answer.reference, sha256 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::inquiry;

    #[test]
    fn a_question_tells_what_an_opinion_needs_and_no_more() {
        let text = String::from_utf8(question(&inquiry())).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"assessment":"asm_0000000000001","top_up":"top_0000000000002","asked_at":"2026-11-23T12:00:00.000Z","#,
                r#""account":{"id":"acc_0000000000003","opened_at":"2026-11-22T12:00:00.000Z","top_ups_credited":4,"#,
                r#""top_ups_declined":0,"disputes":0,"day":{"top_ups":1,"tokens":0}},"method":"card","#,
                r#""tokens":{"amount":500,"unit":"AUR"},"pay":{"amount":495,"unit":"EUR"},"#,
                r#""rules":{"decision":"approved","reasons":["rules_passed"]}}"#,
            )
        );
    }

    #[test]
    fn an_answer_is_read_strictly() {
        let read = |text: &str| opinion("asm_1", text.as_bytes());
        let full = r#"{"assessment":"asm_1","status":"declined","score":97,"reasons":["thin_file"],
            "valid_until":"2026-12-01T00:00:00Z","reference":"R-77"}"#;
        let opinion = read(full).unwrap();
        assert_eq!((opinion.decision, opinion.score), (CreditDecision::Declined, Some(97)));
        assert_eq!(opinion.evidence.reference.as_deref(), Some("R-77"));
        assert_eq!(opinion.evidence.sha256.len(), 64);
        let least = read(r#"{"assessment":"asm_1","status":"approved"}"#).unwrap();
        assert_eq!((least.decision, least.reasons), (CreditDecision::Approved, vec![]));
        let long = "x".repeat(101);
        for bad in [
            "",
            "approved",
            "[]",
            r#"{"status":"approved"}"#,
            r#"{"assessment":"asm_2","status":"approved"}"#,
            r#"{"assessment":"asm_1","status":"fine"}"#,
            r#"{"assessment":"asm_1","status":"approved","score":101}"#,
            r#"{"assessment":"asm_1","status":"approved","score":-1}"#,
            r#"{"assessment":"asm_1","status":"approved","score":1.5}"#,
            r#"{"assessment":"asm_1","status":"approved","reasons":["a\nb"]}"#,
            r#"{"assessment":"asm_1","status":"approved","reasons":[""]}"#,
            &format!(r#"{{"assessment":"asm_1","status":"approved","reference":"{long}"}}"#),
            r#"{"assessment":"asm_1","status":"approved","valid_until":"soon"}"#,
            r#"{"assessment":"asm_1","status":"approved","extra":1}"#,
            r#"{"assessment":"asm_1","status":"declined","status":"approved"}"#,
            r#"{"assessment":"asm_1","status":"approved"} {}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
