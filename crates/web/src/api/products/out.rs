//! Products as JSON. A field that is hidden, or that there is nothing to say of, is absent.

use scrip_domain::catalog::{File, Picture};
use scrip_domain::estimate::{Basis, Pace, REFERENCES};
use scrip_domain::settings::{Settings, Token};
use scrip_domain::visibility::Level;
use scrip_engine::catalog::list::Item;
use scrip_engine::catalog::view::{Hidden, ItemView, OfferView, Payment, ProductView, ReleaseView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::terms::{LimitsBody, TermsBody};
use crate::money::{MoneyOut, SuggestionOut};
use crate::text::Line;

/// How a product is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// What prices are in, and how tokens are added.
    pub settings: &'a Settings,
    /// The address under which buyers reach the shop.
    pub url: &'a str,
    /// Whether an account looks.
    pub signed_in: bool,
    /// At a merchant: where buyers have their balance.
    pub provider: Option<&'a str>,
}

/// A product on a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductItem)]
pub struct ItemOut {
    #[schema(example = "prd_06bq3v8k2m9zc")]
    id: String,
    /// Its name in addresses.
    slug: String,
    #[schema(value_type = String, example = "download")]
    kind: &'static str,
    title: String,
    summary: String,
    categories: Vec<String>,
    tags: Vec<String>,
    created_at: String,
    /// The lowest price; absent when it is hidden, or nothing is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_from: Option<MoneyOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pictures: Option<Vec<PictureOut>>,
    hidden: Vec<HiddenOut>,
}

impl ItemOut {
    pub fn new(item: Item, window: &Window<'_>) -> Self {
        let pictures = item.pictures.as_ref().map(|all| window.pictures(&item.slug, all));
        Self {
            id: item.id.to_string(),
            slug: item.slug,
            kind: item.kind.as_str(),
            title: item.title,
            summary: item.summary,
            categories: item.labels.categories,
            tags: item.labels.tags,
            created_at: item.created_at.to_string(),
            price_from: item
                .price_from
                .map(|price| MoneyOut::tokens(price, &window.settings.token)),
            pictures,
            hidden: HiddenOut::all(&item.hidden, window),
        }
    }
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductOut<'a> {
    #[schema(example = "prd_06bq3v8k2m9zc")]
    id: String,
    /// Its name in addresses.
    slug: &'a str,
    #[schema(value_type = String, example = "download")]
    kind: &'static str,
    /// `published`; for its owners also `archived`: no longer for sale.
    #[schema(value_type = String, example = "published")]
    state: &'static str,
    title: &'a str,
    summary: &'a str,
    categories: &'a [String],
    tags: &'a [String],
    created_at: String,
    /// The lowest price.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_from: Option<MoneyOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentOut>,
    offers: Vec<OfferOut>,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// The description as HTML that can do no harm.
    #[serde(skip_serializing_if = "Option::is_none")]
    description_html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pictures: Option<Vec<PictureOut>>,
    /// The newest release.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseOut<'a>>,
    /// That release's files.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileOut<'a>>>,
    /// Their bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    hidden: Vec<HiddenOut>,
}

/// What a product costs, and what that means for your wallet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentOut {
    /// The lowest price.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_from: Option<MoneyOut>,
    /// What you can spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<MoneyOut>,
    /// What would remain.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<MoneyOut>,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortfall: Option<MoneyOut>,
    /// What can be added of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_up: Option<SuggestionOut>,
}

/// An offer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
struct OfferOut {
    #[schema(example = "ofr_06bq3v8k2m9zc")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<MoneyOut>,
    terms: TermsBody,
    limits: LimitsBody,
    /// What is in it, of a bundle: one license for each. What you may not see is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<PartOut>>,
}

/// An offer that comes with a bundle's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BundleItem)]
struct PartOut {
    #[schema(example = "ofr_06bq3v8k2m9zc")]
    offer: String,
    #[schema(example = "prd_06bq3v8k2m9zc")]
    product: String,
    /// The product's name in addresses.
    slug: String,
    title: String,
    terms: TermsBody,
    limits: LimitsBody,
}

