//! How the vendor's pages look, and what they say of it, as staff enters it.

use scrip_domain::language::Language;
use scrip_domain::look::{Accent, Look};
use scrip_domain::zone::Zone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::products::PictureBody;
use crate::problem::Problem;
use crate::text::{Line, Text};

/// How pages look, and what they say of the shop. What is left out is Scrip's own, or nothing.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LookBody, example = json!({ "accent": "#0a5a68", "tagline": "Instruments for the field" }))]
pub struct LookBody {
    /// The colour of links and buttons; pages make it lighter or darker until it can be read.
    #[serde(default)]
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$", example = "#0a5a68")]
    accent: Option<String>,
    /// In the place of the name at the head of every page; an object that was uploaded before.
    #[serde(default)]
    logo: Option<PictureBody>,
    /// One line below the name on the front page.
    #[serde(default)]
    #[schema(inline, example = "Instruments for the field")]
    tagline: Line<0, 200>,
    /// What the front page says of the shop, Markdown.
    #[serde(default)]
    #[schema(inline, example = "We make *small* tools.")]
    introduction: Text<0, 5000>,
    /// At the foot of every page, plain text.
    #[serde(default)]
    #[schema(inline, example = "Aurora Instruments, Port Aurora")]
    footer: Text<0, 1000>,
    /// The language of pages and letters for who asks for no other that there is.
    #[serde(default)]
    #[schema(value_type = String, pattern = "^(en|de)$", example = "en")]
    language: Language,
    /// By which clock pages and letters tell the time, and days are meant that people type there: a name of the IANA
    /// database. What the API says and takes is in UTC.
    #[serde(default)]
    #[schema(max_length = 64, example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// How pages look, and what they say of the shop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Look)]
pub struct LookOut {
    #[schema(required, example = "#0a5a68")]
    accent: Option<String>,
    #[schema(required)]
    logo: Option<PictureBody>,
    #[schema(example = "Instruments for the field")]
    tagline: String,
    /// Markdown.
    #[schema(example = "We make *small* tools.")]
    introduction: String,
    #[schema(example = "Aurora Instruments, Port Aurora")]
    footer: String,
    /// The language of pages and letters for who asks for no other that there is.
    #[schema(value_type = String, pattern = "^(en|de)$", example = "en")]
    language: Language,
    /// By which clock pages and letters tell the time: a name of the IANA database.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
}

impl From<&Look> for LookOut {
    fn from(look: &Look) -> Self {
        Self {
            accent: look.accent.map(|accent| accent.to_string()),
            logo: look.logo.clone().map(PictureBody::from),
            tagline: look.tagline.clone(),
            introduction: look.introduction.clone(),
            footer: look.footer.clone(),
            language: look.language,
            time_zone: look.time_zone.name().to_owned(),
        }
    }
}

impl LookBody {
    /// The look, or what is wrong with it.
    pub fn read(self) -> Result<Look, Problem> {
        let accent = |text: String| {
            let wrong = || Problem::field("look.accent", "a colour such as #0a5a68");
            Accent::parse(&text).ok_or_else(wrong)
        };
        let no_zone = || Problem::field("look.time_zone", "a time zone such as Europe/Berlin");
        Ok(Look {
            accent: self.accent.map(accent).transpose()?,
            logo: self.logo.map(Into::into),
            tagline: self.tagline.0,
            introduction: self.introduction.0,
            footer: self.footer.0,
            language: self.language,
            time_zone: match self.time_zone {
                Some(name) => Zone::parse(&name).ok_or_else(no_zone)?,
                None => Zone::default(),
            },
        })
    }
}
