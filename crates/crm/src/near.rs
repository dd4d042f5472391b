//! “Did you mean …?” for slips of the keyboard.

/// `; did you mean “base”?` or nothing.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let best = known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .min();
    match best {
        Some((steps, candidate))
            if steps <= 2.max(word.chars().count() / 3) && steps < candidate.chars().count() =>
        {
            format!("; did you mean “{candidate}”?")
        }
        Some(_) | None => String::new(),
    }
}

/// Letters to add, drop, change or swap with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    // Nobody mistypes more than that, and the table is of both lengths.
    let one: Vec<char> = one.chars().take(64).collect();
    let other: Vec<char> = other.chars().take(64).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, c) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, d) in other.iter().enumerate() {
            let changed = rows[i][j] + usize::from(c != d);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *c == other[j - 1] && one[i - 1] == *d {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["base", "headers", "timeout_ms"];
        assert_eq!(nearest("bsae", known), "; did you mean “base”?");
        assert_eq!(nearest("header", known), "; did you mean “headers”?");
        assert_eq!(nearest("timeout", known), "");
        assert_eq!(nearest("colour", known), "");
    }
}
