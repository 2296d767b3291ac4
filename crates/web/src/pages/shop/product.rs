//! One product: what it is, what it costs, what that means for the wallet, and the way into the cart.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use scrip_domain::Amount;
use scrip_domain::catalog::{File, ProductKind, ProductState};
use scrip_domain::estimate::{Basis, Pace, REFERENCES, Speed};
use scrip_domain::gate::Standing;
use scrip_domain::legal::LegalName;
use scrip_domain::order::MAX_UNITS;
use scrip_domain::settings::{Flow, Token};
use scrip_engine::catalog::view::{Hidden, OfferView, ProductView};
use scrip_license::Limits;

use super::door::{Guest, shut};
use super::list::{of_category, of_tag};
use super::{beginning, cover};
use crate::App;
use crate::caller::AtSeller;
use crate::extract::NamePath;
use crate::language::{many, reader, say, t};
use crate::money::MoneyOut;
use crate::pages::frame::{Card, Head, public};
use crate::pages::leads_to;
use crate::pages::legal;
use crate::pages::look::{Tone, date, notice, price};
use crate::pages::pay::{size_text, span_text};
use crate::pages::top_up;
use crate::pages::visit::{Local, Visit};
use crate::pages::words::{phrase, refund_policy};
use crate::problem::Problem;

/// A product before somebody.
struct Looked<'a> {
    view: &'a ProductView<'a>,
    guest: &'a Guest<'a>,
    token: &'a Token,
    pace: Pace,
    /// Whether they have a license of it.
    owned: bool,
}

pub async fn show(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let member = visit.member.as_ref().map(|(_, member)| member);
    let here = Local::new(&format!("/products/{slug}")).unwrap_or_default();
    let language = reader(&visit.vendor.settings);
    let Ok(shown) = app.engine.show_product(member, &slug, language, None).await? else {
        return Ok(shut(&app, &Guest::at(&app, &visit, Standing::Visitor, here).await?));
    };
    let shown = shown.ok_or_else(Problem::not_found)?;
    let view = shown.view().ok_or_else(Problem::not_found)?;
    let guest = Guest::at(&app, &visit, shown.standing(), here).await?;
    let owned = match member {
        Some(member) => app.engine.store().owns(member.account.id, view.id).await?,
        None => false,
    };
    let token = &shown.vendor().settings.token;
    let looked = Looked { view: &view, guest: &guest, token, pace: shown.pace, owned };
    let main = html! {
        (trail(&view))
        article.product {
            (looked.first())
            (looked.beside())
            (looked.more())
        }
    };
    let about = beginning(view.summary);
    let picture = view.pictures.and_then(|all| all.first());
    let picture = picture.map(|picture| format!("/products/{slug}/pictures/{}", picture.object));
    let card =
        Card { about: &about, path: guest.here.as_str().to_owned(), picture, kind: "product" };
    // A member may see more of it than the card may say.
    let head = Head { title: view.title, card: member.is_none().then_some(card), unlisted: false };
    let mut response = public(&app, &head, &visit, &main);
    if let Some(provider) = &guest.provider {
        leads_to(&mut response, provider);
    }
    Ok(response)
}

fn trail(view: &ProductView<'_>) -> Markup {
    html! {
        nav.trail aria-label=(t("Where this is")) {
            a href="/products" { (t("Products")) }
            @if let Some((category, called)) = view.labels.categories.first().zip(view.called.categories.first()) {
                " / " a href=(of_category(category)) { bdi { (called) } }
            }
        }
    }
}

