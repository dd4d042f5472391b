//! Who calls, asked of a real Odoo 19.
#![cfg(target_os = "linux")]

use crm_tests::{connect, fill, knows_its_callers};
use std::sync::Arc;
use testkit::Odoo;

#[tokio::test]
#[ignore = "fetches half a gigabyte: with --full"]
async fn odoo_knows_its_callers() {
    let odoo = Odoo::start().expect("Odoo");
    fill::odoo(&odoo).expect("partners");
    let connector = connect::odoo(&odoo).expect("a connector");
    knows_its_callers(Arc::new(connector))
        .await
        .expect("callers");
}
