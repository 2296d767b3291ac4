//! The pairs of a query or a form (WHATWG URL, `application/x-www-form-urlencoded`): each fills a field, numbers are
//! written as text.

use std::borrow::Cow;
use std::vec;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Misread;

/// What the pairs say, as a `T`.
pub fn read<T: DeserializeOwned>(pairs: &[u8]) -> Result<T, Misread> {
    T::deserialize(Pairs(form_urlencoded::parse(pairs).collect()))
}

type Pair<'de> = (Cow<'de, str>, Cow<'de, str>);

struct Pairs<'de>(Vec<Pair<'de>>);

impl<'de> Deserializer<'de> for Pairs<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_map(Fields { rest: self.0.into_iter(), value: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'de> {
    rest: vec::IntoIter<Pair<'de>>,
    value: Option<Pair<'de>>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misread> {
        self.value = self.rest.next();
        let Some((name, _)) = &self.value else { return Ok(None) };
        seed.deserialize(CowStrDeserializer::new(name.clone())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misread> {
        let (name, text) = self.value.take().ok_or_else(|| Misread::custom("no value"))?;
        seed.deserialize(Text(text)).map_err(|wrong| wrong.within(&name))
    }
}

/// A value: text, or what is written in it.
struct Text<'de>(Cow<'de, str>);

/// The standard library's own words ("invalid digit found in string") say nothing to who wrote `?limit=many`.
macro_rules! written {
    ($($method:ident $visit:ident $expected:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
            let value = self.0.parse().map_err(|_| Misread::custom($expected))?;
            visitor.$visit(value)
        }
    )*};
}

/// A number's width in memory is not what the field takes.
const WHOLE: &str = "expected a whole number";
const NUMBER: &str = "expected a number";

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_some(self)
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
        visitor.visit_enum(CowStrDeserializer::new(self.0))
    }

    written! {
        deserialize_bool visit_bool "expected true or false";
        deserialize_i8 visit_i8 WHOLE;
        deserialize_i16 visit_i16 WHOLE;
        deserialize_i32 visit_i32 WHOLE;
        deserialize_i64 visit_i64 WHOLE;
        deserialize_u8 visit_u8 WHOLE;
        deserialize_u16 visit_u16 WHOLE;
        deserialize_u32 visit_u32 WHOLE;
        deserialize_u64 visit_u64 WHOLE;
        deserialize_f32 visit_f32 NUMBER;
        deserialize_f64 visit_f64 NUMBER;
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::Wrong;
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        q: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
        #[serde(default)]
        deep: bool,
        #[serde(default)]
        mbps: Option<f64>,
        #[serde(default)]
        order: Option<Order>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        Newest,
    }

    #[test]
    fn pairs_fill_fields() {
        let filter: Filter = read(b"q=a+b%20c&limit=20&deep=true&mbps=0.5&order=newest").unwrap();
        let expected = Filter {
            q: Some("a b c".into()),
            limit: Some(20),
            deep: true,
            mbps: Some(0.5),
            order: Some(Order::Newest),
        };
        assert_eq!(filter, expected);
        let empty = Filter { q: None, limit: None, deep: false, mbps: None, order: None };
        assert_eq!(read::<Filter>(b"").unwrap(), empty);
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        for (query, path, message) in [
            ("limit=many", "limit", "expected a whole number"),
            ("limit=-1", "limit", "expected a whole number"),
            ("mbps=fast", "mbps", "expected a number"),
            ("deep=yes", "deep", "expected true or false"),
            ("order=oldest", "order", "expected `newest`"),
            ("q=1&q=2", "q", "this field is given twice"),
        ] {
            let wrong = read::<Filter>(query.as_bytes()).unwrap_err();
            assert_eq!(wrong.to_string(), format!("{path}: {message}"), "{query}");
        }
        let unknown = read::<Filter>(b"more=1").unwrap_err();
        assert_eq!((unknown.path(), unknown.wrong()), ("more", &Wrong::Unknown));
    }
}