/// A release.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Release)]
struct ReleaseOut<'a> {
    #[schema(example = "rel_06bq3v8k2m9zc")]
    id: String,
    version: &'a str,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a str>,
    /// The notes as HTML that can do no harm.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes_html: Option<&'a str>,
}

/// A file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = File)]
struct FileOut<'a> {
    #[schema(example = "fil_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "field-recorder.zip")]
    name: &'a str,
    #[schema(example = 1_048_576)]
    size: u64,
    sha256: &'a str,
    /// Empty for all platforms.
    platform: &'a str,
    media_type: &'a str,
    estimated_download: EstimateOut,
}

/// How long a download takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Estimate)]
struct EstimateOut {
    seconds: u64,
    /// `measured` from your downloads, `hint` from `?mbps=`, or `reference`.
    #[schema(value_type = String, example = "reference")]
    basis: &'static str,
    mbps: f64,
    /// The same at usual speeds, when nothing is known of yours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    usual: Vec<UsualOut>,
}

/// How long a download takes at a usual speed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsualTime)]
struct UsualOut {
    mbps: f64,
    seconds: u64,
}

/// A picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Picture)]
struct PictureOut {
    /// Where it is, for whoever sees it here.
    url: String,
    #[schema(example = "image/webp")]
    media_type: String,
    /// What it shows, for those who do not see it.
    alt: String,
}

impl Window<'_> {
    fn pictures(&self, slug: &str, all: &[Picture]) -> Vec<PictureOut> {
        let picture = |picture: &Picture| PictureOut {
            url: format!("{}/v1/products/{slug}/pictures/{}", self.url, picture.object),
            media_type: picture.media_type.clone(),
            alt: picture.alt.clone(),
        };
        all.iter().map(picture).collect()
    }
}

/// A picture, as staff enters it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureBody {
    /// The object that holds it.
    #[schema(
        pattern = "^[0-9a-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub object: String,
    #[schema(example = "image/webp", pattern = "^image/(png|jpeg|webp|avif|gif)$")]
    pub media_type: String,
    /// What it shows, for those who do not see it.
    #[serde(default)]
    #[schema(inline)]
    pub alt: Line<0, 200>,
}

/// Fields that you do not see, and what shows them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hidden)]
pub struct HiddenOut {
    #[schema(value_type = Vec<String>, example = json!(["price_from", "offers.price", "payment"]))]
    fields: Vec<&'static str>,
    /// `member`, `funded` or `covered`.
    #[schema(value_type = String, example = "member")]
    needs: &'static str,
    /// Empty where nothing leads there: at a merchant, which knows no balances, what is `covered` is shown to who has
    /// bought it.
    links: LinksOut,
}

/// Where to get what is needed.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Links, example = json!({ "register": "/v1/accounts", "sign_in": "/v1/sessions" }))]
struct LinksOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    register: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    sign_in: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    account: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    top_up: Option<&'static str>,
    /// At a merchant: where to sign in through the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    connect: Option<&'static str>,
    /// At a merchant: the provider, where balances are.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
}

impl<'a> ProductOut<'a> {
    pub fn new(view: &ProductView<'a>, pace: Pace, window: &Window<'_>) -> Self {
        let token = &window.settings.token;
        let money = |amount| MoneyOut::tokens(amount, token);
        let files = |all: &'a [File]| all.iter().map(|file| FileOut::new(file, pace)).collect();
        Self {
            id: view.id.to_string(),
            slug: view.slug,
            kind: view.kind.as_str(),
            state: view.state.as_str(),
            title: view.title,
            summary: view.summary,
            categories: &view.labels.categories,
            tags: &view.labels.tags,
            created_at: view.created_at.to_string(),
            price_from: view.payment.and_then(|payment| payment.price_from).map(money),
            payment: view.payment.map(|payment| PaymentOut::new(payment, window.settings)),
            offers: view.offers.iter().map(|offer| OfferOut::new(offer, view, token)).collect(),
            description: view.description,
            description_html: view.description_html,
            pictures: view.pictures.map(|all| window.pictures(view.slug, all)),
            release: view.release.map(ReleaseOut::from),
            files: view.files.map(files),
            size: view.size,
            hidden: HiddenOut::all(&view.hidden, window),
        }
    }
}

