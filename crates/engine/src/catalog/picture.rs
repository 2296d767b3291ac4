//! Pictures: the objects that show a product, for whoever sees its pictures.

use scrip_domain::catalog::{PICTURE_TYPES, Picture};
use scrip_domain::gate::GateRefusal;
use scrip_domain::language::Language;
use scrip_license::Digest;
use scrip_storage::Fault;

use super::Wrong;
use super::rules::wrong;
use crate::memory::Member;
use crate::objects::Object;
use crate::{Engine, Outcome};

/// A picture, open.
#[derive(Clone, Debug)]
pub struct ShownPicture {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub object: Object,
}

impl Engine {
    /// A picture of the product at `slug`, for `member` or a visitor; `None` when there is none that
    /// they see.
    pub async fn show_picture(
        &self,
        member: Option<&Member>,
        slug: &str,
        sha256: Digest,
    ) -> Outcome<Option<ShownPicture>, GateRefusal> {
        // Pictures are the same in every language.
        let shown = match self.show_product(member, slug, Language::default(), None).await? {
            Ok(shown) => shown,
            Err(shut) => return Ok(Err(shut)),
        };
        let name = sha256.to_string();
        let media_type = shown.as_ref().and_then(|shown| {
            let picture = shown.view()?.pictures?.iter().find(|picture| picture.object == name)?;
            PICTURE_TYPES.into_iter().find(|known| *known == picture.media_type)
        });
        let Some(media_type) = media_type else { return Ok(Ok(None)) };
        let object = self.objects.get(sha256).await?;
        Ok(Ok(object.map(|object| ShownPicture { media_type, object })))
    }

    /// The vendor's logo, if it has one that is there.
    pub async fn show_logo(&self) -> Result<Option<ShownPicture>, Fault> {
        let vendor = self.vendor().await?;
        let Some(logo) = &vendor.settings.look.logo else { return Ok(None) };
        let media_type = PICTURE_TYPES.into_iter().find(|known| *known == logo.media_type);
        let (Some(media_type), Ok(sha256)) = (media_type, logo.object.parse()) else {
            return Ok(None);
        };
        let object = self.objects.get(sha256).await?;
        Ok(object.map(|object| ShownPicture { media_type, object }))
    }

    /// Whether the objects of `pictures` are there; what was not uploaded cannot be shown.
    pub(crate) async fn uploaded(&self, pictures: &[Picture]) -> Result<Result<(), Wrong>, Fault> {
        for (index, picture) in pictures.iter().enumerate() {
            let size = match picture.object.parse() {
                Ok(sha256) => self.objects.size(sha256).await?,
                Err(_) => None,
            };
            if size.is_none() {
                let must = "the digest of an object that was uploaded before";
                return Ok(Err(wrong(format!("pictures[{index}].object"), must)));
            }
        }
        Ok(Ok(()))
    }
}
