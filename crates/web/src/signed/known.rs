//! Which members a type reads: what serde would look for, asked without a body.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

/// The members of a struct; none of anything else, or of one that gathers the rest in a flattened field.
pub fn members<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(Asker) {
        Err(Answer(members)) => members,
        Ok(_) => &[],
    }
}

/// Answers every question with an error, which tells what was asked for.
struct Asker;

#[derive(Debug)]
struct Answer(&'static [&'static str]);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only asked")
    }
}

impl std::error::Error for Answer {}

impl Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Asker {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        members: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(members))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn a_struct_tells_its_members() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape is asked for")]
        struct Body {
            offer: String,
            #[serde(rename = "iss")]
            issuer: Option<u8>,
        }
        assert_eq!(members::<Body>(), ["offer", "iss"]);
        assert!(members::<Vec<u8>>().is_empty());
    }
}
