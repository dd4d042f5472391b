//! The firm's customers, put into each kind of server by that server's own means.

use crate::FIRM;
use anyhow::Result;
use serde_json::json;
use std::fmt::Write as _;
use testkit::tryton::{Party, Phone};
use testkit::{Amagi, Bitrix, Odoo, Radicale, Slapd, Tryton};

/// Where the firm's people are in [`slapd`].
pub const PEOPLE: &str = "ou=people,dc=firm,dc=example";
/// The address book of [`radicale`].
pub const BOOK: &str = "/anna/book/";

/// # Errors
/// What Tryton has against somebody.
pub fn tryton(tryton: &Tryton) -> Result<()> {
    for customer in FIRM {
        tryton.add(&Party {
            name: &format!("{} {}", customer.first, customer.last),
            phones: &[Phone::own(customer.number)],
            ..Party::default()
        })?;
    }
    Ok(())
}

/// # Errors
/// What Odoo has against somebody.
pub fn odoo(odoo: &Odoo) -> Result<()> {
    for customer in FIRM {
        let name = format!("{} {}", customer.first, customer.last);
        odoo.add(&name, None, customer.number)?;
    }
    Ok(())
}

/// # Errors
/// What amagi-crm has against somebody.
pub fn amagi(amagi: &Amagi) -> Result<()> {
    for customer in FIRM {
        amagi.add(customer.first, customer.last, customer.number)?;
    }
    Ok(())
}

/// # Errors
/// What the portal has against somebody.
pub fn bitrix(portal: &Bitrix) -> Result<()> {
    let anna = json!({ "NAME": "Anna", "LAST_NAME": "Agent", "UF_PHONE_INNER": "101" });
    portal.add_user(&anna)?;
    for customer in FIRM {
        portal.add_contact(customer.first, customer.last, &[customer.number])?;
    }
    Ok(())
}

/// # Errors
/// What slapd has against somebody.
pub fn slapd(slapd: &Slapd) -> Result<()> {
    let mut ldif = format!(
        "dn: dc=firm,dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Firm\ndc: firm\n\n\
         dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n"
    );
    for customer in FIRM {
        let (first, last, number) = (customer.first, customer.last, customer.number);
        write!(
            ldif,
            "\ndn: cn={first} {last},{PEOPLE}\nobjectClass: inetOrgPerson\ncn: {first} {last}\nsn: {last}\n\
             telephoneNumber: {number}\n"
        )?;
    }
    slapd.add(&ldif)
}

/// # Errors
/// What Radicale has against the book.
pub fn radicale(radicale: &Radicale) -> Result<()> {
    let mut book = String::new();
    for customer in FIRM {
        let (first, last, number) = (customer.first, customer.last, customer.number);
        write!(
            book,
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{first}\r\nFN:{first} {last}\r\nN:{last};{first};;;\r\n\
             TEL;TYPE=WORK:{number}\r\nEND:VCARD\r\n"
        )?;
    }
    radicale.put(BOOK, &book)
}
