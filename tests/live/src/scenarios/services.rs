//! What Asterisk itself answers or does beside the call: mailbox, do not disturb, recording, listening.

use crate::take::{Line, Take};
use anyhow::Result;

pub(super) fn voicemail(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Messenger", Line::Mailbox104)?;
    let agent = take.rings("104")?;
    take.ended(agent)?;
    take.answered(customer)?;
    // Cuts the greeting short, and the message begins.
    take.presses(customer, "#")?;
    take.talk()?;
    take.talk()?;
    take.hang_up(customer)?;
    take.event(|event| event.is("MessageWaiting")).map(drop)
}

pub(super) fn do_not_disturb(take: &Take<'_>) -> Result<()> {
    for code in ["*78", "*79"] {
        let agent = take.dials("101", code)?;
        take.ended(agent)?;
        let customer = take.customer_calls("Disturber", Line::Extension101)?;
        if code == "*78" {
            take.ended(customer)?;
        } else {
            take.answers("101")?;
            take.talk()?;
            take.hang_up(customer)?;
        }
    }
    Ok(())
}

pub(super) fn busy_hour(take: &Take<'_>) -> Result<()> {
    let held = take.customer_calls("Held", Line::Extension101)?;
    let holder = take.answers("101")?;
    let twice = take.customer_calls("Twice", Line::Extension105)?;
    let first_phone = take.rings("105")?;
    take.let_ring();
    let queued = take.customer_calls("Queued", Line::Queue)?;
    let offered = take.rings("102")?;
    take.hold(holder)?;
    let agent = take.answers("103")?;
    take.ended(offered)?;
    take.answer(first_phone)?;
    take.talk()?;
    take.unhold(holder)?;
    take.hang_up(twice)?;
    take.talk()?;
    take.hang_up(held)?;
    // Several customers are told apart by when they came and went.
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(queued)
}

pub(super) fn spy_and_recording(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("Overheard", Line::Extension101)?;
    take.answers("101")?;
    take.answered(customer)?;
    let channel = take.channel("101")?;
    take.action(&[
        ("Action", "MixMonitor"),
        ("Channel", &channel),
        ("File", "overheard.wav"),
    ])?;
    take.action(&[
        ("Action", "Originate"),
        ("Channel", "PJSIP/103"),
        ("ChannelId", "spy"),
        ("Application", "ChanSpy"),
        ("Data", &format!("{channel},q")),
        ("Async", "true"),
    ])?;
    let spy = take.answers("103")?;
    take.event(|event| event.is("ChanSpyStart"))?;
    take.talk()?;
    take.action(&[("Action", "StopMixMonitor"), ("Channel", &channel)])?;
    take.hang_up(spy)?;
    take.talk()?;
    take.hang_up(customer)
}

pub(super) fn recorded(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("On tape", Line::Recorded)?;
    let agent = take.answers("101")?;
    take.talk()?;
    take.hang_up(agent)?;
    take.ended(customer)
}
