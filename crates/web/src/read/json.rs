//! JSON, read strictly: a name that stands twice in an object is refused, and so is an array in an
//! object's place, which serde's derived readers would take for its fields in order.

use std::fmt;
use std::iter::Enumerate;
use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value, map};

use super::Misread;

/// Any JSON value, in which every name stands once.
#[derive(Debug)]
pub struct Unambiguous(pub Value);

impl Unambiguous {
    /// The value as a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Misread> {
        T::deserialize(Strict(&self.0))
    }
}

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder).map(Self)
    }
}

/// What of a name that stands twice is said to `serde_json`, which keeps nothing but text.
const TWICE: &str = "duplicate field `";

/// The name that stands twice, if this is what is wrong.
pub fn named_twice(error: &serde_json::Error) -> Option<String> {
    let said = error.to_string();
    let (name, _) = said.strip_prefix(TWICE)?.rsplit_once("` at line ")?;
    Some(name.to_owned())
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unambiguous(value)) = access.next_element()? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if all.contains_key(&name) {
                return Err(A::Error::custom(format!("{TWICE}{name}`")));
            }
            let Unambiguous(value) = access.next_value()?;
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

/// A value in which an object is an object.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Value);

impl<'de> Deserializer<'de> for Strict<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Value::Array(all) => {
                let mut elements = Elements(all.iter().enumerate());
                let value = visitor.visit_seq(&mut elements)?;
                match elements.0.next() {
                    None => Ok(value),
                    Some((read, _)) => Err(Misread::invalid_length(
                        all.len(),
                        &format!("a list of {read}").as_str(),
                    )),
                }
            }
            Value::Object(all) => visitor.visit_map(Members { rest: all.iter(), member: None }),
            // One by one: serde_json's own reader of values would be compiled beside this one for every type.
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., Some(number)) => visitor.visit_f64(number),
                _ => Err(Misread::invalid_type(kind(self.0), &visitor)),
            },
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            other => Err(Misread::invalid_type(kind(other), &"an object")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            other => Err(Misread::invalid_type(kind(other), &"a text")),
        }
    }

    /// The word that says which variant an object is: serde would take its number too.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Value::String(_) => self.deserialize_any(visitor),
            other => Err(Misread::invalid_type(kind(other), &"a text")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map ignored_any
    }
}

struct Elements<'de>(Enumerate<slice::Iter<'de, Value>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misread> {
        let Some((index, value)) = self.0.next() else { return Ok(None) };
        seed.deserialize(Strict(value)).map(Some).map_err(|wrong| wrong.at(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Members<'de> {
    rest: map::Iter<'de>,
    member: Option<(&'de String, &'de Value)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misread> {
        self.member = self.rest.next();
        let Some((name, _)) = self.member else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misread> {
        let (name, value) = self.member.take().ok_or_else(|| Misread::custom("no value"))?;
        seed.deserialize(Strict(value)).map_err(|wrong| wrong.within(name))
    }
}

/// What a value is.
fn kind(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(_) => Unexpected::Other("a number"),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Basket {
        lines: Vec<Line>,
        #[serde(default)]
        note: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Line {
        offer: String,
        quantity: u32,
    }

    fn read(text: &str) -> Result<Basket, String> {
        let json: Unambiguous = serde_json::from_str(text).map_err(|error| error.to_string())?;
        json.read().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_spelled_well_is_read() {
        let basket = read(r#"{"lines": [{"offer": "a", "quantity": 2}], "note": null}"#).unwrap();
        assert_eq!(basket.lines, [Line { offer: "a".into(), quantity: 2 }]);
        assert_eq!(basket.note, None);
    }

    #[test]
    fn arrays_are_not_taken_for_objects_and_no_name_stands_twice() {
        for (text, expected) in [
            ("[[]]", ".: expected an object, not a list"),
            (r#"{"lines": [["a", 2]]}"#, "lines[0]: expected an object, not a list"),
            (r#""secret""#, ".: expected an object, not a text"),
            (r#"{"lines": {}}"#, "lines: expected a list, not an object"),
            (r#"{"lines": null}"#, "lines: expected a list, not null"),
            ("{}", "lines: this field is required"),
            (r#"{"lines": [], "note": 1}"#, "note: expected a text, not 1"),
            (r#"{"lines": [], "lines": []}"#, "duplicate field `lines`"),
            (
                r#"{"lines": [{"offer": "a", "quantity": 2, "quantity": 1}]}"#,
                "duplicate field `quantity`",
            ),
            (r#"{"lines": [], "more": 1}"#, "there is no field more"),
            (r#"{"lines": [{"a": 1}]}"#, "there is no field lines[0].a"),
            (r#"{"lines": [{}]}"#, "lines[0].offer: this field is required"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn numbers_are_called_what_the_contract_calls_them() {
        for (number, words) in [
            ("4294967296", "expected a smaller whole number, not 4294967296"),
            ("-5", "expected a whole number from 0, not -5"),
            ("1.5", "expected a whole number from 0, not 1.5"),
            ("2.0", "expected a whole number from 0, not 2.0"),
            ("-0", "expected a whole number from 0, not -0.0"),
            ("null", "expected a whole number from 0, not null"),
            ("true", "expected a whole number from 0, not true"),
            (r#""2""#, "expected a whole number from 0, not a text"),
            ("[]", "expected a whole number from 0, not a list"),
        ] {
            let line = format!(r#"{{"lines": [{{"offer": "a", "quantity": {number}}}]}}"#);
            assert_eq!(read(&line).unwrap_err(), format!("lines[0].quantity: {words}"));
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_told_those_that_are() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Word {
            En,
            De,
            FirstActivation,
        }
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Only {
            One,
        }
        let wrong = |text| {
            let json: Unambiguous = serde_json::from_str(text).unwrap();
            json.read::<Word>().unwrap_err().to_string()
        };
        assert_eq!(wrong(r#""fr""#), ".: expected `en`, `de` or `first_activation`");
        assert_eq!(wrong("0"), ".: expected a text, not a number");
        assert_eq!(wrong(r#"{"en": null}"#), ".: expected a text, not an object");
        let only = Unambiguous("two".into()).read::<Only>().unwrap_err();
        assert_eq!(only.to_string(), ".: expected `one`");
    }

    #[test]
    fn a_variant_is_named_by_its_word() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        enum Terms {
            Perpetual {},
        }
        let read = |text| serde_json::from_str::<Unambiguous>(text).unwrap().read::<Terms>();
        assert_eq!(read(r#"{"kind": "perpetual"}"#).unwrap(), Terms::Perpetual {});
        assert!(read(r#"{"kind": 0}"#).is_err());
    }

    #[test]
    fn what_is_too_deep_is_refused_and_not_followed() {
        let deep = "[".repeat(100_000);
        assert!(serde_json::from_str::<Unambiguous>(&deep).unwrap_err().is_syntax());
    }
}
