//! Whose console it is: a session of the staff in a cookie of its own, and what its role may do.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use scrip_domain::settings::{SecondFactor, Vendor};
use scrip_domain::staff::{LIFETIME, Power, StaffMember};
use scrip_engine::Staff;
use scrip_engine::session::Token;

use super::frame;
use crate::App;
use crate::extract::make_room;
use crate::pages::visit::{Local, cookie};
use crate::problem::Problem;
use crate::request_id;

/// A member of the staff, signed in.
#[derive(Clone, Debug)]
pub struct Clerk {
    /// The vendor whose console it is.
    pub vendor: Arc<Vendor>,
    /// Who.
    pub member: Arc<StaffMember>,
    /// The same, for the engine: what is done by this request is on record under the member's name.
    pub staff: Staff,
    token: String,
}

/// A member of the staff who may do what needs `P`. A handler that takes one cannot forget to ask, and forms that come
/// after it may be long.
pub struct Desk<P> {
    clerk: Clerk,
    power: PhantomData<P>,
}

impl<P> fmt::Debug for Desk<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Desk").field(&self.clerk.member.id).finish()
    }
}

impl<P> Deref for Desk<P> {
    type Target = Clerk;

    fn deref(&self) -> &Clerk {
        &self.clerk
    }
}

/// What a page needs, as a type.
pub trait Needs: Send {
    /// The power.
    const POWER: Power;
    /// Whether it is open to who lacks a second factor that the owner requires: the pages where it is set up.
    const BEFORE_FACTOR: bool = false;
}

/// Makes of each power a type.
macro_rules! needs {
    ($($(#[$meta:meta])* $name:ident),*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $name {}

        impl Needs for $name {
            const POWER: Power = Power::$name;
        }
    )*};
}

needs! {
    /// To look.
    See,
    /// To change what is sold.
    Catalogue,
    /// To decide on money.
    Money,
    /// To help buyers.
    People,
    /// To decide on refunds that buyers ask for.
    Refunds,
    /// To change the shop itself.
    Settings
}

/// To change what is one's own: everybody may.
#[derive(Debug)]
pub enum Own {}

impl Needs for Own {
    const POWER: Power = Power::See;
    const BEFORE_FACTOR: bool = true;
}

impl<P: Needs> FromRequestParts<App> for Desk<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let clerk = Clerk::of(&parts.headers, app).await.map_err(IntoResponse::into_response)?;
        let Some(clerk) = clerk else {
            if parts.method != Method::GET {
                // What was sent with a form is gone, and whoever sent it is told.
                return Err(Redirect::to("/admin/sign-in?lost=true").into_response());
            }
            let next = onward(parts.uri.path_and_query().map(PathAndQuery::as_str));
            return Err(Redirect::to(&next.after("/admin/sign-in")).into_response());
        };
        if !P::BEFORE_FACTOR && clerk.lacks_factor() {
            return Err(Redirect::to("/admin/me/second-factor").into_response());
        }
        if !clerk.may(P::POWER) {
            return Err(frame::not_yours(app, &clerk, P::POWER));
        }
        // Descriptions and terms come with forms, which are read after this.
        make_room(&mut parts.extensions);
        Ok(Self { clerk, power: PhantomData })
    }
}

impl Clerk {
    /// Who is signed in to the console in the browser that sent these headers.
    pub async fn of(headers: &HeaderMap, app: &App) -> Result<Option<Self>, Problem> {
        let vendor = app.engine.vendor().await?;
        let Some(token) = cookie(headers, &name(&vendor)).map(str::to_owned) else {
            return Ok(None);
        };
        let Some(visit) = app.engine.authenticate_staff(&token).await? else { return Ok(None) };
        let staff = app.engine.staff_by(&visit.member, request_id::current());
        Ok(Some(Self { vendor, member: visit.member, staff, token }))
    }

    /// Whether this member may do what needs `power`.
    pub fn may(&self, power: Power) -> bool {
        self.member.may(power)
    }

    /// Whether a second factor must be set up first.
    pub fn lacks_factor(&self) -> bool {
        let required = self.vendor.settings.second_factor == SecondFactor::Required;
        required && !self.member.factor.is_on()
    }

    /// The session's token, to end it.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The header that signs a browser in.
    pub fn sign_in(vendor: &Vendor, token: &Token) -> HeaderValue {
        set(&name(vendor), token.reveal(), LIFETIME.as_millis() / 1000)
    }

    /// The header that signs a browser out.
    pub fn sign_out(vendor: &Vendor) -> HeaderValue {
        set(&name(vendor), "", 0)
    }
}

/// The page of the console to go on to: the one named, or the first.
pub fn onward(next: Option<&str>) -> Local {
    let here = |next: &&str| *next == "/admin" || next.starts_with("/admin/");
    let named = next.filter(here).and_then(Local::new);
    named.or_else(|| Local::new("/admin")).unwrap_or_default()
}

/// The cookie's name: not that of the shop, so that one browser can be both, and neither is taken for the other.
fn name(vendor: &Vendor) -> String {
    format!("__Host-scrip-staff-{}", vendor.id)
}

/// No other site sends it along, not even by a link.
fn set(name: &str, value: &str, seconds: i64) -> HeaderValue {
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_within_the_console_only() {
        assert_eq!(onward(Some("/admin/staff?after=x")).as_str(), "/admin/staff?after=x");
        for other in [None, Some("/wallet"), Some("//evil"), Some("/administer"), Some("https://x")]
        {
            assert_eq!(onward(other).as_str(), "/admin", "{other:?}");
        }
    }
}
