//! The world's numbering plans, as Google's library knows them.
//!
//! Only the plans of countries that really occur are unpacked: each costs some 10 KiB and the
//! whole world 4.5 MiB, a third of what the resident agent may use. The plans in use are kept in
//! one table behind a lock that is held for pointer copies only.

mod shortcut;

use crate::Region;
use prost::{Message, bytes::Bytes};
use rlibphonenumber::{
    ParseError, PhoneMetadata, PhoneMetadataCollection, PhoneNumber, PhoneNumberFormat,
    PhoneNumberType, PhoneNumberUtil,
};
use shortcut::Shortcut;
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

/// A number of some country's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) e164: String,
    /// The country has such numbers; otherwise only the length fits.
    pub(crate) valid: bool,
}

/// The calling code without `+`; None for what is not a country with phones.
pub(crate) fn calling_code(region: Region) -> Option<u16> {
    WORLD
        .iter()
        .find(|plan| plan.region == region.id())
        .map(|plan| plan.code)
}

/// Every country and territory with a plan, in the order of their codes.
pub(crate) fn countries() -> Vec<Region> {
    let mut countries: Vec<Region> = WORLD
        .iter()
        .filter_map(|plan| plan.region.as_region_str().parse().ok())
        .collect();
    countries.sort_unstable_by_key(ToString::to_string);
    countries
}

/// Finds the number that `digits` (a `+` or none, then digits) means in `country`.
///
/// Without a `+` only numbers that some plan really has are found: any ten digits would be
/// "possible" otherwise.
pub(crate) fn find(digits: &str, country: Region, area_code: &str) -> Option<Found> {
    if digits.len() < 3 || digits.contains(['*', '#']) {
        return None;
    }
    let found = find_whole(digits, country);
    if area_code.is_empty() || digits.starts_with('+') || found.as_ref().is_some_and(|f| f.valid) {
        return found;
    }
    find_whole(&format!("{area_code}{digits}"), country).filter(|found| found.valid)
}

fn find_whole(digits: &str, country: Region) -> Option<Found> {
    let explicit = digits.starts_with('+');
    let own_code = calling_code(country)?;
    let code = if explicit {
        code_of(&digits[1..])?
    } else {
        own_code
    };
    let plans = plans([own_code, code])?;
    if let Some(number) = plans.shortcut(digits, code, country)
        && plans.util.is_valid_number(&number)
    {
        return Some(Found {
            e164: e164(&number),
            valid: true,
        });
    }
    let (plans, number) = match plans.util.parse(digits, Some(country.id())) {
        Ok(number) => (plans, number),
        // An international prefix of the country was stripped and what follows is not loaded.
        Err(ParseError::InvalidCountryCode) if !explicit => {
            let behind = (1..digits.len().min(9)).filter_map(|at| code_of(&digits[at..]));
            let plans = self::plans(behind.chain([own_code]))?;
            let number = plans.util.parse(digits, Some(country.id())).ok()?;
            (plans, number)
        }
        Err(_) => return None,
    };
    let valid = plans.util.is_valid_number(&number);
    let abroad = u16::try_from(number.country_code) != Ok(own_code);
    let possible = (explicit || abroad) && plans.util.is_possible_number(&number);
    (valid || possible).then(|| Found {
        e164: e164(&number),
        valid,
    })
}

pub(crate) fn international(e164: &str) -> String {
    format(e164, PhoneNumberFormat::International)
}

pub(crate) fn national(e164: &str) -> String {
    format(e164, PhoneNumberFormat::National)
}

/// Whether the number is of this country and not of a neighbour with the same calling code.
pub(crate) fn is_of(e164: &str, country: Region) -> bool {
    let Some((plans, number)) = parsed(e164) else {
        return false;
    };
    match plans.util.get_region_for_number(&number) {
        Some(region) => region == country.id(),
        None => calling_code(country) == u16::try_from(number.country_code).ok(),
    }
}

/// Whether the caller pays more than a call costs.
pub(crate) fn is_premium_rate(e164: &str) -> bool {
    parsed(e164).is_some_and(|(plans, number)| {
        plans.util.get_number_type(&number) == PhoneNumberType::PremiumRate
    })
}

/// The calling code at the start of an E.164 number's digits. No code is the start of another.
pub(crate) fn code_of(digits: &str) -> Option<u16> {
    (1..=3).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        IS_CODE[usize::from(code)].then_some(code)
    })
}

/// How many digits the calling code has at the start of so many digits, which are packed into a number.
pub(crate) fn code_length(value: u64, digits: usize) -> Option<usize> {
    (1..=3.min(digits)).find(|length| {
        let code = value / 10_u64.pow((digits - length) as u32);
        let is_whole = code >= 10_u64.pow(*length as u32 - 1);
        is_whole && usize::try_from(code).is_ok_and(|code| IS_CODE.get(code) == Some(&true))
    })
}

/// The digits behind the calling code.
pub(crate) fn without_code(e164: &str) -> Option<&str> {
    let digits = e164.strip_prefix('+')?;
    digits.strip_prefix(code_of(digits)?.to_string().as_str())
}

/// What is dialled for a number inside its own country; the digits alone where nothing goes before them.
pub(crate) fn trunk(e164: &str) -> Option<String> {
    let (plans, number) = parsed(e164)?;
    let region = plans.util.get_region_for_number(&number);
    let main = || plans.util.get_region_for_country_code(number.country_code);
    let region = region.or_else(main)?;
    let prefix = metadata_of(region)?.national_prefix.unwrap_or_default();
    Some(format!("{prefix}{}", without_code(e164)?))
}

