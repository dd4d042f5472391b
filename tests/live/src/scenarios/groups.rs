//! Calls to several people: groups, queues, followed extensions, a menu.

use crate::take::{Line, TRUNK_PHONE, Take};
use anyhow::Result;
use testkit::phones::PhoneCall;

pub(super) fn ring_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Group", Line::Group)?;
    let other = take.rings("101")?;
    take.answers("102")?;
    take.ended(other)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn ring_group_missed(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Nobody there", Line::Group)?;
    let one = take.rings("101")?;
    let other = take.rings("102")?;
    take.let_ring();
    take.hang_up(customer)?;
    take.ended(one)?;
    take.ended(other)
}

pub(super) fn hunt_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Hunter", Line::Hunt)?;
    for phone in ["103", "104"] {
        let unanswered = take.rings(phone)?;
        take.ended(unanswered)?;
    }
    take.answers("101")?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn queue_ring_all(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Очередь", Line::Queue)?;
    let agent = take.rings("102")?;
    let other = take.rings("103")?;
    take.let_ring();
    take.rejects(other, 486)?;
    take.let_ring();
    take.answer(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn queue_in_order(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("In order", Line::QueueInOrder)?;
    let unanswered = take.rings("103")?;
    take.ended(unanswered)?;
    let agent = take.answers("104")?;
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(customer)
}

pub(super) fn queue_abandoned(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Impatient", Line::Queue)?;
    let one = take.rings("102")?;
    let other = take.rings("103")?;
    take.let_ring();
    take.hang_up(customer)?;
    take.ended(one)?;
    take.ended(other)
}

pub(super) fn queue_two_callers(take: &Take<'_>) -> Result<()> {
    let first = take.customer_calls("First", Line::Queue)?;
    let offered = take.rings("103")?;
    take.answers("102")?;
    take.ended(offered)?;
    let second = take.customer_calls("Second", Line::Queue)?;
    let agent = take.answers("103")?;
    take.talk()?;
    take.hang_up(first)?;
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(second)
}

pub(super) fn queue_agent_gets_second_call(take: &Take<'_>) -> Result<()> {
    let first = take.customer_calls("Of the queue", Line::Queue)?;
    let offered = take.rings("102")?;
    let with_first = take.answers("103")?;
    take.ended(offered)?;
    take.talk()?;
    let second = take.customer_calls("Direct", Line::Extension103)?;
    let with_second = take.rings("103")?;
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

pub(super) fn queue_then_attended_transfer(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = queue_talks(take, "Passed on")?;
    take.hold(agent)?;
    let consultation = take.dials("102", "105")?;
    let colleague = take.answers("105")?;
    take.answered(consultation)?;
    take.talk()?;
    take.joins(agent, consultation)?;
    take.ended(agent)?;
    take.ended(consultation)?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn queue_then_transfer_to_queue(take: &Take<'_>) -> Result<()> {
    let (customer, agent) = queue_talks(take, "From queue to queue")?;
    take.refers(agent, "601")?;
    take.answers("103")?;
    take.ended(agent)?;
    take.talk()?;
    take.hang_up(customer)
}

/// 102 takes a caller of the queue whom 103 is offered too.
fn queue_talks(take: &Take<'_>, name: &str) -> Result<(PhoneCall, PhoneCall)> {
    let customer = take.customer_calls(name, Line::Queue)?;
    let offered = take.rings("103")?;
    let agent = take.answers("102")?;
    take.ended(offered)?;
    take.talk()?;
    Ok((customer, agent))
}

pub(super) fn queue_pickup(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Picked up", Line::QueueInOrder)?;
    let ringing = take.rings("103")?;
    take.let_ring();
    let colleague = take.dials("101", "*8103")?;
    take.answered(colleague)?;
    take.ended(ringing)?;
    take.talk()?;
    take.hang_up(customer)?;
    take.ended(colleague)
}

pub(super) fn follow_me(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Follower", Line::FollowMe)?;
    followed(take)?;
    take.hang_up(customer)
}

pub(super) fn follow_me_in_a_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Deep", Line::FollowedGroup)?;
    followed(take)?;
    take.hang_up(customer)
}

pub(super) fn follow_me_confirmed(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Confirmed", Line::FollowMeConfirmed)?;
    let desk = take.rings("104")?;
    let mobile = asked(take)?;
    take.presses(mobile, "1")?;
    take.ended(desk)?;
    take.talk()?;
    take.hang_up(mobile)?;
    take.ended(customer)
}

pub(super) fn follow_me_declined(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Declined", Line::FollowMeConfirmed)?;
    let desk = take.rings("104")?;
    let mobile = asked(take)?;
    take.presses(mobile, "2")?;
    take.ended(mobile)?;
    take.rejects(desk, 486)?;
    take.answered(customer)?;
    take.talk()?;
    take.hang_up(customer)
}

/// The mobile phone is picked up and hears the question.
fn asked(take: &Take<'_>) -> Result<PhoneCall> {
    let mobile = take.answers(TRUNK_PHONE)?;
    take.event(|event| event.is("Newexten") && event.get("Application") == Some("Read"))?;
    take.let_ring();
    Ok(mobile)
}

fn followed(take: &Take<'_>) -> Result<()> {
    let desk = take.rings("104")?;
    take.answers(TRUNK_PHONE)?;
    take.ended(desk)?;
    take.talk()?;
    Ok(())
}

pub(super) fn menu_then_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Menu", Line::Menu)?;
    take.answered(customer)?;
    take.talk()?;
    take.presses(customer, "1")?;
    let other = take.rings("102")?;
    let agent = take.answers("101")?;
    take.ended(other)?;
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(customer)
}
