//! Which column of a table holds what, by the headings that Outlook, Google, Excel and people use.

use crate::LoadError;
use phone_number::{PhoneNumber, Region};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// False where the first row is already a person.
    pub(super) has_headings: bool,
    pub(super) name: Vec<usize>,
    /// Title, given name, middle name, family name, in the order in which they are shown.
    pub(super) name_parts: Vec<usize>,
    pub(super) company: Vec<usize>,
    pub(super) note: Vec<usize>,
    pub(super) url: Vec<usize>,
    pub(super) email: Vec<usize>,
    pub(super) phones: Vec<Phone>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Phone {
    pub(super) number: usize,
    /// The column with its extension.
    pub(super) extension: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Given,
    Middle,
    Family,
    Name,
    Company,
    Note,
    Url,
    Email,
    Phone,
    Extension,
    Other,
}

impl Columns {
    pub(super) fn of(first_row: &[String]) -> Result<Self, LoadError> {
        let roles: Vec<Role> = first_row.iter().map(|heading| role(heading)).collect();
        if roles.contains(&Role::Phone) {
            return Ok(Self::by_headings(&roles));
        }
        Self::without_headings(first_row).ok_or_else(|| LoadError::NoPhoneColumn {
            columns: first_row
                .iter()
                .take(12)
                .map(|c| c.chars().take(40).collect())
                .collect::<Vec<String>>()
                .join(", "),
        })
    }

    fn by_headings(roles: &[Role]) -> Self {
        let all = |role: Role| {
            (0..roles.len())
                .filter(|at| roles[*at] == role)
                .collect::<Vec<_>>()
        };
        let mut columns = Self {
            has_headings: true,
            name: all(Role::Name),
            name_parts: [Role::Given, Role::Middle, Role::Family]
                .into_iter()
                .flat_map(all)
                .collect(),
            company: all(Role::Company),
            note: all(Role::Note),
            url: all(Role::Url),
            email: all(Role::Email),
            phones: Vec::new(),
        };
        columns.name.truncate(1);
        for (at, role) in roles.iter().enumerate() {
            match role {
                Role::Phone => columns.phones.push(Phone {
                    number: at,
                    extension: None,
                }),
                // An extension belongs to the number before it.
                Role::Extension => {
                    if let Some(phone) = columns.phones.last_mut() {
                        phone.extension = Some(at);
                    }
                }
                Role::Given | Role::Middle | Role::Family | Role::Name | Role::Company => {}
                Role::Note | Role::Url | Role::Email | Role::Other => {}
            }
        }
        columns
    }

    /// Cells that are numbers are phones; the first text is the name, the second the company.
    fn without_headings(row: &[String]) -> Option<Self> {
        let is_number = |cell: &String| {
            let number = PhoneNumber::parse(cell, Region::GB);
            number.is_ok_and(|number| number.digits().trim_start_matches('+').len() >= 3)
        };
        let (numbers, texts): (Vec<usize>, Vec<usize>) = (0..row.len())
            .filter(|at| !row[*at].is_empty())
            .partition(|at| is_number(&row[*at]));
        if numbers.is_empty() {
            return None;
        }
        Some(Self {
            name: texts.iter().take(1).copied().collect(),
            company: texts.iter().skip(1).take(1).copied().collect(),
            phones: numbers
                .into_iter()
                .map(|number| Phone {
                    number,
                    extension: None,
                })
                .collect(),
            ..Self::default()
        })
    }
}

fn role(heading: &str) -> Role {
    let heading = heading.to_lowercase().replace(['_', '.', '"', '*'], " ");
    let heading = heading.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((_, role)) = EXACT.iter().find(|(known, _)| *known == heading) {
        return *role;
    }
    let says = |words: &[&str]| words.iter().any(|word| heading.contains(word));
    // "Phone 1 - Type" is not a number, and nobody calls a fax.
    if says(&[
        "type", "label", "тип", "fax", "факс", "telex", "phonetic", "yomi",
    ]) {
        return Role::Other;
    }
    if says(PHONE_WORDS) {
        return if says(&["ext", "доб"]) {
            Role::Extension
        } else {
            Role::Phone
        };
    }
    if says(&["website", "web page", "homepage", "веб-", "сайт"]) {
        return Role::Url;
    }
    if says(&["e-mail", "email", "mail address", "почта", "correo"]) {
        return Role::Email;
    }
    if says(&["organization", "organisation"]) && says(&["name"]) {
        return Role::Company;
    }
    Role::Other
}

const PHONE_WORDS: &[&str] = &[
    "phone",
    "mobile",
    "cell",
    "телефон",
    "моб",
    "тел",
    "telefon",
    "handy",
    "téléphone",
    "teléfono",
    "móvil",
    "cellulare",
    "номер",
];

const EXACT: [(&str, Role); 43] = [
    ("mail", Role::Email),
    ("name", Role::Name),
    ("full name", Role::Name),
    ("display name", Role::Name),
    ("file as", Role::Name),
    ("contact", Role::Name),
    ("contact name", Role::Name),
    ("фио", Role::Name),
    ("ф и о", Role::Name),
    ("имя и фамилия", Role::Name),
    ("контакт", Role::Name),
    ("контактное лицо", Role::Name),
    ("nombre", Role::Name),
    ("nom", Role::Name),
    ("first name", Role::Given),
    ("given name", Role::Given),
    ("firstname", Role::Given),
    ("имя", Role::Given),
    ("vorname", Role::Given),
    ("middle name", Role::Middle),
    ("additional name", Role::Middle),
    ("отчество", Role::Middle),
    ("last name", Role::Family),
    ("family name", Role::Family),
    ("lastname", Role::Family),
    ("surname", Role::Family),
    ("фамилия", Role::Family),
    ("nachname", Role::Family),
    ("company", Role::Company),
    ("organization", Role::Company),
    ("organisation", Role::Company),
    ("компания", Role::Company),
    ("организация", Role::Company),
    ("фирма", Role::Company),
    ("firma", Role::Company),
    ("notes", Role::Note),
    ("note", Role::Note),
    ("comment", Role::Note),
    ("примечание", Role::Note),
    ("url", Role::Url),
    ("extension", Role::Extension),
    ("ext", Role::Extension),
    ("добавочный", Role::Extension),
];
