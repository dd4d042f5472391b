//! Calls that change hands: transfers, parking, pickup, rooms.

use crate::take::{Line, Take};
use anyhow::{Context as _, Result};
use testkit::phones::PhoneCall;

/// A customer talks with 101; both legs.
fn talking(take: &Take<'_>, name: &str) -> Result<(PhoneCall, PhoneCall)> {
    let customer = take.customer_calls(name, Line::Extension101)?;
    let agent = take.answers("101")?;
    take.answered(customer)?;
    take.talk()?;
    Ok((customer, agent))
}

pub(super) fn blind_refer(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Referred")?;
    take.refers(agent, "103")?;
    take.answers("103")?;
    take.ended(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn blind_ami(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Sent on")?;
    // The channel of who transfers: with the customer's, it is the customer who is thrown out.
    take.action(&[
        ("Action", "BlindTransfer"),
        ("Channel", &take.channel("101")?),
        ("Context", take.stage().configuration.context()),
        ("Exten", "103"),
    ])?;
    take.answers("103")?;
    take.ended(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn blind_busy(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Unlucky", Line::Extension103)?;
    let agent = take.answers("103")?;
    take.answered(customer)?;
    take.talk()?;
    take.refers(agent, "101")?;
    let busy = take.rings("101")?;
    take.rejects(busy, 486)?;
    take.ended(customer)?;
    take.leaves(agent)
}

pub(super) fn blind_to_mailbox(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Put off")?;
    take.refers(agent, "104")?;
    let unanswered = take.rings("104")?;
    take.ended(agent)?;
    take.ended(unanswered)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn attended_refer(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Announced")?;
    take.hold(agent)?;
    let consultation = take.dials("101", "103")?;
    let colleague = take.answers("103")?;
    take.answered(consultation)?;
    take.talk()?;
    take.joins(agent, consultation)?;
    take.ended(agent)?;
    take.ended(consultation)?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn attended_ami(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Announced")?;
    take.action(&[
        ("Action", "Atxfer"),
        ("Channel", &take.channel("101")?),
        ("Context", take.stage().configuration.context()),
        ("Exten", "103"),
    ])?;
    let colleague = take.answers("103")?;
    take.talk()?;
    take.hang_up(agent)?;
    take.event(|event| event.is("AttendedTransfer"))?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn blind_keys(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "By keys")?;
    take.presses(agent, "#1")?;
    take.event(|event| event.is("MusicOnHoldStart"))?;
    take.presses(agent, "103")?;
    take.answers("103")?;
    take.ended(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn attended_keys(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "By keys")?;
    take.presses(agent, "*2")?;
    take.event(|event| event.is("MusicOnHoldStart"))?;
    take.presses(agent, "103")?;
    let colleague = take.answers("103")?;
    take.talk()?;
    take.hang_up(agent)?;
    take.event(|event| event.is("AttendedTransfer"))?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn attended_given_up(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Kept")?;
    take.hold(agent)?;
    let consultation = take.dials("101", "103")?;
    let colleague = take.rings("103")?;
    take.let_ring();
    take.hang_up(consultation)?;
    take.ended(colleague)?;
    take.unhold(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn twice(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Far")?;
    take.refers(agent, "103")?;
    let second = take.answers("103")?;
    take.ended(agent)?;
    take.talk()?;
    take.refers(second, "104")?;
    take.answers("104")?;
    take.ended(second)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn redirect(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Taken away")?;
    take.action(&[
        ("Action", "Redirect"),
        ("Channel", &take.channel("trunk")?),
        ("Context", take.stage().configuration.context()),
        ("Exten", "103"),
        ("Priority", "1"),
    ])?;
    take.ended(agent)?;
    take.answers("103")?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn park_and_pickup(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Parked")?;
    take.refers(agent, "700")?;
    let parked = take.event(|event| event.is("ParkedCall"))?;
    let slot = parked
        .get("ParkingSpace")
        .context("a parked call has a slot")?;
    let colleague = take.dials("102", slot)?;
    take.answered(colleague)?;
    take.event(|event| event.is("UnParkedCall"))?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn park_timeout(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Forgotten")?;
    take.refers(agent, "700")?;
    take.event(|event| event.is("ParkedCallTimeOut"))?;
    take.answers("101")?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn directed_pickup(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Picked up", Line::Extension101)?;
    let ringing = take.rings("101")?;
    take.let_ring();
    let colleague = take.dials("102", "*8101")?;
    take.answered(colleague)?;
    take.ended(ringing)?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn conference(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = talking(take, "Conferee")?;
    let context = take.stage().configuration.context();
    take.action(&[
        ("Action", "Redirect"),
        ("Channel", &take.channel("trunk")?),
        ("ExtraChannel", &take.channel("101")?),
        ("Context", context),
        ("ExtraContext", context),
        ("Exten", "800"),
        ("ExtraExten", "800"),
        ("Priority", "1"),
        ("ExtraPriority", "1"),
    ])?;
    let colleague = take.dials("102", "800")?;
    take.answered(colleague)?;
    take.event(|event| {
        event.is("ConfbridgeJoin")
            && event
                .get("Channel")
                .is_some_and(|name| name.starts_with("PJSIP/102-"))
    })?;
    take.talk()?;
    take.hang_up(colleague)?;
    take.talk()?;
    take.hang_up(agent)?;
    take.hang_up(customer)
}