impl Looked<'_> {
    /// Title, summary and pictures.
    fn first(&self) -> Markup {
        let view = self.view;
        html! {
            div.first {
                h1 { bdi { (view.title) } }
                p.lead { bdi { (view.summary) } }
                @match view.pictures.and_then(|all| all.split_first()) {
                    Some((first, others)) => {
                        div.gallery {
                            (cover(view.slug, view.title, Some(first), true))
                            @for other in others { (cover(view.slug, view.title, Some(other), false)) }
                        }
                    }
                    None => (cover(view.slug, view.title, None, true)),
                }
            }
        }
    }

    /// The price, and the way into the cart.
    fn beside(&self) -> Markup {
        let about_price = |hidden: &&Hidden| hidden.fields.contains(&"offers.price");
        let hidden = self.view.hidden.iter().find(about_price);
        let (open, locked): (Vec<_>, Vec<_>) =
            self.view.offers.iter().partition(|offer| offer.price.is_some());
        html! {
            aside.card aria-label=(t("Buy")) {
                @if self.owned {
                    (notice(Tone::Good, &html! { p { (say!("You have this already: it is in {link}.",
                        link = html! { a href="/library" { (t("your library")) } })) } }))
                }
                @if self.view.state == ProductState::Archived {
                    p { (t("This is no longer for sale. What you bought stays yours.")) }
                } @else if self.view.offers.is_empty() {
                    p { (t("This cannot be bought at the moment.")) }
                } @else {
                    @if !open.is_empty() { (self.form(&open)) }
                    @if let Some(hidden) = hidden.filter(|_| !locked.is_empty()) {
                        @for offer in locked {
                            p { span.terms { (phrase(offer.terms)) } " " span.hint { (limited(offer.limits)) } }
                            (self.contents(offer))
                        }
                        (self.guest.unseen(&Hidden { fields: vec!["price_from"], needs: hidden.needs }, None))
                    }
                }
                (self.line())
            }
        }
    }

    /// The offers whose price is shown, to choose from.
    fn form(&self, offers: &[&OfferView]) -> Markup {
        let opens = self.opening();
        html! {
            form method="post" action="/cart" {
                @match offers {
                    [one] => (self.only(one)),
                    all => {
                        fieldset.offers {
                            legend { (t("Choose")) }
                            @for (place, offer) in all.iter().enumerate() { (self.option(offer, place == 0)) }
                        }
                    }
                }
                div.field.quantity {
                    label for="quantity" { (t("Quantity")) }
                    input id="quantity" name="quantity" type="number" value="1" min="1" max=(MAX_UNITS) inputmode="numeric" required;
                }
                (opens)
                @if opens.0.is_empty() {
                    button.whole type="submit" name="then" value="checkout" { (t("Buy now")) }
                }
                button.whole.second type="submit" name="then" value="cart" { (t("Add to cart")) }
            }
        }
    }

    /// What has to be done before anything can be ordered; empty when nothing has.
    fn opening(&self) -> Markup {
        let guest = self.guest;
        let register_first = guest.visit.vendor.settings.flow == Flow::RegisterFirst;
        if !register_first || guest.standing == Standing::Funded {
            return Markup::default();
        }
        guest.to_order()
    }

    /// The only offer, with what it means for the wallet.
    fn only(&self, offer: &OfferView) -> Markup {
        html! {
            input type="hidden" name="offer" value=(offer.id);
            @if let Some(cost) = offer.price {
                p.sticker { (price(cost, self.token)) }
                p { span.terms { (phrase(offer.terms)) } " " span.hint { (limited(offer.limits)) } }
                (self.contents(offer))
                (self.wallet(cost))
            }
        }
    }

    fn option(&self, offer: &OfferView, first: bool) -> Markup {
        html! {
            label.option {
                input type="radio" name="offer" value=(offer.id) checked[first];
                span.what {
                    span.terms { (phrase(offer.terms)) }
                    @let limits = limited(offer.limits);
                    @if !limits.is_empty() { span.hint { (limits) } }
                }
                @if let Some(cost) = offer.price { span.sum { (price(cost, self.token)) } }
            }
            (self.contents(offer))
            @if let Some(cost) = offer.price { (self.remains(cost)) }
        }
    }

    /// What is in a bundle's offer.
    fn contents(&self, offer: &OfferView) -> Markup {
        let inside = self.view.contents.iter().find(|of| of.offer == offer.id);
        html! {
            @if let Some(of) = inside.filter(|of| !of.items.is_empty()) {
                p.small { (t("Together:")) }
                ul.parts {
                    @for item in &of.items {
                        li { a href={ "/products/" (item.slug) } { bdi { (item.title) } } ", " (phrase(item.terms)) }
                    }
                }
            }
        }
    }

    /// What can be spent, and what `cost` leaves of it; `None` where that is not known here.
    fn available(&self) -> Option<Amount> {
        let known = self.guest.provider.is_none() && self.guest.standing > Standing::Visitor;
        known.then(|| self.guest.available())
    }

    fn wallet(&self, cost: Amount) -> Markup {
        let money = |amount| MoneyOut::tokens(amount, self.token);
        html! {
            @if let Some(available) = self.available().filter(|_| !cost.is_zero()) {
                dl.facts.figures.small {
                    dt { (t("In your wallet")) } dd { (money(available)) }
                    @if let Some(left) = available.checked_sub(cost) {
                        dt { (t("Left afterwards")) } dd { (money(left)) }
                    } @else {
                        dt { (t("Missing")) } dd { (money(available.shortfall(cost))) }
                    }
                }
                (self.missing(available, cost))
            }
        }
    }

    /// The same below one offer of several, in a line.
    fn remains(&self, cost: Amount) -> Markup {
        let money = |amount| MoneyOut::tokens(amount, self.token);
        html! {
            @if let Some(available) = self.available().filter(|_| !cost.is_zero()) {
                @if let Some(left) = available.checked_sub(cost) {
                    p.small.remains { (say!("Leaves {money} in your wallet.", money = money(left))) }
                } @else {
                    p.small.remains {
                        (say!("Missing: {money}. {missing_link}", money = money(available.shortfall(cost)),
                            missing_link = self.missing_link(available.shortfall(cost))))
                    }
                }
            }
        }
    }

    fn missing(&self, available: Amount, cost: Amount) -> Markup {
        let missing = available.shortfall(cost);
        html! { @if !missing.is_zero() { p.small { (self.missing_link(missing)) } } }
    }

    fn missing_link(&self, missing: Amount) -> Markup {
        let settings = &self.guest.visit.vendor.settings;
        html! {
            (top_up::exactly(&self.guest.here, missing, settings, None))
            @if let Some(why) = top_up::limited(missing, settings) { ". " (why) }
        }
    }

    /// How it is delivered, and by which terms.
    fn line(&self) -> Markup {
        let received = match self.view.kind {
            ProductKind::Download => t("You get a signed code and the files at once."),
            ProductKind::Service => t("You get a signed code and instructions at once."),
            ProductKind::Bundle => t("You get a signed code for each item at once."),
        };
        let all = &self.guest.visit.legal;
        let terms = all.iter().find(|legal| legal.text.name == LegalName::Terms);
        let provider = self.guest.provider.as_deref();
        let host = provider.map(|url| url.split("://").nth(1).unwrap_or(url));
        html! {
            p.small {
                (say!("{received} By confirming the order you ask for that.", received))
                @if let Some(terms) = terms { " " (say!("See the {link}.",
                    link = html! { a href=(legal::address(terms.text.name)) { (t("terms of sale")) } })) }
            }
            @if let Some(host) = host {
                p.small { (say!("You pay at {host}, and the goods come from here.", host)) }
                // The order is confirmed there, where this vendor's promise is not known.
                p.small { (refund_policy(self.guest.visit.vendor.settings.refund_policy)) }
            }
        }
    }

    /// Facts, what is hidden, the description, files and notes.
    fn more(&self) -> Markup {
        let view = self.view;
        let cheapest = view
            .offers
            .iter()
            .filter_map(|offer| offer.price)
            .filter(|price| !price.is_zero())
            .min();
        html! {
            div.more {
                (self.facts())
                @for hidden in &view.hidden {
                    @let rest = without_price(hidden);
                    @if !rest.fields.is_empty() { (self.guest.unseen(&rest, cheapest)) }
                }
                @if let Some(description) = view.description_html.filter(|text| !text.is_empty()) {
                    h2 { (t("About it")) }
                    // Made harmless where it was written.
                    div.prose { (PreEscaped(description)) }
                }
                @if let Some(release) = &view.release {
                    @if let Some(notes) = release.notes_html.filter(|text| !text.is_empty()) {
                        h2 { (say!("What is new in {version}", version = html! { bdi { (release.version) } })) }
                        div.prose { (PreEscaped(notes)) }
                    }
                }
                @if let Some(files) = view.files.filter(|files| !files.is_empty()) { (list_of(files)) }
                @if !view.labels.tags.is_empty() {
                    nav.tags aria-label=(t("Tags")) {
                        span aria-hidden="true" { (t("Tags")) }
                        @for (tag, called) in view.labels.tags.iter().zip(&view.called.tags) {
                            a href=(of_tag(tag)) { bdi { (called) } }
                        }
                    }
                }
                @if !self.guest.is_signed_in() && self.guest.provider.is_some() {
                    p.small { (say!("Have you bought here before? {link}.",
                        link = html! { a href=(self.guest.sign_in()) { (t("Sign in through your provider")) } })) }
                }
            }
        }
    }

    fn facts(&self) -> Markup {
        let view = self.view;
        let size = view.size.filter(|size| *size > 0);
        html! {
            dl.facts {
                @if let Some(release) = &view.release {
                    dt { (t("Version")) }
                    dd { bdi { (release.version) } @if let Some(at) = release.published_at { ", " (date(at)) } }
                }
                @if let Some(files) = view.files.filter(|files| !files.is_empty()) {
                    dt { (t("Files")) } dd { (files.len()) }
                    @let platforms = platforms(files);
                    @if !platforms.is_empty() { dt { (t("For")) } dd { (platforms.join(", ")) } }
                }
                @if let Some(size) = size {
                    dt { (t("Size")) } dd { (size_text(size)) }
                    dt { (t("Download")) } dd { (self.duration(size)) }
                }
            }
        }
    }

    /// How long a download takes, and how that is known.
    fn duration(&self, size: u64) -> Markup {
        let Pace { speed, basis } = self.pace;
        let how = match basis {
            Basis::Measured => t("the speed of your downloads here"),
            Basis::Hint => t("the speed that you named"),
            Basis::Reference => t("a usual connection"),
        };
        let seconds = speed.seconds_for(size);
        // Where all are the same there is nothing to tell apart.
        let differ = |other: &&Speed| other.seconds_for(size) != seconds;
        let others = REFERENCES.iter().filter(|_| basis == Basis::Reference).filter(differ);
        html! {
            (say!("about {span} at {mbps} Mbit/s, {how}{others}", span = span_text(seconds), mbps = speed.mbps(),
                how, others = html! { span.hint {
                @for other in others { (say!("; {span} at {mbps} Mbit/s", span = span_text(other.seconds_for(size)),
                    mbps = other.mbps())) }
            } }))
        }
    }
}