/// What is dialled in `country` before a calling code: `810`, `00`, `011`.
pub(crate) fn international_prefix(country: Region) -> String {
    let prefix = metadata(country).and_then(|plan| {
        let preferred = plan.preferred_international_prefix.clone();
        preferred.or_else(|| shortcut::literal(shortcut::international_prefix(&plan)))
    });
    let digits: String = prefix
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if digits.is_empty() {
        "00".to_owned()
    } else {
        digits
    }
}

fn metadata(country: Region) -> Option<PhoneMetadata> {
    metadata_of(country.id())
}

fn metadata_of(region: rlibphonenumber::Region) -> Option<PhoneMetadata> {
    let plan = WORLD.iter().find(|plan| plan.region == region)?;
    PhoneMetadata::decode(plan.packed.clone()).ok()
}

fn parsed(e164: &str) -> Option<(Arc<Plans>, PhoneNumber)> {
    let plans = plans([code_of(e164.strip_prefix('+')?)?])?;
    let number = plans.util.parse(e164, None).ok()?;
    Some((plans, number))
}

fn format(e164: &str, format: PhoneNumberFormat) -> String {
    match parsed(e164) {
        Some((plans, number)) => plans.util.format(&number, format).into_owned(),
        None => e164.to_owned(),
    }
}

fn e164(number: &PhoneNumber) -> String {
    let zeros = match number.italian_leading_zero {
        Some(true) => usize::try_from(number.number_of_leading_zeros.unwrap_or(1)).unwrap_or(1),
        Some(false) | None => 0,
    };
    format!(
        "+{}{}{}",
        number.country_code,
        "0".repeat(zeros.min(10)),
        number.national_number
    )
}

/// One country's plan, still packed.
struct PackedPlan {
    region: rlibphonenumber::Region,
    code: u16,
    packed: Bytes,
}

/// The fields of Google's `PhoneMetadataCollection` and `PhoneMetadata` that an index needs.
#[derive(Clone, PartialEq, Message)]
struct Collection {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    metadata: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "9")]
    id: String,
    #[prost(uint32, tag = "10")]
    country_code: u32,
}

static WORLD: LazyLock<Vec<PackedPlan>> = LazyLock::new(|| {
    // The slices point into the program file: nothing is copied here.
    let packed = Bytes::from_static(include_bytes!("../metadata/metadata.bin"));
    let collection = Collection::decode(packed).unwrap_or_default();
    let plan = |packed: Bytes| {
        let header = Header::decode(packed.clone()).ok()?;
        let region = rlibphonenumber::Region::from_code(&header.id).ok()?;
        let code = header.country_code.try_into().ok()?;
        Some(PackedPlan {
            region,
            code,
            packed,
        })
    };
    collection.metadata.into_iter().filter_map(plan).collect()
});

/// For every number of up to three digits, whether it is a calling code.
static IS_CODE: LazyLock<[bool; 1000]> = LazyLock::new(|| {
    let mut is_code = [false; 1000];
    for plan in WORLD.iter() {
        if let Some(is_code) = is_code.get_mut(usize::from(plan.code)) {
            *is_code = true;
        }
    }
    is_code
});

/// The plans that are unpacked. Replaced as a whole when another country occurs.
struct Plans {
    codes: BTreeSet<u16>,
    util: PhoneNumberUtil,
    shortcuts: Vec<(rlibphonenumber::Region, Shortcut)>,
}

static PLANS: RwLock<Option<Arc<Plans>>> = RwLock::new(None);

fn plans(codes: impl IntoIterator<Item = u16> + Clone) -> Option<Arc<Plans>> {
    let loaded = PLANS.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(plans) = &loaded
        && codes
            .clone()
            .into_iter()
            .all(|code| plans.codes.contains(&code))
    {
        return loaded;
    }
    let mut wanted: BTreeSet<u16> = codes.into_iter().collect();
    wanted.extend(loaded.iter().flat_map(|plans| &plans.codes));
    let plans = Arc::new(Plans::unpack(wanted)?);
    *PLANS.write().unwrap_or_else(PoisonError::into_inner) = Some(plans.clone());
    Some(plans)
}

impl Plans {
    fn unpack(codes: BTreeSet<u16>) -> Option<Self> {
        let metadata: Vec<PhoneMetadata> = WORLD
            .iter()
            .filter(|plan| codes.contains(&plan.code))
            .filter_map(|plan| PhoneMetadata::decode(plan.packed.clone()).ok())
            .collect();
        let shortcut = |plan: &PhoneMetadata| {
            Some((
                rlibphonenumber::Region::from_code(&plan.id).ok()?,
                Shortcut::of(plan)?,
            ))
        };
        let shortcuts = metadata.iter().filter_map(shortcut).collect();
        let util = PhoneNumberUtil::new_for_metadata(PhoneMetadataCollection { metadata }).ok()?;
        Some(Self {
            codes,
            util,
            shortcuts,
        })
    }

    /// With a `+` the main country of the calling code decides, without one the own country.
    fn shortcut(&self, digits: &str, code: u16, country: Region) -> Option<PhoneNumber> {
        match digits.strip_prefix('+') {
            Some(digits) => {
                let main = self.util.get_region_for_country_code(code.into())?;
                self.shortcut_of(main)?.international(digits)
            }
            None => self.shortcut_of(country.id())?.national(digits),
        }
    }

    fn shortcut_of(&self, region: rlibphonenumber::Region) -> Option<&Shortcut> {
        let (_, shortcut) = self.shortcuts.iter().find(|(of, _)| *of == region)?;
        Some(shortcut)
    }
}

#[cfg(test)]
mod tests;
