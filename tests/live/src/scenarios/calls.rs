//! Calls of one customer with one person.

use crate::take::{Line, TRUNK_PHONE, Take};
use anyhow::Result;
use testkit::phones::Customer;

pub(super) fn answered(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Ада Лавлейс", Line::Extension101)?;
    take.answers("101")?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn agent_hangs_up(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Grace", Line::Extension101)?;
    let agent = take.answers("101")?;
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(customer)
}

pub(super) fn missed(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Patient", Line::Extension101)?;
    let agent = take.rings("101")?;
    take.ended(agent)?;
    take.ended(customer)
}

pub(super) fn caller_gives_up(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Impatient", Line::Extension101)?;
    let agent = take.rings("101")?;
    take.let_ring();
    take.hang_up(customer)?;
    take.ended(agent)
}

pub(super) fn rejected(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Unwanted", Line::Extension101)?;
    let agent = take.rings("101")?;
    take.let_ring();
    take.rejects(agent, 486)?;
    take.ended(customer)
}

pub(super) fn agent_offline(take: &Take<'_>) -> Result<()> {
    let phones = &take.stage().phones;
    phones.unregister("101")?;
    let ended = take
        .customer_calls("Too late", Line::Extension101)
        .and_then(|customer| take.ended(customer));
    phones.register("101")?;
    ended
}

pub(super) fn anonymous(take: &Take<'_>) -> Result<()> {
    let customer = take.calls(&Customer::anonymous(), Line::Extension101)?;
    take.answers("101")?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn outgoing(take: &Take<'_>) -> Result<()> {
    let agent = take.dials("104", "979161112233")?;
    let customer = take.answers(TRUNK_PHONE)?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(agent)
}

pub(super) fn outgoing_busy(take: &Take<'_>) -> Result<()> {
    let agent = take.dials("104", "979161112233")?;
    let customer = take.rings(TRUNK_PHONE)?;
    take.let_ring();
    take.rejects(customer, 486)?;
    // FreePBX plays the busy tone for a while.
    take.leaves(agent)
}

pub(super) fn outgoing_second_trunk(take: &Take<'_>) -> Result<()> {
    let agent = take.dials("104", "979161112233")?;
    let full = take.rings(TRUNK_PHONE)?;
    take.rejects(full, 503)?;
    let customer = take.answers(TRUNK_PHONE)?;
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(customer)
}

pub(super) fn forwarded(take: &Take<'_>) -> Result<()> {
    let asterisk = &take.stage().asterisk;
    asterisk.cli("database put CF 103 979160009988")?;
    let done = take
        .customer_calls("Forwarded", Line::Extension103)
        .and_then(|customer| {
            let mobile = take.answers(TRUNK_PHONE)?;
            take.talk()?;
            take.hang_up(mobile)?;
            take.ended(customer)
        });
    asterisk.cli("database del CF 103")?;
    done
}

pub(super) fn internal(take: &Take<'_>) -> Result<()> {
    let caller = take.dials("101", "105")?;
    let first = take.rings("105")?;
    take.answers("105b")?;
    take.ended(first)?;
    take.talk()?;
    take.hang_up(caller)
}

pub(super) fn hold(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("On hold", Line::Extension101)?;
    let agent = take.answers("101")?;
    take.talk()?;
    take.hold(agent)?;
    take.talk()?;
    take.unhold(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn call_waiting(take: &Take<'_>) -> Result<()> {
    let first = take.customer_calls("First", Line::Extension101)?;
    let with_first = take.answers("101")?;
    take.talk()?;
    let second = take.customer_calls("Second", Line::Extension101)?;
    let with_second = take.rings("101")?;
    take.let_ring();
    take.hold(with_first)?;
    take.answer(with_second)?;
    take.talk()?;
    take.hang_up(second)?;
    take.ended(with_second)?;
    take.unhold(with_first)?;
    take.talk()?;
    take.hang_up(first)
}

pub(super) fn two_phones(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Two phones", Line::Extension105)?;
    let first = take.rings("105")?;
    let second = take.answers("105b")?;
    take.ended(first)?;
    take.talk()?;
    take.hang_up(second)?;
    take.ended(customer)
}