/// The files, with what tells them from others.
fn list_of(files: &[File]) -> Markup {
    html! {
        h2 { (t("Files")) }
        ul.files {
            @for file in files {
                li {
                    span.name { bdi { (file.name) } }
                    span.hint { (size_text(file.size)) @if !file.platform.is_empty() { (say!(", for {platform}",
                        platform = html! { bdi { (file.platform) } })) } }
                }
            }
        }
        details {
            summary { (t("Checksums (SHA-256)")) }
            dl { @for file in files { dt { bdi { (file.name) } } dd { code { (file.sha256) } } } }
        }
    }
}

/// What is hidden besides the price, which the price block speaks of.
fn without_price(hidden: &Hidden) -> Hidden {
    let price = ["price_from", "offers.price", "payment"];
    let fields = hidden.fields.iter().copied().filter(|field| !price.contains(field)).collect();
    Hidden { fields, needs: hidden.needs }
}

/// For which platforms the files are, each once.
fn platforms(files: &[File]) -> Vec<&str> {
    let mut platforms: Vec<&str> = Vec::new();
    for platform in files.iter().map(|file| file.platform.as_str()).filter(|name| !name.is_empty())
    {
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    platforms
}

/// On how many machines, with how many downloads; empty when nothing limits it.
fn limited(limits: Limits) -> String {
    let machines = limits.machines.map(|count| many!(count, "on 1 machine", "on {count} machines"));
    let downloads =
        limits.downloads.map(|count| many!(count, "with 1 download", "with {count} downloads"));
    [machines, downloads].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_where_there_are_some() {
        assert_eq!(limited(Limits::default()), "");
        let limits = Limits { machines: Some(1), downloads: Some(3), ..Limits::default() };
        assert_eq!(limited(limits), "on 1 machine, with 3 downloads");
    }
}
