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
    take.talk();
    take.talk();
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
            take.talk();
            take.hang_up(customer)?;
        }
    }
    Ok(())
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
    take.talk();
    take.action(&[("Action", "StopMixMonitor"), ("Channel", &channel)])?;
    take.hang_up(spy)?;
    take.talk();
    take.hang_up(customer)
}

pub(super) fn recorded(take: &Take<'_>) -> Result<()> {
    let customer = take.customer_calls("On tape", Line::Recorded)?;
    let agent = take.answers("101")?;
    take.talk();
    take.hang_up(agent)?;
    take.ended(customer)
}
