//! People who do not exist: a million numbers, as a firm's contacts are written.

/// Three numbers for every two people.
pub(crate) const PEOPLE: usize = 666_667;

/// As a table that Excel saved, with headings.
pub(crate) fn table() -> String {
    let mut table = "ФИО;Компания;Мобильный;Рабочий телефон;Примечание;E-mail\n".to_owned();
    for person in 0..PEOPLE {
        let mobile = mobile(person);
        let work = work(person).unwrap_or_default();
        table += &format!(
            "Иван Иванов{person};ООО «Компания {}»;{mobile};{work};Позвонить после обеда, договор {person};ivanov{person}@example.com\n",
            person % 5_000,
        );
    }
    table
}

pub(crate) fn mobile(person: usize) -> String {
    format!("+7906{:07}", scattered(person))
}

/// With an extension; every second one has none.
pub(crate) fn work(person: usize) -> Option<String> {
    let extension = person % 900 + 100;
    person
        .is_multiple_of(2)
        .then(|| format!("8 495 {:07} доб. {extension}", scattered(person)))
}

/// A number that nobody has.
pub(crate) fn nobodys(person: usize) -> String {
    format!("+7916{:07}", scattered(person))
}

/// Each once, in no order: ten million has no factor in common with this.
fn scattered(person: usize) -> usize {
    person * 7_654_321 % 10_000_000
}