impl PaymentOut {
    fn new(payment: Payment, settings: &Settings) -> Self {
        let money = |amount| MoneyOut::tokens(amount, &settings.token);
        Self {
            price_from: payment.price_from.map(money),
            available: payment.available.map(money),
            remaining: payment.remaining.map(money),
            shortfall: payment.shortfall.map(money),
            top_up: payment.shortfall.map(|missing| SuggestionOut::new(missing, settings)),
        }
    }
}

impl OfferOut {
    fn new(offer: &OfferView, view: &ProductView<'_>, token: &Token) -> Self {
        let contents = view.contents.iter().find(|of| of.offer == offer.id);
        let part = |item: &ItemView| PartOut {
            offer: item.offer.to_string(),
            product: item.product.to_string(),
            slug: item.slug.clone(),
            title: item.title.clone(),
            terms: item.terms.into(),
            limits: item.limits.into(),
        };
        Self {
            id: offer.id.to_string(),
            price: offer.price.map(|price| MoneyOut::tokens(price, token)),
            terms: offer.terms.into(),
            limits: offer.limits.into(),
            items: contents.map(|of| of.items.iter().map(part).collect()),
        }
    }
}

impl<'a> From<ReleaseView<'a>> for ReleaseOut<'a> {
    fn from(view: ReleaseView<'a>) -> Self {
        Self {
            id: view.id.to_string(),
            version: view.version,
            channel: view.channel,
            published_at: view.published_at.map(|at| at.to_string()),
            notes: view.notes,
            notes_html: view.notes_html,
        }
    }
}

impl<'a> FileOut<'a> {
    fn new(file: &'a File, pace: Pace) -> Self {
        let usual = if pace.basis == Basis::Reference { &REFERENCES[..] } else { &[] };
        let usual = usual
            .iter()
            .map(|speed| UsualOut { mbps: speed.mbps(), seconds: speed.seconds_for(file.size) });
        Self {
            id: file.id.to_string(),
            name: &file.name,
            size: file.size,
            sha256: &file.sha256,
            platform: &file.platform,
            media_type: &file.media_type,
            estimated_download: EstimateOut {
                seconds: pace.speed.seconds_for(file.size),
                basis: pace.basis.as_str(),
                mbps: pace.speed.mbps(),
                usual: usual.collect(),
            },
        }
    }
}

impl From<Picture> for PictureBody {
    fn from(picture: Picture) -> Self {
        Self { object: picture.object, media_type: picture.media_type, alt: Line(picture.alt) }
    }
}

impl From<PictureBody> for Picture {
    fn from(body: PictureBody) -> Self {
        Self { alt: body.alt.0, object: body.object, media_type: body.media_type }
    }
}

impl HiddenOut {
    fn all(hidden: &[Hidden], window: &Window<'_>) -> Vec<Self> {
        let links = |needs| match window.provider {
            Some(provider) => LinksOut::at_merchant(needs, window.signed_in, provider),
            None => LinksOut::to(needs, window.signed_in),
        };
        let one = |hidden: &Hidden| Self {
            fields: hidden.fields.clone(),
            needs: hidden.needs.as_str(),
            links: links(hidden.needs),
        };
        hidden.iter().map(one).collect()
    }
}

impl LinksOut {
    fn to(needs: Level, signed_in: bool) -> Self {
        let out = (!signed_in).then_some(("/v1/accounts", "/v1/sessions"));
        let completing = signed_in && needs == Level::Member;
        Self {
            register: out.map(|(register, _)| register),
            sign_in: out.map(|(_, sign_in)| sign_in),
            account: completing.then_some("/v1/account"),
            top_up: (needs > Level::Member).then_some("/v1/top-ups"),
            ..Self::default()
        }
    }

    /// Accounts and balances are the provider's: whoever signs in through it again can share what opens `funded`.
    fn at_merchant(needs: Level, signed_in: bool, provider: &str) -> Self {
        if signed_in && needs == Level::Covered {
            return Self::default();
        }
        let provider = Some(provider.to_owned());
        Self { connect: Some("/v1/connections"), provider, ..Self::default() }
    }
}
