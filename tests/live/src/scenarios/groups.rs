//! Calls to several people: groups, queues, followed extensions, a menu.

use crate::take::{Line, TRUNK_PHONE, Take};
use anyhow::Result;

pub(super) fn ring_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Group", Line::Group)?;
    let other = take.rings("101")?;
    take.answers("102")?;
    take.ended(other)?;
    take.talk();
    take.hang_up(customer)
}

pub(super) fn hunt_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Hunter", Line::Hunt)?;
    for phone in ["103", "104"] {
        let unanswered = take.rings(phone)?;
        take.ended(unanswered)?;
    }
    take.answers("101")?;
    take.talk();
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
    take.talk();
    take.hang_up(customer)
}

pub(super) fn queue_in_order(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("In order", Line::QueueInOrder)?;
    let unanswered = take.rings("103")?;
    take.ended(unanswered)?;
    let agent = take.answers("104")?;
    take.talk();
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

fn followed(take: &Take<'_>) -> Result<()> {
    let desk = take.rings("104")?;
    take.answers(TRUNK_PHONE)?;
    take.ended(desk)?;
    take.talk();
    Ok(())
}

pub(super) fn menu_then_group(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Menu", Line::Menu)?;
    take.answered(customer)?;
    take.talk();
    take.presses(customer, "1")?;
    let other = take.rings("102")?;
    let agent = take.answers("101")?;
    take.ended(other)?;
    take.talk();
    take.hang_up(agent)?;
    take.ended(customer)
}
