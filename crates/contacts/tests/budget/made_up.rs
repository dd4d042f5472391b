//! Books of people who do not exist, as large as wanted: three numbers for every two of them.

pub(crate) fn vcards(people: usize) -> String {
    let card = |i: usize| {
        let work = match i % 2 {
            0 => format!(
                "TEL;TYPE=WORK:8 495 {:07} доб. {}\r\n",
                i % 10_000_000,
                i % 900 + 100
            ),
            _ => String::new(),
        };
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Иванов{i};Иван;;;\r\nFN:Иван Иванов{i}\r\n\
             ORG:ООО Компания {};Отдел продаж\r\nitem1.TEL;TYPE=CELL,VOICE:+7 (906) {}\r\n{work}\
             EMAIL:ivanov{i}@example.com\r\nNOTE:Позвонить после обеда\\, договор {i}\r\nEND:VCARD\r\n",
            i % 1000,
            mobile(i),
        )
    };
    (0..people).map(card).collect()
}

pub(crate) fn csv(people: usize) -> String {
    let row = |i: usize| {
        let work = match i % 2 {
            0 => format!("8 495 {:07} доб. {}", i % 10_000_000, i % 900 + 100),
            _ => String::new(),
        };
        format!(
            "Иван Иванов{i};ООО Компания {};+7 (906) {};{work};Позвонить после обеда, договор {i}\r\n",
            i % 1000,
            mobile(i),
        )
    };
    let heading = "ФИО;Компания;Мобильный телефон;Рабочий телефон;Примечание\r\n".to_owned();
    std::iter::once(heading)
        .chain((0..people).map(row))
        .collect()
}

fn mobile(i: usize) -> String {
    format!(
        "{:03}-{:02}-{:02}",
        i / 10_000 % 1000,
        i / 100 % 100,
        i % 100
    )
}
