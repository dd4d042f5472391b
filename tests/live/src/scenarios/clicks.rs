//! Calls that begin with a click: the agent's phone rings first.

use crate::Take;
use crate::take::TRUNK_PHONE;
use anyhow::Result;

const CUSTOMER: &str = "979161112233";

pub(super) fn answered(take: &Take<'_>) -> Result<()> {
    take.click("101", CUSTOMER)?;
    let agent = take.answers("101")?;
    take.answers(TRUNK_PHONE)?;
    take.talk()?;
    take.hang_up(agent)
}

pub(super) fn rejected(take: &Take<'_>) -> Result<()> {
    take.click("101", CUSTOMER)?;
    let agent = take.rings("101")?;
    take.let_ring();
    take.rejects(agent, 486)?;
    take.event(|event| event.is("OriginateResponse")).map(drop)
}

pub(super) fn busy(take: &Take<'_>) -> Result<()> {
    take.click("101", CUSTOMER)?;
    let agent = take.answers("101")?;
    let customer = take.rings(TRUNK_PHONE)?;
    take.rejects(customer, 486)?;
    take.ended(agent)
}

pub(super) fn no_answer(take: &Take<'_>) -> Result<()> {
    take.click("101", CUSTOMER)?;
    let agent = take.answers("101")?;
    let customer = take.rings(TRUNK_PHONE)?;
    take.let_ring();
    take.hang_up(agent)?;
    take.ended(customer)
}

pub(super) fn cancelled(take: &Take<'_>) -> Result<()> {
    take.click("101", CUSTOMER)?;
    let agent = take.rings("101")?;
    take.let_ring();
    take.action(&[("Action", "Hangup"), ("Channel", &take.channel("101")?)])?;
    take.ended(agent)
}

pub(super) fn then_transfer_to_queue(take: &Take<'_>) -> Result<()> {
    take.click("101", CUSTOMER)?;
    let agent = take.answers("101")?;
    let customer = take.answers(TRUNK_PHONE)?;
    take.talk()?;
    take.refers(agent, "600")?;
    let other = take.rings("103")?;
    take.answers("102")?;
    take.ended(other)?;
    take.ended(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn agents_voicemail(take: &Take<'_>) -> Result<()> {
    take.click("102", CUSTOMER)?;
    let agent = take.rings("102")?;
    take.let_ring();
    take.rejects(agent, 486)?;
    // Nobody is there, but Asterisk calls the customer.
    let customer = take.answers(TRUNK_PHONE)?;
    take.talk()?;
    take.hang_up(customer)
}
