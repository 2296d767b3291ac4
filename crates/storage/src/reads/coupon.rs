//! Reads about coupons.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::coupon::Coupon;
use scrip_domain::order::Order;

use crate::fault::Fault;
use crate::index::{COUPON, Entry};
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A coupon.
    pub async fn coupon(&self, id: Id<Coupon>) -> Result<Option<Coupon>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The open coupon with this word.
    pub async fn open_coupon(&self, code: &str) -> Result<Option<Coupon>, Fault> {
        self.row("WHERE t.code = $1 AND t.closed_at IS NULL", cells(&code.to_owned())).await
    }

    /// A page of all coupons, newest first.
    pub async fn coupons(&self, page: Page) -> Result<Vec<Coupon>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A page of the orders that name a coupon, newest first.
    pub async fn orders_with(&self, coupon: Id<Coupon>, page: Page) -> Result<Vec<Order>, Fault> {
        let values = [cells(&coupon), vec![page.highest(), page.limit()]].concat();
        self.rows("WHERE t.coupon_id = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }

    /// How often an account has used a coupon.
    pub async fn coupon_uses(
        &self,
        account: Id<Account>,
        coupon: Id<Coupon>,
    ) -> Result<usize, Fault> {
        let tail = format!("WHERE t.account = $1 AND t.kind = {COUPON} AND t.key = $2");
        let uses: Vec<Entry> = self.rows(&tail, [cells(&account), cells(&coupon)].concat()).await?;
        Ok(uses.len())
    }
}
